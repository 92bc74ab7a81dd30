// SPDX-License-Identifier: Apache-2.0
//! Pseudo terminals: opening, sizes, raw mode.

use crate::fd::{BorrowedFd, OwnedFd};
use crate::{Result, nr, sc};

const TCGETS: usize = 0x5401;
const TCSETS: usize = 0x5402;
const TIOCSCTTY: usize = 0x540e;
const TIOCGWINSZ: usize = 0x5413;
const TIOCSWINSZ: usize = 0x5414;
const TIOCSPTLCK: usize = 0x4004_5431;
const TIOCGPTN: usize = 0x8004_5430;
const TIOCGPTPEER: usize = 0x5441;

#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    pub rows: u16,
    pub columns: u16,
    pub x_pixels: u16,
    pub y_pixels: u16,
}

/// struct termios of the kernel: four flag words, line discipline, 19 control characters.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Modes {
    input: u32,
    output: u32,
    control: u32,
    local: u32,
    line: u8,
    characters: [u8; 19],
}

impl Modes {
    /// What cfmakeraw(3) does, so that every byte passes as it is.
    pub fn raw(mut self) -> Modes {
        self.input &= !0o2753; // IGNBRK BRKINT PARMRK ISTRIP INLCR IGNCR ICRNL IXON
        self.output &= !1; // OPOST
        self.local &= !0o100113; // ECHO ECHONL ICANON ISIG IEXTEN
        self.control = self.control & !0o460 | 0o60; // CSIZE PARENB, CS8
        self
    }
}

fn control(fd: BorrowedFd<'_>, request: usize, argument: usize) -> Result<usize> {
    // SAFETY: private to this file: `argument` is a number, or points at the struct that `request` asks for.
    unsafe { sc!(nr::IOCTL, fd.raw(), request, argument) }
}

pub fn modes(fd: BorrowedFd<'_>) -> Result<Modes> {
    let mut modes = Modes::default();
    control(fd, TCGETS, (&raw mut modes) as usize)?;
    Ok(modes)
}

pub fn set_modes(fd: BorrowedFd<'_>, modes: &Modes) -> Result<()> {
    control(fd, TCSETS, core::ptr::from_ref(modes) as usize).map(drop)
}

pub fn size(fd: BorrowedFd<'_>) -> Result<Size> {
    let mut size = Size::default();
    control(fd, TIOCGWINSZ, (&raw mut size) as usize)?;
    Ok(size)
}

pub fn set_size(fd: BorrowedFd<'_>, size: Size) -> Result<()> {
    control(fd, TIOCSWINSZ, (&raw const size) as usize).map(drop)
}

/// Unlocks the other side of a /dev/ptmx descriptor.
pub fn unlock(controlling: BorrowedFd<'_>) -> Result<()> {
    let unlocked = 0i32;
    control(controlling, TIOCSPTLCK, (&raw const unlocked) as usize).map(drop)
}

/// Opens the other side without a path that somebody could replace (TIOCGPTPEER, Linux 4.13; CVE-2025-52565).
pub fn open_peer(controlling: BorrowedFd<'_>) -> Result<OwnedFd> {
    const O_RDWR_NOCTTY_CLOEXEC: usize = 0o2_000_402;
    control(controlling, TIOCGPTPEER, O_RDWR_NOCTTY_CLOEXEC).map(|fd| OwnedFd::take(fd as i32))
}

/// The number N of /dev/pts/N.
pub fn number(controlling: BorrowedFd<'_>) -> Result<u32> {
    let mut number = 0u32;
    control(controlling, TIOCGPTN, (&raw mut number) as usize)?;
    Ok(number)
}

/// Makes `fd` the controlling terminal of this session.
pub fn take_control(fd: BorrowedFd<'_>) -> Result<()> {
    control(fd, TIOCSCTTY, 0).map(drop)
}
