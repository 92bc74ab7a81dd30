// SPDX-License-Identifier: Apache-2.0
//! Cgroups on the real kernel, as root: every promise in the layout of this host and in a view with cgroup v2 alone.
//!
//! The v2 view is a mount namespace of the test's own thread. Cgroups made here are named estiba-test-PID-N.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;
mod v2_controllers;

use estiba_engine::ErrorKind;
use estiba_engine::cgroup::{Cgroup, Dir, Layout, Membership, PlaceRequest, place};
use estiba_engine::spec::resources::Resources;
use estiba_sys::process;
use std::os::unix::process::ExitStatusExt;
use support::Kept;
use support::{
    created, device_programs, dir_with, finish, fresh_path, go, gone, in_both, join, kept,
    pin_one_that_says_yes, pins, placed, pure_v2_view, read, shell, with_bpf_file_system,
};

#[test]
fn what_create_makes_remove_takes_away_with_the_parents_made_for_it() {
    in_both(|layout| {
        let top = fresh_path();
        let cgroup = created(layout, &format!("{top}/a/b"), "{}").unwrap();
        assert_eq!(cgroup.dirs().len(), layout.hierarchies.len());
        assert!(cgroup.dirs().iter().all(|dir| dir.parents == 2));
        // What the container itself made goes too.
        for dir in cgroup.dirs() {
            std::fs::create_dir_all(format!("{}/inner/most", dir.path)).unwrap();
        }
        cgroup.remove().unwrap();
        gone(&cgroup);
        for hierarchy in &layout.hierarchies {
            assert!(!std::path::Path::new(&format!("{}{top}", hierarchy.mount_point)).exists());
        }
        cgroup.remove().unwrap();
    });
}

#[test]
fn a_parent_that_was_there_stays() {
    in_both(|layout| {
        let parent = kept(layout, "{}");
        let path = format!("{}/a", parent.0.dirs()[0].path.rsplit_once('/').unwrap().1);
        let cgroup = created(layout, &format!("/{path}"), "{}").unwrap();
        cgroup.remove().unwrap();
        gone(&cgroup);
        assert!(parent.0.dirs().iter().all(|dir| std::path::Path::new(&dir.path).exists()));
    });
}

#[test]
fn a_cgroup_with_processes_is_refused_and_left_alone() {
    in_both(|layout| {
        let used = kept(layout, "{}");
        let child = shell(&used.0, ":");
        let path = format!("/{}", used.0.dirs()[0].path.rsplit_once('/').unwrap().1);
        let request = PlaceRequest { cgroups_path: Some(&path), id: "x", is_rootless: false };
        let dirs = place(request, layout, &Membership::read().unwrap()).unwrap();
        for error in [
            Cgroup::survey(dirs.clone(), layout).unwrap_err(),
            Cgroup::create(dirs, &Resources::default(), layout, false).unwrap_err(),
        ] {
            assert_eq!(error.kind, ErrorKind::ConfigInvalid);
            assert_eq!(error.pointer.as_deref(), Some("/linux/cgroupsPath"));
            assert!(error.message.contains("has processes already, 1 in all"), "{error}");
        }
        assert_eq!(used.0.pids().unwrap(), [child.id() as i32]);
        assert!(finish(child).success());
    });
}

#[test]
fn limits_land_in_their_files() {
    let layout = Layout::read().unwrap();
    let cgroup = kept(
        &layout,
        r#"{"memory": {"limit": 67108864, "swap": 134217728, "reservation": 33554432}, "pids": {"limit": 50},
            "cpu": {"shares": 512, "quota": 50000, "period": 100000, "cpus": "0", "mems": "0"},
            "blockIO": {"weight": 0}, "hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}]}"#,
    );
    for (controller, file, value) in [
        ("memory", "memory.limit_in_bytes", "67108864"),
        ("memory", "memory.soft_limit_in_bytes", "33554432"),
        ("pids", "pids.max", "50"),
        ("cpu", "cpu.shares", "512"),
        ("cpu", "cpu.cfs_quota_us", "50000"),
        ("cpuset", "cpuset.cpus", "0"),
        ("hugetlb", "hugetlb.2MB.max", "4194304"),
        ("hugetlb", "hugetlb.2MB.rsvd.max", "4194304"),
    ] {
        assert_eq!(read(dir_with(&cgroup.0, controller), file), value, "{file}");
    }
}

