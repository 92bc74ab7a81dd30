// SPDX-License-Identifier: Apache-2.0
//! The processes of a cgroup: who they are, and one signal to them all.

use crate::cgroup::create::Cgroup;
use crate::cgroup::{file, tree};
use crate::error::{Error, Result};
use alloc::format;
use alloc::vec::Vec;
use estiba_sys::process::pidfd_open;
use estiba_sys::{Errno, signal};

const SIGKILL: i32 = 9;
/// Without a freezer a process can fork away while the list is read; it cannot do so for ever.
const ROUNDS: usize = 100;

impl Cgroup {
    /// Every process in the cgroup and below, in the caller's pid namespace, sorted.
    pub fn pids(&self) -> Result<Vec<i32>> {
        let Some(dir) = self.v2().or_else(|| self.dirs.first()) else { return Ok(Vec::new()) };
        let pids = file::open_dir(&dir.path).and_then(|folder| tree::pids(folder.borrow()));
        match pids {
            Err(Errno::ENODEV | Errno::ENOENT) => Ok(Vec::new()),
            pids => pids.map_err(|errno| {
                Error::refused(format!("read the processes of the cgroup \"{}\"", dir.path), errno)
            }),
        }
    }

    /// Ends every process, paused or not; none is missed, whatever they fork meanwhile.
    pub fn kill_all(&self) -> Result<()> {
        let killed = self.v2().map(|dir| dir.write("cgroup.kill", "1"));
        match killed {
            // v1's freezer holds back even SIGKILL; v2's does not.
            Some(Ok(())) if self.v1("freezer").is_some() => self.thaw_if_there(),
            Some(Ok(())) => Ok(()),
            // No v2 here, or a kernel before 5.14.
            _ => {
                let holds = self.freeze().is_ok();
                let sent = self.signal_each(SIGKILL, if holds { 1 } else { ROUNDS });
                sent.and(self.thaw_if_there())
            }
        }
    }

    /// Sends `signal` to every process of one moment. What is paused stays so, and gets it when it goes on.
    pub fn signal_all(&self, signal: i32) -> Result<()> {
        if signal == SIGKILL {
            return self.kill_all();
        }
        let was_frozen = self.is_frozen()?;
        let holds = !was_frozen && self.freeze().is_ok();
        let sent = self.signal_each(signal, 1);
        if holds { sent.and(self.thaw()) } else { sent }
    }

    fn thaw_if_there(&self) -> Result<()> {
        if self.is_frozen()? { self.thaw() } else { Ok(()) }
    }

    fn signal_each(&self, signal: i32, rounds: usize) -> Result<()> {
        for _ in 0..rounds {
            let pids = self.pids()?;
            if pids.is_empty() {
                return Ok(());
            }
            for pid in pids {
                let sent = pidfd_open(pid).and_then(|pidfd| signal::send(pidfd.borrow(), signal));
                match sent {
                    Ok(()) | Err(Errno::ESRCH) => {}
                    Err(errno) => {
                        return Err(Error::refused(format!("send signal {signal} to process {pid}"), errno));
                    }
                }
            }
        }
        Ok(())
    }
}
