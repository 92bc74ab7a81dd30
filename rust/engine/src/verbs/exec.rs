// SPDX-License-Identifier: Apache-2.0
//! `exec`: another process in a container's namespaces and cgroup, under its seccomp filter.

use super::Started;
use super::create::set_oom_score;
use super::live::{Container, Live};
use crate::agent::{self, Filtered};
use crate::cgroup::Cgroup;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::launch::{self, Given, Launched, Said};
use crate::plan::{self, ExecTarget, Options};
use crate::spec::{self, Process};
use crate::state::{self, Status};
use crate::{console, explain, foreground, proc};
use alloc::ffi::CString;
use alloc::format;
use alloc::vec::Vec;
use estiba_sys::fd::{CWD, OwnedFd};
use estiba_sys::{Errno, fs, namespace};

pub struct Request<'a> {
    pub root: &'a str,
    pub id: &'a str,
    /// The OCI process object as JSON.
    pub process: &'a [u8],
    pub pid_file: Option<&'a str>,
    pub console_socket: Option<&'a str>,
    pub preserve_fds: u32,
    /// A cgroup below the container's.
    pub cgroup: Option<&'a str>,
    pub ignore_paused: bool,
    pub stdio: Option<[i32; 3]>,
}

pub fn exec(request: &Request<'_>) -> Result<Started> {
    exec_with_terminal(request, None)
}

pub fn exec_with_terminal(request: &Request<'_>, terminal: Option<OwnedFd>) -> Result<Started> {
    start(request, terminal).map_err(Error::of_process_object)
}

fn start(request: &Request<'_>, terminal: Option<OwnedFd>) -> Result<Started> {
    launch::check_preserved(request.preserve_fds)?;
    let mut process = spec::parse_process(request.process)?;
    if terminal.is_some() {
        foreground::take_callers_size(&mut process);
    }
    let container = Container::look(request.root, request.id)?;
    let live = container.live()?;
    if live.status != Status::Paused || !request.ignore_paused {
        live.allow("exec")?;
    }
    let (launched, warnings) = match enter(request, &process, &container, &live, terminal) {
        Ok(entered) => entered,
        Err(error) => return Err(meanwhile(live, error)),
    };
    if let Some(path) = request.pid_file
        && let Err(error) = console::write_pid_file(path, launched.pid)
    {
        launched.end();
        return Err(error);
    }
    let Launched { pid, pidfd, .. } = launched;
    let warnings = warnings.into_iter().map(Error::of_process_object).collect();
    Ok(Started { pid, pidfd, warnings, trace: None })
}

/// What the kernel refuses because init has ended meanwhile, each call in its own way (a pid namespace that ends:
/// ENOMEM), is told as the state that it is.
fn meanwhile(live: Live<'_>, error: Error) -> Error {
    const PATIENCE: u64 = 200;
    let leaves = |stat: proc::Stat| stat.is_exiting || stat.start_time != live.record.start_time;
    let leaves = proc::stat(live.record.pid).is_ok_and(|stat| stat.is_none_or(leaves));
    match &live.pidfd {
        Some(pidfd) if leaves && error.kind == ErrorKind::KernelRefused => {
            if proc::ends_within(pidfd, PATIENCE) == Ok(true) {
                Live { status: Status::Stopped, ..live }.refuse("exec")
            } else {
                error.hint("the first thread of the program has ended, and with it what could be joined")
            }
        }
        _ => error,
    }
}

fn enter(
    request: &Request<'_>,
    process: &Process<'_>,
    container: &Container,
    live: &Live<'_>,
    terminal: Option<OwnedFd>,
) -> Result<(Launched, Vec<Error>)> {
    let host = Host::read()?.with_labels(Some(process), None);
    let filter = container_filter(container)?;
    let pid = live.record.pid;
    let options = Options {
        id: request.id,
        bundle: &live.record.bundle,
        preserve_fds: request.preserve_fds,
        no_new_keyring: true,
        seccomp: filter.as_ref().map(|(flags, program)| (&program[..], *flags)),
        ..Options::default()
    };
    let differs = namespaces_to_join(&live.record, pid)?;
    let target = ExecTarget {
        pid,
        differs,
        denies_groups: differs & namespace::USER != 0 && denies_groups(pid)?,
        personality: live.record.personality.as_ref(),
        memory_policy: live.record.memory_policy.as_ref(),
    };
    let plan = plan::exec(process, target, &host, &options)?;
    let cgroup = Cgroup::of_process(pid, request.cgroup)?;
    let tasks = cgroup.open_tasks()?;
    let numbers: Vec<i32> = tasks.iter().map(OwnedFd::raw).collect();
    let born_in = cgroup.open_v2()?;
    let terminal = terminal_for(&plan, request, terminal)?;
    let launched = launch::launch(
        &plan,
        Given {
            stdio: request.stdio,
            terminal,
            container: live.pidfd.as_ref().map(OwnedFd::borrow),
            cgroup: born_in.as_ref().map(OwnedFd::borrow),
            cgroup_tasks: &numbers,
            ..Given::default()
        },
    )?;
    match commit(&plan, &launched, live).and_then(|said| failure(said, &plan, &launched, process)) {
        Ok(()) => Ok((launched, plan.warnings)),
        Err(error) => {
            launched.end();
            Err(error)
        }
    }
}

