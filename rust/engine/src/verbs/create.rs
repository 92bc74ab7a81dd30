// SPDX-License-Identifier: Apache-2.0
//! `create`: everything but the program's start. The record stands before the first side effect; on failure all is
//! undone and only a bounded note for `why` is left.

use super::live::Container;
use super::{CgroupManager, Started};
use crate::agent::{self, Filtered};
use crate::cgroup::systemd::{self, NewScope};
use crate::cgroup::{Cgroup, Dir, Membership, PlaceRequest, Scope, place};
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
use alloc::vec;
use alloc::vec::Vec;
use estiba_init::plan::Report;
use estiba_sys::{OwnedFd, clone};
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

/// A config that the prover or Python has judged.
pub struct Judged<'a> {
    pub spec: Spec<'a>,
    /// Of its seccomp profile, where one is kept.
    pub filter: Option<Filter>,
}

/// Creates a container of a config's text, which Python has judged.
pub fn create(request: &Request<'_>, text: &[u8]) -> Result<Started> {
    let mut trace = Trace::new(request.trace);
    trace.mark("read the config");
    let spec = spec::parse(text)?;
    let filter = spec.linux.seccomp.and_then(|profile| kept::find(request.root, profile.get()));
    make(request, Judged { spec, filter }, None, trace).map(|(started, _)| started)
}

/// Creates a container of a config that is proved.
pub fn create_proved(request: &Request<'_>, judged: Judged<'_>) -> Result<Started> {
    make(request, judged, None, Trace::new(request.trace)).map(|(started, _)| started)
}

/// Returns the container too, locked, for who goes on with it. `terminal`: a connected socket that takes the container's
/// terminal, instead of the console socket's path.
pub(super) fn make(
    request: &Request<'_>,
    judged: Judged<'_>,
    terminal: Option<OwnedFd>,
    mut trace: Trace,
) -> Result<(Started, Container)> {
    launch::check_preserved(request.preserve_fds)?;
    let Judged { mut spec, filter } = judged;
    if let (Some(process), Some(_)) = (&mut spec.process, &terminal) {
        foreground::take_callers_size(process);
    }
    trace.mark("look at the host");
    let host = Host::read()?.with_labels(spec.process.as_ref(), spec.linux.mount_label.as_deref());
    trace.mark("take the state folder");
    let folder = Folder::make(request.root, request.id)?;
    let (spec, undo) = (&spec, Undo::default());
    let mut making = Making { request, spec, host: &host, folder: &folder, undo, trace };
    match making.all(filter, terminal) {
        Ok((started, text)) => Ok((started, Container::new(folder, text))),
        Err(error) => {
            let undo = making.undo;
            let phase = undo.phase(&error);
            let error = undo.all(folder, error, spec);
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
    scope: Option<Scope>,
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
        let stopped = self.scope.map_or(Ok(()), |scope| scope.stop());
        // The record stays while there is something that it names.
        let removed = removed.and(stopped).and_then(|()| folder.remove()).err();
        let also = hooks.unwrap_or_default().into_iter().chain(removed);
        also.fold(error, |error, second| error.and_undoing(&second))
    }
}

/// A container in the making.
struct Making<'a> {
    request: &'a Request<'a>,
    spec: &'a Spec<'a>,
    host: &'a Host,
    folder: &'a Folder,
    undo: Undo,
    trace: Trace,
}

/// What is settled before anything is made.
struct Planned<'a> {
    plan: Plan,
    dirs: Vec<Dir>,
    scope: Option<NewScope>,
    filter: Option<Filter>,
    listener: Option<Listener<'a>>,
}

