//! What is taken for an archive and is none that is unpacked here, by its first bytes.

use std::path::Path;

use super::kind;
use crate::explain::{self, Class, FileKind};

/// A kind of file that a person has to do something about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// After `is`: `a RAR archive, which ..`.
    pub is: String,
    /// What to do, as a hint.
    pub way_on: String,
}

/// What the file at `path` is, where it is known and not to be used as it is.
pub fn foreign(path: &Path) -> Option<Foreign> {
    kind(&kind::start_of(path).ok()?)
}

pub(super) fn kind(start: &[u8]) -> Option<Foreign> {
    if start.starts_with(b"PK\x07\x08") {
        return Some(Foreign {
            is: "the first file of a zip in several".to_owned(),
            way_on: "give the one that ends in `.zip`, with all others beside it".to_owned(),
        });
    }
    let FileKind { name, class } = explain::kind(start)?;
    let (is, way_on) = match class {
        // Whoever unpacks these was asked before.
        Class::Archive => (format!("{name}, but damaged"), "get it again".to_owned()),
        Class::Packed(with) => (
            format!("{name}, which is not unpacked here"),
            format!("unpack it with {with} and give the result with `--from`"),
        ),
        Class::Instead => (name.to_owned(), "the download went wrong: get it again".to_owned()),
        Class::Document => (name.to_owned(), "get the data themselves".to_owned()),
        Class::Picture | Class::Workbook | Class::Other => return None,
    };
    Some(Foreign { is, way_on })
}
