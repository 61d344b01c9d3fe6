//! What is wrong with a file is found: all of it at once, with places and what to do.

use kaggle_kit::dataset::SampleSubmission;
use kaggle_kit::submission::{self, Against, Problem};
use kaggle_kit::target::Classes;

use super::{per_class, probability_of, sample, strings, tag_list};

#[test]
fn every_fault_of_a_file_is_found() {
    let dogs = (probability_of(), sample("id label", "1 2 3"));
    let breeds = (per_class(), sample("id beagle chow pug", "a b"));
    let planet = (tag_list(), sample("image_name tags", "test_0 test_1"));
    let cases = [
        (&dogs, "", Problem::Header, "wrong header: line 1: ``, expected `id,label`"),
        (
            &dogs,
            "<!DOCTYPE html>\n<html lang=\"en\">\n",
            Problem::Header,
            "wrong header: line 1: `<!DOCTYPE html>`, expected `id,label`",
        ),
        (
            &dogs,
            "id,dog\n1,0.5\n2,0.5\n3,0.5\n",
            Problem::Header,
            "wrong header: line 1: `id,dog`, expected `id,label`",
        ),
        (
            &breeds,
            "id,beagle,pug,chow\na,1,0,0\nb,1,0,0\n",
            Problem::Header,
            "wrong header: line 1: column 3 is `pug`, expected `chow`",
        ),
        (
            &breeds,
            "id,beagle,chow\na,0.5,0.5\nb,0.5,0.5\n",
            Problem::MissingColumn,
            "1 missing column: `pug`",
        ),
        (
            &breeds,
            "id,beagle,chow,pug,puli\na,1,0,0,0\nb,1,0,0,0\n",
            Problem::UnknownColumn,
            "1 unknown column: line 1: `puli`",
        ),
        (
            &breeds,
            "id,beagle,chow,pug,pug\na,1,0,0,0\nb,1,0,0,0\n",
            Problem::RepeatedColumn,
            "1 repeated column: line 1: `pug`",
        ),
        (
            &dogs,
            "id,label\n1,0.5\n2\n3,0.5\n",
            Problem::Columns,
            "1 row with another number of columns than the header: line 3: 1, not 2",
        ),
        (
            &dogs,
            "id,label\n1,0.5\n2,0.5\n",
            Problem::RowCount,
            "wrong number of rows: 2, expected 3",
        ),
        (&dogs, "id,label\n1,0.5\n2,0.5\n", Problem::MissingId, "1 missing id: `3`"),
        (
            &dogs,
            "id,label\n1,0.5\n2,0.5\n3,0.5\n4,0.5\n",
            Problem::UnknownId,
            "1 unknown id: line 5: `4`",
        ),
        (
            &dogs,
            "id,label\n1,0.5\n2,0.5\n1,0.5\n",
            Problem::RepeatedId,
            "1 repeated id: line 4: `1`, first on line 2",
        ),
        (
            &dogs,
            "id,label\n1,cat\n2,\n3,0.5\n",
            Problem::NotANumber,
            "2 values not a number: line 2: `cat` in `label`; line 3: `` in `label`",
        ),
        (
            &dogs,
            "id,label\n1,NaN\n2,inf\n3,0.5\n",
            Problem::NotFinite,
            "2 values not finite: line 2: `NaN` in `label`; line 3: `inf` in `label`",
        ),
        (
            &breeds,
            "id,beagle,chow,pug\na,1.5,-0.5,0\nb,1,0,0\n",
            Problem::OutOfRange,
            "2 values outside [0, 1]: line 2: `1.5` in `beagle`; line 2: `-0.5` in `chow`",
        ),
        (
            &breeds,
            "id,beagle,chow,pug\na,0,0.0,0\nb,1,0,0\n",
            Problem::NoProbability,
            "1 row of zeros only: line 2",
        ),
        (&dogs, "id,label\n1,0.5\n2,0.5\0\n3,0.5\n", Problem::Nul, "1 row with zero bytes: line 3"),
        (&dogs, "PK\u{3}\u{4}\u{14}\0", Problem::NotText, "no CSV: a zip archive"),
        (
            &planet,
            "image_name,tags\ntest_0,\ntest_1,clear\n",
            Problem::NoTags,
            "1 row without a tag: line 2",
        ),
        (
            &planet,
            "image_name,tags\ntest_0,claer\ntest_1,clear\n",
            Problem::UnknownTag,
            "1 unknown tag: line 2: `claer`",
        ),
    ];
    let classes: Classes = strings("clear primary").into();
    for ((competition, sample), text, problem, told) in cases {
        let against = Against::Sample(sample, Some(&classes));
        let (_, findings) = submission::read(text.as_bytes(), competition, against);
        let finding = findings.of(problem).unwrap_or_else(|| panic!("{text}: {findings:?}"));
        assert_eq!(finding.to_string(), told);
        assert!(findings.clone().ensure_fit("`x.csv`", "the sample").is_err());
    }
    let latin_1 = b"id,label\n1,0.5\n2,0.5\n\xe9,0.5\n";
    let (_, findings) =
        submission::read(latin_1, &dogs.0, Against::Sample(&dogs.1, Some(&classes)));
    let told = findings.of(Problem::NotUtf8).unwrap().to_string();
    assert_eq!(told, "1 row not in UTF-8: line 4");
}

