//! Where a run's score comes from: what each step had on the held-out images, what it took, and what became
//! of it.

use serde::{Deserialize, Serialize};

use super::checked::{self, Fault};
use super::journal::{Entry, Journal, Kept};
use super::score::Score;
use super::stage::Stage;

/// A step on the way to the score, with the best that it had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct WayStep {
    /// What it is called in tables.
    pub step: String,
    /// The stage that it belongs to; none for what comes after training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// Mean loss of the held-out images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// The standard error of that, over images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<f64>,
    /// The competition's metric.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metric: Option<f64>,
    /// Of the stage as a whole, told with its first step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    pub fate: Fate,
}

/// What became of a step's network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// It predicts.
    Kept,
    /// It is one of the two that what predicts lies between.
    Half,
    /// The whole network began as it.
    Start,
    /// Others were better.
    Left,
}

impl Fate {
    /// The word in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Half => "half of it",
            Self::Start => "went on",
            Self::Left => "-",
        }
    }
}

/// The way so far, in order.
pub fn way(journal: &Journal) -> Vec<WayStep> {
    let mut steps: Vec<WayStep> = Vec::new();
    let seconds = |stage: Stage| {
        journal.done.iter().find_map(|entry| match entry {
            Entry::Stage { stage: of, seconds, .. } if *of == stage => Some(*seconds),
            _ => None,
        })
    };
    let mut add = |name: String, stage: Stage, score: Score| {
        let is_first = !steps.iter().any(|step| step.stage == Some(stage));
        let seconds = seconds(stage).filter(|_| is_first);
        steps.push(WayStep { seconds, ..WayStep::of(name, stage, score) });
    };
    let (mut kept, mut averaged) = (None, None);
    let mut best_of_stage: Option<(Stage, Score)> = None;
    let mut done = journal.done.iter().peekable();
    while let Some(entry) = done.next() {
        match entry {
            Entry::Cycle { stage, number, scores } => {
                let best = scores.iter().chain(
                    best_of_stage.as_ref().filter(|(of, _)| of == stage).map(|(_, score)| score),
                );
                let Some(best) = best.copied().min_by(|a, b| a.loss.total_cmp(&b.loss)) else {
                    continue;
                };
                if *stage == Stage::WholeNetwork {
                    add(format!("{}, cycle {number}", stage.title()), *stage, best);
                    continue;
                }
                // Cycles of the head are epochs, of which the best is told.
                best_of_stage = Some((*stage, best));
                let goes_on =
                    matches!(done.peek(), Some(Entry::Cycle { stage: next, .. }) if next == stage);
                if !goes_on {
                    add(stage.title().to_owned(), *stage, best);
                    best_of_stage = None;
                }
            }
            Entry::Fitted { stage, linear, mean, .. } => {
                add("a linear layer on them".to_owned(), *stage, *linear);
                add("mean of both".to_owned(), *stage, *mean);
            }
            Entry::Averaged { is_kept, mean, .. } => {
                add(AVERAGED.to_owned(), Stage::WholeNetwork, *mean);
                averaged = Some(*is_kept);
            }
            Entry::Chosen { kept: chosen, midway, .. } => {
                let name = "midway between head and network".to_owned();
                add(name, Stage::WholeNetwork, *midway);
                kept = Some(*chosen);
            }
            Entry::Rate { .. } | Entry::Stage { .. } => {}
        }
    }
    tell_fates(&mut steps, kept, averaged);
    steps
}

/// The mean of the whole network's weights, in tables.
const AVERAGED: &str = "mean of the network's weights";

/// What became of each, where `chosen` is what was kept at the end, if there was a choice, and `averaged`
/// whether the mean of the weights was taken for the whole network, if there was one.
fn tell_fates(steps: &mut [WayStep], chosen: Option<Kept>, averaged: Option<bool>) {
    let n_chosen = usize::from(chosen.is_some());
    let n = steps.len() - n_chosen;
    let of_head = |step: &WayStep| step.stage != Some(Stage::WholeNetwork);
    let best = |steps: &[WayStep], is_head: bool| {
        let is_mean = |step: &WayStep| !is_head && step.step == AVERAGED;
        let is_own = |step: &WayStep| match averaged {
            Some(is_kept) if !is_head => is_mean(step) == is_kept && !of_head(step),
            _ => of_head(step) == is_head,
        };
        let own = steps[..n].iter().enumerate().filter(|(_, step)| is_own(step));
        let loss = |step: &WayStep| step.loss.unwrap_or(f64::INFINITY);
        own.min_by(|a, b| loss(a.1).total_cmp(&loss(b.1))).map(|(i, _)| i)
    };
    let (head, whole) = (best(steps, true), best(steps, false));
    let (of_head, of_whole) = match (chosen, whole) {
        (None, None) | (Some(Kept::Frozen), _) => (Fate::Kept, Fate::Left),
        (None | Some(Kept::Whole), _) => (Fate::Start, Fate::Kept),
        (Some(Kept::Midway), _) => (Fate::Half, Fate::Half),
    };
    for (at, fate) in [(head, of_head), (whole, of_whole)] {
        if let Some(at) = at {
            steps[at].fate = fate;
        }
    }
    if let (Some(Kept::Midway), Some(last)) = (chosen, steps.last_mut()) {
        last.fate = Fate::Kept;
    }
}

