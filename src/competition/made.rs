//! Specs that several tests are about.

/// A competition of levels, whose images are PNG.
pub(crate) fn of_levels(metric: &str, classes: [&str; 3]) -> String {
    let [low, middle, high] = classes;
    format!(
        r#"
title = "Levels"
slug = "levels"
metric = "{metric}"
[files]
train = ["train"]
test = ["test"]
sample = "sample.csv"
extension = "png"
[target]
kind = "ordinal"
classes = ["{low}", "{middle}", "{high}"]
[target.labels.csv]
file = "train.csv"
id = "id"
label = "level"
[submission.label]
id = "id"
column = "level"
"#
    )
}
