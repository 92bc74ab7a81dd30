// SPDX-License-Identifier: Apache-2.0
//! The prover: "surely valid", or "ask Python". It never says no, and what it takes Python must accept: the rules here
//! are narrower than estiba.spec's, wide enough for what podman, containerd, Docker and `spec` write.

use super::prove_limits::{profile, resources};
use super::seccomp::Profile;
use super::{ConsoleSize, Device, Mapping, Mount, Namespace, Process, Spec, Text, read};
use crate::generated::capabilities::CAPABILITIES;
use crate::generated::lookup;
use crate::generated::mount_options::{MOUNT_OPTIONS, MountOption};
use crate::generated::namespaces::NAMESPACES;
use crate::generated::rlimits::RLIMITS;
use crate::generated::sysctls::SYSCTLS;
use alloc::format;
use alloc::string::{String, ToString};
use estiba_sys::fs::{S_IFBLK, S_IFCHR};

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    Proved,
    /// Why the prover is not sure.
    Ask(String),
}

pub(super) type Proof = Result<(), String>;

/// Reads a config and proves it; the error says why it is not sure. A seccomp profile that `is_known`, by its text, is one
/// that this estiba has judged before.
pub fn proved<'a>(text: &'a [u8], is_known: impl FnOnce(&str) -> bool) -> Result<Spec<'a>, String> {
    let spec: Spec<'_> = read(text).map_err(|error| error.to_string())?;
    whole(&spec)?;
    match spec.linux.seccomp {
        Some(new) if !is_known(new.get()) => {
            profile(&Profile::parse(new).map_err(|error| error.message)?)?;
        }
        _ => {}
    }
    Ok(spec)
}

/// Proves a config without knowing any profile.
pub fn prove(text: &[u8]) -> Verdict {
    proved(text, |_| false).map_or_else(Verdict::Ask, |_| Verdict::Proved)
}

/// Proves the process object that `exec` is given.
pub fn prove_process(text: &[u8]) -> Verdict {
    match read::<Process<'_>>(text) {
        Ok(read) => process(&read).map_or_else(Verdict::Ask, |()| Verdict::Proved),
        Err(error) => Verdict::Ask(error.to_string()),
    }
}

fn sure(holds: bool, reason: impl FnOnce() -> String) -> Proof {
    if holds { Ok(()) } else { Err(reason()) }
}

pub(super) fn plain(holds: bool, reason: &str) -> Proof {
    sure(holds, || reason.to_string())
}

fn whole(spec: &Spec<'_>) -> Proof {
    version(&spec.oci_version)?;
    let root = spec.root.as_ref().is_some_and(|root| !root.path.is_empty() && clean(&root.path));
    plain(root, "root.path is absent or odd")?;
    let annotation = |(key, value): (&Text<'_>, &Text<'_>)| !key.is_empty() && clean(key) && clean(value);
    plain(spec.annotations.iter().all(annotation), "an odd annotation")?;
    process(spec.process.as_ref().ok_or("process is absent")?)?;
    namespaces(spec)?;
    for (index, mount) in spec.mounts.iter().enumerate() {
        self::mount(mount).map_err(|reason| format!("mount {index}: {reason}"))?;
    }
    linux(spec)
}

fn version(version: &str) -> Proof {
    let known = ["1.0.", "1.1.", "1.2.", "1.3."].iter().find_map(|known| version.strip_prefix(known));
    let patch = known.is_some_and(|patch| patch.starts_with(|first: char| first.is_ascii_digit()));
    let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+');
    plain(patch && version.bytes().all(word), "the specification's version is not one of 1.0 to 1.3")
}

/// The next number says "leave it as it is" to setresuid(2) and chown(2).
const LAST_ID: u32 = u32::MAX - 1;

/// NGROUPS_MAX (limits.h).
const GROUPS: usize = 65536;

/// Text that no rule of Python's can stumble over.
pub(super) fn clean(text: &str) -> bool {
    !text.contains('\0')
}

fn is_absolute(path: &str) -> bool {
    path.starts_with('/') && clean(path)
}

