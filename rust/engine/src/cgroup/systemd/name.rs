// SPDX-License-Identifier: Apache-2.0
//! `cgroupsPath` as "slice:prefix:name", which is how callers of the systemd manager write it. Pure.

use crate::error::{Error, ErrorKind, Result};
use alloc::format;
use alloc::string::String;

/// A scope that is to be: its name, and the slice that it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub slice: String,
    pub unit: String,
}

impl Name {
    /// Without a path the scope is named after the container, in the slice where `is_user` says its services are.
    pub fn parse(path: Option<&str>, id: &str, is_user: bool) -> Result<Name> {
        let usual = if is_user { "user.slice" } else { "system.slice" };
        let (slice, prefix, name) = match path.map(|path| path.split(':')) {
            None => (usual, "estiba", id),
            Some(mut parts) => match (parts.next(), parts.next(), parts.next(), parts.next()) {
                (Some(slice), Some(prefix), Some(name), None) => {
                    (if slice.is_empty() { usual } else { slice }, prefix, name)
                }
                _ => return Err(refuse(path, "is not \"slice:prefix:name\"")),
            },
        };
        if name.is_empty() {
            return Err(refuse(path, "has no name at its end"));
        }
        if !is_slice(slice) {
            return Err(refuse(path, "does not begin with the name of a slice, as \"a-b.slice\" is one"));
        }
        let unit = match prefix {
            "" => format!("{name}.scope"),
            prefix => format!("{prefix}-{name}.scope"),
        };
        // What systemd.unit(5) takes; and a folder's name.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_' | '.' | '\\' | '@');
        if name.ends_with(".slice") || unit.len() > 255 || !unit.chars().all(is_plain) {
            return Err(refuse(Some(&unit), "is not the name of a scope"));
        }
        Ok(Name { slice: String::from(slice), unit })
    }

    /// Where the scope's cgroup is, below the manager's: a slice "a-b.slice" is in "a.slice" (systemd.slice(5)).
    pub fn folder(&self) -> String {
        let mut folder = String::new();
        let stem = self.slice.strip_suffix(SLICE).unwrap_or_default();
        if stem != "-" {
            let ends = stem.match_indices('-').map(|(at, _)| at).chain([stem.len()]);
            for end in ends {
                folder.push('/');
                folder.push_str(stem.get(..end).unwrap_or_default());
                folder.push_str(SLICE);
            }
        }
        folder.push('/');
        folder.push_str(&self.unit);
        folder
    }
}

const SLICE: &str = ".slice";

fn is_slice(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(SLICE) else { return false };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '.' | '\\' | '@');
    stem == "-"
        || (name.len() <= 255 && stem.split('-').all(|part| !part.is_empty() && part.chars().all(is_plain)))
}

fn refuse(path: Option<&str>, why: &str) -> Error {
    let path = path.unwrap_or_default();
    Error::new(ErrorKind::ConfigInvalid, format!("{path:?} {why}"))
        .at("/linux/cgroupsPath")
        .hint("the systemd cgroup manager takes \"slice:prefix:name\", as \"machine.slice:libpod:web\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(path: Option<&str>, is_user: bool) -> String {
        Name::parse(path, "web", is_user).unwrap().folder()
    }

    #[test]
    fn a_scope_lies_in_its_slice_and_in_those_above() {
        assert_eq!(folder(Some("machine.slice:libpod:1f"), false), "/machine.slice/libpod-1f.scope");
        assert_eq!(
            folder(Some("kubepods-besteffort-pod1.slice:cri-containerd:1f"), false),
            "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1.slice/cri-containerd-1f.scope"
        );
        assert_eq!(folder(Some("-.slice::x"), false), "/x.scope");
    }

    #[test]
    fn what_is_not_said_is_the_usual() {
        assert_eq!(folder(None, false), "/system.slice/estiba-web.scope");
        assert_eq!(folder(None, true), "/user.slice/estiba-web.scope");
        assert_eq!(folder(Some(":docker:1f"), false), "/system.slice/docker-1f.scope");
        assert_eq!(folder(Some("::1f"), true), "/user.slice/1f.scope");
    }

    #[test]
    fn what_names_no_scope_is_refused_at_its_place() {
        let long = format!("a.slice:p:{}", "x".repeat(300));
        for path in [
            "/a/b",
            "a.slice:p",
            "a.slice:p:",
            "a:p:n",
            "a--b.slice:p:n",
            ".slice:p:n",
            "-a.slice:p:n",
            "a/b.slice:p:n",
            "a.slice:p/q:n",
            "a.slice:p:../n",
            "a.slice:p:n:m",
            "a.slice::b.slice",
            &long,
        ] {
            let error = Name::parse(Some(path), "web", false).unwrap_err();
            assert_eq!(
                (error.kind, error.pointer.as_deref()),
                (ErrorKind::ConfigInvalid, Some("/linux/cgroupsPath")),
                "{path}"
            );
        }
    }
}
