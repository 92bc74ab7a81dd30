// SPDX-License-Identifier: Apache-2.0
//! Whatever stands in config.json: the prover answers, what it proves is read, and the planner does not panic.
//!
//! That Python accepts what is proved is seen afterwards: tests/properties/test_corpus.py judges the stored corpus.
#![no_main]

use estiba_engine::cgroup::Layout;
use estiba_engine::host::Host;
use estiba_engine::spec::prove::{Verdict, prove};
use estiba_engine::spec::seccomp::Profile;
use estiba_engine::{plan, seccomp, spec};
use libfuzzer_sys::fuzz_target;

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

fuzz_target!(|text: &[u8]| {
    let is_proved = matches!(prove(text), Verdict::Proved);
    let Ok(spec) = spec::parse(text) else {
        assert!(!is_proved, "proved, and cannot be read");
        return;
    };
    let profile = spec.linux.seccomp.map(Profile::parse).transpose();
    assert!(!is_proved || profile.is_ok(), "proved, and its profile cannot be read");
    let filter = profile.ok().flatten().and_then(|profile| seccomp::compile(&profile).ok());
    let options = plan::Options {
        id: "ID",
        bundle: "/bundle",
        gate: true,
        seccomp: filter.as_ref().map(|filter| (&filter.program[..], filter.flags)),
        ..Default::default()
    };
    if let Ok(plan) = plan::create(&spec, &host(), &options) {
        assert!(!plan.to_string().is_empty());
    }
});
