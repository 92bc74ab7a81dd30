# SPDX-License-Identifier: Apache-2.0
"""images, inspect, history, rollback, tag, untag: what they print and what they change."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from estiba.images import Descriptor, History, Image, ImageConfig, Index, Platform, Store, history, media
from estiba.images.platform import host
from estiba.images.reference import parse
from estiba.muelle.main import main
from support.images import put_image


class Said(NamedTuple):
    """What a command line came to."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[list[str]]:
        """The words of each line."""
        return [line.split() for line in self.out.splitlines()]


Muelle = Callable[..., Said]


def rows(said: Said) -> list[dict[str, Any]]:
    """Return what was printed by --format json."""
    return [json.loads(line) for line in said.out.splitlines()]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with `web`, which has stood for two images, and `base`, whose layer they share."""
    made = Store.open(tmp_path / "store")
    base = {"etc/base": b"x" * 1000}
    images = [
        put_image(made.blobs, [base]),
        put_image(made.blobs, [base, {"a": b"1"}], Cmd=["serve"], Labels={"own": "label"}),
        put_image(made.blobs, [base, {"a": b"22"}], Cmd=["serve", "2"]),
    ]
    made.references.move(parse("base:1"), images[0], verb="pull")
    for image in images[1:]:
        made.references.move(parse("web"), image, verb="build", who="somebody")
    return made


@pytest.fixture
def muelle(store: Store, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Muelle:
    """Run a command line over the store."""

    def run(*args: str) -> Said:
        code = main(["--store", store.root, "--root", str(tmp_path / "state"), *args])
        return Said(code, *capfd.readouterr())

    return run


def web(store: Store) -> Descriptor:
    """Return what `web` stands for."""
    found = store.references.get(parse("web"))
    assert found is not None
    return found


def test_images_shows_what_each_takes_alone(muelle: Muelle) -> None:
    """A shared layer is nobody's own."""
    said = muelle("images")
    assert said.lines[0] == ["REPOSITORY", "TAG", "IMAGE", "ID", "CREATED", "SIZE", "UNIQUE"]
    assert [line[:2] for line in said.lines[1:]] == [["base", "1"], ["web", "latest"]]
    rows = [json.loads(line) for line in muelle("images", "--format", "json").out.splitlines()]
    assert rows[0]["UniqueSize"] == 0
    assert 0 < rows[1]["UniqueSize"] < rows[1]["Size"]


@pytest.mark.parametrize(
    ("pattern", "names"), [("web", ["web"]), ("b*", ["base"]), ("base:1", ["base"]), ("nothing", [])]
)
def test_images_can_be_asked_for_by_name(muelle: Muelle, pattern: str, names: list[str]) -> None:
    """A repository, a whole name, or a pattern."""
    assert muelle("images", pattern, "--format", "{{.Repository}}").out.split() == names


def test_version_is_printed_as_it_is_asked_for(muelle: Muelle) -> None:
    """As lines, as JSON, by a template."""
    lines, said = muelle("version").lines, json.loads(muelle("version", "--format", "json").out)
    assert lines[0] == ["muelle", "version", said["version"]]
    assert muelle("version", "--format", "{{.Version}} {{.imageSpec}}").lines == [
        [said["version"], lines[2][1]]
    ]


def test_an_image_is_only_taken_for_the_platform_that_is_asked_for(muelle: Muelle, store: Store) -> None:
    """Whether its name stands for it alone, or for several of which that one was never fetched."""
    assert muelle("inspect", "--platform", "linux/amd64", "web").code == 0
    said = muelle("inspect", "--platform", "linux/arm64", "web")
    assert (said.code, said.out) == (1, "")
    assert said.err == (
        '"web" is for linux/amd64, not for linux/arm64\n'
        "hint: `muelle pull --platform linux/arm64 web` fetches one that is, if there is one\n"
    )
    absent = web(store)._replace(digest=f"sha256:{64 * 'a'}", platform=Platform("linux", "arm64"))
    data = Index((web(store)._replace(platform=Platform("linux", "amd64")), absent)).to_bytes()
    several = Descriptor(media.OCI_INDEX, store.blobs.put(data), len(data))
    store.references.move(parse("several"), several, verb="pull")
    assert muelle("history", "--platform", "linux/amd64", "several").code == 0
    assert muelle("history", "--platform", "linux/arm64", "several").err == (
        f"index {several.digest}: its image for linux/arm64 is not here, only for linux/amd64\n"
        "hint: `muelle pull --platform linux/arm64` fetches it\n"
    )


