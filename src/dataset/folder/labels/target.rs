//! Labels as places in the vocabulary, and what to say of one that is not in it.

use anyhow::{Context, Result, bail};

use super::super::missing::SHOWN;
use super::super::words;
use super::rows::one_hot_hint;
use super::{LabelSource, Labelled, LabelledImages};
use crate::explain;
use crate::target::{Classes, TargetKind};
use crate::term;

impl LabelledImages {
    /// The places of an image's labels in the vocabulary: sorted, one for a single label.
    pub(in crate::dataset::folder) fn target(
        &self,
        image: &Labelled,
        kind: TargetKind,
        classes: &Classes,
    ) -> Result<Vec<usize>> {
        let position = |name: &String| {
            classes.meant_by(name).with_context(|| self.unknown(image, name, kind, classes))
        };
        if kind.has_one_class() && image.labels.is_empty() {
            bail!(
                "{}: no label for `{}`\nhint: give one, or delete the row",
                self.place(image),
                term::short(&image.id, SHOWN)
            );
        }
        let mut target: Vec<usize> = image.labels.iter().map(position).collect::<Result<_>>()?;
        // Planet's table names `cultivation` twice in some rows.
        target.sort_unstable();
        target.dedup();
        Ok(target)
    }

    /// Where an image has its label, as errors begin.
    fn place(&self, image: &Labelled) -> String {
        match (&self.table, image.source) {
            (Some(table), LabelSource::Line(line)) => table.table.place(line),
            _ => format!("`{}`", image.path.display()),
        }
    }

    fn unknown(&self, image: &Labelled, name: &str, kind: TargetKind, classes: &Classes) -> String {
        let what = match kind {
            TargetKind::SingleLabel => "label",
            TargetKind::MultiLabel => "tag",
            TargetKind::Ordinal => "level",
            TargetKind::Number => "number",
        };
        let header = self.table.as_ref().map_or(&[][..], |table| table.table.header.as_slice());
        let in_one_hot = || {
            let is_mark = matches!(name.parse::<f64>(), Ok(0.0 | 1.0));
            one_hot_hint(classes.names(), header).filter(|_| is_mark)
        };
        let hint = if let Some(hint) = in_one_hot() {
            hint
        } else if let Some(separator) = separator_of(name, classes) {
            format!(
                "tags are separated by `{separator}` here: say `separator = \"{separator}\"` in \
                 `target.labels.csv` of the spec"
            )
        } else {
            let known = format!(
                "the {} known come from the spec's `target.classes` or the sample submission's \
                 columns",
                classes.len()
            );
            match explain::nearest(name, classes.names().iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`? {known}"),
                None if words::is_nothing(name) => format!(
                    "pandas writes it for an empty cell: give a label, or delete the row; {known}"
                ),
                None => known,
            }
        };
        format!(
            "{}: unknown {what} `{}`\nhint: {hint}",
            self.place(image),
            term::short(name, SHOWN)
        )
    }
}

/// What separates the parts of a name, if each part is a class.
fn separator_of(name: &str, classes: &Classes) -> Option<char> {
    let all_known = |separator: &char| {
        let mut parts = name.split(*separator).map(str::trim);
        name.contains(*separator) && parts.all(|part| classes.position(part).is_some())
    };
    words::SEPARATORS.into_iter().find(all_known)
}
