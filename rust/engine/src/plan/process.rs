// SPDX-License-Identifier: Apache-2.0
//! `process`: from limits to execve. Shared by create and exec.

use super::filesystem::{in_user_namespace, text};
use super::{Handed, Options, Origin, Plan, scheduling};
use crate::error::{Error, ErrorKind, Result};
use crate::explain::START_HOOKS;
use crate::generated::capabilities::CAPABILITIES;
use crate::generated::lookup;
use crate::generated::rlimits::RLIMITS;
use crate::host::{CAP_SYS_ADMIN, Host};
use crate::seccomp::FLAG_NEW_LISTENER;
use crate::spec::{Capabilities, Hook, Hooks, Process, Text};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use estiba_init::plan::FIRST_FREE_FD;
use estiba_init::step::Step;
use estiba_sys::process::Strings;

pub fn keyring(plan: &mut Plan, options: &Options<'_>) {
    if options.no_new_keyring {
        return;
    }
    if let Ok(name) = text(&format!("_ses.{}", options.id), Origin::Runtime) {
        plan.add(Origin::Runtime, Step::NewKeyring { name: &name });
    }
}

pub fn plan(
    plan: &mut Plan,
    process: &Process<'_>,
    host: &Host,
    options: &Options<'_>,
    hooks: &Hooks<'_>,
) -> Result<()> {
    settings(plan, process)?;
    let cwd = if process.cwd.is_empty() { "/" } else { &process.cwd };
    let cwd = text(cwd, Origin::At("/process/cwd"))?;
    let is_root = cwd.as_bytes() == b"/"; // where the change of the root leaves init
    if !is_root {
        plan.add(Origin::At("/process/cwd"), Step::ChangeDir { path: &cwd, make: true });
    }
    let sets = Sets::of(plan, process, host)?;
    let filter = options.seccomp.filter(|(program, _)| !program.is_empty());
    // Without no_new_privs only CAP_SYS_ADMIN may load a filter (seccomp(2)); it is kept until then, in init alone.
    let borrow = if filter.is_some() && !process.no_new_privileges { CAP_SYS_ADMIN } else { 0 };
    identity(plan, process, &sets, borrow);
    if !is_root {
        plan.add(Origin::At("/process/cwd"), Step::ChangeDirAgain { path: &cwd });
    }
    find_program(plan, process, host)?;
    plan.add(Origin::Runtime, Step::Commit {});
    if options.gate {
        plan.add(Origin::Runtime, Step::Gate {});
    }
    hooks_inside(plan, START_HOOKS, &hooks.start_container)?;
    keep_descriptors(plan, options)?;
    if let Some((program, flags)) = filter {
        // Handed last: behind the descriptors that KeepDescriptors moves down.
        let taken = (flags & FLAG_NEW_LISTENER != 0).then(|| plan.hand(Handed::Taken));
        plan.add(Origin::At("/linux/seccomp"), Step::Seccomp { flags, program, taken });
        if borrow != 0 {
            plan.add(Origin::At("/process/capabilities"), sets.step_after_filter());
        }
    }
    execute(plan, process)
}

fn settings(plan: &mut Plan, process: &Process<'_>) -> Result<()> {
    for (index, limit) in process.rlimits.iter().enumerate() {
        let origin = Origin::Item("/process/rlimits", index);
        let resource = lookup(RLIMITS, &limit.kind).ok_or_else(|| {
            let message = format!("{:?} is not a resource limit", &*limit.kind);
            Error::new(ErrorKind::ConfigInvalid, message).at(format!("{origin}/type"))
        })?;
        plan.add(origin, Step::Limit { resource, soft: limit.soft, hard: limit.hard });
    }
    plan.add(Origin::At("/process/user/umask"), Step::Umask { mask: process.user.umask.unwrap_or(0o022) });
    scheduling::of_process(plan, process)
}

/// The capability sets as bits.
struct Sets {
    bounding: u64,
    effective: u64,
    permitted: u64,
    inheritable: u64,
    ambient: u64,
}

