//! A person's credentials, from the places and in the order of the official client.
//!
//! A token comes first (`KAGGLE_API_V1_TOKEN` names its file in a Kaggle notebook,
//! `KAGGLE_API_TOKEN` is one or names one, then `~/.kaggle/access_token` and `access_token.txt`),
//! then the pair of name and key (variables over kaggle.json), then a login of the official client
//! that is still valid (`~/.kaggle/credentials.json`); where none of these is, the secrets of a Kaggle
//! notebook of the same names as the variables. Secrets never leave through `Debug` or
//! `Display`.

use std::collections::VecDeque;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::notebook::{self, Secrets};
use super::{Environment, Error, slips, small_file};
use crate::fs;
use crate::term;

/// No file of credentials is larger.
const MOST_BYTES: u64 = 64 << 10;

/// What proves to Kaggle who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// Sent as `Authorization: Bearer`.
    Token(Secret),
    /// Sent as HTTP Basic.
    Basic { username: String, key: Secret },
}

/// A text that shows as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("***")
    }
}

/// Credentials and where they were.
#[derive(Clone, Debug)]
pub struct FoundCredentials {
    pub credentials: Credentials,
    /// The place, in backticks, such as "`KAGGLE_USERNAME` and `KAGGLE_KEY`".
    pub source: String,
    /// What a person should know about the place (a file that others can read).
    pub warnings: Vec<String>,
}

/// The first credentials in the official order; else an error that lists where it looked.
pub fn find(environment: &Environment) -> Result<FoundCredentials, Error> {
    Ok(find_all(environment)?.swap_remove(0))
}

/// All credentials in the official order, at least one: those to try when Kaggle does not accept
/// the ones before. A place that holds something else is passed over, with a warning beside the
/// next one that is good; if none is, it is the error.
pub fn find_all(environment: &Environment) -> Result<Vec<FoundCredentials>, Error> {
    let mut search =
        Search { environment, looked: Vec::new(), found: Vec::new(), bad: VecDeque::new() };
    search.tokens();
    search.pairs();
    search.login();
    if search.found.is_empty() && search.bad.is_empty() {
        search.notebook();
    }
    if !search.found.is_empty() {
        return Ok(search.found);
    }
    if let Some(error) = search.bad.pop_front() {
        return Err(error);
    }
    let home = environment.home();
    let folders: Vec<PathBuf> =
        search.kaggle_json().iter().filter_map(|path| Some(path.parent()?.to_owned())).collect();
    let near = slips::look_alikes(&folders, home.as_deref());
    Err(Error::NoCredentials { looked: search.looked, near })
}

struct Search<'a> {
    environment: &'a Environment,
    looked: Vec<String>,
    found: Vec<FoundCredentials>,
    /// Places that hold something else, since the last good one.
    bad: VecDeque<Error>,
}

