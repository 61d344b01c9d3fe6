//! What is there after a power cut: files are flushed, then the folders that hold their names, and only
//! then what vouches for them.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rayon::prelude::*;

use super::{File, atomic, create_dir_all, folder_of, remove_file, rename};

/// So many files are flushed one by one; where there are more, their whole disk is flushed at once,
/// which takes one wait instead of thousands.
const FEW: usize = 64;

/// Writes a file that says of others that they are whole: `files` are brought to the disk first, with
/// every folder from theirs up to that of the record.
///
/// What the record replaces (a download, a checkpoint) may be deleted once this returns.
pub fn write_record<P: AsRef<Path> + Sync>(
    record: impl AsRef<Path>,
    bytes: impl AsRef<[u8]>,
    files: &[P],
) -> Result<()> {
    flush(files, folder_of(record.as_ref()))?;
    atomic::write_atomic(record, bytes)
}

/// Brings files to the disk, and then the folders that they lie in, up to and with `within`.
pub fn flush<P: AsRef<Path> + Sync>(files: &[P], within: &Path) -> Result<()> {
    let mut folders = BTreeSet::new();
    for file in files {
        let above = file.as_ref().ancestors().skip(1);
        for folder in above.take_while(|folder| folder.starts_with(within)) {
            if !folders.insert(folder.to_owned()) {
                break;
            }
        }
        folders.insert(folder_of(file.as_ref()).to_owned());
    }
    if files.len() > FEW && flush_disks(&folders)? {
        return Ok(());
    }
    files.par_iter().try_for_each(|file| flush_file(file.as_ref()))?;
    // The deepest first: a folder stands behind the one that holds it.
    Ok(folders.iter().rev().try_for_each(|folder| flush_folder(folder))?)
}

fn flush_file(path: &Path) -> Result<()> {
    let mut options = File::options();
    // Windows flushes only what may be written to.
    options.read(true).write(cfg!(windows));
    let failed = || format!("failed to bring `{}` to the disk", path.display());
    options.open(path).and_then(|file| file.sync_all()).with_context(failed)?;
    #[cfg(test)]
    watched::note(watched::Event::File(path.to_owned()));
    Ok(())
}

/// Brings the names in a folder to the disk. Where a folder cannot be opened, or its disk knows no such
/// thing, the system does what it can by itself.
pub fn flush_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        let flushed = File::open(folder).and_then(|folder| folder.sync_all());
        if let Err(error) = flushed
            && !matches!(
                error.kind(),
                ErrorKind::PermissionDenied | ErrorKind::InvalidInput | ErrorKind::Unsupported
            )
        {
            return Err(error);
        }
    }
    #[cfg(test)]
    watched::note(watched::Event::Folder(folder.to_owned()));
    Ok(())
}

/// Flushes every disk that one of the folders is on; `false` where one of them is of a kind of which
/// that is not known to reach it.
#[cfg(target_os = "linux")]
fn flush_disks(folders: &BTreeSet<PathBuf>) -> Result<bool> {
    use std::collections::BTreeMap;
    use std::os::unix::fs::MetadataExt;

    let mut disks = BTreeMap::new();
    for folder in folders {
        let opened = File::open(folder)?;
        disks.entry(opened.metadata()?.dev()).or_insert((folder, opened));
    }
    for (folder, opened) in disks.values() {
        // Those that are not served by another program or machine, which would have to be told as well.
        let kind = rustix::fs::fstatfs(opened.file())?.f_type as u32;
        if !KERNEL_DISKS.contains(&kind) {
            return Ok(false);
        }
        rustix::fs::syncfs(opened.file()).with_context(|| {
            format!("failed to bring the files in `{}` to the disk", folder.display())
        })?;
    }
    #[cfg(test)]
    watched::note(watched::Event::Disks);
    Ok(true)
}

/// ext2 to ext4, XFS, Btrfs, F2FS, Bcachefs, ZFS, `OverlayFS`, tmpfs: `linux/magic.h` and their own headers.
#[cfg(target_os = "linux")]
const KERNEL_DISKS: [u32; 8] = [
    0xef53,
    0x5846_5342,
    0x9123_683e,
    0xf2f5_2010,
    0xca45_1a4e,
    0x2fc1_2fc1,
    0x794c_7630,
    0x0102_1994,
];

#[cfg(not(target_os = "linux"))]
fn flush_disks(_: &BTreeSet<PathBuf>) -> Result<bool> {
    Ok(false)
}

/// Makes a folder with those above it; their names stay when the power goes.
pub fn make_folder(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let is_new = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let new: Vec<&Path> = folder.ancestors().take_while(is_new).collect();
    create_dir_all(folder)?;
    for folder in new {
        flush_folder(folder_of(folder))?;
    }
    Ok(())
}

