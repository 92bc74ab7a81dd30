// SPDX-License-Identifier: Apache-2.0
//! The native verbs: options to requests of the engine, one function a verb.

use crate::arguments::Parsed;
use crate::caller::Caller;
use crate::pidfd_socket::PidfdReceiver;
use crate::report::{Report, print};
use crate::{Outcome, Result, exec, files, settings};
use alloc::format;
use estiba_engine::error::{Error, words};
use estiba_engine::generated::lookup;
use estiba_engine::generated::signals::{LAST_SIGNAL, SIGNALS};
use estiba_engine::seccomp::kept;
use estiba_engine::spec::prove::proved;
use estiba_engine::verbs::create::{self, Judged};
use estiba_engine::verbs::{check_preserved, delete, kill, pause, run, start, state};

/// Runs the native verb `name`.
pub fn run(name: &str, caller: &Caller<'_>, parsed: &Parsed<'_>) -> Result {
    let root = settings::state_root(&parsed.globals, caller)?;
    let id = parsed.words.first().copied().unwrap_or_default();
    let done = |()| Outcome::Done(0);
    match name {
        "create" => make(&root, id, parsed, |request, judged| create_only(request, judged, parsed)),
        "run" if parsed.options.text("pidfd-socket").is_some() => {
            Ok(Outcome::Ask("only `create` and `exec` send a pidfd without Python".into()))
        }
        "run" => make(&root, id, parsed, |request, judged| run_and_wait(request, judged, parsed)),
        "start" => Ok(start::start(&root, id).map(done)?),
        "state" => print(&format!("{}\n", state::state(&root, id)?)),
        "kill" => {
            let word = parsed.words.get(1).copied().unwrap_or("TERM");
            let Some(signal) = signal_number(word) else {
                return Ok(Outcome::Ask(format!("\"{word}\" is not a signal")));
            };
            Ok(kill::kill(&root, id, signal, parsed.options.flag("all")).map(done)?)
        }
        "delete" => {
            Report::of(&parsed.globals).warn(delete::delete(&root, id, parsed.options.flag("force"))?);
            Ok(Outcome::Done(0))
        }
        "exec" => exec::run(&root, id, parsed),
        "pause" => Ok(pause::pause(&root, id).map(done)?),
        "resume" => Ok(pause::resume(&root, id).map(done)?),
        other => Ok(Outcome::Ask(format!("`estiba {other}` is not native"))),
    }
}

/// Reads and proves the config, then lets `then` have the request. Nothing is touched before the proof.
fn make(
    root: &str,
    id: &str,
    parsed: &Parsed<'_>,
    then: impl FnOnce(&create::Request<'_>, Judged<'_>) -> Result,
) -> Result {
    let options = &parsed.options;
    let preserve_fds = options.number("preserve-fds").unwrap_or(0);
    check_preserved(preserve_fds)?;
    let bundle = files::absolute(options.text("bundle").unwrap_or("."))
        .map_err(|errno| Error::refused("find the working directory", errno))?;
    let config_file = options.text("config").map(files::absolute).transpose();
    let config_file = config_file.map_err(|errno| Error::refused("find the working directory", errno))?;
    let path = config_file.clone().unwrap_or_else(|| format!("{bundle}/config.json"));
    let text = match files::read(&path) {
        Ok(text) => text,
        Err(errno) => return Ok(Outcome::Ask(format!("cannot read \"{path}\": {}", words(errno)))),
    };
    let mut filter = None;
    let is_known = |profile: &str| {
        filter = kept::find(root, profile);
        filter.is_some()
    };
    let spec = match proved(&text, is_known) {
        Ok(spec) => spec,
        Err(reason) => {
            return Ok(Outcome::Ask(format!("\"{path}\" needs a closer look, which is Python's: {reason}")));
        }
    };
    let request = create::Request {
        root,
        id,
        bundle: &bundle,
        config_file: config_file.as_deref(),
        pid_file: options.text("pid-file"),
        console_socket: options.text("console-socket"),
        preserve_fds,
        no_pivot: options.flag("no-pivot"),
        no_new_keyring: options.flag("no-new-keyring"),
        stdio: None,
        cgroup_manager: settings::cgroup_manager(&parsed.globals),
        gate: true,
        trace: false,
    };
    then(&request, Judged { spec, filter })
}

fn create_only(request: &create::Request<'_>, judged: Judged<'_>, parsed: &Parsed<'_>) -> Result {
    let receiver = PidfdReceiver::connect(&parsed.options)?;
    let report = Report::of(&parsed.globals);
    let started = create::create_proved(request, judged)?;
    if let Err(error) = receiver.send(&started) {
        return Err(match delete::delete(request.root, request.id, true) {
            Ok(warnings) => {
                report.warn(warnings);
                error.into()
            }
            Err(second) => error.and_undoing(&second).into(),
        });
    }
    report.warn(started.warnings);
    Ok(Outcome::Done(0))
}

fn run_and_wait(request: &create::Request<'_>, judged: Judged<'_>, parsed: &Parsed<'_>) -> Result {
    let options = &parsed.options;
    let how = run::Options { detach: options.flag("detach"), keep: options.flag("keep") };
    let report = Report::of(&parsed.globals);
    Ok(run::run(request, judged, how, |warnings| report.warn(warnings)).map(Outcome::Done)?)
}

/// 15, TERM, SIGTERM, sigterm, RTMIN+3.
fn signal_number(word: &str) -> Option<i32> {
    let upper = word.to_ascii_uppercase();
    let named = lookup(SIGNALS, upper.strip_prefix("SIG").unwrap_or(&upper));
    let digits = || word.bytes().all(|byte| byte.is_ascii_digit()).then(|| word.parse().ok()).flatten();
    named.or_else(digits).filter(|&number| number <= LAST_SIGNAL).map(u32::cast_signed)
}

#[cfg(test)]
mod tests {
    use super::signal_number;

    #[test]
    fn a_signal_goes_by_name_with_or_without_sig_and_by_number() {
        for (text, number) in
            [("9", 9), ("TERM", 15), ("SIGKILL", 9), ("sighup", 1), ("RTMIN+3", 37), ("0", 0)]
        {
            assert_eq!(signal_number(text), Some(number), "{text}");
        }
    }

    #[test]
    fn what_is_no_signal_is_left_to_python() {
        for text in ["", "65", "-1", "SIG", "TERMX", "0x9", "+9"] {
            assert_eq!(signal_number(text), None, "{text}");
        }
    }
}
