// SPDX-License-Identifier: Apache-2.0
//! argv to options and words, by the generated table; refusals in the words that the Python door uses too.
//!
//! Options stand before or after the words; `--name value`, `--name=value`, and one dash as good as two.
//! tests/golden/arguments.txt holds cases that this parser and the one in estiba.cli.parse answer alike.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use estiba_engine::generated::arguments::{
    Arity, GLOBAL, HINTS, Kind, OptionSpec, REFUSALS, VERBS, VerbSpec,
};
use estiba_engine::generated::lookup;

/// What argv says.
#[derive(Debug)]
pub struct Parsed<'a> {
    pub globals: Options<'a>,
    /// None only where --help or --version was asked for.
    pub verb: Option<&'static VerbSpec>,
    pub options: Options<'a>,
    /// The words beside the options; for a verb of Python's, everything after its name.
    pub words: Vec<&'a str>,
}

/// Options as given, in order.
#[derive(Debug, Default)]
pub struct Options<'a>(Vec<(&'static OptionSpec, &'a str)>);

impl<'a> Options<'a> {
    /// Is the flag set?
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.text(name) == Some("true")
    }

    /// The value given last.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.0.iter().rev().find(|given| given.0.name == name).map(|given| given.1)
    }

    /// The number given last.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u32> {
        self.text(name).and_then(|digits| digits.parse().ok())
    }

    /// All values given.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |given| given.0.name == name).map(|given| given.1)
    }
}

/// argv cannot be taken as it is.
#[derive(Debug)]
pub struct Refusal<'a> {
    /// What was read before: where the log is.
    pub globals: Options<'a>,
    pub message: String,
    pub hint: String,
    pub exit: u8,
}

type Verb = Option<&'static VerbSpec>;

/// Read the arguments after the command's own name.
///
/// # Errors
/// A refusal says what is wrong with them, and what comes near.
pub fn parse<'a>(args: &[&'a str]) -> Result<Parsed<'a>, Refusal<'a>> {
    let mut parsed =
        Parsed { globals: Options::default(), verb: None, options: Options::default(), words: Vec::new() };
    match read(args, &mut parsed) {
        Ok(()) => Ok(parsed),
        Err(refusal) => Err(Refusal { globals: parsed.globals, ..refusal }),
    }
}

fn read<'a>(args: &[&'a str], parsed: &mut Parsed<'a>) -> Result<(), Refusal<'a>> {
    let mut rest = args;
    while let Some(first) = rest.first().filter(|word| is_option(word)) {
        if *first == "--" {
            rest = rest.get(1..).unwrap_or_default();
            break;
        }
        rest = take(None, GLOBAL, rest, &mut parsed.globals)?;
    }
    if parsed.globals.flag("help") || parsed.globals.flag("version") {
        return Ok(());
    }
    let Some((name, after)) = rest.split_first() else {
        return Err(refusal(None, "no-command", &[], None));
    };
    let Ok(at) = VERBS.binary_search_by(|verb| verb.name.cmp(name)) else {
        let near = nearest(name, VERBS.iter().map(|verb| verb.name));
        return Err(refusal(None, "unknown-command", &[("what", name)], near));
    };
    parsed.verb = VERBS.get(at);
    match parsed.verb {
        Some(verb) if verb.is_native => read_verb(verb, after, parsed),
        _ => {
            parsed.words.extend(after);
            Ok(())
        }
    }
}

fn read_verb<'a>(
    verb: &'static VerbSpec,
    args: &[&'a str],
    parsed: &mut Parsed<'a>,
) -> Result<(), Refusal<'a>> {
    let mut rest = args;
    let mut only_words = false;
    while let Some((first, after)) = rest.split_first() {
        if !only_words && *first == "--" {
            only_words = true;
            rest = after;
        } else if only_words || !is_option(first) {
            parsed.words.push(first);
            rest = after;
            if verb.has_rest && parsed.words.len() == 1 {
                only_words = true;
                rest = rest.strip_prefix(&["--"]).unwrap_or(rest);
            }
        } else {
            rest = take(Some(verb), verb.options, rest, &mut parsed.options)?;
        }
    }
    if parsed.options.flag("help") { Ok(()) } else { count(verb, &parsed.words) }
}

