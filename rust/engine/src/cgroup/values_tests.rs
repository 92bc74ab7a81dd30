// SPDX-License-Identifier: Apache-2.0
//! What each property of `linux.resources` becomes on v1 and on v2, as "FILE=VALUE" in order.

use super::layout::{Layout, Membership};
use super::values::{IfAbsent, Value, Write, writes};
use crate::error::{Error, ErrorKind};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

const ALL: &str = "cpu,cpuacct cpuset memory pids blkio hugetlb net_cls,net_prio rdma devices freezer";

fn v1() -> Layout {
    let hierarchies: Vec<&str> = ALL.split(' ').collect();
    let mounts: String = hierarchies
        .iter()
        .map(|one| format!("1 1 0:1 / /sys/fs/cgroup/{one} rw - cgroup c rw,{one}\n"))
        .collect();
    let own: String = hierarchies.iter().map(|one| format!("1:{one}:/\n")).collect();
    Layout::parse(&mounts, &Membership::parse(&own))
}

fn v2() -> Layout {
    Layout::pure_v2("/sys/fs/cgroup")
}

fn list(json: &str, layout: &Layout) -> Result<Vec<Write>, Error> {
    writes(&serde_json::from_str(json).unwrap(), layout)
}

fn shown(json: &str, layout: &Layout) -> Vec<String> {
    let show = |write: Write| match (write.value, write.if_absent) {
        (Value::Text(text), IfAbsent::Instead { file, value }) => {
            format!("{}={text} or {file}={value}", write.file)
        }
        (Value::Text(text), IfAbsent::Skip) => format!("{}={text} if there", write.file),
        (Value::Text(text), IfAbsent::Fail) => format!("{}={text}", write.file),
        (Value::AfterFirstWord(text), _) => format!("{}=.. {text}", write.file),
    };
    list(json, layout).unwrap().into_iter().map(show).collect()
}

fn refused(json: &str, layout: &Layout) -> (ErrorKind, String) {
    let error = list(json, layout).unwrap_err();
    (error.kind, error.pointer.unwrap().trim_start_matches("/linux/resources/").to_string())
}

#[test]
fn what_callers_send_for_unset_gives_no_write() {
    let docker = r#"{"memory": {"disableOOMKiller": false, "limit": 0, "swap": 0, "kernelTCP": 0},
        "cpu": {"shares": 0, "quota": 0, "period": 0, "cpus": "", "mems": ""}, "pids": {"limit": null},
        "blockIO": {"weight": 0, "weightDevice": [], "throttleReadBpsDevice": null}, "network": {"classID": 0}}"#;
    for layout in [v1(), v2(), Layout::default()] {
        assert_eq!(shown(docker, &layout), [""; 0]);
        assert_eq!(shown("{}", &layout), [""; 0]);
    }
}

#[test]
fn memory_on_v1() {
    let json = r#"{"memory": {"limit": 1000, "swap": 3000, "reservation": 500, "kernelTCP": 7, "swappiness": 0,
        "disableOOMKiller": true}}"#;
    assert_eq!(
        shown(json, &v1()),
        [
            "memory.limit_in_bytes=1000",
            "memory.memsw.limit_in_bytes=3000",
            "memory.soft_limit_in_bytes=500",
            "memory.kmem.tcp.limit_in_bytes=7",
            "memory.oom_control=1",
            "memory.swappiness=0"
        ]
    );
}

