// SPDX-License-Identifier: Apache-2.0
//! The container's file system, in the order in which it must be built: root, mounts, devices, terminal, hooks, what
//! is hidden, the pivot.

use super::{Handed, Options, Origin, Plan, cgroups, devices, identity, labels, mounts, namespaces, process};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::spec::{Process, Root, Spec};
use alloc::ffi::CString;
use alloc::format;
use estiba_init::step::Step;
use estiba_sys::mount::{ATTR_RDONLY, MS_PRIVATE, MS_REC, MS_SHARED, MS_SLAVE, MS_UNBINDABLE};

/// The file system below which a masked folder lies: it has room for its own root.
const EMPTY: &str = "nr_blocks=1,nr_inodes=1";

/// A C string of a config value; the specification's JSON may hold a NUL, the kernel's strings may not.
pub fn text(value: &str, origin: Origin) -> Result<CString> {
    CString::new(value).map_err(|_| {
        let error = Error::new(ErrorKind::ConfigInvalid, format!("{value:?} holds a NUL character"));
        match origin.pointer() {
            Some(pointer) => error.at(pointer),
            None => error,
        }
    })
}

/// The number of the terminal's socket, if a terminal is asked for.
pub fn terminal_of(plan: &mut Plan, process: &Process<'_>) -> Option<i32> {
    process.terminal.then(|| plan.hand(Handed::Terminal))
}

pub fn plan(
    plan: &mut Plan,
    spec: &Spec<'_>,
    root: &Root<'_>,
    host: &Host,
    options: &Options<'_>,
    terminal: Option<i32>,
) -> Result<()> {
    let (before, after) = root_propagation(spec, options)?;
    let shared = before & MS_SHARED != 0;
    plan.add(Origin::At("/linux/rootfsPropagation"), Step::Propagation { flags: before });
    let path = text(&super::below_bundle(&root.path, options), Origin::At("/root/path"))?;
    if shared {
        plan.add(Origin::At("/root/path"), Step::PartFromHost { path: &path });
    }
    plan.add(Origin::At("/root/path"), Step::OpenRoot { path: &path, bind: true });
    mount_all(plan, spec, host, options)?;
    devices::plan(plan, spec)?;
    if let Some(process) = &spec.process {
        open_terminal(plan, process, terminal, true);
    }
    hooks_before_pivot(plan, spec)?;
    identity::sysctls(plan, spec)?;
    if let Some(process) = &spec.process {
        labels::label_process(plan, process, host);
    }
    for (index, path) in spec.linux.readonly_paths.iter().enumerate() {
        let origin = Origin::Item("/linux/readonlyPaths", index);
        plan.add(origin, Step::MakeReadonly { path: &text(path, origin)? });
    }
    let mask = text(&labels::with_context(EMPTY, options.mount_label), Origin::At("/linux/mountLabel"))?;
    for (index, path) in spec.linux.masked_paths.iter().enumerate() {
        let origin = Origin::Item("/linux/maskedPaths", index);
        plan.add(origin, Step::Mask { path: &text(path, origin)?, data: &mask });
    }
    let pivot = if options.no_pivot { Step::MoveRoot {} } else { Step::PivotRoot { shared } };
    plan.add(Origin::At("/root/path"), pivot);
    if root.readonly {
        plan.add(Origin::At("/root/readonly"), Step::ChangeRootMount { set: ATTR_RDONLY, propagation: 0 });
    }
    if after != 0 {
        let origin = Origin::At("/linux/rootfsPropagation");
        plan.add(origin, Step::ChangeRootMount { set: 0, propagation: after });
    }
    plan.add(Origin::At("/root/path"), Step::CloseRoot {});
    Ok(())
}

fn mount_all(plan: &mut Plan, spec: &Spec<'_>, host: &Host, options: &Options<'_>) -> Result<()> {
    for (index, mount) in spec.mounts.iter().enumerate() {
        match mount.kind.as_deref() {
            Some("cgroup" | "cgroup2") if !mounts::is_bind(mount) => {
                cgroups::plan(plan, spec, host, options, mount, index)?;
            }
            _ => mounts::plan(plan, mount, index, host, options)?,
        }
    }
    Ok(())
}

/// Without a mount namespace: the root is only changed (config.md "Root").
pub fn change_root(plan: &mut Plan, root: &Root<'_>, options: &Options<'_>) -> Result<()> {
    let origin = Origin::At("/root/path");
    let path = text(&super::below_bundle(&root.path, options), origin)?;
    plan.add(origin, Step::OpenRoot { path: &path, bind: false });
    plan.add(origin, Step::ChangeRoot {});
    Ok(())
}

/// What "/" of the new namespace gets before anything is mounted, and the new root at the end. In a slave the mounts of
/// the host arrive and nothing goes back; a volume that shares its mounts with the host needs "/" shared from the start,
/// which cannot be where "/" itself is moved over.
fn root_propagation(spec: &Spec<'_>, options: &Options<'_>) -> Result<(u64, u64)> {
    let slave = MS_SLAVE | MS_REC;
    let shared = |flags| if options.no_pivot { (slave, flags) } else { (flags, flags) };
    Ok(match spec.linux.rootfs_propagation.as_deref() {
        None | Some("" | "slave" | "rslave") => (slave, 0),
        Some("private" | "rprivate") => (MS_PRIVATE | MS_REC, 0),
        Some("shared") => shared(MS_SHARED),
        Some("rshared") => shared(MS_SHARED | MS_REC),
        Some("unbindable") => (slave, MS_UNBINDABLE),
        Some("runbindable") => (slave, MS_UNBINDABLE | MS_REC),
        Some(other) => {
            let message = format!("{other:?} is not a mount propagation");
            return Err(Error::new(ErrorKind::ConfigInvalid, message).at("/linux/rootfsPropagation"));
        }
    })
}

pub fn open_terminal(plan: &mut Plan, process: &Process<'_>, socket: Option<i32>, console: bool) {
    let Some(socket) = socket else { return };
    let (rows, columns) = process.console_size.map_or((0, 0), |size| (size.height as u16, size.width as u16));
    let step = Step::Terminal { socket, rows, columns, console, uid: process.user.uid };
    plan.add(Origin::At("/process/terminal"), step);
}

/// Runtime hooks see all mounts and the host's view of them; createContainer runs inside, before the pivot
/// (config.md "POSIX-platform Hooks"). All of them read the state, which has the pid, so init waits until it is there.
fn hooks_before_pivot(plan: &mut Plan, spec: &Spec<'_>) -> Result<()> {
    let hooks = &spec.hooks;
    plan.pauses =
        [&hooks.prestart, &hooks.create_runtime, &hooks.create_container].iter().any(|h| !h.is_empty());
    if plan.pauses {
        plan.add(Origin::At("/hooks"), Step::Pause { point: 0 });
    }
    process::hooks_inside(plan, "/hooks/createContainer", &spec.hooks.create_container)
}

/// Whether the container has a user namespace that is not the runtime's.
pub fn in_user_namespace(plan: &Plan) -> bool {
    !plan.born.user.is_same()
}

pub fn has_new_cgroup_namespace(spec: &Spec<'_>) -> bool {
    namespaces::has_new(spec, "cgroup")
}
