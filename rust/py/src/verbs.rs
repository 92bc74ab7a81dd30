// SPDX-License-Identifier: Apache-2.0
//! The engine's verbs, one function each.

use crate::errors::call;
use crate::process::{Process, sentences};
use estiba_engine::failures::{self, Failed, Phase};
use estiba_engine::seccomp::kept;
use estiba_engine::spec::prove::proved;
use estiba_engine::verbs as engine;
use estiba_engine::verbs::CgroupManager;
use estiba_engine::{Error, ErrorKind};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

#[pyfunction]
#[pyo3(signature = (*, root, id, bundle, config, config_file=None, pid_file=None, console_socket=None, preserve_fds=0,
    no_pivot=false, no_new_keyring=false, stdio=None, cgroup_manager="cgroupfs", gate=true, trace=false))]
#[expect(clippy::too_many_arguments, reason = "keywords of Python")]
pub fn create(
    py: Python<'_>,
    root: &str,
    id: &str,
    bundle: &str,
    config: &[u8],
    config_file: Option<&str>,
    pid_file: Option<&str>,
    console_socket: Option<&str>,
    preserve_fds: u32,
    no_pivot: bool,
    no_new_keyring: bool,
    stdio: Option<(i32, i32, i32)>,
    cgroup_manager: &str,
    gate: bool,
    trace: bool,
) -> PyResult<Process> {
    let stdio = stdio.map(<[i32; 3]>::from);
    let cgroup_manager = manager(cgroup_manager)?;
    let request = engine::create::Request {
        root,
        id,
        bundle,
        config_file,
        pid_file,
        console_socket,
        preserve_fds,
        no_pivot,
        no_new_keyring,
        stdio,
        cgroup_manager,
        gate,
        trace,
    };
    call(py, || engine::create::create(&request, config)).map(Process::from)
}

fn manager(name: &str) -> PyResult<CgroupManager> {
    match name {
        "cgroupfs" => Ok(CgroupManager::Cgroupfs),
        "systemd" => Ok(CgroupManager::Systemd),
        "disabled" => Ok(CgroupManager::Disabled),
        other => Err(PyValueError::new_err(format!("\"{other}\" is not a cgroup manager"))),
    }
}

#[pyfunction]
#[pyo3(signature = (*, root, id))]
pub fn start(py: Python<'_>, root: &str, id: &str) -> PyResult<()> {
    call(py, || engine::start::start(root, id))
}

#[pyfunction]
#[pyo3(signature = (*, root, id))]
pub fn state(py: Python<'_>, root: &str, id: &str) -> PyResult<String> {
    call(py, || engine::state::state(root, id))
}

#[pyfunction]
#[pyo3(signature = (*, root, id))]
pub fn record(py: Python<'_>, root: &str, id: &str) -> PyResult<String> {
    call(py, || engine::state::record(root, id))
}

#[pyfunction]
#[pyo3(signature = (*, root))]
pub fn states(py: Python<'_>, root: &str) -> PyResult<String> {
    call(py, || engine::state::states(root))
}

#[pyfunction]
#[pyo3(signature = (*, root))]
pub fn containers(py: Python<'_>, root: &str) -> PyResult<Vec<String>> {
    call(py, || engine::state::containers(root))
}

#[pyfunction]
#[pyo3(signature = (*, root, id, signal, all=false))]
pub fn kill(py: Python<'_>, root: &str, id: &str, signal: i32, all: bool) -> PyResult<()> {
    call(py, || engine::kill::kill(root, id, signal, all))
}

#[pyfunction]
#[pyo3(signature = (*, root, id, force=false))]
pub fn delete(py: Python<'_>, root: &str, id: &str, force: bool) -> PyResult<Vec<String>> {
    call(py, || engine::delete::delete(root, id, force)).map(|warnings| sentences(&warnings))
}

