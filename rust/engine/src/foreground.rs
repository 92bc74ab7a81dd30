// SPDX-License-Identifier: Apache-2.0
//! A program in the foreground: signals go to it, its terminal is relayed, its end is ours. One thread, one poll.

use crate::error::{Error, Result};
use crate::spec::{ConsoleSize, Process};
use crate::verbs::Started;
use alloc::vec;
use estiba_sys::fd::{self, BorrowedFd, OwnedFd, POLLERR, POLLHUP, POLLIN, PollFd};
use estiba_sys::terminal::{self, Modes, Size};
use estiba_sys::{Errno, process, signal, socket};

const SIGWINCH: i32 = 28;
/// What is not ours to hand on: those that the kernel sends for a fault of this process itself (ILL TRAP ABRT BUS FPE
/// SEGV), and CHLD and URG, which it discards as long as nobody takes them: the pidfd tells of the program's end.
const KEPT: [i32; 8] = [4, 5, 6, 7, 8, 11, 17, 23];

const STDIN: BorrowedFd<'static> = BorrowedFd::numbered(0);
const STDOUT: BorrowedFd<'static> = BorrowedFd::numbered(1);

/// Holds this process's signals while a program is attended.
pub struct Attendant {
    signals: OwnedFd,
    mask_before: u64,
}

impl Attendant {
    pub fn arm() -> Result<Attendant> {
        let mask = KEPT.iter().fold(u64::MAX, |mask, signal| mask & !(1 << (signal - 1)));
        let refused = |errno| Error::refused("take over the signals", errno);
        let signals = signal::descriptor(mask).map_err(refused)?;
        let mask_before = signal::set_mask(mask).map_err(refused)?;
        Ok(Attendant { signals, mask_before })
    }

    /// Waits for the program's end; returns its exit code, or 128 + n for signal n.
    pub fn attend(&self, started: &Started, terminal: Option<OwnedFd>) -> Result<i32> {
        let relay = terminal.map(Relay::begin);
        let mut reads_stdin = relay.is_some();
        let mut reads_terminal = relay.is_some();
        loop {
            let terminal =
                relay.as_ref().filter(|_| reads_terminal).map_or(-1, |relay| relay.controlling.raw());
            let mut set = [
                wait_for(started.pidfd.raw()),
                wait_for(self.signals.raw()),
                wait_for(terminal),
                wait_for(if reads_stdin { STDIN.raw() } else { -1 }),
            ];
            match fd::poll(&mut set, -1) {
                Err(Errno::EINTR) => continue,
                polled => polled.map_err(|errno| Error::refused("wait for the program", errno))?,
            };
            let [ended, signalled, output, input] =
                set.map(|entry| entry.revents & (POLLIN | POLLHUP | POLLERR) != 0);
            if signalled {
                self.forward(started, relay.as_ref())?;
            }
            if let Some(relay) = &relay {
                reads_terminal = reads_terminal && (!output || copy(relay.controlling.borrow(), STDOUT));
                reads_stdin = reads_stdin && (!input || copy(STDIN, relay.controlling.borrow()));
            }
            if ended {
                if let Some(relay) = &relay {
                    relay.drain();
                }
                let ended = process::reap(started.pidfd.borrow())
                    .map_err(|errno| Error::refused("wait for the program", errno))?;
                return Ok(ended.shell_code());
            }
        }
    }

    fn forward(&self, started: &Started, relay: Option<&Relay>) -> Result<()> {
        while let Some(number) =
            signal::next(self.signals.borrow()).map_err(|errno| Error::refused("read a signal", errno))?
        {
            match (number, relay) {
                (SIGWINCH, Some(relay)) => relay.resize(),
                (number, _) => match signal::send(started.pidfd.borrow(), number) {
                    Ok(()) | Err(Errno::ESRCH) => {}
                    Err(errno) => return Err(Error::refused("forward a signal", errno)),
                },
            }
        }
        Ok(())
    }
}

impl Drop for Attendant {
    fn drop(&mut self) {
        let _ = signal::set_mask(self.mask_before);
    }
}

fn wait_for(fd: i32) -> PollFd {
    PollFd { fd, events: POLLIN, revents: 0 }
}

/// Copies once; false at the end of the source (EIO: a terminal whose other side is closed).
fn copy(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> bool {
    let mut buffer = vec![0; 8192];
    match fd::read(from, &mut buffer) {
        Ok(0) | Err(_) => false,
        Ok(n) => fd::write_all(to, &buffer[..n]).is_ok(),
    }
}

/// The caller's terminal in raw mode, and the container's controlling side.
struct Relay {
    controlling: OwnedFd,
    before: Option<Modes>,
}

impl Relay {
    fn begin(controlling: OwnedFd) -> Relay {
        let before = terminal::modes(STDIN).ok();
        if let Some(before) = before {
            let _ = terminal::set_modes(STDIN, &before.raw());
        }
        let relay = Relay { controlling, before };
        relay.resize();
        relay
    }

    fn resize(&self) {
        if let Ok(size) = terminal::size(STDIN) {
            let _ = terminal::set_size(self.controlling.borrow(), size);
        }
    }

    /// What the program wrote before it ended.
    fn drain(&self) {
        loop {
            let mut set = [wait_for(self.controlling.raw())];
            match fd::poll(&mut set, 0) {
                Ok(1) if copy(self.controlling.borrow(), STDOUT) => {}
                _ => return,
            }
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = terminal::set_modes(STDIN, before);
        }
    }
}

/// A relayed terminal has the size of the caller's own from the start: the program may ask before the relay begins.
pub fn take_callers_size(process: &mut Process<'_>) {
    if let Ok(Size { rows: height @ 1.., columns: width @ 1.., .. }) = terminal::size(STDIN) {
        process.console_size = Some(ConsoleSize { height: height.into(), width: width.into() });
    }
}

/// The container's terminal, as init sent it.
pub fn receive_terminal(from: OwnedFd) -> Result<OwnedFd> {
    let mut name = [0; 64];
    match socket::receive(from.borrow(), &mut name) {
        Ok((_, Some(controlling))) => Ok(controlling),
        Ok((_, None)) => Err(Error::internal("init sent no terminal")),
        Err(errno) => Err(Error::refused("receive the container's terminal", errno)),
    }
}
