//! A ledger in memory, written the way `store` writes one, for tests to read and to damage.

use crate::ledger::verify::{Files, Options, Report, Trust, Unreadable, verify};
use crate::ledger::{
    Checkpoint, ClockState, Edge, EpochKeys, Origin, Row, Schedule, Stamp, Tile, encode, epoch, leaf_hash, tile,
};
use plant::{
    Body, ConduitId, Decided, Dialect, Draft, FindingCount, GatewayId, Io, Kind, Millis, Outcome, Party, Place,
    PlantId, ProviderId, Purpose, RecordId, RuleId, Verdict, What, Who, ZoneId,
};
use seal::note::Signer;
use seal::{EpochSeed, SigningKey};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// The files of a ledger by path.
#[derive(Clone, Default)]
pub(crate) struct Folder(pub(crate) BTreeMap<String, Vec<u8>>);

impl Files for Folder {
    fn read(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, Unreadable> {
        match self.0.get(path) {
            Some(bytes) if bytes.len() > limit => Err(Unreadable("the file is too long".to_owned())),
            found => Ok(found.cloned()),
        }
    }

    fn read_into(&self, path: &str, limit: usize, buffer: &mut Vec<u8>) -> Result<bool, Unreadable> {
        buffer.clear();
        match self.0.get(path) {
            Some(bytes) if bytes.len() > limit => Err(Unreadable("the file is too long".to_owned())),
            Some(bytes) => {
                buffer.extend_from_slice(bytes);
                Ok(true)
            }
            None => Ok(false),
        }
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, Unreadable> {
        let inside = |path: &String| path.strip_prefix(folder)?.strip_prefix('/').map(str::to_owned);
        Ok(self.0.keys().filter_map(inside).collect())
    }
}

/// Writes records and publishes them.
#[derive(Clone)]
pub(crate) struct Book {
    pub(crate) origin: Origin,
    pub(crate) signer: Signer,
    pub(crate) records: Vec<Vec<u8>>,
    pub(crate) folder: Folder,
    pub(crate) now: u64,
    pub(crate) boot: u64,
    published: u64,
    edge: Edge,
    ids: u64,
    /// The epoch whose key signs beside the ledger's.
    pub(crate) epoch: Option<u32>,
}

/// Milliseconds of a day.
pub(crate) const DAY: u64 = 86_400_000;

/// The keys of every ledger here that has epochs.
pub(crate) static EPOCHS: LazyLock<EpochKeys> = LazyLock::new(|| EpochKeys::derive(first_seed()));

fn first_seed() -> EpochSeed {
    EpochSeed::from_bytes([7; 32])
}

/// The key of an epoch, as its holder has it.
pub(crate) fn epoch_signer(origin: &Origin, number: u32) -> Signer {
    let seed = (0..number).fold(first_seed(), |seed, _| seed.next());
    Signer::new(epoch::name(&origin.to_string(), number), Arc::new(seed.key())).unwrap()
}

impl Book {
    /// A ledger with genesis and first boot. The same seed gives the same ledger.
    pub(crate) fn begin(seed: u8) -> Self {
        let mut book = Self::blank(seed);
        let id = book.id();
        let genesis = book.origin.begin(id, book.signer.verifier(), None);
        book.write(&genesis);
        book.plain(Kind::Boot);
        book
    }

    /// The same with epoch keys, in epoch 0.
    pub(crate) fn begin_epochs(seed: u8) -> Self {
        let mut book = Self::blank(seed);
        let id = book.id();
        let genesis = book.origin.begin(id, book.signer.verifier(), Some(&book.schedule()));
        book.write(&genesis);
        book.announce(0);
        book.epoch = Some(0);
        book.plain(Kind::Boot);
        book
    }

    /// A ledger without records.
    pub(crate) fn blank(seed: u8) -> Self {
        let origin = Origin {
            plant: PlantId::new("brewery").unwrap(),
            gateway: GatewayId::new("gate-1").unwrap(),
            genesis: [seed; 16],
        };
        let signer = sign_as(&origin.to_string(), seed);
        Self {
            origin,
            signer,
            records: Vec::new(),
            folder: Folder::default(),
            now: 1_763_674_500_000,
            boot: 1,
            published: 0,
            edge: Edge::new(),
            ids: u64::from(seed) << 32,
            epoch: None,
        }
    }
    /// The schedule of a ledger that began when this one did.
    pub(crate) fn schedule(&self) -> Schedule {
        Schedule::begin(Millis(1_763_674_500_000), &EPOCHS)
    }

    /// Writes the `key` record of an epoch.
    pub(crate) fn announce(&mut self, epoch: u32) {
        let id = self.id();
        self.write(&EPOCHS.announce(epoch, id).unwrap());
    }

    /// Days pass: the next key is announced, a last checkpoint made with the old one.
    pub(crate) fn next_epoch(&mut self, days: u32) {
        self.now += DAY * u64::from(days);
        let epoch = self.epoch.unwrap() + days;
        self.announce(epoch);
        self.publish();
        self.epoch = Some(epoch);
    }

    /// A fresh id.
    pub(crate) fn id(&mut self) -> RecordId {
        self.ids += 1;
        let [.., a, b, c, d, e, f, g] = self.ids.to_be_bytes();
        RecordId::new(Millis(self.now), [0, 0, 0, a, b, c, d, e, f, g])
    }

    /// Writes one record.
    pub(crate) fn write(&mut self, draft: &Draft) -> RecordId {
        self.now += 7;
        let stamp = self.stamp();
        self.push(encode(&stamp, draft).unwrap());
        draft.id
    }

    /// Writes bytes as they are.
    pub(crate) fn push(&mut self, record: Vec<u8>) {
        self.records.push(record);
    }

    /// The place of the next record.
    pub(crate) fn stamp(&self) -> Stamp {
        Stamp {
            seq: self.records.len() as u64,
            prev: self.records.last().map_or([0; 32], |record| leaf_hash(record)),
            t: Millis(self.now),
            mono: self.now - 1_763_674_000_000,
            boot: self.boot,
            clk: ClockState { source: "system".to_owned(), bound: Some(10) },
        }
    }

    /// A record that says nothing but its kind.
    pub(crate) fn plain(&mut self, kind: Kind) -> RecordId {
        let draft = Draft { kind, id: self.id(), reference: None, body: Body::default() };
        self.write(&draft)
    }

    /// A call begins.
    pub(crate) fn intent(&mut self) -> RecordId {
        let draft = Draft { kind: Kind::Intent, id: self.id(), reference: None, body: call() };
        self.write(&draft)
    }

    /// A call ends.
    pub(crate) fn outcome(&mut self, intent: RecordId) -> RecordId {
        let out = Outcome {
            status: 200,
            reason: None,
            began: Millis(self.now),
            micros: 812_000,
            first_byte_micros: Some(400_000),
            provider_id: Some("chatcmpl-BzT3xq".to_owned()),
            model: Some("gpt-4o-2024-08-06".to_owned()),
        };
        let body = Body { out: Some(out), ..call() };
        let draft = Draft { kind: Kind::Outcome, id: self.id(), reference: Some(intent), body };
        self.write(&draft)
    }

    /// A call was cut off.
    pub(crate) fn abandon(&mut self, intent: RecordId) -> RecordId {
        let draft = Draft { kind: Kind::Abandon, id: self.id(), reference: Some(intent), body: Body::default() };
        self.write(&draft)
    }

    /// Whole calls.
    pub(crate) fn calls(&mut self, count: usize) {
        for _ in 0..count {
            let intent = self.intent();
            self.outcome(intent);
        }
    }

    /// The gateway starts again.
    pub(crate) fn reboot(&mut self) {
        self.boot += 1;
        self.plain(Kind::Boot);
    }

    /// Writes tiles and checkpoints of everything so far.
    pub(crate) fn publish(&mut self) {
        let (old, size) = (self.published, self.records.len() as u64);
        let (edge, files) = (&mut self.edge, &mut self.folder.0);
        for record in &self.records[usize::try_from(old).unwrap()..] {
            edge.push(leaf_hash(record), |tile, hashes| {
                files.insert(tile.path(), hashes.concat());
            });
        }
        files.extend(edge.partial().map(|(tile, hashes)| (tile.path(), hashes.concat())));
        for tile in tile::grown(old, size).filter(|tile| tile.row() == Row::Entries) {
            files.insert(tile.path(), bundle(&self.records, tile));
        }
        self.published = size;
        self.sign();
    }

    /// Signs the head of what was published.
    pub(crate) fn sign(&mut self) {
        let head = self.head();
        let mut note = head.sign(&self.signer).unwrap();
        if let Some(epoch) = self.epoch {
            note.add(&epoch_signer(&self.origin, epoch)).unwrap();
        }
        let note = note.to_string().into_bytes();
        self.folder.0.insert(format!("checkpoints/{}.note", head.size), note.clone());
        self.folder.0.insert("checkpoint".to_owned(), note);
    }

    /// The head of what was published.
    pub(crate) fn head(&self) -> Checkpoint {
        let root = self.edge.frontier().root();
        Checkpoint { origin: self.origin.to_string(), size: self.published, root }
    }

    /// Publishes another list of records as if it had always been so.
    pub(crate) fn rewrite(&self, records: Vec<Vec<u8>>) -> Self {
        let mut other = Self { records, folder: Folder::default(), published: 0, edge: Edge::new(), ..self.clone() };
        other.publish();
        other
    }

    /// What an auditor trusts who trusts this ledger's key.
    pub(crate) fn trust(&self) -> Trust {
        Trust::new(vec![self.signer.verifier().clone()])
    }

    /// The same, of an auditor who has its schedule too.
    pub(crate) fn scheduled_trust(&self) -> Trust {
        Trust::parse(&format!("{}\nepochs {}\n", self.signer.verifier(), self.schedule())).unwrap()
    }

    /// Verifies a folder with this ledger's key.
    pub(crate) fn judge(&self, folder: &Folder) -> Report {
        verify(folder, &self.trust(), &Options::default())
    }
}

/// A signer with a key of its own.
pub(crate) fn sign_as(name: &str, seed: u8) -> Signer {
    Signer::new(name, Arc::new(SigningKey::from_seed([seed; 32].into()))).unwrap()
}

/// The bytes of an entry bundle.
pub(crate) fn bundle(records: &[Vec<u8>], tile: Tile) -> Vec<u8> {
    let first = usize::try_from(tile.index() * 256).unwrap();
    let mut bytes = Vec::new();
    for record in &records[first..first + usize::from(tile.width())] {
        tile::push_entry(&mut bytes, record).unwrap();
    }
    bytes
}

/// What a call in a plant says of itself.
pub(crate) fn call() -> Body {
    let party = |id: &str, by| Some(Party { id: id.to_owned(), by });
    Body {
        who: Some(Who {
            client: None,
            workload: party("mes-copilot", "token"),
            workstation: None,
            operator: party("op-7k2m5qhd3zxw4a6t", "oidc"),
            peer: "10.20.3.17".parse().unwrap(),
        }),
        place: Some(Place {
            plant: PlantId::new("brewery").unwrap(),
            zone: Some(ZoneId::new("filling").unwrap()),
            conduit: Some(ConduitId::new("copilot-cloud").unwrap()),
            purpose: Some(Purpose::new("maintenance").unwrap()),
        }),
        what: Some(What {
            provider: Some(ProviderId::new("openai").unwrap()),
            rerouted: None,
            dialect: Some(Dialect::OpenAi),
            endpoint: "chat.completions".to_owned(),
            model: Some("gpt-4o".to_owned()),
            renamed: None,
            tools: Vec::new(),
            sensitivity: Some("internal".to_owned()),
            findings: vec![FindingCount { label: "tag".to_owned(), count: 2 }],
            stream: false,
        }),
        decided: Some(Decided {
            verdict: Verdict::Tokenise,
            reason: None,
            detail: None,
            rules: vec![RuleId::new("isa-tag").unwrap()],
            policy: "5e".repeat(32),
        }),
        io: Some(Io { request: Some("c0".repeat(32)), request_bytes: 1024, ..Io::default() }),
        ..Body::default()
    }
}
