//! What is shown of a text: nothing that steers a terminal, nothing endless, no secret.
//!
//! Ids, names of files, class names and servers' messages are whatever somebody wrote: OSC 52 sets
//! the clipboard, a class of a megabyte floods the screen, a proxy's error page echoes our token.

use std::borrow::Cow;

use super::secrets::without_secrets;

/// More letters without a space, or between backticks, are shortened; paths, which have slashes, may
/// be longer.
const LONGEST_WORD: usize = 200;
const LONGEST_PATH: usize = 600;
/// So many bytes of a line are shown.
const LONGEST_LINE: usize = 2_500;
/// A cell of a table.
const LONGEST_CELL: usize = 120;
/// So many lines of an error: libtorch's bring the whole stack along.
const MOST_LINES: usize = 40;

/// Lines of a story: every line is of a bounded length.
pub(super) fn story(text: &str) -> String {
    let text = data(text);
    let lines: Vec<Cow<str>> = text.split('\n').map(bounded).collect();
    lines.join("\n")
}

/// Whether [`story`] says it in another way.
pub fn is_altered(text: &str) -> bool {
    story(text) != text
}

/// Data: as long as they are.
pub(super) fn data(text: &str) -> String {
    printable(&without_secrets(text), &['\n', '\t'])
}

/// The first lines.
pub(super) fn few_lines(text: &str) -> Cow<'_, str> {
    match text.split('\n').count().saturating_sub(MOST_LINES) {
        0 => text.into(),
        more => {
            let first: Vec<&str> = text.split('\n').take(MOST_LINES).collect();
            format!("{}\n... ({more} more lines)", first.join("\n")).into()
        }
    }
}

/// A cell of a table: one line of at most [`LONGEST_CELL`] letters; a path keeps its end.
pub fn cell(text: &str) -> String {
    middle_cut(&printable(text, &[]), LONGEST_CELL).into_owned()
}

/// A text from elsewhere as one line of at most `n` characters that a terminal can take.
pub fn short(text: &str, n: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    let mut printable = line.chars().map(|c| if steers(c) { '\u{fffd}' } else { c });
    let mut short: String = printable.by_ref().take(n).collect();
    if printable.next().is_some() {
        short.push_str("...");
    }
    short
}

/// The same of all its lines, one after the other: no line of it can pass for one of ours, as a hint.
pub fn one_line(text: &str, n: usize) -> String {
    let lines = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty());
    short(&lines.collect::<Vec<_>>().join(" "), n)
}

/// Whether a terminal does something at this character, or writes what follows in another order.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn printable(text: &str, kept: &[char]) -> String {
    let shown = |c: char| if steers(c) && !kept.contains(&c) { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}

/// A line whose long words, and long texts between backticks, are shortened, and the line itself.
fn bounded(line: &str) -> Cow<'_, str> {
    if line.len() <= LONGEST_WORD {
        return line.into();
    }
    // Between two backticks is a quotation; elsewhere words stand.
    let pieces: Vec<String> = line
        .split('`')
        .enumerate()
        .map(|(at, piece)| match at % 2 {
            1 => word(piece).into_owned(),
            _ => piece.split(' ').map(word).collect::<Vec<_>>().join(" "),
        })
        .collect();
    middle_cut_bytes(&pieces.join("`"), LONGEST_LINE).into()
}

fn word(text: &str) -> Cow<'_, str> {
    let most = if text.contains('/') { LONGEST_PATH } else { LONGEST_WORD };
    middle_cut(text, most)
}

/// The beginning and the end of what is longer than so many characters.
fn middle_cut(text: &str, most: usize) -> Cow<'_, str> {
    let Some((cut, _)) = text.char_indices().nth(most) else { return text.into() };
    let (head, tail) = (most * 2 / 3, most / 4);
    let head = text[..cut].char_indices().nth(head).map_or(cut, |(at, _)| at);
    let tail = text.char_indices().rev().nth(tail).map_or(cut, |(at, _)| at);
    format!("{}...{}", &text[..head], &text[tail..]).into()
}

fn middle_cut_bytes(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let head = text.floor_char_boundary(most * 3 / 4);
    let tail = text.floor_char_boundary(text.len() - most / 5);
    format!("{}...{}", &text[..head], &text[tail..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_elsewhere_steers_the_terminal() {
        for evil in [
            "\x1b]0;title\x07",
            "\x1b]52;c;ZXZpbA==\x07",
            "\x1b[2J",
            "\u{9b}31m",
            "over\rwritten",
            "\u{202e}gpj.exe",
            "\x08\x7f",
        ] {
            let named = format!("`{evil}`\n\tis no class");
            for shown in [story(&named), data(&named), cell(&named), short(&named, 80)] {
                assert!(!shown.chars().any(|c| steers(c) && !"\n\t".contains(c)), "{shown:?}");
            }
        }
        assert_eq!(story("Größe 猫 `a b`\n\tü"), "Größe 猫 `a b`\n\tü");
        assert_eq!(cell("a\nb"), "a\u{fffd}b");
        assert_eq!(one_line("no\r\n\n  hint: rm -r /\t", 20), "no hint: rm -r /");
        assert_eq!(one_line("no\nhint", 4), "no h...");
    }

    #[test]
    fn what_is_endless_is_shortened_and_keeps_both_ends() {
        let id = "x".repeat(5_000_000);
        let told = story(&format!("1 of the 49 images are not in `train`: `{id}`: add it"));
        assert!(told.len() < 400, "{} bytes", told.len());
        assert!(told.starts_with("1 of the 49") && told.ends_with("xxx`: add it"), "{told}");
        for unquoted in [id.clone(), format!("a {id}"), "many words ".repeat(9_000)] {
            assert!(story(&unquoted).len() < 2_600, "{}", story(&unquoted).len());
        }
        let wide = story(&"猫 ".repeat(100_000));
        assert!(wide.len() < 2_600 && wide.starts_with("猫 猫") && wide.ends_with("猫 "));
        let path = format!("`/{}/data.csv`", "folder/".repeat(60));
        assert_eq!(story(&path), path, "a path of usual length stays whole");
        assert_eq!(cell(&id).chars().count(), 80 + 3 + 31);
        assert_eq!(data(&id), id);
    }

    #[test]
    fn an_error_of_a_thousand_lines_is_told_by_its_first() {
        let text = vec!["frame"; 1000].join("\n");
        assert_eq!(few_lines(&text).lines().count(), MOST_LINES + 1);
        assert!(few_lines(&text).ends_with("... (960 more lines)"));
        assert_eq!(few_lines("one\ntwo"), "one\ntwo");
    }
}
