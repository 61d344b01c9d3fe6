//! The sample submission, and which images its rows ask about.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::beyond::Beyond;
use super::data::{self, Data};
use super::images::Images;
use super::pixels::{self, Pixels};
use super::place::{self, ENOUGH, EXAMPLES, Place, Role, Taken};
use super::records;
use super::table::{Form, Table};
use super::text;

/// The sample, and what it asks about.
pub(super) struct Sample<'a> {
    pub(super) table: &'a Table,
    pub(super) id: usize,
    /// The columns that are to be filled.
    pub(super) values: Vec<usize>,
    pub(super) asks: Asks<'a>,
}

/// How a row of the sample leads to images.
pub(super) enum Asks<'a> {
    /// Its id names one.
    Images(Place),
    /// Its id is an image's and a class's: `ID_12cadc6af_epidural`.
    Long {
        place: Place,
        classes: Vec<String>,
    },
    /// Another table has the id, and says where the image is.
    Table {
        table: &'a Table,
        place: Place,
    },
    /// Another table has the id once for each of several images.
    Pool {
        table: &'a Table,
        image: usize,
        place: Place,
    },
    Pixels(Pixels<'a>),
    /// The images are not to be seen yet: the folders where they will be.
    Unseen {
        folders: Vec<String>,
        classes: Vec<String>,
    },
}

impl<'a> Sample<'a> {
    pub(super) fn find(
        data: &'a Data,
        images: &Images,
        wanted: Option<&str>,
    ) -> Result<Self, Beyond> {
        let table = table(data, wanted)?;
        super::beyond::of_columns(table)?;
        super::beyond::of_header(table)?;
        if table.rows.is_empty() || table.header.len() < 2 {
            return Err(Beyond::EmptySample(table.path.clone()));
        }
        super::beyond::of_lookup(data, table)?;
        let (id, asks) =
            asks(data, images, table).ok_or_else(|| super::beyond::of_images(data, table))?;
        // One without a name is the index of pandas.
        let is_value = |&column: &usize| column != id && !table.header[column].is_empty();
        let values = (0..table.header.len()).filter(is_value).collect();
        Ok(Self { table, id, values, asks })
    }

    pub(super) fn id_name(&self) -> &'a str {
        &self.table.header[self.id]
    }

    /// The names of the columns that are to be filled.
    pub(super) fn names(&self) -> Vec<&'a str> {
        self.values.iter().map(|&column| self.table.header[column].as_str()).collect()
    }

    /// The place of the test images, where there are files.
    pub(super) fn place(&self) -> Option<&Place> {
        match &self.asks {
            Asks::Images(place)
            | Asks::Long { place, .. }
            | Asks::Table { place, .. }
            | Asks::Pool { place, .. } => Some(place),
            Asks::Pixels(_) | Asks::Unseen { .. } => None,
        }
    }
}

/// The CSV whose name says that it is one.
fn table<'a>(data: &'a Data, wanted: Option<&str>) -> Result<&'a Table, Beyond> {
    if let Some(wanted) = wanted {
        let found = data.tables.iter().find(|table| table.path == wanted);
        return found.ok_or_else(|| Beyond::NoSuchTable(wanted.to_owned()));
    }
    let rank = |table: &&Table| {
        let name = data::base(&table.path);
        let has = |wanted: &[&str]| text::has_word(name, wanted);
        let kind = match (has(&["sample"]), has(&["submi", "solution", "prediction"])) {
            (true, true) => 4,
            (true, false) => 3,
            (false, _) if has(&["submi"]) => 2,
            _ if has(&["benchmark"]) => 1,
            _ => 0,
        };
        let stage = text::words(name).iter().find_map(|word| word.parse::<u64>().ok());
        (kind, stage.unwrap_or(0), std::cmp::Reverse(table.path.len()))
    };
    let is_sample = |table: &&Table| {
        table.form == Form::Csv && rank(table).0 > 0 && !text::is_train(data::base(&table.path))
    };
    let samples: Vec<&Table> = data.tables.iter().filter(is_sample).collect();
    let folders = folders_apart(&samples);
    if folders.len() > 1 {
        return Err(Beyond::Several(folders));
    }
    samples.into_iter().max_by_key(rank).ok_or_else(|| super::beyond::of_no_sample(data))
}

