//! What the wire looks like, for programs that others write: OpenAPI 3.1.

/// The document. Tests of the server hold it and the listeners together.
pub const DOCUMENT: &str = include_str!("../openapi.json");
