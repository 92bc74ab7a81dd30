// SPDX-License-Identifier: Apache-2.0
//! Whatever stands in an archive: the reader answers, within the bounds that it promises to who unpacks, and what it
//! has read is written and read again as the same.
#![no_main]

use estiba_layers::Result;
use estiba_layers::tar::{BLOCK, Chunks, Entry, Reader, write_entry};
use libfuzzer_sys::fuzz_target;

const LONGEST_PATH: usize = 4095;

/// An archive that comes in pieces, as a stream does.
struct Pieces<'a> {
    left: &'a [u8],
    size: usize,
}

impl Chunks for Pieces<'_> {
    fn next(&mut self, _used: Vec<u8>) -> Result<Option<Vec<u8>>> {
        let (piece, left) = self.left.split_at(self.size.min(self.left.len()));
        self.left = left;
        Ok((!piece.is_empty()).then(|| piece.to_vec()))
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((how, archive)) = input.split_first() else { return };
    let mut archive = archive.to_vec();
    if how & 1 == 1 {
        mend_sums(&mut archive);
    }
    let mut reader = Reader::new(Pieces { left: &archive, size: 1 + usize::from(how / 2) * 16 });
    while let Ok(Some(entry)) = reader.next_entry() {
        check(&entry);
        let mut stored = 0;
        loop {
            match reader.data() {
                Ok([]) => break,
                Ok(piece) => stored += piece.len() as u64,
                Err(_) => return,
            }
        }
        match &entry.extents {
            None => assert_eq!(stored, entry.size),
            Some(extents) => assert_eq!(stored, extents.iter().map(|(_, length)| length).sum::<u64>()),
        }
    }
});

/// Lets changed headers past the first check: no fuzzer finds a right sum.
fn mend_sums(archive: &mut [u8]) {
    for block in archive.chunks_exact_mut(BLOCK).filter(|block| &block[257..262] == b"ustar") {
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
        block[154] = 0;
    }
}

fn check(entry: &Entry) {
    for name in [&entry.path, &entry.link] {
        assert!(name.len() <= LONGEST_PATH && !name.contains(&0));
    }
    assert!(!entry.path.is_empty());
    if let Some(extents) = &entry.extents {
        let mut end = 0;
        for (start, length) in extents {
            assert!(*start >= end, "extents overlap");
            end = start.checked_add(*length).expect("an extent ends");
        }
        assert!(end <= entry.size, "data behind the end of a sparse file");
        return;
    }
    if entry.device.0 > 0xfff || entry.device.1 > 0xf_ffff {
        return; // no device of Linux: unpacking refuses it, and packing never meets one
    }
    let mut written = Vec::new();
    if write_entry(&mut written, entry).is_err() {
        return; // attributes that one extended header does not hold
    }
    written.resize(written.len() + 2 * BLOCK, 0);
    let again = Reader::new(Pieces { left: &written, size: BLOCK }).next_entry();
    let again = again.expect("what was written is read").expect("an entry");
    let mut whole = entry.clone();
    whole.modified.nanoseconds = 0; // images have whole seconds
    assert_eq!(again, whole);
}
