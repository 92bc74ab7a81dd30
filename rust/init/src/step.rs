// SPDX-License-Identifier: Apache-2.0
//! The steps that init knows. The engine writes them, init executes them in order; each is one idea of the kernel's.
//!
//! A new step is a variant here, an arm in `run.rs`, a line in a golden file and a kernel test.

use crate::wire::{Field, Reader, Sink};
use core::ffi::CStr;
use estiba_sys::process::Strings;

/// What a bind does with a symbolic link at the end of its paths; by default it follows both.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Links {
    /// Mount the link at the source itself.
    pub keep_source: bool,
    /// Mount on the link at the target itself.
    pub keep_target: bool,
    /// Make the same link at the target, and mount nothing.
    pub copy_source: bool,
}

impl<'a> Field<'a> for Links {
    fn read(from: &mut Reader<'a>) -> Option<Links> {
        Some(Links {
            keep_source: bool::read(from)?,
            keep_target: bool::read(from)?,
            copy_source: bool::read(from)?,
        })
    }
    fn write(&self, to: Sink<'_>) {
        self.keep_source.write(to);
        self.keep_target.write(to);
        self.copy_source.write(to);
    }
}

macro_rules! steps {
    ($( $(#[$doc:meta])* $name:ident { $( $(#[$fdoc:meta])* $field:ident: $kind:ty ),* $(,)? } )*) => {
        #[derive(Clone, Copy, Debug)]
        pub enum Step<'a> { $( $(#[$doc])* $name { $( $(#[$fdoc])* $field: $kind ),* } ),* }

        #[repr(u16)]
        enum Code { $( $name ),* }

        impl<'a> Step<'a> {
            /// Reads one record, all of it; None when it is damaged.
            pub fn read(record: &'a [u8]) -> Option<Step<'a>> {
                let mut from = Reader::new(record);
                let code = u16::read(&mut from)?;
                let step = $( if code == Code::$name as u16 {
                    Step::$name { $( $field: Field::read(&mut from)? ),* }
                } else )* { return None };
                from.is_empty().then_some(step)
            }

            pub fn write(&self, to: Sink<'_>) {
                match self {
                    $( Step::$name { $( $field ),* } => {
                        (Code::$name as u16).write(to);
                        $( $field.write(to); )*
                    } )*
                }
            }
        }
    };
}

steps! {
    /// Tell the parent that point `point` is reached, and go on when it answers.
    Pause { point: u16 }
    /// From here on stamp the time at which each step begins into this memory, a word a step, up to a seccomp filter.
    Trace { fd: i32 }
    NewSession {}
    /// Join a new session keyring of this name.
    NewKeyring { name: &'a CStr }
    /// setns(2) by descriptor, which is closed.
    Join { fd: i32, kinds: u64 }
    Unshare { kinds: u64 }
    /// The clocks' offsets in the time namespace that was just made: the text of time_namespaces(7).
    TimeOffsets { text: &'a [u8] }
    /// Stage one ends here: init goes on from this step, cloned beside it into what it has joined and what is new.
    Beside { namespaces: u64 }
    Hostname { name: &'a [u8] }
    Domainname { name: &'a [u8] }
    LoopbackUp {}
    /// Change the propagation of all mounts of this namespace, from "/" down.
    Propagation { flags: u64 }
    /// Bind the root file system onto itself and keep its descriptor: later paths are resolved inside it.
    OpenRoot { path: &'a CStr, bind: bool }
    /// Mount a file system of its own kind on a folder.
    MountFilesystem {
        target: &'a CStr, kind: &'a CStr, source: &'a CStr, flags: u64, data: Option<&'a CStr>,
        /// The target may hold no symbolic link (/proc and /sys).
        strict: bool,
    }
    /// The same, filled before it is mounted.
    MountFilled {
        target: &'a CStr, kind: &'a CStr, source: &'a CStr,
        /// Each key, and behind it its value with a "=" in front, or "" where it is a flag.
        options: Strings<'a>,
        set: u64,
        /// Give the new root the permissions of the folder below (tmpfs without a mode).
        keep_mode: bool,
        /// Bring what the folder holds along (tmpcopyup).
        copy_up: bool,
        /// The SELinux label of the new root, where the file system takes none as data.
        label: Option<&'a CStr>,
    }
    /// Bind a file or folder of the host, by path or as a detached tree.
    MountBind {
        target: &'a CStr, source: Option<&'a CStr>, fd: i32, recursive: bool,
        set: u64, clear: u64, strict: bool, links: Links,
    }
    /// Change the mount at a path; `held`: that which the bind before made, if it made one, wherever the path leads now.
    ChangeMount {
        target: &'a CStr, set: u64, clear: u64, propagation: u64, recursive: bool, held: bool,
    }
    /// Open a folder inside, made if it is missing, for the devices and links that follow.
    OpenFolder { path: &'a CStr }
    /// mknod(2) in the opened folder, owner and permissions.
    MakeDevice { name: &'a CStr, mode: u32, device: u64, uid: u32, gid: u32 }
    /// A device of the host, bound where mknod is not allowed.
    BindDevice { path: &'a CStr, source: &'a CStr }
    /// A link in the opened folder.
    MakeSymlink { name: &'a CStr, target: &'a CStr }
    /// Hide a path: an empty read-only folder, a tmpfs of this data, or the null device.
    Mask { path: &'a CStr, data: &'a CStr }
    MakeReadonly { path: &'a CStr }
    /// Write a kernel parameter of the namespaces: `path` below /proc/sys.
    Sysctl { path: &'a CStr, value: &'a [u8] }
    /// Make a terminal inside, send its controlling side away, take the other as 0, 1, 2 (and /dev/console).
    Terminal { socket: i32, rows: u16, columns: u16, console: bool, uid: u32 }
    /// Make the mount that holds this path of the host private, before the root is bound onto it.
    PartFromHost { path: &'a CStr }
    /// Make the opened root "/" and let go of the host's, whose mounts may be `shared` with it.
    PivotRoot { shared: bool }
    /// The same where pivot_root(2) cannot work (a root on an initramfs).
    MoveRoot {}
    ChangeRoot {}
    /// Properties of "/" itself, after the pivot.
    ChangeRootMount { set: u64, propagation: u64 }
    /// From here on paths start at "/", and a container that waits holds no folder open.
    CloseRoot {}
    Limit { resource: u32, soft: u64, hard: u64 }
    Umask { mask: u32 }
    Personality { persona: u32 }
    IoPriority { priority: u32 }
    Scheduler {
        policy: u32, flags: u64, nice: i32, priority: u32, runtime: u64, deadline: u64, period: u64,
        utilization_min: u32, utilization_max: u32,
    }
    MemoryPolicy { mode: u32, nodes: &'a [u8] }
    Affinity { mask: &'a [u8] }
    /// Label the next exec: writes `label` into /proc/self/`attribute`.
    LabelExec { attribute: &'a CStr, label: &'a [u8] }
    /// Enter the working directory with the rights of the runtime; made if it is missing.
    ChangeDir { path: &'a CStr, make: bool }
    NoNewPrivileges {}
    BoundingSet { keep: u64 }
    /// Groups, gid, uid; capabilities stay until `Capabilities`. `groups`: 32-bit ids, None: leave them alone.
    Identity { uid: u32, gid: u32, groups: Option<&'a [u8]> }
    /// Capability sets. `ambient` replaces what was there; None leaves it, which needs no call but capset(2).
    Capabilities { effective: u64, permitted: u64, inheritable: u64, ambient: Option<u64> }
    /// The working directory once more, if only the container's user may enter it.
    ChangeDirAgain { path: &'a CStr }
    /// Choose the first candidate that can be executed, and say what is wrong if none can. `home`: look HOME up for
    /// this uid in /etc/passwd. `foreign`: the kernel may run other processors' programs (binfmt_misc).
    FindProgram { candidates: Strings<'a>, home: Option<u32>, foreign: bool }
    /// All is set up: wait for the parent's word that the record is in place, report ready.
    Commit {}
    /// Wait at the gate for `start`.
    Gate {}
    /// A hook inside, with the descriptor `state` as its stdin, and a time-out in seconds (0: none).
    Hook { path: &'a CStr, argv: Strings<'a>, env: Strings<'a>, seconds: u32, state: i32 }
    /// With a listener (SECCOMP_FILTER_FLAG_NEW_LISTENER), `taken` is the file whose first word the parent writes once
    /// it has it.
    Seccomp { flags: u32, program: &'a [u8], taken: Option<i32> }
    /// Descriptors `from`.. become 3..; nothing else above 2 passes the exec.
    KeepDescriptors { from: i32, count: i32 }
    /// The program that `FindProgram` chose.
    Execute { argv: Strings<'a>, env: Strings<'a> }
}
