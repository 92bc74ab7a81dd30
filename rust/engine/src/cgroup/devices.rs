// SPDX-License-Identifier: Apache-2.0
//! Which devices a container may use: the OCI list as one policy, and that policy as writes for cgroup v1. Pure.
//!
//! Each of mknod, read and write is decided by the last rule that speaks of it and fits the device; where none does,
//! by the default. v2 gets exactly that as a program (`device_program`); v1 can only hold exceptions to the default:
//! an exception to an exception is refused in words.

use crate::cgroup::values::{Write, invalid};
use crate::error::{Error, ErrorKind, Result};
use crate::spec::resources::{Access, DeviceKind, DeviceRule};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// `kind` is Block or Char, never All.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    pub allow: bool,
    pub kind: DeviceKind,
    pub major: Option<u32>,
    pub minor: Option<u32>,
    pub access: Access,
    /// Its place in the list of config.json; None: estiba's own.
    pub index: Option<usize>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    pub default_allow: bool,
    /// In order: later rules win. None is without effect.
    pub rules: Vec<Rule>,
}

/// What every container may do after its own rules: make any node, use the plain devices, terminals of its devpts.
const ALWAYS: [(DeviceKind, Option<u32>, Option<u32>, Access); 10] = [
    (DeviceKind::Char, None, None, Access::MKNOD),
    (DeviceKind::Block, None, None, Access::MKNOD),
    (DeviceKind::Char, Some(1), Some(3), Access::ALL), // null
    (DeviceKind::Char, Some(1), Some(5), Access::ALL), // zero
    (DeviceKind::Char, Some(1), Some(7), Access::ALL), // full
    (DeviceKind::Char, Some(1), Some(8), Access::ALL), // random
    (DeviceKind::Char, Some(1), Some(9), Access::ALL), // urandom
    (DeviceKind::Char, Some(5), Some(0), Access::ALL), // tty
    (DeviceKind::Char, Some(5), Some(2), Access::ALL), // ptmx
    (DeviceKind::Char, Some(136), None, Access::ALL),  // pts
];

impl Rule {
    fn contains(&self, other: &Rule) -> bool {
        let covers = |mine: Option<u32>, theirs: Option<u32>| mine.is_none() || mine == theirs;
        self.kind == other.kind && covers(self.major, other.major) && covers(self.minor, other.minor)
    }

    fn meets(&self, other: &Rule) -> bool {
        let meet =
            |mine: Option<u32>, theirs: Option<u32>| mine.is_none() || theirs.is_none() || mine == theirs;
        self.kind == other.kind && meet(self.major, other.major) && meet(self.minor, other.minor)
    }

    /// In the words of devices.allow: "c 1:3 rwm".
    fn line(&self) -> String {
        let number = |number: Option<u32>| number.map_or("*".to_string(), |number| number.to_string());
        let mut line = String::from(if self.kind == DeviceKind::Block { "b " } else { "c " });
        line += &format!("{}:{} ", number(self.major), number(self.minor));
        for (bit, letter) in [(Access::READ, 'r'), (Access::WRITE, 'w'), (Access::MKNOD, 'm')] {
            if self.access.0 & bit.0 != 0 {
                line.push(letter);
            }
        }
        line
    }
}

impl Policy {
    /// The list of config.json (none: nothing allowed), then what every container may do.
    pub fn new(list: &[DeviceRule]) -> Result<Policy> {
        let mut policy = Policy::default();
        for (index, entry) in list.iter().enumerate() {
            let pointer = format!("devices/{index}");
            let (major, minor) =
                (number(entry.major, &pointer, "major")?, number(entry.minor, &pointer, "minor")?);
            let rule = |kind| Rule {
                allow: entry.allow,
                kind,
                major,
                minor,
                access: entry.access,
                index: Some(index),
            };
            let is_all = entry.kind == DeviceKind::All;
            if is_all && major.is_none() && minor.is_none() && entry.access == Access::ALL {
                policy = Policy { default_allow: entry.allow, rules: Vec::new() };
                continue;
            }
            if is_all || entry.kind == DeviceKind::Block {
                policy.rules.push(rule(DeviceKind::Block));
            }
            if is_all || entry.kind == DeviceKind::Char {
                policy.rules.push(rule(DeviceKind::Char));
            }
        }
        let own =
            |(kind, major, minor, access)| Rule { allow: true, kind, major, minor, access, index: None };
        policy.rules.extend(ALWAYS.map(own));
        policy.drop_needless();
        Ok(policy)
    }

    /// Whether there is nothing to enforce.
    pub fn allows_all(&self) -> bool {
        self.default_allow && self.rules.is_empty()
    }

    /// Takes out what a later rule decides anyway, then rules that say what holds without them. Bits that a later
    /// rule only repeats stay: v1 grants a request by one exception alone, never by two together.
    fn drop_needless(&mut self) {
        for at in 0..self.rules.len() {
            let (head, later) = self.rules.split_at_mut(at + 1);
            let Some(rule) = head.last_mut() else { continue };
            for other in later {
                if !other.contains(rule) {
                    continue;
                }
                let left = Access(rule.access.0 & !other.access.0);
                if left == Access::NONE || other.allow != rule.allow {
                    rule.access = left;
                }
            }
        }
        let mut kept: Vec<Rule> = Vec::with_capacity(self.rules.len());
        for rule in self.rules.drain(..).filter(|rule| rule.access != Access::NONE) {
            let opposes = |earlier: &Rule| {
                earlier.allow != rule.allow && earlier.meets(&rule) && earlier.access.0 & rule.access.0 != 0
            };
            if rule.allow != self.default_allow || kept.iter().any(opposes) {
                kept.push(rule);
            }
        }
        self.rules = kept;
    }

