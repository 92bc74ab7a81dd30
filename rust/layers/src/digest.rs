// SPDX-License-Identifier: Apache-2.0
//! sha256 of what passes by, written as the images write it: "sha256:" and 64 hex digits.

use sha2::{Digest as _, Sha256};

#[derive(Clone, Default)]
pub struct Digest {
    state: Sha256,
    pub size: u64,
}

impl Digest {
    pub fn update(&mut self, bytes: &[u8]) {
        self.state.update(bytes);
        self.size += bytes.len() as u64;
    }

    pub fn text(&self) -> String {
        let mut text = String::with_capacity(71);
        text.push_str("sha256:");
        for byte in self.state.clone().finalize() {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_nothing_is_known() {
        let known = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::default().text(), known);
    }
}
