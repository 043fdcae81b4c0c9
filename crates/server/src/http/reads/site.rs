//! The log as a static C2SP log: checkpoint, tiles and entry bundles (`docs/spec/tiles.md`). Digests alone.
//!
//! Each tile is held against the checkpoint of the moment before it leaves. Of a partial one any width is served that the checkpoint
//! covers, so that whoever read an earlier checkpoint finds what it promised.

use super::{Answered, Call, asked, note_over, permit, reads};
use crate::body::Body;
use crate::grants::Action;
use crate::http::{set, text};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use hyper::{Response, StatusCode};
use indelible_api::{Code, Problem};
use indelible_proof::tile::Tile;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::sync::Arc;

/// `GET /v1/logs/{log}/checkpoint`
pub(super) async fn checkpoint(call: &Call, log: &str) -> Answered {
    asked(call, &[])?;
    let permit = permit(call, Action::Verify, log)?;
    let note = note_over(permit.log(), 1).await?;
    let mut tag = String::from("\"");
    for byte in &Sha256::digest(note.text.as_bytes())[..16] {
        write!(tag, "{byte:02x}").expect("text takes what is written");
    }
    tag.push('"');
    let mut response = text(StatusCode::OK, note.text.clone());
    set(&mut response, CACHE_CONTROL, "no-cache");
    set(&mut response, ETAG, &tag);
    Ok(response)
}

/// `GET /v1/logs/{log}/tile/…`
pub(super) async fn tile(call: &Call, log: &str, segments: &[&str]) -> Answered {
    asked(call, &[])?;
    let log = Arc::clone(permit(call, Action::Verify, log)?.log());
    let path = segments.join("/");
    let tile = Tile::parse(&path);
    let tile = tile.ok_or_else(|| {
        let what = format!(
            "no path of a tile: {path}; they are tile/LEVEL/N and tile/entries/N, N as 005 or x001/x234/067, with .p/WIDTH if partial"
        );
        Problem::new(Code::NotFound, what)
    })?;
    let note = note_over(&log, 1).await?;
    if tile.leaves().end > note.size {
        let what = format!(
            "no such tile yet: {path} is of {} records, and the checkpoint of {}",
            tile.leaves().end,
            note.size
        );
        return Err(Problem::new(Code::NotFound, what));
    }
    let bytes = reads(call).read(move |books| books.tile(&log, &tile, &note));
    let mut response = Response::new(Body::of(bytes.await?));
    set(&mut response, CONTENT_TYPE, indelible_api::path::BYTES);
    // What a path stands for never changes, of a partial tile neither. Proxies that many use don't keep it: not everybody may see it.
    set(
        &mut response,
        CACHE_CONTROL,
        "private, max-age=31536000, immutable",
    );
    Ok(response)
}
