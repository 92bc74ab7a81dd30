// SPDX-License-Identifier: Apache-2.0
//! The sentence for a step that failed: init sends a number, the plan knows the rest.

mod advice;
mod labels;
mod program;

use crate::error::{Error, ErrorKind, Facts, pointer_part};
use crate::generated::namespaces::NAMESPACES;
use crate::hooks;
use crate::launch::Launched;
use crate::plan::{self, Origin, Plan, UserNamespace};
use crate::spec::Hook;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ffi::CStr;
use estiba_init::plan::{Detail, Report};
use estiba_init::step::Step;
use estiba_sys::Errno;

/// "pid", "mnt": the file of a namespace in /proc/PID/ns. pid_for_children is what a thread's children are born into.
pub fn namespace_file(kind: u64) -> &'static str {
    NAMESPACES.iter().find(|(_, (flag, _))| *flag == kind).map_or("pid", |(_, (_, file))| match *file {
        "pid" => "pid_for_children",
        file => file,
    })
}

/// Turns the report of a failed init into an error. `program`: the first argument as written.
pub fn explain(plan: &Plan, launched: &Launched, report: Report, program: &str) -> Error {
    let errno = Errno(report.errno);
    let Some((origin, step)) = plan.steps.get(report.step) else {
        return Error::internal(format!("init reported step {} and {errno:?}", report.step));
    };
    let detail = Detail::from_code(report.detail);
    let error = match step {
        Step::FindProgram { .. } => program::failed(program, detail, errno, &launched.proof()),
        Step::Execute { .. } => program::failed(program, detail, errno, &[]),
        Step::MountBind { target, source, fd, .. } => {
            let source = source.map_or_else(|| plan.source_of(fd).into(), quoted);
            Error { errno: Some(errno), ..bind_failed(target, &source, detail, errno) }
        }
        Step::Join { fd, .. } => {
            let error = match plan.source_of(fd) {
                path if path.starts_with('/') => {
                    Error::refused(format!("join the namespace {path:?}"), errno)
                }
                _ => Error::refused("join the container's namespaces", errno), // all at once, by its pidfd
            };
            if errno == Errno::EINVAL { error.hint("is it a namespace of this type?") } else { error }
        }
        Step::Sysctl { path, value } => {
            let slashed = matches!(origin, Origin::Parameter { slashed: true });
            parameter_failed(&plan::key_of_parameter(&quoted(path), slashed), value, errno)
        }
        Step::MakeDevice { name, .. } => device_failed(folder_of(plan, report.step), &quoted(name), errno),
        step => Error { errno: Some(errno), ..step_failed(&step, detail, errno) },
    };
    let error = match &plan.born.user {
        UserNamespace::New { identity, .. } if errno == Errno::EPERM && *identity != (0, 0) => {
            error.hint("no id is 0 inside: who sets the container up is root there, so map one to 0")
        }
        _ => error,
    };
    let counted = Some((report.step + 1, plan.steps.iter().count() as u32));
    Error { step: counted, ..place(error, origin) }
}

pub const START_HOOKS: &str = "/hooks/startContainer";

/// The failure of a program after the gate, where the plan is gone; `hooks`: those of START_HOOKS, from step `first` on.
pub fn explain_started(report: Report, program: &str, hooks: &[Hook<'_>], first: u32) -> Error {
    let detail = Detail::from_code(report.detail);
    let index = report.step.wrapping_sub(first) as usize;
    match (hooks.get(index), detail) {
        (Some(hook), Detail::HookFailed | Detail::HookTimedOut) => {
            let argv = hook.argv();
            place(
                hook_failed(&hooks::named(&hook.path, &argv), &argv, detail, report.errno),
                Origin::Item(START_HOOKS, index),
            )
        }
        (None, Detail::HookFailed | Detail::HookTimedOut) => {
            place(hook_failed("a startContainer hook", &[], detail, report.errno), Origin::At(START_HOOKS))
        }
        (Some(hook), _) => {
            let failed = Error::refused(format!("run the hook {:?}", &*hook.path), Errno(report.errno));
            place(failed, Origin::Item(START_HOOKS, index))
        }
        (None, _) => place(
            program::failed(program, detail, Errno(report.errno), &[]),
            Origin::Item("/process/args", 0),
        ),
    }
}

fn place(error: Error, origin: Origin) -> Error {
    match origin.pointer() {
        Some(pointer) if error.pointer.is_none() => error.at(pointer),
        _ => error,
    }
}

fn hook_failed(what: &str, argv: &[&str], detail: Detail, errno: u16) -> Error {
    let exit_status = (detail == Detail::HookFailed).then_some(i32::from(errno));
    let argv = argv.iter().map(ToString::to_string).collect();
    hooks::failure(what, exit_status, u32::from(errno)).with(Facts::Hook {
        argv,
        exit_status,
        milliseconds: None,
    })
}

fn quoted(text: &CStr) -> Cow<'_, str> {
    text.to_string_lossy()
}

