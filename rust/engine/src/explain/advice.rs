// SPDX-License-Identifier: Apache-2.0
//! Hints for steps whose error number means one thing there and another elsewhere.

use crate::generated::scheduling::POLICIES;
use estiba_init::step::Step;
use estiba_sys::Errno;

/// What to look at when the kernel answers `errno` to this step.
pub fn advice(step: &Step<'_>, errno: Errno) -> Option<&'static str> {
    Some(match (step, errno) {
        (Step::Scheduler { policy, .. }, errno) => return scheduler(*policy, errno),
        (Step::IoPriority { .. }, Errno::EPERM) => "the real-time class needs CAP_SYS_NICE on the host",
        (Step::MemoryPolicy { .. }, Errno::EINVAL) => {
            "a node is absent or outside of the cgroup's cpuset, or a flag does not fit the mode"
        }
        (Step::Affinity { .. }, Errno::EINVAL) => {
            "none of these processors is online and in the container's cpuset"
        }
        _ => return None,
    })
}

/// sched_setattr(2), ERRORS; for SCHED_DEADLINE the kernel's Documentation/scheduler/sched-deadline.rst.
fn scheduler(policy: u32, errno: Errno) -> Option<&'static str> {
    let name = POLICIES.iter().find(|(_, number)| *number == policy).map_or("", |(name, _)| name);
    Some(match (name, errno) {
        ("SCHED_FIFO" | "SCHED_RR", Errno::EPERM) => {
            "a real-time policy needs CAP_SYS_NICE on the host, and with cgroup v1 a share for the cgroup: \
             linux.resources.cpu.realtimeRuntime"
        }
        ("SCHED_DEADLINE", Errno::EPERM) => {
            "it needs CAP_SYS_NICE on the host, and a cpuset with all processors"
        }
        ("SCHED_DEADLINE", Errno::EBUSY) => "the machine has not that much time left to promise",
        (_, Errno::EPERM) => "only CAP_SYS_NICE on the host may go below nice 0",
        (_, Errno::EINVAL) => "the kernel does not know this policy, or a value is out of its range",
        _ => return None,
    })
}
