// SPDX-License-Identifier: Apache-2.0
//! Unix sockets that carry reports and descriptors, and the loopback device.

use crate::fd::{BorrowedFd, OwnedFd, RawFd, close};
use crate::fs::O_CLOEXEC;
use crate::raw::retry;
use crate::{Errno, Result, nr, sc};

const AF_UNIX: i32 = 1;
const SOCK_STREAM: i32 = 1;
const SOCK_SEQPACKET: i32 = 5;
const MSG_CMSG_CLOEXEC: i32 = 0x4000_0000;
const MSG_NOSIGNAL: i32 = 0x4000;

/// Two connected SOCK_SEQPACKET sockets: message boundaries are kept, and a closed peer reads as end of file.
pub fn pair() -> Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0i32; 2];
    // SAFETY: `ends` has room for two descriptors.
    unsafe { sc!(nr::SOCKETPAIR, AF_UNIX, SOCK_SEQPACKET | O_CLOEXEC, 0, ends.as_mut_ptr()) }?;
    Ok((OwnedFd::take(ends[0]), OwnedFd::take(ends[1])))
}

/// Sends without SIGPIPE.
pub fn send(socket: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize> {
    // SAFETY: `bytes` is readable for its length; no address.
    retry(|| unsafe { sc!(nr::SENDTO, socket.raw(), bytes.as_ptr(), bytes.len(), MSG_NOSIGNAL, 0, 0) })
}

/// Connects to the stream socket at `path` (107 bytes at most; longer paths go through /proc/self/fd).
pub fn connect(path: &[u8]) -> Result<OwnedFd> {
    let mut address = [0u8; 110]; // struct sockaddr_un
    address[..2].copy_from_slice(&(AF_UNIX as u16).to_ne_bytes());
    let Some(room) = address.get_mut(2..2 + path.len()).filter(|room| room.len() < 108) else {
        return Err(Errno::ENAMETOOLONG);
    };
    room.copy_from_slice(path);
    // SAFETY: no pointers.
    let fd = unsafe { sc!(nr::SOCKET, AF_UNIX, SOCK_STREAM | O_CLOEXEC, 0) }?;
    let socket = OwnedFd::take(fd as i32);
    // SAFETY: `address` is a sockaddr_un of the given length.
    retry(|| unsafe { sc!(nr::CONNECT, socket.raw(), address.as_ptr(), path.len() + 3) })?;
    Ok(socket)
}

#[repr(C)]
struct Header {
    name: usize,
    name_length: usize,
    parts: *mut Part,
    part_count: usize,
    control: *mut u8,
    control_length: usize,
    flags: usize,
}

#[repr(C)]
struct Part {
    base: *mut u8,
    length: usize,
}

/// One SCM_RIGHTS message with one descriptor: struct cmsghdr (16 bytes), the number, padding.
#[repr(C, align(8))]
struct Rights {
    length: usize,
    level: i32,
    kind: i32,
    fd: RawFd,
    padding: i32,
}

const RIGHTS_LENGTH: usize = 20;
const SOL_SOCKET: i32 = 1;
const SCM_RIGHTS: i32 = 1;

/// Sends `bytes` and one descriptor.
pub fn send_descriptor(socket: BorrowedFd<'_>, bytes: &[u8], fd: BorrowedFd<'_>) -> Result<()> {
    let mut rights =
        Rights { length: RIGHTS_LENGTH, level: SOL_SOCKET, kind: SCM_RIGHTS, fd: fd.raw(), padding: 0 };
    let mut part = Part { base: bytes.as_ptr().cast_mut(), length: bytes.len() };
    let header = Header {
        name: 0,
        name_length: 0,
        parts: &raw mut part,
        part_count: 1,
        control: (&raw mut rights).cast(),
        control_length: size_of::<Rights>(),
        flags: 0,
    };
    // SAFETY: the header names `part` (which names `bytes`, only read) and `rights`.
    retry(|| unsafe { sc!(nr::SENDMSG, socket.raw(), &raw const header, MSG_NOSIGNAL) }).map(drop)
}

/// The length of the next message, which stays; EAGAIN where there is none.
pub fn next_length(socket: BorrowedFd<'_>) -> Result<usize> {
    const MSG_PEEK: i32 = 0x02;
    const MSG_TRUNC: i32 = 0x20;
    const MSG_DONTWAIT: i32 = 0x40;
    // SAFETY: nothing is written to a buffer of no length; no address.
    retry(|| unsafe { sc!(nr::RECVFROM, socket.raw(), 0, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT, 0, 0) })
}

/// Receives bytes and, if one came with them, a descriptor.
pub fn receive(socket: BorrowedFd<'_>, bytes: &mut [u8]) -> Result<(usize, Option<OwnedFd>)> {
    let mut rights = Rights { length: 0, level: 0, kind: 0, fd: -1, padding: 0 };
    let mut part = Part { base: bytes.as_mut_ptr(), length: bytes.len() };
    let mut header = Header {
        name: 0,
        name_length: 0,
        parts: &raw mut part,
        part_count: 1,
        control: (&raw mut rights).cast(),
        control_length: RIGHTS_LENGTH, // of one descriptor: the kernel closes any others
        flags: 0,
    };
    // SAFETY: the header names `part` (which names `bytes`, writable) and `rights`.
    let n = retry(|| unsafe { sc!(nr::RECVMSG, socket.raw(), &raw mut header, MSG_CMSG_CLOEXEC) })?;
    let carried = header.control_length >= RIGHTS_LENGTH
        && (rights.level, rights.kind) == (SOL_SOCKET, SCM_RIGHTS)
        && rights.fd >= 0;
    Ok((n, carried.then(|| OwnedFd::take(rights.fd))))
}

/// Brings the loopback device of this network namespace up (netdevice(7), SIOCSIFFLAGS).
pub fn loopback_up() -> Result<()> {
    const AF_INET: i32 = 2;
    const SOCK_DGRAM: i32 = 2;
    const SIOCSIFFLAGS: i32 = 0x8914;
    const IFF_UP_AND_RUNNING: u8 = 0x41;
    let mut request = [0u8; 40]; // struct ifreq
    request[..2].copy_from_slice(b"lo");
    request[16] = IFF_UP_AND_RUNNING;
    // SAFETY: no pointers.
    let fd = unsafe { sc!(nr::SOCKET, AF_INET, SOCK_DGRAM | O_CLOEXEC, 0) }? as RawFd;
    // SAFETY: `request` is a struct ifreq.
    let done = unsafe { sc!(nr::IOCTL, fd, SIOCSIFFLAGS, request.as_ptr()) }.map(drop);
    close(fd);
    done
}
