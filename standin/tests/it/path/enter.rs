//! `enter`: the whole way with one command, and once more.

use kaggle_kit_standin::own;

use super::*;

/// Heads on a frozen backbone, in seconds.
const FEW: [&str; 10] = [
    "--preset",
    "quick",
    "--set",
    "size=64",
    "--set",
    "folds=2",
    "--set",
    "head-on-activations.min-steps=40",
    "--set",
    "find-head-rate.run=false",
];

#[test]
fn one_command_goes_the_whole_way_and_does_nothing_twice() {
    let competition = own::find("leaf-blight").unwrap().unwrap();
    let sizes = Sizes { train: 80, ..Sizes::TINY };
    let miniature = Miniature::generate(&competition, sizes, 5).unwrap();
    let server = kaggle_kit_standin::start(vec![miniature], Options::default()).unwrap();
    let here = Scratch::new();
    let enter = || {
        let mut command = here.kaggle_kit();
        command.env("KAGGLE_API_ENDPOINT", server.url());
        command.env("KAGGLE_API_TOKEN", &server.account().token);
        command.args(["enter", "leaf-blight", "--yes"]).args(FEW);
        command
    };
    let first = enter().args(["--upload", "-m", "first try"]).assert().success();
    let told = contains("expected: accuracy 0.").and(contains("by the images held out"));
    let first = first.stderr(told.and(contains("2 heads on one backbone")));
    let stdout = String::from_utf8(first.get_output().stdout.clone()).unwrap();
    let csv = here.path().join(stdout.lines().last().unwrap());
    let sent = fs::read(&csv).unwrap();
    assert_eq!(server.submissions().len(), 1);
    // The spec, the data, the runs and the predictions are there.
    let again = enter().args(["--upload", "-m", "once more"]).assert().success();
    let again = again.stderr(contains("the spec is there").and(contains("fold 2 is trained")));
    let again = again.stderr(contains("is there already").and(contains("precompute").not()));
    assert_eq!(again.get_output().stdout, stdout.as_bytes());
    assert_eq!(fs::read(&csv).unwrap(), sent);
    assert_eq!(server.submissions().len(), 1);
}

#[test]
fn a_stage_that_fails_ends_it_with_its_exit_code() {
    let server = serve("dogs-vs-cats");
    let here = Scratch::new();
    let enter = || {
        let mut command = here.kaggle_kit();
        command.env("KAGGLE_API_ENDPOINT", server.url());
        command.args(["enter", "dogs-vs-cats"]).args(FEW);
        command
    };
    enter().assert().code(3).stderr(contains("`fetch` did not end well"));
    let mut wrong = enter();
    wrong.env("KAGGLE_API_TOKEN", &server.account().token).args(["--set", "sizes=3"]);
    wrong.assert().code(1).stderr(contains("unknown setting `sizes`").and(contains("`train` did")));
    let mut networks = enter();
    networks.env("KAGGLE_API_TOKEN", &server.account().token).arg("--refit=3");
    networks.assert().code(1).stderr(contains("several networks by one plan"));
}

#[test]
fn a_preset_that_takes_longer_than_there_is_time_gives_way_to_a_quicker_one() {
    let here = with_data("dogs-vs-cats");
    let train = ["train", "dogs-vs-cats", "--device", "cpu"];
    let mut hurried = here.kaggle_kit();
    hurried.args(train).args(["--preset", "best", "--max-minutes", "0.02"]);
    // The weights that every machine has.
    hurried.args(["--backbone", "tf_efficientnet_lite0"]);
    let output = hurried.output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    let lines: Vec<&str> = told.lines().filter(|line| line.contains("as measured here")).collect();
    assert_eq!(lines.len(), 3, "{told}");
    assert!(lines[0].contains("`best`") && lines[0].ends_with("; too long"), "{told}");
    assert!(lines[1].contains("`good`") && lines[1].ends_with("; too long"), "{told}");
    assert!(lines[2].contains("`quick`") && lines[2].ends_with("; too long"), "{told}");
    assert!(told.contains("is taken, since there is none quicker"), "{told}");

    // Of several backbones those that have no folds take the first.
    let mut offline = here.kaggle_kit();
    offline
        .args(train)
        .args(["--preset", "best", "--max-minutes", "0.02"])
        .env("HF_HUB_OFFLINE", "1");
    offline.args(["--backbone", "tf_efficientnet_lite0,resnext101_64x4d"]);
    let told = String::from_utf8(offline.output().unwrap().stderr).unwrap();
    let passed =
        told.find("`best` is passed over: `HF_HUB_OFFLINE` is set, and there are no weights");
    let good = told.find("`good`, as measured here");
    assert!(passed.is_some() && passed < good, "{told}");
}
