// SPDX-License-Identifier: Apache-2.0
//! Layers of images: calls on descriptors that stay the caller's.

use crate::errors::call_layers;
use estiba_layers::{Compression, Error, Form, Packing, Promised, Tree, Unpacking};
use estiba_sys::{BorrowedFd, data};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::borrow::Cow;

#[pyfunction]
#[pyo3(signature = (source_fd, target_fd, *, compression, expected_digest, expected_size, expected_diff_id, form,
    max_bytes, max_entries, rootless=false))]
#[expect(clippy::too_many_arguments, reason = "keywords of Python")]
pub fn unpack_layer(
    py: Python<'_>,
    source_fd: i32,
    target_fd: i32,
    compression: &str,
    expected_digest: Option<&str>,
    expected_size: Option<u64>,
    expected_diff_id: Option<&str>,
    form: &str,
    max_bytes: u64,
    max_entries: u64,
    rootless: bool,
) -> PyResult<(String, u64, String, u64, u64)> {
    let form = match form {
        "overlay" => Form::Overlay,
        "plain" => Form::Plain,
        other => return Err(PyValueError::new_err(format!("\"{other}\" is not a form of a layer"))),
    };
    let promised = Promised { digest: expected_digest, size: expected_size, diff_id: expected_diff_id };
    let compression = compression_named(compression)?;
    let how = Unpacking { compression, promised, form, rootless, max_bytes, max_entries };
    let (source, target) = (BorrowedFd::numbered(source_fd), BorrowedFd::numbered(target_fd));
    let made = call_layers(py, || estiba_layers::unpack(source, target, &how))?;
    Ok((made.digest, made.size, made.diff_id, made.bytes, made.entries))
}

#[pyfunction]
#[pyo3(signature = (tree_fd, out_fd, *, source, compression, level, clamp_mtime, rootless=false))]
#[expect(clippy::too_many_arguments, reason = "keywords of Python")]
pub fn pack_layer(
    py: Python<'_>,
    tree_fd: i32,
    out_fd: i32,
    source: &str,
    compression: &str,
    level: Option<i32>,
    clamp_mtime: Option<i64>,
    rootless: bool,
) -> PyResult<(String, u64, String, u64, u64)> {
    let tree = match source {
        "overlay" => Tree::Overlay,
        "tree" => Tree::Plain,
        other => return Err(PyValueError::new_err(format!("\"{other}\" is not a source of a layer"))),
    };
    let compression = compression_named(compression)?;
    let how = Packing { tree, compression, level, clamp: clamp_mtime, rootless };
    let (folder, out) = (BorrowedFd::numbered(tree_fd), BorrowedFd::numbered(out_fd));
    let made = call_layers(py, || estiba_layers::pack(folder, out, &how))?;
    Ok((made.digest, made.size, made.diff_id, made.tar_bytes, made.entries))
}

#[pyfunction]
pub fn inflated_head(py: Python<'_>, fd: i32, length: usize) -> PyResult<Cow<'static, [u8]>> {
    call_layers(py, || estiba_layers::inflated_head(BorrowedFd::numbered(fd), length)).map(Cow::Owned)
}

#[pyfunction]
pub fn sync_filesystem(py: Python<'_>, fd: i32) -> PyResult<()> {
    let doing = "bring the file system to the disk";
    let sync = || data::sync_filesystem(BorrowedFd::numbered(fd));
    call_layers(py, || sync().map_err(|errno| Error::refused(doing, errno)))
}

fn compression_named(name: &str) -> PyResult<Compression> {
    Compression::named(name)
        .ok_or_else(|| PyValueError::new_err(format!("\"{name}\" is not a compression of layers")))
}
