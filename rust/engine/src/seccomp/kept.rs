// SPDX-License-Identifier: Apache-2.0
//! Filters kept by the text of their profile, so that a profile seen before is neither judged nor compiled again.
//!
//!     ROOT/.filters/HASH    head, program, the profile's text
//!
//! They are trusted as much as the records beside them: folder and file must be this user's, and nobody else's to write.
//! A name only finds. What lies under it is taken only if it holds this very text, its filter has the sum that it had, and
//! it was written by an estiba that reads, judges and compiles a profile as this one does.

use super::Filter;
use super::program::MAX_INSTRUCTIONS;
use crate::generated::version::VERSION;
use alloc::ffi::CString;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use estiba_sys::fd::{self, BorrowedFd, CWD, OwnedFd};
use estiba_sys::{Errno, Result, fs, process};

const FOLDER: &str = ".filters";

/// About how many stay at once. A host has a handful of profiles; where each container has one of its own, the folder is
/// emptied and begins anew.
const MOST: usize = 64;

/// A longer profile is compiled each time. Podman's has twelve thousand bytes.
const LONGEST_PROFILE: usize = 1 << 16;

const LONGEST_PROGRAM: usize = 8 * MAX_INSTRUCTIONS;

/// Compiler and sum of the filter, which follows: flags, program.
const HEAD: usize = 8 + 8 + 4;

macro_rules! sources {
    ($($name:literal)*) => { [$(($name, include_bytes!($name))),*] };
}

/// Everything here that decides what a profile becomes. What Python judges changes with the version.
const SOURCES: &[(&str, &[u8])] = &sources! {
    "abi.rs" "generate.rs" "kept.rs" "mod.rs" "program.rs" "ranges.rs" "rules.rs" "words.rs"
    "../spec/mod.rs" "../spec/objects.rs" "../spec/prove.rs" "../spec/prove_limits.rs" "../spec/seccomp.rs" "../spec/text.rs"
    "../generated/mod.rs" "../generated/seccomp.rs" "../generated/syscalls.rs"
};

const COMPILER: u64 = {
    let (mut all, mut index) = (sum(VERSION.as_bytes()), 0);
    while index < SOURCES.len() {
        all = mixed(all, sum(SOURCES[index].1));
        index += 1;
    }
    all
};

/// The filter of this profile; None if it is not kept, or not to be trusted.
pub fn find(root: &str, profile: &str) -> Option<Filter> {
    let folder = open_folder(root).ok()?;
    let flags = fs::O_RDONLY | fs::O_NOFOLLOW | fs::O_NONBLOCK;
    let file = fs::open(folder.borrow(), &name(profile, "").ok()?, flags, 0).ok()?;
    let status = fs::status(file.borrow()).ok().filter(|status| status.is_file() && is_ours(status))?;
    let size = usize::try_from(status.size).ok().filter(|&size| size > HEAD + profile.len())?;
    if size > HEAD + LONGEST_PROGRAM + profile.len() {
        return None;
    }
    let mut bytes = vec![0; size];
    let n = fd::read(file.borrow(), &mut bytes).ok()?;
    taken(bytes.get(..n)?, profile)
}

/// What the bytes of a file hold for this profile.
fn taken(bytes: &[u8], profile: &str) -> Option<Filter> {
    let (compiler, rest) = bytes.split_first_chunk()?;
    let (filters_sum, rest) = rest.split_first_chunk()?;
    let (filter, text) = rest.split_at_checked(rest.len().checked_sub(profile.len())?)?;
    let same = u64::from_le_bytes(*compiler) == COMPILER
        && u64::from_le_bytes(*filters_sum) == sum(filter)
        && text == profile.as_bytes();
    let (flags, program) = filter.split_first_chunk()?;
    same.then(|| Filter { program: program.to_vec(), flags: u32::from_le_bytes(*flags), notify: false })
}

/// Keeps a filter, but for one that asks an agent: who that is stands in the profile. Best effort.
pub fn keep(root: &str, profile: &str, filter: &Filter) {
    if !filter.notify && profile.len() <= LONGEST_PROFILE {
        let _ = try_keep(root, profile, filter);
    }
}

