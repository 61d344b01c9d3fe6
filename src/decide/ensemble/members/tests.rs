//! Made-up run folders become members.

use std::fmt::Write as _;

use super::*;
use crate::competition;
use crate::fs;
use crate::table::Table;

const CATS: &str = "dogs-vs-cats";

/// A finished run, as far as an ensemble looks at it.
struct Made<'a> {
    id: &'a str,
    /// Folds and fold.
    fold: (usize, usize),
    group: &'a str,
    score: f64,
    finished: &'a str,
    /// Held-out ids with their class and the probability of a dog.
    held_out: &'a [(&'a str, &'a str, f64)],
}

impl Made<'_> {
    fn write(&self, runs: &Path) -> Run {
        let run = Run { folder: runs.join(CATS).join(self.id) };
        run.write("competition.toml", &competition::find(CATS).unwrap().source).unwrap();
        let mut split = "id,part,labels\nseen,train,cat\n".to_owned();
        let mut predictions = "id,cat,dog\n".to_owned();
        for (id, class, dog) in self.held_out {
            writeln!(split, "{id},valid,{class}").unwrap();
            writeln!(predictions, "{id},{},{dog}", 1.0 - dog).unwrap();
        }
        run.write("split.csv", split).unwrap();
        run.write("valid-predictions.csv", predictions).unwrap();
        let classes = ["cat", "dog"].map(str::to_owned).to_vec().into();
        let (folds, fold) = self.fold;
        run.finish(&Summary {
            finished: self.finished.to_owned(),
            score: self.score,
            train_images: 10 - self.held_out.len(),
            valid_images: self.held_out.len(),
            folds,
            fold,
            group: self.group.to_owned(),
            ..Summary::made_up(CATS, &Metric::log_loss(), &classes)
        })
        .unwrap();
        run
    }
}

const FIRST: Made = Made {
    id: "20260101-000001-aaaa",
    fold: (2, 1),
    group: "g",
    score: 0.1,
    finished: "2026-01-01T01:00:00Z",
    held_out: &[("a", "cat", 0.1), ("b", "dog", 0.75)],
};
const SECOND: Made = Made {
    id: "20260101-000002-bbbb",
    fold: (2, 2),
    score: 0.3,
    held_out: &[("d", "dog", 0.5), ("c", "cat", 0.25)],
    ..FIRST
};
const ALONE: Made = Made {
    id: "20260101-000003-cccc",
    fold: (0, 0),
    group: "alone",
    score: 0.15,
    finished: "2026-01-01T02:00:00Z",
    held_out: &[("c", "cat", 0.5), ("x", "dog", 1.0), ("b", "dog", 0.875)],
};

fn names(members: &[Member]) -> Vec<(&str, String)> {
    members.iter().map(|member| (member.name.as_str(), member.extent())).collect()
}

fn all(made: &[&Made]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for run in made {
        run.write(folder.path());
    }
    folder
}

fn named_in(folder: &tempfile::TempDir, given: &[&str]) -> Result<Vec<Member>> {
    let given: Vec<String> = given.iter().map(|&name| name.to_owned()).collect();
    named(folder.path(), None, &given)
}

fn told<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => "no error".to_owned(),
        Err(error) => format!("{error:#}"),
    }
}

#[test]
fn a_fold_stands_for_its_whole_model() {
    let folder = all(&[&FIRST, &SECOND, &ALONE]);
    let members = named_in(&folder, &[SECOND.id, ALONE.id, FIRST.id]).unwrap();
    let expected = [(FIRST.id, "2 folds".to_owned()), (ALONE.id, "1 run".to_owned())];
    assert_eq!(names(&members), expected);
    assert!((members[0].score - 0.2).abs() < 1e-12);
    // By folder, and with a fold missing.
    fs::remove_dir_all(folder.path().join(CATS).join(FIRST.id)).unwrap();
    let path = folder.path().join(CATS).join(SECOND.id);
    let members = named(Path::new("elsewhere"), None, &[path.display().to_string()]).unwrap();
    assert_eq!(names(&members), [(SECOND.id, "1 of 2 folds".to_owned())]);
}

