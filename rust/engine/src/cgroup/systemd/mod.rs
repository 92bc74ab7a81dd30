// SPDX-License-Identifier: Apache-2.0
//! A container's cgroup as a scope of systemd's (systemd.scope(5)): asked of its manager, which makes and removes it.
//!
//!     create   a process that does nothing ─► StartTransientUnit ─► the cgroup is there ─► init is born into it
//!     update   the files ─► SetUnitProperties
//!     delete   the cgroup is emptied and removed ─► StopUnit
//!
//! The scope is delegated: what is below it is the container's. On cgroup v2 alone: in the other layouts systemd manages
//! hierarchies side by side, which it gives up (systemd 256).

mod bus;
mod message;
mod name;
mod properties;

use crate::cgroup::create::Cgroup;
use crate::cgroup::file;
use crate::cgroup::layout::Layout;
use crate::cgroup::place::Dir;
use crate::cgroup::values::{self, Write};
use crate::error::{Error, ErrorKind, Result, pointer_part};
use crate::spec::resources::Resources;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use bus::{Connection, Manager};
use estiba_sys::process;
use message::{Property, Value, Writer};
use name::Name;
use serde::{Deserialize, Serialize};

/// What the state record keeps of a scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    pub unit: String,
    /// Whose manager has it: the user's of this number, or the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<u32>,
}

/// A scope that is to be.
pub struct NewScope {
    pub scope: Scope,
    /// The limits until its keeper has ended.
    pub writes: Vec<Write>,
    /// Those from then on.
    last: Vec<Write>,
    slice: String,
    connection: Connection,
}

impl NewScope {
    /// Where a container's scope is to be, and its cgroup. Nothing is made yet.
    pub fn place(
        path: Option<&str>,
        id: &str,
        is_rootless: bool,
        resources: &Resources<'_>,
        layout: &Layout,
    ) -> Result<(NewScope, Dir)> {
        let Some(mount_point) = layout.hierarchies.first().filter(|_| layout.is_pure_v2()) else {
            return Err(Error::new(
                ErrorKind::HostUnsupported,
                "the systemd cgroup manager needs cgroup v2 alone on /sys/fs/cgroup",
            )
            .hint("leave out --systemd-cgroup, or give --cgroup-manager=cgroupfs"));
        };
        let name = Name::parse(path, id, is_rootless)?;
        let folder = name.folder();
        let scope = Scope { unit: name.unit, user: is_rootless.then(user).transpose()? };
        let mut connection = scope.connect()?;
        let above = connection.control_group()?;
        let path = format!("{}{above}{folder}", mount_point.mount_point);
        let dir = Dir { controllers: Vec::new(), path, parents: 0, inode: 0 };
        let (writes, last) = beside_a_keeper(values::writes(resources, layout)?);
        Ok((NewScope { scope, writes, last, slice: name.slice, connection }, dir))
    }

    /// Makes the scope, around a process that keeps it until the container's own is there.
    pub fn start(&mut self, id: &str, keeper: i32) -> Result<()> {
        let mut asked = vec![
            ("Description", Value::Text(format!("container {id}"))),
            ("Slice", Value::Text(self.slice.clone())),
            ("PIDs", Value::Pids(vec![keeper.unsigned_abs()])),
            ("Delegate", Value::Bool(true)),
            ("DefaultDependencies", Value::Bool(false)),
            // One that has failed is forgotten, too: its name is free for the next.
            ("CollectMode", Value::Text(String::from("inactive-or-failed"))),
        ];
        asked.extend(properties::of_new(&self.writes));
        // What somebody else has left of that name, failed and done with.
        let mut body = Writer::default();
        body.text(&self.scope.unit);
        self.connection.call("ResetFailedUnit", "s", body)?;
        let mut body = Writer::default();
        body.text(&self.scope.unit);
        body.text("fail");
        body.properties(&asked);
        body.nothing();
        self.connection.job("StartTransientUnit", "ssa(sv)a(sa(sv))", body).map(drop)
    }

