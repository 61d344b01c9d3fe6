//! A pack on its way to Kaggle, until it can be attached to a notebook.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::Pack;
use crate::kaggle::{About, Class, Client, DataSet, DataSetState, KnownBy};
use crate::progress::Progress;
use crate::report::{Bar, Unit};
use crate::term;

/// Kaggle is asked as often as this at most, and as this at least.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(15)];
/// Kaggle needs seconds for what is packed here; a data set that takes longer is told to come.
const PATIENCE: Duration = Duration::from_secs(1800);

/// A pack that Kaggle has.
pub(in crate::commands) struct Sent {
    pub(in crate::commands) data_set: DataSet,
    /// The hash of what is in it.
    pub(in crate::commands) content: String,
    pub(in crate::commands) known_by: KnownBy,
}

/// Uploads a pack, unless Kaggle has this very one, and waits until it is ready.
pub(in crate::commands) fn send(client: &Client, pack: &Pack, owner: String) -> Result<Sent> {
    let data_set = DataSet { owner, slug: pack.slug() };
    let bar = Bar::new(data_set.to_string(), Unit::Bytes);
    let (title, notes) = (pack.title(), pack.runs().join(", "));
    let about = About { title: &title, licence: "unknown", notes: &notes };
    let sent = client
        .send_data_set(&data_set, &pack.folder, &about, &bar)
        .with_context(|| format!("failed to upload `{}`", pack.folder.display()))?;
    drop(bar);
    match sent.known_by {
        KnownBy::Before => term::say(format_args!("   {data_set} has these very files already")),
        KnownBy::InList => {
            term::say("   the answer was lost, but Kaggle has the version: it was not made twice");
        }
        KnownBy::Answered => {}
    }
    wait(client, &data_set, sent.before)?;
    term::done(format_args!("data set {data_set}, private: {}", data_set.page()));
    Ok(Sent { data_set, content: sent.content, known_by: sent.known_by })
}

/// Until the version after `before` can be attached.
fn wait(client: &Client, data_set: &DataSet, before: Option<u32>) -> Result<()> {
    let bar = Bar::new("Kaggle unpacks it", Unit::Seconds);
    bar.total(PATIENCE.as_secs());
    let (start, [mut pause, longest]) = (Instant::now(), PAUSES);
    let mut shown = 0;
    loop {
        match client.data_set_state(data_set) {
            // Until the new version is there, it is the old one that is ready.
            Ok(DataSetState::Ready) if client.data_set_version(data_set)? > before => return Ok(()),
            Ok(DataSetState::Failed) => bail!(
                "Kaggle could not use the files of {data_set}\nhint: {} says why; run the same command \
                 with a changed folder, or remove the data set there first",
                data_set.page()
            ),
            Ok(_) => {}
            // A new one is not everywhere at once.
            Err(error) if matches!(error.class(), Class::NotFound | Class::Rules) => {}
            Err(error) => return Err(error.into()),
        }
        if start.elapsed() > PATIENCE {
            bail!(
                "{data_set} is not ready yet\nhint: run the same command again: nothing is sent twice"
            );
        }
        sleep(pause);
        pause = (pause * 2).min(longest);
        let seconds = start.elapsed().as_secs();
        bar.advance(seconds - shown);
        shown = seconds;
    }
}
