//! Every bound of the server, with its reason.

use std::time::Duration;

/// Connections of one listener at once. Each idle one costs some thirty kilobytes.
pub const CONNECTIONS_MAX: usize = 16_384;
/// Of these, what one principal may have unless the operator sets less: a quarter stays for others whatever one of them opens.
pub const PRINCIPAL_CONNECTIONS_MAX: usize = CONNECTIONS_MAX / 4 * 3;
/// Of these, what one address may have in handshakes, before anybody is known: an eighth. Ours take some milliseconds.
pub const ADDRESS_HANDSHAKES_MAX: usize = CONNECTIONS_MAX / 8;
/// Connections of one address to a health listener, which asks nobody who they are: a probe and a scraper need one each.
pub const HEALTH_ADDRESS_CONNECTIONS_MAX: usize = 256;
/// Connections that are let in only to hear why they are refused; what comes beyond is cut without a word.
pub const REFUSED_AT_ONCE_MAX: usize = 256;
/// Connections that wait to be accepted; the kernel takes the least of this and its own bound.
pub const BACKLOG: u32 = 4_096;
/// How long a handshake may take: beyond it a peer holds a place for nothing.
pub const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// How long a client may be silent inside a request.
pub const SILENCE_MAX: Duration = Duration::from_secs(10);
/// How long a whole head may take: a byte now and then keeps nobody waiting for ever.
pub const HEAD_MAX: Duration = Duration::from_secs(30);
/// How long a client may take nothing of what is sent to it.
pub const STALL_MAX: Duration = Duration::from_secs(30);
/// How long a client may take for one piece of an answer over HTTP/2, some megabyte at most: it can open its window byte by byte, and
/// meanwhile the piece is held.
pub const TAKE_MAX: Duration = Duration::from_secs(120);
/// How often a listener looks at the addresses of the machine.
pub const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long whoever is refused outright may hold its connection to read why.
pub const REFUSED_MAX: Duration = Duration::from_secs(2);
/// Bytes of a request in plain text to a TLS port that are read so that its sender gets to see why it is refused.
pub const PLAIN_BYTES_MAX: usize = 64 << 10;
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
/// Bytes of a path. The longest of ours has the name of a log, of 63 bytes, and a few words beside it.
pub const PATH_BYTES_MAX: usize = 512;
/// Bytes that an HTTP/1.1 connection reads ahead at most, beside a body that is counted: four TLS records. A thousand connections that
/// all send have 64 MiB. Of an answer no more is taken while as much waits.
pub const CONNECTION_BUFFER_BYTES: usize = 64 << 10;
/// Header fields of one request: the bound of the HTTP library, which keeps so many on its stack.
pub const HEADERS_MAX: usize = 100;
/// The line before a chunk of a body: its size, and extensions that nobody uses.
pub const CHUNK_LINE_BYTES_MAX: usize = 256;
/// HTTP/2 frames that ask for work and carry nothing (PING, SETTINGS, PRIORITY, empty ones) within [`CONTROL_FRAMES_SPAN`]. A client that
/// measures its link sends one for each round trip.
pub const CONTROL_FRAMES_MAX: u32 = 10_000;
/// Requests that a client may take back within that time, each of which has cost as much as one that it waits for.
pub const RESETS_MAX: u32 = 1_000;
/// Within this time.
pub const CONTROL_FRAMES_SPAN: Duration = Duration::from_secs(10);
/// Bytes of answers that wait in one HTTP/2 stream for a client that is slower than we are.
pub const STREAM_SEND_BYTES_MAX: usize = 64 << 10;
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
/// A principal: a SPIFFE ID may have so many bytes, and beside it a head, which holds 4,096, has room for all else.
pub const NAME_BYTES_MAX: usize = 2_048;
/// Grants of one table: each decision goes through all of them.
pub const GRANTS_MAX: usize = 10_000;
/// The table as a record, with room for who set it: an event of `_node` may have 1 MiB.
pub const GRANTS_BYTES_MAX: usize = 1_000_000;
/// Records of `_node`, from the newest back, among which a start looks for the grants that it is given: farther back they are recorded
/// anew, which costs one record.
pub const GRANTS_LOOK_BACK: u64 = 65_536;
/// How often denials that were only counted are said.
pub const DENIALS_EVERY: Duration = Duration::from_secs(60);
/// Kinds of denials (principal, action and log) that are told apart within that time, of all principals and of one. What comes beyond is
/// counted together, so that a flood of denials fills neither memory nor the log: at most some 520 records a minute.
pub const DENIALS_MAX: usize = 256;
/// See [`DENIALS_MAX`].
pub const DENIALS_OF_ONE_MAX: usize = 16;
/// Answers that flow to readers at once. A reader that takes nothing holds two pieces of some megabyte, whatever it asked for.
pub const FLOWS_MAX: usize = 64;
/// Of these, what one principal may have.
pub const PRINCIPAL_FLOWS_MAX: usize = 16;
/// Watchers at once. One that waits holds a few kilobytes.
pub const WATCHES_MAX: usize = 4_096;
/// Of these, what one principal may have.
pub const PRINCIPAL_WATCHES_MAX: usize = 256;
/// Reads of the disk at once, for all readers together: the threads that are left take what comes in.
pub const READS_AT_ONCE: usize = 8;
/// Records that are read, and held against the tree, at once.
pub const READ_RECORDS: u64 = 1_024;
/// Bytes of them after which a piece is sent: one record may be larger.
pub const READ_BYTES: usize = 1 << 20;
/// How long a reader may take none of what is there for it before its answer is cut off.
pub const READ_STALL_MAX: Duration = Duration::from_secs(60);
/// How long a reader waits for a checkpoint over records made just now: one is published each second.
pub const NOTE_WAIT_MAX: Duration = Duration::from_secs(3);
/// How often a watcher that is sent nothing hears that the connection is there: proxies cut what is silent for 30 s and more.
pub const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(15);
/// How long a watch takes at most, so that its connection can end before it is too old: the watcher comes back where it was.
pub const WATCH_AGE_MAX: Duration = Duration::from_secs(1_800);
/// Pause after records were sent to a watcher: what is committed meanwhile goes out together, and a busy log does not cost each watcher a
/// look for each batch.
pub const WATCH_PAUSE: Duration = Duration::from_millis(5);
