//! A competition as a value, and the checks between its parts that types cannot make.

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::files::Files;
use super::labels::Labels;
use super::split_spec::{Grouping, SplitSpec};
use super::submission::{Pool, SubmissionFormat};
use super::target_spec::TargetSpec;
use super::template::Template;
use crate::lines;
use crate::metric::{Form, Metric};
use crate::relative::RelativePath;
use crate::target::TargetKind;
use crate::typed;

/// One competition: where its files are, what is predicted, how it is scored and submitted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Competition {
    /// The short name typed on the command line: the stem of the spec's file, and the name of its folders
    /// of data and runs.
    #[serde(skip)]
    pub name: String,
    /// What finds it on the command line: the name, or the path of the spec as it was typed.
    #[serde(skip)]
    pub typed: String,
    /// The spec's own text, kept in every run so that a run folder alone suffices to submit.
    #[serde(skip)]
    pub source: String,
    /// The title on Kaggle's page.
    pub title: String,
    /// Kaggle's name, as in `kaggle.com/competitions/<slug>`.
    pub slug: String,
    pub metric: Metric,
    /// What makes scores here too good, such as test images that a pretrained network has seen; a
    /// report says it at its top.
    #[serde(default)]
    pub leak: Option<String>,
    /// Where images and tables lie in the data folder.
    pub files: Files,
    pub target: TargetSpec,
    /// Which images stay together when some are held out.
    #[serde(default)]
    pub split: Option<SplitSpec>,
    pub submission: SubmissionFormat,
    /// How an answer gets to Kaggle.
    #[serde(default)]
    pub upload: UploadBy,
    /// Changes to the default recipe.
    #[serde(default)]
    pub recipe: toml::Table,
}

/// How an answer gets to Kaggle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UploadBy {
    /// A CSV is sent.
    #[default]
    Csv,
    /// Only what a notebook on Kaggle writes is taken.
    Notebook,
}

impl Competition {
    /// Reads a spec; `origin` names it in errors. A typo is answered with line, caret and the
    /// accepted words.
    pub fn parse(name: &str, source: &str, origin: &str) -> Result<Self> {
        let named = RelativePath::new(name);
        ensure!(
            named.is_ok_and(|path| path.is_bare() && path == *name),
            "`{name}` cannot be a competition's name, and so that of its folders: `{origin}` has no \
             name of its own\nhint: rename it to something like `mine.toml`"
        );
        let mut competition: Self = lines::parse_toml(source, origin)?;
        name.clone_into(&mut competition.name);
        name.clone_into(&mut competition.typed);
        source.clone_into(&mut competition.source);
        competition.check().with_context(|| format!("`{origin}` does not make sense"))?;
        if let SubmissionFormat::ProbabilityOf { class, .. } = &competition.submission {
            competition.metric = competition.metric.about(class);
        }
        Ok(competition)
    }

    /// Finds what types cannot: contradictions between fields, names that are taken.
    fn check(&self) -> Result<()> {
        let Self { files, target, submission, .. } = self;
        files.check()?;
        self.check_raw()?;
        for path in files.train.iter().chain(&files.test).chain(self.tables()) {
            ensure!(!path.is_own(), "`{path}` is a name that kaggle-kit needs in the data folder");
        }
        for path in self.tables() {
            ensure!(!path.is_folder_itself(), "`{path}` is the data folder itself: name a table");
        }
        let slug_ok = |c: char| c.is_ascii_alphanumeric() || c == '-';
        ensure!(
            !self.slug.is_empty() && self.slug.chars().all(slug_ok),
            "`slug` is `{}`: give Kaggle's name, as at the end of the competition's address",
            self.slug
        );
        ensure!(
            submission.separator() != Some(""),
            "`submission.tag-list.separator` is empty: give what stands between the tags"
        );
        target.check(match submission {
            SubmissionFormat::TagList { separator: None, .. } => Some("tags"),
            SubmissionFormat::TopK { .. } => Some("classes"),
            _ => None,
        })?;
        if matches!(target.labels, Labels::FileName { .. } | Labels::Folder {}) {
            let template =
                files.train.iter().find(|place| matches!(Template::of(place), Ok(Some(_))));
            ensure!(
                template.is_none(),
                "`files.train` has `{}`: names in braces are filled from a table of labels, and there is \
                 none",
                template.map_or("", RelativePath::as_str)
            );
        }
        if let Some(split) = &self.split {
            split.check(&target.labels)?;
        }
        self.check_submission()
    }

