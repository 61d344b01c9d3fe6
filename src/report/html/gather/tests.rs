//! Reading what runs leave, also half of it.

use super::events::{Events, title};
use super::*;
use crate::recipe::Layer;

const LOG: &str = r#"{"event":"stage-started","stage":"find-head-rate","time":"2026-11-24T06:00:08Z"}
{"event":"rate-found","stage":"find-head-rate","curve":{"rates":[1e-4,1e-3,1e-2],"losses":[2.0,1.0,null],"batch_losses":[2.1,0.9,5.0],"end":"not-finite","suggestion":0.0012}}
{"event":"stage-finished","stage":"find-head-rate","found":"1.2e-3, the highest rate","seconds":0.5}
{"event":"epoch","stage":"head-on-activations","epoch":1,"cycle":1,"train_loss":1.2,"score":{"loss":0.3,"metric":0.3,"accuracy":0.9},"rates":[0.0003,0.0006,0.0012],"seconds":0.2}
{"event":"something-new","stage":"head-on-activations","field":[1,2]}
{"event":"epoch","stage":"head-on-activations","epoch":1,"cycle":1,"train_loss":1.1,"score":{"loss":0.25,"metric":0.25,"accuracy":0.92},"rates":[0.0003,0.0006,0.0012],"seconds":0.2}
{"event":"epoch","stage":"head-on-activ"#;

#[test]
fn a_log_is_read_as_far_as_it_goes() {
    let events = Events::parse(LOG);
    // The epoch that was told twice, after a resumption, counts once; half a line does not.
    assert_eq!(events.epochs.len(), 1);
    assert_eq!(events.epochs[0].train_loss, 1.1);
    assert_eq!(events.epochs[0].stage, "head on activations");
    let sweep = &events.sweeps[0];
    assert_eq!(sweep.chosen, Some(0.0012), "the rate that the next epochs used");
    assert_eq!(sweep.suggestions, [("clear".to_owned(), Some(0.0012))]);
    assert_eq!(sweep.why, "1.2e-3, the highest rate");
    assert!(sweep.losses[2].is_nan());
}

#[test]
fn a_stage_of_another_version_keeps_its_name() {
    assert_eq!(title("find-full-rate"), "find the full rate");
    assert_eq!(title("8"), "whole network");
    assert_eq!(title("0"), "0");
    assert_eq!(title("whole-network-at-256"), "whole network at 256");
}

#[test]
fn recipes_differ_where_they_differ() {
    let default = recipe::resolve(&[]).unwrap();
    assert_eq!(changed(&default, &default).unwrap(), []);
    let layer = Layer::parse("test", "size = 64\n[whole-network]\nmax-cycles = 1\n").unwrap();
    let own = recipe::resolve(&[layer]).unwrap();
    let changed = changed(&default, &own).unwrap();
    let told: Vec<(&str, &str)> =
        changed.iter().map(|s| (s.key.as_str(), s.value.as_str())).collect();
    assert_eq!(told, [("size", "64"), ("whole-network.max-cycles", "1")]);
}

#[test]
fn what_is_known_of_a_leak_is_in_the_spec() {
    let leak = |name: &str| crate::competition::find(name).unwrap().leak;
    assert!(leak("dog-breed").is_some_and(|text| text.contains("ImageNet")));
    assert_eq!(leak("dogs-vs-cats"), None);
}

#[test]
fn classes_are_counted_by_part() {
    let labels = [vec!["cat".to_owned()], vec!["dog".to_owned(), "cat".to_owned()], vec![]];
    let classes: Classes = vec!["cat".to_owned(), "dog".to_owned(), "emu".to_owned()].into();
    let rows = ["train", "valid", "train"].into_iter().zip(labels.iter().map(Vec::as_slice));
    let counts: Vec<(usize, usize)> =
        count_classes(rows, &classes).iter().map(|c| (c.train, c.valid)).collect();
    assert_eq!(counts, [(1, 1), (0, 1), (0, 0)]);
    assert_eq!(count_classes(std::iter::empty(), &classes), []);
}
