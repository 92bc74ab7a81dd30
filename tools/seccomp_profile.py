# SPDX-License-Identifier: Apache-2.0
"""Write estiba.tables.seccomp_profile from the profile that Docker gives to a container.

The source is the Go module github.com/moby/profiles/seccomp (Apache License 2.0), file default.json; `python
tools/seccomp_profile.py VERSION` fetches it by `go mod download`. What is meant for other machines than x86_64, or
for older kernels than estiba runs on, is left out.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

MODULE = "github.com/moby/profiles/seccomp"
TABLE = Path(__file__).resolve().parent.parent / "python/estiba/tables/seccomp_profile.py"
HERE = {"amd64", "x86", "x32"}
WIDTH = 108

HEAD = '''\
# SPDX-License-Identifier: Apache-2.0
"""The seccomp profile that containers get unless they ask for another: Docker's.

Written by tools/seccomp_profile.py from {module} {version}; do not edit.
"""

# fmt: off

DEFAULT_ERRNO = {errno}
"""What a system call that is not listed returns: EPERM."""

ARCHITECTURES: tuple[str, ...] = {architectures}

Rule = tuple[tuple[str, ...], tuple[tuple[int, int, str], ...], str, str, int | None]

RULES: tuple[Rule, ...] = (
{rules}
)
"""(names, conditions (argument, value, operator), the capability that the rule needs, the one that it must not meet,
the errno to return or None where the call is allowed)."""
'''


def fetched(version: str) -> dict[str, Any]:
    """Return default.json of a version of the module."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["go", "mod", "download", "-json", f"{MODULE}@{version}"]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
    profile: dict[str, Any] = json.loads((Path(json.loads(done.stdout)["Dir"]) / "default.json").read_text())
    return profile


def is_for_us(rule: dict[str, Any]) -> bool:
    """Return whether a rule is for this machine; a least kernel of 4.8 or older is met."""
    wanted, unwanted = rule.get("includes", {}), rule.get("excludes", {})
    least = wanted.get("minKernel", "4.8")
    assert least == "4.8", f"a rule for Linux {least} needs a decision"
    return not (wanted.get("arches") and not HERE & set(wanted["arches"])) and not HERE & set(
        unwanted.get("arches") or ()
    )


def written(rule: dict[str, Any]) -> str:
    """Lay out one rule."""
    conditions = tuple((arg["index"], arg["value"], arg["op"]) for arg in rule.get("args") or ())
    (needed,) = rule.get("includes", {}).get("caps") or ("",)
    (unmet,) = rule.get("excludes", {}).get("caps") or ("",)
    errno = {"SCMP_ACT_ALLOW": None, "SCMP_ACT_ERRNO": rule.get("errnoRet")}[rule["action"]]
    return f"    ({names(rule['names'])}, {conditions!r}, {needed!r}, {unmet!r}, {errno}),".replace("'", '"')


def names(listed: list[str]) -> str:
    """Lay out the names of a rule, several lines of them if need be."""
    if len(listed) < 4:
        return repr(tuple(sorted(listed)))
    lines, row = ["("], "       "
    for name in sorted(listed):
        if len(row) + len(name) + 4 > WIDTH:
            lines.append(row)
            row = "       "
        row += f' "{name}",'
    return "\n".join([*lines, row, "    )"])


def main() -> int:
    """Write the table."""
    version = sys.argv[1]
    profile = fetched(version)
    assert profile["defaultAction"] == "SCMP_ACT_ERRNO"
    (family,) = [each for each in profile["archMap"] if each["architecture"] == "SCMP_ARCH_X86_64"]
    text = HEAD.format(
        module=MODULE,
        version=version,
        errno=profile["defaultErrnoRet"],
        architectures=repr((family["architecture"], *family["subArchitectures"])).replace("'", '"'),
        rules="\n".join(written(rule) for rule in profile["syscalls"] if is_for_us(rule)),
    )
    TABLE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
