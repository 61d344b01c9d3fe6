//! Every shape of a submission against a solution of the same shape.

use kaggle_kit::competition::Competition;
use kaggle_kit::metric::Metric;

use super::{assert_near, refusal, score};
use crate::support::competition;

const SINGLE: &str = "kind = \"single-label\"";
const MULTI: &str = "kind = \"multi-label\"";

fn label(metric: &str, target: &str) -> Competition {
    competition(metric, target, "[submission.label]\nid = \"id\"\ncolumn = \"label\"")
}

#[test]
fn labels_are_equal_as_text_or_as_numbers() {
    let accuracy = label("\"accuracy\"", SINGLE);
    let solution = "id,label,Usage\na,1,Public\nb,two words,Private\nc,7.50,Private\nd,x,Private\n";
    let csv = "id,label\nd,y\nc,7.5\nb,two words\na,1.0\n";
    let scored = score(csv, solution, &accuracy);
    assert_near(scored.value, 0.75);
    assert_eq!((scored.n_rows, scored.accuracy), (4, None));
    // An id that looks like a number stays what it is.
    assert_near(score("id,label\na,1e1\n", "id,label\na,10\n", &accuracy).value, 0.0);
}

#[test]
fn the_id_may_stand_behind_the_label() {
    let accuracy = label("\"accuracy\"", SINGLE);
    let scored = score("label,id\nx,1\ny,2\n", "label,id\nx,1\nx,2\n", &accuracy);
    assert_near(scored.value, 0.5);
    let numbers = competition("\"rmse\"", "kind = \"number\"", "[submission.numbers]\nid = \"id\"");
    let scored = score("y,id,x\n1,a,2\n", "x,y,id\n2,3,a\n", &numbers);
    assert_near(scored.value, 2f64.sqrt());
}

#[test]
fn what_was_renamed_or_is_unknown_counts_like_any_other() {
    let target =
        "kind = \"single-label\"\nunknown = \"new\"\nrename = { cat = \"0\", dog = \"1\" }";
    let accuracy = label("\"accuracy\"", target);
    let solution = "id,label\na,cat\nb,1\nc,new\nd,new\n";
    assert_near(score("id,label\na,0\nb,1\nc,new\nd,0\n", solution, &accuracy).value, 0.75);
}

#[test]
fn images_count_by_their_ids() {
    let weighted =
        label("{ name = \"accuracy\", weight = { _manip = 0.3, _unalt = 0.7 } }", SINGLE);
    let scored =
        score("id,label\n1_unalt,x\n2_manip,x\n", "id,label\n1_unalt,x\n2_manip,y\n", &weighted);
    assert_near(scored.value, 0.7);
}

#[test]
fn a_level_that_there_is_not_is_refused() {
    let kappa = label("\"kappa\"", "kind = \"ordinal\"\nclasses = [\"0\", \"1\", \"2\"]");
    let solution = "id,label\na,0\nb,2\n";
    assert_near(score("id,label\na,0\nb,2\n", solution, &kappa).value, 1.0);
    let error = refusal("id,label\na,5\nb,2\n", solution, &kappa);
    assert!(error.contains("1 unknown label: line 2: `5`"), "{error}");
}

#[test]
fn a_ranking_keeps_its_places() {
    let top =
        |metric| competition(metric, SINGLE, "[submission.top-k]\nid = \"id\"\ncolumn = \"label\"");
    let solution = "id,label\na,x\nb,y\nc,z\n";
    let csv = "id,label\na,x y z\nb,z z y\nc,\n";
    assert_near(score(csv, solution, &top("\"map@3\"")).value, (1.0 + 1.0 / 3.0) / 3.0);
    assert_near(score(csv, solution, &top("\"error@2\"")).value, 2.0 / 3.0);
    let error_at_1 = label("\"error@1\"", SINGLE);
    assert_near(score("id,label\na,x\nb,x\nc,x\n", solution, &error_at_1).value, 2.0 / 3.0);
}

