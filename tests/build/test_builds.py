# SPDX-License-Identifier: Apache-2.0
"""Containerfiles built for real: what the image has, what is found again, how a failure is told."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from estiba.build.progress import Verdict
from estiba.errors import BuildFailed, BuildFileInvalid
from estiba.images import Image
from estiba.images.reference import parse
from support.builds import BASE, Site


@pytest.fixture
def site(folder: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A place to build at; containers of RUN are recorded in the test's folder."""
    monkeypatch.setenv("ESTIBA_ROOT", str(folder / "state"))
    yield Site(folder, prepared)


def mode(status: os.stat_result) -> int:
    """Return the permissions."""
    return stat.S_IMODE(status.st_mode)


def test_a_run_makes_a_layer_of_what_it_changed_and_nothing_else(site: Site) -> None:
    image = site.build("RUN echo hello > /made && chmod 640 /made\n")
    assert list(site.files(image, layers=1)) == ["made"]
    assert mode(site.files(image)["made"]) == 0o640
    assert [one.created_by for one in image.config.history][-1] == "RUN echo hello > /made && chmod 640 /made"


@pytest.mark.parametrize(("change", "root"), [("chmod 700 /", (0o700, 0, 0)), ("chown 7:8 /", (0o755, 7, 8))])
def test_a_run_that_changes_only_the_root_folder_makes_a_layer(
    site: Site, change: str, root: tuple[int, int, int]
) -> None:
    """What follows sees it, the packed layer has it, and it is found again."""
    text = f"RUN {change}\nRUN true\nRUN touch /made && stat -c '%a %u %g' /\n"
    image = site.build(text)
    assert site.said() == [f"{root[0]:o} {root[1]} {root[2]}"]
    assert len(image.manifest.layers) == 4
    for chain in image.chain_ids:
        site.store.layers.remove(chain)
    for folder in image.lowers()[-2:]:
        status = os.stat(folder)
        assert (mode(status), status.st_uid, status.st_gid) == root
    assert site.build(text).digest == image.digest
    assert {verdict for verdict, _ in site.verdicts().values()} == {Verdict.CACHED}


def test_mount_points_and_the_hosts_files_do_not_remain(site: Site) -> None:
    image = site.build(
        "RUN --mount=type=cache,target=/deep/cache --mount=type=tmpfs,target=/t touch /deep/cache/x /t/y && "
        "test -s /etc/hosts && echo >> /etc/resolv.conf && touch /made\n"
    )
    assert list(site.files(image, layers=1)) == ["made"]


def test_a_run_sees_user_folder_variables_and_arguments(site: Site) -> None:
    site.build(
        "ARG WHAT=argument\nENV KEPT=variable\nUSER app\nWORKDIR /work\n"
        'RUN id && echo "$WHAT $KEPT $HOME $(stat -c %n:%u .)"; pwd\n'
    )
    assert site.said() == [
        "uid=7(app) gid=8(app) groups=8(app),9(more)",
        "argument variable /home .:7",
        "/work",
    ]


def test_the_same_build_again_runs_nothing_and_makes_the_same_image(site: Site) -> None:
    text = "RUN echo once > /made\nRUN test -e /made\nENV A=b\nCMD sh\n"
    first = site.build(text)
    again = site.build(text)
    assert again.digest == first.digest
    performed = [name for name, (verdict, _) in site.verdicts().items() if verdict is Verdict.DONE]
    assert performed == ["ENV A=b", "CMD sh"]


def test_a_change_in_the_middle_runs_what_follows_and_says_why(site: Site) -> None:
    text = "COPY passwd /one\nRUN echo a\nRUN touch /two\n"
    site.build(text)
    (site.context / "passwd").write_text("root:x:0:0::/:/bin/sh\napp:x:7:8::/:/bin/sh\n")
    site.build(text)
    verdicts = site.verdicts()
    assert verdicts["COPY bin /bin"] == (Verdict.CACHED, None)
    assert verdicts["COPY passwd group /etc/"] == (Verdict.DONE, 'the content of "passwd" has changed')
    assert verdicts["RUN touch /two"][0] is Verdict.DONE
    site.build(text.replace("echo a", "echo b"))
    assert site.verdicts()["RUN echo b"] == (Verdict.DONE, "the instruction has changed")


