// SPDX-License-Identifier: Apache-2.0
//! Resources as files of cgroup v1 (Documentation/admin-guide/cgroup-v1). Pure.

use crate::cgroup::values::{IfAbsent, Write, invalid, set};
use crate::error::Result;
use crate::spec::resources::{BlockIo, Cpu, Memory, Network, Throttle};
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

pub fn memory(memory: &Memory, list: &mut Vec<Write>) -> Result<()> {
    let mut push = |file: &'static str, value: i64, what, name: &str| {
        list.push(
            Write::new("memory", file, value, what, &format!("memory/{name}"))
                .skip_if_absent_when(value == -1),
        );
    };
    let limit = set(memory.limit);
    if let Some(limit) = limit {
        push("memory.limit_in_bytes", limit, "memory limit", "limit");
    }
    // No limit on memory is none on both together: the sum cannot be the smaller one.
    if let Some(swap) = set(memory.swap).or(limit.filter(|limit| *limit == -1)) {
        push("memory.memsw.limit_in_bytes", swap, "memory and swap limit", "swap");
    }
    if let Some(reservation) = set(memory.reservation) {
        push("memory.soft_limit_in_bytes", reservation, "memory reservation", "reservation");
    }
    if let Some(tcp) = set(memory.kernel_tcp) {
        push("memory.kmem.tcp.limit_in_bytes", tcp, "kernel TCP memory limit", "kernelTCP");
    }
    if memory.disable_oom_killer == Some(true) {
        push("memory.oom_control", 1, "switch of the OOM killer", "disableOOMKiller");
    }
    match memory.swappiness {
        Some(value @ 0..=100) => push("memory.swappiness", value as i64, "swappiness", "swappiness"),
        // -1 as unsigned: how some callers say "unset".
        None | Some(u64::MAX) => {}
        Some(value) => {
            return Err(invalid(
                "memory/swappiness",
                format!("swappiness {value} is out of range (0 to 100)"),
            ));
        }
    }
    if let Some(hierarchy) = memory.use_hierarchy {
        // The only mode since Linux 5.11; before it the default of a fresh cgroup is its parent's.
        let write = Write::new(
            "memory",
            "memory.use_hierarchy",
            u8::from(hierarchy),
            "memory hierarchy",
            "memory/useHierarchy",
        );
        list.push(write.skip_if_absent_when(hierarchy));
    }
    Ok(())
}

pub fn cpu(cpu: &Cpu<'_>, list: &mut Vec<Write>) -> Result<()> {
    let mut push = |file: &'static str, value: i128, what, name: &str, needless| {
        list.push(Write::new("cpu", file, value, what, &format!("cpu/{name}")).skip_if_absent_when(needless));
    };
    let idle = cpu.idle == Some(1);
    // An idle group has no shares (EINVAL), so it leaves that state first and enters it last.
    if let Some(value) = cpu.idle.filter(|_| !idle) {
        push("cpu.idle", value.into(), "cpu idle", "idle", value == 0);
    }
    if let Some(shares) = set(cpu.shares).filter(|_| !idle) {
        push("cpu.shares", shares.into(), "cpu shares", "shares", false);
    }
    if let Some(period) = set(cpu.period) {
        push("cpu.cfs_period_us", period.into(), "cpu period", "period", false);
    }
    if let Some(quota) = set(cpu.quota) {
        push("cpu.cfs_quota_us", quota.into(), "cpu quota", "quota", quota < 0);
    }
    if let Some(burst) = cpu.burst {
        push("cpu.cfs_burst_us", burst.into(), "cpu burst", "burst", burst == 0);
    }
    if let Some(period) = set(cpu.realtime_period) {
        push("cpu.rt_period_us", period.into(), "real-time period", "realtimePeriod", false);
    }
    if let Some(runtime) = set(cpu.realtime_runtime) {
        push("cpu.rt_runtime_us", runtime.into(), "real-time runtime", "realtimeRuntime", false);
    }
    if idle {
        push("cpu.idle", 1, "cpu idle", "idle", false);
    }
    Ok(())
}

pub fn block_io(io: &BlockIo, list: &mut Vec<Write>) -> Result<()> {
    if let Some(weight) = set(io.weight) {
        let mut write = Write::new("blkio", "blkio.weight", weight, "block IO weight", "blockIO/weight");
        write.if_absent = IfAbsent::Instead { file: "blkio.bfq.weight", value: weight.to_string() };
        list.push(write);
    }
    if let Some(weight) = set(io.leaf_weight) {
        list.push(Write::new(
            "blkio",
            "blkio.leaf_weight",
            weight,
            "block IO leaf weight",
            "blockIO/leafWeight",
        ));
    }
    device_weights(io, list);
    let mut throttle = |devices: &Option<Vec<Throttle>>, file: &'static str, name: &str| {
        for (index, device) in devices.iter().flatten().enumerate() {
            let value = format!("{}:{} {}", device.major, device.minor, device.rate);
            list.push(Write::new(
                "blkio",
                file,
                value,
                "block IO limit",
                &format!("blockIO/{name}/{index}/rate"),
            ));
        }
    };
    throttle(&io.throttle_read_bps_device, "blkio.throttle.read_bps_device", "throttleReadBpsDevice");
    throttle(&io.throttle_write_bps_device, "blkio.throttle.write_bps_device", "throttleWriteBpsDevice");
    throttle(&io.throttle_read_iops_device, "blkio.throttle.read_iops_device", "throttleReadIOPSDevice");
    throttle(&io.throttle_write_iops_device, "blkio.throttle.write_iops_device", "throttleWriteIOPSDevice");
    Ok(())
}

fn device_weights(io: &BlockIo, list: &mut Vec<Write>) {
    for (index, device) in io.weight_device.iter().flatten().enumerate() {
        let pointer = format!("blockIO/weightDevice/{index}");
        let (major, minor) = (device.major, device.minor);
        if let Some(weight) = set(device.weight) {
            let value = format!("{major}:{minor} {weight}");
            let mut write = Write::new(
                "blkio",
                "blkio.weight_device",
                &value,
                "block IO weight",
                &format!("{pointer}/weight"),
            );
            write.if_absent = IfAbsent::Instead { file: "blkio.bfq.weight_device", value };
            list.push(write);
        }
        if let Some(weight) = set(device.leaf_weight) {
            list.push(Write::new(
                "blkio",
                "blkio.leaf_weight_device",
                format!("{major}:{minor} {weight}"),
                "block IO leaf weight",
                &format!("{pointer}/leafWeight"),
            ));
        }
    }
}

pub fn network(network: &Network<'_>, list: &mut Vec<Write>) -> Result<()> {
    if let Some(class) = set(network.class_id) {
        list.push(Write::new("net_cls", "net_cls.classid", class, "network class", "network/classID"));
    }
    for (index, interface) in network.priorities.iter().flatten().enumerate() {
        let name = &*interface.name;
        let pointer = format!("network/priorities/{index}");
        if name.is_empty() || name.contains(char::is_whitespace) {
            let pointer = format!("{pointer}/name");
            return Err(invalid(&pointer, format!("\"{name}\" is not the name of a network interface")));
        }
        let value = format!("{name} {}", interface.priority);
        list.push(Write::new("net_prio", "net_prio.ifpriomap", value, "network priority", &pointer));
    }
    Ok(())
}