impl Search<'_> {
    /// Takes in what a place has given.
    fn add(&mut self, place: Result<Option<FoundCredentials>, Error>) {
        match place {
            Ok(None) => {}
            Err(error) => self.bad.push_back(error),
            // The same secret in two places is refused in both.
            Ok(Some(found)) if self.found.iter().any(|f| f.credentials == found.credentials) => {}
            Ok(Some(mut found)) => {
                let passed_over = self
                    .bad
                    .drain(..)
                    .map(|error| error.to_string().lines().next().unwrap_or_default().to_owned());
                found.warnings.splice(0..0, passed_over);
                self.found.push(found);
            }
        }
    }

    fn tokens(&mut self) {
        let environment = self.environment;
        if let Some(path) = environment.get("KAGGLE_API_V1_TOKEN") {
            // Who puts the token itself there should not read it in an error.
            let found = if Path::new(path).exists() {
                let place = format!("`{path}` (named by `KAGGLE_API_V1_TOKEN`)");
                self.token_file(Path::new(path), place)
            } else {
                term::keep_secret(path);
                self.looked
                    .push("`KAGGLE_API_V1_TOKEN` (it names no file that is there)".to_owned());
                Ok(None)
            };
            self.add(found);
        }
        let found = self.token_variable();
        self.add(found);
        for name in ["access_token", "access_token.txt"] {
            let Some(home) = environment.home() else { break };
            let path = home.join(".kaggle").join(name);
            let place = format!("`{}`", path.display());
            let found = self.token_file(&path, place);
            self.add(found);
        }
    }

    fn token_variable(&mut self) -> Result<Option<FoundCredentials>, Error> {
        match self.environment.get("KAGGLE_API_TOKEN") {
            None => {
                self.looked.push("`KAGGLE_API_TOKEN`".to_owned());
                Ok(None)
            }
            Some(path) if Path::new(path).exists() => {
                let place = format!("`{path}` (named by `KAGGLE_API_TOKEN`)");
                self.token_file(Path::new(path), place)
            }
            Some(path) if path.contains(['/', '\\']) && slips::of_token(path).is_none() => {
                let hint = "correct or unset it";
                Err(with_hint("`KAGGLE_API_TOKEN`", "it names a file that is not there", hint))
            }
            Some(text) => {
                let credentials = Credentials::Token(token(text, "`KAGGLE_API_TOKEN`")?);
                let source = "`KAGGLE_API_TOKEN`".to_owned();
                Ok(Some(FoundCredentials { credentials, source, warnings: Vec::new() }))
            }
        }
    }

    fn token_file(
        &mut self,
        path: &Path,
        place: String,
    ) -> Result<Option<FoundCredentials>, Error> {
        let Some(text) = self.text_of(path, &place)? else { return Ok(None) };
        if text.trim().is_empty() {
            self.looked.push(format!("{place} (empty)"));
            return Ok(None);
        }
        let credentials = Credentials::Token(token(text.trim(), &place)?);
        Ok(Some(FoundCredentials { credentials, source: place, warnings: loose_mode(path) }))
    }

    /// One variable alone is laid over what the files say; two are a place of their own.
    fn pairs(&mut self) {
        let username = self.environment.get("KAGGLE_USERNAME");
        let key = self.environment.get("KAGGLE_KEY");
        let mut over = Over { username, key, source: None };
        match (username, key) {
            (Some(username), Some(key)) => {
                let source = "`KAGGLE_USERNAME` and `KAGGLE_KEY`".to_owned();
                let found = secret(key, &source).map(|key| {
                    let credentials = Credentials::Basic { username: username.to_owned(), key };
                    Some(FoundCredentials { credentials, source, warnings: Vec::new() })
                });
                self.add(found);
                over = Over::default();
            }
            (Some(_), None) => over.source = Some("`KAGGLE_USERNAME`"),
            (None, Some(_)) => over.source = Some("`KAGGLE_KEY`"),
            (None, None) => {}
        }
        self.looked.push(match over.source {
            Some(alone) => format!("{alone} (set without its partner)"),
            None => "`KAGGLE_USERNAME` and `KAGGLE_KEY`".to_owned(),
        });
        for path in self.kaggle_json() {
            let found = self.pair_file(&path, &over);
            self.add(found);
        }
    }

    fn pair_file(&mut self, path: &Path, over: &Over) -> Result<Option<FoundCredentials>, Error> {
        let place = format!("`{}`", path.display());
        let Some(text) = self.text_of(path, &place)? else { return Ok(None) };
        let file: KaggleJson = serde_json::from_str(&text).map_err(|error| {
            let usual = "it should read {\"username\":\"..\",\"key\":\"..\"}: make it anew on \
                         https://www.kaggle.com/settings/api";
            let hint = slips::of_pair(&text).unwrap_or(usual);
            with_hint(&place, &without_content(&error), hint)
        })?;
        let either = |variable: Option<&str>, value: Option<String>, name| {
            let value = variable.map(str::to_owned).or(value.filter(|value| !value.is_empty()));
            value.ok_or_else(|| bad(&place, &format!("`{name}` is empty")))
        };
        let username = either(over.username, file.username, "username")?;
        let key = secret(either(over.key, file.key, "key")?.trim(), &place)?;
        let credentials = Credentials::Basic { username, key };
        let source = over.source.map_or(place.clone(), |name| format!("{name} and {place}"));
        Ok(Some(FoundCredentials { credentials, source, warnings: loose_mode(path) }))
    }

    /// Where kaggle.json may be: the folder that `KAGGLE_CONFIG_DIR` names, or else the two usual
    /// ones.
    fn kaggle_json(&self) -> Vec<PathBuf> {
        if let Some(folder) = self.environment.get("KAGGLE_CONFIG_DIR") {
            return vec![Path::new(folder).join("kaggle.json")];
        }
        let home = self.environment.home();
        let usual = home.as_ref().map(|home| home.join(".kaggle"));
        let xdg = self.environment.get("XDG_CONFIG_HOME").map(PathBuf::from);
        let xdg = xdg.or_else(|| home.map(|home| home.join(".config")));
        let folders = usual.into_iter().chain(xdg.map(|folder| folder.join("kaggle")));
        folders.map(|folder| folder.join("kaggle.json")).collect()
    }

    /// The login that `kaggle auth login` leaves; it can be used but not renewed here.
    fn login(&mut self) {
        if let Some(home) = self.environment.home() {
            let found = self.login_file(&home.join(".kaggle").join("credentials.json"));
            self.add(found);
        }
    }

    fn notebook(&mut self) {
        let source = "this notebook's secrets".to_owned();
        let credentials = match notebook::secrets(self.environment) {
            Ok(None) => return,
            Ok(Some(Secrets::Token(text))) => token(&text, &source).map(Credentials::Token),
            Ok(Some(Secrets::Pair(username, key))) => {
                secret(&key, &source).map(|key| Credentials::Basic { username, key })
            }
            Err(why) => return self.looked.push(format!("{source} ({why})")),
        };
        let found = |credentials| FoundCredentials { credentials, source, warnings: Vec::new() };
        self.add(credentials.map(|credentials| Some(found(credentials))));
    }

    fn login_file(&mut self, path: &Path) -> Result<Option<FoundCredentials>, Error> {
        let place = format!("`{}`", path.display());
        let Some(text) = self.text_of(path, &place)? else { return Ok(None) };
        let login: Login = serde_json::from_str(&text).map_err(|error| {
            let hint = "any command of the official client writes it anew; or remove it";
            with_hint(&place, &without_content(&error), hint)
        })?;
        let until = login.access_token_expiration.parse::<jiff::Timestamp>();
        let valid = until.is_ok_and(|until| until > jiff::Timestamp::now());
        if !valid || login.access_token.is_empty() {
            self.looked.push(format!(
                "{place} (expired at `{}`: any command of the official client renews it)",
                login.access_token_expiration
            ));
            return Ok(None);
        }
        let credentials = Credentials::Token(secret(login.access_token.trim(), &place)?);
        Ok(Some(FoundCredentials { credentials, source: place, warnings: loose_mode(path) }))
    }

    /// The text of a file that may not exist; one that exists and cannot be read is an error.
    fn text_of(&mut self, path: &Path, place: &str) -> Result<Option<String>, Error> {
        match small_file::read_text(path, MOST_BYTES) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.looked.push(place.to_owned());
                Ok(None)
            }
            Err(error) => {
                let reason = match error.kind() {
                    std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
                    std::io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
                    _ => error.to_string(),
                };
                Err(match error.kind() {
                    std::io::ErrorKind::InvalidData => with_hint(
                        place,
                        &reason,
                        "save it as UTF-8: `>` in PowerShell and some editors write UTF-16",
                    ),
                    std::io::ErrorKind::PermissionDenied => {
                        with_hint(place, &reason, "let yourself read it: `chmod u+r` on the file")
                    }
                    _ => bad(place, &reason),
                })
            }
        }
    }
}