impl Sets {
    /// What the config asks for and the caller holds; inside a user namespace of its own it holds all. What cannot be
    /// granted is left out with a warning (config.md "Linux Process").
    fn of(plan: &mut Plan, process: &Process<'_>, host: &Host) -> Result<Sets> {
        let none = Capabilities::default();
        let asked = process.capabilities.as_ref().unwrap_or(&none);
        let held = if in_user_namespace(plan) { u64::MAX } else { host.capabilities };
        let mut grants_all = true;
        let mut bits = |names: &[Text<'_>]| {
            names.iter().fold(0, |bits, name| {
                let bit = lookup(CAPABILITIES, name).map_or(0, |number| held & 1 << number);
                grants_all &= bit != 0;
                bits | bit
            })
        };
        let permitted = bits(&asked.permitted);
        let inheritable = bits(&asked.inheritable);
        let sets = Sets {
            bounding: bits(&asked.bounding),
            effective: bits(&asked.effective) & permitted,
            permitted,
            inheritable,
            ambient: bits(&asked.ambient) & permitted & inheritable,
        };
        if !grants_all {
            plan.warnings.extend(left_out(asked, held));
        }
        Ok(sets)
    }

    fn step(&self, borrow: u64) -> Step<'static> {
        Step::Capabilities {
            effective: self.effective | borrow,
            permitted: self.permitted | borrow,
            inheritable: self.inheritable,
            ambient: Some(self.ambient),
        }
    }

    /// After the filter is loaded: what was borrowed goes, by capset(2) alone, as the filter may know no other call.
    fn step_after_filter(&self) -> Step<'static> {
        Step::Capabilities {
            effective: self.effective,
            permitted: self.permitted,
            inheritable: self.inheritable,
            ambient: None,
        }
    }
}

/// A warning for each name that is not known or not held, where it stands first.
fn left_out(asked: &Capabilities<'_>, held: u64) -> Vec<Error> {
    let sets = [
        ("bounding", &asked.bounding),
        ("effective", &asked.effective),
        ("permitted", &asked.permitted),
        ("inheritable", &asked.inheritable),
        ("ambient", &asked.ambient),
    ];
    let mut told: Vec<&str> = Vec::new();
    let mut warnings = Vec::new();
    for (set, index, name) in sets
        .iter()
        .flat_map(|(set, names)| names.iter().enumerate().map(move |(index, name)| (set, index, &**name)))
    {
        let why = match lookup(CAPABILITIES, name) {
            None => "not a known capability",
            Some(number) if held & 1 << number == 0 => "whoever starts the container does not hold it",
            Some(_) => continue,
        };
        if !told.contains(&name) {
            told.push(name);
            let message = format!("{name:?} is ignored: {why}");
            let pointer = format!("/process/capabilities/{set}/{index}");
            warnings.push(Error::new(ErrorKind::HostUnsupported, message).at(pointer));
        }
    }
    warnings
}

fn identity(plan: &mut Plan, process: &Process<'_>, sets: &Sets, borrow: u64) {
    let origin = Origin::At("/process/capabilities");
    if process.no_new_privileges {
        plan.add(Origin::At("/process/noNewPrivileges"), Step::NoNewPrivileges {});
    }
    plan.add(origin, Step::BoundingSet { keep: sets.bounding });
    let user = &process.user;
    let groups: Vec<u8> = user.additional_gids.iter().flat_map(|gid| gid.to_le_bytes()).collect();
    let groups = (!plan.denies_groups || !groups.is_empty()).then_some(&groups[..]);
    plan.add(Origin::At("/process/user"), Step::Identity { uid: user.uid, gid: user.gid, groups });
    plan.add(origin, sets.step(borrow));
}

/// The strings one after the other, each with its NUL.
pub fn strings(list: &[Text<'_>], origin: &'static str) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(list.iter().map(|text| text.len() + 1).sum());
    for (index, item) in list.iter().enumerate() {
        bytes.extend_from_slice(text(item, Origin::Item(origin, index))?.to_bytes_with_nul());
    }
    Ok(bytes)
}