#[test]
fn a_fold_trained_twice_counts_once() {
    // Of local times in names the later one may be the earlier: what was finished last counts.
    for id in ["20260202-000000-dddd", "20251231-230000-dddd"] {
        let (finished, held_out) = ("2026-01-01T01:00:01Z", &[("a", "cat", 0.0)][..]);
        let again = Made { id, finished, held_out, ..FIRST };
        let folder = all(&[&FIRST, &SECOND, &again]);
        let members = named_in(&folder, &[FIRST.id, again.id]).unwrap();
        assert_eq!(names(&members), [(again.id, "2 folds".to_owned())]);
    }
}

#[test]
fn images_that_all_have_held_out_are_aligned() {
    let folder = all(&[&FIRST, &SECOND, &ALONE]);
    let pool = pool(&named_in(&folder, &[ALONE.id, FIRST.id]).unwrap()).unwrap();
    assert_eq!(pool.ids, ["b", "c"]);
    assert_eq!(pool.truth.classes(), [[1], [0]]);
    let rows: Vec<&[f32]> = pool.members.iter().map(Table::as_slice).collect();
    assert_eq!(rows, [[0.125, 0.875, 0.5, 0.5], [0.25, 0.75, 0.75, 0.25]]);
    // The folds are those of the member that has some.
    assert_eq!(pool.folds, [0, 1]);
    assert_eq!(pool.names, [ALONE.id, FIRST.id]);
}

#[test]
fn the_best_come_first_and_smoke_is_passed_over() {
    let smoke = Made { id: "20260101-000009-eeee", score: 0.0, ..ALONE };
    let folder = all(&[&FIRST, &SECOND, &ALONE, &smoke]);
    let summary = folder.path().join(CATS).join(smoke.id).join("summary.toml");
    let text = fs::read_to_string(&summary).unwrap();
    fs::write_atomic(&summary, text.replace("train-images = 7", "train-images = 2")).unwrap();
    let of = |n| best(folder.path(), &competition::find(CATS).unwrap(), n).unwrap();
    assert_eq!(names(&of(1)), [(ALONE.id, "1 run".to_owned())]);
    assert_eq!(of(9).len(), 2);
    let planet = competition::find("planet").unwrap();
    assert!(told(best(folder.path(), &planet, 2)).contains("no finished run"));
}

#[test]
fn a_run_that_was_trained_once_more_stands_for_both() {
    let folder = tempfile::tempdir().unwrap();
    let first = ALONE.write(folder.path());
    let again = Made { id: "20260101-000004-dddd", ..ALONE }.write(folder.path());
    let summary = Summary { refit: first.id(), ..again.summary().unwrap() };
    again.finish(&summary).unwrap();
    let members = best(folder.path(), &competition::find(CATS).unwrap(), 2).unwrap();
    let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
    assert_eq!(names, [again.id()]);
}

#[test]
fn networks_by_one_plan_are_one_model_that_has_held_out_their_images_once() {
    let folder = tempfile::tempdir().unwrap();
    let plan = ALONE.write(folder.path()).id();
    let by_plan = |id, seed, plan: &str| {
        let run = Made { id, ..ALONE }.write(folder.path());
        let refit = plan.to_owned();
        run.finish(&Summary { seed, refit, ..run.summary().unwrap() }).unwrap();
        run
    };
    let second = by_plan("20260101-000004-dddd", 43, &plan);
    let first = by_plan("20260101-000005-eeee", 42, &plan);
    by_plan("20260101-000006-ffff", 42, "20260101-000001-gone");
    for run in [&first, &second] {
        let model = of(run.clone()).unwrap();
        assert_eq!((model.name.as_str(), model.extent().as_str()), (&*first.id(), "2 networks"));
        assert_eq!(model.runs.iter().map(Run::id).collect::<Vec<_>>(), [first.id(), second.id()]);
    }
    let model = of(first.clone()).unwrap();
    assert_eq!((model.score, model.images), (ALONE.score, 10));
    assert_eq!(pool(&[model]).unwrap().ids, ["b", "c", "x"]);
    let members = best(folder.path(), &competition::find(CATS).unwrap(), 9).unwrap();
    let mut extents: Vec<String> = members.iter().map(Member::extent).collect();
    extents.sort();
    assert_eq!(extents, ["1 run", "2 networks"], "the plan's own run is left out");
    assert!(unfinished(&of(first.clone()).unwrap()).unwrap().is_empty());
    assert_eq!(alone(second).unwrap().extent(), "1 run");
    // A run by itself knows nothing of what was trained by its plan.
    assert_eq!(named_in(&folder, &[&plan]).unwrap()[0].extent(), "1 run");
}

