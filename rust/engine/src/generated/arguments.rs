// SPDX-License-Identifier: Apache-2.0
//! The command line. Written by `python -m estiba.codegen`; do not edit.

/// How an option takes its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// None; `=true` or `=false` may follow.
    Flag,
    /// Any text; the last one counts.
    Text,
    /// A whole number that fits 32 bits.
    Number,
    /// Any text, each one counts.
    List,
    /// One of the words that `value` names, with `|` between them.
    Choice,
}

/// One option. `letter` is "" where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionSpec {
    pub name: &'static str,
    pub letter: &'static str,
    pub kind: Kind,
    pub value: &'static str,
}

/// How many words a positional argument takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    One,
    Optional,
    Rest,
}

/// One verb. Where `is_native` is false, Python parses what follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerbSpec {
    pub name: &'static str,
    pub is_native: bool,
    /// The arguments after the first one belong to another program, dashes and all.
    pub has_rest: bool,
    pub failure_exit: u8,
    pub positionals: &'static [(&'static str, Arity)],
    pub options: &'static [OptionSpec],
}

/// Options before the verb.
pub const GLOBAL: &[OptionSpec] = &[
    OptionSpec { name: "root", letter: "", kind: Kind::Text, value: "DIR" },
    OptionSpec { name: "log", letter: "", kind: Kind::Text, value: "FILE" },
    OptionSpec { name: "log-format", letter: "", kind: Kind::Choice, value: "text|json" },
    OptionSpec { name: "log-level", letter: "", kind: Kind::Choice, value: "debug|info|warn|warning|error" },
    OptionSpec { name: "debug", letter: "", kind: Kind::Flag, value: "" },
    OptionSpec { name: "systemd-cgroup", letter: "", kind: Kind::Flag, value: "" },
    OptionSpec { name: "cgroup-manager", letter: "", kind: Kind::Choice, value: "cgroupfs|systemd|disabled" },
    OptionSpec { name: "rootless", letter: "", kind: Kind::Choice, value: "true|false|auto" },
    OptionSpec { name: "criu", letter: "", kind: Kind::Text, value: "PATH" },
    OptionSpec { name: "version", letter: "v", kind: Kind::Flag, value: "" },
    OptionSpec { name: "help", letter: "h", kind: Kind::Flag, value: "" },
];

const CREATE_POSITIONALS: &[(&str, Arity)] = &[("ID", Arity::One)];

const CREATE_OPTIONS: &[OptionSpec] = &[
    OptionSpec { name: "bundle", letter: "b", kind: Kind::Text, value: "DIR" },
    OptionSpec { name: "config", letter: "f", kind: Kind::Text, value: "FILE" },
    OptionSpec { name: "console-socket", letter: "", kind: Kind::Text, value: "SOCKET" },
    OptionSpec { name: "pidfd-socket", letter: "", kind: Kind::Text, value: "SOCKET" },
    OptionSpec { name: "pid-file", letter: "", kind: Kind::Text, value: "FILE" },
    OptionSpec { name: "no-pivot", letter: "", kind: Kind::Flag, value: "" },
    OptionSpec { name: "no-new-keyring", letter: "", kind: Kind::Flag, value: "" },
    OptionSpec { name: "preserve-fds", letter: "", kind: Kind::Number, value: "N" },
    OptionSpec { name: "detach", letter: "", kind: Kind::Flag, value: "" },
    OptionSpec { name: "help", letter: "h", kind: Kind::Flag, value: "" },
];

const START_POSITIONALS: &[(&str, Arity)] = &[("ID", Arity::One)];

const START_OPTIONS: &[OptionSpec] = &[OptionSpec { name: "help", letter: "h", kind: Kind::Flag, value: "" }];

const STATE_POSITIONALS: &[(&str, Arity)] = &[("ID", Arity::One)];

const STATE_OPTIONS: &[OptionSpec] = &[OptionSpec { name: "help", letter: "h", kind: Kind::Flag, value: "" }];

const KILL_POSITIONALS: &[(&str, Arity)] = &[("ID", Arity::One), ("SIGNAL", Arity::Optional)];

const KILL_OPTIONS: &[OptionSpec] = &[
    OptionSpec { name: "all", letter: "a", kind: Kind::Flag, value: "" },
    OptionSpec { name: "help", letter: "h", kind: Kind::Flag, value: "" },
];

const DELETE_POSITIONALS: &[(&str, Arity)] = &[("ID", Arity::One)];

