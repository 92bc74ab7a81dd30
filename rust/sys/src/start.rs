// SPDX-License-Identifier: Apache-2.0
//! What a libc would bring: the entry point, the memory functions, the panic handler, and an allocator for the command.
//!
//! Only compiled where there is no libc: in the init image (`estiba_image`) and the released command (`estiba_bare`).

use core::arch::{asm, global_asm};
use core::ffi::CStr;

global_asm!(
    ".globl _start",
    ".type _start,@function",
    "_start:",
    "xor ebp, ebp",
    "mov rdi, rsp",
    "and rsp, -16",
    "call {enter}",
    "ud2",
    enter = sym enter,
);

// SAFETY: each program that compiles this file defines it, with this signature.
unsafe extern "Rust" {
    safe fn estiba_main(stack: Stack) -> !;
}

/// The stack as the kernel made it: argument count, arguments, null, environment, null.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Stack(*const usize);

impl Stack {
    /// The arguments; they live as long as the process.
    pub fn arguments(self) -> impl Iterator<Item = &'static CStr> {
        // SAFETY: the kernel's layout: a count, then as many pointers to C strings.
        let count = unsafe { *self.0 };
        (0..count).map(move |i| {
            // SAFETY: as above.
            unsafe { CStr::from_ptr(*self.0.add(1 + i) as *const _) }
        })
    }

    /// The environment; it lives as long as the process.
    pub fn environment(self) -> impl Iterator<Item = &'static CStr> {
        // SAFETY: the kernel's layout: the arguments end with a null, then the environment follows.
        let first = unsafe { self.0.add(2 + *self.0) };
        (0..).map_while(move |i| {
            // SAFETY: the environment ends with a null, at which this stops.
            unsafe {
                let entry = *first.add(i);
                (entry != 0).then(|| CStr::from_ptr(entry as *const _))
            }
        })
    }
}

extern "C" fn enter(stack: Stack) -> ! {
    estiba_main(stack)
}

// linux-gnu's compiler_builtins leaves these to the libc. The loops use string instructions or volatile reads, so that
// the compiler does not turn them into calls of themselves.

// SAFETY (of the names below): no libc is linked, so each is defined once.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    // SAFETY: the C contract: `n` bytes readable at `from`, writable at `to`, no overlap.
    unsafe {
        asm!("rep movsb", inout("rcx") n => _, inout("rdi") to => _, inout("rsi") from => _,
            options(nostack, preserves_flags));
    }
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memmove(to: *mut u8, from: *const u8, n: usize) -> *mut u8 {
    if (to as usize).wrapping_sub(from as usize) >= n {
        // SAFETY: copying upwards is right unless `to` lies inside the source.
        return unsafe { memcpy(to, from, n) };
    }
    // SAFETY: the C contract; copies downwards and restores the direction flag.
    unsafe {
        asm!("std", "rep movsb", "cld", inout("rcx") n => _,
            inout("rdi") to.wrapping_add(n).wrapping_sub(1) => _,
            inout("rsi") from.wrapping_add(n).wrapping_sub(1) => _, options(nostack));
    }
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, value: i32, n: usize) -> *mut u8 {
    // SAFETY: the C contract: `n` bytes writable at `to`.
    unsafe {
        asm!("rep stosb", inout("rcx") n => _, inout("rdi") to => _, in("al") value as u8,
            options(nostack, preserves_flags));
    }
    to
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    for i in 0..n {
        // SAFETY: the C contract: `n` bytes readable at both.
        let (x, y) = unsafe { (a.add(i).read_volatile(), b.add(i).read_volatile()) };
        if x != y {
            return i32::from(x) - i32::from(y);
        }
    }
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    // SAFETY: the same contract.
    unsafe { memcmp(a, b, n) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn strlen(s: *const u8) -> usize {
    let mut n = 0;
    // SAFETY: the C contract: a terminated string.
    while unsafe { s.add(n).read_volatile() } != 0 {
        n += 1;
    }
    n
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    let words = b"estiba: internal error: a panic; this is a bug in estiba\n";
    let _ = crate::fd::write(crate::BorrowedFd::numbered(2), words);
    crate::process::exit(125)
}

// The prebuilt liballoc names these in its landing pads; with panic=abort nothing calls them.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() -> ! {
    crate::process::exit(125)
}
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    crate::process::exit(125)
}

/// The command's allocator: a bump of one arena. A verb lives for milliseconds; only the last block can be given back
/// or grown in place.
#[cfg(estiba_bare)]
mod arena {
    use core::alloc::{GlobalAlloc, Layout};
    use core::cell::UnsafeCell;

    const SIZE: usize = 256 << 20; // of bss: a page costs only when it is touched

    struct Arena {
        used: UnsafeCell<usize>,
        bytes: UnsafeCell<[u8; SIZE]>,
    }

    // SAFETY: the command has one thread.
    unsafe impl Sync for Arena {}

    // SAFETY: blocks never overlap: `used` only grows past what was handed out, or returns to the last block's start.
    unsafe impl GlobalAlloc for Arena {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            // SAFETY: one thread: nobody else holds the reference.
            let used = unsafe { &mut *self.used.get() };
            let base = self.bytes.get() as usize;
            let start = (base + *used).next_multiple_of(layout.align()) - base;
            if start + layout.size() > SIZE {
                return core::ptr::null_mut();
            }
            *used = start + layout.size();
            (base + start) as *mut u8
        }

        unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
            // SAFETY: one thread.
            let used = unsafe { &mut *self.used.get() };
            if block as usize + layout.size() == self.bytes.get() as usize + *used {
                *used -= layout.size();
            }
        }

        unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            // SAFETY: one thread; the reference ends before `alloc` takes its own.
            let used = unsafe { &mut *self.used.get() };
            let offset = block as usize - self.bytes.get() as usize;
            if offset + layout.size() == *used && offset + size <= SIZE {
                *used = offset + size;
                return block;
            }
            // SAFETY: the alignment is valid, as it was `layout`'s; both blocks hold the bytes that are copied.
            unsafe {
                let new = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
                if !new.is_null() {
                    core::ptr::copy_nonoverlapping(block, new, layout.size().min(size));
                }
                new
            }
        }
    }

    #[global_allocator]
    static ARENA: Arena = Arena { used: UnsafeCell::new(0), bytes: UnsafeCell::new([0; SIZE]) };
}
