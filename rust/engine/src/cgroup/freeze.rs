// SPDX-License-Identifier: Apache-2.0
//! Pause and resume: the freezer of v1 where it is mounted, else cgroup.freeze of v2.

use crate::cgroup::create::Cgroup;
use crate::cgroup::file;
use crate::cgroup::place::Dir;
use crate::cgroup::wait;
use crate::deadline::Deadline;
use crate::error::{Error, ErrorKind, Result};
use alloc::format;
use estiba_sys::Errno;

/// A process in the middle of an uninterruptible call freezes when that is over.
const PATIENCE: u64 = 10_000;

enum Freezer<'a> {
    V1(&'a Dir),
    V2(&'a Dir),
}

impl Freezer<'_> {
    fn dir(&self) -> &Dir {
        match self {
            Freezer::V1(dir) | Freezer::V2(dir) => dir,
        }
    }

    fn write(&self, frozen: bool) -> estiba_sys::Result<()> {
        let (file, text) = match (self, frozen) {
            (Freezer::V1(_), true) => ("freezer.state", "FROZEN"),
            (Freezer::V1(_), false) => ("freezer.state", "THAWED"),
            (Freezer::V2(_), true) => ("cgroup.freeze", "1"),
            (Freezer::V2(_), false) => ("cgroup.freeze", "0"),
        };
        self.dir().write(file, text)
    }

    fn refused(&self, doing: &str, errno: Errno) -> Error {
        Error::refused(format!("{doing} the cgroup \"{}\"", self.dir().path), errno)
    }
}

/// The error of what a container without a cgroup, or without the right one, cannot have.
pub fn lacking(need: &str) -> Error {
    Error::new(ErrorKind::HostUnsupported, format!("{need}, and the container has none"))
        .hint("give the container a cgroup: delegate one, or leave out --cgroup-manager=disabled")
}

impl Cgroup {
    fn freezer(&self) -> Option<Freezer<'_>> {
        self.v1("freezer").map(Freezer::V1).or_else(|| self.v2().map(Freezer::V2))
    }

    fn freezer_or_say(&self) -> Result<Freezer<'_>> {
        self.freezer().ok_or_else(|| lacking("pausing needs a cgroup with a freezer"))
    }

    /// Stops every process and returns once all have stopped; on failure they all go on.
    pub fn freeze(&self) -> Result<()> {
        let freezer = self.freezer_or_say()?;
        let frozen = match &freezer {
            Freezer::V1(dir) => freeze_v1(dir),
            Freezer::V2(dir) => freezer.write(true).and_then(|()| {
                let folder = file::open_dir(&dir.path)?;
                // Killed meanwhile, and thawed for that: there is nobody left to stop.
                let done = ["frozen 1", "populated 0"];
                wait::until_event(folder.borrow(), &done, &Deadline::after(PATIENCE))
            }),
        };
        let error = match frozen {
            Ok(true) => return Ok(()),
            Ok(false) => Error::new(
                ErrorKind::KernelRefused,
                format!(
                    "the cgroup \"{}\" did not come to a stop in {} s",
                    freezer.dir().path,
                    PATIENCE / 1000
                ),
            )
            .hint("a process in it waits for a device or a file server"),
            Err(errno) => freezer.refused("freeze", errno),
        };
        let _ = freezer.write(false);
        Err(error)
    }

    /// Lets every process go on. A cgroup that is gone held nobody back.
    pub fn thaw(&self) -> Result<()> {
        let freezer = self.freezer_or_say()?;
        match freezer.write(false) {
            Ok(()) | Err(Errno::ENODEV | Errno::ENOENT) => Ok(()),
            Err(errno) => Err(freezer.refused("thaw", errno)),
        }
    }

    /// Whether the cgroup itself was told to freeze.
    pub fn is_frozen(&self) -> Result<bool> {
        let Some(freezer) = self.freezer() else { return Ok(false) };
        let (file, thawed) = match freezer {
            Freezer::V1(_) => ("freezer.state", "THAWED"),
            Freezer::V2(_) => ("cgroup.freeze", "0"),
        };
        match freezer.dir().read_once(file) {
            Ok(state) => Ok(state.trim() != thawed),
            Err(Errno::ENODEV | Errno::ENOENT) => Ok(false),
            Err(errno) => Err(freezer.refused("ask for the state of", errno)),
        }
    }
}

/// v1 tells nobody when it is done, and what is born while it freezes can keep it at FREEZING: writing again takes
/// those in (kernel 5.4 and later still need it).
fn freeze_v1(dir: &Dir) -> estiba_sys::Result<bool> {
    let deadline = Deadline::after(PATIENCE);
    loop {
        dir.write("freezer.state", "FROZEN")?;
        if dir.read("freezer.state")?.trim() == "FROZEN" {
            return Ok(true);
        }
        if !wait::pause(&deadline)? {
            return Ok(false);
        }
    }
}
