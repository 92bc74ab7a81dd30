// SPDX-License-Identifier: Apache-2.0
//! What the global options and the environment say for every verb: where state lives, who makes cgroups.

use crate::arguments::Options;
use crate::caller::Caller;
use crate::files;
use crate::report::Failure;
use alloc::format;
use alloc::string::{String, ToString};
use estiba_engine::Error;
use estiba_engine::verbs::CgroupManager;
use estiba_sys::fd::CWD;
use estiba_sys::fs;
use estiba_sys::process::effective_uid;

const SYSTEM_ROOT: &str = "/run/estiba";

/// PROC_USER_INIT_INO of linux/proc_ns.h.
const INITIAL_USER_NAMESPACE: &[u8] = b"user:[4026531837]";

/// The state root: --root, ESTIBA_ROOT, /run/estiba, or for a user without privileges $XDG_RUNTIME_DIR/estiba.
pub fn state_root(globals: &Options<'_>, caller: &Caller<'_>) -> Result<String, Failure> {
    let given = globals.text("root").filter(|root| !root.is_empty());
    let chosen = match given.or_else(|| caller.variable("ESTIBA_ROOT")) {
        Some(chosen) => chosen.to_string(),
        None => default_root(globals.text("rootless"), caller),
    };
    files::absolute(&chosen).map_err(|errno| Error::refused("find the working directory", errno).into())
}

fn default_root(rootless: Option<&str>, caller: &Caller<'_>) -> String {
    let runtime = caller.variable("XDG_RUNTIME_DIR");
    let is_rootless = match rootless {
        Some("true") => true,
        Some("false") => false,
        _ => effective_uid() != 0 || (runtime.is_some() && is_root_in_name_only(caller)),
    };
    match runtime {
        _ if !is_rootless => SYSTEM_ROOT.to_string(),
        Some(folder) => format!("{folder}/estiba"),
        None => format!("/run/user/{}/estiba", effective_uid()),
    }
}

/// Whether uid 0 is a user's, in a user namespace as rootless podman makes it; estiba.lifecycle.root says more.
fn is_root_in_name_only(caller: &Caller<'_>) -> bool {
    let mut buffer = [0; 64];
    caller.variable("USER") != Some("root")
        && fs::read_link(CWD, c"/proc/self/ns/user", &mut buffer)
            .is_ok_and(|own| own != INITIAL_USER_NAMESPACE)
}

pub fn cgroup_manager(globals: &Options<'_>) -> CgroupManager {
    match globals.text("cgroup-manager") {
        Some("systemd") => CgroupManager::Systemd,
        Some("disabled") => CgroupManager::Disabled,
        Some(_) => CgroupManager::Cgroupfs,
        None if globals.flag("systemd-cgroup") => CgroupManager::Systemd,
        None => CgroupManager::Cgroupfs,
    }
}