#[test]
fn a_file_in_utf_16_is_read_all_the_same_to_find_what_else_is_wrong() {
    let sample = sample("id label", "1 2 3");
    let text = "id,label\r\n1,0.5\r\n2,1.5\r\n";
    let units = || text.encode_utf16();
    let little: Vec<u8> = units().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = units().flat_map(u16::to_be_bytes).collect();
    for (csv, name) in [
        ([&b"\xff\xfe"[..], &little].concat(), "little"),
        (little, "little"),
        ([&b"\xfe\xff"[..], &big].concat(), "big"),
        (big, "big"),
    ] {
        let against = Against::Sample(&sample, None);
        let (_, findings) = submission::read(&csv, &probability_of(), against);
        let told: Vec<String> = findings.errors().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                format!("wrong encoding: UTF-16 ({name}-endian), expected UTF-8"),
                "1 value outside [0, 1]: line 3: `1.5` in `label`".to_owned(),
                "wrong number of rows: 2, expected 3".to_owned(),
                "1 missing id: `3`".to_owned(),
            ]
        );
    }
}

#[test]
fn what_was_probably_done_is_told_with_what_to_do() {
    let dogs = (probability_of(), sample("id label", "1 2 3"));
    let breeds = (per_class(), sample("id beagle chow pug", "a b"));
    let planet = (tag_list(), sample("image_name tags", "test_0 test_1"));
    for ((competition, sample), text, hint) in [
        (
            &dogs,
            "id;label\n1;0.5\n",
            Some("columns are separated by commas: in pandas, `to_csv(.., sep=\",\")`"),
        ),
        (
            &dogs,
            ",id,label\n0,1,0.5\n1,2,0.5\n2,3,0.5\n",
            Some(
                "the first column has no name, as pandas writes its index: `to_csv(.., index=False)`",
            ),
        ),
        (&dogs, "1,0.5\n2,0.5\n3,0.5\n", Some("there is no header: it must be the first line")),
        (&dogs, "<!DOCTYPE html>\n", Some("it is a web page: download or write the file again")),
        (&dogs, "{\"code\":404,\"message\":\"x\"}", Some("it looks like JSON: write a CSV")),
        (
            &planet,
            "image_name,tags\ntest_0.jpg,clear\ntest_1.jpg,clear\n",
            Some("write the ids without the extension: `test_0`, not `test_0.jpg`"),
        ),
        (
            &breeds,
            "id,beagle,chow,pug\n./test/a.jpg,1,0,0\n./test/b.jpg,1,0,0\n",
            Some("write the ids without folder and extension: `a`, not `./test/a.jpg`"),
        ),
        (
            &planet,
            "image_name,tags\n test_0,clear\ntest_1,clear\n",
            Some("write the ids without the spaces around them: `test_0`, not ` test_0`"),
        ),
        (&planet, "image_name,tags\ntest_0.jpg,clear\ntest_9.jpg,clear\n", None),
        (&planet, "image_name,tags\ntest_0,\ntest_1,clear\n", None),
    ] {
        let (_, findings) =
            submission::read(text.as_bytes(), competition, Against::Sample(sample, None));
        let told: Vec<&str> = findings.hints().iter().map(String::as_str).collect();
        assert_eq!(told, hint.as_slice(), "{text}");
        let error = findings.ensure_fit("`x.csv`", "the sample").unwrap_err().to_string();
        let hint = hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default();
        assert!(error.ends_with(&hint), "{error}");
        assert!(!error.chars().any(|c| c.is_control() && c != '\n'), "{error:?}");
    }
}

