// SPDX-License-Identifier: Apache-2.0
//! Carries a plan out: opens what init is handed, starts the image, reads its reports.

mod processors;
mod stage;
mod trees;
mod user_namespace;

use crate::agent;
use crate::cgroup::ELSEWHERE;
use crate::error::{Error, ErrorKind, Result};
use crate::explain;
use crate::image::IMAGE;
use crate::plan::{Handed, Origin, Plan, UserNamespace};
use alloc::ffi::CString;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use estiba_init::plan::{LISTENING, PAUSED, PROOF, READY, REPORT, REPORT_FD, Report};
use estiba_sys::clone::{self, CloneError, Failed, Launch, NewUser, Visit};
use estiba_sys::fd::{self, BorrowedFd, CWD, OwnedFd, RawFd};
use estiba_sys::{Errno, fs, memory, mount, process, signal, socket};

/// What a launch needs beyond the plan, all of it open.
#[derive(Default)]
pub struct Given<'a> {
    pub stdio: Option<[RawFd; 3]>,
    /// The gate and the outcome FIFO.
    pub gate: Option<(OwnedFd, OwnedFd)>,
    pub terminal: Option<OwnedFd>,
    /// The state for hooks inside: an unsealed memfd, filled once the pid is known.
    pub state: Option<OwnedFd>,
    /// The memory of a trace, which the verb keeps.
    pub trace: Option<RawFd>,
    pub container: Option<BorrowedFd<'a>>,
    pub cgroup: Option<BorrowedFd<'a>>,
    pub cgroup_tasks: &'a [RawFd],
}

/// An init at work.
#[derive(Debug)]
pub struct Launched {
    pub pid: i32,
    pub pidfd: OwnedFd,
    report: OwnedFd,
}

/// What init said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Said {
    /// At a pause: runtime hooks may run.
    Paused,
    /// At the gate.
    Ready,
    /// About to load a seccomp filter with a listener.
    Listening(Report),
    Failed(Report),
    /// The socket closed: the program runs, or init is dead.
    Closed,
}

/// The error of a process that has gone without a word.
pub fn died(who: &str) -> Error {
    Error::new(ErrorKind::KernelRefused, format!("{who} ended before it was ready"))
        .hint("somebody has killed it, or a memory limit is too small to start in: see the kernel's log")
}

impl Launched {
    pub fn next(&self) -> Result<Said> {
        let mut bytes = [0; REPORT];
        let n = self.read(&mut bytes).map_err(|errno| Error::refused("read init's report", errno))?;
        let report = Report::from_bytes(&bytes);
        Ok(match (n, report.step) {
            (REPORT, READY) => Said::Ready,
            (REPORT, PAUSED) => Said::Paused,
            (REPORT, LISTENING) => Said::Listening(report),
            (REPORT, _) => Said::Failed(report),
            _ => Said::Closed,
        })
    }

    /// What follows a failed FindProgram: a missing interpreter or loader, a machine number. Read until init's end.
    pub fn proof(&self) -> Vec<u8> {
        let mut bytes = [0; PROOF];
        let n = self.read(&mut bytes).unwrap_or(0);
        bytes[..n].to_vec()
    }

    fn read(&self, bytes: &mut [u8]) -> core::result::Result<usize, Errno> {
        match fd::read(self.report.borrow(), bytes) {
            // Init ended before it took our answer: that is told first, what it said comes after (unix(7)).
            Err(Errno::ECONNRESET) => fd::read(self.report.borrow(), bytes),
            read => read,
        }
    }

    /// The commit, or "go on" after a pause; carries the signals that init must stop ignoring.
    pub fn answer(&self, ignored: u64) -> Result<()> {
        self.send(&ignored.to_le_bytes())
    }

    fn send(&self, bytes: &[u8]) -> Result<()> {
        match socket::send(self.report.borrow(), bytes) {
            Ok(_) => Ok(()),
            // Init is gone, in the second case with something unread (unix(7)): `next` says why.
            Err(Errno::EPIPE | Errno::ECONNRESET) => Ok(()),
            Err(errno) => Err(Error::refused("answer init", errno)),
        }
    }

    /// Kills and reaps; after this nothing of it is left.
    pub fn end(&self) {
        const SIGKILL: i32 = 9;
        let _ = signal::send(self.pidfd.borrow(), SIGKILL);
        let _ = process::reap(self.pidfd.borrow());
    }
}

/// Are the descriptors to be preserved the caller's? To be asked before anything is opened: what the runtime itself opens
/// takes the numbers that are free, and the container would get it.
pub fn check_preserved(count: u32) -> Result<()> {
    let mut numbers = 3..count.saturating_add(3);
    match numbers.find(|number| !i32::try_from(*number).is_ok_and(fd::is_open)) {
        Some(closed) => {
            let message = format!("descriptor {closed} is to be preserved and is not open");
            Err(Error::new(ErrorKind::ConfigInvalid, message)
                .hint("--preserve-fds N passes the descriptors 3 to N+2, all of them open"))
        }
        None => Ok(()),
    }
}

