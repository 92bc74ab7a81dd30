// SPDX-License-Identifier: Apache-2.0
//! The prover's rules for `linux.resources` and `linux.seccomp`: see `prove`. What callers seldom write is asked about.

use super::prove::{Proof, clean, plain};
use super::resources::{BlockIo, Cpu, Memory, Resources};
use super::seccomp::{Entry, Profile};
use crate::generated::lookup;
use crate::generated::seccomp::{ACTIONS, ARCHITECTURES, FLAGS, OPERATORS};

pub fn resources(resources: &Resources<'_>) -> Proof {
    let number = |number: Option<i64>| number.is_none_or(|n| (-1..=i64::from(u32::MAX)).contains(&n));
    let mut devices = resources.devices.iter().flatten();
    plain(devices.all(|rule| number(rule.major) && number(rule.minor)), "an odd device rule")?;
    plain(resources.memory.as_ref().is_none_or(memory), "an odd memory limit")?;
    plain(resources.cpu.as_ref().is_none_or(cpu), "an odd CPU limit")?;
    let pids = resources.pids.as_ref().and_then(|pids| pids.limit);
    plain(pids.is_none_or(|limit| limit >= -1), "an odd limit of processes")?;
    plain(resources.block_io.as_ref().is_none_or(block_io), "limits of block devices")?;
    let rare = resources.hugepage_limits.as_ref().is_some_and(|list| !list.is_empty())
        || resources.network.as_ref().is_some_and(|network| network.priorities.is_some())
        || resources.rdma.as_ref().is_some_and(|map| !map.is_empty())
        || resources.unified.as_ref().is_some_and(|map| !map.is_empty());
    plain(!rare, "a rare limit")
}

fn memory(memory: &Memory) -> bool {
    let Memory { limit, reservation, swap, kernel, kernel_tcp, swappiness, .. } = *memory;
    let sizes = [limit, reservation, swap, kernel, kernel_tcp];
    let (limit, swap) = (limit.unwrap_or(0), swap.unwrap_or(0));
    sizes.into_iter().flatten().all(|size| size >= -1)
        && (swap <= 0 || limit > 0 && limit <= swap)
        && swappiness.is_none_or(|value| value <= 100)
}

fn cpu(cpu: &Cpu<'_>) -> bool {
    let single = |list: &str| list.bytes().all(|byte| byte.is_ascii_digit()) && list.len() <= 4;
    let range = |part: &str| match part.split_once('-') {
        Some((first, last)) => {
            single(first)
                && single(last)
                && first.parse::<u32>().ok() <= last.parse().ok()
                && !first.is_empty()
        }
        None => !part.is_empty() && single(part),
    };
    let is_list = |list: &str| list.is_empty() || list.split(',').all(range);
    cpu.quota.is_none_or(|quota| quota == -1 || quota == 0 || quota >= 1000)
        && cpu.period.is_none_or(|period| period == 0 || (1000..=1_000_000).contains(&period))
        && cpu.burst.is_none_or(|burst| burst == 0)
        && cpu.realtime_runtime.is_none_or(|runtime| runtime == 0)
        && cpu.idle.is_none_or(|idle| matches!(idle, 0 | 1))
        && [&cpu.cpus, &cpu.mems].into_iter().flatten().all(|list| is_list(list))
}

fn block_io(block_io: &BlockIo) -> bool {
    let weight = |weight: Option<u16>| weight.is_none_or(|n| n == 0 || (10..=1000).contains(&n));
    let throttles = [
        &block_io.throttle_read_bps_device,
        &block_io.throttle_write_bps_device,
        &block_io.throttle_read_iops_device,
        &block_io.throttle_write_iops_device,
    ];
    weight(block_io.weight)
        && weight(block_io.leaf_weight)
        && block_io.weight_device.as_ref().is_none_or(|list| list.is_empty())
        && throttles.into_iter().flatten().all(|list| list.is_empty())
}

pub fn profile(profile: &Profile<'_>) -> Proof {
    let listener = profile.listener_path.as_deref().filter(|path| !path.is_empty());
    plain(listener.is_none_or(clean), "an odd path of a seccomp agent")?;
    plain(
        profile.listener_metadata.as_deref().is_none_or(|words| clean(words) && listener.is_some()),
        "words for an agent of seccomp",
    )?;
    let default = action(&profile.default_action, profile.default_errno_ret, false);
    plain(default, "an odd default action of seccomp")?;
    let mut architectures = profile.architectures.iter().flatten();
    plain(architectures.all(|word| lookup(ARCHITECTURES, word).is_some()), "an odd architecture of seccomp")?;
    let mut flags = profile.flags.iter().flatten();
    plain(flags.all(|word| lookup(FLAGS, word).is_some()), "an odd flag of seccomp")?;
    let mut entries = profile.syscalls.iter().flatten();
    plain(entries.all(|rule| entry(rule, listener.is_some())), "an odd entry of seccomp")
}

fn entry(entry: &Entry<'_>, asks: bool) -> bool {
    let mut args = entry.args.iter().flatten();
    !entry.names.is_empty()
        && entry.names.iter().all(|name| !name.is_empty() && clean(name))
        && action(&entry.action, entry.errno_ret, asks)
        && args.all(|argument| argument.index < 6 && lookup(OPERATORS, &argument.op).is_some())
}

/// `asks`: an agent is there for SCMP_ACT_NOTIFY. No errno where none is returned.
fn action(name: &str, errno: Option<u32>, asks: bool) -> bool {
    lookup(ACTIONS, name).is_some()
        && (asks || name != "SCMP_ACT_NOTIFY")
        && errno.is_none_or(|errno| name == "SCMP_ACT_ERRNO" && errno <= 4095)
}
