// SPDX-License-Identifier: Apache-2.0
//! cgroups on two axes: where a container's cgroup is (`layout`, `place`) and what is written into it (`values`,
//! `devices`). v1, hybrid and v2 are layouts of the host, never three managers.
//!
//!     layout ── place ──► Vec<Dir> ── survey ──► in the state record ── Cgroup::create ──► open_v2, open_tasks: clone3
//!     resources ── values::writes ──► Vec<Write> ── apply         devices ── Policy ──► program or writes

mod apply;
mod create;
pub mod device_filter;
mod device_pins;
pub mod device_program;
pub mod devices;
pub mod file;
mod freeze;
mod kill;
pub mod layout;
pub mod place;
mod process;
mod remove;
mod stats;
pub mod systemd;
mod tree;
pub mod values;
#[cfg(test)]
mod values_tests;
mod values_v1;
mod values_v2;
mod wait;
mod weight;

pub use apply::ELSEWHERE;
pub use create::Cgroup;
pub use freeze::lacking;
pub use layout::{Hierarchy, Layout, Membership};
pub use place::{Dir, Manager, PlaceRequest, place};
pub use systemd::Scope;
