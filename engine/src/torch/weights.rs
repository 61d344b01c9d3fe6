//! Weights on disk: safetensors files with timm's names for a pretrained backbone, with the
//! program's own for a trained network. Names and shapes are checked before a value changes.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use safetensors::tensor::{SafeTensors, TensorView};
use tch::{Device, Kind, Tensor, nn};

use super::backbone::Backbone;
use super::changes;
use kaggle_kit::fs;
use kaggle_kit::weights::{Dtype, Stored, to_timm};
use kaggle_kit::zoo::{self, Architecture, N_GROUPS};

/// Fills the backbone's variables in `store` with pretrained weights, and its `ImageNet` classifier's
/// if there is one; other variables keep their values.
pub fn load(store: &nn::VarStore, path: &Path, architecture: &Architecture) -> Result<()> {
    load_into(sorted(store), path, architecture)
}

/// The same for variables by timm's names.
pub(super) fn load_into(
    mut wanted: BTreeMap<String, Tensor>,
    path: &Path,
    architecture: &Architecture,
) -> Result<()> {
    let is_classifier = |name: &str| architecture.is_classifier(name);
    wanted.retain(|name, _| architecture.group_of(name) < N_GROUPS || is_classifier(name));
    let found = read(path)?;
    let mut found = to_timm(architecture, found, |scale| scale.squeeze());
    found.retain(|name, _| wanted.contains_key(name) || !is_classifier(name));
    let mismatch = Mismatch::between(&wanted, &found);
    if !mismatch.is_none() {
        let name = architecture.name;
        let meant = match recognise(&found) {
            Some(other) if other != name => format!("they are those of `{other}`"),
            _ => mismatch.to_string(),
        };
        let hint = format!("the file's names and shapes must be those of timm's `{name}`");
        bail!("weights in `{}` do not fit `{name}`: {meant}\nhint: {hint}", path.display())
    }
    fill(&wanted, &found);
    Ok(())
}

/// Fills every variable in `store` from a file that [`save`] wrote.
pub fn restore(store: &nn::VarStore, path: &Path) -> Result<()> {
    let (wanted, found) = (sorted(store), read(path)?);
    let mismatch = Mismatch::between(&wanted, &found);
    ensure!(
        mismatch.is_none(),
        "weights in `{}` are not of this network: {mismatch}\nhint: they belong to a run with \
         another architecture, head or classes",
        path.display()
    );
    fill(&wanted, &found);
    Ok(())
}

/// Writes every variable of `store`; the same values make the same bytes.
pub fn save(store: &nn::VarStore, path: &Path) -> Result<()> {
    save_with(store, &BTreeMap::new(), path)
}

/// The same with other values for some of them.
pub(super) fn save_with(
    store: &nn::VarStore,
    instead: &BTreeMap<String, Tensor>,
    path: &Path,
) -> Result<()> {
    let mut tensors = sorted(store);
    for (name, tensor) in instead {
        tensors.insert(name.clone(), tensor.shallow_clone());
    }
    for (name, tensor) in &tensors {
        let is_number = bool::try_from(tensor.isfinite().all())?;
        ensure!(
            is_number,
            "`{name}` is no number any more: `{}` is not written\nhint: train again with \
                a lower rate, or with `--set optimizer.precision=f32`",
            path.display()
        );
    }
    let format = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    fs::write_atomic(path, to_bytes(&tensors, format)?)
}

/// A safetensors file of f32 with metadata.
pub(super) fn to_bytes(
    tensors: &BTreeMap<String, Tensor>,
    metadata: HashMap<String, String>,
) -> Result<Vec<u8>> {
    let tensors: Vec<(&String, Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|(name, tensor)| {
            let tensor = tensor.to_device(Device::Cpu).to_kind(Kind::Float).contiguous();
            let mut bytes = vec![0; tensor.numel() * 4];
            tensor.copy_data_u8(&mut bytes, tensor.numel());
            (name, shape_of(&tensor), bytes)
        })
        .collect();
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| {
            Ok((name, TensorView::new(safetensors::Dtype::F32, shape.clone(), bytes)?))
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(safetensors::serialize(views, Some(metadata))?)
}

/// The tensors and metadata of [`to_bytes`].
pub(super) fn from_bytes(
    bytes: &[u8],
) -> Result<(BTreeMap<String, Tensor>, HashMap<String, String>)> {
    let (_, metadata) = SafeTensors::read_metadata(bytes).context("it is no safetensors file")?;
    let metadata = metadata.metadata().clone().unwrap_or_default();
    Ok((to_tensors(kaggle_kit::weights::from_safetensors(bytes)?)?, metadata))
}

/// Every tensor in a file of any kind that [`kaggle_kit::weights`] reads, as f32.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, Tensor>> {
    to_tensors(kaggle_kit::weights::read(path)?)
}

