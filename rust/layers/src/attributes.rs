// SPDX-License-Identifier: Apache-2.0
//! Which extended attributes travel in a layer: capabilities of programs, the user's own, POSIX ACLs.
//!
//! Not overlayfs's own, by which an image could reach below itself (trusted.overlay.redirect), nothing else of
//! `trusted.`, and no labels or signatures of the host's security modules.

/// The folder's ACL for what will be created in it.
pub const DEFAULT_ACL: &[u8] = b"system.posix_acl_default";

pub fn travels(name: &[u8]) -> bool {
    match name {
        b"security.capability" | b"system.posix_acl_access" | DEFAULT_ACL => true,
        _ => name.starts_with(b"user.") && !name.starts_with(b"user.overlay."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlays_own_attributes_stay_at_home() {
        for name in
            ["trusted.overlay.redirect", "user.overlay.opaque", "trusted.x", "security.selinux", "user"]
        {
            assert!(!travels(name.as_bytes()), "{name}");
        }
        for name in ["user.x", "user.overlays", "security.capability", "system.posix_acl_access"] {
            assert!(travels(name.as_bytes()), "{name}");
        }
    }
}