    /// Once its keeper has ended: what leaves no room for it.
    pub fn limit(&mut self, cgroup: &Cgroup) -> Result<()> {
        cgroup.apply(&self.last)?;
        self.scope.tell(&mut self.connection, &properties::of(&self.last, None))
    }
}

impl Scope {
    /// New limits, of which the manager is told, too: it would undo them otherwise.
    pub fn update(&self, cgroup: &Cgroup, resources: &Resources<'_>, layout: &Layout) -> Result<()> {
        let mut connection = self.connect()?; // who cannot tell it changes nothing
        cgroup.update(resources, layout)?;
        // Quota and period may be changed one without the other, and are told together.
        let cpu_max = cgroup.v2().and_then(|dir| dir.read("cpu.max").ok());
        let changed = properties::of(&values::writes(resources, layout)?, cpu_max.as_deref());
        self.tell(&mut connection, &changed)
    }

    fn tell(&self, connection: &mut Connection, changed: &[Property]) -> Result<()> {
        if changed.is_empty() {
            return Ok(());
        }
        let mut body = Writer::default();
        body.text(&self.unit);
        body.bool(true); // for as long as the unit lives
        body.properties(changed);
        connection.call("SetUnitProperties", "sba(sv)", body)?;
        // It answers first and writes then: once it answers another question, what it writes is written.
        connection.control_group().map(drop)
    }

    /// Ends the scope, whose processes are gone. One that the manager has forgotten is fine.
    pub fn stop(&self) -> Result<()> {
        let mut body = Writer::default();
        body.text(&self.unit);
        body.text("replace");
        self.connect()?.job("StopUnit", "ss", body).map(drop)
    }

    fn connect(&self) -> Result<Connection> {
        Connection::open(self.user.map_or(Manager::System, Manager::User))
    }
}

/// The limits while another process is in the cgroup; and those that have to wait for its end, for it counts, too.
fn beside_a_keeper(mut writes: Vec<Write>) -> (Vec<Write>, Vec<Write>) {
    let is_full = |write: &&mut Write| write.file == "pids.max" && write.value == text("1");
    let last = writes.iter_mut().filter(is_full).map(|write| {
        let last = write.clone();
        write.value = text("2");
        last
    });
    let last = last.collect();
    (writes, last)
}

fn text(value: &str) -> values::Value {
    values::Value::Text(String::from(value))
}

/// A warning for each annotation that asks for a property of the unit: an image's or a pod's author, who may write them,
/// would have the host's manager run programs (CVE-2024-3154).
pub fn left_out<'a>(annotations: impl Iterator<Item = &'a str>) -> Vec<Error> {
    let told = |name: &str| {
        let message = format!("{name:?} is ignored: no property of the unit is taken from annotations");
        Error::new(ErrorKind::ConfigUnsupported, message).at(format!("/annotations/{}", pointer_part(name)))
    };
    annotations.filter(|name| name.starts_with("org.systemd.property.")).map(told).collect()
}

/// Who we are outside of a user namespace that has one of its ids mapped to us: systemd counts users there.
fn user() -> Result<u32> {
    let map = file::read_path("/proc/self/uid_map")
        .map_err(|errno| Error::refused("read \"/proc/self/uid_map\"", errno))?;
    let inside = process::effective_uid();
    let outside = map.lines().find_map(|line| {
        let mut words = line.split_whitespace().map(str::parse::<u32>);
        let (first, above, count) = (words.next()?.ok()?, words.next()?.ok()?, words.next()?.ok()?);
        inside.checked_sub(first).filter(|offset| *offset < count).map(|offset| above + offset)
    });
    outside.ok_or_else(|| Error::internal("this user's id is in no line of /proc/self/uid_map"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_one_process_waits_for_the_keepers_end() {
        let one = Write::new("pids", "pids.max", 1, "", "");
        let (now, last) = beside_a_keeper(vec![one.clone(), Write::new("memory", "memory.max", 1, "", "")]);
        assert_eq!((&now[0].value, &now[1].value, last), (&text("2"), &text("1"), vec![one]));
        let (now, last) = beside_a_keeper(vec![Write::new("pids", "pids.max", 7, "", "")]);
        assert_eq!((&now[0].value, last), (&text("7"), vec![]));
    }
}