/// A sentence for each stage that took its time and changed nothing, with what leaves it out.
pub fn idle(way: &[WayStep]) -> Vec<String> {
    let stages = [
        (Stage::HeadWithAugmentation, "head-with-augmentation.run=false"),
        (Stage::WholeNetwork, "unfreeze.run=false"),
    ];
    let told = stages.into_iter().filter_map(|(stage, setting)| {
        let own = || way.iter().filter(|step| step.stage == Some(stage));
        let seconds = own().find_map(|step| step.seconds)?;
        let changed = own().any(|step| step.fate != Fate::Left);
        let (number, title) = (stage.number(), stage.title());
        (!changed).then(|| {
            format!(
                "step {number}, {title}, changed nothing in {seconds:.0} s: `--set {setting}` leaves it out"
            )
        })
    });
    told.collect()
}

impl WayStep {
    fn of(step: String, stage: Stage, score: Score) -> Self {
        Self {
            step,
            stage: Some(stage),
            loss: Some(score.loss).filter(|loss| loss.is_finite()),
            error: score.error,
            metric: Some(score.metric).filter(|metric| metric.is_finite()),
            seconds: None,
            fate: Fate::Left,
        }
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        for (key, number) in [("loss", self.loss), ("error", self.error), ("metric", self.metric)] {
            number.map_or(Ok(()), |number| checked::finite(key, number))?;
        }
        self.seconds.map_or(Ok(()), |seconds| checked::seconds("seconds", seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(loss: f64) -> Score {
        Score { loss, metric: 1.0 - loss, accuracy: None, error: Some(0.01) }
    }

    fn cycle(stage: Stage, number: usize, losses: &[f64]) -> Entry {
        Entry::Cycle { stage, number, scores: losses.iter().copied().map(score).collect() }
    }

    fn stage(stage: Stage, seconds: f64) -> Entry {
        Entry::Stage { stage, seconds, found: String::new() }
    }

    fn of(kept: Kept) -> Journal {
        use Stage::{HeadOnActivations, HeadWithAugmentation, WholeNetwork};
        let done = vec![
            Entry::Rate { stage: Stage::FindHeadRate, rate: 1e-3 },
            cycle(HeadOnActivations, 1, &[0.5, 0.3, 0.4]),
            Entry::Fitted {
                stage: HeadOnActivations,
                strength: 0.1,
                linear: score(0.25),
                mean: score(0.2),
            },
            stage(HeadOnActivations, 2.0),
            cycle(HeadWithAugmentation, 1, &[0.35]),
            cycle(HeadWithAugmentation, 2, &[0.45]),
            stage(HeadWithAugmentation, 9.0),
            cycle(WholeNetwork, 1, &[0.3]),
            cycle(WholeNetwork, 2, &[0.15, 0.1]),
            Entry::Chosen { kept, frozen: score(0.2), midway: score(0.12), whole: score(0.1) },
            stage(WholeNetwork, 60.0),
        ];
        Journal { done, ..Journal::default() }
    }

    fn fates(kept: Kept) -> Vec<Fate> {
        way(&of(kept)).iter().map(|step| step.fate).collect()
    }

    #[test]
    fn every_step_is_told_with_its_best_and_its_time_once() {
        let way = way(&of(Kept::Midway));
        let told: Vec<_> =
            way.iter().map(|step| (step.step.as_str(), step.loss.unwrap(), step.seconds)).collect();
        assert_eq!(
            told,
            [
                ("head on activations", 0.3, Some(2.0)),
                ("a linear layer on them", 0.25, None),
                ("mean of both", 0.2, None),
                ("head with augmentation", 0.35, Some(9.0)),
                ("whole network, cycle 1", 0.3, Some(60.0)),
                ("whole network, cycle 2", 0.1, None),
                ("midway between head and network", 0.12, None),
            ]
        );
    }

    #[test]
    fn what_is_kept_and_what_it_came_of_are_marked() {
        use Fate::{Half, Kept as Is, Left, Start};
        assert_eq!(fates(Kept::Midway), [Left, Left, Half, Left, Left, Half, Is]);
        assert_eq!(fates(Kept::Frozen), [Left, Left, Is, Left, Left, Left, Left]);
        assert_eq!(fates(Kept::Whole), [Left, Left, Start, Left, Left, Is, Left]);
        let mut frozen = of(Kept::Whole);
        frozen.done.truncate(7);
        let fates: Vec<Fate> = way(&frozen).iter().map(|step| step.fate).collect();
        assert_eq!(fates, [Left, Left, Is, Left]);
    }

    #[test]
    fn the_mean_of_the_weights_is_the_whole_network_where_it_was_kept() {
        use Fate::{Half, Kept as Is, Left};
        for (is_kept, expected) in [(true, [Left, Left, Half, Is]), (false, [Left, Half, Left, Is])]
        {
            let mut journal = of(Kept::Midway);
            let averaged = Entry::Averaged { is_kept, mean: score(0.11), best: score(0.1) };
            journal.done.insert(9, averaged);
            let fates: Vec<Fate> = way(&journal).iter().map(|step| step.fate).collect();
            assert_eq!(fates[4..], expected);
        }
    }

    #[test]
    fn a_step_that_changed_nothing_is_told_with_what_leaves_it_out() {
        let told = idle(&way(&of(Kept::Midway)));
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("step 4, head with augmentation, changed nothing in 9 s"));
        let told = idle(&way(&of(Kept::Frozen)));
        assert!(told.len() == 2 && told[1].contains("`--set unfreeze.run=false`"), "{told:?}");
    }
}
