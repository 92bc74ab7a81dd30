// SPDX-License-Identifier: Apache-2.0
//! Starts init: clone3 with CLONE_VM, a child that borrows this address space until it executes the init image.
//!
//! Sound because (1) the child never returns into the compiler's frame: the asm block hands it to a diverging
//! function on a stack of its own; (2) the calling thread is suspended, by CLONE_VFORK or by waiting on the
//! CLONE_CHILD_CLEARTID word, until the child has left the address space, so nothing that it reads is freed;
//! (3) the child makes system calls only: no allocation, no thread-local (`fs` is the caller's), no lock;
//! (4) every signal is blocked, so no handler of the host program runs in the child on the shared memory;
//! (5) descriptors are copied, not shared.
//!
//! Until that exec `/proc/PID/exe` and `/proc/PID/mem` of the child are the host program's, so it may be born only
//! where nobody else lives. What joins a pid namespace executes the image first, outside, and then clones itself
//! (`beside`): what the container sees of it was never anything but the image.

mod beside;
mod child;
mod holder;
mod program;

pub use beside::{Side, beside};
pub use holder::with_holder;
pub use program::{Program, spawn};

use crate::fd::{BorrowedFd, OwnedFd, RawFd, close, duplicate_from};
use crate::process::{dumpable, reap, set_dumpable};
use crate::signal::with_all_blocked;
use crate::{Errno, Result, nr, sc};
use child::{Child, CloneArgs, Stack};
use core::cell::Cell;
use core::ffi::CStr;
use core::sync::atomic::{AtomicU32, Ordering};

/// Where the child failed before it executed the image.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Failed {
    /// In clone3 itself, or before it.
    #[default]
    Clone,
    /// Writing "0" to the file `tasks` of a cgroup.
    Cgroup,
    Descriptors,
    /// The caller went away, or refused to write the maps.
    Maps,
    Identity,
    TimeOffsets,
    Image,
}

#[derive(Clone, Copy, Debug)]
pub struct CloneError {
    pub failed: Failed,
    pub errno: Errno,
}

/// A namespace that the calling thread enters just before clone3 and leaves just after.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    pub enter: BorrowedFd<'a>,
    pub back: BorrowedFd<'a>,
    /// CLONE_NEW* of its type.
    pub kind: u64,
}

/// What a new user namespace needs between clone and exec.
pub struct NewUser<'a> {
    /// Writes the maps of process `pid`, then sends one byte to the child's wait socket.
    pub write_maps: &'a mut dyn FnMut(i32) -> Result<()>,
    /// Index into `fds`: the socket on which the child reads the byte. End of file means: exit.
    pub wait_on: usize,
}

pub struct Launch<'a> {
    /// The init image, a sealed memfd.
    pub image: BorrowedFd<'a>,
    pub name: &'a CStr,
    /// What becomes descriptors 0, 1, 2; the caller's own if none.
    pub stdio: Option<[RawFd; 3]>,
    /// `fds[i]` becomes descriptor 3 + i; nothing else above 2 survives. Left changed where one had to be moved.
    pub fds: &'a mut [RawFd],
    /// For those moved: as many as `fds` has, and `MORE_MOVED`.
    pub room: &'a mut [RawFd],
    /// CLONE_NEW* flags of the new namespaces.
    pub namespaces: u64,
    /// cgroup v2: the folder to be born in.
    pub cgroup: Option<BorrowedFd<'a>>,
    /// cgroup v1: open files `tasks` that the child, which has one thread, writes itself into.
    pub cgroup_tasks: &'a [RawFd],
    pub visits: &'a [Visit<'a>],
    pub new_user: Option<NewUser<'a>>,
    /// With a new user namespace: the ids inside it that own the image's process.
    pub identity: (u32, u32),
    /// The text for /proc/self/timens_offsets (time_namespaces(7)); frozen by exec.
    pub time_offsets: Option<&'a [u8]>,
}

#[derive(Debug)]
pub struct Launched {
    /// In the caller's pid namespace.
    pub pid: i32,
    pub pidfd: OwnedFd,
}

/// Starts the image as the first process of its namespaces; returns once it runs.
pub fn launch(what: Launch<'_>) -> core::result::Result<Launched, CloneError> {
    let refuse = |errno| CloneError { failed: Failed::Clone, errno };
    let mut moved = Moved { floor: 4 + what.fds.len() as RawFd, made: what.room, count: 0 };
    let (stdio, image) = moved.out_of_the_way(what.stdio, what.fds, what.image.raw()).map_err(refuse)?;
    let waits = what.new_user.is_some();
    let alone = AtomicU32::new(u32::from(waits));
    let pidfd = Cell::new(-1);
    let child = Child {
        image,
        argv: [what.name.as_ptr().cast(), core::ptr::null()],
        stdio,
        fds: what.fds,
        cgroup_tasks: what.cgroup_tasks,
        wait_on: what.new_user.as_ref().map(|user| 3 + user.wait_on as RawFd),
        identity: waits.then_some(what.identity),
        time_offsets: what.time_offsets,
        error: Cell::new(None),
    };
    let mut args = CloneArgs::init(what.namespaces, &pidfd);
    if let Some(cgroup) = what.cgroup {
        args.born_in_cgroup(cgroup.raw());
    }
    let mut stack = Stack::new();
    args.stack_at(stack.start(), Stack::SIZE);
    if waits {
        args.clear_tid_instead_of_vfork(&alone);
    }
    let was_dumpable = if child.identity.is_some() { dumpable().ok() } else { None };
    let (pid, pidfd) =
        with_all_blocked(|| clone_init(&args, &child, what.visits, what.new_user, &alone, &pidfd));
    if let Some(was) = was_dumpable {
        set_dumpable(was); // the child's change of ids changed the shared address space's flag
    }
    let (error, pidfd) = match (pid, child.error.get(), pidfd) {
        (Ok(pid), None, Some(pidfd)) => return Ok(Launched { pid: pid as i32, pidfd }),
        (_, Some((failed, errno)), pidfd) => (CloneError { failed, errno }, pidfd),
        (pid, None, pidfd) => (refuse(pid.err().unwrap_or(Errno::ECHILD)), pidfd),
    };
    if let Some(pidfd) = pidfd {
        kill_by(pidfd.raw());
        let _ = reap(pidfd.borrow());
    }
    Err(error)
}

