// SPDX-License-Identifier: Apache-2.0
//! Engine errors as Python exceptions: the class is found in estiba.errors by the kind's name.

use estiba_engine::generated::errors::ERROR_KINDS;
use estiba_engine::{Error, Result, error};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

/// Runs `work` without the GIL; its failure becomes an exception.
pub fn call<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    py.detach(work).map_err(|error| exception(py, &error))
}

/// The same for what is done with the trees of images.
pub fn call_layers<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> estiba_layers::Result<T> + Send,
) -> PyResult<T> {
    py.detach(work).map_err(|error| layers_exception(py, &error))
}

pub fn exception(py: Python<'_>, error: &Error) -> PyErr {
    make(py, error).map_or_else(|failed| failed, PyErr::from_value)
}

fn layers_exception(py: Python<'_>, error: &estiba_layers::Error) -> PyErr {
    let message = match error.errno {
        Some(errno) => format!("{}: {}", error.message, error::words(errno)),
        None => error.message.clone(),
    };
    let facts = (None, error.errno.map(|errno| errno.0), error.hint);
    instance(py, error.kind.name(), &message, facts).map_or_else(|failed| failed, PyErr::from_value)
}

fn make<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let facts = (error.pointer.as_deref(), error.errno.map(|errno| errno.0), error.hint.as_deref());
    instance(py, error.kind.name(), &error.to_string(), facts)
}

fn instance<'py>(
    py: Python<'py>,
    kind: &str,
    message: &str,
    (pointer, errno, hint): (Option<&str>, Option<u16>, Option<&str>),
) -> PyResult<Bound<'py, PyAny>> {
    let facts = PyDict::new(py);
    facts.set_item("pointer", pointer)?;
    facts.set_item("errno", errno)?;
    facts.set_item("hint", hint)?;
    let class = py.import("estiba.errors")?.getattr(kind)?;
    class.call((PyString::new(py, message),), Some(&facts))
}

#[pyfunction]
pub fn error_kinds() -> Vec<&'static str> {
    ERROR_KINDS.iter().map(|kind| kind.name()).collect()
}
