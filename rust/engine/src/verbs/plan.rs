// SPDX-License-Identifier: Apache-2.0
//! The plan as text, without executing it: `debug plan`.

use crate::cgroup::{Membership, PlaceRequest, place};
use crate::error::Result;
use crate::host::Host;
use crate::plan::{self, Options};
use crate::spec::seccomp::Profile;
use crate::{seccomp, spec};
use alloc::string::{String, ToString};

/// The plan that `create` would make of this config on this host, one step a line.
pub fn text(bundle: &str, config: &[u8]) -> Result<String> {
    let spec = spec::parse(config)?;
    let host = Host::read()?.with_labels(spec.process.as_ref(), spec.linux.mount_label.as_deref());
    let profile = spec.linux.seccomp.map(Profile::parse).transpose()?;
    let filter = profile.as_ref().map(seccomp::compile).transpose()?;
    let request = PlaceRequest {
        cgroups_path: Some(&*spec.linux.cgroups_path).filter(|path| !path.is_empty()),
        id: "ID",
        is_rootless: !host.is_privileged(),
    };
    let dirs = place(request, &host.layout, &Membership::read()?)?;
    let options = Options {
        id: "ID",
        bundle,
        gate: true,
        cgroup: &dirs,
        seccomp: filter.as_ref().map(|filter| (&filter.program[..], filter.flags)),
        ..Options::default()
    };
    plan::create(&spec, &host, &options).map(|plan| plan.to_string())
}
