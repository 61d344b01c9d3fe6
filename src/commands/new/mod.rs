//! `kaggle-kit new`: a competition's spec, made from what there is of its data.
//!
//! A folder, an archive or Kaggle's list of files is looked at (`look`, `remote`), the rules of
//! [`crate::infer`] make a guess of it, what they leave open is asked, and the guess is written as TOML.
//! Nothing is downloaded but the first bytes of tables, and nothing is unpacked.

mod look;
mod questions;
mod remote;
mod tell;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::competition;
use crate::fs;
use crate::infer::{self, Data, Guess, Hint, Pictures, Wishes};
use crate::kaggle::Environment;
use crate::metric::Metric;
use crate::session;
use crate::target::TargetKind;
use crate::term;
use crate::typed;
use crate::words;

const EXAMPLES: &str = "\
Examples:
  kaggle-kit new paddy-disease-classification         from Kaggle's list of files, before the download
  kaggle-kit new ~/Downloads/paddy                    from a folder, unpacked or not
  kaggle-kit new ~/Downloads/paddy.zip --yes --metric accuracy --output paddy.toml
At most four questions are asked; every option that answers one beforehand spares it.";

#[derive(clap::Args, Debug, Default)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Kaggle's slug or address, a folder with the data, or an archive of them
    #[arg(value_name = "SLUG|FOLDER|ARCHIVE")]
    pub source: String,
    /// Where to write the spec; without it `<slug>.toml`
    #[arg(short, long, value_name = "SPEC.toml")]
    pub output: Option<PathBuf>,
    /// Ask nothing: take the likeliest answer, and say which
    #[arg(short, long)]
    pub yes: bool,
    #[command(flatten)]
    pub answers: Answers,
    /// Write over a file that is there already
    #[arg(long)]
    pub force: bool,
    /// Where Kaggle's API is
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Print the guess as JSON; asks nothing
    #[arg(long)]
    pub json: bool,
}

// What would be asked, or guessed.
#[derive(clap::Args, Clone, Debug, Default)]
#[command(next_help_heading = "Answers")]
pub struct Answers {
    /// How it is scored: accuracy, auc, log-loss, kappa, map@5, macro-f1, rmse ..
    #[arg(long, value_name = "WORD")]
    pub metric: Option<String>,
    /// What is predicted: single-label, multi-label, ordinal or number
    #[arg(long, value_name = "WORD", value_parser = words::parser::<TargetKind>())]
    pub kind: Option<TargetKind>,
    /// The column whose images stay together in a split; `none` for no such
    #[arg(long, value_name = "COLUMN")]
    pub group: Option<String>,
    /// The class that is the answer where no other is likely; `none` for no such
    #[arg(long, value_name = "CLASS")]
    pub unknown: Option<String>,
    /// The class that the sample's probability, or its 1, stands for
    #[arg(long, value_name = "CLASS")]
    pub positive: Option<String>,
    /// How many classes there are, or their names with commas, where the labels do not have all
    #[arg(long, value_name = "NUMBER|NAMES")]
    pub classes: Option<String>,
    /// The folder of test images, where several have them
    #[arg(long, value_name = "FOLDER")]
    pub images: Option<String>,
    /// How the pictures were taken, and so how they may be turned: upright, from-above (through a microscope
    /// too) or as-they-are (text, or a left and a right that matter)
    #[arg(long, value_name = "WORD", value_parser = words::parser::<Pictures>())]
    pub pictures: Option<Pictures>,
    /// The column of labels
    #[arg(long, value_name = "COLUMN")]
    pub label: Option<String>,
    /// The sample submission, by its path below the folder
    #[arg(long, value_name = "CSV")]
    pub sample: Option<String>,
    /// The title
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Kaggle's name, as at the end of the competition's address
    #[arg(long, value_name = "NAME")]
    pub slug: Option<String>,
}

impl Answers {
    fn wishes(&self) -> Result<Wishes> {
        if let Some(word) = &self.metric {
            Metric::of(word)?;
        }
        let this = self.clone();
        Ok(Wishes {
            title: this.title,
            slug: this.slug,
            metric: this.metric,
            kind: this.kind,
            sample: this.sample,
            label: this.label,
            group: this.group,
            unknown: this.unknown,
            positive: this.positive,
            classes: this.classes,
            images: this.images,
            pictures: this.pictures,
            is_notebook: false,
        })
    }
}

/// What was looked at.
struct Looked {
    data: Data,
    /// What it is called where nobody says otherwise.
    called: String,
    hint: Option<Hint>,
    /// The evaluation page.
    page: String,
    source: Source,
}

enum Source {
    Here(PathBuf),
    Kaggle,
}

