# SPDX-License-Identifier: Apache-2.0
"""Who may import whom: Python's packages by their syntax trees, Rust's crates by their manifests."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / "python" / "estiba"

ALLOWED: dict[str, set[str]] = {
    "__init__": {"bundle", "errors", "lifecycle"},
    "__main__": {"cli"},
    "tables": set(),
    "codegen": {"tables"},
    "problems": set(),
    "errors": {"problems", "tables"},
    "command_line": {"errors"},
    "spec": {"problems", "errors", "tables"},
    "bundle": {"spec", "problems", "errors"},
    "rootfs": {"spec", "errors"},
    "rootless": set(),
    "lifecycle": {"bundle", "rootless", "spec", "errors", "tables", "_core"},
    "images": {"rootfs", "rootless", "errors", "tables", "_core"},
    "build": {"images", "lifecycle", "rootfs", "bundle", "spec", "problems", "errors", "tables"},
    "check": {"bundle", "spec", "problems", "errors", "tables"},
    "cli": {"command_line", "check", "lifecycle", "bundle", "spec", "problems", "errors", "tables", "_core"},
    "muelle": {
        "command_line",
        "build",
        "images",
        "lifecycle",
        "rootfs",
        "bundle",
        "spec",
        "errors",
        "tables",
    },
}
"""What each part of the package may import of the others; imports run downward."""

CRATES: dict[str, set[str]] = {
    "sys": set(),
    "init": {"estiba-sys"},
    "engine": {"estiba-init", "estiba-sys"},
    "cli": {"estiba-engine", "estiba-sys"},
    "layers": {"estiba-sys"},
    "py": {"estiba-cli", "estiba-engine", "estiba-layers", "estiba-sys"},
}
"""What each crate may depend on; py names cli only to carry it in the source distribution, sys for pidfds."""


def part_of(path: Path) -> str:
    """Return the part of the package that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(tree: ast.AST) -> set[str]:
    """Return the parts of estiba that a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            module = node.module or ""
            names |= {f"estiba.{alias.name}" for alias in node.names} if module == "estiba" else {module}
    return {name.split(".")[1] for name in names if name.startswith("estiba.")}


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(PACKAGE)) for path in FILES])
def test_module_imports_only_what_is_below_it(path: Path) -> None:
    """No part of the package reaches upward or aside."""
    part = part_of(path)
    assert imported(ast.parse(path.read_text())) <= ALLOWED[part] | {part}


def test_tables_import_nothing_at_all() -> None:
    """The tables are data: not even the standard library is needed to read them."""
    importing = [
        path.name
        for path in (PACKAGE / "tables").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        and not (isinstance(node, ast.ImportFrom) and node.module == "__future__")
    ]
    assert importing == []


@pytest.mark.parametrize("crate", CRATES)
def test_crate_depends_only_on_what_is_below_it(crate: str) -> None:
    """Of the workspace's own crates; others are a decision of their own."""
    manifest = tomllib.loads((REPOSITORY / "rust" / crate / "Cargo.toml").read_text())
    own = {name for name in manifest.get("dependencies", {}) if name.startswith("estiba-")}
    assert own <= CRATES[crate]


@pytest.mark.parametrize("crate", ["init", "engine", "cli", "layers"])
def test_crate_forbids_unsafe_code(crate: str) -> None:
    """All unsafe code is in rust/sys; py may only deny it, for the macros' sake."""
    assert "#![forbid(unsafe_code)]" in (REPOSITORY / "rust" / crate / "src" / "lib.rs").read_text()
