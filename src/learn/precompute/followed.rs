//! The first rank's activations, for the others: read from the same file where they see it, else sent.

use anyhow::{Context, Result, ensure};

use super::super::learner::Learner;
use super::super::model::Model;
use super::{All, Missing, keys};
use crate::cache::{ActivationRows, Shape, Writer};
use crate::hash::Hash;

/// Rows that are sent at a time.
const SENT: usize = 4096;

impl<M: Model> Learner<'_, M> {
    /// What the first rank's caches lack.
    pub(super) fn missing_for_all(&self, missing: &[Missing]) -> Result<Vec<Missing>> {
        let mut bytes = serde_json::to_vec(missing)?;
        self.group.follow(&mut bytes)?;
        serde_json::from_slice(&bytes).context("what the first rank lacks cannot be read")
    }

    /// The rows of each backbone on every rank: `rows` are there on the first.
    pub(super) fn rows_for_all(
        &self,
        rows: Vec<Option<ActivationRows>>,
        all: &All,
        views: usize,
        images: &[Hash],
    ) -> Result<Vec<ActivationRows>> {
        let share = self.group.share();
        if !share.is_one_of_several() {
            return rows.into_iter().map(|rows| rows.context("no rows were made")).collect();
        }
        let mut found = self.opened(images, views)?.into_iter();
        let mut of_all = Vec::with_capacity(rows.len());
        for (rows, shape) in rows.into_iter().zip(self.shapes(all, views)) {
            let rows = rows.or_else(|| found.next().flatten());
            let mut lacking = [f64::from(u8::from(rows.is_none()))];
            self.group.sum(&mut lacking)?;
            of_all.push(if lacking[0] > 0.0 {
                self.sent(rows, shape)?
            } else {
                rows.context("no rows were made")?
            });
        }
        Ok(of_all)
    }

    /// What a rank that is not the first finds in the cache that it sees. It hashes no picture: the first
    /// has done that.
    fn opened(&self, images: &[Hash], views: usize) -> Result<Vec<Option<ActivationRows>>> {
        let mut bytes = images.iter().flat_map(|hash| hash.0).collect();
        self.group.follow(&mut bytes)?;
        let (hashes, _) = bytes.as_chunks();
        let images: Vec<Hash> = hashes.iter().map(|hash| Hash(*hash)).collect();
        let is_first = self.group.share().is_first();
        let Some(precomputed) = self.precomputed.as_ref().filter(|_| !is_first) else {
            return Ok(Vec::new());
        };
        let keys = keys(precomputed, self.data, &self.model.widths(), views, &images);
        Ok(keys.iter().map(|key| precomputed.store.open(key)).collect())
    }

    /// The rows of the first rank, kept in memory by those who have none.
    fn sent(&self, rows: Option<ActivationRows>, shape: Shape) -> Result<ActivationRows> {
        let mut writer = Writer::in_memory(shape, "they are the first rank's");
        let all: Vec<usize> = (0..shape.rows()).collect();
        for indices in all.chunks(SENT) {
            let mut bytes = Vec::new();
            if let Some(rows) = rows.as_ref().filter(|_| self.group.share().is_first()) {
                bytes = rows.rows(indices)?.iter().flat_map(|n| n.to_le_bytes()).collect();
            }
            self.group.follow(&mut bytes)?;
            if rows.is_none() {
                let (numbers, _) = bytes.as_chunks();
                let numbers: Vec<f32> = numbers.iter().map(|n| f32::from_le_bytes(*n)).collect();
                ensure!(numbers.len() == indices.len() * shape.width, "not all rows were sent");
                writer.append(&numbers)?;
            }
        }
        rows.map_or_else(|| writer.finish(), Ok)
    }
}
