// SPDX-License-Identifier: Apache-2.0
//! When each phase of a start began: the engine's own, and each step of init, which stamps memory that both share.
//! Where nobody asked for it, a mark costs a branch.

use crate::error::{Error, Result};
use crate::plan::Plan;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use estiba_sys::clock::wall_nanoseconds;
use estiba_sys::fd::{self, OwnedFd};
use estiba_sys::memory;
use serde::Serialize;

/// The last mark: the program runs, or waits at the gate.
pub const END: &str = "end";

#[derive(Debug, Default)]
pub struct Trace {
    is_on: bool,
    marks: Vec<Mark>,
    steps: Vec<(String, Option<String>)>,
    stamps: Option<OwnedFd>,
}

/// A phase of the engine.
#[derive(Clone, Copy, Debug, Serialize)]
struct Mark {
    phase: &'static str,
    /// Nanoseconds since 1970.
    at: u64,
}

/// A step of init; `pointer` says which part of config.json asked for it.
#[derive(Debug, Serialize)]
struct Stamp<'a> {
    step: &'a str,
    pointer: Option<&'a str>,
    at: u64,
}

#[derive(Serialize)]
struct Document<'a> {
    engine: &'a [Mark],
    init: Vec<Stamp<'a>>,
}

impl Trace {
    pub fn new(is_on: bool) -> Trace {
        Trace { is_on, ..Trace::default() }
    }

    /// `phase` begins, and the one before it ends.
    pub fn mark(&mut self, phase: &'static str) {
        if self.is_on {
            self.marks.push(Mark { phase, at: wall_nanoseconds() });
        }
    }

    /// Makes the memory that init stamps, a word for each step; None where nobody asked.
    pub fn watch(&mut self, plan: &Plan) -> Result<Option<i32>> {
        if !self.is_on {
            return Ok(None);
        }
        let name = |step: &str| step.split([' ', '{']).next().unwrap_or_default().to_string();
        self.steps =
            plan.steps.iter().map(|(origin, step)| (name(&format!("{step:?}")), origin.pointer())).collect();
        let made = memory::shared_words(c"estiba-trace", self.steps.len())
            .map_err(|errno| Error::refused("make the memory of the trace", errno))?;
        Ok(Some(self.stamps.insert(made).raw()))
    }

    /// The trace as JSON: `engine` [{phase, at}], `init` [{step, pointer, at}], times in nanoseconds since 1970.
    pub fn text(&self) -> Result<Option<String>> {
        if !self.is_on {
            return Ok(None);
        }
        let mut bytes = alloc::vec![0; self.steps.len() * size_of::<u64>()];
        if let Some(stamps) = &self.stamps {
            let read = fd::read(stamps.borrow(), &mut bytes);
            read.map_err(|errno| Error::refused("read the memory of the trace", errno))?;
        }
        let times = bytes.chunks_exact(size_of::<u64>()).map(|word| {
            let mut bytes = [0; size_of::<u64>()];
            bytes.copy_from_slice(word);
            u64::from_ne_bytes(bytes)
        });
        let init = self.steps.iter().zip(times).filter(|(_, at)| *at != 0);
        let init =
            init.map(|((step, pointer), at)| Stamp { step, pointer: pointer.as_deref(), at }).collect();
        let text = serde_json::to_string(&Document { engine: &self.marks, init });
        text.map(Some).map_err(|_| Error::internal("a trace that is no JSON"))
    }
}
