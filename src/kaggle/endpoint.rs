//! Where the API is: Kaggle's own address, a named environment, or any address a person gives.

use std::fmt;

use reqwest::Url;

use super::address;
use super::{Environment, Error};

const PRODUCTION: &str = "https://api.kaggle.com/v1";

/// The base address of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    base: Url,
}

impl Endpoint {
    /// `given` (from `--endpoint`), else `KAGGLE_API_ENDPOINT`, else the environment that
    /// `KAGGLE_API_ENVIRONMENT` names, else Kaggle itself.
    pub fn find(given: Option<&str>, environment: &Environment) -> Result<Self, Error> {
        if let Some(address) = given {
            return Self::parse(address);
        }
        if let Some(address) = environment.get("KAGGLE_API_ENDPOINT") {
            return Self::parse(address);
        }
        match environment.get("KAGGLE_API_ENVIRONMENT") {
            None => Self::parse(PRODUCTION),
            Some(name) => match name.to_ascii_uppercase().as_str() {
                "PROD" => Self::parse(PRODUCTION),
                "LOCALHOST" => Self::parse("http://localhost"),
                "TEST" => Self::parse("http://localhost:7777"),
                // Kaggle's own, which answer nobody outside.
                "STAGING" | "ADMIN" | "QA" => {
                    Self::parse(&format!("https://{}.kaggle.com", name.to_ascii_lowercase()))
                }
                _ => Err(Error::BadEndpoint {
                    given: name.to_owned(),
                    reason: "`KAGGLE_API_ENVIRONMENT` is PROD, LOCALHOST, TEST, STAGING, ADMIN or \
                             QA"
                    .to_owned(),
                }),
            },
        }
    }

    /// Reads an address: `api.kaggle.com` speaks under `/v1`, every other host under `/api/v1`,
    /// which is added unless it is there already. `http://` is for this machine alone.
    pub fn parse(address: &str) -> Result<Self, Error> {
        let given = || address::shown_as_typed(address);
        let bad = |reason: String| Error::BadEndpoint { given: given(), reason };
        let address = address.trim();
        let url = if address.contains("://") {
            Url::parse(address)
        } else {
            let local = ["localhost", "127.", "[::1]"].iter().any(|h| address.starts_with(h));
            Url::parse(&format!("{}://{address}", if local { "http" } else { "https" }))
        };
        let mut base = url.map_err(|error| bad(error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(bad("it is not the address of a web server".to_owned()));
        }
        if !base.username().is_empty() || base.password().is_some() || base.query().is_some() {
            return Err(bad("give the bare address, without a name, key or query".to_owned()));
        }
        // Whoever asks says so with every call.
        address::ensure_keeps_secrets(&base)?;
        let version = if base.host_str() == Some("api.kaggle.com") { "/v1" } else { "/api/v1" };
        let path = base.path().trim_end_matches('/').to_owned();
        if path.ends_with(version) {
            base.set_path(&path);
        } else {
            base.set_path(&format!("{path}{version}"));
        }
        Ok(Self { base })
    }

    /// The address of a method of a service.
    pub(super) fn method(&self, service: Service, method: &str) -> Url {
        let mut url = self.base.clone();
        let base = self.base.path().trim_end_matches('/');
        url.set_path(&format!("{base}/{}/{method}", service.name()));
        url
    }
}

/// A part of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Service {
    Competitions,
    Datasets,
    Kernels,
    /// Places to upload to.
    Blobs,
    /// Who a token is.
    Security,
}

impl Service {
    fn name(self) -> &'static str {
        match self {
            Self::Competitions => "competitions.CompetitionApiService",
            Self::Datasets => "datasets.DatasetApiService",
            Self::Kernels => "kernels.KernelsApiService",
            Self::Blobs => "blobs.BlobApiService",
            Self::Security => "security.OAuthService",
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.base.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_added_once() {
        for (given, base) in [
            ("https://api.kaggle.com", "https://api.kaggle.com/v1"),
            ("https://api.kaggle.com/v1/", "https://api.kaggle.com/v1"),
            ("https://www.kaggle.com/api/v1", "https://www.kaggle.com/api/v1"),
            ("http://127.0.0.1:7777", "http://127.0.0.1:7777/api/v1"),
            ("localhost:7777/", "http://localhost:7777/api/v1"),
            ("kaggle.example.org/mirror", "https://kaggle.example.org/mirror/api/v1"),
        ] {
            assert_eq!(Endpoint::parse(given).unwrap().to_string(), base, "{given}");
        }
    }

    #[test]
    fn the_option_beats_the_address_beats_the_environment() {
        let environment = Environment::from([
            ("KAGGLE_API_ENDPOINT", "http://localhost:1"),
            ("KAGGLE_API_ENVIRONMENT", "TEST"),
        ]);
        let found = |given| Endpoint::find(given, &environment).unwrap().to_string();
        assert_eq!(found(Some("http://localhost:2")), "http://localhost:2/api/v1");
        assert_eq!(found(None), "http://localhost:1/api/v1");
        for (name, base) in [
            ("test", "http://localhost:7777/api/v1"),
            ("LOCALHOST", "http://localhost/api/v1"),
            ("PROD", PRODUCTION),
            ("Staging", "https://staging.kaggle.com/api/v1"),
            ("ADMIN", "https://admin.kaggle.com/api/v1"),
            ("QA", "https://qa.kaggle.com/api/v1"),
            ("", PRODUCTION),
        ] {
            let environment = Environment::from([("KAGGLE_API_ENVIRONMENT", name)]);
            assert_eq!(Endpoint::find(None, &environment).unwrap().to_string(), base);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for given in ["ftp://kaggle.com", "https://me:s3cret@kaggle.com", "http://", "a b"] {
            let error = Endpoint::parse(given).unwrap_err();
            assert!(!error.to_string().contains("s3cret"), "{error}");
        }
        let environment = Environment::from([("KAGGLE_API_ENVIRONMENT", "MARS")]);
        assert!(Endpoint::find(None, &environment).unwrap_err().to_string().contains("LOCALHOST"));
    }

    #[test]
    fn an_address_that_others_can_read_is_refused() {
        for given in ["http://kaggle.com", "http://10.0.0.1:7777", "http://localhost.evil.example"]
        {
            let error = Endpoint::parse(given).unwrap_err();
            assert!(matches!(error, Error::Unprotected { .. }), "{given}: {error}");
            assert!(error.to_string().contains("hint: give an `https://` address"), "{error}");
        }
    }

    #[test]
    fn a_method_has_its_service_in_its_address() {
        let endpoint = Endpoint::parse("http://localhost:7777").unwrap();
        for (service, path) in [
            (Service::Competitions, "/api/v1/competitions.CompetitionApiService/List"),
            (Service::Kernels, "/api/v1/kernels.KernelsApiService/List"),
        ] {
            assert_eq!(endpoint.method(service, "List").path(), path);
        }
    }
}
