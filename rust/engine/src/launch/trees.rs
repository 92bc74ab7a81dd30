// SPDX-License-Identifier: Apache-2.0
//! Detached copies of host paths, made by the parent where init could not: it lacks the access, or the right to map ids.

use super::{at, c_path, open_namespace, user_namespace};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{IdMap, MappedIds, Origin, Tree};
use alloc::format;
use estiba_sys::Errno;
use estiba_sys::fd::{CWD, OwnedFd};
use estiba_sys::mount::{self, Attributes};

/// The copy is a slave: what is mounted inside never reaches the host.
pub fn clone(asked: &Tree) -> Result<OwnedFd> {
    let Tree { source, recursive, follow, ids, origin } = asked;
    let slave = Attributes { propagation: mount::MS_SLAVE, ..Attributes::default() };
    let tree = mount::clone_tree(CWD, &c_path(source)?, *recursive, *follow).and_then(|tree| {
        mount::set_attributes(tree.borrow(), &slave, *recursive)?;
        Ok(tree)
    });
    let tree = tree.map_err(|errno| refused(source, errno, *origin))?;
    if let Some(ids) = ids {
        map_ids(&tree, source, ids)?;
    }
    Ok(tree)
}

fn refused(source: &str, errno: Errno, origin: Origin) -> Error {
    if errno != Errno::ENOENT {
        return at(Error::refused(format!("take mount source {source:?}"), errno), origin);
    }
    let message = format!("mount source {source:?} is absent (ENOENT)");
    let error = Error { errno: Some(errno), ..Error::new(ErrorKind::KernelRefused, message) };
    at(error, origin).hint("make the file or folder on the host, or take the mount out")
}

fn map_ids(tree: &OwnedFd, source: &str, ids: &MappedIds) -> Result<()> {
    let namespace = match &ids.by {
        IdMap::Made { uids, gids } => user_namespace::with_maps(uids, gids).map_err(|errno| {
            at(Error::refused("make a user namespace with the mount's mappings", errno), ids.origin)
        })?,
        IdMap::At(path) => open_namespace(path, ids.origin)?,
    };
    let attributes = Attributes {
        set: mount::ATTR_IDMAP,
        user_namespace: namespace.raw() as u64,
        ..Attributes::default()
    };
    mount::set_attributes(tree.borrow(), &attributes, ids.recursive).map_err(|errno| {
        let error = at(Error::refused(format!("map the ids of {source:?}"), errno), ids.origin);
        match errno {
            Errno::EINVAL => {
                error.hint("the file system of the source, or of a mount below it, cannot map ids")
            }
            Errno::EPERM => error.hint("the ids of the source, or of a mount below it, are mapped already"),
            _ => error,
        }
    })
}