const DELETE_OPTIONS: &[OptionSpec] = &[
    OptionSpec { name: "force", letter: "f", kind: Kind::Flag, value: "" },
    OptionSpec { name: "help", letter: "h", kind: Kind::Flag, value: "" },
];

const RUN_POSITIONALS: &[(&str, Arity)] = &[("ID", Arity::One)];

const RUN_OPTIONS: &[OptionSpec] = &[
    OptionSpec { name: "bundle", letter: "b", kind: Kind::Text, value: "DIR" },
    OptionSpec { name: "config", letter: "f", kind: Kind::Text, value: "FILE" },
    OptionSpec { name: "console-socket", letter: "", kind: Kind::Text, value: "SOCKET" },
    OptionSpec { name: "pidfd-socket", letter: "", kind: Kind::Text, value: "SOCKET" },
    OptionSpec { name: "pid-file", letter: "", kind: Kind::Text, value: "FILE" },
    OptionSpec { name: "no-pivot", letter: "", kind: Kind::Flag, value: "" },
    OptionSpec { name: "no-new-keyring", letter: "", kind: Kind::Flag, value: "" },
    OptionSpec { name: "preserve-fds", letter: "", kind: Kind::Number, value: "N" },
    OptionSpec { name: "detach", letter: "d", kind: Kind::Flag, value: "" },
    OptionSpec { name: "keep", letter: "", kind: Kind::Flag, value: "" },
    OptionSpec { name: "no-subreaper", letter: "", kind: Kind::Flag, value: "" },
    OptionSpec { name: "help", letter: "h", kind: Kind::Flag, value: "" },
];

const EXEC_POSITIONALS: &[(&str, Arity)] = &[("ID", Arity::One), ("COMMAND", Arity::Rest)];

const EXEC_OPTIONS: &[OptionSpec] = &[
    OptionSpec { name: "process", letter: "p", kind: Kind::Text, value: "FILE" },
    OptionSpec { name: "console-socket", letter: "", kind: Kind::Text, value: "SOCKET" },
    OptionSpec { name: "pidfd-socket", letter: "", kind: Kind::Text, value: "SOCKET" },
    OptionSpec { name: "pid-file", letter: "", kind: Kind::Text, value: "FILE" },
    OptionSpec { name: "detach", letter: "d", kind: Kind::Flag, value: "" },
    OptionSpec { name: "tty", letter: "t", kind: Kind::Flag, value: "" },
    OptionSpec { name: "cwd", letter: "", kind: Kind::Text, value: "DIR" },
    OptionSpec { name: "env", letter: "e", kind: Kind::List, value: "NAME=VALUE" },
    OptionSpec { name: "user", letter: "u", kind: Kind::Text, value: "UID[:GID]" },
    OptionSpec { name: "additional-gids", letter: "g", kind: Kind::List, value: "GID" },
    OptionSpec { name: "cap", letter: "c", kind: Kind::List, value: "CAP" },
    OptionSpec { name: "no-new-privs", letter: "", kind: Kind::Flag, value: "" },
    OptionSpec { name: "process-label", letter: "", kind: Kind::Text, value: "LABEL" },
    OptionSpec { name: "apparmor", letter: "", kind: Kind::Text, value: "PROFILE" },
    OptionSpec { name: "cgroup", letter: "", kind: Kind::List, value: "PATH" },
    OptionSpec { name: "ignore-paused", letter: "", kind: Kind::Flag, value: "" },
    OptionSpec { name: "preserve-fds", letter: "", kind: Kind::Number, value: "N" },
    OptionSpec { name: "help", letter: "h", kind: Kind::Flag, value: "" },
];

const PAUSE_POSITIONALS: &[(&str, Arity)] = &[("ID", Arity::One)];

const PAUSE_OPTIONS: &[OptionSpec] = &[OptionSpec { name: "help", letter: "h", kind: Kind::Flag, value: "" }];

const RESUME_POSITIONALS: &[(&str, Arity)] = &[("ID", Arity::One)];

const RESUME_OPTIONS: &[OptionSpec] =
    &[OptionSpec { name: "help", letter: "h", kind: Kind::Flag, value: "" }];

