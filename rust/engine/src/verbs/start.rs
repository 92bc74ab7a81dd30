// SPDX-License-Identifier: Apache-2.0
//! `start`: opens the gate, and waits until the program runs or could not.

use super::live::{Container, Live};
use crate::agent::{self, Agent, Filtered};
use crate::cgroup::file;
use crate::error::{Error, ErrorKind, Result};
use crate::explain;
use crate::failures::{self, Failed, Phase};
use crate::state::{self, Folder, Record, Status};
use crate::{hooks, oci_state, plan, spec};
use alloc::format;
use alloc::string::String;
use estiba_init::plan::{LISTENING, REPORT, Report};
use estiba_sys::{Errno, OwnedFd, fd, fs, signal};

pub fn start(root: &str, id: &str) -> Result<()> {
    let container = Container::open(root, id)?;
    let live = container.live()?;
    live.allow("start")?;
    if let Err(error) = open_gate(&container.folder, &live) {
        note(root, &live.record, &error, Phase::Start);
        return Err(error);
    }
    let state = oci_state::text(&live.record, Status::Running.name());
    hooks::run_all("/hooks/poststart", &live.record.poststart, &state).inspect_err(|error| {
        note(root, &live.record, error, Phase::Hook);
        kill(&live); // runtime.md, "Lifecycle": generate an error, stop the container
    })
}

fn note(root: &str, record: &Record<'_>, error: &Error, phase: Phase) {
    let phase = if error.kind == ErrorKind::HookFailed { Phase::Hook } else { phase };
    let failed =
        Failed { verb: "start", phase, bundle: Some(&record.bundle), config: record.config.as_deref() };
    failures::note(root, &record.id, &failed, error);
}

fn kill(live: &Live<'_>) {
    const SIGKILL: i32 = 9;
    if let Some(pidfd) = &live.pidfd {
        let _ = signal::send(pidfd.borrow(), SIGKILL);
    }
}

/// The outcome is opened before the gate, so that no answer is missed.
fn open_gate(folder: &Folder, live: &Live<'_>) -> Result<()> {
    let agent = agent::connect(&live.record)?;
    let refused = |errno| Error::refused("open the container's gate", errno);
    let outcome =
        fs::open(folder.dir(), state::OUTCOME, fs::O_RDONLY | fs::O_NONBLOCK, 0).map_err(refused)?;
    let gate = match fs::open(folder.dir(), state::GATE, fs::O_WRONLY | fs::O_NONBLOCK, 0) {
        // Nobody reads any more: init has died since its state was looked at.
        Err(Errno::ENXIO) => return Err(died(folder)),
        gate => gate.map_err(refused)?,
    };
    // Opened before it is removed: whoever dies in between leaves a gate that nobody waits at, which counts as started.
    fd::write(gate.borrow(), b"s").map_err(refused)?;
    fs::remove_file(folder.dir(), state::GATE).map_err(refused)?;
    fs::remove_file(folder.dir(), state::OUTCOME).map_err(refused)?;
    drop(gate);
    let mut report = next_report(&outcome)?;
    if let Some(announced) = report.filter(|report| report.step == LISTENING) {
        hand_over_listener(agent, live, announced)?;
        report = next_report(&outcome)?;
    }
    match report {
        Some(report) => Err(explained(&live.record, report)),
        None => Ok(()),
    }
}

/// The program and the hooks of the sentence are those of the config, which the record leaves where it is.
fn explained(record: &Record<'_>, report: Report) -> Error {
    let path =
        record.config.as_deref().map_or_else(|| format!("{}/config.json", record.bundle), String::from);
    let text = file::read_path(&path).unwrap_or_default();
    let spec = spec::parse(text.as_bytes()).ok();
    let process = spec.as_ref().and_then(|spec| spec.process.as_ref());
    let program = process.map_or_else(|| "the program".into(), plan::program_name);
    let hooks = spec.as_ref().map_or(&[][..], |spec| &spec.hooks.start_container);
    match record.start_hooks {
        Some(first) => explain::explain_started(report, &program, hooks, first),
        None => explain::explain_started(report, &program, &[], 0),
    }
}

/// What init says after the gate; None: its end of the FIFO is closed, by the program's start or its own death.
fn next_report(outcome: &OwnedFd) -> Result<Option<Report>> {
    let mut set = [fd::PollFd { fd: outcome.raw(), events: fd::POLLIN, revents: 0 }];
    while let Err(Errno::EINTR) = fd::poll(&mut set, -1) {}
    let mut bytes = [0; REPORT];
    let n = fd::read(outcome.borrow(), &mut bytes)
        .map_err(|errno| Error::refused("read init's report", errno))?;
    Ok((n == REPORT).then(|| Report::from_bytes(&bytes)))
}

/// A container whose agent could not be told cannot go on, and is not left waiting.
fn hand_over_listener(agent: Option<Agent<'_>>, live: &Live<'_>, announced: Report) -> Result<()> {
    let pidfd = live.pidfd.as_ref().ok_or_else(|| Error::internal("a created container without init"))?;
    let (record, status) = (&live.record, live.status.name());
    let filtered = Filtered { pid: record.pid, pidfd: pidfd.borrow(), record, status };
    agent::deliver(agent, filtered, announced).inspect_err(|_| kill(live))
}

fn died(folder: &Folder) -> Error {
    Error::new(
        ErrorKind::WrongState,
        format!("container {:?} is stopped: its init has ended at the gate", folder.id),
    )
    .about(&folder.id, Some(Status::Stopped))
}
