// SPDX-License-Identifier: Apache-2.0
//! A started process, held by pidfd.

use crate::errors::exception;
use estiba_engine::Error;
use estiba_engine::verbs::Started;
use estiba_sys::fd::{POLLIN, PollFd, poll};
use estiba_sys::{Errno, OwnedFd, process, signal};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::sync::{Arc, Mutex, PoisonError};

#[pyclass(frozen, module = "estiba._core")]
pub struct Process {
    #[pyo3(get)]
    pid: i32,
    #[pyo3(get)]
    warnings: Vec<String>,
    #[pyo3(get)]
    trace: Option<String>,
    /// Shared with the calls that use it, so that closing it under them reuses no number.
    pidfd: Mutex<Option<Arc<OwnedFd>>>,
    code: Mutex<Option<i32>>,
}

impl From<Started> for Process {
    fn from(started: Started) -> Process {
        let pidfd = Mutex::new(Some(Arc::new(started.pidfd)));
        let warnings = sentences(&started.warnings);
        Process { pid: started.pid, warnings, trace: started.trace, pidfd, code: Mutex::new(None) }
    }
}

/// What a verb warns of, a line each.
pub fn sentences(warnings: &[Error]) -> Vec<String> {
    warnings.iter().map(Error::to_string).collect()
}

impl Process {
    fn pidfd(&self) -> PyResult<Arc<OwnedFd>> {
        let pidfd = self.pidfd.lock().unwrap_or_else(PoisonError::into_inner).clone();
        pidfd.ok_or_else(|| PyValueError::new_err(format!("process {} is closed", self.pid)))
    }
}

#[pymethods]
impl Process {
    fn __repr__(&self) -> String {
        match self.returncode() {
            Some(code) => format!("Process(pid={}, returncode={code})", self.pid),
            None => format!("Process(pid={})", self.pid),
        }
    }

    #[getter]
    fn returncode(&self) -> Option<i32> {
        *self.code.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fileno(&self) -> PyResult<i32> {
        Ok(self.pidfd()?.raw())
    }

    fn wait(&self, py: Python<'_>) -> PyResult<i32> {
        if let Some(code) = *self.code.lock().unwrap_or_else(PoisonError::into_inner) {
            return Ok(code);
        }
        let pidfd = self.pidfd()?;
        wait_until_ended(py, &pidfd)?;
        py.detach(|| self.reap(&pidfd)).map_err(|errno| refused(py, "wait for", self.pid, errno))
    }

    fn kill(&self, py: Python<'_>, signal: i32) -> PyResult<()> {
        signal::send(self.pidfd()?.borrow(), signal).map_err(|errno| refused(py, "signal", self.pid, errno))
    }

    fn close(&self) {
        self.pidfd.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Process {
    /// One thread reaps, the others find its answer.
    fn reap(&self, pidfd: &OwnedFd) -> Result<i32, Errno> {
        let mut code = self.code.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(code) = *code {
            return Ok(code);
        }
        let ended = process::reap(pidfd.borrow())?.shell_code();
        *code = Some(ended);
        Ok(ended)
    }
}

/// A signal interrupts the poll, so that Python's handlers run (Ctrl-C).
fn wait_until_ended(py: Python<'_>, pidfd: &OwnedFd) -> PyResult<()> {
    loop {
        let mut set = [PollFd { fd: pidfd.raw(), events: POLLIN, revents: 0 }];
        match py.detach(|| poll(&mut set, -1)) {
            Ok(_) => return Ok(()),
            Err(_) => py.check_signals()?,
        }
    }
}

fn refused(py: Python<'_>, doing: &str, pid: i32, errno: Errno) -> PyErr {
    exception(py, &Error::refused(format_args!("{doing} process {pid}"), errno))
}
