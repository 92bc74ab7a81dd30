// SPDX-License-Identifier: Apache-2.0
//! The plan of known configs, line by line: tests/golden/plan/CASE.txt. `ESTIBA_GOLDEN=write` writes them anew;
//! read what changed before it is accepted.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use estiba_engine::cgroup::{Dir, Layout};
use estiba_engine::host::Host;
use estiba_engine::{plan, spec};
use std::path::Path;
use std::{env, fs};

fn project() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn privileged(layout: Layout) -> Host {
    Host {
        uid: 0,
        gid: 0,
        capabilities: (1 << 41) - 1,
        layout,
        has_selinux: false,
        has_apparmor: true,
        runs_foreign: false,
    }
}

fn v2() -> (Host, Vec<Dir>) {
    let dir = Dir { controllers: Vec::new(), path: "/sys/fs/cgroup/estiba-ID".into(), parents: 0, inode: 0 };
    (privileged(Layout::pure_v2("/sys/fs/cgroup")), vec![dir])
}

/// A host with two v1 hierarchies and the unified one.
fn hybrid() -> (Host, Vec<Dir>) {
    let mountinfo = "\
        30 25 0:26 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n\
        31 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
        32 25 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
    let cgroup = "2:cpu,cpuacct:/\n1:name=systemd:/\n0::/\n";
    let layout = Layout::parse(mountinfo, &estiba_engine::cgroup::Membership::parse(cgroup));
    (privileged(layout), Vec::new())
}

fn check(case: &str, config: &str, (host, cgroup): (Host, Vec<Dir>)) {
    let text = fs::read_to_string(project().join(config)).unwrap();
    let spec = spec::parse(text.as_bytes()).unwrap();
    let options =
        plan::Options { id: "ID", bundle: "/bundle", gate: true, cgroup: &cgroup, ..Default::default() };
    let shown = plan::create(&spec, &host, &options).unwrap().to_string();
    let golden = project().join("tests/golden/plan").join(format!("{case}.txt"));
    if env::var_os("ESTIBA_GOLDEN").is_some() {
        fs::create_dir_all(golden.parent().unwrap()).unwrap();
        fs::write(&golden, &shown).unwrap();
    }
    let expected = fs::read_to_string(&golden).unwrap();
    for (number, (shown, expected)) in shown.lines().zip(expected.lines()).enumerate() {
        assert_eq!(shown, expected, "{case}.txt:{}", number + 1);
    }
    assert_eq!(shown.lines().count(), expected.lines().count(), "{case}.txt has another length");
}

#[test]
fn a_containerd_config_on_v2() {
    check("containerd-run-v2", "tests/recorded/containerd-run.json", v2());
}

#[test]
fn a_containerd_config_on_a_hybrid_host() {
    check("containerd-run-hybrid", "tests/recorded/containerd-run.json", hybrid());
}

#[test]
fn a_podman_config_on_v2() {
    check("podman-run-v2", "tests/recorded/podman-run.json", v2());
}

#[test]
fn a_docker_config_with_its_hook_pauses() {
    check("docker-run-v2", "tests/recorded/docker-run.json", v2());
}

#[test]
fn a_user_namespace_binds_devices_and_takes_sources_as_trees() {
    check("containerd-userns-v2", "tests/recorded/containerd-userns.json", v2());
}
