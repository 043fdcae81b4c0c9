//! Rust sources as the rules read them: comments, texts and tests blanked out, lines kept.

use std::ops::Range;

use anyhow::Result;

use crate::workspace::Workspace;

/// A source file that ends up in a library or program.
pub struct Source {
    /// Relative to the repository's root.
    pub path: String,
    /// What stands in the file.
    pub text: String,
    /// The same length and lines, with comments, literals and test items as spaces.
    pub code: String,
}

impl Source {
    pub fn new(path: &str, text: String) -> Source {
        let code = without_tests(&without_words(&text));
        Source {
            path: path.to_owned(),
            text,
            code,
        }
    }

    /// Lines of the file that are not part of a test item.
    pub fn production_lines(&self) -> usize {
        let tests = test_items(&without_words(&self.text));
        let lines = |text: &str| text.lines().count();
        let hidden: usize = tests
            .into_iter()
            .filter_map(|item| self.text.get(item))
            .map(lines)
            .sum();
        lines(&self.text).saturating_sub(hidden)
    }

    /// Whether the file belongs to a crate that others use.
    pub fn is_library(&self, workspace: &Workspace) -> bool {
        match self.path.split_once("/src/") {
            Some((package, _)) => workspace.has(&format!("{package}/src/lib.rs")),
            None => false,
        }
    }
}

/// All production sources: what is under a `src`, without `tests.rs` and `tests/`.
pub fn sources(workspace: &Workspace) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for path in workspace.files(".rs")? {
        let is_test = path.ends_with("/tests.rs") || path.contains("/tests/");
        if path.contains("/src/") && !is_test {
            sources.push(Source::new(&path, workspace.read(&path)?));
        }
    }
    Ok(sources)
}

/// The number of the line that has this byte.
pub fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    before
        .iter()
        .filter(|&&byte| byte == b'\n')
        .count()
        .saturating_add(1)
}

/// Every place where `word` stands and is not the end of a longer name.
pub fn places_of<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |&at| {
            let before = code.get(..at).and_then(|text| text.chars().next_back());
            !word.starts_with(is_name) || !before.is_some_and(is_name)
        })
}

pub fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The text with every comment and every literal as spaces.
pub fn without_words(text: &str) -> String {
    let mut hidden = Vec::new();
    let mut at = 0;
    let mut before = ' ';
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let length = words_len(rest, before);
        let step = if length == 0 {
            rest.chars().next().map_or(1, char::len_utf8)
        } else {
            length
        };
        let end = at.saturating_add(step);
        if length > 0 {
            hidden.push(at..end);
        }
        before = text
            .get(at..end)
            .and_then(|taken| taken.chars().next_back())
            .unwrap_or(' ');
        at = end;
    }
    blank(text, &hidden)
}

/// How long the comment or literal is that begins here; 0 where none does.
fn words_len(rest: &str, before: char) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment_len(rest);
    }
    if rest.starts_with('r') && (!is_name(before) || before == 'b' || before == 'c') {
        return raw_text_len(rest);
    }
    if rest.starts_with('"') {
        return quoted_len(rest, '"');
    }
    let mut letters = rest.chars();
    match (letters.next(), letters.next(), letters.next()) {
        (Some('\''), Some('\\'), _) => quoted_len(rest, '\''),
        (Some('\''), Some(letter), Some('\'')) => letter.len_utf8().saturating_add(2),
        _ => 0,
    }
}

fn block_comment_len(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0_usize;
    while let Some(here) = rest.get(at..).filter(|here| !here.is_empty()) {
        if here.starts_with("/*") {
            depth = depth.saturating_add(1);
            at = at.saturating_add(2);
        } else if here.starts_with("*/") {
            depth = depth.saturating_sub(1);
            at = at.saturating_add(2);
            if depth == 0 {
                return at;
            }
        } else {
            at = at.saturating_add(here.chars().next().map_or(1, char::len_utf8));
        }
    }
    rest.len()
}

fn raw_text_len(rest: &str) -> usize {
    let hashes: String = rest
        .chars()
        .skip(1)
        .take_while(|&letter| letter == '#')
        .collect();
    let Some(inner) = rest
        .get(hashes.len().saturating_add(1)..)
        .and_then(|rest| rest.strip_prefix('"'))
    else {
        return 0;
    };
    let end = format!("\"{hashes}");
    match inner.find(&end) {
        Some(length) => rest
            .len()
            .saturating_sub(inner.len())
            .saturating_add(length)
            .saturating_add(end.len()),
        None => rest.len(),
    }
}

