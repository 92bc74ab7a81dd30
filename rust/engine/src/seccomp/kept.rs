// SPDX-License-Identifier: Apache-2.0
//! Filters kept by the text of their profile, so that a profile seen before is neither judged nor compiled again.
//!
//!     ROOT/.filters/HASH    head, program, the profile's text
//!
//! They are trusted as much as the records beside them: folder and file must be this user's, and nobody else's to write.
//! A name only finds. What lies under it is taken only if it holds this very text, its program has the sum that it had,
//! and it was written by a compiler made of the same sources.

use super::Filter;
use super::program::MAX_INSTRUCTIONS;
use alloc::ffi::CString;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use estiba_sys::fd::{self, BorrowedFd, CWD, OwnedFd};
use estiba_sys::{Errno, Result, fs, process};

const FOLDER: &str = ".filters";

/// Filters that stay at once. A host has a handful of profiles; where each container has one of its own, the folder is
/// emptied and begins anew.
const MOST: usize = 64;

/// A longer profile is compiled each time. Podman's has twelve thousand bytes.
const LONGEST_PROFILE: usize = 1 << 18;

const LONGEST_PROGRAM: usize = 8 * MAX_INSTRUCTIONS;

/// Compiler, sum of the program, flags, length of the program.
const HEAD: usize = 8 + 8 + 4 + 4;

/// Of everything that decides what a profile becomes.
const COMPILER: u64 = {
    let sources: [&[u8]; 9] = [
        include_bytes!("abi.rs"),
        include_bytes!("generate.rs"),
        include_bytes!("mod.rs"),
        include_bytes!("program.rs"),
        include_bytes!("ranges.rs"),
        include_bytes!("rules.rs"),
        include_bytes!("words.rs"),
        include_bytes!("../generated/seccomp.rs"),
        include_bytes!("../generated/syscalls.rs"),
    ];
    let (mut all, mut index) = (0, 0);
    while index < sources.len() {
        all = mixed(all, sum(sources[index]));
        index += 1;
    }
    all
};

/// The filter of this profile; None if it is not kept, or not to be trusted.
pub fn find(root: &str, profile: &str) -> Option<Filter> {
    let folder = open_folder(root).ok()?;
    let file = fs::open(folder.borrow(), &name(profile, "").ok()?, fs::O_RDONLY | fs::O_NOFOLLOW, 0).ok()?;
    let status = fs::status(file.borrow()).ok().filter(is_ours)?;
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
    let (of_program, rest) = rest.split_first_chunk()?;
    let (flags, rest) = rest.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (program, text) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let same = u64::from_le_bytes(*compiler) == COMPILER
        && u64::from_le_bytes(*of_program) == sum(program)
        && text == profile.as_bytes();
    same.then(|| Filter { program: program.to_vec(), flags: u32::from_le_bytes(*flags), notify: false })
}

/// Keeps a filter, but for one that asks an agent: who that is stands in the profile. Best effort.
pub fn keep(root: &str, profile: &str, filter: &Filter) {
    if !filter.notify && profile.len() <= LONGEST_PROFILE {
        let _ = try_keep(root, profile, filter);
    }
}

fn try_keep(root: &str, profile: &str, filter: &Filter) -> Result<()> {
    let length = u32::try_from(filter.program.len()).map_err(|_| Errno::EINVAL)?;
    let bytes = [
        &COMPILER.to_le_bytes()[..],
        &sum(&filter.program).to_le_bytes(),
        &filter.flags.to_le_bytes(),
        &length.to_le_bytes(),
        &filter.program,
        profile.as_bytes(),
    ]
    .concat();
    let folder = match open_folder(root) {
        Err(Errno::ENOENT) => {
            fs::make_dir(CWD, &path(root)?, 0o700)?;
            open_folder(root)?
        }
        folder => folder?,
    };
    make_room(folder.borrow())?;
    // Written aside, then renamed: who looks meanwhile sees a whole one. One left by a killed verb is in nobody's way.
    let aside = name(profile, &format!(".{}", process::id()))?;
    let file = fs::open(folder.borrow(), &aside, fs::O_WRONLY | fs::O_CREAT | fs::O_EXCL, 0o600)?;
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

fn is_ours(status: &fs::Status) -> bool {
    status.uid == process::effective_uid() && status.mode & 0o022 == 0
}

fn make_room(folder: BorrowedFd<'_>) -> Result<()> {
    let mut names = Vec::new();
    fs::list_dir(folder, &mut |name| names.push(CString::from(name)))?;
    if names.len() < MOST {
        return Ok(());
    }
    names.iter().try_for_each(|name| fs::remove_file(folder, name))
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
