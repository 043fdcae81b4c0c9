//! Markdown as the rules read it: blocks of code, spans of code, headings, and the prose between them.
//!
//! Follows CommonMark as far as our pages use it: fences, indented blocks outside lists, code spans, ATX headings, inline links
//! and link definitions.

use std::ops::Range;

use super::rust::{blank, line_of};

/// A fenced block.
#[derive(Debug, PartialEq, Eq)]
pub struct Fence {
    /// The line of its first content.
    pub line: usize,
    /// The first word after the opening fence.
    pub language: String,
    /// Its content, line by line.
    pub lines: Vec<String>,
}

/// A page, cut into what is code and what is not.
pub struct Page {
    pub fences: Vec<Fence>,
    /// The page with blocks of code blanked.
    pub text: String,
    /// The page with spans of code blanked too.
    pub prose: String,
    /// Line and content of each span of code.
    pub spans: Vec<(usize, String)>,
}

impl Page {
    pub fn new(page: &str) -> Page {
        let (fences, text) = cut_blocks(page);
        let spans = span_ranges(&text);
        let outer: Vec<Range<usize>> = spans.iter().map(|(outer, _)| outer.clone()).collect();
        let prose = blank(&text, &outer);
        let content = |inner: &Range<usize>| {
            text.get(inner.clone())
                .unwrap_or_default()
                .trim()
                .replace('\n', " ")
        };
        let spans = spans
            .iter()
            .map(|(outer, inner)| (line_of(&text, outer.start), content(inner)))
            .collect();
        Page {
            fences,
            text,
            prose,
            spans,
        }
    }

    /// The anchors that a link may name: those of the headings, as GitHub makes them, and those set by hand.
    pub fn anchors(&self) -> Vec<String> {
        let mut anchors: Vec<String> = Vec::new();
        for line in self.text.lines() {
            let title = line.trim_start_matches('#');
            if title.len() < line.len() && title.starts_with(' ') {
                let slug = slug(title.trim());
                let copies = anchors
                    .iter()
                    .filter(|anchor| without_number(anchor) == slug)
                    .count();
                anchors.push(if copies == 0 {
                    slug
                } else {
                    format!("{slug}-{copies}")
                });
            }
            for attribute in ["id=\"", "name=\""] {
                let by_hand = line
                    .split(attribute)
                    .skip(1)
                    .filter_map(|rest| rest.split('"').next());
                anchors.extend(by_hand.map(str::to_owned));
            }
        }
        anchors
    }

    /// Line and target of each link and image, definitions included.
    pub fn links(&self) -> Vec<(usize, String)> {
        let mut links = Vec::new();
        for (at, _) in self.prose.match_indices("](") {
            if let Some(target) = self
                .prose
                .get(at.saturating_add(2)..)
                .and_then(inline_target)
            {
                links.push((line_of(&self.prose, at), target));
            }
        }
        for (number, line) in self.prose.lines().enumerate() {
            if let Some((_, target)) = definition(line) {
                links.push((number.saturating_add(1), target.to_owned()));
            }
        }
        links
    }

    /// Line and name of each `[text][name]` whose name is defined nowhere on the page.
    pub fn undefined(&self) -> Vec<(usize, String)> {
        let defined: Vec<String> = self
            .prose
            .lines()
            .filter_map(definition)
            .map(|(name, _)| name.to_lowercase())
            .collect();
        let mut undefined = Vec::new();
        for (at, _) in self.prose.match_indices("][") {
            let rest = self.prose.get(at.saturating_add(2)..).unwrap_or_default();
            if let Some((name, _)) = rest.split_once(']')
                && !name.is_empty()
                && !defined.contains(&name.to_lowercase())
            {
                undefined.push((line_of(&self.prose, at), name.to_owned()));
            }
        }
        undefined
    }
}

