// SPDX-License-Identifier: Apache-2.0
//! The init image: the freestanding program that becomes each container's first process (made by build.rs).

/// An ELF executable without interpreter, libraries or relocations.
pub static IMAGE: &[u8] = include_bytes!(env!("ESTIBA_INIT_IMAGE"));

#[cfg(test)]
mod tests {
    use super::IMAGE;

    /// Types of the program headers (elf(5)).
    fn segments() -> impl Iterator<Item = u32> {
        let start = u64::from_le_bytes(*IMAGE[32..].first_chunk().unwrap()) as usize;
        let count = u16::from_le_bytes(*IMAGE[56..].first_chunk().unwrap());
        (0..usize::from(count))
            .map(move |i| u32::from_le_bytes(*IMAGE[start + 56 * i..].first_chunk().unwrap()))
    }

    #[test]
    fn the_image_needs_no_loader_and_no_relocation() {
        const PT_DYNAMIC: u32 = 2;
        const PT_INTERP: u32 = 3;
        assert!(segments().all(|kind| kind != PT_DYNAMIC && kind != PT_INTERP));
    }

    #[test]
    fn the_image_stays_small() {
        assert!(IMAGE.len() < 48 << 10, "{} bytes", IMAGE.len());
    }
}