#[test]
fn limits_can_be_raised_and_lowered_in_one_update() {
    let layout = Layout::read().unwrap();
    let cgroup = kept(&layout, r#"{"memory": {"limit": 67108864, "swap": 67108864}}"#);
    for (limit, swap) in [(134_217_728, 268_435_456), (33_554_432, 33_554_432), (-1, -1)] {
        let text = format!(r#"{{"memory": {{"limit": {limit}, "swap": {swap}}}}}"#);
        cgroup.0.update(&serde_json::from_str(&text).unwrap(), &layout).unwrap();
        let now = read(dir_with(&cgroup.0, "memory"), "memory.limit_in_bytes");
        assert!(limit == -1 || now == limit.to_string(), "{now}");
    }
}

#[test]
fn a_limit_without_its_controller_says_what_is_delegated() {
    std::thread::spawn(|| {
        pure_v2_view();
        let layout = Layout::read().unwrap();
        let error = created(&layout, &fresh_path(), r#"{"memory": {"limit": 67108864}}"#).unwrap_err();
        assert_eq!(error.kind, ErrorKind::ConfigUnsupported);
        assert_eq!(error.pointer.as_deref(), Some("/linux/resources/memory/limit"));
        let start = "memory limit needs the cgroup controller \"memory\", which is not delegated here: ";
        assert!(error.message.starts_with(start), "{error}");
        assert!(error.message.contains("/cgroup.controllers has \"hugetlb\""), "{error}");
        assert!(error.hint.unwrap().contains("Delegate=memory"));
    })
    .join()
    .unwrap();
}

#[test]
fn a_process_that_is_frozen_acts_only_after_the_thaw() {
    in_both(|layout| {
        let cgroup = kept(layout, "{}");
        assert!(!cgroup.0.is_frozen().unwrap());
        let mut child = shell(&cgroup.0, "exit 7");
        cgroup.0.freeze().unwrap();
        assert!(cgroup.0.is_frozen().unwrap());
        go(&mut child);
        assert_eq!(child.try_wait().unwrap(), None);
        cgroup.0.thaw().unwrap();
        assert!(!cgroup.0.is_frozen().unwrap());
        assert_eq!(child.wait().unwrap().code(), Some(7));
    });
}

#[test]
fn kill_all_ends_everyone_frozen_or_not_also_below() {
    in_both(|layout| {
        for is_frozen in [false, true] {
            let cgroup = kept(layout, "{}");
            let below: Vec<Dir> = cgroup
                .0
                .dirs()
                .iter()
                .map(|dir| Dir { path: format!("{}/x", dir.path), ..dir.clone() })
                .collect();
            for dir in &below {
                std::fs::create_dir(&dir.path).unwrap();
                if dir.has("cpuset") {
                    std::fs::write(format!("{}/cpuset.cpus", dir.path), "0").unwrap();
                    std::fs::write(format!("{}/cpuset.mems", dir.path), "0").unwrap();
                }
            }
            let mut children = [shell(&cgroup.0, ":"), shell(&cgroup.0, ":"), shell(&cgroup.0, ":")];
            join(&below, children[2].id());
            assert_eq!(cgroup.0.pids().unwrap().len(), 3);
            if is_frozen {
                cgroup.0.freeze().unwrap();
            }
            cgroup.0.kill_all().unwrap();
            // Removing waits for those who are on their way out.
            cgroup.0.remove().unwrap();
            for child in &mut children {
                assert_eq!(child.wait().unwrap().signal(), Some(9));
            }
            assert!(cgroup.0.pids().unwrap().is_empty());
        }
    });
}

#[test]
fn a_signal_reaches_every_process() {
    in_both(|layout| {
        let cgroup = kept(layout, "{}");
        let mut children = [shell(&cgroup.0, ":"), shell(&cgroup.0, ":")];
        cgroup.0.signal_all(15).unwrap();
        for child in &mut children {
            assert_eq!(child.wait().unwrap().signal(), Some(15));
        }
        assert!(!cgroup.0.is_frozen().unwrap());
    });
}

#[test]
fn remove_names_who_is_still_there() {
    in_both(|layout| {
        let cgroup = kept(layout, "{}");
        let child = shell(&cgroup.0, ":");
        let error = cgroup.0.remove_within(20).unwrap_err();
        assert!(error.message.contains("still has 1 processes"), "{error}");
        assert!(error.message.ends_with(&child.id().to_string()), "{error}");
        assert!(finish(child).success());
    });
}

/// Opens device 1:11 (the kernel log), which is none of the plain devices, from inside.
fn can_read_kernel_log(cgroup: &Cgroup) -> bool {
    finish(shell(cgroup, "exec 2>/dev/null; : < /dev/kmsg")).success()
}

#[test]
fn device_rules_hold_and_are_replaced_by_an_update() {
    in_both(|layout| {
        let cgroup = kept(layout, r#"{"devices": [{"allow": false, "access": "rwm"}]}"#);
        assert!(!can_read_kernel_log(&cgroup.0));
        assert!(finish(shell(&cgroup.0, ": < /dev/full && : > /dev/null")).success());
        let update = |text: &str| cgroup.0.update(&serde_json::from_str(text).unwrap(), layout).unwrap();
        update(
            r#"{"devices": [{"allow": false}, {"allow": true, "type": "c", "major": 1, "minor": 11, "access": "r"}]}"#,
        );
        assert!(can_read_kernel_log(&cgroup.0));
        assert!(!finish(shell(&cgroup.0, "exec 2>/dev/null; : > /dev/kmsg")).success());
        update(r#"{"devices": [{"allow": true}]}"#);
        assert!(can_read_kernel_log(&cgroup.0));
        update(r#"{"pids": {"limit": -1}}"#);
        assert!(can_read_kernel_log(&cgroup.0));
        update(r#"{"devices": []}"#);
        assert!(!can_read_kernel_log(&cgroup.0));
    });
}

#[test]
fn a_container_without_a_device_list_gets_the_plain_devices_only() {
    in_both(|layout| assert!(!can_read_kernel_log(&kept(layout, "{}").0)));
}

#[test]
fn a_device_update_leaves_one_program_at_all_times() {
    std::thread::spawn(|| {
        pure_v2_view();
        let layout = Layout::read().unwrap();
        let cgroup = kept(&layout, "{}");
        for (devices, programs) in [("[]", 1), ("[]", 1), (r#"[{"allow": true}]"#, 0), ("[]", 1)] {
            let text = format!(r#"{{"devices": {devices}}}"#);
            cgroup.0.update(&serde_json::from_str(&text).unwrap(), &layout).unwrap();
            assert_eq!(device_programs(&cgroup.0).len(), programs, "{devices}");
        }
    })
    .join()
    .unwrap();
}

#[test]
fn a_program_is_loaded_once_where_there_is_a_bpf_file_system() {
    with_bpf_file_system(|layout| {
        let (one, other) = (kept(layout, "{}"), kept(layout, "{}"));
        assert_eq!(device_programs(&one.0), device_programs(&other.0));
        assert_eq!(pins().len(), 1);
        let third = kept(layout, r#"{"devices": [{"allow": true, "type": "c", "access": "rm"}]}"#);
        assert_ne!(device_programs(&one.0), device_programs(&third.0));
        assert_eq!(pins().len(), 2);
    });
}

#[test]
fn a_kept_program_is_not_believed_by_its_name() {
    with_bpf_file_system(|layout| {
        assert!(!can_read_kernel_log(&kept(layout, "{}").0));
        let name = pins().remove(0);
        std::fs::remove_file(&name).unwrap();
        pin_one_that_says_yes(&name);
        assert!(!can_read_kernel_log(&kept(layout, "{}").0));
    });
}

#[test]
fn kept_programs_do_not_grow_without_bound() {
    with_bpf_file_system(|layout| {
        for minor in 0..70 {
            let devices = format!(r#"[{{"allow": true, "type": "c", "major": 9, "minor": {minor}}}]"#);
            drop(kept(layout, &format!(r#"{{"devices": {devices}}}"#)));
            assert!(pins().len() <= 64);
        }
    });
}

#[test]
fn exec_finds_the_cgroup_in_which_init_really_is() {
    in_both(|layout| {
        let cgroup = kept(layout, "{}");
        let child = shell(&cgroup.0, ":");
        let pid = child.id() as i32;
        let paths = |cgroup: &Cgroup| cgroup.dirs().iter().map(|dir| dir.path.clone()).collect::<Vec<_>>();
        assert_eq!(paths(&Cgroup::of_process(pid, None).unwrap()), paths(&cgroup.0));
        for dir in cgroup.0.dirs() {
            std::fs::create_dir(format!("{}/sub", dir.path)).unwrap();
        }
        let below = Cgroup::of_process(pid, Some("/sub")).unwrap();
        assert!(paths(&below).iter().all(|path| path.ends_with("/sub")));
        for outside in ["../x", "sub/../..", "nowhere"] {
            assert_eq!(Cgroup::of_process(pid, Some(outside)).unwrap_err().kind, ErrorKind::KernelRefused);
        }
        assert!(finish(child).success());
    });
}

#[test]
fn one_v1_controller_can_be_named_for_exec() {
    let layout = Layout::read().unwrap();
    let cgroup = kept(&layout, "{}");
    let child = shell(&cgroup.0, ":");
    std::fs::create_dir(format!("{}/sub", dir_with(&cgroup.0, "pids").path)).unwrap();
    let below = Cgroup::of_process(child.id() as i32, Some("pids:sub")).unwrap();
    let moved: Vec<bool> = below.dirs().iter().map(|dir| dir.path.ends_with("/sub")).collect();
    let pids: Vec<bool> = below.dirs().iter().map(|dir| dir.has("pids")).collect();
    assert_eq!(moved, pids);
    assert!(finish(child).success());
}

#[test]
fn counters_come_as_json() {
    in_both(|layout| {
        let cgroup = kept(layout, r#"{"hugepageLimits": []}"#);
        let child = shell(&cgroup.0, ":");
        let stats: serde_json::Value = serde_json::from_str(&cgroup.0.stats().unwrap()).unwrap();
        assert!(stats["cpu"]["usage_ns"].is_u64(), "{stats}");
        assert!(stats["cpu"]["user_ns"].is_u64() && stats["cpu"]["system_ns"].is_u64(), "{stats}");
        assert!(stats["hugetlb"]["2MB"]["usage"].is_u64(), "{stats}");
        if !layout.is_pure_v2() {
            assert_eq!(stats["pids"]["current"], 1);
            assert!(stats["pids"]["limit"].is_null() && stats["memory"]["limit"].is_null(), "{stats}");
            assert!(stats["memory"]["usage"].is_u64() && stats["io"]["devices"].is_array(), "{stats}");
        }
        assert!(finish(child).success());
    });
}

#[test]
fn the_record_names_all_that_has_to_go() {
    in_both(|layout| {
        let cgroup = created(layout, &format!("{}/a", fresh_path()), "{}").unwrap();
        let text = serde_json::to_string(cgroup.dirs()).unwrap();
        let dirs: Vec<Dir> = serde_json::from_str(&text).unwrap();
        let again = Cgroup::from_record(&dirs);
        again.kill_all().unwrap();
        again.remove().unwrap();
        gone(&cgroup);
        assert!(again.pids().unwrap().is_empty());
        again.kill_all().unwrap();
    });
}

#[test]
fn who_may_make_no_cgroup_runs_without_one_unless_a_limit_is_asked_for() {
    in_both(|layout| {
        // The raw call: it changes this thread alone.
        process::set_gids(65534).unwrap();
        process::set_uids(65534).unwrap();
        let create = |resources: &str| {
            let resources: Resources = serde_json::from_str(resources).unwrap();
            Cgroup::create(placed(layout, &fresh_path()), &resources, layout, true)
        };
        let (cgroup, _) = create(r#"{"devices": [{"allow": false, "access": "rwm"}]}"#).unwrap();
        assert!(cgroup.dirs().is_empty());
        let error = create(r#"{"pids": {"limit": 5}}"#).unwrap_err();
        assert_eq!(error.kind, ErrorKind::ConfigUnsupported);
        assert_eq!(error.pointer.as_deref(), Some("/linux/resources/pids/limit"));
        assert!(error.message.contains("this user may not make"), "{error}");
        let refused = Cgroup::create(placed(layout, &fresh_path()), &Resources::default(), layout, false);
        assert_eq!(refused.unwrap_err().kind, ErrorKind::KernelRefused);
    });
}

#[test]
fn a_v1_cpu_set_starts_with_what_its_parent_has() {
    let layout = Layout::read().unwrap();
    let cgroup = Kept(created(&layout, &format!("{}/a", fresh_path()), "{}").unwrap());
    let dir = dir_with(&cgroup.0, "cpuset");
    assert_eq!(
        read(dir, "cpuset.cpus"),
        std::fs::read_to_string("/sys/fs/cgroup/cpuset/cpuset.cpus").unwrap().trim()
    );
}

#[test]
fn who_owns_a_delegated_cgroup_makes_a_container_in_it() {
    in_both(|layout| {
        let delegated = kept(layout, "{}");
        let own = delegated.0.dirs().iter().find(|dir| dir.is_v2()).unwrap();
        for file in ["", "/cgroup.procs", "/cgroup.subtree_control"] {
            std::os::unix::fs::chown(format!("{}{file}", own.path), Some(65534), Some(65534)).unwrap();
        }
        let path = format!("/{}/a", own.path.rsplit_once('/').unwrap().1);
        let user = std::thread::scope(|scope| {
            let make = || {
                process::set_gids(65534).unwrap();
                process::set_uids(65534).unwrap();
                let dirs = placed(layout, &path);
                let list = r#"{"devices": [{"allow": false, "access": "rwm"}]}"#;
                let (user, _) =
                    Cgroup::create(dirs, &serde_json::from_str(list).unwrap(), layout, true).unwrap();
                assert_eq!(user.dirs().len(), 1);
                user.freeze().unwrap();
                user.kill_all().unwrap();
                user.remove().unwrap();
                user
            };
            scope.spawn(make).join().unwrap()
        });
        gone(&user);
    });
}

#[test]
fn without_cgroup_kill_nobody_escapes_by_forking() {
    let layout = Layout::read().unwrap();
    let cgroup = kept(&layout, r#"{"pids": {"limit": 40}}"#);
    let v1: Vec<Dir> = cgroup.0.dirs().iter().filter(|dir| !dir.is_v2()).cloned().collect();
    let mut child = shell(&cgroup.0, "echo; exec 2>/dev/null; while :; do (:) & done");
    go(&mut child);
    // The first line comes once it is about to fork.
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0]).unwrap();
    Cgroup::from_record(&v1).kill_all().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    cgroup.0.remove_within(2000).unwrap();
}
