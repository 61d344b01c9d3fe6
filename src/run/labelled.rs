//! The images that a run was given, with what is true of each: `split.csv` in the words of the vocabulary.

use std::collections::HashMap;

use anyhow::{Context, Result};

use super::folder::Run;
use super::split::{EDITED, FILE, Side, SplitRow, SplitTable};
use crate::table::Table;
use crate::target::{Classes, TargetKind, Truth};

/// An image that a run was given, and what is true of it.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledImage {
    pub id: String,
    pub side: Side,
    /// Its classes as places in the vocabulary, sorted; none where numbers are asked for.
    pub target: Vec<usize>,
    /// Its numbers, in the order of their columns.
    pub numbers: Vec<f64>,
    /// The set that it belongs to, if it has others.
    pub set: Option<usize>,
}

impl Run {
    /// The images that the run was given, from its `split.csv`. `classes` are the vocabulary, or what
    /// numbers are called.
    pub fn labelled(&self, classes: &Classes, kind: TargetKind) -> Result<Vec<LabelledImage>> {
        let path = self.file(FILE);
        let position = |name: &String| {
            let known = classes.position(name);
            known.with_context(|| {
                let path = path.display();
                format!("`{path}`: the run has no class `{name}`\nhint: {EDITED}")
            })
        };
        let mut images = Vec::new();
        for SplitRow { id, side, labels, numbers, set } in SplitTable::of(self, classes, kind)?.rows
        {
            let mut target = labels.iter().map(position).collect::<Result<Vec<usize>>>()?;
            target.sort_unstable();
            images.push(LabelledImage { id, side, target, numbers, set });
        }
        Ok(images)
    }

    /// The set of each image, in the order of `ids`: those that belong together have the same number.
    pub fn sets(&self, ids: &[String], classes: &Classes, kind: TargetKind) -> Result<Vec<usize>> {
        let images = self.labelled(classes, kind)?;
        let told: HashMap<&str, usize> =
            images.iter().filter_map(|image| Some((image.id.as_str(), image.set?))).collect();
        let first = told.values().max().map_or(0, |most| most + 1);
        let set =
            |(place, id): (usize, &String)| told.get(id.as_str()).copied().unwrap_or(first + place);
        Ok(ids.iter().enumerate().map(set).collect())
    }

    /// What is true of each image that the run held out, in the order of `ids`.
    pub fn truth(&self, ids: &[String], classes: &Classes, kind: TargetKind) -> Result<Truth> {
        let images = self.labelled(classes, kind)?.into_iter();
        let valid = images.filter(|image| image.side == Side::Valid);
        let mut by_id: HashMap<String, LabelledImage> =
            valid.map(|image| (image.id.clone(), image)).collect();
        let mut found = Vec::new();
        for id in ids {
            found.push(by_id.remove(id).with_context(|| {
                format!("`{}` does not hold out `{id}`\nhint: {EDITED}", self.file(FILE).display())
            })?);
        }
        Ok(if kind == TargetKind::Number {
            let rows = found.iter().map(|image| image.numbers.as_slice());
            Truth::Numbers(Table::from_rows(rows, classes.len()))
        } else {
            Truth::Classes(found.into_iter().map(|image| image.target).collect())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAGS: TargetKind = TargetKind::MultiLabel;

    fn classes() -> Classes {
        ["clear", "haze, thick", "road"].map(str::to_owned).to_vec().into()
    }

    #[test]
    fn labels_become_places_in_the_vocabulary() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().to_owned() };
        run.write(FILE, "id,part,labels\na,train,road|clear\nb,valid,\n").unwrap();
        let images = run.labelled(&classes(), TAGS).unwrap();
        assert_eq!(images[0].target, [0, 2]);
        let ids = |id: &str| [id.to_owned()];
        let truth = run.truth(&ids("b"), &classes(), TAGS).unwrap();
        assert_eq!(truth, Truth::Classes(vec![Vec::new()]));
        let error = run.truth(&ids("a"), &classes(), TAGS).unwrap_err().to_string();
        assert!(error.contains("split.csv` does not hold out `a`"), "{error}");
        for (text, expected) in [
            ("id,part\na,train\n", "other columns than `id,part,labels`"),
            ("id,part,labels\n\na,test,road\n", "line 3, has no part `test`, at `a`"),
            ("id,part,labels\na,train,road\na,valid,road\n", "line 3, has `a` a second time"),
            ("id,part,labels\na,train,river\n", "no class `river`"),
            ("id,part,labels\na,train\n", "failed to read"),
        ] {
            run.write(FILE, text).unwrap();
            let error = format!("{:#}", run.labelled(&classes(), TAGS).unwrap_err());
            assert!(error.contains(expected) && error.contains("split.csv"), "{error}");
        }
    }
}
