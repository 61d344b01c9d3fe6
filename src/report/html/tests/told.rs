//! What a page says beside its curves: how far the score can be trusted, what Kaggle said, the same by time.

use super::super::facts::Submitted;
use super::super::markup;
use super::*;

fn whole() -> Facts {
    facts(TargetKind::SingleLabel, &names(3), 60)
}

#[test]
fn the_score_has_its_standard_error_where_it_is_a_mean_over_images() {
    let text = page(&whole());
    assert!(text.contains("(standard error), log loss"), "{}", &text[text.len() / 2..][..200]);
    // That of answers that were scored otherwise is not known.
    let mut other = whole();
    other.about.score += 0.5;
    assert!(!page(&other).contains("(standard error), "));
}

#[test]
fn kaggle_s_scores_are_told_once_they_are_known() {
    let mut facts = whole();
    let before = page(&facts);
    assert!(!before.contains("on Kaggle"));
    let place = Some("place 7 of 100 on the public board (top 7.0 %)".to_owned());
    facts.submitted = Some(Submitted { public: Some(0.125), private: None, place });
    let text = page(&facts);
    check(&text);
    assert!(text.contains("0.12500") && text.contains("public score on Kaggle, place 7 of 100"));
    assert!(!text.contains("private score"));
    // As a page that is there gets them.
    let figures = super::super::sections::figures(&facts).into_string();
    assert_eq!(markup::with_figures(&before, &figures), text);
    facts.submitted = Some(Submitted { private: Some(0.25), ..Submitted::default() });
    assert!(page(&facts).contains("private score on Kaggle"));
}

#[test]
fn curves_are_drawn_by_step_and_by_time() {
    let text = page(&whole());
    assert!(text.contains(">training step</text>") && text.contains(">seconds</text>"));
    assert!(text.contains("id=\"by-time\""));
    let mut no_epoch = whole();
    no_epoch.epochs.clear();
    let text = page(&no_epoch);
    check(&text);
    assert!(!text.contains("id=\"by-time\""), "how long a step took is not known");
    let mut long = whole();
    long.epochs.iter_mut().for_each(|epoch| epoch.seconds = 600.0);
    assert!(page(&long).contains(">minutes</text>"));
}

#[test]
fn a_single_sweep_has_the_whole_width_and_its_table_a_link() {
    let mut facts = whole();
    facts.files = vec![("lr-find.csv", "curves"), ("steps.csv", "steps")];
    let text = page(&facts);
    let rates = text.split("<section id=\"rates\">").nth(1).unwrap();
    let rates = rates.split("</section>").next().unwrap();
    assert!(rates.contains("class=\"chart full\"") && !rates.contains("class=\"chart half\""));
    assert!(rates.contains("<a href=\"lr-find.csv\">"));
    assert_eq!(
        text.matches("<a href=\"steps.csv\">").count(),
        2,
        "beside the curves, and in the list"
    );
    let two = vec![facts.sweeps[0].clone(), facts.sweeps[0].clone()];
    facts.sweeps = two;
    let text = page(&facts);
    let rates = text.split("<section id=\"rates\">").nth(1).unwrap();
    assert_eq!(
        rates.split("</section>").next().unwrap().matches("class=\"chart half\"").count(),
        2
    );
}

#[test]
fn pictures_open_large_and_say_in_words_what_they_are() {
    let text = page(&whole());
    let n = text.matches("data:image/jpeg").count();
    assert!(n > 0 && text.matches("<details class=\"large\">").count() == n);
    let alts = || text.split(" alt=\"image_").skip(1).filter_map(|rest| rest.split('"').next());
    assert_eq!(alts().count(), n);
    assert!(alts().all(|alt| alt.contains(": ") && alt.contains("class ")), "{:?}", alts().next());
}
