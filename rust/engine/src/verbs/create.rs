// SPDX-License-Identifier: Apache-2.0
//! `create`: everything but the program's start. The record stands before the first side effect; on failure all is
//! undone and only a bounded note for `why` is left.

use super::live::Container;
use super::{CgroupManager, Started};
use crate::agent::{self, Filtered};
use crate::cgroup::{Cgroup, Membership, PlaceRequest, place};
use crate::error::{Error, ErrorKind, Result};
use crate::explain::{self, START_HOOKS};
use crate::failures::{self, Failed, Phase};
use crate::foreground;
use crate::host::Host;
use crate::launch::{self, Given, Launched, Said};
use crate::plan::{self, Options, Origin, Plan};
use crate::seccomp::{self, Filter, kept};
use crate::spec::seccomp::{Listener, Profile};
use crate::spec::{self, Spec, Text};
use crate::state::{self, FORMAT, Folder, Record, Status};
use crate::trace::{self, Trace};
use crate::{clock, console, hooks, oci_state, proc};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use estiba_sys::OwnedFd;
use serde_json::value::RawValue;

pub struct Request<'a> {
    pub root: &'a str,
    pub id: &'a str,
    /// Absolute.
    pub bundle: &'a str,
    /// Where the config was read, if not in the bundle's config.json; absolute.
    pub config_file: Option<&'a str>,
    pub pid_file: Option<&'a str>,
    pub console_socket: Option<&'a str>,
    pub preserve_fds: u32,
    pub no_pivot: bool,
    pub no_new_keyring: bool,
    pub stdio: Option<[i32; 3]>,
    pub cgroup_manager: CgroupManager,
    /// Wait for `start` before the program runs.
    pub gate: bool,
    /// Note when each phase begins.
    pub trace: bool,
}

/// Creates a container of a config's text, which Python has judged.
pub fn create(request: &Request<'_>, text: &[u8]) -> Result<Started> {
    let mut trace = Trace::new(request.trace);
    trace.mark("read the config");
    let spec = spec::parse(text)?;
    let filter = spec.linux.seccomp.and_then(|profile| kept::find(request.root, profile.get()));
    make(request, spec, filter, None, trace).map(|(started, _)| started)
}

/// Creates a container of a config that is proved; `filter`: of its seccomp profile, where one is kept.
pub fn create_proved(request: &Request<'_>, spec: Spec<'_>, filter: Option<Filter>) -> Result<Started> {
    make(request, spec, filter, None, Trace::new(request.trace)).map(|(started, _)| started)
}

/// Returns the container too, locked, for who goes on with it. `terminal`: a connected socket that takes the container's
/// terminal, instead of the console socket's path.
pub(super) fn make(
    request: &Request<'_>,
    mut spec: Spec<'_>,
    filter: Option<Filter>,
    terminal: Option<OwnedFd>,
    mut trace: Trace,
) -> Result<(Started, Container)> {
    if let (Some(process), Some(_)) = (&mut spec.process, &terminal) {
        foreground::take_callers_size(process);
    }
    trace.mark("look at the host");
    let host = Host::read()?.with_labels(spec.process.as_ref(), spec.linux.mount_label.as_deref());
    trace.mark("take the state folder");
    let folder = Folder::make(request.root, request.id)?;
    let mut undo = Undo::default();
    match create_in(&folder, request, (&spec, filter), &host, terminal, &mut undo, &mut trace) {
        Ok((started, text)) => Ok((started, Container::new(folder, text))),
        Err(error) => {
            let phase = undo.phase(&error);
            let error = undo.all(folder, error, &spec);
            let failed =
                Failed { verb: "create", phase, bundle: Some(request.bundle), config: request.config_file };
            failures::note(request.root, request.id, &failed, &error);
            Err(error)
        }
    }
}

