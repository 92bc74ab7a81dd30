// SPDX-License-Identifier: Apache-2.0
//! Makes a container's cgroup: its folders, v2's controllers handed down to it, v1's cpu sets filled.

use crate::cgroup::devices::Policy;
use crate::cgroup::layout::Layout;
use crate::cgroup::place::Dir;
use crate::cgroup::remove::{remove, remove_if_empty, remove_parents};
use crate::cgroup::{file, tree, values};
use crate::error::{Error, ErrorKind, Result};
use crate::spec::resources::Resources;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use estiba_sys::fd::{BorrowedFd, CWD, OwnedFd};
use estiba_sys::{Errno, fs};

/// Milliseconds. Freeing much memory takes a killed process seconds.
const PATIENCE: u64 = 10_000;

/// A container's cgroup: its folders, one in each hierarchy.
#[derive(Clone, Debug)]
pub struct Cgroup {
    pub(super) dirs: Vec<Dir>,
    /// Folders that the caller may not make, for the message when a limit needs one.
    pub(super) refused: Vec<Dir>,
}

impl Cgroup {
    /// Notes in each `Dir` how many of its parents are not there yet, and refuses a cgroup that is in use. The list then
    /// goes into the state record, so that whatever `create` makes is known before it is made.
    pub fn survey(mut dirs: Vec<Dir>, layout: &Layout) -> Result<Vec<Dir>> {
        for dir in &mut dirs {
            if is_there(&dir.path)? {
                refuse_used(dir)?;
                continue;
            }
            let mut path = parent(&dir.path);
            while path != layout.mount_point_of(dir) && !is_there(path)? {
                dir.parents += 1;
                path = parent(path);
            }
        }
        Ok(dirs)
    }

    /// Makes the folders that `survey` has seen and puts limits and device rules in force. What it made it removes again
    /// when it fails. Rootless, a folder that may not be made is left out: only who asks for its controllers misses it.
    /// Returns the v2 folder too, for CLONE_INTO_CGROUP.
    pub fn create(
        dirs: Vec<Dir>,
        resources: &Resources<'_>,
        layout: &Layout,
        is_rootless: bool,
    ) -> Result<(Cgroup, Option<OwnedFd>)> {
        let writes = values::writes(resources, layout)?;
        let policy = Policy::new(resources.devices.as_deref().unwrap_or_default())?;
        let mut cgroup = Cgroup { dirs: Vec::with_capacity(dirs.len()), refused: Vec::new() };
        let made = cgroup.make_all(dirs, layout, is_rootless);
        match made.and_then(|()| cgroup.put_in_force(&writes, &policy, is_rootless)) {
            Ok(folder) => Ok((cgroup, folder)),
            Err(error) => {
                // The first failure is the one to tell; what is left stands in the record.
                let _ = cgroup.remove();
                Err(error)
            }
        }
    }

    /// Takes over folders that somebody has made for us, who removes them too if this fails.
    pub fn adopt(
        mut dirs: Vec<Dir>,
        writes: &[values::Write],
        resources: &Resources<'_>,
        is_rootless: bool,
    ) -> Result<(Cgroup, Option<OwnedFd>)> {
        let policy = Policy::new(resources.devices.as_deref().unwrap_or_default())?;
        for dir in &mut dirs {
            dir.inode = inode(&dir.path).ok_or_else(|| {
                let message = format!("the cgroup \"{}\" was made elsewhere, or not at all", dir.path);
                Error::new(ErrorKind::HostUnsupported, message)
            })?;
        }
        let cgroup = Cgroup { dirs, refused: Vec::new() };
        let folder = cgroup.put_in_force(writes, &policy, is_rootless)?;
        Ok((cgroup, folder))
    }

    /// Limits and device rules. Returns the v2 folder.
    fn put_in_force(
        &self,
        writes: &[values::Write],
        policy: &Policy,
        is_rootless: bool,
    ) -> Result<Option<OwnedFd>> {
        self.apply(writes)?;
        let folder = self.open_v2()?;
        self.set_devices(policy, folder.as_ref(), is_rootless)?;
        Ok(folder)
    }

    /// For a caller who wants no cgroup: limits are refused in words. Device rules are not in force then; podman writes
    /// some into every config, so they are no reason to refuse what its user asked for.
    pub fn none(resources: &Resources<'_>, layout: &Layout) -> Result<Cgroup> {
        let cgroup = Cgroup { dirs: Vec::new(), refused: Vec::new() };
        cgroup.apply(&values::writes(resources, layout)?)?;
        Ok(cgroup)
    }

