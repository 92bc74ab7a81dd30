// SPDX-License-Identifier: Apache-2.0
//! Which paths are left out: patterns as ignore files have them, the last that matches decides.
//!
//! `*` and `?` stay within a component, `**` is whole components, `[a-z]` and `[^a-z]` are one of a set, `\` takes the next byte as it is. A
//! pattern that matches a folder matches all in it; one that begins with `!` takes back in. Patterns are clean: no
//! slash at either end, no "." or "..".

/// All patterns of one list, in order.
#[derive(Debug, Default)]
pub struct Filter {
    patterns: Vec<Pattern>,
}

#[derive(Debug)]
struct Pattern {
    negated: bool,
    text: Vec<u8>,
    /// How much of the text means itself.
    plain: usize,
}

/// For a folder: which patterns match it, or a folder that it is in.
#[derive(Clone, Debug, Default)]
pub struct Matched(Vec<bool>);

impl Filter {
    pub fn new<'a>(lines: impl IntoIterator<Item = &'a [u8]>) -> Filter {
        Filter { patterns: lines.into_iter().map(Pattern::new).collect() }
    }

    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Whether `path` is left out; `above` is of the folder that it is in.
    pub fn leaves_out(&self, path: &[u8], above: &Matched) -> bool {
        let mut out = false;
        for (position, pattern) in self.patterns.iter().enumerate() {
            // What would change nothing need not be matched.
            if out == pattern.negated && (above.has(position) || pattern.matches(path)) {
                out = !pattern.negated;
            }
        }
        out
    }

    /// What entries of the folder `path` inherit from it.
    pub fn matched(&self, path: &[u8], above: &Matched) -> Matched {
        let matches = |(position, pattern): (usize, &Pattern)| above.has(position) || pattern.matches(path);
        Matched(self.patterns.iter().enumerate().map(matches).collect())
    }

    /// Whether something in the folder `path` may be taken in again although the folder is left out.
    pub fn may_take_back_below(&self, path: &[u8]) -> bool {
        self.patterns.iter().any(|pattern| pattern.negated && pattern.may_match_below(path))
    }

    /// The same as `leaves_out`, for a path whose folders were not walked.
    pub fn leaves_out_path(&self, path: &[u8]) -> bool {
        self.leaves_out(path, &self.matched_above(path))
    }

    /// What the folders above `path` match.
    pub fn matched_above(&self, path: &[u8]) -> Matched {
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        slashes.fold(Matched::default(), |above, at| self.matched(&path[..at], &above))
    }
}

impl Matched {
    fn has(&self, position: usize) -> bool {
        self.0.get(position).copied().unwrap_or(false)
    }
}

impl Pattern {
    fn new(line: &[u8]) -> Pattern {
        let (negated, text) = line.strip_prefix(b"!").map_or((false, line), |rest| (true, rest));
        let special = |byte: &u8| matches!(byte, b'*' | b'?' | b'[' | b'\\');
        let plain = text.iter().position(special).unwrap_or(text.len());
        Pattern { negated, text: text.to_vec(), plain }
    }

    fn matches(&self, path: &[u8]) -> bool {
        let plain = self.plain;
        if path.get(..plain) != Some(&self.text[..plain]) {
            return false;
        }
        if plain == self.text.len() { path.len() == plain } else { matches(&self.text, path) }
    }

    fn may_match_below(&self, folder: &[u8]) -> bool {
        let plain = &self.text[..self.plain];
        match folder.len() < plain.len() {
            true => plain.starts_with(folder) && plain.get(folder.len()) == Some(&b'/'),
            false => self.plain < self.text.len() && folder.starts_with(plain),
        }
    }
}

/// Where to go on when a wildcard has to take one more byte.
#[derive(Clone, Copy)]
struct Resume {
    pattern: usize,
    path: usize,
}

/// Matches by going back to the last wildcard only: an earlier one of its kind need never take more.
fn matches(pattern: &[u8], path: &[u8]) -> bool {
    let (mut p, mut s) = (0, 0);
    let (mut star, mut stars): (Option<Resume>, Option<Resume>) = (None, None);
    loop {
        let matched = match pattern.get(p) {
            None => s == path.len(),
            Some(b'*') if pattern.get(p + 1) == Some(&b'*') => {
                (stars, star) = (Some(Resume { pattern: p, path: s }), None);
                p += two_stars(&pattern[p..]);
                true
            }
            Some(b'*') => {
                star = Some(Resume { pattern: p, path: s });
                p += 1;
                true
            }
            Some(_) => match one(&pattern[p..], path.get(s).copied()) {
                Some(length) => {
                    (p, s) = (p + length, s + 1);
                    true
                }
                None => false,
            },
        };
        if matched && p < pattern.len() {
            continue;
        }
        if matched && s == path.len() {
            return true;
        }
        // Let the last wildcard take more.
        if let Some(at) = star.filter(|at| path.get(at.path).is_some_and(|byte| *byte != b'/')) {
            star = Some(Resume { path: at.path + 1, ..at });
            (p, s) = (at.pattern + 1, at.path + 1);
            continue;
        }
        let Some(at) = stars else { return false };
        let length = two_stars(&pattern[at.pattern..]);
        let whole = at.pattern + length < pattern.len();
        let rest = path.get(at.path..).unwrap_or_default();
        let step = if whole { rest.iter().position(|byte| *byte == b'/').map(|n| n + 1) } else { Some(1) };
        let Some(next) = step.map(|step| at.path + step).filter(|next| *next <= path.len()) else {
            return false;
        };
        (stars, star) = (Some(Resume { path: next, ..at }), None);
        (p, s) = (at.pattern + length, next);
    }
}

