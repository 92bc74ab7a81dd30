// SPDX-License-Identifier: Apache-2.0
//! Mounts of a file system's own kind: by mount(2), or by descriptor where the new one is filled first.

use super::filesystem::text;
use super::mounts::{Flags, WHERE, is_strict};
use super::{Options, Origin, Plan, labels};
use crate::error::{Error, Result};
use crate::spec::Mount;
use alloc::vec::Vec;
use core::ffi::CStr;
use estiba_init::step::Step;
use estiba_sys::mount::MS_REMOUNT;
use estiba_sys::process::Strings;

pub fn plan(
    plan: &mut Plan,
    mount: &Mount<'_>,
    index: usize,
    target: &CStr,
    flags: &Flags,
    options: &Options<'_>,
) -> Result<()> {
    let name = mount.kind.as_deref().unwrap_or("none");
    let kind = text(name, Origin::Member(WHERE, index, "type"))?;
    let source = text(mount.source.as_deref().unwrap_or(name), Origin::Member(WHERE, index, "source"))?;
    let (context, label) = labels::for_kind(name, options.mount_label);
    let data = labels::with_context(&flags.data, context);
    let data = text(&data, Origin::Member(WHERE, index, "options"))?;
    let label = label.map(|label| text(label, Origin::At("/linux/mountLabel"))).transpose()?;
    let keep_mode = name == "tmpfs" && !flags.data.split(',').any(|option| option.starts_with("mode="));
    let is_new = flags.filesystem & MS_REMOUNT == 0;
    if is_new && (keep_mode || flags.copy_up || label.is_some()) {
        let words = words(data.to_bytes(), flags.filesystem);
        let options = Strings::new(&words).ok_or_else(|| Error::internal("an option lost its end"))?;
        let (set, copy_up, label) = (flags.set, flags.copy_up, label.as_deref());
        let step = Step::MountFilled {
            target,
            kind: &kind,
            source: &source,
            options,
            set,
            keep_mode,
            copy_up,
            label,
        };
        plan.add(Origin::Item(WHERE, index), step);
        return Ok(());
    }
    let step = Step::MountFilesystem {
        target,
        kind: &kind,
        source: &source,
        flags: flags.as_mount_flags(),
        data: (!data.is_empty()).then_some(&*data),
        strict: is_strict(mount),
    };
    plan.add(Origin::Item(WHERE, index), step);
    Ok(())
}

/// MS_* of the file system itself, by the names that fsconfig(2) has for them.
const FILESYSTEM_FLAGS: &[(u64, &[u8])] =
    &[(0x10, b"sync"), (0x40, b"mand"), (0x80, b"dirsync"), (0x200_0000, b"lazytime")];

/// The options one by one, as `Step::MountFilled` wants them.
fn words(data: &[u8], filesystem: u64) -> Vec<u8> {
    let mut words = Vec::new();
    for (_, name) in FILESYSTEM_FLAGS.iter().filter(|(flag, _)| filesystem & flag != 0) {
        words.extend_from_slice(name);
        words.extend_from_slice(b"\0\0");
    }
    for option in split(data) {
        let equals = option.iter().position(|&byte| byte == b'=').unwrap_or(option.len());
        let (key, value) = option.split_at(equals);
        words.extend_from_slice(key);
        words.push(0);
        words.extend(value.iter().filter(|&&byte| byte != b'"'));
        words.push(0);
    }
    words
}

/// Parts at commas, as tmpfs does for mount(2): not inside quotes, nor before a digit, where a list of numbers goes on
/// (tmpfs(5), "mpol").
fn split(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    let mut at = 0;
    data.split(move |&byte| {
        quoted ^= byte == b'"';
        at += 1;
        byte == b',' && !quoted && !data.get(at).is_some_and(u8::is_ascii_digit)
    })
    .filter(|option| !option.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(data: &str, filesystem: u64) -> alloc::string::String {
        alloc::string::String::from_utf8(words(data.as_bytes(), filesystem)).unwrap().replace('\0', "|")
    }

    #[test]
    fn options_are_parted_into_keys_and_values() {
        assert_eq!(written("size=1m,noswap,,uid=7", 0), "size|=1m|noswap||uid|=7|");
        assert_eq!(written("", 0x10 | 0x80), "sync||dirsync||");
    }

    #[test]
    fn a_comma_in_a_list_or_a_label_parts_nothing() {
        assert_eq!(written("mpol=bind:0,2,size=1m", 0), "mpol|=bind:0,2|size|=1m|");
        assert_eq!(written("size=1m,context=\"a:b:c1,c2\"", 0), "size|=1m|context|=a:b:c1,c2|");
    }
}
