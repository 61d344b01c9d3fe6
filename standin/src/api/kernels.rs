//! Notebooks: saved, "run", submitted. None is run here: a notebook is queued for the first question,
//! running for the second, and has then written a `submission.csv` that is the sample submission.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Arguments;
use super::submissions::{self, Made};
use crate::answer::{Answer, Refusal};
use crate::faults::{Endpoint, Fault};
use crate::state::{Changing, Kernel, KernelVersion, State};

/// What a notebook writes.
const OUTPUT: &str = "submission.csv";
/// What it prints.
const LOG: &str = r#"[{"stream_name":"stdout","time":1.5,"data":"$ kaggle-kit submit\n"},
{"stream_name":"stderr","time":2.5,"data":"the stand-in runs no notebooks\n"}]"#;
const SHORTEST_TITLE: usize = 5;

pub(super) fn save(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let full = arguments.text("slug");
    let Some((owner, slug)) = full.split_once('/') else {
        return Err(Refusal::bad("slug must be {username}/{kernel-slug}"));
    };
    if owner != state.account.username {
        return Err(Refusal::new(StatusCode::FORBIDDEN, "Permission 'kernels.save' was denied"));
    }
    if arguments.text("newTitle").len() < SHORTEST_TITLE {
        return Ok(Answer::Json(json!({ "error": "The title is too short" })));
    }
    if arguments.text("kernelType") == "notebook" && !is_notebook(arguments.text("text")) {
        return Ok(Answer::Json(json!({ "error": "The notebook is no notebook" })));
    }
    let fault = state.changing().faults.take(Endpoint::Kernel);
    if let Some(Fault::Status { status, retry_after, .. }) = fault {
        return Err(Refusal::trouble(status, retry_after));
    }
    let sources = |name: &str| -> Vec<String> {
        let list = arguments.0[name].as_array().cloned().unwrap_or_default();
        list.iter().filter_map(|one| Some(one.as_str()?.to_owned())).collect()
    };
    let (data_sets, competitions) =
        (sources("datasetDataSources"), sources("competitionDataSources"));
    let mut changing = state.changing();
    let has = |one: &&String| {
        let slug = one.strip_prefix(&format!("{owner}/")).unwrap_or_default();
        !changing.data_sets.iter().any(|found| found.slug == slug)
    };
    let no_data_sets: Vec<String> = data_sets.iter().filter(has).cloned().collect();
    let no_competitions: Vec<String> =
        competitions.iter().filter(|one| state.competition(one).is_err()).cloned().collect();
    let version = KernelVersion {
        text: arguments.text("text").to_owned(),
        data_sets,
        competitions,
        machine: arguments.text("machineShape").to_owned(),
        has_internet: arguments.0["enableInternet"].as_bool().unwrap_or(true),
        n_asked: 0,
    };
    let at = changing.kernels.iter().position(|one| one.slug == slug).unwrap_or_else(|| {
        changing.kernels.push(Kernel { slug: slug.to_owned(), versions: Vec::new() });
        changing.kernels.len() - 1
    });
    changing.kernels[at].versions.push(version);
    if fault == Some(Fault::LostKernel) {
        return Ok(Answer::Nothing);
    }
    Ok(Answer::Json(json!({
        "ref": full,
        "url": format!("https://www.kaggle.com/code/{full}"),
        "versionNumber": changing.kernels[at].versions.len(),
        "error": "",
        "invalidTags": [],
        "invalidDatasetSources": no_data_sets,
        "invalidCompetitionSources": no_competitions,
        "invalidKernelSources": [],
        "kernelId": at + 1,
    })))
}

/// As the service wants them: the source of a cell is one text.
fn is_notebook(text: &str) -> bool {
    let Ok(notebook) = serde_json::from_str::<Value>(text) else { return false };
    let cells = notebook["cells"].as_array();
    cells.is_some_and(|cells| cells.iter().all(|cell| cell["source"].is_string()))
}