pub(super) fn process(process: &Process<'_>) -> Proof {
    plain(process.args.first().is_some_and(|name| !name.is_empty()), "process.args is empty")?;
    plain(process.args.iter().all(|arg| clean(arg)), "an argument holds a NUL character")?;
    plain(
        process.env.iter().all(|entry| clean(entry) && entry.find('=').is_some_and(|at| at > 0)),
        "an odd environment entry",
    )?;
    plain(is_absolute(&process.cwd), "process.cwd is not absolute")?;
    let size = |size: ConsoleSize| size.height.max(size.width) <= u32::from(u16::MAX);
    plain(process.console_size.is_none_or(size), "an odd console size")?;
    let user = &process.user;
    let mut ids = [&user.uid, &user.gid].into_iter().chain(&user.additional_gids);
    plain(ids.all(|id| *id <= LAST_ID) && user.additional_gids.len() <= GROUPS, "an odd id, or many")?;
    let texts = [&process.apparmor_profile, &process.selinux_label, &user.name];
    plain(texts.into_iter().flatten().all(|text| clean(text)), "a NUL character")?;
    plain(user.umask.is_none_or(|mask| mask <= 0o777), "an odd umask")?;
    plain(
        process.scheduler.is_none() && process.io_priority.is_none() && process.exec_cpu_affinity.is_none(),
        "scheduling",
    )?;
    plain(process.oom_score_adj.is_none_or(|score| (-1000..=1000).contains(&score)), "an odd OOM score")?;
    for (index, limit) in process.rlimits.iter().enumerate() {
        let known = lookup(RLIMITS, &limit.kind).is_some() && limit.soft <= limit.hard;
        let again = process.rlimits[..index].iter().any(|earlier| earlier.kind == limit.kind);
        plain(known && !again, "an odd resource limit")?;
    }
    let Some(sets) = &process.capabilities else { return Ok(()) };
    let lists = [&sets.bounding, &sets.effective, &sets.inheritable, &sets.permitted, &sets.ambient];
    for name in lists.into_iter().flatten() {
        sure(lookup(CAPABILITIES, name).is_some(), || format!("{name:?} is not a known capability"))?;
    }
    Ok(())
}

fn named<'s>(spec: &'s Spec<'_>, name: &str) -> Option<&'s Namespace<'s>> {
    spec.linux.namespaces.iter().find(|namespace| &*namespace.kind == name)
}

fn namespaces(spec: &Spec<'_>) -> Proof {
    for (index, namespace) in spec.linux.namespaces.iter().enumerate() {
        plain(lookup(NAMESPACES, &namespace.kind).is_some(), "an unknown namespace")?;
        let odd = namespace.path.as_deref().is_some_and(|path| !is_absolute(path));
        plain(!odd, "a namespace path is not absolute")?;
        let again = spec.linux.namespaces[..index].iter().any(|earlier| earlier.kind == namespace.kind);
        plain(!again, "a namespace is named twice")?;
    }
    let has = |name| named(spec, name).is_some();
    let is_new = |name| named(spec, name).is_some_and(|namespace| namespace.path.is_none());
    plain(is_new("mount"), "no mount namespace of its own")?;
    let named_host = spec.hostname.as_ref().is_some_and(|name| !name.is_empty());
    let named_domain = spec.domainname.as_ref().is_some_and(|name| !name.is_empty());
    plain((!named_host && !named_domain) || has("uts"), "a host name without a uts namespace")?;
    plain(spec.hostname.as_ref().is_none_or(|name| name.len() <= 64 && clean(name)), "an odd host name")?;
    plain(spec.domainname.as_ref().is_none_or(|name| name.len() <= 64 && clean(name)), "an odd domain name")?;
    plain(spec.linux.time_offsets.is_empty(), "time offsets")?;
    let (uids, gids) = (&spec.linux.uid_mappings, &spec.linux.gid_mappings);
    if is_new("user") {
        mappings(uids)?;
        mappings(gids)
    } else {
        plain(uids.is_empty() && gids.is_empty(), "mappings without a new user namespace")
    }
}

/// A few mappings, each within the ids and apart from the others on both sides; long lists are Python's to compare.
fn mappings(maps: &[Mapping]) -> Proof {
    const MANY: usize = 16;
    plain((1..=MANY).contains(&maps.len()), "no mapping, or many")?;
    let fits = |first: u32, size: u32| size > 0 && first.checked_add(size).is_some();
    let apart = |one: u32, size: u32, other: u32, others: u32| one + size <= other || other + others <= one;
    for (index, map) in maps.iter().enumerate() {
        plain(fits(map.container, map.size) && fits(map.host, map.size), "an odd mapping")?;
        let alone = maps[..index].iter().all(|earlier| {
            apart(map.container, map.size, earlier.container, earlier.size)
                && apart(map.host, map.size, earlier.host, earlier.size)
        });
        plain(alone, "mappings that overlap")?;
    }
    Ok(())
}

fn mount(mount: &Mount<'_>) -> Proof {
    plain(is_absolute(&mount.destination), "the destination is not absolute")?;
    plain(!mount.is_over_root(), "a mount over the root")?;
    plain(mount.uid_mappings.is_empty() && mount.gid_mappings.is_empty(), "mapped ids")?;
    plain(mount.source.as_ref().is_none_or(|source| clean(source)), "an odd source")?;
    let kind = mount.kind.as_deref().unwrap_or_default();
    let bound = mount.options.iter().any(|option| matches!(&**option, "bind" | "rbind"));
    if bound {
        plain(mount.source.as_ref().is_some_and(|source| !source.is_empty()), "a bind without a source")?;
        plain(matches!(kind, "" | "bind" | "none"), "a bind with a type")?;
        return known_options(&mount.options, |_| false);
    }
    match kind {
        "proc" | "sysfs" | "mqueue" | "cgroup" | "cgroup2" => known_options(&mount.options, |_| false),
        "tmpfs" => known_options(&mount.options, |option| {
            has_key(option, &["mode", "size", "uid", "gid", "nr_inodes"])
        }),
        "devpts" => known_options(&mount.options, |option| {
            option == "newinstance" || has_key(option, &["ptmxmode", "mode", "gid", "uid", "max"])
        }),
        other => Err(format!("a file system of type {other:?}")),
    }
}

