//! `kaggle-kit completions`: what makes a shell complete our command lines, and manual pages.
//!
//! The shell asks the program itself while somebody types (`COMPLETE=zsh kaggle-kit ..`), so
//! competitions, runs, backbones and settings are those that there are at that moment.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap_complete::engine::{
    ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter,
};
use clap_complete::env::Shells;
use clap_complete::{CompleteEnv, Shell};

use crate::competition;
use crate::fs;
use crate::kaggle::{Environment, notebook};
use crate::recipe;
use crate::run::{Run, Workspace};
use crate::term;
use crate::weights::imported;
use crate::zoo;

const EXAMPLES: &str = "\
Examples:
  kaggle-kit completions bash >> ~/.bashrc
  kaggle-kit completions zsh >> ~/.zshrc
  kaggle-kit completions fish > ~/.config/fish/completions/kaggle-kit.fish
  kaggle-kit completions --man ~/.local/share/man/man1
Competitions, runs, backbones and settings are looked up while you type.";

/// The variable by which a shell asks.
const ASKED: &str = "COMPLETE";
const NAME: &str = "kaggle-kit";

#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Print what this shell runs at its start: bash, zsh, fish, elvish or powershell
    #[arg(required_unless_present = "man")]
    pub shell: Option<Shell>,
    /// Write a manual page for each command into this folder instead
    #[arg(long, value_name = "FOLDER", conflicts_with = "shell")]
    pub man: Option<PathBuf>,
}

/// `command` is the whole command line.
pub fn run(args: &Args, command: clap::Command) -> Result<()> {
    if let Some(folder) = &args.man {
        return write_pages(folder, command);
    }
    let shell = args.shell.unwrap_or(Shell::Bash).to_string();
    let shells = Shells::builtins();
    let completer = shells.completer(&shell);
    let completer = completer.with_context(|| format!("no completions for `{shell}`"))?;
    let mut script = Vec::new();
    completer.write_registration(ASKED, "kaggle_kit", NAME, NAME, &mut script)?;
    term::out(String::from_utf8_lossy(&script).trim_end());
    Ok(())
}

/// A page a command, `kaggle-kit-train.1` and so on.
fn write_pages(folder: &Path, command: clap::Command) -> Result<()> {
    fs::create_dir_all(folder)?;
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let mut pages = vec![command.clone()];
    pages.extend(command.get_subcommands().filter(|sub| !sub.is_hide_set()).cloned());
    let n = pages.len();
    for page in pages {
        let name = page.get_display_name().unwrap_or(page.get_name()).to_owned();
        let mut text = Vec::new();
        clap_mangen::Man::new(page).title(&name).render(&mut text)?;
        let is_page = |start: &[u8]| start.windows(4).any(|part| part == b"\n.TH");
        fs::write_named(&folder.join(format!("{name}.1")), &text, "manual page", is_page)?;
    }
    term::done(format_args!("{} in `{}`", term::count(n, "page"), folder.display()));
    Ok(())
}

/// Answers a shell that asks, and ends the program then. Nothing else is done or printed.
pub fn answer(command: impl Fn() -> clap::Command) {
    if std::env::var_os(ASKED).is_some() {
        CompleteEnv::with_factory(|| with_values(command())).var(ASKED).bin(NAME).complete();
    }
}

/// The command line with what its arguments may be.
fn with_values(command: clap::Command) -> clap::Command {
    // All of them: `mut_arg` would put the one that it changes behind the others.
    command.mut_subcommands(|sub| {
        sub.mut_args(|arg| match values(arg.get_id().as_str(), arg.is_positional()) {
            Some(values) => arg.add(values),
            None => arg,
        })
    })
}

/// What an argument of this name may be.
fn values(id: &str, is_positional: bool) -> Option<ArgValueCompleter> {
    Some(match id {
        "competition" => ArgValueCompleter::new(competitions),
        "runs" | "run" if is_positional => ArgValueCompleter::new(meant),
        "runs" | "run" | "a" | "b" => ArgValueCompleter::new(runs),
        "backbone" => {
            ArgValueCompleter::new(|typed: &OsStr| after_last(typed, &['+', ','], backbones()))
        }
        "pseudo" | "teacher" => {
            ArgValueCompleter::new(|typed: &OsStr| after_last(typed, &['+'], run_ids()))
        }
        "settings" | "tried" => ArgValueCompleter::new(|typed: &OsStr| starting(typed, settings())),
        _ => return None,
    })
}

