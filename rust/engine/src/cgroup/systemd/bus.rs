// SPDX-License-Identifier: Apache-2.0
//! A conversation with a systemd manager: by its bus, or where there is none by the socket that systemctl uses.

use super::message::{self, Message, Reader, Target, Writer};
use crate::console::connect_stream;
use crate::deadline::{Deadline, poll_until};
use crate::error::{Error, ErrorKind, Result, words};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use estiba_sys::fd::{self, OwnedFd, POLLIN, PollFd};
use estiba_sys::{Errno, socket};

const MANAGER: Target = Target {
    destination: "org.freedesktop.systemd1",
    path: "/org/freedesktop/systemd1",
    interface: "org.freedesktop.systemd1.Manager",
};
const PROPERTIES: Target = Target { interface: "org.freedesktop.DBus.Properties", ..MANAGER };
const BUS: Target = Target {
    destination: "org.freedesktop.DBus",
    path: "/org/freedesktop/DBus",
    interface: "org.freedesktop.DBus",
};
const JOB_REMOVED: &str = "type='signal',sender='org.freedesktop.systemd1',member='JobRemoved'";

/// Milliseconds for each answer, and for a job: a manager that is busy takes seconds, one that hangs for ever.
const PATIENCE: u64 = 30_000;

/// Who manages the container's cgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manager {
    System,
    /// The user's own, of this number.
    User(u32),
}

pub struct Connection {
    socket: OwnedFd,
    serial: u32,
    /// The manager's own name on a bus, where anybody may send us signals.
    manager: Option<String>,
    /// Jobs that ended while something else was waited for: the job, and its result.
    jobs: Vec<(String, String)>,
}

/// A reason in words, for errors that name what was asked.
enum Failed {
    Socket(Errno),
    /// An error's name and text.
    Said(String, String),
    /// The greeting was answered so.
    Greeted(String),
    /// A job came to this end.
    Ended(String),
    Nonsense,
}

impl Connection {
    pub fn open(manager: Manager) -> Result<Connection> {
        let (bus, own) = match manager {
            Manager::System => {
                (String::from("/run/dbus/system_bus_socket"), String::from("/run/systemd/private"))
            }
            Manager::User(uid) => {
                (format!("/run/user/{uid}/bus"), format!("/run/user/{uid}/systemd/private"))
            }
        };
        let (socket, is_bus) = match connect_stream(&bus) {
            Ok(socket) => (socket, true),
            Err(_) => match connect_stream(&own) {
                Ok(socket) => (socket, false),
                Err(errno) => return Err(unreachable(&bus, &own, errno)),
            },
        };
        let mut connection = Connection { socket, serial: 0, manager: None, jobs: Vec::new() };
        connection.introduce(is_bus).map_err(|failed| failed.told("greet"))?;
        Ok(connection)
    }

    /// Shows who we are, by the socket's own credentials ("EXTERNAL" without a name), and asks for the ends of jobs.
    fn introduce(&mut self, is_bus: bool) -> core::result::Result<(), Failed> {
        self.send(b"\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n")?;
        // "DATA" and "OK ID", a line each.
        for wanted in ["DATA", "OK "] {
            let line = self.line()?;
            if !line.starts_with(wanted) {
                return Err(Failed::Greeted(line));
            }
        }
        if is_bus {
            self.ask(BUS, "Hello", "", Writer::default())?;
            let mut rule = Writer::default();
            rule.text(JOB_REMOVED);
            self.ask(BUS, "AddMatch", "s", rule)?;
            self.manager = Some(self.ask(MANAGER, "Subscribe", "", Writer::default())?.sender);
        }
        Ok(())
    }

