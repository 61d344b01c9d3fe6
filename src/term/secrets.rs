//! Our own secrets, so that none of them is ever shown: whoever finds one tells it here, and whatever
//! is printed, or read from a server, is searched for all of them.

use std::borrow::Cow;
use std::sync::{PoisonError, RwLock};

/// What is shorter could be a word of any text.
const SHORTEST: usize = 6;
const MASK: &str = "***";

static KNOWN: RwLock<Vec<String>> = RwLock::new(Vec::new());

/// From now on this text is shown as `***`.
pub fn keep_secret(text: &str) {
    let text = text.trim();
    if text.len() < SHORTEST {
        return;
    }
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    if !known.iter().any(|one| one == text) {
        known.push(text.to_owned());
        // One that is a part of another must not leave the rest of it.
        known.sort_by_key(|one| std::cmp::Reverse(one.len()));
    }
}

/// The text without any secret of ours, and addresses in it without user names and passwords.
pub fn without_secrets(text: &str) -> Cow<'_, str> {
    let mut text = without_user_info(text);
    for secret in KNOWN.read().unwrap_or_else(PoisonError::into_inner).iter() {
        if text.contains(secret) {
            text = text.replace(secret, MASK).into();
        }
    }
    text
}

/// `https://me:key@host/` becomes `https://host/`.
fn without_user_info(text: &str) -> Cow<'_, str> {
    const AFTER: &str = "://";
    if !text.contains(AFTER) || !text.contains('@') {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(AFTER) {
        let start = at + AFTER.len();
        shown.push_str(&rest[..start]);
        rest = &rest[start..];
        let is_end = |c: char| c.is_whitespace() || "/?#`\"'<>\\".contains(c);
        let host = &rest[..rest.find(is_end).unwrap_or(rest.len())];
        if let Some(at) = host.rfind('@') {
            rest = &rest[at + 1..];
        }
    }
    shown.push_str(rest);
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown_whatever_it_is_a_part_of() {
        keep_secret("KGAT_of_this_test");
        keep_secret("KGAT_of_this_test_and_longer\n");
        keep_secret("k3y");
        assert_eq!(without_secrets("Bearer KGAT_of_this_test!"), "Bearer ***!");
        assert_eq!(without_secrets("KGAT_of_this_test_and_longer"), "***");
        assert_eq!(
            without_secrets("k3y is too short to be told from a word"),
            "k3y is too short to be told from a word"
        );
    }

    #[test]
    fn addresses_lose_their_user() {
        for (text, shown) in [
            ("from `https://me:hunter2@hub.example/a?b`: no", "from `https://hub.example/a?b`: no"),
            ("http://a@b@c:80 and https://u:p@d", "http://c:80 and https://d"),
            ("https://e.org/@someone me@home", "https://e.org/@someone me@home"),
            ("ftp://", "ftp://"),
            ("me@home", "me@home"),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
    }
}
