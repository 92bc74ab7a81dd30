// SPDX-License-Identifier: Apache-2.0
//! Resources as files of cgroup v2 (Documentation/admin-guide/cgroup-v2.rst). Pure.

use crate::cgroup::layout::{Layout, Version};
use crate::cgroup::values::{IfAbsent, Value, Write, invalid, refuse, set};
use crate::cgroup::weight;
use crate::error::{Result, pointer_part};
use crate::spec::resources::{BlockIo, Cpu, Memory, Network, Resources, Throttle};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

const NONE_ON_V2: &str = "cgroup v2 has nothing like it";

/// -1 is "no limit".
fn amount(value: i64) -> String {
    if value == -1 { "max".to_string() } else { value.to_string() }
}

pub fn memory(memory: &Memory, list: &mut Vec<Write>) -> Result<()> {
    if set(memory.kernel_tcp).is_some_and(|limit| limit != -1) {
        return Err(refuse("memory/kernelTCP", format!("no limit for kernel TCP memory: {NONE_ON_V2}"))
            .hint("memory/limit counts kernel memory too"));
    }
    if memory.disable_oom_killer == Some(true) {
        return Err(refuse(
            "memory/disableOOMKiller",
            format!("the OOM killer cannot be switched off: {NONE_ON_V2}"),
        ));
    }
    if memory.swappiness.is_some_and(|value| value != u64::MAX) {
        return Err(refuse(
            "memory/swappiness",
            format!("swappiness cannot be set for a container: {NONE_ON_V2}"),
        )
        .hint("memory/swap limits how much is swapped"));
    }
    let limit = set(memory.limit);
    let mut push = |file: &'static str, value: i64, what, name: &str, needless| {
        list.push(
            Write::new("memory", file, amount(value), what, &format!("memory/{name}"))
                .skip_if_absent_when(needless),
        );
    };
    if let Some(swap) = swap(set(memory.swap), limit)? {
        // Without swap on the host the file is absent; then "none" and "any" both hold already.
        push("memory.swap.max", swap, "swap limit", "swap", swap <= 0);
    }
    if let Some(limit) = limit {
        push("memory.max", limit, "memory limit", "limit", limit == -1);
    }
    if let Some(reservation) = set(memory.reservation) {
        push("memory.low", reservation, "memory reservation", "reservation", reservation == -1);
    }
    Ok(())
}

/// OCI counts memory and swap together, v2 counts swap alone: the difference, or -1.
fn swap(together: Option<i64>, memory: Option<i64>) -> Result<Option<i64>> {
    match (together, memory) {
        (None, Some(-1)) | (Some(-1), _) => Ok(Some(-1)),
        (None, _) => Ok(None),
        (Some(together), Some(-1)) => Ok(Some(together)),
        (Some(together), Some(memory)) if together < memory => {
            let message =
                format!("memory and swap together ({together}) are less than memory alone ({memory})");
            Err(invalid("memory/swap", message))
        }
        (Some(together), Some(memory)) => Ok(Some(together - memory)),
        (Some(_), None) => {
            let message = "the limit for memory and swap together says nothing without memory/limit";
            Err(invalid("memory/swap", message).hint("give memory/limit as well"))
        }
    }
}

pub fn cpu(cpu: &Cpu<'_>, list: &mut Vec<Write>) -> Result<()> {
    if set(cpu.realtime_runtime).is_some() || set(cpu.realtime_period).is_some() {
        let name = if set(cpu.realtime_runtime).is_some() { "realtimeRuntime" } else { "realtimePeriod" };
        let message = format!("no real-time budget for a container: {NONE_ON_V2}");
        return Err(refuse(&format!("cpu/{name}"), message));
    }
    let mut push = |file: &'static str, value: Value, what, name: &str, needless| {
        let mut write =
            Write::new("cpu", file, "", what, &format!("cpu/{name}")).skip_if_absent_when(needless);
        write.value = value;
        list.push(write);
    };
    let idle = cpu.idle == Some(1);
    // An idle group has no weight (EINVAL), so it leaves that state first and enters it last.
    if let Some(value) = cpu.idle.filter(|_| !idle) {
        push("cpu.idle", Value::Text(value.to_string()), "cpu idle", "idle", value == 0);
    }
    if let Some(shares) = set(cpu.shares).filter(|_| !idle) {
        let weight = weight::from_cpu_shares(shares).to_string();
        push("cpu.weight", Value::Text(weight), "cpu shares", "shares", false);
    }
    let quota = set(cpu.quota).map(|quota| if quota < 0 { "max".to_string() } else { quota.to_string() });
    match (quota, set(cpu.period)) {
        (Some(quota), Some(period)) => {
            let needless = quota == "max";
            push("cpu.max", Value::Text(format!("{quota} {period}")), "cpu quota", "quota", needless);
        }
        (Some(quota), None) => {
            let needless = quota == "max";
            push("cpu.max", Value::Text(quota), "cpu quota", "quota", needless);
        }
        (None, Some(period)) => {
            push("cpu.max", Value::AfterFirstWord(period.to_string()), "cpu period", "period", false);
        }
        (None, None) => {}
    }
    if let Some(burst) = cpu.burst {
        push("cpu.max.burst", Value::Text(burst.to_string()), "cpu burst", "burst", burst == 0);
    }
    if idle {
        push("cpu.idle", Value::Text("1".to_string()), "cpu idle", "idle", false);
    }
    Ok(())
}

