// SPDX-License-Identifier: Apache-2.0
//! The loop: each step in order, the first failure reported and the end.

use crate::plan::{Detail, GATE_FD, OUTCOME_FD, PAUSED, PLAN_FD, READY, REPORT_FD, Report, Steps};
use crate::program::Proof;
use crate::step::Step;
use crate::{bind, console, devices, filter, hooks, identity, mounts, path, program, stage};
use core::ffi::CStr;
use core::sync::atomic::{AtomicU64, Ordering};
use estiba_sys::fd::{self, BorrowedFd, OwnedFd};
use estiba_sys::{Errno, clock, fs, memory, mount, namespace, process, signal, socket};

/// Why a step failed.
#[derive(Clone, Copy, Debug)]
pub struct Failure {
    pub errno: Errno,
    pub detail: Detail,
}

impl From<Errno> for Failure {
    fn from(errno: Errno) -> Failure {
        Failure { errno, detail: Detail::None }
    }
}

impl Failure {
    pub fn new(detail: Detail, errno: Errno) -> Failure {
        Failure { errno, detail }
    }
}

pub type Outcome = Result<(), Failure>;

/// What earlier steps leave for later ones.
pub struct Init<'a> {
    root: Option<OwnedFd>,
    folder: Option<OwnedFd>,
    folder_path: &'a CStr,
    /// Where the last file system without folders was mounted, not counting those inside it.
    empty: Option<&'a CStr>,
    /// What the last bind mounted; None after one that copied a link.
    bound: Option<OwnedFd>,
    program: Option<&'a CStr>,
    /// "HOME=..." with its NUL; empty if the config sets it.
    home: [u8; 512],
    directory_refused: bool,
    /// Where failures go: the report socket, after the gate the outcome FIFO.
    report_to: BorrowedFd<'static>,
    scratch: &'a mut [u8],
    /// What the program names and the root lacks, for the error's sentence.
    proof: Proof,
    /// Where the time of each step goes; empty where nobody asked, and once a filter might kill for asking the time.
    stamps: &'static [AtomicU64],
}

impl Init<'_> {
    /// The opened root: paths of the container are resolved inside it.
    pub fn root(&self) -> Result<BorrowedFd<'_>, Failure> {
        self.root.as_ref().map(OwnedFd::borrow).ok_or(Failure::from(Errno::EBADF))
    }

    fn let_go(&mut self) {
        self.root = None;
        self.folder = None;
        self.bound = None;
    }

    fn folder(&self) -> Result<BorrowedFd<'_>, Failure> {
        self.folder.as_ref().map(OwnedFd::borrow).ok_or(Failure::from(Errno::EBADF))
    }
}

/// The image's whole life.
pub fn main() -> ! {
    let damaged = || {
        report(BorrowedFd::numbered(REPORT_FD), 0, Failure::from(Errno::EINVAL));
        process::exit(126)
    };
    process::set_umask(0);
    // Whoever is in a namespace that init joins may not look into it or trace it, also where both are root: until the
    // program runs it has rights that the container lacks and no seccomp filter (CVE-2016-9962). An exec takes it back.
    process::set_dumpable(0);
    let Ok(image) = memory::map_private(BorrowedFd::numbered(PLAN_FD)) else { damaged() };
    fd::close(PLAN_FD);
    let Some((steps, scratch)) = Steps::open(image) else { damaged() };
    let mut init = Init {
        root: None,
        folder: None,
        folder_path: c"/",
        empty: None,
        bound: None,
        program: None,
        home: [0; 512],
        directory_refused: false,
        report_to: BorrowedFd::numbered(REPORT_FD),
        scratch,
        proof: Proof::default(),
        stamps: &[],
    };
    let mut number = 0u32;
    for step in steps {
        if let Some(stamp) = init.stamps.get(number as usize) {
            stamp.store(clock::wall_nanoseconds(), Ordering::Relaxed);
        }
        let done = match step {
            Some(step) => perform(&mut init, step),
            None => Err(Failure::from(Errno::EINVAL)),
        };
        if let Err(failure) = done {
            report(init.report_to, number, failure);
            if !init.proof.bytes().is_empty() {
                let _ = fd::write(init.report_to, init.proof.bytes());
            }
            process::exit(126);
        }
        number = number.wrapping_add(1);
    }
    damaged()
}

