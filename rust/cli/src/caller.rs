// SPDX-License-Identifier: Apache-2.0
//! What the caller gave: argv and the environment, as the kernel laid them down.

use crate::report::Failure;
use alloc::format;
use alloc::vec::Vec;
use core::ffi::CStr;

pub struct Caller<'a> {
    /// The command's own name first.
    pub arguments: &'a [&'a CStr],
    /// NAME=value each.
    pub environment: &'a [&'a CStr],
}

impl<'a> Caller<'a> {
    /// The arguments after the command's name. Ids, paths and config.json meet in JSON, so they are UTF-8.
    pub fn words(&self) -> Result<Vec<&'a str>, Failure> {
        let text = |(number, argument): (usize, &&'a CStr)| {
            argument.to_str().map_err(|_| Failure {
                message: format!(
                    "argument {number} is not UTF-8: \"{}\"",
                    argument.to_bytes().escape_ascii()
                ),
                hint: None,
            })
        };
        self.arguments.iter().enumerate().skip(1).map(text).collect()
    }

    /// The value of a variable, unless it is empty or not UTF-8.
    pub fn variable(&self, name: &str) -> Option<&'a str> {
        let value = |entry: &&'a CStr| entry.to_str().ok()?.strip_prefix(name)?.strip_prefix('=');
        self.environment.iter().find_map(value).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_that_is_not_utf_8_is_named_by_its_number() {
        let caller = Caller { arguments: &[c"estiba", c"state", c"caf\xe9"], environment: &[] };
        assert_eq!(caller.words().unwrap_err().message, r#"argument 2 is not UTF-8: "caf\xe9""#);
    }

    #[test]
    fn a_variable_is_found_by_its_whole_name() {
        let caller = Caller { arguments: &[], environment: &[c"ESTIBA_ROOTS=/a", c"ESTIBA_ROOT=/b=c"] };
        assert_eq!(caller.variable("ESTIBA_ROOT"), Some("/b=c"));
        assert_eq!(caller.variable("ESTIBA"), None);
    }
}
