// SPDX-License-Identifier: Apache-2.0
//! How a step's fields lie in the plan: numbers little-endian, text with its NUL, lists with their length in front.
//!
//! Reading never trusts the bytes: each field is bounds-checked, and None means that the plan is damaged.

use core::ffi::CStr;
use estiba_sys::process::Strings;

/// Takes fields off the front of a record.
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(record: &'a [u8]) -> Reader<'a> {
        Reader { rest: record }
    }

    pub fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(n)?;
        self.rest = rest;
        Some(taken)
    }

    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}

/// Receives the bytes that fields are written as.
pub type Sink<'s> = &'s mut dyn FnMut(&[u8]);

/// A type that a step may carry.
pub trait Field<'a>: Sized {
    fn read(from: &mut Reader<'a>) -> Option<Self>;
    fn write(&self, to: Sink<'_>);
}

macro_rules! numbers {
    ($($kind:ty: $size:literal),*) => { $(
        impl<'a> Field<'a> for $kind {
            fn read(from: &mut Reader<'a>) -> Option<Self> {
                from.take($size)?.first_chunk().map(|bytes| <$kind>::from_le_bytes(*bytes))
            }
            fn write(&self, to: Sink<'_>) {
                to(&self.to_le_bytes());
            }
        }
    )* };
}
numbers!(u16: 2, u32: 4, i32: 4, u64: 8);

impl<'a> Field<'a> for bool {
    fn read(from: &mut Reader<'a>) -> Option<Self> {
        from.take(1)?.first().map(|&byte| byte != 0)
    }
    fn write(&self, to: Sink<'_>) {
        to(&[u8::from(*self)]);
    }
}

impl<'a> Field<'a> for &'a [u8] {
    fn read(from: &mut Reader<'a>) -> Option<Self> {
        let length = u32::read(from)?;
        from.take(length as usize)
    }
    fn write(&self, to: Sink<'_>) {
        (self.len() as u32).write(to);
        to(self);
    }
}

impl<'a> Field<'a> for &'a CStr {
    fn read(from: &mut Reader<'a>) -> Option<Self> {
        let text = CStr::from_bytes_until_nul(from.rest).ok()?;
        from.take(text.to_bytes_with_nul().len())?;
        Some(text)
    }
    fn write(&self, to: Sink<'_>) {
        to(self.to_bytes_with_nul());
    }
}

impl<'a, T: Field<'a>> Field<'a> for Option<T> {
    fn read(from: &mut Reader<'a>) -> Option<Self> {
        if bool::read(from)? { T::read(from).map(Some) } else { Some(None) }
    }
    fn write(&self, to: Sink<'_>) {
        self.is_some().write(to);
        if let Some(value) = self {
            value.write(to);
        }
    }
}

impl<'a> Field<'a> for Strings<'a> {
    fn read(from: &mut Reader<'a>) -> Option<Self> {
        Strings::new(<&[u8]>::read(from)?)
    }
    fn write(&self, to: Sink<'_>) {
        self.bytes().write(to);
    }
}
