//! Ranks that are threads of the test, and the mock as one of them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use anyhow::Result;

use super::super::{Mock, mean_colours};
use crate::dataset::Images;
use crate::learn::group::Group;
use crate::learn::model::{Input, Model, StepOutcome, StepRates, Trainable};
use crate::learn::{LinearLayer, Moments};
use crate::place::Share;

/// What all ranks see of one another.
struct Meeting {
    barrier: Barrier,
    /// What each has brought.
    brought: Mutex<Vec<Vec<u8>>>,
}

impl Meeting {
    fn of(world: usize) -> Self {
        Self { barrier: Barrier::new(world), brought: Mutex::new(vec![Vec::new(); world]) }
    }
}

/// One of them.
#[derive(Clone)]
pub(super) struct Rank {
    pub(super) share: Share,
    meeting: Arc<Meeting>,
    /// How often it talked to the others, by what about.
    pub(super) calls: Rc<RefCell<HashMap<&'static str, usize>>>,
}

impl Rank {
    fn new(rank: usize, meeting: &Arc<Meeting>, world: usize) -> Self {
        let meeting = Arc::clone(meeting);
        Self { share: Share::new(rank, world), meeting, calls: Rc::default() }
    }

    /// What everybody has brought.
    fn exchange(&self, what: &'static str, own: Vec<u8>) -> Vec<Vec<u8>> {
        *self.calls.borrow_mut().entry(what).or_default() += 1;
        self.meeting.brought.lock().unwrap()[self.share.rank] = own;
        self.meeting.barrier.wait();
        let all = self.meeting.brought.lock().unwrap().clone();
        self.meeting.barrier.wait();
        all
    }
}

impl Group for Rank {
    fn share(&self) -> Share {
        self.share
    }

    fn sum(&self, numbers: &mut [f64]) -> Result<()> {
        let own = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        let all = self.exchange("sum", own);
        for (i, number) in numbers.iter_mut().enumerate() {
            *number = all.iter().map(|bytes| f64::from_le_bytes(bytes.as_chunks().0[i])).sum();
        }
        Ok(())
    }

    fn gather(&self, rows: &[f32], lengths: &[usize], width: usize) -> Result<Vec<f32>> {
        assert_eq!(rows.len(), lengths[self.share.rank] * width, "of {lengths:?}");
        let all = self.exchange("gather", rows.iter().flat_map(|n| n.to_le_bytes()).collect());
        let numbers = |bytes: &Vec<u8>| -> Vec<f32> {
            bytes.as_chunks().0.iter().map(|n| f32::from_le_bytes(*n)).collect()
        };
        Ok(all.iter().flat_map(numbers).collect())
    }

    fn follow(&self, bytes: &mut Vec<u8>) -> Result<()> {
        let mut all = self.exchange("follow", bytes.clone());
        *bytes = all.swap_remove(0);
        Ok(())
    }

    fn wait_for_first(&self) -> Result<()> {
        self.exchange("wait", Vec::new());
        Ok(())
    }
}

/// The mock as one of several ranks: like the real network it gathers what the backbones say and steps on
/// all of it.
pub(super) struct Together {
    pub(super) mock: Mock,
    pub(super) rank: Rank,
    /// Which images it was shown, by their mean colours, in steps.
    shown: Vec<usize>,
}

impl Model for Together {
    type Snapshot = [f32; 4];

    fn begin(&mut self, trainable: Trainable) {
        self.mock.begin(trainable);
    }

    fn n_outputs(&self) -> usize {
        self.mock.n_outputs()
    }

    fn widths(&self) -> Vec<usize> {
        self.mock.widths()
    }

    fn activations(&mut self, backbone: usize, images: &Images) -> Result<Vec<f32>> {
        self.mock.activations(backbone, images)
    }

    fn standardise(&mut self, moments: &Moments) {
        self.mock.standardise(moments);
    }

    fn linear_path(
        &mut self,
        activations: &[f32],
        targets: &[f32],
        strengths: &[f64],
    ) -> Result<Vec<LinearLayer>> {
        self.mock.linear_path(activations, targets, strengths)
    }

    fn go_towards(&mut self, to: &[f32; 4], share: f64) {
        self.mock.go_towards(to, share);
    }

    fn add_linear(&mut self, layer: &LinearLayer, share: f64) {
        self.mock.add_linear(layer, share);
    }

    fn step(
        &mut self,
        input: &Input,
        targets: &[f32],
        rates: &StepRates,
        seed: u64,
    ) -> Result<StepOutcome> {
        let Input::Images(images) = input else {
            return self.mock.step(input, targets, rates, seed);
        };
        let n = targets.len() / 2;
        assert_eq!(images.n, self.rank.share.of(n).len());
        self.shown.push(images.n);
        let all = self.rank.gather(&mean_colours(images), &self.rank.share.lengths(n), 3)?;
        self.mock.step(&Input::Activations(all), targets, rates, seed)
    }

    fn predict(&mut self, input: &Input) -> Result<Vec<f32>> {
        self.mock.predict(input)
    }

    fn snapshot(&self) -> [f32; 4] {
        self.mock.snapshot()
    }

    fn restore(&mut self, snapshot: &[f32; 4]) {
        self.mock.restore(snapshot);
    }

    fn to_bytes(snapshot: &[f32; 4]) -> Result<Vec<u8>> {
        Mock::to_bytes(snapshot)
    }

    fn snapshot_of(&self, bytes: &[u8]) -> Result<[f32; 4]> {
        self.mock.snapshot_of(bytes)
    }

    fn save(&self, path: &Path) -> Result<()> {
        self.mock.save(path)
    }
}

/// Lets so many ranks do something, each on a thread.
pub(super) fn together<T: Send>(world: usize, work: impl Fn(Together) -> T + Sync) -> Vec<T> {
    let meeting = Arc::new(Meeting::of(world));
    thread::scope(|scope| {
        let (meeting, work) = (&meeting, &work);
        let start = |rank| {
            scope.spawn(move || {
                let rank = Rank::new(rank, meeting, world);
                work(Together { mock: Mock::default(), rank, shown: Vec::new() })
            })
        };
        let ranks: Vec<_> = (0..world).map(start).collect();
        ranks.into_iter().map(|rank| rank.join().unwrap()).collect()
    })
}
