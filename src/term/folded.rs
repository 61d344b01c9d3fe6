//! Lines of a story that fit a terminal: it would break them in the middle of a word.

/// What follows in another line of an indented one is set in by so many letters more.
const DEEPER: usize = 2;
/// A line that ends with a command to type is left to the terminal, so that it can be copied.
const COMMAND: &str = "next: ";

/// A text with its lines broken between words, of at most `width` letters. A quotation, between backticks,
/// stays whole: it may be a command or a path, which is copied. Before the first line stand `before`
/// letters more, if any.
pub(super) fn folded(text: &str, before: usize, width: usize) -> String {
    let before = if before > 1 { before } else { 0 };
    let lines = text.split('\n').enumerate();
    let lines: Vec<String> =
        lines.map(|(i, line)| fold(line, if i == 0 { before } else { 0 }, width)).collect();
    lines.join("\n")
}

fn fold(line: &str, before: usize, width: usize) -> String {
    if before + line.chars().count() <= width || line.starts_with(COMMAND) {
        return line.to_owned();
    }
    let lead = line.len() - line.trim_start_matches(' ').len();
    let indent = if lead == 0 { 0 } else { lead + DEEPER };
    let (mut told, mut used) = (" ".repeat(lead), before + lead);
    let mut is_first = true;
    for (gap, word) in words(&line[lead..]) {
        let n = word.chars().count();
        if !is_first && used + gap + n > width {
            told.push('\n');
            told.push_str(&" ".repeat(indent));
            used = indent + n;
        } else {
            told.push_str(&" ".repeat(gap));
            used += gap + n;
        }
        told.push_str(word);
        is_first = false;
    }
    told
}

/// The pieces between which a line may be broken, each with how many spaces stand before it.
fn words(line: &str) -> Vec<(usize, &str)> {
    // Of an odd number of them some are no quotation's.
    let quotes = line.matches('`').count().is_multiple_of(2);
    let (mut words, mut gap, mut start, mut is_quoted) = (Vec::new(), 0, None, false);
    for (at, c) in line.char_indices() {
        is_quoted ^= quotes && c == '`';
        match (c == ' ' && !is_quoted, start) {
            (true, Some(from)) => {
                words.push((gap, &line[from..at]));
                (gap, start) = (1, None);
            }
            (true, None) => gap += 1,
            (false, None) => start = Some(at),
            (false, Some(_)) => {}
        }
    }
    words.extend(start.map(|from| (gap, &line[from..])));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_and_stay_set_in() {
        assert_eq!(
            folded("   the loss never clearly improves at any rate", 1, 30),
            "   the loss never clearly\n     improves at any rate"
        );
        assert_eq!(
            folded("   1. precompute   96 images, once", 1, 24),
            "   1. precompute   96\n     images, once"
        );
        assert_eq!(folded("short", 1, 20), "short");
        assert_eq!(
            folded("a word that is\ntwo lines and more", 9, 20),
            "a word that\nis\ntwo lines and more"
        );
    }

    #[test]
    fn what_may_be_copied_stays_whole() {
        let command = "run `kaggle-kit train planet --set size=128` to go on with it";
        assert_eq!(
            folded(command, 1, 30),
            "run\n`kaggle-kit train planet --set size=128`\nto go on with it"
        );
        let next = "next: kaggle-kit submit --root /a/very/long/path";
        assert_eq!(folded(next, 1, 20), next);
        let odd = "it's a ` in a line that is long";
        assert!(folded(odd, 1, 16).lines().all(|line| line.chars().count() <= 16));
    }
}