/// What has been done so far, to be taken back in reverse.
#[derive(Default)]
struct Undo {
    /// From now on something is made; what fails within the cgroup takes its own back.
    begun: bool,
    cgroup: Option<Cgroup>,
    launched: Option<Launched>,
    /// The stopped container's state, for poststop hooks: they run once init was born (runtime.md "Lifecycle").
    stopped: Option<String>,
}

impl Undo {
    /// How far `create` came before this error.
    fn phase(&self, error: &Error) -> Phase {
        match (&self.cgroup, &self.launched) {
            _ if error.kind == ErrorKind::HookFailed => Phase::Hook,
            (None, _) if !self.begun => Phase::Plan,
            (_, None) => Phase::Cgroup,
            (_, Some(_)) => Phase::Init,
        }
    }

    fn all(self, folder: Folder, error: Error, spec: &Spec<'_>) -> Error {
        if let Some(launched) = &self.launched {
            launched.end();
        }
        // What the program has started may outlive it, where the container shares a pid namespace.
        let removed = self.cgroup.map_or(Ok(()), |cgroup| cgroup.end());
        let hooks =
            self.stopped.map(|state| hooks::run_each("/hooks/poststop", &spec.hooks.poststop, &state));
        // The record stays while there is something that it names.
        let removed = removed.and_then(|()| folder.remove()).err();
        let also = hooks.unwrap_or_default().into_iter().chain(removed);
        also.fold(error, |error, second| Error {
            message: format!("{}; and undoing it: {second}", error.message),
            ..error
        })
    }
}

