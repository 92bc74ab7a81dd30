// SPDX-License-Identifier: Apache-2.0
//! Bind mounts: who clones the source, and whose ids the mount shows.

use super::filesystem::{in_user_namespace, text};
use super::mounts::{Flags, WHERE, is_strict};
use super::namespaces::map_text;
use super::{Handed, Origin, Plan, UserNamespace};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::spec::Mount;
use alloc::format;
use alloc::string::String;
use core::ffi::CStr;
use estiba_init::step::Step;

/// A detached copy of a host path, which the parent makes and hands to init.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tree {
    pub source: String,
    pub recursive: bool,
    pub follow: bool,
    pub ids: Option<MappedIds>,
    pub origin: Origin,
}

/// MOUNT_ATTR_IDMAP of mount_setattr(2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MappedIds {
    pub by: IdMap,
    pub recursive: bool,
    pub origin: Origin,
}

/// The user namespace that maps the ids of the files to those of the mount.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum IdMap {
    /// One made for this, with the texts of uid_map and gid_map.
    Made { uids: String, gids: String },
    /// That of this path.
    At(String),
}

pub fn plan(
    plan: &mut Plan,
    mount: &Mount<'_>,
    index: usize,
    target: &CStr,
    source: String,
    flags: &Flags,
    host: &Host,
) -> Result<()> {
    let recursive = flags.bind.unwrap_or(true);
    let ids = mapped_ids(plan, mount, index, flags, host)?;
    let (set, clear, strict, links) = (flags.set, flags.clear, is_strict(mount), flags.links);
    // Mapped ids may not reach a source that the runtime may: it is cloned by the parent.
    if ids.is_some() || in_user_namespace(plan) && host.is_privileged() {
        let origin = Origin::Member(WHERE, index, "source");
        let follow = !(links.keep_source || links.copy_source);
        let fd = plan.hand(Handed::Tree(Tree { source, recursive, follow, ids, origin }));
        plan.add(origin, Step::MountBind { target, source: None, fd, recursive, set, clear, strict, links });
        return Ok(());
    }
    let source = text(&source, Origin::Member(WHERE, index, "source"))?;
    let source = Some(&*source);
    let step = Step::MountBind { target, source, fd: -1, recursive, set, clear, strict, links };
    plan.add(Origin::Item(WHERE, index), step);
    Ok(())
}

/// The mount's own mappings, else the container's (config.md "idmap"). Mappings without the option mean `idmap`.
fn mapped_ids(
    plan: &Plan,
    mount: &Mount<'_>,
    index: usize,
    flags: &Flags,
    host: &Host,
) -> Result<Option<MappedIds>> {
    let own = !mount.uid_mappings.is_empty() || !mount.gid_mappings.is_empty();
    if !own && flags.idmap.is_none() {
        return Ok(None);
    }
    let origin = Origin::Member(WHERE, index, if own { "uidMappings" } else { "options" });
    let refuse = |kind, message: &str| Err(Error::new(kind, message).at(format!("{origin}")));
    if !host.is_privileged() {
        return refuse(ErrorKind::HostUnsupported, "only root may map the ids of a mount");
    }
    let by = match &plan.born.user {
        _ if own => IdMap::Made { uids: map_text(&mount.uid_mappings), gids: map_text(&mount.gid_mappings) },
        UserNamespace::New { uid_map, gid_map, .. } => {
            IdMap::Made { uids: uid_map.clone(), gids: gid_map.clone() }
        }
        UserNamespace::Join { path, .. } => IdMap::At(path.clone()),
        UserNamespace::Same => {
            return refuse(ErrorKind::ConfigInvalid, "neither the mount nor the container has mappings");
        }
    };
    Ok(Some(MappedIds { by, recursive: flags.idmap.unwrap_or(false), origin }))
}

/// A file system that is mounted anew has no source whose ids could be shown.
pub fn refuse_without_bind(mount: &Mount<'_>, index: usize, flags: &Flags) -> Result<()> {
    if flags.idmap.is_none() && mount.uid_mappings.is_empty() && mount.gid_mappings.is_empty() {
        return Ok(());
    }
    let message = "only a bind mount can have its ids mapped";
    Err(Error::new(ErrorKind::ConfigUnsupported, message).at(format!("{WHERE}/{index}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgroup::Layout;

    const MAPPINGS: &str = r#""uidMappings": [{"containerID": 0, "hostID": 7, "size": 1}],
        "gidMappings": [{"containerID": 0, "hostID": 8, "size": 1}]"#;

    fn ids(options: &str, more: &str, user: UserNamespace, uid: u32) -> Result<Option<MappedIds>> {
        let text = format!(r#"{{"destination": "/a", "source": "/b", "options": [{options}]{more}}}"#);
        let mount: Mount<'_> = serde_json::from_str(&text).unwrap();
        let flags = Flags::read(mount.options.iter().map(|option| &**option));
        let mut plan = Plan::default();
        plan.born.user = user;
        let layout = Layout { hierarchies: alloc::vec::Vec::new() };
        let host = Host {
            uid,
            gid: uid,
            capabilities: u64::MAX,
            layout,
            has_selinux: false,
            has_apparmor: false,
            runs_foreign: false,
        };
        mapped_ids(&plan, &mount, 3, &flags, &host)
    }

    #[test]
    fn mappings_of_the_mount_win_over_those_of_the_container() {
        let user = UserNamespace::Join { path: "/ns".into(), origin: Origin::Runtime };
        let found = ids(r#""bind", "ridmap""#, &format!(", {MAPPINGS}"), user, 0).unwrap().unwrap();
        assert_eq!(found.by, IdMap::Made { uids: "0 7 1\n".into(), gids: "0 8 1\n".into() });
        assert!(found.recursive);
    }

    #[test]
    fn the_container_s_namespace_serves_where_the_mount_has_no_mappings() {
        let user = UserNamespace::Join { path: "/ns".into(), origin: Origin::Runtime };
        let found = ids(r#""rbind", "idmap""#, "", user, 0).unwrap().unwrap();
        assert_eq!(found.by, IdMap::At("/ns".into()));
        assert!(!found.recursive);
    }

    #[test]
    fn a_plain_bind_maps_nothing() {
        assert_eq!(ids(r#""rbind""#, "", UserNamespace::Same, 0).unwrap(), None);
    }

    #[test]
    fn nothing_to_map_by_is_an_error_with_its_place() {
        let error = ids(r#""bind", "idmap""#, "", UserNamespace::Same, 0).unwrap_err();
        assert_eq!(error.pointer.as_deref(), Some("/mounts/3/options"));
    }

    #[test]
    fn without_root_it_is_refused() {
        let error = ids(r#""bind""#, &format!(", {MAPPINGS}"), UserNamespace::Same, 1000).unwrap_err();
        assert_eq!(error.kind, ErrorKind::HostUnsupported);
    }
}
