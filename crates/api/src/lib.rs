//! What goes over the wire between a node and those who use it: paths, answers, problems, and the words in them.
//!
//! Owns shapes only. Server and client both speak these types, so that they can't drift apart; `openapi.json` says the same to
//! everybody else, and a test holds the two together. Knows no socket, no TLS and no ledger.

pub mod answer;
pub mod header;
pub mod limits;
pub mod member;
pub mod native;
pub mod occurred;
pub mod openapi;
pub mod path;
pub mod problem;
pub mod short;
pub mod status;
pub mod whoami;

pub use answer::{Answer, Array, Recorded, SharedFields, Single};
pub use problem::{Code, Problem, Resend};
pub use short::Short;
pub use whoami::Whoami;
