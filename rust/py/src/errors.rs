// SPDX-License-Identifier: Apache-2.0
//! Errors as Python exceptions: the class is found in estiba.errors by the kind's name.

use estiba_engine::error::words;
use estiba_engine::generated::errors::ERROR_KINDS;
use estiba_engine::{Error, Result};
use estiba_sys::Errno;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

/// Runs `work` without the GIL; its failure becomes an exception.
pub fn call<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    py.detach(work).map_err(|error| exception(py, &error))
}

/// The same for layers: what failed is said there, the words for an error number are the engine's.
pub fn call_layers<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> estiba_layers::Result<T> + Send,
) -> PyResult<T> {
    py.detach(work).map_err(|error| layer_exception(py, &error))
}

fn layer_exception(py: Python<'_>, error: &estiba_layers::Error) -> PyErr {
    let cause = error.errno.map(|errno| format!(": {}", words(errno))).unwrap_or_default();
    let text = format!("{}{cause}", error.message);
    let made = raise(py, error.kind.name(), &text, None, error.errno, error.hint);
    made.map_or_else(|failed| failed, PyErr::from_value)
}

pub fn exception(py: Python<'_>, error: &Error) -> PyErr {
    make(py, error).map_or_else(|failed| failed, PyErr::from_value)
}

fn make<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let (pointer, hint) = (error.pointer.as_deref(), error.hint.as_deref());
    raise(py, error.kind.name(), &error.to_string(), pointer, error.errno, hint)
}

fn raise<'py>(
    py: Python<'py>,
    class: &str,
    text: &str,
    pointer: Option<&str>,
    errno: Option<Errno>,
    hint: Option<&str>,
) -> PyResult<Bound<'py, PyAny>> {
    let facts = PyDict::new(py);
    facts.set_item("pointer", pointer)?;
    facts.set_item("errno", errno.map(|errno| errno.0))?;
    facts.set_item("hint", hint)?;
    py.import("estiba.errors")?.getattr(class)?.call((PyString::new(py, text),), Some(&facts))
}

#[pyfunction]
pub fn error_kinds() -> Vec<&'static str> {
    ERROR_KINDS.iter().map(|kind| kind.name()).collect()
}
