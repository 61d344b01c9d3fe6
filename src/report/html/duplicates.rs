//! The images that are there twice, by the names that a page tells them by.

use super::facts::NamedDuplicates;
use crate::dataset::{Sample, Twins};
use crate::target::Classes;

/// Names what was found among training and test images.
pub fn named(
    train: &[Sample],
    test: &[Sample],
    classes: &Classes,
    found: &Twins,
) -> NamedDuplicates {
    let ids = |group: &Vec<usize>| group.iter().map(|&i| train[i].id.clone()).collect();
    let labelled = |&i: &usize| {
        let labels: Vec<&str> =
            train[i].target.iter().map(|&class| classes.names()[class].as_str()).collect();
        (train[i].id.clone(), labels.join(", "))
    };
    let conflict = |&group: &usize| found.groups[group].iter().map(labelled).collect();
    let pair = |&(i, j): &(usize, usize)| (train[i].id.clone(), test[j].id.clone());
    NamedDuplicates {
        groups: found.groups.iter().map(ids).collect(),
        across: found.across.iter().map(pair).collect(),
        conflicts: found.conflicts.iter().map(conflict).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_are_named_with_their_labels() {
        let sample = |id: &str, class: usize| Sample::new(id, format!("{id}.jpg"), vec![class]);
        let train = [sample("a", 0), sample("b", 1), sample("c", 1)];
        let classes = Classes::from(vec!["cat".to_owned(), "dog".to_owned()]);
        let found = Twins {
            groups: vec![vec![0, 1]],
            conflicts: vec![0],
            across: vec![(2, 0)],
            ..Twins::default()
        };
        let named = named(&train, &[sample("t", 0)], &classes, &found);
        assert_eq!(named.groups, [["a", "b"]]);
        assert_eq!(named.across, [("c".to_owned(), "t".to_owned())]);
        let labelled = |id: &str, label: &str| (id.to_owned(), label.to_owned());
        assert_eq!(named.conflicts, [[labelled("a", "cat"), labelled("b", "dog")]]);
    }
}