/// Are there as many words as the verb wants?
fn count(verb: &'static VerbSpec, words: &[&str]) -> Result<(), Refusal<'static>> {
    let wanted = verb.positionals;
    let missing = wanted.get(words.len()).filter(|positional| positional.1 == Arity::One);
    if let Some((name, _)) = missing {
        return Err(refusal(Some(verb), "missing", &[("what", name)], None));
    }
    let has_rest = wanted.last().is_some_and(|positional| positional.1 == Arity::Rest);
    match words.get(wanted.len()) {
        Some(word) if !has_rest => Err(refusal(Some(verb), "surplus", &[("what", word)], None)),
        _ => Ok(()),
    }
}

/// Read one option from the head of `args`; return what follows it.
fn take<'s, 'a>(
    verb: Verb,
    specs: &'static [OptionSpec],
    args: &'s [&'a str],
    options: &mut Options<'a>,
) -> Result<&'s [&'a str], Refusal<'a>> {
    let Some((first, mut after)) = args.split_first() else {
        return Ok(args);
    };
    let (dashed, mut value) = match first.split_once('=') {
        Some((dashed, value)) => (dashed, Some(value)),
        None => (*first, None),
    };
    let name = dashed.strip_prefix("--").or_else(|| dashed.strip_prefix('-')).unwrap_or(dashed);
    let known = |spec: &&OptionSpec| spec.name == name || (spec.letter == name && !name.is_empty());
    let Some(spec) = specs.iter().find(known) else {
        let near = nearest(name, specs.iter().map(|spec| spec.name)).map(|near| format!("--{near}"));
        return Err(refusal(verb, "unknown-option", &[("what", dashed)], near.as_deref()));
    };
    if value.is_none() && spec.kind != Kind::Flag {
        value = after.first().copied();
        after = after.get(1..).unwrap_or_default();
    }
    let option = format!("--{}", spec.name);
    let facts = |value| [("what", option.as_str()), ("metavar", spec.value), ("value", value)];
    let taken = match (spec.kind, value) {
        (Kind::Flag, None | Some("1" | "t" | "T" | "true" | "TRUE" | "True")) => "true",
        (Kind::Flag, Some("0" | "f" | "F" | "false" | "FALSE" | "False")) => "false",
        (Kind::Flag, Some(other)) => return Err(refusal(verb, "flag-value", &facts(other), None)),
        (_, None) => return Err(refusal(verb, "needs-value", &facts(""), None)),
        (Kind::Text | Kind::List, Some(any)) => any,
        (Kind::Number, Some(digits)) if is_number(digits) => digits,
        (Kind::Number, Some(other)) => return Err(refusal(verb, "not-a-number", &facts(other), None)),
        (Kind::Choice, Some(word)) if spec.value.split('|').any(|choice| choice == word) => word,
        (Kind::Choice, Some(other)) => return Err(refusal(verb, "bad-value", &facts(other), None)),
    };
    options.0.push((spec, taken));
    Ok(after)
}

fn is_option(word: &str) -> bool {
    word.len() > 1 && word.starts_with('-')
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit()) && word.parse::<u32>().is_ok()
}

/// Make a refusal in the table's words; `verb` is None before there is one.
fn refusal(verb: Verb, what: &str, facts: &[(&str, &str)], near: Option<&str>) -> Refusal<'static> {
    let place = match verb {
        Some(verb) => format!("estiba {}", verb.name),
        None => String::from("estiba"),
    };
    let (hint, near) = near.map_or(("help", ""), |near| ("near", near));
    let mut all = alloc::vec![("where", place.as_str()), ("near", near)];
    all.extend(facts);
    Refusal {
        globals: Options::default(),
        message: fill(lookup(REFUSALS, what).unwrap_or(what), &all),
        hint: fill(lookup(HINTS, hint).unwrap_or(hint), &all),
        exit: verb.map_or(1, |verb| verb.failure_exit),
    }
}

/// Put facts where the template names them in braces.
fn fill(template: &str, facts: &[(&str, &str)]) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, behind) = after.split_once('}').unwrap_or((after, ""));
        text.push_str(before);
        text.push_str(facts.iter().find(|fact| fact.0 == name).map_or("", |fact| fact.1));
        rest = behind;
    }
    text.push_str(rest);
    text
}

/// The name that is at most two changes away and less than half of the word.
fn nearest<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let length = word.chars().count();
    let measured = names.map(|name| (distance(word, name), name));
    measured.filter(|near| near.0 <= 2 && near.0 * 2 < length).min_by_key(|near| near.0).map(|near| near.1)
}

/// Insertions, deletions and replacements between two words (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (line, left) in from.chars().enumerate() {
        let mut next = alloc::vec![line + 1];
        for (right, pair) in to.chars().zip(row.windows(2)) {
            let [diagonal, above] = pair else { continue };
            let aside = next.last().copied().unwrap_or(line + 1);
            next.push((diagonal + usize::from(left != right)).min(above + 1).min(aside + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str = include_str!("../../../tests/golden/arguments.txt");

    fn told(line: &str) -> String {
        let args: Vec<&str> =
            line.split(' ').skip(1).map(|word| if word == "''" { "" } else { word }).collect();
        let mut lines = Vec::new();
        match parse(&args) {
            Ok(parsed) => {
                lines.extend(
                    parsed.globals.0.iter().map(|given| format!("  global {}={}", given.0.name, given.1)),
                );
                lines.extend(parsed.verb.map(|verb| format!("  verb {}", verb.name)));
                lines.extend(
                    parsed.options.0.iter().map(|given| format!("  option {}={}", given.0.name, given.1)),
                );
                let shown = |word: &&str| format!("  word {}", if word.is_empty() { "''" } else { word });
                lines.extend(parsed.words.iter().map(shown));
            }
            Err(refusal) => {
                let Refusal { message, hint, exit, .. } = refusal;
                lines.extend([
                    format!("  refused {message}"),
                    format!("  hint {hint}"),
                    format!("  exit {exit}"),
                ]);
            }
        }
        lines.join("\n")
    }

    #[test]
    fn every_golden_command_line_is_answered_as_written() {
        for case in GOLDEN.split("\n\n").filter(|case| case.starts_with("$")) {
            let (line, expected) = case.trim_end().split_once('\n').unwrap_or((case.trim_end(), ""));
            assert_eq!(told(line), expected, "{line}");
        }
    }

    #[test]
    fn a_number_given_twice_is_the_last_one() {
        let parsed = parse(&["run", "--preserve-fds", "1", "--preserve-fds=2", "web"]).unwrap();
        assert_eq!(parsed.options.number("preserve-fds"), Some(2));
    }
}