def test_times_of_the_context_do_not_count_and_modes_do(site: Site) -> None:
    site.build("COPY passwd /one\n")
    os.utime(site.context / "passwd", (1, 1))
    site.build("COPY passwd /one\n")
    assert {verdict for verdict, _ in site.verdicts().values()} == {Verdict.CACHED}
    (site.context / "passwd").chmod(0o600)
    site.build("COPY passwd /one\n")
    assert site.verdicts()["COPY passwd /one"][0] is Verdict.DONE


def test_an_argument_that_a_run_sees_is_part_of_its_key(site: Site) -> None:
    text = "ARG VERSION\nRUN echo $VERSION\n"
    site.build(text, arguments={"VERSION": "1"})
    site.build(text, arguments={"VERSION": "2"})
    assert site.said() == ["2"]
    assert site.verdicts()["RUN echo $VERSION"][1] == "the variable VERSION has changed"


def test_a_failed_run_tells_its_exit_code_its_last_lines_and_how_to_enter(site: Site) -> None:
    with pytest.raises(BuildFailed) as caught:
        site.build("RUN touch /left; echo first; echo last; exit 3\n")
    failed = caught.value
    assert (failed.exit_status, failed.last_lines) == (3, ("first", "last"))
    assert failed.message.startswith("Containerfile:4: RUN touch /left;")
    assert failed.hint is not None
    left = Image.resolve(site.store, failed.hint.split()[4])
    assert "left" in site.files(left)


def test_what_was_done_before_a_failure_is_found_again(site: Site) -> None:
    with pytest.raises(BuildFailed):
        site.build("RUN touch /first\nRUN exit 1\n")
    site.build("RUN touch /first\nRUN exit 0\n")
    assert site.verdicts()["RUN touch /first"][0] is Verdict.CACHED


def test_stages_run_and_only_those_that_are_needed(site: Site) -> None:
    image = site.build(
        "FROM base AS one\nRUN echo 1 > /one\nFROM base AS unused\nRUN exit 1\n"
        "FROM base AS two\nRUN echo 2 > /two\n"
        "FROM scratch\nCOPY --from=one /one /\nCOPY --from=TWO --chown=7:8 --chmod=600 /two /\n"
    )
    files = site.files(image)
    assert sorted(files) == ["one", "two"]
    assert (files["two"].st_uid, files["two"].st_gid, mode(files["two"])) == (7, 8, 0o600)
    assert not any("exit 1" in text for text in site.verdicts())


def test_a_target_is_chosen_by_name_and_a_wrong_one_refused(site: Site) -> None:
    text = "FROM base AS one\nRUN touch /one\nFROM base AS two\nRUN touch /two\n"
    assert "two" not in site.files(site.build(text, target="one"))
    with pytest.raises(BuildFailed) as caught:
        site.build(text, target="tow")
    assert caught.value.hint == 'did you mean "two"?'


def test_secrets_are_seen_by_their_run_alone_and_are_not_in_the_image(site: Site) -> None:
    image = site.build(
        "RUN --mount=type=secret,id=pw cat /run/secrets/pw; stat -c %a /run/secrets/pw\n"
        "RUN test ! -e /run/secrets/pw && touch /made\n",
        secrets={"pw": b"hush"},
    )
    assert site.said() == ["hush400"]
    assert list(site.files(image, layers=1)) == ["made"]
    with pytest.raises(BuildFailed, match='the secret "no" was not given'):
        site.build("RUN --mount=type=secret,id=no,required=true true\n")


def test_a_cache_mount_keeps_its_files_from_run_to_run(site: Site) -> None:
    text = "RUN --mount=type=cache,id=../../c,target=/c echo {} >> /c/log && cat /c/log\n"
    site.build(text.format(1))
    site.build(text.format(2))
    assert site.said() == ["1", "2"]
    assert len(os.listdir(site.store.folder("cache-mounts"))) == 1


