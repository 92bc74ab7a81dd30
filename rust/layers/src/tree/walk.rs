// SPDX-License-Identifier: Apache-2.0
//! A tree visited by several threads. Each takes a few names of one folder at a time, the newest first, so that few
//! folders are open at once. Names of one file (hard links) are visited at the end, in order.

use super::place::quoted;
use super::source::{Above, Opened};
use crate::error::{Error, Result};
use estiba_sys::fd::OwnedFd;
use estiba_sys::inode::{self, Details};
use estiba_sys::{Errno, fs};
use std::ffi::{CStr, CString};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

/// How many names a thread takes at once.
const HANDFUL: usize = 48;
/// Bytes that a thread reads at once.
pub const BUFFER: usize = 128 << 10;

/// What is done with the entries of a tree.
pub trait Visitor: Sync {
    /// What is kept for a folder until the last of its entries has been visited.
    type State: Send + Sync;

    /// A folder, before anything in it. `folder.source` can be read.
    fn folder(&self, folder: &Entered<'_, Self::State>) -> Result<Self::State>;
    /// A file, opened for reading.
    fn file(&self, entry: &Entry<'_, Self::State>, source: &OwnedFd, buffer: &mut [u8]) -> Result<()>;
    /// A link, a device, a FIFO.
    fn other(&self, entry: &Entry<'_, Self::State>) -> Result<()>;
    /// A further name of what was visited as `first`.
    fn linked(&self, entry: &Entry<'_, Self::State>, first: &Entry<'_, Self::State>) -> Result<()>;
}

/// A folder that is being walked.
pub struct Folder<S> {
    pub source: OwnedFd,
    /// From the top of the tree; "" is the top.
    pub path: Vec<u8>,
    pub details: Details,
    name: CString,
    above: Above,
    making: Mutex<()>,
    // Dropped in this order: what a folder did to its parent comes before the parent's own end.
    state: OnceLock<S>,
    parent: Option<Arc<Folder<S>>>,
}

/// A folder as its visitor first sees it.
pub struct Entered<'a, S> {
    /// None at the top of the tree.
    pub parent: Option<&'a S>,
    pub name: &'a CStr,
    pub path: &'a [u8],
    pub details: &'a Details,
    pub source: &'a OwnedFd,
}

/// Something in a folder.
pub struct Entry<'a, S> {
    pub folder: &'a S,
    pub source_folder: &'a OwnedFd,
    pub name: &'a CStr,
    pub path: &'a [u8],
    pub details: &'a Details,
}

/// Visits the folder `top`, which is `source` opened for reading, and all that is in it.
pub fn walk<V: Visitor>(visitor: &V, source: &Opened<'_>, top: OwnedFd, threads: usize) -> Result<()> {
    let top = Arc::new(Folder {
        source: top,
        path: Vec::new(),
        details: source.details,
        name: CString::default(),
        above: source.top(),
        making: Mutex::new(()),
        state: OnceLock::new(),
        parent: None,
    });
    let walking =
        Walking { visitor, source, queue: Mutex::default(), more: Condvar::new(), linked: Mutex::default() };
    top.state(visitor)?;
    walking.list(&top)?;
    drop(top);
    let helpers = threads.min(locked(&walking.queue).jobs.len()).saturating_sub(1);
    thread::scope(|scope| {
        for _ in 0..helpers {
            scope.spawn(|| walking.work());
        }
        walking.work();
    });
    if let Some(error) = locked(&walking.queue).failed.take() {
        return Err(error);
    }
    walking.visit_linked()
}

/// Some names of a folder.
struct Job<S> {
    folder: Arc<Folder<S>>,
    names: Vec<CString>,
}

struct Queue<S> {
    jobs: Vec<Job<S>>,
    working: usize,
    failed: Option<Error>,
}

impl<S> Default for Queue<S> {
    fn default() -> Self {
        Queue { jobs: Vec::new(), working: 0, failed: None }
    }
}

/// A name of a file that has others.
struct Linked<S> {
    folder: Arc<Folder<S>>,
    name: CString,
    path: Vec<u8>,
    details: Details,
}

struct Walking<'a, V: Visitor> {
    visitor: &'a V,
    source: &'a Opened<'a>,
    queue: Mutex<Queue<V::State>>,
    more: Condvar,
    linked: Mutex<Vec<Linked<V::State>>>,
}