/// The folders at the top that each have a sample of their own, where these are not the stages of one
/// competition.
fn folders_apart(samples: &[&Table]) -> Vec<String> {
    const OF_STAGES: [&str; 4] = ["stage", "stg", "phase", "round"];
    let top = |table: &&Table| table.path.split_once('/').map(|(top, _)| top.to_owned());
    let Some(mut tops) = samples.iter().map(top).collect::<Option<Vec<String>>>() else {
        return Vec::new();
    };
    tops.sort();
    tops.dedup();
    let name = |top: &String| {
        let mut words = text::words(top);
        let is_stage = |word: &String| OF_STAGES.contains(&word.as_str());
        words.retain(|word| !is_stage(word) && word.parse::<u64>().is_err());
        words
    };
    let names: HashSet<Vec<String>> = tops.iter().map(name).collect();
    if names.len() > 1 { tops } else { Vec::new() }
}

fn asks<'a>(data: &'a Data, images: &Images, table: &'a Table) -> Option<(usize, Asks<'a>)> {
    let columns = (0..table.header.len().min(8)).filter(|&column| !table.header[column].is_empty());
    let none = Taken::new();
    if !images.is_empty() {
        let is_whole = data.listing.is_whole();
        let share =
            |column: usize| place::share(images, is_whole, (table, column), Role::Test, &none);
        // A label may be the number of an image; ids are there once.
        let unique =
            |column: usize| table.values(column).len() as f64 / table.rows.len().max(1) as f64;
        let named = columns.clone().map(|column| (column, share(column), unique(column)));
        let best = named.filter(|(_, share, _)| *share >= ENOUGH);
        let best = best.max_by(|a, b| (a.1 * a.2).total_cmp(&(b.1 * b.2)).then(b.0.cmp(&a.0)));
        if let Some((id, ..)) = best {
            let ids = place::unique(table.cells(id));
            let place = place::find(images, table, id, Role::Test, &none)
                .or_else(|| place::by_names(images, &ids, Role::Test, &none))?;
            return Some((id, Asks::Images(place)));
        }
        if let Some((place, classes)) = long(images, table, 0) {
            return Some((0, Asks::Long { place, classes }));
        }
        if let Some(found) = by_table(data, images, table) {
            return Some((0, found));
        }
        if let Some(place) = place::find(images, table, 0, Role::Test, &none) {
            return Some((0, Asks::Images(place)));
        }
    }
    if let Some(pixels) = pixels::find(data, table) {
        return Some((0, Asks::Pixels(pixels)));
    }
    let records = if data.features.is_empty() { Vec::new() } else { records::folders(data, true) };
    let folders = if records.is_empty() { unseen(data, images, Role::Test)? } else { records };
    let classes = parts(table, 0).unwrap_or_default();
    Some((0, Asks::Unseen { folders, classes }))
}

/// The images, where a cell is an image's id, `_` and a class, and the classes.
fn long(images: &Images, table: &Table, column: usize) -> Option<(Place, Vec<String>)> {
    let cut = |cell: &'_ str| -> Option<usize> {
        let places = cell.rmatch_indices('_').map(|(at, _)| at);
        places.into_iter().find(|&at| !images.named(&cell[..at]).is_empty())
    };
    let examples: Vec<usize> = table.spread(EXAMPLES).collect();
    let n_cut = examples.iter().filter(|&&row| cut(table.cell(row, column)).is_some()).count();
    if (n_cut as f64) < ENOUGH * examples.len() as f64 {
        return None;
    }
    let cuts = table.cells(column).filter_map(|cell| Some((cell, cut(cell)?)));
    let (ids, classes): (Vec<&str>, HashSet<&str>) =
        cuts.map(|(cell, at)| (&cell[..at], &cell[at + 1..])).unzip();
    if classes.len() < 2 || classes.len() * 2 > table.rows.len().max(4) {
        return None;
    }
    let ids = place::unique(ids.into_iter());
    let mut classes: Vec<String> = classes.into_iter().map(str::to_owned).collect();
    text::sort(&mut classes);
    Some((place::by_names(images, &ids, Role::Test, &Taken::new())?, classes))
}

