// SPDX-License-Identifier: Apache-2.0
//! estiba._core: the engine for Python. Conversion only: typed arguments in, one engine call without the GIL, plain
//! values out, errors as the classes of estiba.errors. python/estiba/_core.pyi is the contract.
#![deny(unsafe_code)]

mod errors;
mod layers;
mod process;
mod trees;
mod verbs;

use pyo3::pymodule;

#[pymodule]
mod _core {
    #[pymodule_export]
    use super::errors::error_kinds;
    #[pymodule_export]
    use super::layers::{inflated_head, pack_layer, sync_filesystem, unpack_layer};
    #[pymodule_export]
    use super::process::Process;
    #[pymodule_export]
    use super::trees::{
        copy_tree, digest_tree, make_folder, mount_memory, mount_overlay, open_overlay, own_user_namespace,
        private_mounts, unmount,
    };
    #[pymodule_export]
    use super::verbs::{
        check_preserved, containers, create, delete, exec, kill, note_refused, pause, plan, processes, prove,
        record, resume, start, state, states, stats, sweep, update,
    };

    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "Python's name for it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