/// Every verb, by name.
pub const VERBS: &[VerbSpec] = &[
    VerbSpec {
        name: "check",
        is_native: false,
        has_rest: false,
        failure_exit: 1,
        positionals: &[],
        options: &[],
    },
    VerbSpec {
        name: "create",
        is_native: true,
        has_rest: false,
        failure_exit: 1,
        positionals: CREATE_POSITIONALS,
        options: CREATE_OPTIONS,
    },
    VerbSpec {
        name: "delete",
        is_native: true,
        has_rest: false,
        failure_exit: 1,
        positionals: DELETE_POSITIONALS,
        options: DELETE_OPTIONS,
    },
    VerbSpec {
        name: "events",
        is_native: false,
        has_rest: false,
        failure_exit: 1,
        positionals: &[],
        options: &[],
    },
    VerbSpec {
        name: "exec",
        is_native: true,
        has_rest: true,
        failure_exit: 255,
        positionals: EXEC_POSITIONALS,
        options: EXEC_OPTIONS,
    },
    VerbSpec {
        name: "explain",
        is_native: false,
        has_rest: false,
        failure_exit: 1,
        positionals: &[],
        options: &[],
    },
    VerbSpec {
        name: "features",
        is_native: false,
        has_rest: false,
        failure_exit: 1,
        positionals: &[],
        options: &[],
    },
    VerbSpec {
        name: "gc",
        is_native: false,
        has_rest: false,
        failure_exit: 1,
        positionals: &[],
        options: &[],
    },
    VerbSpec {
        name: "kill",
        is_native: true,
        has_rest: false,
        failure_exit: 1,
        positionals: KILL_POSITIONALS,
        options: KILL_OPTIONS,
    },
    VerbSpec {
        name: "list",
        is_native: false,
        has_rest: false,
        failure_exit: 1,
        positionals: &[],
        options: &[],
    },
    VerbSpec {
        name: "pause",
        is_native: true,
        has_rest: false,
        failure_exit: 1,
        positionals: PAUSE_POSITIONALS,
        options: PAUSE_OPTIONS,
    },
    VerbSpec {
        name: "ps",
        is_native: false,
        has_rest: true,
        failure_exit: 1,
        positionals: &[],
        options: &[],
    },
    VerbSpec {
        name: "resume",
        is_native: true,
        has_rest: false,
        failure_exit: 1,
        positionals: RESUME_POSITIONALS,
        options: RESUME_OPTIONS,
    },
    VerbSpec {
        name: "run",
        is_native: true,
        has_rest: false,
        failure_exit: 1,
        positionals: RUN_POSITIONALS,
        options: RUN_OPTIONS,
    },
    VerbSpec {
        name: "spec",
        is_native: false,
        has_rest: false,
        failure_exit: 1,
        positionals: &[],
        options: &[],
    },
    VerbSpec {
        name: "start",
        is_native: true,
        has_rest: false,
        failure_exit: 1,
        positionals: START_POSITIONALS,
        options: START_OPTIONS,
    },
    VerbSpec {
        name: "state",
        is_native: true,
        has_rest: false,
        failure_exit: 1,
        positionals: STATE_POSITIONALS,
        options: STATE_OPTIONS,
    },
    VerbSpec {
        name: "trace",
        is_native: false,
        has_rest: false,
        failure_exit: 1,
        positionals: &[],
        options: &[],
    },
    VerbSpec {
        name: "update",
        is_native: false,
        has_rest: false,
        failure_exit: 1,
        positionals: &[],
        options: &[],
    },
    VerbSpec {
        name: "validate",
        is_native: false,
        has_rest: false,
        failure_exit: 1,
        positionals: &[],
        options: &[],
    },
    VerbSpec {
        name: "why",
        is_native: false,
        has_rest: false,
        failure_exit: 1,
        positionals: &[],
        options: &[],
    },
];

/// The parser's words; what stands in {} is filled in.
pub const REFUSALS: &[(&str, &str)] = &[
    ("bad-value", "{where}: {what} takes {metavar}, not \"{value}\""),
    ("flag-value", "{where}: {what} is a flag: true or false may follow, not \"{value}\""),
    ("missing", "{where}: {what} is missing"),
    ("needs-value", "{where}: {what} needs a value ({metavar})"),
    ("no-command", "no command given"),
    ("not-a-number", "{where}: {what} takes a whole number from 0 to 4294967295, not \"{value}\""),
    ("not-a-signal", "{where}: \"{value}\" is not a signal"),
    ("surplus", "{where}: \"{what}\" is one argument too many"),
    ("unknown-command", "\"{what}\" is not a command"),
    ("unknown-option", "{where}: \"{what}\" is not an option"),
];

/// The parser's words; what stands in {} is filled in.
pub const HINTS: &[(&str, &str)] = &[
    ("help", "see `{where} --help`"),
    ("near", "did you mean \"{near}\"?"),
    ("signal", "a name as in signal(7), or a number from 0 to 64"),
];
