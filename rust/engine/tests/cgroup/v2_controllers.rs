// SPDX-License-Identifier: Apache-2.0
//! What needs a host whose cgroup v2 has the memory, cpu, pids and io controllers: run there with `--ignored`.

use super::support::{created, dir_with, finish, fresh_path, go, kept, read, shell};
use estiba_engine::ErrorKind;
use estiba_engine::cgroup::{Cgroup, Dir, Layout};

const NEEDS: &str = "a host with cgroup v2 alone and its controllers";

fn layout() -> Layout {
    let layout = Layout::read().unwrap();
    assert!(layout.is_pure_v2(), "{NEEDS}");
    layout
}

fn shown(cgroup: &Cgroup, file: &str) -> String {
    read(dir_with(cgroup, "none"), file)
}

#[test]
#[ignore = "needs a host with cgroup v2 alone and its controllers"]
fn every_limit_lands_in_its_file() {
    let cgroup = kept(
        &layout(),
        r#"{"memory": {"limit": 67108864, "swap": 134217728, "reservation": 33554432}, "pids": {"limit": 50},
            "cpu": {"shares": 2048, "quota": 50000, "period": 200000, "burst": 1000, "cpus": "0", "mems": "0"},
            "blockIO": {"weight": 500}, "unified": {"memory.high": "50331648"}}"#,
    );
    for (file, value) in [
        ("memory.max", "67108864"),
        ("memory.low", "33554432"),
        ("memory.high", "50331648"),
        ("pids.max", "50"),
        ("cpu.weight", "174"),
        ("cpu.max", "50000 200000"),
        ("cpuset.cpus", "0"),
        ("cpuset.mems", "0"),
    ] {
        assert_eq!(shown(&cgroup.0, file), value, "{file}");
    }
}

#[test]
#[ignore = "needs a host with cgroup v2 alone and its controllers"]
fn controllers_are_handed_down_along_a_path_that_is_new() {
    let path = format!("{}/a/b/c", fresh_path());
    let cgroup =
        super::support::Kept(created(&layout(), &path, r#"{"memory": {"limit": 67108864}}"#).unwrap());
    assert_eq!(shown(&cgroup.0, "memory.max"), "67108864");
    assert_eq!(shown(&cgroup.0, "cgroup.subtree_control"), "");
}

#[test]
#[ignore = "needs a host with cgroup v2 alone and its controllers"]
fn a_parent_with_processes_is_named_as_the_reason() {
    let layout = layout();
    let parent = kept(&layout, "{}");
    let child = shell(&parent.0, ":");
    let path = format!("{}/x", parent.0.dirs()[0].path.trim_start_matches("/sys/fs/cgroup"));
    let error = created(&layout, &path, r#"{"memory": {"limit": 67108864}}"#).unwrap_err();
    assert_eq!(error.kind, ErrorKind::ConfigUnsupported);
    assert!(error.hint.unwrap().contains("keep it from handing \"memory\" down"));
    assert!(finish(child).success());
}

#[test]
#[ignore = "needs a host with cgroup v2 alone and its controllers"]
fn an_update_changes_one_half_of_the_cpu_limit_and_keeps_the_other() {
    let layout = layout();
    let cgroup = kept(&layout, r#"{"cpu": {"quota": 50000, "period": 100000}}"#);
    let update = |text: &str| cgroup.0.update(&serde_json::from_str(text).unwrap(), &layout).unwrap();
    update(r#"{"cpu": {"period": 200000}}"#);
    assert_eq!(shown(&cgroup.0, "cpu.max"), "50000 200000");
    update(r#"{"cpu": {"quota": 70000}}"#);
    assert_eq!(shown(&cgroup.0, "cpu.max"), "70000 200000");
    update(r#"{"cpu": {"idle": 1, "shares": 500}}"#);
    assert_eq!(shown(&cgroup.0, "cpu.idle"), "1");
    update(r#"{"cpu": {"idle": 0, "shares": 1024, "quota": -1}}"#);
    assert_eq!(
        (shown(&cgroup.0, "cpu.weight"), shown(&cgroup.0, "cpu.max")),
        ("100".into(), "max 200000".into())
    );
}

#[test]
#[ignore = "needs a host with cgroup v2 alone and its controllers"]
fn a_limit_below_the_use_is_refused_when_the_check_is_asked_for() {
    let layout = layout();
    let cgroup = kept(&layout, "{}");
    let child = shell(&cgroup.0, "head -c 20000000 /dev/zero | tail -c 1 >/dev/null");
    let update = r#"{"memory": {"limit": 4096, "checkBeforeUpdate": true}}"#;
    // The shell itself uses more than a page once it has forked.
    assert!(finish(child).success());
    let error = cgroup.0.update(&serde_json::from_str(update).unwrap(), &layout).unwrap_err();
    assert_eq!(error.pointer.as_deref(), Some("/linux/resources/memory/limit"));
    assert!(error.message.contains("is below the"), "{error}");
    assert_eq!(shown(&cgroup.0, "memory.max"), "max");
}

#[test]
#[ignore = "needs a host with cgroup v2 alone and its controllers"]
fn the_pids_limit_holds() {
    let cgroup = kept(&layout(), r#"{"pids": {"limit": 1}}"#);
    assert!(!finish(shell(&cgroup.0, "(:); exit 0")).success());
}

#[test]
#[ignore = "needs a host with cgroup v2 alone and its controllers"]
fn counters_are_there_for_every_controller() {
    let cgroup = kept(&layout(), r#"{"memory": {"limit": 67108864}, "pids": {"limit": 9}}"#);
    let mut child = shell(&cgroup.0, "read more");
    go(&mut child);
    let stats: serde_json::Value = serde_json::from_str(&cgroup.0.stats().unwrap()).unwrap();
    assert_eq!((&stats["memory"]["limit"], &stats["pids"]["limit"]), (&67_108_864.into(), &9.into()));
    assert!(stats["memory"]["usage"].is_u64() && stats["memory"]["stat"]["anon"].is_u64(), "{stats}");
    assert!(stats["cpu"]["usage_ns"].is_u64() && stats["io"]["devices"].is_array(), "{stats}");
    assert!(stats["pressure"]["cpu"]["some"]["total"].is_u64(), "{stats}");
    assert!(finish(child).success());
}

#[test]
#[ignore = "needs a host with cgroup v2 alone and its controllers"]
fn a_cgroup_that_hands_controllers_down_is_refused() {
    let layout = layout();
    let used = kept(&layout, "{}");
    let dir: &Dir = &used.0.dirs()[0];
    std::fs::write(format!("{}/cgroup.subtree_control", dir.path), "+pids").unwrap();
    let error = Cgroup::survey(vec![dir.clone()], &layout).unwrap_err();
    assert!(error.message.ends_with("hands controllers down, so it can hold no process itself"), "{error}");
}