fn has_key(option: &str, keys: &[&str]) -> bool {
    option
        .split_once('=')
        .is_some_and(|(key, value)| keys.contains(&key) && !value.is_empty() && clean(value))
}

fn known_options(options: &[Text<'_>], data: impl Fn(&str) -> bool) -> Proof {
    for option in options {
        let known = match lookup(MOUNT_OPTIONS, option) {
            Some(
                MountOption::Attribute { .. }
                | MountOption::Filesystem { .. }
                | MountOption::Propagation(_)
                | MountOption::Bind { .. }
                | MountOption::TmpCopyUp
                | MountOption::Nothing,
            ) => true,
            Some(_) => false,
            None => data(option),
        };
        sure(known, || format!("the option {option:?}"))?;
    }
    Ok(())
}

fn linux(spec: &Spec<'_>) -> Proof {
    let linux = &spec.linux;
    let paths = linux.masked_paths.iter().chain(&linux.readonly_paths);
    for path in paths {
        plain(is_absolute(path), "a masked or read-only path is not absolute")?;
    }
    // Permissions, with the type besides or not.
    let mode = |device: &Device<'_>| {
        device.file_mode.is_none_or(|mode| matches!(mode & !0o7777, 0 | S_IFCHR | S_IFBLK))
    };
    for device in &linux.devices {
        let known = matches!(&*device.kind, "c" | "b" | "u")
            && (1..4096).contains(&device.major)
            && device.minor.is_some_and(|minor| (0..1 << 20).contains(&minor))
            && [device.uid, device.gid].into_iter().flatten().all(|id| id <= LAST_ID);
        plain(
            known && is_absolute(&device.path) && !device.path.ends_with('/') && mode(device),
            "an odd device",
        )?;
    }
    let propagation = linux.rootfs_propagation.as_deref().unwrap_or("private");
    plain(
        matches!(propagation, "private" | "rprivate" | "slave" | "rslave" | "shared" | "rshared"),
        "an odd root propagation",
    )?;
    plain(!linux.cgroups_path.contains("..") && clean(&linux.cgroups_path), "an odd cgroups path")?;
    plain(linux.sysctl.is_empty() || sysctls(spec), "kernel parameters")?;
    let unbuilt = linux.personality.is_some()
        || linux.memory_policy.is_some()
        || linux.intel_rdt.is_some()
        || linux.net_devices.is_some()
        || linux.mount_label.as_ref().is_some_and(|label| !label.is_empty());
    plain(!unbuilt, "a rare property")?;
    resources(&linux.resources)?;
    plain(hooks_are_sure(spec), "an odd hook")
}

/// Parameters written with dots that a namespace of the container has for itself.
fn sysctls(spec: &Spec<'_>) -> bool {
    spec.linux.sysctl.iter().all(|(key, value)| {
        let word = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        };
        let kind = if key.starts_with("net.") { Some("network") } else { lookup(SYSCTLS, key) };
        let own = kind.is_some_and(|kind| named(spec, kind).is_some());
        own && key.split('.').all(word) && &**key != "kernel.domainname" && clean(value)
    })
}

fn hooks_are_sure(spec: &Spec<'_>) -> bool {
    let hooks = &spec.hooks;
    let lists = [
        &hooks.prestart,
        &hooks.create_runtime,
        &hooks.create_container,
        &hooks.start_container,
        &hooks.poststart,
        &hooks.poststop,
    ];
    lists.into_iter().flatten().all(|hook| {
        let env = hook.env.iter().all(|entry| clean(entry) && entry.find('=').is_some_and(|at| at > 0));
        is_absolute(&hook.path)
            && hook.args.iter().all(|arg| clean(arg))
            && env
            && hook.timeout.is_none_or(|seconds| seconds > 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn map(container: u32, host: u32, size: u32) -> Mapping {
        Mapping { container, host, size }
    }

    #[test]
    fn mappings_that_lie_apart_are_proved() {
        assert_eq!(mappings(&[map(0, 1000, 1), map(1, 100_000, 65_536)]), Ok(()));
        assert_eq!(mappings(&[map(1, 0, 1000), map(0, 1000, 1), map(1001, 1001, 64_535)]), Ok(()));
        assert_eq!(mappings(&[map(0, 0, u32::MAX)]), Ok(()));
    }

    #[test]
    fn mappings_that_overlap_on_one_side_or_go_too_far_are_asked_about() {
        for odd in [
            vec![],
            vec![map(0, 0, 0)],
            vec![map(1, 0, u32::MAX)],
            vec![map(0, 0, 10), map(9, 20, 1)],
            vec![map(0, 0, 10), map(20, 9, 1)],
            vec![map(5, 100, 5), map(0, 0, 6)],
        ] {
            assert!(mappings(&odd).is_err(), "{odd:?}");
        }
    }
}
