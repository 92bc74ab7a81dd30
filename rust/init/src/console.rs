// SPDX-License-Identifier: Apache-2.0
//! The container's terminal: made inside, its controlling side sent to whoever asked for it.

use crate::path::{make_file, open_with};
use crate::run::Outcome;
use estiba_sys::fd::{BorrowedFd, CWD, OwnedFd, duplicate_onto};
use estiba_sys::terminal::{self, Size};
use estiba_sys::{Errno, fs, mount, socket};

/// Before the pivot `root` is given: the terminal is made on the container's devpts and bound onto /dev/console.
/// Everything goes by descriptor, so no swapped path is followed (CVE-2025-52565). It is sent once it is in its place:
/// whoever gets it may count on the container.
pub fn open(to: OwnedFd, (rows, columns): (u16, u16), root: Option<BorrowedFd<'_>>, uid: u32) -> Outcome {
    let controlling = match root {
        Some(root) => match open_with(root, c"/dev/pts/ptmx", fs::O_RDWR | fs::O_NOCTTY, 0) {
            Err(Errno::ENOENT) => open_with(root, c"/dev/ptmx", fs::O_RDWR | fs::O_NOCTTY, 0),
            found => found,
        },
        None => fs::open(CWD, c"/dev/ptmx", fs::O_RDWR | fs::O_NOCTTY, 0),
    }?;
    terminal::unlock(controlling.borrow())?;
    let peer = terminal::open_peer(controlling.borrow())?;
    if rows != 0 || columns != 0 {
        let size = Size { rows, columns, ..Size::default() };
        terminal::set_size(peer.borrow(), size)?;
    }
    if uid != 0 {
        fs::change_owner_at(peer.borrow(), c"", uid, u32::MAX)?;
    }
    if let Some(root) = root {
        let console = make_file(root, c"/dev/console")?;
        let tree = mount::clone_tree(peer.borrow(), c"", false, true)?;
        mount::attach_tree(tree.borrow(), console.borrow())?;
    }
    socket::send_descriptor(to.borrow(), b"/dev/ptmx", controlling.borrow())?;
    terminal::take_control(peer.borrow())?;
    for fd in 0..3 {
        duplicate_onto(peer.borrow(), fd)?;
    }
    Ok(())
}
