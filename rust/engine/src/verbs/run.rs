// SPDX-License-Identifier: Apache-2.0
//! `run`: create without a gate, attend, delete. For the command: it takes over the process's signals.

use super::create::{self, Judged, Request};
use super::delete;
use crate::error::{Error, ErrorKind, Result};
use crate::foreground::{self, Attendant};
use crate::trace::Trace;
use alloc::vec::Vec;
use core::mem;
use estiba_sys::socket;

#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Return once the program runs.
    pub detach: bool,
    /// Leave the stopped container for `delete`.
    pub keep: bool,
}

/// Returns the program's exit code, 128 + n for signal n; 0 when detached. `warn` takes what `create` and `delete` warn of.
pub fn run(
    request: &Request<'_>,
    judged: Judged<'_>,
    options: Options,
    warn: impl Fn(Vec<Error>),
) -> Result<i32> {
    let request = Request { gate: false, ..*request };
    let terminal = judged.spec.process.as_ref().is_some_and(|process| process.terminal);
    let relayed = terminal && request.console_socket.is_none();
    if relayed && options.detach {
        return Err(Error::new(ErrorKind::ConfigInvalid, "a detached run cannot relay a terminal")
            .at("/process/terminal")
            .hint("give --console-socket, or set terminal to false"));
    }
    // Armed before the clone, so that no signal and no end of a child falls between.
    let attendant = if options.detach { None } else { Some(Attendant::arm()?) };
    let (ours, theirs) = if relayed {
        let (ours, theirs) =
            socket::pair().map_err(|errno| Error::refused("make the terminal's socket", errno))?;
        (Some(ours), Some(theirs))
    } else {
        (None, None)
    };
    let (mut started, container) = create::make(&request, judged, theirs, Trace::new(request.trace))?;
    container.folder.unlock()?;
    warn(mem::take(&mut started.warnings));
    let ran = match attendant {
        Some(attendant) => ours
            .map(foreground::receive_terminal)
            .transpose()
            .and_then(|terminal| attendant.attend(&started, terminal)),
        None => Ok(0),
    };
    match ran {
        Ok(code) if options.detach || options.keep => Ok(code),
        Ok(code) => delete::delete_ended(container).map(warn).map(|()| code),
        Err(error) => {
            let _ = delete::delete(request.root, request.id, true).map(warn);
            Err(error)
        }
    }
}