fn step_failed(step: &Step<'_>, detail: Detail, errno: Errno) -> Error {
    let refused = |what: String| Error::refused(what, errno);
    match *step {
        Step::MountFilesystem { target, kind, source, .. }
        | Step::MountFilled { target, kind, source, .. } => {
            let error =
                refused(format!("mount {} {:?} on {:?}", quoted(kind), quoted(source), quoted(target)));
            mount_hint(error, &quoted(kind), errno)
        }
        Step::ChangeMount { target, .. } => {
            refused(format!("change the options of the mount on {:?}", quoted(target)))
        }
        Step::OpenRoot { path, .. } => {
            let error = refused(format!("open the root file system {:?}", quoted(path)));
            if errno == Errno::ENOENT { error.hint("root.path is relative to the bundle") } else { error }
        }
        Step::OpenFolder { path } => refused(format!("open the folder {:?}", quoted(path))),
        Step::BindDevice { path, .. } => refused(format!("bind the host's device {:?}", quoted(path))),
        Step::MakeSymlink { name, .. } => refused(format!("make the link {:?}", quoted(name))),
        Step::Mask { path, .. } => refused(format!("mask {:?}", quoted(path))),
        Step::MakeReadonly { path } => refused(format!("make {:?} read-only", quoted(path))),
        Step::Limit { hard, .. } => {
            let error = refused(format!("set the limit to {hard}"));
            if errno == Errno::EPERM {
                error.hint(
                    "only CAP_SYS_RESOURCE may raise a hard limit, and nobody that of open files above \
                     /proc/sys/fs/nr_open",
                )
            } else {
                error
            }
        }
        Step::ChangeDir { path, .. } | Step::ChangeDirAgain { path } if detail == Detail::OutsideRoot => {
            Error::new(
                ErrorKind::ConfigInvalid,
                format!("{:?} leads out of the container's root", quoted(path)),
            )
        }
        Step::ChangeDir { path, .. } | Step::ChangeDirAgain { path } => {
            refused(format!("enter the working directory {:?}", quoted(path)))
        }
        Step::Hook { path, argv, .. } if matches!(detail, Detail::HookFailed | Detail::HookTimedOut) => {
            let argv: Vec<_> = argv.iter().map(quoted).collect();
            let argv: Vec<&str> = argv.iter().map(|word| &**word).collect();
            hook_failed(&hooks::named(&quoted(path), &argv), &argv, detail, errno.0)
        }
        Step::Hook { path, .. } => refused(format!("run the hook {:?}", quoted(path))),
        Step::Identity { uid, gid, groups } => {
            let error = refused(format!("become user {uid}, group {gid}"));
            match (errno, groups) {
                (Errno::EINVAL, _) => error.hint("the user namespace does not map these ids"),
                (Errno::EPERM, Some(_)) => error.hint(
                    "a user namespace that maps the caller's own id alone has no further groups: leave \
                     additionalGids out, or map a range",
                ),
                _ => error,
            }
        }
        Step::LabelExec { attribute, label } => labels::refused(attribute, label, errno),
        ref other => {
            let error = refused(doing(other).to_string());
            match advice::advice(other, errno) {
                Some(hint) => error.hint(hint),
                None => error,
            }
        }
    }
}

fn parameter_failed(key: &str, value: &[u8], errno: Errno) -> Error {
    let value = String::from_utf8_lossy(value);
    let pointer = format!("/linux/sysctl/{}", pointer_part(key));
    let error = Error::refused(format!("set kernel parameter {key:?} to {value:?}"), errno).at(pointer);
    match errno {
        Errno::ENOENT => error.hint("this kernel has no parameter of that name; see /proc/sys"),
        Errno::EINVAL => {
            error.hint("the kernel does not take this value; see sysctl(8) and the kernel's Documentation")
        }
        _ => error,
    }
}

/// Where the steps up to this one work: the folder that was opened last.
fn folder_of(plan: &Plan, step: u32) -> String {
    let before = plan.steps.iter().take(step as usize);
    let opened = before.filter_map(|(_, step)| match step {
        Step::OpenFolder { path } => Some(quoted(path).into_owned()),
        _ => None,
    });
    opened.last().unwrap_or_default()
}

fn device_failed(folder: String, name: &str, errno: Errno) -> Error {
    let error = Error::refused(format!("make the device \"{}/{name}\"", folder.trim_end_matches('/')), errno);
    match errno {
        Errno::EEXIST => {
            error.hint("the image has something else of this name: remove it, or mount a tmpfs on /dev")
        }
        _ => error,
    }
}

