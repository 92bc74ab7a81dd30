// SPDX-License-Identifier: Apache-2.0
//! What a process is: ids, capabilities, limits, filters, how it ends.

use crate::fd::{BorrowedFd, OwnedFd};
use crate::raw::retry;
use crate::{Errno, Result, nr, sc};
use core::ffi::CStr;

pub fn exit(code: i32) -> ! {
    loop {
        // SAFETY: no pointers; does not return.
        let _ = unsafe { sc!(nr::EXIT_GROUP, code) };
    }
}

/// Ends this process without a system call: an instruction that no processor knows (SIGILL).
pub fn crash() -> ! {
    // SAFETY: does not return.
    unsafe { core::arch::asm!("ud2", options(noreturn)) }
}

pub fn id() -> i32 {
    // SAFETY: no pointers; cannot fail.
    unsafe { sc!(nr::GETPID) }.unwrap_or(0) as i32
}

pub fn effective_uid() -> u32 {
    // SAFETY: no pointers; cannot fail.
    unsafe { sc!(nr::GETEUID) }.unwrap_or(0) as u32
}

pub fn effective_gid() -> u32 {
    // SAFETY: no pointers; cannot fail.
    unsafe { sc!(nr::GETEGID) }.unwrap_or(0) as u32
}

pub fn set_uids(uid: u32) -> Result<()> {
    // SAFETY: no pointers.
    unsafe { sc!(nr::SETRESUID, uid, uid, uid) }.map(drop)
}

pub fn set_gids(gid: u32) -> Result<()> {
    // SAFETY: no pointers.
    unsafe { sc!(nr::SETRESGID, gid, gid, gid) }.map(drop)
}

/// `groups` is a list of little-endian 32-bit ids (gid_t of this architecture).
pub fn set_groups(groups: &[u8]) -> Result<()> {
    // SAFETY: `groups` is readable for four bytes an id.
    unsafe { sc!(nr::SETGROUPS, groups.len() / 4, groups.as_ptr()) }.map(drop)
}

pub fn new_session() -> Result<()> {
    // SAFETY: no pointers.
    unsafe { sc!(nr::SETSID) }.map(drop)
}

pub fn set_umask(mask: u32) {
    // SAFETY: no pointers; cannot fail.
    let _ = unsafe { sc!(nr::UMASK, mask) };
}

const PR_GET_DUMPABLE: i32 = 3;
const PR_SET_DUMPABLE: i32 = 4;
const PR_SET_KEEPCAPS: i32 = 8;
const PR_CAPBSET_DROP: i32 = 24;
const PR_SET_NO_NEW_PRIVS: i32 = 38;
const PR_CAP_AMBIENT: i32 = 47;
const PR_CAP_AMBIENT_RAISE: usize = 2;
const PR_CAP_AMBIENT_CLEAR_ALL: usize = 4;

fn control(operation: i32, a: usize, b: usize) -> Result<usize> {
    // SAFETY: only operations that take numbers are named in this file.
    unsafe { sc!(nr::PRCTL, operation, a, b, 0, 0) }
}

pub fn dumpable() -> Result<usize> {
    control(PR_GET_DUMPABLE, 0, 0)
}

/// Best effort: only 0 and 1 can be set, and a refusal changes nothing.
pub fn set_dumpable(value: usize) {
    let _ = control(PR_SET_DUMPABLE, value, 0);
}

pub fn keep_capabilities_over_setuid() -> Result<()> {
    control(PR_SET_KEEPCAPS, 1, 0).map(drop)
}

pub fn no_new_privileges() -> Result<()> {
    control(PR_SET_NO_NEW_PRIVS, 1, 0).map(drop)
}

/// Drops a capability from the bounding set; EINVAL when the kernel does not know it.
pub fn drop_from_bounding_set(capability: u32) -> Result<()> {
    control(PR_CAPBSET_DROP, capability as usize, 0).map(drop)
}

pub fn clear_ambient() -> Result<()> {
    control(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0).map(drop)
}

