//! Unpacking against `unzip`, `tar` and `7z`: the same archives, in turns, in one run.
//!
//! Archives are made of noise that looks like pictures to a packer, as Kaggle's are. Each round
//! times the other program and then ours, both as processes of their own with an empty target
//! folder; the table has the medians.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use kaggle_kit::archive::made::noise;
use kaggle_kit::{archive, fs, term};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Unpacking against `unzip`, `tar` and `7z`
#[derive(Parser)]
struct Arguments {
    /// Where to work; about four times the images' bytes are needed
    #[arg(long, default_value_os_t = std::env::temp_dir())]
    folder: PathBuf,
    /// How many images an archive holds
    #[arg(long, default_value_t = 6000)]
    images: usize,
    /// Bytes of an image, on average
    #[arg(long, default_value_t = 40_000)]
    size: usize,
    /// How often each program unpacks each archive
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// The 7-Zip program; without it there are no rows for 7z
    #[arg(long)]
    seven_z: Option<PathBuf>,
    /// Unpacks one archive into `--folder`, as the measured child does
    #[arg(long, hide = true)]
    only: Option<PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(archive) = &arguments.only {
        archive::extract(archive, &arguments.folder, &())?;
        println!("{}", peak_memory().unwrap_or_default());
        return Ok(());
    }
    let place = tempfile::TempDir::new_in(&arguments.folder)?;
    println!("| archive | packed | other | its time | ours | ratio | our memory |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for case in cases(&arguments, place.path())? {
        measure(&case, arguments.rounds)?;
        fs::remove_file(&case.archive)?;
    }
    Ok(())
}

/// An archive and the shell command that unpacks it from `$A` into the current folder.
struct Case {
    archive: PathBuf,
    other: &'static str,
    command: String,
}

fn measure(case: &Case, rounds: usize) -> Result<()> {
    let place = case.archive.parent().context("no folder")?;
    let (mut theirs, mut ours, mut memory) = (Vec::new(), Vec::new(), 0);
    for _ in 0..rounds {
        let into = place.join("theirs");
        fs::create_dir_all(&into)?;
        let start = Instant::now();
        let status = Command::new("sh")
            .args(["-ec", &case.command])
            .env("A", &case.archive)
            .current_dir(&into)
            .stdout(Stdio::null())
            .status()?;
        theirs.push(start.elapsed().as_secs_f64());
        ensure!(status.success(), "`{}` failed", case.command);
        let n_theirs = count(&into)?;
        fs::remove_dir_all(&into)?;

        let into = place.join("ours");
        let start = Instant::now();
        let output = Command::new(std::env::current_exe()?)
            .arg("--only")
            .arg(&case.archive)
            .arg("--folder")
            .arg(&into)
            .stderr(Stdio::inherit())
            .output()?;
        ours.push(start.elapsed().as_secs_f64());
        ensure!(output.status.success(), "ours failed");
        memory = memory.max(String::from_utf8(output.stdout)?.trim().parse::<u64>()?);
        let n_ours = count(&into)?;
        fs::remove_dir_all(&into)?;
        ensure!(n_ours == n_theirs, "{n_ours} files instead of {n_theirs}");
    }
    let (theirs, ours) = (median(theirs), median(ours));
    println!(
        "| {} | {} | {} | {theirs:.2} s | {ours:.2} s | {:.2} | {} |",
        case.archive.file_name().unwrap_or_default().display(),
        term::bytes(fs::metadata(&case.archive)?.len()),
        case.other,
        ours / theirs,
        term::bytes(memory),
    );
    Ok(())
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

fn count(folder: &Path) -> Result<usize> {
    let mut n = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        n += if path.is_dir() { count(&path)? } else { 1 };
    }
    Ok(n)
}

/// The most memory this process had, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

