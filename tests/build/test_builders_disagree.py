# SPDX-License-Identifier: Apache-2.0
"""The rows of docs/builders.md: what an image has where builders disagree."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from estiba.errors import BuildFileInvalid
from estiba.images.platform import Platform
from support.builds import Site


@pytest.fixture
def site(folder: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A place to build at."""
    monkeypatch.setenv("ESTIBA_ROOT", str(folder / "state"))
    yield Site(folder, prepared)


def owner(status: os.stat_result) -> tuple[int, int]:
    """Return user and group."""
    return status.st_uid, status.st_gid


def test_what_a_run_writes_below_a_volume_is_kept(site: Site) -> None:
    assert "data/x" in site.files(site.build("VOLUME /data\nRUN mkdir -p /data && touch /data/x\n"))


def test_a_working_directory_is_made_at_once_and_belongs_to_the_user(site: Site) -> None:
    files = site.files(site.build("USER app\nWORKDIR /a/b\n"))
    assert owner(files["a/b"]) == (7, 8)


def test_new_parents_have_the_owner_that_chown_says(site: Site) -> None:
    files = site.files(site.build("COPY --chown=app passwd /one/two/passwd\n"))
    assert {owner(files[path]) for path in ("one", "one/two", "one/two/passwd")} == {(7, 8)}


def test_a_number_alone_is_the_group_too(site: Site) -> None:
    files = site.files(site.build("COPY --chown=33 passwd /copied\nUSER 34\nWORKDIR /made\n"))
    assert (owner(files["copied"]), owner(files["made"])) == ((33, 33), (34, 34))


def test_scratch_has_the_default_path(site: Site) -> None:
    config = site.config(site.build("FROM scratch\nLABEL a=b\n"))
    assert config["Env"] == ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]


def test_a_here_document_may_name_its_interpreter(site: Site) -> None:
    files = site.files(site.build("RUN <<'EOF'\n#!/bin/sh\necho -n $0 >/name\nEOF\n"))
    assert files["name"].st_size == len("/dev/run-script")


def test_set_id_bits_are_kept(site: Site) -> None:
    (site.context / "passwd").chmod(0o4755)
    files = site.files(site.build("COPY passwd /program\n"))
    assert stat.S_IMODE(files["program"].st_mode) == 0o4755


def test_owners_of_the_context_do_not_count_and_those_of_a_stage_do(site: Site) -> None:
    os.chown(site.context / "passwd", 77, 77)
    image = site.build(
        "COPY --chown=5:6 passwd /five\nCOPY passwd /root\nFROM scratch\nCOPY --from=0 /five /root /\n"
    )
    files = site.files(image)
    assert (owner(files["five"]), owner(files["root"])) == ((5, 6), (0, 0))


def test_a_folder_goes_through_a_link_to_a_folder(site: Site) -> None:
    (site.context / "tree" / "lib").mkdir(parents=True)
    (site.context / "tree" / "lib" / "new").write_text("")
    (site.context / "links").mkdir()
    (site.context / "links" / "lib").symlink_to("usr/lib")
    files = site.files(site.build("RUN mkdir -p /usr/lib\nCOPY links /\nCOPY tree /\n"))
    assert stat.S_ISLNK(files["lib"].st_mode)
    assert "usr/lib/new" in files


def test_the_target_of_an_archive_keeps_owner_and_mode(site: Site) -> None:
    with tarfile.open(site.context / "a.tar", "w") as archive:
        for name, kind in ((".", tarfile.DIRTYPE), ("./file", tarfile.REGTYPE)):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode, entry.uid, entry.gid = kind, 0o700, 50, 50
            archive.addfile(entry)
    files = site.files(site.build("RUN mkdir /a\nADD a.tar /a\nADD --chown=app a.tar /b\n"))
    assert (owner(files["a"]), stat.S_IMODE(files["a"].st_mode)) == ((0, 0), 0o755)
    assert (owner(files["a/file"]), owner(files["b"]), owner(files["b/file"])) == ((50, 50), (7, 8), (50, 50))


def test_the_shell_form_is_run_by_the_shell_in_force(site: Site) -> None:
    config = site.config(site.build('SHELL ["/bin/sh", "-ec"]\nENTRYPOINT a\nCMD b\n'))
    assert (config["Entrypoint"], config["Cmd"]) == (["/bin/sh", "-ec", "a"], ["/bin/sh", "-ec", "b"])
    assert config["Shell"] == ["/bin/sh", "-ec"]


def test_a_range_of_ports_is_its_ports(site: Site) -> None:
    config = site.config(site.build("EXPOSE 7000-7002 53/udp\n"))
    assert sorted(config["ExposedPorts"]) == ["53/udp", "7000/tcp", "7001/tcp", "7002/tcp"]


def test_a_run_that_changes_nothing_makes_no_layer(site: Site) -> None:
    image = site.build("RUN true\n")
    assert len(image.manifest.layers) == 2
    assert image.config.history[-1].empty_layer


def test_changes_of_the_hosts_files_are_not_in_the_image(site: Site) -> None:
    image = site.build("RUN echo 1.2.3.4 x >> /etc/hosts && cat /etc/hosts > /seen\n")
    assert set(site.files(image, layers=1)) == {"seen"}


def test_scratch_has_a_working_directory_and_no_mount_point(site: Site) -> None:
    image = site.build('FROM scratch\nCOPY bin/busybox /busybox\nRUN ["/busybox", "touch", "/made"]\n')
    assert site.config(image)["WorkingDir"] == "/"
    assert sorted(site.files(image)) == ["busybox", "made"]


def test_a_base_is_only_taken_for_the_platform_that_is_asked_for(site: Site) -> None:
    site.build("LABEL a=b\n", platform=Platform("linux", "s390x"), names=("other",))
    assert site.build("FROM --platform=linux/s390x other\n", whole=True).config.architecture == "s390x"
    with pytest.raises(
        BuildFileInvalid, match='Containerfile:1:29: "other" is for linux/s390x, not for linux/amd64'
    ):
        site.build("FROM --platform=linux/amd64 other\n", whole=True)
    with pytest.raises(BuildFileInvalid, match='Containerfile:1:17: "linux/amd46" is not a platform'):
        site.build("FROM --platform=linux/amd46 scratch\n", whole=True)


def test_an_env_wins_over_a_later_arg_of_its_name(site: Site) -> None:
    site.build("ENV X=env\nARG X=arg\nRUN echo $X\n", arguments={"X": "given"})
    assert site.said() == ["env"]


def test_additions_of_docker_are_in_the_config(site: Site) -> None:
    config = site.config(site.build("HEALTHCHECK --interval=5s CMD true\nONBUILD RUN echo x\n"))
    assert config["Healthcheck"] == {"Test": ["CMD-SHELL", "true"], "Interval": 5_000_000_000}
    assert config["OnBuild"] == ["RUN echo x"]
