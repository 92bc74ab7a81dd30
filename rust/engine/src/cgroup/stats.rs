// SPDX-License-Identifier: Apache-2.0
//! Raw counters of a cgroup as JSON: bytes, nanoseconds, counts. A key is there where the host has the file.

use crate::cgroup::create::Cgroup;
use crate::cgroup::file;
use crate::cgroup::place::Dir;
use crate::error::Result;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use estiba_sys::fs;
use serde_json::{Map, Value};

type Table = Map<String, Value>;

/// USER_HZ, the unit of cpuacct.stat: 100 in every kernel ABI but alpha's.
const NANOSECONDS_PER_TICK: u64 = 10_000_000;
const NANOSECONDS_PER_MICROSECOND: u64 = 1000;

impl Cgroup {
    /// {"memory": {...}, "cpu": {...}, "pids": {...}, "io": {...}, "hugetlb": {...}, "pressure": {...}}.
    /// A limit of null is none.
    pub fn stats(&self) -> Result<String> {
        let mut all = Table::new();
        let mut put = |name: &str, table: Option<Table>| {
            if let Some(table) = table.filter(|table| !table.is_empty()) {
                all.insert(name.to_string(), Value::Object(table));
            }
        };
        let v2 = || self.v2().map(Files);
        let v1 = |controller| self.v1(controller).map(Files);
        put("memory", v1("memory").map(memory_v1).or_else(|| v2().map(memory_v2)));
        let cpu = match (v1("cpu"), v1("cpuacct")) {
            (None, None) => v2().map(cpu_v2),
            (cpu, account) => Some(cpu_v1(cpu, account)),
        };
        put("cpu", cpu);
        put("pids", v1("pids").or_else(v2).map(pids));
        put("io", v1("blkio").map(io_v1).or_else(|| v2().map(io_v2)));
        put("hugetlb", v1("hugetlb").map(hugetlb_v1).or_else(|| v2().map(hugetlb_v2)));
        put("pressure", v2().map(pressure));
        Ok(Value::Object(all).to_string())
    }
}

struct Files<'a>(&'a Dir);

impl Files<'_> {
    fn text(&self, name: &str) -> Option<String> {
        self.0.read(name).ok()
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.text(name)?.trim().parse().ok()
    }

    /// "KEY NUMBER" lines.
    fn pairs(&self, name: &str) -> Vec<(String, u64)> {
        let text = self.text(name).unwrap_or_default();
        let pair =
            |line: &str| line.split_once(' ').and_then(|(key, n)| Some((key.to_string(), n.parse().ok()?)));
        text.lines().filter_map(pair).collect()
    }

    fn names(&self, prefix: &str, suffix: &str) -> Vec<String> {
        let mut names = Vec::new();
        if let Ok(listing) = file::open_dir(&self.0.path) {
            let _ = fs::list_dir(listing.borrow(), &mut |name| {
                let middle =
                    name.to_str().ok().and_then(|name| name.strip_prefix(prefix)?.strip_suffix(suffix));
                names.extend(middle.filter(|middle| !middle.contains('.')).map(String::from));
            });
        }
        names.sort();
        names
    }
}

/// Puts what is there into a table.
#[derive(Default)]
struct Builder(Table);

impl Builder {
    fn put(&mut self, name: &str, value: Option<u64>) -> &mut Builder {
        if let Some(value) = value {
            self.0.insert(name.to_string(), value.into());
        }
        self
    }

    /// "max", or v1's largest page count, is no limit.
    fn limit(&mut self, name: &str, text: Option<String>) -> &mut Builder {
        if let Some(text) = text {
            let number = text.trim().parse::<u64>().ok().filter(|number| *number < 1 << 62);
            self.0.insert(name.to_string(), number.map_or(Value::Null, Value::from));
        }
        self
    }

    fn table(&mut self, name: &str, table: Table) -> &mut Builder {
        if !table.is_empty() {
            self.0.insert(name.to_string(), Value::Object(table));
        }
        self
    }
}