/// Clones, and returns when the child has left the caller's memory. The pidfd is there if a child was born: where the
/// kernel takes a clone back it has written a number all the same, which may be another thread's by now.
fn clone_init(
    args: &CloneArgs,
    child: &Child<'_>,
    visits: &[Visit<'_>],
    new_user: Option<NewUser<'_>>,
    alone: &AtomicU32,
    pidfd: &Cell<RawFd>,
) -> (Result<usize>, Option<OwnedFd>) {
    let mut born = None;
    let pid = visited(visits, || {
        // SAFETY: `args` names a stack of its own, and VFORK or the wait below keeps `child` alive.
        let pid = unsafe { child::clone3(args, child, child::run_init) }?;
        born = Some(OwnedFd::take(pidfd.get()));
        Ok(pid)
    });
    // Also where the way back from a visit failed: the child runs on the caller's stack.
    if let (Some(user), Some(pidfd)) = (new_user, &born) {
        let written = pid.and_then(|pid| (user.write_maps)(pid as i32));
        if written.is_err() {
            kill_by(pidfd.raw());
        }
        wait_until_clear(alone);
        if let (Err(errno), None) = (written, child.error.get()) {
            child.error.set(Some((Failed::Maps, errno)));
        }
    }
    (pid, born)
}

/// Runs `then` inside the visited namespaces; the way back is open whatever happened.
fn visited<T>(visits: &[Visit<'_>], then: impl FnOnce() -> Result<T>) -> Result<T> {
    let mut entered = 0;
    let mut result = Ok(());
    for visit in visits {
        result = crate::namespace::join(visit.enter, visit.kind);
        if result.is_err() {
            break;
        }
        entered += 1;
    }
    let done = result.and_then(|()| then());
    for visit in visits[..entered].iter().rev() {
        crate::namespace::join(visit.back, visit.kind)?;
    }
    done
}

fn kill_by(pidfd: RawFd) {
    const SIGKILL: i32 = 9;
    // SAFETY: no pointers.
    let _ = unsafe { sc!(nr::PIDFD_SEND_SIGNAL, pidfd, SIGKILL, 0, 0) };
}

/// Waits until the kernel has cleared the word, at the child's exec or exit.
fn wait_until_clear(word: &AtomicU32) {
    const FUTEX_WAIT: i32 = 0;
    loop {
        match word.load(Ordering::Acquire) {
            0 => return,
            // SAFETY: the word outlives the call; no time-out.
            value => drop(unsafe { sc!(nr::FUTEX, word.as_ptr(), FUTEX_WAIT, value, 0) }),
        }
    }
}

/// Moved beside `fds`: 0, 1, 2 and the image.
pub const MORE_MOVED: usize = 4;

/// Copies of descriptors that lay too low, closed again when the launch is over.
struct Moved<'a> {
    floor: RawFd,
    made: &'a mut [RawFd],
    count: usize,
}

impl Moved<'_> {
    /// The child puts descriptors onto 0..3+n+1, one after the other: a source may lie in that range only if its own
    /// number is not taken before its last use.
    fn out_of_the_way(
        &mut self,
        stdio: Option<[RawFd; 3]>,
        fds: &mut [RawFd],
        image: RawFd,
    ) -> Result<(Option<[RawFd; 3]>, RawFd)> {
        let mut placed = stdio;
        for (at, to) in placed.iter_mut().flatten().enumerate() {
            let later = fds.iter().rposition(|fd| fd == to).map(|index| 3 + index);
            let same = stdio.and_then(|stdio| stdio.iter().rposition(|fd| fd == to));
            *to = self.past(later.or(same).unwrap_or(at), *to)?;
        }
        for at in 0..fds.len() {
            let last = fds[at..].iter().rposition(|&fd| fd == fds[at]).unwrap_or(0);
            fds[at] = self.past(3 + at + last, fds[at])?;
        }
        Ok((placed, self.past(self.floor as usize, image)?))
    }

    /// `fd` itself if it is not below `last`, else a copy above all.
    fn past(&mut self, last: usize, fd: RawFd) -> Result<RawFd> {
        if fd >= last as RawFd {
            return Ok(fd);
        }
        let room = self.made.get_mut(self.count).ok_or(Errno::EINVAL)?;
        *room = duplicate_from(BorrowedFd::numbered(fd), self.floor)?.release();
        self.count += 1;
        Ok(*room)
    }
}

impl Drop for Moved<'_> {
    fn drop(&mut self) {
        for &fd in &self.made[..self.count] {
            close(fd);
        }
    }
}