def test_a_bind_of_a_stage_or_of_the_context_is_read_and_not_written(site: Site) -> None:
    site.build(
        "FROM base\nRUN --mount=type=bind,from=base,source=/etc,target=/e cat /e/group\n"
        "RUN --mount=type=bind,source=passwd,target=/p,rw echo x >> /p\n"
    )
    assert site.said()[0] == "root:x:0:"
    assert "x\n" not in (site.context / "passwd").read_text().splitlines(keepends=True)


def test_a_network_of_none_has_no_way_out(site: Site) -> None:
    site.build("RUN --network=none ls /sys/class/net\n")
    assert site.said() == ["lo"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("COPY gone /\n", 'Containerfile:4:6: "gone" is not in the build context'),
        ("COPY *.none /\n", 'Containerfile:4:6: nothing in the build context matches "*.none"'),
        ("COPY passwd group /one\n", "Containerfile:4:19: 2 sources need a folder"),
        ("COPY --chown=nobody passwd /\n", 'Containerfile:4:14: user "nobody" is not in /etc/passwd'),
        ("EXPOSE 99999\n", 'Containerfile:4:8: "99999" is not a port'),
        ("FROM nowhere/at:all\n", 'Containerfile:4:6: there is no image "nowhere/at:all" in the store'),
    ],
)
def test_what_is_wrong_is_told_with_its_place(site: Site, text: str, message: str) -> None:
    with pytest.raises(BuildFileInvalid) as caught:
        site.build(BASE + text)
    assert caught.value.message.startswith(message)


def test_a_source_cannot_reach_out_of_the_context(site: Site, folder: Path) -> None:
    (folder / "secret").write_text("secret")
    (site.context / "link").symlink_to(folder / "secret")
    with pytest.raises(BuildFileInvalid):
        site.build("COPY ../secret /\n")
    with pytest.raises(BuildFileInvalid):
        site.build("COPY link /\n")


def test_the_ignore_file_leaves_out(site: Site) -> None:
    (site.context / ".containerignore").write_text("passwd*\n!passwd\n")
    (site.context / "passwd-").write_text("")
    (site.context / "more").mkdir()
    (site.context / "more" / "file").write_text("")
    image = site.build("COPY . /all\n")
    names = set(site.files(image))
    assert {"all/passwd", "all/more/file"} <= names
    assert "all/passwd-" not in names


@pytest.mark.parametrize("source", ["link/key", "other/../real/key", "file", "real/k*"])
def test_no_way_leads_to_what_the_ignore_file_leaves_out(site: Site, source: str) -> None:
    """A COPY is told which line it is; a wildcard does not see it, nor does a bind."""
    (site.context / ".dockerignore").write_text("# mine\nreal/key\n")
    for name in ("real/key", "real/open", "other/file"):
        (site.context / name).parent.mkdir(exist_ok=True)
        (site.context / name).write_text(name)
    (site.context / "link").symlink_to("real")
    (site.context / "file").symlink_to("link/key")
    with pytest.raises(BuildFileInvalid) as caught:
        site.build(f"COPY {source} /x/\n")
    if "*" in source:
        assert caught.value.message.endswith(f'nothing in the build context matches "{source}"')
        return
    assert caught.value.message.endswith(f'"{source}" is not in the build context')
    assert caught.value.hint == 'line 2 of .dockerignore leaves it out: "real/key"'
    with pytest.raises(BuildFailed, match="is not in the build context") as failed:
        site.build(f"RUN --mount=type=bind,source={source},target=/x cat /x\n")
    assert failed.value.hint == caught.value.hint


def test_a_wildcard_and_a_bind_see_what_is_not_left_out_behind_a_link(site: Site) -> None:
    (site.context / ".dockerignore").write_text("real/key\n")
    for name in ("real/key", "real/open"):
        (site.context / name).parent.mkdir(exist_ok=True)
        (site.context / name).write_text(name)
    (site.context / "link").symlink_to("real")
    image = site.build(
        "COPY lin? /folder\nCOPY link/* /names/\nRUN --mount=source=link,target=/bound ls /bound\n"
    )
    names = {name for name in site.files(image) if name.startswith(("folder/", "names/"))}
    assert names == {"folder/open", "names/open"}
    assert site.said() == ["open"]


