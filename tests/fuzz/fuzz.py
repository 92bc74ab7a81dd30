# SPDX-License-Identifier: Apache-2.0
"""Fuzz the prover and the planner, then let Python judge whatever the prover took.

    python tests/fuzz/fuzz.py SECONDS       needs nightly Rust, a C++ compiler and cargo-fuzz

Seeds are the recorded configs and the stored corpus; the words of the schema are the dictionary. Counts are printed;
the exit code is 1 if a proved config is refused. `--keep` stores what is new and proved in tests/fuzz/corpus.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from estiba import _core, spec
from estiba.errors import ConfigInvalid
from estiba.spec.schema import CONFIG

HERE = Path(__file__).parent
RECORDED = HERE.parent / "recorded"
CORPUS = HERE / "corpus"
LONGEST = 4096
"""Bytes of one input: the clients' configs without their seccomp profiles fit."""


def main() -> int:
    """Fuzz, judge, report."""
    options = argparse.ArgumentParser()
    options.add_argument("seconds", type=int)
    options.add_argument("--keep", action="store_true")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        found = Path(place) / "found"
        found.mkdir()
        for number, seed in enumerate(seeds()):
            (found / f"seed-{number}").write_bytes(seed)
        words = Path(place) / "words.dict"
        words.write_text("".join(f"{json.dumps(json.dumps(word))}\n" for word in sorted(set(names(CONFIG)))))
        fuzz = ["cargo", "+nightly", "fuzz", "run", "--fuzz-dir", str(HERE), "prover", str(found), "--"]
        limits = [f"-max_total_time={given.seconds}", f"-max_len={LONGEST}", f"-dict={words}", "-verbosity=1"]
        code = subprocess.run([*fuzz, *limits, "-print_final_stats=1"], check=False).returncode
        inputs = [path.read_bytes() for path in found.iterdir()]
    proved = [text for text in inputs if _core.prove(config=text) is None]
    refused = [text for text in proved if not accepts(text)]
    print(
        f"{len(inputs)} inputs kept by the fuzzer, {len(proved)} proved, {len(refused)} of these refused by Python"
    )
    for text in refused:
        print(text)
    if given.keep:
        keep(set(proved) - set(seeds()))
    return code or (1 if refused else 0)


def seeds() -> Iterator[bytes]:
    """Give recorded configs without what is long in them, and the stored corpus."""
    for path in sorted(RECORDED.glob("*.json")):
        config = json.loads(path.read_text().replace("@ROOTFS@", "/root"))
        if isinstance(config, dict) and "ociVersion" in config:
            for profile in (config.get("linux", {}).get("seccomp") or {},):
                for call in profile.get("syscalls") or []:
                    call["names"] = call["names"][:2]
                profile["syscalls"] = (profile.get("syscalls") or [])[:3]
            text = json.dumps(config, separators=(",", ":")).encode()
            if len(text) <= LONGEST:
                yield text
    yield from (path.read_bytes() for path in sorted(CORPUS.glob("*")))


def names(schema: Any) -> Iterator[str]:
    """Give the names and words of the schema."""
    yield from (word for word in schema.get("enum", ()) if word)
    for name, inner in schema.get("properties", {}).items():
        yield name
        yield from names(inner)
    for key in ("items", "additionalProperties"):
        if key in schema:
            yield from names(schema[key])


def accepts(text: bytes) -> bool:
    """Return whether Python has nothing against a config."""
    try:
        return spec.validate(spec.parse(text, "config.json")) == []
    except ConfigInvalid:
        return False


def keep(texts: set[bytes]) -> None:
    """Store inputs under the hash of their bytes."""
    CORPUS.mkdir(exist_ok=True)
    for text in texts:
        (CORPUS / hashlib.sha256(text).hexdigest()[:16]).write_bytes(text)


if __name__ == "__main__":
    os.chdir(HERE)
    sys.exit(main())