/// The last parts of ids, where every beginning has each of them: a row an image and a class.
pub(super) fn parts(table: &Table, column: usize) -> Option<Vec<String>> {
    let mut of: HashMap<&str, usize> = HashMap::new();
    let mut classes: Vec<String> = Vec::new();
    for cell in table.cells(column) {
        let (start, class) = cell.rsplit_once('_')?;
        *of.entry(start).or_default() += 1;
        if !classes.iter().any(|known| known == class) {
            classes.push(class.to_owned());
        }
        if classes.len() > 200 {
            return None;
        }
    }
    let is_full = of.values().all(|&n| n == classes.len());
    (classes.len() > 1 && is_full && of.len() > 1).then_some(classes)
}

/// A table that has the sample's ids and leads from there to images.
fn by_table<'a>(data: &'a Data, images: &Images, sample: &Table) -> Option<Asks<'a>> {
    let ids = sample.values(0);
    let mut found: BTreeMap<(u8, usize), Asks> = BTreeMap::new();
    let others = data.tables.iter().enumerate();
    for (order, table) in others.filter(|(_, other)| other.path != sample.path) {
        for column in 0..table.header.len().min(64) {
            let values = table.values(column);
            let n_known = ids.iter().filter(|id| values.contains(*id)).count();
            if (n_known as f64) < 0.9 * ids.len() as f64 {
                continue;
            }
            let rank = u8::from(!text::is_test(&table.path));
            if let Some(asks) = of_table(images, table, column) {
                found.entry((rank, order)).or_insert(asks);
            }
        }
    }
    found.into_values().next()
}

fn of_table<'a>(images: &Images, table: &'a Table, id: usize) -> Option<Asks<'a>> {
    let none = Taken::new();
    let image = (0..table.header.len().min(64)).filter(|&column| column != id).find(|&column| {
        let cells = table.spread(EXAMPLES).map(|row| table.cell(row, column));
        let is_unique = table.values(column).len() * 10 >= table.rows.len() * 9;
        is_unique && place::share_named(images, cells, Role::Test, &none) >= ENOUGH
    });
    let is_pool = table.values(id).len() * 20 < table.rows.len() * 19;
    if let Some(image) = image {
        let ids = place::unique(table.cells(image));
        let place = place::by_names(images, &ids, Role::Test, &none)?;
        let is_flat = place.places.len() == 1
            && place
                .found
                .iter()
                .all(|&n| place::named_folder(images.all[n].folder) == place.places[0]);
        if is_pool || !is_flat {
            return Some(Asks::Pool { table, image, place });
        }
    }
    if is_pool {
        return None;
    }
    let place = place::find(images, table, id, Role::Test, &none)?;
    Some(Asks::Table { table, place })
}

/// Folders that are not listed and have the images, by their names.
pub(super) fn unseen(data: &Data, images: &Images, role: Role) -> Option<Vec<String>> {
    let mut folders: Vec<String> = data
        .listing
        .unseen
        .iter()
        .filter(|name| !text::is_extra(name) && !data::is_table(name))
        .cloned()
        .collect();
    folders.retain(|name| match role {
        Role::Test => text::is_test(name),
        Role::Train => !text::is_test(name),
    });
    if folders.is_empty() && images.is_empty() && data.listing.unseen.len() == 1 {
        // One archive of both.
        folders.clone_from(&data.listing.unseen);
    }
    let has_train = folders.iter().any(|name| text::is_train(name));
    folders.retain(|name| role == Role::Test || !has_train || text::is_train(name));
    (!folders.is_empty()).then_some(folders)
}
