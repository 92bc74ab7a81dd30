# SPDX-License-Identifier: Apache-2.0
"""Write rust/engine/src/generated/*.rs from estiba.tables. Run `python -m estiba.codegen` in the repository.

The output is what rustfmt would make of it, so that regenerating changes nothing; tests/unit/test_codegen.py compares.
"""

from __future__ import annotations

import sys
from pathlib import Path

from estiba.codegen import command_line, mounts, numbers, words
from estiba.codegen.layout import module

GENERATED = Path("rust/engine/src/generated")

LOOKUP = """\
/// Find `name` in a table that is sorted by name.
#[must_use]
pub fn lookup<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.binary_search_by(|entry| entry.0.cmp(name)).ok().and_then(|at| table.get(at)).map(|entry| entry.1)
}
"""


def files() -> dict[str, str]:
    """Make every generated file: name to content."""
    modules = {
        **numbers.plain_tables(),
        **words.words(),
        "mount_options": mounts.mounts(),
        "transitions": words.life(),
        "arguments": command_line.command_line(),
    }
    root = "".join(f"pub mod {name};\n" for name in sorted(modules))
    made = {f"{name}.rs": content for name, content in sorted(modules.items())}
    return {"mod.rs": module("Tables of estiba.tables.", root, LOOKUP), **made}


def main() -> int:
    """Write the files that differ; say which."""
    if not GENERATED.parent.is_dir():
        print(f"estiba.codegen: run it in the repository: {GENERATED.parent} is absent here", file=sys.stderr)
        return 1
    GENERATED.mkdir(exist_ok=True)
    for name, content in files().items():
        path = GENERATED / name
        if not path.exists() or path.read_text() != content:
            path.write_text(content)
            print(path)
    return 0
