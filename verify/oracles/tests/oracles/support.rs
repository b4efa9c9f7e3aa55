//! The other side: a ledger checked, and made, by `signed_note` and `tlog_tiles` alone.

use ledger::tile;
use ledger::verify::{Files, Unreadable};
use signed_note::{Note, StandardSigner, StandardVerifier, VerifierList};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tlog_tiles::{Checkpoint, Error, Hash, HashReader, Tile, TileHashReader, TileReader};

/// The height of every tile of the format.
pub(crate) const HEIGHT: u8 = 8;
/// Where tiles and rows begin and end.
pub(crate) const SIZES: [u64; 7] = [1, 255, 256, 257, 65_535, 65_536, 65_537];

/// Ways to spoil something, by name.
pub(crate) type Damage<T> = [(&'static str, fn(&mut T))];

/// The files of a ledger by path.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Folder(pub(crate) BTreeMap<String, Vec<u8>>);

impl Folder {
    /// The files of a folder that the public formats know.
    pub(crate) fn load(folder: &Path) -> Self {
        let mut found = BTreeMap::new();
        let mut folders = vec![PathBuf::from("tile"), PathBuf::from("checkpoints")];
        let name = |path: &Path| path.to_str().unwrap().to_owned();
        while let Some(below) = folders.pop() {
            for entry in std::fs::read_dir(folder.join(&below)).into_iter().flatten() {
                let path = below.join(entry.unwrap().file_name());
                if folder.join(&path).is_dir() {
                    folders.push(path);
                } else if below != Path::new("checkpoints") || path.extension().is_some_and(|end| end == "note") {
                    found.insert(name(&path), std::fs::read(folder.join(&path)).unwrap());
                }
            }
        }
        found.insert("checkpoint".to_owned(), std::fs::read(folder.join("checkpoint")).unwrap());
        Self(found)
    }

    /// One of the ledgers in `testdata`.
    pub(crate) fn vector(name: &str) -> Self {
        Self::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/ledgers").join(name))
    }

    /// The files that the tree of `size` records consists of, and the heads: earlier partial tiles are left over.
    pub(crate) fn current(&self, size: u64) -> Vec<String> {
        let stale = |path: &&String| {
            let tile = ledger::Tile::parse(path);
            tile.is_some_and(|tile| ledger::Tile::in_tree(tile.row(), tile.index(), size) != Some(tile))
        };
        self.0.keys().filter(|path| !stale(path)).cloned().collect()
    }

    fn get(&self, path: &str) -> Result<&Vec<u8>, Error> {
        self.0.get(path).ok_or_else(|| Error::InvalidInput(format!("{path} is missing")))
    }
}

impl Files for Folder {
    fn read(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, Unreadable> {
        match self.0.get(path) {
            Some(bytes) if bytes.len() > limit => Err(Unreadable("too long".to_owned())),
            found => Ok(found.cloned()),
        }
    }

    fn names(&self, folder: &str) -> Result<Vec<String>, Unreadable> {
        let inside = |path: &String| path.strip_prefix(folder)?.strip_prefix('/').map(str::to_owned);
        Ok(self.0.keys().filter_map(inside).collect())
    }
}

impl TileReader for Folder {
    fn height(&self) -> u8 {
        HEIGHT
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        tiles.iter().map(|tile| self.get(&path(tile)).cloned()).collect()
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

/// Where the format has a tile: the crate's own path names the height, and calls entries data.
pub(crate) fn path(tile: &Tile) -> String {
    tile.path().replacen(&format!("/{HEIGHT}/"), "/", 1).replacen("/data/", "/entries/", 1)
}

/// Opens a checkpoint that the key signed.
pub(crate) fn open(note: &[u8], key: &str) -> Result<Checkpoint, String> {
    let verifier = StandardVerifier::new(key).map_err(|error| error.to_string())?;
    let note = Note::from_bytes(note).map_err(|error| error.to_string())?;
    let (signatures, _) =
        note.verify(&VerifierList::new(vec![Box::new(verifier)])).map_err(|error| error.to_string())?;
    let checkpoint = Checkpoint::from_bytes(note.text()).map_err(|error| error.to_string())?;
    let known = signatures.iter().any(|signature| signature.name() == checkpoint.origin());
    if known { Ok(checkpoint) } else { Err("signed by another name".to_owned()) }
}

/// Checks a whole ledger: head, every record, every earlier head. Gives the number of records.
pub(crate) fn check(folder: &Folder, key: &str) -> Result<u64, String> {
    let tell = |error: Error| error.to_string();
    let head = open(folder.get("checkpoint").map_err(tell)?, key)?;
    let size = head.size();
    let tree = TileHashReader::new(size, *head.hash(), folder);
    for index in 0..size.div_ceil(256) {
        let width = 256.min(size - index * 256);
        let bundle = Tile::new(HEIGHT, 0, index, u32::try_from(width).unwrap(), true);
        let records = split(folder.get(&path(&bundle)).map_err(tell)?).filter(|records| records.len() as u64 == width);
        let records = records.ok_or("the bundle's lengths do not fit")?;
        let leaves: Vec<u64> =
            (index * 256..).take(records.len()).map(|seq| tlog_tiles::stored_hash_index(0, seq)).collect();
        let stored = tree.read_hashes(&leaves).map_err(tell)?;
        if records.iter().map(|record| tlog_tiles::record_hash(record)).ne(stored) {
            return Err(format!("{} holds another record", path(&bundle)));
        }
    }
    for (name, note) in folder.0.iter().filter(|(name, _)| name.starts_with("checkpoints/")) {
        let earlier = open(note, key)?;
        if *name != format!("checkpoints/{}.note", earlier.size()) || earlier.origin() != head.origin() {
            return Err(format!("{name} is another head"));
        }
        let proof = tlog_tiles::prove_tree(size, earlier.size(), &tree).map_err(tell)?;
        tlog_tiles::check_tree(&proof, size, *head.hash(), earlier.size(), *earlier.hash()).map_err(tell)?;
    }
    Ok(size)
}

/// The records of a bundle, if its lengths fit.
pub(crate) fn split(mut bundle: &[u8]) -> Option<Vec<&[u8]>> {
    let mut records = Vec::new();
    while let Some((length, rest)) = bundle.split_first_chunk::<2>() {
        let (record, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        records.push(record);
        bundle = rest;
    }
    bundle.is_empty().then_some(records)
}

/// A tree in the crate's own storage: all hashes in the order of its indexes.
#[derive(Default)]
pub(crate) struct Theirs {
    hashes: RefCell<Vec<Hash>>,
    pub(crate) size: u64,
}

impl Theirs {
    /// Appends a record.
    pub(crate) fn push(&mut self, record: &[u8]) {
        let more = tlog_tiles::stored_hashes(self.size, record, self).unwrap();
        self.hashes.borrow_mut().extend(more);
        self.size += 1;
    }

    /// The root.
    pub(crate) fn root(&self) -> Hash {
        tlog_tiles::tree_hash(self.size, self).unwrap()
    }

    /// The tiles that are written when the tree grows from `old` leaves to those that it has.
    pub(crate) fn grown(&self, old: u64) -> BTreeMap<String, Vec<u8>> {
        let tiles = Tile::new_tiles(HEIGHT, old, self.size);
        tiles.iter().map(|tile| (path(tile), tile.read_data(self).unwrap())).collect()
    }
}

impl HashReader for Theirs {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        let hashes = self.hashes.borrow();
        let find = |index: &u64| usize::try_from(*index).ok().and_then(|index| hashes.get(index)).copied();
        indexes.iter().map(|index| find(index).ok_or(Error::IndexesNotInTree)).collect()
    }
}

/// Makes a ledger of these records with heads at these sizes; nothing of it is ours but the framing of the bundles.
pub(crate) fn make(records: &[&[u8]], sizes: &[u64], signer: &StandardSigner) -> Folder {
    let (mut folder, mut tree) = (Folder::default(), Theirs::default());
    for size in sizes {
        let old = tree.size;
        for record in &records[usize::try_from(old).unwrap()..usize::try_from(*size).unwrap()] {
            tree.push(record);
        }
        folder.0.extend(tree.grown(old));
        for bundle in Tile::new_tiles(HEIGHT, old, *size).iter_mut().filter(|tile| tile.level() == 0) {
            bundle.set_is_data();
            let first = usize::try_from(bundle.level_index() * 256).unwrap();
            let mut bytes = Vec::new();
            for record in &records[first..][..bundle.width() as usize] {
                tile::push_entry(&mut bytes, record).unwrap();
            }
            folder.0.insert(path(bundle), bytes);
        }
        let origin = signed_note::Signer::name(signer);
        let note = sign(&Checkpoint::new(origin, *size, tree.root(), "").unwrap(), signer);
        folder.0.insert(format!("checkpoints/{size}.note"), note.clone());
        folder.0.insert("checkpoint".to_owned(), note);
    }
    folder
}

/// Signs a checkpoint.
pub(crate) fn sign(checkpoint: &Checkpoint, signer: &StandardSigner) -> Vec<u8> {
    let mut note = Note::new(&checkpoint.to_bytes(), &[]).unwrap();
    note.add_sigs(&[signer]).unwrap();
    note.to_bytes()
}

/// The same key on both sides, out of 32 equal bytes.
pub(crate) fn keys(name: &str, seed: u8) -> (seal::note::Signer, StandardSigner) {
    let key = seal::SigningKey::from_seed([seed; 32].into());
    let ours = seal::note::Signer::new(name, std::sync::Arc::new(key)).unwrap();
    let secret = seal::base64(&[&[1], [seed; 32].as_slice()].concat());
    let theirs = format!("PRIVATE+KEY+{name}+{}+{secret}", seal::hex(&ours.verifier().id()));
    (ours, StandardSigner::new(&theirs).unwrap())
}

/// The bytes with one bit flipped.
pub(crate) fn flipped(bytes: &[u8], at: usize, bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] ^= 1 << bit;
    bytes
}