def test_an_image_of_another_machine_is_looked_at_where_it_is_the_only_one_here(
    muelle: Muelle, store: Store, tmp_path: Path
) -> None:
    """With a warning; what would run it says what is here."""
    other = Platform("linux", "s390x")
    absent = web(store)._replace(digest=f"sha256:{64 * 'a'}", platform=host())
    document = ImageConfig("s390x", "linux", diff_ids=Image.resolve(store, "web").config.diff_ids).to_bytes()
    described = Descriptor(media.OCI_CONFIG, store.blobs.put(document), len(document))
    manifest = Image.resolve(store, "web").manifest._replace(config=described).to_bytes()
    foreign = Descriptor(media.OCI_MANIFEST, store.blobs.put(manifest), len(manifest), platform=other)
    data = Index((absent, foreign)).to_bytes()
    index = Descriptor(media.OCI_INDEX, store.blobs.put(data), len(data))
    store.references.move(parse("far"), index, verb="pull")
    for words in (["history"], ["inspect"], ["diff", "web"], ["save", "-o", f"{tmp_path}/far.tar"]):
        said = muelle(*words, "far")
        assert (said.code, said.err) == (
            0,
            "" if words[0] == "save" else 'warning: "far" is here for linux/s390x only\n',
        )
    assert json.loads(muelle("images", "--format", "json", "far").out)["Size"] > 1000
    refused = muelle("run", "--pull", "never", "far")
    assert refused.code == 125
    assert f"its image for {host()} is not here, only for linux/s390x\n" in refused.err


def test_a_new_name_with_a_digest_is_refused(muelle: Muelle, tmp_path: Path) -> None:
    """Whatever gives it: the digest says which image it is."""
    name = f"other@sha256:{64 * 'a'}"
    layout = f"oci:{tmp_path}/layout"
    assert muelle("copy", "web", layout).code == 0
    for words in (("tag", "web"), ("load", "-i", f"{tmp_path}/layout", "-t"), ("copy", layout)):
        said = muelle(*words, name)
        assert (said.code, said.out) == (1, "")
        assert said.err.splitlines()[0].endswith('": a new name has no digest')


def test_images_prints_ids_alone(muelle: Muelle, store: Store) -> None:
    """Each once, also where two names stand for it."""
    muelle("tag", "web", "other")
    ids = muelle("images", "-q", "--no-trunc").out.split()
    assert len(ids) == 2 and all(id.startswith("sha256:") for id in ids)


@pytest.mark.parametrize(
    ("args", "names"),
    [
        ([], ["base", "web"]),
        (["-a"], ["base", "web", "<none>"]),
        (["-f", "dangling=true"], ["<none>"]),
        (["-f", "dangling=false"], ["base", "web"]),
        (["-f", "reference=b*", "-f", "reference=web"], ["base", "web"]),
        (["-a", "-f", "label=own=label"], ["<none>"]),
    ],
)
def test_images_can_be_asked_for_by_what_they_are(
    muelle: Muelle, store: Store, args: list[str], names: list[str]
) -> None:
    """One that has a name, too, is not one without."""
    store.references.keep(put_image(store.blobs, [{"b": b"1"}], Labels={"own": "label"}))
    store.references.keep(web(store))
    assert muelle("images", *args, "--format", "{{.Repository}}").out.split() == names


def test_a_damaged_image_does_not_hide_the_others(muelle: Muelle, store: Store) -> None:
    """It is listed, without what cannot be read."""
    store.blobs.remove(web(store).digest)
    assert [line[0] for line in muelle("images").lines[1:]] == ["base", "web"]


def test_history_shows_layers_and_who_shares_them(muelle: Muelle) -> None:
    """Newest first, and no `<missing>`."""
    said = muelle("history", "web")
    assert said.lines[0] == ["LAYER", "CREATED", "SIZE", "CREATED", "BY", "SHARED", "WITH"]
    assert "layer 1" in said.out.splitlines()[1]
    assert said.out.splitlines()[2].endswith("layer 0      base:1")
    assert len(muelle("history", "-q", "web").lines) == 2


