// SPDX-License-Identifier: Apache-2.0
//! Errors as Python exceptions: the class is found in estiba.errors by the kind's name.

use estiba_engine::error::{Facts, words};
use estiba_engine::generated::errors::ERROR_KINDS;
use estiba_engine::{Error, Result};
use estiba_sys::Errno;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

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
    let made =
        facts(py, None, error.errno, error.hint).and_then(|facts| raise(&facts, error.kind.name(), &text));
    made.map_or_else(|failed| failed, PyErr::from_value)
}

pub fn exception(py: Python<'_>, error: &Error) -> PyErr {
    make(py, error).map_or_else(|failed| failed, PyErr::from_value)
}

fn make<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let facts = facts(py, error.pointer.as_deref(), error.errno, error.hint.as_deref())?;
    match error.facts.as_deref() {
        None => {}
        Some(Facts::Container { id, status, wanted }) => {
            facts.set_item("id", id)?;
            if let Some(status) = status {
                facts.set_item("status", status.name())?;
                facts.set_item("wanted", PyTuple::new(py, wanted.iter().map(|status| status.name()))?)?;
            }
        }
        Some(Facts::Hook { argv, exit_status, milliseconds }) => {
            facts.set_item("argv", PyTuple::new(py, argv)?)?;
            facts.set_item("exit_status", exit_status)?;
            facts.set_item("milliseconds", milliseconds)?;
        }
    }
    raise(&facts, error.kind.name(), &error.to_string())
}

fn facts<'py>(
    py: Python<'py>,
    pointer: Option<&str>,
    errno: Option<Errno>,
    hint: Option<&str>,
) -> PyResult<Bound<'py, PyDict>> {
    let facts = PyDict::new(py);
    facts.set_item("pointer", pointer)?;
    facts.set_item("errno", errno.map(|errno| errno.0))?;
    facts.set_item("hint", hint)?;
    Ok(facts)
}

fn raise<'py>(facts: &Bound<'py, PyDict>, class: &str, text: &str) -> PyResult<Bound<'py, PyAny>> {
    let classes = facts.py().import("estiba.errors")?;
    classes.getattr(class)?.call((PyString::new(facts.py(), text),), Some(facts))
}

#[pyfunction]
pub fn error_kinds() -> Vec<&'static str> {
    ERROR_KINDS.iter().map(|kind| kind.name()).collect()
}