/// Gives a file that was flushed its name; the name stays when the power goes.
pub fn rename_flushed(from: &Path, to: &Path) -> Result<()> {
    rename(from, to)?;
    #[cfg(test)]
    watched::note(watched::Event::Named(to.to_owned()));
    Ok(flush_folder(folder_of(to))?)
}

/// Removes a file for good: it does not come back when the power goes. Nothing happens where it is not.
pub fn remove_flushed(path: &Path) -> Result<()> {
    match remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        removed => removed?,
    }
    #[cfg(test)]
    watched::note(watched::Event::Removed(path.to_owned()));
    Ok(flush_folder(folder_of(path))?)
}

/// What was brought to the disk, in order, for tests that ask what a power cut would leave.
#[cfg(test)]
pub mod watched {
    use std::path::{Path, PathBuf};
    use std::sync::Mutex;

    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum Event {
        File(PathBuf),
        Folder(PathBuf),
        /// Everything on the disks.
        Disks,
        /// A file got its name; its bytes were flushed before.
        Named(PathBuf),
        Removed(PathBuf),
    }

    static EVENTS: Mutex<Vec<Event>> = Mutex::new(Vec::new());

    pub(crate) fn note(event: Event) {
        EVENTS.lock().unwrap().push(event);
    }

    /// What concerned `folder` so far; other tests have others.
    pub fn below(folder: &Path) -> Vec<Event> {
        let concerns = |event: &&Event| match event {
            Event::File(path) | Event::Folder(path) | Event::Named(path) | Event::Removed(path) => {
                path.starts_with(folder)
            }
            Event::Disks => true,
        };
        EVENTS.lock().unwrap().iter().filter(concerns).cloned().collect()
    }

    /// Those of `files` (below `folder`) that a power cut right after `then` would not leave whole:
    /// bytes that nobody flushed, or a name in a folder that was not flushed after them.
    pub fn lost(folder: &Path, files: &[PathBuf], then: &Event) -> Vec<PathBuf> {
        let events = below(folder);
        let end = events.iter().rposition(|event| event == then).expect("it was to happen");
        let events = &events[..end];
        let stays = |file: &&PathBuf| {
            let flushed = |event: &Event| match event {
                Event::File(path) | Event::Named(path) => path == *file,
                Event::Disks => true,
                Event::Folder(_) | Event::Removed(_) => false,
            };
            let Some(bytes) = events.iter().rposition(flushed) else { return false };
            let named = |folder: &Path| {
                events[bytes..].iter().any(|event| match event {
                    Event::Folder(path) => path == folder,
                    event => *event == Event::Disks,
                })
            };
            file.ancestors().skip(1).take_while(|above| above.starts_with(folder)).all(named)
        };
        files.iter().filter(|file| !stays(file)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::watched::{Event, lost};
    use super::*;

    #[test]
    fn a_record_is_written_after_what_it_vouches_for() {
        for n in [3, FEW + 1] {
            let folder = tempfile::tempdir().unwrap();
            let root = folder.path().canonicalize().unwrap();
            let paths: Vec<PathBuf> =
                (0..n).map(|i| root.join(format!("a/{}/{i}.jpg", i % 2))).collect();
            for path in &paths {
                create_dir_all(folder_of(path)).unwrap();
                fs_err::write(path, "x").unwrap();
            }
            let record = root.join("record.toml");
            write_record(&record, "whole", &paths).unwrap();
            assert_eq!(lost(&root, &paths, &Event::Named(record)), Vec::<PathBuf>::new());
        }
    }

    #[test]
    fn what_nobody_flushed_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (kept, lost_one) = (root.join("kept"), root.join("lost"));
        fs_err::write(&lost_one, "x").unwrap();
        atomic::write_atomic(&kept, "x").unwrap();
        let record = root.join("record.toml");
        write_record(&record, "", &[] as &[PathBuf]).unwrap();
        let files = [kept, lost_one.clone()];
        let lost = lost(&root, &files, &Event::Named(record));
        // Other tests may have flushed their whole disk meanwhile, and that is the same one.
        assert!(lost.is_empty() || lost == [lost_one], "{lost:?}");
    }

    #[test]
    fn new_folders_are_flushed_in_the_folder_above() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        make_folder(&root.join("a/b/c")).unwrap();
        let events = watched::below(&root);
        for above in ["", "a", "a/b"] {
            assert!(events.contains(&Event::Folder(root.join(above))), "{events:?}");
        }
        make_folder(&root.join("a/b")).unwrap();
        remove_flushed(&root.join("nothing")).unwrap();
    }
}
