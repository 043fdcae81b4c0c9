//! The client of a node: a service sends events over mutual TLS and is told *recorded* only after the receipt was verified; and whoever
//! reads is handed nothing that is not proven.
//!
//! ```no_run
//! # async fn service() -> Result<(), Box<dyn std::error::Error>> {
//! use indelible_client::Client;
//!
//! let client = Client::builder("https://audit.acme.internal:7443")
//!     .ca("/etc/indelible/ca.pem")
//!     .identity("/etc/indelible/payments.pem", "/etc/indelible/payments.key")
//!     .pin("indelible-pin-v1 4f0c… audit.acme.internal/payments/00112233445566ff+…")
//!     .build()?;
//! let recorded = client.append("payments", br#"{"actor":"ann","action":"refund","target":"order-41"}"#).await?;
//! println!("record {} of payments", recorded.seq);
//! # Ok(())
//! # }
//! ```
//!
//! # What always holds
//!
//! - Success is what a receipt proves. Each is verified against the pin before it is handed out ([`verify`]); a node that answers with
//!   another record, another log or a signature that is none is refused by name, and nothing of it is repeated.
//! - Every event is sent under a key of its own, or a number in a stream ([`Claim`]). So it may be sent again after a connection broke
//!   or a node stopped, and it is, within bounds: it is recorded once, and answered with the one record.
//! - What can't be told is said: [`Error::may_be_recorded`].
//! - What is read ([`Client::get`], [`Client::records`], [`Client::border`], [`Client::receipt`], [`Client::export`],
//!   [`Client::watch`]) is proven up to a head that the pinned log signed, by the pinned key or by keys that a walk leads to; and that
//!   head leads on from every head that this client was shown before. A node that shows less or another history is refused by name, with the notes that prove it.
//! - What is held is bounded: connections, requests in flight, lines that wait for their receipts, bytes of an answer ([`limits`]).
//!
//! Knows no disk and no signing key.

mod answer;
mod append;
mod body;
mod builder;
mod claim;
mod error;
pub mod limits;
mod lines;
mod pool;
mod reading;
mod recorded;
mod retry;
mod tls;
pub mod verify;
mod watched;

pub use builder::{Builder, Client, Protocol};
pub use claim::Claim;
pub use error::{Error, SetupError};
pub use lines::{Line, LineReceipts, LineSender};
pub use reading::{Border, Export, Record, Records, Selection, Watch};
pub use recorded::Recorded;
pub use tls::Pem;
pub use verify::NotProven;
