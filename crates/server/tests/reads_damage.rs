//! Damage on the disk under a running node: an answer is right, or it is a problem, or it is cut off. It is never wrong.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bed;
mod reading;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Method;
use hyper::client::conn::http1::SendRequest;
use indelible_api::{Code, Problem};
use indelible_proof::tile::Tile;
use indelible_proof::verdict::Integrity;
use indelible_proof::verify::{verify_export, verify_receipt};
use reading::{AUDITOR, Library, READER, connect, request};
use std::net::SocketAddr;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

/// The files of the pack.
fn sealed(library: &Library) -> Vec<PathBuf> {
    let names = std::fs::read_dir(library.store().join("sealed")).unwrap();
    let mut paths: Vec<PathBuf> = names.map(|name| name.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Whoever asks a listener, over one connection until it breaks.
struct Asker<'a> {
    library: &'a Library,
    who: &'static str,
    at: SocketAddr,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl<'a> Asker<'a> {
    fn new(library: &'a Library, who: &'static str, at: SocketAddr) -> Asker<'a> {
        Asker {
            library,
            who,
            at,
            sender: None,
        }
    }

    /// What came of a request, as far as it came, and whether it ended in order.
    async fn ask(&mut self, path: &str) -> (u16, Bytes, bool) {
        let mut sender = match self.sender.take() {
            Some(sender) => sender,
            None => connect(&self.library.bed, self.who, self.at).await,
        };
        sender.ready().await.unwrap();
        let asked = request(Method::GET, path, &[]);
        let response = sender.send_request(asked).await.unwrap();
        let status = response.status().as_u16();
        let (mut body, mut bytes) = (response.into_body(), Vec::new());
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => bytes.extend_from_slice(&frame.into_data().unwrap_or_default()),
                Err(_) => return (status, bytes.into(), false),
            }
        }
        self.sender = Some(sender);
        (status, bytes.into(), true)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_under_a_running_node_is_never_served() {
    let library = Library::new().await;
    library.append_in(700, 50);
    library.bed.node.ledger.seal().unwrap();
    library.append(10);
    let mut first = library.reader().await;
    first.text("/v1/logs/payments/records/710/receipt").await;
    let mut reader = Asker::new(&library, READER, library.query);
    let mut heads = Asker::new(&library, AUDITOR, library.query);
    let mut auditor = Asker::new(&library, AUDITOR, library.verify);
    let right = library.lines(0..711, false);
    let lines: Vec<&[u8]> = right.split(|byte| *byte == b'\n').collect();
    let pin = library.pin();
    let note = library.log().note().unwrap();
    let tiles: Vec<(String, Vec<u8>)> = {
        let site = library.books().tiles(library.log(), &note).unwrap();
        let each = Tile::since(0, 711).map(|tile| (tile.path(), site.bytes(&tile).unwrap()));
        each.collect()
    };
    let (mut refused, mut served) = (0, 0);
    for path in sealed(&library) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let file = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .unwrap();
        let length = file.metadata().unwrap().len();
        for step in 0..24 {
            let (offset, bit) = (length * step / 24 + step % 7, 1 << (step % 8));
            let mut byte = [0];
            file.read_exact_at(&mut byte, offset.min(length - 1))
                .unwrap();
            file.write_all_at(&[byte[0] ^ bit], offset.min(length - 1))
                .unwrap();

            let (status, body, whole) = reader.ask("/v1/logs/payments/records").await;
            if status == 200 && body == right {
                served += 1;
            } else {
                refused += 1;
                // What came before the damage is right, and the last line says where reading goes on.
                let text: Vec<&[u8]> = body
                    .split(|byte| *byte == b'\n')
                    .filter(|line| !line.is_empty())
                    .collect();
                let (last, good) = text.split_last().unwrap();
                let problem: Problem = serde_json::from_slice(last).unwrap();
                assert!(matches!(problem.code, Code::Damaged), "{problem:?}");
                assert!(!problem.detail.contains("sealed/"), "{problem:?}");
                assert_eq!(good, &lines[..good.len()]);
                assert_eq!(problem.seq, u64::try_from(good.len()).ok());
                assert!(whole);
            }
            let (status, body, whole) = reader.ask("/v1/logs/payments/export").await;
            if status == 200 && whole {
                assert_eq!(
                    verify_export(&body, Some(&pin)).verdict.integrity,
                    Integrity::Ok
                );
            } else {
                assert_ne!(
                    verify_export(&body, Some(&pin)).verdict.integrity,
                    Integrity::Ok
                );
            }
            for seq in [0, 1, 300, 699, 705] {
                let at = format!("/v1/logs/payments/records/{seq}");
                let (status, body, _) = reader.ask(&at).await;
                match status {
                    200 => assert_eq!(body, lines[usize::try_from(seq).unwrap()]),
                    _ => assert_eq!(status, 500),
                }
                let (status, body, _) = heads.ask(&format!("{at}/receipt")).await;
                if status == 200 {
                    let line = lines[usize::try_from(seq).unwrap()];
                    let report = verify_receipt(&body, Some(&pin), Some(line));
                    assert_eq!(report.verdict.integrity, Integrity::Ok);
                }
            }
            for (path, bytes) in &tiles {
                let at = format!("/v1/logs/payments/{path}");
                let (status, body, _) = auditor.ask(&at).await;
                match status {
                    200 => assert_eq!(body, bytes, "{path}"),
                    _ => assert_eq!(status, 500, "{path}"),
                }
            }
            file.write_all_at(&byte, offset.min(length - 1)).unwrap();
        }
    }
    assert!(
        refused > 5 && served > 0,
        "{refused} refused, {served} served"
    );
    // Whole again, it is served again.
    let (status, body, _) = reader.ask("/v1/logs/payments/records").await;
    assert!((status, &body[..]) == (200, &right[..]));
}
