// SPDX-License-Identifier: Apache-2.0
//! What the compiler promises without an oracle. The comparison with libseccomp is in tests/properties.

use super::program::{Assembler, Target, Test};
use super::simulator::{I386, X86_64, run};
use super::{Filter, compile, words};
use crate::error::{Error, ErrorKind};
use crate::generated::lookup;
use crate::generated::seccomp::{ACTIONS, ARCHITECTURES};
use crate::spec::seccomp::Profile;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

const EPERM: u32 = words::ERRNO | 1;
const ENOSYS: u32 = words::ERRNO | 38;
const X32: u32 = 0x4000_0000;
const NONE: [u64; 6] = [0; 6];

fn filter(json: &str) -> Result<Filter, Error> {
    let profile: Profile<'_> = serde_json::from_str(json).expect("a profile in form");
    compile(&profile)
}

fn accepted(json: &str) -> Filter {
    filter(json).expect("a good profile")
}

/// The error's place and message.
fn refused(json: &str) -> (String, String) {
    let error = filter(json).expect_err("a bad profile");
    (error.pointer.unwrap_or_default(), error.message)
}

fn with_entries(entries: &str) -> String {
    format!(r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{entries}]}}"#)
}

#[test]
fn an_empty_profile_gives_every_native_call_the_default_action() {
    let program = accepted(r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 7}"#).program;
    assert_eq!(run(&program, X86_64, 0, NONE), words::ERRNO | 7);
    assert_eq!(run(&program, X86_64, 9999, NONE), words::ERRNO | 7);
}