pub fn raise_ambient(capability: u32) -> Result<()> {
    control(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability as usize).map(drop)
}

const CAPABILITY_VERSION_3: u32 = 0x2008_0522;

/// This process's (effective, permitted, inheritable) sets, a bit a capability.
pub fn capabilities() -> Result<(u64, u64, u64)> {
    let mut head = [CAPABILITY_VERSION_3, 0];
    let mut data = [[0u32; 3]; 2];
    // SAFETY: a version 3 header and its two data structs.
    unsafe { sc!(nr::CAPGET, head.as_mut_ptr(), data.as_mut_ptr()) }?;
    let join = |i: usize| u64::from(data[0][i]) | u64::from(data[1][i]) << 32;
    Ok((join(0), join(1), join(2)))
}

pub fn set_capabilities(effective: u64, permitted: u64, inheritable: u64) -> Result<()> {
    let head = [CAPABILITY_VERSION_3, 0];
    let low = [effective as u32, permitted as u32, inheritable as u32];
    let high = [(effective >> 32) as u32, (permitted >> 32) as u32, (inheritable >> 32) as u32];
    let data = [low, high];
    // SAFETY: a version 3 header and its two data structs.
    unsafe { sc!(nr::CAPSET, head.as_ptr(), data.as_ptr()) }.map(drop)
}

/// The current (soft, hard) limit.
pub fn limit(resource: u32) -> Result<(u64, u64)> {
    let mut old = [0u64; 2];
    // SAFETY: `old` has the size of struct rlimit64.
    unsafe { sc!(nr::PRLIMIT64, 0, resource, 0, old.as_mut_ptr()) }?;
    Ok((old[0], old[1]))
}

pub fn set_limit(resource: u32, soft: u64, hard: u64) -> Result<()> {
    let new = [soft, hard];
    // SAFETY: `new` has the size of struct rlimit64.
    unsafe { sc!(nr::PRLIMIT64, 0, resource, new.as_ptr(), 0) }.map(drop)
}

pub fn set_personality(persona: u32) -> Result<()> {
    // SAFETY: no pointers.
    unsafe { sc!(nr::PERSONALITY, persona) }.map(drop)
}

/// ioprio_set(2) of this process: `priority` is class << 13 | level.
pub fn set_io_priority(priority: u32) -> Result<()> {
    const IOPRIO_WHO_PROCESS: i32 = 1;
    // SAFETY: no pointers.
    unsafe { sc!(nr::IOPRIO_SET, IOPRIO_WHO_PROCESS, 0, priority) }.map(drop)
}

/// struct sched_attr of sched_setattr(2), version 1 (56 bytes).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct SchedulerAttributes {
    pub size: u32,
    pub policy: u32,
    pub flags: u64,
    pub nice: i32,
    pub priority: u32,
    pub runtime: u64,
    pub deadline: u64,
    pub period: u64,
    pub utilization_min: u32,
    pub utilization_max: u32,
}

pub fn set_scheduler(attributes: &SchedulerAttributes) -> Result<()> {
    let attributes = SchedulerAttributes { size: size_of::<SchedulerAttributes>() as u32, ..*attributes };
    // SAFETY: a struct sched_attr that names its own size.
    unsafe { sc!(nr::SCHED_SETATTR, 0, &raw const attributes, 0) }.map(drop)
}

/// sched_setaffinity(2) of this process: `mask` has bit n for processor n.
pub fn set_affinity(mask: &[u8]) -> Result<()> {
    // SAFETY: `mask` is readable for its length.
    unsafe { sc!(nr::SCHED_SETAFFINITY, 0, mask.len(), mask.as_ptr()) }.map(drop)
}

/// The calling thread's processors (sched_getaffinity(2)), and how many bytes of `mask` they fill.
pub fn affinity(mask: &mut [u8]) -> Result<usize> {
    // SAFETY: `mask` is writable for its length.
    unsafe { sc!(nr::SCHED_GETAFFINITY, 0, mask.len(), mask.as_mut_ptr()) }
}

