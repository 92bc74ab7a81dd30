// SPDX-License-Identifier: Apache-2.0
//! No client's config sends the command to Python: each recorded one is proved, and each process for exec.

use estiba_engine::spec::prove::{Verdict, prove, prove_process};
use std::fs;
use std::path::Path;

#[test]
fn every_recorded_config_and_process_is_proved() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/recorded"));
    let mut asks = Vec::new();
    let mut proved = 0;
    for entry in fs::read_dir(folder).expect("the recordings are there") {
        let path = entry.expect("a readable folder").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.ends_with(".json") || name.ends_with(".calls.json") {
            continue;
        }
        // The root's place is the recording's own; here it only has to be an absolute path.
        let text = fs::read_to_string(&path).expect("a text file").replace("@ROOTFS@", "/root");
        let text =
            text.replace("@CGROUP@", "/parent").replace("@WORK@", "/work").replace("@BUNDLE@", "/bundle");
        let is_process = name.ends_with(".process.json");
        match if is_process { prove_process(text.as_bytes()) } else { prove(text.as_bytes()) } {
            Verdict::Proved => proved += 1,
            Verdict::Ask(reason) => asks.push(format!("{name}: {reason}")),
        }
    }
    assert!(asks.is_empty(), "{asks:#?}");
    assert!(proved > 90, "only {proved} recordings were found");
}