/// The variables that go over what a kaggle.json says, and their names.
#[derive(Default)]
struct Over<'a> {
    username: Option<&'a str>,
    key: Option<&'a str>,
    source: Option<&'static str>,
}

#[derive(Deserialize)]
struct KaggleJson {
    username: Option<String>,
    key: Option<String>,
}

#[derive(Deserialize)]
struct Login {
    #[serde(default)]
    access_token: String,
    #[serde(default)]
    access_token_expiration: String,
}

fn bad(place: &str, reason: &str) -> Error {
    let hint = "put what https://www.kaggle.com/settings/api gives in its place, or remove it";
    with_hint(place, reason, hint)
}

/// The same with what to do about it.
fn with_hint(place: &str, reason: &str, hint: &str) -> Error {
    let (place, reason) = (place.to_owned(), reason.to_owned());
    Error::BadCredentials { place, reason, hint: format!("\nhint: {hint}") }
}

/// Where JSON went wrong; serde's own text may quote a value, which may be the key.
fn without_content(error: &serde_json::Error) -> String {
    format!("it is not the JSON expected there (line {}, column {})", error.line(), error.column())
}

/// A token, which is not something else.
fn token(text: &str, place: &str) -> Result<Secret, Error> {
    match slips::of_token(text) {
        Some(hint) => Err(with_hint(place, "it is no token", hint)),
        None => secret(text, place),
    }
}

/// A secret has to fit into a header. From now on it is never shown.
fn secret(text: &str, place: &str) -> Result<Secret, Error> {
    term::keep_secret(text);
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(Secret(text.to_owned()));
    }
    Err(bad(place, "it holds spaces or signs that no key has"))
}

/// A warning when others than the owner can read a file.
#[cfg(unix)]
fn loose_mode(path: &Path) -> Vec<String> {
    use std::os::unix::fs::PermissionsExt;
    let Ok(metadata) = fs::metadata(path) else { return Vec::new() };
    if metadata.permissions().mode() & 0o044 == 0 {
        return Vec::new();
    }
    let path = path.display();
    vec![format!("others can read your Kaggle key: run `chmod 600 {path}`")]
}

#[cfg(not(unix))]
fn loose_mode(_: &Path) -> Vec<String> {
    Vec::new()
}