def test_history_shows_the_past_of_a_name(muelle: Muelle) -> None:
    """Newest first, with a star at what it stands for."""
    said = muelle("history", "--versions", "web")
    assert said.lines[0] == ["VERSION", "FROM", "DIGEST", "WHEN", "BY", "WHO"]
    assert [line[0] for line in said.lines[1:]] == ["2", "1"]
    assert said.lines[1][1] == "*" and "somebody" in said.out
    newest, oldest = rows(muelle("history", "--versions", "--format=json", "web"))
    assert (newest["Version"], newest["By"], newest["Current"]) == (2, "build", True)
    assert (newest["From"], oldest["From"], oldest["Current"]) == (oldest["Digest"], None, False)


def test_history_shows_each_move_of_a_name(muelle: Muelle, store: Store) -> None:
    """A rollback and a removal too: from where to where, by which verb and by whom; but each version once by -q."""
    muelle("rollback", "web")
    muelle("untag", "web")
    first, second = (one.digest for one in history.versions(store, parse("web")))
    untagged, back, *others = rows(muelle("history", "--versions", "--format=json", "web"))
    assert [untagged[name] for name in ("Version", "From", "Digest", "By")] == [None, first, None, "untag"]
    assert [back[name] for name in ("Version", "From", "Digest", "By")] == [1, second, first, "rollback"]
    assert [one["By"] for one in others] == ["build", "build"]
    assert muelle("history", "-q", "--versions", "web").lines == [[second], [first]]
    table = muelle("history", "--versions", "web").lines
    assert (table[1][:2], table[2][:3]) == (
        [first[7:19], "nothing"],
        ["1", second[7:19], first[7:19]],
    )
    form = ["--format", "{{.By}} {{.From}}"]
    assert muelle("history", "--versions", *form, "web").lines[1] == ["rollback", second]


def test_history_shows_messages_where_an_instruction_would_be(muelle: Muelle, store: Store) -> None:
    """That of an import alone, that of a commit behind what was run; BuildKit's mark is nobody's message."""
    config = Image.resolve(store, "web").config
    for by, comment, shown in (
        ("import", "from a test", "from a test"),
        ("import", None, "import"),
        ("sh", "with a config", "sh # with a config"),
        ("RUN true", "buildkit.dockerfile.v0", "RUN true"),
    ):
        told = (History("1970-01-01T00:00:00Z", by, comment), config.history[1])
        data = config._replace(history=told).to_bytes()
        described = Descriptor(media.OCI_CONFIG, store.blobs.put(data), len(data))
        manifest = Image.resolve(store, "web").manifest._replace(config=described).to_bytes()
        made = Descriptor(media.OCI_MANIFEST, store.blobs.put(manifest), len(manifest))
        store.references.move(parse("told"), made, verb="import")
        last = " ".join(muelle("history", "told").lines[-1])
        assert "years ago" in last and f"B {shown} base:1" in last


def test_rollback_goes_back_and_forward(muelle: Muelle, store: Store) -> None:
    """By default to the version before; it says where one is."""
    second = web(store)
    said = muelle("rollback", "web")
    assert said.out == f"web:latest is version 1 again: {web(store).digest[7:19]}\n"
    assert web(store) != second
    assert muelle("rollback", "-q", "--to", "2", "web").out == f"{second.digest}\n"
    assert web(store) == second


def test_a_version_can_be_named_wherever_an_image_can(muelle: Muelle, store: Store) -> None:
    """By its number, or as one before."""
    second = web(store)
    assert muelle("tag", "web@1", "old").code == 0
    assert muelle("inspect", "-f", "{{.Config.Cmd}}", "old", "web@-1", "web@2", "web@0").lines == [
        ['["serve"]'],
        ['["serve"]'],
        ['["serve",', '"2"]'],
        ['["serve",', '"2"]'],
    ]
    muelle("rollback", "web")
    assert muelle("tag", "web@2", "new").code == 0
    assert store.references.get(parse("new")) == second
    said = muelle("tag", "web@3", "x")
    assert said.err == (
        '"web:latest" has no version 3\nhint: `muelle history --versions web:latest` lists them\n'
    )


