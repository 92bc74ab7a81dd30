// SPDX-License-Identifier: Apache-2.0
//! Labels of security modules: of the process (SELinux, AppArmor), and of the file systems that are mounted for it.

use super::{Origin, Plan};
use crate::error::{Error, ErrorKind};
use crate::host::Host;
use crate::spec::{Process, Spec};
use alloc::borrow::Cow;
use alloc::format;
use estiba_init::step::Step;

/// `linux.mountLabel`, where the host knows such labels.
pub fn of_mounts<'s>(plan: &mut Plan, spec: &'s Spec<'_>, host: &Host) -> Option<&'s str> {
    let label = spec.linux.mount_label.as_deref().filter(|label| !label.is_empty())?;
    if !host.has_selinux {
        plan.warnings.push(without("SELinux", label, "/linux/mountLabel"));
        return None;
    }
    Some(label)
}

/// The data of a new file system with the label that all its files get (mount(8), "context").
pub fn with_context<'d>(data: &'d str, label: Option<&str>) -> Cow<'d, str> {
    let Some(label) = label else { return Cow::Borrowed(data) };
    if data.split(',').any(|option| option.starts_with("context=")) {
        return Cow::Borrowed(data);
    }
    // Quoted, as categories are written with commas: "s0:c1,c2".
    let comma = if data.is_empty() { "" } else { "," };
    Cow::Owned(format!("{data}{comma}context=\"{label}\""))
}

/// How a file system of this kind takes the label: none, by its data, or on its root alone. The kernel's own trees have
/// labels of their policy's; the one of message queues is older than its mount.
pub fn for_kind<'l>(kind: &str, label: Option<&'l str>) -> (Option<&'l str>, Option<&'l str>) {
    match kind {
        "proc" | "sysfs" | "cgroup" | "cgroup2" => (None, None),
        "mqueue" => (None, label),
        _ => (label, None),
    }
}

/// A label means something to its module alone; a host without it runs the container all the same.
fn without(module: &str, label: &str, pointer: &str) -> Error {
    let message = format!("{label:?} is ignored: {module} is not active on this host");
    Error::new(ErrorKind::HostUnsupported, message).at(pointer)
}

/// What the next exec is confined by (AppArmor, SELinux).
pub fn label_process(plan: &mut Plan, process: &Process<'_>, host: &Host) {
    if let Some(label) = process.selinux_label.as_deref().filter(|label| !label.is_empty()) {
        const WHERE: &str = "/process/selinuxLabel";
        if host.has_selinux {
            let step = Step::LabelExec { attribute: c"attr/exec", label: label.as_bytes() };
            plan.add(Origin::At(WHERE), step);
        } else {
            plan.warnings.push(without("SELinux", label, WHERE));
        }
    }
    if let Some(profile) = process.profile() {
        const WHERE: &str = "/process/apparmorProfile";
        if host.has_apparmor {
            let label = format!("exec {profile}");
            let step = Step::LabelExec { attribute: c"attr/apparmor/exec", label: label.as_bytes() };
            plan.add(Origin::At(WHERE), step);
        } else {
            plan.warnings.push(without("AppArmor", profile, WHERE));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn the_context_is_quoted_and_comes_last() {
        assert_eq!(with_context("mode=755", Some("u:r:t:s0:c1,c2")), "mode=755,context=\"u:r:t:s0:c1,c2\"");
        assert_eq!(with_context("", Some("u:r:t")), "context=\"u:r:t\"");
    }

    #[test]
    fn a_context_of_the_config_wins() {
        assert_eq!(with_context("context=\"a:b:c\"", Some("u:r:t")), "context=\"a:b:c\"");
        assert_eq!(with_context("mode=755", None), "mode=755");
    }

    fn host(has_modules: bool) -> Host {
        Host {
            uid: 0,
            gid: 0,
            capabilities: u64::MAX,
            layout: crate::cgroup::Layout::default(),
            has_selinux: has_modules,
            has_apparmor: has_modules,
            runs_foreign: false,
        }
    }

    const BOTH: &str = r#"{"apparmorProfile": "acme", "selinuxLabel": "u:r:t:s0"}"#;

    #[test]
    fn a_process_gets_the_labels_of_the_modules_that_are_there() {
        let (mut plan, process) = (Plan::default(), serde_json::from_str(BOTH).unwrap());
        label_process(&mut plan, &process, &host(true));
        let set: Vec<_> = plan
            .steps
            .iter()
            .map(|(_, step)| match step {
                Step::LabelExec { attribute, label } => (attribute, label),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(set, [(c"attr/exec", &b"u:r:t:s0"[..]), (c"attr/apparmor/exec", &b"exec acme"[..])]);
        assert_eq!(plan.warnings, []);
    }

    #[test]
    fn a_label_without_its_module_is_a_warning_and_no_step() {
        let (mut plan, process) = (Plan::default(), serde_json::from_str(BOTH).unwrap());
        label_process(&mut plan, &process, &host(false));
        assert_eq!(plan.steps.iter().count(), 0);
        let said: Vec<_> = plan.warnings.iter().map(|warning| warning.pointer.as_deref().unwrap()).collect();
        assert_eq!(said, ["/process/selinuxLabel", "/process/apparmorProfile"]);
    }
}
