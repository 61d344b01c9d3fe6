//! `submit --csv`, `submissions` and `leaderboard` with the real binary against the stand-in: what
//! is sent, what is never sent, and what is kept of it.

mod board;
mod kernel;
mod sent;

use assert_cmd::Command;
use kaggle_kit::competition;
use kaggle_kit::recipe;
use kaggle_kit::run::{Run, Summary};
use kaggle_kit_standin::miniature::{Miniature, Sizes};
use kaggle_kit_standin::{Fault, Faults, Options, Request, Server};
use serde_json::Value;

use crate::support::Scratch;

/// A person with data, a finished run and its CSV, before a Kaggle of their own.
struct Person {
    here: Scratch,
    server: Server,
    run: Run,
    /// The run's CSV, relative to the folder.
    csv: String,
}

impl Person {
    fn new(name: &str) -> Self {
        Self::before(name, |_| {})
    }

    /// The same before a Kaggle with other options.
    fn before(name: &str, change: impl FnOnce(&mut Options)) -> Self {
        Self::before_one_that_serves(draw(name, 5), name, change)
    }

    fn before_one_that_serves(
        served: Miniature,
        name: &str,
        change: impl FnOnce(&mut Options),
    ) -> Self {
        let miniature = draw(name, 5);
        let here = Scratch::new();
        miniature.write(&here.path().join("data").join(name)).unwrap();
        let run = finished_run(&here, &miniature);
        let csv = format!("submissions/{name}-{}.csv", run.id());
        here.write(&csv, &miniature.sample);
        let mut options = Options::default();
        change(&mut options);
        let server = kaggle_kit_standin::start(vec![served], options).unwrap();
        Self { here, server, run, csv }
    }

    fn kaggle_kit(&self) -> Command {
        let mut command = self.here.kaggle_kit();
        command.env("KAGGLE_API_ENDPOINT", self.server.url());
        command.env("KAGGLE_USERNAME", &self.server.account().username);
        command.env("KAGGLE_KEY", &self.server.account().key);
        command
    }

    /// The command that sends the run's CSV.
    fn sending(&self) -> Command {
        let mut command = self.kaggle_kit();
        command.args(["submit", "--csv", &self.csv, "--upload", "-m", "first try", "--wait"]);
        command
    }

    /// How often a method of the API was called.
    fn n_calls(&self, method: &str) -> usize {
        let called = |request: &Request| request.path.ends_with(&format!("/{method}"));
        self.server.requests().iter().filter(|request| called(request)).count()
    }

    fn fault(&self, faults: impl IntoIterator<Item = Fault>) {
        self.server.set_faults(faults.into_iter().map(|fault| Faults::from([fault])).collect());
    }
}

fn draw(name: &str, seed: u64) -> Miniature {
    Miniature::generate(&competition::find(name).unwrap(), Sizes::TINY, seed).unwrap()
}

/// A run as `train` leaves it, as far as nothing is predicted with it.
fn finished_run(here: &Scratch, miniature: &Miniature) -> Run {
    let competition = &miniature.competition;
    let recipe = recipe::resolve(&[]).unwrap();
    let run = Run::create(&here.path().join("runs"), competition, &recipe).unwrap();
    run.finish(&Summary {
        score: 0.4321,
        train_images: 30,
        valid_images: 6,
        ..Summary::made_up(&competition.name, &competition.metric, &miniature.classes)
    })
    .unwrap();
    run
}

/// What a command prints, as JSON.
fn json(command: &mut Command) -> Value {
    let done = command.arg("--json").assert().success();
    serde_json::from_slice(&done.get_output().stdout).unwrap()
}
