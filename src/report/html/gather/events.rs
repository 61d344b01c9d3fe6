//! `events.jsonl`: epochs and sweeps, as far as they are known here.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Deserialize;

use super::super::facts::{EpochFacts, Sweep};
use crate::fs;
use crate::run::{EVENTS, Run, Score, Stage};

/// A line of the log; fields and events of other versions are passed over.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
enum Line {
    Epoch {
        stage: String,
        epoch: usize,
        cycle: usize,
        train_loss: Option<f64>,
        score: Score,
        rates: Vec<f64>,
        seconds: f64,
    },
    RateFound {
        stage: String,
        curve: Curve,
        chosen: Option<Chosen>,
    },
    StageFinished {
        stage: String,
        #[serde(default)]
        found: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Curve {
    rates: Vec<f64>,
    losses: Vec<Option<f64>>,
    #[serde(default)]
    batch_losses: Vec<Option<f64>>,
    /// The finder's own rule, in runs from before there were others.
    suggestion: Option<f64>,
    #[serde(default)]
    suggestions: BTreeMap<String, Option<f64>>,
}

/// The order in which rules are told.
const RULES: [&str; 5] = ["clear", "valley", "steep", "slide", "minimum"];

#[derive(Deserialize)]
struct Chosen {
    rate: f64,
}

/// What the log holds for a page.
#[derive(Default)]
pub(super) struct Events {
    pub(super) epochs: Vec<EpochFacts>,
    pub(super) sweeps: Vec<Sweep>,
}

impl Events {
    pub(super) fn read(run: &Run) -> Result<Self> {
        let path = run.file(EVENTS);
        if !path.is_file() {
            return Ok(Self::default());
        }
        Ok(Self::parse(&fs::read_to_string(path)?))
    }

    /// A line that cannot be read is passed over: a run that was killed while it wrote may end in
    /// half a line, and a page is no reason to fail.
    pub(super) fn parse(text: &str) -> Self {
        let mut events = Self::default();
        for line in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
            events.take(line);
        }
        events.choose_by_use();
        events
    }

    fn take(&mut self, line: Line) {
        match line {
            Line::Epoch { stage, epoch, cycle, train_loss, score, rates, seconds } => {
                let stage = title(&stage);
                // A run that was resumed tells the epoch it died in again.
                self.epochs.retain(|e| (&e.stage, e.epoch) != (&stage, epoch));
                let train_loss = train_loss.unwrap_or(f64::NAN);
                self.epochs.push(EpochFacts {
                    stage,
                    cycle,
                    epoch,
                    train_loss,
                    score,
                    rates,
                    seconds,
                });
            }
            Line::RateFound { stage, curve, chosen } => {
                let number = |value: Option<f64>| value.unwrap_or(f64::NAN);
                let mut suggestions: Vec<(String, Option<f64>)> =
                    curve.suggestions.into_iter().collect();
                if suggestions.is_empty() {
                    suggestions.push(("clear".to_owned(), curve.suggestion));
                }
                suggestions.sort_by_key(|(rule, _)| {
                    RULES.iter().position(|known| known == rule).unwrap_or(RULES.len())
                });
                let stage = title(&stage);
                self.sweeps.retain(|sweep| sweep.stage != stage);
                self.sweeps.push(Sweep {
                    stage,
                    rates: curve.rates,
                    losses: curve.losses.into_iter().map(number).collect(),
                    batch_losses: curve.batch_losses.into_iter().map(number).collect(),
                    suggestions,
                    chosen: chosen.map(|chosen| chosen.rate),
                    why: String::new(),
                });
            }
            Line::StageFinished { stage, found } => {
                let stage = title(&stage);
                if let Some(sweep) = self.sweeps.iter_mut().find(|sweep| sweep.stage == stage) {
                    sweep.why = found;
                }
            }
            Line::Other => {}
        }
    }

    /// Where the log does not say which rate was chosen, the next epochs were trained with it.
    fn choose_by_use(&mut self) {
        let order = |stage: &str| Stage::ALL.iter().position(|known| known.title() == stage);
        for sweep in self.sweeps.iter_mut().filter(|sweep| sweep.chosen.is_none()) {
            let after = |epoch: &&EpochFacts| order(&epoch.stage) > order(&sweep.stage);
            let next = self.epochs.iter().find(after);
            sweep.chosen = next.and_then(|epoch| epoch.rates.last().copied());
        }
    }
}

/// A stage's title from its name in the log; one of another version is told by its name.
pub(super) fn title(name: &str) -> String {
    // `steps.csv` numbers stages, which keeps a line a step short.
    let numbered = name.parse().ok().and_then(|n: usize| Stage::ALL.get(n.checked_sub(1)?));
    if let Some(stage) = numbered {
        return stage.title().to_owned();
    }
    let known =
        Stage::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(name));
    known.map_or_else(|_| name.replace('-', " "), |stage| stage.title().to_owned())
}
