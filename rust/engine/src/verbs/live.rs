// SPDX-License-Identifier: Apache-2.0
//! A container as the verbs find it: its record, and whether its init still is who the record says.

use crate::cgroup::Cgroup;
use crate::error::{Error, ErrorKind, Facts, Result};
use crate::generated::{lookup, transitions};
use crate::proc;
use crate::state::{self, Folder, Record, Status};
use alloc::format;
use alloc::string::String;
use estiba_sys::OwnedFd;

/// A folder and the text of its record, from which records are parsed.
pub struct Container {
    pub folder: Folder,
    text: String,
}

/// The record with the container's present state.
pub struct Live<'a> {
    pub record: Record<'a>,
    pub status: Status,
    /// Of init, while it lives.
    pub pidfd: Option<OwnedFd>,
}

impl Container {
    /// One whose record has just been written.
    pub fn new(folder: Folder, text: String) -> Container {
        Container { folder, text }
    }

    /// For verbs that change it.
    pub fn open(root: &str, id: &str) -> Result<Container> {
        Container::load(Folder::open(root, id)?)?.map_err(|folder| Container::without_record(&folder))
    }

    /// For verbs that only look.
    pub fn look(root: &str, id: &str) -> Result<Container> {
        Container::load(Folder::look(root, id)?)?.map_err(|folder| Container::without_record(&folder))
    }

    /// Gives the folder back if it has no record. ContainerNotFound: the folder has been removed since it was opened.
    pub fn load(folder: Folder) -> Result<core::result::Result<Container, Folder>> {
        Ok(match folder.read()? {
            Some(text) => Ok(Container { folder, text }),
            None if folder.is_removed()? => return Err(state::not_found(&folder.id)),
            None => Err(folder),
        })
    }

    pub fn lock_again(self) -> Result<Container> {
        Ok(Container { folder: self.folder.lock_again()?, text: self.text })
    }

    pub fn without_record(folder: &Folder) -> Error {
        let message =
            format!("container {:?} has no state record: its create died, or is at work", folder.id);
        let hint = format!("`estiba delete --force {}` cleans what is left", folder.id);
        Error::new(ErrorKind::WrongState, message).hint(hint).about(&folder.id, Some(Status::Creating))
    }

    pub fn record(&self) -> Result<Record<'_>> {
        state::parse(&self.folder, &self.text)
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn live(&self) -> Result<Live<'_>> {
        let record = self.record()?;
        if record.pid == 0 {
            return Ok(Live { record, status: Status::Creating, pidfd: None });
        }
        let pidfd = proc::pidfd_of(record.pid, record.start_time, record.pidfd_inode)?;
        let status = self.status(&record, pidfd.is_some())?;
        Ok(Live { record, status, pidfd })
    }

    fn status(&self, record: &Record<'_>, is_alive: bool) -> Result<Status> {
        Ok(if self.folder.is_creating() {
            Status::Creating
        } else if !is_alive {
            Status::Stopped
        } else if Cgroup::from_record(&record.cgroup).is_frozen()? {
            Status::Paused
        } else if self.folder.is_waited_at(state::GATE) {
            Status::Created
        } else {
            Status::Running
        })
    }
}

impl Live<'_> {
    /// Is the verb allowed in the container's present state?
    pub fn allow(&self, verb: &str) -> Result<()> {
        let allowed = lookup(transitions::TRANSITIONS, verb).unwrap_or_default();
        if allowed.iter().any(|step| step.0 == self.status) { Ok(()) } else { Err(self.refuse(verb)) }
    }

    /// The error of a verb that needs another state, in the table's words: callers read some of them.
    pub fn refuse(&self, verb: &str) -> Error {
        let (id, status) = (&*self.record.id, self.status);
        let needs = lookup(transitions::NEEDS, verb).unwrap_or(verb);
        let allowed = lookup(transitions::TRANSITIONS, verb).unwrap_or_default();
        let wanted = allowed.iter().map(|step| step.0).collect();
        let error =
            Error::new(ErrorKind::WrongState, format!("container {id:?} is {}: {needs}", status.name()))
                .with(Facts::Container { id: id.into(), status: Some(status), wanted });
        let advice = lookup(transitions::HINTS, verb).unwrap_or_default();
        match advice.iter().find(|hint| hint.0 == status) {
            Some((_, hint)) => error.hint(hint.replace("{id}", id)),
            None => error,
        }
    }
}
