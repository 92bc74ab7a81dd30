// SPDX-License-Identifier: Apache-2.0
//! A layer on its way in: one thread reads, hashes and inflates; the caller's hashes the tar and makes files of it.

use super::Compression;
use super::decode::Decoder;
use super::source::Source;
use crate::digest::Digest;
use crate::tar::Chunks;
use crate::{Error, Kind, Result};
use estiba_sys::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

const CHUNK: usize = 512 << 10;
/// Chunks between the two threads.
const AHEAD: usize = 4;

/// What was said of a layer before it was read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Promised<'a> {
    /// Of the compressed bytes: digest and size.
    pub digest: Option<&'a str>,
    pub size: Option<u64>,
    /// Digest of the tar.
    pub diff_id: Option<&'a str>,
}

/// The tar as chunks, hashed and bounded as they pass.
pub struct Inflow {
    full: Receiver<Vec<u8>>,
    empty: Sender<Vec<u8>>,
    tar: Digest,
    most: u64,
}

impl Chunks for Inflow {
    fn next(&mut self, used: Vec<u8>) -> Result<Option<Vec<u8>>> {
        let _ = self.empty.send(used); // the other thread may have ended
        let Ok(chunk) = self.full.recv() else { return Ok(None) };
        self.tar.update(&chunk);
        if self.tar.size > self.most {
            return Err(Error::invalid(format!(
                "the archive is longer than {} bytes, more than this layer may unpack to",
                self.most
            ))
            .hint("a small layer that unpacks to very much can be meant to fill the disk"));
        }
        Ok(Some(chunk))
    }
}

/// What the reading thread found: how the source ended, and what it was.
struct Read {
    outcome: Result<()>,
    digest: Digest,
    /// Whether `digest` is of the whole layer.
    whole: bool,
}

/// Reads a layer and gives its tar to `work`, which gives the flow back; returns digest and size of the compressed
/// bytes, the tar's digest, and what `work` made. `most` bounds the tar.
pub fn flow<T>(
    source: BorrowedFd<'_>,
    compression: Compression,
    promised: Promised<'_>,
    most: u64,
    work: impl FnOnce(Inflow) -> (Inflow, Result<T>),
) -> Result<(Digest, Digest, T)> {
    let (filled, full) = sync_channel(AHEAD);
    let (empty, emptied) = channel();
    let inflow = Inflow { full, empty, tar: Digest::default(), most };
    let refused = AtomicBool::new(false);
    thread::scope(|scope| {
        let builder = thread::Builder::new().name(String::from("estiba-inflate"));
        let refused = &refused;
        let to = Filled { full: filled, emptied, refused };
        let reader = builder.spawn_scoped(scope, move || read(source, compression, promised, &to));
        let reader = reader.map_err(|error| Error {
            kind: Kind::KernelRefused,
            ..Error::invalid(format!("cannot start a thread: {error}"))
        })?;
        let (inflow, worked) = work(inflow);
        let tar = inflow.tar.clone();
        let is_refused = |error: &Error| matches!(error.kind, Kind::KernelRefused | Kind::InternalError);
        refused.store(worked.as_ref().is_err_and(is_refused), Ordering::Relaxed);
        drop(inflow);
        let Ok(read) = reader.join() else {
            return Err(Error::internal("the reading thread panicked"));
        };
        let made = judge(&read, promised, worked)?;
        match promised.diff_id {
            Some(diff_id) if diff_id != tar.text() => Err(Error::corrupt(format!(
                "the layer unpacks to {}, and {diff_id} was promised",
                tar.text()
            ))),
            _ => Ok((read.digest, tar, made)),
        }
    })
}

/// A flipped bit shows first as a bad archive; that the bytes are not the promised ones is the truth to tell.
fn judge<T>(read: &Read, promised: Promised<'_>, worked: Result<T>) -> Result<T> {
    if read.whole {
        let size = read.digest.size;
        if let Some(promised) = promised.size.filter(|promised| *promised != size) {
            return Err(Error::corrupt(format!("the layer has {size} bytes, and {promised} were promised")));
        }
        if let Some(promised) = promised.digest.filter(|promised| *promised != read.digest.text()) {
            let found = read.digest.text();
            return Err(Error::corrupt(format!("the layer is {found}, and {promised} was promised")));
        }
    }
    match &read.outcome {
        // The bytes are the promised ones: who made the layer is to blame.
        Err(error) if read.whole && promised.digest.is_some() => {
            Err(Error { kind: Kind::LayerInvalid, ..error.clone() })
        }
        Err(error) => Err(error.clone()),
        Ok(()) => worked,
    }
}

/// The thread's side of the two channels.
struct Filled<'a> {
    full: SyncSender<Vec<u8>>,
    emptied: Receiver<Vec<u8>>,
    /// The other side ended for a reason that says nothing of the layer.
    refused: &'a AtomicBool,
}

fn read(fd: BorrowedFd<'_>, compression: Compression, promised: Promised<'_>, to: &Filled<'_>) -> Read {
    let mut source = Source::new(fd, promised.size);
    let inflated = inflate(&mut source, compression, to);
    // What is left is read where it decides whether the bytes are the promised ones.
    let judged = promised.digest.is_some() || promised.size.is_some();
    let wanted = matches!(inflated, Ok(true)) || judged && !to.refused.load(Ordering::Relaxed);
    let mut outcome = inflated.map(drop);
    let mut whole = false;
    if wanted {
        match source.drain() {
            Ok(()) => whole = true,
            Err(error) => outcome = Err(error),
        }
    }
    Read { outcome, digest: source.digest().clone(), whole }
}

/// False: the other side has seen enough.
fn inflate(source: &mut Source<'_>, compression: Compression, to: &Filled<'_>) -> Result<bool> {
    let mut decoder = Decoder::new(source, compression)?;
    loop {
        let mut chunk = to.emptied.try_recv().unwrap_or_default();
        chunk.resize(CHUNK, 0);
        let count = decoder.fill(&mut chunk)?;
        chunk.truncate(count);
        if count == 0 {
            return Ok(true);
        }
        if to.full.send(chunk).is_err() {
            return Ok(false);
        }
    }
}
