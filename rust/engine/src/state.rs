// SPDX-License-Identifier: Apache-2.0
//! The state record: one folder a container, written before the first side effect, replaced by rename.
//!
//!     ROOT/ID/            the folder itself is locked (flock) while a verb changes the container; its sticky bit is set
//!                         until `create` is done: init may be anywhere on its way, the host's root still its own
//!       state.json        the record; pid 0: init is not born yet
//!       gate, outcome     FIFOs: `start` opens the first, init answers on the second (estiba_init::plan)
//!       seccomp           the compiled filter, for exec

mod reading;

use crate::cgroup::file;
use crate::cgroup::{Dir, Scope};
use crate::error::{Error, ErrorKind, Result};
use crate::generated::phrases;
pub use crate::generated::transitions::Status;
use crate::spec::seccomp::Listener;
use crate::spec::{Hook, MemoryPolicy, Personality, Text};
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::ffi::CString;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use estiba_sys::fd::{self, BorrowedFd, CWD, OwnedFd};
use estiba_sys::{Errno, fs};
pub use reading::{parse, salvage};
use serde::{Deserialize, Serialize};

/// Raised when a record of one version cannot be read by the other.
pub const FORMAT: u32 = 1;

const RECORD: &core::ffi::CStr = c"state.json";
pub const GATE: &core::ffi::CStr = c"gate";
pub const OUTCOME: &core::ffi::CStr = c"outcome";
pub const FILTER: &str = "seccomp";

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record<'a> {
    pub format: u32,
    #[serde(borrow)]
    pub oci_version: Text<'a>,
    #[serde(borrow)]
    pub id: Text<'a>,
    #[serde(borrow)]
    pub bundle: Text<'a>,
    /// Where the config is, if not in the bundle's config.json; absolute.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Text<'a>>,
    #[serde(borrow)]
    pub rootfs: Text<'a>,
    /// 0 until init is born.
    pub pid: i32,
    /// Of init, in clock ticks since boot (proc_pid_stat(5), field 22): with the pid it names one process until the host
    /// restarts, and after that as good as none.
    pub start_time: u64,
    /// The inode of init's pidfd: it alone names one process until the host restarts, and is asked for in half the time.
    /// Absent where there is none (before Linux 6.9), or where the record may outlive the host's run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pidfd_inode: Option<u64>,
    /// RFC 3339, UTC.
    #[serde(borrow)]
    pub created: Text<'a>,
    #[serde(borrow)]
    pub annotations: BTreeMap<Text<'a>, Text<'a>>,
    pub cgroup: Vec<Dir>,
    /// The unit of systemd's that the cgroup is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// CLONE_NEW* of every namespace that the config names.
    pub namespaces: u64,
    /// What `exec` gives its process too.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub personality: Option<Personality<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub memory_policy: Option<MemoryPolicy<'a>>,
    /// The agent of a filter that notifies.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub seccomp_listener: Option<Listener<'a>>,
    /// The first step of init that is a startContainer hook: what it reports behind the gate is counted in steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_hooks: Option<u32>,
    #[serde(borrow)]
    pub poststart: Vec<Hook<'a>>,
    #[serde(borrow)]
    pub poststop: Vec<Hook<'a>>,
}

/// An id is a file name and part of a cgroup's: no separators, no dots in front (features: CVEs of id traversal).
pub fn check_id(id: &str) -> Result<()> {
    const LONGEST: usize = 200;
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-' | '.');
    let first = id.chars().next().is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '+'));
    if first && id.chars().all(inside) && id.len() <= LONGEST {
        return Ok(());
    }
    Err(Error::new(ErrorKind::ConfigInvalid, format!("{id:?} is not a container id")).hint(
        "an id starts with a letter, digit, _ or +, goes on with these, . and -, and is at most 200 long",
    ))
}

/// A container's folder, open and locked.
#[derive(Debug)]
pub struct Folder {
    pub id: String,
    pub path: String,
    dir: OwnedFd,
    /// As it was when it was opened or, by verbs that lock, locked.
    status: fs::Status,
}

const CREATING: u32 = 0o1000;
const MODE: u32 = 0o700;

fn c_string(path: &str) -> Result<CString> {
    CString::new(path)
        .map_err(|_| Error::new(ErrorKind::ConfigInvalid, format!("{path:?} holds a NUL character")))
}

