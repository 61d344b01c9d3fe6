//! What is said of images that cannot be used, beyond the error's ten.

use serde_json::json;

use crate::dataset::{BadImage, BadImages};
use crate::term;

/// How many test images a warning names.
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

/// Says which test images are passed over.
pub fn warn_of_test<'a>(broken: impl ExactSizeIterator<Item = &'a BadImage>) {
    let n = broken.len();
    if n == 0 {
        return;
    }
    let problems: Vec<&str> = broken.map(|bad| bad.problem.as_str()).collect();
    let shown = problems[..n.min(NAMED)].join("; ");
    let more = if n > NAMED { format!("; and {} more", n - NAMED) } else { String::new() };
    term::warn(format_args!(
        "{} cannot be used: {shown}{more}; training does without, `submit` answers for them by the mean \
         of the training images",
        term::count(n, "test image"),
    ));
    for problem in problems {
        term::detail(problem);
    }
}
