// SPDX-License-Identifier: Apache-2.0
//! Which namespaces are new, which are joined, and by whom: the launch table of ARCHITECTURE.md.

use super::{Handed, Origin, Plan};
use crate::error::{Error, ErrorKind, Result};
use crate::generated::lookup;
use crate::generated::namespaces::NAMESPACES;
use crate::host::Host;
use crate::spec::{Mapping, Namespace, Spec};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;
use estiba_init::step::Step;
use estiba_sys::namespace::{CGROUP, MOUNT, NETWORK, PID, TIME, USER};

/// What the child is born into.
#[derive(Debug, Default)]
pub struct Born {
    /// CLONE_NEW* of init.
    pub new: u64,
    pub user: UserNamespace,
    /// The first steps are stage one's, up to `Step::Beside`, which makes the new namespaces.
    pub staged: bool,
    /// Namespaces that the calling thread enters around the clone: kind, path, origin.
    pub visits: Vec<(u64, String, Origin)>,
    /// The text of /proc/PID/timens_offsets.
    pub time_offsets: Option<String>,
    /// The processors of the calling thread while it clones, which the child inherits: bit n for processor n.
    pub affinity: Option<Vec<u8>>,
}

#[derive(Debug, Default)]
pub enum UserNamespace {
    #[default]
    Same,
    /// The texts of uid_map and gid_map, and whether the kernel wants setgroups denied (user_namespaces(7)).
    New {
        uid_map: String,
        gid_map: String,
        deny_setgroups: bool,
        /// Which of the two the caller may not write itself: newuidmap and newgidmap do (subuid(5)).
        helpers: (bool, bool),
        identity: (u32, u32),
    },
    Join {
        path: String,
        origin: Origin,
    },
}

impl UserNamespace {
    pub fn is_same(&self) -> bool {
        matches!(self, UserNamespace::Same)
    }
}

const WHERE: &str = "/linux/namespaces";

fn kind_of(namespace: &Namespace<'_>, index: usize) -> Result<u64> {
    lookup(NAMESPACES, &namespace.kind).map(|(kind, _)| kind).ok_or_else(|| {
        Error::new(ErrorKind::ConfigInvalid, format!("{:?} is not a namespace", &*namespace.kind))
            .at(format!("{WHERE}/{index}/type"))
    })
}

fn find<'s>(spec: &'s Spec<'_>, name: &str) -> Option<&'s Namespace<'s>> {
    spec.linux.namespaces.iter().find(|namespace| &*namespace.kind == name)
}

fn is_new(spec: &Spec<'_>, name: &str) -> bool {
    find(spec, name).is_some_and(|namespace| namespace.path.is_none())
}

/// CLONE_NEW* of every namespace that the config names: what `exec` has to join.
pub fn all_kinds(spec: &Spec<'_>) -> u64 {
    let kinds = spec.linux.namespaces.iter().filter_map(|namespace| lookup(NAMESPACES, &namespace.kind));
    kinds.fold(0, |kinds, (kind, _)| kinds | kind)
}

/// New or joined: in both the root of the config is set up, and becomes "/".
pub fn has_mount_namespace(spec: &Spec<'_>) -> bool {
    find(spec, "mount").is_some()
}

pub fn has_new(spec: &Spec<'_>, name: &str) -> bool {
    is_new(spec, name)
}

pub fn plan(plan: &mut Plan, spec: &Spec<'_>, host: &Host) -> Result<()> {
    let new_user = is_new(spec, "user");
    let mut pid = None;
    for (index, namespace) in spec.linux.namespaces.iter().enumerate() {
        let kind = kind_of(namespace, index)?;
        let origin = Origin::Member(WHERE, index, "path");
        let path = namespace.path.as_deref().unwrap_or_default().to_string();
        match (kind, namespace.path.is_none()) {
            (USER, true) => plan.born.user = new_user_namespace(spec, host)?,
            (USER, false) => plan.born.user = UserNamespace::Join { path, origin },
            // The v1 cgroups are joined between clone and exec, so the namespace is rooted by init, afterwards.
            (CGROUP, true) if !host.layout.is_pure_v2() => {}
            (kind, true) => plan.born.new |= kind,
            (PID, false) => pid = Some((path, origin)),
            // A new user namespace has no rights over namespaces that exist, so they are entered before it is made.
            (kind, false) if new_user && kind != MOUNT && kind != TIME => {
                plan.born.visits.push((kind, path, origin))
            }
            // Only a process with one thread may join it, and only before the user namespace (setns(2)): nobody is both.
            (TIME, false) if new_user => return Err(refuse_time(index)),
            (_, false) => {}
        }
    }
    if matches!(plan.born.user, UserNamespace::New { .. }) {
        plan.born.new |= USER;
    }
    plan.denies_groups = matches!(&plan.born.user, UserNamespace::New { deny_setgroups: true, .. });
    plan.born.time_offsets = time_offsets(spec);
    if pid.is_some() || matches!(plan.born.user, UserNamespace::Join { .. }) {
        enter_staged(plan, pid);
    }
    Ok(())
}

