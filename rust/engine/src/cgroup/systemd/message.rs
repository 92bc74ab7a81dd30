// SPDX-License-Identifier: Apache-2.0
//! Messages of D-Bus as bytes (D-Bus specification, "Message Format"), as far as systemd is asked and answers. Pure.

use alloc::string::String;
use alloc::vec::Vec;

/// Larger ones are none that we asked for.
pub const LARGEST: usize = 1 << 20;
/// What tells how long a message is.
pub const HEAD: usize = 16;

pub const CALL: u8 = 1;
pub const ERROR: u8 = 3;
pub const SIGNAL: u8 = 4;

const LITTLE: u8 = b'l';
const VERSION: u8 = 1;
const PATH: u8 = 1;
const INTERFACE: u8 = 2;
const MEMBER: u8 = 3;
const ERROR_NAME: u8 = 4;
const REPLY_SERIAL: u8 = 5;
const DESTINATION: u8 = 6;
const SENDER: u8 = 7;
const SIGNATURE: u8 = 8;

/// The value of a property, a variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Bool(bool),
    U64(u64),
    Text(String),
    Bytes(Vec<u8>),
    Pids(Vec<u32>),
}

pub type Property = (&'static str, Value);

/// Bytes in the making, each value aligned as the format wants it.
#[derive(Default)]
pub struct Writer {
    pub bytes: Vec<u8>,
}

impl Writer {
    fn align(&mut self, to: usize) {
        self.bytes.resize(self.bytes.len().next_multiple_of(to), 0);
    }

    pub fn u32(&mut self, value: u32) {
        self.align(4);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub fn bool(&mut self, value: bool) {
        self.u32(u32::from(value));
    }

    fn u64(&mut self, value: u64) {
        self.align(8);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    pub fn text(&mut self, text: &str) {
        self.u32(text.len() as u32);
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(0);
    }

    fn signature(&mut self, signature: &str) {
        self.bytes.push(signature.len() as u8);
        self.bytes.extend_from_slice(signature.as_bytes());
        self.bytes.push(0);
    }

    /// Its length in bytes goes before it; what is left out up to the first element is not counted.
    fn array(&mut self, alignment: usize, fill: impl FnOnce(&mut Writer)) {
        self.u32(0);
        let length_at = self.bytes.len() - 4;
        self.align(alignment);
        let start = self.bytes.len();
        fill(self);
        let length = (self.bytes.len() - start) as u32;
        self.bytes[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
    }

    /// a(sv)
    pub fn properties(&mut self, properties: &[Property]) {
        self.array(8, |list| {
            for (name, value) in properties {
                list.align(8);
                list.text(name);
                list.variant(value);
            }
        });
    }

    /// An array without elements, of structs.
    pub fn nothing(&mut self) {
        self.array(8, |_| {});
    }

    fn variant(&mut self, value: &Value) {
        match value {
            Value::Bool(value) => {
                self.signature("b");
                self.bool(*value);
            }
            Value::U64(value) => {
                self.signature("t");
                self.u64(*value);
            }
            Value::Text(text) => {
                self.signature("s");
                self.text(text);
            }
            Value::Bytes(bytes) => {
                self.signature("ay");
                self.array(1, |array| array.bytes.extend_from_slice(bytes));
            }
            Value::Pids(pids) => {
                self.signature("au");
                self.array(4, |array| pids.iter().for_each(|pid| array.u32(*pid)));
            }
        }
    }

    fn field(&mut self, code: u8, signature: &str, text: &str) {
        self.align(8);
        self.bytes.push(code);
        self.signature(signature);
        if signature == "g" { self.signature(text) } else { self.text(text) }
    }
}

/// Whom a call goes to.
#[derive(Clone, Copy)]
pub struct Target {
    pub destination: &'static str,
    pub path: &'static str,
    pub interface: &'static str,
}

/// A method call as it is sent. `signature` describes `body`.
pub fn call(serial: u32, target: Target, member: &str, signature: &str, body: &[u8]) -> Vec<u8> {
    let mut message = Writer::default();
    message.bytes.extend_from_slice(&[LITTLE, CALL, 0, VERSION]);
    message.u32(body.len() as u32);
    message.u32(serial);
    message.array(8, |fields| {
        fields.field(PATH, "o", target.path);
        fields.field(INTERFACE, "s", target.interface);
        fields.field(MEMBER, "s", member);
        fields.field(DESTINATION, "s", target.destination);
        if !signature.is_empty() {
            fields.field(SIGNATURE, "g", signature);
        }
    });
    message.align(8);
    message.bytes.extend_from_slice(body);
    message.bytes
}

/// What has come, as far as we look at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub kind: u8,
    /// The serial of the call that is answered.
    pub answers: u32,
    pub member: String,
    pub error: String,
    /// By its name on the bus, which the bus itself writes.
    pub sender: String,
    pub body: Vec<u8>,
}

/// The length of the whole message that begins so; None where it is none of this format, or too large.
pub fn length(head: &[u8; HEAD]) -> Option<usize> {
    let number =
        |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]) as usize;
    if head[0] != LITTLE || head[3] != VERSION {
        return None;
    }
    let (body, fields) = (number(4), number(12));
    if body > LARGEST || fields > LARGEST {
        return None;
    }
    Some((HEAD + fields).next_multiple_of(8) + body)
}

/// Reads a whole message; None where its parts do not fit together.
pub fn parse(bytes: &[u8]) -> Option<Message> {
    let head = bytes.first_chunk::<HEAD>()?;
    if length(head)? != bytes.len() {
        return None;
    }
    let mut reader = Reader { bytes, at: 12 };
    let end = HEAD + reader.u32()? as usize;
    let mut message = Message { kind: bytes[1], ..Message::default() };
    while reader.at < end {
        reader.align(8);
        let code = reader.u8()?;
        match (code, reader.signature()?) {
            (MEMBER, "s") => message.member = String::from(reader.text()?),
            (SENDER, "s") => message.sender = String::from(reader.text()?),
            (ERROR_NAME, "s") => message.error = String::from(reader.text()?),
            (REPLY_SERIAL, "u") => message.answers = reader.u32()?,
            (_, "s" | "o") => drop(reader.text()?),
            (_, "u") => drop(reader.u32()?),
            (_, "g") => drop(reader.signature()?),
            _ => return None,
        }
    }
    message.body = bytes.get(end.next_multiple_of(8)..)?.to_vec();
    Some(message)
}

/// Values in the order in which they stand.
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, at: 0 }
    }

    fn align(&mut self, to: usize) {
        self.at = self.at.next_multiple_of(to);
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(count)?)?;
        self.at += count;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.align(4);
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    /// A string, or an object's path.
    pub fn text(&mut self) -> Option<&'a str> {
        let length = self.u32()? as usize;
        let text = self.take(length)?;
        self.take(1)?;
        core::str::from_utf8(text).ok()
    }

    pub fn signature(&mut self) -> Option<&'a str> {
        let length = usize::from(self.u8()?);
        let text = self.take(length)?;
        self.take(1)?;
        core::str::from_utf8(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const TARGET: Target = Target { destination: "a.b", path: "/a", interface: "a.b.C" };

    #[test]
    fn a_call_has_the_bytes_of_the_specification() {
        let mut body = Writer::default();
        body.text("x");
        let bytes = call(7, TARGET, "Do", "s", &body.bytes);
        let head: [u8; HEAD] = *bytes.first_chunk().unwrap();
        assert_eq!(head[..12], [b'l', 1, 0, 1, 6, 0, 0, 0, 7, 0, 0, 0]);
        assert_eq!(length(&head), Some(bytes.len()));
        // The first field: its code, the variant's signature, the path with its length.
        assert_eq!(bytes[16..27], [1, 1, b'o', 0, 2, 0, 0, 0, b'/', b'a', 0]);
        assert_eq!(bytes[bytes.len() - 6..], [1, 0, 0, 0, b'x', 0]);
        let read = parse(&bytes).unwrap();
        assert_eq!((read.kind, &*read.member, read.body), (CALL, "Do", body.bytes));
    }

    #[test]
    fn who_has_sent_it_is_read() {
        let mut bytes = call(7, TARGET, "Do", "", &[]);
        let code = bytes.windows(4).position(|four| four == [DESTINATION, 1, b's', 0]).unwrap();
        bytes[code] = SENDER;
        assert_eq!(parse(&bytes).unwrap().sender, "a.b");
    }

    #[test]
    fn properties_are_structs_of_a_name_and_a_variant() {
        let mut body = Writer::default();
        body.properties(&[
            ("A", Value::U64(u64::MAX)),
            ("B", Value::Pids(vec![1, 2])),
            ("C", Value::Bytes(vec![3])),
            ("D", Value::Bool(true)),
            ("E", Value::Text(String::from("t"))),
        ]);
        let mut reader = Reader::new(&body.bytes);
        assert_eq!(reader.u32(), Some(body.bytes.len() as u32 - 8)); // the padding before the first is not counted
        reader.align(8);
        assert_eq!((reader.text(), reader.signature()), (Some("A"), Some("t")));
        reader.align(8);
        assert_eq!(reader.take(8), Some(&[0xff; 8][..]));
        reader.align(8);
        assert_eq!((reader.text(), reader.signature()), (Some("B"), Some("au")));
        assert_eq!((reader.u32(), reader.u32(), reader.u32()), (Some(8), Some(1), Some(2)));
        reader.align(8);
        assert_eq!((reader.text(), reader.signature()), (Some("C"), Some("ay")));
        assert_eq!((reader.u32(), reader.u8()), (Some(1), Some(3)));
        reader.align(8);
        assert_eq!((reader.text(), reader.signature(), reader.u32()), (Some("D"), Some("b"), Some(1)));
        reader.align(8);
        assert_eq!((reader.text(), reader.signature(), reader.text()), (Some("E"), Some("s"), Some("t")));
        assert_eq!(reader.at, body.bytes.len());
    }

    #[test]
    fn what_is_no_message_is_none() {
        let bytes = call(7, TARGET, "Do", "", &[]);
        assert!(parse(&bytes).is_some());
        for end in 0..bytes.len() {
            assert_eq!(parse(&bytes[..end]), None);
        }
        for at in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut changed = bytes.clone();
                changed[at] = value;
                let _ = parse(&changed); // no panic, whatever comes
            }
        }
        let mut large = *bytes.first_chunk::<HEAD>().unwrap();
        large[7] = 0x7f;
        assert_eq!(length(&large), None);
    }
}
