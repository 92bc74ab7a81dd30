// SPDX-License-Identifier: Apache-2.0
//! What runs in the child until it executes the image: system calls only, on memory that it shares with its parent.

use super::Failed;
use crate::fd::{BorrowedFd, RawFd, duplicate_onto, duplicate_over, read, write};
use crate::process::{exit, set_gids, set_uids};
use crate::{Errno, Result, fs, nr, sc};
use core::arch::asm;
use core::cell::Cell;
use core::sync::atomic::AtomicU32;

/// Room for a child's few frames, on its parent's own stack: the parent stays in the frame that holds it until the
/// child has left the address space.
#[repr(C, align(16))]
pub struct Stack([core::mem::MaybeUninit<u8>; Stack::SIZE]);

impl Stack {
    pub const SIZE: usize = 16 << 10;

    pub fn new() -> Stack {
        Stack([core::mem::MaybeUninit::uninit(); Stack::SIZE])
    }

    /// The lowest address; exposed, as the child writes there.
    pub fn start(&mut self) -> usize {
        (&raw mut self.0).expose_provenance()
    }
}

const CLONE_VM: u64 = 0x100;
const CLONE_PIDFD: u64 = 0x1000;
const CLONE_VFORK: u64 = 0x4000;
const CLONE_PARENT: u64 = 0x8000;
const CLONE_CHILD_CLEARTID: u64 = 0x20_0000;
const CLONE_CLEAR_SIGHAND: u64 = 0x1_0000_0000;
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
const SIGCHLD: u64 = 17;

/// struct clone_args of linux/sched.h.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

impl CloneArgs {
    pub fn init(namespaces: u64, pidfd: &Cell<RawFd>) -> CloneArgs {
        CloneArgs {
            flags: namespaces | CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
            pidfd: pidfd.as_ptr() as u64,
            exit_signal: SIGCHLD,
            ..CloneArgs::default()
        }
    }

    /// Another child of the caller's parent, on a copy of the caller's memory. It inherits its exit signal and may not
    /// name one (clone3(2)).
    pub fn beside(namespaces: u64, pidfd: &Cell<RawFd>) -> CloneArgs {
        CloneArgs {
            flags: namespaces | CLONE_PARENT | CLONE_PIDFD,
            pidfd: pidfd.as_ptr() as u64,
            ..CloneArgs::default()
        }
    }

    /// Beside the caller, which goes on; nobody is told of its end. On a copy of the caller's memory: where memory is short
    /// in a cgroup, the kernel ends whom it finds there with all that share its memory (mm/oom_kill.c).
    pub fn holder(namespaces: u64, pidfd: &Cell<RawFd>) -> CloneArgs {
        CloneArgs {
            flags: namespaces | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
            pidfd: pidfd.as_ptr() as u64,
            ..CloneArgs::default()
        }
    }

    pub fn stack_at(&mut self, start: usize, size: usize) {
        self.stack = start as u64;
        self.stack_size = size as u64;
    }

    pub fn born_in_cgroup(&mut self, cgroup: RawFd) {
        self.flags |= CLONE_INTO_CGROUP;
        self.cgroup = cgroup as u64;
    }

    pub fn clear_tid_instead_of_vfork(&mut self, word: &AtomicU32) {
        self.flags = self.flags & !CLONE_VFORK | CLONE_CHILD_CLEARTID;
        self.child_tid = word.as_ptr() as u64;
    }
}

pub struct Child<'a> {
    pub image: RawFd,
    pub argv: [*const u8; 2],
    pub stdio: Option<[RawFd; 3]>,
    pub fds: &'a [RawFd],
    pub cgroup_tasks: &'a [RawFd],
    pub wait_on: Option<RawFd>,
    pub identity: Option<(u32, u32)>,
    pub time_offsets: Option<&'a [u8]>,
    pub error: Cell<Option<(Failed, Errno)>>,
}