#[test]
fn calls_of_another_abi_are_killed() {
    let program = accepted(r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#).program;
    assert_eq!(run(&program, I386, 0, NONE), words::KILL_THREAD);
    assert_eq!(run(&program, X86_64, X32, NONE), words::KILL_THREAD);
    assert_eq!(run(&program, X86_64, u32::MAX, NONE), words::ALLOW);
}

#[test]
fn numbers_above_the_profile_are_unknown_only_where_the_default_refuses() {
    let entries = r#"{"names": ["getpid"], "action": "SCMP_ACT_TRAP"}"#;
    let refusing = accepted(&with_entries(entries)).program;
    assert_eq!([38, 40].map(|number| run(&refusing, X86_64, number, NONE)), [EPERM, ENOSYS]);
    let json = format!(r#"{{"defaultAction": "SCMP_ACT_LOG", "syscalls": [{entries}]}}"#);
    assert_eq!(run(&accepted(&json).program, X86_64, 40, NONE), words::LOG);
}

#[test]
fn a_string_with_escapes_is_read_like_any_other() {
    let program =
        accepted(&with_entries(r#"{"names": ["get\u0070id"], "action": "SCMP_ACT_ALLOW"}"#)).program;
    assert_eq!(run(&program, X86_64, 39, NONE), words::ALLOW);
}

#[test]
fn branches_reach_over_long_programs() {
    let personality = |value| {
        format!(
            r#"{{"names": ["personality"], "action": "SCMP_ACT_ALLOW",
               "args": [{{"index": 0, "value": {value}, "op": "SCMP_CMP_EQ"}}]}}"#
        )
    };
    let entries: Vec<_> = (0..900).map(|value| personality(2 * value)).collect();
    let program = accepted(&with_entries(&entries.join(","))).program;
    for value in 0..1800_u64 {
        let expected = if value % 2 == 0 { words::ALLOW } else { EPERM };
        assert_eq!(run(&program, X86_64, 135, [value, 0, 0, 0, 0, 0]), expected, "personality({value})");
    }
    let entries: Vec<_> = (0..1100).map(personality).collect();
    let error = filter(&with_entries(&entries.join(","))).expect_err("more than 4096 instructions");
    assert_eq!(
        (error.kind, error.pointer.as_deref()),
        (ErrorKind::ConfigUnsupported, Some("/linux/seccomp"))
    );
}

/// A program that answers 1 to number 7 and 2 to others, with `distance` instructions before the targets.
fn far_branch(distance: usize, is_swapped: bool) -> Vec<u8> {
    let mut assembler = Assembler::default();
    let one = assembler.load(0, Target::Return(1));
    let two = assembler.load(0, Target::Return(2));
    let between = (0..distance).fold(Target::Return(3), |next, _| assembler.load(0, next));
    let branch = if is_swapped {
        let otherwise = assembler.branch(Test::Greater, 7, two, one);
        assembler.branch(Test::GreaterOrEqual, 7, otherwise, two)
    } else {
        assembler.branch(Test::Equal, 7, one, two)
    };
    let start = assembler.branch(Test::Equal, 9, between, branch);
    let start = assembler.load(0, start);
    assembler.finish(start).expect("a short program")
}

#[test]
fn a_branch_reaches_any_distance() {
    for (distance, is_swapped) in (0..600).flat_map(|distance| [(distance, false), (distance, true)]) {
        let program = far_branch(distance, is_swapped);
        let answers = [6, 7, 8, 9].map(|number| run(&program, X86_64, number, NONE));
        assert_eq!(answers, [2, 1, 2, 3], "over {distance}");
    }
}

#[test]
fn flags_are_the_numbers_of_seccomp_2() {
    let flags = |list: &str, action: &str| {
        let entries = format!(r#"[{{"names": ["mkdir"], "action": "{action}"}}]"#);
        accepted(&format!(r#"{{"defaultAction": "SCMP_ACT_ALLOW", {list} "syscalls": {entries}}}"#)).flags
    };
    assert_eq!(flags("", "SCMP_ACT_ERRNO"), 4);
    assert_eq!(flags(r#""flags": [],"#, "SCMP_ACT_ERRNO"), 0);
    let all = r#""flags": ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_TSYNC",
                           "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],"#;
    assert_eq!(flags(all, "SCMP_ACT_ERRNO"), 1 | 2 | 4);
    assert_eq!(flags(all, "SCMP_ACT_NOTIFY"), 2 | 4 | 8 | 32);
    assert_eq!(flags("", "SCMP_ACT_NOTIFY"), 4 | 8);
}

#[test]
fn a_listener_is_asked_for_only_where_an_action_notifies() {
    let entry = |action| format!(r#"{{"names": ["mkdir"], "action": "{action}"}}"#);
    assert!(accepted(&with_entries(&entry("SCMP_ACT_NOTIFY"))).notify);
    assert!(!accepted(&with_entries(&entry("SCMP_ACT_TRACE"))).notify);
}

#[test]
fn an_unknown_word_is_named_where_it_stands() {
    let cases = [
        (
            r#"{"defaultAction": "ALLOW"}"#,
            "/linux/seccomp/defaultAction",
            "\"ALLOW\" is not a seccomp action",
        ),
        (
            r#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86", "x32"]}"#,
            "/linux/seccomp/architectures/1",
            "\"x32\" is not an architecture of seccomp",
        ),
        (
            r#"{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["LOG"]}"#,
            "/linux/seccomp/flags/0",
            "\"LOG\" is not a seccomp flag",
        ),
        (
            r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["dup"], "action": "SCMP_ACT_ERRNO",
                "args": [{"index": 0, "value": 1, "op": "=="}]}]}"#,
            "/linux/seccomp/syscalls/0/args/0/op",
            "\"==\" is not a seccomp comparison",
        ),
    ];
    for (json, pointer, message) in cases {
        assert_eq!(refused(json), (pointer.into(), message.into()));
    }
}

#[test]
fn an_error_number_is_refused_where_the_action_returns_none() {
    let entry = r#"{"names": ["dup"], "action": "SCMP_ACT_KILL", "errnoRet": 1}"#;
    let expected = ("/linux/seccomp/syscalls/0/errnoRet", "SCMP_ACT_KILL returns no error number");
    assert_eq!(refused(&with_entries(entry)), (expected.0.into(), expected.1.into()));
}

#[test]
fn a_number_out_of_range_is_refused() {
    let errno = r#"{"names": ["dup"], "action": "SCMP_ACT_ERRNO", "errnoRet": 4096}"#;
    assert_eq!(refused(&with_entries(errno)).0, "/linux/seccomp/syscalls/0/errnoRet");
    let index = r#"{"names": ["dup"], "action": "SCMP_ACT_ALLOW",
                   "args": [{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}]}"#;
    assert_eq!(refused(&with_entries(index)).0, "/linux/seccomp/syscalls/0/args/0/index");
}

#[test]
fn two_actions_under_the_same_conditions_are_refused() {
    let entry = |action| {
        format!(
            r#"{{"names": ["dup"], "action": "{action}",
               "args": [{{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}}]}}"#
        )
    };
    let entries = format!("{},{}", entry("SCMP_ACT_ALLOW"), entry("SCMP_ACT_KILL"));
    let message = "entry 0 gives the same call and arguments another action";
    assert_eq!(refused(&with_entries(&entries)), ("/linux/seccomp/syscalls/1".into(), message.into()));
}

#[test]
fn the_constants_are_those_of_the_tables() {
    let actions = [
        ("SCMP_ACT_KILL_THREAD", words::KILL_THREAD),
        ("SCMP_ACT_ERRNO", words::ERRNO),
        ("SCMP_ACT_NOTIFY", words::NOTIFY),
        ("SCMP_ACT_TRACE", words::TRACE),
        ("SCMP_ACT_LOG", words::LOG),
        ("SCMP_ACT_ALLOW", words::ALLOW),
    ];
    for (name, value) in actions {
        assert_eq!(lookup(ACTIONS, name), Some(value), "{name}");
    }
    assert_eq!(lookup(ARCHITECTURES, "SCMP_ARCH_X86_64"), Some(X86_64));
    assert_eq!(lookup(ARCHITECTURES, "SCMP_ARCH_X86"), Some(I386));
}