/// Stage one's steps: what it joins counts for its children, of which init is the only one.
fn enter_staged(plan: &mut Plan, pid: Option<(String, Origin)>) {
    plan.born.staged = true;
    let user = match &plan.born.user {
        UserNamespace::Join { path, origin } => Some((path.clone(), *origin)),
        _ => None,
    };
    for (kinds, namespace) in [(USER, &user), (PID, &pid)] {
        if let Some((path, origin)) = namespace {
            let fd = plan.hand(Handed::Namespace { path: path.clone(), origin: *origin });
            plan.add(*origin, Step::Join { fd, kinds });
        }
    }
    if user.is_some() {
        plan.add(Origin::At(WHERE), Step::Identity { uid: 0, gid: 0, groups: None });
    }
    // A child that does not share its parent's memory enters its time namespace at birth (time_namespaces(7)).
    if plan.born.new & TIME != 0 {
        plan.born.new &= !TIME;
        plan.add(Origin::At(WHERE), Step::Unshare { kinds: TIME });
        if let Some(text) = plan.born.time_offsets.take() {
            plan.add(Origin::At("/linux/timeOffsets"), Step::TimeOffsets { text: text.as_bytes() });
        }
    }
    plan.add(Origin::At(WHERE), Step::Beside { namespaces: plan.born.new });
    if let UserNamespace::New { identity: (uid, gid), .. } = plan.born.user {
        plan.add(Origin::At("/linux/uidMappings"), Step::Identity { uid, gid, groups: None });
    }
}

fn refuse_time(index: usize) -> Error {
    let message = "a time namespace cannot be joined together with a new user namespace";
    Error::new(ErrorKind::ConfigUnsupported, message)
        .at(format!("{WHERE}/{index}/path"))
        .hint("make a new time namespace, or join a user namespace by path too")
}

fn new_user_namespace(spec: &Spec<'_>, host: &Host) -> Result<UserNamespace> {
    let (uids, gids) = (&spec.linux.uid_mappings, &spec.linux.gid_mappings);
    let first = |maps: &[Mapping], pointer: &str| {
        maps.iter().map(|map| map.container).min().ok_or_else(|| {
            Error::new(ErrorKind::ConfigInvalid, "a new user namespace needs at least one mapping")
                .at(pointer)
        })
    };
    let identity = (first(uids, "/linux/uidMappings")?, first(gids, "/linux/gidMappings")?);
    let helpers = (needs_helper(uids, host.uid, host), needs_helper(gids, host.gid, host));
    Ok(UserNamespace::New {
        uid_map: map_text(uids),
        gid_map: map_text(gids),
        deny_setgroups: !host.is_privileged() && !helpers.1,
        helpers,
        identity,
    })
}

/// Without privileges a process may map one id, its own (user_namespaces(7)).
fn needs_helper(maps: &[Mapping], own: u32, host: &Host) -> bool {
    let alone = matches!(maps, [only] if only.size == 1 && only.host == own);
    !alone && !host.is_privileged()
}

pub fn map_text(maps: &[Mapping]) -> String {
    let mut text = String::new();
    for map in maps {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{} {} {}", map.container, map.host, map.size);
    }
    text
}

fn time_offsets(spec: &Spec<'_>) -> Option<String> {
    let mut text = String::new();
    for (clock, offset) in &spec.linux.time_offsets {
        let _ = writeln!(text, "{} {} {}", &**clock, offset.secs, offset.nanosecs);
    }
    (!text.is_empty() && is_new(spec, "time")).then_some(text)
}

/// Init's part: joins what it joins itself, then names and lights what is new.
pub fn join_and_name(plan: &mut Plan, spec: &Spec<'_>, host: &Host) -> Result<()> {
    let new_user = is_new(spec, "user");
    let mut mount = None;
    for (index, namespace) in spec.linux.namespaces.iter().enumerate() {
        let kind = kind_of(namespace, index)?;
        let visited = kind == PID || (new_user && kind != MOUNT && kind != TIME);
        let Some(path) = namespace.path.as_ref().filter(|_| kind != USER && !visited) else {
            continue;
        };
        let origin = Origin::Member(WHERE, index, "path");
        let fd = plan.hand(Handed::Namespace { path: path.to_string(), origin });
        if kind == MOUNT {
            mount = Some((origin, fd));
        } else {
            plan.add(origin, Step::Join { fd, kinds: kind });
        }
    }
    if is_new(spec, "cgroup") && !host.layout.is_pure_v2() {
        plan.add(Origin::At(WHERE), Step::Unshare { kinds: CGROUP });
    }
    if let Some((origin, fd)) = mount {
        plan.add(origin, Step::Join { fd, kinds: MOUNT });
    }
    if let Some(name) = spec.hostname.as_ref().filter(|name| !name.is_empty()) {
        plan.add(Origin::At("/hostname"), Step::Hostname { name: name.as_bytes() });
    }
    if let Some(name) = spec.domainname.as_ref().filter(|name| !name.is_empty()) {
        plan.add(Origin::At("/domainname"), Step::Domainname { name: name.as_bytes() });
    }
    if plan.born.new & NETWORK != 0 {
        plan.add(Origin::At(WHERE), Step::LoopbackUp {});
    }
    Ok(())
}