#[test]
fn folds_are_there_as_what_was_trained_once_more_when_all_of_them_were() {
    let folder = all(&[&FIRST, &SECOND]);
    let again = |of: &Made, id| {
        let plan = of.write(folder.path());
        let run = Made { id, ..*of }.write(folder.path());
        let group = "again".to_owned();
        run.finish(&Summary { refit: plan.id(), group, ..run.summary().unwrap() }).unwrap();
    };
    let of = || {
        let members = best(folder.path(), &competition::find(CATS).unwrap(), 9).unwrap();
        members.iter().map(Member::extent).collect::<Vec<_>>()
    };
    again(&FIRST, "20260101-000007-aaaa");
    assert_eq!(of(), ["2 folds"]);
    again(&SECOND, "20260101-000008-bbbb");
    assert_eq!(of(), ["2 folds once more"]);
}

#[test]
fn what_does_not_fit_together_is_named() {
    let far = Made { held_out: &[("y", "cat", 0.5)], ..ALONE };
    let folder = all(&[&FIRST, &SECOND, &far]);
    let members = named_in(&folder, &[FIRST.id, far.id]).unwrap();
    let error = told(pool(&members));
    assert!(error.contains(FIRST.id) && error.contains("hint: train them"), "{error}");

    let relabelled = Made { held_out: &[("c", "dog", 0.5)], ..ALONE };
    let folder = all(&[&FIRST, &SECOND, &relabelled]);
    let members = named_in(&folder, &[FIRST.id, relabelled.id]).unwrap();
    assert!(told(pool(&members)).contains("`c` has other labels"), "{}", told(pool(&members)));

    let twice = Made { held_out: &[("a", "cat", 0.5)], ..SECOND };
    let folder = all(&[&FIRST, &twice]);
    let members = named_in(&folder, &[FIRST.id]).unwrap();
    assert!(told(pool(&members)).contains("in two folds"));
    assert!(told(named_in(&folder, &["nothing"])).contains("no run `nothing`"));

    let run = ALONE.write(folder.path());
    let members = named_in(&folder, &[ALONE.id]).unwrap();
    for (file, text, expected) in [
        ("split.csv", "id,part\nb,valid\n", "other columns"),
        ("split.csv", "id,part,labels\nb,valid,horse\n", "no class `horse`"),
        ("split.csv", "id,part,labels\nb,train,dog\n", "does not hold out"),
        ("valid-predictions.csv", "id,dog,cat\nb,0.5,0.5\n", "other columns"),
        ("valid-predictions.csv", "id,cat,dog\nb,0.5,0.5\n", "has 1 of the 3 images"),
        ("valid-predictions.csv", "id,cat,dog\nb,nan,0.5\n", "no probability at `b`: `nan`"),
        ("valid-predictions.csv", "id,cat,dog\nb,0.5\n", "failed to read"),
    ] {
        ALONE.write(folder.path());
        run.write(file, text).unwrap();
        let error = told(pool(&members));
        assert!(error.contains(expected) && error.contains(file), "{error}");
    }
}

#[test]
fn folds_answer_with_their_mean() {
    let folder = all(&[&FIRST, &SECOND]);
    let member = named_in(&folder, &[FIRST.id]).unwrap().remove(0);
    let said = |p: f32| Predictions {
        ids: vec!["1".to_owned()],
        probabilities: Table::new(vec![1.0 - p, p], 2),
        classes: member.classes.clone(),
    };
    let mean = member.mean(&[said(0.25), said(0.75)]).unwrap();
    assert_eq!(mean.probabilities.as_slice(), [0.5, 0.5]);
    assert!(member.mean(&[said(0.25)]).is_err());
}

const NAMES: [&str; 3] = ["low", "middle", "high"];

