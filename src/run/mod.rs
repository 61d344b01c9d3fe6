//! The run folder, what `train` leaves for `submit`: every file of it is read and written here.
//!
//! `runs/<competition>/<time>-<hash>/` holds
//!
//! | file | |
//! |---|---|
//! | `competition.toml`, `recipe.toml` | what was asked for (`folder.rs`) |
//! | `backbone-*` | imported backbones: each a graph, and what is known of it (`backbones.rs`) |
//! | `split.csv` | which images were trained on and held out (`split.rs`, `labelled.rs`) |
//! | `events.jsonl`, `steps.csv`, `lr-find.csv` | how training went (`log.rs`; as curves, `training.rs`) |
//! | `events.out.tfevents.*` | the same for TensorBoard, where that was asked for (`tensorboard.rs`) |
//! | `mlflow.toml` | what an MLflow server calls it, where that was asked for (`tracked.rs`) |
//! | `checkpoint/` | what an unfinished run goes on from (`checkpoint.rs`, `journal.rs`), and what it was begun with (`made_from.rs`) |
//! | `weights.safetensors`, `cycle-*.safetensors` | what predicts (`weights.rs`) |
//! | `valid-predictions.csv` | what it predicts for the images held out (`predictions.rs`, with the truth `held_out.rs`) |
//! | `own-predictions.csv` | of a refit, what it says itself of some of the first run's held-out images (`predictions.rs`) |
//! | `class-names.toml` | what people call the classes, where that is told (`called.rs`) |
//! | `views.toml`, `decision.toml` | how it predicts and decides: `decide`'s types |
//! | `journal.toml` | what it did and chose, for a refit (`journal.rs`) |
//! | `report.html` | the run as a page: `report`'s |
//! | `summary.toml` | the last word: without it the run is unfinished (`summary.rs`) |
//! | `asked/` | predictions while they are made (`partial.rs`) |
//! | `test-predictions.csv`, `test-predictions.toml` | what it predicts for the test images (`predictions.rs`), and what that was made for (`made_for.rs`) |
//! | `oof.csv`, `test.csv` | what the model's folds say of images that they had not seen, and of the test images: for other programs (`tables.rs`) |
//! | `submission.toml` | what came of its uploads (`uploads.rs`) |
//!
//! With the test images, the folder alone suffices to submit. The words that training is told in
//! stand here too ([`Stage`], [`Score`], [`Event`], [`Journal`]): they are what is written down.
//! Every value is checked as it is read (`checked.rs`), and the order of the classes is compared among
//! the files that tell it (`witness.rs`).

mod backbones;
mod called;
mod carry;
pub mod checked;
pub mod checkpoint;
mod curve;
mod event;
mod folder;
mod held_out;
mod journal;
mod kept;
mod labelled;
mod log;
mod made_for;
mod made_from;
mod number;
mod outputs;
mod partial;
mod predictions;
mod score;
mod split;
mod stage;
mod summary;
mod tables;
mod tensorboard;
mod tracked;
mod training;
mod unfinished;
mod uploads;
mod way;
mod weights;
mod witness;
mod workspace;

pub use self::backbones::trusted;
pub use self::checked::{Checked, Fault};
pub use self::curve::{RateChoice, RateCurve, RateReason, Suggestions, Sweep, SweepEnd};
pub use self::event::{Epoch, Event, Listener, Step};
pub use self::folder::Run;
pub use self::journal::{Entry, Journal, Kept, Position};
pub use self::labelled::LabelledImage;
pub use self::log::{Log, LogLines};
pub use self::made_from::{MadeFrom, PSEUDO_LABELS, TEACHERS};
pub use self::partial::{PartialPredictions, ViewMeans};
pub use self::score::Score;
pub use self::split::{Side, SplitRow, SplitTable};
pub use self::stage::Stage;
pub use self::summary::{StageTime, Summary};
pub use self::tables::{OUT_OF_FOLD, TEST_TABLE, out_of_fold};
pub use self::tensorboard::TensorBoardLog;
pub use self::tracked::Tracked;
pub use self::training::Training;
pub use self::unfinished::Standing;
pub use self::uploads::{BoardPlace, Upload, UploadStatus, Uploads};
pub use self::way::{Fate, WayStep, idle, way};
pub use self::weights::WeightsFile;
pub use self::witness::hash_of as hash_of_classes;
pub use self::workspace::{Workspace, find_competition};

/// Which views of an image are used to predict it.
pub const VIEWS: &str = "views.toml";
/// What is done to probabilities before they are submitted.
pub const DECISION: &str = "decision.toml";
/// What a finished run did, for one that does the same with all images.
pub const JOURNAL: &str = "journal.toml";
/// The best weights.
pub const WEIGHTS: &str = "weights.safetensors";
/// The run as a page.
pub const REPORT: &str = "report.html";
/// The folder of what an unfinished run goes on from.
pub const CHECKPOINT: &str = "checkpoint";

/// The name of the file with the weights at the end of a cycle.
pub fn cycle_file(stage: Stage, number: usize) -> String {
    format!("cycle-{}-{number}.safetensors", stage.number())
}