def test_an_archive_is_unpacked_by_add_and_copied_by_copy(site: Site) -> None:
    import tarfile

    with tarfile.open(site.context / "a.tar.gz", "w:gz") as archive:
        archive.add(site.context / "passwd", "in/passwd")
    image = site.build("ADD a.tar.gz /added\nCOPY a.tar.gz /copied/\n")
    assert {"added/in/passwd", "copied/a.tar.gz"} <= set(site.files(image))


def test_a_linked_copy_is_found_whatever_it_lies_on(site: Site) -> None:
    """Its layer is the same on another base, and what follows it is made upon it."""
    text = "RUN echo {} > /below\nCOPY --link passwd /copied/passwd\nRUN cat /below /copied/passwd > /both\n"
    first = site.build(text.format(1))
    second = site.build(text.format(2))
    verdicts = [verdict for verdict, _ in site.verdicts().values()][-3:]
    assert verdicts == [Verdict.DONE, Verdict.CACHED, Verdict.DONE]
    assert first.config.diff_ids[-2] == second.config.diff_ids[-2]
    assert first.config.diff_ids[-1] != second.config.diff_ids[-1]
    assert (Path(second.lowers()[-1]) / "both").read_text().startswith("2\nroot:x:0:")
    third = site.build(text.format(2))
    assert third.digest == second.digest


def test_a_linked_copy_does_not_look_at_what_is_below(site: Site) -> None:
    """A link there is not followed: it gives way; names of owners are looked up all the same."""
    files = site.files(
        site.build("RUN mkdir /real && ln -s real /link\nCOPY --link --chown=app:more passwd /link/passwd\n")
    )
    assert stat.S_ISDIR(files["link"].st_mode)
    assert "real/passwd" not in files
    copied = files["link/passwd"]
    assert (copied.st_uid, copied.st_gid) == (7, 9)


def test_squashed_layers_are_one_that_hides_what_they_hid(site: Site) -> None:
    """The tree is the same as without, in one layer; the base's layers and the history of what was done stay."""
    base = site.build("RUN mkdir /old /kept && touch /old/file /gone /kept/a /kept/b && chmod 750 /kept\n")
    site.store.references.move(parse("base"), base.descriptor, verb="build")
    text = (
        "FROM base\nRUN rm -r /old /gone /kept/a && echo 1 > /new && echo 2 > /short\n"
        "RUN rm /short && mkdir /old && echo 3 > /old/other && mkdir -p /deep/er && ln /new /deep/er/hard\n"
        "RUN rm -r /deep/er && mkdir /deep/er && ln -s /new /gone\nENV A=b\n"
    )
    plain, squashed = site.build(text, whole=True), site.build(text, whole=True, squashes=True)
    assert squashed.config.diff_ids[:-1] == base.config.diff_ids
    top = site.files(squashed, layers=1)
    assert "short" not in top and stat.S_ISLNK(top["gone"].st_mode)
    mine, expected = site.files(squashed), site.files(plain)
    assert {path: seen(one) for path, one in mine.items()} == {
        path: seen(one) for path, one in expected.items()
    }
    assert "old/file" not in mine and "kept/a" not in mine and "kept/b" in mine
    history = squashed.config.history
    assert [each.created_by for each in history[-5:]] == [*text.splitlines()[1:], "squash"]
    assert [each.empty_layer for each in history[-5:]] == [True] * 4 + [False]
    assert squashed.config.config["Env"][-1] == "A=b"
    again = site.build(text, whole=True, squashes=True)
    assert again.digest == squashed.digest
    assert site.verdicts()["squash"][0] == Verdict.CACHED


def seen(status: os.stat_result) -> tuple[int, int]:
    """Return mode and size; of a folder no size, which counts removed entries too, or is that of a block."""
    return status.st_mode, 0 if stat.S_ISDIR(status.st_mode) else status.st_size


def test_a_squash_of_scratch_is_one_layer(site: Site) -> None:
    image = site.build("FROM base\nRUN touch /x\nRUN rm /x && touch /y\n", squashes=True)
    assert len(image.manifest.layers) == 1
    files = site.files(image)
    assert "y" in files and "x" not in files and "bin/busybox" in files
    assert len(site.build("FROM scratch\nCOPY passwd /\n", squashes=True).manifest.layers) == 1