    fn make_all(&mut self, dirs: Vec<Dir>, layout: &Layout, is_rootless: bool) -> Result<()> {
        for mut dir in dirs {
            match make(&dir, layout.mount_point_of(&dir)) {
                Ok(is_new) => {
                    if !is_new {
                        refuse_used(&dir)?;
                    }
                    dir.inode = inode(&dir.path).unwrap_or(0);
                    self.dirs.push(dir);
                }
                Err(error) if is_rootless && may_not(&error) => self.refused.push(dir),
                Err(error) => {
                    remove_parents(&dir);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// New limits for a live container, and new device rules if there are any.
    pub fn update(&self, resources: &Resources<'_>, layout: &Layout) -> Result<()> {
        let writes = values::writes(resources, layout)?;
        let policy = resources.devices.as_deref().map(Policy::new).transpose()?;
        self.check_before_update(resources)?;
        self.apply(&writes)?;
        match policy {
            Some(policy) => self.set_devices(&policy, self.open_v2()?.as_ref(), false),
            None => Ok(()),
        }
    }

    /// The cgroup of a state record; folders may be gone.
    pub fn from_record(dirs: &[Dir]) -> Cgroup {
        Cgroup { dirs: dirs.to_vec(), refused: Vec::new() }
    }

    /// The folders that still are those of the record: who made a container of the same path since then keeps his.
    #[must_use]
    pub fn still_own(mut self) -> Cgroup {
        self.dirs.retain(|dir| dir.inode == 0 || inode(&dir.path) == Some(dir.inode));
        self
    }

    /// Ends all that runs in it, and removes it.
    pub fn end(&self) -> Result<()> {
        // In one hierarchy the kernel itself says whether somebody is left. In several, who has left one may be in
        // another: there all are killed before the first is removed.
        match &self.dirs[..] {
            [] => return Ok(()),
            [only] if remove_if_empty(only) => return Ok(()),
            _ => {}
        }
        self.kill_all()?; // what shares init's pid namespace with the host outlives it
        self.remove()
    }

    /// Removes it, with all that the container made in it. One that is gone is fine.
    pub fn remove(&self) -> Result<()> {
        self.remove_within(PATIENCE)
    }

    /// The same; processes that were killed have `milliseconds` to leave.
    pub fn remove_within(&self, milliseconds: u64) -> Result<()> {
        remove(&self.dirs, milliseconds)
    }

    /// What there is to join.
    pub fn dirs(&self) -> &[Dir] {
        &self.dirs
    }

    /// The v2 folder for CLONE_INTO_CGROUP.
    pub fn open_v2(&self) -> Result<Option<OwnedFd>> {
        self.v2().map(|dir| open_folder(&dir.path)).transpose()
    }

    /// The file `tasks` of every v1 folder, for a child that writes itself into them.
    ///
    /// A single thread that moves itself takes no lock there; whoever writes to cgroup.procs takes one for all threads
    /// on this machine, and so waits for an RCU grace period, often ten milliseconds (cgroup_procs_write_start() in
    /// the kernel's cgroup.c).
    pub fn open_tasks(&self) -> Result<Vec<OwnedFd>> {
        let open = |dir: &Dir| {
            let path = format!("{}/tasks", dir.path);
            file::open(CWD, &path, fs::O_WRONLY)
                .map_err(|errno| Error::refused(format!("open \"{path}\""), errno))
        };
        self.dirs.iter().filter(|dir| !dir.is_v2()).map(open).collect()
    }

    pub(super) fn v2(&self) -> Option<&Dir> {
        self.dirs.iter().find(|dir| dir.is_v2())
    }

    pub(super) fn v1(&self, controller: &str) -> Option<&Dir> {
        self.dirs.iter().find(|dir| dir.has(controller))
    }
}

fn inode(path: &str) -> Option<u64> {
    let path = file::c_path(path).ok()?;
    fs::status_at(CWD, &path, false).ok().map(|status| status.inode)
}

fn open_folder(path: &str) -> Result<OwnedFd> {
    file::open_dir(path).map_err(|errno| Error::refused(format!("open the cgroup \"{path}\""), errno))
}

fn is_there(path: &str) -> Result<bool> {
    match file::c_path(path).and_then(|path| fs::check_access(CWD, &path, 0)) {
        Ok(()) => Ok(true),
        Err(Errno::ENOENT) => Ok(false),
        Err(errno) => Err(Error::refused(format!("look for the cgroup \"{path}\""), errno)),
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// `path` and its parents that `below` does not have, from the top.
fn steps<'a>(path: &'a str, below: &str) -> impl Iterator<Item = &'a str> {
    let start = below.len() + 1;
    let ends =
        path.char_indices().filter(move |(at, letter)| *at > start && *letter == '/').map(|(at, _)| at);
    ends.chain([path.len()]).filter_map(|end| path.get(..end))
}

fn may_not(error: &Error) -> bool {
    matches!(error.errno, Some(Errno::EACCES | Errno::EPERM | Errno::EROFS))
}

/// Makes one folder with the parents that `survey` missed; false if it was there.
fn make(dir: &Dir, mount_point: &str) -> Result<bool> {
    let known = steps(&dir.path, mount_point).count().saturating_sub(1 + dir.parents as usize);
    if dir.is_v2() {
        hand_down(dir, mount_point, known);
    }
    match make_steps(dir, mount_point, known) {
        // A parent that was there has been removed since, with the container that it was made for.
        Err(error) if error.errno == Some(Errno::ENOENT) => make_steps(dir, mount_point, 0),
        made => made,
    }
}

/// Makes the folders after the first `known`; tells whether the last one is new.
fn make_steps(dir: &Dir, mount_point: &str, known: usize) -> Result<bool> {
    let mut is_new = false;
    for path in steps(&dir.path, mount_point).skip(known) {
        let made = file::c_path(path).and_then(|path| fs::make_dir(CWD, &path, 0o755));
        is_new = made.is_ok();
        if let Err(errno) = made.or_else(|errno| if errno == Errno::EEXIST { Ok(()) } else { Err(errno) }) {
            return Err(Error::refused(format!("make the cgroup \"{path}\""), errno));
        }
        if dir.is_v2() && path != dir.path {
            enable(path);
        }
        if dir.has("cpuset") {
            fill_cpuset(path)
                .map_err(|errno| Error::refused(format!("fill the cpu set of \"{path}\""), errno))?;
        }
    }
    Ok(is_new)
}

/// A cgroup that was there before is taken over only if nobody lives in it.
fn refuse_used(dir: &Dir) -> Result<()> {
    let refuse = |what: String| {
        Err(Error::new(ErrorKind::ConfigInvalid, format!("the cgroup \"{}\" {what}", dir.path))
            .at("/linux/cgroupsPath")
            .hint("a container needs a cgroup of its own: choose another path, or clear this one"))
    };
    let folder = open_folder(&dir.path)?;
    let pids = tree::pids(folder.borrow())
        .map_err(|errno| Error::refused(format!("read the processes of \"{}\"", dir.path), errno))?;
    if let Some(pid) = pids.first() {
        return refuse(format!("has processes already, {} in all: {pid} is one", pids.len()));
    }
    let handed =
        if dir.is_v2() { file::read(folder.borrow(), "cgroup.subtree_control") } else { Ok(String::new()) };
    if handed.is_ok_and(|list| !list.trim().is_empty()) {
        return refuse(String::from("hands controllers down, so it can hold no process itself"));
    }
    Ok(())
}

/// Turns on, from the top to the last of the `known` folders above it, every controller that is there. Whatever refuses
/// is left as it is: who asks for a limit that needs it is told then.
fn hand_down(dir: &Dir, mount_point: &str, known: usize) {
    let words = |path: &str, file: &str| file::read_once(CWD, &format!("{path}/{file}")).unwrap_or_default();
    if dir.parents == 0 {
        let have = words(parent(&dir.path), "cgroup.subtree_control");
        let all = words(mount_point, "cgroup.controllers");
        if lacking(&all, &have).is_empty() {
            return;
        }
    }
    enable(mount_point);
    for step in steps(&dir.path, mount_point).take(known).filter(|step| *step != dir.path) {
        enable(step);
    }
}

fn lacking(all: &str, have: &str) -> String {
    let is_on = |name: &str| have.split_whitespace().any(|on| on == name);
    all.split_whitespace().filter(|name| !is_on(name)).map(|name| format!("+{name} ")).collect()
}

fn enable(path: &str) {
    let Ok(folder) = file::open_dir(path) else { return };
    let words = |file: &str| file::read_once(folder.borrow(), file).unwrap_or_default();
    let lacking = lacking(&words("cgroup.controllers"), &words("cgroup.subtree_control"));
    if lacking.is_empty() || is_inhabited(folder.borrow()) {
        return;
    }
    let set = |text: &str| file::write(folder.borrow(), "cgroup.subtree_control", text);
    if set(lacking.trim_end()).is_err() {
        for one in lacking.split_whitespace() {
            let _ = set(one);
        }
    }
}

/// A cgroup with processes would hand down the threaded controllers alone, and turn every cgroup below into one that
/// takes no process (cgroups(7), "Thread mode"). The root is exempt, and the only one without a type.
fn is_inhabited(folder: BorrowedFd<'_>) -> bool {
    let read = |name| file::read_once(folder, name);
    read("cgroup.type").is_ok() && read("cgroup.procs").is_ok_and(|list| !list.is_empty())
}

/// A fresh cpu set of v1 is empty and takes no process (cpuset(7)): it starts with all that its parent has.
fn fill_cpuset(path: &str) -> estiba_sys::Result<()> {
    let folder = file::open_dir(path)?;
    let above = file::open_dir(parent(path))?;
    for name in ["cpuset.cpus", "cpuset.mems"] {
        if file::read(folder.borrow(), name)?.trim().is_empty() {
            file::write(folder.borrow(), name, file::read(above.borrow(), name)?.trim())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_go_from_the_top_to_the_path_itself() {
        let all: Vec<&str> = steps("/sys/fs/cgroup/cpu/a/b", "/sys/fs/cgroup/cpu").collect();
        assert_eq!(all, ["/sys/fs/cgroup/cpu/a", "/sys/fs/cgroup/cpu/a/b"]);
        assert_eq!(steps("/m/a", "/m").collect::<Vec<_>>(), ["/m/a"]);
    }

    #[test]
    fn only_controllers_that_are_off_are_turned_on() {
        assert_eq!(lacking("cpu memory pids\n", "memory\n"), "+cpu +pids ");
        assert_eq!(lacking("cpu\n", "cpu memory\n"), "");
    }
}
