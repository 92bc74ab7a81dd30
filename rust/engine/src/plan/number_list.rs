// SPDX-License-Identifier: Apache-2.0
//! Lists of CPUs or memory nodes, "0-3,7", to the kernel's bit masks.

use crate::error::{Error, ErrorKind, Result};
use alloc::format;
use alloc::vec::Vec;

/// Far above what any machine has (the kernel's NR_CPUS is at most 8192, MAX_NUMNODES 1024).
const LARGEST: usize = 1 << 16;

/// Bit n of the little-endian bytes for each n in `list`. The kernel's own form, N, N-M or N-M:used/group
/// (bitmap_parselist in lib/bitmap-str.c); an empty list is an empty mask.
pub fn mask(list: &str, pointer: &str) -> Result<Vec<u8>> {
    let mut mask = Vec::new();
    for part in list.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let range = Range::parse(part).ok_or_else(|| {
            let message = format!("{part:?} is not a number or a range, as in \"0-3,7\"");
            Error::new(ErrorKind::ConfigInvalid, message).at(pointer)
        })?;
        for number in (range.first..=range.last).filter(|number| range.holds(*number)) {
            if mask.len() <= number / 8 {
                mask.resize(number / 8 + 1, 0);
            }
            mask[number / 8] |= 1 << (number % 8);
        }
    }
    Ok(mask)
}

struct Range {
    first: usize,
    last: usize,
    used: usize,
    group: usize,
}

impl Range {
    fn parse(part: &str) -> Option<Range> {
        let number = |text: &str| text.parse().ok().filter(|&number: &usize| number <= LARGEST);
        let Some((first, rest)) = part.split_once('-') else {
            let only = number(part)?;
            return Some(Range { first: only, last: only, used: 1, group: 1 });
        };
        let (last, pattern) = rest.split_once(':').unwrap_or((rest, "1/1"));
        let (used, group) = pattern.split_once('/')?;
        let range =
            Range { first: number(first)?, last: number(last)?, used: number(used)?, group: number(group)? };
        (range.first <= range.last && range.used <= range.group && range.group > 0).then_some(range)
    }

    fn holds(&self, number: usize) -> bool {
        (number - self.first) % self.group < self.used
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_ranges_become_bits() {
        assert_eq!(mask("0-3,7", "/x").unwrap(), [0b1000_1111]);
        assert_eq!(mask(" 9 , 0", "/x").unwrap(), [1, 2]);
        assert_eq!(mask("0-7:1/4", "/x").unwrap(), [0b0001_0001]);
        assert!(mask("", "/x").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_list_is_refused_with_its_place() {
        for list in ["a", "3-1", "1-", "-1", "0-3:1", "0-3:2/1", "99999999999"] {
            let error = mask(list, "/process/execCPUAffinity/final").unwrap_err();
            assert_eq!(error.pointer.as_deref(), Some("/process/execCPUAffinity/final"), "{list}");
        }
    }
}