/// Looks, asks, writes the spec, and says what to type next; the spec's path is the last line on
/// stdout.
pub fn run(args: &Args) -> Result<()> {
    let mut wishes = args.answers.wishes()?;
    let looked = look_at(args, &mut wishes)?;
    let infer =
        |wishes: &Wishes| infer::infer(&looked.data, &looked.called, wishes, looked.hint.as_ref());
    let mut guess = infer(&wishes).with_context(|| no_spec(args, &looked.data))?;
    if !args.yes && !args.json {
        guess = questions::ask(guess, &mut wishes, &looked.page, &infer)?;
    }
    let path = args.output.clone().unwrap_or_else(|| format!("{}.toml", guess.slug).into());
    write(&path, &infer::toml(&guess), args.force)?;
    // A metric that does not go with the sample, most often: the person knows better which is wrong, and
    // has a file to put right.
    let held = competition::find(&path.display().to_string());
    let source = held.is_ok().then_some(&looked.source);
    tell::guess(&guess, &looked.data, &path, source);
    if args.json {
        term::json(&tell::json(&guess, &path))?;
    } else {
        term::path(&path);
    }
    if let Err(error) = held {
        let (message, _) = term::describe(&error);
        bail!(
            "the spec does not hold as it is: {message}\nhint: give another `--metric` or `--kind` with \
             `--force`, or change `{}` by hand: competitions/README.md tells what goes together",
            path.display()
        );
    }
    Ok(())
}

/// Why there is none may lie in a table that nobody could read.
fn no_spec(args: &Args, data: &Data) -> String {
    let unread: Vec<String> = data.unread.iter().map(|path| format!("`{path}`")).collect();
    let hint = match &unread[..] {
        [] => String::new(),
        _ => format!(
            "\nhint: not read as a table: {}; is it a CSV in UTF-8, with a header?",
            term::short(&unread.join(", "), 200)
        ),
    };
    format!("`{}` gives no spec{hint}", args.source)
}

fn look_at(args: &Args, wishes: &mut Wishes) -> Result<Looked> {
    let path = Path::new(&args.source);
    let here = |data: Data, called: String| {
        let source = Source::Here(path.to_owned());
        Looked { data, called, hint: None, page: String::new(), source }
    };
    if path.is_dir() {
        let name = path
            .canonicalize()
            .ok()
            .and_then(|path| Some(path.file_name()?.to_string_lossy().into_owned()));
        return Ok(here(look::folder(path)?, name.unwrap_or_default()));
    }
    if path.is_file() {
        ensure!(
            look::is_readable_archive(path)?,
            "`{}` is neither a folder nor an archive ({})\nhint: {}",
            path.display(),
            crate::archive::UNPACKED,
            if crate::archive::stem(path) == path.file_name().unwrap_or_default().to_string_lossy()
            {
                "give the folder that it lies in"
            } else {
                "it is called like one, but is none by its content: download it again"
            }
        );
        return Ok(here(look::one_archive(path)?, crate::archive::stem(path)));
    }
    let slug = competition::slug_of(&args.source);
    let is_slug = |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '-';
    ensure!(
        !slug.is_empty() && slug.chars().all(is_slug),
        "no folder or archive `{}`\nhint: give one, or what is at the end of the competition's address on \
         Kaggle",
        args.source
    );
    let client = session::connect(args.endpoint.as_deref(), &Environment::of_process())
        .with_context(|| {
            format!("`{}` is no folder or archive here, so Kaggle is asked for it", args.source)
        })?;
    let told = remote::look(&client, &slug)?;
    wishes.is_notebook = told.info.is_kernels_submissions_only;
    wishes.slug.get_or_insert_with(|| slug.clone());
    if !told.info.title.is_empty() {
        wishes.title.get_or_insert(told.info.title);
    }
    let hint = infer::of_kaggle(&told.info.evaluation_metric, &told.page);
    Ok(Looked {
        data: told.data,
        called: slug,
        hint: Some(hint),
        page: told.page,
        source: Source::Kaggle,
    })
}

/// Writes the spec whole or not at all; a file with another text stays.
fn write(path: &Path, text: &str, force: bool) -> Result<()> {
    let is_toml = path.extension().is_some_and(|extension| extension == "toml");
    ensure!(is_toml, "`{}` does not end in `.toml`\nhint: a spec is known by it", path.display());
    if fs::symlink_metadata(path).is_ok() && !force {
        let is_same = fs::read_to_string(path).is_ok_and(|there| there == text);
        ensure!(
            is_same,
            "`{0}` is there already, and says something else\nhint: `--force` writes over it, `--output` \
             takes another name",
            path.display()
        );
    }
    fs::write_named(path, text, "spec", |_| true)
}

/// What is typed after `kaggle-kit`, with the spec as a path.
fn command(word: &str, path: &Path, more: &[&str]) -> String {
    let spec = path.display().to_string();
    // A bare name is found like a competition's: any path ends in `.toml`.
    typed::command([word, spec.as_str()].into_iter().chain(more.iter().copied()))
}

/// The fields that are written and rest on a guess.
fn guesses(guess: &Guess) -> impl Iterator<Item = &infer::Note> {
    guess.notes.iter().filter(|note| !note.is_sure)
}
