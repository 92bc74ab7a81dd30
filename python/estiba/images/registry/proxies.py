# SPDX-License-Identifier: Apache-2.0
"""Connections as the environment wants them: https_proxy, http_proxy, all_proxy, no_proxy, as curl reads them."""

from __future__ import annotations

import ipaddress
import os
from typing import Any
from urllib.parse import urlsplit

import urllib3


class Pools:
    """Connections, straight or by proxies. Threads may share it."""

    def __init__(self, **options: Any) -> None:
        """`options` are those of urllib3.PoolManager."""
        self._options = options
        self._straight = urllib3.PoolManager(**options)
        self._by_proxy: dict[str, urllib3.ProxyManager] = {}

    def request(self, method: str, address: str, **options: Any) -> urllib3.BaseHTTPResponse:
        """Send a request. Raises HTTPError of urllib3."""
        proxy = proxy_for(address)
        if proxy is None:
            return self._straight.request(method, address, **options)
        if proxy not in self._by_proxy:
            self._by_proxy[proxy] = urllib3.ProxyManager(proxy, **self._options)
        return self._by_proxy[proxy].request(method, address, **options)

    def clear(self) -> None:
        """Close all connections."""
        for pool in (self._straight, *self._by_proxy.values()):
            pool.clear()


def proxy_for(address: str) -> str | None:
    """Return the proxy through which an address is reached; None for the straight way."""
    parts = urlsplit(address)
    host = (parts.hostname or "").lower()
    found = variable(f"{parts.scheme}_proxy") or variable("all_proxy")
    if not found or is_exempt(host, parts.port):
        return None
    return found if "://" in found else f"http://{found}"


def variable(name: str) -> str:
    """Return a variable by its small name, else by its large one.

    HTTP_PROXY is not looked at: where a web server runs programs, a request's header "Proxy" has that name.
    """
    return os.environ.get(name) or ("" if name == "http_proxy" else os.environ.get(name.upper(), ""))


def is_exempt(host: str, port: int | None) -> bool:
    """Return whether no proxy is for a host: this machine's own, or one that no_proxy names.

    That has hosts, with a port or without, ends of them, or a star for all.
    """
    if is_loopback(f"[{host}]" if ":" in host else host):
        return True
    for entry in variable("no_proxy").lower().split(","):
        name = entry.strip().removeprefix("*.").removeprefix(".")
        if entry.strip() == "*" or (name and (host == name or host.endswith(f".{name}"))):
            return True
        if port is not None and name == f"{host}:{port}":
            return True
    return False


def is_loopback(domain: str) -> bool:
    """Return whether a registry is this machine's own."""
    host = urlsplit(f"//{domain}").hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
