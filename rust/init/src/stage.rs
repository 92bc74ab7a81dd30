// SPDX-License-Identifier: Apache-2.0
//! Stage one: joins the namespaces that count only for children, then lets init go on beside itself.
//!
//! It lives outside of the container's pid namespace, so what a container sees from its first moment is this image.

use crate::plan::REPORT_FD;
use crate::run::Outcome;
use estiba_sys::clone::{Side, beside};
use estiba_sys::fd::{self, BorrowedFd, CWD};
use estiba_sys::{fs, process, socket};

/// Frozen once a process lives in the namespace, so they are written before the clone.
pub fn set_time_offsets(text: &[u8]) -> Outcome {
    let file = fs::open(CWD, c"/proc/self/timens_offsets", fs::O_WRONLY, 0)?;
    fd::write(file.borrow(), text)?;
    Ok(())
}

/// Clones, tells the parent who the new process is, and ends. The new one waits until the parent knows it, and has
/// written its maps if its user namespace is new.
pub fn go_on_beside(namespaces: u64) -> Outcome {
    let report = BorrowedFd::numbered(REPORT_FD);
    match beside(namespaces)? {
        Side::Old { pid, pidfd } => {
            // A parent that is gone needs no answer: its end of the socket is closed, and the new process ends too.
            let _ = socket::send_descriptor(report, &pid.to_le_bytes(), pidfd.borrow());
            process::exit(0)
        }
        Side::New => match fd::read(report, &mut [0; 2])? {
            1 => Ok(()),
            _ => process::exit(126),
        },
    }
}
