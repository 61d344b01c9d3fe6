//! `submit --kernel`: a run, or a blend, becomes a data set, its notebook runs on Kaggle, and that is submitted.
//!
//! Each step is found done when the command is run again, so it can be stopped at any time: the data set has
//! the very files, the notebook its version, the submission its number.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::super::pack::{Pack, There, send, tell};
use super::upload::{Outcome, Source, earlier, follow, left_today, taken};
use super::{Args, members_of};
use crate::kaggle::{Class, Client, Environment, Kernel, KernelPush, KernelState, KnownBy};
use crate::progress::Progress;
use crate::report::{Bar, Unit};
use crate::run::Workspace;
use crate::session;
use crate::term;

/// What the notebook writes.
const OUTPUT: &str = "submission.csv";
/// Kaggle ends what takes longer.
const LONGEST_RUN: Duration = Duration::from_secs(12 * 3600);
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(30)];
/// So much of what a failed notebook printed is shown.
const LAST_LINES: usize = 20;

pub fn run(args: &Args, workspace: &Workspace) -> Result<()> {
    let message = args.message.as_deref().context("a submission needs a message")?;
    let named = args.competition.as_deref();
    let competition = named.map(|name| workspace.find(name)).transpose()?;
    let members = members_of(args, competition.as_ref(), workspace)?;
    let pack = Pack::of(members, workspace, None, args.wheel.as_deref())?;
    let source = match pack.members.as_slice() {
        [one] => Source::Run(&one.runs[0]),
        _ => Source::File(&pack.folder),
    };
    let client = session::connect(args.endpoint.as_deref(), &Environment::of_process())?;
    let owner = client.username()?;
    pack.make(&owner, There::Pack)?;
    tell(&pack);
    let sent = send(&client, &pack, owner.clone())?;
    let title = format!("{} submit", pack.title());
    let kernel = Kernel { owner, slug: format!("{}-submit", pack.slug()) };
    let text = pack.notebook_to_push()?;
    let push = KernelPush {
        kernel: &kernel,
        title: &title,
        text: &text,
        data_set: &sent.data_set,
        content: &sent.content,
        competition: &pack.competition.slug,
        machine: Some(args.machine.as_str()).filter(|machine| *machine != "none"),
    };
    let key = push.key();
    let mut outcome = match earlier(&client, source, &key, args.again)? {
        Some(earlier) => earlier,
        None => submit(&client, &pack, &push, message)?,
    };
    let wait = args.wait.map(Duration::from_secs);
    follow(&client, &pack.competition, source, &mut outcome, wait)?;
    if outcome.sent_now {
        client.settle_kernel(&pack.folder)?;
    }
    if args.json {
        term::json(&json!({
            "folder": term::path_in_json(&pack.folder),
            "runs": pack.runs(),
            "data-set": sent.data_set.to_string(),
            "notebook": kernel.to_string(),
            "submission": outcome,
        }))?;
    }
    outcome.ensure_taken()
}

/// Pushes the notebook, waits until it has run, and submits it.
fn submit(client: &Client, pack: &Pack, push: &KernelPush, message: &str) -> Result<Outcome> {
    let (competition, kernel) = (&pack.competition, push.kernel);
    // Before the notebook runs for an hour.
    let limits = left_today(client, competition, client.is_kernel_under_way(&pack.folder))?;
    let bar = Bar::new("pushing the notebook", Unit::Seconds);
    let (version, known_by) = client
        .push_kernel(push, &pack.folder, &bar)
        .with_context(|| format!("failed to push the notebook `{kernel}`"))?;
    drop(bar);
    let there = if known_by == KnownBy::Before { ", pushed before" } else { "" };
    term::say(format_args!("   notebook {kernel}, version {version}{there}: {}", kernel.page()));
    wait(client, pack, kernel, version)?;
    let bar = Bar::new("submitting the notebook", Unit::Seconds);
    let submitted = client
        .submit_kernel(&competition.slug, kernel, OUTPUT, message, &pack.folder, &bar)
        .with_context(|| format!("failed to submit version {version} of `{kernel}`"))?;
    drop(bar);
    let file = format!("{kernel}, version {version}");
    let upload = taken(client, &submitted, file, push.key(), message);
    Ok(Outcome::now(upload, limits))
}

/// Until a version has run.
fn wait(client: &Client, pack: &Pack, kernel: &Kernel, version: u32) -> Result<()> {
    let bar = Bar::new("Kaggle runs the notebook", Unit::Seconds);
    let (start, [mut pause, longest]) = (Instant::now(), PAUSES);
    let (mut shown, mut told) = (0, None);
    loop {
        let state = match client.kernel_state(kernel, version) {
            Ok(state) => state,
            // A new version is not everywhere at once.
            Err(error) if error.class() == Class::NotFound => KernelState::Queued,
            Err(error) => return Err(error.into()),
        };
        match &state {
            KernelState::Complete => {
                drop(bar);
                term::say(format_args!(
                    "   it ran to its end ({})",
                    term::duration(start.elapsed().as_secs_f64())
                ));
                return Ok(());
            }
            KernelState::Failed(said) => {
                drop(bar);
                return failed(client, pack, kernel, (version, said));
            }
            KernelState::Queued if told.is_none() => bar.note("it waits for a machine"),
            KernelState::Running if told != Some(KernelState::Running) => bar.note("it runs"),
            _ => {}
        }
        told = Some(state);
        if start.elapsed() > LONGEST_RUN {
            bail!(
                "version {version} of `{kernel}` has not ended\nhint: run the same command again: it goes on \
                 waiting"
            );
        }
        sleep(pause);
        pause = (pause * 2).min(longest);
        let seconds = start.elapsed().as_secs();
        bar.advance(seconds - shown);
        shown = seconds;
    }
}

/// What the notebook printed last, and the error. Its version is forgotten: the same command pushes another.
fn failed(
    client: &Client,
    pack: &Pack,
    kernel: &Kernel,
    (version, said): (u32, &str),
) -> Result<()> {
    if let Ok(log) = client.kernel_log(kernel, version) {
        let lines: Vec<&str> = log.lines().collect();
        for line in &lines[lines.len().saturating_sub(LAST_LINES)..] {
            term::relayed("notebook", line);
        }
    }
    client.forget_kernel(&pack.folder)?;
    let said = if said.is_empty() { "Kaggle does not say why" } else { said };
    bail!(
        "version {version} of the notebook `{kernel}` failed: {said}\nhint: {} has all that it printed; \
         the same command pushes another version",
        kernel.page()
    )
}
