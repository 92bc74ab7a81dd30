// SPDX-License-Identifier: Apache-2.0
//! Cgroups, processes in them, and the view with cgroup v2 alone, for the tests beside.

use estiba_engine::Error;
use estiba_engine::cgroup::{Cgroup, Dir, Layout, Membership, PlaceRequest, place};
use estiba_engine::spec::resources::Resources;
use estiba_sys::{bpf, mount, namespace};
use std::ffi::CString;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

pub fn pure_v2_view() {
    const PRIVATE_RECURSIVE: u64 = 1 << 18 | 1 << 14;
    namespace::unshare(namespace::MOUNT).unwrap();
    mount::mount(None, c"/", None, PRIVATE_RECURSIVE, None).unwrap();
    mount::detach(c"/sys/fs/cgroup").unwrap();
    mount::mount(Some(c"none"), c"/sys/fs/cgroup", Some(c"cgroup2"), 0, None).unwrap();
}

/// Runs the promise with cgroup v2 alone and a bpf file system of its own, in place of any that the host has.
pub fn with_bpf_file_system(promise: fn(&Layout)) {
    let run = move || {
        pure_v2_view();
        mount::mount(Some(c"none"), c"/sys/fs/bpf", Some(c"bpf"), 0, None).unwrap();
        promise(&Layout::read().unwrap());
    };
    std::thread::spawn(run).join().unwrap();
}

/// The ids of the programs attached to the cgroup.
pub fn device_programs(cgroup: &Cgroup) -> Vec<u32> {
    let mut ids = [0; bpf::MAX_PROGRAMS];
    let count = bpf::device_programs(cgroup.open_v2().unwrap().unwrap().borrow(), &mut ids).unwrap();
    ids[..count].to_vec()
}

/// The kept programs.
pub fn pins() -> Vec<PathBuf> {
    std::fs::read_dir("/sys/fs/bpf/estiba").unwrap().map(|entry| entry.unwrap().path()).collect()
}

pub fn pin_one_that_says_yes(name: &Path) {
    const SET: u8 = 0xb7; // ALU64 | MOV | K
    const EXIT: u8 = 0x95;
    let code = [bpf::Instruction::new(SET, 0, 0, 0, 1), bpf::Instruction::new(EXIT, 0, 0, 0, 0)];
    let program = bpf::load_device_program(&code, c"yes").unwrap();
    bpf::pin(program.borrow(), &CString::new(name.as_os_str().as_bytes()).unwrap()).unwrap();
}

/// Runs the promise in both layouts, each on a thread of its own.
pub fn in_both(promise: fn(&Layout)) {
    for prepare in [|| (), pure_v2_view] {
        let run = move || {
            prepare();
            promise(&Layout::read().unwrap());
        };
        std::thread::spawn(run).join().unwrap();
    }
}

pub fn fresh_path() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("/estiba-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

pub fn placed(layout: &Layout, path: &str) -> Vec<Dir> {
    let request = PlaceRequest { cgroups_path: Some(path), id: "x", is_rootless: false };
    Cgroup::survey(place(request, layout, &Membership::read().unwrap()).unwrap(), layout).unwrap()
}

pub fn created(layout: &Layout, path: &str, resources: &str) -> Result<Cgroup, Error> {
    let resources: Resources = serde_json::from_str(resources).unwrap();
    Cgroup::create(placed(layout, path), &resources, layout, false).map(|(cgroup, _)| cgroup)
}

/// A cgroup that is gone at the end of the test, however it ends.
pub struct Kept(pub Cgroup);

impl Drop for Kept {
    fn drop(&mut self) {
        self.0.kill_all().unwrap();
        self.0.remove().unwrap();
    }
}

pub fn kept(layout: &Layout, resources: &str) -> Kept {
    Kept(created(layout, &fresh_path(), resources).unwrap())
}

pub fn read(dir: &Dir, file: &str) -> String {
    std::fs::read_to_string(format!("{}/{file}", dir.path)).unwrap().trim().to_string()
}

pub fn dir_with<'a>(cgroup: &'a Cgroup, controller: &str) -> &'a Dir {
    let v1 = cgroup.dirs().iter().find(|dir| dir.has(controller));
    v1.or_else(|| cgroup.dirs().iter().find(|dir| dir.is_v2())).unwrap()
}

pub fn join(dirs: &[Dir], pid: u32) {
    for dir in dirs {
        std::fs::write(format!("{}/cgroup.procs", dir.path), pid.to_string()).unwrap();
    }
}

/// A shell in the cgroup that runs its script once a line comes in.
pub fn shell(cgroup: &Cgroup, script: &str) -> Child {
    let command = format!("read go; {script}");
    let child =
        Command::new("sh").arg("-c").arg(command).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let child = child.unwrap();
    join(cgroup.dirs(), child.id());
    child
}

pub fn go(child: &mut Child) {
    child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
}

pub fn finish(mut child: Child) -> ExitStatus {
    go(&mut child);
    child.wait().unwrap()
}

pub fn gone(cgroup: &Cgroup) {
    for dir in cgroup.dirs() {
        assert!(!std::path::Path::new(&dir.path).exists(), "{} is left", dir.path);
    }
}
