// SPDX-License-Identifier: Apache-2.0
//! Spec and host to a plan: what the child is born into, what it is handed, and the steps it executes.
//!
//! Pure: no system call is made here, so golden files test it without root and a fuzzer may feed it anything.

mod binds;
mod cgroups;
mod devices;
mod exec;
mod filesystem;
mod identity;
mod labels;
mod mounts;
mod namespaces;
mod new_mounts;
mod number_list;
mod origin;
mod process;
mod scheduling;
mod show;
mod steps;

pub use binds::{IdMap, MappedIds, Tree};
pub use exec::{Target as ExecTarget, exec};
pub use identity::key_of as key_of_parameter;
pub use mounts::Flags;
pub use namespaces::{Born, UserNamespace, all_kinds as namespaces_of};
pub use origin::Origin;
pub use process::program_name;
pub use steps::Steps;

use crate::cgroup::Dir;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::spec::Spec;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use estiba_init::plan::FIRST_FREE_FD;
use estiba_init::step::Step;

/// What the caller of a verb decides beyond the config.
#[derive(Clone, Debug, Default)]
pub struct Options<'a> {
    pub id: &'a str,
    /// Absolute: relative paths of the config start here.
    pub bundle: &'a str,
    /// Wait for `start` before the program runs.
    pub gate: bool,
    pub preserve_fds: u32,
    pub no_pivot: bool,
    pub no_new_keyring: bool,
    /// The container's cgroup, for mounts that show it.
    pub cgroup: &'a [Dir],
    /// The label of new file systems; the planner takes it from the config.
    pub mount_label: Option<&'a str>,
    /// The compiled seccomp filter and its flags.
    pub seccomp: Option<(&'a [u8], u32)>,
    /// Let init stamp when each step begins.
    pub trace: bool,
}

/// A descriptor that init is handed, in order from `FIRST_FREE_FD`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Handed {
    /// A namespace to join.
    Namespace { path: String, origin: Origin },
    /// A detached copy of a host path, where init could not reach it or map its ids.
    Tree(Tree),
    /// The socket on which init sends its terminal.
    Terminal,
    /// The container's state, for hooks that run inside.
    State,
    /// The pidfd of the container that `exec` enters.
    Container,
    /// The file that says whether the parent has taken the seccomp listener.
    Taken,
    /// The memory that init stamps for a trace.
    Trace,
    /// The caller's descriptor of this number.
    Kept(i32),
}

/// Everything that a launch needs to know.
#[derive(Debug, Default)]
pub struct Plan {
    pub born: Born,
    pub handed: Vec<Handed>,
    pub steps: Steps,
    pub oom_score_adj: Option<i32>,
    /// Init pauses while runtime hooks run, and until the state that its own hooks read is written.
    pub pauses: bool,
    pub terminal: bool,
    /// Where setgroups is denied the caller's groups cannot be left (user_namespaces(7)).
    pub denies_groups: bool,
    /// What the config asks for and this host leaves out.
    pub warnings: Vec<Error>,
}

impl Plan {
    /// Adds a descriptor and says its number in init.
    fn hand(&mut self, what: Handed) -> i32 {
        self.handed.push(what);
        FIRST_FREE_FD + self.handed.len() as i32 - 1
    }

    /// For messages: the host path behind a tree or namespace that init was handed.
    pub fn source_of(&self, fd: i32) -> &str {
        match self.handed.get((fd - FIRST_FREE_FD) as usize) {
            Some(Handed::Tree(tree)) => &tree.source,
            Some(Handed::Namespace { path, .. }) => path,
            _ => "the source",
        }
    }

    fn add(&mut self, origin: Origin, step: Step<'_>) {
        self.steps.push(origin, step);
    }
}

/// Plans a container's first process.
pub fn create(spec: &Spec<'_>, host: &Host, options: &Options<'_>) -> Result<Plan> {
    let process = spec.process.as_ref().ok_or_else(|| missing("/process"))?;
    let root = spec.root.as_ref().ok_or_else(|| missing("/root"))?;
    refuse_unbuilt(spec)?;
    let mut plan =
        Plan { oom_score_adj: process.oom_score_adj, terminal: process.terminal, ..Plan::default() };
    let options = &Options { mount_label: labels::of_mounts(&mut plan, spec, host), ..options.clone() };
    if options.trace {
        let fd = plan.hand(Handed::Trace);
        plan.add(Origin::Runtime, Step::Trace { fd });
    }
    namespaces::plan(&mut plan, spec, host)?;
    plan.add(Origin::Runtime, Step::NewSession {});
    process::keyring(&mut plan, options);
    namespaces::join_and_name(&mut plan, spec, host)?;
    let mounts = namespaces::has_mount_namespace(spec);
    if mounts {
        let terminal = filesystem::terminal_of(&mut plan, process);
        filesystem::plan(&mut plan, spec, root, host, options, terminal)?;
    } else {
        filesystem::change_root(&mut plan, root, options)?;
    }
    if process.terminal && !mounts {
        let terminal = filesystem::terminal_of(&mut plan, process);
        filesystem::open_terminal(&mut plan, process, terminal, false);
    }
    scheduling::of_container(&mut plan, spec.linux.personality.as_ref(), spec.linux.memory_policy.as_ref())?;
    process::plan(&mut plan, process, host, options, &spec.hooks)?;
    Ok(plan)
}

fn missing(pointer: &str) -> Error {
    Error::new(ErrorKind::ConfigInvalid, "is needed to create a container and is absent").at(pointer)
}

/// What the specification has and this build has not: refused, never dropped silently.
fn refuse_unbuilt(spec: &Spec<'_>) -> Result<()> {
    let refuse = |pointer: &str, what: &str| {
        let message = alloc::format!("{what} is not built into estiba yet");
        Err(Error::new(ErrorKind::ConfigUnsupported, message).at(pointer))
    };
    if spec.linux.intel_rdt.is_some_and(|raw| raw.get() != "null") {
        return refuse("/linux/intelRdt", "resource director technology");
    }
    if spec.linux.net_devices.is_some_and(|raw| !matches!(raw.get(), "null" | "{}")) {
        return refuse("/linux/netDevices", "moving network devices");
    }
    Ok(())
}

/// An absolute path: `path` below the bundle where it is relative.
fn below_bundle(path: &str, options: &Options<'_>) -> String {
    if path.starts_with('/') { path.to_string() } else { alloc::format!("{}/{path}", options.bundle) }
}
