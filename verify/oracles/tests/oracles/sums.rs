//! `sigsum`, which verifies leaves of its own form: in a tree of ours, under a head of ours.

use crate::support::{Damage, SIZES};
use ledger::tile::Tiles;
use ledger::{Checkpoint, Edge, Hash, Tile, leaf_hash};
use seal::SigningKey;
use sigsum::policy::{Policy, PolicyBuilder};
use sigsum::{InclusionProof, PublicKey, SignedTreeHead, SigsumSignature};
use std::collections::BTreeMap;
use std::sync::LazyLock;

const MESSAGE: Hash = [5; 32];
/// Where the tree has the leaf that is asked for; no two are siblings, or one could stand for the other.
const PLACES: [u64; 7] = [0, 127, 253, 255, 256, 65_534, 65_536];

static LOG: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_seed([1; 32].into()));
static SUBMITTER: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::from_seed([2; 32].into()));

fn public(key: &SigningKey) -> PublicKey {
    (*key.verifying_key().as_bytes()).into()
}

fn key_hash(key: &SigningKey) -> Hash {
    seal::sha256(key.verifying_key().as_bytes())
}

/// What the submitter signs, and its signature.
fn submission() -> (Hash, [u8; 64]) {
    let checksum = seal::sha256(&MESSAGE);
    (checksum, SUBMITTER.sign(&[b"sigsum.org/v1/tree-leaf\0".as_slice(), &checksum].concat()))
}

/// A proof that the leaf is in the tree of a signed head.
#[derive(Clone)]
struct Proof {
    head: SignedTreeHead,
    path: InclusionProof,
}

/// The leaf at each place, in trees of every size: all but the leaf's form is made by us.
fn proofs() -> Vec<Proof> {
    let (mut edge, mut full, mut proofs) = (Edge::new(), BTreeMap::new(), Vec::new());
    for size in SIZES {
        while edge.size() < size {
            let other = leaf_hash(&edge.size().to_be_bytes());
            let next = if PLACES.contains(&edge.size()) { leaf() } else { other };
            edge.push(next, |tile, hashes| drop(full.insert(tile, hashes.concat())));
        }
        let partial: BTreeMap<Tile, Vec<u8>> = edge.partial().map(|(tile, hashes)| (tile, hashes.concat())).collect();
        let tiles = Tiles::new(size, |tile: Tile| partial.get(&tile).or(full.get(&tile)).cloned());
        for leaf_index in PLACES.into_iter().filter(|index| *index < size) {
            let path = ledger::prove_inclusion(leaf_index, size, &tiles).unwrap();
            let path = InclusionProof { leaf_index, node_hashes: path.into_iter().map(Into::into).collect() };
            proofs.push(Proof { head: head(size, edge.frontier().root()), path });
        }
    }
    proofs
}

fn leaf() -> Hash {
    let (checksum, signature) = submission();
    leaf_hash(&[checksum.as_slice(), &signature, &key_hash(&SUBMITTER)].concat())
}

/// Our checkpoint under the origin that the crate demands: what it has signed is the text of a checkpoint.
fn head(size: u64, root: Hash) -> SignedTreeHead {
    let origin = format!("sigsum.org/v1/tree/{}", seal::hex(&key_hash(&LOG)));
    let text = Checkpoint { origin, size, root }.to_string();
    let signature = LOG.sign(text.as_bytes()).into();
    SignedTreeHead { size, root_hash: root.into(), signature, cosignatures: Vec::new() }
}

fn policy() -> Policy {
    let mut policy = PolicyBuilder::new();
    policy.add_log(public(&LOG), None).unwrap();
    policy.build()
}

impl Proof {
    /// What the crate says of it. It takes proofs as text only.
    fn holds(&self) -> Result<(), String> {
        let (log, submitter) = (seal::hex(&key_hash(&LOG)), seal::hex(&key_hash(&SUBMITTER)));
        let leaf = format!("version=2\nlog={log}\nleaf={submitter} {}\n", seal::hex(&submission().1));
        let text = format!("{leaf}\n{}\n{}", self.head.to_ascii(), self.path.to_ascii());
        let proof = SigsumSignature::from_ascii(&text).map_err(|error| error.to_string())?;
        sigsum::verify(&MESSAGE.into(), &proof, &[public(&SUBMITTER)], &policy()).map_err(|error| error.to_string())
    }

    /// What we say of its path.
    fn holds_for_us(&self) -> bool {
        let path: Vec<Hash> = self.path.node_hashes.iter().cloned().map(Into::into).collect();
        let root = self.head.root_hash.clone().into();
        ledger::verify_inclusion(&leaf(), self.path.leaf_index, self.head.size, &path, &root)
    }

    fn place(&self) -> String {
        format!("{} of {}", self.path.leaf_index, self.head.size)
    }
}

#[test]
fn a_leaf_in_a_tree_of_ours_is_proved_to_the_crate() {
    let proofs = proofs();
    assert_eq!(proofs.len(), 1 + 3 + 4 + 5 + 6 + 6 + 7);
    for proof in proofs {
        assert_eq!((proof.holds(), proof.holds_for_us()), (Ok(()), true), "{}", proof.place());
    }
}

#[test]
fn a_spoilt_proof_is_refused_by_the_crate_and_by_us() {
    let damage: &Damage<Proof> = &[
        ("another index", |it| it.path.leaf_index ^= 1),
        ("an index beyond the tree", |it| it.path.leaf_index = it.head.size),
        ("a size with another shape", |it| it.head.size = it.head.size * 2 + 1),
        ("another root", |it| it.head.root_hash = [0; 32].into()),
        ("another step", |it| *it.path.node_hashes.last_mut().unwrap() = [0; 32].into()),
        ("a step less", |it| it.path.node_hashes.truncate(it.path.node_hashes.len() - 1)),
        ("a step more", |it| it.path.node_hashes.push([0; 32].into())),
        ("steps in another order", |it| it.path.node_hashes.rotate_left(1)),
    ];
    for good in proofs().into_iter().filter(|proof| proof.path.node_hashes.len() > 1).step_by(3) {
        for (name, spoil) in damage {
            let mut spoilt = good.clone();
            spoil(&mut spoilt);
            // Under a head that is rightly signed, so that only the path can tell.
            spoilt.head = head(spoilt.head.size, spoilt.head.root_hash.clone().into());
            let bad = spoilt.holds().unwrap_err();
            assert!(bad.contains("inclusion") && !spoilt.holds_for_us(), "{name}: {}: {bad}", good.place());
        }
    }
}

#[test]
fn a_head_that_the_key_did_not_sign_is_refused_by_the_crate() {
    let good = proofs().pop().unwrap();
    let other = head(good.head.size, [0; 32]);
    for (size, root, signature) in [
        (good.head.size + 1, good.head.root_hash.clone(), good.head.signature.clone()),
        (good.head.size, other.root_hash, good.head.signature.clone()),
        (good.head.size, good.head.root_hash.clone(), other.signature),
    ] {
        let head = SignedTreeHead { size, root_hash: root, signature, cosignatures: Vec::new() };
        let bad = Proof { head, path: good.path.clone() }.holds().unwrap_err();
        assert!(bad.contains("log signature"), "{bad}");
    }
}
