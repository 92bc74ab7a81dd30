# SPDX-License-Identifier: Apache-2.0
"""Fetch and build the runtimes that estiba is measured against: pinned, cached, never part of the tests.

    python tools/peers.py            get all but the slow ones
    python tools/peers.py youki      get the named ones
    python tools/peers.py --list     print NAME=PATH of those that are there

They lie in $ESTIBA_PEERS or .cache/peers, one folder a pin. Each is optional: what cannot be had
is said and left out.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

CHECKOUT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("ESTIBA_PEERS") or CHECKOUT / ".cache" / "peers").absolute()
PACKAGES = {"cc": "gcc libc6-dev", "go": "golang-go", "make": "make", "cargo": "cargo"}
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class Unavailable(Exception):
    """A peer that cannot be had here, and why."""


class Peer(NamedTuple):
    """One runtime: which, from where, and how to make `program` in its folder."""

    pin: str
    program: str
    make: Callable[[Path], None]
    is_slow: bool = False


def call(*argv: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run a program and return what it printed; its last words are the error's text."""
    try:
        whole = {**os.environ, **(env or {})}
        done = subprocess.run(
            argv, cwd=cwd, env=whole, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        package = PACKAGES.get(argv[0])
        raise Unavailable(
            f"{argv[0]} is absent" + (f": apt-get install {package}" if package else "")
        ) from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-4:]
        raise Unavailable(f"{Path(argv[0]).name}: " + "; ".join(line.strip() for line in said))
    return done.stdout


def check_pin(path: Path, sha256: str) -> None:
    """Refuse a file that is not the one that was pinned."""
    seen = hashlib.sha256(path.read_bytes()).hexdigest()
    if seen != sha256:
        raise Unavailable(f"{path.name} has SHA-256 {seen}, pinned is {sha256}")


def private_apt(folder: Path, suite: str) -> tuple[str, ...]:
    """Return the start of apt's argv for another Debian suite, with lists, cache and state of its own."""
    listed = call("apt-get", "indextargets", "--format", "$(REPO_URI)", "Origin: Debian", "Label: Debian")
    if not listed.strip():
        raise Unavailable("apt knows no Debian archive; run apt-get update first")
    archive = f"[signed-by={KEYRING}] {listed.split()[0]} {suite} main"
    for needed in ("state/lists/partial", "cache/archives/partial"):
        (folder / needed).mkdir(parents=True)
    (folder / "sources.list").write_text(f"deb {archive}\ndeb-src {archive}\n")
    (folder / "status").touch()  # nothing counts as installed: a package comes with all its libraries
    config = folder / "apt.conf"
    # The machine's hooks around an update would empty the machine's own cache.
    config.write_text(
        f'Dir::State "{folder}/state";\nDir::State::status "{folder}/status";\nDir::Cache "{folder}/cache";\n'
        f'Dir::Etc::sourcelist "{folder}/sources.list";\nDir::Etc::sourceparts "/dev/null";\n'
        'APT::Sandbox::User "root";\nAcquire::Languages "none";\n'
        "#clear APT::Update::Post-Invoke;\n#clear APT::Update::Post-Invoke-Success;\n"
    )
    apt = ("apt-get", "-q", "-c", str(config))
    call(*apt, "update")
    return apt


def from_a_suite(folder: Path, suites: Sequence[str], *request: str) -> None:
    """Make one request of apt to the first suite that can answer it: a version moves through them, and away."""
    refused = []
    for suite in suites:
        shutil.rmtree(folder / "apt", ignore_errors=True)
        try:
            call(*private_apt(folder / "apt", suite), *request, cwd=folder)
        except Unavailable as reason:
            refused.append(f"{suite}: {reason}")
        else:
            return
    raise Unavailable("; ".join(refused))


def unpack(packages: Path, root: Path) -> None:
    """Unpack all .deb files of a folder, without installing them."""
    root.mkdir(exist_ok=True)
    for package in sorted(packages.glob("*.deb")):
        call("dpkg", "-x", str(package), str(root))


def headers(folder: Path, *packages: str) -> tuple[Path, Path]:
    """Unpack development packages of this machine's suite; return where to include and to link from."""
    folder.mkdir()
    call("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", *packages, cwd=folder)
    unpack(folder, folder)
    library = folder / "usr" / "lib" / call("cc", "-print-multiarch").strip()
    for link in library.glob("*.so"):
        wanted = Path(os.readlink(link)).name
        there = Path(call("cc", f"-print-file-name={wanted}").strip())
        if not there.is_absolute():
            raise Unavailable(f"{wanted} is absent")
        # What is linked here is loaded from the machine, so its own libraries are the ones to link.
        link.unlink()
        link.symlink_to(there)
    return folder / "usr" / "include", library


def install_program(built: Path, folder: Path) -> None:
    """Put the finished program in place: the last step, so that a folder that has one is complete."""
    os.replace(built, folder / built.name)


def crun_of_debian(folder: Path) -> None:
    """Take crun as a newer Debian ships it, with its libraries and loader beside it."""
    request = ("install", "--download-only", "--yes", "--no-install-recommends", "crun=1.28-1", "patchelf")
    from_a_suite(folder, ("forky", "sid"), *request)
    packages = folder / "apt" / "cache" / "archives"
    package = next(packages.glob("crun_*.deb"))
    check_pin(package, "20fbc3d0544d5c78e98fda1f02eed07d92529b1b82b6fe657d0c865b4a654cef")
    unpack(packages, folder / "root")
    loader = next((folder / "root" / "usr" / "lib").glob("*/ld-linux*.so.*"))
    libraries = str(loader.parent)
    patchelf = (str(loader), "--library-path", libraries, str(folder / "root" / "usr" / "bin" / "patchelf"))
    built = folder / "root" / "usr" / "bin" / "crun"
    # The run path must hold for the libraries of libraries too: DT_RPATH does, DT_RUNPATH does not.
    call(*patchelf, "--set-interpreter", str(loader), "--force-rpath", "--set-rpath", libraries, str(built))
    call(str(built), "--version")
    shutil.rmtree(folder / "apt")
    install_program(built, folder)