impl Folder {
    /// Makes the folder of a new container; the name is taken by mkdir, so one of two creators wins.
    pub fn make(root: &str, id: &str) -> Result<Folder> {
        check_id(id)?;
        make_root(root)?;
        let path = format!("{root}/{id}");
        loop {
            match fs::make_dir(CWD, &c_string(&path)?, MODE | CREATING) {
                Ok(()) => {}
                Err(Errno::EEXIST) => {
                    return Err(Error::new(
                        ErrorKind::ContainerExists,
                        format!("container {id:?} exists already"),
                    )
                    .about(id, None)
                    .hint(format!("choose another id, or run `estiba delete --force {id}` first")));
                }
                Err(errno) => return Err(no_room(format!("make the state folder {path:?}"), errno)),
            }
            match Folder::lock(id, path.clone(), true) {
                // A `delete --force` found it empty before it was locked: as if it had come before us.
                Err(error) if error.kind == ErrorKind::ContainerNotFound => {}
                // And another `create` has made it anew since then.
                Ok(folder) if folder.has(RECORD) => {}
                folder => return folder,
            }
        }
    }

    /// Opens and locks the folder of a container that exists.
    pub fn open(root: &str, id: &str) -> Result<Folder> {
        check_id(id)?;
        Folder::lock(id, format!("{root}/{id}"), true)
    }

    /// The same for verbs that only look: no lock.
    pub fn look(root: &str, id: &str) -> Result<Folder> {
        check_id(id)?;
        let path = format!("{root}/{id}");
        let dir = Folder::open_dir(id, &path)?;
        Folder::with_status(id, path, dir)
    }

    fn with_status(id: &str, path: String, dir: OwnedFd) -> Result<Folder> {
        let status = fs::status(dir.borrow())
            .map_err(|errno| Error::refused(format!("look at the state folder {path:?}"), errno))?;
        Ok(Folder { id: id.to_string(), path, dir, status })
    }

    fn open_dir(id: &str, path: &str) -> Result<OwnedFd> {
        match fs::open(CWD, &c_string(path)?, fs::O_RDONLY | fs::O_DIRECTORY, 0) {
            Ok(dir) => Ok(dir),
            Err(Errno::ENOENT | Errno::ENOTDIR) => Err(not_found(id)),
            Err(errno) => Err(Error::refused(format!("open the state folder {path:?}"), errno)),
        }
    }

    /// Without `wait` a folder that another verb works on is told by EAGAIN.
    fn lock(id: &str, path: String, wait: bool) -> Result<Folder> {
        let dir = Folder::open_dir(id, &path)?;
        Folder::locked(id, path, dir, wait)
    }

    fn locked(id: &str, path: String, dir: OwnedFd, wait: bool) -> Result<Folder> {
        fs::lock(dir.borrow(), wait)
            .map_err(|errno| Error::refused(format!("lock the state folder {path:?}"), errno))?;
        let folder = Folder::with_status(id, path, dir)?;
        // Whoever held the lock may have removed the folder.
        if folder.status.links == 0 { Err(not_found(id)) } else { Ok(folder) }
    }

    /// Whether it has been removed since it was opened.
    pub fn is_removed(&self) -> Result<bool> {
        fs::status(self.dir())
            .map(|status| status.links == 0)
            .map_err(|errno| Error::refused(format!("look at {:?}", self.path), errno))
    }

    /// Whether `create` is not done, or has died.
    pub fn is_creating(&self) -> bool {
        self.status.mode & CREATING != 0
    }

    /// From here on the container is one that other verbs may enter.
    pub fn set_created(&self) -> Result<()> {
        fs::change_mode(self.dir(), MODE)
            .map_err(|errno| Error::refused(format!("change the mode of {:?}", self.path), errno))
    }

    /// Lets other verbs at the container, until `lock_again`.
    pub fn unlock(&self) -> Result<()> {
        fs::unlock(self.dir()).map_err(|errno| Error::refused(format!("unlock {:?}", self.path), errno))
    }

    /// ContainerNotFound: another verb has removed it meanwhile.
    pub fn lock_again(self) -> Result<Folder> {
        Folder::locked(&self.id, self.path, self.dir, true)
    }

    /// Opens and locks the folder unless a verb is at work on it.
    pub fn open_idle(root: &str, id: &str) -> Result<Option<Folder>> {
        check_id(id)?;
        match Folder::lock(id, format!("{root}/{id}"), false) {
            Err(error) if error.errno == Some(Errno::EAGAIN) => Ok(None),
            folder => folder.map(Some),
        }
    }

    /// Whether what is written here is gone when the host restarts.
    pub fn is_in_memory(&self) -> bool {
        fs::filesystem_type(self.dir()) == Ok(fs::TMPFS_MAGIC)
    }

