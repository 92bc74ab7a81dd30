// SPDX-License-Identifier: Apache-2.0
//! `kill`: a signal for init, or for every process of the container.

use super::live::Container;
use crate::cgroup::Cgroup;
use crate::error::{Error, ErrorKind, Result};
use crate::generated::phrases;
use crate::state::Status;
use alloc::format;
use estiba_sys::{Errno, OwnedFd, signal};

const SIGKILL: i32 = 9;

pub fn kill(root: &str, id: &str, number: i32, all: bool) -> Result<()> {
    let mut container = Container::look(root, id)?;
    if container.folder.is_creating() {
        // Its program may run already, before who made it could say so: that is waited for, as `delete` does.
        container = Container::open(root, id)?;
    }
    let live = container.live()?;
    let cgroup = Cgroup::from_record(&live.record.cgroup);
    if all {
        // Processes may outlive init where they share its pid namespace with the host.
        let cgroup = cgroup.still_own();
        return if number == SIGKILL { cgroup.kill_all() } else { cgroup.signal_all(number) };
    }
    live.allow("kill")?;
    let pidfd = live.pidfd.as_ref().ok_or_else(|| live.refuse("kill"))?;
    send(id, pidfd, number)?;
    // A frozen process dies only once it is thawed (cgroup v1).
    if live.status == Status::Paused && number == SIGKILL { cgroup.thaw() } else { Ok(()) }
}

fn send(id: &str, pidfd: &OwnedFd, number: i32) -> Result<()> {
    match signal::send(pidfd.borrow(), number) {
        Ok(()) => Ok(()),
        Err(Errno::ESRCH) => {
            let message = format!("cannot send signal {number}: {}", phrases::PROCESS_GONE);
            let error = Error::new(ErrorKind::WrongState, message).about(id, Some(Status::Stopped));
            Err(Error { errno: Some(Errno::ESRCH), ..error })
        }
        Err(errno) => Err(Error::refused(format!("send signal {number}"), errno)),
    }
}
