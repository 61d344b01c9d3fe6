//! What a first line that does not fit probably is.

/// What has happened to the first line of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slip {
    /// It is that of an HTML page.
    WebPage,
    /// It is JSON.
    Json,
    /// It is for Excel alone: `sep=,`.
    Excel,
    /// Columns are separated by something else than commas.
    Separator(char),
    /// The first column has no name, as pandas writes its index.
    Nameless,
    /// There are numbers in the place of names.
    NoHeader,
}

/// What has probably happened, from the names that a reader for commas has found.
pub fn slip(header: &[String]) -> Option<Slip> {
    let first = header.first().map_or("", |name| name.trim_start());
    let is_excels = first.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("sep="));
    if is_excels {
        Some(Slip::Excel)
    } else if first.starts_with('<') {
        Some(Slip::WebPage)
    } else if first.starts_with(['{', '[']) {
        Some(Slip::Json)
    } else if let Some(separator) = first.chars().find(|c| [';', '\t', '|'].contains(c)) {
        Some(Slip::Separator(separator))
    } else if header.len() > 1 && first.is_empty() {
        Some(Slip::Nameless)
    } else if header.len() > 1 && header.iter().all(|name| name.parse::<f64>().is_ok()) {
        Some(Slip::NoHeader)
    } else {
        None
    }
}

impl Slip {
    /// What to do about a file that a person has written.
    pub fn in_own_file(self) -> &'static str {
        match self {
            Self::WebPage => "it is a web page: download or write the file again",
            Self::Json => "it looks like JSON: write a CSV",
            Self::Excel => "the first line is Excel's own (`sep=`): take it out",
            Self::Separator(_) => {
                "columns are separated by commas: in pandas, `to_csv(.., sep=\",\")`"
            }
            Self::Nameless => {
                "the first column has no name, as pandas writes its index: `to_csv(.., index=False)`"
            }
            Self::NoHeader => "there is no header: it must be the first line",
        }
    }

    /// What to do about a table that is read.
    pub fn in_table(self) -> String {
        match self {
            Self::WebPage => "it is a web page: download the file again".to_owned(),
            Self::Json => "it looks like JSON: a CSV is needed".to_owned(),
            Self::Excel => {
                "the first line is Excel's own (`sep=`), which nothing else reads: take it \
                            out of the table"
                    .to_owned()
            }
            Self::Separator(separator) => {
                let (name, typed) = match separator {
                    ';' => ("semicolons", ";"),
                    '\t' => ("tabs", "\\t"),
                    _ => ("bars", "|"),
                };
                format!(
                    "columns are separated by {name} here, not by commas: in pandas, \
                     `read_csv(.., sep=\"{typed}\").to_csv(.., index=False)`"
                )
            }
            Self::Nameless => {
                "the first column has no name, as pandas writes its index: write the table with \
                 `to_csv(.., index=False)`, or, if the index are the ids, with \
                 `to_csv(.., index_label=\"id\")`"
                    .to_owned()
            }
            Self::NoHeader => {
                "there is no header: the names of the columns must be the first line".to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_line_tells_what_it_is() {
        for (line, expected) in [
            ("<!DOCTYPE html>", Some(Slip::WebPage)),
            ("{\"code\":404}", Some(Slip::Json)),
            ("sep=,", Some(Slip::Excel)),
            ("SEP=;", Some(Slip::Excel)),
            ("id;label", Some(Slip::Separator(';'))),
            ("id\tlabel", Some(Slip::Separator('\t'))),
            (",id,label", Some(Slip::Nameless)),
            ("1,0.5", Some(Slip::NoHeader)),
            ("id,label", None),
            ("", None),
        ] {
            let header: Vec<String> = line.split(',').map(str::to_owned).collect();
            assert_eq!(slip(&header), expected, "{line}");
        }
        assert!(Slip::Separator('\t').in_table().contains("tabs here, not by commas"));
    }
}
