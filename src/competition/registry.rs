//! The competitions that come with the program, and how a typed name finds one.

use std::path::Path;
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};

use super::Competition;
use crate::explain;
use crate::lines;
use crate::relative::RelativePath;
use crate::term;

/// Characters that are shown of a name that is none.
const SHOWN: usize = 80;

// `EMBEDDED: &[(&str, &str)]`, name and text of every competitions/*.toml, made by build.rs.
include!(concat!(env!("OUT_DIR"), "/competitions.rs"));

/// Every built-in competition, by name.
pub fn all() -> Result<Vec<Competition>> {
    Ok(built_in()?.to_vec())
}

/// The same, parsed once: whoever reads a run asks whether its competition is among them.
fn built_in() -> Result<&'static [Competition]> {
    static PARSED: OnceLock<Vec<Competition>> = OnceLock::new();
    if let Some(parsed) = PARSED.get() {
        return Ok(parsed);
    }
    let parse = |(name, text): &(&str, &str)| {
        Competition::parse(name, text, &format!("competitions/{name}.toml"))
    };
    let parsed = EMBEDDED.iter().map(parse).collect::<Result<_>>()?;
    Ok(PARSED.get_or_init(|| parsed))
}

/// Finds a competition by its short name, Kaggle's slug, the address of its page, or the path of a
/// spec (anything that ends in `.toml`).
pub fn find(typed: &str) -> Result<Competition> {
    if Path::new(typed).extension().is_some_and(|extension| extension == "toml") {
        return open(Path::new(typed));
    }
    let wanted = slug_of(typed);
    let known = built_in()?;
    if let Some(found) =
        known.iter().find(|c| c.name == wanted || c.slug.eq_ignore_ascii_case(&wanted))
    {
        return Ok(found.clone());
    }
    let names: Vec<String> = known.iter().map(|c| format!("`{}`", c.name)).collect();
    let spellings = known.iter().flat_map(|c| [(c.name.as_str(), c), (c.slug.as_str(), c)]);
    let guess = match (spec_of(typed), explain::best(&wanted, spellings)) {
        (Some(spec), _) => format!("did you mean the spec `{spec}`? "),
        (None, Some(near)) => format!("did you mean `{}`? ", near.name),
        (None, None) => String::new(),
    };
    bail!(
        "unknown competition `{}`\nhint: {guess}known are {}; any other is the path of a spec, which \
         ends in `.toml`: competitions/README.md tells how to write one",
        term::short(typed, SHOWN),
        names.join(", ")
    )
}

/// The spec in the working folder that somebody means who leaves out its ending: `./tiny.toml`.
fn spec_of(typed: &str) -> Option<String> {
    let is_name = RelativePath::new(typed).is_ok_and(|name| name.is_bare());
    let spec = format!("./{typed}.toml");
    (is_name && Path::new(&spec).is_file()).then_some(spec)
}

/// What finds the competition of a run whose spec lies at `spec`: its name, if it is built in with
/// just this slug, else the path.
pub fn typed_for(spec: &Path, competition: &Competition) -> String {
    let is_same =
        |known: &Competition| known.name == competition.name && known.slug == competition.slug;
    match built_in() {
        Ok(known) if known.iter().any(is_same) => competition.name.clone(),
        _ => spec.display().to_string(),
    }
}

fn open(path: &Path) -> Result<Competition> {
    let text = lines::read_text(path).with_context(|| {
        format!(
            "no competition spec at `{}`\nhint: competitions/README.md tells how to write one",
            path.display()
        )
    })?;
    let mut competition = Competition::parse(&name_of(path), &text, &path.display().to_string())?;
    competition.typed = path.display().to_string();
    Ok(competition)
}

/// The short name: the stem of the file, or, for the spec that a run keeps, the folder of its runs.
fn name_of(path: &Path) -> String {
    let of_run = path.file_name().is_some_and(|name| name == "competition.toml")
        && path.with_file_name("recipe.toml").is_file();
    let runs = path.canonicalize().ok().filter(|_| of_run);
    let runs = runs.as_deref().and_then(|path| path.ancestors().nth(2)?.file_name());
    runs.or(path.file_stem()).unwrap_or_default().to_string_lossy().into_owned()
}

