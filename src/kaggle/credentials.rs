//! A person's credentials, from the places and in the order of the official client.
//!
//! A token comes first (`KAGGLE_API_V1_TOKEN` names its file in a Kaggle notebook,
//! `KAGGLE_API_TOKEN` is one or names one, then `~/.kaggle/access_token` and `access_token.txt`),
//! then the pair of name and key (variables over kaggle.json), then a login of the official client
//! that is still valid (`~/.kaggle/credentials.json`). Secrets never leave through `Debug` or
//! `Display`.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Environment, Error};
use crate::fs;

/// What proves to Kaggle who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// Sent as `Authorization: Bearer`.
    Token(Secret),
    /// Sent as HTTP Basic.
    Basic {
        /// The name on Kaggle.
        username: String,
        /// The legacy API key.
        key: Secret,
    },
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
pub struct Found {
    /// The secret itself.
    pub credentials: Credentials,
    /// The place, in backticks, such as "`KAGGLE_USERNAME` and `KAGGLE_KEY`".
    pub source: String,
    /// What a person should know about the place (a file that others can read).
    pub warnings: Vec<String>,
}

/// The first credentials in the official order; else an error that lists where it looked.
pub fn find(environment: &Environment) -> Result<Found, Error> {
    let mut search = Search { environment, looked: Vec::new() };
    if let Some(found) = search.token()? {
        return Ok(found);
    }
    if let Some(found) = search.pair()? {
        return Ok(found);
    }
    if let Some(found) = search.login()? {
        return Ok(found);
    }
    Err(Error::NoCredentials { looked: search.looked })
}

struct Search<'a> {
    environment: &'a Environment,
    looked: Vec<String>,
}

impl Search<'_> {
    fn token(&mut self) -> Result<Option<Found>, Error> {
        let environment = self.environment;
        if let Some(path) = environment.get("KAGGLE_API_V1_TOKEN") {
            let place = format!("`{path}` (named by `KAGGLE_API_V1_TOKEN`)");
            if let Some(found) = self.token_file(Path::new(path), place)? {
                return Ok(Some(found));
            }
        }
        match environment.get("KAGGLE_API_TOKEN") {
            None => self.looked.push("`KAGGLE_API_TOKEN`".to_owned()),
            Some(path) if Path::new(path).is_file() => {
                let place = format!("`{path}` (named by `KAGGLE_API_TOKEN`)");
                if let Some(found) = self.token_file(Path::new(path), place)? {
                    return Ok(Some(found));
                }
            }
            Some(path) if path.contains(['/', '\\']) => {
                return Err(bad("`KAGGLE_API_TOKEN`", "it names a file that is not there"));
            }
            Some(token) => {
                let credentials = Credentials::Token(secret(token, "`KAGGLE_API_TOKEN`")?);
                let source = "`KAGGLE_API_TOKEN`".to_owned();
                return Ok(Some(Found { credentials, source, warnings: Vec::new() }));
            }
        }
        for name in ["access_token", "access_token.txt"] {
            let Some(home) = environment.home() else { break };
            let path = home.join(".kaggle").join(name);
            let place = format!("`{}`", path.display());
            if let Some(found) = self.token_file(&path, place)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn token_file(&mut self, path: &Path, place: String) -> Result<Option<Found>, Error> {
        let Some(text) = self.text_of(path, &place)? else { return Ok(None) };
        if text.trim().is_empty() {
            self.looked.push(format!("{place} (empty)"));
            return Ok(None);
        }
        let credentials = Credentials::Token(secret(text.trim(), &place)?);
        Ok(Some(Found { credentials, source: place, warnings: loose_mode(path) }))
    }

    /// Each variable is laid over what the file says; the file is not touched when both are set.
    fn pair(&mut self) -> Result<Option<Found>, Error> {
        let username = self.environment.get("KAGGLE_USERNAME");
        let key = self.environment.get("KAGGLE_KEY");
        if let (Some(username), Some(key)) = (username, key) {
            let source = "`KAGGLE_USERNAME` and `KAGGLE_KEY`".to_owned();
            let key = secret(key, &source)?;
            let credentials = Credentials::Basic { username: username.to_owned(), key };
            return Ok(Some(Found { credentials, source, warnings: Vec::new() }));
        }
        let alone = match (username, key) {
            (Some(_), None) => Some("`KAGGLE_USERNAME`"),
            (None, Some(_)) => Some("`KAGGLE_KEY`"),
            _ => None,
        };
        self.looked.push(match alone {
            Some(alone) => format!("{alone} (set without its partner)"),
            None => "`KAGGLE_USERNAME` and `KAGGLE_KEY`".to_owned(),
        });
        for path in self.kaggle_json() {
            let place = format!("`{}`", path.display());
            let Some(text) = self.text_of(&path, &place)? else { continue };
            let file: KaggleJson = serde_json::from_str(&text).map_err(|error| {
                let hint = "\nhint: it should read {\"username\":\"..\",\"key\":\"..\"}: make it \
                            anew on https://www.kaggle.com/settings/api";
                let reason = without_content(&error);
                Error::BadCredentials { place: place.clone(), reason, hint: hint.to_owned() }
            })?;
            let wanted = |name| bad(&place, &format!("`{name}` is empty"));
            let username = username.map(str::to_owned).or(file.username.filter(|u| !u.is_empty()));
            let key = key.map(str::to_owned).or(file.key.filter(|k| !k.is_empty()));
            let username = username.ok_or_else(|| wanted("username"))?;
            let key = secret(key.ok_or_else(|| wanted("key"))?.trim(), &place)?;
            let credentials = Credentials::Basic { username, key };
            let source = alone.map_or(place.clone(), |name| format!("{name} and {place}"));
            return Ok(Some(Found { credentials, source, warnings: loose_mode(&path) }));
        }
        Ok(None)
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
    fn login(&mut self) -> Result<Option<Found>, Error> {
        let Some(home) = self.environment.home() else { return Ok(None) };
        let path = home.join(".kaggle").join("credentials.json");
        let place = format!("`{}`", path.display());
        let Some(text) = self.text_of(&path, &place)? else { return Ok(None) };
        let login: Login =
            serde_json::from_str(&text).map_err(|error| bad(&place, &without_content(&error)))?;
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
        Ok(Some(Found { credentials, source: place, warnings: loose_mode(&path) }))
    }

    /// The text of a file that may not exist; one that exists and cannot be read is an error.
    fn text_of(&mut self, path: &Path, place: &str) -> Result<Option<String>, Error> {
        match fs::read_to_string(path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.looked.push(place.to_owned());
                Ok(None)
            }
            Err(error) => {
                let reason = match error.kind() {
                    std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
                    std::io::ErrorKind::InvalidData => "it is not text".to_owned(),
                    std::io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
                    _ => error.to_string(),
                };
                Err(bad(place, &reason))
            }
        }
    }
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
    Error::BadCredentials {
        place: place.to_owned(),
        reason: reason.to_owned(),
        hint: String::new(),
    }
}

/// Where JSON went wrong; serde's own text may quote a value, which may be the key.
fn without_content(error: &serde_json::Error) -> String {
    format!("it is not the JSON expected there (line {}, column {})", error.line(), error.column())
}

/// A secret has to fit into a header.
fn secret(text: &str, place: &str) -> Result<Secret, Error> {
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
