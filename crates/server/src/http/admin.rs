//! `GET /v1/status`, `POST /v1/reload`, `POST /v1/seal`: what an operator does to a running node. No content is read here, and nothing
//! deleted.

use super::{Answered, Call, json};
use crate::grants::Operation;
use crate::intake;
use crate::node::Node;
use hyper::StatusCode;
use indelible_api::status::{LogStatus, Reloaded, SealedNow, Status, Trouble};
use indelible_api::{Code, Problem};
use indelible_ledger::Log;

pub(super) async fn status(call: Call) -> Answered {
    let operation = call.node.permit_to_operate(&call.peer, call.purpose)?;
    Ok(json(StatusCode::OK, &state(&call.node, &operation)))
}

pub(super) async fn reload(call: Call) -> Answered {
    let _operation = call.node.permit_to_operate(&call.peer, call.purpose)?;
    let (node, peer) = (call.node, call.peer);
    let reloading = tokio::task::spawn_blocking(move || {
        let Some(reload) = node.reload.get() else {
            let what = "this node was started without a configuration that could be read again";
            return Err(Problem::new(Code::NotFound, what));
        };
        reload(&peer.principal).map_err(|why| Problem::new(Code::BadRequest, why))?;
        Ok(Reloaded {
            policy: node.grants().policy(),
        })
    });
    let reloaded = reloading.await.map_err(|_| intake::stopping())??;
    Ok(json(StatusCode::OK, &reloaded))
}

pub(super) async fn seal(call: Call) -> Answered {
    let _operation = call.node.permit_to_operate(&call.peer, call.purpose)?;
    let node = call.node;
    let sealing = tokio::task::spawn_blocking(move || node.ledger.seal());
    let sealed = sealing.await.map_err(|_| intake::stopping())?;
    // Nothing is lost by a sealing that failed: the tail holds what it held.
    let sealed =
        sealed.map_err(|error| Problem::new(Code::Stopped, format!("not sealed: {error}")))?;
    let packs = sealed.len();
    Ok(json(StatusCode::OK, &SealedNow { packs }))
}

/// Sizes and digests.
fn state(node: &Node, _operation: &Operation) -> Status {
    let ledger = &node.ledger;
    let troubles = [
        ("sealing", ledger.sealing_trouble()),
        ("register", ledger.register_trouble()),
        ("room", ledger.room_trouble()),
    ];
    let trouble = |(with, why): (&str, Option<String>)| {
        why.map(|why| Trouble {
            with: with.to_owned(),
            why,
        })
    };
    let books = ledger.books();
    Status {
        node: books.store().describe().origin.clone(),
        policy: node.grants().policy(),
        tail_bytes: ledger.tail_bytes(),
        troubles: troubles.into_iter().filter_map(trouble).collect(),
        logs: books.logs().iter().map(|log| of_log(log)).collect(),
    }
}

fn of_log(log: &Log) -> LogStatus {
    let (size, root) = log.head();
    LogStatus {
        name: log.name().to_owned(),
        origin: log.origin().to_owned(),
        id: log.id().to_string(),
        size,
        root: root.to_string(),
        last: log.times().map(|(_, last)| last.to_string()),
        bytes: log.disk_bytes(),
    }
}