fn report(to: BorrowedFd<'_>, step: u32, failure: Failure) {
    let report = Report { step, errno: failure.errno.0, detail: failure.detail as u16 };
    let _ = fd::write(to, &report.to_bytes());
}

/// Reads the parent's answer; its end means that nobody will ever start this container.
fn answer() -> Result<u64, Failure> {
    let mut bytes = [0; 8];
    match fd::read(BorrowedFd::numbered(REPORT_FD), &mut bytes)? {
        8 => Ok(u64::from_le_bytes(bytes)),
        _ => process::exit(126),
    }
}

/// Out of line, as is each function with a large buffer: entering a function touches every page of its frame, what was
/// inlined into it included, and a waiting init keeps the pages that were touched.
#[inline(never)]
fn perform<'a>(init: &mut Init<'a>, step: Step<'a>) -> Outcome {
    match step {
        Step::Pause { point } => {
            let paused = Report { step: PAUSED, errno: 0, detail: point };
            fd::write(BorrowedFd::numbered(REPORT_FD), &paused.to_bytes())?;
            answer().map(drop)
        }
        Step::Trace { fd } => {
            init.stamps = memory::map_words(OwnedFd::take(fd).borrow())?;
            Ok(())
        }
        Step::NewSession {} => done(process::new_session()),
        Step::NewKeyring { name } => identity::new_keyring(name),
        Step::Join { fd, kinds } => done(namespace::join(OwnedFd::take(fd).borrow(), kinds)),
        Step::Unshare { kinds } => done(namespace::unshare(kinds)),
        Step::TimeOffsets { text } => stage::set_time_offsets(text),
        Step::Beside { namespaces } => stage::go_on_beside(namespaces),
        Step::Hostname { name } => done(namespace::set_hostname(name)),
        Step::Domainname { name } => done(namespace::set_domainname(name)),
        Step::LoopbackUp {} => done(socket::loopback_up()),
        Step::Propagation { flags } => done(mount::mount(None, c"/", None, flags, None)),
        Step::OpenRoot { path, bind } => {
            init.root = Some(mounts::open_root(path, bind)?);
            Ok(())
        }
        Step::MountFilesystem { target, kind, source, flags, data, strict } => {
            let what = mounts::Filesystem { kind, source, flags, data };
            let likely = mounts::likely(target, init.empty);
            mounts::mount_filesystem(init.root()?, target, strict, likely, &what)?;
            if what.is_empty() && likely == mounts::Likely::There {
                init.empty = Some(target);
            }
            Ok(())
        }
        Step::MountFilled { target, kind, source, options, set, keep_mode, copy_up, label } => {
            let what = mounts::Filled { kind, source, options, set, keep_mode, copy_up, label };
            mounts::mount_filled(init.root()?, target, &what)
        }
        Step::MountBind { target, source, fd, recursive, set, clear, strict, links } => {
            let tree = match source {
                Some(path) => bind::clone_source(path, recursive, links)?,
                None => OwnedFd::take(fd),
            };
            let attributes = mount::Attributes { set, clear, ..Default::default() };
            init.bound = bind::bind(init.root()?, target, strict, tree, links, &attributes)?;
            Ok(())
        }
        Step::ChangeMount { target, set, clear, propagation, recursive, held } => {
            let attributes = mount::Attributes { set, clear, propagation, user_namespace: 0 };
            let found = if held { None } else { Some(path::open_in(init.root()?, target, 0)?) };
            let Some(at) = found.as_ref().or(init.bound.as_ref()) else { return Ok(()) };
            done(mount::set_attributes(at.borrow(), &attributes, recursive))
        }
        Step::OpenFolder { path } => {
            init.folder = Some(path::make_dirs(init.root()?, path, 0o755)?);
            init.folder_path = path;
            Ok(())
        }
        Step::MakeDevice { name, mode, device, uid, gid } => {
            let folder = init.folder()?;
            match devices::make(folder, name, mode, device, uid, gid) {
                Err(Failure { errno: Errno::EPERM, .. }) if mode & fs::S_IFMT != fs::S_IFIFO => {
                    devices::bind_same(folder, init.folder_path, name, mode, device)
                }
                made => made,
            }
        }
        Step::BindDevice { path, source } => devices::bind(init.root()?, path, source),
        Step::MakeSymlink { name, target } => devices::make_symlink(init.folder()?, name, target),
        Step::Mask { path, data } => mounts::mask(init.root()?, path, data),
        Step::MakeReadonly { path } => mounts::make_readonly(init.root()?, path),
        Step::Sysctl { path, value } => identity::write_kernel_file(c"/proc/sys", path, value),
        Step::Terminal { socket, rows, columns, console, uid } => {
            let root = if console { Some(init.root()?) } else { None };
            console::open(OwnedFd::take(socket), (rows, columns), root, uid)
        }
        Step::PartFromHost { path } => mounts::part_from_host(path),
        Step::PivotRoot { shared } => mounts::pivot(init.root()?, shared),
        Step::MoveRoot {} => mounts::move_root(init.root()?),
        Step::ChangeRoot {} => {
            fs::change_dir_to(init.root()?)?;
            fs::change_root(c".")?;
            init.let_go();
            Ok(())
        }
        Step::ChangeRootMount { set, propagation } => {
            mounts::change_root_mount(init.root()?, set, propagation)
        }
        Step::CloseRoot {} => {
            init.let_go();
            Ok(())
        }
        other => perform_on_process(init, other),
    }
}