fn quoted_len(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, letter) in rest.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if letter == quote => return at.saturating_add(1),
            _ => {}
        }
    }
    rest.len()
}

fn without_tests(code: &str) -> String {
    blank(code, &test_items(code))
}

/// The items that are there for tests only, from their attribute to their end.
fn test_items(code: &str) -> Vec<Range<usize>> {
    if code.contains("#![cfg(test)]") {
        return std::iter::once(0..code.len()).collect();
    }
    let mut items: Vec<Range<usize>> = Vec::new();
    for attribute in ["#[cfg(test)]", "#[test]"] {
        for (at, _) in code.match_indices(attribute) {
            items.push(at..item_end(code, at));
        }
    }
    items.sort_by_key(|item| item.start);
    let mut last = 0;
    items.retain(|item| {
        let outer = item.start >= last;
        last = last.max(item.end);
        outer
    });
    items
}

/// Where the item ends that begins at `from`: after its `;`, or after the `}` of its first `{`.
pub fn item_end(code: &str, from: usize) -> usize {
    let mut braces = 0_usize;
    let mut others = 0_usize;
    for (at, letter) in code.char_indices().skip_while(|&(at, _)| at < from) {
        match letter {
            '(' | '[' => others = others.saturating_add(1),
            ')' | ']' => others = others.saturating_sub(1),
            '{' => braces = braces.saturating_add(1),
            '}' => {
                braces = braces.saturating_sub(1);
                if braces == 0 && others == 0 {
                    return at.saturating_add(1);
                }
            }
            ';' if braces == 0 && others == 0 => return at.saturating_add(1),
            _ => {}
        }
    }
    code.len()
}

/// The text with these ranges as spaces; line ends stay.
pub fn blank(text: &str, ranges: &[Range<usize>]) -> String {
    let mut result = String::with_capacity(text.len());
    let mut at = 0;
    for range in ranges {
        result.push_str(text.get(at..range.start).unwrap_or_default());
        for byte in text.as_bytes().get(range.clone()).unwrap_or_default() {
            result.push(if *byte == b'\n' { '\n' } else { ' ' });
        }
        at = range.end;
    }
    result.push_str(text.get(at..).unwrap_or_default());
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let code = Source::new("x.rs", text.to_owned()).code;
        assert_eq!(code.len(), text.len(), "{text}");
        assert_eq!(
            code.split_whitespace().collect::<Vec<_>>().join(" "),
            expected,
            "{text}"
        );
    }

    #[test]
    fn comments_and_literals_are_not_code() {
        check("a // b\nc", "a c");
        check("a /* b /* c */ d */ e", "a e");
        check(r#"a "b \" // c" d"#, "a d");
        check(r##"a r#"b " c"# d"##, "a d");
        check(r#"a br"b\" d"#, "a b d");
        check(r"a '\'' b '{' c 'é' d", "a b c d");
        check(
            "fn f<'a>(x: &'a str) -> &'a str {}",
            "fn f<'a>(x: &'a str) -> &'a str {}",
        );
        check("for r in rows {}", "for r in rows {}");
        check("\"never closed", "");
    }

    #[test]
    fn tests_are_not_production() {
        check(
            "fn a() {}\n#[cfg(test)]\nmod tests {\n#[test]\nfn b() { {} }\n}\nfn c() {}",
            "fn a() {} fn c() {}",
        );
        check(
            "#[cfg(test)]\n#[allow(x)]\nmod tests;\nfn c() {}",
            "fn c() {}",
        );
        check("#![cfg(test)]\nfn c() {}", "");
        let source = Source::new(
            "x.rs",
            "fn a() {}\n\n#[cfg(test)]\nmod tests {\n\n}\n".to_owned(),
        );
        assert_eq!(source.production_lines(), 2);
    }

    #[test]
    fn words_are_found_where_they_begin_a_name() {
        assert_eq!(
            places_of("eprintln!() println!()", "println!").collect::<Vec<_>>(),
            [12]
        );
        assert_eq!(places_of("x.unwrap()", ".unwrap()").count(), 1);
        assert_eq!(line_of("a\nb\nc", 4), 3);
    }
}
