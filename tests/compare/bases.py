# SPDX-License-Identifier: Apache-2.0
"""The images that the corpus begins from, made on the spot: busybox alone, and a small Debian by mmdebstrap."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from image_archive import layer

FOLDERS = (
    "etc/conf.d",
    "mnt",
    "opt",
    "srv",
    "usr",
    "usr/bin",
    "usr/local",
    "usr/local/bin",
    "usr/sbin",
    "var",
    "var/lib",
)
FILES = {
    "etc/hosts": "127.0.0.1 localhost\n",
    "etc/resolv.conf": "",
    "etc/shadow": "root:*:19000:0:99999:7:::\n",
    "usr/share/base": "base\n",
}
BUSYBOX = "localhost/base:busybox"
DEBIAN = "localhost/base:debian"


def busybox(path: Path) -> None:
    """Write the busybox base as an archive that is OCI layout and docker archive at once."""
    data = io.BytesIO(layer(Path("/bin/busybox")))
    with tarfile.open(fileobj=data, mode="a", format=tarfile.PAX_FORMAT) as tar:
        for name in FOLDERS:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for name, text in FILES.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text), 0o600 if name == "etc/shadow" else 0o644
            tar.addfile(entry, io.BytesIO(text.encode()))
    _write(path, BUSYBOX, data.getvalue())


def debian(path: Path) -> None:
    """Write a Debian of essential packages, as such an archive."""
    words = ["mmdebstrap", "--variant=essential", "--include=passwd", "bookworm", "-"]
    made = subprocess.run(words, capture_output=True, check=True)
    _write(path, DEBIAN, made.stdout)


def _write(path: Path, name: str, layer: bytes) -> None:
    digest = hashlib.sha256(layer).hexdigest()
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": {
                "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
                "Cmd": ["/bin/sh"],
                "WorkingDir": "/",
            },
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
            "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "base"}],
        }
    ).encode()
    config_digest = hashlib.sha256(config).hexdigest()
    manifest = _json(
        schemaVersion=2,
        mediaType="application/vnd.oci.image.manifest.v1+json",
        config=_descriptor("application/vnd.oci.image.config.v1+json", config),
        layers=[_descriptor("application/vnd.oci.image.layer.v1.tar", layer)],
    )
    annotations = {"org.opencontainers.image.ref.name": name, "io.containerd.image.name": name}
    described = {
        **_descriptor("application/vnd.oci.image.manifest.v1+json", manifest),
        "annotations": annotations,
    }
    blobs = f"blobs/sha256/{digest}", f"blobs/sha256/{config_digest}"
    saved = json.dumps([{"Config": blobs[1], "RepoTags": [name], "Layers": [blobs[0]]}]).encode()
    files = {
        "oci-layout": _json(imageLayoutVersion="1.0.0"),
        "index.json": _json(schemaVersion=2, manifests=[described]),
        blobs[0]: layer,
        blobs[1]: config,
        f"blobs/sha256/{hashlib.sha256(manifest).hexdigest()}": manifest,
        "manifest.json": saved,
    }
    with tarfile.open(path, "w") as tar:
        for file, data in files.items():
            entry = tarfile.TarInfo(file)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))


def _json(**value: object) -> bytes:
    return json.dumps(value).encode()


def _descriptor(media_type: str, data: bytes) -> dict[str, object]:
    return {
        "mediaType": media_type,
        "digest": f"sha256:{hashlib.sha256(data).hexdigest()}",
        "size": len(data),
    }
