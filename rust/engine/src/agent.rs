// SPDX-License-Identifier: Apache-2.0
//! The seccomp agent (config-linux.md "seccomp"): it gets the listener of a filter that notifies, and answers what the
//! container's processes ask. The listener is taken from init's own table, so that no profile can be in the way.

use crate::error::{Error, Result};
use crate::spec::seccomp::Listener;
use crate::state::Record;
use crate::{console, oci_state};
use alloc::format;
use estiba_init::plan::Report;
use estiba_sys::fd::{self, BorrowedFd, OwnedFd};
use estiba_sys::{Errno, memory, process, socket};

/// A connection to the agent. `start` makes it before it opens the gate: a container outlives the want of an agent.
pub struct Agent<'a> {
    socket: OwnedFd,
    listener: &'a Listener<'a>,
}

/// None where the filter asks nobody.
pub fn connect<'a>(record: &'a Record<'_>) -> Result<Option<Agent<'a>>> {
    let Some(listener) = &record.seccomp_listener else { return Ok(None) };
    let socket = console::connect_stream(&listener.path).map_err(|errno| {
        Error::refused(format!("connect to the seccomp agent's socket {:?}", &*listener.path), errno)
            .at("/linux/seccomp/listenerPath")
            .hint("the agent listens on it before the container starts")
    })?;
    Ok(Some(Agent { socket, listener }))
}

/// The file that init looks at.
pub fn not_taken_yet() -> Result<OwnedFd> {
    let refused = |errno| Error::refused("make the listener's memfd", errno);
    let file = memory::memfd(c"estiba-listener", false).map_err(refused)?;
    fd::write_all(file.borrow(), &0u32.to_ne_bytes()).map_err(refused)?;
    Ok(file)
}

/// Who loads the filter, and the container that it belongs to.
#[derive(Clone, Copy)]
pub struct Filtered<'a> {
    pub pid: i32,
    pub pidfd: BorrowedFd<'a>,
    pub record: &'a Record<'a>,
    pub status: &'a str,
}

/// Takes the listener that init announced, gives it to the agent and lets init go on. A filter that could not be
/// loaded is init's next report, and no error here.
pub fn deliver(agent: Option<Agent<'_>>, filtered: Filtered<'_>, announced: Report) -> Result<()> {
    let agent =
        agent.ok_or_else(|| Error::internal("init has a seccomp listener, and the record no agent"))?;
    let refused = |errno| {
        Error::refused("hand the seccomp listener to its agent", errno).at("/linux/seccomp/listenerPath")
    };
    let taken = process::take_descriptor_of(filtered.pidfd, i32::from(announced.detail)).map_err(refused)?;
    let Some(listener) = take(filtered.pidfd, i32::from(announced.errno)).map_err(refused)? else {
        return Ok(());
    };
    let Filtered { pid, record, status, .. } = filtered;
    let state = oci_state::process_text(record, status, pid, agent.listener.metadata.as_deref());
    socket::send_descriptor(agent.socket.borrow(), state.as_bytes(), listener.borrow()).map_err(refused)?;
    fd::rewind(taken.borrow())
        .and_then(|()| fd::write_all(taken.borrow(), &1u32.to_ne_bytes()))
        .map_err(refused)
}

/// The descriptor appears when the filter is loaded, in some hundred microseconds; None: init has ended instead.
fn take(pidfd: BorrowedFd<'_>, number: i32) -> core::result::Result<Option<OwnedFd>, Errno> {
    loop {
        match process::take_descriptor_of(pidfd, number) {
            Err(Errno::EBADF) => {}
            Err(Errno::ESRCH) => return Ok(None),
            taken => return taken.map(Some),
        }
        // Nothing tells of it: init may make no system call, and its spinning must not keep us from a processor.
        let mut set = [fd::PollFd { fd: pidfd.raw(), events: fd::POLLIN, revents: 0 }];
        match fd::poll(&mut set, 1) {
            Ok(0) | Err(Errno::EINTR) => {}
            ended => return ended.map(|_| None),
        }
    }
}
