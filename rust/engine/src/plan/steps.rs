// SPDX-License-Identifier: Apache-2.0
//! The encoded steps and their origins.

use super::Origin;
use alloc::vec::Vec;
use estiba_init::plan::MAGIC;
use estiba_init::step::Step;

#[derive(Debug, Default)]
pub struct Steps {
    records: Vec<u8>,
    origins: Vec<Origin>,
    scratch: usize,
}

impl Steps {
    pub fn push(&mut self, origin: Origin, step: Step<'_>) {
        if let Step::Execute { argv, env, .. } | Step::Hook { argv, env, .. } = step {
            // A pointer for each string, the ends of two tables, HOME, and one word to align.
            let words = argv.iter().count() + env.iter().count() + 4;
            self.scratch = self.scratch.max(words * size_of::<usize>());
        }
        let start = self.records.len();
        self.records.extend_from_slice(&[0; 4]);
        let records = &mut self.records;
        step.write(&mut |bytes| records.extend_from_slice(bytes));
        let length = (self.records.len() - start - 4) as u32;
        self.records[start..start + 4].copy_from_slice(&length.to_le_bytes());
        self.origins.push(origin);
    }

    /// The file that init maps (estiba_init::plan).
    pub fn image(&self) -> Vec<u8> {
        let mut image = Vec::with_capacity(12 + self.records.len() + self.scratch);
        for word in [MAGIC, self.origins.len() as u32, self.scratch as u32] {
            image.extend_from_slice(&word.to_le_bytes());
        }
        image.extend_from_slice(&self.records);
        image.resize(image.len() + self.scratch, 0);
        image
    }

    pub fn origin(&self, number: u32) -> Origin {
        self.origins.get(number as usize).copied().unwrap_or(Origin::Runtime)
    }

    /// The number of the first step that comes from there.
    pub fn first_of(&self, origin: Origin) -> Option<u32> {
        self.origins.iter().position(|each| *each == origin).map(|at| at as u32)
    }

    /// Each step with where it came from, read back by the decoder that init uses.
    pub fn iter(&self) -> impl Iterator<Item = (Origin, Step<'_>)> {
        let mut rest = &self.records[..];
        self.origins.iter().map_while(move |&origin| {
            let (length, after) = rest.split_first_chunk()?;
            let (record, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            rest = after;
            Step::read(record).map(|step| (origin, step))
        })
    }

    pub fn get(&self, number: u32) -> Option<(Origin, Step<'_>)> {
        self.iter().nth(number as usize)
    }
}
