// SPDX-License-Identifier: Apache-2.0
//! What people and callers are told: data on stdout, a failure as a line and a hint on stderr and as one log record.

use crate::arguments::Options;
use crate::{files, log};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use estiba_engine::error::{Error, words};
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

pub fn print(data: &str) {
    files::print(1, data);
}

/// Where a failure goes beside stderr.
#[derive(Default)]
pub struct Report<'a> {
    log: Option<&'a str>,
    is_json: bool,
}

impl<'a> Report<'a> {
    pub fn of(globals: &Options<'a>) -> Report<'a> {
        let log = globals.text("log").filter(|path| !path.is_empty());
        Report { log, is_json: globals.text("log-format") == Some("json") }
    }

    /// Tells the failure and returns the exit code.
    pub fn fail(&self, failure: &Failure, code: i32) -> i32 {
        self.tell("error", "", failure);
        code
    }

    /// Tells of what went wrong and stopped nothing.
    pub fn warn(&self, warnings: Vec<Error>) {
        for warning in warnings {
            self.tell("warning", "warning: ", &warning.into());
        }
    }

    fn tell(&self, level: &str, before: &str, failure: &Failure) {
        let Failure { message, hint } = failure;
        let told = match hint {
            Some(hint) => format!("{before}{message}\nhint: {hint}\n"),
            None => format!("{before}{message}\n"),
        };
        files::print(2, &told);
        if let Some(path) = self.log {
            let message = match hint {
                Some(hint) => format!("{message}; hint: {hint}"),
                None => message.clone(),
            };
            if let Err(errno) =
                files::append(path, &log::record(level, &message, wall_clock().0, self.is_json))
            {
                files::print(2, &format!("cannot write the log \"{path}\": {}\n", words(errno)));
            }
        }
    }
}
