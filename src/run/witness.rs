//! What else says in which order a run answers: the summary's classes say what each output of the
//! network is about, so that two of them exchanged turn every probability around, and nothing looks
//! wrong. The header of the held-out predictions, the spec and a hash say the same, and are asked.

use std::io::BufReader;
use std::path::Path;

use anyhow::{Result, bail, ensure};

use super::folder::{COMPETITION, Run};
use super::predictions::{LEVEL, VALID};
use super::summary::Summary;
use crate::fs;
use crate::hash::Hash;
use crate::target::Classes;
use crate::term;

const HINT: &str = "one of the two files was edited, or is of another run: copy the run's folder \
                    again from where it was made, or train again with `--anew`";
/// Characters of a class's name that an error shows.
const SHOWN: usize = 60;

/// A hash of the classes in their order.
pub fn hash_of(classes: &Classes) -> String {
    let mut bytes = Vec::new();
    for name in classes.names() {
        // Each with its length, so that no two lists make the same bytes.
        bytes.extend((name.len() as u64).to_le_bytes());
        bytes.extend(name.as_bytes());
    }
    Hash::of(&bytes).to_string()
}

impl Run {
    /// Fails where another file of the run has other classes than its summary, or another metric.
    pub(super) fn compare(&self, summary: &Summary) -> Result<()> {
        let classes = &summary.classes;
        if let Some(header) = header(&self.file(VALID))
            && header != [LEVEL]
        {
            same(self, classes, &header, &format!("the header of `{VALID}`"))?;
        }
        // A spec that cannot be read is told where it is needed.
        if self.file(COMPETITION).is_file()
            && let Ok(spec) = self.competition()
        {
            if !spec.target.classes.is_empty() {
                same(self, classes, &spec.target.classes, &format!("`{COMPETITION}`"))?;
            }
            ensure!(
                summary.metric == spec.metric.name(),
                "`{}`: the metric is `{}` in `summary.toml`, but `{}` in `{COMPETITION}`\nhint: {HINT}",
                self.folder.display(),
                term::short(&summary.metric, SHOWN),
                spec.metric.name()
            );
        }
        let kept = &summary.classes_sha256;
        ensure!(
            kept.is_empty() || *kept == hash_of(classes),
            "`{}`: `classes` in `summary.toml` are not those, or not in the order, of which it keeps \
             `classes-sha256`\nhint: the file was edited: copy the run's folder again from where it was \
             made, or train again with `--anew`",
            self.folder.display()
        );
        Ok(())
    }
}

/// The classes that a table of predictions has columns for; none where there is no such table.
fn header(path: &Path) -> Option<Vec<String>> {
    let file = fs::open(path).ok()?;
    let mut table = csv::ReaderBuilder::new().flexible(true).from_reader(BufReader::new(file));
    let header = table.headers().ok()?;
    Some(header.iter().skip(1).map(str::to_owned).collect())
}

fn same(run: &Run, classes: &Classes, others: &[String], place: &str) -> Result<()> {
    let names = classes.names();
    if names == others {
        return Ok(());
    }
    let folder = run.folder.display();
    if names.len() != others.len() {
        bail!(
            "`{folder}`: {} in `summary.toml`, but {} in {place}\nhint: {HINT}",
            term::count(names.len(), "name").replace("name", "class name"),
            others.len()
        );
    }
    let at = names.iter().zip(others).position(|(a, b)| a != b).unwrap_or_default();
    bail!(
        "`{folder}`: class {} is `{}` in `summary.toml`, but `{}` in {place}: each says which \
         probabilities are whose\nhint: {HINT}",
        at + 1,
        term::short(&names[at], SHOWN),
        term::short(&others[at], SHOWN)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::competition;
    use crate::metric::Metric;

    fn classes(names: &[&str]) -> Classes {
        names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>().into()
    }

    fn told(run: &Run) -> String {
        run.summary().map_or_else(|error| format!("{error:#}"), |_| "fine".to_owned())
    }

    #[test]
    fn classes_in_another_order_are_told_with_both_files() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        let pets = classes(&["cat", "dog"]);
        let summary = Summary::made_up("pets", &Metric::log_loss(), &pets);
        run.finish(&summary).unwrap();
        assert_eq!(told(&run), "fine");
        run.write(VALID, "id,cat,dog\na,1,0\n").unwrap();
        run.write(COMPETITION, &competition::find("dogs-vs-cats").unwrap().source).unwrap();
        assert_eq!(told(&run), "fine");

        let edit = |from: &str, to: &str| {
            let text = toml::to_string(&summary).unwrap();
            let edited = text.replacen(from, to, 1);
            assert_ne!(edited, text);
            run.write("summary.toml", edited).unwrap();
        };
        edit("[\"cat\", \"dog\"]", "[\"dog\", \"cat\"]");
        let first = "class 1 is `dog` in `summary.toml`, but `cat` in ";
        assert!(told(&run).contains(&format!("{first}the header of `{VALID}`")), "{}", told(&run));
        assert!(told(&run).contains("hint: "));
        fs::remove_file(run.file(VALID)).unwrap();
        assert!(told(&run).contains(&format!("{first}`{COMPETITION}`")), "{}", told(&run));
        fs::remove_file(run.file(COMPETITION)).unwrap();
        // With nothing else beside it, the summary's own hash tells.
        assert!(told(&run).contains("of which it keeps `classes-sha256`"), "{}", told(&run));

        run.write(VALID, "id,cat,dog,cow\n").unwrap();
        edit("version = 1", "version = 1 ");
        assert!(told(&run).contains("2 class names in `summary.toml`, but 3 in"), "{}", told(&run));
    }

    #[test]
    fn a_metric_that_is_not_the_spec_s_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        run.write(COMPETITION, &competition::find("planet").unwrap().source).unwrap();
        run.finish(&Summary::made_up("planet", &Metric::log_loss(), &classes(&["a", "b"])))
            .unwrap();
        let expected = "the metric is `log-loss` in `summary.toml`, but `mean-f2` in";
        assert!(told(&run).contains(expected), "{}", told(&run));
    }

    #[test]
    fn a_run_of_an_older_version_has_no_hash() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        let summary = Summary::made_up("pets", &Metric::log_loss(), &classes(&["cat", "dog"]));
        run.finish(&Summary { classes_sha256: String::new(), ..summary }).unwrap();
        let text = fs::read_to_string(run.file("summary.toml")).unwrap();
        assert!(!text.contains("classes-sha256"), "{text}");
        assert_eq!(told(&run), "fine");
        assert_ne!(hash_of(&classes(&["ab", "c"])), hash_of(&classes(&["a", "bc"])));
    }
}
