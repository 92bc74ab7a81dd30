// SPDX-License-Identifier: Apache-2.0
//! `start`: opens the gate, and waits until the program runs or could not.

use super::live::Container;
use crate::error::{Error, Result};
use crate::explain;
use crate::state::{self, Folder, Status};
use crate::{failures, hooks, oci_state};
use estiba_init::plan::{REPORT, Report};
use estiba_sys::{Errno, fd, fs};

pub fn start(root: &str, id: &str) -> Result<()> {
    let container = Container::open(root, id)?;
    let live = container.live()?;
    live.allow("start")?;
    if let Err(error) = open_gate(&container.folder) {
        failures::note(root, id, "start", &error);
        return Err(error);
    }
    let state = oci_state::text(&live.record, Status::Running.name());
    hooks::run_all("/hooks/poststart", &live.record.poststart, &state)
}

/// The outcome is opened before the gate, so that no answer is missed.
fn open_gate(folder: &Folder) -> Result<()> {
    let refused = |errno| Error::refused("open the container's gate", errno);
    let outcome =
        fs::open(folder.dir(), state::OUTCOME, fs::O_RDONLY | fs::O_NONBLOCK, 0).map_err(refused)?;
    let gate = match fs::open(folder.dir(), state::GATE, fs::O_WRONLY | fs::O_NONBLOCK, 0) {
        // Nobody reads any more: init has died since its state was looked at.
        Err(Errno::ENXIO) => return Err(died(folder)),
        gate => gate.map_err(refused)?,
    };
    // Gone from the folder before the program runs: from now on the container counts as started.
    fs::remove_file(folder.dir(), state::GATE).map_err(refused)?;
    fs::remove_file(folder.dir(), state::OUTCOME).map_err(refused)?;
    fd::write(gate.borrow(), b"s").map_err(refused)?;
    drop(gate);
    let mut set = [fd::PollFd { fd: outcome.raw(), events: fd::POLLIN, revents: 0 }];
    while let Err(Errno::EINTR) = fd::poll(&mut set, -1) {}
    let mut bytes = [0; REPORT];
    match fd::read(outcome.borrow(), &mut bytes) {
        Ok(REPORT) => Err(explain::explain_started(Report::from_bytes(&bytes))),
        Ok(_) => Ok(()),
        Err(errno) => Err(refused(errno)),
    }
}

fn died(folder: &Folder) -> Error {
    Error::new(
        crate::error::ErrorKind::WrongState,
        alloc::format!("container {:?} is stopped: its init has ended at the gate", folder.id),
    )
}
