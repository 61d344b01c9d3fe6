//! A run as MLflow shows it: its settings as parameters, its curves as metrics, sent as epochs end.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::kaggle::{Class, Environment, TrackingServer};
use crate::recipe;
use crate::run::{Epoch, Event, Run, Step, Tracked};
use crate::term;

/// The server takes so many metrics at once, and so many parameters.
const METRICS: usize = 1000;
const PARAMETERS: usize = 100;
/// Of a long epoch something is to be seen before it ends.
const SENT_EVERY: Duration = Duration::from_secs(10);
const HINT: &str = "hint: `mlflow server` starts one, `MLFLOW_TRACKING_URI` names it; leave `--tracker mlflow` out to \
                    train without";

/// A run on a server.
pub(super) struct Mlflow<'a> {
    server: TrackingServer,
    run: &'a Run,
    /// What the server calls it.
    id: String,
    /// What the metric is called.
    metric: String,
    step: u64,
    waiting: Vec<Value>,
    sent: Instant,
    /// Whether the server has failed: it is then left alone.
    is_lost: bool,
}

impl<'a> Mlflow<'a> {
    /// A new run on the server, or the one that is gone on with.
    pub(super) fn open(run: &'a Run, metric: &str) -> Result<Self> {
        let environment = Environment::of_process();
        let server = TrackingServer::of(&environment)?;
        let known = run.tracked()?.filter(|known| known.server == server.address());
        let known = known.map(|known| go_on(&server, known.run)).transpose()?.flatten();
        let id = match known {
            Some(id) => id,
            None => begin(&server, run, &environment).with_context(|| {
                format!("the MLflow server at `{}` takes no run\n{HINT}", server.address())
            })?,
        };
        run.keep_tracked(&Tracked { server: server.address(), run: id.clone() })?;
        let (metric, waiting) = (key(metric), Vec::new());
        Ok(Self { server, run, id, metric, step: 0, waiting, sent: Instant::now(), is_lost: false })
    }

    /// Takes what of an event is a curve.
    pub(super) fn write(&mut self, event: &Event) -> Result<()> {
        match event {
            Event::Resumed { steps, .. } => self.step = *steps,
            Event::Step(Step { step, loss, rate, momentum, .. }) => {
                self.step = *step;
                self.take(&[
                    ("step/loss", *loss),
                    ("step/rate", *rate),
                    ("step/momentum", *momentum),
                ]);
            }
            Event::Epoch(Epoch { train_loss, score, seconds, .. }) => {
                let metric = format!("epoch/{}", self.metric);
                self.take(&[
                    ("epoch/train-loss", *train_loss),
                    ("epoch/valid-loss", score.loss),
                    (&metric, score.metric),
                    ("epoch/seconds", *seconds),
                ]);
                if let Some(accuracy) = score.accuracy {
                    self.take(&[("epoch/accuracy", accuracy)]);
                }
            }
            _ => return Ok(()),
        }
        let is_time = matches!(event, Event::Epoch(_)) || self.sent.elapsed() >= SENT_EVERY;
        if is_time || self.waiting.len() + 10 > METRICS { self.send() } else { Ok(()) }
    }

    /// What is no number is a gap.
    fn take(&mut self, metrics: &[(&str, f64)]) {
        let (timestamp, step) = (Timestamp::now().as_millisecond(), self.step);
        let finite = metrics.iter().filter(|(_, value)| value.is_finite());
        self.waiting.extend(finite.map(|(key, value)| {
            json!({ "key": key, "value": value, "timestamp": timestamp, "step": step })
        }));
    }

    fn send(&mut self) -> Result<()> {
        self.sent = Instant::now();
        let metrics = std::mem::take(&mut self.waiting);
        if metrics.is_empty() {
            return Ok(());
        }
        let body = json!({ "run_id": self.id, "metrics": metrics });
        let answer = self.server.call("runs/log-batch", &body);
        self.is_lost |= answer.is_err();
        Ok(answer.map(drop)?)
    }

    /// The last word: the score, if the run is finished.
    fn end(&mut self) -> Result<()> {
        let is_finished = self.run.is_finished();
        if is_finished {
            let score = self.run.summary()?.score;
            self.take(&[("score", score)]);
        }
        self.send()?;
        let status = if is_finished { "FINISHED" } else { "KILLED" };
        update(&self.server, &self.id, status)
    }
}

impl Drop for Mlflow<'_> {
    fn drop(&mut self) {
        if !self.is_lost
            && let Err(error) = self.end()
        {
            term::warn(format_args!("MLflow does not know that training has ended: {error:#}"));
        }
    }
}

/// Goes on with a run of the server; none where it has no such run any more.
fn go_on(server: &TrackingServer, id: String) -> Result<Option<String>> {
    let body = json!({ "run_id": id, "status": "RUNNING" });
    match server.call("runs/update", &body) {
        Ok(_) => Ok(Some(id)),
        Err(error) if error.class() == Class::NotFound => Ok(None),
        Err(error) => Err(error).context(HINT),
    }
}

/// Begins a run: its experiment is the competition, unless `MLFLOW_EXPERIMENT_NAME` names another.
fn begin(server: &TrackingServer, run: &Run, environment: &Environment) -> Result<String> {
    let competition = run.competition()?.name;
    let name = environment.get("MLFLOW_EXPERIMENT_NAME").unwrap_or(&competition);
    let experiment = match server.ask("experiments/get-by-name", "experiment_name", name) {
        Ok(found) => text(&found, "/experiment/experiment_id")?,
        Err(error) if error.class() == Class::NotFound => {
            let made = server.call("experiments/create", &json!({ "name": name }))?;
            text(&made, "/experiment_id")?
        }
        Err(error) => return Err(error.into()),
    };
    let begun = server.call(
        "runs/create",
        &json!({
            "experiment_id": experiment,
            "run_name": run.id(),
            "start_time": Timestamp::now().as_millisecond(),
            "tags": [
                { "key": "mlflow.source.name", "value": "kaggle-kit" },
                { "key": "competition", "value": competition },
                { "key": "folder", "value": run.folder.display().to_string() },
            ],
        }),
    )?;
    let id = text(&begun, "/run/info/run_id")?;
    let parameters: Vec<Value> = recipe::settings(&run.recipe()?.of_own_backbone())?
        .into_iter()
        .map(|(name, value)| json!({ "key": key(&name), "value": value.trim_matches('"') }))
        .collect();
    for some in parameters.chunks(PARAMETERS) {
        server.call("runs/log-batch", &json!({ "run_id": id, "params": some }))?;
    }
    Ok(id)
}

fn update(server: &TrackingServer, id: &str, status: &str) -> Result<()> {
    let end = Timestamp::now().as_millisecond();
    server.call("runs/update", &json!({ "run_id": id, "status": status, "end_time": end }))?;
    Ok(())
}

fn text(answer: &Value, at: &str) -> Result<String> {
    let text = answer.pointer(at).and_then(Value::as_str);
    text.map(str::to_owned).with_context(|| format!("its answer has no `{at}`"))
}

/// A name in the letters that MLflow takes.
fn key(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    name.replace('@', "-at-").chars().map(|c| if plain(c) { c } else { '-' }).collect()
}
