//! The imported backbones of a run, each as a graph beside its description: the run goes with them to
//! another machine. A graph is code, and that of a run is run only where somebody has said so.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

use super::folder::Run;
use crate::fs;
use crate::lines;
use crate::recipe::{Recipe, defaults_for};
use crate::weights::imported::{self, GRAPH};
use crate::zoo::imported::{Description, PREFIX, with};
use crate::zoo::{self, Architecture};

/// What the names of the files begin with.
const FILE: &str = "backbone-";

impl Run {
    /// Keeps a copy of each imported network's graph, and what is known of it; their weights are the run's.
    pub fn write_backbones(&self, architectures: &[&'static Architecture]) -> Result<()> {
        for net in architectures.iter().filter_map(|one| one.imported()) {
            let (graph, described) = self.places_of(&net.described.name);
            fs::write_atomic(graph, imported::graph(net)?)?;
            fs::write_atomic(described, net.described.to_text()?)?;
        }
        Ok(())
    }

    /// What it was trained with, where that can be built here: an imported network from its import of the
    /// same SHA-256, else from the run, if runs are trusted.
    pub fn architectures(&self, recipe: &Recipe) -> Result<Vec<&'static Architecture>> {
        let own = self.described_backbones(recipe)?;
        own.into_iter().map(|own| trusted(own, &self.folder.display().to_string())).collect()
    }

    /// Whether it brings networks along, which elsewhere are run only where the run is trusted.
    pub fn has_backbones(&self) -> Result<bool> {
        Ok(!self.brought()?.is_empty())
    }

    /// What it was trained with, to be described and not to be run.
    pub fn described_backbones(&self, recipe: &Recipe) -> Result<Vec<&'static Architecture>> {
        with(self.brought()?, || zoo::find_all(recipe.own_backbone()))
    }

    /// The recipe that its backbones have where nobody chose anything.
    pub fn default_recipe(&self, recipe: &Recipe) -> Result<Recipe> {
        with(self.brought()?, || defaults_for(&recipe.backbone))
    }

    /// The networks whose descriptions lie in the run.
    pub(super) fn brought(&self) -> Result<Vec<&'static Architecture>> {
        let Ok(entries) = fs::read_dir(&self.folder) else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let Some(name) = file.strip_prefix(FILE).and_then(|rest| rest.strip_suffix(".toml"))
            else {
                continue;
            };
            let text = lines::read_text(&path).context("failed to read of a run's backbone")?;
            let described = Description::parse(&text, &path.display().to_string())?;
            ensure!(described.name == name, "`{}` describes another network", path.display());
            found.push(described.architecture(self.places_of(name).0));
        }
        Ok(found)
    }

    fn places_of(&self, name: &str) -> (PathBuf, PathBuf) {
        let end = GRAPH.rsplit('.').next().unwrap_or_default();
        (self.file(&format!("{FILE}{name}.{end}")), self.file(&format!("{FILE}{name}.toml")))
    }
}

/// A backbone of a run, called `whose`, where its graph may be run here.
pub fn trusted(own: &'static Architecture, whose: &str) -> Result<&'static Architecture> {
    let Some(net) = own.imported() else { return Ok(own) };
    let name = &net.described.name;
    let here = imported::look(name).ok().flatten();
    let is_same = |here: &&Architecture| {
        here.imported().map(|here| &here.described.sha256) == Some(&net.described.sha256)
    };
    if let Some(here) = here.filter(is_same) {
        return Ok(here);
    }
    if imported::runs_are_trusted() {
        return Ok(own);
    }
    let what = match here {
        Some(_) => "what is imported here under that name is another graph",
        None => "that is not imported here",
    };
    bail!(
        "`{whose}` was trained with `{PREFIX}{name}`, and {what}\nhint: import it as it was (timm {}, PyTorch \
         {}, {} pixels); or, if you know who made this run, `--trust` runs the graph in its folder",
        net.described.timm,
        net.described.torch,
        net.described.size
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::Hash;
    use crate::recipe::{self, Layer};
    use crate::zoo::imported::described;

    #[test]
    fn a_run_brings_its_networks_and_their_code_only_where_it_is_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run { folder: folder.path().join("run") };
        let mut about = described("netling");
        about.sha256 = Hash::of(b"graph").to_string();
        let graph = folder.path().join("network.pt");
        fs::write_atomic(&graph, "graph").unwrap();
        let imported = about.architecture(graph);
        run.write_backbones(&[zoo::DEFAULT, imported]).unwrap();
        let text = "backbone = \"resnet18+timm:netling\"\nsize = 96\n";
        run.write("recipe.toml", text).unwrap();
        // The recipe is known with what lies beside it, and without it is not.
        let recipe = run.recipe().unwrap();
        assert_eq!((recipe.size, recipe.crop), (96, 0.95));
        assert!(recipe::resolve(&[Layer::parse("x", text).unwrap()]).is_err());
        let told = run.architectures(&recipe).unwrap_err().to_string();
        assert!(told.contains("`--trust` runs the graph"), "{told}");
        assert!(run.file("backbone-netling.pt").is_file());
        // Who changed what the recipe asks for is told where.
        run.write("recipe.toml", text.replace("96", "80")).unwrap();
        let told = format!("{:#}", run.recipe().unwrap_err());
        assert!(told.contains("recipe.toml` does not fit") && told.contains("80"), "{told}");
    }
}
