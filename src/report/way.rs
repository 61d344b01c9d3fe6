//! Where a run's score comes from, as a table: what each step had, what it took, and what became of it.

use crate::metric::Metric;
use crate::run::{self, WayStep};
use crate::term;

/// The table's header, and its rows: step, loss with its standard error, metric, time, fate.
pub(super) fn rows(way: &[WayStep], metric: &Metric) -> (Vec<&'static str>, Vec<Vec<String>>) {
    // Where the metric is the loss, it has no column of its own.
    let is_loss = metric.family().word == "log-loss";
    let row = |step: &WayStep| {
        let number = |number: Option<f64>| number.map_or_else(String::new, short);
        let loss = match (step.loss, step.error) {
            (None, _) if is_loss => number(step.metric),
            (None, _) => String::new(),
            (Some(loss), None) => short(loss),
            (Some(loss), Some(error)) => format!("{} \u{b1} {}", short(loss), short(error)),
        };
        let seconds = step.seconds.map_or_else(String::new, term::duration);
        let own = (!is_loss).then(|| number(step.metric));
        let cells = [Some(step.step.clone()), Some(loss), own, Some(seconds)];
        cells.into_iter().flatten().chain([step.fate.word().to_owned()]).collect()
    };
    let own = (!is_loss).then_some("metric");
    let header = [Some("step"), Some("held-out loss"), own, Some("time"), Some("kept")];
    (header.into_iter().flatten().collect(), way.iter().map(row).collect())
}

/// Four digits that tell losses apart.
fn short(number: f64) -> String {
    if number.abs() >= 100.0 { format!("{number:.2}") } else { format!("{number:.4}") }
}

/// Tells it on the terminal, and which steps changed nothing.
pub fn tell_way(way: &[WayStep], metric: &Metric, n_held_out: usize) {
    let images = term::count(n_held_out, "held-out image");
    term::heading(format_args!("where the score comes from: {}, {images}", metric.name()));
    let (header, rows) = rows(way, metric);
    term::say_table(&header, &rows);
    for sentence in run::idle(way) {
        term::say(format_args!("   {sentence}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Fate;

    #[test]
    fn a_metric_that_is_the_loss_has_no_column_of_its_own() {
        let step = |loss: Option<f64>, fate| WayStep {
            step: "a step".to_owned(),
            stage: None,
            loss,
            error: loss.map(|_| 0.0123),
            metric: Some(0.04),
            seconds: Some(75.0),
            fate,
        };
        let way = [step(Some(0.05), Fate::Half), step(None, Fate::Kept)];
        let (header, cells) = rows(&way, &Metric::of("log-loss").unwrap());
        assert_eq!(header, ["step", "held-out loss", "time", "kept"]);
        assert_eq!(cells[0], ["a step", "0.0500 \u{b1} 0.0123", "1 min 15 s", "half of it"]);
        assert_eq!(cells[1][1], "0.0400");
        let (header, cells) = rows(&way, &Metric::mean_fbeta(2.0));
        assert_eq!(header[2], "metric");
        assert_eq!(cells[1], ["a step", "", "0.0400", "1 min 15 s", "kept"]);
    }
}
