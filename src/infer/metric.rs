//! Which metrics fit a shape of answers, and what Kaggle's names for them are here.

use super::guess::Shape;
use crate::metric::{Form, Metric};
use crate::target::TargetKind;

/// What a metric scores, as far as a spec depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wants {
    Probabilities,
    Label,
    /// A label of classes in order.
    Level,
    Ranking,
    Tags,
    /// Tags, or a label where there is one an image.
    LabelOrTags,
    ScoredLabel,
    Numbers,
}

/// What a metric scores; none where there is no such metric.
pub(super) fn wants(word: &str) -> Option<Wants> {
    let metric = Metric::of(word).ok()?;
    let any = |form| metric.family().forms.iter().any(|(_, of_kind)| *of_kind == form);
    let has_label = metric.takes(TargetKind::SingleLabel, Form::Label);
    Some(match () {
        () if any(Form::Probabilities) => Wants::Probabilities,
        () if any(Form::Numbers) => Wants::Numbers,
        () if any(Form::ScoredLabel) => Wants::ScoredLabel,
        () if any(Form::Tags) && has_label => Wants::LabelOrTags,
        () if any(Form::Tags) => Wants::Tags,
        // The first of a ranking of one is a label.
        () if has_label => Wants::Label,
        () if any(Form::Ranking) => Wants::Ranking,
        () => Wants::Level,
    })
}

/// The metrics that fit a shape, the likeliest first.
pub(super) fn fitting(shape: Shape, kind: TargetKind, k: usize) -> Vec<String> {
    let words: &[&str] = match (shape, kind) {
        (Shape::Label, TargetKind::Ordinal) => &["kappa"],
        (Shape::Label, _) => &["accuracy", "macro-f1", "balanced-accuracy", "kappa", "micro-f1"],
        (Shape::TopK, _) => return vec![format!("map@{k}"), format!("error@{k}")],
        (Shape::Numbers, _) => &["rmse", "mae", "mean-rmse", "rmsle", "r2"],
        (Shape::Long, _) => &["log-loss"],
        (Shape::ScoredLabel, _) => &["gap"],
        (Shape::TagList, _) => &["mean-f1", "mean-f2", "macro-f1", "micro-f1"],
        (Shape::ProbabilityOf, _) => &["auc", "log-loss", "pf1"],
        (Shape::ProbabilityPerClass, TargetKind::MultiLabel) => &["auc", "log-loss"],
        (Shape::ProbabilityPerClass, _) => &["log-loss", "auc"],
    };
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// What Kaggle's name of a metric may be here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Kaggle's name.
    pub name: String,
    /// The words, the likeliest first; none where the name says nothing.
    pub words: Vec<String>,
    /// Whether it is the first and no other.
    pub is_sure: bool,
    /// What remains to be done by hand.
    pub remark: Option<&'static str>,
}

/// What is in Kaggle's names, in the order in which they are looked for; the word of it here, which a number
/// follows if it ends in `@`; whether the name says enough.
const NAMES: &[(&[&str], &str, bool)] = &[
    (&["kappa"], "kappa", true),
    (&["balancedaccuracy"], "balanced-accuracy", true),
    (&["accuracy"], "accuracy", true),
    (&["googleglobalap", "globalaverageprecision"], "gap", true),
    (&["map@"], "map@", true),
    (&["averageprecision"], "map@", false),
    (&["besterror", "error@"], "error@", true),
    (&["roc", "auc", "areaunder"], "auc", true),
    (&["macrofscore", "macrof1"], "macro-f1", true),
    (&["fscorebeta", "fbeta"], "mean-f2", false),
    (&["fscore", "f1"], "mean-f1", false),
    (&["logloss", "multiclassloss", "logarithmicloss"], "log-loss", true),
    (&["logarithmicerror", "rmsle"], "rmsle", true),
    (&["columnwiserootmeansquared", "mcrmse"], "mean-rmse", true),
    (&["rootmeansquared", "rmse"], "rmse", true),
    (&["absoluteerror"], "mae", true),
    (&["squarederror"], "mse", true),
    (&["matthews"], "mcc", true),
    (&["hamming"], "hamming-loss", true),
    (&["rsquared", "r2score"], "r2", true),
];

/// Means of F that have one name on Kaggle.
const MEANS_OF_F: [&str; 3] = ["mean-f1", "micro-f1", "macro-f1"];

