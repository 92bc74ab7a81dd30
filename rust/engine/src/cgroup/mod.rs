// SPDX-License-Identifier: Apache-2.0
//! cgroups on two axes: where a container's cgroup is (`layout`, `place`) and what is written into it (`values`,
//! `devices`). v1, hybrid and v2 are layouts of the host, never three managers.
//!
//!     layout ── place ──► Vec<Dir> ── survey ──► in the state record ── Cgroup::create ──► fd, procs_fds: clone3
//!     resources ── values::writes ──► Vec<Write> ── apply        devices ── Policy ──► program or writes

pub mod device_program;
pub mod devices;
mod file;
pub mod layout;
pub mod place;
pub mod values;
#[cfg(test)]
mod values_tests;
mod values_v1;
mod values_v2;
mod weight;
