// SPDX-License-Identifier: Apache-2.0
//! Trees of files: stacked.

use crate::errors::call_layers;
use estiba_layers::overlay::{self, Overlay};
use estiba_sys::OwnedFd;
use pyo3::prelude::*;

#[pyfunction]
pub fn private_mounts(py: Python<'_>) -> PyResult<()> {
    call_layers(py, overlay::private_mounts)
}

#[pyfunction]
#[pyo3(signature = (target, lowers, upper=None, work=None, *, rootless=false, volatile=false))]
pub fn mount_overlay(
    py: Python<'_>,
    target: &str,
    lowers: Vec<String>,
    upper: Option<&str>,
    work: Option<&str>,
    rootless: bool,
    volatile: bool,
) -> PyResult<()> {
    let overlay = Overlay { lowers: &lowers, upper: upper.zip(work), rootless, volatile };
    call_layers(py, || overlay::mount_overlay(target, &overlay))
}

#[pyfunction]
#[pyo3(signature = (lowers, upper=None, work=None, *, rootless=false, volatile=false))]
pub fn open_overlay(
    py: Python<'_>,
    lowers: Vec<String>,
    upper: Option<&str>,
    work: Option<&str>,
    rootless: bool,
    volatile: bool,
) -> PyResult<i32> {
    let overlay = Overlay { lowers: &lowers, upper: upper.zip(work), rootless, volatile };
    call_layers(py, || overlay::open_overlay(&overlay)).map(OwnedFd::release)
}

#[pyfunction]
pub fn unmount(py: Python<'_>, target: &str) -> PyResult<()> {
    call_layers(py, || overlay::unmount(target))
}
