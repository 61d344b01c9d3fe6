//! How long a run will take from here on: by what is planned, and how fast it has been so far.

use crate::learn::{Piece, Work};
use crate::run::{Event, Stage, Step};

/// Forward and back through the network takes so many times as long as forward, while nothing is known.
const BACK: f64 = 3.0;

/// What is known of a run's time. Times are seconds of one clock.
pub(super) struct Estimate {
    pieces: Vec<Piece>,
    /// An image is looked at once by each of so many backbones.
    backbones: f64,
    /// The piece that is worked at.
    at: usize,
    pass: Option<Pass>,
    speeds: [Speed; 3],
}

/// A pass over images or steps, within a piece.
struct Pass {
    since: f64,
    unit: &'static str,
    /// Of its units, what was done before.
    before: usize,
    done: usize,
    total: usize,
    last: f64,
}

#[derive(Clone, Copy, Default)]
struct Speed {
    amount: f64,
    seconds: f64,
}

impl Estimate {
    pub(super) fn new(pieces: Vec<Piece>, backbones: usize) -> Self {
        let backbones = backbones.max(1) as f64;
        Self { pieces, backbones, at: 0, pass: None, speeds: [Speed::default(); 3] }
    }

    pub(super) fn event(&mut self, event: &Event, now: f64) {
        match event {
            Event::StageStarted { stage } => {
                self.end_pass();
                self.at = self.first(*stage);
            }
            Event::StageFinished { stage, .. } => {
                self.end_pass();
                let is_later = |piece: &Piece| piece.stage > *stage;
                self.at = self.pieces.iter().position(is_later).unwrap_or(self.pieces.len());
            }
            Event::PassStarted { unit, total } => {
                self.end_pass();
                let (total, since, last) = (*total, now, now);
                self.pass = Some(Pass { since, unit, before: 0, done: 0, total, last });
            }
            Event::Advanced { units } => {
                let has_epochs =
                    self.pieces.get(self.at).is_some_and(|piece| piece.stage.has_epochs());
                if let Some(pass) = &mut self.pass {
                    // Steps of an epoch that were made before the run was stopped.
                    pass.before += if has_epochs { *units } else { 0 };
                    pass.advance(*units, now);
                }
            }
            Event::Step(Step { stage, epoch, .. }) => {
                self.at = self.first(*stage) + epoch.saturating_sub(1);
                if let Some(pass) = &mut self.pass {
                    pass.advance(1, now);
                }
            }
            Event::Epoch(epoch) => {
                self.end_pass();
                self.at = self.first(epoch.stage) + epoch.epoch;
            }
            _ => {}
        }
    }

    /// The seconds until the run is done, if nothing ends it before; none while no speed is known.
    pub(super) fn left(&self) -> Option<f64> {
        let (now, rest) = self.pieces.get(self.at..)?.split_first()?;
        let done = self.pass.as_ref().map_or(0.0, |pass| self.amount(pass, pass.done));
        // What a cache has need not be done.
        let whole = match &self.pass {
            Some(pass) if pass.unit == "images" => self.amount(pass, pass.total),
            _ => now.amount,
        };
        let now = Piece { amount: (whole - done).max(0.0), ..*now };
        std::iter::once(&now).chain(rest).map(|piece| self.seconds(piece)).sum()
    }

    fn seconds(&self, piece: &Piece) -> Option<f64> {
        let of_looks = if piece.looks > 0.0 { piece.looks * self.pace(Work::Look)? } else { 0.0 };
        let of_amount =
            if piece.amount > 0.0 { piece.amount * self.pace(piece.work)? } else { 0.0 };
        Some(of_amount + of_looks)
    }

    /// Seconds a unit.
    fn pace(&self, work: Work) -> Option<f64> {
        match work {
            // They are no work to speak of.
            Work::Head => Some(self.measured(Work::Head).unwrap_or(0.0)),
            Work::Look => {
                self.measured(Work::Look).or_else(|| Some(self.measured(Work::Learn)? / BACK))
            }
            Work::Learn => {
                self.measured(Work::Learn).or_else(|| Some(self.measured(Work::Look)? * BACK))
            }
        }
    }

    fn measured(&self, work: Work) -> Option<f64> {
        let mut speed = self.speeds[work as usize];
        if self.pieces.get(self.at).is_some_and(|piece| piece.work == work)
            && let Some(pass) = &self.pass
        {
            speed = speed.and(self.of_pass(pass));
        }
        (speed.amount > 0.0).then(|| speed.seconds / speed.amount)
    }

    fn of_pass(&self, pass: &Pass) -> Speed {
        let amount = self.amount(pass, pass.done - pass.before);
        Speed { amount, seconds: pass.last - pass.since }
    }

    /// How much of a piece's work so many units of a pass are.
    fn amount(&self, pass: &Pass, units: usize) -> f64 {
        let Some(piece) = self.pieces.get(self.at) else { return 0.0 };
        match pass.unit {
            "images" if piece.stage == Stage::Precompute => units as f64 / self.backbones,
            "images" => units as f64,
            _ => piece.amount * units as f64 / pass.total.max(1) as f64,
        }
    }

