//! May whoever asks do this? Every path that acts for somebody begins here.

use crate::denials::Denial;
use crate::grants::{Action, Operation, Permit, is_log_name};
use crate::http::Purpose;
use crate::identity::Peer;
use crate::node::Node;
use indelible_api::{Code, Problem};
use std::sync::Arc;

impl Node {
    /// May this peer do this to the log of this name, on a listener for this? Whoever may not is told nothing of the log, not even
    /// whether it is there, and what they asked for is recorded.
    pub(crate) fn permit(
        self: &Arc<Node>,
        peer: &Peer,
        purpose: Purpose,
        action: Action,
        name: &str,
    ) -> Result<Permit, Problem> {
        let grants = self.grants();
        let log = self.ledger.books().log(name);
        let allowed = purpose.serves(action) && grants.allows(peer, action, name);
        let permit = log
            .as_ref()
            .filter(|_| allowed)
            .and_then(|log| grants.decide(peer, action, log));
        match (permit, allowed) {
            (Some(permit), _) => Ok(permit),
            (None, true) => Err(Problem::new(
                Code::NotFound,
                format!("there is no log {name}"),
            )),
            (None, false) => {
                self.denied(Denial {
                    by: peer.principal.clone(),
                    action,
                    log: is_log_name(name).then(|| name.to_owned()),
                    is_there: log.is_some(),
                    from: peer.address,
                    policy: grants.policy(),
                });
                let what = match is_log_name(name) {
                    true => format!("{} may not {} {name}", peer.principal, words(action)),
                    false => format!("what {} asked for is no name of a log", peer.principal),
                };
                Err(Problem::new(Code::Denied, what))
            }
        }
    }

    /// May this peer operate the node, on a listener for this?
    pub(crate) fn permit_to_operate(
        self: &Arc<Node>,
        peer: &Peer,
        purpose: Purpose,
    ) -> Result<Operation, Problem> {
        let grants = self.grants();
        let serves = purpose.serves(Action::Operate);
        let operation = grants.operation(peer).filter(|_| serves);
        operation.ok_or_else(|| {
            self.denied(Denial {
                by: peer.principal.clone(),
                action: Action::Operate,
                log: None,
                is_there: false,
                from: peer.address,
                policy: grants.policy(),
            });
            let what = format!("{} may not operate this node", peer.principal);
            Problem::new(Code::Denied, what)
        })
    }
}

fn words(action: Action) -> &'static str {
    match action {
        Action::Append => "append to",
        Action::Read => "read",
        Action::ReadHeads => "read heads of",
        Action::Verify => "verify",
        Action::Operate => "operate",
    }
}
