// SPDX-License-Identifier: Apache-2.0
//! The verb exec: a process object from a file, or the container's own with another program.
//!
//! Users, groups, capabilities and labels by option are Python's to judge; callers that are programs give --process.

use crate::arguments::{Options, Parsed};
use crate::pidfd_socket::PidfdReceiver;
use crate::report::{Failure, Report};
use crate::{Outcome, Result, files};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::mem;
use estiba_engine::error::{Error, words};
use estiba_engine::foreground::{self, Attendant};
use estiba_engine::spec;
use estiba_engine::spec::prove::{Verdict, prove_process};
use estiba_engine::verbs::{check_preserved, exec, state};
use estiba_sys::socket;
use serde_json::{Map, Value, json};

const JUDGED: [&str; 5] = ["user", "additional-gids", "cap", "process-label", "apparmor"];

pub fn run(root: &str, id: &str, parsed: &Parsed<'_>) -> Result {
    let options = &parsed.options;
    let preserve_fds = options.number("preserve-fds").unwrap_or(0);
    check_preserved(preserve_fds)?;
    let process = match options.text("process") {
        Some(path) => files::read(path).map_err(|errno| format!("cannot read \"{path}\": {}", words(errno))),
        None => compose(root, id, parsed)?,
    };
    let process = match process {
        Ok(process) => process,
        Err(reason) => return Ok(Outcome::Ask(reason)),
    };
    if let Verdict::Ask(reason) = prove_process(&process) {
        return Ok(Outcome::Ask(format!("the process needs a closer look, which is Python's: {reason}")));
    }
    let terminal = match spec::parse_process(&process) {
        Ok(process) => process.terminal,
        Err(error) => return Ok(Outcome::Ask(error.to_string())),
    };
    let request = exec::Request {
        root,
        id,
        process: &process,
        pid_file: options.text("pid-file"),
        console_socket: options.text("console-socket"),
        preserve_fds,
        cgroup: options.text("cgroup"),
        ignore_paused: options.flag("ignore-paused"),
        stdio: None,
    };
    let receiver = PidfdReceiver::connect(options)?;
    let report = Report::of(&parsed.globals);
    if options.flag("detach") {
        let mut started = exec::exec(&request)?;
        started.unless_failed(receiver.send(&started))?;
        report.warn(mem::take(&mut started.warnings));
        return Ok(Outcome::Done(0));
    }
    attend(&request, &receiver, terminal, &report).map(Outcome::Done)
}

/// Runs it in the foreground; its terminal, if it has one that nobody else takes, is relayed.
fn attend(
    request: &exec::Request<'_>,
    receiver: &PidfdReceiver<'_>,
    terminal: bool,
    report: &Report<'_>,
) -> core::result::Result<i32, Failure> {
    let attendant = Attendant::arm()?;
    let (ours, theirs) = if terminal && request.console_socket.is_none() {
        let pair = socket::pair().map_err(|errno| Error::refused("make the terminal's socket", errno))?;
        (Some(pair.0), Some(pair.1))
    } else {
        (None, None)
    };
    let mut started = exec::exec_with_terminal(request, theirs)?;
    report.warn(mem::take(&mut started.warnings));
    let told = receiver.send(&started).and_then(|()| ours.map(foreground::receive_terminal).transpose());
    let terminal = started.unless_failed(told)?;
    Ok(started.unless_failed(attendant.attend(&started, terminal))?)
}

/// The process object as text, or why Python must make it.
type Composed = core::result::Result<Vec<u8>, String>;

/// Takes the container's process from the config in its bundle, and changes what the options say.
fn compose(root: &str, id: &str, parsed: &Parsed<'_>) -> core::result::Result<Composed, Error> {
    if let Some(option) = JUDGED.iter().find(|option| parsed.options.text(option).is_some()) {
        return Ok(Err(format!("--{option} is Python's to judge")));
    }
    let Some(args) = parsed.words.get(1..).filter(|args| !args.is_empty()) else {
        return Ok(Err("there is no program to run".into()));
    };
    let record: Value = serde_json::from_str(&state::record(root, id)?).unwrap_or_default();
    let path = match (record["config"].as_str(), record["bundle"].as_str()) {
        (Some(file), _) => file.to_string(),
        (None, bundle) => format!("{}/config.json", bundle.unwrap_or_default()),
    };
    let config = match files::read(&path) {
        Ok(config) => config,
        Err(errno) => return Ok(Err(format!("cannot read \"{path}\": {}", words(errno)))),
    };
    let config: Value = serde_json::from_slice(&config).unwrap_or_default();
    let composed =
        change(&config["process"], args, &parsed.options).map(|process| process.to_string().into_bytes());
    Ok(composed.ok_or_else(|| format!("\"{path}\" has no process that could be taken over")))
}

/// The process with other arguments, more environment, and what else was asked for.
fn change(own: &Value, args: &[&str], options: &Options<'_>) -> Option<Value> {
    let mut process: Map<String, Value> = own.as_object()?.clone();
    process.insert("args".into(), json!(args));
    process.insert("terminal".into(), options.flag("tty").into());
    let mut env = process.get("env").and_then(Value::as_array).cloned().unwrap_or_default();
    env.extend(options.list("env").map(Value::from));
    process.insert("env".into(), env.into());
    if let Some(cwd) = options.text("cwd") {
        process.insert("cwd".into(), cwd.into());
    }
    if options.flag("no-new-privs") {
        process.insert("noNewPrivileges".into(), true.into());
    }
    Some(process.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::parse;

    fn changed(own: &Value, args: &[&str]) -> Value {
        let parsed = parse(args).unwrap();
        change(own, &parsed.words[1..], &parsed.options).unwrap()
    }

    #[test]
    fn a_program_replaces_the_args_and_keeps_the_rest() {
        let own = json!({"args": ["sh"], "cwd": "/a", "env": ["A=1"], "terminal": true, "user": {"uid": 7}});
        let expected =
            json!({"args": ["ls", "-l"], "cwd": "/a", "env": ["A=1"], "terminal": false, "user": {"uid": 7}});
        assert_eq!(changed(&own, &["exec", "web", "ls", "-l"]), expected);
    }

    #[test]
    fn options_change_what_they_name() {
        let args = ["exec", "-t", "--cwd", "/b", "-e", "B=2", "-e", "C=3", "--no-new-privs", "web", "ls"];
        let expected = json!({"args": ["ls"], "cwd": "/b", "env": ["B=2", "C=3"], "terminal": true, "noNewPrivileges": true});
        assert_eq!(changed(&json!({"env": null}), &args), expected);
    }
}