fn to_tensors(stored: BTreeMap<String, Stored>) -> Result<BTreeMap<String, Tensor>> {
    let to_tensor = |(name, stored): (String, Stored)| {
        let kind = match stored.dtype {
            Dtype::F16 => Kind::Half,
            Dtype::Bf16 => Kind::BFloat16,
            Dtype::F32 => Kind::Float,
            Dtype::F64 => Kind::Double,
        };
        let shape: Vec<i64> = stored.shape.iter().map(|&side| side as i64).collect();
        let tensor = Tensor::f_from_data_size(&stored.bytes, &shape, kind)
            .with_context(|| format!("`{name}` is unusable"))?;
        Ok((name, tensor.to_kind(Kind::Float)))
    };
    stored.into_iter().map(to_tensor).collect()
}

/// How the variables and a file differ.
struct Mismatch {
    missing: Vec<String>,
    misshapen: Vec<String>,
    unexpected: Vec<String>,
}

impl Mismatch {
    fn between(wanted: &BTreeMap<String, Tensor>, found: &BTreeMap<String, Tensor>) -> Self {
        let absent = |from: &BTreeMap<String, Tensor>, there: &BTreeMap<String, Tensor>| {
            from.keys()
                .filter(|name| !there.contains_key(*name))
                .map(|n| format!("`{n}`"))
                .collect()
        };
        let misshapen = wanted
            .iter()
            .filter_map(|(name, tensor)| {
                let (want, got) = (tensor.size(), found.get(name)?.size());
                (want != got).then(|| format!("`{name}` is {got:?} and should be {want:?}"))
            })
            .collect();
        Self { missing: absent(wanted, found), misshapen, unexpected: absent(found, wanted) }
    }

    fn is_none(&self) -> bool {
        self.missing.is_empty() && self.misshapen.is_empty() && self.unexpected.is_empty()
    }
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kinds = [
            (&self.missing, "missing"),
            (&self.misshapen, "of another shape"),
            (&self.unexpected, "unknown"),
        ];
        let parts =
            kinds.into_iter().filter(|(names, _)| !names.is_empty()).map(|(names, what)| {
                let more = if names.len() > 3 { ", ..." } else { "" };
                format!("{} {what} ({}{more})", names.len(), names[..names.len().min(3)].join(", "))
            });
        f.write_str(&parts.collect::<Vec<_>>().join("; "))
    }
}

/// The architecture whose tensors these are, name by name and shape by shape.
fn recognise(found: &BTreeMap<String, Tensor>) -> Option<&'static str> {
    // Building a network takes longer than counting.
    let n_numbers = |architecture: &Architecture| -> u64 {
        let trained = |name: &str| !name.contains("running_") && !architecture.is_classifier(name);
        found.iter().filter(|(name, _)| trained(name)).map(|(_, found)| found.numel() as u64).sum()
    };
    let fits = |architecture: &&'static Architecture| {
        if n_numbers(architecture) != architecture.body_parameters() {
            return false;
        }
        let store = nn::VarStore::new(Device::Cpu);
        if Backbone::new(&store.root(), architecture).is_err() {
            return false;
        }
        let mut mismatch = Mismatch::between(&sorted(&store), found);
        mismatch.unexpected.retain(|name| !architecture.is_classifier(name.trim_matches('`')));
        mismatch.is_none()
    };
    zoo::architectures().find(fits).map(|architecture| architecture.name)
}

fn fill(wanted: &BTreeMap<String, Tensor>, found: &BTreeMap<String, Tensor>) {
    tch::no_grad(|| {
        for (name, variable) in wanted {
            variable.shallow_clone().copy_(&found[name]);
        }
    });
    changes::changed();
}

fn sorted(store: &nn::VarStore) -> BTreeMap<String, Tensor> {
    store.variables().into_iter().collect()
}

fn shape_of(tensor: &Tensor) -> Vec<usize> {
    tensor.size().into_iter().map(|side| side as usize).collect()
}