impl<'a> Making<'a> {
    /// From the plan to a program that runs or waits at the gate. Returns the text of the record, too.
    fn all(&mut self, kept: Option<Filter>, terminal: Option<OwnedFd>) -> Result<(Started, String)> {
        let new_profile = self.spec.linux.seccomp.filter(|_| kept.is_none());
        let Planned { plan, dirs, scope, filter, listener } = self.plan(kept)?;
        self.trace.mark("write the record");
        let mut record = first_record(self.request, self.spec, dirs.clone());
        record.scope = scope.as_ref().map(|new| new.scope.clone());
        record.seccomp_listener = listener;
        if !self.spec.hooks.start_container.is_empty() {
            record.start_hooks = plan.steps.first_of(Origin::Item(START_HOOKS, 0));
        }
        self.folder.write(&record)?;
        if let Some(filter) = &filter {
            let bytes = [&filter.flags.to_le_bytes()[..], &filter.program].concat();
            self.folder.write_file(state::FILTER, &bytes)?;
        }
        self.undo.begun = true;
        let state = match scope {
            None => self.launch(&plan, dirs, terminal)?,
            Some(scope) => self.launch_in_scope(&plan, scope, dirs, terminal)?,
        };
        let ignored = self.identify(&mut record, &plan, state)?;
        self.pass_hooks(&plan, &record)?;
        let text = self.commit(&plan, &record, ignored)?;
        self.folder.set_created()?;
        if let (Some(profile), Some(filter)) = (new_profile, &filter) {
            kept::keep(self.request.root, profile.get(), filter);
        }
        self.finish(plan, &record).map(|started| (started, text))
    }

