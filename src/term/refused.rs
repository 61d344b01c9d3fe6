//! What a person can do where the system refuses to read or write: advice for every error that has none of
//! its own, from whichever file it comes.

use std::io::{self, ErrorKind};

/// The advice that goes with the first error of the system among the causes.
pub(super) fn what_helps(error: &anyhow::Error) -> Option<&'static str> {
    let kinds = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>());
    kinds.map(io::Error::kind).find_map(of_kind)
}

fn of_kind(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "make room on the disk, then run the same command again"
        }
        ErrorKind::ReadOnlyFilesystem => {
            "the disk is read-only: name a place elsewhere, or have it mounted for writing"
        }
        ErrorKind::PermissionDenied => {
            "get the right to it from whoever owns it (`ls -l` tells), or name another place"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;
    use crate::term::describe;

    #[test]
    fn what_the_system_refuses_comes_with_advice_unless_somebody_gave_one() {
        let refused = |kind: ErrorKind, context: &'static str| {
            let error = fs_err::File::open("/nowhere").map(drop).unwrap_err();
            let error = io::Error::new(kind, error);
            describe(&Err::<(), _>(error).context(context).unwrap_err()).1
        };
        let full = "make room on the disk, then run the same command again";
        assert_eq!(refused(ErrorKind::StorageFull, "failed to write `a`"), [full]);
        assert_eq!(refused(ErrorKind::QuotaExceeded, "failed to write `a`"), [full]);
        assert!(refused(ErrorKind::ReadOnlyFilesystem, "failed")[0].contains("read-only"));
        assert!(refused(ErrorKind::PermissionDenied, "failed")[0].contains("`ls -l`"));
        assert_eq!(refused(ErrorKind::StorageFull, "failed\nhint: wait"), ["wait"]);
        assert_eq!(refused(ErrorKind::NotFound, "failed"), [""; 0]);
    }
}
