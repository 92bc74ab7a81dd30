// SPDX-License-Identifier: Apache-2.0
//! --pidfd-socket: the started process's pidfd, sent over a unix socket.

use crate::arguments::Options;
use alloc::format;
use estiba_engine::console;
use estiba_engine::error::{Error, Result};
use estiba_engine::verbs::Started;
use estiba_sys::{Errno, OwnedFd, socket};

/// Whoever asked for the pidfd, if anybody did. Connected before there is a process, so that a wrong path costs nothing.
pub struct PidfdReceiver<'a> {
    path: &'a str,
    socket: Option<OwnedFd>,
}

impl<'a> PidfdReceiver<'a> {
    pub fn connect(options: &Options<'a>) -> Result<PidfdReceiver<'a>> {
        let Some(path) = options.text("pidfd-socket") else {
            return Ok(PidfdReceiver { path: "", socket: None });
        };
        let socket = console::connect_stream(path).map_err(|errno| refused(path, errno))?;
        Ok(PidfdReceiver { path, socket: Some(socket) })
    }

    pub fn send(&self, started: &Started) -> Result<()> {
        let Some(socket) = &self.socket else { return Ok(()) };
        socket::send_descriptor(socket.borrow(), b"pidfd", started.pidfd.borrow())
            .map_err(|errno| refused(self.path, errno))
    }
}

fn refused(path: &str, errno: Errno) -> Error {
    Error::refused(format!("send the pidfd over \"{path}\""), errno)
}
