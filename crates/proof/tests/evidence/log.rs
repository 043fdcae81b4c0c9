//! A log in memory, and what it hands out: exports, receipts, record lines.

use ed25519_dalek::{Signer as _, SigningKey};
use indelible_proof::batch_receipt;
use indelible_proof::checkpoint::Checkpoint;
use indelible_proof::export::{self, Content, Header, entries_follow};
use indelible_proof::genesis::Genesis;
use indelible_proof::hash::{self, Hash, Hasher};
use indelible_proof::head::{Head, Kind, Own, Shared};
use indelible_proof::key::VerifierKey;
use indelible_proof::key_set::Recovery;
use indelible_proof::note::sign_line;
use indelible_proof::origin::Origin;
use indelible_proof::pin::Pin;
use indelible_proof::receipt;
use indelible_proof::record::{Salt, encode_line};
use indelible_proof::time::Time;
use indelible_proof::tree::{Frontier, Leaves, consistency, inclusion, subtree};
use indelible_proof::walk;

pub const ORIGIN: &str = "log.example.org/orders/00112233445566ff";

/// All records and the key.
pub struct Log {
    secret: SigningKey,
    pub records: Vec<Stored>,
    leaves: Vec<Hash>,
}

pub struct Stored {
    pub head: Vec<u8>,
    pub salt: [u8; 32],
    pub event: Vec<u8>,
}

impl Log {
    /// A log of a genesis and these events.
    pub fn new(events: impl IntoIterator<Item = Vec<u8>>) -> Log {
        let mut log = Log {
            secret: SigningKey::from_bytes(&[7; 32]),
            records: Vec::new(),
            leaves: Vec::new(),
        };
        log.append(Kind::Genesis, log.genesis());
        events
            .into_iter()
            .for_each(|event| log.append(Kind::Event, event));
        log
    }

    /// A genesis and so many small events.
    pub fn of(events: usize) -> Log {
        Log::new((1..=events).map(|number| format!("{{\"order\":{number}}}").into_bytes()))
    }

    pub fn size(&self) -> u64 {
        u64::try_from(self.records.len()).unwrap()
    }

    fn key(&self) -> VerifierKey {
        VerifierKey::ed25519(ORIGIN, self.secret.verifying_key().to_bytes())
    }

    fn id(&self) -> Hash {
        hash::entry(&self.records[0].head)
    }

    pub fn pin(&self) -> Pin {
        Pin::new(self.id(), self.key()).unwrap()
    }

    fn genesis(&self) -> Vec<u8> {
        let key = self.key().to_string();
        let mut event = Vec::new();
        Genesis {
            origin: ORIGIN,
            node_log: Some(Hash([0xAB; 32])),
            keys: vec![&key],
            recovery: Recovery::default(),
            batch_key: None,
            node: "000102030405060708090a0b0c0d0e0f",
            store: "101112131415161718191a1b1c1d1e1f",
            event_bytes: 1 << 20,
            key_horizon: 0,
            creator: "unix:0",
            software: "indelible 0.1.0",
        }
        .encode(&mut event);
        event
    }

