// SPDX-License-Identifier: Apache-2.0
//! Writes values into a cgroup, and says in words which controller is missing for which limit.

use crate::cgroup::create::Cgroup;
use crate::cgroup::file;
use crate::cgroup::place::Dir;
use crate::cgroup::values::{IfAbsent, Value, Write};
use crate::error::{Error, ErrorKind, Result};
use crate::spec::resources::Resources;
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use estiba_sys::Errno;

/// For who may not reach the container's cgroup from his own.
pub const ELSEWHERE: &str = "run in a cgroup of this user's, as `systemd-run --user --scope` makes one";

impl Cgroup {
    /// Writes them in order. Some files bound each other (memory and memsw, quota and period): a value that the kernel
    /// refuses now is tried again after the others.
    pub fn apply(&self, writes: &[Write]) -> Result<()> {
        let mut now: Vec<&Write> = writes.iter().collect();
        while !now.is_empty() {
            let mut later: Vec<&Write> = Vec::new();
            let mut first: Option<Error> = None;
            for write in &now {
                match self.apply_one(write) {
                    Err(error) if matches!(error.errno, Some(Errno::EINVAL | Errno::EBUSY)) => {
                        later.push(write);
                        first = first.or(Some(error));
                    }
                    done => done?,
                }
            }
            if let Some(error) = first.filter(|_| later.len() == now.len()) {
                return Err(error);
            }
            now = later;
        }
        Ok(())
    }

    fn apply_one(&self, write: &Write) -> Result<()> {
        let Some(dir) = self.dir_of(&write.controller) else {
            return if write.if_absent == IfAbsent::Skip { Ok(()) } else { Err(self.no_controller(write)) };
        };
        match write_value(dir, &write.file, &write.value) {
            Ok(()) => Ok(()),
            Err(Errno::ENOENT) => match &write.if_absent {
                IfAbsent::Skip => Ok(()),
                IfAbsent::Instead { file, value } => {
                    match write_value(dir, file, &Value::Text(value.clone())) {
                        Err(Errno::ENOENT) => Err(no_file(write, dir)),
                        Err(errno) => Err(refused(write, file, value, dir, errno)),
                        Ok(()) => Ok(()),
                    }
                }
                IfAbsent::Fail => Err(no_file(write, dir)),
            },
            Err(errno) => {
                let (Value::Text(text) | Value::AfterFirstWord(text)) = &write.value;
                Err(refused(write, &write.file, text, dir, errno))
            }
        }
    }

    /// The folder whose hierarchy has `controller`; on v2 it must be on in this very cgroup.
    fn dir_of(&self, controller: &str) -> Option<&Dir> {
        self.v1(controller).or_else(|| {
            self.v2().filter(|dir| {
                let on = || dir.read("cgroup.controllers").unwrap_or_default();
                controller.is_empty() || on().split_whitespace().any(|name| name == controller)
            })
        })
    }

    fn no_controller(&self, write: &Write) -> Error {
        let controller = if write.controller.is_empty() { "cgroup" } else { &*write.controller };
        let needs = format!("{} needs the cgroup controller \"{controller}\", which is", write.what);
        let mut hint = Cow::Borrowed("leave the limit out, or run where the controller is mounted");
        let message = if let Some(dir) = self.refused.iter().find(|dir| dir.has(controller)) {
            format!("{needs} not delegated here: this user may not make \"{}\"", dir.path)
        } else if let Some(dir) = self.v2() {
            let parent = dir.path.rsplit_once('/').map_or("", |(parent, _)| parent);
            let list = |path: String| {
                file::read_path(&path).map_or(String::from("?"), |text| String::from(text.trim()))
            };
            let (own, above) = (
                list(format!("{}/cgroup.controllers", dir.path)),
                list(format!("{parent}/cgroup.subtree_control")),
            );
            let offered = list(format!("{parent}/cgroup.controllers"));
            hint = Cow::Owned(if offered.split_whitespace().any(|name| name == controller) {
                format!(
                    "processes in \"{parent}\" keep it from handing \"{controller}\" down: move them to a cgroup below"
                )
            } else {
                format!(
                    "turn it on from the top (echo +{controller} > cgroup.subtree_control in each parent), \
                     or with systemd by Delegate={controller}"
                )
            });
            format!(
                "{needs} not delegated here: {}/cgroup.controllers has \"{own}\", {parent}/cgroup.subtree_control \"{above}\"",
                dir.path
            )
        } else if let Some(dir) = self.refused.first() {
            hint = Cow::Borrowed(ELSEWHERE);
            format!("{needs} out of reach: this user may not make \"{}\"", dir.path)
        } else {
            format!("{needs} in none of the container's cgroups")
        };
        Error::new(ErrorKind::ConfigUnsupported, message).at(write.pointer.as_str()).hint(hint)
    }

