// SPDX-License-Identifier: Apache-2.0
//! What containerd, podman and Docker ask of cgroups (tests/recorded) has a meaning on every layout of a host.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use estiba_engine::cgroup::device_program::program;
use estiba_engine::cgroup::devices::Policy;
use estiba_engine::cgroup::{Layout, Membership, values};
use estiba_engine::spec::resources::Resources;
use std::path::Path;

fn recorded() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/recorded");
    let names =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let is_config = |name: &String| name.ends_with(".json") && name.matches('.').count() == 1;
    let configs: Vec<String> = names.filter(is_config).collect();
    assert!(configs.len() > 50, "only {} recorded configs in {}", configs.len(), folder.display());
    let read = |name: String| {
        let config: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(folder.join(&name)).unwrap()).unwrap();
        (name, config["linux"]["resources"].to_string())
    };
    configs.into_iter().map(read).filter(|(_, resources)| resources != "null").collect()
}

#[test]
fn every_recorded_resource_becomes_writes_on_v1_and_on_v2() {
    let mounts = "1 1 0:1 / /c/cpu rw - cgroup c rw,cpu\n1 1 0:1 / /c/memory rw - cgroup c rw,memory\n\
                  1 1 0:1 / /c/blkio rw - cgroup c rw,blkio\n";
    let v1 = Layout::parse(mounts, &Membership::parse("1:cpu:/\n2:memory:/\n3:blkio:/\n"));
    for (name, text) in recorded() {
        let resources: Resources = serde_json::from_str(&text).unwrap();
        for layout in [&v1, &Layout::pure_v2("/c")] {
            let writes = values::writes(&resources, layout);
            assert!(writes.as_ref().is_ok_and(|writes| writes.len() <= 4), "{name}: {writes:?}");
        }
    }
}

#[test]
fn every_recorded_device_list_can_be_enforced_on_v1_and_on_v2() {
    for (name, text) in recorded() {
        let resources: Resources = serde_json::from_str(&text).unwrap();
        let policy = Policy::new(resources.devices.as_deref().unwrap_or_default()).unwrap();
        assert!(policy.v1_writes().is_ok(), "{name}: {policy:?}");
        assert_eq!(program(&policy).is_none(), name.contains("privileged"), "{name}: {policy:?}");
    }
}
