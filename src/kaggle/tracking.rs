//! An MLflow server, which is asked through the same door as Kaggle: its REST API is JSON there and back
//! (<https://mlflow.org/docs/latest/rest-api.html>).
//!
//! The variables are those of its own client: `MLFLOW_TRACKING_URI`, and `MLFLOW_TRACKING_TOKEN` or
//! `MLFLOW_TRACKING_USERNAME` with `MLFLOW_TRACKING_PASSWORD` where it wants to know who asks.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use reqwest::blocking::RequestBuilder;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde_json::Value;

use super::answer::CallContext;
use super::http::{Http, failed, text};
use super::{Environment, Error, address, error};
use crate::term;

/// Where `mlflow server` listens unless it is told otherwise.
const USUAL: &str = "http://127.0.0.1:5000";
/// Training waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that keeps runs, and who asks.
pub struct TrackingServer {
    base: Url,
    http: Http,
    authorization: Option<HeaderValue>,
}

impl TrackingServer {
    /// The one that the variables name. Nobody is asked yet.
    pub fn of(environment: &Environment) -> Result<Self, Error> {
        let typed = environment.get("MLFLOW_TRACKING_URI").unwrap_or(USUAL);
        let base = Url::parse(typed).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let base = base.ok_or_else(|| Error::BadAnswer {
            url: address::shown_as_typed(typed),
            reason: "`MLFLOW_TRACKING_URI` must be the address of an MLflow server, such as \
                     http://127.0.0.1:5000: `mlflow server` starts one over any store"
                .to_owned(),
        })?;
        address::keep_user_info(&base)?;
        let authorization = authorization(environment);
        if authorization.is_some() {
            address::ensure_keeps_secrets(&base)?;
        }
        Ok(Self { base, http: Http::new(PATIENCE), authorization })
    }

    /// Its address, for people and to know it again.
    pub fn address(&self) -> String {
        address::shown(&self.base)
    }

    /// Calls a method, such as `runs/create`.
    pub fn call(&self, method: &str, body: &Value) -> Result<Value, Error> {
        let url = self.url(method);
        let request = self.http.agent(&url)?.post(url.clone());
        let request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        self.send(&url, request)
    }

    /// Asks a method that changes nothing, such as `experiments/get-by-name`.
    pub fn ask(&self, method: &str, key: &str, value: &str) -> Result<Value, Error> {
        let mut url = self.url(method);
        url.query_pairs_mut().append_pair(key, value);
        let request = self.http.agent(&url)?.get(url.clone());
        self.send(&url, request)
    }

    fn url(&self, method: &str) -> Url {
        let mut url = self.base.clone();
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{path}/api/2.0/mlflow/{method}"));
        url
    }

    fn send(&self, url: &Url, mut request: RequestBuilder) -> Result<Value, Error> {
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let response = request.send().map_err(|error| error::network(url, &error))?;
        if !response.status().is_success() {
            return Err(failed(&CallContext::storage(url, false), response));
        }
        serde_json::from_str(&text(response)?).map_err(|_| Error::BadAnswer {
            url: address::shown(url),
            reason: "it is no MLflow server: what it says is no JSON".to_owned(),
        })
    }
}

fn authorization(environment: &Environment) -> Option<HeaderValue> {
    let told = if let Some(token) = environment.get("MLFLOW_TRACKING_TOKEN") {
        term::keep_secret(token);
        format!("Bearer {token}")
    } else {
        let name = environment.get("MLFLOW_TRACKING_USERNAME")?;
        let password = environment.get("MLFLOW_TRACKING_PASSWORD").unwrap_or_default();
        term::keep_secret(password);
        format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
    };
    let mut value = HeaderValue::try_from(told).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<TrackingServer, Error> {
        let pairs = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        TrackingServer::of(&pairs.collect())
    }

    #[test]
    fn a_server_is_named_by_the_variables_of_its_own_client() {
        let usual = of(&[]).unwrap();
        assert_eq!(
            usual.url("runs/create").as_str(),
            "http://127.0.0.1:5000/api/2.0/mlflow/runs/create"
        );
        let below = of(&[("MLFLOW_TRACKING_URI", "https://example.org/ml/")]).unwrap();
        assert_eq!(below.url("runs/create").path(), "/ml/api/2.0/mlflow/runs/create");
        for store in ["sqlite:///mlflow.db", "./mlruns", "databricks"] {
            let error = of(&[("MLFLOW_TRACKING_URI", store)]).err().unwrap().to_string();
            assert!(error.contains("`mlflow server` starts one"), "{error}");
        }
    }

    #[test]
    fn a_token_goes_where_nobody_else_can_read_it() {
        let token = ("MLFLOW_TRACKING_TOKEN", "a-token-of-ours");
        assert!(of(&[token]).unwrap().authorization.is_some());
        assert!(of(&[("MLFLOW_TRACKING_URI", "http://example.org"), token]).is_err());
        let named =
            of(&[("MLFLOW_TRACKING_USERNAME", "me"), ("MLFLOW_TRACKING_PASSWORD", "secret-word")]);
        assert_eq!(named.unwrap().authorization.unwrap(), "Basic bWU6c2VjcmV0LXdvcmQ=");
    }
}
