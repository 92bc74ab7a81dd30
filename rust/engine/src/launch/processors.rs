// SPDX-License-Identifier: Apache-2.0
//! The processors of the calling thread while it clones: the child is born on them.

use crate::error::{Error, Result};
use alloc::vec::Vec;
use estiba_sys::process;

/// The thread's own processors, which it gets back when this is dropped.
pub struct Visit {
    own: Option<Vec<u8>>,
}

impl Visit {
    pub fn to(mask: Option<&[u8]>) -> Result<Visit> {
        let Some(mask) = mask else { return Ok(Visit { own: None }) };
        let refused = |errno| {
            Error::refused("run on the processors of the first list", errno)
                .at("/process/execCPUAffinity/initial")
                .hint("at least one of them has to be online, and in the caller's own cpuset")
        };
        // As large as the kernel's largest mask (NR_CPUS 8192).
        let mut own = [0; 1024];
        let length = process::affinity(&mut own).map_err(refused)?;
        process::set_affinity(mask).map_err(refused)?;
        Ok(Visit { own: Some(own[..length].to_vec()) })
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        if let Some(own) = &self.own {
            // What the thread had it may have again; a processor that went offline meanwhile is passed over.
            let _ = process::set_affinity(own);
        }
    }
}
