// SPDX-License-Identifier: Apache-2.0
//! Extended headers: records of "LENGTH KEY=VALUE\n" (POSIX 1003.1 pax), the last of a key counting.

use super::sparse::PaxMap;
use crate::{Error, Result};
use estiba_sys::inode::Time;
use estiba_sys::xattr::{NAME_MAX, VALUE_MAX};

/// What an extended header may hold in all; Go's reader has the same bound.
pub const LONGEST: u64 = 1 << 20;

/// What extended headers say of the entry that follows them.
#[derive(Default)]
pub struct Pax {
    pub path: Option<Vec<u8>>,
    pub link: Option<Vec<u8>>,
    pub size: Option<u64>,
    pub uid: Option<u64>,
    pub gid: Option<u64>,
    pub modified: Option<Time>,
    pub attributes: Vec<(Vec<u8>, Vec<u8>)>,
    pub sparse: PaxMap,
}

impl Pax {
    pub fn read(&mut self, bytes: &[u8]) -> Result<()> {
        records(bytes, |key, value| self.take(key, value))
    }

    fn take(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
            return self.take_attribute(name, value);
        }
        // An empty value takes back what an earlier header said.
        let given = !value.is_empty();
        match key {
            b"path" => self.path = given.then(|| value.to_vec()),
            b"linkpath" => self.link = given.then(|| value.to_vec()),
            b"size" => self.size = given.then(|| decimal(key, value)).transpose()?,
            b"uid" => self.uid = given.then(|| decimal(key, value)).transpose()?,
            b"gid" => self.gid = given.then(|| decimal(key, value)).transpose()?,
            b"mtime" => self.modified = given.then(|| time(value)).transpose()?,
            _ => return self.sparse.take(key, value),
        }
        if value.contains(&0) {
            return Err(Error::invalid(format!("the extended header's {} has a NUL in it", shown(key))));
        }
        Ok(())
    }

    fn take_attribute(&mut self, name: &[u8], value: &[u8]) -> Result<()> {
        if name.is_empty() || name.len() > NAME_MAX || name.contains(&0) || value.len() > VALUE_MAX {
            return Err(Error::invalid(format!(
                "extended attribute {}: a name of 1 to {NAME_MAX} bytes and a value of at most {VALUE_MAX} can be",
                shown(name)
            )));
        }
        self.attributes.retain(|(known, _)| known != name);
        self.attributes.push((name.to_vec(), value.to_vec()));
        Ok(())
    }
}

/// A header for all entries that follow may hold a comment, and what nobody gives a meaning.
pub fn check_global(bytes: &[u8]) -> Result<()> {
    const MEANT: [&[u8]; 7] = [b"path", b"linkpath", b"size", b"uid", b"gid", b"mtime", b"hdrcharset"];
    const KINDS: [&[u8]; 4] = [b"SCHILY.xattr.", b"SCHILY.acl.", b"LIBARCHIVE.xattr.", b"GNU.sparse."];
    records(bytes, |key, _| {
        if MEANT.contains(&key) || KINDS.iter().any(|kind| key.starts_with(kind)) {
            let what = shown(key);
            return Err(Error::invalid(format!(
                "a global extended header sets {what}: tools disagree on it"
            )));
        }
        Ok(())
    })
}

fn records(mut bytes: &[u8], mut each: impl FnMut(&[u8], &[u8]) -> Result<()>) -> Result<()> {
    let bad = || Error::invalid("an extended header has a record that is not LENGTH KEY=VALUE");
    while !bytes.is_empty() {
        let space = bytes.iter().take(8).position(|byte| *byte == b' ').ok_or_else(bad)?;
        let length = digits(bytes.get(..space).unwrap_or(&[])).ok_or_else(bad)?;
        let length = usize::try_from(length).map_err(|_| bad())?;
        let record = bytes.get(space + 1..length).ok_or_else(bad)?;
        let record = record.strip_suffix(b"\n").ok_or_else(bad)?;
        let equals = record.iter().position(|byte| *byte == b'=').filter(|at| *at > 0).ok_or_else(bad)?;
        each(&record[..equals], &record[equals + 1..])?;
        bytes = bytes.get(length..).unwrap_or(&[]);
    }
    Ok(())
}

/// Digits and nothing else.
pub fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(text).ok()?.parse().ok()
}

pub fn decimal(key: &[u8], value: &[u8]) -> Result<u64> {
    digits(value).ok_or_else(|| {
        Error::invalid(format!("the extended header's {} is {}, not a number", shown(key), shown(value)))
    })
}

/// Seconds with a sign and a fraction, as they are.
fn time(value: &[u8]) -> Result<Time> {
    let bad = || Error::invalid(format!("the extended header's mtime is {}, not a time", shown(value)));
    let (negative, number) = value.strip_prefix(b"-").map_or((false, value), |rest| (true, rest));
    let mut parts = number.splitn(2, |byte| *byte == b'.');
    let seconds = parts.next().and_then(digits).and_then(|n| i64::try_from(n).ok()).ok_or_else(bad)?;
    let fraction = parts.next().unwrap_or(b"0");
    if fraction.is_empty() || !fraction.iter().all(u8::is_ascii_digit) {
        return Err(bad());
    }
    let nine = fraction.iter().chain(std::iter::repeat(&b'0')).take(9);
    let nanoseconds = nine.fold(0i64, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    Ok(match (negative, nanoseconds) {
        (false, _) => Time { seconds, nanoseconds },
        (true, 0) => Time { seconds: -seconds, nanoseconds },
        (true, _) => Time { seconds: -seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds },
    })
}

fn shown(bytes: &[u8]) -> String {
    crate::error::Quoted(bytes.get(..40).unwrap_or(bytes)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_record_of_a_key_counts_and_an_empty_one_takes_back() {
        let mut pax = Pax::default();
        pax.read(b"9 path=a\n12 path=bcd\n11 size=12\n8 size=\n").unwrap();
        assert_eq!(pax.path, Some(b"bcd".to_vec()));
        assert_eq!(pax.size, None);
    }

    #[test]
    fn attributes_are_binary() {
        let mut pax = Pax::default();
        pax.read(b"27 SCHILY.xattr.user.x=\0\n=\n").unwrap();
        assert_eq!(pax.attributes, [(b"user.x".to_vec(), b"\0\n=".to_vec())]);
    }

    #[test]
    fn records_that_are_none_are_refused() {
        let bad: [&[u8]; 8] = [
            b"9 path=a",
            b"11 path=a\n",
            b"path=a\n",
            b" path=a\n",
            b"6 =ab\n",
            b"-1 a=b\n",
            b"99999999999999999999 a=b\n",
            b"11 path=a\0\n",
        ];
        for bytes in bad {
            assert!(Pax::default().read(bytes).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn times_have_signs_and_fractions() {
        let at = |seconds, nanoseconds| Time { seconds, nanoseconds };
        assert_eq!(time(b"12"), Ok(at(12, 0)));
        assert_eq!(time(b"12.5"), Ok(at(12, 500_000_000)));
        assert_eq!(time(b"-12"), Ok(at(-12, 0)));
        assert_eq!(time(b"-12.25"), Ok(at(-13, 750_000_000)));
        assert_eq!(time(b"1.1234567891"), Ok(at(1, 123_456_789)));
        for bad in [&b""[..], b"-", b"1.", b".5", b"1e3", b"+1", b"1.5.5", b"99999999999999999999"] {
            assert!(time(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_global_header_changes_nothing() {
        assert_eq!(check_global(b"13 comment=x\n"), Ok(()));
        assert!(check_global(b"9 path=a\n").is_err());
    }
}
