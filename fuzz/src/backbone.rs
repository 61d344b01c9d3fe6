//! Descriptions of imported networks, in a run (`backbone-*.toml`) or in the cache of imports: what is
//! read of one makes a backbone whose numbers can be used.

use std::path::Path;

use kaggle_kit::report::html::{self, gather};
use kaggle_kit::run::Run;
use kaggle_kit::weights::imported::{self, DESCRIPTION};
use kaggle_kit::zoo::imported::{Description, described};
use kaggle_kit::zoo::{Architecture, N_GROUPS};

use super::{place, run_folder};

const NAME: &str = "netling";

/// What it starts from: the kinds of places, and networks with and without other sides.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let fixed = Description { size_step: 0, channels_last: false, ..described(NAME) };
    let both = [described(NAME), fixed].map(|about| about.to_text().unwrap());
    [(0, &both[0]), (1, &both[0]), (1, &both[1]), (3, &both[0])]
        .map(|(which, text)| [&[which], text.as_bytes()].concat())
        .into()
}

/// Puts the bytes where such a description is, and uses what is read.
pub(super) fn check(which: u8, bytes: &[u8]) {
    let place = place();
    match which & 3 {
        0 | 2 => in_the_cache(place.path(), bytes),
        1 => in_a_run(place.path(), "size = 64\n", bytes),
        _ => in_a_run(place.path(), "", bytes),
    }
}

fn in_the_cache(cache: &Path, bytes: &[u8]) {
    let folder = imported::folder(NAME, cache);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(DESCRIPTION), bytes).unwrap();
    assert_eq!(imported::names(cache), [format!("timm:{NAME}")]);
    match imported::look_in(NAME, cache) {
        Ok(found) => {
            let found = found.unwrap();
            usable(found);
            // There is no graph.
            assert!(imported::graph(found.imported().unwrap()).is_err());
        }
        Err(error) => told(&error, DESCRIPTION),
    }
}

fn in_a_run(place: &Path, size: &str, bytes: &[u8]) {
    let file = format!("backbone-{NAME}.toml");
    let run = Run { folder: place.join("run") };
    std::fs::create_dir_all(&run.folder).unwrap();
    std::fs::write(run.file(&file), bytes).unwrap();
    run.write("recipe.toml", format!("backbone = \"resnet18+timm:{NAME}\"\n{size}")).unwrap();
    match run.has_backbones() {
        Ok(has) => assert!(has),
        Err(error) => told(&error, &file),
    }
    match gather::of_run(&run) {
        Ok(facts) => assert!(html::page(&facts).contains("</html>")),
        Err(error) => told(&error, "run"),
    }
    let recipe = match run.recipe() {
        Ok(recipe) => recipe,
        Err(error) => return told(&error, "run"),
    };
    run_folder::look_at_recipe(&recipe);
    let _ = run.default_recipe(&recipe).unwrap();
    run.described_backbones(&recipe).unwrap().into_iter().for_each(usable);
    // It is not imported here, and nobody trusts it.
    assert!(run.architectures(&recipe).is_err());
}

fn told(error: &anyhow::Error, file: &str) {
    let text = format!("{error:#}");
    assert!(text.contains(file), "an error names its file: {text}");
}

/// What the program asks of a backbone.
fn usable(found: &'static Architecture) {
    let square = found.square();
    assert!(square.size > 0 && square.crop > 0.0 && square.crop <= 1.0);
    assert!(found.pooled() > 0 && found.takes(square.size).is_ok());
    assert!(found.mean.iter().chain(&found.std).all(|number| number.is_finite()));
    assert!(found.gmacs.is_finite());
    let _ = (found.body_parameters(), found.repository());
    assert!(found.prefix(true).ends_with('.') || found.imported().is_none());
    let Some(net) = found.imported() else { return };
    let names: Vec<String> = net.described.layers.keys().cloned().collect();
    let shares = found.rate_shares(&names, 0.5);
    assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)), "{shares:?}");
    for name in &names {
        assert!(found.group_of(name) < N_GROUPS);
        let _ = (found.learns(name), found.decays(name), found.is_classifier(name));
    }
    let text = net.described.to_text().unwrap();
    assert_eq!(Description::parse(&text, "again").unwrap(), net.described, "{text}");
}
