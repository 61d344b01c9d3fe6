//! Networks of timm's that `kaggle-kit models import` has brought: what is written down of each, and
//! which of them are known here. `weights/imported.rs` says where their files are.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::{Architecture, Interpolation, Layout, Segment};

/// What the names of such backbones begin with, in recipes and on the command line.
pub const PREFIX: &str = "timm:";
/// Of the file that describes one.
const VERSION: u32 = 1;
/// More than any network's features are, and than a side of any picture is: what is computed with them
/// fits.
const MOST_NUMBERS: i64 = 1 << 24;
const MOST_PIXELS: usize = 1 << 16;

/// What is written down of a network, beside the file with its graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Description {
    /// Of this table's own form.
    pub version: u32,
    /// timm's name.
    pub name: String,
    /// timm's name of the training that made the weights.
    pub tag: String,
    /// Where the weights that came along are from: `pretrained`, `a file` or `random`.
    pub weights: String,
    pub licence: String,
    /// Where its authors are, if timm says.
    pub origin: String,
    /// Versions of what traced it.
    pub timm: String,
    pub torch: String,
    /// Of the file with the graph.
    pub sha256: String,
    /// Side of the pictures that it was traced with, in pixels.
    pub size: usize,
    /// Other sides that the graph is right for are multiples of this; 0: there are none.
    pub size_step: usize,
    /// Whether pictures may come with their colours side by side, which is faster. libtorch 2.13 breaks its
    /// memory on the way back through some networks then.
    pub channels_last: bool,
    /// The share of a picture's shorter side that its evaluation shows.
    pub crop: f64,
    pub interpolation: String,
    pub mean: [f32; 3],
    pub std: [f32; 3],
    /// Numbers a picture that the head takes.
    pub width: i64,
    /// Weights and biases.
    pub parameters: u64,
    pub gmacs: f64,
    /// So many of the first layers are in the first layer group.
    pub early_layers: usize,
    /// Layers of a whole checkpoint that are left out, which made classes.
    pub classifier: Vec<String>,
    /// Matrices that weight decay leaves alone, such as positions.
    pub no_decay: Vec<String>,
    /// Variables that are not learnt: the statistics of norms.
    pub statistics: Vec<String>,
    /// Each variable's layer, from 0 at the pictures.
    pub layers: BTreeMap<String, usize>,
}

/// A traced network.
#[derive(Debug)]
pub struct Imported {
    pub described: Description,
    /// The file with its graph.
    pub graph: PathBuf,
    classifier: Vec<&'static str>,
}

impl Description {
    /// Reads what [`Self::to_text`] wrote; `origin` is told in errors.
    pub fn parse(text: &str, origin: &str) -> Result<Self> {
        let described: Self = crate::lines::parse_toml(text, origin)?;
        let usable = described.version == VERSION
            && (1..=MOST_NUMBERS).contains(&described.width)
            && (1..=MOST_PIXELS).contains(&described.size)
            && described.sha256.len() == 64
            && is_name(&described.name)
            && (described.tag.is_empty() || is_name(&described.tag))
            && described.mean.iter().all(|mean| mean.is_finite())
            && described.std.iter().all(|&std| std.is_finite() && std > 0.0)
            && described.gmacs.is_finite()
            && described.crop > 0.0
            && described.crop <= 1.0
            && !described.layers.is_empty()
            && described.layers.keys().all(|name| name.split('.').all(|part| !part.is_empty()));
        ensure!(
            usable,
            "`{origin}` does not describe a network as this version writes it\nhint: import it again: \
             `kaggle-kit models import --help`"
        );
        Ok(described)
    }

    pub fn to_text(&self) -> Result<String> {
        Ok(toml::to_string(self)?)
    }

    /// The version of the table that this program writes.
    pub fn current_version() -> u32 {
        VERSION
    }

