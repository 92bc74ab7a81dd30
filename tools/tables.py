# SPDX-License-Identifier: Apache-2.0
"""Write the kernel-sourced tables of estiba from the headers of linux-libc-dev (x86_64).

Run `python tools/tables.py` on a machine whose headers are at least as new as those named in the tables' first lines.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

INCLUDE = Path("/usr/include")
ASM = INCLUDE / "x86_64-linux-gnu" / "asm"
TABLES = Path(__file__).resolve().parent.parent / "python" / "estiba" / "tables"
WIDTH = 108


def kernel_version() -> str:
    """Return the version of the headers, "6.1" for example."""
    text = (INCLUDE / "linux" / "version.h").read_text()
    parts = [re.search(rf"LINUX_VERSION_{part}\s+(\d+)", text) for part in ("MAJOR", "PATCHLEVEL")]
    return ".".join(found.group(1) for found in parts if found)


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


def write(name: str, title: str, tables: list[list[str]]) -> None:
    """Write one module of estiba.tables."""
    head = [
        "# SPDX-License-Identifier: Apache-2.0",
        f'"""{title}.',
        "",
        f"Written by tools/tables.py from the headers of Linux {kernel_version()} (x86_64); do not edit.",
        '"""',
        "",
        "# fmt: off",
    ]
    (TABLES / name).write_text(
        "\n".join([*head, *[line for table in tables for line in table]]).rstrip() + "\n"
    )


def main() -> int:
    """Write capabilities, errnos and syscalls."""
    capabilities = defines(INCLUDE / "linux" / "capability.h", r"(CAP_(?!LAST)[A-Z_]+)")
    write(
        "capabilities.py",
        "Capability numbers from linux/capability.h",
        [packed("CAPABILITIES", capabilities, "Name to number, in the kernel's order.")],
    )
    generic = INCLUDE / "asm-generic"
    errnos = defines(generic / "errno-base.h", "(E[A-Z0-9]+)") | defines(generic / "errno.h", "(E[A-Z0-9]+)")
    write(
        "errnos.py",
        "Error numbers from asm-generic/errno-base.h and errno.h",
        [
            packed(
                "ERRNOS", errnos, "Name to number; the words that people read are in estiba.tables.phrases."
            )
        ],
    )
    bits = {"X86_64": "unistd_64.h", "X86": "unistd_32.h", "X32": "unistd_x32.h"}
    write(
        "syscalls.py",
        "System call numbers from asm/unistd_64.h, unistd_32.h and unistd_x32.h",
        [
            packed(name, defines(ASM / file, "__NR_([a-z0-9_]+)"), f"From asm/{file}.")
            for name, file in bits.items()
        ],
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