    /// The writes for a fresh cgroup of v1: the default, then its exceptions.
    pub fn v1_writes(&self) -> Result<Vec<Write>> {
        let file = |allow: bool| if allow { "devices.allow" } else { "devices.deny" };
        let write = |file: &'static str, line: String, index: Option<usize>| {
            let pointer = index.map_or("devices".to_string(), |index| format!("devices/{index}"));
            Write::new("devices", file, line, "device rule", &pointer)
        };
        let mut writes = alloc::vec![write(file(self.default_allow), "a".to_string(), None)];
        for (at, rule) in self.rules.iter().enumerate() {
            if rule.allow == self.default_allow {
                // Rules that this one contains have lost these bits already; the others it cuts through.
                let cuts = |earlier: &&Rule| {
                    earlier.allow != rule.allow
                        && earlier.meets(rule)
                        && earlier.access.0 & rule.access.0 != 0
                };
                if let Some(earlier) = self.rules[..at].iter().find(cuts) {
                    return Err(unspeakable(rule, earlier));
                }
                continue;
            }
            writes.push(write(file(rule.allow), rule.line(), rule.index));
        }
        Ok(writes)
    }
}

fn unspeakable(rule: &Rule, earlier: &Rule) -> Error {
    let verb = if rule.allow { "allow" } else { "deny" };
    let message = format!(
        "cgroup v1 cannot {verb} \"{}\" as an exception to the wider rule \"{}\"",
        rule.line(),
        earlier.line()
    );
    let index = rule.index.or(earlier.index).unwrap_or_default();
    Error::new(ErrorKind::ConfigUnsupported, message)
        .at(format!("/linux/resources/devices/{index}"))
        .hint("list single devices instead of the wider rule, or run on a host with cgroup v2 only")
}

/// None for all; -1 is a spelling of it.
fn number(value: Option<i64>, pointer: &str, name: &str) -> Result<Option<u32>> {
    match value {
        None | Some(-1) => Ok(None),
        Some(value) => u32::try_from(value).map(Some).map_err(|_| {
            invalid(&format!("{pointer}/{name}"), format!("{value} is not a device number"))
                .hint("leave it out, or give -1, for all")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(list: &str) -> Policy {
        Policy::new(&serde_json::from_str::<Vec<DeviceRule>>(list).unwrap()).unwrap()
    }

    fn lines(list: &str) -> Vec<String> {
        let text = |write: Write| match write.value {
            crate::cgroup::values::Value::Text(text) => format!("{} {text}", &write.file[8..]),
            crate::cgroup::values::Value::AfterFirstWord(_) => unreachable!(),
        };
        policy(list).v1_writes().unwrap().into_iter().map(text).collect()
    }

    const PLAIN: [&str; 11] = [
        "deny a",
        "allow c *:* m",
        "allow b *:* m",
        "allow c 1:3 rwm",
        "allow c 1:5 rwm",
        "allow c 1:7 rwm",
        "allow c 1:8 rwm",
        "allow c 1:9 rwm",
        "allow c 5:0 rwm",
        "allow c 5:2 rwm",
        "allow c 136:* rwm",
    ];

    #[test]
    fn without_a_list_the_plain_devices_are_allowed_and_nothing_else() {
        assert_eq!(lines("[]"), PLAIN);
        assert_eq!(lines("[]"), lines(r#"[{"allow": false, "access": "rwm"}]"#));
    }

    #[test]
    fn a_container_that_may_all_has_no_rules() {
        assert!(policy(r#"[{"allow": true, "access": "rwm"}]"#).allows_all());
        assert_eq!(lines(r#"[{"allow": false}, {"allow": true, "type": "a"}]"#), ["allow a"]);
    }

    #[test]
    fn denying_what_is_denied_gives_no_rule() {
        let fuse = r#"[{"allow": false}, {"allow": false, "type": "c", "major": 10, "minor": 229}]"#;
        assert_eq!(policy(fuse), policy("[]"));
    }

    #[test]
    fn a_device_of_the_list_stands_before_the_plain_ones() {
        let list =
            r#"[{"allow": false}, {"allow": true, "type": "b", "major": 8, "minor": -1, "access": "r"}]"#;
        assert_eq!(lines(list)[1], "allow b 8:* r");
    }

    #[test]
    fn a_denial_inside_a_wider_permission_is_refused_on_v1() {
        let list = r#"[{"allow": true, "type": "c", "access": "rw"},
                       {"allow": false, "type": "c", "major": 10, "minor": 200, "access": "w"}]"#;
        let error = policy(list).v1_writes().unwrap_err();
        assert_eq!(error.pointer.as_deref(), Some("/linux/resources/devices/1"));
        assert_eq!(
            error.message,
            "cgroup v1 cannot deny \"c 10:200 w\" as an exception to the wider rule \"c *:* rw\""
        );
    }

    #[test]
    fn a_wider_rule_that_comes_later_swallows_the_earlier_ones() {
        let list = r#"[{"allow": true, "type": "c", "major": 10, "minor": 200, "access": "w"},
                       {"allow": false, "type": "c", "major": 10, "access": "rwm"}]"#;
        assert_eq!(lines(list), lines("[]"));
    }

    #[test]
    fn a_number_out_of_range_is_named() {
        let list: Vec<DeviceRule> =
            serde_json::from_str(r#"[{"allow": true, "type": "c", "major": -2}]"#).unwrap();
        let error = Policy::new(&list).unwrap_err();
        assert_eq!(error.pointer.as_deref(), Some("/linux/resources/devices/0/major"));
        assert_eq!(error.message, "-2 is not a device number");
    }
}
