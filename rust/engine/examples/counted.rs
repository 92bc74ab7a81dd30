// SPDX-License-Identifier: Apache-2.0
//! Does pure work N times for a tool that counts instructions: `counted prove|known|plan|filter N`, config.json on standard
//! input. What one time costs is the difference between two N, so start-up is not in it and no symbols are needed.

use estiba_engine::cgroup::{Dir, Layout};
use estiba_engine::host::Host;
use estiba_engine::spec::prove::{Verdict, prove, proved};
use estiba_engine::spec::seccomp::Profile;
use estiba_engine::{plan, seccomp, spec};
use std::error::Error;
use std::hint::black_box;
use std::io::Read;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (work, times) = (arguments.next().ok_or("what?")?, arguments.next().ok_or("how often?")?);
    let work: fn(&str) -> Result<(), Box<dyn Error>> = match &*work {
        "prove" => prove_it,
        "known" => prove_known,
        "plan" => plan_it,
        "filter" => filter_it,
        other => return Err(format!("{other}: not prove, known, plan or filter").into()),
    };
    let mut config = String::new();
    std::io::stdin().read_to_string(&mut config)?;
    for _ in 0..times.parse::<u32>()? {
        work(black_box(&config))?;
    }
    Ok(())
}

fn prove_it(config: &str) -> Result<(), Box<dyn Error>> {
    match prove(config.as_bytes()) {
        Verdict::Proved => Ok(()),
        Verdict::Ask(reason) => Err(reason.into()),
    }
}

/// A config whose profile has a kept filter: what a start does in place of prove, read and filter.
fn prove_known(config: &str) -> Result<(), Box<dyn Error>> {
    black_box(proved(config.as_bytes(), |_| true)?);
    Ok(())
}

/// As `create` does it: the config read, then planned.
fn plan_it(config: &str) -> Result<(), Box<dyn Error>> {
    let spec = spec::parse(config.as_bytes())?;
    let layout = Layout::pure_v2("/sys/fs/cgroup");
    let host = Host {
        uid: 0,
        gid: 0,
        capabilities: (1 << 41) - 1,
        layout,
        has_selinux: false,
        has_apparmor: false,
        runs_foreign: false,
    };
    let dir = Dir { controllers: Vec::new(), path: "/sys/fs/cgroup/web".into(), parents: 0, inode: 0 };
    let options =
        plan::Options { id: "web", bundle: "/srv/web", gate: true, cgroup: &[dir], ..Default::default() };
    black_box(plan::create(&spec, &host, &options)?);
    Ok(())
}

fn filter_it(config: &str) -> Result<(), Box<dyn Error>> {
    let spec = spec::parse(config.as_bytes())?;
    let profile = spec.linux.seccomp.ok_or("the config has no seccomp profile")?;
    black_box(seccomp::compile(&Profile::parse(profile)?)?);
    Ok(())
}