/// A finished run of levels, of 90 images, with the set of each where there is one.
fn write_levels(folder: &Path, id: &str, shift: f64, set_of: Option<fn(u32) -> u32>) -> Run {
    let run = Run { folder: folder.join("levels").join(id) };
    run.write("competition.toml", competition::made::of_levels("accuracy", NAMES)).unwrap();
    let sets = if set_of.is_some() { ",set" } else { "" };
    let mut split = format!("id,part,labels{sets}\n");
    let mut predictions = "id,level\n".to_owned();
    for i in 0..90_u32 {
        let set = set_of.map_or_else(String::new, |of| format!(",{}", of(i)));
        writeln!(split, "image {i},valid,{}{set}", NAMES[(i % 3) as usize]).unwrap();
        let level = 1.0 + 0.25 * (f64::from(i % 3) - 1.0) + shift + f64::from(i % 7) / 50.0;
        writeln!(predictions, "image {i},{level}").unwrap();
    }
    run.write("split.csv", split).unwrap();
    run.write("valid-predictions.csv", predictions).unwrap();
    let classes = NAMES.map(str::to_owned).to_vec().into();
    let accuracy = Metric::of("accuracy").unwrap();
    let summary = Summary::made_up("levels", &accuracy, &classes);
    run.finish(&Summary { valid_images: 90, ..summary }).unwrap();
    run
}

#[test]
fn what_belongs_together_is_in_one_fold_of_a_hold_out() {
    let folder = tempfile::tempdir().unwrap();
    let id = "20260101-000001-aaaa";
    write_levels(folder.path(), id, 0.0, Some(|i| i / 9));
    let pool = pool(&named_in(&folder, &[id]).unwrap()).unwrap();
    let set = |id: &String| id.trim_start_matches("image ").parse::<usize>().unwrap() / 9;
    let of_set = |wanted: usize| {
        let ids = pool.ids.iter().zip(&pool.folds).filter(move |(id, _)| set(id) == wanted);
        ids.map(|(_, fold)| *fold).collect::<Vec<_>>()
    };
    for set in 0..10 {
        assert!(of_set(set).iter().all(|fold| *fold == of_set(set)[0]), "{set}");
    }
    assert!((0..5).all(|fold| pool.folds.iter().filter(|&&of| of == fold).count() == 18));
}

/// Where an answer is for several images, what is decided is decided about what is said of these together.
#[test]
fn images_that_get_one_answer_are_one_row() {
    let folder = tempfile::tempdir().unwrap();
    let id = "20260101-000001-aaaa";
    // Three images of one level each, but for one set that has two levels.
    let set_of = |i: u32| if i < 2 { 99 } else { i / 9 * 3 + i % 3 };
    let run = write_levels(folder.path(), id, 0.0, Some(set_of));
    let spec = competition::made::of_levels("accuracy", NAMES)
        .replace("sample = \"sample.csv\"", "sample = \"sample.csv\"\ntest-table = \"test.csv\"")
        .replace(
            "[submission.label]\nid = \"id\"",
            "[submission.label]\nid = \"patient\"\npool = \"mean\"",
        );
    let grouped = format!("{spec}\n[split]\ngroup = \"patient\"\n");
    for (spec, n) in [(&spec, 90), (&grouped, 32)] {
        run.write("competition.toml", spec).unwrap();
        let pool = pool(&named_in(&folder, &[id]).unwrap()).unwrap();
        let n_rows = pool.members[0].n_rows();
        assert_eq!((pool.ids.len(), pool.truth.len(), pool.folds.len(), n_rows), (n, n, n, n));
    }
    let pool = pool(&named_in(&folder, &[id]).unwrap()).unwrap();
    let place = pool.ids.iter().position(|id| id == "image 10").unwrap();
    // Images 10, 13 and 16: the mean of 10 % 7, 13 % 7 and 16 % 7 is eleven thirds.
    assert!((pool.members[0].row(place)[0] - (1.0 + 11.0 / 150.0)).abs() < 1e-5);
    assert_eq!(pool.truth.select(&[place]), Truth::Classes(vec![vec![1]]));
}

#[test]
fn runs_of_levels_are_blended_and_decided() {
    let folder = tempfile::tempdir().unwrap();
    let ids = ["20260101-000001-aaaa", "20260101-000002-bbbb"];
    for (id, shift) in ids.into_iter().zip([0.25, -0.25]) {
        write_levels(folder.path(), id, shift, None);
    }
    let pool = pool(&named_in(&folder, &ids).unwrap()).unwrap();
    assert_eq!((pool.members[0].width(), pool.classes.len()), (1, 3));
    let choice = crate::decide::ensemble::choose(&pool).unwrap();
    // All levels lie around the middle: it takes cut points to tell them.
    assert!(choice.decision.score() > 0.95, "{}", choice.decision);
    let told = choice.decision.to_string();
    assert!(told.starts_with("levels cut at 0.") && told.contains("the nearest level"), "{told}");
    assert!(choice.methods.iter().all(|method| method.what.name != "logit mean"));
}
