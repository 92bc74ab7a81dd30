// SPDX-License-Identifier: Apache-2.0
//! Headers: ustar, and a PAX header before it for what ustar cannot say. Nothing of the writing program or its time.

use super::pax::LONGEST;
use super::{BLOCK, Entry, EntryKind, padding};
use crate::{Error, Result};
use std::io::Write as _;

/// Appends all that stands before the data of `entry`.
pub fn write_entry(out: &mut Vec<u8>, entry: &Entry) -> Result<()> {
    let mut records = Vec::new();
    let split = split(&entry.path);
    if split.is_none() {
        record(&mut records, b"path", &entry.path);
    }
    if entry.link.len() > 100 {
        record(&mut records, b"linkpath", &entry.link);
    }
    for (key, value, digits) in [
        ("size", i128::from(entry.size), 11),
        ("uid", i128::from(entry.uid), 7),
        ("gid", i128::from(entry.gid), 7),
        ("mtime", i128::from(entry.modified.seconds), 11),
    ] {
        if !fits(value, digits) {
            record(&mut records, key.as_bytes(), value.to_string().as_bytes());
        }
    }
    for (name, value) in &entry.attributes {
        record(&mut records, &[b"SCHILY.xattr.", name.as_slice()].concat(), value);
    }
    if !records.is_empty() {
        if records.len() as u64 > LONGEST {
            return Err(Error::invalid("its extended attributes fill more than an extended header may hold"));
        }
        let mut header = header(b'x', b"PaxHeaders/0", b"", records.len() as u64);
        number(&mut header, 100, 8, 0o644);
        finish(out, header);
        out.extend_from_slice(&records);
        out.resize(out.len() + padding(records.len() as u64) as usize, 0);
    }
    let (prefix, name) = split.unwrap_or_else(|| (&[], entry.path.get(..100).unwrap_or(&entry.path)));
    let mut header = header(flag(entry.kind), name, prefix, entry.size);
    number(&mut header, 100, 8, i128::from(entry.mode));
    number(&mut header, 108, 8, i128::from(entry.uid));
    number(&mut header, 116, 8, i128::from(entry.gid));
    number(&mut header, 136, 12, i128::from(entry.modified.seconds));
    put(&mut header, 157, entry.link.get(..100).unwrap_or(&entry.link));
    number(&mut header, 329, 8, i128::from(entry.device.0));
    number(&mut header, 337, 8, i128::from(entry.device.1));
    finish(out, header);
    Ok(())
}

fn flag(kind: EntryKind) -> u8 {
    match kind {
        EntryKind::File => b'0',
        EntryKind::HardLink => b'1',
        EntryKind::Symlink => b'2',
        EntryKind::Character => b'3',
        EntryKind::Block => b'4',
        EntryKind::Folder => b'5',
        EntryKind::Fifo => b'6',
    }
}

fn header(flag: u8, name: &[u8], prefix: &[u8], size: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    put(&mut block, 0, name);
    number(&mut block, 100, 8, 0);
    number(&mut block, 108, 8, 0);
    number(&mut block, 116, 8, 0);
    number(&mut block, 124, 12, i128::from(size));
    number(&mut block, 136, 12, 0);
    put(&mut block, 156, &[flag]);
    put(&mut block, 257, b"ustar\x0000");
    number(&mut block, 329, 8, 0);
    number(&mut block, 337, 8, 0);
    put(&mut block, 345, prefix);
    block
}

fn finish(out: &mut Vec<u8>, mut block: [u8; BLOCK]) {
    put(&mut block, 148, b"        ");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    put(&mut block, 148, format!("{sum:06o}\0 ").as_bytes());
    out.extend_from_slice(&block);
}

fn put(block: &mut [u8; BLOCK], at: usize, bytes: &[u8]) {
    block.iter_mut().skip(at).zip(bytes).for_each(|(to, from)| *to = *from);
}

fn fits(value: i128, digits: u32) -> bool {
    (0..1 << (3 * digits)).contains(&value)
}

/// Octal digits and a NUL; what does not fit stands in the PAX header, and 0 here. Of a size the digits that fit
/// would be a lie that some tool believes.
fn number(block: &mut [u8; BLOCK], at: usize, length: usize, value: i128) {
    let digits = length - 1;
    let value = if fits(value, digits as u32) { value } else { 0 };
    put(block, at, format!("{value:0digits$o}\0").as_bytes());
}

/// "LENGTH KEY=VALUE\n", where the length counts its own digits.
fn record(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + decimal_digits(length) {
        length = rest + decimal_digits(length);
    }
    let _ = write!(out, "{length} ");
    out.extend_from_slice(key);
    out.push(b'=');
    out.extend_from_slice(value);
    out.push(b'\n');
}

fn decimal_digits(number: usize) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

/// Prefix and name of ustar, if the path can be cut at a slash so that both fit.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if path.len() <= 100 {
        return Some((&[], path));
    }
    let from = path.len().saturating_sub(101);
    let cut = path.iter().skip(from).take(path.len() - 1 - from).position(|byte| *byte == b'/')? + from;
    let (prefix, name) = (path.get(..cut)?, path.get(cut + 1..)?);
    (!prefix.is_empty() && prefix.len() <= 155 && !name.is_empty()).then_some((prefix, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_counts_its_own_digits() {
        let written = |value: &[u8]| {
            let mut out = Vec::new();
            record(&mut out, b"path", value);
            out
        };
        assert_eq!(written(b"a"), b"9 path=a\n");
        assert_eq!(written(b"aa"), b"11 path=aa\n");
        for length in 85..1100 {
            let out = written(&vec![b'a'; length]);
            let digits: String =
                out.iter().map_while(|b| char::from(*b).to_digit(10)).map(|d| d.to_string()).collect();
            assert_eq!(digits.parse(), Ok(out.len()));
        }
    }

    #[test]
    fn paths_are_cut_at_a_slash_or_not_at_all() {
        let long = [[b'a'; 100].as_slice(), b"/", &[b'b'; 100]].concat();
        assert_eq!(split(&long), Some((&[b'a'; 100][..], &[b'b'; 100][..])));
        assert_eq!(split(&[b'a'; 101]), None);
        assert_eq!(split(&[[b'a'; 156].as_slice(), b"/b"].concat()), None);
        assert_eq!(split(&[b"/".as_slice(), &[b'b'; 100]].concat()), None);
        let folder = [[b'a'; 99].as_slice(), b"/b/"].concat();
        assert_eq!(split(&folder), Some((&[b'a'; 99][..], &b"b/"[..])));
    }
}