    /// Makes the next record.
    pub fn append(&mut self, kind: Kind, event: Vec<u8>) {
        let seq = self.size();
        let [bits @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
            hash::sha256(&seq.to_be_bytes()).0;
        let salt = *Salt::from_random(bits).text();
        let mut head = Vec::new();
        Head {
            log: Origin::parse(ORIGIN).unwrap(),
            shared: Shared {
                kind,
                by: "node:000102030405060708090a0b0c0d0e0f",
                via: "node/self",
                from: None,
                cert: None,
                policy: None,
                format: None,
            },
            own: Own::default(),
            digest: hash::digest(&salt, &event),
            seq,
            time: Time::new(1_795_428_000 + seq, 0).unwrap(),
            prev: self
                .records
                .last()
                .map_or(Hash::ZERO, |record| hash::entry(&record.head)),
        }
        .encode(&mut head);
        self.append_as_it_is(Stored { head, salt, event });
    }

    /// Takes a record whatever it says.
    pub fn append_as_it_is(&mut self, record: Stored) {
        self.leaves.push(hash::leaf(&hash::entry(&record.head)));
        self.records.push(record);
    }

    fn tree(&self, size: u64) -> &[Hash] {
        &self.leaves[..place(size)]
    }

    /// The root at that size.
    pub fn root(&self, size: u64) -> Hash {
        let mut frontier = Frontier::new();
        self.tree(size).iter().for_each(|leaf| frontier.push(*leaf));
        frontier.root()
    }

    /// The subtree hashes outside the records [first, first + count) at that size.
    pub fn sides(&self, first: u64, count: u64, size: u64) -> (Vec<Hash>, Vec<Hash>) {
        subtree::prove(&Leaves(self.tree(size)), first, count, size).unwrap()
    }

    /// The signed checkpoint of that size.
    pub fn note(&self, size: u64) -> String {
        let checkpoint = Checkpoint {
            origin: ORIGIN,
            size,
            root: self.root(size),
        };
        let mut note = checkpoint.encode();
        let signature = self.secret.sign(note.as_bytes()).to_bytes();
        note.push('\n');
        sign_line(ORIGIN, self.key().id(), &signature, &mut note);
        note
    }

    /// From one size to another.
    pub fn consistency(&self, from: u64, to: u64) -> Vec<Hash> {
        consistency::prove(&Leaves(self.tree(to)), from, to).unwrap()
    }

    pub fn receipt(&self, seq: u64, size: u64) -> String {
        let proof = inclusion::prove(&Leaves(self.tree(size)), seq, size).unwrap();
        receipt::encode(
            &self.records[place(seq)].head,
            seq,
            &proof,
            &self.note(size),
        )
    }

    /// Of the records [first, first + count) at that size.
    pub fn batch_receipt(&self, first: u64, count: u64, size: u64) -> String {
        let (left, right) = self.sides(first, count, size);
        batch_receipt::encode(first, count, &left, &right, &self.note(size))
    }

    /// The line of a record, without LF.
    pub fn line(&self, seq: u64) -> Vec<u8> {
        let record = &self.records[place(seq)];
        let mut line = Vec::new();
        encode_line(&record.head, Some((&record.salt, &record.event)), &mut line);
        line
    }

    /// The records [first, first + count) at that size.
    pub fn export(&self, first: u64, count: u64, size: u64, content: Content) -> Vec<u8> {
        let mut out = Vec::new();
        let origin = Origin::parse(ORIGIN).unwrap();
        Header {
            origin,
            id: self.id(),
            first,
            count,
            size,
            content,
        }
        .encode(&mut out);
        let tree = Leaves(self.tree(size));
        let genesis = &self.records[0];
        walk::encode_genesis(&genesis.head, &genesis.salt, &genesis.event, &mut out);
        walk::encode_consistency(&consistency::prove(&tree, 1, size).unwrap(), &mut out);
        let mut entries = Vec::new();
        for seq in first..first + count {
            let record = &self.records[place(seq)];
            let whole = (content == Content::All)
                .then_some((record.salt.as_slice(), record.event.as_slice()));
            export::encode_record(&record.head, whole, &mut out);
            entries.push(hash::entry(&record.head));
            if entries_follow(seq, first + count - 1) {
                export::encode_entries(&entries, &mut out);
                entries.clear();
            }
        }
        let (left, right) = subtree::prove(&tree, first, count, size).unwrap();
        export::encode_left(&left, &mut out);
        export::encode_right(&right, &mut out);
        export::encode_checkpoint(&self.note(size), &mut out);
        finish(out)
    }

    /// All of it.
    pub fn whole(&self) -> Vec<u8> {
        self.export(0, self.size(), self.size(), Content::All)
    }
}

/// Appends the last line.
pub fn finish(mut out: Vec<u8>) -> Vec<u8> {
    let mut hasher = Hasher::new();
    hasher.update(&out);
    export::encode_end(&hasher.finish(), &mut out);
    out
}

fn place(seq: u64) -> usize {
    usize::try_from(seq).unwrap()
}
