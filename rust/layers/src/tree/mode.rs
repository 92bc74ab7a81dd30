// SPDX-License-Identifier: Apache-2.0
//! What `--chmod` says: a number, or a change as chmod(1) writes it (`u=rwX,go=rX`).

/// The change, applied to each file and folder that is copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    Number(u32),
    Changes(Vec<Change>),
}

/// One clause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The bits that this clause is about, for all of rwxst.
    who: u32,
    what: u8,
    bits: u32,
    /// X: execution for folders, and for files that somebody may execute already.
    only_executable: bool,
    /// Copies the bits that this one has: u, g or o.
    copied: Option<u8>,
}

impl Mode {
    pub fn parse(text: &str) -> Option<Mode> {
        if text.is_empty() {
            return None;
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            return u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777).map(Mode::Number);
        }
        let clauses: Option<Vec<Vec<Change>>> = text.split(',').map(clause).collect();
        Some(Mode::Changes(clauses?.concat()))
    }

    pub fn apply(&self, mode: u32, is_folder: bool) -> u32 {
        match self {
            Mode::Number(number) => *number,
            Mode::Changes(changes) => {
                changes.iter().fold(mode & 0o7777, |mode, change| change.apply(mode, is_folder))
            }
        }
    }
}

impl Change {
    fn apply(self, mode: u32, is_folder: bool) -> u32 {
        let mut bits = self.bits;
        if self.only_executable && (is_folder || mode & 0o111 != 0) {
            bits |= 0o111;
        }
        if let Some(from) = self.copied {
            let three = mode >> shift(from) & 7;
            bits |= three | three << 3 | three << 6;
        }
        bits &= self.who;
        match self.what {
            b'+' => mode | bits,
            b'-' => mode & !bits,
            // Set-id bits of a folder stay unless they are named (chmod(1)).
            _ if is_folder => mode & !(self.who & 0o1777) | bits,
            _ => mode & !self.who | bits,
        }
    }
}

/// `[ugoa]*([-+=]([rwxXst]*|[ugo]))+`
fn clause(text: &str) -> Option<Vec<Change>> {
    let start = text.find(['+', '-', '='])?;
    let (named, mut rest) = text.split_at(start);
    let mut who = if named.is_empty() { 0o7777 } else { 0 };
    for one in named.bytes() {
        who |= match one {
            b'u' => 0o4700,
            b'g' => 0o2070,
            b'o' => 0o1007,
            b'a' => 0o7777,
            _ => return None,
        };
    }
    let mut changes = Vec::new();
    while let Some(what) = rest.bytes().next() {
        let end = rest[1..].find(['+', '-', '=']).map_or(rest.len(), |at| at + 1);
        changes.push(action(who, what, &rest[1..end])?);
        rest = &rest[end..];
    }
    Some(changes)
}

fn action(who: u32, what: u8, permissions: &str) -> Option<Change> {
    let mut change = Change { who, what, bits: 0, only_executable: false, copied: None };
    if let [from @ (b'u' | b'g' | b'o')] = permissions.as_bytes() {
        return Some(Change { copied: Some(*from), ..change });
    }
    for one in permissions.bytes() {
        match one {
            b'r' => change.bits |= 0o444,
            b'w' => change.bits |= 0o222,
            b'x' => change.bits |= 0o111,
            b'X' => change.only_executable = true,
            b's' => change.bits |= 0o6000,
            b't' => change.bits |= 0o1000,
            _ => return None,
        }
    }
    Some(change)
}

fn shift(who: u8) -> u32 {
    match who {
        b'u' => 6,
        b'g' => 3,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str, mode: u32) -> u32 {
        Mode::parse(text).unwrap().apply(mode, false)
    }

    #[test]
    fn numbers_replace_the_whole_mode() {
        assert_eq!(file("755", 0o4600), 0o755);
        assert_eq!(file("04711", 0), 0o4711);
    }

    #[test]
    fn clauses_change_what_they_name() {
        for (text, before, after) in [
            ("u+x", 0o644, 0o744),
            ("go-rwx", 0o777, 0o700),
            ("a=r", 0o4777, 0o444),
            ("+x", 0o644, 0o755),
            ("u=rwX,go=rX", 0o600, 0o644),
            ("u=rwX,go=rX", 0o700, 0o755),
            ("g=u", 0o640, 0o660),
            ("u+s,g+s,+t", 0o755, 0o7755),
            ("u=rw+x-w", 0o000, 0o500),
            ("o=", 0o777, 0o770),
        ] {
            assert_eq!(file(text, before), after, "{text}");
        }
    }

    #[test]
    fn capital_x_is_for_folders() {
        let mode = Mode::parse("u=rwX,go=rX").unwrap();
        assert_eq!(mode.apply(0o600, true), 0o755);
        assert_eq!(mode.apply(0o2600, true), 0o2755);
    }

    #[test]
    fn anything_else_is_no_mode() {
        for text in ["", "9", "10000", "u", "u+q", "k+x", "rwx", "755x", "u+x,"] {
            assert_eq!(Mode::parse(text), None, "{text}");
        }
    }
}