/// The length of "**" or "**/": any number of folders, each with its slash; at the pattern's end anything.
fn two_stars(pattern: &[u8]) -> usize {
    if pattern.get(2) == Some(&b'/') { 3 } else { 2 }
}

/// How long the part of the pattern is that matches this byte.
fn one(pattern: &[u8], byte: Option<u8>) -> Option<usize> {
    let byte = byte?;
    match pattern {
        [b'?', ..] => (byte != b'/').then_some(1),
        [b'\\', escaped, ..] => (byte == *escaped).then_some(2),
        [b'[', rest @ ..] => set(rest, byte).map(|length| length + 1),
        [plain, ..] => (byte == *plain).then_some(1),
        [] => None,
    }
}

/// The length of a set behind its "[", if `byte` is in it; one that is not closed matches nothing.
fn set(mut rest: &[u8], byte: u8) -> Option<usize> {
    let full = rest.len();
    let negated = matches!(rest.first(), Some(b'^'));
    if negated {
        rest = &rest[1..];
    }
    let mut found = false;
    let mut first = true;
    loop {
        let (low, after) = member(rest)?;
        if low == (b']', false) && !first {
            rest = after;
            break;
        }
        first = false;
        rest = after;
        let mut high = low.0;
        if let [b'-', behind @ ..] = rest
            && behind.first() != Some(&b']')
        {
            let (last, after) = member(behind)?;
            (high, rest) = (last.0, after);
        }
        found |= (low.0..=high).contains(&byte);
    }
    (found != negated && byte != b'/').then_some(full - rest.len())
}

/// One byte of a set, whether it was escaped, and what follows.
fn member(rest: &[u8]) -> Option<((u8, bool), &[u8])> {
    match rest {
        [b'\\', byte, after @ ..] => Some(((*byte, true), after)),
        [byte, after @ ..] => Some(((*byte, false), after)),
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(lines: &[&str]) -> Filter {
        Filter::new(lines.iter().map(|line| line.as_bytes()))
    }

    fn out(lines: &[&str], path: &str) -> bool {
        filter(lines).leaves_out_path(path.as_bytes())
    }

    #[test]
    fn a_name_matches_itself_and_all_below_it() {
        assert!(out(&["a"], "a"));
        assert!(out(&["a"], "a/b/c"));
        assert!(!out(&["a"], "ab"));
        assert!(!out(&["a"], "b/a"));
        assert!(!out(&["a/b"], "a"));
    }

    #[test]
    fn one_star_stays_in_its_component() {
        assert!(out(&["*.txt"], "a.txt"));
        assert!(!out(&["*.txt"], "b/a.txt"));
        assert!(out(&["*/*.txt"], "b/a.txt"));
        assert!(out(&["a*c*e"], "abcde"));
        assert!(out(&["a*c*e"], "acce"));
        assert!(!out(&["a*/c"], "a/b/c"));
        assert!(out(&["*"], "anything/below"));
    }

    #[test]
    fn two_stars_cross_components() {
        for path in ["x.o", "a/x.o", "a/b/x.o"] {
            assert!(out(&["**/*.o"], path), "{path}");
        }
        assert!(out(&["a/**"], "a/b/c"));
        assert!(!out(&["a/**"], "a"));
        assert!(out(&["a/**/z"], "a/z"));
        assert!(out(&["a/**/z"], "a/b/c/z"));
        assert!(!out(&["a/**/z"], "a/b/cz"));
        assert!(out(&["**/b*/**/d*"], "a/bx/c/bb/q/dd"));
        assert!(!out(&["**/b"], "ab"));
        assert!(out(&["a**b"], "ax/b"));
        assert!(!out(&["a**b"], "axb"));
    }

    #[test]
    fn sets_and_escapes() {
        assert!(out(&["[a-c]?"], "bx"));
        assert!(!out(&["[^a-c]x"], "bx"));
        assert!(out(&["[]]"], "]"));
        assert!(out(&["[a\\]]"], "]"));
        assert!(out(&["\\*"], "*"));
        assert!(!out(&["\\*"], "x"));
        assert!(!out(&["[a"], "a"));
        assert!(!out(&["a?b"], "a/b"));
    }

    #[test]
    fn the_last_match_decides() {
        let lines = ["*", "!docs", "docs/*.md", "!docs/README.md"];
        assert!(out(&lines, "src"));
        assert!(!out(&lines, "docs/page"));
        assert!(out(&lines, "docs/other.md"));
        assert!(!out(&lines, "docs/README.md"));
    }

    #[test]
    fn a_folder_is_entered_only_if_something_in_it_may_be_taken_back() {
        let some = filter(&["modules", "!modules/kept/file", "!other/*.c"]);
        for (folder, may) in
            [("modules", true), ("modules/kept", true), ("modules/x", false), ("other", true)]
        {
            assert_eq!(some.may_take_back_below(folder.as_bytes()), may, "{folder}");
        }
        assert!(filter(&["a", "!**/x"]).may_take_back_below(b"a/b"));
    }

    #[test]
    fn many_stars_take_no_longer_than_few() {
        let pattern = "**/a*a*a*a*a*b/".repeat(30) + "b";
        assert!(!out(&[&pattern], &"aaaaaaaaaaaaaaaaaaaa/".repeat(100)));
    }
}
