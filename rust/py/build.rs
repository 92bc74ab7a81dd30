// SPDX-License-Identifier: Apache-2.0
//! Builds the native command and puts it where the wheel takes its scripts from: data/scripts/estiba.
//!
//! Only when a wheel is made: pyproject.toml sets ESTIBA_WHEEL, so that `cargo build`, `test` and `clippy` of the
//! workspace start no cargo inside cargo.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// No libc: rust/sys brings the entry point, the memory functions and the allocator. As rustc's flags, because with
/// `--target` they reach the command's crates only, and neither build scripts nor macros.
const FLAGS: [&str; 6] = [
    "--cfg=estiba_bare",
    "-Ctarget-feature=+crt-static",
    "-Crelocation-model=static",
    "-Cforce-unwind-tables=no",
    "-Clink-arg=-nostartfiles",
    "-Clink-arg=-Wl,--build-id=none,-z,noseparate-code,-z,norelro,--gc-sections,--no-eh-frame-hdr",
];

/// Rust's own libraries are compiled with tables for unwinding, a fourteenth of the command, which aborts on a panic.
const DISCARD: &str = "SECTIONS { /DISCARD/ : { *(.eh_frame) *(.gcc_except_table .gcc_except_table.*) } } \
    INSERT AFTER .text;\n";

/// What the outer build says about its own profile, target and wrappers.
const OUTER: [&str; 6] =
    ["CARGO_CFG_", "CARGO_FEATURE_", "CARGO_PROFILE_", "CARGO_BUILD_", "CARGO_TARGET_", "DEP_"];
const OUTER_WHOLE: [&str; 4] =
    ["CARGO_ENCODED_RUSTFLAGS", "ESTIBA_WHEEL", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"];

const SOURCES: [&str; 6] = ["Cargo.toml", "Cargo.lock", "rust/sys", "rust/init", "rust/engine", "rust/cli"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=ESTIBA_WHEEL");
    println!("cargo::rerun-if-env-changed=ESTIBA_PYTHON");
    if env::var_os("ESTIBA_WHEEL").is_none() {
        return;
    }
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")).join("../..");
    let staged = root.join("data/scripts/estiba");
    println!("cargo::rerun-if-changed={}", staged.display()); // somebody removed it
    for source in SOURCES {
        println!("cargo::rerun-if-changed={}", root.join(source).display());
    }
    let built = build(&root);
    stage(&built, &staged).unwrap_or_else(|error| panic!("cannot put {built:?} at {staged:?}: {error}"));
}

fn build(root: &Path) -> PathBuf {
    let profile = if variable("PROFILE") == "debug" { "clidev" } else { "cli" };
    let target = variable("TARGET");
    // A target folder of its own: the outer cargo holds the lock of the ordinary one.
    let folder = PathBuf::from(variable("OUT_DIR")).join("command");
    let script = PathBuf::from(variable("OUT_DIR")).join("discard.ld");
    fs::write(&script, DISCARD).unwrap_or_else(|error| panic!("cannot write {script:?}: {error}"));
    let link = format!("-Clink-arg=-Wl,-T,{}", script.display());
    let flags = FLAGS.map(str::to_owned).into_iter().chain([link]).collect::<Vec<_>>().join("\x1f");
    let mut cargo = Command::new(variable("CARGO"));
    cargo.current_dir(root).args(["build", "--package=estiba-cli", "--profile", profile]);
    cargo.arg("--target").arg(&target).arg("--target-dir").arg(&folder);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if OUTER_WHOLE.contains(&&*text) || OUTER.iter().any(|prefix| text.starts_with(prefix)) {
            cargo.env_remove(&name);
        }
    }
    let status = cargo.env("CARGO_ENCODED_RUSTFLAGS", flags).status().expect("cargo starts");
    assert!(status.success(), "the native command does not build");
    folder.join(target).join(profile).join("estiba")
}

/// Replaces the file in one step, as it may be running, and only if it is another: its time decides what is rebuilt.
fn stage(built: &Path, staged: &Path) -> io::Result<()> {
    if fs::read(staged).is_ok_and(|old| fs::read(built).is_ok_and(|new| old == new)) {
        return Ok(());
    }
    let new = staged.with_extension("new");
    if let Some(folder) = staged.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(built, &new)?;
    fs::rename(&new, staged)
}

fn variable(name: &str) -> OsString {
    env::var_os(name).unwrap_or_else(|| panic!("cargo sets {name} for build scripts"))
}
