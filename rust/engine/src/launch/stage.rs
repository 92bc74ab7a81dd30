// SPDX-License-Identifier: Apache-2.0
//! The parent's part of a staged launch: learns from stage one who init is, and lets init go on.

use super::{Launched, user_namespace};
use crate::error::{Error, Result};
use crate::plan::{Plan, UserNamespace};
use estiba_sys::fd::{self, POLLIN, PollFd};
use estiba_sys::{Errno, process, socket};

/// Takes init in the place of stage one, which has ended when this returns. A stage one that failed stays: it has
/// said why, and whoever asks what init said is told that.
pub fn pass(stage: Launched, plan: &Plan) -> Result<Launched> {
    let mut pid = [0; 4];
    await_word(&stage)?;
    match socket::next_length(stage.report.borrow()) {
        Ok(length) if length == pid.len() => {}
        // It was killed between its clone and its word. Whom it made reads the end of the socket, and ends.
        Err(_) => {
            stage.end();
            return Err(super::died("stage one of init"));
        }
        Ok(_) => return Ok(stage),
    }
    let received = socket::receive(stage.report.borrow(), &mut pid);
    let _ = process::reap(stage.pidfd.borrow());
    let Ok((_, Some(pidfd))) = received else {
        return Err(Error::refused("take init's descriptor", received.err().unwrap_or(Errno::EMFILE)));
    };
    let init = Launched { pid: i32::from_le_bytes(pid), pidfd, report: stage.report };
    let ready = match plan.born.user {
        UserNamespace::New { .. } => user_namespace::write_own(init.pid, &plan.born.user),
        _ => Ok(()),
    };
    match ready {
        Ok(()) => init.send(&[1]).map(|()| init),
        Err(error) => {
            init.end();
            Err(error)
        }
    }
}

/// Until stage one has said something or has ended: init holds the same socket, so its end alone would not show.
fn await_word(stage: &Launched) -> Result<()> {
    let watched = |fd| PollFd { fd, events: POLLIN, revents: 0 };
    loop {
        match fd::poll(&mut [watched(stage.report.raw()), watched(stage.pidfd.raw())], -1) {
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(Error::refused("wait for stage one of init", errno)),
            Ok(_) => return Ok(()),
        }
    }
}