fn bind_failed(target: &CStr, source: &str, detail: Detail, errno: Errno) -> Error {
    let target = quoted(target);
    match detail {
        Detail::SourceMissing if errno == Errno::ENOENT => {
            let message = format!(
                "mount source {source:?} is absent (ENOENT), so nothing can be mounted on {target:?}"
            );
            Error::new(ErrorKind::KernelRefused, message)
                .hint("make the file or folder on the host, or take the mount out")
        }
        Detail::SourceMissing => Error::refused(format!("take mount source {source:?}"), errno),
        Detail::KindDiffers => {
            let (kind, target_kind) =
                if errno == Errno::ENOTDIR { ("a folder", "a file") } else { ("a file", "a folder") };
            let message = format!(
                "cannot mount {source:?} on {target:?}: the source is {kind}, the destination {target_kind}"
            );
            Error::new(ErrorKind::ConfigInvalid, message)
        }
        _ => Error::refused(format!("mount {source:?} on {target:?}"), errno),
    }
}

fn mount_hint(error: Error, kind: &str, errno: Errno) -> Error {
    match (kind, errno) {
        (_, Errno::ENODEV) => error.hint("this kernel has no such file system; see /proc/filesystems"),
        ("sysfs", Errno::EPERM) => {
            error.hint("sysfs needs a network namespace of the container's own; bind /sys instead")
        }
        ("proc", Errno::EPERM) => {
            error.hint("proc needs a pid namespace of the container's own, and an unmasked /proc here")
        }
        (_, Errno::EACCES) => {
            error.hint("a folder on the way there may not be entered: who owns the root file system?")
        }
        (_, Errno::ELOOP) => error.hint("the image has a symbolic link where a folder must be"),
        (_, Errno::EINVAL) => {
            error.hint("one of the options is unknown to this file system, or an id is not mapped")
        }
        _ => error,
    }
}

fn doing(step: &Step<'_>) -> &'static str {
    match step {
        Step::Pause { .. } | Step::Commit {} | Step::Gate {} => "wait for the runtime",
        Step::NewSession {} => "start a new session",
        Step::NewKeyring { .. } => "join a new session keyring",
        Step::Join { .. } => "join the namespace",
        Step::Unshare { .. } => "make a new namespace",
        Step::TimeOffsets { .. } => "set the offsets of the time namespace",
        Step::Beside { .. } => "start init in its new namespaces",
        Step::Hostname { .. } => "set the host name",
        Step::Domainname { .. } => "set the domain name",
        Step::LoopbackUp {} => "bring the loopback device up",
        Step::Propagation { .. } => "set the propagation of the root mount",
        Step::Terminal { .. } => "open the container's terminal",
        Step::PartFromHost { .. } => "make the mount of the root file system private",
        Step::PivotRoot { .. } => "make the root file system the root",
        Step::MoveRoot {} => "move the root file system over the root",
        Step::ChangeRoot {} | Step::CloseRoot {} => "change the root",
        Step::ChangeRootMount { .. } => "change the options of the root mount",
        Step::Umask { .. } => "set the umask",
        Step::Personality { .. } => "set the execution domain",
        Step::IoPriority { .. } => "set the I/O priority",
        Step::Scheduler { .. } => "set the scheduler policy",
        Step::MemoryPolicy { .. } => "set the memory policy",
        Step::Affinity { .. } => "set the CPU affinity",
        Step::NoNewPrivileges {} => "give up gaining privileges",
        Step::BoundingSet { .. } => "drop capabilities from the bounding set",
        Step::Capabilities { .. } => "set the capabilities",
        Step::Seccomp { .. } => "load the seccomp filter",
        Step::KeepDescriptors { .. } => "arrange the preserved descriptors",
        // Those that have a sentence of their own above.
        Step::Trace { .. }
        | Step::OpenRoot { .. }
        | Step::MountFilesystem { .. }
        | Step::MountFilled { .. }
        | Step::MountBind { .. }
        | Step::ChangeMount { .. }
        | Step::OpenFolder { .. }
        | Step::MakeDevice { .. }
        | Step::BindDevice { .. }
        | Step::MakeSymlink { .. }
        | Step::Mask { .. }
        | Step::MakeReadonly { .. }
        | Step::Sysctl { .. }
        | Step::Limit { .. }
        | Step::LabelExec { .. }
        | Step::ChangeDir { .. }
        | Step::ChangeDirAgain { .. }
        | Step::Identity { .. }
        | Step::FindProgram { .. }
        | Step::Hook { .. }
        | Step::Execute { .. } => "carry out a step",
    }
}
