//! Small pieces that sections share.

use maud::{Markup, PreEscaped, html};

use super::facts::Facts;
use crate::report::chart;

/// A section of the page: its address and title, a sentence on how to read it, and what it shows.
pub(super) fn section(id: &str, title: &str, lead: &str, body: &Markup) -> Markup {
    html! {
        section id=(id) {
            div.title {
                h2 { (title) }
                @if !lead.is_empty() { p.lead { (lead) } }
            }
            (body)
        }
    }
}

/// The page with a section in the place of the one that it has, or before the section `before`
/// where it has none; a page with neither stays as it is.
pub(super) fn with_section(page: &str, id: &str, before: &str, section: &str) -> String {
    let start = |id: &str| format!("<section id=\"{id}\">");
    if page.contains(&start(id)) {
        return replaced(page, &start(id), "</section>", section);
    }
    page.replacen(&start(before), &format!("{section}{}", start(before)), 1)
}

/// The page with other figures at its top.
pub(super) fn with_figures(page: &str, figures: &str) -> String {
    replaced(page, "<aside class=\"figures\">", "</aside>", figures)
}

/// What begins with `start` and ends with `end`, replaced.
fn replaced(page: &str, start: &str, end: &str, by: &str) -> String {
    let Some(from) = page.find(start) else { return page.to_owned() };
    let Some(to) = page[from..].find(end).map(|place| from + place + end.len()) else {
        return page.to_owned();
    };
    format!("{}{by}{}", &page[..from], &page[to..])
}

/// A whole page around its content.
pub(super) fn page(title: &str, main: &Markup) -> String {
    page_of(title, main, None)
}

/// The same, which a browser asks for again after so many seconds.
pub(super) fn page_again(title: &str, main: &Markup, seconds: u32) -> String {
    page_of(title, main, Some(seconds))
}

fn page_of(title: &str, main: &Markup, again: Option<u32>) -> String {
    const STYLE: &str = include_str!("style.css");
    // Whatever might slip into the page, a browser fetches nothing for it.
    const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
    let page = html! {
        (maud::DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                @if let Some(seconds) = again { meta http-equiv="refresh" content=(seconds); }
                title { (title) }
                style { (PreEscaped(chart::PALETTE)) (PreEscaped(STYLE)) (PreEscaped(chart::STYLE)) }
            }
            body {
                main { (main) }
            }
        }
    };
    page.into_string()
}

/// A table, which scrolls where its place is too narrow: what it says in a few words, the cells of its
/// head, and its rows.
pub(super) fn table(caption: &str, head: &Markup, rows: &Markup) -> Markup {
    table_of(None, caption, head, rows)
}

/// A table whose rows become blocks on a phone.
pub(super) fn stacked_table(caption: &str, head: &Markup, rows: &Markup) -> Markup {
    table_of(Some("stack"), caption, head, rows)
}

fn table_of(class: Option<&str>, caption: &str, head: &Markup, rows: &Markup) -> Markup {
    html! {
        div.scroll {
            table class=[class] {
                caption { (caption) }
                thead { tr { (head) } }
                tbody { (rows) }
            }
        }
    }
}

/// A link to a table beside the page, if there is that table.
pub(super) fn linked(facts: &Facts, file: &str, what: &str) -> Markup {
    let is_there = facts.files.iter().any(|(name, _)| *name == file);
    html! {
        @if is_there { p.quiet.file { (what) " as a table: " a href=(file) { (file) } } }
    }
}

/// A bar so long, as a share of its track.
pub(super) fn bar(share: f64) -> Markup {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    html! { span.bar style=(format!("width:{:.1}%", share * 100.0)) {} }
}

/// A matrix of more classes has smaller cells.
const FINE: usize = 12;
/// From this shade on a cell's text is light.
const HOT: f64 = 0.75;