/// Reads Kaggle's `evaluation_metric`, with the evaluation page for what the name leaves open. Kaggle's
/// names are those of Meta Kaggle's `EvaluationAlgorithms`; older display names are taken as well.
pub fn of_kaggle(name: &str, page: &str) -> Hint {
    let page = page.to_lowercase();
    let letters: String =
        name.to_lowercase().chars().filter(|sign| sign.is_alphanumeric() || *sign == '@').collect();
    let hint = |words: Vec<String>, is_sure, remark| Hint {
        name: name.to_owned(),
        words,
        is_sure,
        remark,
    };
    // The stand-in has our own words.
    let own = name.to_lowercase();
    if wants(&own).is_some() {
        return hint(vec![own], true, None);
    }
    let has = |parts: &&[&str]| parts.iter().any(|part| letters.contains(part));
    let Some((_, word, is_sure)) = NAMES.iter().find(|(parts, ..)| has(parts)) else {
        return hint(Vec::new(), false, None);
    };
    let number =
        || top(&letters).or_else(|| top(&page)).map_or_else(String::new, |k| k.to_string());
    // Where neither tells, the sample does.
    let number = if word.ends_with('@') { number() } else { String::new() };
    let mut words = vec![format!("{word}{number}")];
    if letters.contains("weighted") && *word != "kappa" {
        let remark =
            "it has weights: write them by hand, as in metric = { name = \"..\", weights = .. }";
        return hint(words, false, Some(remark));
    }
    match *word {
        "mean-f1" => {
            words = MEANS_OF_F.map(str::to_owned).to_vec();
            let is_on_page =
                |word: &String| word.split('-').next().is_some_and(|mean| page.contains(mean));
            words.sort_by_key(|word| word == "mean-f1" || !is_on_page(word));
        }
        "mean-f2" => words.push("micro-f1".to_owned()),
        _ => {}
    }
    hint(words, *is_sure, None)
}

/// The number behind an `@`.
fn top(text: &str) -> Option<usize> {
    let behind = text.split('@').nth(1)?;
    let digits: String = behind.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|k| (1..=100).contains(k))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kaggles_names_are_words_here() {
        for (name, page, words, is_sure) in [
            ("Categorization Accuracy", "", vec!["accuracy"], true),
            ("Area Under Receiver Operating Characteristic Curve", "", vec!["auc"], true),
            (
                "Mean Columnwise Area Under Receiver Operating Characteristic Curve",
                "",
                vec!["auc"],
                true,
            ),
            ("Roc Auc Score", "", vec!["auc"], true),
            ("QuadraticWeightedKappa", "", vec!["kappa"], true),
            ("Macro F-Score", "", vec!["macro-f1"], true),
            ("Root Mean Squared Error", "", vec!["rmse"], true),
            ("Root Mean Squared Logarithmic Error", "", vec!["rmsle"], true),
            ("Log Loss", "", vec!["log-loss"], true),
            ("Multiclass Loss", "", vec!["log-loss"], true),
            ("Multiclass Loss (Deprecated)", "", vec!["log-loss"], true),
            ("GoogleGlobalAP", "", vec!["gap"], true),
            ("MAP@{K}", "evaluated by MAP@5, where", vec!["map@5"], true),
            ("MeanBestErrorAtK", "top-k error@3", vec!["error@3"], true),
            ("MeanBestErrorAtK", "", vec!["error@"], true),
            (
                "Mean F-Score",
                "the micro averaged F1",
                vec!["micro-f1", "mean-f1", "macro-f1"],
                false,
            ),
            ("Mean F-Score Beta", "", vec!["mean-f2", "micro-f1"], false),
            ("Weighted Mean Columnwise Log Loss", "", vec!["log-loss"], false),
            ("Weighted Categorization Accuracy", "", vec!["accuracy"], false),
            ("mean-f2", "", vec!["mean-f2"], true),
            ("", "", vec![], false),
            ("my-notebook-metric", "", vec![], false),
        ] {
            let hint = of_kaggle(name, page);
            assert_eq!(
                (hint.words, hint.is_sure),
                (words.iter().map(|w| (*w).to_owned()).collect(), is_sure),
                "{name}"
            );
        }
    }

    #[test]
    fn a_metric_says_what_it_scores() {
        for (word, scores) in [
            ("log-loss", Some(Wants::Probabilities)),
            ("pf1", Some(Wants::Probabilities)),
            ("accuracy", Some(Wants::Label)),
            ("kappa", Some(Wants::Level)),
            ("map@5", Some(Wants::Ranking)),
            ("error@1", Some(Wants::Label)),
            ("mean-f0.5", Some(Wants::Tags)),
            ("macro-f1", Some(Wants::LabelOrTags)),
            ("gap", Some(Wants::ScoredLabel)),
            ("mean-rmse", Some(Wants::Numbers)),
            ("map@", None),
            ("loss", None),
            ("", None),
        ] {
            assert_eq!(wants(word), scores, "{word}");
        }
    }

    /// A question never offers what there is not.
    #[test]
    fn what_fits_is_a_metric() {
        use Shape::{
            Label, Long, Numbers, ProbabilityOf, ProbabilityPerClass, ScoredLabel, TagList, TopK,
        };
        for shape in
            [Label, TopK, Numbers, Long, ScoredLabel, TagList, ProbabilityOf, ProbabilityPerClass]
        {
            for kind in [TargetKind::SingleLabel, TargetKind::MultiLabel, TargetKind::Ordinal] {
                for word in fitting(shape, kind, 5) {
                    assert!(wants(&word).is_some(), "{word}");
                }
            }
        }
    }
}