/// Built-in names, those with data or runs here, and spec files.
fn competitions(typed: &OsStr) -> Vec<CompletionCandidate> {
    let mut names: Vec<String> =
        competition::all().unwrap_or_default().into_iter().map(|known| known.name).collect();
    let workspace = workspace();
    for folder in [workspace.data(), workspace.runs()] {
        let entries = fs::read_dir(folder).into_iter().flatten().filter_map(io::Result::ok);
        names.extend(entries.filter_map(|entry| entry.file_name().into_string().ok()));
    }
    names.sort();
    names.dedup();
    let is_spec = |path: &Path| path.extension().is_some_and(|end| end == "toml");
    let specs = PathCompleter::any().filter(move |path| path.is_dir() || is_spec(path));
    let mut all = starting(typed, names);
    all.extend(specs.complete(typed));
    all
}

/// Runs, and the competitions that have some, for their newest.
fn meant(typed: &OsStr) -> Vec<CompletionCandidate> {
    let entries = fs::read_dir(workspace().runs()).into_iter().flatten().filter_map(io::Result::ok);
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> =
        folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    let mut all = starting(typed, names);
    all.extend(runs(typed));
    all
}

/// By id, the newest first, and folders.
fn runs(typed: &OsStr) -> Vec<CompletionCandidate> {
    let mut all = starting(typed, run_ids());
    all.extend(PathCompleter::dir().complete(typed));
    all
}

fn run_ids() -> Vec<String> {
    let ids = Run::all(&workspace().runs(), None).unwrap_or_default().into_iter();
    let ids = ids.filter_map(|run| Some(run.folder.file_name()?.to_str()?.to_owned()));
    let mut ids: Vec<String> = ids.collect();
    ids.sort_by(|a, b| b.cmp(a));
    ids
}

fn backbones() -> Vec<String> {
    let ours = zoo::architectures().map(|architecture| architecture.name.to_owned());
    ours.chain(imported::names(&fs::cache_folder())).collect()
}

fn settings() -> Vec<String> {
    recipe::own_names().into_iter().map(|name| format!("{name}=")).collect()
}

/// The workspace that the variable names, or a notebook's: what else was typed is not known here.
fn workspace() -> Workspace {
    let named = std::env::var_os("KAGGLE_KIT_ROOT").map(PathBuf::from);
    let root = named.or_else(|| notebook::working(&Environment::of_process()));
    Workspace::new(root.unwrap_or_else(|| ".".into()))
}

fn starting(typed: &OsStr, names: Vec<String>) -> Vec<CompletionCandidate> {
    after_last(typed, &[], names)
}

/// What may follow the last of `between`, all of them ASCII, in what was typed.
fn after_last(typed: &OsStr, between: &[char], names: Vec<String>) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let start = typed.rfind(between).map_or(0, |at| at + 1);
    let (before, last) = typed.split_at(start);
    let fitting = names.into_iter().filter(|name| name.starts_with(last));
    fitting.map(|name| CompletionCandidate::new(format!("{before}{name}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands;

    fn told(candidates: Vec<CompletionCandidate>) -> Vec<String> {
        let values = candidates.into_iter();
        values.map(|one| one.get_value().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn backbones_follow_one_another_and_settings_end_where_a_value_begins() {
        let of = |typed: &str| told(after_last(OsStr::new(typed), &['+', ','], backbones()));
        assert!(of("resnet18+resnet5").contains(&"resnet18+resnet50".to_owned()));
        assert!(of("resnet18+x,resnet5").contains(&"resnet18+x,resnet50".to_owned()));
        assert!(of("resnet").iter().all(|name| name.starts_with("resnet")));
        let settings = told(starting(OsStr::new("whole-network.max"), settings()));
        assert_eq!(settings, ["whole-network.max-cycles="]);
    }

    #[test]
    fn arguments_keep_their_places() {
        use clap::Args as _;

        let predict = commands::predict::Args::augment_args(clap::Command::new("predict"));
        let mut whole = with_values(clap::Command::new(NAME).subcommand(predict));
        whole.build();
        let predict = whole.find_subcommand("predict").unwrap();
        let places: Vec<_> = predict.get_positionals().map(|arg| arg.get_id().as_str()).collect();
        assert_eq!(places, ["run", "photos"]);
        let run = predict.get_positionals().next().unwrap();
        assert!(run.get::<ArgValueCompleter>().is_some());
    }

    #[test]
    fn a_competition_is_built_in_or_a_file() {
        assert_eq!(told(competitions(OsStr::new("plan"))), ["planet", "plant-seedlings"]);
    }
}