    /// The backbone that it describes, for the rest of the program's life; the same for the same.
    pub fn architecture(self, graph: PathBuf) -> &'static Architecture {
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |net: &Imported| net.graph == graph && net.described == self;
        if let Some(made) = made.iter().find(|made| made.imported().is_some_and(is_it)) {
            return made;
        }
        let architecture = self.leaked(graph);
        made.push(architecture);
        architecture
    }

    fn leaked(self, graph: PathBuf) -> &'static Architecture {
        let keep = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
        let (name, tag) = (keep(&format!("{PREFIX}{}", self.name)), keep(&self.tag));
        let seen = keep(&format!("whatever timm's `{}` was trained on", self.name));
        let classifier = self.classifier.iter().map(|layer| keep(layer)).collect();
        let interpolation = match self.interpolation.as_str() {
            "bilinear" => Interpolation::Bilinear,
            _ => Interpolation::Bicubic,
        };
        let architecture = Architecture {
            name,
            tag,
            width: self.width,
            mean: self.mean,
            std: self.std,
            interpolation,
            native_size: self.size,
            crop_pct: self.crop,
            usual: None,
            seen,
            parameters: self.parameters,
            gmacs: self.gmacs,
            top1: None,
            layout: Layout::Imported(Box::leak(Box::new(Imported {
                described: self,
                graph,
                classifier,
            }))),
        };
        Box::leak(Box::new(architecture))
    }
}

impl Imported {
    pub(super) fn segment(&self, name: &str) -> Option<Segment> {
        Some(Segment::Block(*self.described.layers.get(name)?, 0))
    }

    pub(super) fn is_early(&self, layer: usize) -> bool {
        layer < self.described.early_layers
    }

    pub(super) fn decays(&self, name: &str) -> bool {
        !self.described.no_decay.iter().any(|other| other == name)
    }

    pub(super) fn classifier(&'static self) -> &'static [&'static str] {
        &self.classifier
    }

    /// Whether a variable is learnt.
    pub fn learns(&self, name: &str) -> bool {
        !self.described.statistics.iter().any(|other| other == name)
    }

    /// An error where its graph is wrong for pictures of this side.
    pub(super) fn takes(&self, size: usize) -> Result<()> {
        let Description { name, size: own, size_step: step, .. } = &self.described;
        if size == *own || (*step > 0 && size.is_multiple_of(*step)) {
            return Ok(());
        }
        let sides = match step {
            0 => format!("of {own} pixels alone"),
            step => format!("of {own} pixels or of multiples of {step}"),
        };
        bail!(
            "`{PREFIX}{name}` takes pictures {sides}, and `size` is {size}\nhint: `--set size={own}`, or \
             `kaggle-kit models import {name}` with `--size {size}`"
        )
    }
}

/// Whether it may be a name of timm's, and so of a folder.
pub fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.' || c == '-';
    !name.is_empty() && name.len() <= 200 && name.chars().all(plain) && !name.starts_with('.')
}

/// Reads what is here of a network: nothing where it was not imported.
type Look = fn(&str) -> Result<Option<&'static Architecture>>;

static MADE: Mutex<Vec<&'static Architecture>> = Mutex::new(Vec::new());
static LOOK: OnceLock<Look> = OnceLock::new();
static KNOWN: Mutex<BTreeMap<String, &'static Architecture>> = Mutex::new(BTreeMap::new());

thread_local! {
    /// What a run brings along stands before what is imported.
    static BROUGHT: RefCell<Vec<&'static Architecture>> = const { RefCell::new(Vec::new()) };
}

/// Says where imported networks are looked for, once; without it there are none.
pub fn look_with(look: Look) {
    let _ = LOOK.set(look);
}

/// Finds one by timm's name.
pub(super) fn find(name: &str) -> Result<&'static Architecture> {
    let full = format!("{PREFIX}{name}");
    let brought =
        BROUGHT.with_borrow(|all| all.iter().find(|brought| brought.name == full).copied());
    if let Some(brought) = brought {
        return Ok(brought);
    }
    ensure!(is_name(name), "`{full}` names no network of timm's");
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = known.get(name) {
        return Ok(known);
    }
    let found = LOOK.get().map_or(Ok(None), |look| look(name))?;
    let Some(found) = found else {
        bail!(
            "`{full}` is not imported here\nhint: with a Python that has timm, `kaggle-kit models import \
             {name}`"
        )
    };
    known.insert(name.to_owned(), found);
    Ok(found)
}