/// The slug in an address such as `https://www.kaggle.com/competitions/<slug>/data`,
/// `kaggle.com/c/<slug>`; anything else comes back in lower case.
pub fn slug_of(typed: &str) -> String {
    let typed = typed.trim().to_ascii_lowercase();
    let address = typed.strip_prefix("https://").or_else(|| typed.strip_prefix("http://"));
    let address = address.unwrap_or(&typed);
    let Some((host, path)) = address.split_once('/') else { return typed };
    if host != "kaggle.com" && !host.ends_with(".kaggle.com") {
        return typed;
    }
    let mut parts = path.split(['/', '?', '#']).filter(|part| !part.is_empty());
    match parts.next() {
        Some("c" | "competitions") => parts.next().unwrap_or_default().to_owned(),
        Some(slug) => slug.to_owned(),
        None => typed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs;

    #[test]
    fn a_competition_is_found_by_name_slug_and_address() {
        for typed in [
            "planet",
            "Planet",
            "planet-understanding-the-amazon-from-space",
            "https://www.kaggle.com/competitions/planet-understanding-the-amazon-from-space/data",
            "https://www.kaggle.com/c/planet-understanding-the-amazon-from-space",
            "kaggle.com/c/planet-understanding-the-amazon-from-space?x=1",
        ] {
            assert_eq!(find(typed).unwrap().name, "planet", "{typed}");
        }
    }

    #[test]
    fn the_spec_of_a_run_has_the_name_of_its_runs() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("runs/mine/20261124-101500-3fa9");
        let spec = run.join("competition.toml");
        crate::fs::write_atomic(&spec, &all().unwrap()[0].source).unwrap();
        let find = || competition_at(&spec).name;
        assert_eq!(find(), "competition");
        crate::fs::write_atomic(run.join("recipe.toml"), "").unwrap();
        assert_eq!(find(), "mine");
        let found = competition_at(&spec);
        assert_eq!(found.typed, spec.display().to_string());
        assert_eq!(typed_for(&spec, &found), found.typed);
        assert_eq!(typed_for(&spec, &all().unwrap()[0]), all().unwrap()[0].name);
    }

    fn competition_at(path: &Path) -> Competition {
        find(path.to_str().unwrap()).unwrap()
    }

    #[test]
    fn a_spec_that_is_no_text_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        let refusal = || format!("{:#}", find(path.to_str().unwrap()).unwrap_err());
        crate::fs::create_dir_all(&path).unwrap();
        assert!(refusal().contains("is a folder"), "{}", refusal());
        crate::fs::remove_dir(&path).unwrap();
        crate::fs::write_atomic(&path, b"title = \"caf\xe9\"\n").unwrap();
        assert!(refusal().contains("line 1: not UTF-8"), "{}", refusal());
        crate::fs::write_atomic(&path, vec![b'#'; 2 << 20]).unwrap();
        assert!(refusal().contains("longer than"), "{}", refusal());
    }

    #[test]
    fn a_near_miss_is_answered_with_names() {
        let message = format!("{:#}", find("dog-breeds").unwrap_err());
        assert!(message.contains("did you mean `dog-breed`?"), "{message}");
        assert!(message.contains("`dogs-vs-cats`"), "{message}");
    }

    #[test]
    fn names_of_a_spec_never_leave_its_folders() {
        let text = &all().unwrap()[0].source;
        let folder = tempfile::tempdir().unwrap();
        // `...toml` would have the folder above for its data.
        let path = folder.path().join("...toml");
        fs::write_atomic(&path, text).unwrap();
        let message = format!("{:#}", find(&path.display().to_string()).unwrap_err());
        assert!(message.contains("`..` cannot be a competition's name"), "{message}");
        for (name, reason) in [
            ("../train", "`../train` is a path that leaves the folder"),
            ("/etc", "`/etc` is an absolute path"),
            ("archives", "`archives` is a name that kaggle-kit needs"),
            ("a/../../b", "a path that leaves the folder"),
        ] {
            let mut spec: toml::Table = toml::from_str(text).unwrap();
            spec["files"]["test"] = vec![name].into();
            let message =
                format!("{:#}", Competition::parse("x", &spec.to_string(), "x.toml").unwrap_err());
            assert!(message.contains(reason), "{message}");
        }
    }

    #[test]
    fn a_folder_that_is_named_twice_is_told_as_that() {
        let text = &all().unwrap()[0].source;
        for (field, names, expected) in [
            ("train", vec!["train", "train"], "`files.train` names a folder twice: `train`"),
            ("test", vec!["a", "b", "./a"], "`files.test` names a folder twice: `a`"),
            ("test", vec!["a/b", "a//b/"], "`files.test` names a folder twice: `a/b`"),
        ] {
            let mut spec: toml::Table = toml::from_str(text).unwrap();
            spec["files"][field] = names.into();
            let error = Competition::parse("x", &spec.to_string(), "x.toml").unwrap_err();
            assert!(format!("{error:#}").contains(expected), "{error:#}");
        }
        // One folder may hold the pictures of both.
        let mut spec: toml::Table = toml::from_str(text).unwrap();
        for field in ["train", "test"] {
            spec["files"][field] = vec!["images"].into();
        }
        Competition::parse("x", &spec.to_string(), "x.toml").unwrap();
        spec["files"]["train"] = "images".into();
        let error = Competition::parse("x", &spec.to_string(), "x.toml").unwrap_err();
        assert!(format!("{error:#}").contains("hint: a list has brackets: `[\"images\"]`"));
    }

    #[test]
    fn a_typo_in_a_spec_is_answered_with_its_line() {
        let text = all().unwrap()[0].source.replace("metric =", "metrik =");
        let message = format!("{:#}", Competition::parse("x", &text, "x.toml").unwrap_err());
        assert!(message.contains("metrik") && message.contains("expected"), "{message}");
        assert!(message.contains('^'), "{message}");
    }
}
