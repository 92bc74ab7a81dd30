// SPDX-License-Identifier: Apache-2.0
//! What is written into a scope's cgroup as properties of the unit (systemd.resource-control(5)): systemd writes them
//! again whenever it is reloaded, and would put its own defaults there. Pure.

use super::message::{Property, Value};
use crate::cgroup::values::{self, Write};
use alloc::borrow::Cow;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

const NO_LIMIT: u64 = u64::MAX;
const SECOND: u64 = 1_000_000;
/// systemd keeps a quota in hundredths of a processor, of which these are the microseconds.
const HUNDREDTH: u64 = 10_000;

/// The properties of writes that have any; what has none is in the cgroup's file alone. `cpu_max`: what the file of that
/// name has after its write, if it is there already.
pub fn of(writes: &[Write], cpu_max: Option<&str>) -> Vec<Property> {
    let mut properties = Vec::new();
    for write in writes {
        let text = &*match (&write.value, cpu_max) {
            (_, Some(whole)) if write.file == "cpu.max" => Cow::Borrowed(whole),
            (values::Value::Text(text), _) => Cow::Borrowed(text.as_str()),
            (values::Value::AfterFirstWord(rest), _) => Cow::Owned(format!("max {rest}")),
        };
        let number = || amount(text);
        let named = |name| number().map(|value| vec![(name, Value::U64(value))]);
        let found = match &*write.file {
            "memory.max" => named("MemoryMax"),
            "memory.high" => named("MemoryHigh"),
            "memory.low" => named("MemoryLow"),
            "memory.min" => named("MemoryMin"),
            "memory.swap.max" => named("MemorySwapMax"),
            "cpu.weight" => named("CPUWeight"),
            "pids.max" => named("TasksMax"),
            "io.weight" => text
                .strip_prefix("default ")
                .unwrap_or(text)
                .parse()
                .ok()
                .map(|weight| vec![("IOWeight", Value::U64(weight))]),
            "cpu.max" => quota(text),
            "cpuset.cpus" => mask(text).map(|mask| vec![("AllowedCPUs", Value::Bytes(mask))]),
            "cpuset.mems" => mask(text).map(|mask| vec![("AllowedMemoryNodes", Value::Bytes(mask))]),
            _ => None,
        };
        properties.extend(found.unwrap_or_default());
    }
    properties
}

/// A new scope's: what no write limits has no limit, whatever the manager's defaults are.
pub fn of_new(writes: &[Write]) -> Vec<Property> {
    let mut properties = of(writes, None);
    if properties.iter().all(|(name, _)| *name != "TasksMax") {
        properties.push(("TasksMax", Value::U64(NO_LIMIT)));
    }
    properties
}

/// "max", or a number that may end in K, M, G, T, P or E (memparse() in the kernel's cmdline.c): raw values have such.
fn amount(text: &str) -> Option<u64> {
    if text == "max" {
        return Some(NO_LIMIT);
    }
    let (digits, unit) = text.split_at(text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len());
    let unit = ["", "K", "M", "G", "T", "P", "E"].iter().position(|one| one.eq_ignore_ascii_case(unit))?;
    digits.parse::<u64>().ok()?.checked_mul(1 << (10 * unit))
}

/// "QUOTA PERIOD", or the first alone, which may be "max".
fn quota(text: &str) -> Option<Vec<Property>> {
    let mut words = text.split_whitespace();
    let quota = amount(words.next()?)?;
    let period = words.next().map(str::parse::<u64>).transpose().ok()?;
    let each = period.unwrap_or(100_000).max(1); // the kernel's own (cgroup-v2.rst, "cpu.max")
    let per_second = match quota {
        NO_LIMIT => NO_LIMIT,
        quota => (quota.saturating_mul(SECOND) / each).next_multiple_of(HUNDREDTH).max(HUNDREDTH),
    };
    let mut properties = vec![("CPUQuotaPerSecUSec", Value::U64(per_second))];
    if let Some(period) = period {
        properties.push(("CPUQuotaPeriodUSec", Value::U64(period)));
    }
    Some(properties)
}

