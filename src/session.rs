//! A line to Kaggle for the commands that ask it something.

use anyhow::Result;

use crate::kaggle::{Client, Environment};
use crate::term;

/// Connects, with a word on where to and whose credentials are used.
pub fn connect(endpoint: Option<&str>, environment: &Environment) -> Result<Client> {
    let client = Client::connect(endpoint, environment)?;
    let found = client.credentials();
    term::detail(format_args!("credentials from {}", found.source));
    found.warnings.iter().for_each(term::warn);
    term::say(format_args!("   asking `{}`", client.endpoint()));
    Ok(client)
}