    fn plan(&mut self, kept: Option<Filter>) -> Result<Planned<'a>> {
        let (request, spec, host) = (self.request, self.spec, self.host);
        self.trace.mark("compile the seccomp profile");
        let (filter, listener) = match (kept, spec.linux.seccomp) {
            (None, Some(profile)) => compile(profile)?,
            (kept, _) => (kept, None),
        };
        self.trace.mark("find the cgroup's place");
        let (dirs, scope) = self.place()?;
        self.trace.mark("plan");
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
        let mut plan = plan::create(spec, host, &options)?;
        if scope.is_some() {
            plan.warnings.extend(systemd::left_out(spec.annotations.keys().map(|name| &**name)));
        }
        Ok(Planned { plan, dirs, scope, filter, listener })
    }

    /// Where the cgroup is to be; nothing is made yet.
    fn place(&self) -> Result<(Vec<Dir>, Option<NewScope>)> {
        let (request, spec, host) = (self.request, self.spec, self.host);
        let (id, is_rootless) = (request.id, !host.is_privileged());
        let cgroups_path = Some(&*spec.linux.cgroups_path).filter(|path| !path.is_empty());
        match request.cgroup_manager {
            CgroupManager::Disabled => Ok((Vec::new(), None)),
            CgroupManager::Cgroupfs => {
                let asked = PlaceRequest { cgroups_path, id, is_rootless };
                let own = if asked.needs_membership() { Membership::read()? } else { Membership::default() };
                let dirs = place(asked, &host.layout, &own)?;
                Ok((Cgroup::survey(dirs, &host.layout).map_err(of_the_cgroup)?, None))
            }
            CgroupManager::Systemd => {
                let (scope, dir) =
                    NewScope::place(cgroups_path, id, is_rootless, &spec.linux.resources, &host.layout)?;
                let mut dirs = Cgroup::survey(vec![dir], &host.layout).map_err(of_the_cgroup)?;
                // The slices above are systemd's, which removes them too.
                dirs.iter_mut().for_each(|dir| dir.parents = 0);
                Ok((dirs, Some(scope)))
            }
        }
    }

    /// The cgroup, and init in it. Returns the state that hooks inside read, to be filled.
    fn launch(&mut self, plan: &Plan, dirs: Vec<Dir>, terminal: Option<OwnedFd>) -> Result<Option<OwnedFd>> {
        self.trace.mark("make the cgroup");
        let (resources, layout) = (&self.spec.linux.resources, &self.host.layout);
        let made = match self.request.cgroup_manager {
            CgroupManager::Disabled => (Cgroup::none(resources, layout)?, None),
            CgroupManager::Cgroupfs | CgroupManager::Systemd => {
                Cgroup::create(dirs, resources, layout, !self.host.is_privileged()).map_err(of_the_cgroup)?
            }
        };
        self.launch_in(made, plan, terminal)
    }

    /// The same where systemd makes the cgroup: a scope has to have a process from its first moment on.
    fn launch_in_scope(
        &mut self,
        plan: &Plan,
        mut new: NewScope,
        dirs: Vec<Dir>,
        terminal: Option<OwnedFd>,
    ) -> Result<Option<OwnedFd>> {
        self.trace.mark("have systemd make the cgroup");
        let resources = &self.spec.linux.resources;
        let launched = clone::with_holder(0, |keeper| {
            new.start(self.request.id, keeper)?;
            self.undo.scope = Some(new.scope.clone());
            let made = Cgroup::adopt(dirs, &new.writes, resources, !self.host.is_privileged());
            self.launch_in(made.map_err(of_the_cgroup)?, plan, terminal)
        });
        let state =
            launched.map_err(|errno| Error::refused("make a process that keeps the scope", errno))??;
        self.undo.cgroup.as_ref().map_or(Ok(()), |cgroup| new.limit(cgroup))?;
        Ok(state)
    }

    fn launch_in(
        &mut self,
        (made, born_in): (Cgroup, Option<OwnedFd>),
        plan: &Plan,
        terminal: Option<OwnedFd>,
    ) -> Result<Option<OwnedFd>> {
        let request = self.request;
        let cgroup = &*self.undo.cgroup.insert(made);
        self.trace.mark("open what init is handed");
        let mut given = Given { stdio: request.stdio, trace: self.trace.watch(plan)?, ..Given::default() };
        if request.gate {
            given.gate = Some((self.folder.make_fifo(state::GATE)?, self.folder.make_fifo(state::OUTCOME)?));
        }
        given.terminal = terminal_for(plan, request, terminal)?;
        given.state = hooks::state_for_init(plan)?;
        let state = given.state.as_ref().map(hooks::duplicate).transpose()?;
        let tasks = cgroup.open_tasks()?;
        let task_numbers: Vec<i32> = tasks.iter().map(OwnedFd::raw).collect();
        let given =
            Given { cgroup: born_in.as_ref().map(OwnedFd::borrow), cgroup_tasks: &task_numbers, ..given };
        self.trace.mark("clone init");
        self.undo.launched = Some(launch::launch(plan, given)?);
        Ok(state)
    }

    /// Who init is, for the record and for hooks. Returns the signals that init must stop ignoring.
    fn identify(&mut self, record: &mut Record<'_>, plan: &Plan, state: Option<OwnedFd>) -> Result<u64> {
        self.trace.mark("record init's pid");
        let Launched { pid, pidfd, .. } = self.launched()?;
        let stat = proc::stat(*pid)?.ok_or_else(|| Error::internal("init ended before its record"))?;
        record.pid = *pid;
        record.start_time = stat.start_time;
        record.pidfd_inode = proc::pidfd_inode(pidfd).filter(|_| self.folder.is_in_memory());
        record.cgroup = self.undo.cgroup.as_ref().map_or_else(Vec::new, |cgroup| cgroup.dirs().to_vec());
        if !self.spec.hooks.poststop.is_empty() {
            self.undo.stopped = Some(oci_state::text(record, Status::Stopped.name()));
        }
        if let Some(score) = plan.oom_score_adj {
            set_oom_score(record.pid, score)?;
        }
        if let Some(state) = state {
            let inside = Record { pid: proc::pid_inside(record.pid)?, ..record.clone() };
            hooks::fill_state(&state, &oci_state::text(&inside, "created"))?;
        }
        proc::ignored_signals(record.pid)?.ok_or_else(|| Error::internal("init ended before its commit"))
    }

    fn launched(&self) -> Result<&Launched> {
        self.undo.launched.as_ref().ok_or_else(|| Error::internal("a launched init was lost"))
    }

    /// Runs the hooks outside, in front of init that waits within its namespaces.
    fn pass_hooks(&mut self, plan: &Plan, record: &Record<'_>) -> Result<()> {
        if !plan.pauses {
            return Ok(());
        }
        self.trace.mark("wait for init's namespaces");
        match self.launched()?.next()? {
            Said::Paused => {}
            Said::Failed(report) => return Err(self.explained(plan, report)),
            Said::Ready | Said::Closed | Said::Listening(_) => {
                return Err(launch::died("the container's init"));
            }
        }
        let state = oci_state::text(record, "creating");
        self.trace.mark("prestart hooks");
        hooks::run_all("/hooks/prestart", &self.spec.hooks.prestart, &state)?;
        self.trace.mark("createRuntime hooks");
        hooks::run_all("/hooks/createRuntime", &self.spec.hooks.create_runtime, &state)?;
        self.launched()?.answer(0)
    }

    /// Lets init go on now that the record knows it, until it waits at the gate or the program runs. Returns the record's
    /// text.
    fn commit(&mut self, plan: &Plan, record: &Record<'_>, ignored: u64) -> Result<String> {
        self.trace.mark("write init's pid");
        let text = self.folder.write(record)?;
        self.launched()?.answer(ignored)?;
        self.trace.mark("wait for init");
        let launched = self.launched()?;
        let mut said = launched.next()?;
        if let Said::Listening(report) = said {
            let (pid, pidfd) = (launched.pid, launched.pidfd.borrow());
            let filtered = Filtered { pid, pidfd, record, status: "creating" };
            agent::deliver(agent::connect(record)?, filtered, report)?;
            said = launched.next()?;
        }
        match said {
            Said::Ready => Ok(text),
            Said::Failed(report) => Err(self.explained(plan, report)),
            // Without a gate the end of the socket is the exec; with one it is a death.
            Said::Closed if !self.request.gate => Ok(text),
            Said::Closed | Said::Paused | Said::Listening(_) => Err(launch::died("the container's init")),
        }
    }

    fn explained(&self, plan: &Plan, report: Report) -> Error {
        let program = self.spec.process.as_ref().map(plan::program_name).unwrap_or_default();
        match self.launched() {
            Ok(launched) => explain::explain(plan, launched, report, &program),
            Err(error) => error,
        }
    }

    /// What is left once the program runs, or waits at the gate.
    fn finish(&mut self, plan: Plan, record: &Record<'_>) -> Result<Started> {
        let poststart = &self.spec.hooks.poststart;
        if !self.request.gate && !poststart.is_empty() {
            self.trace.mark("poststart hooks");
            hooks::run_all("/hooks/poststart", poststart, &oci_state::text(record, "running"))?;
        }
        self.trace.mark(trace::END);
        if let Some(path) = self.request.pid_file {
            console::write_pid_file(path, record.pid)?;
        }
        let trace = self.trace.text()?;
        match self.undo.launched.take() {
            Some(Launched { pid, pidfd, .. }) => Ok(Started { pid, pidfd, warnings: plan.warnings, trace }),
            None => Err(Error::internal("a launched init was lost")),
        }
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

fn first_record<'s>(request: &Request<'s>, spec: &'s Spec<'_>, cgroup: Vec<Dir>) -> Record<'s> {
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
        scope: None,
        namespaces: plan::namespaces_of(spec),
        personality: spec.linux.personality.clone(),
        memory_policy: spec.linux.memory_policy.clone(),
        seccomp_listener: None,
        start_hooks: None,
        poststart: spec.hooks.poststart.clone(),
        poststop: spec.hooks.poststop.clone(),
    }
}

/// What fails about a cgroup itself, and not about a limit, is its path's.
fn of_the_cgroup(error: Error) -> Error {
    if error.pointer.is_some() { error } else { error.at("/linux/cgroupsPath") }
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
