//! `GET /v1/whoami`: whoever is known gets an answer, also without a grant: it says what is missing.

use super::{Answered, Call, json};
use crate::grants::{Action, Grant, Grants};
use crate::identity::Peer;
use crate::node::Node;
use crate::{intake, problem};
use hyper::StatusCode;
use indelible_api::Whoami;
use indelible_api::whoami::{Certificate, Granted, KnownLog};
use indelible_ledger::{Books, Log, ReadError};
use indelible_proof::pin::Pin;
use std::sync::Arc;

pub(super) async fn whoami(call: Call) -> Answered {
    let (node, peer, purpose) = (call.node, call.peer, call.purpose);
    // The keys of logs lie in their records.
    let telling = tokio::task::spawn_blocking(move || tell(&node, &peer, purpose.as_str()));
    let told = telling.await.map_err(|_| intake::stopping())?;
    let told = told.map_err(|error| problem::of_read(&error))?;
    Ok(json(StatusCode::OK, &told))
}

fn tell(node: &Arc<Node>, peer: &Peer, listener: &str) -> Result<Whoami, ReadError> {
    let grants = node.grants();
    let books = node.ledger.books();
    let (here, elsewhere) = grants.of(peer);
    let of_log = |log: &Arc<Log>| known(books, &grants, peer, log).transpose();
    let logs: Result<Vec<KnownLog>, ReadError> = books.logs().iter().filter_map(of_log).collect();
    Ok(Whoami {
        principal: peer.principal.clone(),
        address: peer.address.map(|at| at.to_canonical().to_string()),
        certificate: peer.certificate.map(|digest| Certificate {
            sha256: digest.to_string(),
            expires: peer.expires.map(|time| time.to_string()),
        }),
        listener: listener.to_owned(),
        node: books.store().describe().origin.clone(),
        policy: grants.policy(),
        grants: here.into_iter().map(granted).collect(),
        elsewhere: elsewhere.into_iter().map(granted).collect(),
        logs: logs?,
    })
}

/// What there is to know of a log; nothing for whoever may do nothing with it.
fn known(
    books: &Books,
    grants: &Grants,
    peer: &Peer,
    log: &Log,
) -> Result<Option<KnownLog>, ReadError> {
    let may: Vec<String> = Action::ALL
        .into_iter()
        .filter(|action| grants.allows(peer, *action, log.name()))
        .map(|action| action.as_str().to_owned())
        .collect();
    if may.is_empty() {
        return Ok(None);
    }
    let keys = books.keys(log)?;
    let mut pins = keys.set.keys.into_iter();
    let pin = pins.find_map(|key| Pin::new(log.id(), key));
    Ok(Some(KnownLog {
        name: log.name().to_owned(),
        origin: log.origin().to_owned(),
        id: log.id().to_string(),
        may,
        vkeys: keys.keys,
        pin: pin.map(|pin| pin.to_string()),
    }))
}

fn granted(grant: &Grant) -> Granted {
    Granted {
        role: grant.role.as_str().to_owned(),
        logs: grant.logs.clone(),
        from: grant.from.iter().map(ToString::to_string).collect(),
    }
}
