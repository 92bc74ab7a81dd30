// SPDX-License-Identifier: Apache-2.0
//! Makes the init image: three rustc calls (sys, init, the image's main), whose result the engine carries in itself.
//!
//! rustc and not cargo inside cargo: nothing of the outer build's profile, flags or wrappers reaches the image, so the
//! same sources give the same bytes in `cargo build`, in a test and in a wheel.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

const CODE: [&str; 9] = [
    "--edition=2024",
    "--cap-lints=warn",
    "--cfg=estiba_image",
    "-Copt-level=s",
    "-Cpanic=abort",
    "-Ccodegen-units=1",
    "-Crelocation-model=static",
    "-Ctarget-feature=+crt-static",
    "-Cforce-unwind-tables=no",
];

const LINK: [&str; 4] = [
    "-Clto=fat",
    "-Cstrip=symbols",
    "-Clink-arg=-nostartfiles",
    "-Clink-arg=-Wl,--build-id=none,-z,noseparate-code,-z,norelro,-z,max-page-size=4096,--gc-sections,\
     --no-eh-frame-hdr",
];

fn main() {
    let rust = PathBuf::from(variable("CARGO_MANIFEST_DIR")).join("..");
    let out = PathBuf::from(variable("OUT_DIR"));
    println!("cargo::rerun-if-changed=build.rs");
    for sources in ["sys/src", "init/src"] {
        println!("cargo::rerun-if-changed={}", rust.join(sources).display());
    }
    let compile = |name: &str, kind: &str, source: &str, more: &[&str]| {
        compile(&rust.join(source), &out, &["--crate-name", name, "--crate-type", kind], more);
    };
    compile("estiba_sys", "rlib", "sys/src/lib.rs", &[]);
    compile("estiba_init", "rlib", "init/src/lib.rs", &["--extern=estiba_sys"]);
    let uses = ["--extern=estiba_sys", "--extern=estiba_init"];
    compile("estiba_image", "bin", "init/src/main.rs", &[&uses[..], &LINK].concat());
    println!("cargo::rustc-env=ESTIBA_INIT_IMAGE={}", out.join("estiba_image").display());
}

fn compile(source: &Path, out: &Path, what: &[&str], more: &[&str]) {
    let mut rustc = Command::new(variable("RUSTC"));
    rustc.args(CODE).args(what).args(more).arg(source);
    rustc.arg("--target").arg(variable("TARGET")).arg("-L").arg(out).arg("--out-dir").arg(out);
    // Where the sources lie is nobody's business, and would make the bytes differ from machine to machine.
    let mut remap = variable("CARGO_MANIFEST_DIR");
    remap.push("/..=rust");
    rustc.arg("--remap-path-prefix").arg(remap);
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        let mut option = OsString::from("-Clinker=");
        option.push(linker);
        rustc.arg(option);
    }
    let status = rustc.status().expect("rustc starts");
    assert!(status.success(), "the init image does not build: {rustc:?}");
}

fn variable(name: &str) -> OsString {
    env::var_os(name).unwrap_or_else(|| panic!("cargo sets {name} for build scripts"))
}
