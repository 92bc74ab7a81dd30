// SPDX-License-Identifier: Apache-2.0
//! Puts a device policy in force: v1's list where the devices hierarchy is mounted, else a program on v2.

use crate::cgroup::create::Cgroup;
use crate::cgroup::device_pins;
use crate::cgroup::device_program::program;
use crate::cgroup::devices::Policy;
use crate::error::{Error, ErrorKind, Result};
use alloc::format;
use alloc::vec::Vec;
use estiba_sys::bpf::{self, Instruction};
use estiba_sys::fd::{BorrowedFd, OwnedFd};
use estiba_sys::{Errno, process};

impl Cgroup {
    /// Enforces `policy` in place of any earlier one; `folder`: of v2. Rootless it does what it may: without rights over the host's
    /// devices nobody can make nodes for them, and the kernel refuses programs.
    pub(super) fn set_devices(
        &self,
        policy: &Policy,
        folder: Option<&OwnedFd>,
        is_rootless: bool,
    ) -> Result<()> {
        let done = self.enforce(policy, folder);
        match done {
            Err(error) if is_rootless && matches!(error.errno, Some(Errno::EPERM | Errno::EACCES)) => Ok(()),
            done => done,
        }
    }

    fn enforce(&self, policy: &Policy, folder: Option<&OwnedFd>) -> Result<()> {
        if self.v1("devices").is_some() {
            return self.apply(&policy.v1_writes()?);
        }
        let code = program(policy);
        let Some(folder) = folder else {
            if code.is_none() {
                return Ok(());
            }
            let mut error = Error::new(
                ErrorKind::ConfigUnsupported,
                "device rules need a cgroup of the container's own, and there is none",
            )
            .at("/linux/resources/devices");
            error.errno = Some(Errno::EPERM);
            return Err(error);
        };
        let refused =
            |errno| Error::refused("attach the device program", errno).at("/linux/resources/devices");
        let old = attached(folder.borrow()).map_err(refused)?;
        let new = match code {
            None => None,
            // Among several of which it is one already, a kept program could not be added (EINVAL).
            Some(code) if old.len() > 1 => Some(load(&code)?),
            Some(code) => Some(device_pins::kept(&code, || load(&code))?),
        };
        replace(folder.borrow(), &old, new.as_ref().map(OwnedFd::borrow)).map_err(refused)
    }
}

fn attached(folder: BorrowedFd<'_>) -> estiba_sys::Result<Vec<OwnedFd>> {
    let mut ids = [0; bpf::MAX_PROGRAMS];
    let count = bpf::device_programs(folder, &mut ids)?;
    Ok(ids.iter().take(count).filter_map(|id| bpf::program_by_id(*id).ok()).collect())
}

/// Loads a program; it lives as long as the descriptor or an attachment does.
pub fn load(code: &[Instruction]) -> Result<OwnedFd> {
    bpf::load_device_program(code, c"estiba_devices").map_err(|errno| {
        let error = Error::refused(format!("load a device program of {} instructions", code.len()), errno)
            .at("/linux/resources/devices");
        match errno {
            Errno::EPERM if process::effective_uid() == 0 => error.hint(
                "bpf(2) needs CAP_BPF or CAP_SYS_ADMIN over the host, and before Linux 5.11 RLIMIT_MEMLOCK",
            ),
            _ => error,
        }
    })
}

/// Puts `new` in the place of `old`, which is attached. One for one is a single step of the kernel; else the new one comes
/// before the old ones go, so that at no time less is refused than by both.
fn replace(folder: BorrowedFd<'_>, old: &[OwnedFd], new: Option<BorrowedFd<'_>>) -> estiba_sys::Result<()> {
    if let (Some(new), [one]) = (new, old) {
        return bpf::attach_device_program(folder, new, Some(one.borrow()));
    }
    if let Some(new) = new {
        bpf::attach_device_program(folder, new, None)?;
    }
    old.iter().try_for_each(|old| bpf::detach_device_program(folder, old.borrow()))
}
