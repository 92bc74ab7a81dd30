// SPDX-License-Identifier: Apache-2.0
//! Plans a process that enters a container: the namespaces of its init, then the process as in create.

use super::filesystem::{open_terminal, terminal_of};
use super::{Handed, Options, Origin, Plan, labels, process, scheduling};
use crate::error::Result;
use crate::host::Host;
use crate::spec::{Hooks, MemoryPolicy, Personality, Process};
use alloc::format;
use estiba_init::step::Step;
use estiba_sys::namespace::{MOUNT, PID, USER};

/// What `exec` finds about the container that it enters.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    pub pid: i32,
    /// CLONE_NEW* of the namespaces in which its init differs from the caller.
    pub differs: u64,
    /// Its user namespace denies setgroups(2).
    pub denies_groups: bool,
    pub personality: Option<&'a Personality<'a>>,
    pub memory_policy: Option<&'a MemoryPolicy<'a>>,
}

pub fn exec(process: &Process<'_>, target: Target<'_>, host: &Host, options: &Options<'_>) -> Result<Plan> {
    let mut plan =
        Plan { oom_score_adj: process.oom_score_adj, terminal: process.terminal, ..Plan::default() };
    plan.denies_groups = target.denies_groups;
    // Who is not privileged has the rights over the rest only in the container's user namespace.
    let owns_after_join = target.differs & USER != 0 && !host.is_privileged();
    let staged = target.differs & if owns_after_join { PID | USER } else { PID };
    if staged != 0 {
        let fd = plan.hand(Handed::Container);
        plan.born.staged = true;
        plan.add(Origin::Runtime, Step::Join { fd, kinds: staged });
        if owns_after_join {
            plan.add(Origin::Runtime, Step::Identity { uid: 0, gid: 0, groups: None });
        }
        plan.add(Origin::Runtime, Step::Beside { namespaces: 0 });
    }
    plan.add(Origin::Runtime, Step::NewSession {});
    labels::label_process(&mut plan, process, host);
    let joined_by_init = target.differs & !staged;
    if joined_by_init != 0 {
        let fd = plan.hand(Handed::Container);
        plan.add(Origin::Runtime, Step::Join { fd, kinds: joined_by_init });
    }
    process::keyring(&mut plan, options);
    if target.differs & MOUNT == 0 {
        let root = super::filesystem::text(&format!("/proc/{}/root", target.pid), Origin::Runtime)?;
        plan.add(Origin::Runtime, Step::OpenRoot { path: &root, bind: false });
        plan.add(Origin::Runtime, Step::ChangeRoot {});
    }
    let terminal = terminal_of(&mut plan, process);
    open_terminal(&mut plan, process, terminal, false);
    scheduling::of_container(&mut plan, target.personality, target.memory_policy)?;
    scheduling::affinity(&mut plan, process.exec_cpu_affinity.as_ref())?;
    // Joined by init with all rights over it, or by stage one: the process lives in a user namespace of its own.
    let in_own = target.differs & USER != 0;
    let held = Host { capabilities: if in_own { u64::MAX } else { host.capabilities }, ..host.clone() };
    process::plan(&mut plan, process, &held, options, &Hooks::default())?;
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgroup::Layout;
    use crate::seccomp::FLAG_NEW_LISTENER;
    use estiba_init::plan::FIRST_FREE_FD;

    fn planned(options: &Options<'_>) -> Plan {
        let process = serde_json::from_str(r#"{"args": ["/bin/true"], "cwd": "/"}"#).unwrap();
        let target =
            Target { pid: 1, differs: 0, denies_groups: false, personality: None, memory_policy: None };
        let host = Host {
            uid: 0,
            gid: 0,
            capabilities: u64::MAX,
            layout: Layout::default(),
            has_selinux: false,
            has_apparmor: false,
            runs_foreign: false,
        };
        exec(&process, target, &host, options).unwrap()
    }

    fn taken(plan: &Plan) -> Option<Option<i32>> {
        plan.steps.iter().find_map(|(_, step)| match step {
            Step::Seccomp { taken, .. } => Some(taken),
            _ => None,
        })
    }

    #[test]
    fn a_filter_with_a_listener_waits_on_a_file_behind_the_kept_descriptors() {
        let filter = Some((&[0; 8][..], FLAG_NEW_LISTENER));
        let plan = planned(&Options { preserve_fds: 2, seccomp: filter, ..Options::default() });
        assert_eq!(plan.handed[plan.handed.len() - 3..], [Handed::Kept(3), Handed::Kept(4), Handed::Taken]);
        assert_eq!(taken(&plan), Some(Some(FIRST_FREE_FD + plan.handed.len() as i32 - 1)));
    }

    #[test]
    fn a_filter_without_a_listener_waits_for_nobody() {
        let plan = planned(&Options { seccomp: Some((&[0; 8][..], 0)), ..Options::default() });
        assert_eq!(taken(&plan), Some(None));
        assert!(!plan.handed.contains(&Handed::Taken));
    }
}
