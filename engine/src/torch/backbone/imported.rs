//! Any network of timm's, as a graph that `kaggle-kit models import` has had Python trace in evaluation
//! mode: batch norms have the statistics of their pretraining, and nothing in it is random.

use anyhow::{Context, Result, ensure};
use kaggle_kit::weights::imported;
use kaggle_kit::zoo::imported::Imported;
use tch::nn::{ModuleT, Path, SequentialT, seq_t};
use tch::{Device, Kind, Tensor, no_grad};

use super::super::graph::Graph;

/// A graph as a layer.
#[derive(Debug)]
struct Traced {
    graph: Graph,
    kind: Kind,
    channels_last: bool,
}

/// Registers the network's variables under `path`; their values come with weights.
pub(super) fn build(
    path: &Path,
    net: &Imported,
    device: Device,
    kind: Kind,
) -> Result<[SequentialT; 2]> {
    let bytes = imported::graph(net)?;
    let graph = from_bytes(path, net, &bytes, device)
        .with_context(|| format!("`{}` cannot be used", net.graph.display()))?;
    // A graph is one piece: all of it is the second half.
    Ok([seq_t(), seq_t().add(Traced { graph, kind, channels_last: net.described.channels_last })])
}

fn from_bytes(path: &Path, net: &Imported, bytes: &[u8], device: Device) -> Result<Graph> {
    let graph = Graph::open(bytes)?;
    let (layers, mut n) = (&net.described.layers, 0);
    for (name, mut tensor) in graph.tensors() {
        if !layers.contains_key(&name) {
            // Such as a table of places: it is no weight, but goes where the others go.
            tensor.set_data(&tensor.to_device(device));
            continue;
        }
        n += 1;
        // The file has one number for all of a variable.
        let values = Tensor::zeros(tensor.size(), (Kind::Float, Device::Cpu));
        no_grad(|| tensor.set_data(&values));
        let (last, folders) = match name.rsplit_once('.') {
            Some((folders, last)) => (last, folders.split('.').collect()),
            None => (name.as_str(), Vec::new()),
        };
        let place = folders.into_iter().fold(path.clone(), |path, folder| path / folder);
        let _ = place.add(last, tensor, net.learns(&name));
    }
    ensure!(n == layers.len(), "it has {n} of the {} variables that it should have", layers.len());
    graph.move_constants(&named(device))?;
    Ok(graph)
}

/// As libtorch calls it.
fn named(device: Device) -> String {
    match device {
        Device::Cuda(number) => format!("cuda:{number}"),
        Device::Mps => "mps".to_owned(),
        Device::Vulkan => "vulkan".to_owned(),
        Device::Cpu => "cpu".to_owned(),
    }
}

impl ModuleT for Traced {
    fn forward_t(&self, x: &Tensor, _train: bool) -> Tensor {
        // As tch's own layers do: what fails is caught where a step is made.
        let x = x.to_kind(Kind::Float);
        let x = if self.channels_last { x } else { x.contiguous() };
        match self.graph.forward(&x, self.kind) {
            Ok(features) => features.to_kind(Kind::Float),
            Err(error) => panic!("{error}"),
        }
    }
}