fn as_strings(bytes: &[u8]) -> Result<Strings<'_>> {
    Strings::new(bytes).ok_or_else(|| Error::internal("a list of strings lost its end"))
}

/// execvp(3)'s rule: a name with a slash is a path, any other is looked for in the container's PATH.
fn find_program(plan: &mut Plan, process: &Process<'_>, host: &Host) -> Result<()> {
    const ARGS: &str = "/process/args";
    let name = process.args.first().ok_or_else(|| {
        Error::new(ErrorKind::ConfigInvalid, "is empty: the program to run is its first element").at(ARGS)
    })?;
    let origin = Origin::Item(ARGS, 0);
    let mut candidates = Vec::new();
    if name.contains('/') || name.is_empty() {
        candidates.push(Text(name.to_string().into()));
    } else {
        let path =
            process.env.iter().find_map(|entry| entry.strip_prefix("PATH=")).unwrap_or("/bin:/usr/bin");
        for folder in path.split(':') {
            let folder = if folder.is_empty() { "." } else { folder };
            candidates.push(Text(format!("{folder}/{}", &**name).into()));
        }
    }
    let candidates = strings(&candidates, ARGS)?;
    let home = (!process.env.iter().any(|entry| entry.starts_with("HOME="))).then_some(process.user.uid);
    let foreign = host.runs_foreign;
    plan.add(origin, Step::FindProgram { candidates: as_strings(&candidates)?, home, foreign });
    Ok(())
}

/// More than a process can have open (/proc/sys/fs/nr_open of Linux; only who changes that has more).
const MOST_DESCRIPTORS: i32 = 1 << 20;

fn keep_descriptors(plan: &mut Plan, options: &Options<'_>) -> Result<()> {
    let asked = options.preserve_fds;
    let count = i32::try_from(asked).ok().filter(|count| *count < MOST_DESCRIPTORS).ok_or_else(|| {
        let message = format!("{asked} descriptors are to be preserved, more than a process can have open");
        Error::new(ErrorKind::ConfigInvalid, message)
    })?;
    let from = FIRST_FREE_FD + plan.handed.len() as i32;
    for i in 0..count {
        plan.hand(Handed::Kept(3 + i));
    }
    plan.add(Origin::Runtime, Step::KeepDescriptors { from, count });
    Ok(())
}

fn execute(plan: &mut Plan, process: &Process<'_>) -> Result<()> {
    let argv = strings(&process.args, "/process/args")?;
    let env = strings(&process.env, "/process/env")?;
    let step = Step::Execute { argv: as_strings(&argv)?, env: as_strings(&env)? };
    plan.add(Origin::Item("/process/args", 0), step);
    Ok(())
}

/// Hooks that init runs, each in a child of its own.
pub fn hooks_inside(plan: &mut Plan, origin: &'static str, hooks: &[Hook<'_>]) -> Result<()> {
    for (index, hook) in hooks.iter().enumerate() {
        let origin = Origin::Item(origin, index);
        let path = text(&hook.path, origin)?;
        let argv = if hook.args.is_empty() { core::slice::from_ref(&hook.path) } else { &hook.args[..] };
        let (argv, env) = (strings(argv, "/hooks")?, strings(&hook.env, "/hooks")?);
        let seconds = hook.timeout.unwrap_or(0);
        let state = state_descriptor(plan);
        let (argv, env) = (as_strings(&argv)?, as_strings(&env)?);
        plan.add(origin, Step::Hook { path: &path, argv, env, seconds, state });
    }
    Ok(())
}

fn state_descriptor(plan: &mut Plan) -> i32 {
    match plan.handed.iter().position(|handed| *handed == Handed::State) {
        Some(at) => FIRST_FREE_FD + at as i32,
        None => plan.hand(Handed::State),
    }
}

/// For messages: the program's name as it stands in the config.
pub fn program_name(process: &Process<'_>) -> String {
    process.args.first().map(|name| name.to_string()).unwrap_or_default()
}