fn table_of(pairs: Vec<(String, u64)>) -> Table {
    pairs.into_iter().map(|(key, number)| (key, number.into())).collect()
}

fn memory_v1(files: Files<'_>) -> Table {
    let part = |name: &str| {
        let mut part = Builder::default();
        part.put("usage", files.number(&format!("memory.{name}usage_in_bytes")))
            .put("max_usage", files.number(&format!("memory.{name}max_usage_in_bytes")))
            .put("failcnt", files.number(&format!("memory.{name}failcnt")))
            .limit("limit", files.text(&format!("memory.{name}limit_in_bytes")));
        part.0
    };
    let mut memory = Builder(part(""));
    memory
        .table("memory_and_swap", part("memsw."))
        .table("kernel", part("kmem."))
        .table("kernel_tcp", part("kmem.tcp."))
        .table("events", table_of(files.pairs("memory.oom_control")))
        .table("stat", table_of(files.pairs("memory.stat")));
    memory.0
}

fn memory_v2(files: Files<'_>) -> Table {
    let part = |name: &str| {
        let mut part = Builder::default();
        part.put("usage", files.number(&format!("memory.{name}current")))
            .put("max_usage", files.number(&format!("memory.{name}peak")))
            .limit("limit", files.text(&format!("memory.{name}max")));
        part.0
    };
    let mut memory = Builder(part(""));
    memory
        .table("swap", part("swap."))
        .table("events", table_of(files.pairs("memory.events")))
        .table("stat", table_of(files.pairs("memory.stat")));
    memory.0
}

fn cpu_v1(cpu: Option<Files<'_>>, account: Option<Files<'_>>) -> Table {
    let mut table = Builder::default();
    if let Some(account) = account {
        table.put("usage_ns", account.number("cpuacct.usage"));
        for (key, ticks) in account.pairs("cpuacct.stat") {
            table.put(&format!("{key}_ns"), Some(ticks * NANOSECONDS_PER_TICK));
        }
        let each = account.text("cpuacct.usage_percpu").unwrap_or_default();
        let each: Vec<u64> = each.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        if !each.is_empty() {
            table.0.insert("per_cpu_ns".to_string(), each.into());
        }
    }
    for (key, number) in cpu.map(|cpu| cpu.pairs("cpu.stat")).unwrap_or_default() {
        let name = match key.as_str() {
            "nr_periods" => "periods",
            "nr_throttled" => "throttled_periods",
            "throttled_time" => "throttled_ns",
            "nr_bursts" => "bursts",
            "burst_time" => "burst_ns",
            _ => continue,
        };
        table.put(name, Some(number));
    }
    table.0
}

fn cpu_v2(files: Files<'_>) -> Table {
    let mut table = Builder::default();
    for (key, number) in files.pairs("cpu.stat") {
        let (name, unit) = match key.as_str() {
            "usage_usec" => ("usage_ns", NANOSECONDS_PER_MICROSECOND),
            "user_usec" => ("user_ns", NANOSECONDS_PER_MICROSECOND),
            "system_usec" => ("system_ns", NANOSECONDS_PER_MICROSECOND),
            "nr_periods" => ("periods", 1),
            "nr_throttled" => ("throttled_periods", 1),
            "throttled_usec" => ("throttled_ns", NANOSECONDS_PER_MICROSECOND),
            "nr_bursts" => ("bursts", 1),
            "burst_usec" => ("burst_ns", NANOSECONDS_PER_MICROSECOND),
            _ => continue,
        };
        table.put(name, Some(number * unit));
    }
    table.0
}

fn pids(files: Files<'_>) -> Table {
    let mut table = Builder::default();
    table.put("current", files.number("pids.current")).limit("limit", files.text("pids.max"));
    table.0
}

/// One entry a device, whichever file a number came from.
#[derive(Default)]
struct Devices(Vec<(u64, u64, Table)>);

