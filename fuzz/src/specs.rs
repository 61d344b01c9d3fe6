//! Specs as people write them, and as `new` does.

use kaggle_kit::competition::Competition;
use kaggle_kit::metric::Metric;

/// Reads the bytes as a spec: what is taken can be used.
pub(super) fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Competition::parse("mine", &text, "mine.toml") {
        Ok(competition) => {
            let _ = competition.raw();
            if let Err(error) = kaggle_kit::recipe::of_competition(&competition, &[]) {
                let text = format!("{error:#}");
                assert!(text.contains("`[recipe] of mine`"), "an error names its place: {text}");
            }
            let file = |place: &kaggle_kit::relative::RelativePath| {
                let path = place.under("data".as_ref());
                assert!(path.starts_with("data"), "{}", path.display());
            };
            competition.files.train.iter().chain(&competition.files.test).for_each(file);
            file(&competition.files.sample);
            let _: &Metric = &competition.metric;
        }
        Err(error) => {
            let text = format!("{error:#}");
            assert!(text.contains("mine"), "an error names its file: {text}");
        }
    }
}
