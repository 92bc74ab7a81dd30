// SPDX-License-Identifier: Apache-2.0
//! Engine errors as Python exceptions: the class is found in estiba.errors by the kind's name.

use estiba_engine::generated::errors::ERROR_KINDS;
use estiba_engine::{Error, Result};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

/// Runs `work` without the GIL; its failure becomes an exception.
pub fn call<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    py.detach(work).map_err(|error| exception(py, &error))
}

pub fn exception(py: Python<'_>, error: &Error) -> PyErr {
    make(py, error).map_or_else(|failed| failed, PyErr::from_value)
}

fn make<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyAny>> {
    let facts = PyDict::new(py);
    facts.set_item("pointer", error.pointer.as_deref())?;
    facts.set_item("errno", error.errno.map(|errno| errno.0))?;
    facts.set_item("hint", error.hint.as_deref())?;
    let class = py.import("estiba.errors")?.getattr(error.kind.name())?;
    class.call((PyString::new(py, &error.to_string()),), Some(&facts))
}

#[pyfunction]
pub fn error_kinds() -> Vec<&'static str> {
    ERROR_KINDS.iter().map(|kind| kind.name()).collect()
}
