//! Every bound of the server, with its reason.

use std::time::Duration;

/// Connections of one listener at once. Each idle one costs some ten kilobytes.
pub const CONNECTIONS_MAX: usize = 16_384;
/// Connections that wait to be accepted; the kernel takes the least of this and its own bound.
pub const BACKLOG: u32 = 4_096;
/// How long a handshake may take: beyond it a peer holds a place for nothing.
pub const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// How long a client may be silent inside a request.
pub const SILENCE_MAX: Duration = Duration::from_secs(10);
/// How long a connection lives at most, so that certificates and grants that were withdrawn stop counting: an HTTP/2 client is told to
/// open another, an HTTP/1.1 one with the answer to its last request.
pub const CONNECTION_AGE_MAX: Duration = Duration::from_secs(3_600);
/// How long what is under way may take once the node is told to stop.
pub const DRAIN_MAX: Duration = Duration::from_secs(20);
/// How often the tail is sealed, however short: what is sealed was read back and can be thinned out into copies.
pub const SEAL_EVERY: Duration = Duration::from_secs(3_600);
/// Bytes of a configuration file: one with ten thousand grants has some two million.
pub const CONFIG_BYTES_MAX: u64 = 8 << 20;
/// Faults of a configuration that are reported at once: nobody reads more.
pub const CONFIG_FAULTS_MAX: usize = 50;
/// Seconds that an operator may allow for what is under way at a stop: a supervisor that waits longer has other troubles.
pub const DRAIN_SECONDS_MAX: u64 = 3_600;
/// Minutes between sealings at most: a week.
pub const SEAL_MINUTES_MAX: u64 = 7 * 24 * 60;
/// How often certificates and trust are looked at for a change.
pub const WATCH_EVERY: Duration = Duration::from_secs(2);
/// How long threads that read the disk are waited for once all connections are closed.
pub const THREADS_END_MAX: Duration = Duration::from_secs(10);
/// Request heads: names and values together. Ours are a few hundred bytes.
pub const HEADER_BYTES_MAX: usize = 16 << 10;
/// Header fields of one request.
pub const HEADERS_MAX: usize = 64;
/// Requests at once on one HTTP/2 connection.
pub const STREAMS_MAX: u32 = 256;
/// Bytes of request bodies that are held at once, of all connections: beyond it requests are refused until some are recorded.
pub const BODY_BYTES_MAX: usize = 128 << 20;
/// Of these, what one principal may hold: a quarter leaves room for others whatever one of them sends.
pub const PRINCIPAL_BYTES_MAX: usize = BODY_BYTES_MAX / 4;
/// Bytes of a refused body that are read and thrown away, so that its sender gets to see the refusal.
pub const DISCARD_BYTES_MAX: usize = 16 << 20;
/// Lines of one request that wait for their receipts at once; then the request is read no further.
pub const LINES_WAITING_MAX: usize = 2_048;
/// Bytes of such lines.
pub const LINES_WAITING_BYTES_MAX: usize = 4 << 20;
/// Bytes of answers to lines that go out together, about: one record of TLS.
pub const ANSWER_PIECE_BYTES: usize = 16 << 10;
/// How long a caller waits for its batch before it is told that nothing is known.
pub const COMMIT_WAIT_MAX: Duration = Duration::from_secs(30);
/// Seconds after which a refused request may come again.
pub const RETRY_AFTER_SECONDS: u64 = 1;
/// Callers that are kept for the next request: each has the scratch space of one event.
pub const CALLERS_KEPT: usize = 64;
/// Threads for what reads the disk.
pub const BLOCKING_THREADS_MAX: usize = 32;
/// Principals whose rate is remembered before those who sent nothing for a second are forgotten.
pub const PRINCIPALS_MAX: usize = 4_096;
