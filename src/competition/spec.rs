//! The fields of a competition file, and the checks that types cannot make.

use std::collections::HashSet;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

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
    pub submission: SubmissionFormat,
    /// Changes to the default recipe.
    #[serde(default)]
    pub recipe: toml::Table,
}

/// The layout of the data folder.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Files {
    /// Folders of training images; an image's id is its file stem.
    pub train: Vec<RelativePath>,
    /// Folders of test images; those that do not exist are passed over so long as one does.
    pub test: Vec<RelativePath>,
    /// The sample submission: its ids, their order, and its header.
    pub sample: RelativePath,
    #[serde(default = "jpg")]
    pub extension: String,
    /// How many images Kaggle has, to compare with.
    #[serde(default)]
    pub counts: Option<Counts>,
    /// What to tell a person when images are not among the files that Kaggle gave.
    #[serde(default)]
    pub if_missing: Option<String>,
}

/// How many images a competition has on Kaggle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Counts {
    pub train: usize,
    pub test: usize,
}

fn jpg() -> String {
    "jpg".to_owned()
}

/// What an image is labelled with, and where the labels are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TargetSpec {
    pub kind: TargetKind,
    pub labels: Labels,
    /// The classes in order, where the data do not tell: else they are the sample's columns
    /// (`probability-per-class`) or the sorted labels of the training images.
    #[serde(default)]
    pub classes: Vec<String>,
    /// Where the numbers that are asked for lie.
    #[serde(default)]
    pub range: Option<[f64; 2]>,
    /// Which tags exclude or imply one another, where that is not to be found in the labels.
    #[serde(default)]
    pub groups: TagGroups,
}

/// Which tags exclude or imply one another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct TagGroups {
    /// Groups of which an image has exactly one tag.
    pub exclusive: Vec<Vec<String>>,
    /// Groups of which an image has one tag or none.
    pub at_most_one: Vec<Vec<String>>,
    /// Tags that stand without any other.
    pub alone: Vec<String>,
    /// A tag and another that is always there with it.
    pub implies: Vec<[String; 2]>,
    /// Whether the images at hand may lack some of these tags, which are then left out; without it,
    /// a name that no image has is an error.
    pub may_be_absent: bool,
}

impl TagGroups {
    /// Every name in them, in order.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        let groups = self.exclusive.iter().chain(&self.at_most_one).flatten();
        groups.chain(&self.alone).chain(self.implies.iter().flatten())
    }
}

/// Where the training labels are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Labels {
    /// A table with a row an image.
    Csv {
        file: RelativePath,
        id: String,
        /// The column of labels; left out, every class has a column of its own, with 0 or 1.
        label: Option<String>,
        /// What stands between the tags of a row; blanks if left out.
        separator: Option<String>,
    },
    /// The part of the file name before the first separator: `cat.0.jpg`.
    FileName {
        /// Usually `.`.
        separator: String,
    },
    /// The folder an image lies in: `train/cat/0.jpg`.
    Folder {},
}

/// The shape of the upload.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum SubmissionFormat {
    /// `id,label`: the probability of one class.
    ProbabilityOf {
        id: String,
        column: String,
        /// The class that it is the probability of.
        class: String,
    },
    /// `id,class,class,...`: a probability a class, columns in the sample's order.
    ProbabilityPerClass { id: String },
    /// `id,tags`: the tags separated by spaces.
    TagList { id: String, column: String },
    /// `id,label`: one class.
    Label { id: String, column: String },
    /// `id,labels`: the likeliest classes, best first, separated by spaces.
    TopK { id: String, column: String },
    /// `id,number,...`: a number a column, as the sample has them.
    Numbers { id: String },
    /// `id_class,probability`: a row an image and class; `row` says how ids are made of the two.
    Long { id: String, column: String, row: String },
    /// `id,label confidence`: one class and how sure it is, or nothing.
    ScoredLabel { id: String, column: String },
}

impl SubmissionFormat {
    pub fn id_column(&self) -> &str {
        match self {
            Self::ProbabilityOf { id, .. }
            | Self::ProbabilityPerClass { id }
            | Self::TagList { id, .. }
            | Self::Label { id, .. }
            | Self::TopK { id, .. }
            | Self::Numbers { id }
            | Self::Long { id, .. }
            | Self::ScoredLabel { id, .. } => id,
        }
    }

    /// The one column beside the id's, where there is one only.
    pub fn value_column(&self) -> Option<&str> {
        match self {
            Self::ProbabilityOf { column, .. }
            | Self::TagList { column, .. }
            | Self::Label { column, .. }
            | Self::TopK { column, .. }
            | Self::Long { column, .. }
            | Self::ScoredLabel { column, .. } => Some(column),
            Self::ProbabilityPerClass { .. } | Self::Numbers { .. } => None,
        }
    }

