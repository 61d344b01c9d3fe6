//! Kaggle's notebooks: the data that are attached to one, where it may write, and its secrets.
//!
//! Addresses and headers are those of `kaggle_secrets.py` and `kaggle_web_client.py` in Kaggle's image
//! for notebooks (<https://github.com/Kaggle/docker-python>).

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Url;
use reqwest::blocking::RequestBuilder;
use serde::Deserialize;

use super::http::Http;
use super::{Environment, address};
use crate::term;

const KERNEL: &str = "KAGGLE_KERNEL_RUN_TYPE";
const SECRETS_TOKEN: &str = "KAGGLE_USER_SECRETS_TOKEN";
const INPUT: &str = "/kaggle/input";
const WORKING: &str = "/kaggle/working";
/// Kaggle's own client waits twice as long.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whether this process runs in one.
pub fn is_one(environment: &Environment) -> bool {
    environment.get(KERNEL).is_some()
}

/// The folder of a competition's data that is attached to this notebook: read-only, unpacked.
/// `KAGGLE_KIT_INPUT` names another place than `/kaggle/input`.
pub fn attached(environment: &Environment, slug: &str) -> Option<PathBuf> {
    let input = Path::new(environment.get("KAGGLE_KIT_INPUT").unwrap_or(INPUT));
    // Competitions have had a folder of their own since 2025.
    let places = [input.join("competitions").join(slug), input.join(slug)];
    places.into_iter().find(|place| place.is_dir())
}

/// The folder whose files a notebook keeps, unless this process is somewhere in it. `KAGGLE_KIT_WORKING`
/// names another place than `/kaggle/working`.
pub fn working(environment: &Environment) -> Option<PathBuf> {
    let working = Path::new(environment.get("KAGGLE_KIT_WORKING").unwrap_or(WORKING));
    let is_inside = std::env::current_dir().is_ok_and(|here| here.starts_with(working));
    (is_one(environment) && !is_inside && working.is_dir()).then(|| working.to_owned())
}

/// What a person does where a notebook has no internet.
pub fn offline_hint(slug: &str) -> String {
    format!(
        "hint: in a notebook attach the competition (`Add Input`, then `{slug}`): its data are linked, not \
         copied; or switch `Internet` on in the notebook's settings"
    )
}

/// Credentials among a notebook's secrets, under the names of the variables.
pub(super) enum Secrets {
    Token(String),
    /// Name and key.
    Pair(String, String),
}

/// The notebook's; `Ok(None)` where this is none, and a sentence where there are none or they cannot be
/// asked for.
pub(super) fn secrets(environment: &Environment) -> Result<Option<Secrets>, String> {
    let Some(token) = environment.get(SECRETS_TOKEN) else { return Ok(None) };
    let base = environment.get("KAGGLE_URL_BASE").unwrap_or("https://www.kaggle.com");
    let address = format!("{}/requests/GetUserSecretByLabelRequest", base.trim_end_matches('/'));
    let url = Url::parse(&address).map_err(|error| error.to_string())?;
    address::ensure_keeps_secrets(&url).map_err(|error| error.to_string())?;
    term::keep_secret(token);
    let http = Http::new(PATIENCE);
    let agent = http.agent(&url).map_err(|error| error.to_string())?;
    let ask = |label: &str| {
        let request = agent.post(url.clone()).json(&serde_json::json!({ "Label": label }));
        let request = request.header("X-Kaggle-Authorization", format!("Bearer {token}"));
        secret(match environment.get("KAGGLE_DATA_PROXY_TOKEN") {
            Some(proxy) => request.header("X-KAGGLE-PROXY-DATA", proxy),
            None => request,
        })
    };
    if let Some(token) = ask("KAGGLE_API_TOKEN")? {
        return Ok(Some(Secrets::Token(token)));
    }
    match (ask("KAGGLE_USERNAME")?, ask("KAGGLE_KEY")?) {
        (Some(username), Some(key)) => Ok(Some(Secrets::Pair(username, key))),
        _ => Err("no `KAGGLE_API_TOKEN`, nor `KAGGLE_USERNAME` and `KAGGLE_KEY`".to_owned()),
    }
}

/// What is answered to the question for a secret: `Ok(None)` where there is none of that name.
fn secret(request: RequestBuilder) -> Result<Option<String>, String> {
    let response = request.send().map_err(|error| error.without_url().to_string())?;
    let status = response.status();
    if !status.is_success() {
        // What is not there is answered with 404; all else is trouble.
        return if status.as_u16() == 404 {
            Ok(None)
        } else {
            Err(format!("it answered {status}"))
        };
    }
    let answer: Answer = response.json().map_err(|error| error.without_url().to_string())?;
    let secret = answer.result.and_then(|result| result.secret).filter(|text| !text.is_empty());
    if let Some(secret) = &secret {
        term::keep_secret(secret);
    }
    Ok(secret)
}

#[derive(Deserialize)]
struct Answer {
    result: Option<Kept>,
}

#[derive(Deserialize)]
struct Kept {
    secret: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_competition_is_found_where_either_kind_of_notebook_has_it() {
        let input = tempfile::tempdir().unwrap();
        let named = input.path().display().to_string();
        let environment = Environment::from([("KAGGLE_KIT_INPUT", named.as_str())]);
        assert_eq!(attached(&environment, "planet"), None);
        for place in ["planet", "competitions/planet"] {
            crate::fs::create_dir_all(input.path().join(place)).unwrap();
            assert_eq!(attached(&environment, "planet"), Some(input.path().join(place)));
        }
    }

    #[test]
    fn nobody_is_asked_without_a_token_and_no_token_goes_over_an_open_line() {
        assert!(matches!(secrets(&Environment::default()), Ok(None)));
        let open = Environment::from([
            ("KAGGLE_USER_SECRETS_TOKEN", "a-token"),
            ("KAGGLE_URL_BASE", "http://kaggle.example"),
        ]);
        let Err(error) = secrets(&open) else { panic!("asked over an open line") };
        assert!(error.contains("kaggle.example") && !error.contains("a-token"), "{error}");
    }
}
