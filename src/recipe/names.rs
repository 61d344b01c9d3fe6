//! Settings by the names that people know from elsewhere, and where ours are.

use toml::{Table, Value};

use super::DEFAULT;

/// Names of other programs, in lower case and with hyphens, with what to set here.
const OTHERS: [(&[&str], &str); 33] = [
    (
        &["lr", "learning-rate", "base-lr", "lr-max", "max-lr", "lrs", "rate"],
        "the finder finds the rates; `find-head-rate.rate` with `find-head-rate.run=false` sets the \
         head's, `find-full-rate.rate` with `find-full-rate.run=false` that of the whole network",
    ),
    (&["bs", "batch", "batchsize", "train-batch-size"], "it is `batch-size` here"),
    (
        &["epochs", "epoch", "n-epochs", "num-epochs", "nepochs", "max-epochs", "num-train-epochs"],
        "each step has its own: `head-on-activations.epochs`, `head-with-augmentation.epochs`, and \
         `whole-network.max-cycles` with `whole-network.cycle-len` and `whole-network.cycle-mult`",
    ),
    (
        &["arch", "architecture", "model", "model-name", "net", "network", "encoder", "timm"],
        "it is `backbone` here (`kaggle-kit models` lists them)",
    ),
    (
        &["wd", "decay", "l2", "weight-decay"],
        "it is `optimizer.weight-decay` for the backbone and `head.weight-decay` for the head",
    ),
    (
        &["sz", "img-size", "image-size", "imgsz", "resolution", "res", "input-size", "resize"],
        "it is `size` here, with `crop`",
    ),
    (&["mom", "moms", "beta1", "beta-1", "betas", "momentum"], "it is `optimizer.momentum` here"),
    (&["ps", "drop", "drop-rate", "dropout"], "it is `head.dropout` here, two numbers"),
    (
        &["opt", "opt-func", "optim", "optimiser"],
        "it is `optimizer.kind` here: \"adamw\" or \"sgd\"",
    ),
    (&["sched", "scheduler", "lr-scheduler", "policy"], "it is `optimizer.schedule` here"),
    (
        &["warmup", "warm-up", "warmup-epochs", "warmup-steps", "pct-start", "warmup-ratio"],
        "it is `optimizer.warm-up` here, a fraction of the first cycle",
    ),
    (
        &["fp16", "amp", "mixed-precision", "half", "bf16", "to-fp16", "dtype"],
        "it is `optimizer.precision` here: \"auto\", \"f32\", \"tf32\", \"bf16\" or \"f16\"",
    ),
    (
        &["grad-clip", "clip-grad", "clip", "max-grad-norm", "gradient-clip-val"],
        "it is `optimizer.clip-norm` here",
    ),
    (
        &["accum", "grad-accum", "gradient-accumulation-steps", "accumulate-grad-batches"],
        "it is `optimizer.accumulate` here",
    ),
    (&["ema", "ema-decay", "model-ema"], "it is `optimizer.average` here"),
    (
        &["swa", "stochastic-weight-avg", "stochastic-weight-averaging", "swa-start", "swa-lr"],
        "it is `whole-network.average` here: \"cycles\" or \"epochs\"",
    ),
    (&["label-smoothing", "smooth", "ls"], "it is `loss.smoothing` here"),
    (&["criterion", "loss-func", "loss-fn"], "it is `loss.kind` here"),
    (&["mixup-alpha"], "it is `loss.mixup` here"),
    (&["cutmix-alpha"], "it is `loss.cutmix` here"),
    (
        &["val-pct", "valid-pct", "val-split", "validation-split", "test-size", "val-size", "val"],
        "it is `valid` here",
    ),
    (
        &["kfold", "k-fold", "n-folds", "num-folds", "nfolds", "n-splits", "cv"],
        "it is `folds` here, or `train --folds 5`",
    ),
    (&["random-state", "random-seed", "rng"], "it is `seed` here"),
    (&["aug", "augs", "augmentation", "transforms", "tfms", "aug-tfms"], "it is `augment` here"),
    (
        &[
            "aa",
            "auto-augment",
            "rand-augment",
            "randaugment",
            "ra",
            "trivial-augment",
            "trivialaugment",
            "trivial-augment-wide",
            "ta-wide",
        ],
        "it is `augment-policy` here: \"trivial\" or \"rand\"",
    ),
    (
        &["drop-path-rate", "drop-path", "droppath", "stochastic-depth", "stochastic-depth-prob"],
        "it is `unfreeze.drop-path` here",
    ),
    (&["ra-magnitude", "magnitude"], "it is `augment-magnitude` here, with `augment-policy=rand`"),
    (
        &["re-prob", "reprob", "erasing", "random-erase", "randomerasing", "random-erasing-prob"],
        "it is `random-erasing` here, a probability",
    ),
    (
        &["freeze", "frozen", "freeze-epochs", "finetune", "fine-tune"],
        "it is `unfreeze.run` here: false leaves the backbone as it is",
    ),
    (
        &["patience", "early-stopping", "early-stop"],
        "a cycle is the last that gains less than `whole-network.min-gain`",
    ),
    (
        &["workers", "num-workers", "n-workers", "jobs", "threads"],
        "as many as the machine has; the variable `RAYON_NUM_THREADS` says otherwise",
    ),
    (
        &["n", "limit", "subset", "sample", "max-samples", "n-images", "num-images"],
        "it is `max-images` here",
    ),
    (&["pretrained", "checkpoint", "ckpt", "resume-from"], "it is `weights` here, a file"),
];

