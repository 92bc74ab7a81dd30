// SPDX-License-Identifier: Apache-2.0
//! Trees of files: stacked, copied, digested.

use crate::errors::call_layers;
use estiba_layers::overlay::{self, Overlay};
use estiba_layers::tree::copy::{self, Copied, Rules, Target};
use estiba_layers::tree::filter::Filter;
use estiba_layers::tree::mode::Mode;
use estiba_layers::tree::place::{self, Owner};
use estiba_layers::tree::{Source, digest};
use estiba_sys::{BorrowedFd, OwnedFd};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

#[pyfunction]
pub fn private_mounts(py: Python<'_>) -> PyResult<()> {
    call_layers(py, overlay::private_mounts)
}

#[pyfunction]
pub fn own_user_namespace(py: Python<'_>) -> PyResult<()> {
    call_layers(py, overlay::own_user_namespace)
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
pub fn mount_memory(py: Python<'_>, target: &str) -> PyResult<()> {
    call_layers(py, || overlay::mount_memory(target))
}

#[pyfunction]
pub fn unmount(py: Python<'_>, target: &str) -> PyResult<()> {
    call_layers(py, || overlay::unmount(target))
}

#[pyfunction]
#[pyo3(signature = (source_root, source_path, target_root, target_path, *, uid=None, gid=None, mode=None,
    ignored=vec![], excluded=vec![], threads=2))]
#[expect(clippy::too_many_arguments, reason = "keywords of Python")]
pub fn copy_tree(
    py: Python<'_>,
    source_root: i32,
    source_path: OsString,
    target_root: i32,
    target_path: OsString,
    uid: Option<u32>,
    gid: Option<u32>,
    mode: Option<&str>,
    ignored: Vec<OsString>,
    excluded: Vec<OsString>,
    threads: usize,
) -> PyResult<(u64, u64)> {
    let mode = mode.map(parse_mode).transpose()?;
    let (ignored, excluded) = (filter(&ignored), filter(&excluded));
    let source = source(source_root, &source_path, &ignored, &excluded);
    let target = Target { root: BorrowedFd::numbered(target_root), path: target_path.as_bytes() };
    let rules = Rules { uid, gid, mode };
    let Copied { entries, bytes } = call_layers(py, || copy::copy(&source, target, &rules, threads))?;
    Ok((entries, bytes))
}

#[pyfunction]
#[pyo3(signature = (root, path, *, ids=true, ignored=vec![], excluded=vec![], threads=2))]
pub fn digest_tree(
    py: Python<'_>,
    root: i32,
    path: OsString,
    ids: bool,
    ignored: Vec<OsString>,
    excluded: Vec<OsString>,
    threads: usize,
) -> PyResult<String> {
    let (ignored, excluded) = (filter(&ignored), filter(&excluded));
    let source = source(root, &path, &ignored, &excluded);
    call_layers(py, || digest::digest(&source, ids, threads))
}

#[pyfunction]
#[pyo3(signature = (root, path, *, uid=0, gid=0))]
pub fn make_folder(
    py: Python<'_>,
    root: i32,
    path: OsString,
    uid: u32,
    gid: u32,
) -> PyResult<(OsString, bool)> {
    let root = BorrowedFd::numbered(root);
    let made = call_layers(py, || place::make_folder(root, path.as_bytes(), Owner { uid, gid }))?;
    Ok((OsString::from_vec(made.path), made.is_new))
}

fn filter(lines: &[OsString]) -> Filter {
    Filter::new(lines.iter().map(|line| line.as_bytes()))
}

fn source<'a>(root: i32, path: &'a OsString, ignored: &'a Filter, excluded: &'a Filter) -> Source<'a> {
    Source { root: BorrowedFd::numbered(root), path: path.as_bytes(), ignored, excluded }
}

fn parse_mode(text: &str) -> PyResult<Mode> {
    Mode::parse(text).ok_or_else(|| PyValueError::new_err(format!("\"{text}\" is not a mode")))
}
