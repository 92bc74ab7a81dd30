// SPDX-License-Identifier: Apache-2.0
//! `delete`: cgroup, poststop hooks, state. Killed halfway, it can be run again.

use super::live::{Container, Live};
use crate::cgroup::{Cgroup, Dir};
use crate::error::{Error, ErrorKind, Result};
use crate::state::{self, Folder, Status};
use crate::{hooks, oci_state, proc};
use alloc::format;
use alloc::vec::Vec;
use estiba_sys::{OwnedFd, signal};

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
    let live = match container.live() {
        Err(error) if force => return salvage(container, error),
        live => live?,
    };
    if !force {
        live.allow("delete")?;
    }
    end(&live, &container.folder)
}

/// The same for who has reaped its init. That another verb was quicker is fine.
pub(super) fn delete_ended(container: Container) -> Result<Vec<Error>> {
    let container = match container.lock_again() {
        Err(error) if error.kind == ErrorKind::ContainerNotFound => return Ok(Vec::new()),
        container => container?,
    };
    let live = Live { record: container.record()?, status: Status::Stopped, pidfd: None };
    end(&live, &container.folder)
}

/// Ends what runs in a container and removes all that is left of it, its folder last.
pub(super) fn end(live: &Live<'_>, folder: &Folder) -> Result<Vec<Error>> {
    if let (Some(pidfd), true) = (&live.pidfd, live.status != Status::Stopped) {
        let paused = (live.status == Status::Paused).then_some(&live.record.cgroup[..]);
        end_init(&live.record.id, live.record.pid, pidfd, paused)?;
    }
    let left;
    let ours = match live.status {
        Status::Creating => {
            left = not_anothers(&live.record.cgroup, folder);
            &left
        }
        _ => &live.record.cgroup,
    };
    let was_there = remove_cgroup(ours)?;
    let state = oci_state::text(&live.record, Status::Stopped.name());
    let mut warnings = hooks::run_each("/hooks/poststop", &live.record.poststop, &state);
    // Without its processes it ends by itself, which is waited for. Where its cgroup was gone before, one of the same name
    // is another's.
    let scope = live.record.scope.as_ref().filter(|_| was_there);
    warnings.extend(scope.and_then(|scope| scope.stop().err()));
    folder.remove()?;
    Ok(warnings)
}

/// A record without a pid names cgroups that may not have been made: who has made one of the same path since then, for a
/// container of this root, keeps it and what runs in it.
fn not_anothers(dirs: &[Dir], folder: &Folder) -> Vec<Dir> {
    let root = folder.path.rsplit_once('/').map_or("", |(root, _)| root);
    let ids = state::ids(root).unwrap_or_default();
    let others = ids.iter().filter(|id| **id != folder.id).filter_map(|id| {
        let text = Folder::look(root, id).and_then(|other| other.read()).ok().flatten()?;
        state::salvage(&text)
    });
    let taken: Vec<Dir> = others
        .flat_map(|other| other.cgroup)
        .filter(|dir| dir.inode != 0 && dirs.iter().any(|ours| ours.path == dir.path))
        .collect();
    let taken = Cgroup::from_record(&taken).still_own();
    dirs.iter().filter(|dir| taken.dirs().iter().all(|other| other.path != dir.path)).cloned().collect()
}

/// Tells whether any of it was there.
fn remove_cgroup(dirs: &[Dir]) -> Result<bool> {
    let own = Cgroup::from_record(dirs).still_own();
    own.end().map(|()| !own.dirs().is_empty())
}

/// A record of another version: what it says of processes and cgroups is enough to clean, its hooks may mean another
/// thing. Without even that the `error` stands.
fn salvage(container: Container, error: Error) -> Result<Vec<Error>> {
    let Some(found) = state::salvage(container.text()) else { return Err(error) };
    if let Some(pidfd) = proc::pidfd_of(found.pid, found.start_time, None)? {
        let frozen = Cgroup::from_record(&found.cgroup).is_frozen()?;
        end_init(&container.folder.id, found.pid, &pidfd, frozen.then_some(&found.cgroup[..]))?;
    }
    let was_there = remove_cgroup(&found.cgroup)?;
    let unstopped = found.scope.filter(|_| was_there).and_then(|scope| scope.stop().err());
    let message =
        format!("{}: its processes and cgroup are gone, its poststop hooks were not run", error.message);
    let warning = Error::new(ErrorKind::WrongState, message).about(&container.folder.id, None);
    container.folder.remove()?;
    Ok([warning].into_iter().chain(unstopped).collect())
}

/// How long a killed init may take: freeing much memory takes seconds.
const PATIENCE: u64 = 10_000;

/// Kills init and waits until it has ended. It may be somebody else's child: only its pidfd tells.
/// `paused`: what to thaw, as a frozen process does not die on v1.
fn end_init(id: &str, pid: i32, pidfd: &OwnedFd, paused: Option<&[Dir]>) -> Result<()> {
    let _ = signal::send(pidfd.borrow(), SIGKILL);
    if let Some(dirs) = paused {
        Cgroup::from_record(dirs).thaw()?;
    }
    if proc::ends_within(pidfd, PATIENCE)? {
        return Ok(());
    }
    let message = format!("init {pid} of container {id:?} was killed and does not end");
    // The end of a pid namespace waits for each of its processes to be reaped (pid_namespaces(7)).
    Err(Error::new(ErrorKind::KernelRefused, message)
        .hint("whoever called exec has to reap the processes that it started"))
}
