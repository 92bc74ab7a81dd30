// SPDX-License-Identifier: Apache-2.0
//! Whatever text comes in as config.json, the prover and the planner answer and never panic.

use estiba_engine::cgroup::Layout;
use estiba_engine::host::Host;
use estiba_engine::spec::seccomp::Profile;
use estiba_engine::{plan, seccomp, spec};
use std::fs;
use std::path::Path;

/// xorshift64: the same mutations on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % n as u64) as usize
    }
}

const PIECES: [&str; 12] = [
    "null",
    "{}",
    "[]",
    "\"\"",
    "-1",
    "18446744073709551615",
    "\"..\"",
    "\"\\u0000\"",
    "true",
    "\"/\"",
    "1e9",
    "\"a:b:c\"",
];

/// Replaces, cuts or repeats some part of the text.
fn mutate(text: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(text.len());
    match random.below(4) {
        0 => {
            let end = (at + random.below(40)).min(text.len());
            text.drain(at..end);
        }
        1 => {
            let end = (at + random.below(60)).min(text.len());
            let part = text[at..end].to_vec();
            text.splice(at..at, part);
        }
        2 => text[at] = b" \"{}[]:,019azAZ/.\\"[random.below(18)],
        _ => {
            // A value for a value: from a colon to the next comma or bracket.
            let colon = text[at..].iter().position(|&byte| byte == b':').map(|n| at + n + 1);
            let Some(start) = colon else { return };
            let end = text[start..].iter().position(|&byte| matches!(byte, b',' | b'}' | b']'));
            let Some(end) = end.map(|n| start + n) else { return };
            let piece = PIECES[random.below(PIECES.len())];
            text.splice(start..end, piece.bytes());
        }
    }
    if text.is_empty() {
        text.push(b'{');
    }
}

fn feed(text: &[u8], host: &Host) -> bool {
    let _ = spec::prove::prove(text);
    let Ok(spec) = spec::parse(text) else { return false };
    let profile = spec.linux.seccomp.and_then(|text| Profile::parse(text).ok());
    let filter = profile.and_then(|profile| seccomp::compile(&profile).ok());
    let options = plan::Options {
        id: "ID",
        bundle: "/bundle",
        gate: true,
        seccomp: filter.as_ref().map(|filter| (&filter.program[..], filter.flags)),
        ..Default::default()
    };
    match plan::create(&spec, host, &options) {
        Ok(plan) => !plan.to_string().is_empty(),
        Err(_) => false,
    }
}

fn host() -> Host {
    Host {
        uid: 0,
        gid: 0,
        capabilities: u64::MAX,
        layout: Layout::pure_v2("/sys/fs/cgroup"),
        has_selinux: false,
        has_apparmor: true,
        runs_foreign: false,
    }
}

#[test]
fn no_input_that_a_fuzzer_has_found_panics() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fuzz/corpus"));
    let fed =
        fs::read_dir(folder).unwrap().map(|entry| feed(&fs::read(entry.unwrap().path()).unwrap(), &host()));
    assert!(fed.count() > 50);
}

#[test]
fn no_mutation_of_a_recorded_config_panics() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/recorded"));
    let host = host();
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut planned = 0;
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    for path in names.iter().filter(|path| path.extension().is_some_and(|kind| kind == "json")) {
        let original = fs::read(path).unwrap();
        for _ in 0..60 {
            let mut text = original.clone();
            for _ in 0..=random.below(4) {
                mutate(&mut text, &mut random);
            }
            planned += usize::from(feed(&text, &host));
        }
    }
    assert!(planned > 500, "too few mutations were still configs: {planned}");
}