    /// The manager's own cgroup, "" for the root: units are below it.
    pub fn control_group(&mut self) -> Result<String> {
        let mut body = Writer::default();
        body.text(MANAGER.interface);
        body.text("ControlGroup");
        let answer = self.ask(PROPERTIES, "Get", "ss", body).map_err(|failed| failed.told("ask"))?;
        let mut reader = Reader::new(&answer.body);
        match (reader.signature(), reader.text()) {
            (Some("s"), Some(path)) => Ok(path.trim_end_matches('/').to_string()),
            _ => Err(Failed::Nonsense.told("ask")),
        }
    }

    /// Calls what begins a job, and waits for its end. `body` begins with the unit. None: there is no such unit.
    pub fn job(&mut self, member: &str, signature: &str, body: Writer) -> Result<Option<()>> {
        let doing = doing(member, &body);
        let answer = match self.ask(MANAGER, member, signature, body) {
            Err(Failed::Said(name, _)) if name.ends_with(NO_SUCH_UNIT) => return Ok(None),
            answer => answer.map_err(|failed| failed.told(&doing))?,
        };
        let Some(job) = Reader::new(&answer.body).text() else { return Err(Failed::Nonsense.told(&doing)) };
        let deadline = Deadline::after(PATIENCE);
        loop {
            if let Some((_, result)) = self.jobs.iter().find(|(ended, _)| ended == job) {
                return match result.as_str() {
                    "done" => Ok(Some(())),
                    other => Err(Failed::Ended(String::from(other)).told(&doing)),
                };
            }
            let message = self.receive(&deadline).map_err(|failed| failed.told(&doing))?;
            self.note(&message);
        }
    }

    /// The same for what has no job.
    pub fn call(&mut self, member: &str, signature: &str, body: Writer) -> Result<Option<()>> {
        let doing = doing(member, &body);
        match self.ask(MANAGER, member, signature, body) {
            Err(Failed::Said(name, _)) if name.ends_with(NO_SUCH_UNIT) => Ok(None),
            answer => answer.map(|_| Some(())).map_err(|failed| failed.told(&doing)),
        }
    }

    fn ask(
        &mut self,
        target: Target,
        member: &str,
        signature: &str,
        body: Writer,
    ) -> core::result::Result<Message, Failed> {
        self.serial += 1;
        self.send(&message::call(self.serial, target, member, signature, &body.bytes))?;
        let deadline = Deadline::after(PATIENCE);
        loop {
            let message = self.receive(&deadline)?;
            if message.answers != self.serial {
                self.note(&message);
                continue;
            }
            return match message.kind {
                message::ERROR => {
                    let text = Reader::new(&message.body).text().unwrap_or_default();
                    Err(Failed::Said(message.error, String::from(text)))
                }
                _ => Ok(message),
            };
        }
    }

    fn note(&mut self, message: &Message) {
        let is_the_managers = self.manager.as_ref().is_none_or(|name| *name == message.sender);
        if message.kind == message::SIGNAL && message.member == "JobRemoved" && is_the_managers {
            let mut reader = Reader::new(&message.body);
            if let (Some(_), Some(job), Some(_), Some(result)) =
                (reader.u32(), reader.text(), reader.text(), reader.text())
            {
                self.jobs.push((String::from(job), String::from(result)));
            }
        }
    }

    fn send(&self, mut bytes: &[u8]) -> core::result::Result<(), Failed> {
        while !bytes.is_empty() {
            let sent = socket::send(self.socket.borrow(), bytes).map_err(Failed::Socket)?;
            bytes = bytes.get(sent..).unwrap_or_default();
        }
        Ok(())
    }

    fn receive(&self, deadline: &Deadline) -> core::result::Result<Message, Failed> {
        let mut head = [0; message::HEAD];
        self.fill(&mut head, deadline)?;
        let length = message::length(&head).ok_or(Failed::Nonsense)?;
        let mut bytes = head.to_vec();
        bytes.resize(length, 0);
        self.fill(bytes.get_mut(message::HEAD..).unwrap_or_default(), deadline)?;
        message::parse(&bytes).ok_or(Failed::Nonsense)
    }

