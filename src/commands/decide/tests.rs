//! From a run of levels to a CSV, without a network.

use std::fmt::Write as _;

use super::*;
use crate::competition::made;
use crate::dataset;
use crate::fs;
use crate::run::Summary;
use crate::table::Table;
use crate::target::Classes;

/// What the network says of an image of that class, nearer to the middle than the class.
fn level(i: usize, class: usize) -> f32 {
    1.0 + 0.25 * (class as f32 - 1.0) + 0.01 * (i % 7) as f32
}

/// A finished run that held 90 images out and has looked at six test images.
fn run_of_levels(workspace: &Workspace) -> Run {
    let classes: Classes = ["0", "1", "2"].map(str::to_owned).to_vec().into();
    let run = Run { folder: workspace.runs().join("levels/1-a") };
    let spec = made::of_levels("kappa", ["0", "1", "2"]);
    run.write("competition.toml", spec).unwrap();
    run.write("recipe.toml", "size = 64\n").unwrap();
    run.write("weights.safetensors", "numbers").unwrap();
    let mut split = "id,part,labels\n".to_owned();
    let mut predictions = "id,level\n".to_owned();
    for i in 0..90 {
        writeln!(split, "image {i},valid,{}", i % 3).unwrap();
        writeln!(predictions, "image {i},{}", level(i, i % 3)).unwrap();
    }
    run.write("split.csv", split).unwrap();
    run.write("valid-predictions.csv", predictions).unwrap();
    let competition = run.competition().unwrap();
    let summary = Summary::made_up("levels", &competition.metric, &classes);
    run.finish(&Summary { valid_images: 90, ..summary }).unwrap();

    let data = workspace.data().join("levels");
    let mut sample = "id,level\n".to_owned();
    fs::create_dir_all(data.join("test")).unwrap();
    for i in 0..6_u8 {
        let picture = image::RgbImage::from_pixel(4, 4, image::Rgb([i, 2 * i, 3 * i]));
        picture.save(data.join(format!("test/t{i}.png"))).unwrap();
        writeln!(sample, "t{i},0").unwrap();
    }
    fs::write_atomic(data.join("sample.csv"), sample).unwrap();
    let samples = dataset::open_test(&competition, &data, &classes).unwrap();
    let hash = dataset::digest_of_set(&samples, &()).unwrap().to_string();
    let said = Predictions {
        ids: samples.iter().map(|sample| sample.id.clone()).collect(),
        probabilities: Table::new((0..6).map(|i| level(i, i % 3)).collect(), 1),
        classes,
    };
    run.write_test_predictions(&hash, &said, competition.target.kind).unwrap();
    run
}

fn args(method: Option<&str>, solution: Option<PathBuf>) -> Args {
    Args {
        runs: vec!["1-a".to_owned()],
        method: method.map(str::to_owned),
        calibration: Kind::Platt,
        rows: Rows::Any,
        solution,
        device: device::DeviceChoice::default(),
        json: false,
    }
}

#[test]
fn levels_become_labels_by_cut_points() {
    let root = tempfile::tempdir().unwrap();
    let workspace = Workspace::new(root.path());
    let run_folder = run_of_levels(&workspace);
    let solution = root.path().join("solution.csv");
    fs::write_atomic(&solution, "id,level\nt0,0\nt1,1\nt2,2\nt3,0\nt4,1\nt5,2\n").unwrap();
    let decide = |args: &Args| run(args, &workspace, |_, _| panic!("all was predicted before"));
    decide(&args(None, Some(solution))).unwrap();
    let csv = || fs::read_to_string(workspace.submissions().join("levels-1-a.csv")).unwrap();
    assert_eq!(csv(), "id,level\nt0,0\nt1,1\nt2,2\nt3,0\nt4,1\nt5,2\n");
    let text = fs::read_to_string(run_folder.file(DECISION)).unwrap();
    assert!(
        text.contains("[answers.rule.cut-points]") && text.contains("metric = \"kappa\""),
        "{text}"
    );
    assert!(run_folder.summary().unwrap().score > 0.99, "the decision's score is the run's");
    // A way that is asked for is used, and one that there is not is told.
    decide(&args(Some("nearest"), None)).unwrap();
    assert_eq!(csv(), "id,level\nt0,1\nt1,1\nt2,1\nt3,1\nt4,1\nt5,1\n");
    assert!(run_folder.summary().unwrap().score.abs() < 1e-9);
    let error = decide(&args(Some("expected-f"), None)).unwrap_err().to_string();
    assert!(error.ends_with("hint: there is `nearest`, `cut-points`"), "{error}");
}