    /// v2 kills where v1 refuses: with checkBeforeUpdate a limit below the present use is refused there too.
    pub fn check_before_update(&self, resources: &Resources<'_>) -> Result<()> {
        let Some(memory) =
            resources.memory.as_ref().filter(|memory| memory.check_before_update == Some(true))
        else {
            return Ok(());
        };
        let Some((dir, limit)) = self.v2().zip(memory.limit.filter(|limit| *limit > 0)) else {
            return Ok(());
        };
        let used = dir.read("memory.current");
        let used = used.ok().and_then(|text| text.trim().parse::<i64>().ok());
        match used.filter(|used| *used >= limit) {
            None => Ok(()),
            Some(used) => Err(Error::new(
                ErrorKind::KernelRefused,
                format!("a memory limit of {limit} is below the {used} bytes in use"),
            )
            .at("/linux/resources/memory/limit")
            .hint("without memory/checkBeforeUpdate the kernel reclaims, and kills if that is not enough")),
        }
    }
}

fn write_value(dir: &Dir, name: &str, value: &Value) -> estiba_sys::Result<()> {
    match value {
        Value::Text(text) => dir.write(name, text),
        Value::AfterFirstWord(text) => {
            let present = dir.read(name)?;
            let word = present.split_whitespace().next().ok_or(Errno::EINVAL)?;
            dir.write(name, &format!("{word} {text}"))
        }
    }
}

fn no_file(write: &Write, dir: &Dir) -> Error {
    let message = format!(
        "{} needs the cgroup file \"{}\", which this kernel does not have ({})",
        write.what,
        write.file,
        dir.label()
    );
    let error = Error::new(ErrorKind::ConfigUnsupported, message).at(write.pointer.as_str());
    if write.file.starts_with("memory.memsw.") || write.file.starts_with("memory.swap.") {
        return error
            .hint("swap is counted only with swap accounting in the kernel (boot with swapaccount=1)");
    }
    error
}

fn refused(write: &Write, name: &str, text: &str, dir: &Dir, errno: Errno) -> Error {
    let doing = format!("write \"{text}\" to \"{}/{name}\"", dir.path);
    let error = Error::refused(doing, errno).at(write.pointer.as_str());
    match (errno, name) {
        (Errno::EBUSY, "memory.limit_in_bytes") => {
            let used = dir.read("memory.usage_in_bytes").unwrap_or_default();
            error.hint(format!("{} bytes are in use", used.trim()))
        }
        (Errno::EINVAL, "memory.limit_in_bytes" | "memory.memsw.limit_in_bytes") => {
            let alone = dir.read("memory.limit_in_bytes").unwrap_or_default();
            let together = dir.read("memory.memsw.limit_in_bytes").unwrap_or_default();
            error.hint(format!(
                "memory alone may not be above memory and swap together: now {} and {}",
                alone.trim(),
                together.trim()
            ))
        }
        (Errno::ENODEV, _) => error.hint("there is no such block device on this host"),
        // The kernel reads 1 as no rate at all (tg_set_limit in block/blk-throttle.c).
        (Errno::EINVAL, "io.max") => error.hint("the least rate on cgroup v2 is 2"),
        (Errno::EOPNOTSUPP, "io.weight" | "io.bfq.weight") => error.hint(
            "the device gives no weights: its scheduler has to be bfq, or io.cost.qos in the root cgroup has to enable it",
        ),
        (Errno::EINVAL, "cpu.cfs_quota_us" | "cpu.rt_runtime_us") => {
            error.hint("a parent cgroup allows less than that")
        }
        (Errno::EINVAL | Errno::EACCES | Errno::ERANGE, "cpuset.cpus" | "cpuset.mems") => {
            let parent = dir.path.rsplit_once('/').map_or("", |(parent, _)| parent);
            let has = file::read_path(&format!("{parent}/{name}")).unwrap_or_default();
            error.hint(format!("the parent cgroup has \"{}\"", has.trim()))
        }
        _ => error,
    }
}
