// SPDX-License-Identifier: Apache-2.0
//! Compiles a seccomp profile: `linux.seccomp` as JSON on standard input, the filter on standard output.
//!
//! Standard error gets `flags N`; with an argument N, also the microseconds of the fastest of N compilations.

use estiba_engine::{seccomp, spec::seccomp::Profile};
use std::io::{Read, Write};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let compile = || -> Result<seccomp::Filter, Box<dyn std::error::Error>> {
        let profile: Profile<'_> = serde_json::from_str(&text)?;
        Ok(seccomp::compile(&profile)?)
    };
    let filter = compile()?;
    let mut report = std::io::stderr().lock();
    writeln!(report, "flags {}", filter.flags)?;
    if let Some(count) = std::env::args().nth(1) {
        let mut fastest = None;
        for _ in 0..count.parse::<u32>()? {
            let start = Instant::now();
            compile()?;
            let took = start.elapsed();
            fastest = Some(fastest.map_or(took, |known| took.min(known)));
        }
        writeln!(report, "microseconds {}", fastest.unwrap_or_default().as_micros())?;
    }
    std::io::stdout().write_all(&filter.program)?;
    Ok(())
}
