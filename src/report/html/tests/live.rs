//! The page of a run that is trained.

use super::super::{live, page};
use super::{check, facts, names, sections};
use crate::run::Stage;
use crate::target::TargetKind;

const AGAIN: &str = "<meta http-equiv=\"refresh\"";

#[test]
fn a_page_is_asked_for_again_until_training_is_done() {
    let whole = facts(TargetKind::SingleLabel, &names(3), 30);
    assert!(!page(&whole).contains(AGAIN));
    let mut begun = whole;
    (begun.validation, begun.decision) = (None, None);
    begun.pictures.clear();
    begun.files.clear();
    begun.foresee(&[(Stage::WholeNetwork, "2 cycles".to_owned())]);
    let training = live(&begun, Some(Stage::WholeNetwork));
    check(&training);
    assert!(training.contains(AGAIN));
    assert!(training.contains("is being trained on") && training.contains("whole network"));
    assert!(sections(&training).contains(&"training"), "{:?}", sections(&training));

    // Before the first epoch.
    begun.epochs.clear();
    begun.steps.clear();
    begun.sweeps.clear();
    check(&live(&begun, None));
}
