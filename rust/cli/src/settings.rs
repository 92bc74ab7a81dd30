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
use estiba_sys::process::effective_uid;

const SYSTEM_ROOT: &str = "/run/estiba";

/// The state root: --root, ESTIBA_ROOT, /run/estiba, or for a user without privileges $XDG_RUNTIME_DIR/estiba.
pub fn state_root(globals: &Options<'_>, caller: &Caller<'_>) -> Result<String, Failure> {
    let is_rootless = match globals.text("rootless") {
        Some("true") => true,
        Some("false") => false,
        _ => effective_uid() != 0,
    };
    let given = globals.text("root").filter(|root| !root.is_empty());
    let chosen = match given.or_else(|| caller.variable("ESTIBA_ROOT")) {
        Some(chosen) => chosen.to_string(),
        None if !is_rootless => SYSTEM_ROOT.to_string(),
        None => match caller.variable("XDG_RUNTIME_DIR") {
            Some(folder) => format!("{folder}/estiba"),
            None => format!("/run/user/{}/estiba", effective_uid()),
        },
    };
    files::absolute(&chosen).map_err(|errno| Error::refused("find the working directory", errno).into())
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
