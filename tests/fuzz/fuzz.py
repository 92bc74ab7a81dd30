# SPDX-License-Identifier: Apache-2.0
"""Fuzz the prover and the planner, then let Python judge whatever the prover took; and fuzz the reader of archives.

    python tests/fuzz/fuzz.py SECONDS [TARGET]      needs nightly Rust, a C++ compiler and cargo-fuzz

Seeds of the prover are the recorded configs and the stored corpus; the words of the schema are its dictionary. Counts
are printed; the exit code is 1 if a proved config is refused. `--keep` stores what is new and proved in
tests/fuzz/corpus. Seeds of the reader are made by archives.py.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import archives

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
    options.add_argument("seconds", type=int, help="for each target")
    options.add_argument("target", nargs="?", choices=["prover", "tar"], help="both if none is named")
    options.add_argument("--keep", action="store_true")
    given = options.parse_args()
    codes = []
    if given.target in (None, "prover"):
        codes.append(fuzz_prover(given.seconds, is_kept=given.keep))
    if given.target in (None, "tar"):
        codes.append(fuzz("tar", archives.seeds(), archives.WORDS, given.seconds, 1 << 14)[0])
    return max(codes)


def fuzz_prover(seconds: int, *, is_kept: bool) -> int:
    """Fuzz the prover, and judge what it took."""
    words = (json.dumps(word).encode() for word in sorted(set(names(CONFIG))))
    code, inputs = fuzz("prover", seeds(), words, seconds, LONGEST)
    proved = [text for text in inputs if _core.prove(config=text) is None]
    refused = [text for text in proved if not accepts(text)]
    print(
        f"{len(inputs)} inputs kept by the fuzzer, {len(proved)} proved, {len(refused)} of these refused by Python"
    )
    for text in refused:
        print(text)
    if is_kept:
        keep(set(proved) - set(seeds()))
    return code or (1 if refused else 0)


def fuzz(
    target: str, begin: Iterable[bytes], words: Iterable[bytes], seconds: int, longest: int
) -> tuple[int, list[bytes]]:
    """Run a target; return its exit code and the inputs that the fuzzer has kept."""
    with tempfile.TemporaryDirectory() as place:
        found = Path(place) / "found"
        found.mkdir()
        for number, seed in enumerate(begin):
            (found / f"seed-{number}").write_bytes(seed)
        dictionary = Path(place) / "words.dict"
        dictionary.write_text("".join(f'"{escaped(word)}"\n' for word in words))
        command = ["cargo", "+nightly", "fuzz", "run", "--fuzz-dir", str(HERE), target, str(found), "--"]
        limits = [f"-max_total_time={seconds}", f"-max_len={longest}", f"-dict={dictionary}", "-verbosity=1"]
        code = subprocess.run([*command, *limits, "-print_final_stats=1"], check=False).returncode
        return code, [path.read_bytes() for path in found.iterdir()]


def escaped(word: bytes) -> str:
    """Write a word as libFuzzer's dictionaries have it."""
    return "".join(chr(byte) if chr(byte).isalnum() else f"\\x{byte:02x}" for byte in word)


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
