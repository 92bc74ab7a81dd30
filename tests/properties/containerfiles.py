# SPDX-License-Identifier: Apache-2.0
"""Texts that are Containerfiles, nearly are, or are not at all."""

from __future__ import annotations

from hypothesis import strategies as st

from estiba.build.recipe.parse import READERS

WORDS = st.one_of(
    st.sampled_from(
        [
            *(
                "a",
                "b",
                "/c",
                "./d/",
                "$X",
                "${X}",
                "${X:-y}",
                "${X#*/}",
                '"q r"',
                "'s'",
                "\\ ",
                "\\",
                '"',
                "'",
                "`",
            ),
            *(
                "[",
                "]",
                '["a", "b"]',
                "['a']",
                "--",
                "--from=x",
                "--chown=1:1",
                "--mount=type=cache,target=/x",
                "=",
                "a=b",
            ),
            *(
                'a="b c"',
                "<<EOF",
                "<<-EOF",
                "<<'EOF'",
                "<< EOF",
                "EOF",
                "#",
                "AS",
                "CMD",
                "NONE",
                "80",
                "7-9/tcp",
                "\t",
                "\r",
            ),
            *(
                "--interval=5s",
                "--network=none",
                "--link",
                "--chmod=0755",
                "--exclude=*.x",
                "<<<x",
                "$((1<<2))",
            ),
        ]
    ),
    st.text(max_size=6),
)

KEYWORDS = st.sampled_from([*READERS, "run", "RUNN", "", "#", "# escape=`", "# escape=\\", "EOF", "\tEOF"])


@st.composite
def lines(draw: st.DrawFn) -> str:
    """An instruction, or what looks like one, over one or more written lines."""
    words = draw(st.lists(WORDS, max_size=6))
    between = draw(
        st.lists(st.sampled_from([" ", "  ", "\t", " \\\n", "\\\n  ", " \\\n# c\n"]), min_size=7, max_size=7)
    )
    text = draw(KEYWORDS)
    for word, space in zip(words, between, strict=False):
        text += space + word
    return text


containerfiles = st.one_of(
    st.text(),
    st.lists(lines(), max_size=8).map("\n".join),
    st.lists(lines(), max_size=5).map(lambda made: "\n".join(["FROM scratch", *made, "EOF"])),
)
