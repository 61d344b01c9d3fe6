//! Step 1: what the frozen backbone makes of every image, computed once, and kept for other runs.
//!
//! Of several ranks the first one has the cache: all of them compute what it lacks, in turn, and it writes
//! that down. `followed.rs` is how the others come to the rows.

mod followed;

use std::ops::Range;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use anyhow::Result;

use super::data::{Activations, Data, Precomputed, Pretrained};
use super::learner::Learner;
use super::model::Model;
use crate::cache::{ActivationRows, ActivationsKey, ActivationsSource, Dtype, Shape, Slot, Writer};
use crate::dataset::{Sample, Strong, digests};
use crate::hash::Hash;
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
        let views = 1 + self.data.recipe.precompute.views;
        // It may hash all pictures, or wait for another run.
        let (images, slots) = if self.group.share().is_first() {
            self.claim(&all, views)?
        } else {
            (Vec::new(), Vec::new())
        };
        self.group.wait_for_first()?;
        let missing: Vec<Missing> = slots
            .iter()
            .map(|slot| match slot {
                Slot::Ready(_) => Vec::new(),
                Slot::Empty(writer) => writer.missing(),
            })
            .collect();
        let missing = self.missing_for_all(&missing)?;
        let total = missing.iter().flatten().map(|(_, images)| images.len()).sum();
        self.listener.event(&Event::PassStarted { unit: "images", total });
        let mut slots = slots.into_iter();
        let mut rows = Vec::with_capacity(missing.len());
        for (backbone, missing) in missing.into_iter().enumerate() {
            let rows_of_first = self.fill(&all, backbone, slots.next(), missing)?;
            rows.push(rows_of_first);
        }
        let rows = self.rows_for_all(rows, &all, views, &images)?;
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
        // No other head goes by them.
        if self.data.recipe.head.linear || !self.data.outputs.are_probabilities() {
            self.model.standardise(&activations.moments()?);
        }
        self.activations = Some(Rc::new(activations));
        Ok(format!("{count} of {widths} numbers{kept}{unsaved}"))
    }

    /// A place for each backbone's activations, or what is there already; and what the images' files hash
    /// to, where that was asked for.
    fn claim(&mut self, all: &All, views: usize) -> Result<(Vec<Hash>, Vec<Slot>)> {
        let Some(precomputed) = self.precomputed.clone() else {
            let shapes = self.shapes(all, views).into_iter();
            let in_memory = |shape| Slot::Empty(Writer::in_memory(shape, "nobody asked for it"));
            return Ok((Vec::new(), shapes.map(in_memory).collect()));
        };
        let notes = Notes(Mutex::new(&mut *self.listener));
        let images = digests(&all.samples, &notes)?;
        let widths = self.model.widths();
        let keys = keys(&precomputed, self.data, &widths, views, &images);
        let slots = keys.iter().map(|key| precomputed.store.claim(key, &notes)).collect();
        Ok((images, slots))
    }

    fn shapes(&self, all: &All, views: usize) -> Vec<Shape> {
        let images = all.samples.len();
        let shape = |width| Shape { views, images, width, dtype: Dtype::F32 };
        self.model.widths().into_iter().map(shape).collect()
    }

    /// Computes what is missing, a block a rank at a time; the first one, which has a slot, gets the rows.
    fn fill(
        &mut self,
        all: &All,
        backbone: usize,
        slot: Option<Slot>,
        missing: Missing,
    ) -> Result<Option<ActivationRows>> {
        let mut writer = match slot {
            Some(Slot::Ready(rows)) => return Ok(Some(rows)),
            Some(Slot::Empty(writer)) => Some(writer),
            None => None,
        };
        let width = self.model.widths()[backbone];
        for (view, images) in missing {
            let (order, share) = (images.collect(), self.group.share());
            let (share, batches) = self.data.fixed_view(&all.samples, order, view, share);
            for batch in batches {
                // On the way back to where a run stood the clock is not asked: what it has would be lost.
                if self.is_past(Stage::Precompute) {
                    self.check_interrupt()?;
                } else {
                    self.check_stop(self.signs()?, 0, 0)?;
                }
                let batch = batch?;
                let own = match batch.images.n {
                    0 => Vec::new(),
                    _ => self.model.activations(backbone, &batch.images)?,
                };
                let n = batch.indices.len();
                let rows = self.group.gather(&own, &share.lengths(n), width)?;
                if let Some(writer) = &mut writer {
                    writer.append(&rows)?;
                }
                self.listener.event(&Event::Advanced { units: n });
            }
        }
        writer.map(Writer::finish).transpose()
    }
}

/// What a backbone has not said yet: views, with the images that lack them.
type Missing = Vec<(usize, Range<usize>)>;

/// The names under which each backbone's activations are kept.
fn keys(
    precomputed: &Precomputed,
    data: &Data,
    widths: &[usize],
    views: usize,
    images: &[Hash],
) -> Vec<ActivationsKey> {
    let transform = transform(data, views);
    let key = |(backbone, &width): (&Pretrained, &usize)| {
        ActivationsKey::new(&ActivationsSource {
            label: &precomputed.label,
            backbone: &backbone.name,
            weights: backbone.weights,
            engine: &precomputed.engine,
            transform: &transform,
            size: data.recipe.size,
            images,
            views,
            width,
            dtype: Dtype::F32,
        })
    };
    precomputed.backbones.iter().zip(widths).map(key).collect()
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
        // Where they are trained on as well they are there already, and nobody asks for them.
        let held_out = if data.plan.is_none() { &data.valid.samples[..] } else { &[] };
        let both: Vec<&Sample> = data.train.samples.iter().chain(held_out).collect();
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
    let strong = Some(data.strong()).filter(|strong| *strong != Strong::OFF);
    let strong = strong.map(|strong| format!(" with {strong:?}")).unwrap_or_default();
    format!("{centre}; second random views of {augment:?}{parts}{strong}, seed {seed}")
}
