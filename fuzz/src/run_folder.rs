//! Run folders of which one file holds any bytes: what reads it says what is wrong in words, and what
//! it takes makes decisions, pages and answers that are numbers.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kaggle_kit::competition;
use kaggle_kit::decide::ensemble::{ViewChoice, choose, members};
use kaggle_kit::decide::{Decision, Judged};
use kaggle_kit::hash::Hash;
use kaggle_kit::learn::{self, Data, SplitSide};
use kaggle_kit::outputs::Outputs;
use kaggle_kit::recipe::{self, Recipe};
use kaggle_kit::report::html::{self, gather};
use kaggle_kit::run::checkpoint::{Checkpoints, States};
use kaggle_kit::run::{
    Journal, MadeFrom, PartialPredictions, Run, Side, SplitRow, SplitTable, Summary, Upload,
    UploadStatus, Uploads, VIEWS,
};
use kaggle_kit::table::Table;
use kaggle_kit::target::{Answers, Classes, Predictions, Said, Truth};
use tempfile::TempDir;

use super::place;

/// The files, by the names of their targets.
pub(super) const FILES: [(&str, &str); 12] = [
    ("recipe", "recipe.toml"),
    ("summary", "summary.toml"),
    ("views", "views.toml"),
    ("decision", "decision.toml"),
    ("split", "split.csv"),
    ("predictions", "valid-predictions.csv"),
    ("events", "events.jsonl"),
    ("steps", "steps.csv"),
    ("checkpoint", "checkpoint/1.toml"),
    ("submission", "submission.toml"),
    ("kept", "test-predictions.toml"),
    ("made_from", "checkpoint/made-from.csv"),
];

/// Competitions of either kind of target.
const NAMES: [&str; 2] = ["dogs-vs-cats", "planet"];
/// The digest of test images.
const IMAGES: &str = "00ff";
/// Images held out: enough for a decision, too few to nest one, which would take its time.
const N_IMAGES: usize = 12;

thread_local! {
    static MADE: RefCell<Vec<Made>> = RefCell::new(NAMES.iter().map(|name| Made::new(name)).collect());
}

/// A run that is whole, but for the file that is looked at.
struct Made {
    run: Run,
    _folder: TempDir,
}

impl Made {
    fn new(name: &str) -> Self {
        let folder = place();
        let competition = competition::find(name).unwrap();
        let recipe = recipe::resolve(&[]).unwrap();
        let run = Run::create(&folder.path().join("runs"), &competition, &recipe).unwrap();
        let classes: Classes = match competition.target.classes.as_slice() {
            [] => vec!["clear".into(), "haze".into(), "primary".into(), "water".into()],
            known => known.to_vec(),
        }
        .into();
        let n_tags = if name == "planet" { 2 } else { 1 };
        let target = |i: usize| -> Vec<usize> {
            let mut tags: Vec<usize> = (0..n_tags).map(|t| (i + t) % classes.len()).collect();
            tags.sort_unstable();
            tags
        };
        let row = |i: usize| SplitRow {
            id: format!("image {i}"),
            side: if i < N_IMAGES { Side::Valid } else { Side::Train },
            labels: target(i).into_iter().map(|tag| classes.names()[tag].clone()).collect(),
            numbers: Vec::new(),
            // Two of a side belong together.
            set: (i % 6 == 5).then_some(i / N_IMAGES),
        };
        let rows = (0..2 * N_IMAGES).map(row).collect();
        SplitTable { columns: Vec::new(), rows }.write(&run).unwrap();
        let n = classes.len();
        let p = |i: usize, tag: usize| {
            let is = if target(i).contains(&tag) { 0.75 } else { 0.25 };
            if n_tags == 1 { is } else { is + 0.01 * (i % 7) as f32 }
        };
        let cells = (0..N_IMAGES).flat_map(|i| (0..n).map(move |tag| (i, tag)));
        let predictions = Predictions {
            ids: (0..N_IMAGES).map(|i| format!("image {i}")).collect(),
            probabilities: Table::new(cells.map(|(i, tag)| p(i, tag)).collect(), n),
            classes: classes.clone(),
        };
        let kind = competition.target.kind;
        run.write_valid_predictions(&predictions, kind).unwrap();
        let truth = Truth::Classes((0..N_IMAGES).map(target).collect());
        let images = Judged::new(kind, &predictions, &truth);
        let options = kaggle_kit::decide::Options::default();
        let decision = Decision::fit(&competition.metric, &images, &options).unwrap();
        run.write_toml("decision.toml", &decision).unwrap();
        run.write(VIEWS, VIEWS_TOML).unwrap();
        run.write("events.jsonl", EVENTS).unwrap();
        run.write("steps.csv", STEPS).unwrap();
        run.write("weights.safetensors", "numbers").unwrap();
        Uploads::keep(&run, &upload()).unwrap();
        let mut checkpoints = Checkpoints::new(run.file("checkpoint"), Duration::ZERO);
        let state = || Ok(b"state".to_vec());
        let states =
            States { now: &state, best: Some(&state), frozen: Some(&state), average: Some(&state) };
        checkpoints.write(&journal(), &states).unwrap();
        made_from().write(&run).unwrap();
        run.finish(&Summary {
            train_images: N_IMAGES,
            valid_images: N_IMAGES,
            ..Summary::made_up(name, &competition.metric, &classes)
        })
        .unwrap();
        run.write_test_predictions(IMAGES, &predictions, kind).unwrap();
        Self { run, _folder: folder }
    }
}