fn cases(arguments: &Arguments, place: &Path) -> Result<Vec<Case>> {
    let case = |name: &str, other, command: &str| Case {
        archive: place.join(name),
        other,
        command: command.to_owned(),
    };
    let images = Images { n: arguments.images, size: arguments.size };
    let mut cases = vec![
        case("train.zip", "unzip", "unzip -q $A"),
        case("stored.zip", "unzip", "unzip -q $A"),
        case("bundle.zip", "unzip, twice", "unzip -q $A; unzip -q train.zip; rm train.zip"),
        case("packed-bundle.zip", "unzip, twice", "unzip -q $A; unzip -q train.zip; rm train.zip"),
        case("labels.csv.zip", "unzip", "unzip -q $A"),
        case("train.tar", "tar", "tar xf $A"),
    ];
    let path = |name: &str| place.join(name);
    images.zip(&path("train.zip"), CompressionMethod::Deflated)?;
    images.zip(&path("stored.zip"), CompressionMethod::Stored)?;
    for (name, method) in [
        ("bundle.zip", CompressionMethod::Stored),
        ("packed-bundle.zip", CompressionMethod::Deflated),
    ] {
        let mut writer = zip_writer(&path(name))?;
        writer.start_file("train.zip", options(method))?;
        std::io::copy(&mut fs::File::open(path("train.zip"))?, &mut writer)?;
        writer.finish()?.flush()?;
    }
    table(&path("labels.csv.zip"), arguments.images * arguments.size / 60)?;
    images.tar(&path("train.tar"))?;
    if let Some(program) = &arguments.seven_z {
        let program = program.display();
        let made = Command::new("sh")
            .args(["-ec", &format!(
                "'{program}' a -mx=1 train.tar.7z train.tar; mkdir loose; tar xf train.tar -C loose; \
                 '{program}' a -mx=1 -ms=8m train.7z ./loose/*; rm -r loose"
            )])
            .current_dir(place)
            .stdout(Stdio::null())
            .status()?;
        ensure!(made.success(), "`{program}` failed to make archives");
        let streamed = format!("'{program}' x -so $A | tar xf -");
        cases.push(case("train.tar.7z", "7z, tar", &streamed));
        cases.push(case("train.7z", "7z", &format!("'{program}' x $A")));
    }
    Ok(cases)
}

/// Files of noise.
struct Images {
    n: usize,
    size: usize,
}

impl Images {
    fn each(&self, mut take: impl FnMut(&str, &[u8]) -> Result<()>) -> Result<()> {
        let noise = noise(4 << 20);
        for n in 0..self.n {
            // Half to one and a half times the size.
            let size = self.size / 2 + n * 7919 % self.size.max(1);
            let start = n * 104_729 % (noise.len() - size);
            take(&format!("train/{n}.jpg"), &noise[start..start + size])?;
        }
        Ok(())
    }

    fn zip(&self, path: &Path, method: CompressionMethod) -> Result<()> {
        let mut writer = zip_writer(path)?;
        self.each(|name, content| {
            writer.start_file(name, options(method))?;
            Ok(writer.write_all(content)?)
        })?;
        Ok(writer.finish()?.flush()?)
    }

    fn tar(&self, path: &Path) -> Result<()> {
        let mut builder = tar::Builder::new(BufWriter::new(fs::File::create(path)?));
        self.each(|name, content| {
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            Ok(builder.append_data(&mut header, name, content)?)
        })?;
        Ok(builder.into_inner()?.flush()?)
    }
}

/// A table of so many rows, as a large submission is.
fn table(path: &Path, n_rows: usize) -> Result<()> {
    let mut writer = zip_writer(path)?;
    writer.start_file("labels.csv", options(CompressionMethod::Deflated))?;
    let noise = noise(1 << 20);
    for n in 0..n_rows {
        let at = n * 16 % (noise.len() - 16);
        for byte in &noise[at..at + 16] {
            write!(writer, "{byte:02x}")?;
        }
        writeln!(writer, ",0.{:06},class-{}", n * 7919 % 1_000_000, noise[at] % 120)?;
    }
    Ok(writer.finish()?.flush()?)
}

fn zip_writer(path: &Path) -> Result<ZipWriter<BufWriter<fs::File>>> {
    Ok(ZipWriter::new(BufWriter::new(fs::File::create(path)?)))
}

fn options(method: CompressionMethod) -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(method)
}