/// Does `work` with backbones that stand before what is imported under their names.
pub fn with<T>(brought: Vec<&'static Architecture>, work: impl FnOnce() -> T) -> T {
    let before = BROUGHT.replace(brought);
    let done = work();
    BROUGHT.set(before);
    done
}

#[cfg(any(test, feature = "testing"))]
/// A description of a network with two layers, for tests.
pub fn described(name: &str) -> Description {
    let names = ["conv1.weight", "bn1.running_mean", "layer1.0.weight", "pos"];
    Description {
        version: VERSION,
        name: name.to_owned(),
        tag: "in1k".to_owned(),
        weights: "random".to_owned(),
        licence: "mit".to_owned(),
        origin: String::new(),
        timm: "1.0.31".to_owned(),
        torch: "2.13.0".to_owned(),
        sha256: "0".repeat(64),
        size: 64,
        size_step: 32,
        channels_last: true,
        crop: 0.9,
        interpolation: "bicubic".to_owned(),
        mean: [0.5; 3],
        std: [0.25; 3],
        width: 8,
        parameters: 100,
        gmacs: 0.1,
        early_layers: 1,
        classifier: vec!["fc".to_owned()],
        no_decay: vec!["pos".to_owned()],
        statistics: vec!["bn1.running_mean".to_owned()],
        layers: names.iter().zip([0, 0, 1, 0]).map(|(n, layer)| (n.to_string(), layer)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{N_GROUPS, find_all};
    use super::*;

    #[test]
    fn a_description_reads_back_and_makes_a_backbone() {
        let text = described("netling").to_text().unwrap();
        let read = Description::parse(&text, "network.toml").unwrap();
        assert_eq!(read, described("netling"));
        let found = read.architecture(PathBuf::from("network.pt"));
        assert_eq!((found.name, found.square().size, found.pooled()), ("timm:netling", 64, 8));
        let groups = ["conv1.weight", "layer1.0.weight", "head.output.linear.weight"];
        assert_eq!(groups.map(|name| found.group_of(name)), [0, 1, N_GROUPS]);
        let names = groups.map(str::to_owned);
        assert_eq!(found.rate_shares(&names, 0.5), [0.5, 1.0, 1.0]);
        assert!(found.decays("conv1.weight") && !found.decays("pos"));
        assert!(found.is_classifier("fc.weight") && !found.is_classifier("fc2.weight"));
        assert!(found.takes(64).is_ok() && found.takes(96).is_ok());
        let told = found.takes(80).unwrap_err().to_string();
        assert!(told.contains("multiples of 32") && told.contains("--size 80"), "{told}");
    }

    #[test]
    fn what_describes_no_network_is_refused() {
        for change in [
            |of: &mut Description| of.version = 2,
            |of: &mut Description| of.name = "../escape".to_owned(),
            |of: &mut Description| of.tag = "in1k/../x".to_owned(),
            |of: &mut Description| of.width = 0,
            |of: &mut Description| of.width = i64::MAX,
            |of: &mut Description| of.size = 1 << 40,
            |of: &mut Description| of.std = [0.0; 3],
            |of: &mut Description| of.mean = [0.5, f32::NAN, 0.5],
            |of: &mut Description| of.gmacs = f64::INFINITY,
            |of: &mut Description| of.layers = BTreeMap::new(),
        ] {
            let mut other = described("netling");
            change(&mut other);
            let told = Description::parse(&other.to_text().unwrap(), "x.toml").unwrap_err();
            assert!(told.to_string().contains("models import"), "{told}");
        }
    }

    #[test]
    fn what_a_run_brings_is_known_for_as_long_as_it_is_asked() {
        let told = find_all("resnet18+timm:netling").unwrap_err().to_string();
        assert!(told.contains("kaggle-kit models import netling"), "{told}");
        let brought = described("netling").architecture(PathBuf::new());
        let found = with(vec![brought], || find_all("resnet18+timm:netling").unwrap());
        assert_eq!(found[1].name, "timm:netling");
        assert!(find_all("timm:netling").is_err() && find_all("timm:a/b").is_err());
    }
}
