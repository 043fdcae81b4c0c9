//! Takes out of a printed text what differs from run to run: places of temporary files, digests, numbers of batches, offsets.

/// Letters that words of a path, a name or a number are made of.
fn is_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// Longer runs of digits and hex letters are file numbers, ids and digests.
const ID_MIN: usize = 12;

/// The text with `…` for what is not the same in every run. `directory` is where the case lies.
pub fn plain(text: &str, directory: &str) -> String {
    let near = text
        .trim()
        .replace(&format!("{directory}/"), "")
        .replace(directory, "DIR");
    let mut words = split(&near);
    for word in &mut words {
        let is_id = word.len() >= ID_MIN && word.chars().all(|letter| letter.is_ascii_hexdigit());
        if is_id {
            *word = "…".to_owned();
        }
    }
    let joined = words.concat().replace("…-…", "…");
    without_numbers(&joined)
}

/// Words and what stands between them, in order.
fn split(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut in_word = None;
    for letter in text.chars() {
        let word = is_word(letter);
        match parts.last_mut() {
            Some(part) if in_word == Some(word) => part.push(letter),
            _ => parts.push(letter.to_string()),
        }
        in_word = Some(word);
    }
    parts
}

/// Without the numbers behind these words: where a batch or a file's damage lies depends on how large the run's records came out.
fn without_numbers(text: &str) -> String {
    const BEFORE: [&str; 12] = [
        "batch ",
        "batches ",
        " at ",
        "….ent, ",
        "….rec, ",
        "tail/…, ",
        "FORMAT, ",
        "register, ",
        "register/r, ",
        "it holds ",
        "batches … to ",
        "first batch ",
    ];
    let mut done = String::new();
    let mut left = text;
    while let Some(letter) = left.chars().next() {
        let behind = BEFORE.iter().any(|before| done.ends_with(before));
        let digits = left.len()
            - left
                .trim_start_matches(|letter: char| letter.is_ascii_digit())
                .len();
        if behind && digits > 0 {
            done.push('…');
            left = left.get(digits..).unwrap_or_default();
        } else {
            done.push(letter);
            left = left.get(letter.len_utf8()..).unwrap_or_default();
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_differs_between_runs_is_left_out_and_seqs_stay() {
        for (printed, expected) in [
            (
                "unreadable(sealed/000000000000-000000000011.ent, 580; 1, 2)",
                "unreadable(sealed/….ent, …; 1, 2)",
            ),
            (
                "incomplete(batch 14 missing)",
                "incomplete(batch … missing)",
            ),
            ("record altered(5)", "record altered(5)"),
            (
                "damaged: x: tail/000000000002 at 4096",
                "damaged: x: tail/… at …",
            ),
            (
                "no store here: /tmp/a/cases/r/store",
                "no store here: store",
            ),
        ] {
            assert_eq!(plain(printed, "/tmp/a/cases/r"), expected);
        }
    }
}
