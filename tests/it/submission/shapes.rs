//! Every shape is written from answers, reads back clean, and is found fault with in its own words.

use kaggle_kit::competition::Competition;
use kaggle_kit::dataset::SampleSubmission;
use kaggle_kit::submission::{self, Against, Findings, Problem};
use kaggle_kit::table::Table;
use kaggle_kit::target::{Answers, Classes, Said};
use proptest::prelude::*;

use super::{sample, strings};
use crate::support::competition;

const SINGLE: &str = "kind = \"single-label\"";
const MULTI: &str = "kind = \"multi-label\"";
const NUMBER: &str = "kind = \"number\"\nrange = [1, 100]";

fn shape(metric: &str, target: &str, table: &str) -> Competition {
    let column = match table {
        "numbers" | "probability-per-class" => "",
        "long" => "column = \"label\"\nrow = \"{id}_{class}\"",
        _ => "column = \"label\"",
    };
    competition(metric, target, &format!("[submission.{table}]\nid = \"id\"\n{column}"))
}

fn answers(ids: &str, classes: &[&str], said: Said) -> Answers {
    let classes: Vec<String> = classes.iter().map(|&name| name.to_owned()).collect();
    Answers { ids: strings(ids), classes: classes.into(), said }
}

/// The CSV of answers, which must read back without a word.
#[track_caller]
fn csv(answers: &Answers, competition: &Competition, sample: &SampleSubmission) -> String {
    let csv = submission::to_csv(answers, competition, sample).unwrap();
    let against = Against::Sample(sample, Some(&answers.classes));
    let (_, findings) = submission::read(&csv, competition, against);
    assert_eq!(findings, Findings::default());
    String::from_utf8(csv).unwrap()
}

#[test]
fn a_label_may_have_blanks_in_it() {
    let said = Said::Lists(vec![vec![1], vec![0]]);
    let answers = answers("2 1", &["Black rot", "healthy, mostly"], said);
    let written =
        csv(&answers, &shape("\"accuracy\"", SINGLE, "label"), &sample("id label", "1 2"));
    assert_eq!(written, "id,label\n1,Black rot\n2,\"healthy, mostly\"\n");
}

#[test]
fn the_id_may_be_any_column() {
    let said = Said::Lists(vec![vec![1], vec![0]]);
    let sample = |header: &str| SampleSubmission { id_at: 1, ..sample(header, "1 2") };
    let labels = answers("2 1", &["a", "b"], said);
    let written = csv(&labels, &shape("\"accuracy\"", SINGLE, "label"), &sample("label id"));
    assert_eq!(written, "label,id\na,1\nb,2\n");
    let said = Said::Probabilities(Table::new(vec![0.75, 0.0, 0.25, 0.5, 0.5, 0.0], 3));
    let per_class = answers("1 2", &["a", "b", "c"], said);
    let shape = shape("\"log-loss\"", SINGLE, "probability-per-class");
    assert_eq!(
        csv(&per_class, &shape, &sample("c id a b")),
        "c,id,a,b\n0.25,1,0.75,0\n0,2,0.5,0.5\n"
    );
}

#[test]
fn tags_may_be_separated_by_something_else() {
    let competition = competition(
        "\"mean-f1\"",
        MULTI,
        "[submission.tag-list]\nid = \"id\"\ncolumn = \"label\"\nseparator = \"|\"",
    );
    let tags = answers("1 2", &["ash", "old oak"], Said::Lists(vec![vec![0, 1], vec![1]]));
    let written = csv(&tags, &competition, &sample("id label", "1 2"));
    assert_eq!(written, "id,label\n1,ash|old oak\n2,old oak\n");
    let solution = "id,label\n1,old oak|ash\n2,ash\n";
    let score =
        submission::score_bytes(written.as_bytes(), solution.as_bytes(), &competition).unwrap();
    assert!((score.value - 0.5).abs() < 1e-12, "{}", score.value);
}

#[test]
fn the_best_come_first() {
    let said = Said::Lists(vec![vec![2, 0], vec![1, 2]]);
    let ranking = answers("1 2", &["a", "b", "c"], said);
    let written = csv(&ranking, &shape("\"map@2\"", SINGLE, "top-k"), &sample("id label", "1 2"));
    assert_eq!(written, "id,label\n1,c a\n2,b c\n");
}

#[test]
fn a_label_is_followed_by_how_sure_it_is() {
    let said = Said::Scored(vec![Some((1, f64::from(0.301f32))), None, Some((0, 1.0))]);
    let scored = answers("1 2 3", &["a", "b c"], said);
    let written =
        csv(&scored, &shape("\"gap\"", SINGLE, "scored-label"), &sample("id label", "1 2 3"));
    assert_eq!(written, "id,label\n1,b c 0.301\n2,\n3,a 1\n");
}

#[test]
fn numbers_are_written_in_their_own_units() {
    let said = Said::Numbers(Table::new(vec![38.25, 100.0, f64::from(1.1f32), 7.5], 2));
    let two = answers("1 2", &["y", "x"], said);
    let sample_xy = sample("id x y", "1 2");
    assert_eq!(
        csv(&two, &shape("\"rmse\"", NUMBER, "numbers"), &sample_xy),
        "id,x,y\n1,100,38.25\n2,7.5,1.1\n"
    );
    // One number may be called otherwise in training.
    let one = answers("1", &["score"], Said::Numbers(Table::new(vec![2.0], 1)));
    assert_eq!(
        csv(&one, &shape("\"mae\"", NUMBER, "numbers"), &sample("id target", "1")),
        "id,target\n1,2\n"
    );
}