/// A list as "0-2,4" (cpuset(7)) as bits, lowest first.
fn mask(list: &str) -> Option<Vec<u8>> {
    const MOST: usize = 1 << 16;
    let mut mask = Vec::new();
    for range in list.trim().split(',').map(str::trim).filter(|range| !range.is_empty()) {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (first.parse::<usize>().ok()?, last.parse::<usize>().ok()?);
        if last >= MOST {
            return None;
        }
        for bit in first..=last {
            if mask.len() <= bit / 8 {
                mask.resize(bit / 8 + 1, 0);
            }
            mask[bit / 8] |= 1 << (bit % 8);
        }
    }
    Some(mask)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn property(file: &'static str, text: &str) -> Vec<Property> {
        of(&[Write::new("", file, text.to_string(), "", "")], None)
    }

    #[test]
    fn limits_are_properties() {
        assert_eq!(property("memory.max", "4096"), [("MemoryMax", Value::U64(4096))]);
        assert_eq!(property("memory.swap.max", "max"), [("MemorySwapMax", Value::U64(u64::MAX))]);
        assert_eq!(property("pids.max", "7"), [("TasksMax", Value::U64(7))]);
        assert_eq!(property("io.weight", "default 50"), [("IOWeight", Value::U64(50))]);
        assert_eq!(property("cpuset.cpus", "0-2,9"), [("AllowedCPUs", Value::Bytes(vec![0b111, 0b10]))]);
        assert_eq!(property("hugetlb.2MB.max", "0"), []);
        for nonsense in ["nonsense", "", "M", "1KM", "1B", "99999999999G"] {
            assert_eq!(property("memory.max", nonsense), [], "{nonsense}");
        }
    }

    #[test]
    fn raw_values_may_have_the_kernels_units() {
        for (text, value) in [("64M", 64 << 20), ("1k", 1 << 10), ("2G", 2 << 30), ("1E", 1 << 60)] {
            assert_eq!(property("memory.high", text), [("MemoryHigh", Value::U64(value))]);
        }
    }

    #[test]
    fn a_quota_or_a_period_alone_is_told_with_the_other() {
        let mut write = Write::new("cpu", "cpu.max", "20000", "", "");
        let half = [("CPUQuotaPerSecUSec", Value::U64(500_000)), ("CPUQuotaPeriodUSec", Value::U64(40_000))];
        assert_eq!(of(&[write.clone()], Some("20000 40000\n")), half);
        write.value = values::Value::AfterFirstWord("40000".to_string());
        assert_eq!(of(&[write.clone()], Some("20000 40000\n")), half);
        let none = [("CPUQuotaPerSecUSec", Value::U64(u64::MAX)), half[1].clone()];
        assert_eq!(of(&[write], None), none);
        assert_eq!(of(&[], Some("20000 40000\n")), []);
    }

    #[test]
    fn a_quota_is_rounded_up_to_a_hundredth_of_a_processor() {
        let of = |quota, period| {
            let period = Option::<u64>::map(period, |period| ("CPUQuotaPeriodUSec", Value::U64(period)));
            [("CPUQuotaPerSecUSec", Value::U64(quota))].into_iter().chain(period).collect::<Vec<_>>()
        };
        assert_eq!(property("cpu.max", "50000 100000"), of(500_000, Some(100_000)));
        assert_eq!(property("cpu.max", "1001 100000"), of(20_000, Some(100_000)));
        assert_eq!(property("cpu.max", "1"), of(10_000, None));
        assert_eq!(property("cpu.max", "max 100000"), of(u64::MAX, Some(100_000)));
    }

    #[test]
    fn a_new_scope_has_no_limit_of_tasks_that_nobody_asked_for() {
        assert_eq!(of_new(&[]), [("TasksMax", Value::U64(u64::MAX))]);
        let asked = [Write::new("pids", "pids.max", 7, "", "")];
        assert_eq!(of_new(&asked), [("TasksMax", Value::U64(7))]);
    }
}