    /// The table's name in specs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::ProbabilityOf { .. } => "probability-of",
            Self::ProbabilityPerClass { .. } => "probability-per-class",
            Self::TagList { .. } => "tag-list",
            Self::Label { .. } => "label",
            Self::TopK { .. } => "top-k",
            Self::Numbers { .. } => "numbers",
            Self::Long { .. } => "long",
            Self::ScoredLabel { .. } => "scored-label",
        }
    }

    /// What an answer is.
    pub fn form(&self) -> Form {
        match self {
            Self::ProbabilityOf { .. } | Self::ProbabilityPerClass { .. } | Self::Long { .. } => {
                Form::Probabilities
            }
            Self::TagList { .. } => Form::Tags,
            Self::Label { .. } => Form::Label,
            Self::TopK { .. } => Form::Ranking,
            Self::Numbers { .. } => Form::Numbers,
            Self::ScoredLabel { .. } => Form::ScoredLabel,
        }
    }
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
        let files = &self.files;
        ensure!(!files.train.is_empty(), "`files.train` is empty: name a folder");
        ensure!(!files.test.is_empty(), "`files.test` is empty: name a folder");
        for (field, names) in [("train", &files.train), ("test", &files.test)] {
            let twice = names.iter().enumerate().find(|(i, name)| names[..*i].contains(name));
            if let Some((_, name)) = twice {
                bail!(
                    "`files.{field}` names a folder twice: `{name}`\nhint: name each folder once, \
                     however it is written (`./{name}` is `{name}`)"
                );
            }
        }
        let labels_file = match &self.target.labels {
            Labels::Csv { file, .. } => Some(file),
            Labels::FileName { .. } | Labels::Folder {} => None,
        };
        let folders = files.train.iter().chain(&files.test);
        let tables = || [&files.sample].into_iter().chain(labels_file);
        for path in folders.chain(tables()) {
            ensure!(!path.is_own(), "`{path}` is a name that kaggle-kit needs in the data folder");
        }
        for path in tables() {
            ensure!(!path.is_folder_itself(), "`{path}` is the data folder itself: name a table");
        }
        let extension = &files.extension;
        ensure!(
            !extension.is_empty() && !extension.contains(['.', '/', '\\']),
            "`files.extension` is `{extension}`: give it without a dot, such as \"png\""
        );
        let slug_ok = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        ensure!(
            !self.slug.is_empty() && self.slug.chars().all(slug_ok),
            "`slug` is `{}`: give Kaggle's name, as at the end of the competition's address",
            self.slug
        );
        self.check_target()?;
        self.check_submission()
    }

    fn check_target(&self) -> Result<()> {
        let TargetSpec { kind, labels, classes, groups, .. } = &self.target;
        let unique: HashSet<_> = classes.iter().collect();
        ensure!(unique.len() == classes.len(), "`target.classes` names a class twice");
        let blank = |name: &&String| name.is_empty() || name.trim() != name.as_str();
        if let Some(name) = classes.iter().find(blank) {
            bail!("`target.classes` has `{name}`: a name neither begins nor ends with a blank");
        }
        let is_list = matches!(
            self.submission,
            SubmissionFormat::TagList { .. } | SubmissionFormat::TopK { .. }
        );
        if let Some(name) =
            classes.iter().find(|name| is_list && name.contains(char::is_whitespace))
        {
            let noun = if self.submission.form() == Form::Tags { "tags" } else { "classes" };
            bail!("`target.classes` has `{name}`: {noun} of an upload are separated by blanks");
        }
        let separator = match labels {
            Labels::Csv { separator, .. } => separator.as_deref(),
            Labels::FileName { separator } => Some(separator.as_str()),
            Labels::Folder {} => None,
        };
        ensure!(separator != Some(""), "`separator` is empty: give what stands between");
        if let Labels::Csv { label, separator: Some(_), .. } = labels {
            ensure!(
                *kind == TargetKind::MultiLabel && label.is_some(),
                "`separator` is between the tags of a `label`: it needs `label` and `target.kind = \
                 \"multi-label\"`"
            );
        }
        ensure!(
            *groups == TagGroups::default() || *kind == TargetKind::MultiLabel,
            "`target.groups` needs `target.kind = \"multi-label\"`"
        );
        if !classes.is_empty()
            && !groups.may_be_absent
            && let Some(name) = groups.names().find(|name| !classes.contains(*name))
        {
            bail!("`target.groups` names `{name}`, which is none of `target.classes`");
        }
        Ok(())
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
        if let SubmissionFormat::ProbabilityOf { class, .. } = &self.submission {
            let classes = &self.target.classes;
            ensure!(
                classes.len() == 2 && classes.contains(class),
                "`submission.probability-of` needs two `target.classes`, one of them `{class}`"
            );
        }
        Ok(())
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
