//! The log as a static C2SP log, over mutual TLS: every file that a directory has, verified as a directory is.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bed;
mod reading;

use hyper::Method;
use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::note::Note;
use indelible_proof::tile::{Level, Tile};
use indelible_proof::verdict::{Authenticity, Completeness, Integrity};
use indelible_proof::verify::{Site, verify_tiles};
use reading::{Library, Reader};
use std::cell::RefCell;
use tokio::runtime::Handle;

/// A site that asks a listener for each file.
struct Http<'a>(RefCell<&'a mut Reader>);

impl Site for Http<'_> {
    type Error = String;

    fn read(&mut self, tile: &Tile) -> Result<Option<Vec<u8>>, String> {
        let path = format!("/v1/logs/payments/{}", tile.path());
        let mut reader = self.0.borrow_mut();
        let answer = tokio::task::block_in_place(|| Handle::current().block_on(reader.get(&path)));
        match answer.status.as_u16() {
            200 => Ok(Some(answer.body.to_vec())),
            404 => Ok(None),
            _ => Err(format!("{answer:?}")),
        }
    }

    fn narrower(&mut self, _: &Tile) -> Result<Vec<Tile>, String> {
        Ok(Vec::new())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_served_log_verifies_as_a_directory_of_tiles_does() {
    let library = Library::new().await;
    let mut auditor = library.auditor().await;
    for round in 0..3 {
        library.append(if round == 0 { 1 } else { 33_000 });
        if round == 2 {
            library.bed.node.ledger.seal().unwrap();
            library.append(300);
        }
        let text = auditor.text("/v1/logs/payments/checkpoint").await;
        let checkpoint = Note::parse(text.as_bytes()).unwrap();
        let size = Checkpoint::parse(checkpoint.text).unwrap().size;
        let pin = library.pin();
        let mut site = Http(RefCell::new(&mut auditor));
        let report = verify_tiles(text.as_bytes(), &mut site, Some(&pin), None).unwrap();
        assert_eq!(report.verdict.integrity, Integrity::Ok, "{report:?}");
        assert!(matches!(
            report.verdict.authenticity,
            Authenticity::Ok | Authenticity::OkNotYetPostQuantum
        ));
        assert_eq!(report.verdict.completeness, Completeness::ContentWithheld);
        assert_eq!(report.checked.entries, size);
        // The same bytes as the directory that `indelible export --tiles` writes.
        let note = library.log().note().unwrap();
        let tiles = library.books().tiles(library.log(), &note).unwrap();
        for tile in Tile::since(0, size) {
            if tile.index() % 50 > 1 && tile.is_full() {
                continue;
            }
            let path = format!("/v1/logs/payments/{}", tile.path());
            let answer = auditor.get(&path).await;
            assert_eq!(answer.body, tiles.bytes(&tile).unwrap(), "{path}");
            assert_eq!(answer.headers["content-type"], "application/octet-stream");
            let cached = answer.headers["cache-control"].to_str().unwrap();
            assert!(cached.contains("immutable") && cached.contains("private"));
        }
    }
    // A partial tile that an earlier checkpoint promised is there though the tree has a full one.
    let size = library.log().note().unwrap().size;
    for level in Level::of_tree(size) {
        for width in [1, 7, 200] {
            let narrow = Tile::in_tree(level, 0, width << level.height())
                .filter(|tile| tile.leaves().end <= size);
            let Some(narrow) = narrow else { continue };
            let whole = Tile::in_tree(level, 0, size).unwrap();
            let narrow = auditor
                .get(&format!("/v1/logs/payments/{}", narrow.path()))
                .await;
            let whole = auditor
                .get(&format!("/v1/logs/payments/{}", whole.path()))
                .await;
            assert_eq!((narrow.status.as_u16(), whole.status.as_u16()), (200, 200));
            assert!(whole.body.starts_with(&narrow.body) && !narrow.body.is_empty());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_is_asked_for_each_time_and_sent_when_it_is_another() {
    let library = Library::new().await;
    library.append(10);
    let mut auditor = library.auditor().await;
    auditor.text("/v1/logs/payments/proof?seq=10").await; // the checkpoint covers all ten
    let first = auditor.get("/v1/logs/payments/checkpoint").await;
    assert_eq!(first.headers["cache-control"], "no-cache");
    assert_eq!(first.headers["content-type"], "text/plain; charset=utf-8");
    let tag = first.headers["etag"].to_str().unwrap().to_owned();
    let asked = |tag: String| vec![("if-none-match", tag)];
    let path = "/v1/logs/payments/checkpoint";
    for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let fields = asked(known.clone());
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, tag)| (*name, tag.as_str()))
            .collect();
        let again = auditor.ask(Method::GET, path, &fields).await;
        assert_eq!(
            (again.status.as_u16(), again.body.len()),
            (304, 0),
            "{known}"
        );
    }
    library.append(1);
    auditor.text("/v1/logs/payments/proof?seq=11").await;
    let other = auditor
        .ask(Method::GET, path, &[("if-none-match", &tag)])
        .await;
    assert_eq!(other.status, 200);
    assert_ne!(other.body, first.body);
    assert_eq!(other.body, library.log().note().unwrap().text.as_bytes());
}
