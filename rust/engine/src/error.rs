// SPDX-License-Identifier: Apache-2.0
//! The engine's one error: a kind for programs, one line for people, and the facts that were in hand.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use estiba_sys::Errno;

use crate::generated::errnos::ERRNOS;
pub use crate::generated::errors::ErrorKind;
use crate::state::Status;

pub type Result<T> = core::result::Result<T, Error>;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    pub kind: ErrorKind,
    /// What and the cause, one line; where is in `pointer`.
    pub message: String,
    /// JSON pointer into `document`.
    pub pointer: Option<String>,
    /// "config.json"; "process.json" for the process object of exec, "resources" for what update is given.
    pub document: &'static str,
    pub errno: Option<Errno>,
    pub hint: Option<Cow<'static, str>>,
    /// Of init's steps, the one that failed and how many there are, counted from 1.
    pub step: Option<(u32, u32)>,
    pub facts: Option<Box<Facts>>,
}

/// What programs need not read out of the sentence: attributes of the classes in estiba.errors.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Facts {
    /// `status`: where it is known; `wanted`: those in which the verb is allowed.
    Container { id: String, status: Option<Status>, wanted: Vec<Status> },
    /// `exit_status`: None if it ran out of time; `milliseconds`: of hooks outside of the container.
    Hook { argv: Vec<String>, exit_status: Option<i32>, milliseconds: Option<u64> },
}

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        let (message, document) = (message.into(), "config.json");
        Error { kind, message, pointer: None, document, errno: None, hint: None, step: None, facts: None }
    }

    /// A system call on `what` failed: "cannot DO WHAT: access refused (EACCES)".
    pub fn refused(doing: impl fmt::Display, errno: Errno) -> Error {
        let message = format!("cannot {doing}: {}", words(errno));
        Error { errno: Some(errno), ..Error::new(ErrorKind::KernelRefused, message) }
    }

    pub fn internal(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::InternalError, message)
    }

    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>) -> Error {
        self.pointer = Some(pointer.into());
        self
    }

    /// What is wrong with the `process` of a config is, in exec, wrong with its process object.
    #[must_use]
    pub fn of_process_object(self) -> Error {
        self.within("/process/", "process.json")
    }

    /// What is wrong with the limits of a config is, in update, wrong with its resources object.
    #[must_use]
    pub fn of_resources_object(self) -> Error {
        self.within("/linux/resources/", "resources")
    }

    fn within(mut self, part: &str, document: &'static str) -> Error {
        if let Some(below) = self.pointer.as_deref().and_then(|pointer| pointer.strip_prefix(part)) {
            self.pointer = Some(format!("/{below}"));
            self.document = document;
        }
        self
    }

    #[must_use]
    pub fn with(mut self, facts: Facts) -> Error {
        self.facts = Some(Box::new(facts));
        self
    }

    /// What failed while this was taken back, too.
    #[must_use]
    pub fn and_undoing(self, second: &Error) -> Error {
        Error { message: format!("{}; and undoing it: {second}", self.message), ..self }
    }

    /// An error about one container.
    #[must_use]
    pub fn about(self, id: &str, status: Option<Status>) -> Error {
        self.with(Facts::Container { id: id.into(), status, wanted: Vec::new() })
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<Cow<'static, str>>) -> Error {
        self.hint = Some(hint.into());
        self
    }
}

/// The line that people and callers read: where, what, the cause.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(pointer) = &self.pointer {
            write!(f, "{} {}: ", self.document, visible(pointer))?;
        }
        f.write_str(&one_line(&self.message))
    }
}

/// A name as a part of a JSON pointer (RFC 6901, section 3).
pub fn pointer_part(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// A message is one line, whatever the names are that it is about. The same as in estiba.errors.
pub fn one_line(message: &str) -> Cow<'_, str> {
    match shortened(message) {
        Cow::Borrowed(message) => visible(message),
        Cow::Owned(message) => Cow::Owned(visible(&message).into_owned()),
    }
}

/// Writes line feeds and what else would move a terminal as escapes.
fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut seen = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match letter {
            '\n' | '\t' | '\r' => seen.extend(letter.escape_default()),
            letter if letter.is_control() => seen.extend(letter.escape_unicode()),
            letter => seen.push(letter),
        }
    }
    Cow::Owned(seen)
}

/// Paths may be of 4096 bytes: leaves the middle of what is longer in quotes out.
fn shortened(message: &str) -> Cow<'_, str> {
    const LONGEST: usize = 512;
    const KEPT: usize = 200;
    if message.len() <= LONGEST {
        return Cow::Borrowed(message);
    }
    let part = |part: &str| {
        let count = part.chars().count();
        if count <= LONGEST {
            return String::from(part);
        }
        let begin: String = part.chars().take(KEPT).collect();
        begin + "..." + &part.chars().skip(count - KEPT).collect::<String>()
    };
    Cow::Owned(message.split('"').map(part).collect::<Vec<_>>().join("\""))
}

impl core::error::Error for Error {}

/// The house's words for an error number (estiba.tables.phrases). The kernel's own phrases are an interface that
/// callers act on, so they stand only where the caller should: see `generated::phrases`.
pub fn words(errno: Errno) -> String {
    let found = ERRNOS.binary_search_by_key(&errno.0, |known| known.0).ok().and_then(|at| ERRNOS.get(at));
    match found {
        Some((_, (name, ""))) => String::from(*name),
        Some((_, (name, words))) => format!("{words} ({name})"),
        None => format!("errno {}", errno.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_in_quotes_loses_its_middle() {
        let path = "ä".repeat(300) + &"b".repeat(300);
        let said = Error::new(ErrorKind::ConfigInvalid, format!("{path:?} and \"/short\": no"));
        let expected = format!("\"{}...{}\" and \"/short\": no", "ä".repeat(200), "b".repeat(200));
        assert_eq!(format!("{said}"), expected);
    }

    #[test]
    fn what_would_move_a_terminal_is_shown() {
        let said = Error::new(ErrorKind::ConfigInvalid, "a\nb\u{1b}[1mc").at("/x\u{9b}");
        assert_eq!(format!("{said}"), r"config.json /x\u{9b}: a\nb\u{1b}[1mc");
    }

    #[test]
    fn a_message_of_many_short_words_stays_whole() {
        let message = "\"a\" ".repeat(300);
        assert_eq!(one_line(&message), message);
    }
}