fn try_keep(root: &str, profile: &str, filter: &Filter) -> Result<()> {
    let code = [&filter.flags.to_le_bytes()[..], &filter.program].concat();
    let (compiler, sum) = (COMPILER.to_le_bytes(), sum(&code).to_le_bytes());
    let bytes = [&compiler[..], &sum, &code, profile.as_bytes()].concat();
    let folder = match open_folder(root) {
        Err(Errno::ENOENT) => make_folder(root)?,
        folder => folder?,
    };
    make_room(folder.borrow())?;
    // Written aside, then renamed: who looks meanwhile sees a whole one. Whoever else writes it writes the same, so the
    // one that a killed verb has left is written over.
    let aside = name(profile, ".new")?;
    let flags = fs::O_WRONLY | fs::O_CREAT | fs::O_TRUNC | fs::O_NOFOLLOW;
    let file = fs::open(folder.borrow(), &aside, flags, 0o600)?;
    let done = fd::write_all(file.borrow(), &bytes)
        .and_then(|()| fs::rename(folder.borrow(), &aside, &name(profile, "")?));
    done.inspect_err(|_| {
        let _ = fs::remove_file(folder.borrow(), &aside);
    })
}

fn path(root: &str) -> Result<CString> {
    CString::new(format!("{root}/{FOLDER}")).map_err(|_| Errno::EINVAL)
}

fn name(profile: &str, end: &str) -> Result<CString> {
    CString::new(format!("{:016x}{end}", sum(profile.as_bytes()))).map_err(|_| Errno::EINVAL)
}

fn open_folder(root: &str) -> Result<OwnedFd> {
    let folder = fs::open(CWD, &path(root)?, fs::O_RDONLY | fs::O_DIRECTORY | fs::O_NOFOLLOW, 0)?;
    if is_ours(&fs::status(folder.borrow())?) { Ok(folder) } else { Err(Errno::EPERM) }
}

/// Not in a state root of another user's: what is root's there is in that user's way.
fn make_folder(root: &str) -> Result<OwnedFd> {
    let whole = CString::new(root).map_err(|_| Errno::EINVAL)?;
    if !is_ours(&fs::status_at(CWD, &whole, true)?) {
        return Err(Errno::EPERM);
    }
    fs::make_dir(CWD, &path(root)?, 0o700)?;
    open_folder(root)
}

fn is_ours(status: &fs::Status) -> bool {
    status.uid == process::effective_uid() && status.mode & 0o022 == 0
}

fn make_room(folder: BorrowedFd<'_>) -> Result<()> {
    let mut names = Vec::new();
    fs::list_dir(folder, &mut |name| names.push(CString::from(name)))?;
    if names.len() < MOST {
        return Ok(());
    }
    for name in names {
        match fs::remove_file(folder, &name) {
            Ok(()) | Err(Errno::ENOENT) => {} // another verb makes room, too
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// A sum of bytes by words of eight: it finds, and tells damage; who could make one that fits could write the file.
const fn sum(bytes: &[u8]) -> u64 {
    let mut all = bytes.len() as u64;
    let mut rest = bytes;
    while let Some((word, after)) = rest.split_first_chunk() {
        all = mixed(all, u64::from_le_bytes(*word));
        rest = after;
    }
    while let Some((byte, after)) = rest.split_first() {
        all = mixed(all, *byte as u64);
        rest = after;
    }
    all
}

/// A multiplication by an odd number loses nothing, the turn brings the upper bits, which it stirs best, down.
const fn mixed(all: u64, word: u64) -> u64 {
    (all ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::string::String;

    #[test]
    fn every_file_of_the_compiler_is_among_its_sources() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/seccomp");
        let files = std::fs::read_dir(folder).unwrap();
        let mut there: BTreeSet<String> =
            files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        for of_tests in ["simulator.rs", "tests.rs"] {
            assert!(there.remove(of_tests));
        }
        let named = SOURCES.iter().map(|(name, _)| String::from(*name));
        assert_eq!(named.filter(|name| !name.contains('/')).collect::<BTreeSet<_>>(), there);
    }

    #[test]
    fn a_sum_tells_every_byte_and_the_length() {
        let bytes: Vec<u8> = (0..29).collect();
        for at in 0..bytes.len() {
            let mut other = bytes.clone();
            other[at] ^= 1;
            assert_ne!(sum(&other), sum(&bytes), "{at}");
            assert_ne!(sum(&bytes[..at]), sum(&bytes), "{at}");
        }
    }
}
