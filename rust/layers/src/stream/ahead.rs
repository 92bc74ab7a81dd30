// SPDX-License-Identifier: Apache-2.0
//! Threads in a row: each makes chunks for the next, a few ahead of it, and gets the buffers back.

use crate::tar::Chunks;
use crate::{Error, Kind, Result};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Builder, Scope, ScopedJoinHandle};

/// Chunks between two threads.
const AHEAD: usize = 8;

/// The end that chunks come out of.
pub struct Ahead {
    full: Receiver<Vec<u8>>,
    empty: Sender<Vec<u8>>,
}

impl Chunks for Ahead {
    fn next(&mut self, used: Vec<u8>) -> Result<Option<Vec<u8>>> {
        let _ = self.empty.send(used); // the other thread may have ended
        Ok(self.full.recv().ok())
    }
}

/// The end that they are put into.
pub struct Behind {
    full: SyncSender<Vec<u8>>,
    emptied: Receiver<Vec<u8>>,
}

impl Behind {
    /// Puts in all that `from` has. False: the other side wants no more.
    pub fn take_all(&self, from: &mut impl Chunks) -> Result<bool> {
        while let Some(chunk) = from.next(self.emptied.try_recv().unwrap_or_default())? {
            if self.full.send(chunk).is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

pub fn between() -> (Behind, Ahead) {
    let (filled, full) = sync_channel(AHEAD);
    let (empty, emptied) = channel();
    (Behind { full: filled, emptied }, Ahead { full, empty })
}

pub fn start<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>> {
    Builder::new().name(String::from(name)).spawn_scoped(scope, work).map_err(|error| Error {
        kind: Kind::KernelRefused,
        ..Error::invalid(format!("cannot start a thread: {error}"))
    })
}

pub fn join<T>(thread: ScopedJoinHandle<'_, T>) -> Result<T> {
    thread.join().map_err(|_| Error::internal("a thread of the layer panicked"))
}
