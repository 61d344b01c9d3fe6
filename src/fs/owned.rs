//! Files that are written under the name that they have, such as those that grow, and files whose place a
//! person names: what else is at that place is not written to, and not replaced.

use std::io::{self, ErrorKind, Read};
use std::path::Path;

use anyhow::{Result, bail};
use fs_err::OpenOptions;

use super::plain::{refuse_link_or_other, refuse_other_names};
use super::{File, atomic, open, symlink_metadata};

/// So much of a file tells whether it is ours.
const TELLING: u64 = 1 << 20;

/// Opens a plain file of ours to write to it, as `options` say. What a link of that name leads to is
/// somebody else's, a pipe would keep us waiting: neither is opened.
pub fn open_own(path: impl AsRef<Path>, options: &mut OpenOptions) -> io::Result<File> {
    let path = path.as_ref();
    if is_own(path)? {
        refuse_other_names(path, &symlink_metadata(path)?)?;
    }
    let file = never_through_links(options).open(path)?;
    // Whatever may have come there since.
    let opened = file.metadata()?;
    refuse_other_names(path, &opened)?;
    refuse_link_or_other(path, &opened)?;
    Ok(file)
}

/// Whether there is a plain file; an error where something else has its name, be it a link to one.
pub fn is_own(path: &Path) -> io::Result<bool> {
    match symlink_metadata(path) {
        Ok(there) => refuse_link_or_other(path, &there).map(|()| true),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Writes a file at a place that a person named, or that others may use as well. What is there is
/// replaced if it is empty or `is_ours` knows the beginning of it; `what` we write, in words.
pub fn write_named(
    path: &Path,
    bytes: impl AsRef<[u8]>,
    what: &str,
    is_ours: impl FnOnce(&[u8]) -> bool,
) -> Result<()> {
    if is_own(path)? {
        let mut start = Vec::new();
        open(path)?.take(TELLING).read_to_end(&mut start)?;
        if !start.is_empty() && !is_ours(&start) {
            bail!(
                "`{}` is there already and is no {what}: it is not replaced\nhint: name another \
                 file, or move that one away",
                path.display()
            );
        }
    }
    atomic::write_atomic(path, bytes)
}

#[cfg(unix)]
fn never_through_links(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;
    // A plain file does not know the second, and a pipe does not wait with it.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    options.options_mut().custom_flags(flags.cast_signed());
    options
}

#[cfg(not(unix))]
fn never_through_links(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::symlink;

    use proptest::prelude::*;

    use super::super::{read, read_to_string, why_not_plain, write_atomic};
    use super::*;

    /// What may lie at a name.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Thing {
        Nothing,
        File,
        LinkToFile,
        LinkToLink,
        BrokenLink,
        LinkToItself,
        LinkToDevice,
        LinkToPipe,
        LinkToFolder,
        HardLink,
        Pipe,
        Socket,
        Folder,
    }

    fn put(thing: Thing, at: &Path, victim: &Path) {
        let beside = |name: &str| victim.with_file_name(name);
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        let pipe = |path: &Path| rustix::fs::mkfifoat(rustix::fs::CWD, path, mode).unwrap();
        match thing {
            Thing::Nothing => {}
            Thing::File => write_atomic(at, "old").unwrap(),
            Thing::LinkToFile => symlink(victim, at).unwrap(),
            Thing::LinkToLink => {
                symlink(victim, beside("link")).unwrap();
                symlink(beside("link"), at).unwrap();
            }
            Thing::BrokenLink => symlink(beside("new"), at).unwrap(),
            Thing::LinkToItself => symlink(at, at).unwrap(),
            Thing::LinkToDevice => symlink("/dev/zero", at).unwrap(),
            Thing::LinkToPipe => {
                pipe(&beside("pipe"));
                symlink(beside("pipe"), at).unwrap();
            }
            Thing::LinkToFolder => symlink(victim.parent().unwrap(), at).unwrap(),
            Thing::HardLink => super::super::hard_link(victim, at).unwrap(),
            Thing::Pipe => pipe(at),
            Thing::Socket => drop(std::os::unix::net::UnixListener::bind(at).unwrap()),
            Thing::Folder => super::super::create_dir_all(at).unwrap(),
        }
    }

    const ALL: [Thing; 13] = [
        Thing::Nothing,
        Thing::File,
        Thing::LinkToFile,
        Thing::LinkToLink,
        Thing::BrokenLink,
        Thing::LinkToItself,
        Thing::LinkToDevice,
        Thing::LinkToPipe,
        Thing::LinkToFolder,
        Thing::HardLink,
        Thing::Pipe,
        Thing::Socket,
        Thing::Folder,
    ];

    proptest! {
        #[test]
        fn only_plain_files_under_their_own_name_are_written_to(
            thing in proptest::sample::select(&ALL[..]),
            (can_read, append, create, truncate) in any::<(bool, bool, bool, bool)>(),
            text in "[a-z]{1,9}",
        ) {
            let folder = tempfile::tempdir().unwrap();
            let victim = folder.path().join("elsewhere/victim");
            write_atomic(&victim, "precious").unwrap();
            let at = folder.path().join("own");
            put(thing, &at, &victim);
            let mut options = File::options();
            options.read(can_read).write(true).append(append).create(create);
            options.truncate(truncate && !append);
            let opened = open_own(&at, &mut options);
            let is_fine = thing == Thing::File || thing == Thing::Nothing && create;
            prop_assert_eq!(opened.is_ok(), is_fine);
            match opened {
                Ok(mut file) => {
                    file.write_all(text.as_bytes()).unwrap();
                    prop_assert!(read_to_string(&at).unwrap().contains(&text));
                }
                Err(error) if thing != Thing::Nothing => {
                    let told = error.to_string();
                    let named = told.starts_with(&format!("`{}` is a", at.display()));
                    prop_assert!(named && told.contains("\nhint: "), "{}", told);
                    prop_assert!(why_not_plain(&error).is_some());
                }
                Err(error) => prop_assert_eq!(error.kind(), ErrorKind::NotFound),
            }
            prop_assert_eq!(read(&victim).unwrap(), b"precious");
            prop_assert!(!victim.with_file_name("new").exists());

            // Nor is anything but ours replaced where a person says where to.
            let at = folder.path().join("named");
            if thing != Thing::LinkToLink && thing != Thing::LinkToPipe {
                put(thing, &at, &victim);
                let is_ours = |start: &[u8]| start == b"old";
                let written = write_named(&at, &text, "poem", is_ours);
                let is_fine = matches!(thing, Thing::File | Thing::Nothing);
                prop_assert_eq!(written.is_ok(), is_fine, "{:?}", written);
                prop_assert_eq!(read(&victim).unwrap(), b"precious");
            }
        }
    }

    #[test]
    fn what_is_not_ours_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        write_atomic(&path, "mine").unwrap();
        let ours = |start: &[u8]| start.starts_with(b"poem");
        let error = write_named(&path, "poem 1", "poem", ours).unwrap_err().to_string();
        assert!(error.contains("is no poem") && error.contains("\nhint: "), "{error}");
        assert_eq!(read_to_string(&path).unwrap(), "mine");
        for before in ["", "poem 0"] {
            write_atomic(&path, before).unwrap();
            write_named(&path, "poem 1", "poem", ours).unwrap();
            assert_eq!(read_to_string(&path).unwrap(), "poem 1");
        }
    }
}
