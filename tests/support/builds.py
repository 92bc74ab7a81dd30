# SPDX-License-Identifier: Apache-2.0
"""Builds of small Containerfiles over busybox, and what came of them."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

from estiba.build.execute import build
from estiba.build.options import Options
from estiba.build.progress import Event, StepBegun, StepEnded, StepOutput, Verdict
from estiba.images import Image, Store
from estiba.images.stack import Stack

BASE = """\
FROM scratch AS base
COPY bin /bin
COPY passwd group /etc/
"""


class Site:
    """A store, and a build context with busybox in it."""

    def __init__(self, folder: Path, prepared: Path) -> None:
        self.store = Store.open(folder / "store")
        self.context = folder / "context"
        self.outcome: list[Event] = []
        """The events of the last build."""
        (self.context / "bin").mkdir(parents=True)
        os.link(prepared / "busybox", self.context / "bin" / "busybox")
        for name in (
            "sh",
            "cat",
            "echo",
            "ls",
            "id",
            "stat",
            "rm",
            "mkdir",
            "touch",
            "chmod",
            "chown",
            "env",
            "test",
        ):
            (self.context / "bin" / name).symlink_to("busybox")
        (self.context / "passwd").write_text("root:x:0:0::/root:/bin/sh\napp:x:7:8::/home:/bin/sh\n")
        (self.context / "group").write_text("root:x:0:\napp:x:8:\nmore:x:9:app\n")

    def build(self, text: str, *, whole: bool = False, **options: Any) -> Image:
        """Build what follows the base, or a `whole` text."""
        text = text if whole or text.startswith("FROM scratch AS base") else BASE + text
        self.outcome = []
        made = build(
            self.store, self.context, text=text, options=Options(**options), progress=self.outcome.append
        )
        return Image.resolve(self.store, made.digest)

    def said(self) -> list[str]:
        """Return the lines that the last build's programs wrote."""
        return [event.line for event in self.outcome if isinstance(event, StepOutput)]

    def verdicts(self) -> dict[str, tuple[Verdict, str | None]]:
        """Return how each step of the last build ended, and why it was not found, by its text."""
        texts = {event.step: event.text for event in self.outcome if isinstance(event, StepBegun)}
        ended = [event for event in self.outcome if isinstance(event, StepEnded)]
        return {texts[event.step]: (event.verdict, event.reason) for event in ended}

    def files(self, image: Image, *, layers: int | None = None) -> dict[str, os.stat_result]:
        """Return all paths of an image, or of its topmost `layers` alone."""
        folders = image.lowers()
        found: dict[str, os.stat_result] = {}
        with Stack(folders[-layers:] if layers else folders) as stack:
            waiting = [("", stack.root())]
            while waiting:
                path, entry = waiting.pop()
                if entry is None or not stat.S_ISDIR(entry.status.st_mode):
                    continue
                for name, child in stack.children(path, entry).items():
                    inner = f"{path}/{name}".lstrip("/")
                    found[inner] = child.status
                    waiting.append((inner, child))
        return found

    def config(self, image: Image) -> dict[str, Any]:
        """Return the config object of an image, as it is written."""
        written: dict[str, Any] = json.loads(self.store.blobs.read(image.id))["config"]
        return written