/// What a target starts from: the file as it is written, of either competition.
pub(super) fn seeds(file: &str) -> Vec<Vec<u8>> {
    MADE.with_borrow(|made| {
        made.iter().map(|made| std::fs::read(made.run.file(file)).unwrap()).collect()
    })
}

/// Puts the bytes in the place of a file, and does everything with the run that commands do.
pub(super) fn check(file: &str, bytes: &[u8]) {
    let Some((which, bytes)) = bytes.split_first() else { return };
    MADE.with_borrow_mut(|made| {
        let made = &made[usize::from(*which) % NAMES.len()];
        let path = made.run.file(file);
        let as_it_was = std::fs::read(&path).unwrap();
        std::fs::write(&path, bytes).unwrap();
        look(&made.run, file);
        if file == "recipe.toml"
            && let Ok(recipe) = made.run.recipe()
        {
            look_at_recipe(&recipe);
        }
        if file.starts_with("checkpoint/") {
            look_at_checkpoint(&made.run);
        }
        std::fs::write(&path, as_it_was).unwrap();
    });
}

/// What `runs`, `compare`, `report`, `decide` and `submit` do.
fn look(run: &Run, file: &str) {
    let told = |error: &anyhow::Error| {
        let text = format!("{error:#}");
        assert!(text.contains(&*run.id()), "an error names its file: {text}");
    };
    let runs = run.folder.parent().and_then(Path::parent).unwrap();
    match Run::newest(runs, None) {
        Ok(newest) => assert_eq!(newest.folder, run.folder),
        Err(error) => told(&error),
    }
    match gather::of_run(run) {
        Ok(facts) => assert!(html::page(&facts).contains("</html>")),
        Err(error) => told(&error),
    }
    if let Err(error) = run.read_toml::<ViewChoice>(VIEWS).map(|views| {
        let mean = views.mean(&vec![vec![0.5; 4]; views.parts.len()]);
        assert!(mean.iter().all(|p| (p - 0.5).abs() < 1e-3), "{views:?}");
    }) {
        told(&error);
    }
    let found = members::of(run.clone()).and_then(|member| {
        let classes = member.classes.clone();
        let decision = Decision::of(run, &member.metric, &classes)?;
        let (held_out, _) = run.held_out(&classes, member.kind)?;
        let _ = run.has_test_predictions(IMAGES)?;
        let _ = PartialPredictions::of(run, IMAGES, Duration::ZERO)?.read("weights.safetensors");
        numbers(&decision.apply(held_out)?);
        let pool = members::pool(&[member])?;
        choose(&pool)
    });
    match found {
        Ok(choice) => assert!(choice.decision.score().is_finite(), "{choice:?}"),
        Err(error) => told(&error),
    }
    if let Err(error) = Uploads::of(run) {
        told(&error);
        assert_eq!(file, "submission.toml");
    }
}

fn numbers(answers: &Answers) {
    match &answers.said {
        Said::Probabilities(said) => {
            for row in said.rows() {
                let sum: f64 = row.iter().sum();
                assert!((sum - 1.0).abs() < 1e-3, "{row:?}");
            }
        }
        Said::Lists(tags) => assert!(tags.iter().all(|tags| !tags.is_empty())),
        Said::Scored(_) | Said::Numbers(_) => {}
    }
}