fn perform_on_process<'a>(init: &mut Init<'a>, step: Step<'a>) -> Outcome {
    match step {
        Step::Limit { resource, soft, hard } => done(process::set_limit(resource, soft, hard)),
        Step::Umask { mask } => {
            process::set_umask(mask);
            Ok(())
        }
        Step::Personality { persona } => done(process::set_personality(persona)),
        Step::IoPriority { priority } => done(process::set_io_priority(priority)),
        Step::Scheduler {
            policy,
            flags,
            nice,
            priority,
            runtime,
            deadline,
            period,
            utilization_min,
            utilization_max,
        } => done(process::set_scheduler(&process::SchedulerAttributes {
            size: 0,
            policy,
            flags,
            nice,
            priority,
            runtime,
            deadline,
            period,
            utilization_min,
            utilization_max,
        })),
        Step::MemoryPolicy { mode, nodes } => identity::set_memory_policy(mode, nodes),
        Step::Affinity { mask } => done(process::set_affinity(mask)),
        Step::LabelExec { attribute, label } => identity::write_kernel_file(c"/proc/self", attribute, label),
        Step::ChangeDir { path, make } => {
            init.directory_refused = !program::change_dir(path, make)?;
            Ok(())
        }
        Step::ChangeDirAgain { path } if init.directory_refused => {
            fs::change_dir(path)?;
            program::check_inside_root()
        }
        Step::ChangeDirAgain { .. } => Ok(()),
        Step::NoNewPrivileges {} => done(process::no_new_privileges()),
        Step::BoundingSet { keep } => identity::keep_in_bounding_set(keep),
        Step::Identity { uid, gid, groups } => identity::take_ids(uid, gid, groups),
        Step::Capabilities { effective, permitted, inheritable, ambient } => {
            identity::take_capabilities(effective, permitted, inheritable, ambient)
        }
        Step::FindProgram { candidates, home, foreign } => {
            init.program = Some(program::find(candidates, foreign, &mut init.proof)?);
            if let Some(uid) = home {
                program::find_home(uid, &mut init.home);
            }
            Ok(())
        }
        Step::Commit {} => {
            signal::reset(answer()?);
            Ok(())
        }
        Step::Gate {} => wait_at_gate(init),
        Step::Hook { path, argv, env, seconds, state } => {
            hooks::run(path, argv, env, seconds, state, init.scratch)
        }
        Step::Seccomp { flags, program, taken } => {
            init.stamps = &[];
            match taken {
                None => done(process::load_seccomp_filter(program, flags)),
                Some(taken) => filter::load_with_listener(program, flags, taken, init.report_to),
            }
        }
        Step::KeepDescriptors { from, count } => keep_descriptors(init, from, count),
        Step::Execute { argv, env } => {
            let path = init.program.ok_or(Errno::ENOENT)?;
            let home = CStr::from_bytes_until_nul(&init.home).ok().filter(|home| !home.is_empty());
            let mut env = env.iter().chain(home);
            Err(Failure::from(process::execute(path, argv, &mut env, init.scratch)))
        }
        // The steps of `perform`, by name, so that a new one is missed by the compiler and not at run time.
        Step::Pause { .. }
        | Step::Trace { .. }
        | Step::NewSession {}
        | Step::NewKeyring { .. }
        | Step::Join { .. }
        | Step::Unshare { .. }
        | Step::TimeOffsets { .. }
        | Step::Beside { .. }
        | Step::Hostname { .. }
        | Step::Domainname { .. }
        | Step::LoopbackUp {}
        | Step::Propagation { .. }
        | Step::OpenRoot { .. }
        | Step::MountFilesystem { .. }
        | Step::MountFilled { .. }
        | Step::MountBind { .. }
        | Step::ChangeMount { .. }
        | Step::OpenFolder { .. }
        | Step::MakeDevice { .. }
        | Step::BindDevice { .. }
        | Step::MakeSymlink { .. }
        | Step::Mask { .. }
        | Step::MakeReadonly { .. }
        | Step::Sysctl { .. }
        | Step::Terminal { .. }
        | Step::PartFromHost { .. }
        | Step::PivotRoot { .. }
        | Step::MoveRoot {}
        | Step::ChangeRoot {}
        | Step::ChangeRootMount { .. }
        | Step::CloseRoot {} => Err(Failure::from(Errno::ENOSYS)),
    }
}

