//! The exit code of a failed command, so that a script can tell what to do.

use crate::commands::fetch::NotOnKaggle;
use crate::commands::stage::Failed;
use crate::commands::submit::NoneLeft;
use crate::kaggle::{self, Class};
use crate::learn::Stop;
use crate::mishap::Bug;
use crate::submission::Misfit;

pub use crate::ended::INTERRUPTED;

/// What Rust has for a program that panics.
const BUG: u8 = 101;

/// 1, unless a script could do something about it: see `kaggle-kit --help`. (2 is wrong usage.)
pub fn code(error: &anyhow::Error) -> u8 {
    if let Some(error) = error.chain().find_map(|cause| cause.downcast_ref::<kaggle::Error>()) {
        return match error.class() {
            Class::Credentials => 3,
            Class::Rules => 4,
            Class::NotFound => 5,
            Class::RateLimited => 6,
            Class::Network => 7,
            Class::Other => 1,
        };
    }
    if matches!(error.downcast_ref::<Stop>(), Some(Stop::Interrupted { .. })) {
        return INTERRUPTED;
    }
    if let Some(stage) = error.downcast_ref::<Failed>() {
        return stage.code();
    }
    if error.is::<Bug>() {
        return BUG;
    }
    if error.is::<NotOnKaggle>() {
        return 5;
    }
    if error.is::<NoneLeft>() {
        return 6;
    }
    if error.is::<Misfit>() {
        return 8;
    }
    1
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn the_kind_of_trouble_is_seen_through_its_context() {
        let wrapped = |error: kaggle::Error| -> anyhow::Error {
            Err::<(), _>(error).context("failed to fetch").context("outer").unwrap_err()
        };
        let (looked, near) = (Vec::new(), Vec::new());
        assert_eq!(code(&wrapped(kaggle::Error::NoCredentials { looked, near })), 3);
        assert_eq!(code(&wrapped(kaggle::Error::NotFound { what: String::new() })), 5);
        let error = kaggle::Error::Network { url: String::new(), reason: String::new() };
        assert_eq!(code(&wrapped(error)), 7);
        for (status, expected) in [(401, 3), (403, 3), (404, 5), (429, 6), (400, 1)] {
            let (url, message, retry_after) = (String::new(), String::new(), None);
            let hub = kaggle::Error::Hub { url, status, message, retry_after };
            assert_eq!(code(&wrapped(hub)), expected, "{status}");
        }
        let file = kaggle::Error::File(anyhow::anyhow!("disk full"));
        assert_eq!(code(&wrapped(file)), 1);
        assert_eq!(code(&anyhow::anyhow!("anything else")), 1);
    }
}