fn create_in(
    folder: &Folder,
    request: &Request<'_>,
    (spec, kept_filter): (&Spec<'_>, Option<Filter>),
    host: &Host,
    terminal: Option<OwnedFd>,
    undo: &mut Undo,
    trace: &mut Trace,
) -> Result<(Started, String)> {
    trace.mark("compile the seccomp profile");
    let new_profile = spec.linux.seccomp.filter(|_| kept_filter.is_none());
    let (filter, listener) = match new_profile {
        Some(profile) => compile(profile)?,
        None => (kept_filter, None),
    };
    trace.mark("find the cgroup's place");
    let asked = Some(&*spec.linux.cgroups_path).filter(|path| !path.is_empty());
    let place_request = PlaceRequest {
        manager: request.cgroup_manager,
        cgroups_path: asked,
        id: request.id,
        is_rootless: !host.is_privileged(),
    };
    let own = if place_request.needs_membership() { Membership::read()? } else { Membership::default() };
    let dirs = place(place_request, &host.layout, &own)?;
    let dirs = Cgroup::survey(dirs, &host.layout)?;
    trace.mark("plan");
    let options = Options {
        id: request.id,
        bundle: request.bundle,
        gate: request.gate,
        preserve_fds: request.preserve_fds,
        no_pivot: request.no_pivot,
        no_new_keyring: request.no_new_keyring,
        cgroup: &dirs,
        seccomp: filter.as_ref().map(|filter| (&filter.program[..], filter.flags)),
        trace: request.trace,
        ..Options::default()
    };
    let plan = plan::create(spec, host, &options)?;
    trace.mark("write the record");
    let mut record = first_record(request, spec, dirs.clone());
    record.seccomp_listener = listener;
    if !spec.hooks.start_container.is_empty() {
        record.start_hooks = plan.steps.first_of(Origin::Item(START_HOOKS, 0));
    }
    folder.write(&record)?;
    if let Some(filter) = &filter {
        folder.write_file(state::FILTER, &[&filter.flags.to_le_bytes()[..], &filter.program].concat())?;
    }
    trace.mark("make the cgroup");
    let Undo { begun, cgroup, launched, stopped } = undo;
    *begun = true;
    let resources = &spec.linux.resources;
    let (made, born_in) = match request.cgroup_manager {
        CgroupManager::Disabled => (Cgroup::none(resources, &host.layout)?, None),
        CgroupManager::Cgroupfs | CgroupManager::Systemd => {
            Cgroup::create(dirs, resources, &host.layout, !host.is_privileged())?
        }
    };
    let cgroup = &*cgroup.insert(made);
    trace.mark("open what init is handed");
    let mut given = Given { stdio: request.stdio, trace: trace.watch(&plan)?, ..Given::default() };
    if request.gate {
        given.gate = Some((folder.make_fifo(state::GATE)?, folder.make_fifo(state::OUTCOME)?));
    }
    given.terminal = terminal_for(&plan, request, terminal)?;
    given.state = hooks::state_for_init(&plan)?;
    let tasks = cgroup.open_tasks()?;
    let task_numbers: Vec<i32> = tasks.iter().map(OwnedFd::raw).collect();
    let state_fd = given.state.as_ref().map(hooks::duplicate).transpose()?;
    let given = Given { cgroup: born_in.as_ref().map(OwnedFd::borrow), cgroup_tasks: &task_numbers, ..given };
    trace.mark("clone init");
    let running = &*launched.insert(launch::launch(&plan, given)?);
    trace.mark("record init's pid");
    let stat = proc::stat(running.pid)?.ok_or_else(|| Error::internal("init ended before its record"))?;
    record.pid = running.pid;
    record.cgroup = cgroup.dirs().to_vec();
    record.start_time = stat.start_time;
    record.pidfd_inode = proc::pidfd_inode(&running.pidfd).filter(|_| folder.is_in_memory());
    if !spec.hooks.poststop.is_empty() {
        *stopped = Some(oci_state::text(&record, Status::Stopped.name()));
    }
    if let Some(score) = plan.oom_score_adj {
        set_oom_score(running.pid, score)?;
    }
    if let Some(state) = state_fd {
        let inside = Record { pid: proc::pid_inside(running.pid)?, ..record.clone() };
        hooks::fill_state(&state, &oci_state::text(&inside, "created"))?;
    }
    let gated = request.gate;
    let text = settle(folder, &plan, spec, &record, running, (gated, stat.ignored), trace)?;
    folder.set_created()?;
    if let (Some(profile), Some(filter)) = (new_profile, &filter) {
        kept::keep(request.root, profile.get(), filter);
    }
    if !gated && !spec.hooks.poststart.is_empty() {
        trace.mark("poststart hooks");
        hooks::run_all("/hooks/poststart", &spec.hooks.poststart, &oci_state::text(&record, "running"))?;
    }
    trace.mark(trace::END);
    if let Some(path) = request.pid_file {
        console::write_pid_file(path, running.pid)?;
    }
    let trace = trace.text()?;
    let Some(Launched { pid, pidfd, .. }) = launched.take() else {
        return Err(Error::internal("a launched init was lost"));
    };
    Ok((Started { pid, pidfd, warnings: plan.warnings, trace }, text))
}

/// From the launch to the moment when init waits at the gate, or the program runs. Returns the text of the record.
fn settle(
    folder: &Folder,
    plan: &Plan,
    spec: &Spec<'_>,
    record: &Record<'_>,
    launched: &Launched,
    (gated, ignored): (bool, u64),
    trace: &mut Trace,
) -> Result<String> {
    let program = &spec.process.as_ref().map(plan::program_name).unwrap_or_default();
    if plan.pauses {
        trace.mark("wait for init's namespaces");
        match launched.next()? {
            Said::Paused => {}
            Said::Failed(report) => return Err(explain::explain(plan, launched, report, program)),
            Said::Ready | Said::Closed | Said::Listening(_) => {
                return Err(launch::died("the container's init"));
            }
        }
        let state = oci_state::text(record, "creating");
        trace.mark("prestart hooks");
        hooks::run_all("/hooks/prestart", &spec.hooks.prestart, &state)?;
        trace.mark("createRuntime hooks");
        hooks::run_all("/hooks/createRuntime", &spec.hooks.create_runtime, &state)?;
        launched.answer(0)?;
    }
    trace.mark("write init's pid");
    let text = folder.write(record)?;
    launched.answer(ignored)?;
    trace.mark("wait for init");
    let mut said = launched.next()?;
    if let Said::Listening(report) = said {
        let (pid, pidfd) = (launched.pid, launched.pidfd.borrow());
        agent::deliver(agent::connect(record)?, Filtered { pid, pidfd, record, status: "creating" }, report)?;
        said = launched.next()?;
    }
    match said {
        Said::Ready => Ok(text),
        Said::Failed(report) => Err(explain::explain(plan, launched, report, program)),
        // Without a gate the end of the socket is the exec; with one it is a death.
        Said::Closed if !gated => Ok(text),
        Said::Closed | Said::Paused | Said::Listening(_) => Err(launch::died("the container's init")),
    }
}

/// The filter of a profile, and whom it asks: an action that notifies needs somebody to notify.
fn compile(profile: &RawValue) -> Result<(Option<Filter>, Option<Listener<'_>>)> {
    let profile = Profile::parse(profile)?;
    let filter = seccomp::compile(&profile)?;
    if !filter.notify {
        return Ok((Some(filter), None));
    }
    let path = profile.listener_path.filter(|path| !path.is_empty()).ok_or_else(|| {
        Error::new(ErrorKind::ConfigInvalid, "SCMP_ACT_NOTIFY needs an agent, and no listenerPath names one")
            .at("/linux/seccomp/listenerPath")
    })?;
    Ok((Some(filter), Some(Listener { path, metadata: profile.listener_metadata })))
}

fn first_record<'s>(
    request: &Request<'s>,
    spec: &'s Spec<'_>,
    cgroup: Vec<crate::cgroup::Dir>,
) -> Record<'s> {
    let borrow = |text: &'s str| Text(text.into());
    let root = spec.root.as_ref().map_or("", |root| &*root.path);
    let rootfs = if root.starts_with('/') { root.to_string() } else { format!("{}/{root}", request.bundle) };
    Record {
        format: FORMAT,
        oci_version: borrow(&spec.oci_version),
        id: borrow(request.id),
        bundle: borrow(request.bundle),
        config: request.config_file.map(borrow),
        rootfs: Text(rootfs.into()),
        pid: 0,
        start_time: 0,
        pidfd_inode: None,
        created: Text(clock::now().into()),
        annotations: spec.annotations.iter().map(|(key, value)| (borrow(key), borrow(value))).collect(),
        cgroup,
        namespaces: plan::namespaces_of(spec),
        personality: spec.linux.personality.clone(),
        memory_policy: spec.linux.memory_policy.clone(),
        seccomp_listener: None,
        start_hooks: None,
        poststart: spec.hooks.poststart.clone(),
        poststop: spec.hooks.poststop.clone(),
    }
}

