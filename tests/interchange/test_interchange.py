# SPDX-License-Identifier: Apache-2.0
"""Images to and from skopeo, umoci and a registry: digests equal, trees equal."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from estiba.errors import RegistryRefused
from estiba.images import Image, Store, digest
from estiba.images.archive import load, load_folder, named, save, save_folder
from estiba.images.archive.save import Format
from estiba.images.fsck import fsck
from estiba.images.reference import parse
from estiba.images.registry import credentials
from estiba.images.registry.credentials import Credentials
from estiba.images.registry.pull import pull
from estiba.images.registry.push import push

from .conftest import Running

NAME = "docker.io/library/web:latest"
WEB = parse("web")


def run(*command: str) -> bytes:
    """Return what a tool prints."""
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def skopeo(*arguments: str) -> bytes:
    """Return what skopeo prints, without its policy file."""
    return run("skopeo", "--insecure-policy", *arguments)


def saved(store: Store, path: Path, form: Format) -> str:
    """Return an archive of `web`."""
    with path.open("wb") as file:
        save(store, named(store, ["web"]), file.fileno(), form=form)
    return str(path)


def loaded(store: Store, path: Path) -> None:
    """Load an archive."""
    with path.open("rb") as file:
        load(store, file.fileno())


def test_skopeo_reads_the_store_itself(store: Store, web: Image) -> None:
    """The store is an image layout: no export is needed."""
    raw = skopeo("inspect", "--raw", f"oci:{store.root}/oci:{NAME}")
    assert digest.of_bytes(raw) == web.digest


@pytest.mark.parametrize("form", ["oci-archive", "docker-archive"])
def test_skopeo_reads_our_archives(store: Store, web: Image, tmp_path: Path, form: Format) -> None:
    """Config and manifest are byte for byte ours."""
    path = saved(store, tmp_path / "web.tar", form)
    source = f"{form}:{path}:{NAME if form == 'oci-archive' else 'web:latest'}"
    assert digest.of_bytes(skopeo("inspect", "--raw", "--config", source)) == web.id
    if form == "oci-archive":
        assert digest.of_bytes(skopeo("inspect", "--raw", source)) == web.digest


@pytest.mark.parametrize("form", ["oci-archive", "docker-archive"])
def test_we_read_archives_of_skopeo(
    store: Store, other: Store, web: Image, tmp_path: Path, form: Format
) -> None:
    """The same image: by its manifest, and from a docker-archive, which has none, by its layers."""
    path = tmp_path / "theirs.tar"
    skopeo("copy", f"oci:{store.root}/oci:{NAME}", f"{form}:{path}:{NAME}")
    loaded(other, path)
    image = Image.resolve(other, "web")
    assert image.config.diff_ids == web.config.diff_ids
    if form == "oci-archive":
        assert image.digest == web.digest
    assert fsck(other) == []


def test_umoci_unpacks_ours_and_we_load_its_changes(
    store: Store, other: Store, web: Image, tmp_path: Path
) -> None:
    """A folder both ways: the tree as the layers say, then a layer of umoci's on top."""
    folder, bundle = str(tmp_path / "layout"), tmp_path / "bundle"
    save_folder(store, named(store, ["web"]), folder)
    run("umoci", "unpack", "--image", f"{folder}:{NAME}", str(bundle))
    rootfs = bundle / "rootfs"
    assert sorted(os.listdir(rootfs)) == ["base", "d"]
    assert ((rootfs / "base").read_bytes(), (rootfs / "d" / "file").read_bytes()) == (b"y", b"2")
    (rootfs / "new").write_bytes(b"new")
    (rootfs / "d" / "file").unlink()
    run("umoci", "repack", "--image", f"{folder}:v2", str(bundle))
    load_folder(other, folder, only="v2", name="web")
    image = Image.resolve(other, "web:v2")
    assert image.chain_ids[: len(web.chain_ids)] == web.chain_ids
    top = Path(image.lowers()[-1])
    assert (top / "new").read_bytes() == b"new"
    assert (top / "d" / "file").is_char_device()


def test_image_is_the_same_at_a_registry(store: Store, other: Store, web: Image, registry: Running) -> None:
    """Pushed by us, read by skopeo, pulled by us; a wrong password and a name that is not there are said."""
    target = parse(f"{registry.domain}/some/web:1")
    if registry.login:
        for password in ("wrong", "secret"):
            with pytest.raises(RegistryRefused, match="401|access refused"):
                push(store, "web", target)
            credentials.save(registry.domain, Credentials("me", password))
    assert push(store, "web", target).digest == web.digest
    raw = skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{target}")
    assert digest.of_bytes(raw) == web.digest
    assert pull(other, target).digest == web.digest
    assert len(Image.resolve(other, str(target)).lowers()) == 3
    with pytest.raises(RegistryRefused, match="404"):
        pull(other, target._replace(tag="none"))


def test_we_pull_what_skopeo_pushed(store: Store, other: Store, web: Image, registry: Running) -> None:
    """And push it to a second repository without sending a blob again."""
    if registry.login:
        credentials.save(registry.domain, Credentials("me", "secret"))
    target = parse(f"{registry.domain}/theirs:1")
    skopeo("copy", "--dest-tls-verify=false", f"oci:{store.root}/oci:{NAME}", f"docker://{target}")
    assert pull(other, target).digest == web.digest
    neighbour = parse(f"{registry.domain}/second/theirs:2")
    assert push(other, str(target), neighbour).digest == web.digest
    tags = json.loads(skopeo("list-tags", "--tls-verify=false", f"docker://{registry.domain}/second/theirs"))
    assert tags["Tags"] == ["2"]