impl Devices {
    fn put(&mut self, device: &str, name: &str, number: u64) {
        let Some((major, minor)) = device.split_once(':') else { return };
        let (Ok(major), Ok(minor)) = (major.parse(), minor.parse()) else { return };
        let at = self.0.iter().position(|(a, b, _)| (*a, *b) == (major, minor)).unwrap_or_else(|| {
            let table = [("major", major), ("minor", minor)];
            let table = table.into_iter().map(|(key, number)| (key.to_string(), number.into())).collect();
            self.0.push((major, minor, table));
            self.0.len() - 1
        });
        if let Some((_, _, table)) = self.0.get_mut(at) {
            table.insert(name.to_string(), number.into());
        }
    }

    fn table(self) -> Table {
        let list: Vec<Value> = self.0.into_iter().map(|(_, _, table)| Value::Object(table)).collect();
        let mut table = Table::new();
        table.insert("devices".to_string(), list.into());
        table
    }
}

fn io_v1(files: Files<'_>) -> Table {
    let mut devices = Devices::default();
    for (name, unit) in [("io_service_bytes", "bytes"), ("io_serviced", "operations")] {
        let text = files
            .text(&format!("blkio.throttle.{name}_recursive"))
            .or_else(|| files.text(&format!("blkio.throttle.{name}")))
            .unwrap_or_default();
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            if let [device, operation @ ("Read" | "Write"), number] = words.as_slice() {
                let name = format!("{}_{unit}", operation.to_ascii_lowercase());
                devices.put(device, &name, number.parse().unwrap_or(0));
            }
        }
    }
    devices.table()
}

fn io_v2(files: Files<'_>) -> Table {
    let Some(text) = files.text("io.stat") else { return Table::new() };
    let mut devices = Devices::default();
    for line in text.lines() {
        let mut words = line.split(' ');
        let device = words.next().unwrap_or_default();
        for (key, number) in words.filter_map(|word| word.split_once('=')) {
            let name = match key {
                "rbytes" => "read_bytes",
                "wbytes" => "write_bytes",
                "rios" => "read_operations",
                "wios" => "write_operations",
                _ => continue,
            };
            devices.put(device, name, number.parse().unwrap_or(0));
        }
    }
    devices.table()
}

fn hugetlb_v1(files: Files<'_>) -> Table {
    let mut all = Builder::default();
    for size in files.names("hugetlb.", ".usage_in_bytes") {
        let mut page = Builder::default();
        page.put("usage", files.number(&format!("hugetlb.{size}.usage_in_bytes")))
            .put("max_usage", files.number(&format!("hugetlb.{size}.max_usage_in_bytes")))
            .put("failcnt", files.number(&format!("hugetlb.{size}.failcnt")));
        all.table(&size, page.0);
    }
    all.0
}

fn hugetlb_v2(files: Files<'_>) -> Table {
    let mut all = Builder::default();
    for size in files.names("hugetlb.", ".current") {
        let refused =
            files.pairs(&format!("hugetlb.{size}.events")).into_iter().find(|(key, _)| key == "max");
        let mut page = Builder::default();
        page.put("usage", files.number(&format!("hugetlb.{size}.current")))
            .put("failcnt", refused.map(|(_, n)| n));
        all.table(&size, page.0);
    }
    all.0
}

/// {"cpu": {"some": {"avg10": "0.00", ..., "total": 12}}}: averages as the kernel writes them, totals in microseconds.
fn pressure(files: Files<'_>) -> Table {
    let mut all = Builder::default();
    for what in ["cpu", "memory", "io"] {
        let text = files.text(&format!("{what}.pressure")).unwrap_or_default();
        let mut kinds = Builder::default();
        for (kind, numbers) in text.lines().filter_map(|line| line.split_once(' ')) {
            let number = |(key, value): (&str, &str)| {
                let number = value.parse::<u64>().map_or_else(|_| Value::from(value), Value::from);
                (key.to_string(), number)
            };
            kinds.table(
                kind,
                numbers.split(' ').filter_map(|pair| pair.split_once('=')).map(number).collect(),
            );
        }
        all.table(what, kinds.0);
    }
    all.0
}
