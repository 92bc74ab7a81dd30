# SPDX-License-Identifier: Apache-2.0
"""`muelle bundle`: an image as a folder that any OCI runtime runs; here estiba, in `make interchange` runc and crun."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from estiba.bundle import Bundle
from estiba.images import Store
from estiba.images.reference import parse
from muelle.conftest import PROGRAM, Muelle, put
from support.images import put_image
from support.reach import reach
from support.runtime import become

pytestmark = pytest.mark.requires("root")

USER = 12345
REPOSITORY = Path(__file__).resolve().parents[2]
ESTIBA = PROGRAM.parent / "estiba"


def made(muelle: Muelle, *words: str | Path) -> None:
    """Make a bundle, which has to work."""
    done = muelle("bundle", *words)
    assert (done.returncode, done.stderr) == (0, "")


def ran(muelle: Muelle, bundle: Path) -> str:
    """Run a bundle by estiba; return what it prints."""
    words: list[str | Path] = [
        ESTIBA,
        "--root",
        muelle.state,
        "run",
        "--bundle",
        bundle,
        muelle.state.parent.name,
    ]
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_a_bundle_does_what_run_does(muelle: Muelle, folder: Path) -> None:
    """The same program, environment and names, from a folder that has been moved since."""
    script = "echo $OWN $GIVEN; id -u; pwd; cat /etc/hostname; grep -c localhost /etc/hosts"
    options = ("-e", "GIVEN=here", "-u", "seven", "-w", "/tmp", "--hostname", "own")
    made(muelle, *options, "busybox", folder / "made", "sh", "-c", script)
    (folder / "made").rename(folder / "moved")
    expected = muelle.out(*options, "busybox", "sh", "-c", script)
    assert ran(muelle, folder / "moved") == expected == "image here\n7\n/tmp\nown\n2\n"


def test_a_bundles_config_is_valid_and_says_where_it_comes_from(muelle: Muelle, folder: Path) -> None:
    """By estiba's own judgement; with the annotations of conversion.md."""
    made(muelle, "--memory", "64m", "busybox", folder / "made")
    bundle = Bundle(folder / "made")
    bundle.check()
    config = json.loads(bundle.text)
    assert config["process"]["args"] == ["sh"]
    assert config["annotations"]["org.opencontainers.image.os"] == "linux"
    assert config["linux"]["resources"]["memory"]["limit"] == 64 << 20


def test_an_images_volumes_are_folders_of_the_bundle(
    own_store: Muelle, folder: Path, busybox_layer: bytes
) -> None:
    """Filled with what the image has there; what the program writes stays out of the root file system."""
    put(Store.open(own_store.store), "data", busybox_layer, Cmd=["touch", "/etc/new"], Volumes={"/etc": {}})
    made(own_store, "data", folder / "made")
    assert ran(own_store, folder / "made") == ""
    volume = folder / "made/volumes/0"
    assert (volume / "new").exists() and (volume / "passwd").exists()
    assert not (folder / "made/rootfs/etc/new").exists()


def test_all_layers_are_one_folder(own_store: Muelle, folder: Path) -> None:
    """Whiteouts have done their work and are gone."""
    store = Store.open(own_store.store)
    layers: list[dict[str, bytes | None]] = [
        {"a/x": b"1", "a/y": b"1", "b/z": b"1", "c": b"1"},
        {"a/.wh.x": b"", "b/.wh..wh..opq": b"", "b/new": b"2", "c": b"2"},
    ]
    store.references.move(parse("layers"), put_image(store.blobs, layers, Cmd=["x"]), verb="build")
    made(own_store, "layers", folder / "made")
    rootfs = folder / "made/rootfs"
    found = {str(path.relative_to(rootfs)): path.read_bytes() for path in rootfs.rglob("*") if path.is_file()}
    assert found == {"a/y": b"1", "b/new": b"2", "c": b"2"}


def test_a_folder_with_something_in_it_is_left_alone(muelle: Muelle, folder: Path) -> None:
    """An empty one is taken."""
    (folder / "mine").mkdir()
    made(muelle, "busybox", folder / "mine")
    before = (folder / "mine/config.json").read_bytes()
    done = muelle("bundle", "busybox", folder / "mine")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f'bundle: "{folder}/mine" is not empty\nhint: name a folder that is not there yet, or an empty one\n'
    )
    assert (folder / "mine/config.json").read_bytes() == before
    (folder / "empty").mkdir()
    (folder / "link").symlink_to("empty")
    made(muelle, "busybox", folder / "link")
    assert (folder / "link").is_symlink() and (folder / "empty/config.json").exists()
    done = muelle("bundle", "busybox", folder / "absent/made")
    assert (done.returncode, done.stderr) == (1, f'bundle: "{folder}/absent": absent (ENOENT)\n')


def test_what_fails_leaves_no_bundle(own_store: Muelle, folder: Path) -> None:
    """Neither half of one nor one of another name: a damaged layer is found, and named."""
    store = Store.open(own_store.store)
    largest = max(store.blobs.iterate(), key=store.blobs.size)
    path = own_store.store / "oci/blobs/sha256" / largest.removeprefix("sha256:")
    data = path.read_bytes()
    path.write_bytes(data[:-100] + bytes(100))
    before = sorted(os.listdir(folder))
    done = own_store("bundle", "busybox", folder / "made")
    assert (done.returncode, done.stdout) == (1, "")
    assert largest in done.stderr.splitlines()[0]
    assert sorted(os.listdir(folder)) == before
    done = own_store("bundle", "-u", "nobody-here", "busybox", folder / "made")
    assert done.returncode == 1
    assert sorted(os.listdir(folder)) == before


def test_a_user_without_privileges_makes_and_runs_one(
    muelle: Muelle, busybox_layer: bytes, folder: Path
) -> None:
    """Of a store of the user's own; inside the user is root."""
    home = folder / "home"
    home.mkdir()
    (home / "root.tar").write_bytes(busybox_layer)
    for path in (home, home / "root.tar"):
        os.chown(path, USER, USER)
    for path in (folder, folder.parent):
        path.chmod(0o755)
    script = "muelle import root.tar own >/dev/null && muelle bundle own made id -u && estiba run -b made own"
    places = (Path(sys.base_prefix), REPOSITORY, Path(sys.prefix))
    prepare = "\n".join([*reach(*places), 'shift; cd "$HOME"; exec "$@"'])
    (folder / "reached").mkdir()
    shell = ["sh", "-ec", prepare, "sh", str(folder / "reached")]
    enter = ["unshare", "--mount", "--propagation", "private", *shell]
    done = subprocess.run(
        [*enter, *become(USER), "sh", "-c", script],
        cwd=home,
        env={
            "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}",
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(home),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"bundle: {home}/made\n0\n", "")
