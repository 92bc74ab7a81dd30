# SPDX-License-Identifier: Apache-2.0
"""Write the kernel-sourced tables of estiba from Debian's package linux-libc-dev (x86_64).

The newest one is in Debian sid; `dpkg-deb -x linux-libc-dev_*.deb FOLDER` unpacks it, and `python tools/tables.py
FOLDER` writes the tables, which name the package's version in their first lines.
"""

from __future__ import annotations

import gzip
import re
import sys
from pathlib import Path

TABLES = Path(__file__).resolve().parent.parent / "python" / "estiba" / "tables"
WIDTH = 108


def package_version(folder: Path) -> str:
    """Return the version of the package, "7.2.13-1" for example."""
    changelog = folder / "usr/share/doc/linux-libc-dev/changelog.Debian.gz"
    with gzip.open(changelog, "rt", encoding="utf-8") as file:
        first = file.readline()
    return first[first.index("(") + 1 : first.index(")")]


def defines(path: Path, pattern: str) -> dict[str, int]:
    """Read `#define NAME NUMBER` lines whose name matches; an x32 number keeps its bit 30."""
    table: dict[str, int] = {}
    line = re.compile(rf"^#define\s+{pattern}\s+(\(__X32_SYSCALL_BIT \+ )?(\d+)\)?", re.MULTILINE)
    for name, bit, number in line.findall(path.read_text()):
        table[name] = int(number) + (0x4000_0000 if bit else 0)
    return table


def packed(name: str, table: dict[str, int], note: str) -> list[str]:
    """Lay out one table, as many entries a line as fit."""
    lines, row = [f"{name}: dict[str, int] = {{"], "   "
    for key, number in table.items():
        entry = f' "{key}": {number},'
        if len(row) + len(entry) > WIDTH:
            lines.append(row)
            row = "   "
        row += entry
    return [*lines, row, "}", f'"""{note}"""', ""]


def write(name: str, title: str, version: str, tables: list[list[str]]) -> None:
    """Write one module of estiba.tables."""
    head = [
        "# SPDX-License-Identifier: Apache-2.0",
        f'"""{title}.',
        "",
        f"Written by tools/tables.py from Debian's linux-libc-dev {version} (x86_64); do not edit.",
        '"""',
        "",
        "# fmt: off",
    ]
    (TABLES / name).write_text(
        "\n".join([*head, *[line for table in tables for line in table]]).rstrip() + "\n"
    )


def main() -> int:
    """Write capabilities, errnos and syscalls."""
    folder = Path(sys.argv[1])
    version, include = package_version(folder), folder / "usr/include"
    capabilities = defines(include / "linux/capability.h", r"(CAP_(?!LAST)[A-Z_]+)")
    note = "Name to number, in the kernel's order."
    title = "Capability numbers from linux/capability.h"
    write("capabilities.py", title, version, [packed("CAPABILITIES", capabilities, note)])
    generic = include / "asm-generic"
    errnos = defines(generic / "errno-base.h", "(E[A-Z0-9]+)") | defines(generic / "errno.h", "(E[A-Z0-9]+)")
    note = "Name to number; the words that people read are in estiba.tables.phrases."
    title = "Error numbers from asm-generic/errno-base.h and errno.h"
    write("errnos.py", title, version, [packed("ERRNOS", errnos, note)])
    asm = folder / "usr/lib/linux/uapi/x86/asm"
    bits = {"X86_64": "unistd_64.h", "X86": "unistd_32.h", "X32": "unistd_x32.h"}
    tables = [
        packed(name, defines(asm / file, "__NR_([a-z0-9_]+)"), f"From asm/{file}.")
        for name, file in bits.items()
    ]
    title = "System call numbers from asm/unistd_64.h, unistd_32.h and unistd_x32.h"
    write("syscalls.py", title, version, tables)
    return 0


if __name__ == "__main__":
    sys.exit(main())