/// # Safety
/// `args` names a stack of its own, and the caller keeps `child` alive until the new process has left this address
/// space: by CLONE_VFORK, or by waiting for its CLONE_CHILD_CLEARTID word.
pub unsafe fn clone3<T>(
    args: *const CloneArgs,
    child: *const T,
    body: extern "C" fn(*const T) -> !,
) -> Result<usize> {
    let r: isize;
    // SAFETY: in the parent only rax, rcx and r11 change; the child goes to `body` on the stack of `args` and never
    // comes back here.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r12",
            "call r13",
            "ud2",
            "2:",
            inlateout("rax") nr::CLONE3 as isize => r,
            in("rdi") args, in("rsi") size_of::<CloneArgs>(),
            in("r12") child, in("r13") body as *const (),
            lateout("rcx") _, lateout("r11") _,
        );
    }
    if r < 0 { Err(Errno((-r) as u16)) } else { Ok(r as usize) }
}

type Step = core::result::Result<(), (Failed, Errno)>;

fn failed(at: Failed) -> impl Fn(Errno) -> (Failed, Errno) {
    move |errno| (at, errno)
}

pub extern "C" fn run_init(child: *const Child<'_>) -> ! {
    // SAFETY: the parent is suspended, or waits for the cleared word, and keeps `child` alive.
    let child = unsafe { &*child };
    if let Err(why) = init(child) {
        child.error.set(Some(why));
    }
    exit(127)
}

fn init(child: &Child<'_>) -> Step {
    for &tasks in child.cgroup_tasks {
        write(BorrowedFd::numbered(tasks), b"0").map_err(failed(Failed::Cgroup))?;
    }
    let image = arrange_descriptors(child).map_err(failed(Failed::Descriptors))?;
    if let Some(socket) = child.wait_on {
        match read(BorrowedFd::numbered(socket), &mut [0]) {
            Ok(1) => {}
            Ok(_) => return Err((Failed::Maps, Errno::EPIPE)),
            Err(errno) => return Err((Failed::Maps, errno)),
        }
        become_owner(child)?;
    }
    if let Some(text) = child.time_offsets {
        let at = fs::open(crate::fd::CWD, c"/proc/self/timens_offsets", fs::O_WRONLY, 0);
        at.and_then(|file| write(file.borrow(), text)).map_err(failed(Failed::TimeOffsets))?;
    }
    let environment = [core::ptr::null::<u8>()];
    const AT_EMPTY_PATH: i32 = 0x1000;
    // SAFETY: argv and environment are null-terminated arrays of C strings, alive until the exec succeeds.
    let r = unsafe {
        let (argv, env) = (child.argv.as_ptr(), environment.as_ptr());
        sc!(nr::EXECVEAT, image, c"".as_ptr(), argv, env, AT_EMPTY_PATH)
    };
    r.map(drop).map_err(failed(Failed::Image))
}

/// Moves what init gets onto 0.., the image right above it, and closes all else.
fn arrange_descriptors(child: &Child<'_>) -> Result<RawFd> {
    if let Some(stdio) = child.stdio {
        for (to, &fd) in stdio.iter().enumerate() {
            duplicate_onto(BorrowedFd::numbered(fd), to as RawFd)?;
        }
    }
    for (i, &fd) in child.fds.iter().enumerate() {
        duplicate_onto(BorrowedFd::numbered(fd), 3 + i as RawFd)?;
    }
    let image = 3 + child.fds.len() as RawFd;
    duplicate_over(BorrowedFd::numbered(child.image), image)?;
    // SAFETY: no pointers; the table of descriptors is this process's own copy.
    unsafe { sc!(nr::CLOSE_RANGE, image + 1, u32::MAX, 0) }?;
    Ok(image)
}

/// Takes ids that the user namespace maps: an exec by an unmapped uid empties the capability sets
/// (user_namespaces(7)).
fn become_owner(child: &Child<'_>) -> Step {
    let Some((uid, gid)) = child.identity else { return Ok(()) };
    set_gids(gid).and_then(|()| set_uids(uid)).map_err(failed(Failed::Identity))
}
