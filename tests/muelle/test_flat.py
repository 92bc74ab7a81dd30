# SPDX-License-Identifier: Apache-2.0
"""`muelle import` and `muelle export`: root file systems as plain tar files, in and out."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from muelle.conftest import PROGRAM, Muelle

pytestmark = pytest.mark.requires("root")


def names(tar: Path) -> list[str]:
    """Return the paths in a tar file, as a tool that is not ours reads them."""
    said = subprocess.run(["tar", "-tf", tar], capture_output=True, text=True, check=True).stdout
    return said.splitlines()


def inspected(muelle: Muelle, name: str) -> dict[str, object]:
    """Return what `inspect` says of an image."""
    done = muelle("inspect", name)
    assert done.returncode == 0
    found: dict[str, object] = json.loads(done.stdout)[0]
    return found


def test_a_tar_becomes_an_image_that_runs(own_store: Muelle, busybox_layer: bytes, folder: Path) -> None:
    """Plain or by gzip, from a file or by standard input; --change says what its containers get."""
    (folder / "root.tar").write_bytes(busybox_layer)
    done = own_store(
        "import", "-m", "by hand", "-c", 'CMD ["echo", "it", "runs"]', folder / "root.tar", "own:1"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("sha256:")
    assert own_store.out("own:1") == "it runs\n"
    assert "import" in own_store("history", "--versions", "own:1").stdout
    packed = subprocess.run(
        [PROGRAM, "import", "-"],
        input=gzip.compress(busybox_layer),
        capture_output=True,
        env=own_store.environ,
        check=True,
    )
    assert own_store.out(packed.stdout.decode().strip(), "echo", "nameless") == "nameless\n"


def test_import_says_what_it_is_for(own_store: Muelle, busybox_layer: bytes, folder: Path) -> None:
    (folder / "root.tar").write_bytes(busybox_layer)
    assert own_store("import", "--platform", "linux/arm64", folder / "root.tar", "own").returncode == 0
    done = own_store("inspect", "-f", "{{.Architecture}}", "own")
    assert done.stdout == "arm64\n"


def test_what_is_no_tar_makes_no_image(own_store: Muelle, folder: Path) -> None:
    """One line, and the store as it was."""
    before = own_store("images", "-a").stdout
    (folder / "text").write_text("no tar at all\n" * 100)
    (folder / "empty").write_bytes(b"")
    for word, said in [
        ("text", f'"{folder}/text": layer, entry 1 at byte 0: not a tar header'),
        ("empty", f'"{folder}/empty": archive: it is empty\n'),
        ("absent", f'import: "{folder}/absent": absent (ENOENT)\n'),
    ]:
        done = own_store("import", folder / word, "own")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(said)
    done = own_store("import", "https://example.com/x.tar", "own")
    assert done.stderr == (
        'import: "https://example.com/x.tar": addresses are not fetched\n'
        "hint: `curl -fL https://example.com/x.tar | muelle import -` does\n"
    )
    done = own_store("import", "-c", "CDM x", folder / "text", "own")
    assert done.returncode == 1
    assert own_store("images", "-a").stdout == before
    assert own_store("fsck").returncode == 0


def test_a_change_that_is_no_instruction_makes_no_image(
    own_store: Muelle, busybox_layer: bytes, folder: Path
) -> None:
    """What was made on the way is nobody's, and prune takes it."""
    (folder / "root.tar").write_bytes(busybox_layer + bytes(512))
    done = own_store("import", "-c", "CDM x", folder / "root.tar", "own")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        '--change: "CDM x" is not a change of the config',
        "hint: did you mean CMD?",
    ]
    assert "own" not in own_store("images", "-a").stdout


@pytest.mark.parametrize("change", ["RUN true", "COPY a b", "FROM other", ""])
def test_a_change_runs_and_copies_nothing(
    own_store: Muelle, busybox_layer: bytes, folder: Path, change: str
) -> None:
    (folder / "root.tar").write_bytes(busybox_layer + bytes(512))
    done = own_store("import", "-c", change, folder / "root.tar", "own")
    assert (done.returncode, done.stdout) == (1, "")
    assert f'--change: "{change}" is not a change of the config' in done.stderr
    assert "own" not in own_store("images", "-a").stdout


def test_a_container_is_exported_as_it_stands(own_store: Muelle, folder: Path) -> None:
    """What it removed is not in it; what it wrote is. The image imported from it has the same files."""
    script = "rm /etc/group; echo new > /etc/new; ln /etc/new /hard; ln -s new /etc/soft"
    assert own_store.run("--name", "c", "busybox", "sh", "-c", script).returncode == 0
    done = own_store("export", "-o", folder / "c.tar", "c")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert own_store("rm", "c").returncode == 0
    found = names(folder / "c.tar")
    assert "etc/group" not in found and ".wh.group" not in "".join(found)
    assert {"etc/new", "etc/soft", "hard", "etc/passwd"} <= set(found)
    assert own_store("import", folder / "c.tar", "again").returncode == 0
    assert own_store.out("again", "sh", "-c", "cat /etc/soft; stat -c %h /hard") == "new\n2\n"


def test_a_container_stays_whole_when_its_image_has_no_name_any_more(own_store: Muelle, folder: Path) -> None:
    """It is told from its image, exported and committed as before."""
    assert own_store.run("--name", "c", "busybox", "touch", "/made").returncode == 0
    assert own_store("rmi", "busybox").returncode == 0
    assert own_store("diff", "c").stdout == "A /made   0B\n"
    assert own_store("export", "-o", folder / "c.tar", "c").returncode == 0
    assert own_store("commit", "c", "new").returncode == 0
    assert own_store.out("new", "ls", "/made") == "/made\n"
    assert own_store("rm", "c").returncode == 0


def test_an_image_is_exported_by_pipe(own_store: Muelle, busybox_layer: bytes) -> None:
    """The tar has the image's files with their owners and times."""
    done = subprocess.run(
        [PROGRAM, "export", "busybox"], capture_output=True, env=own_store.environ, check=True
    )
    with (
        tarfile.open(fileobj=io.BytesIO(done.stdout)) as ours,
        tarfile.open(fileobj=io.BytesIO(busybox_layer)) as theirs,
    ):
        mine, given = (
            {
                one.name.removeprefix("./"): (one.mode, one.uid, one.gid, one.mtime, one.type, one.size)
                for one in archive
                if one.name != "."
            }
            for archive in (ours, theirs)
        )
    assert mine == given


def test_an_export_that_fails_leaves_the_file_that_was_there(own_store: Muelle, folder: Path) -> None:
    (folder / "out.tar").write_bytes(b"mine")
    done = own_store("export", "-o", folder / "out.tar", "absent")
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, 'there is no image "absent" in the store')
    done = own_store("export", "-o", folder / "none/out.tar", "busybox")
    assert (done.returncode, done.stderr) == (1, f'export: "{folder}/none/out.tar": absent (ENOENT)\n')
    assert (folder / "out.tar").read_bytes() == b"mine"
    assert sorted(name for name in os.listdir(folder) if name.endswith((".tar", ".part"))) == ["out.tar"]