#[test]
fn a_sample_of_ids_alone_makes_no_submission_fit() {
    // The fuzzer's: without a column of values no row was looked at, and nothing found.
    for competition in [probability_of(), per_class(), tag_list()] {
        let only_ids = sample("id", "1 2 3");
        let (_, findings) =
            submission::read(b"id\n", &competition, Against::Sample(&only_ids, None));
        let problems: Vec<String> = findings.errors().map(ToString::to_string).collect();
        assert!(problems[0].contains("`id` has no column besides the ids"), "{problems:?}");
    }
}

#[test]
fn all_columns_and_ids_are_looked_at_although_the_header_is_wrong() {
    let sample = sample("id beagle chow pug", "a b c");
    let text = "pug,id,beagle,chowchow\n0,a,0.5,2\n0,b,x,1\n0,d,0,1\n";
    let (_, findings) =
        submission::read(text.as_bytes(), &per_class(), Against::Sample(&sample, None));
    insta::assert_snapshot!(findings.ensure_fit("`x.csv`", "the sample").unwrap_err(), @r"
    `x.csv` does not fit the sample
      - 1 missing column: `chow`
      - 1 unknown column: line 1: `chowchow`
      - 1 value outside [0, 1]: line 2: `2` in `chowchow`
      - 1 value not a number: line 3: `x` in `beagle`
      - 1 unknown id: line 4: `d`
      - 1 missing id: `c`
    ");
}

#[test]
fn what_kaggle_takes_all_the_same_is_only_noted() {
    let classes: Classes = strings("clear primary").into();
    let breeds = sample("id beagle chow pug", "a b");
    let planet = sample("image_name tags", "test_0 test_1");
    for (competition, sample, text, told) in [
        (
            per_class(),
            &breeds,
            "id,beagle,chow,pug\na,0.5,0.5,0.5\nb,1,0,0\n",
            "1 row not summing to one (Kaggle scales them): line 2: 1.500000",
        ),
        (
            tag_list(),
            &planet,
            "image_name,tags\ntest_0,clear clear\ntest_1,clear\n",
            "1 repeated tag: line 2: `clear`",
        ),
        (
            tag_list(),
            &planet,
            "\u{feff}image_name,tags\r\ntest_0,clear\r\ntest_1,clear\r\n",
            "a byte order mark at the start",
        ),
        (
            tag_list(),
            &planet,
            "image_name,tags\r\ntest_1,clear\r\ntest_0,clear\r\n",
            "2 rows in another order than the sample's: line 2: `test_1`, where it has `test_0`; \
             line 3: `test_0`, where it has `test_1`",
        ),
    ] {
        let against = Against::Sample(sample, Some(&classes));
        let (_, findings) = submission::read(text.as_bytes(), &competition, against);
        let findings = findings.ensure_fit("`x.csv`", "the sample").unwrap();
        let notes: Vec<String> = findings.notes().map(ToString::to_string).collect();
        assert_eq!(notes, [told]);
    }
}

#[test]
fn all_faults_are_told_at_once_with_the_first_few_places() {
    let ids: Vec<String> = (1..=9).map(|id| id.to_string()).collect();
    let sample = SampleSubmission { header: strings("id label"), id_at: 0, ids };
    let text = "id,label\n1,2\n2,3\n3,4\n4,5\n5,nan\n5,0.5\nsix,0.5\n";
    let (_, findings) =
        submission::read(text.as_bytes(), &probability_of(), Against::Sample(&sample, None));
    let error = findings.ensure_fit("`x.csv`", "the sample").unwrap_err();
    insta::assert_snapshot!(error, @r"
    `x.csv` does not fit the sample
      - 4 values outside [0, 1]: line 2: `2` in `label`; line 3: `3` in `label`; line 4: `4` in `label`; and 1 more
      - 1 value not finite: line 6: `nan` in `label`
      - wrong number of rows: 7, expected 9
      - 1 repeated id: line 7: `5`, first on line 6
      - 1 unknown id: line 8: `six`
      - 4 missing ids: `6`; `7`; `8`; and 1 more
    ");
}
