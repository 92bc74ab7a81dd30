# SPDX-License-Identifier: Apache-2.0
"""A bundle that is to be started: read, proved or judged; what is refused here is noted for `why`."""

from __future__ import annotations

import os

from estiba import _core, spec
from estiba.bundle import Bundle
from estiba.errors import ConfigInvalid


def judged_bundle(
    bundle: Bundle | str | os.PathLike[str],
    *,
    root: str,
    id: str,
    config_file: str | None = None,
) -> Bundle:
    """Read a bundle and judge its config, unless the engine proves it. Raises ConfigInvalid with every problem."""
    try:
        made = bundle if isinstance(bundle, Bundle) else Bundle(bundle, config_file=config_file)
        if _core.prove(config=made.text, root=root) is not None and (problems := made.problems()):
            raise spec.invalid(problems)
    except ConfigInvalid as error:
        first = error.problems[0] if error.problems else None
        _core.note_refused(
            root=root,
            id=id,
            bundle=os.path.abspath(bundle),
            config_file=config_file and os.path.abspath(config_file),
            message=f"{first.message}{_and_more(error)}" if first else error.message,
            pointer=first.pointer if first else None,
            hint=error.hint,
        )
        raise
    return made


def _and_more(error: ConfigInvalid) -> str:
    more = len(error.problems) - 1
    return f" (and {more} more {'problem' if more == 1 else 'problems'})" if more > 0 else ""
