// SPDX-License-Identifier: Apache-2.0
//! A layer on its way out: the caller's thread makes the tar and hashes it, the others compress, each part is written
//! in its turn.

use super::Compression;
use super::ahead::start;
use super::encode::{Encoder, check_level, chunk_size};
use crate::digest::Digest;
use crate::{Error, Result};
use estiba_sys::{BorrowedFd, fd};
use std::collections::BTreeMap;
use std::mem;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

/// More cores than this wait for the one that makes the tar.
const MOST_THREADS: usize = 8;

/// What was written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// Of the compressed bytes.
    pub digest: String,
    pub size: u64,
    /// Digest of the tar.
    pub diff_id: String,
    pub tar_bytes: u64,
}

/// Takes the tar as it comes into being.
pub struct Outflow<'a> {
    chunk: Vec<u8>,
    used: usize,
    size: usize,
    tar: Digest,
    number: u64,
    to: To<'a>,
}

enum To<'a> {
    /// Uncompressed: written as it is, under the same digest.
    Plain(BorrowedFd<'a>),
    Threads {
        full: SyncSender<(u64, Vec<u8>)>,
        emptied: Receiver<Vec<u8>>,
        ordered: &'a Ordered<'a>,
    },
}

impl Outflow<'_> {
    /// Room for at most `limit` bytes, at least one; `filled` says how much of it was used.
    pub fn room(&mut self, limit: usize) -> Result<&mut [u8]> {
        if self.used == self.size {
            self.send()?;
        }
        self.chunk.resize(self.size, 0);
        let end = self.size.min(self.used.saturating_add(limit));
        Ok(self.chunk.get_mut(self.used..end).unwrap_or(&mut []))
    }

    pub fn filled(&mut self, count: usize) {
        self.used = self.size.min(self.used + count);
    }

    pub fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let room = self.room(bytes.len())?;
            let count = room.len();
            room.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            self.filled(count);
            bytes = bytes.get(count..).unwrap_or(&[]);
        }
        Ok(())
    }

    pub fn zeros(&mut self, mut count: u64) -> Result<()> {
        while count > 0 {
            let room = self.room(usize::try_from(count).unwrap_or(usize::MAX))?;
            room.fill(0);
            let filled = room.len();
            self.filled(filled);
            count -= filled as u64;
        }
        Ok(())
    }

    fn send(&mut self) -> Result<()> {
        self.chunk.truncate(self.used);
        self.used = 0;
        self.tar.update(&self.chunk);
        match &self.to {
            To::Plain(out) => fd::write_all(*out, &self.chunk).map_err(writing),
            To::Threads { full, emptied, ordered } => {
                let next = emptied.try_recv().unwrap_or_default();
                let chunk = mem::replace(&mut self.chunk, next);
                self.number += 1;
                let sent = full.send((self.number - 1, chunk));
                match &ordered.lock().failed {
                    Some(error) => Err(error.clone()),
                    None => sent.map_err(|_| Error::internal("the compressing threads ended early")),
                }
            }
        }
    }
}

/// Gives `work` a flow into `out`; returns what was written and what `work` made.
pub fn outflow<T>(
    out: BorrowedFd<'_>,
    compression: Compression,
    asked: Option<i32>,
    work: impl FnOnce(&mut Outflow<'_>) -> Result<T>,
) -> Result<(Written, T)> {
    check_level(compression, asked)?;
    let size = chunk_size(compression);
    let new = |to| Outflow { chunk: Vec::new(), used: 0, size, tar: Digest::default(), number: 0, to };
    if matches!(compression, Compression::None | Compression::Auto) {
        let mut flow = new(To::Plain(out));
        let made = work(&mut flow)?;
        flow.send()?;
        return Ok((written(&flow.tar, &flow.tar), made));
    }
    let threads = thread::available_parallelism().map_or(1, |count| count.get().min(MOST_THREADS));
    let ordered = Ordered::new(out);
    let (full, chunks) = sync_channel(threads);
    let (empty, emptied) = channel();
    let chunks = Mutex::new(chunks);
    thread::scope(|scope| {
        let mut flow = new(To::Threads { full, emptied, ordered: &ordered });
        let workers = Workers { chunks: &chunks, empty, ordered: &ordered };
        for _ in 0..threads {
            let encoder = Encoder::new(compression, asked)?;
            let workers = workers.clone();
            start(scope, "estiba-deflate", move || workers.run(encoder))?;
        }
        let made = work(&mut flow)?;
        flow.send()?;
        Ok((flow.tar.clone(), made))
    })
    .and_then(|(tar, made)| {
        let end = ordered.lock();
        match &end.failed {
            Some(error) => Err(error.clone()),
            None => Ok((written(&end.digest, &tar), made)),
        }
    })
}

fn written(compressed: &Digest, tar: &Digest) -> Written {
    Written { digest: compressed.text(), size: compressed.size, diff_id: tar.text(), tar_bytes: tar.size }
}

#[derive(Clone)]
struct Workers<'a> {
    chunks: &'a Mutex<Receiver<(u64, Vec<u8>)>>,
    empty: Sender<Vec<u8>>,
    ordered: &'a Ordered<'a>,
}

impl Workers<'_> {
    fn run(&self, mut encoder: Encoder) {
        loop {
            let next = self.chunks.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok((number, chunk)) = next else { return };
            let part = encoder.part(&chunk);
            let _ = self.empty.send(chunk);
            self.ordered.lock().take(number, part);
        }
    }
}

/// Parts that wait for their turn, and the end of the file.
struct Ordered<'a>(Mutex<End<'a>>);

struct End<'a> {
    out: BorrowedFd<'a>,
    digest: Digest,
    next: u64,
    waiting: BTreeMap<u64, Vec<u8>>,
    failed: Option<Error>,
}

impl<'a> Ordered<'a> {
    fn new(out: BorrowedFd<'a>) -> Ordered<'a> {
        let waiting = BTreeMap::new();
        Ordered(Mutex::new(End { out, digest: Digest::default(), next: 0, waiting, failed: None }))
    }

    fn lock(&self) -> MutexGuard<'_, End<'a>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl End<'_> {
    /// Takes a part, and writes all whose turn has come. After a failure parts are thrown away.
    fn take(&mut self, number: u64, part: Result<Vec<u8>>) {
        match part {
            Ok(part) => drop(self.waiting.insert(number, part)),
            Err(error) => self.failed = self.failed.take().or(Some(error)),
        }
        while self.failed.is_none() {
            let Some(part) = self.waiting.remove(&self.next) else { return };
            self.next += 1;
            self.digest.update(&part);
            self.failed = fd::write_all(self.out, &part).err().map(writing);
        }
        self.waiting.clear();
    }
}

fn writing(errno: estiba_sys::Errno) -> Error {
    Error::refused("write the layer", errno)
}
