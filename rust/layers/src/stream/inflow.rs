// SPDX-License-Identifier: Apache-2.0
//! A layer on its way in, through threads in a row: one reads and hashes, one inflates; the caller's hashes the tar and
//! makes files of it.

use super::Compression;
use super::ahead::{Ahead, Behind, between, join, start};
use super::decode::Decoder;
use super::source::Reading;
use crate::digest::Digest;
use crate::tar::Chunks;
use crate::{Error, Kind, Result};
use estiba_sys::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

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
    chunks: Ahead,
    tar: Digest,
    most: u64,
}

impl Chunks for Inflow {
    fn next(&mut self, used: Vec<u8>) -> Result<Option<Vec<u8>>> {
        let Some(chunk) = self.chunks.next(used)? else { return Ok(None) };
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

/// Reads a layer and gives its tar to `work`, which gives the flow back; returns digest and size of the compressed
/// bytes, the tar's digest, and what `work` made. `most` bounds the tar.
pub fn flow<T>(
    source: BorrowedFd<'_>,
    compression: Compression,
    promised: Promised<'_>,
    most: u64,
    work: impl FnOnce(Inflow) -> (Inflow, Result<T>),
) -> Result<(Digest, Digest, T)> {
    let refused = &AtomicBool::new(false);
    thread::scope(|scope| {
        let ((read_to, compressed), (inflated_to, chunks)) = (between(), between());
        let reader = start(scope, "estiba-read", move || read(source, promised, &read_to, refused))?;
        let inflater =
            start(scope, "estiba-inflate", move || inflate(compressed, compression, &inflated_to))?;
        let (inflow, worked) = work(Inflow { chunks, tar: Digest::default(), most });
        let is_refused = |error: &Error| matches!(error.kind, Kind::KernelRefused | Kind::InternalError);
        refused.store(worked.as_ref().is_err_and(is_refused), Ordering::Relaxed);
        let tar = inflow.tar.clone();
        drop(inflow);
        let (inflated, read) = (join(inflater)?, join(reader)?);
        let made = judge(&read, inflated, promised, worked)?;
        match promised.diff_id {
            Some(diff_id) if diff_id != tar.text() => Err(Error::corrupt(format!(
                "the layer unpacks to {}, and {diff_id} was promised",
                tar.text()
            ))),
            _ => Ok((read.digest, tar, made)),
        }
    })
}

/// What the reading thread found: how the source ended, and what it was.
struct Read {
    outcome: Result<()>,
    digest: Digest,
    /// Whether `digest` is of the whole layer.
    whole: bool,
}

/// A flipped bit shows first as a bad archive; that the bytes are not the promised ones is the truth to tell.
fn judge<T>(read: &Read, inflated: Result<()>, promised: Promised<'_>, worked: Result<T>) -> Result<T> {
    read.outcome.clone()?;
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
    match inflated {
        // The bytes are the promised ones: who made the layer is to blame.
        Err(error) if read.whole && promised.digest.is_some() => {
            Err(Error { kind: Kind::LayerInvalid, ..error })
        }
        Err(error) => Err(error),
        Ok(()) => worked,
    }
}

/// `refused`: the caller ended for a reason that says nothing of the layer.
fn read(source: BorrowedFd<'_>, promised: Promised<'_>, to: &Behind, refused: &AtomicBool) -> Read {
    let mut reading = Reading::new(source, promised.size);
    let mut ended = to.take_all(&mut reading);
    // What is left is read where it decides whether the bytes are the promised ones.
    let judged = promised.digest.is_some() || promised.size.is_some();
    if matches!(ended, Ok(false)) && judged && !refused.load(Ordering::Relaxed) {
        ended = reading.drain().map(|()| true);
    }
    Read { whole: matches!(ended, Ok(true)), outcome: ended.map(drop), digest: reading.digest }
}

fn inflate(compressed: Ahead, compression: Compression, to: &Behind) -> Result<()> {
    to.take_all(&mut Decoder::new(compressed, compression)?).map(drop)
}