    fn fill(&self, mut room: &mut [u8], deadline: &Deadline) -> core::result::Result<(), Failed> {
        while !room.is_empty() {
            let mut watched = [PollFd { fd: self.socket.raw(), events: POLLIN, revents: 0 }];
            if !poll_until(&mut watched, Some(deadline)).map_err(Failed::Socket)? {
                return Err(Failed::Socket(Errno::ETIMEDOUT));
            }
            match fd::read(self.socket.borrow(), room).map_err(Failed::Socket)? {
                0 => return Err(Failed::Socket(Errno::ECONNRESET)),
                count => room = room.get_mut(count..).unwrap_or_default(),
            }
        }
        Ok(())
    }

    /// A line of the greeting, byte by byte: what comes behind it is a message.
    fn line(&self) -> core::result::Result<String, Failed> {
        const LONGEST: usize = 512;
        let deadline = Deadline::after(PATIENCE);
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") && line.len() < LONGEST {
            let mut byte = [0];
            self.fill(&mut byte, &deadline)?;
            line.push(byte[0]);
        }
        Ok(String::from_utf8_lossy(line.trim_ascii_end()).into_owned())
    }
}

const NO_SUCH_UNIT: &str = ".NoSuchUnit";

/// A call and its unit, for messages.
fn doing(member: &str, body: &Writer) -> String {
    format!("{member} {:?}", Reader::new(&body.bytes).text().unwrap_or_default())
}

impl Failed {
    fn told(self, doing: &str) -> Error {
        let unmanaged = |message: String| Error::new(ErrorKind::HostUnsupported, message);
        match self {
            Failed::Socket(errno) => Error::refused(format!("speak with systemd ({doing})"), errno),
            Failed::Nonsense => unmanaged(format!("systemd's answer cannot be read ({doing})")),
            Failed::Greeted(line) => unmanaged(format!("systemd does not let us speak: {line:?}")),
            Failed::Ended(result) => unmanaged(format!("systemd's job {doing} ended so: {result}"))
                .hint("its log, which `journalctl` shows, may say why"),
            Failed::Said(name, _) if name.ends_with(".UnitExists") => {
                Error::new(ErrorKind::ConfigInvalid, format!("systemd refuses {doing}: a unit has that name"))
                    .at("/linux/cgroupsPath")
                    .hint("choose another name, or stop that unit")
            }
            Failed::Said(name, text) => {
                let name = name.rsplit('.').next().unwrap_or_default();
                // Other errors' texts have the kernel's words, on which callers act.
                let text = if name == "InvalidArgs" { format!(": {text:?}") } else { String::new() };
                unmanaged(format!("systemd refuses {doing}: {name}{text}"))
            }
        }
    }
}

fn unreachable(bus: &str, own: &str, errno: Errno) -> Error {
    let cause = if errno == Errno::ENOENT { String::new() } else { format!(": {}", words(errno)) };
    let message = format!("no systemd manager is at {bus:?} or {own:?}{cause}");
    let mut error = Error::new(ErrorKind::HostUnsupported, message)
        .hint("leave out --systemd-cgroup, or give --cgroup-manager=cgroupfs");
    error.errno = Some(errno);
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn on_a_bus_a_job_ends_by_its_manager_alone() {
        let mut body = Writer::default();
        body.u32(7);
        ["/job/7", "a.scope", "done"].iter().for_each(|text| body.text(text));
        let ended = Message { kind: message::SIGNAL, member: "JobRemoved".into(), ..Message::default() };
        let ended =
            |sender: &str| Message { sender: sender.into(), body: body.bytes.clone(), ..ended.clone() };
        let (socket, _peer) = socket::pair().unwrap();
        let mut connection =
            Connection { socket, serial: 0, manager: Some(String::from(":1.0")), jobs: Vec::new() };
        connection.note(&ended(":1.99"));
        assert_eq!(connection.jobs, []);
        connection.note(&ended(":1.0"));
        assert_eq!(connection.jobs, vec![(String::from("/job/7"), String::from("done"))]);
    }
}
