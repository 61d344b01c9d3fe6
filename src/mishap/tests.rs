use std::io::Write;
use std::process::Command;

use anyhow::bail;

use super::*;
use crate::fs::{self, AtomicFile};

/// Runs `child` of this file in a process of its own: a hook is a whole process's.
fn child(what: &str, folder: &std::path::Path) -> (Option<i32>, String) {
    child_by(Command::new(std::env::current_exe().unwrap()), what, folder)
}

fn child_by(mut program: Command, what: &str, folder: &std::path::Path) -> (Option<i32>, String) {
    let test = "mishap::tests::a_program_that_meets_with_it";
    let output = program
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env("MISHAP", what)
        .env("MISHAP_FOLDER", folder)
        .env_remove("RUST_BACKTRACE")
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Nothing but what [`child`] runs.
#[test]
fn a_program_that_meets_with_it() {
    let Some(what) = std::env::var_os("MISHAP") else { return };
    let folder = std::path::PathBuf::from(std::env::var_os("MISHAP_FOLDER").unwrap());
    let work = move || -> Result<()> {
        let mut half = AtomicFile::create(&folder.join("half")).unwrap();
        half.write_all(b"ha").unwrap();
        match what.to_str().unwrap() {
            "bug" => panic!("index 7 of 3"),
            "bug in a thread" => {
                let thread = std::thread::spawn(|| panic!("index 7 of 3"));
                let _ = thread.join();
                bail!("the thread has ended");
            }
            "onednn" => {
                panic!("called `Result::unwrap()`: Torch(\"could not create a primitive\")")
            }
            "onednn without memory" => {
                let large = || {
                    let mut some = Vec::<u8>::new();
                    some.try_reserve(16 << 20).map(|()| some)
                };
                let all: Vec<Vec<u8>> = std::iter::from_fn(|| large().ok()).collect();
                std::hint::black_box(&all);
                panic!("called `Result::unwrap()`: Torch(\"could not create a primitive\")")
            }
            "a decoder" => {
                let gave_up = foreign::guarded(|| panic!("index 7 of 3")).unwrap_err();
                bail!("failed to decode `a.gif`: {gave_up}");
            }
            "bug in rayon" => rayon::join(|| panic!("index 7 of 3"), || ()).0,
            "torch" => panic!(
                "called `Result::unwrap()` on an `Err` value: Torch(\"[enforce fail at \
                 alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory: you tried to \
                 allocate 96337920 bytes\\nframe #0\")"
            ),
            "threads" => {
                let _ = std::thread::spawn(|| panic!("failed to spawn thread: Os {{ code: 11 }}"))
                    .join();
                bail!("a consequence");
            }
            "an error for want of memory" => bail!("CUDA out of memory. Tried to allocate 2 GiB"),
            "allocation" => {
                let huge = vec![1_u8; usize::MAX >> 2];
                bail!("{}", huge.len());
            }
            "reserved in vain" => {
                let mut huge = Vec::<u8>::new();
                assert!(huge.try_reserve(usize::MAX >> 2).is_err());
                bail!("an error");
            }
            other => panic!("{other}"),
        }
        Ok(())
    };
    let code = match caught(work) {
        Ok(()) => 0,
        Err(error) => {
            if !error.is::<Bug>() {
                term::error(&error);
            }
            crate::exit::code(&error)
        }
    };
    std::process::exit(code.into());
}

#[test]
fn a_panic_is_told_as_a_bug_and_leaves_nothing_half_written() {
    for what in ["bug", "bug in a thread", "bug in rayon"] {
        let folder = tempfile::tempdir().unwrap();
        let (code, told) = child(what, folder.path());
        assert_eq!(code, Some(101), "{what}: {told}");
        for part in [
            "error: this is a bug of kaggle-kit: index 7 of 3 (src/mishap/tests.rs:",
            env!("CARGO_PKG_VERSION"),
            "`kaggle-kit --exact mishap::",
            "hint: `RUST_BACKTRACE=1`",
        ] {
            assert!(told.contains(part), "{what}: {told}");
        }
        assert_eq!(told.matches("index 7 of 3").count(), 1, "{told}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{what}");
    }
}

#[test]
fn what_the_machine_refuses_is_an_error_and_no_bug() {
    for (what, said) in [
        (
            "torch",
            "not enough memory: [enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 96337920 bytes\n",
        ),
        ("threads", "no thread could be started: failed to spawn thread"),
        ("an error for want of memory", "not enough memory: CUDA out of memory"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (code, told) = child(what, folder.path());
        assert_eq!(code, Some(1), "{what}: {told}");
        assert!(told.contains(said) && told.contains("\nhint: "), "{what}: {told}");
        assert!(!told.contains("bug of kaggle-kit") && !told.contains("consequence"), "{told}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{what}");
    }
}

#[cfg(unix)]
#[test]
fn a_primitive_that_onednn_cannot_make_is_no_bug_where_memory_is_out() {
    let folder = tempfile::tempdir().unwrap();
    let (code, told) = child("onednn", folder.path());
    assert_eq!(code, Some(101), "{told}");
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -v 1000000 && exec \"$0\" \"$@\""]);
    limited.arg(std::env::current_exe().unwrap());
    let (code, told) = child_by(limited, "onednn without memory", folder.path());
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("not enough memory: could not create a primitive\n"), "{told}");
}

#[test]
fn what_a_decoder_panics_over_is_an_error_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (code, told) = child("a decoder", folder.path());
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("error: failed to decode `a.gif`: the decoder gave up"), "{told}");
    assert!(!told.contains("bug of kaggle-kit") && !told.contains("index 7"), "{told}");
}

#[cfg(unix)]
#[test]
fn an_allocation_that_is_refused_ends_with_a_word_and_not_with_a_signal() {
    let folder = tempfile::tempdir().unwrap();
    let (code, told) = child("allocation", folder.path());
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("error: there is not enough memory\nhint: ask for less"), "{told}");
    let (code, told) = child("reserved in vain", folder.path());
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("error: an error") && !told.contains("memory"), "{told}");
}