fn done<T>(result: estiba_sys::Result<T>) -> Outcome {
    result.map(drop).map_err(Failure::from)
}

/// Says that all is set up, and blocks until `start` writes. From here on failures go to whoever starts.
fn wait_at_gate(init: &mut Init<'_>) -> Outcome {
    let ready = Report { step: READY, errno: 0, detail: 0 };
    fd::write(BorrowedFd::numbered(REPORT_FD), &ready.to_bytes())?;
    fd::close(REPORT_FD);
    init.report_to = BorrowedFd::numbered(OUTCOME_FD);
    let opened = fd::read(BorrowedFd::numbered(GATE_FD), &mut [0])?;
    fd::close(GATE_FD);
    if opened == 1 { Ok(()) } else { process::exit(126) }
}

/// Moves the caller's descriptors onto 3.., and lets nothing else pass the exec.
fn keep_descriptors(init: &mut Init<'_>, from: i32, count: i32) -> Outcome {
    if count > 0 {
        let above = from.wrapping_add(count);
        init.report_to = BorrowedFd::numbered(fd::duplicate_from(init.report_to, above)?.release());
    }
    for i in 0..count {
        fd::duplicate_onto(BorrowedFd::numbered(from.wrapping_add(i)), 3i32.wrapping_add(i))?;
    }
    done(fd::close_on_exec_from(3i32.wrapping_add(count)))
}