#[test]
fn an_empty_answer_is_none() {
    let gap = competition(
        "\"gap\"",
        SINGLE,
        "[submission.scored-label]\nid = \"id\"\ncolumn = \"label\"",
    );
    let solution = "id,label\na,x\nb,y\nc,\n";
    assert_near(score("id,label\na,x 0.9\nb,y 0.1\nc,\n", solution, &gap).value, 1.0);
    assert_near(score("id,label\na,x 0.9\nb,y 0.1\nc,y 0.5\n", solution, &gap).value, 5.0 / 6.0);
    let error = refusal("id,label\na,x\nb,y nan\nc,\n", solution, &gap);
    assert!(
        error.contains("1 label without a confidence behind it: line 2: `x` in `label`"),
        "{error}"
    );
    assert!(error.contains("1 value not finite: line 3: `y nan` in `label`"), "{error}");
}

#[test]
fn tags_of_the_truth_may_stand_between_other_marks() {
    let target = "kind = \"multi-label\"\nclasses = [\"a\", \"b\", \"c\", \"d\"]";
    let f1 = competition(
        "\"macro-f1\"",
        target,
        "[submission.tag-list]\nid = \"id\"\ncolumn = \"label\"",
    );
    // Of `a` 1, of `b` 2/3, of `c` and `d` nothing.
    let scored = score("id,label\n1,a b\n2,b\n", "id,label\n1,a\n2,b\n", &f1);
    assert_near(scored.value, (1.0 + 2.0 / 3.0) / 4.0);
}

#[test]
fn a_column_a_tag_need_not_sum_to_one() {
    let auc = competition("\"auc\"", MULTI, "[submission.probability-per-class]\nid = \"id\"");
    let csv = "id,a - x,b\n1,0,0\n2,0.9,0.1\n3,-3.5,17\n";
    let solution = "id,a - x,b,Usage\n3,0,1,Public\n2,1,0,Public\n1,0,0,Public\n";
    assert_near(score(csv, solution, &auc).value, 1.0);
    let log_loss =
        competition("\"log-loss\"", MULTI, "[submission.probability-per-class]\nid = \"id\"");
    let error = refusal(csv, solution, &log_loss);
    assert!(error.contains("2 values outside [0, 1]: line 4: `-3.5` in `a - x`"), "{error}");
    let solution = "id,a - x,b\n1,0,0.5\n2,0,1\n3,1,1\n";
    let error = refusal(csv, solution, &auc);
    assert_eq!(error, "the solution, line 2: `0.5` in `b` is not 0 or 1");
}

#[test]
fn where_nothing_is_to_be_found_there_is_no_score() {
    let auc = competition("\"auc\"", MULTI, "[submission.probability-per-class]\nid = \"id\"");
    let error = refusal("id,a\n1,0.5\n2,0.1\n", "id,a\n1,1\n2,1\n", &auc);
    assert_eq!(error, "`auc` has no value here: what it counts occurs nowhere in the solution");
}

#[test]
fn one_class_a_row_may_be_columns_or_a_label() {
    let log_loss =
        competition("\"log-loss\"", SINGLE, "[submission.probability-per-class]\nid = \"id\"");
    let csv = "id,a,b,c\n1,0.5,0.25,0.25\n2,0.25,0.25,0.5\n";
    for solution in ["id,label\n1,a\n2,c\n", "c,b,a,id\n0,0,1,1\n1,0,0,2\n"] {
        let scored = score(csv, solution, &log_loss);
        assert_near(scored.value, 2f64.ln());
        assert_eq!(scored.accuracy, Some(1.0));
    }
    let error = refusal(csv, "id,a,b,c\n1,1,1,0\n2,0,0,1\n", &log_loss);
    assert_eq!(error, "the solution, line 2: 2 of the columns hold 1, expected one");
}

