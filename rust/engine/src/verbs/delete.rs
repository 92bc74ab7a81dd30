// SPDX-License-Identifier: Apache-2.0
//! `delete`: cgroup, poststop hooks, state. Killed halfway, it can be run again.

use super::live::{Container, Live};
use crate::cgroup::Cgroup;
use crate::error::{Error, ErrorKind, Result};
use crate::state::{Folder, Status};
use crate::{hooks, oci_state};
use alloc::format;
use alloc::vec::Vec;
use estiba_sys::{Errno, fd, signal};

const SIGKILL: i32 = 9;

/// `force`: kills first, cleans what a crashed `create` left, and is content when there is no such container.
/// Returns what went wrong in poststop hooks: worth a warning, as the container is gone all the same (runtime.md).
pub fn delete(root: &str, id: &str, force: bool) -> Result<Vec<Error>> {
    let folder = match Folder::open(root, id) {
        Err(error) if force && error.kind == ErrorKind::ContainerNotFound => return Ok(Vec::new()),
        folder => folder?,
    };
    let container = match Container::load(folder)? {
        Ok(container) => container,
        // Killed between the folder and its first record: nothing else was begun.
        Err(folder) if force => return folder.remove().map(|()| Vec::new()),
        Err(folder) => return Err(Container::without_record(&folder)),
    };
    let live = container.live()?;
    if !force {
        live.allow("delete")?;
    }
    if live.status != Status::Stopped {
        end(&live)?;
    }
    let cgroup = Cgroup::from_record(&live.record.cgroup).still_own();
    if !cgroup.dirs().is_empty() {
        cgroup.kill_all()?; // what shares init's pid namespace with the host outlives it
    }
    let state = oci_state::text(&live.record, Status::Stopped.name());
    cgroup.remove()?;
    let warnings = hooks::run_each("/hooks/poststop", &live.record.poststop, &state);
    drop(live);
    container.folder.remove()?;
    Ok(warnings)
}

/// How long a killed init may take: freeing much memory takes seconds.
const PATIENCE: i32 = 10_000;

/// Kills init and waits until it has ended. It may be somebody else's child: only its pidfd tells.
fn end(live: &Live<'_>) -> Result<()> {
    let Some(pidfd) = &live.pidfd else { return Ok(()) };
    let _ = signal::send(pidfd.borrow(), SIGKILL);
    if live.status == Status::Paused {
        Cgroup::from_record(&live.record.cgroup).thaw()?;
    }
    let mut set = [fd::PollFd { fd: pidfd.raw(), events: fd::POLLIN, revents: 0 }];
    let ended = loop {
        match fd::poll(&mut set, PATIENCE) {
            Err(Errno::EINTR) => {}
            polled => break polled.map_err(|errno| Error::refused("wait for init's end", errno))? > 0,
        }
    };
    if ended {
        return Ok(());
    }
    let message =
        format!("init {} of container {:?} was killed and does not end", live.record.pid, &*live.record.id);
    // The end of a pid namespace waits for each of its processes to be reaped (pid_namespaces(7)).
    Err(Error::new(ErrorKind::KernelRefused, message)
        .hint("whoever called exec has to reap the processes that it started"))
}
