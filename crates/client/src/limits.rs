//! Every bound of the client, with its reason.

use std::time::Duration;

/// Connections to a node at once, unless the builder says otherwise: one is a task on one core, and a few fill a node.
pub const CONNECTIONS: usize = 4;
/// Requests at once on one HTTP/2 connection: half of what a node takes, so that none waits there.
pub const REQUESTS_PER_CONNECTION: usize = 128;
/// How long it may take until a connection stands, with its handshake.
pub const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How often a connection with requests on it is asked whether it lives: a node that vanished without a word is noticed by it.
pub const PING_EVERY: Duration = Duration::from_secs(10);
/// How long it has to say so.
pub const PING_WAIT: Duration = Duration::from_secs(10);
/// How long one try may take: a node answers within 30 s, though it be with *unknown*.
pub const TRY_MAX: Duration = Duration::from_secs(40);
/// How long a request is tried again in all before its sender is told.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Tries of one request, whatever the patience: a refusal that comes at once must not become a storm.
pub const TRIES_MAX: u32 = 32;
/// The wait before the second try; it doubles from try to try.
pub const WAIT_FIRST: Duration = Duration::from_millis(50);
/// It grows no further.
pub const WAIT_MAX: Duration = Duration::from_secs(5);
/// How long the reason of a broken connection is waited for, which its other half may know.
pub const REASON_WAIT: Duration = Duration::from_millis(200);
/// Signed notes that were verified and are remembered: one for each batch, of which only the newest come back.
pub const NOTES_KEPT: usize = 64;
/// Events of an array that are verified on the thread that waits for them; more go to a thread of their own.
pub const VERIFIED_IN_PLACE_MAX: usize = 256;
/// Bytes of a PEM file: a bundle of roots has a few hundred thousand.
pub const PEM_BYTES_MAX: u64 = 4 << 20;
/// Bytes of lines that wait for their receipts at once; then no more are taken.
pub const LINES_WAITING_BYTES_MAX: usize = 4 << 20;
/// What a line counts at least: so these are at most 2,048, as many as a node lets wait.
pub const LINE_WEIGHT_MIN: usize = LINES_WAITING_BYTES_MAX / 2_048;
/// Bytes of lines that are sent as one piece.
pub const PIECE_BYTES: usize = 32 << 10;
/// Pieces that are made and not yet sent.
pub const PIECES_WAITING: usize = 4;
/// How long a request for lines stays open with nothing to send: a node ends it after twice as long.
pub const LINES_IDLE_MAX: Duration = Duration::from_secs(5);
/// Bytes of record lines that are proven together: enough that a receipt costs little beside them, little enough to hold.
pub const CHUNK_BYTES: usize = 1 << 20;
/// Records of them: as many as one commit makes durable at most, so that a receipt is not much longer than that of a commit.
pub const CHUNK_RECORDS_MAX: u64 = 4_096;
/// Records that are asked for first, before it is known how long they are.
pub const CHUNK_RECORDS_FIRST: u64 = 256;
/// Evidence that is judged on the thread that waits for it; more goes to a thread of its own.
pub const JUDGED_IN_PLACE_BYTES_MAX: usize = 128 << 10;
/// Watches and exports of one client at once: a node serves a principal no more.
pub const FLOWS_MAX: usize = 16;
/// How long a watch may be silent: a node says every 15 s that it is there.
pub const WATCH_SILENCE_MAX: Duration = Duration::from_secs(45);
/// A watch that lasted so long had begun well: what breaks it counts as a first trouble.
pub const WATCH_WELL_AFTER: Duration = Duration::from_secs(10);
/// The end of an export that is held back until all of it was proven: its last line, or the line by which a node says why there is none.
pub const EXPORT_END_BYTES: usize = 4 << 10;
