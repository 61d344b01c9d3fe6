//! A guess as TOML, with a comment wherever it is one.

use super::guess::{Guess, LabelsIn, PixelTable, Shape, Split, word_of};
use crate::target::TargetKind;
use crate::term;

/// The widest line that a comment may make.
const WIDEST: usize = 100;

/// What a comment says is cut after so many characters: a name may have millions.
const LONGEST: usize = 500;

/// The text of the spec.
pub fn toml(guess: &Guess) -> String {
    let mut text = Text { guess, lines: Vec::new() };
    text.field("title", &quoted(&guess.title), "title");
    text.field("slug", &quoted(&guess.slug), "slug");
    text.field("metric", &quoted(&guess.metric), "metric");
    if guess.is_notebook {
        text.line("# Kaggle takes no CSV here: a notebook makes it.".to_owned());
        text.field("upload", &quoted("notebook"), "upload");
    }
    files(&mut text);
    target(&mut text);
    labels(&mut text);
    split(&mut text);
    submission(&mut text);
    if let Some(pictures) = guess.pictures {
        text.table("recipe");
        text.field("augment", &quoted(pictures.augment()), "recipe.augment");
    }
    let mut all = text.lines.join("\n");
    all.push('\n');
    all
}

struct Text<'a> {
    guess: &'a Guess,
    lines: Vec<String>,
}

impl Text<'_> {
    fn line(&mut self, line: String) {
        self.lines.push(line);
    }

    fn table(&mut self, name: &str) {
        self.line(String::new());
        self.line(format!("[{name}]"));
    }

    /// A field; where it is a guess, `note` is the name under which that is said.
    fn field(&mut self, key: &str, value: &str, note: &str) {
        let plain = format!("{key} = {value}");
        let Some(note) = self.guess.why(note).filter(|note| !note.is_sure) else {
            return self.line(plain);
        };
        let why = as_comment(&note.why);
        let beside = format!("{plain}  # a guess: {why}");
        if beside.chars().count() <= WIDEST {
            return self.line(beside);
        }
        self.line(format!("# A guess: {why}."));
        self.line(plain);
    }

    /// A comment of a table that was found rather than written by hand.
    fn comment(&mut self, note: &str) {
        if let Some(note) = self.guess.why(note) {
            let why = as_comment(&note.why);
            let guess = if note.is_sure { "" } else { "A guess: " };
            self.line(format!("# {guess}{why}."));
        }
    }
}

fn files(text: &mut Text) {
    let guess = text.guess;
    text.table("files");
    text.field("train", &list(&guess.train), "files.train");
    text.field("test", &list(&guess.test), "files.test");
    if !guess.channels.is_empty() {
        text.field("channels", &list(&guess.channels), "files.channels");
    }
    if let Some(extension) = &guess.extension {
        text.field("extension", &quoted(extension), "files.extension");
    }
    text.field("sample", &quoted(&guess.sample), "files.sample");
    if let Some(table) = &guess.test_table {
        text.field("test-table", &quoted(table), "files.test-table");
    }
    if let Some(PixelTable { columns, planes, shape, range }) = &guess.pixels {
        let mut inside = if planes.is_empty() {
            format!("columns = {}", quoted(columns))
        } else {
            format!("planes = {}", list(planes))
        };
        let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
        inside += &format!(", shape = [{}]", shape.join(", "));
        if let Some((least, most)) = range {
            inside += &format!(", range = [{least}, {most}]");
        }
        text.field("pixels", &format!("{{ {inside} }}"), "files.pixels");
    }
}

fn target(text: &mut Text) {
    let guess = text.guess;
    text.table("target");
    text.field("kind", &quoted(word_of(guess.kind)), "target.kind");
    if !guess.classes.is_empty() {
        text.field("classes", &list(&guess.classes), "target.classes");
    }
    if !guess.rename.is_empty() {
        let pairs: Vec<String> = guess
            .rename
            .iter()
            .map(|(from, to)| format!("{} = {}", quoted(from), quoted(to)))
            .collect();
        text.field("rename", &format!("{{ {} }}", pairs.join(", ")), "target.rename");
    }
    if let Some(unknown) = &guess.unknown {
        text.field("unknown", &quoted(unknown), "target.unknown");
    }
    if let Some((least, most)) = guess.range {
        text.field("range", &format!("[{least}, {most}]"), "target.range");
    }
    if let Some(names) = &guess.names {
        text.field("names", &quoted(names), "target.names");
    }
}

