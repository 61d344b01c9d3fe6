//! What is said of images that cannot be used, beyond the error's ten.

use serde_json::json;

use crate::dataset::{BadImage, BadImages};
use crate::term;

/// How many test images a line names.
const NAMED: usize = 3;

/// Tells all bad images that an error counts: as JSON, or as lines that `-v` shows.
pub fn tell(error: &anyhow::Error, json: bool) {
    let Some(BadImages { bad, of, list }) = error.downcast_ref() else { return };
    if json {
        let json = json!({ "bad-images": bad, "images": of, "list": list });
        term::out(format_args!("{json:#}"));
    } else {
        for bad in bad {
            term::detail(&bad.problem);
        }
    }
}

/// How many test images cannot be used, and why the first of them.
pub fn describe<'a>(broken: impl IntoIterator<Item = &'a BadImage>) -> String {
    let problems: Vec<&str> = broken.into_iter().map(|bad| bad.problem.as_str()).collect();
    let n = problems.len();
    let shown = problems[..n.min(NAMED)].join("; ");
    let more = if n > NAMED { format!("; and {} more", n - NAMED) } else { String::new() };
    format!("{} cannot be used: {shown}{more}", term::count(n, "test image"))
}

/// Says which test images are passed over, and what is done instead; nothing where none is.
pub fn warn<'a>(broken: impl IntoIterator<Item = &'a BadImage> + Clone, instead: &str) {
    if broken.clone().into_iter().next().is_none() {
        return;
    }
    term::warn(format_args!("{}; {instead}", describe(broken.clone())));
    broken.into_iter().for_each(|bad| term::detail(&bad.problem));
}
