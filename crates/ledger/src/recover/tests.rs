//! What the names of files tell that were set aside and never recorded.

use super::*;

fn said(names: &[&str]) -> Vec<Repair> {
    said_again(names.iter().map(|name| (*name).to_owned()).collect())
}

#[test]
fn a_file_that_begins_with_the_number_of_a_batch_was_a_torn_batch_and_every_other_an_orphan() {
    let torn = "quarantine/000000000017-0a1b";
    let others = [
        "quarantine/000000000001-000000000003.ent-0a1b",
        "quarantine/000000000001-000000000003.rec-0a1b",
        "quarantine/00000000017-0a1b",
        "quarantine/0000000000017-0a1b",
        "quarantine/00000000001x-0a1b",
        "quarantine/000000000017",
        "elsewhere/000000000017-0a1b",
    ];
    assert_eq!(
        said(&[torn]),
        [Repair::Torn {
            batch: 17,
            names: vec![torn.to_owned()]
        }]
    );
    for other in others {
        let names = vec![other.to_owned()];
        assert_eq!(said(&[other]), [Repair::Orphans { names }], "{other}");
    }
    assert_eq!(said(&[]), []);
}

#[test]
fn each_torn_batch_is_a_repair_of_its_own_and_all_orphans_are_one() {
    let names = [
        "quarantine/000000000001-000000000003.ent-0a1b",
        "quarantine/000000000018-0a1b",
        "quarantine/000000000001-000000000003.rec-0a1b",
        "quarantine/000000000017-0a1b",
    ];
    let torn = |batch, name: &str| Repair::Torn {
        batch,
        names: vec![name.to_owned()],
    };
    assert_eq!(
        said(&names),
        [
            torn(18, names[1]),
            torn(17, names[3]),
            Repair::Orphans {
                names: vec![names[0].to_owned(), names[2].to_owned()]
            }
        ]
    );
}

#[test]
fn a_repair_says_what_was_set_aside_and_as_what() {
    let torn = Repair::Torn {
        batch: 17,
        names: vec!["quarantine/a".to_owned()],
    };
    assert_eq!(
        torn.to_string(),
        "batch 17 was torn and never acknowledged: set aside as quarantine/a"
    );
    let orphans = Repair::Orphans {
        names: vec!["quarantine/b".to_owned(), "quarantine/c".to_owned()],
    };
    assert_eq!(
        orphans.to_string(),
        "files of an interrupted sealing were set aside: quarantine/b, quarantine/c"
    );
}

#[test]
fn damage_within_an_object_is_told_by_its_place_in_the_file() {
    let what = "it is cut short";
    let error = format_error("tail/1", 4_160, FormatError::Damaged { offset: 20, what });
    assert_eq!(error.to_string(), "it is cut short; tail/1 at 4180");
}
