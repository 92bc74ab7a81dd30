// SPDX-License-Identifier: Apache-2.0
//! What people and callers are told: data on stdout, a failure as a line and a hint on stderr and as one log record.

use crate::arguments::Options;
use crate::{Outcome, Result, files, log};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use estiba_engine::error::{Error, words};
use estiba_sys::Errno;
use estiba_sys::process::wall_clock;

/// Something that went wrong, in words.
#[derive(Debug)]
pub struct Failure {
    /// Where, what, the cause: one line.
    pub message: String,
    pub hint: Option<String>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure { message: error.to_string(), hint: error.hint.map(|hint| hint.to_string()) }
    }
}

/// Writes data to stdout. A reader who is gone wants no words.
pub fn print(data: &str) -> Result {
    match files::print(1, data) {
        Ok(()) => Ok(Outcome::Done(0)),
        Err(Errno::EPIPE) => Ok(Outcome::Done(1)),
        Err(errno) => {
            Err(Failure { message: format!("cannot write standard output: {}", words(errno)), hint: None })
        }
    }
}

/// Writes to stderr: nobody could be told of a failure.
fn complain(text: &str) {
    let _ = files::print(2, text);
}

/// Where a failure goes beside stderr.
#[derive(Default)]
pub struct Report<'a> {
    log: Option<&'a str>,
    is_json: bool,
    keeps_warnings: bool,
}

impl<'a> Report<'a> {
    pub fn of(globals: &Options<'a>) -> Report<'a> {
        let log = globals.text("log").filter(|path| !path.is_empty());
        Report {
            log,
            is_json: globals.text("log-format") == Some("json"),
            keeps_warnings: globals.flag("debug") || globals.text("log-level") != Some("error"),
        }
    }

    /// Tells the failure and returns the exit code.
    pub fn fail(&self, failure: &Failure, code: i32) -> i32 {
        self.tell("error", "", self.log, failure);
        code
    }

    /// Tells of what went wrong and stopped nothing.
    pub fn warn(&self, warnings: Vec<Error>) {
        for warning in warnings {
            let log = self.log.filter(|_| self.keeps_warnings);
            self.tell("warning", "warning: ", log, &warning.into());
        }
    }

    fn tell(&self, level: &str, before: &str, log: Option<&str>, failure: &Failure) {
        let Failure { message, hint } = failure;
        let told = match hint {
            Some(hint) => format!("{before}{message}\nhint: {hint}\n"),
            None => format!("{before}{message}\n"),
        };
        complain(&told);
        if let Some(path) = log {
            let message = match hint {
                Some(hint) => format!("{message}; hint: {hint}"),
                None => message.clone(),
            };
            if let Err(errno) =
                files::append(path, &log::record(level, &message, wall_clock().0, self.is_json))
            {
                complain(&format!("cannot write the log \"{path}\": {}\n", words(errno)));
            }
        }
    }
}