def crun_lean(folder: Path) -> None:
    """Build crun without systemd, CRIU and dlopen: its fastest form, with three libraries to load."""
    from_a_suite(folder, ("trixie",), "source", "--download-only", "--tar-only", "crun=1.21-1")
    archive = folder / "crun_1.21.orig.tar.gz"
    check_pin(archive, "4bfb700e764a4804a4de3ecf07753f4c391005356d60356df65d80ae0914c486")
    call("tar", "-xf", str(archive), cwd=folder)
    include, library = headers(folder / "headers", "libcap-dev", "libseccomp-dev")
    source = folder / "crun-1.21"
    flags = (f"CFLAGS=-O2 -I{include}", f"LDFLAGS=-L{library}")
    options = ("--disable-systemd", "--disable-criu", "--disable-dl", "--enable-embedded-yajl")
    call("./configure", "-q", *options, *flags, cwd=source)
    call("make", "-s", "-j2", cwd=source)
    call(str(source / "crun"), "--version")
    install_program(source / "crun", folder)
    for done in (folder / "apt", folder / "headers", source, archive):
        shutil.rmtree(done) if done.is_dir() else done.unlink()


def runc_of_go(folder: Path) -> None:
    """Build runc from the Go module proxy; the checksum database holds the pin."""
    module = "github.com/opencontainers/runc@v1.5.2"
    include, library = headers(folder / "headers", "libseccomp-dev")
    env = {"GOBIN": str(folder / "built"), "GOTOOLCHAIN": "local", "GOFLAGS": "", "CGO_ENABLED": "1"}
    # cgo asks pkg-config where libseccomp is; here it is told, and true(1) says no more.
    env |= {"PKG_CONFIG": "true", "CGO_CFLAGS": f"-O2 -I{include}", "CGO_LDFLAGS": f"-L{library} -lseccomp"}
    call("go", "install", "-p", "2", "-trimpath", "-tags", "seccomp", module, env=env)
    call(str(folder / "built" / "runc"), "--version")
    install_program(folder / "built" / "runc", folder)
    shutil.rmtree(folder / "headers")


def runc_of_debian(folder: Path) -> None:
    """Take runc as this machine's own Debian ships it; apt checks what it downloads."""
    call("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", "runc", cwd=folder)
    unpack(folder, folder / "root")
    built = folder / "root" / "usr" / "sbin" / "runc"
    call(str(built), "--version")
    install_program(built, folder)


def youki(folder: Path) -> None:
    """Build youki from its crate with its own lock file."""
    target, built = folder / "target", folder / "built"
    _, library = headers(folder / "headers", "libseccomp-dev")
    env = {"LIBSECCOMP_LIB_PATH": str(library)}
    # The crate turns none of these on by itself. Not cgroupsv2_devices: it raises RLIMIT_MEMLOCK for each
    # container, and fails where root has no CAP_SYS_RESOURCE. So this youki loads no device program.
    features = "v1,v2,systemd,seccomp"
    options = ("--locked", "-j2", "--features", features, "--root", str(built), "--target-dir", str(target))
    call("cargo", "install", "youki", "--version", "0.7.0", *options, env=env)
    install_program(built / "bin" / "youki", folder)
    for done in (target, folder / "headers"):
        shutil.rmtree(done)


PEERS = {
    "crun": Peer("crun-1.28-1", "crun", crun_of_debian),
    "crun-lean": Peer("crun-lean-1.21", "crun", crun_lean),
    "runc": Peer("runc-1.5.2", "runc", runc_of_go),
    "runc-debian": Peer("runc-debian", "runc", runc_of_debian),
    "youki": Peer("youki-0.7.0-no-devices", "youki", youki, is_slow=True),
}


REFERENCE = "crun"


def main() -> int:
    """Get the peers, or list those that are there."""
    parser = argparse.ArgumentParser(description="Get the runtimes that estiba is measured against.")
    names = f"of {', '.join(PEERS)}; all but the slow ones if none is named"
    parser.add_argument("names", nargs="*", help=names)
    parser.add_argument("--list", action="store_true", help="print NAME=PATH of those that are there")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in PEERS]
    if unknown:
        parser.error(f"no peer {', '.join(unknown)}; there are {', '.join(PEERS)}")
    if options.list:
        there = {name: CACHE / peer.pin / peer.program for name, peer in PEERS.items()}
        sys.stdout.writelines(f"{name}={path}\n" for name, path in there.items() if path.is_file())
        return 0
    wanted = options.names or [name for name, peer in PEERS.items() if not peer.is_slow]
    failed = [name for name in wanted if not get(name)]
    # Each peer is optional but the one that all ratios are taken to.
    return 1 if failed and (options.names or REFERENCE in failed) else 0


def get(name: str) -> bool:
    """Make one peer unless it is there; say what became of it."""
    peer = PEERS[name]
    folder = CACHE / peer.pin
    if (folder / peer.program).is_file():
        print(f"{name}: {folder.name} is there")
        return True
    shutil.rmtree(folder, ignore_errors=True)  # what an interrupted attempt left
    folder.mkdir(parents=True)
    try:
        peer.make(folder)
    except Unavailable as reason:
        print(f"{name}: left out: {reason}", file=sys.stderr)
        shutil.rmtree(folder)
        return False
    print(f"{name}: {folder.name} made")
    return True


if __name__ == "__main__":
    sys.exit(main())