fn terminal_for(plan: &plan::Plan, request: &Request<'_>, given: Option<OwnedFd>) -> Result<Option<OwnedFd>> {
    match (plan.terminal, request.console_socket, given) {
        (true, Some(path), _) => console::connect(path).map(Some),
        (true, None, None) => {
            Err(Error::new(ErrorKind::ConfigInvalid, "a terminal is asked for and nothing takes it")
                .at("/process/terminal")
                .hint("give --console-socket, or leave --tty out"))
        }
        (false, Some(_), _) => {
            let message = "a console socket is given, but the process has no terminal";
            Err(Error::new(ErrorKind::ConfigInvalid, message)
                .at("/process/terminal")
                .hint("leave --console-socket out, or give --tty"))
        }
        (_, _, given) => Ok(given),
    }
}

/// What init said, if it was not the end that comes with the program's start.
fn failure(said: Said, plan: &plan::Plan, launched: &Launched, process: &Process<'_>) -> Result<()> {
    match said {
        Said::Closed => Ok(()),
        Said::Failed(report) => Err(explain::explain(plan, launched, report, &plan::program_name(process))),
        Said::Ready | Said::Paused | Said::Listening(_) => {
            Err(Error::internal("init waits where exec has no gate"))
        }
    }
}

fn commit(plan: &plan::Plan, launched: &Launched, live: &Live<'_>) -> Result<Said> {
    let ignored = proc::ignored_signals(launched.pid)?
        .ok_or_else(|| Error::internal("init ended before its commit"))?;
    if let Some(score) = plan.oom_score_adj {
        set_oom_score(launched.pid, score)?;
    }
    launched.answer(ignored)?;
    match launched.next()? {
        Said::Listening(report) => {
            let (pid, pidfd) = (launched.pid, launched.pidfd.borrow());
            let (record, status) = (&live.record, live.status.name());
            agent::deliver(agent::connect(record)?, Filtered { pid, pidfd, record, status }, report)?;
            launched.next()
        }
        said => Ok(said),
    }
}

/// The namespaces that the config named; a user namespace that is the caller's own cannot be joined again (setns(2)).
fn namespaces_to_join(record: &crate::state::Record<'_>, pid: i32) -> Result<u64> {
    if record.namespaces & namespace::USER == 0 {
        return Ok(record.namespaces);
    }
    let identity = |path: &str| {
        let path = CString::new(path).map_err(|_| Errno::EINVAL)?;
        fs::status_at(CWD, &path, true).map(|status| (status.device, status.inode))
    };
    let same = identity(&format!("/proc/{pid}/ns/user"))
        .and_then(|theirs| Ok(theirs == identity("/proc/self/ns/user")?));
    match same {
        Ok(true) => Ok(record.namespaces & !namespace::USER),
        Ok(false) => Ok(record.namespaces),
        Err(errno) => Err(Error::refused("look at the container's user namespace", errno)),
    }
}

fn denies_groups(pid: i32) -> Result<bool> {
    let path = format!("/proc/{pid}/setgroups");
    let text = crate::cgroup::file::read_path(&path)
        .map_err(|errno| Error::refused(format!("read {path:?}"), errno))?;
    Ok(text.trim_end() == "deny")
}

/// The filter that `create` compiled, if the container has one.
fn container_filter(container: &Container) -> Result<Option<(u32, Vec<u8>)>> {
    let path = CString::new(state::FILTER).map_err(|_| Error::internal("a file name with NUL"))?;
    let file = match fs::open(container.folder.dir(), &path, fs::O_RDONLY, 0) {
        Err(Errno::ENOENT) => return Ok(None),
        file => file.map_err(|errno| Error::refused("open the container's seccomp filter", errno))?,
    };
    let bytes = crate::cgroup::file::read_bytes(file.borrow())
        .map_err(|errno| Error::refused("read the container's seccomp filter", errno))?;
    let (flags, program) =
        bytes.split_first_chunk().ok_or_else(|| Error::internal("an empty seccomp filter"))?;
    Ok(Some((u32::from_le_bytes(*flags), program.to_vec())))
}
