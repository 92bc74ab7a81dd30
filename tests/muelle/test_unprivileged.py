# SPDX-License-Identifier: Apache-2.0
"""`muelle` by a user without root: a user namespace of the user's own, with ids of /etc/subuid or without."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.reach import reach
from support.runtime import become

REPOSITORY = Path(__file__).resolve().parents[2]
USER_ID = 64_322
FIRST, COUNT = 200_000, 65_536
CONTAINERFILE = """\
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN echo hello > /message
CMD ["cat", "/message"]
"""

pytestmark = [pytest.mark.requires("root", "command:newuidmap")]

User = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(params=["ranges", "one id"])
def user(request: pytest.FixtureRequest, folder: Path) -> User:
    """Run commands as a user who has ranges of ids, or no id but the own one."""
    etc, home, work = folder / "etc", folder / "home", folder / "work"
    for made in (etc, home, work):
        made.mkdir()
    os.chown(home, USER_ID, USER_ID)
    (etc / "passwd").write_text(f"root:x:0:0::/:/bin/sh\nranged:x:{USER_ID}:{USER_ID}::/:/bin/sh\n")
    ids = f"ranged:{FIRST}:{COUNT}\n" if request.param == "ranges" else ""
    for name in ("subuid", "subgid"):
        (etc / name).write_text(ids)
    script = [f'mount --bind "$2"/{name} /etc/{name}' for name in ("passwd", "subuid", "subgid")]
    script += reach(Path(sys.base_prefix), REPOSITORY, Path(sys.prefix))
    enter = ["unshare", "--mount", "--propagation", "private"]
    shell = ["sh", "-ec", "\n".join([*script, 'shift 2; exec "$@"']), "sh", str(work), str(etc)]
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_RUNTIME_DIR": str(home), "USER": "ranged"}

    def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
        argv = [*enter, *shell, *become(USER_ID), sys.executable, "-m", "estiba.muelle", *words]
        return subprocess.run(
            argv, env=environ, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture
def context(folder: Path, prepared: Path) -> Path:
    """A build context with a static busybox, readable by everybody."""
    made = folder / "context"
    made.mkdir()
    (made / "Containerfile").write_text(CONTAINERFILE)
    busybox = next(path for path in prepared.rglob("busybox") if path.is_file())
    (made / "busybox").write_bytes(busybox.read_bytes())
    (made / "busybox").chmod(0o755)
    return made


def test_a_user_without_root_builds_and_runs(
    user: User, context: Path, request: pytest.FixtureRequest
) -> None:
    has_ranges = "ranges" in request.node.name
    if has_ranges:  # the kernel gives files to mapped ids alone
        with (context / "Containerfile").open("a") as recipe:
            recipe.write("RUN chown 5:6 /message\n")
    built = user("build", "-q", "-t", "web", context)
    assert (built.returncode, built.stderr) == (0, "")
    ran = user("run", "--rm", "web")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "hello\n", "")
    owner = user("run", "--rm", "web", "stat", "-c", "%u:%g", "/message").stdout
    assert owner == ("5:6\n" if has_ranges else "0:0\n")
    assert user("run", "--rm", "--network", "host", "web", "ls", "/sys/class").returncode == 0
    checked = user("fsck")
    assert (checked.returncode, checked.stdout) == (0, "the store is sound\n")


def test_the_store_of_a_user_is_below_the_home(user: User, folder: Path) -> None:
    assert user("images").returncode == 0
    assert (folder / "home" / ".local" / "share" / "estiba" / "store.json").exists()


def test_what_was_built_is_saved_and_loaded_elsewhere(user: User, context: Path, folder: Path) -> None:
    digest = user("build", "-q", "-t", "web", context).stdout
    archive = folder / "home" / "web.tar"
    assert user("save", "-o", archive, "web").returncode == 0
    assert user("rmi", "web").returncode == 0
    assert user("load", "-q", "-i", archive).stdout == "web:latest\n"
    assert user("inspect", "--format", "{{.Id}}", "web").stdout in (digest, digest.removeprefix("sha256:"))


def test_limits_that_need_a_cgroup_are_refused_in_words(user: User, context: Path) -> None:
    assert user("build", "-q", "-t", "web", context).returncode == 0
    refused = user("run", "--rm", "--memory", "64m", "web")
    assert refused.returncode == 125
    assert 'needs the cgroup controller "memory"' in refused.stderr