    pub fn dir(&self) -> BorrowedFd<'_> {
        self.dir.borrow()
    }

    /// The record's text; `parse` borrows from it. None: the folder is there, the record is not.
    pub fn read(&self) -> Result<Option<String>> {
        match file::read_regular(self.dir(), "state.json") {
            Ok(text) => Ok(Some(text)),
            Err(Errno::ENOENT) => Ok(None),
            Err(errno) => Err(Error::refused(format!("read \"{}/state.json\"", self.path), errno)),
        }
    }

    /// Replaces the record: whoever reads sees the old one or the new one. Returns its text.
    pub fn write(&self, record: &Record<'_>) -> Result<String> {
        let text = serde_json::to_string(record).map_err(|error| Error::internal(error.to_string()))?;
        self.write_file("state.json.new", text.as_bytes())?;
        fs::rename(self.dir(), c"state.json.new", RECORD)
            .map_err(|errno| no_room(format!("write \"{}/state.json\"", self.path), errno))?;
        Ok(text)
    }

    pub fn write_file(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let flags = fs::O_WRONLY | fs::O_CREAT | fs::O_TRUNC;
        let path = c_string(name)?;
        fs::open(self.dir(), &path, flags, 0o600)
            .and_then(|file| fd::write_all(file.borrow(), bytes))
            .map_err(|errno| no_room(format!("write \"{}/{name}\"", self.path), errno))
    }

    /// Makes a FIFO and opens it for both directions, so that no open waits for the other side.
    pub fn make_fifo(&self, name: &core::ffi::CStr) -> Result<OwnedFd> {
        fs::make_node(self.dir(), name, fs::S_IFIFO | 0o600, 0)
            .and_then(|()| fs::open(self.dir(), name, fs::O_RDWR, 0))
            .map_err(|errno| {
                no_room(format!("make the FIFO \"{}/{}\"", self.path, name.to_string_lossy()), errno)
            })
    }

    /// The user whose container it is.
    pub fn owner(&self) -> u32 {
        self.status.uid
    }

    fn has(&self, name: &core::ffi::CStr) -> bool {
        fs::status_at(self.dir(), name, false).is_ok()
    }

    /// Whether a FIFO is there and some process has it open to read.
    pub fn is_waited_at(&self, name: &core::ffi::CStr) -> bool {
        fs::open(self.dir(), name, fs::O_WRONLY | fs::O_NONBLOCK, 0).is_ok()
    }

    /// Removes the folder and all in it: it holds plain files only. The lock stays with this.
    pub fn remove(&self) -> Result<()> {
        let mut names = Vec::new();
        let listed = fs::list_dir(self.dir(), &mut |name| names.push(CString::from(name)));
        listed.map_err(|errno| Error::refused(format!("list {:?}", self.path), errno))?;
        // The record goes last: while anything is left, there is something that says what.
        names.sort_by_key(|name| name.as_c_str() == RECORD);
        for name in names {
            fs::remove_file(self.dir(), &name)
                .map_err(|errno| Error::refused(format!("remove {:?} from {:?}", name, self.path), errno))?;
        }
        match fs::remove_dir(CWD, &c_string(&self.path)?) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(Error::refused(format!("remove {:?}", self.path), errno)),
        }
    }
}

/// mkdir -p with the last folder closed to others.
pub fn make_root(root: &str) -> Result<()> {
    if fs::status_at(CWD, &c_string(root)?, true).is_ok() {
        return Ok(());
    }
    let cuts = root.char_indices().filter(|&(at, c)| c == '/' && at > 0).map(|(at, _)| at);
    for end in cuts.chain([root.len()]) {
        let mode = if end == root.len() { 0o711 } else { 0o755 };
        match fs::make_dir(CWD, &c_string(&root[..end])?, mode) {
            Ok(()) | Err(Errno::EEXIST) => {}
            Err(errno) => return Err(no_room(format!("make the state root {root:?}"), errno)),
        }
    }
    Ok(())
}

/// What cannot be made under the state root, with what to do.
fn no_room(doing: String, errno: Errno) -> Error {
    let error = Error::refused(doing, errno);
    match errno {
        Errno::ENOSPC => error.hint("free some room there, or name another state root with --root"),
        Errno::EACCES | Errno::EROFS => {
            error.hint("name a state root with --root that this user may write to")
        }
        _ => error,
    }
}

pub fn not_found(id: &str) -> Error {
    Error::new(ErrorKind::ContainerNotFound, format!("container {id:?} {}", phrases::NOT_FOUND))
        .about(id, None)
}

/// The ids under a state root, sorted. Names that begin with a dot are the root's own.
pub fn ids(root: &str) -> Result<Vec<String>> {
    let dir = match fs::open(CWD, &c_string(root)?, fs::O_RDONLY | fs::O_DIRECTORY, 0) {
        Ok(dir) => dir,
        Err(Errno::ENOENT) => return Ok(Vec::new()),
        Err(errno) => return Err(Error::refused(format!("open the state root {root:?}"), errno)),
    };
    let mut ids = Vec::new();
    fs::list_dir(dir.borrow(), &mut |name| {
        if let Cow::Borrowed(name) = name.to_string_lossy()
            && check_id(name).is_ok()
        {
            ids.push(name.to_string());
        }
    })
    .map_err(|errno| Error::refused(format!("list the state root {root:?}"), errno))?;
    ids.sort();
    Ok(ids)
}
