// SPDX-License-Identifier: Apache-2.0
//! `linux.resources` as typed, borrowed data. Absent and null mean the same; what values mean is `cgroup`'s business.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Resources<'a> {
    pub devices: Option<Vec<DeviceRule>>,
    pub memory: Option<Memory>,
    #[serde(borrow)]
    pub cpu: Option<Cpu<'a>>,
    pub pids: Option<Pids>,
    #[serde(rename = "blockIO")]
    pub block_io: Option<BlockIo>,
    #[serde(borrow)]
    pub hugepage_limits: Option<Vec<HugepageLimit<'a>>>,
    #[serde(borrow)]
    pub network: Option<Network<'a>>,
    #[serde(borrow)]
    pub rdma: Option<BTreeMap<Cow<'a, str>, Rdma>>,
    /// File name to text, for cgroup v2.
    #[serde(borrow)]
    pub unified: Option<BTreeMap<Cow<'a, str>, Cow<'a, str>>>,
}

/// One entry of the device list, as written.
#[derive(Clone, Debug, Deserialize)]
pub struct DeviceRule {
    pub allow: bool,
    #[serde(default, rename = "type")]
    pub kind: DeviceKind,
    /// Absent or -1: all.
    pub major: Option<i64>,
    pub minor: Option<i64>,
    #[serde(default)]
    pub access: Access,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceKind {
    #[default]
    All,
    Block,
    Char,
}

/// Bits of `mknod`, `read`, `write` as the kernel's device programs see them (linux/bpf.h, BPF_DEVCG_ACC_*).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access(pub u8);

impl Access {
    pub const NONE: Access = Access(0);
    pub const MKNOD: Access = Access(1);
    pub const READ: Access = Access(2);
    pub const WRITE: Access = Access(4);
    pub const ALL: Access = Access(7);
}

impl Default for Access {
    fn default() -> Access {
        Access::ALL
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Memory {
    pub limit: Option<i64>,
    pub reservation: Option<i64>,
    /// Memory and swap together.
    pub swap: Option<i64>,
    /// Obsolete: read for the prover alone.
    pub kernel: Option<i64>,
    #[serde(rename = "kernelTCP")]
    pub kernel_tcp: Option<i64>,
    pub swappiness: Option<u64>,
    #[serde(rename = "disableOOMKiller")]
    pub disable_oom_killer: Option<bool>,
    #[serde(rename = "useHierarchy")]
    pub use_hierarchy: Option<bool>,
    #[serde(rename = "checkBeforeUpdate")]
    pub check_before_update: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Cpu<'a> {
    pub shares: Option<u64>,
    pub quota: Option<i64>,
    pub burst: Option<u64>,
    pub period: Option<u64>,
    pub realtime_runtime: Option<i64>,
    pub realtime_period: Option<u64>,
    #[serde(borrow)]
    pub cpus: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub mems: Option<Cow<'a, str>>,
    pub idle: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Pids {
    pub limit: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct BlockIo {
    pub weight: Option<u16>,
    pub leaf_weight: Option<u16>,
    pub weight_device: Option<Vec<WeightDevice>>,
    pub throttle_read_bps_device: Option<Vec<Throttle>>,
    pub throttle_write_bps_device: Option<Vec<Throttle>>,
    #[serde(rename = "throttleReadIOPSDevice")]
    pub throttle_read_iops_device: Option<Vec<Throttle>>,
    #[serde(rename = "throttleWriteIOPSDevice")]
    pub throttle_write_iops_device: Option<Vec<Throttle>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WeightDevice {
    pub major: i64,
    pub minor: i64,
    pub weight: Option<u16>,
    pub leaf_weight: Option<u16>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Throttle {
    pub major: i64,
    pub minor: i64,
    pub rate: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HugepageLimit<'a> {
    #[serde(borrow)]
    pub page_size: Cow<'a, str>,
    pub limit: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Network<'a> {
    #[serde(rename = "classID")]
    pub class_id: Option<u32>,
    #[serde(borrow)]
    pub priorities: Option<Vec<Priority<'a>>>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Priority<'a> {
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    pub priority: u32,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Rdma {
    pub hca_handles: Option<u32>,
    pub hca_objects: Option<u32>,
}

/// Reads a short word without keeping it.
struct Word<T>(&'static str, fn(&str) -> Option<T>);

impl<T: Default> Visitor<'_> for Word<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<T, E> {
        (self.1)(word).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(word), &self))
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Ok(T::default())
    }
}

impl<'de> Deserialize<'de> for DeviceKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DeviceKind, D::Error> {
        deserializer.deserialize_any(Word("a device type (a, b, c or u)", |word| match word {
            "a" => Some(DeviceKind::All),
            "b" => Some(DeviceKind::Block),
            "c" | "u" => Some(DeviceKind::Char),
            _ => None,
        }))
    }
}

impl<'de> Deserialize<'de> for Access {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Access, D::Error> {
        deserializer.deserialize_any(Word("device access (letters of rwm)", |word| {
            word.bytes().try_fold(Access::NONE, |sum, letter| match letter {
                b'r' => Some(Access(sum.0 | Access::READ.0)),
                b'w' => Some(Access(sum.0 | Access::WRITE.0)),
                b'm' => Some(Access(sum.0 | Access::MKNOD.0)),
                _ => None,
            })
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_absent_are_the_same_everywhere() {
        let nulls = r#"{"devices": null, "memory": {"limit": null, "swappiness": null, "disableOOMKiller": null},
            "cpu": {"cpus": null, "shares": null, "idle": null}, "pids": {"limit": null}, "blockIO": null,
            "hugepageLimits": null, "network": {"classID": null, "priorities": null}, "rdma": null, "unified": null}"#;
        let resources: Resources = serde_json::from_str(nulls).unwrap();
        assert!(resources.devices.is_none() && resources.memory.unwrap().limit.is_none());
        let rule: DeviceRule =
            serde_json::from_str(r#"{"allow": true, "type": null, "major": null, "access": null}"#).unwrap();
        assert_eq!((rule.kind, rule.access, rule.major), (DeviceKind::All, Access::ALL, None));
    }

    #[test]
    fn a_device_rule_is_read_as_written() {
        let text = r#"{"allow": false, "type": "u", "major": 10, "minor": -1, "access": "mr"}"#;
        let rule: DeviceRule = serde_json::from_str(text).unwrap();
        assert_eq!(
            (rule.allow, rule.kind, rule.major, rule.minor),
            (false, DeviceKind::Char, Some(10), Some(-1))
        );
        assert_eq!(rule.access, Access(Access::MKNOD.0 | Access::READ.0));
    }

    #[test]
    fn an_unknown_letter_is_named() {
        for (rule, word) in
            [(r#"{"allow":true,"type":"p"}"#, "\"p\""), (r#"{"allow":true,"access":"rx"}"#, "\"rx\"")]
        {
            let error = serde_json::from_str::<DeviceRule>(rule).unwrap_err();
            assert!(alloc::format!("{error}").contains(word), "{error}");
        }
    }

    #[test]
    fn unknown_properties_are_passed_over() {
        let resources: Resources =
            serde_json::from_str(r#"{"memory": {"kernel": 5, "x": []}, "y": 1}"#).unwrap();
        assert!(resources.memory.unwrap().limit.is_none());
    }
}
