//! The value of a field, as text.

use serde::de::SeqAccess;

use super::LIST;
use crate::json::{Any, Plain, Reader};

/// The text of a value; of a list, its values with [`LIST`] between them; of a record, nothing.
pub(super) struct Cell;

impl<'de> Reader<'de> for Cell {
    type Read = Option<String>;

    fn plain(self, value: Plain) -> Result<Option<String>, String> {
        Ok(Some(match value {
            Plain::Text(text) => text.trim().to_owned(),
            value => value.to_string(),
        }))
    }

    fn nothing(self) -> Result<Option<String>, String> {
        Ok(None)
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Option<String>, A::Error> {
        let mut all = Vec::new();
        while let Some(value) = list.next_element_seed(Any::by(Self))? {
            all.extend(value);
        }
        // One value is told from a list of it by nobody.
        Ok(Some(all.join(&LIST.to_string())))
    }
}
