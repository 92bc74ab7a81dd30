# SPDX-License-Identifier: Apache-2.0
"""Push: what is sent, and what a word is enough for."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from estiba.images import Image, Reference, Store
from estiba.images.reference import parse
from estiba.images.registry.push import push
from support.registry import Handler, Registry, at_once


def test_push_sends_only_what_is_missing(store: Store, registry: Registry, remote: Reference) -> None:
    """Nothing the second time; for a neighbour's blobs a word is enough; the name of the neighbour is ours."""
    push(store, "web", remote)
    assert registry.asked("POST", "/uploads/") == []
    store.references.move(remote, Image.resolve(store, "web").descriptor, verb="tag")
    blobs = dict(registry.blobs)
    registry.faults.append(
        lambda handler: (
            handler.command == "HEAD" and "/fresh/" in handler.path and (handler.answer(404) or True)
        )
    )
    push(store, "web", parse(f"{registry.domain}/fresh:1"))
    posts = registry.asked("POST", "/v2/fresh/blobs/uploads/")
    assert len(posts) == len(blobs) == 3
    assert all("mount=sha256" in one and "from=public" in one for one in posts)
    assert registry.asked("PUT", "/v2/fresh/blobs/") == []


@pytest.mark.parametrize("is_shared", [True, False])
def test_blobs_of_a_neighbour_need_a_token_for_both(
    store: Store, registry: Registry, remote: Reference, auth_file: Path, *, is_shared: bool
) -> None:
    """Where no token is given for the neighbour, the blobs are sent."""
    registry.auth = "bearer"
    pair = base64.b64encode(b"me:secret").decode()
    auth_file.write_text(json.dumps({"auths": {registry.domain: {"auth": pair}}}))
    store.references.move(remote, Image.resolve(store, "web").descriptor, verb="tag")

    def fault(handler: Handler) -> bool:
        if handler.command == "HEAD" and "/fresh/" in handler.path and registry.is_shown_token(handler):
            handler.answer(404)
            return True
        if not is_shared and handler.path.startswith("/token?") and "public" in handler.path:
            handler.answer(403)
            return True
        return False

    registry.faults.append(fault)
    push(store, "web", parse(f"{registry.domain}/fresh:1"))
    assert len(registry.asked("PUT", "/v2/fresh/blobs/")) == (0 if is_shared else 3)


def test_push_that_is_interrupted_is_begun_again(store: Store, registry: Registry) -> None:
    """The whole body is sent once more."""
    left = [500, 503]

    def fault(handler: Handler) -> bool:
        return (
            handler.command == "PUT"
            and "uploads" in handler.path
            and bool(left)
            and at_once(handler, left.pop())
        )

    registry.faults.append(fault)
    push(store, "web", parse(f"{registry.domain}/public:1"))
    assert len(registry.blobs) == 3


def test_blob_is_sent_again_to_where_a_redirect_leads(store: Store, registry: Registry) -> None:
    """Whole: a request with a length and no body would wait for ever."""

    def moved(handler: Handler) -> bool:
        if handler.command != "PUT" or "/uploads/1?" not in handler.path:
            return False
        handler.answer(307, Location=handler.path.replace("/uploads/1?", "/uploads/2?"))
        return True

    registry.faults.append(moved)
    push(store, "web", parse(f"{registry.domain}/public:1"))
    assert len(registry.asked("PUT", "/uploads/2?")) == len(registry.blobs) == 3