fn terminal_for(plan: &Plan, request: &Request<'_>, given: Option<OwnedFd>) -> Result<Option<OwnedFd>> {
    match (plan.terminal, request.console_socket, given) {
        (true, Some(path), _) => console::connect(path).map(Some),
        (true, None, Some(socket)) => Ok(Some(socket)),
        (true, None, None) => {
            Err(Error::new(ErrorKind::ConfigInvalid, "a terminal is asked for and nothing takes it")
                .at("/process/terminal")
                .hint("give --console-socket, or set terminal to false"))
        }
        (false, Some(_), _) => Err(Error::new(
            ErrorKind::ConfigInvalid,
            "a console socket is given, but the process has no terminal",
        )
        .at("/process/terminal")
        .hint("leave --console-socket out, or set terminal to true")),
        (false, None, _) => Ok(None),
    }
}

/// Written by the parent, as an undumpable init does not own its own file.
pub fn set_oom_score(pid: i32, score: i32) -> Result<()> {
    let text: String = score.to_string();
    crate::cgroup::file::write_path(&format!("/proc/{pid}/oom_score_adj"), &text).map_err(|errno| {
        Error::refused(format!("set the OOM score to {score}"), errno)
            .at("/process/oomScoreAdj")
            .hint("only CAP_SYS_RESOURCE may lower it")
    })
}