def test_a_version_that_is_gone_is_told_the_same_everywhere(muelle: Muelle, store: Store) -> None:
    """That prune took it, and not that the store is damaged."""
    first = store.references.log(parse("web"))[0]
    assert muelle("prune", "--keep", "1").code == 0
    for args in (
        ["rollback", "web"],
        ["run", "web@1"],
        ["diff", "web@1", "web"],
        ["diff", "web"],
        ["tag", "web@1", "x"],
        ["save", "web@1"],
    ):
        said = muelle(*args)
        assert (said.code != 0, said.out) == (True, "")
        assert said.err == (
            f'"web:latest": version 1 is not whole: blob {first.after} is gone\n'
            "hint: `muelle prune` keeps the last versions of each name; older ones go\n"
        )


def test_tag_and_untag_give_and_take_names(muelle: Muelle, store: Store) -> None:
    """An untagged name has a past still."""
    assert muelle("tag", "web", "localhost:5000/web:2").code == 0
    assert store.references.get(parse("localhost:5000/web:2")) == web(store)
    assert muelle("untag", "web").out == "untagged: web:latest\n"
    assert store.references.get(parse("web")) is None
    assert muelle("rollback", "web").out.startswith("web:latest is version 2 again: ")


def test_names_that_cannot_go_are_told_and_the_others_go(muelle: Muelle, store: Store) -> None:
    """With what nobody uses any more; by --force a name that is absent is a warning."""
    said = muelle("rmi", "wep", "web", "bse:1")
    assert (said.code, said.err.splitlines()) == (
        1,
        [
            'there is no image "wep" in the store',
            'hint: did you mean "web"?',
            'there is no image "bse:1" in the store',
            'hint: did you mean "base:1"?',
        ],
    )
    assert said.lines[0] == ["untagged:", "web:latest"] and said.lines[-1][:2] == ["removed:", "6"]
    assert muelle("rmi", "--force", "web", "base:1").code == 0
    said = muelle("rmi", "-f", "web")
    assert (said.code, said.out, said.err) == (0, "", 'warning: there is no image "web" in the store\n')
    assert list(store.blobs.iterate()) == []


def test_untag_goes_on_after_a_name_that_is_none(muelle: Muelle, store: Store) -> None:
    """What was likely meant is said."""
    said = muelle("untag", "wep", "web")
    assert (said.code, said.out) == (1, "untagged: web:latest\n")
    assert said.err == '"wep:latest" names no image\nhint: did you mean "web"?\n'


def test_inspect_prints_what_dockers_users_look_for(muelle: Muelle, store: Store) -> None:
    """As an array, one object a name."""
    (found,) = json.loads(muelle("inspect", "web").out)
    assert found["RepoTags"] == ["web:latest"]
    assert found["RepoDigests"] == [f"web@{web(store).digest}"]
    assert found["Config"]["Cmd"] == ["serve", "2"]
    assert (found["Os"], found["Architecture"]) == ("linux", "amd64")
    assert len(found["RootFS"]["Layers"]) == 2
    assert muelle("inspect", "--format", "{{.Os}}/{{.Architecture}}", "web").out == "linux/amd64\n"


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["history", "nothing"], 1, 'there is no image "nothing" in the store'),
        (["inspect", "nothing"], 1, '"nothing" is neither a container nor an image'),
        (["inspect", "--type=container", "web"], 1, 'container "web" does not exist'),
        (["inspect", "-f", "{{.Sise}}", "web"], 1, '--format: there is no field "Sise"'),
        (
            ["inspect", "-f", "{{range .Layers}}", "web"],
            1,
            '--format: "{{range .Layers}}" is more than is understood',
        ),
        (["inspect", "-f", "Size", "web"], 1, '--format: "Size" names no field'),
        (["history", "--versions", "never"], 1, '"never:latest" has no versions: it never named an image'),
        (["rollback", "web", "--to", "9"], 1, '"web:latest": no version "9"'),
        (
            ["rollback", "web", "--to", "last week"],
            1,
            '"last week" is no version: not a number, a digest or a time',
        ),
        (["diff", "web@1"], 1, '"web@1" has no version before it'),
        (["tag", "web", "Web"], 1, 'reference "Web": a repository is written in lower case'),
        (["untag", "nothing"], 1, '"nothing:latest" names no image'),
    ],
)
def test_what_cannot_be_is_said_in_one_line(muelle: Muelle, args: list[str], code: int, message: str) -> None:
    """And nothing is printed on standard output."""
    said = muelle(*args)
    assert (said.code, said.out) == (code, "")
    assert said.err.splitlines()[0].startswith(message)
