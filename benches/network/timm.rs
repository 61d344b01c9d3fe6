//! The other side: timm on `PyTorch`, in a Python of its own that is asked line by line, so that it is started
//! once.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use kaggle_kit::device::DeviceChoice;
use kaggle_kit::fs;
use kaggle_kit::zoo;

use super::{Arguments, Kind};

/// As `network_torch.py` has it.
pub(crate) struct Timm {
    child: Child,
    ask: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    device: &'static str,
    benchmark: u8,
}

/// What is measured.
pub(crate) struct Question<'a> {
    pub(crate) backbone: &'a str,
    pub(crate) size: usize,
    pub(crate) kind: Kind<'a>,
    /// Batches of each work; 0 for none.
    pub(crate) batches: [usize; 3],
    /// JPEGs, where it is to be fed from files.
    pub(crate) files: Option<&'a Path>,
}

impl Timm {
    /// Starts it, where there is a Python for it.
    pub(crate) fn of(arguments: &Arguments) -> Result<Option<Self>> {
        let Some(python) = &arguments.python else { return Ok(None) };
        let mut command = Command::new(python);
        command.arg(script()?).stdin(Stdio::piped()).stdout(Stdio::piped());
        // Ours needs a libtorch of its own in front; Python has its own.
        command.env_remove("LD_LIBRARY_PATH").env_remove("LD_PRELOAD");
        let mut child =
            command.spawn().with_context(|| format!("failed to start `{}`", python.display()))?;
        let (ask, answers) = (child.stdin.take(), child.stdout.take().context("no output")?);
        let device = if arguments.device == DeviceChoice::Cpu { "cpu" } else { "auto" };
        let benchmark = u8::from(arguments.benchmark);
        Ok(Some(Self { child, ask, answers: BufReader::new(answers), device, benchmark }))
    }

    /// Images a second of each work, in its order; 0 where that was not asked for.
    pub(crate) fn rates(&mut self, question: &Question) -> Result<[f64; 3]> {
        let Question { backbone, size, kind: Kind { precision, batch }, batches, files } = question;
        let name = backbone.trim_start_matches(zoo::imported::PREFIX);
        let batches = batches.map(|n| n.to_string()).join(",");
        let folder = files.map_or_else(|| "-".into(), |folder| folder.display().to_string());
        let (device, benchmark) = (self.device, self.benchmark);
        let line =
            format!("{name} {size} {batch} {batches} {precision} {device} {benchmark} {folder}\n");
        let ask = self.ask.as_mut().context("no input")?;
        ask.write_all(line.as_bytes()).context("timm's side has ended")?;
        let mut answer = String::new();
        if self.answers.read_line(&mut answer)? == 0 {
            bail!("timm's side has ended: it needs torch and timm, and torchvision for files");
        }
        if let Some(error) = answer.strip_prefix("error: ") {
            bail!("timm: {}", error.trim());
        }
        let mut rates = [0.0; 3];
        for (rate, word) in rates.iter_mut().zip(answer.split_whitespace()) {
            *rate = word.parse().with_context(|| format!("no number: `{}`", answer.trim()))?;
        }
        Ok(rates)
    }
}

impl Drop for Timm {
    fn drop(&mut self) {
        // It ends with its input.
        self.ask = None;
        let _ = self.child.wait();
    }
}

/// Beside the program, as a bundle has it, else where it was built.
fn script() -> Result<std::path::PathBuf> {
    const NAME: &str = "network_torch.py";
    let beside = std::env::current_exe()?.with_file_name(NAME);
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../benches/network").join(NAME);
    let found = [beside, built].into_iter().find(|path| fs::metadata(path).is_ok());
    found.context("`network_torch.py` is not beside this program")
}
