// SPDX-License-Identifier: Apache-2.0
//! How the process is run: scheduler policy, I/O priority, CPUs, memory nodes, execution domain.

use super::number_list::mask;
use super::{Origin, Plan};
use crate::error::{Error, ErrorKind, Result};
use crate::generated::lookup;
use crate::generated::{memory_policy, personalities, scheduling};
use crate::spec::{Affinity, MemoryPolicy, Personality, Process, Scheduler, Text};
use alloc::format;
use estiba_init::step::Step;

/// The kernel's numbers of IOPRIO_CLASS_* stand above the level (linux/ioprio.h).
const IO_CLASS_SHIFT: u32 = 13;

/// `process.scheduler` and `process.ioPriority`.
pub fn of_process(plan: &mut Plan, process: &Process<'_>) -> Result<()> {
    if let Some(scheduler) = &process.scheduler {
        policy(plan, scheduler)?;
    }
    if let Some(asked) = &process.io_priority {
        let class = named(scheduling::IO_CLASSES, &asked.class, "/process/ioPriority/class")?;
        let priority = class << IO_CLASS_SHIFT | asked.priority;
        plan.add(Origin::At("/process/ioPriority"), Step::IoPriority { priority });
    }
    Ok(())
}

/// `linux.personality` and `linux.memoryPolicy`: of every process of the container, of `exec` too.
pub fn of_container(
    plan: &mut Plan,
    personality: Option<&Personality<'_>>,
    memory: Option<&MemoryPolicy<'_>>,
) -> Result<()> {
    if let Some(asked) = personality {
        let persona = named(personalities::PERSONALITIES, &asked.domain, "/linux/personality/domain")?;
        plan.add(Origin::At("/linux/personality"), Step::Personality { persona });
    }
    if let Some(asked) = memory {
        let mode = named(memory_policy::MODES, &asked.mode, "/linux/memoryPolicy/mode")?;
        let flags = or_flags(memory_policy::FLAGS, &asked.flags, "/linux/memoryPolicy/flags")?;
        let nodes = mask(&asked.nodes, "/linux/memoryPolicy/nodes")?;
        plan.add(Origin::At("/linux/memoryPolicy"), Step::MemoryPolicy { mode: mode | flags, nodes: &nodes });
    }
    Ok(())
}

/// `process.execCPUAffinity`, which is for `exec` alone: the first list is the caller's while it clones, the last one
/// the process's own, once it is in the container's cgroup.
pub fn affinity(plan: &mut Plan, asked: Option<&Affinity<'_>>) -> Result<()> {
    let Some(asked) = asked else { return Ok(()) };
    let read = |list: &Option<Text<'_>>, pointer| {
        let mask = list.as_ref().map(|list| mask(list, pointer)).transpose()?;
        Ok(mask.filter(|mask| !mask.is_empty()))
    };
    plan.born.affinity = read(&asked.initial, "/process/execCPUAffinity/initial")?;
    if let Some(mask) = read(&asked.last, "/process/execCPUAffinity/final")? {
        plan.add(Origin::At("/process/execCPUAffinity/final"), Step::Affinity { mask: &mask });
    }
    Ok(())
}

fn policy(plan: &mut Plan, asked: &Scheduler<'_>) -> Result<()> {
    let policy = named(scheduling::POLICIES, &asked.policy, "/process/scheduler/policy")?;
    let flags = or_flags(scheduling::FLAGS, &asked.flags, "/process/scheduler/flags")?;
    let priority = u32::try_from(asked.priority).map_err(|_| {
        let message = format!("{} is out of range, expected 0 to 99", asked.priority);
        Error::new(ErrorKind::ConfigInvalid, message).at("/process/scheduler/priority")
    })?;
    let step = Step::Scheduler {
        policy,
        flags: u64::from(flags),
        nice: asked.nice,
        priority,
        runtime: asked.runtime,
        deadline: asked.deadline,
        period: asked.period,
        utilization_min: 0,
        utilization_max: 0,
    };
    plan.add(Origin::At("/process/scheduler"), step);
    Ok(())
}

fn named(table: &[(&str, u32)], name: &str, pointer: &str) -> Result<u32> {
    lookup(table, name).ok_or_else(|| {
        Error::new(ErrorKind::ConfigInvalid, format!("{name:?} is not a known name here")).at(pointer)
    })
}

fn or_flags(table: &[(&str, u32)], names: &[Text<'_>], pointer: &str) -> Result<u32> {
    names.iter().enumerate().try_fold(0, |flags, (index, name)| {
        named(table, name, &format!("{pointer}/{index}")).map(|flag| flags | flag)
    })
}
