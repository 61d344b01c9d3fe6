//! Where a backbone's pretrained weights are on this machine, and where they can be had.

use std::path::{Path, PathBuf};

use super::imported;
use crate::fs;
use crate::zoo::Architecture;

/// Where the weights of `architecture` lie in our cache.
pub fn cached_path(architecture: &Architecture, cache: &Path) -> PathBuf {
    if let Some(net) = architecture.imported() {
        return imported::folder(&net.described.name, cache).join(imported::WEIGHTS);
    }
    cache.join("weights").join(format!("{}.safetensors", architecture.name))
}

/// The same, or where the weights came with the program, if only that is there.
pub fn place(architecture: &Architecture, cache: &Path) -> PathBuf {
    let ours = cached_path(architecture, cache);
    let is_here = fs::metadata(&ours).is_ok();
    brought(architecture).filter(|_| !is_here).unwrap_or(ours)
}

/// A wheel brings the default network's beside its programs: `bin/` and `share/kaggle-kit/weights/`.
fn brought(architecture: &Architecture) -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?.canonicalize().ok()?;
    let folder = program.parent()?.parent()?.join("share/kaggle-kit/weights");
    let path = folder.join(format!("{}.safetensors", architecture.name));
    path.is_file().then_some(path)
}

/// Hugging Face's hub as the usual variables describe it: `HF_ENDPOINT`, `HF_TOKEN`,
/// `HF_HUB_OFFLINE`, and where its own library keeps files (`HF_HUB_CACHE`, `HF_HOME`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hub {
    endpoint: String,
    /// Who asks; most weights need nobody.
    pub token: Option<String>,
    /// Nothing is to be asked.
    pub offline: bool,
    /// Where Hugging Face's library keeps what it has downloaded.
    cache: Option<PathBuf>,
}

impl Hub {
    /// That of this process's environment.
    pub fn of_process() -> Self {
        Self::of(&|name| std::env::var(name).ok())
    }

    fn of(variable: &dyn Fn(&str) -> Option<String>) -> Self {
        let variable = |name: &str| {
            variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        let endpoint = variable("HF_ENDPOINT");
        let home = variable("HF_HOME").map(PathBuf::from).or_else(|| {
            let cache = variable("XDG_CACHE_HOME").map(PathBuf::from);
            let cache = cache.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cache")));
            Some(cache?.join("huggingface"))
        });
        let token_file = variable("HF_TOKEN_PATH")
            .map(PathBuf::from)
            .or_else(|| home.as_ref().map(|home| home.join("token")));
        let saved = || {
            let text = fs::read_to_string(token_file.as_ref()?).ok()?;
            Some(text.trim().to_owned()).filter(|token| !token.is_empty())
        };
        Self {
            endpoint: endpoint
                .unwrap_or_else(|| "https://huggingface.co".to_owned())
                .trim_end_matches('/')
                .to_owned(),
            token: variable("HF_TOKEN").or_else(saved),
            offline: variable("HF_HUB_OFFLINE").is_some_and(|value| {
                matches!(value.to_ascii_uppercase().as_str(), "1" | "ON" | "YES" | "TRUE")
            }),
            cache: variable("HF_HUB_CACHE")
                .map(PathBuf::from)
                .or_else(|| home.map(|home| home.join("hub"))),
        }
    }

    /// Address of timm's weights of `architecture`.
    pub fn url(&self, architecture: &Architecture) -> String {
        format!("{}/{}/resolve/main/model.safetensors", self.endpoint, architecture.repository())
    }

    /// The weights as Hugging Face's library has downloaded them before, if it has.
    pub fn downloaded(&self, architecture: &Architecture) -> Option<PathBuf> {
        let repository = format!("models--{}", architecture.repository().replace('/', "--"));
        let snapshots = self.cache.as_ref()?.join(repository).join("snapshots");
        let mut found: Vec<PathBuf> = fs::read_dir(snapshots)
            .ok()?
            .filter_map(|entry| Some(entry.ok()?.path().join("model.safetensors")))
            .filter(|path| path.is_file())
            .collect();
        found.sort();
        found.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoo;

    #[test]
    fn the_hub_is_where_its_variables_say() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().display().to_string();
        let hub = |set: &[(&str, &str)]| {
            Hub::of(&|name| {
                let found = set.iter().find(|(set, _)| *set == name).map(|(_, value)| *value);
                found.map(str::to_owned).or_else(|| (name == "HOME").then(|| home.clone()))
            })
        };
        let resnet = zoo::find("resnet34").unwrap();
        let path = "/timm/resnet34.a1_in1k/resolve/main/model.safetensors";
        assert_eq!(hub(&[]).url(resnet), format!("https://huggingface.co{path}"));
        let mirror =
            hub(&[("HF_ENDPOINT", "https://hf-mirror.example/"), ("HF_HUB_OFFLINE", "yes")]);
        assert_eq!(mirror.url(resnet), format!("https://hf-mirror.example{path}"));
        assert!(mirror.offline && !hub(&[("HF_HUB_OFFLINE", "0")]).offline);

        assert_eq!(hub(&[]).token, None);
        fs::create_dir_all(folder.path().join(".cache/huggingface")).unwrap();
        fs::write_atomic(folder.path().join(".cache/huggingface/token"), "hf_saved\n").unwrap();
        assert_eq!(hub(&[]).token.as_deref(), Some("hf_saved"));
        assert_eq!(hub(&[("HF_TOKEN", "hf_set")]).token.as_deref(), Some("hf_set"));

        assert_eq!(hub(&[]).downloaded(resnet), None);
        let kept = "models--timm--resnet34.a1_in1k/snapshots/abc/model.safetensors";
        let kept = folder.path().join(".cache/huggingface/hub").join(kept);
        fs::create_dir_all(kept.parent().unwrap()).unwrap();
        fs::write_atomic(&kept, "weights").unwrap();
        assert_eq!(hub(&[]).downloaded(resnet), Some(kept));
    }
}