    /// Keeps what a pass has shown; what was long ago counts less.
    fn end_pass(&mut self) {
        let (Some(pass), Some(piece)) = (self.pass.take(), self.pieces.get(self.at)) else {
            return;
        };
        let newest = self.of_pass(&pass);
        if newest.amount > 0.0 {
            let Speed { amount, seconds } = self.speeds[piece.work as usize];
            let faded = Speed { amount: amount / 2.0, seconds: seconds / 2.0 };
            self.speeds[piece.work as usize] = faded.and(newest);
        }
    }

    fn first(&self, stage: Stage) -> usize {
        let place = self.pieces.iter().position(|piece| piece.stage >= stage);
        place.unwrap_or(self.pieces.len())
    }
}

impl Pass {
    fn advance(&mut self, units: usize, now: f64) {
        self.done = (self.done + units).min(self.total.max(self.done));
        self.last = now;
    }
}

impl Speed {
    fn and(self, other: Self) -> Self {
        Self { amount: self.amount + other.amount, seconds: self.seconds + other.seconds }
    }
}

/// An estimate as it is told: no more exact than it is.
pub(super) fn about(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round();
    match seconds {
        ..5.0 => "5 s".to_owned(),
        ..95.0 => format!("{:.0} s", (seconds / 10.0).ceil() * 10.0),
        ..5400.0 => format!("{minutes:.0} min"),
        ..172_800.0 => format!("{:.0} h {:02.0} min", (minutes / 60.0).floor(), minutes % 60.0),
        _ => format!("{:.1} days", seconds / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces() -> Vec<Piece> {
        let piece = |stage, work, amount, looks| Piece { stage, work, amount, looks };
        vec![
            piece(Stage::Precompute, Work::Look, 100.0, 0.0),
            piece(Stage::FindHeadRate, Work::Head, 10.0, 0.0),
            piece(Stage::WholeNetwork, Work::Learn, 80.0, 20.0),
            piece(Stage::WholeNetwork, Work::Learn, 80.0, 20.0),
            piece(Stage::Predict, Work::Look, 160.0, 0.0),
        ]
    }

    fn step(epoch: usize) -> Event {
        let stage = Stage::WholeNetwork;
        let (cycle, step, loss, rate, momentum) = (1, 1, 1.0, 1.0, 0.9);
        Event::Step(Step { stage, cycle, epoch, step, loss, rate, momentum })
    }

    fn finished(stage: Stage) -> Event {
        Event::StageFinished { stage, seconds: 0.0, found: String::new() }
    }

    #[test]
    fn a_run_s_time_follows_from_the_first_pass_and_then_from_its_own_speed() {
        let mut known = Estimate::new(pieces(), 2);
        assert_eq!(known.left(), None);
        known.event(&Event::StageStarted { stage: Stage::Precompute }, 0.0);
        // Two backbones look at each image.
        known.event(&Event::PassStarted { unit: "images", total: 200 }, 0.0);
        known.event(&Event::Advanced { units: 200 }, 50.0);
        known.event(&finished(Stage::Precompute), 50.0);
        // Half a second a look: (80 + 80) x 3 x 0.5, 40 and 160 looks.
        assert_eq!(known.left(), Some(240.0 + 20.0 + 80.0));
        known.event(&Event::StageStarted { stage: Stage::WholeNetwork }, 60.0);
        known.event(&Event::PassStarted { unit: "steps", total: 8 }, 60.0);
        known.event(&Event::Advanced { units: 0 }, 60.0);
        for i in 1..=4 {
            known.event(&step(1), 60.0 + 10.0 * f64::from(i));
        }
        // One second an image: half of the first epoch and the second.
        assert_eq!(known.left(), Some(40.0 + 80.0 + 20.0 + 80.0));
    }

    #[test]
    fn a_run_that_goes_on_has_what_is_left_of_its_epoch() {
        let mut known = Estimate::new(pieces(), 1);
        known.event(&Event::StageStarted { stage: Stage::WholeNetwork }, 0.0);
        known.event(&Event::PassStarted { unit: "steps", total: 8 }, 0.0);
        known.event(&Event::Advanced { units: 6 }, 0.0);
        known.event(&step(2), 30.0);
        // One of eight steps took 30 seconds: ten images, three seconds each, a look one.
        assert_eq!(known.left(), Some(30.0 + 20.0 + 160.0));
        known.event(&finished(Stage::WholeNetwork), 60.0);
        assert_eq!(known.left(), Some(160.0));
    }

    #[test]
    fn what_comes_from_a_cache_tells_nothing() {
        let mut known = Estimate::new(pieces(), 1);
        known.event(&Event::StageStarted { stage: Stage::Precompute }, 0.0);
        known.event(&Event::PassStarted { unit: "images", total: 0 }, 0.0);
        known.event(&finished(Stage::Precompute), 0.1);
        assert_eq!(known.left(), None);
    }

    #[test]
    fn an_estimate_is_told_as_roughly_as_it_is() {
        let told = [3.0, 42.0, 125.0, 8000.0, 200_000.0].map(about);
        assert_eq!(told, ["5 s", "50 s", "2 min", "2 h 13 min", "2.3 days"]);
    }
}
