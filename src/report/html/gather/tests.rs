//! What of a folder needs a closer look.

use super::*;

#[test]
fn what_is_known_of_a_leak_is_in_the_spec() {
    let leak = |name: &str| crate::competition::find(name).unwrap().leak;
    assert!(leak("dog-breed").is_some_and(|text| text.contains("ImageNet")));
    assert_eq!(leak("dogs-vs-cats"), None);
}

#[test]
fn classes_are_counted_by_part() {
    let classes: Classes = vec!["cat".to_owned(), "dog".to_owned(), "emu".to_owned()].into();
    let image = |side, target: &[usize]| LabelledImage {
        id: String::new(),
        side,
        target: target.to_vec(),
        numbers: Vec::new(),
        set: None,
    };
    let images = [image(Side::Train, &[0]), image(Side::Valid, &[0, 1]), image(Side::Train, &[])];
    let counts: Vec<(usize, usize)> =
        count_classes(&images, &classes).iter().map(|c| (c.train, c.valid)).collect();
    assert_eq!(counts, [(1, 1), (0, 1), (0, 0)]);
    assert_eq!(count_classes(&[], &classes), []);
}