fn labels(text: &mut Text) {
    let guess = text.guess;
    match &guess.labels {
        LabelsIn::Table { file, is_json, id, label, separator, is_long, photos } => {
            text.table(if *is_json { "target.labels.json" } else { "target.labels.csv" });
            text.field("file", &quoted(file), "target.labels.file");
            if let Some(id) = id {
                text.field("id", &quoted(id), "target.labels.id");
            }
            if let Some(label) = label {
                text.field("label", &quoted(label), "target.labels.label");
            }
            if let Some(separator) = separator {
                text.field("separator", &quoted(separator), "target.labels.separator");
            }
            if *is_long {
                text.field("row", &quoted("{id}_{class}"), "target.labels.row");
            }
            if let Some([file, id, of]) = photos {
                let [file, id, of] = [file, id, of].map(|name| quoted(name));
                let inside = format!("{{ file = {file}, id = {id}, of = {of} }}");
                text.field("photos", &inside, "target.labels.photos");
            }
        }
        LabelsIn::Folder => text.table("target.labels.folder"),
        LabelsIn::FileName { separator } => {
            text.table("target.labels.file-name");
            text.field("separator", &quoted(separator), "target.labels.separator");
        }
        LabelsIn::Pattern(pattern) => {
            text.table("target.labels.file-name");
            text.field("pattern", &quoted(pattern), "target.labels.pattern");
        }
        LabelsIn::Record { id, label } => {
            text.table("target.labels.record");
            text.field("id", &quoted(id), "target.labels.record");
            text.field("label", &quoted(label), "target.labels.label");
        }
    }
}

fn split(text: &mut Text) {
    let guess = text.guess;
    let Some(split) = &guess.split else { return };
    text.line(String::new());
    text.comment("split");
    text.line("[split]".to_owned());
    match split {
        Split::Group { column, table } => {
            text.line(format!("group = {}", quoted(column)));
            if let Some((file, id)) = table {
                text.line(format!("file = {}", quoted(file)));
                text.line(format!("id = {}", quoted(id)));
            }
        }
        Split::Pattern(pattern) => text.line(format!("pattern = {}", quoted(pattern))),
    }
}

fn submission(text: &mut Text) {
    let guess = text.guess;
    let submission = &guess.submission;
    text.line(String::new());
    if guess.why("submission").is_some_and(|note| !note.is_sure) {
        text.comment("submission");
    }
    text.line(format!("[submission.{}]", submission.shape.word()));
    text.field("id", &quoted(&submission.id), "submission.id");
    let names_columns = matches!(submission.shape, Shape::Numbers | Shape::ProbabilityPerClass);
    if let Some(column) = submission.column.as_ref().filter(|_| !names_columns) {
        text.field("column", &quoted(column), "submission.column");
    }
    if let Some(class) = &submission.class {
        text.field("class", &quoted(class), "submission.class");
    }
    if let Some(separator) = &submission.separator {
        text.field("separator", &quoted(separator), "submission.separator");
    }
    if submission.shape == Shape::Long {
        text.field("row", &quoted("{id}_{class}"), "submission.row");
    }
    if submission.is_pooled {
        text.field("pool", &quoted("mean"), "submission.pool");
    }
    debug_assert!(guess.kind != TargetKind::Number || submission.class.is_none());
}

/// Words about names from elsewhere, which may hold anything: a line of TOML that is a comment throughout.
fn as_comment(why: &str) -> String {
    term::one_line(why, LONGEST)
}

fn list(values: &[String]) -> String {
    let quoted: Vec<String> = values.iter().map(|value| quoted(value)).collect();
    format!("[{}]", quoted.join(", "))
}

/// A string of TOML: between single quotes where it has backslashes, as patterns do.
fn quoted(text: &str) -> String {
    if text.contains('\\')
        && !text.contains(['\'', '\n', '\r'])
        && !text.chars().any(char::is_control)
    {
        return format!("'{text}'");
    }
    if text.contains(['\n', '\r']) {
        // On one line, as a key must be: TOML knows all of JSON's escapes.
        return serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007f");
    }
    toml::Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_in_a_comment_makes_the_spec_another() {
        let toml_of = |why: &str| {
            let mut guess = Guess::default();
            for field in ["slug", "split", "submission"] {
                guess.note(field, false, why);
            }
            guess.split = Some(Split::Pattern("x".to_owned()));
            toml(&guess)
        };
        let read = |text: &str| toml::from_str::<toml::Table>(text).unwrap();
        let expected = read(&toml_of("by its name"));
        // Found by fuzzing: names of columns with characters that TOML has no place for.
        for name in
            ["a\u{1}\0b", "a\n[files]\ntrain = [\"/\"]", "\u{2028}x\r\u{7f}", &"x".repeat(1 << 20)]
        {
            let text = toml_of(&format!("the values of `{name}`"));
            assert_eq!(read(&text), expected, "{name:.20}");
            assert!(text.len() < 5000, "{}", text.len());
            // As a key and as a value.
            let both = read(&format!("{0} = {0}", quoted(name)));
            assert_eq!(both[name].as_str(), Some(name));
        }
    }
}