/// The blocks of code, and the page without them.
fn cut_blocks(page: &str) -> (Vec<Fence>, String) {
    let mut fences: Vec<Fence> = Vec::new();
    let mut text = String::with_capacity(page.len());
    let mut open: Option<String> = None;
    let mut indented = Indented::default();
    for (number, line) in page.lines().enumerate() {
        let trimmed = line.trim_start();
        let ticks: String = trimmed
            .chars()
            .take_while(|&letter| letter == '`')
            .collect();
        match (&open, fences.last_mut()) {
            (Some(opening), Some(fence)) => {
                if ticks.len() >= opening.len() && trimmed.trim_end() == ticks {
                    open = None;
                } else {
                    fence.lines.push(line.to_owned());
                }
            }
            _ if ticks.len() >= 3 => {
                let language = trimmed
                    .trim_start_matches('`')
                    .split_whitespace()
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                fences.push(Fence {
                    line: number.saturating_add(2),
                    language,
                    lines: Vec::new(),
                });
                open = Some(ticks);
            }
            _ if indented.takes(line) => {}
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    (fences, text)
}

/// Whether lines belong to an indented block, asked line by line.
#[derive(Default)]
struct Indented {
    in_block: bool,
    after_blank: bool,
    in_list: bool,
}

impl Indented {
    fn takes(&mut self, line: &str) -> bool {
        let blank = line.trim().is_empty();
        let deep = line.starts_with("    ");
        self.in_block = deep && !blank && !self.in_list && (self.after_blank || self.in_block);
        if !blank && !deep {
            let first = line.trim_start();
            let marker = first.trim_start_matches(|letter: char| letter.is_ascii_digit());
            let ordered = marker.len() < first.len()
                && (marker.starts_with(". ") || marker.starts_with(") "));
            let begins = ordered
                || ["- ", "* ", "+ "]
                    .iter()
                    .any(|bullet| first.starts_with(bullet));
            self.in_list = begins || (self.in_list && line.starts_with(' '));
        }
        self.after_blank = blank;
        self.in_block
    }
}

/// Each span of code: with its backticks, and within them.
fn span_ranges(text: &str) -> Vec<(Range<usize>, Range<usize>)> {
    let mut spans = Vec::new();
    let mut at = 0;
    while let Some(begin) = text
        .get(at..)
        .and_then(|rest| rest.find('`'))
        .map(|found| at.saturating_add(found))
    {
        let ticks = ticks_at(text, begin);
        let inner = begin.saturating_add(ticks);
        at = inner;
        if let Some(end) = closing(text, inner, ticks) {
            at = end.saturating_add(ticks);
            spans.push((begin..at, inner..end));
        }
    }
    spans
}

fn ticks_at(text: &str, at: usize) -> usize {
    text.get(at..)
        .unwrap_or_default()
        .bytes()
        .take_while(|&byte| byte == b'`')
        .count()
}

/// Where the same number of backticks stands again, in the same paragraph.
fn closing(text: &str, from: usize, ticks: usize) -> Option<usize> {
    let paragraph = text.get(from..)?.split("\n\n").next()?;
    let mut at = 0;
    while let Some(found) = paragraph
        .get(at..)?
        .find('`')
        .map(|found| at.saturating_add(found))
    {
        let here = ticks_at(paragraph, found);
        if here == ticks {
            return Some(from.saturating_add(found));
        }
        at = found.saturating_add(here);
    }
    None
}

/// The target at the beginning of `TARGET "title")…`.
fn inline_target(rest: &str) -> Option<String> {
    let mut depth = 0_usize;
    for (at, letter) in rest.char_indices() {
        match letter {
            '(' => depth = depth.saturating_add(1),
            ')' if depth == 0 => {
                let target = rest
                    .get(..at)?
                    .split_whitespace()
                    .next()
                    .unwrap_or_default();
                return Some(
                    target
                        .trim_start_matches('<')
                        .trim_end_matches('>')
                        .to_owned(),
                );
            }
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// Name and target of a line such as `[name]: target`.
fn definition(line: &str) -> Option<(&str, &str)> {
    let (name, target) = line.trim().strip_prefix('[')?.split_once("]: ")?;
    let target = target.split_whitespace().next()?;
    Some((name, target.trim_start_matches('<').trim_end_matches('>')))
}

/// A heading as GitHub names it in a link.
fn slug(title: &str) -> String {
    let mut shown = String::new();
    let mut rest = title;
    // Of `[text](target)` only the text is in the heading.
    while let Some((before, after)) = rest.split_once("](") {
        shown.push_str(before);
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    shown.push_str(rest);
    let kept = shown.to_lowercase();
    let kept = kept.chars().filter(|&letter| {
        letter.is_alphanumeric() || letter == '-' || letter == '_' || letter == ' '
    });
    kept.map(|letter| if letter == ' ' { '-' } else { letter })
        .collect()
}

fn without_number(anchor: &str) -> &str {
    match anchor.rsplit_once('-') {
        Some((before, number))
            if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            before
        }
        _ => anchor,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_told_from_prose() {
        let page = Page::new(
            "a `b` c\n\n```sh x\n$ d `e`\n```\n\n    [f](g)\n\n- h\n\n    [i](j)\n\n``k ` l``\n",
        );
        assert_eq!(page.spans, [(1, "b".to_owned()), (13, "k ` l".to_owned())]);
        assert_eq!(
            page.fences,
            [Fence {
                line: 4,
                language: "sh".to_owned(),
                lines: vec!["$ d `e`".to_owned()]
            }]
        );
        assert_eq!(page.links(), [(11, "j".to_owned())]);
    }

    #[test]
    fn links_are_found_in_all_their_forms() {
        let page = Page::new(
            "[a](b.md) ![c](<d.png> \"t\") [`e`](f(1).md)\n[g][h] [i][J] [k](l\n\"t\")\n\n[j]: m.md#n\n",
        );
        let targets: Vec<String> = page.links().into_iter().map(|(_, target)| target).collect();
        assert_eq!(targets, ["b.md", "d.png", "f(1).md", "l", "m.md#n"]);
        assert_eq!(page.undefined(), [(2, "h".to_owned())]);
    }

    #[test]
    fn anchors_are_those_that_github_makes() {
        let page = Page::new(
            "# A `b`: c, d\n## E\n## E\n#no\n## [F](g.md) & h\n<a id=\"by-hand\"></a>\n```\n# i\n```\n",
        );
        assert_eq!(page.anchors(), ["a-b-c-d", "e", "e-1", "f--h", "by-hand"]);
    }
}