    /// Every table that the spec names, each once: labels, what else tells about images, the sample.
    pub fn tables(&self) -> Vec<&RelativePath> {
        let mut tables: Vec<&RelativePath> = Vec::new();
        let of_labels = self.target.labels.tables();
        let is_of_pixels = self.files.pixels.is_some();
        let of_pixels = self.files.train.iter().chain(&self.files.test).filter(|_| is_of_pixels);
        let others = [
            self.files.test_table.as_ref(),
            self.split.as_ref().and_then(|split| split.file.as_ref()),
            self.target.names.as_ref(),
            Some(&self.files.sample),
        ];
        for table in of_labels.into_iter().chain(others.into_iter().flatten()).chain(of_pixels) {
            if !tables.contains(&table) {
                tables.push(table);
            }
        }
        tables
    }

    /// Metric, kind of target and shape of the upload must fit together.
    fn check_submission(&self) -> Result<()> {
        let (metric, kind, form) = (&self.metric, self.target.kind, self.submission.form());
        ensure!(
            form != Form::Tags || kind == TargetKind::MultiLabel,
            "`submission.tag-list` needs `target.kind = \"multi-label\"`"
        );
        ensure!(
            metric.takes(kind, form),
            "`metric = \"{}\"` does not fit `target.kind = \"{}\"` with `submission.{}`: it needs {}",
            metric.name(),
            word_of(kind),
            self.submission.name(),
            needs(metric)
        );
        if !self.target.classes.is_empty() {
            metric.class_weights(&self.target.classes.clone().into())?;
        }
        ensure!(
            self.submission.pool().is_none() || self.files.test_table.is_some(),
            "`submission.{}.pool` needs `files.test-table`: the table that tells which images an answer is \
             for",
            self.submission.name()
        );
        if let SubmissionFormat::ProbabilityOf { class, .. } = &self.submission {
            let classes = &self.target.classes;
            ensure!(
                classes.len() == 2 && classes.contains(class),
                "`submission.probability-of` needs two `target.classes`, one of them `{class}`"
            );
        }
        Ok(())
    }

    /// What to know before training and before an upload where Kaggle takes no CSV.
    pub fn takes_notebooks_only(&self) -> Option<String> {
        (self.upload == UploadBy::Notebook).then(|| {
            format!(
                "`{}` takes notebooks only: `submit` makes a CSV, but Kaggle wants it from a notebook of its \
                 own",
                self.slug
            )
        })
    }

    /// How answers for several images are made, where the spec also says which training images would get
    /// one: those that a table of photos lists for one label, or that have one value in the column that is
    /// the submission's id.
    pub fn pools_training(&self) -> Option<Pool> {
        let how = self.submission.pool()?;
        let has_photos = matches!(&self.target.labels, Labels::Csv { photos: Some(_), .. });
        let grouping = self.split.as_ref().and_then(SplitSpec::grouping);
        let is_answer = |grouping| match grouping {
            Grouping::Column(column) => column == self.submission.id_column(),
            _ => false,
        };
        match grouping {
            None => has_photos.then_some(how),
            Some(grouping) => is_answer(grouping).then_some(how),
        }
    }

    /// `kaggle-kit` with this word and the competition as it was typed, such as
    /// `kaggle-kit fetch ./mine.toml`.
    pub fn command(&self, word: &str) -> String {
        typed::command([word, &self.typed])
    }

    /// The page on which a person accepts the rules.
    pub fn rules_page(&self) -> String {
        format!("https://www.kaggle.com/competitions/{}/rules", self.slug)
    }
}

/// A kind of target as specs write it.
fn word_of(kind: TargetKind) -> &'static str {
    match kind {
        TargetKind::SingleLabel => "single-label",
        TargetKind::MultiLabel => "multi-label",
        TargetKind::Ordinal => "ordinal",
        TargetKind::Number => "number",
    }
}

/// The kinds of targets and the shapes of uploads that a metric is for, in a spec's words.
fn needs(metric: &Metric) -> String {
    let shapes = |form: Form| match form {
        Form::Probabilities => "`submission.probability-of`, `probability-per-class` or `long`",
        Form::Label => "`submission.label`",
        Form::Ranking => "`submission.top-k`",
        Form::ScoredLabel => "`submission.scored-label`",
        Form::Tags => "`submission.tag-list`",
        Form::Numbers => "`submission.numbers`",
    };
    let pairs = metric.family().forms.iter();
    let needs = pairs.map(|&(kind, form)| format!("\"{}\" with {}", word_of(kind), shapes(form)));
    needs.collect::<Vec<_>>().join(", or ")
}