/// A cell of a matrix: shaded by `shade` (0 to 1), with what it says under a pointer.
pub(super) fn cell(shade: f64, text: &str, tip: &str, own: bool) -> Markup {
    let shade = if shade.is_finite() { shade.clamp(0.0, 1.0) } else { 0.0 };
    let class = match (shade > HOT, own) {
        (true, true) => "hot own",
        (true, false) => "hot",
        (false, true) => "own",
        (false, false) => "",
    };
    html! {
        td class=[(!class.is_empty()).then_some(class)] style=(format!("--v:{shade:.2}")) title=(tip) {
            (text)
        }
    }
}

/// A square of classes against classes, their names along both sides; `cell` is asked for each row
/// and column.
pub(super) fn matrix(
    caption: &str,
    n: usize,
    name: impl Fn(usize) -> String,
    cell: impl Fn(usize, usize) -> Markup,
) -> Markup {
    html! {
        div.scroll {
            table class=(if n > FINE { "grid fine" } else { "grid" }) {
                caption.unseen { (caption) }
                thead {
                    tr {
                        td style="background:none" {}
                        @for column in 0..n { th scope="col" { span { (name(column)) } } }
                    }
                }
                tbody {
                    @for row in 0..n {
                        tr {
                            th scope="row" { (name(row)) }
                            @for column in 0..n { (cell(row, column)) }
                        }
                    }
                }
            }
        }
    }
}

/// `93.8 %`, on one line; the last tenth is not rounded up to a hundred.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 99.95 && share < 1.0 {
        ">\u{a0}99.9\u{a0}%".to_owned()
    } else {
        format!("{percent:.1}\u{a0}%")
    }
}

/// `94 %`: what a caption has room for.
pub(super) fn rough(share: f64) -> String {
    let percent = (share * 100.0).round();
    match (percent >= 100.0 && share < 1.0, percent == 0.0 && share > 0.0) {
        (true, _) => ">\u{a0}99\u{a0}%".to_owned(),
        (_, true) => "<\u{a0}1\u{a0}%".to_owned(),
        _ => format!("{percent}\u{a0}%"),
    }
}

/// What may not exist.
pub(super) fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "–".to_owned())
}

/// A rate: `1.2e-3`.
pub(super) fn rate(rate: f64) -> String {
    format!("{rate:.1e}")
}

/// A class's name as words: `old_english_sheepdog` is easier read without underscores.
pub(super) fn words(name: &str) -> String {
    name.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_not_rounded_to_certainty() {
        assert_eq!(percent(0.9999), ">\u{a0}99.9\u{a0}%");
        assert_eq!(percent(1.0), "100.0\u{a0}%");
        assert_eq!(percent(0.0), "0.0\u{a0}%");
        assert_eq!(or_dash(None), "–");
        let shown = [0.9999, 1.0, 0.004, 0.0, 0.426].map(rough);
        assert_eq!(shown.map(|t| t.replace('\u{a0}', "")), [">99%", "100%", "<1%", "0%", "43%"]);
    }

    #[test]
    fn a_section_takes_its_own_place_or_one_before_another() {
        let page = "<p>a</p><section id=\"tags\">old</section><p>b</p>";
        let tags = "<section id=\"tags\">new</section>";
        let with_tags = with_section(page, "tags", "tags", tags);
        assert_eq!(with_tags, format!("<p>a</p>{tags}<p>b</p>"));
        let with_both = with_section(&with_tags, "decision", "tags", "<section>1</section>");
        assert_eq!(with_both, format!("<p>a</p><section>1</section>{tags}<p>b</p>"));
        assert_eq!(with_section("nothing", "decision", "tags", tags), "nothing");
        let page = "<aside class=\"figures\"><b>1</b></aside>.";
        assert_eq!(with_figures(page, "<aside>2</aside>"), "<aside>2</aside>.");
    }

    #[test]
    fn a_bar_stays_in_its_track() {
        for (share, width) in [(1.7, "100.0%"), (f64::NAN, "0.0%"), (0.25, "25.0%")] {
            assert!(bar(share).into_string().contains(width));
        }
    }
}
