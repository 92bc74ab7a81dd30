// SPDX-License-Identifier: Apache-2.0
//! What to write into a cgroup for `linux.resources`: pure, one list of writes whichever hierarchy holds a controller.
//!
//! Zeros and nulls of a caller who means "unset" give no write, so they never need a controller.

use crate::cgroup::layout::{Layout, Version};
use crate::cgroup::{values_v1, values_v2};
use crate::error::{Error, ErrorKind, Result};
use crate::spec::resources::Resources;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// One value for one file of the container's cgroup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// As its hierarchy names it: "blkio" on v1, "io" on v2; "" for the core files of v2.
    pub controller: Cow<'static, str>,
    pub file: Cow<'static, str>,
    pub value: Value,
    /// In people's words: "memory limit".
    pub what: &'static str,
    /// Where in config.json it was asked for.
    pub pointer: String,
    pub if_absent: IfAbsent,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Text(String),
    /// The file's present first word, then this text.
    AfterFirstWord(String),
}

/// What to do when the host has no such controller or file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfAbsent {
    Fail,
    /// The value is what holds without the file.
    Skip,
    /// The same value goes by another name there; if that is absent too, fail.
    Instead {
        file: &'static str,
        value: String,
    },
}

impl Write {
    pub fn new(
        controller: &'static str,
        file: impl Into<Cow<'static, str>>,
        value: impl ToString,
        what: &'static str,
        pointer: &str,
    ) -> Write {
        Write {
            controller: Cow::Borrowed(controller),
            file: file.into(),
            value: Value::Text(value.to_string()),
            what,
            pointer: format!("/linux/resources/{pointer}"),
            if_absent: IfAbsent::Fail,
        }
    }

    #[must_use]
    pub fn skip_if_absent_when(mut self, needless: bool) -> Write {
        if needless {
            self.if_absent = IfAbsent::Skip;
        }
        self
    }
}

/// A limit that some callers send as 0 when they mean "unset".
pub fn set<T: Default + PartialEq + Copy>(value: Option<T>) -> Option<T> {
    value.filter(|value| *value != T::default())
}

pub fn refuse(pointer: &str, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::ConfigUnsupported, message).at(format!("/linux/resources/{pointer}"))
}

pub fn invalid(pointer: &str, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::ConfigInvalid, message).at(format!("/linux/resources/{pointer}"))
}

/// Every write but the device rules, in an order that the kernel takes on a fresh cgroup.
pub fn writes(resources: &Resources<'_>, layout: &Layout) -> Result<Vec<Write>> {
    let mut list = Vec::new();
    let v1 = |controller: &str| layout.version_of(controller) == Version::V1;
    if let Some(memory) = &resources.memory {
        if v1("memory") {
            values_v1::memory(memory, &mut list)?
        } else {
            values_v2::memory(memory, &mut list)?
        }
    }
    if let Some(cpu) = &resources.cpu {
        if v1("cpu") {
            values_v1::cpu(cpu, &mut list)?
        } else {
            values_v2::cpu(cpu, &mut list)?
        }
        cpuset(cpu, &mut list);
    }
    if let Some(pids) = &resources.pids {
        list.extend(pids.limit.map(pids_limit));
    }
    if let Some(block_io) = &resources.block_io {
        if v1("blkio") {
            values_v1::block_io(block_io, &mut list)?
        } else {
            values_v2::block_io(block_io, &mut list)?
        }
    }
    hugepages(resources, if v1("hugetlb") { "limit_in_bytes" } else { "max" }, &mut list)?;
    if let Some(network) = &resources.network {
        if v1("net_cls") || v1("net_prio") {
            values_v1::network(network, &mut list)?;
        } else {
            values_v2::network(network)?;
        }
    }
    rdma(resources, &mut list)?;
    values_v2::unified(resources, layout, &mut list)?;
    Ok(list)
}

/// The same files on both versions.
fn cpuset(cpu: &crate::spec::resources::Cpu<'_>, list: &mut Vec<Write>) {
    for (file, value, what, pointer) in [
        ("cpuset.cpus", &cpu.cpus, "cpu set", "cpu/cpus"),
        ("cpuset.mems", &cpu.mems, "memory node set", "cpu/mems"),
    ] {
        if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
            list.push(Write::new("cpuset", file, value, what, pointer));
        }
    }
}

/// -1 is "no limit". 0 is a limit since runtime-spec 1.3; written as 1, for systemd knows no 0 and a container of
/// no process does not start: the effect on what init may fork is the same.
fn pids_limit(limit: i64) -> Write {
    let value = if limit < 0 { "max".to_string() } else { limit.max(1).to_string() };
    Write::new("pids", "pids.max", value, "pids limit", "pids/limit").skip_if_absent_when(limit < 0)
}

fn hugepages(resources: &Resources<'_>, suffix: &str, list: &mut Vec<Write>) -> Result<()> {
    for (index, page) in resources.hugepage_limits.iter().flatten().enumerate() {
        let size = &*page.page_size;
        let digits = size.trim_start_matches(|c: char| c.is_ascii_digit());
        if digits.len() == size.len() || !matches!(digits, "KB" | "MB" | "GB") {
            return Err(invalid(
                &format!("hugepageLimits/{index}/pageSize"),
                format!("\"{size}\" is not a page size"),
            )
            .hint("write it as in /sys/kernel/mm/hugepages, with unit: \"2MB\", \"1GB\""));
        }
        let pointer = format!("hugepageLimits/{index}/limit");
        let limit = page.limit;
        let write = |file| Write::new("hugetlb", file, limit, "huge page limit", &pointer);
        list.push(write(format!("hugetlb.{size}.{suffix}")));
        // Reservations are counted apart (Linux 5.7): without this limit mmap gets round the other.
        list.push(write(format!("hugetlb.{size}.rsvd.{suffix}")).skip_if_absent_when(true));
    }
    Ok(())
}

fn rdma(resources: &Resources<'_>, list: &mut Vec<Write>) -> Result<()> {
    for (device, limits) in resources.rdma.iter().flatten() {
        let pointer = format!("rdma/{device}");
        if device.is_empty() || device.contains(|c: char| c.is_whitespace() || c == '=') {
            return Err(invalid(&pointer, format!("\"{device}\" is not an RDMA device name")));
        }
        let mut value = device.to_string();
        if let Some(handles) = limits.hca_handles {
            value += &format!(" hca_handle={handles}");
        }
        if let Some(objects) = limits.hca_objects {
            value += &format!(" hca_object={objects}");
        }
        if value.len() > device.len() {
            list.push(Write::new("rdma", "rdma.max", value, "RDMA limit", &pointer));
        }
    }
    Ok(())
}