pub fn block_io(io: &BlockIo, list: &mut Vec<Write>) -> Result<()> {
    if set(io.leaf_weight).is_some() {
        return Err(refuse("blockIO/leafWeight", format!("no leaf weight: {NONE_ON_V2}")));
    }
    // BFQ's own file takes the OCI range as it is and is what that scheduler reads; io.weight is io.cost's.
    if let Some(weight) = set(io.weight) {
        let mut write = Write::new("io", "io.bfq.weight", weight, "block IO weight", "blockIO/weight");
        write.if_absent =
            IfAbsent::Instead { file: "io.weight", value: weight::from_blkio_weight(weight).to_string() };
        list.push(write);
    }
    for (index, device) in io.weight_device.iter().flatten().enumerate() {
        if let Some(weight) = set(device.weight) {
            let number = format!("{}:{}", device.major, device.minor);
            let pointer = format!("blockIO/weightDevice/{index}/weight");
            let value = format!("{number} {weight}");
            let mut write = Write::new("io", "io.bfq.weight", value, "block IO weight", &pointer);
            let value = format!("{number} {}", weight::from_blkio_weight(weight));
            write.if_absent = IfAbsent::Instead { file: "io.weight", value };
            list.push(write);
        }
    }
    let mut throttle = |devices: &Option<Vec<Throttle>>, key: &str, name: &str| {
        for (index, device) in devices.iter().flatten().enumerate() {
            // 0 lifts the limit on v1; v2 refuses it.
            let rate = if device.rate == 0 { "max".to_string() } else { device.rate.to_string() };
            let value = format!("{}:{} {key}={rate}", device.major, device.minor);
            let pointer = format!("blockIO/{name}/{index}/rate");
            list.push(Write::new("io", "io.max", value, "block IO limit", &pointer));
        }
    };
    throttle(&io.throttle_read_bps_device, "rbps", "throttleReadBpsDevice");
    throttle(&io.throttle_write_bps_device, "wbps", "throttleWriteBpsDevice");
    throttle(&io.throttle_read_iops_device, "riops", "throttleReadIOPSDevice");
    throttle(&io.throttle_write_iops_device, "wiops", "throttleWriteIOPSDevice");
    Ok(())
}

pub fn network(network: &Network<'_>) -> Result<()> {
    let hint = "classify by cgroup in nftables (socket cgroupv2) or by a program on the interface";
    if set(network.class_id).is_some() {
        return Err(refuse("network/classID", format!("no network class: {NONE_ON_V2}")).hint(hint));
    }
    if network.priorities.as_ref().is_some_and(|list| !list.is_empty()) {
        return Err(refuse("network/priorities", format!("no network priorities: {NONE_ON_V2}")).hint(hint));
    }
    Ok(())
}

/// Raw files, last: who names a file means to overrule what estiba made of the other properties.
pub fn unified(resources: &Resources<'_>, layout: &Layout, list: &mut Vec<Write>) -> Result<()> {
    for (file, value) in resources.unified.iter().flatten() {
        let pointer = format!("unified/{}", pointer_part(file));
        let Some((controller, rest)) = file.split_once('.').filter(|_| !file.contains('/')) else {
            return Err(invalid(&pointer, format!("\"{file}\" is not the name of a cgroup file"))
                .hint("a name has the form CONTROLLER.WHAT, such as \"memory.high\""));
        };
        if controller.is_empty() || rest.is_empty() {
            return Err(invalid(&pointer, format!("\"{file}\" is not the name of a cgroup file")));
        }
        if layout.unified().is_none()
            || (controller != "cgroup" && layout.version_of(controller) == Version::V1)
        {
            let message =
                format!("\"{file}\" is a file of cgroup v2, and \"{controller}\" is on cgroup v1 here");
            return Err(refuse(&pointer, message).hint("ask by the named properties of linux.resources"));
        }
        let name = if controller == "cgroup" { "" } else { controller };
        let mut write = Write::new("", file.to_string(), value, "raw value", &pointer);
        write.controller = Cow::Owned(name.to_string());
        list.push(write);
    }
    Ok(())
}