#[test]
fn memory_on_v2_counts_swap_alone() {
    let both = r#"{"memory": {"limit": 1000, "swap": 3000, "reservation": 500}}"#;
    assert_eq!(shown(both, &v2()), ["memory.swap.max=2000", "memory.max=1000", "memory.low=500"]);
    let equal = r#"{"memory": {"limit": 1000, "swap": 1000}}"#;
    assert_eq!(shown(equal, &v2()), ["memory.swap.max=0 if there", "memory.max=1000"]);
    let free = r#"{"memory": {"limit": 1000, "swap": -1}}"#;
    assert_eq!(shown(free, &v2()), ["memory.swap.max=max if there", "memory.max=1000"]);
    assert_eq!(shown(r#"{"memory": {"limit": 1000}}"#, &v2()), ["memory.max=1000"]);
}

#[test]
fn unlimited_memory_is_unlimited_with_swap_too() {
    let json = r#"{"memory": {"limit": -1}}"#;
    assert_eq!(
        shown(json, &v1()),
        ["memory.limit_in_bytes=-1 if there", "memory.memsw.limit_in_bytes=-1 if there"]
    );
    assert_eq!(shown(json, &v2()), ["memory.swap.max=max if there", "memory.max=max if there"]);
}

#[test]
fn swap_that_cannot_be_computed_is_refused_on_v2() {
    for json in [r#"{"memory": {"swap": 5}}"#, r#"{"memory": {"limit": 9, "swap": 5}}"#] {
        assert_eq!(refused(json, &v2()), (ErrorKind::ConfigInvalid, "memory/swap".into()));
    }
}

#[test]
fn what_v2_has_no_word_for_is_refused_there_and_only_there() {
    for (json, pointer) in [
        (r#"{"memory": {"kernelTCP": 5}}"#, "memory/kernelTCP"),
        (r#"{"memory": {"disableOOMKiller": true}}"#, "memory/disableOOMKiller"),
        (r#"{"memory": {"swappiness": 5}}"#, "memory/swappiness"),
        (r#"{"cpu": {"realtimeRuntime": 5}}"#, "cpu/realtimeRuntime"),
        (r#"{"cpu": {"realtimePeriod": 5}}"#, "cpu/realtimePeriod"),
        (r#"{"blockIO": {"leafWeight": 50}}"#, "blockIO/leafWeight"),
        (r#"{"network": {"classID": 5}}"#, "network/classID"),
        (r#"{"network": {"priorities": [{"name": "lo", "priority": 1}]}}"#, "network/priorities"),
    ] {
        assert_eq!(refused(json, &v2()), (ErrorKind::ConfigUnsupported, pointer.into()));
        assert_eq!(list(json, &v1()).unwrap().len(), 1, "{json}");
    }
}

#[test]
fn cpu_on_v1_and_v2() {
    let json = r#"{"cpu": {"shares": 1024, "quota": 50000, "period": 100000, "burst": 1000, "cpus": "0-1",
        "mems": "0", "idle": 0}}"#;
    assert_eq!(
        shown(json, &v1()),
        [
            "cpu.idle=0 if there",
            "cpu.shares=1024",
            "cpu.cfs_period_us=100000",
            "cpu.cfs_quota_us=50000",
            "cpu.cfs_burst_us=1000",
            "cpuset.cpus=0-1",
            "cpuset.mems=0"
        ]
    );
    assert_eq!(
        shown(json, &v2()),
        [
            "cpu.idle=0 if there",
            "cpu.weight=100",
            "cpu.max=50000 100000",
            "cpu.max.burst=1000",
            "cpuset.cpus=0-1",
            "cpuset.mems=0"
        ]
    );
}

#[test]
fn a_period_alone_keeps_the_quota_and_a_quota_alone_the_period() {
    assert_eq!(shown(r#"{"cpu": {"period": 5000}}"#, &v2()), ["cpu.max=.. 5000"]);
    assert_eq!(shown(r#"{"cpu": {"quota": 5000}}"#, &v2()), ["cpu.max=5000"]);
    assert_eq!(shown(r#"{"cpu": {"quota": -1, "period": 5000}}"#, &v2()), ["cpu.max=max 5000 if there"]);
}

#[test]
fn an_idle_container_has_no_shares() {
    for layout in [v1(), v2()] {
        assert_eq!(shown(r#"{"cpu": {"shares": 50, "idle": 1}}"#, &layout), ["cpu.idle=1"]);
    }
}

#[test]
fn pids_limit_zero_is_a_limit_and_minus_one_is_none() {
    for (limit, shows) in [(50, "pids.max=50"), (0, "pids.max=1"), (-1, "pids.max=max if there")] {
        assert_eq!(shown(&format!(r#"{{"pids": {{"limit": {limit}}}}}"#), &v2()), [shows]);
        assert_eq!(shown(&format!(r#"{{"pids": {{"limit": {limit}}}}}"#), &v1()), [shows]);
    }
}

#[test]
fn block_io_on_v1_and_v2() {
    let json = r#"{"blockIO": {"weight": 500, "weightDevice": [{"major": 8, "minor": 0, "weight": 100}],
        "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 10}],
        "throttleWriteIOPSDevice": [{"major": 8, "minor": 16, "rate": 0}]}}"#;
    assert_eq!(
        shown(json, &v1()),
        [
            "blkio.weight=500 or blkio.bfq.weight=500",
            "blkio.weight_device=8:0 100 or blkio.bfq.weight_device=8:0 100",
            "blkio.throttle.read_bps_device=8:0 10",
            "blkio.throttle.write_iops_device=8:16 0"
        ]
    );
    assert_eq!(
        shown(json, &v2()),
        [
            "io.bfq.weight=500 or io.weight=4950",
            "io.bfq.weight=8:0 100 or io.weight=8:0 910",
            "io.max=8:0 rbps=10",
            "io.max=8:16 wiops=max"
        ]
    );
}

#[test]
fn huge_pages_are_limited_in_use_and_in_reservation() {
    let json = r#"{"hugepageLimits": [{"pageSize": "2MB", "limit": 0}]}"#;
    assert_eq!(
        shown(json, &v1()),
        ["hugetlb.2MB.limit_in_bytes=0", "hugetlb.2MB.rsvd.limit_in_bytes=0 if there"]
    );
    assert_eq!(shown(json, &v2()), ["hugetlb.2MB.max=0", "hugetlb.2MB.rsvd.max=0 if there"]);
}

#[test]
fn a_page_size_that_could_lead_elsewhere_is_refused() {
    for size in ["", "2", "MB", "2mb", "../2MB", "2MB/x", "2XB"] {
        let json = format!(r#"{{"hugepageLimits": [{{"pageSize": "{size}", "limit": 5}}]}}"#);
        assert_eq!(refused(&json, &v2()), (ErrorKind::ConfigInvalid, "hugepageLimits/0/pageSize".into()));
    }
}

#[test]
fn rdma_and_network_on_v1() {
    let json = r#"{"rdma": {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 5}, "mlx4_0": {"hcaObjects": 7}, "x": {}},
        "network": {"classID": 1048577, "priorities": [{"name": "eth0", "priority": 500}]}}"#;
    assert_eq!(
        shown(json, &v1()),
        [
            "net_cls.classid=1048577",
            "net_prio.ifpriomap=eth0 500",
            "rdma.max=mlx4_0 hca_object=7",
            "rdma.max=mlx5_1 hca_handle=3 hca_object=5"
        ]
    );
}

#[test]
fn raw_files_come_last_and_only_on_v2() {
    let json = r#"{"memory": {"limit": 9}, "unified": {"memory.high": "5", "cgroup.max.depth": "1"}}"#;
    assert_eq!(shown(json, &v2()), ["memory.max=9", "cgroup.max.depth=1", "memory.high=5"]);
    let json = r#"{"unified": {"memory.high": "5"}}"#;
    assert_eq!(refused(json, &v1()), (ErrorKind::ConfigUnsupported, "unified/memory.high".into()));
}

#[test]
fn a_raw_file_is_a_name_never_a_path() {
    for (name, pointer) in
        [("../memory.max", "unified/..~1memory.max"), ("memory", "unified/memory"), (".x", "unified/.x")]
    {
        let json = format!(r#"{{"unified": {{"{name}": "5"}}}}"#);
        assert_eq!(refused(&json, &v2()), (ErrorKind::ConfigInvalid, pointer.into()));
    }
}

#[test]
fn swappiness_has_a_range() {
    let json = r#"{"memory": {"swappiness": 101}}"#;
    assert_eq!(refused(json, &v1()), (ErrorKind::ConfigInvalid, "memory/swappiness".into()));
    assert_eq!(shown(r#"{"memory": {"swappiness": 18446744073709551615}}"#, &v2()), [""; 0]);
}

#[test]
fn on_a_hybrid_host_each_controller_speaks_its_own_language() {
    let mounts = "1 1 0:1 / /sys/fs/cgroup/memory rw - cgroup c rw,memory\n\
                  1 1 0:2 / /sys/fs/cgroup/unified rw - cgroup2 c rw\n";
    let layout = Layout::parse(mounts, &Membership::parse("1:memory:/\n0::/\n"));
    let json = r#"{"memory": {"limit": 9}, "hugepageLimits": [{"pageSize": "1GB", "limit": 5}], "pids": {"limit": 7}}"#;
    assert_eq!(
        shown(json, &layout),
        ["memory.limit_in_bytes=9", "pids.max=7", "hugetlb.1GB.max=5", "hugetlb.1GB.rsvd.max=5 if there"]
    );
}
