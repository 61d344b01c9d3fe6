//! Whose credentials they are.

use serde::{Deserialize, Serialize};

use super::client::Call;
use super::credentials::Credentials;
use super::endpoint::Service;
use super::{Client, Error};

#[derive(Serialize)]
struct Introspect<'a> {
    token: &'a str,
}

#[derive(Deserialize)]
struct Introspected {
    #[serde(default)]
    active: bool,
    #[serde(default)]
    username: String,
}

impl Client {
    /// The name on Kaggle that the credentials in use belong to.
    pub fn username(&self) -> Result<String, Error> {
        loop {
            let found = self.credentials();
            let token = match &found.credentials {
                Credentials::Basic { username, .. } => return Ok(username.clone()),
                Credentials::Token(token) => token,
            };
            let body = Introspect { token: token.reveal() };
            let (service, what) = (Service::Security, "such a token".to_owned());
            let call = Call { service, method: "IntrospectToken", slug: "", what, body };
            let answer: Introspected = self.call(&call)?;
            if answer.active && !answer.username.is_empty() {
                return Ok(answer.username);
            }
            self.refuse(found, "the token is not valid any more".to_owned())?;
        }
    }
}
