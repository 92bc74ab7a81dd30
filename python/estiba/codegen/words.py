# SPDX-License-Identifier: Apache-2.0
"""Phrases, words for error numbers, error kinds, and the life of a container."""

from __future__ import annotations

from estiba.codegen.layout import const, enum, module, names_of, pairs, text
from estiba.tables import errnos, errors, phrases, transitions, version


def words() -> dict[str, str]:
    """Write version.rs, phrases.rs, errnos.rs and errors.rs."""
    named = sorted(
        (name, value)
        for name, value in vars(phrases).items()
        if name.isupper() and not name.startswith("_") and isinstance(value, str)
    )
    phrase = "".join(f"pub const {name}: &str = {text(value)};\n" for name, value in named)
    known = sorted((number, name) for name, number in errnos.ERRNOS.items())
    variants = {name: name for name in errors.ERROR_KINDS}
    versions = "".join(
        f"pub const {name}: &str = {text(getattr(version, name))};\n"
        for name in ("VERSION", "SPEC", "SPEC_OLDEST", "TEXT")
    )
    return {
        "version": module("Versions that estiba tells its callers (estiba.tables.version).", versions),
        "phrases": module(
            "Words that callers search for (estiba.tables.phrases).",
            phrase,
            const(
                "CALLERS",
                "&str",
                map(text, phrases.CALLERS),
                "No other message or hint may contain one of these.",
            ),
        ),
        "errnos": module(
            "Error numbers, their names and our words for them.",
            const(
                "ERRNOS",
                "(u16, (&str, &str))",
                (
                    f"({number}, ({text(name)}, {text(phrases.ERRNO_WORDS.get(name, ''))}))"
                    for number, name in known
                ),
                'Number to (name, words), by number; words "" means that the name stands alone.',
            ),
        ),
        "errors": module(
            "Kinds of errors.",
            enum(
                "ErrorKind",
                {name: note[0].upper() + note[1:] for name, note in errors.ERROR_KINDS.items()},
                "What kind of thing went wrong; each is a class of estiba.errors.",
            ),
            names_of("ErrorKind", variants),
            const("ERROR_KINDS", "ErrorKind", (f"ErrorKind::{name}" for name in variants), "All of them."),
        ),
    }


def life() -> str:
    """Write transitions.rs."""
    states = {state.capitalize(): state for state in transitions.STATES}
    steps = {verb: f"{verb.upper()}_STEPS" for verb in transitions.TRANSITIONS}
    advice = {verb: f"{verb.upper()}_HINTS" for verb in transitions.HINTS}
    needs = {verb: text(phrase) for verb, phrase in transitions.NEEDS.items()}
    allowed = "Verb to what is allowed and what follows."
    return module(
        "The life of a container.",
        enum("Status", {variant: variant for variant in states}, "The OCI status."),
        names_of("Status", states),
        "/// From a status to the next; None is the end of the container.\n"
        "pub type Steps = &'static [(Status, Option<Status>)];\n",
        *(steps_of(verb) for verb in transitions.TRANSITIONS),
        *(hints_of(verb) for verb in transitions.HINTS),
        const("TRANSITIONS", "(&str, Steps)", pairs(steps), allowed),
        const("NEEDS", "(&str, &str)", pairs(needs), 'What follows `container "ID" is STATUS: `.'),
        const(
            "HINTS",
            "(&str, &[(Status, &str)])",
            pairs(advice),
            "Advice by verb and status; {id} is the container's.",
        ),
    )


def steps_of(verb: str) -> str:
    """Write from which status to which a verb leads."""
    entries = (f"({status(old)}, {after(new)})" for old, new in transitions.TRANSITIONS[verb].items())
    return const(f"{verb.upper()}_STEPS", "(Status, Option<Status>)", entries, "", public=False)


def hints_of(verb: str) -> str:
    """Write the advice of a verb for each status that refuses it."""
    entries = (f"({status(state)}, {text(hint)})" for state, hint in transitions.HINTS[verb].items())
    return const(f"{verb.upper()}_HINTS", "(Status, &str)", entries, "", public=False)


def status(name: str) -> str:
    """Write a status."""
    return f"Status::{name.capitalize()}"


def after(name: str) -> str:
    """Write what follows: a status, or the end."""
    return "None" if name == "absent" else f"Some({status(name)})"
