// SPDX-License-Identifier: Apache-2.0
//! One header block (POSIX 1003.1 pax, "ustar Interchange Format"; GNU tar, "Basic Tar Format").

use super::{BLOCK, Extent};
use crate::{Error, Result};

pub struct Header<'a>(pub &'a [u8; BLOCK]);

#[derive(PartialEq, Eq)]
enum Dialect {
    V7,
    Ustar,
    Gnu,
}

impl Header<'_> {
    fn field(&self, from: usize, length: usize) -> &[u8] {
        self.0.get(from..from + length).unwrap_or(&[])
    }

    pub fn is_zero(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    /// The sum of all bytes, those of the sum's own field taken as spaces; old programs summed signed bytes.
    pub fn check_sum(&self) -> Result<()> {
        let stored = number(self.field(148, 8)).ok();
        let own = |at: usize| (148..156).contains(&at);
        let bytes = || self.0.iter().enumerate().map(|(at, byte)| if own(at) { b' ' } else { *byte });
        let unsigned: i64 = bytes().map(i64::from).sum();
        let signed: i64 = bytes().map(|byte| i64::from(byte.cast_signed())).sum();
        if stored == Some(unsigned) || stored == Some(signed) {
            return Ok(());
        }
        Err(Error::invalid("not a tar header: its checksum is wrong"))
    }

    fn dialect(&self) -> Dialect {
        match self.field(257, 8) {
            b"ustar\x0000" => Dialect::Ustar,
            b"ustar  \0" => Dialect::Gnu,
            _ => Dialect::V7,
        }
    }

    pub fn flag(&self) -> u8 {
        self.0[156]
    }

    /// The name with its prefix, which only ustar has; star's prefix is shorter.
    pub fn path(&self) -> Vec<u8> {
        let name = text(self.field(0, 100));
        let is_star = self.field(508, 4) == b"tar\0";
        let prefix = match self.dialect() {
            Dialect::Ustar => text(self.field(345, if is_star { 131 } else { 155 })),
            Dialect::V7 | Dialect::Gnu => &[],
        };
        if prefix.is_empty() { name.to_vec() } else { [prefix, b"/", name].concat() }
    }

    pub fn link(&self) -> Vec<u8> {
        text(self.field(157, 100)).to_vec()
    }

    pub fn mode(&self) -> Result<u32> {
        Ok(self.positive("mode", 100, 8)? as u32 & 0o7777)
    }

    pub fn size(&self) -> Result<u64> {
        self.positive("size", 124, 12)
    }

    pub fn uid(&self) -> Result<u64> {
        self.positive("user id", 108, 8)
    }

    pub fn gid(&self) -> Result<u64> {
        self.positive("group id", 116, 8)
    }

    pub fn modified(&self) -> Result<i64> {
        number(self.field(136, 12)).map_err(|()| bad("time"))
    }

    pub fn device(&self) -> Result<(u32, u32)> {
        let part =
            |from| u32::try_from(self.positive("device number", from, 8)?).map_err(|_| bad("device number"));
        Ok((part(329)?, part(337)?))
    }

    /// Old GNU sparse files: four extents, whether more follow, and the size with holes.
    pub fn sparse(&self) -> Result<(Vec<Extent>, bool, u64)> {
        let size = self.positive("size", 483, 12)?;
        Ok((extents(self.field(386, 96))?, self.0[482] != 0, size))
    }

    /// A block of further extents: 21 of them, and whether more follow.
    pub fn more_sparse(&self) -> Result<(Vec<Extent>, bool)> {
        Ok((extents(self.field(0, 504))?, self.0[504] != 0))
    }

    fn positive(&self, what: &str, from: usize, length: usize) -> Result<u64> {
        number(self.field(from, length)).ok().and_then(|n| u64::try_from(n).ok()).ok_or_else(|| bad(what))
    }
}

fn extents(field: &[u8]) -> Result<Vec<Extent>> {
    let part = |bytes: &[u8]| {
        number(bytes).ok().and_then(|n| u64::try_from(n).ok()).ok_or_else(|| bad("map of a sparse file"))
    };
    let used = field.chunks_exact(24).take_while(|pair| pair[0] != 0);
    used.map(|pair| Ok((part(&pair[..12])?, part(&pair[12..])?))).collect()
}

fn bad(what: &str) -> Error {
    Error::invalid(format!("the header's {what} is not a number that makes sense"))
}

/// Up to the first NUL.
fn text(field: &[u8]) -> &[u8] {
    field.split(|byte| *byte == 0).next().unwrap_or(&[])
}

/// Octal digits between spaces and NULs, none meaning 0; or, with the first bit set, a big-endian binary number.
fn number(field: &[u8]) -> Result<i64, ()> {
    match field.first() {
        Some(first) if first & 0x80 != 0 => binary(field),
        _ => octal(field),
    }
}

fn octal(field: &[u8]) -> Result<i64, ()> {
    let blank = |byte: &u8| *byte == b' ' || *byte == 0;
    let from = field.iter().position(|byte| !blank(byte)).unwrap_or(field.len());
    let digits = field.get(from..).unwrap_or(&[]).split(blank).next().unwrap_or(&[]);
    let rest = field.get(from + digits.len()..).unwrap_or(&[]);
    if !rest.iter().all(blank) {
        return Err(());
    }
    digits.iter().try_fold(0i64, |value, digit| match digit {
        b'0'..=b'7' => value.checked_mul(8).and_then(|v| v.checked_add(i64::from(digit - b'0'))).ok_or(()),
        _ => Err(()),
    })
}

/// Base 256 of GNU tar: two's complement, the sign in the second bit.
fn binary(field: &[u8]) -> Result<i64, ()> {
    let negative = field[0] & 0x40 != 0;
    let start = if negative { -1i64 } else { 0 };
    field.iter().enumerate().try_fold(start, |value, (at, byte)| {
        let byte = if at > 0 {
            *byte
        } else if negative {
            byte | 0x80
        } else {
            byte & 0x7f
        };
        value.checked_mul(256).map(|v| v | i64::from(byte)).ok_or(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_binary() {
        assert_eq!(number(b"0000644\0"), Ok(0o644));
        assert_eq!(number(b"   644 \0"), Ok(0o644));
        assert_eq!(number(b"\0\0\0\0"), Ok(0));
        assert_eq!(number(b"77777777777 "), Ok(0o777_7777_7777));
        assert_eq!(number(b"\x80\0\0\x02\0\0\0\0\0"), Ok(2 << 40));
        assert_eq!(number(&[0xff; 12]), Ok(-1));
        assert_eq!(number(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00"), Ok(-256));
        for bad in [&b"8"[..], b"-1", b"1 2", b"0x1", b"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"] {
            assert_eq!(number(bad), Err(()), "{bad:?}");
        }
    }
}