/// What is told before training begins, which goes through all of its course.
pub(super) fn look_at_recipe(recipe: &Recipe) {
    let side =
        || SplitSide { samples: Arc::new([]), targets: Vec::new(), sets: Vec::new(), kept: None };
    let competition = competition::find(NAMES[0]).unwrap();
    let data = Data {
        outputs: Outputs::Classes { n: 2 },
        train: side(),
        n_pseudo: 0,
        plan: None,
        valid: side(),
        classes: vec!["cat".to_owned(), "dog".to_owned()].into(),
        kind: competition.target.kind,
        metric: competition.metric,
        recipe: recipe.clone(),
        at_once: None,
    };
    assert!(!learn::plan(&data).is_empty());
    let _ = learn::epochs_on_images(&data);
    assert!(learn::tta::Views::of(recipe).count() >= 1);
    let text = recipe::commented(recipe).unwrap();
    let again = recipe::Layer::parse("again", &text).unwrap();
    // A run's own networks are known to the run alone.
    if !recipe.backbone.contains("timm:") {
        assert_eq!(recipe::resolve(&[again]).unwrap(), *recipe, "{text}");
    }
}

fn look_at_checkpoint(run: &Run) {
    let mut checkpoints = Checkpoints::new(run.file("checkpoint"), Duration::ZERO);
    let loaded = checkpoints.load(|bytes| Ok(bytes.to_vec()), |note| assert!(!note.is_empty()));
    if let Ok(Some(loaded)) = loaded {
        assert_eq!(loaded.state, b"state");
    }
    if let Err(error) = made_from().is_of(run) {
        assert!(error.to_string().contains(&*run.id()), "{error}");
    }
}

fn made_from() -> MadeFrom {
    let weights = [("resnet18", Hash::of(b"numbers"))];
    MadeFrom::of(&[], weights, &()).unwrap()
}

fn upload() -> Upload {
    Upload {
        reference: 7,
        endpoint: "https://www.kaggle.com/api/v1".to_owned(),
        file: "a.csv".to_owned(),
        sha256: "00ff".to_owned(),
        message: "first".to_owned(),
        sent: "2026-11-24T06:00:00Z".to_owned(),
        status: UploadStatus::Complete,
        public_score: Some(0.5),
        private_score: None,
        error: None,
        place: Some(kaggle_kit::run::BoardPlace { place: 3, teams: 9 }),
    }
}

fn journal() -> Journal {
    toml::from_str(JOURNAL).unwrap()
}

const VIEWS_TOML: &str = "chosen = \"all views\"\nparts = [\"all views\", \"one view\"]\n\
                          weights = [1.0, 0.0]\ncandidates = []\n";

const JOURNAL: &str = "epochs = 2\nsteps = 9\n\
    [best]\nloss = 0.5\nmetric = 0.5\naccuracy = 0.75\n\
    [place]\nstage = \"whole-network\"\ncycle = 1\nepoch = 0\nstep = 3\nloss-sum = 1.5\nscores = []\n\
    [[done]]\n[done.rate]\nstage = \"find-head-rate\"\nrate = 0.003\n\
    [[done]]\n[done.stage]\nstage = \"unfreeze\"\nseconds = 0.5\nfound = \"x\"\n";

const EVENTS: &str = r#"{"event":"stage-started","stage":"find-head-rate","time":"2026-11-24T06:00:08Z"}
{"event":"rate-found","stage":"find-head-rate","curve":{"rates":[1e-4,1e-3,1e-2],"losses":[2.0,1.0,null],"batch_losses":[2.1,0.9,5.0],"end":"not-finite","suggestions":{"clear":0.0012,"valley":null}},"chosen":{"rate":0.0012,"why":{"explodes":0.1}}}
{"event":"stage-finished","stage":"find-head-rate","found":"1.2e-3","seconds":0.5}
{"event":"epoch","stage":"head-on-activations","epoch":1,"cycle":1,"train_loss":1.2,"score":{"loss":0.3,"metric":0.3,"accuracy":0.9},"rates":[0.0003,0.0006,0.0012],"seconds":0.2}
{"event":"epoch","stage":"whole-network","epoch":1,"cycle":1,"train_loss":null,"score":{"loss":0.2,"metric":0.3,"accuracy":null},"rates":[0.0003,0.0006,0.0012],"seconds":0.2}
{"event":"something-new","stage":"head-on-activations","field":[1,2]}
"#;

const STEPS: &str = "stage,cycle,epoch,step,loss,rate,momentum\n3,1,1,1,0.5,1e-3,0.9\n\
                     3,1,1,2,0.25,2e-3,0.95\n8,2,1,3,0.125,1e-5,0.9\n";