pub fn launch(plan: &Plan, given: Given<'_>) -> Result<Launched> {
    let own = |what: &'static str| move |errno| Error::refused(what, errno);
    let steps =
        memory::sealed(c"estiba-plan", &plan.steps.image(), false).map_err(own("make the plan's memfd"))?;
    let (ours, theirs) = socket::pair().map_err(own("make init's report socket"))?;
    let opened = open_handed(plan, &given)?;
    // Last, so that its number is above those that init's descriptors get, and it need not be moved out of their way.
    let image = image().map_err(own("make init's file"))?;
    let mut fds = Vec::with_capacity(8 + opened.len());
    fds.extend([steps.raw(), theirs.raw()]);
    let gate = given.gate.as_ref().map(|(gate, outcome)| [gate.raw(), outcome.raw()]);
    // Without a gate its two numbers are taken by copies of the report, closed by nobody and lost at exec.
    fds.extend(gate.unwrap_or([theirs.raw(); 2]));
    fds.extend(opened.iter().map(Given::number));
    let visited = plan.born.visits.iter().map(Visited::open).collect::<Result<Vec<Visited>>>()?;
    let visits: Vec<Visit<'_>> = visited.iter().map(Visited::as_visit).collect();
    let mut maps_failed = None;
    let maps_now = matches!(plan.born.user, UserNamespace::New { .. }) && !plan.born.staged;
    let mut write_maps = |pid: i32| -> core::result::Result<(), Errno> {
        user_namespace::write_own(pid, &plan.born.user).map_err(|error| {
            let errno = error.errno.unwrap_or(Errno::EPERM);
            maps_failed = Some(error);
            errno
        })?;
        socket::send(ours.borrow(), &[1]).map(drop)
    };
    let mut room = alloc::vec![-1; fds.len() + clone::MORE_MOVED];
    let _visit = processors::Visit::to(plan.born.affinity.as_deref())?;
    let launched = clone::launch(Launch {
        image: image.borrow(),
        name: c"estiba-init",
        stdio: given.stdio,
        fds: &mut fds,
        room: &mut room,
        namespaces: if plan.born.staged { 0 } else { plan.born.new },
        cgroup: given.cgroup,
        cgroup_tasks: given.cgroup_tasks,
        visits: &visits,
        new_user: maps_now
            .then_some(NewUser { write_maps: &mut write_maps, wait_on: (REPORT_FD - 3) as usize }),
        identity: match plan.born.user {
            UserNamespace::New { identity, .. } => identity,
            _ => (0, 0),
        },
        time_offsets: plan.born.time_offsets.as_ref().map(|text| text.as_bytes()),
    })
    .map_err(|error| maps_failed.take().unwrap_or_else(|| describe(error, plan)))?;
    let launched = Launched { pid: launched.pid, pidfd: launched.pidfd, report: ours };
    drop(theirs);
    if plan.born.staged { stage::pass(launched, plan) } else { Ok(launched) }
}

/// Init's file: nobody can write to it, so a container that reaches it by /proc/PID/exe can do nothing with it
/// (CVE-2019-5736). Where vm.memfd_noexec=2 refuses the memfd, it lies on a file system that is mounted nowhere.
fn image() -> core::result::Result<OwnedFd, Errno> {
    match memory::sealed(c"estiba-init", IMAGE, true) {
        Err(Errno::EACCES) => image_on_own_mount(),
        made => made,
    }
}

fn image_on_own_mount() -> core::result::Result<OwnedFd, Errno> {
    let attributes = mount::ATTR_NOSUID | mount::ATTR_NODEV;
    let tree = mount::new_filesystem(c"tmpfs", None, &mut core::iter::empty(), attributes)?;
    let flags = fs::O_WRONLY | fs::O_CREAT | fs::O_EXCL;
    // Closed before it is executed: a file that is open to write is busy (execve(2), ETXTBSY).
    fs::open(tree.borrow(), c"init", flags, 0o111).and_then(|file| fd::write_all(file.borrow(), IMAGE))?;
    let readonly = mount::Attributes { set: mount::ATTR_RDONLY, ..Default::default() };
    mount::set_attributes(tree.borrow(), &readonly, false)?;
    fs::open(tree.borrow(), c"init", fs::O_PATH, 0)
}

/// A handed descriptor: opened for init, or somebody else's.
enum Open {
    Own(OwnedFd),
    Theirs(RawFd),
}

impl Given<'_> {
    fn number(open: &Open) -> RawFd {
        match open {
            Open::Own(fd) => fd.raw(),
            Open::Theirs(fd) => *fd,
        }
    }
}

