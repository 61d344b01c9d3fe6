//! Step 1: what the frozen backbone makes of every image, computed once, and kept for other runs.

use std::rc::Rc;
use std::sync::{Arc, Mutex};

use anyhow::Result;

use super::data::{Activations, Data, Pretrained};
use super::learner::Learner;
use super::model::Model;
use crate::cache::{ActivationRows, ActivationsKey, ActivationsSource, Dtype, Shape, Slot, Writer};
use crate::dataset::{Sample, digests};
use crate::progress::Progress;
use crate::recipe::Recipe;
use crate::run::{Event, Listener, Stage};
use crate::term;

/// Passes on what a cache has to say while it is waited for. The learner's events draw the bar.
struct Notes<'a>(Mutex<&'a mut dyn Listener>);

impl Progress for Notes<'_> {
    fn note(&self, text: &str) {
        if let Ok(mut listener) = self.0.lock() {
            listener.event(&Event::Note { text: text.to_owned() });
        }
    }
}

impl<M: Model> Learner<'_, M> {
    /// The backbone's answers to all images; those that are kept somewhere are only read.
    pub(super) fn precompute(&mut self) -> Result<String> {
        // Once the backbone has changed nobody needs them any more.
        if self.is_past(Stage::Unfreeze) {
            return Ok(String::new());
        }
        let all = All::of(self.data);
        let slots = self.claim(&all, 1 + self.data.recipe.precompute.views)?;
        let missing = |slot: &Slot| match slot {
            Slot::Ready(_) => 0,
            Slot::Empty(writer) => writer.missing().iter().map(|(_, images)| images.len()).sum(),
        };
        let total: usize = slots.iter().map(missing).sum();
        self.listener.event(&Event::PassStarted { unit: "images", total });
        let mut rows = Vec::with_capacity(slots.len());
        for (backbone, slot) in slots.into_iter().enumerate() {
            rows.push(self.fill(&all, backbone, slot)?);
        }
        let n: usize = rows.iter().map(|rows| rows.shape().rows()).sum();
        let widths: Vec<String> = rows.iter().map(|rows| rows.shape().width.to_string()).collect();
        let kept = match n - total {
            0 => String::new(),
            kept if kept == n => ", all from the cache".to_owned(),
            kept => format!(", {} from the cache", term::thousands(kept)),
        };
        let unsaved =
            rows.iter().find_map(ActivationRows::unsaved).filter(|_| self.precomputed.is_some());
        let unsaved = unsaved.map(|why| format!("; not kept: {why}")).unwrap_or_default();
        let (count, widths) = (term::count(n, "activation"), widths.join(" and "));
        let activations = Activations { rows, train: all.train, valid: all.valid };
        if !self.data.outputs.are_probabilities() {
            self.model.standardise(&activations.moments()?);
        }
        self.activations = Some(Rc::new(activations));
        Ok(format!("{count} of {widths} numbers{kept}{unsaved}"))
    }

    /// A place for each backbone's activations, or what is there already.
    fn claim(&mut self, all: &All, views: usize) -> Result<Vec<Slot>> {
        let notes = Notes(Mutex::new(&mut *self.listener));
        let widths = self.model.widths();
        let Some(precomputed) = &self.precomputed else {
            let in_memory = |width: usize| {
                let shape = Shape { views, images: all.samples.len(), width, dtype: Dtype::F32 };
                Slot::Empty(Writer::in_memory(shape, "nobody asked for it"))
            };
            return Ok(widths.into_iter().map(in_memory).collect());
        };
        let images = digests(&all.samples, &notes)?;
        let transform = transform(self.data, views);
        let claim = |(backbone, width): (&Pretrained, usize)| {
            let key = ActivationsKey::new(&ActivationsSource {
                label: &precomputed.label,
                backbone: &backbone.name,
                weights: backbone.weights,
                engine: &precomputed.engine,
                transform: &transform,
                size: self.data.recipe.size,
                images: &images,
                views,
                width,
                dtype: Dtype::F32,
            });
            precomputed.store.claim(&key, &notes)
        };
        Ok(precomputed.backbones.iter().zip(widths).map(claim).collect())
    }

    fn fill(&mut self, all: &All, backbone: usize, slot: Slot) -> Result<ActivationRows> {
        let mut writer = match slot {
            Slot::Ready(rows) => return Ok(rows),
            Slot::Empty(writer) => writer,
        };
        for (view, images) in writer.missing() {
            for batch in self.data.fixed_view(&all.samples, images.collect(), view) {
                self.check_interrupt()?;
                let batch = batch?;
                writer.append(&self.model.activations(backbone, &batch.images)?)?;
                self.listener.event(&Event::Advanced { units: batch.images.n });
            }
        }
        writer.finish()
    }
}

/// All labelled images, sorted by id, and where those of each part are.
struct All {
    samples: Arc<[Sample]>,
    train: Vec<usize>,
    valid: Vec<usize>,
}

impl All {
    fn of(data: &Data) -> Self {
        let n_train = data.train.len();
        let both: Vec<&Sample> =
            data.train.samples.iter().chain(data.valid.samples.iter()).collect();
        let mut order: Vec<usize> = (0..both.len()).collect();
        order.sort_by(|&a, &b| both[a].id.cmp(&both[b].id));
        let mut places = vec![0; both.len()];
        for (place, &sample) in order.iter().enumerate() {
            places[sample] = place;
        }
        let samples = order.iter().map(|&sample| both[sample].clone()).collect();
        let valid = places.split_off(n_train);
        Self { samples, train: places, valid }
    }
}

/// Everything that decides what a network is shown.
fn transform(data: &Data, views: usize) -> String {
    let Recipe { crop, augment, seed, .. } = data.recipe;
    let centre = format!("centre crop {crop}");
    if views == 1 {
        return centre;
    }
    let parts = data.area().map(|area| format!(" of parts {area:?}")).unwrap_or_default();
    format!("{centre}; second random views of {augment:?}{parts}, seed {seed}")
}