#[pyfunction]
#[pyo3(signature = (*, root, id, stopped=false, dry_run=false))]
pub fn sweep(
    py: Python<'_>,
    root: &str,
    id: &str,
    stopped: bool,
    dry_run: bool,
) -> PyResult<(&'static str, Vec<String>)> {
    let options = engine::gc::Options { stopped, dry_run };
    let (found, warnings) = call(py, || engine::gc::sweep(root, id, options))?;
    Ok((found.name(), sentences(&warnings)))
}

/// A start whose config Python refused.
#[pyfunction]
#[pyo3(signature = (*, root, id, bundle, message, config_file=None, pointer=None, hint=None))]
#[expect(clippy::too_many_arguments, reason = "keywords of Python")]
pub fn note_refused(
    py: Python<'_>,
    root: &str,
    id: &str,
    bundle: &str,
    message: &str,
    config_file: Option<&str>,
    pointer: Option<String>,
    hint: Option<String>,
) {
    let failed = Failed { verb: "create", phase: Phase::Plan, bundle: Some(bundle), config: config_file };
    let hint = hint.map(Into::into);
    let error = Error { pointer, hint, ..Error::new(ErrorKind::ConfigInvalid, message) };
    py.detach(|| failures::note(root, id, &failed, &error));
}

#[pyfunction]
#[pyo3(signature = (*, root, id, process, pid_file=None, console_socket=None, preserve_fds=0, cgroup=None,
    ignore_paused=false, stdio=None))]
#[expect(clippy::too_many_arguments, reason = "keywords of Python")]
pub fn exec(
    py: Python<'_>,
    root: &str,
    id: &str,
    process: &[u8],
    pid_file: Option<&str>,
    console_socket: Option<&str>,
    preserve_fds: u32,
    cgroup: Option<&str>,
    ignore_paused: bool,
    stdio: Option<(i32, i32, i32)>,
) -> PyResult<Process> {
    let stdio = stdio.map(<[i32; 3]>::from);
    let request = engine::exec::Request {
        root,
        id,
        process,
        pid_file,
        console_socket,
        preserve_fds,
        cgroup,
        ignore_paused,
        stdio,
    };
    call(py, || engine::exec::exec(&request)).map(Process::from)
}

#[pyfunction]
#[pyo3(signature = (*, root, id))]
pub fn pause(py: Python<'_>, root: &str, id: &str) -> PyResult<()> {
    call(py, || engine::pause::pause(root, id))
}

#[pyfunction]
#[pyo3(signature = (*, root, id))]
pub fn resume(py: Python<'_>, root: &str, id: &str) -> PyResult<()> {
    call(py, || engine::pause::resume(root, id))
}

#[pyfunction]
#[pyo3(signature = (*, root, id))]
pub fn processes(py: Python<'_>, root: &str, id: &str) -> PyResult<Vec<i32>> {
    call(py, || engine::processes::processes(root, id))
}

#[pyfunction]
#[pyo3(signature = (*, root, id, resources))]
pub fn update(py: Python<'_>, root: &str, id: &str, resources: &[u8]) -> PyResult<()> {
    call(py, || engine::update::update(root, id, resources))
}

#[pyfunction]
#[pyo3(signature = (*, root, id))]
pub fn stats(py: Python<'_>, root: &str, id: &str) -> PyResult<String> {
    call(py, || engine::stats::stats(root, id))
}

#[pyfunction]
#[pyo3(signature = (*, bundle, config))]
pub fn plan(py: Python<'_>, bundle: &str, config: &[u8]) -> PyResult<String> {
    call(py, || engine::plan::text(bundle, config))
}

#[pyfunction]
#[pyo3(signature = (*, count))]
pub fn check_preserved(py: Python<'_>, count: u32) -> PyResult<()> {
    call(py, || engine::check_preserved(count))
}

#[pyfunction]
#[pyo3(signature = (*, config, root=None))]
pub fn prove(py: Python<'_>, config: &[u8], root: Option<&str>) -> Option<String> {
    let is_known = |profile: &str| root.is_some_and(|root| kept::find(root, profile).is_some());
    py.detach(|| proved(config, is_known).err())
}