fn open_handed(plan: &Plan, given: &Given<'_>) -> Result<Vec<Open>> {
    let lost = |what: &str| Error::internal(format!("the plan hands {what} to init and the verb gave none"));
    plan.handed
        .iter()
        .map(|handed| {
            Ok(match handed {
                Handed::Namespace { path, origin } => Open::Own(open_joined(path, *origin)?),
                Handed::Tree(tree) => Open::Own(trees::clone(tree)?),
                Handed::Terminal => {
                    Open::Theirs(given.terminal.as_ref().ok_or_else(|| lost("a terminal's socket"))?.raw())
                }
                Handed::State => Open::Theirs(given.state.as_ref().ok_or_else(|| lost("the state"))?.raw()),
                Handed::Trace => Open::Theirs(given.trace.ok_or_else(|| lost("the memory of a trace"))?),
                Handed::Taken => Open::Own(agent::not_taken_yet()?),
                Handed::Container => Open::Theirs(given.container.ok_or_else(|| lost("a container"))?.raw()),
                Handed::Kept(number) => Open::Theirs(*number), // see `check_preserved`
            })
        })
        .collect()
}

fn c_path(path: &str) -> Result<CString> {
    CString::new(path)
        .map_err(|_| Error::new(ErrorKind::ConfigInvalid, format!("{path:?} holds a NUL character")))
}

fn at(error: Error, origin: Origin) -> Error {
    match origin.pointer() {
        Some(pointer) => error.at(pointer),
        None => error,
    }
}

/// Without waiting: a FIFO that stands there would have no writer.
fn open_namespace(path: &str, origin: Origin) -> Result<OwnedFd> {
    fs::open(CWD, &c_path(path)?, fs::O_RDONLY | fs::O_NONBLOCK, 0)
        .map_err(|errno| at(Error::refused(format!("open the namespace {path:?}"), errno), origin))
}

/// A namespace that init joins. In a mount namespace it replaces "/", which must not be the runtime's own; its own user
/// namespace nobody can join (setns(2)).
fn open_joined(path: &str, origin: Origin) -> Result<OwnedFd> {
    let namespace = open_namespace(path, origin)?;
    let Ok(joined) = fs::status(namespace.borrow()) else { return Ok(namespace) };
    let is = |own| {
        fs::status_at(CWD, own, true)
            .is_ok_and(|own| (joined.device, joined.inode) == (own.device, own.inode))
    };
    let (name, hint) = if is(c"/proc/thread-self/ns/mnt") {
        ("mount", "leave the path out for a new one: the root of this one would be replaced")
    } else if is(c"/proc/thread-self/ns/user") {
        ("user", "leave the entry out: a container without one is in this one already")
    } else {
        return Ok(namespace);
    };
    let message = format!("{path:?} is the {name} namespace of the runtime itself");
    Err(at(Error::new(ErrorKind::ConfigInvalid, message), origin).hint(hint))
}

/// A namespace that the calling thread enters before init is born.
struct Visited {
    enter: OwnedFd,
    back: OwnedFd,
    kind: u64,
}

impl Visited {
    fn open((kind, path, origin): &(u64, String, Origin)) -> Result<Visited> {
        let own = explain::namespace_file(*kind);
        Ok(Visited {
            enter: open_namespace(path, *origin)?,
            back: open_namespace(&format!("/proc/thread-self/ns/{own}"), Origin::Runtime)?,
            kind: *kind,
        })
    }

    fn as_visit(&self) -> Visit<'_> {
        Visit { enter: self.enter.borrow(), back: self.back.borrow(), kind: self.kind }
    }
}

/// The child failed before init ran.
fn describe(error: CloneError, plan: &Plan) -> Error {
    let CloneError { failed, errno } = error;
    let (what, pointer) = match failed {
        Failed::Clone => ("start init in its new namespaces", Some("/linux/namespaces")),
        Failed::Cgroup => ("join the container's cgroup", Some("/linux/cgroupsPath")),
        Failed::Descriptors => ("arrange init's descriptors", None),
        Failed::Maps => ("write the maps of the new user namespace", Some("/linux/uidMappings")),
        Failed::Identity => ("take an id that the user namespace maps", Some("/linux/uidMappings")),
        Failed::TimeOffsets => ("set the offsets of the time namespace", Some("/linux/timeOffsets")),
        Failed::Image => ("execute init from its memfd", None),
    };
    let error = Error::refused(what, errno);
    let error = match pointer {
        Some(pointer) => error.at(pointer),
        None => error,
    };
    match (failed, errno, &plan.born.user) {
        (Failed::Clone, Errno::EACCES, _) => error.at("/linux/cgroupsPath").hint(ELSEWHERE),
        (Failed::Clone, Errno::ENOSPC, _) => {
            error.hint("a limit of /proc/sys/user/max_*_namespaces is reached")
        }
        (Failed::Image, Errno::ENOMEM, _) => {
            error.hint("the memory limit of the container's cgroup is too small to start in")
        }
        (Failed::Clone, Errno::EPERM, UserNamespace::Same) => error
            .hint("without root the config needs a user namespace: see `estiba spec --rootless`".to_string()),
        _ => error,
    }
}
