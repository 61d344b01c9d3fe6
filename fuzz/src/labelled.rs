//! Data folders whose table of labels and sample hold any bytes.

use kaggle_kit::competition::Competition;
use kaggle_kit::dataset;

use super::place;

/// Labels, and what is asked for.
const KINDS: [(&str, &str, &str); 4] = [
    ("single-label", "csv", "[submission.probability-per-class]\nid = \"id\"\n"),
    ("multi-label", "csv", "[submission.tag-list]\nid = \"id\"\ncolumn = \"label\"\n"),
    ("single-label", "json", "[submission.label]\nid = \"id\"\ncolumn = \"label\"\n"),
    ("number", "csv", "[submission.numbers]\nid = \"id\"\n"),
];
/// Pictures that the tables can name.
const IDS: [&str; 4] = ["1", "2", "a b", "c.d"];

thread_local! {
    static COMPETITIONS: Vec<Competition> = KINDS.iter().map(|kind| competition(*kind)).collect();
}

/// Opens a folder whose sample and labels are the bytes, split at `0xff`.
pub(super) fn check(which: u8, bytes: &[u8]) {
    let which = usize::from(which) % KINDS.len();
    let labels = format!("labels.{}", KINDS[which].1);
    COMPETITIONS.with(|all| check_for(&all[which], &labels, bytes));
}

fn check_for(competition: &Competition, labels: &str, bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |&byte| byte == 0xff);
    let place = place();
    let data = place.path();
    for table in ["sample.csv", labels] {
        std::fs::write(data.join(table), parts.next().unwrap_or_default()).unwrap();
    }
    for folder in ["train", "test"] {
        std::fs::create_dir_all(data.join(folder)).unwrap();
        for id in IDS {
            std::fs::write(data.join(folder).join(format!("{id}.jpg")), "a picture").unwrap();
        }
    }
    match dataset::open(competition, data) {
        Ok(dataset) => {
            assert!(!dataset.train.is_empty() && !dataset.test.is_empty());
            assert!(!dataset.found.lines().is_empty());
        }
        Err(error) => assert!(!format!("{error:#}").is_empty()),
    }
}

fn competition((kind, form, submission): (&str, &str, &str)) -> Competition {
    let metric = match kind {
        "multi-label" => "mean-f2",
        "number" => "rmse",
        _ => "log-loss",
    };
    let metric = if form == "json" { "accuracy" } else { metric };
    let range = if kind == "number" { "range = [0, 10]\n" } else { "" };
    let label = if kind == "number" { "" } else { "label = \"label\"\n" };
    let text = format!(
        "title = \"Fuzzed\"\nslug = \"fuzzed\"\nmetric = \"{metric}\"\n[files]\n\
         train = [\"train\"]\ntest = [\"test\"]\nsample = \"sample.csv\"\n\
         [target]\nkind = \"{kind}\"\n{range}[target.labels.{form}]\nfile = \"labels.{form}\"\n\
         id = \"id\"\n{label}{submission}"
    );
    Competition::parse("fuzzed", &text, "fuzzed.toml").unwrap()
}