/// set_mempolicy(2); `nodes` has bit n for node n.
pub fn set_memory_policy(mode: u32, nodes: &[u64]) -> Result<()> {
    // SAFETY: `nodes` is readable for its length; the kernel wants one bit more than it reads.
    unsafe { sc!(nr::SET_MEMPOLICY, mode, nodes.as_ptr(), nodes.len() * 64 + 1) }.map(drop)
}

/// Joins a new session keyring of this name (keyctl(2), KEYCTL_JOIN_SESSION_KEYRING) and returns its serial number.
pub fn join_session_keyring(name: &CStr) -> Result<i32> {
    const KEYCTL_JOIN_SESSION_KEYRING: i32 = 1;
    // SAFETY: `name` is a C string.
    unsafe { sc!(nr::KEYCTL, KEYCTL_JOIN_SESSION_KEYRING, name.as_ptr()) }.map(|serial| serial as i32)
}

/// Lets processes of the same user find things in a keyring (KEY_USR_SEARCH).
pub fn make_keyring_searchable(serial: i32) -> Result<()> {
    const KEYCTL_SETPERM: i32 = 5;
    const POSSESSOR_ALL_USER_VIEW_READ_SEARCH: u32 = 0x3f0b_0000;
    // SAFETY: no pointers.
    unsafe { sc!(nr::KEYCTL, KEYCTL_SETPERM, serial, POSSESSOR_ALL_USER_VIEW_READ_SEARCH) }.map(drop)
}

/// Loads a classic BPF filter (struct sock_filter each eight bytes) by seccomp(2). With the NEW_LISTENER flag the
/// answer is the notification descriptor, else 0.
pub fn load_seccomp_filter(program: &[u8], flags: u32) -> Result<usize> {
    #[repr(C)]
    struct SockFprog {
        length: u16,
        filter: *const u8,
    }
    const SECCOMP_SET_MODE_FILTER: i32 = 1;
    let length = u16::try_from(program.len() / 8).map_err(|_| Errno::EINVAL)?;
    let fprog = SockFprog { length, filter: program.as_ptr() };
    // SAFETY: `fprog` names `program`, which is readable for eight bytes an instruction.
    unsafe { sc!(nr::SECCOMP, SECCOMP_SET_MODE_FILTER, flags, &raw const fprog) }
}

/// NUL-terminated strings one after the other; the form in which a plan carries argv and the environment.
#[derive(Clone, Copy)]
pub struct Strings<'a> {
    bytes: &'a [u8],
}

impl core::fmt::Debug for Strings<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> Strings<'a> {
    /// Every string in `bytes` is terminated; else None.
    pub fn new(bytes: &'a [u8]) -> Option<Strings<'a>> {
        matches!(bytes.last(), None | Some(0)).then_some(Strings { bytes })
    }

    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    pub fn iter(self) -> impl Iterator<Item = &'a CStr> {
        let mut rest = self.bytes;
        core::iter::from_fn(move || {
            let next = CStr::from_bytes_until_nul(rest).ok()?;
            rest = rest.get(next.count_bytes() + 1..)?;
            Some(next)
        })
    }
}

/// execve(2) with tables of pointers that are built in `scratch`: a word for each string and for each table's end, and
/// one for alignment. Returns only on failure.
pub fn execute<'a>(
    path: &CStr,
    argv: Strings<'a>,
    env: &mut dyn Iterator<Item = &'a CStr>,
    scratch: &'a mut [u8],
) -> Errno {
    match Tables::build(argv, env, scratch) {
        Some(tables) => tables.execute(path),
        None => Errno::EINVAL,
    }
}

/// The two tables of pointers that execve(2) wants.
pub struct Tables<'a> {
    argv: *const usize,
    env: *const usize,
    strings: core::marker::PhantomData<&'a CStr>,
}