#[test]
fn of_one_probability_it_counts_whose_it_is() {
    let target = "kind = \"single-label\"\nclasses = [\"yes\", \"no\"]";
    let of = |metric: &str, class: &str| {
        let table = format!(
            "[submission.probability-of]\nid = \"id\"\ncolumn = \"p\"\nclass = \"{class}\""
        );
        competition(metric, target, &table)
    };
    let csv = "id,p\n1,0.9\n2,0.8\n3,0.1\n";
    let solution = "id,p\n1,yes\n2,no\n3,no\n";
    // 2 x 0.9 / (1.8 + 1) and 2 x (0.8 + 0.1) / (1.8 + 2).
    assert_near(score(csv, solution, &of("\"pf1\"", "yes")).value, 1.8 / 2.8);
    assert_near(score(csv, solution, &of("\"pf1\"", "no")).value, 1.8 / 3.8);
    assert_near(score(csv, "id,p\n1,1\n2,0\n3,0\n", &of("\"auc\"", "yes")).value, 1.0);
    assert_near(score(csv, "id,p\n1,1\n2,0\n3,0\n", &of("\"auc\"", "no")).value, 1.0);
    let isic = of("{ name = \"auc\", tpr = [0.8, 1] }", "yes");
    assert_near(score(csv, solution, &isic).value, 0.2);
}

#[test]
fn a_row_may_be_an_image_and_a_class() {
    let long = |metric: &str, target: &str| {
        let table = "[submission.long]\nid = \"id\"\ncolumn = \"p\"\nrow = \"{id}_{class}\"";
        competition(metric, target, table)
    };
    let csv = "id,p\n1_2_any,0.5\n1_2_sub,0.25\n3_any,0.5\n3_sub,0.75\n";
    let solution = "id,p\n3_sub,1\n3_any,0\n1_2_any,1\n1_2_sub,0\n";
    let weighted = "{ name = \"log-loss\", weights = { any = 2 } }";
    let expected = (2.0 * 2f64.ln() - 0.75f64.ln()) / 3.0;
    for target in [MULTI, "kind = \"multi-label\"\nclasses = [\"sub\", \"any\"]"] {
        let scored = score(csv, solution, &long(weighted, target));
        assert_near(scored.value, expected);
        assert_eq!(scored.n_rows, 2);
    }
    let scored = score(csv, solution, &long("\"auc\"", MULTI));
    assert_near(scored.value, 0.75);
    let wrong = long("{ name = \"log-loss\", weights = { all = 2 } }", MULTI);
    let error = refusal(csv, solution, &wrong);
    assert!(error.starts_with("`weights` of `log-loss` name `all`, which is none"), "{error}");
    let error =
        refusal("id,p\n1_any,0\n2_sub,0\n", "id,p\n1_any,0\n2_sub,0\n", &long("\"auc\"", MULTI));
    assert!(error.starts_with("no row `1_sub`\nhint: every image needs a row"), "{error}");
}

#[test]
fn numbers_are_scored_as_they_are() {
    let target = "kind = \"number\"\nrange = [1, 100]";
    let of = |metric: &str| competition(metric, target, "[submission.numbers]\nid = \"id\"");
    let (csv, solution) =
        ("id,y,z\na,0,3\nb,101,4\n", "id,z,y,Usage\nb,4,100,Public\na,3,2,Public\n");
    assert_near(score(csv, solution, &of("\"mae\"")).value, 0.75);
    assert_near(score(csv, solution, &of("\"mean-rmse\"")).value, 2.5f64.sqrt() / 2.0);
    let error = refusal(csv, "id,y,z\na,x,3\nb,1,4\n", &of("\"mae\""));
    assert_eq!(error, "the solution, line 2: `x` in `y` is no number");
    let error = refusal("id,y\na,1\nb,2\n", "id,z\na,1\nb,2\n", &of("\"mae\""));
    assert!(error.contains("lacks a column of `y`"), "{error}");
}

#[test]
fn the_score_is_by_the_metric_of_the_spec() {
    let accuracy = label("\"accuracy\"", SINGLE);
    let scored = score("id,label\na,x\n", "id,label\na,x\n", &accuracy);
    assert_eq!(scored.metric, Metric::of("accuracy").unwrap());
    let named = score("id,label\na,x\n", "id,label\na,x\n", &label("\"error@1\"", SINGLE));
    assert_eq!((named.metric.name().as_str(), named.value), ("error@1", 0.0));
}