/// What to do instead about a setting that there is not, where that is known.
pub fn meant(key: &str) -> Option<String> {
    let typed = key.trim_start_matches('-').to_lowercase().replace('_', "-");
    // Names of other programs have no groups, and what is in one of ours is meant for it.
    let last = typed.rsplit('.').next().unwrap_or(&typed);
    if !typed.contains('.')
        && let Some((_, instead)) = OTHERS.iter().find(|(names, _)| names.contains(&typed.as_str()))
    {
        return Some((*instead).to_owned());
    }
    let ours: Vec<String> = own_names()
        .into_iter()
        .filter(|own| *own == typed || own.rsplit('.').next() == Some(last))
        .collect();
    match ours.as_slice() {
        [] => None,
        [one] => Some(format!("it is `{one}` here")),
        several => Some(format!("did you mean one of `{}`?", several.join("`, `"))),
    }
}

/// The full names of all settings.
pub fn own_names() -> Vec<String> {
    fn collect(table: &Table, path: &str, into: &mut Vec<String>) {
        for (key, value) in table {
            let full = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match value {
                Value::Table(inner) => collect(inner, &full, into),
                _ => into.push(full),
            }
        }
    }
    let mut names = Vec::new();
    if let Ok(table) = toml::from_str::<Table>(DEFAULT) {
        collect(&table, "", &mut names);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::super::{Layer, resolve};
    use super::*;

    #[test]
    fn names_of_other_programs_are_answered_with_ours() {
        for (typed, expected) in [
            ("lr=1e-3", "`find-head-rate.rate`"),
            ("bs=64", "`batch-size`"),
            ("epochs=3", "`whole-network.max-cycles`"),
            ("arch=resnet34", "`backbone`"),
            ("wd=0.1", "`optimizer.weight-decay`"),
            ("batch_size=64", "it is `batch-size` here"),
            ("img_size=128", "`size`"),
            ("max-cycles=1", "it is `whole-network.max-cycles` here"),
            ("optimizer.max_cycles=1", "it is `whole-network.max-cycles` here"),
            ("weight_decay=0.1", "`head.weight-decay`"),
            ("run=false", "`precompute.run`"),
            ("sizes=1", "it is `whole-network.sizes` here; did you mean `size`?"),
            ("rand_augment=true", "it is `augment-policy` here"),
            ("re_prob=0.25", "it is `random-erasing` here"),
            ("drop_path_rate=0.1", "it is `unfreeze.drop-path` here"),
            ("swa=true", "it is `whole-network.average` here"),
            ("reprob=0.25", "it is `random-erasing` here"),
            ("zzz=1", "known are `augment`, `augment-magnitude`"),
        ] {
            let layer = Layer::assignment(typed).unwrap();
            let told = format!("{:#}", resolve(&[layer]).unwrap_err());
            let hint = told.split("\nhint: ").nth(1).unwrap_or_default();
            assert!(hint.contains(expected), "{typed}: {told}");
        }
    }

    /// Every setting that an answer names is one, and no name of ours is taken for another's.
    #[test]
    fn what_is_answered_can_be_set() {
        let own = own_names();
        for (names, instead) in OTHERS {
            for code in instead.split('`').skip(1).step_by(2) {
                let name = code.split('=').next().unwrap();
                let is_other = ["kaggle-kit", "train", "RAYON"].iter().any(|p| name.starts_with(p));
                assert!(is_other || own.iter().any(|own| own == name), "`{name}` in {instead}");
            }
            for name in names {
                assert!(!own.iter().any(|own| own == name), "`{name}` is our own");
            }
        }
    }
}