impl<'a> Tables<'a> {
    /// None if `scratch` is too small.
    pub fn build(
        argv: Strings<'a>,
        env: &mut dyn Iterator<Item = &'a CStr>,
        scratch: &'a mut [u8],
    ) -> Option<Tables<'a>> {
        // SAFETY: every bit pattern is a usize.
        let (_, scratch, _) = unsafe { scratch.align_to_mut::<usize>() };
        let mut used = 0;
        let mut table = |strings: &mut dyn Iterator<Item = &'a CStr>| -> Option<usize> {
            let start = used;
            for string in strings {
                *scratch.get_mut(used)? = string.as_ptr() as usize;
                used += 1;
            }
            *scratch.get_mut(used)? = 0;
            used += 1;
            Some(start)
        };
        let (argv, env) = (table(&mut argv.iter())?, table(env)?);
        Some(Tables {
            argv: scratch.get(argv..)?.as_ptr(),
            env: scratch.get(env..)?.as_ptr(),
            strings: core::marker::PhantomData,
        })
    }

    /// Returns only on failure.
    pub fn execute(&self, path: &CStr) -> Errno {
        // SAFETY: `build` made both tables: pointers to C strings that live as long as this value, ended by null.
        let failed = unsafe { sc!(nr::EXECVE, path.as_ptr(), self.argv, self.env) };
        failed.err().unwrap_or(Errno::EINVAL)
    }
}

/// How a process ended: waitid's code (1 exited, 2 killed, 3 dumped) and status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    pub code: i32,
    pub status: i32,
}

impl Ended {
    /// The shell's view: the exit code, or 128 + signal.
    pub fn shell_code(self) -> i32 {
        if self.code == 1 { self.status } else { 128 + self.status }
    }
}

/// Waits for a child and reaps it (waitid(2)).
pub fn reap(pidfd: BorrowedFd<'_>) -> Result<Ended> {
    const P_PIDFD: i32 = 3;
    const WEXITED: i32 = 4;
    const WALL: i32 = 0x4000_0000;
    let mut info = [0i32; 32]; // siginfo_t: 128 bytes; si_code at 8, si_status at 24
    // SAFETY: `info` has the size of siginfo_t; no usage is asked for.
    retry(|| unsafe { sc!(nr::WAITID, P_PIDFD, pidfd.raw(), info.as_mut_ptr(), WEXITED | WALL, 0) })?;
    Ok(Ended { code: info[2], status: info[6] })
}

/// pidfd_open(2). ESRCH: no process has the number, also where a thread of one has it (EINVAL; ENOENT since Linux 6.16).
pub fn pidfd_open(pid: i32) -> Result<OwnedFd> {
    // SAFETY: no pointers.
    match unsafe { sc!(nr::PIDFD_OPEN, pid, 0) } {
        Ok(fd) => Ok(OwnedFd::take(fd as i32)),
        Err(Errno::EINVAL | Errno::ENOENT) => Err(Errno::ESRCH),
        Err(errno) => Err(errno),
    }
}

/// A duplicate of descriptor `fd` of the process behind `pidfd` (pidfd_getfd(2), Linux 5.6).
pub fn take_descriptor_of(pidfd: BorrowedFd<'_>, fd: i32) -> Result<OwnedFd> {
    // SAFETY: no pointers.
    unsafe { sc!(nr::PIDFD_GETFD, pidfd.raw(), fd, 0) }.map(|fd| OwnedFd::take(fd as i32))
}

/// Seconds since the epoch, and nanoseconds (CLOCK_REALTIME).
pub fn wall_clock() -> (u64, u32) {
    let mut now = [0u64; 2];
    // SAFETY: `now` has the size of struct timespec.
    let _ = unsafe { sc!(nr::CLOCK_GETTIME, 0, now.as_mut_ptr()) };
    (now[0], now[1] as u32)
}

/// getcwd(2), without the NUL. A directory outside the root starts with "(unreachable)".
pub fn working_directory(buffer: &mut [u8]) -> Result<&[u8]> {
    // SAFETY: `buffer` is writable for its length.
    let n = unsafe { sc!(nr::GETCWD, buffer.as_mut_ptr(), buffer.len()) }?;
    buffer.get(..n.saturating_sub(1)).ok_or(Errno::ERANGE)
}