impl<V: Visitor> Walking<'_, V> {
    /// Takes jobs until there are none and nobody can make one.
    fn work(&self) {
        let mut buffer = vec![0; BUFFER];
        let mut queue = locked(&self.queue);
        loop {
            if queue.failed.is_some() || (queue.jobs.is_empty() && queue.working == 0) {
                self.more.notify_all();
                return;
            }
            let Some(job) = queue.jobs.pop() else {
                queue = self.more.wait(queue).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            queue.working += 1;
            drop(queue);
            let done = job.names.iter().try_for_each(|name| self.visit(&job.folder, name, &mut buffer));
            drop(job);
            queue = locked(&self.queue);
            queue.working -= 1;
            if let Err(error) = done {
                queue.failed.get_or_insert(error);
            }
        }
    }

    fn list(&self, folder: &Arc<Folder<V::State>>) -> Result<()> {
        let mut names = Vec::new();
        fs::list_dir(folder.source.borrow(), &mut |name| names.push(name.to_owned()))
            .map_err(|errno| Error::refused(format_args!("list {}", quoted(&folder.path)), errno))?;
        let mut jobs = Vec::with_capacity(names.len() / HANDFUL + 1);
        let mut rest = names.into_iter().peekable();
        while rest.peek().is_some() {
            let names = rest.by_ref().take(HANDFUL).collect();
            jobs.push(Job { folder: Arc::clone(folder), names });
        }
        let several = jobs.len() > 1;
        locked(&self.queue).jobs.append(&mut jobs);
        if several {
            self.more.notify_all()
        } else {
            self.more.notify_one()
        }
        Ok(())
    }

    fn visit(&self, folder: &Arc<Folder<V::State>>, name: &CStr, buffer: &mut [u8]) -> Result<()> {
        let path = below(&folder.path, name);
        let left_out = self.source.leaves_out(&path, &folder.above);
        let refused = |errno| Error::refused(format_args!("look at {}", quoted(&path)), errno);
        let details = inode::details_at(folder.source.borrow(), name).map_err(refused)?;
        match details.mode & fs::S_IFMT {
            fs::S_IFDIR => self.enter(folder, name, path, details, left_out),
            fs::S_IFSOCK => Ok(()), // as good as a process that is gone: no archive has them either
            _ if left_out => Ok(()),
            _ if details.names > 1 => {
                let (folder, name) = (Arc::clone(folder), name.to_owned());
                locked(&self.linked).push(Linked { folder, name, path, details });
                Ok(())
            }
            _ => self.visit_one(folder, name, &path, &details, buffer),
        }
    }

    fn enter(
        &self,
        parent: &Arc<Folder<V::State>>,
        name: &CStr,
        path: Vec<u8>,
        details: Details,
        left_out: bool,
    ) -> Result<()> {
        let Some(above) = self.source.enter(&path, &parent.above, left_out) else { return Ok(()) };
        let source =
            fs::open(parent.source.borrow(), name, fs::O_RDONLY | fs::O_DIRECTORY | fs::O_NOFOLLOW, 0)
                .map_err(|errno| Error::refused(format_args!("open {}", quoted(&path)), errno))?;
        let folder = Arc::new(Folder {
            source,
            path,
            details,
            name: name.to_owned(),
            above,
            making: Mutex::new(()),
            state: OnceLock::new(),
            parent: Some(Arc::clone(parent)),
        });
        if !left_out {
            folder.state(self.visitor)?;
        }
        self.list(&folder)
    }

    fn visit_one(
        &self,
        folder: &Folder<V::State>,
        name: &CStr,
        path: &[u8],
        details: &Details,
        buffer: &mut [u8],
    ) -> Result<()> {
        let state = folder.state(self.visitor)?;
        let entry = Entry { folder: state, source_folder: &folder.source, name, path, details };
        if details.mode & fs::S_IFMT != fs::S_IFREG {
            return self.visitor.other(&entry);
        }
        self.visitor.file(&entry, &open_file(folder.source.borrow(), name, path, details)?, buffer)
    }

    fn visit_linked(&self) -> Result<()> {
        let mut linked = std::mem::take(&mut *locked(&self.linked));
        linked.sort_by(|a, b| key(a).cmp(&key(b)));
        let mut buffer = vec![0; BUFFER];
        let mut first: Option<&Linked<V::State>> = None;
        for each in &linked {
            match first.filter(|first| key(first).0 == key(each).0) {
                Some(first) => self.visitor.linked(&self.entry(each)?, &self.entry(first)?)?,
                None => {
                    self.visit_one(&each.folder, &each.name, &each.path, &each.details, &mut buffer)?;
                    first = Some(each);
                }
            }
        }
        Ok(())
    }

    fn entry<'e>(&self, linked: &'e Linked<V::State>) -> Result<Entry<'e, V::State>> {
        Ok(Entry {
            folder: linked.folder.state(self.visitor)?,
            source_folder: &linked.folder.source,
            name: &linked.name,
            path: &linked.path,
            details: &linked.details,
        })
    }
}

/// Names of one file stand together, in the order of their paths.
fn key<S>(linked: &Linked<S>) -> ((u64, u64), &[u8]) {
    ((linked.details.device, linked.details.inode), &linked.path)
}

impl<S> Folder<S> {
    /// What the visitor keeps for it; asked for at the first entry that is wanted, its parents first.
    fn state<V: Visitor<State = S>>(&self, visitor: &V) -> Result<&S> {
        if let Some(state) = self.state.get() {
            return Ok(state);
        }
        let parent = self.parent.as_ref().map(|parent| parent.state(visitor)).transpose()?;
        let _making = locked(&self.making);
        if let Some(state) = self.state.get() {
            return Ok(state);
        }
        let entered = Entered {
            parent,
            name: &self.name,
            path: &self.path,
            details: &self.details,
            source: &self.source,
        };
        let made = visitor.folder(&entered)?;
        Ok(self.state.get_or_init(|| made))
    }
}

/// Opens a file that was looked at. O_NONBLOCK: what has become a FIFO since must not hold us up.
fn open_file(at: estiba_sys::BorrowedFd<'_>, name: &CStr, path: &[u8], details: &Details) -> Result<OwnedFd> {
    let refused = |errno| Error::refused(format_args!("read {}", quoted(path)), errno);
    let flags = fs::O_RDONLY | fs::O_NOFOLLOW | fs::O_NONBLOCK | fs::O_NOCTTY;
    let file = fs::open(at, name, flags, 0).map_err(refused)?;
    let now = inode::details_at(file.borrow(), c"").map_err(refused)?;
    if (now.device, now.inode) != (details.device, details.inode) {
        return Err(refused(Errno::EAGAIN).hint("it was replaced while it was read: try again"));
    }
    Ok(file)
}

fn below(folder: &[u8], name: &CStr) -> Vec<u8> {
    let name = name.to_bytes();
    let mut path = Vec::with_capacity(folder.len() + 1 + name.len());
    if !folder.is_empty() {
        path.extend_from_slice(folder);
        path.push(b'/');
    }
    path.extend_from_slice(name);
    path
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
