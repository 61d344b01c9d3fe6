//! What was found, for people.

use super::{Disk, Findings};
use crate::term::{self, Give};
use crate::typed;

/// With `all`, backbones are listed of which there are no weights.
pub(super) fn of(findings: &Findings, all: bool) -> String {
    let Findings { libtorch, device, weights, limit, disk, .. } = findings;
    let mut rows = vec![row("kaggle-kit", findings.version)];
    rows.push(row(
        "libtorch",
        libtorch.as_ref().map_or("cannot be loaded".to_owned(), |libtorch| {
            format!("{} ({}), {}", libtorch.version, libtorch.kind, libtorch.folder.display())
        }),
    ));
    if let Some(device) = device {
        rows.push(row("device", format!("{} (what `--device auto` takes)", device.chosen)));
        rows.push(row(
            "threads",
            format!(
                "{} for the network (`OMP_NUM_THREADS`), {} for images (`RAYON_NUM_THREADS`)",
                device.threads, device.loader_threads
            ),
        ));
        rows.extend(
            device
                .gpus
                .iter()
                .enumerate()
                .map(|(number, gpu)| row("GPU", format!("{number}: {gpu}"))),
        );
        rows.extend(device.no_gpu.as_ref().map(|why| row("GPU", format!("not used: {why}"))));
    }
    rows.extend(device.iter().map(|device| {
        let over = device.ranks.join(" and ");
        let without = if device.cuda_devices > 1 && !device.ranks.contains(&"nccl") {
            "; without nccl, what GPUs tell each other goes through the host"
        } else {
            ""
        };
        row("ranks", format!("talk over {over} (`--ranks`, `--gpus`){without}"))
    }));
    let (first, others) = findings.credentials.split_first().unzip();
    rows.push(row("credentials", first.map_or("none", String::as_str)));
    rows.extend(others.into_iter().flatten().map(|other| row("", format!("then {other}"))));
    let mut absent = 0;
    for (i, found) in weights.iter().enumerate() {
        let state = match (found.bytes, &found.trouble) {
            (Some(bytes), _) => term::bytes(bytes),
            (None, Some(_)) => "unusable".to_owned(),
            // The first is the default.
            (None, None) if i == 0 || all => "not in the cache".to_owned(),
            (None, None) => {
                absent += 1;
                continue;
            }
        };
        let first = if i == 0 { "weights" } else { "" };
        rows.push(row(first, format!("{}: {state}", found.name)));
    }
    if absent > 0 {
        let others = term::count(absent, "other backbone");
        let command = typed::command(["doctor", "--all"]);
        rows.push(row("", format!("{others} not in the cache (`{command}` lists them)")));
    }
    rows.extend(limit.map(|limit| {
        let limit = term::bytes(limit);
        row("cache", format!("{limit} for what runs keep (`KAGGLE_KIT_CACHE_GB`)"))
    }));
    for (i, Disk { what, folder, free }) in disk.iter().enumerate() {
        let free = free.map_or("unknown".to_owned(), term::bytes);
        let first = if i == 0 { "free space" } else { "" };
        rows.push(row(first, format!("{free} for the {what} `{}`", folder.display())));
    }
    term::giving(&["", "found"], &rows, &[Give::Wrap(1)])
}

fn row(what: &str, found: impl Into<String>) -> Vec<String> {
    vec![what.to_owned(), found.into()]
}