#[test]
fn a_row_is_an_image_and_a_class() {
    let said = Said::Probabilities(Table::new(vec![0.25, 0.5, 0.75, 1.0], 2));
    let tags = answers("ID_2 ID_1", &["any", "much_any"], said);
    let long = shape("\"log-loss\"", MULTI, "long");
    let rows = "ID_1_any ID_1_much_any ID_2_much_any ID_2_any";
    let written = csv(&tags, &long, &sample("id label", rows));
    assert_eq!(
        written,
        "id,label\nID_1_any,0.75\nID_1_much_any,1\nID_2_much_any,0.5\nID_2_any,0.25\n"
    );
    let error = |rows| {
        let sample = sample("id label", rows);
        format!("{:#}", submission::to_csv(&tags, &long, &sample).unwrap_err())
    };
    assert!(
        error("ID_1_any ID_2_any ID_3_any")
            .contains("1 id of the sample not predicted, such as `ID_3`")
    );
    assert!(error("ID_1_any").contains("1 image predicted that the sample does not have"));
    assert!(error("ID_1_none").contains("`ID_1_none` is no image and class, as in `{id}_{class}`"));
}

#[test]
fn tags_in_columns_need_not_sum_to_one() {
    let said = Said::Probabilities(Table::new(vec![0.0, 0.0, 1.0, f64::from(0.999_987_66f32)], 2));
    let tags = answers("1 2", &["a", "b - c"], said);
    let header = ["id", "a", "b - c"].map(str::to_owned).to_vec();
    let sample = SampleSubmission { header, id_at: 0, ids: strings("1 2") };
    let shape = shape("\"log-loss\"", MULTI, "probability-per-class");
    // Of a tag both ends are looked at: `1 - p` has digits of its own.
    assert_eq!(csv(&tags, &shape, &sample), "id,a,b - c\n1,0,0\n2,1,0.99998766\n");
}

#[test]
fn each_shape_has_its_own_words() {
    let classes: Classes = strings("a b").into();
    let top = shape("\"map@2\"", SINGLE, "top-k");
    let unknown = format!("{SINGLE}\nunknown = \"new\"");
    for (competition, text, problem, told) in [
        (
            shape("\"accuracy\"", SINGLE, "label"),
            "1,\n2,a",
            Problem::NoLabel,
            "1 row without a label: line 2",
        ),
        (
            shape("\"accuracy\"", &unknown, "label"),
            "1,new\n2,old",
            Problem::UnknownLabel,
            "1 unknown label: line 3: `old`",
        ),
        (top.clone(), "1,a\n2,", Problem::NoLabel, "1 row without a label: line 3"),
        (top.clone(), "1,a x\n2,a", Problem::UnknownLabel, "1 unknown label: line 2: `x`"),
        (
            top.clone(),
            "1,a a\n2,a",
            Problem::RepeatedLabel,
            "1 repeated label (it takes a place and counts once): line 2: `a`",
        ),
        (
            top,
            "1,a b a\n2,b",
            Problem::TooManyLabels,
            "1 row with more labels than count: line 2: 3, of which 2",
        ),
        (
            shape("\"gap\"", SINGLE, "scored-label"),
            "1,x 0.5\n2,",
            Problem::UnknownLabel,
            "1 unknown label: line 2: `x`",
        ),
        (
            shape("\"gap\"", SINGLE, "scored-label"),
            "1,a\n2,b 0.5",
            Problem::NoConfidence,
            "1 label without a confidence behind it: line 2: `a` in `label`",
        ),
        (
            shape("\"rmse\"", NUMBER, "numbers"),
            "1,105\n2,-3",
            Problem::BeyondRange,
            "2 numbers outside the range: line 2: `105` in `label`, which is from 1 to 100; line 3: `-3` in \
             `label`, which is from 1 to 100",
        ),
        (
            shape("\"rmse\"", NUMBER, "numbers"),
            "1,x\n2,3",
            Problem::NotANumber,
            "1 value not a number: line 2: `x` in `label`",
        ),
    ] {
        let sample = sample("id label", "1 2");
        let text = format!("id,label\n{text}\n");
        let against = Against::Sample(&sample, Some(&classes));
        let (_, findings) = submission::read(text.as_bytes(), &competition, against);
        let finding = findings.of(problem).unwrap_or_else(|| panic!("{text}: {findings:?}"));
        assert_eq!(finding.to_string(), told);
    }
}

proptest! {
    #[test]
    fn where_order_alone_counts_none_is_lost(p in prop::collection::vec(0f32..=1.0, 2..40)) {
        let ids: Vec<String> = (0..p.len()).map(|i| i.to_string()).collect();
        let sample = sample("id a", &ids.join(" "));
        let said = Said::Probabilities(Table::new(p.iter().map(|&p| f64::from(p)).collect(), 1));
        let of = answers(&ids.join(" "), &["a"], said);
        let auc = shape("\"auc\"", MULTI, "probability-per-class");
        let written = csv(&of, &auc, &sample);
        let back: Vec<f32> =
            written.lines().skip(1).map(|line| line.split_once(',').unwrap().1.parse().unwrap()).collect();
        prop_assert_eq!(back, p);
    }
}