pub(super) fn get(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let mut changing = state.changing();
    let kernel = find(state, &mut changing, arguments)?;
    let newest = kernel.versions.last().ok_or_else(Refusal::not_found)?;
    Ok(Answer::Json(json!({
        "metadata": {
            "ref": format!("{}/{}", state.account.username, kernel.slug),
            "slug": kernel.slug,
            "currentVersionNumber": kernel.versions.len(),
            "datasetDataSources": newest.data_sets,
            "competitionDataSources": newest.competitions,
            "enableInternet": newest.has_internet,
            "machineShape": newest.machine,
        },
        "blob": { "source": newest.text, "language": "python", "kernelType": "notebook" },
    })))
}

pub(super) fn status(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let mut changing = state.changing();
    let fails = changing.faults.take(Endpoint::KernelStatus) == Some(Fault::KernelFails);
    let version = version(state, &mut changing, arguments)?;
    version.n_asked += 1;
    Ok(Answer::Json(match version.n_asked {
        _ if fails => {
            json!({ "status": "ERROR", "failureMessage": "the notebook raised an error" })
        }
        1 => json!({ "status": "QUEUED" }),
        2 => json!({ "status": "RUNNING" }),
        _ => json!({ "status": "COMPLETE" }),
    }))
}

pub(super) fn output(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    version(state, &mut state.changing(), arguments)?;
    Ok(Answer::Json(json!({ "files": [], "log": LOG, "nextPageToken": "" })))
}

pub(super) fn submit(state: &State, arguments: &Arguments) -> Result<Answer, Refusal> {
    let slug = arguments.text("competitionName");
    let served = state.entered(slug, submissions::NO_RULES)?;
    {
        let changing = state.changing();
        let kernel = (arguments.text("kernelOwner") == state.account.username)
            .then(|| changing.kernels.iter().find(|one| one.slug == arguments.text("kernelSlug")))
            .flatten();
        let n = arguments.number("kernelVersion");
        let n = n.checked_sub(1).ok_or_else(Refusal::not_found)?;
        let version = kernel.and_then(|kernel| kernel.versions.get(n as usize));
        let version = version.ok_or_else(Refusal::not_found)?;
        if version.has_internet {
            return Err(Refusal::bad("Your notebook must have internet disabled"));
        }
        if !version.competitions.iter().any(|one| one == slug) {
            return Err(Refusal::bad("The competition is not attached to the notebook"));
        }
        if arguments.text("fileName") != OUTPUT {
            return Err(Refusal::not_found());
        }
    }
    let sample = served.miniature.sample.as_bytes();
    let place = state.spool.place(sample.len() as u64);
    let csv = place.ok_or_else(|| Refusal::bad("The file is too large"))?;
    csv.write(0, sample).map_err(|error| Refusal::bad(error.to_string()))?;
    let description = arguments.text("submissionDescription");
    submissions::make(
        state,
        served,
        &Made { file_name: OUTPUT, description, csv: &|| Ok(csv.clone()) },
    )
}

fn find<'a>(
    state: &State,
    changing: &'a mut Changing,
    arguments: &Arguments,
) -> Result<&'a mut Kernel, Refusal> {
    let slug = arguments.text("kernelSlug");
    let found = changing.kernels.iter_mut().find(|one| one.slug == slug);
    let found = found.filter(|_| arguments.text("userName") == state.account.username);
    found.ok_or_else(|| Refusal::new(StatusCode::FORBIDDEN, "Permission 'kernels.get' was denied"))
}

/// The version that is asked for, or the newest; a bare number is none.
fn version<'a>(
    state: &State,
    changing: &'a mut Changing,
    arguments: &Arguments,
) -> Result<&'a mut KernelVersion, Refusal> {
    let kernel = find(state, changing, arguments)?;
    let n = match arguments.text("versionLabel") {
        "" => kernel.versions.len(),
        label => label.strip_prefix('v').and_then(|n| n.parse().ok()).unwrap_or_default(),
    };
    let at = n.checked_sub(1).ok_or_else(Refusal::not_found)?;
    kernel.versions.get_mut(at).ok_or_else(Refusal::not_found)
}
