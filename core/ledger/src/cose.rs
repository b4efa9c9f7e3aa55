//! The receipt of one record as a COSE receipt (RFC 9942): the same tree and path as the [tlog-proof](crate::receipt), for
//! those whose tools speak COSE.
//!
//! ```text
//! COSE_Sign1 { protected { alg, kid, claims { iss, sub }, vds }, unprotected { vdp { inclusion } }, nil, signature }
//! ```
//!
//! What is signed is the root of the tree, which the reader computes from record and path (RFC 9942, section 5.2). It is a
//! signature of its own, made when the receipt is: unlike a tlog-proof this one takes the ledger's key. The size of the tree
//! is not signed: a path of one shape fits several.

mod cbor;

use crate::checkpoint::Checkpoint;
use crate::entry::{Head, Malformed};
use crate::proof::lead;
use crate::receipt::PATH_LIMIT;
use crate::tree::{Hash, leaf_hash};
use cbor::{Items, Writer};
use plant::RecordId;
use seal::SignError;
use seal::note::{Signer, Verifier};

/// Longest receipt: a reader of files need not read further.
pub const COSE_LIMIT: usize = 4096;
/// What the bytes of a receipt begin with: tag 18, `COSE_Sign1`. No text begins so.
pub const COSE_BEGINS: u8 = 0xd2;

/// Header labels (RFC 9052, section 3.1; RFC 9597, section 2; RFC 9942, section 4).
const ALG: u64 = 1;
const KID: u64 = 4;
const CLAIMS: u64 = 15;
const VDS: u64 = 395;
const VDP: u64 = 396;
/// The tag of `COSE_Sign1` (RFC 9052, section 2).
const SIGN1: u64 = 18;
/// EdDSA is -8 (RFC 9053, section 2.2), inclusion proofs are -1 (RFC 9942, section 5.2): as CBOR has negative numbers, -1 - n.
const EDDSA: u64 = 7;
const INCLUSION: u64 = 0;
/// RFC9162_SHA256 (RFC 9942, section 5.1).
const RFC9162_SHA256: u64 = 1;
/// `iss` and `sub` (RFC 8392, section 4).
const ISSUER: u64 = 1;
const SUBJECT: u64 = 2;

/// A COSE receipt, as it was read. It proves nothing yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoseReceipt {
    origin: String,
    id: RecordId,
    kid: [u8; 4],
    size: u64,
    index: u64,
    path: Vec<Hash>,
    signature: [u8; 64],
}

/// Why a COSE receipt is none, or does not prove what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoseError {
    /// The bytes are not of the form.
    #[error("it is no COSE receipt of a ledger, in the one way to write it")]
    Form,
    /// What should be the record is none.
    #[error(transparent)]
    Record(#[from] Malformed),
    /// It is for another record.
    #[error("the receipt is for record {index} ({id}), and the record is another")]
    OtherRecord {
        /// Its number.
        index: u64,
        /// Its identity.
        id: RecordId,
    },
    /// No trusted key has its name and id.
    #[error("no trusted key has the name and id of the one that signed it")]
    UnknownKey,
    /// The path leads nowhere, or the signature is on another root.
    #[error("the receipt does not lead from the record to a root that the key has signed")]
    NotIncluded,
}

/// Signs a receipt for the record `id` at `index`, which `path` leads from to the root of `head`.
///
/// # Errors
/// If the key is not at hand.
pub fn receipt(
    head: &Checkpoint,
    index: u64,
    id: RecordId,
    path: &[Hash],
    signer: &Signer,
) -> Result<Vec<u8>, SignError> {
    let (origin, kid) = (head.origin.clone(), signer.verifier().id());
    let unsigned = CoseReceipt { origin, id, kid, size: head.size, index, path: path.to_vec(), signature: [0; 64] };
    let signature = signer.key().sign(&unsigned.to_be_signed(&head.root))?;
    Ok(CoseReceipt { signature, ..unsigned }.to_bytes())
}

impl CoseReceipt {
    /// Reads a receipt, from any source, in the one form in which [`receipt`] writes it.
    ///
    /// # Errors
    /// Unless the bytes are exactly of that form, and at most [`COSE_LIMIT`].
    pub fn parse(bytes: &[u8]) -> Result<Self, CoseError> {
        let read = if bytes.len() > COSE_LIMIT { None } else { Self::read(bytes) };
        // Numbers in a longer form, items behind the end: whatever reads alike and is written otherwise falls out here.
        read.filter(|receipt| receipt.to_bytes() == bytes).ok_or(CoseError::Form)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut outer = Items::new(bytes);
        outer.tag(SIGN1)?;
        outer.array(4)?;
        let mut protected = Items::new(outer.bytes()?);
        outer.map(1)?;
        outer.unsigned(VDP)?;
        outer.map(1)?;
        outer.negative(INCLUSION)?;
        outer.array(1)?;
        let mut proof = Items::new(outer.bytes()?);
        outer.nil()?;
        let signature = outer.bytes()?.try_into().ok()?;

        protected.map(4)?;
        protected.unsigned(ALG)?;
        protected.negative(EDDSA)?;
        protected.unsigned(KID)?;
        let kid = protected.bytes()?.try_into().ok()?;
        protected.unsigned(CLAIMS)?;
        protected.map(2)?;
        protected.unsigned(ISSUER)?;
        let origin = protected.text()?.to_owned();
        protected.unsigned(SUBJECT)?;
        let id = RecordId::parse(protected.text()?)?;

        proof.array(3)?;
        let (size, index) = (proof.number()?, proof.number()?);
        let length = usize::try_from(proof.length()?).ok().filter(|length| *length <= PATH_LIMIT)?;
        let path = (0..length).map(|_| proof.bytes()?.try_into().ok()).collect::<Option<_>>()?;
        Some(Self { origin, id, kid, size, index, path, signature })
    }

    /// Checks that `record`, byte for byte, is in the ledger of a trusted key; gives the head under which it is. The size of
    /// that head is the receipt's word: nobody signed it.
    ///
    /// # Errors
    /// Says what fails.
    pub fn verify(&self, record: &[u8], trusted: &[Verifier]) -> Result<Checkpoint, CoseError> {
        let Head { seq, id, .. } = Head::parse(record)?;
        if (seq, id) != (self.index, self.id) {
            return Err(CoseError::OtherRecord { index: self.index, id: self.id });
        }
        let mut keys = trusted.iter().filter(|key| key.name() == self.origin && key.id() == self.kid).peekable();
        keys.peek().ok_or(CoseError::UnknownKey)?;
        let root = lead(&leaf_hash(record), self.index, self.size, &self.path).ok_or(CoseError::NotIncluded)?;
        let signed = self.to_be_signed(&root);
        if !keys.any(|key| key.key().verify(&signed, &self.signature)) {
            return Err(CoseError::NotIncluded);
        }
        Ok(Checkpoint { origin: self.origin.clone(), size: self.size, root })
    }

    fn protected(&self) -> Vec<u8> {
        let mut protected = Writer::default();
        protected.map(4);
        protected.unsigned(ALG).negative(EDDSA);
        protected.unsigned(KID).bytes(&self.kid);
        protected.unsigned(CLAIMS).map(2);
        protected.unsigned(ISSUER).text(&self.origin).unsigned(SUBJECT).text(&self.id.to_string());
        protected.unsigned(VDS).unsigned(RFC9162_SHA256);
        protected.0
    }

    /// `Sig_structure` (RFC 9052, section 4.4).
    fn to_be_signed(&self, root: &Hash) -> Vec<u8> {
        let mut signed = Writer::default();
        signed.array(4).text("Signature1").bytes(&self.protected()).bytes(&[]).bytes(root);
        signed.0
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut proof = Writer::default();
        proof.array(3).unsigned(self.size).unsigned(self.index).array(self.path.len() as u64);
        for hash in &self.path {
            proof.bytes(hash);
        }
        let mut receipt = Writer::default();
        receipt.tag(SIGN1).array(4).bytes(&self.protected());
        receipt.map(1).unsigned(VDP).map(1).negative(INCLUSION).array(1).bytes(&proof.0);
        receipt.nil().bytes(&self.signature);
        receipt.0
    }
}

#[cfg(test)]
mod tests {
    use super::{COSE_BEGINS, COSE_LIMIT, CoseError, CoseReceipt, receipt};
    use crate::checkpoint::Checkpoint;
    use crate::tree::{leaf_hash, node_hash};
    use plant::{Millis, RecordId};
    use seal::note::Signer;
    use std::sync::Arc;

    #[test]
    fn a_receipt_among_a_billion_records_has_less_than_1300_bytes() {
        let origin = "a-plant-with-a-long-name/gateway-12/fb46d8bc12620a582f777d74c7de9d9d";
        let signer = Signer::new(origin, Arc::new(seal::SigningKey::from_seed([1; 32].into()))).unwrap();
        let head = Checkpoint { origin: origin.to_owned(), size: 1_000_000_000, root: [7; 32] };
        let id = RecordId::new(Millis(1_790_000_000_000), [9; 10]);
        let receipt = receipt(&head, 999_999_999, id, &[[3; 32]; 30], &signer).unwrap();
        assert!(receipt.len() < 1300, "{}", receipt.len());
    }

    fn signer(seed: u8) -> Signer {
        Signer::new("hilltop/gate-1/0", Arc::new(seal::SigningKey::from_seed([seed; 32].into()))).unwrap()
    }

    fn record(seq: u64, id: RecordId) -> Vec<u8> {
        let prev = "0".repeat(64);
        format!(
            "{{\"boot\":1,\"clk\":{{\"source\":\"system\"}},\"id\":\"{id}\",\"kind\":\"beat\",\"mono\":1,\"prev\":\"{prev}\",\"seq\":{seq},\"t\":1790000000000,\"v\":1}}"
        )
        .into_bytes()
    }

    /// A receipt for record 1 of a tree of three.
    fn made() -> (Vec<u8>, Vec<u8>) {
        let id = RecordId::new(Millis(1_790_000_000_000), [9; 10]);
        let record = record(1, id);
        let path = [[1; 32], [2; 32]];
        let root = node_hash(&node_hash(&path[0], &leaf_hash(&record)), &path[1]);
        let head = Checkpoint { origin: "hilltop/gate-1/0".to_owned(), size: 3, root };
        (receipt(&head, 1, id, &path, &signer(1)).unwrap(), record)
    }

    #[test]
    fn a_receipt_proves_its_record_under_its_key_only() {
        let (bytes, own) = made();
        let read = CoseReceipt::parse(&bytes).unwrap();
        let trusted = [signer(1).verifier().clone()];
        assert_eq!(bytes.first(), Some(&COSE_BEGINS));
        assert_eq!(read.verify(&own, &trusted).map(|head| head.size), Ok(3));
        let id = RecordId::new(Millis(1_790_000_000_000), [9; 10]);
        assert_eq!(read.verify(&record(0, id), &trusted), Err(CoseError::OtherRecord { index: 1, id }));
        let other = String::from_utf8(own.clone()).unwrap().replace("\"mono\":1", "\"mono\":2");
        assert_eq!(read.verify(other.as_bytes(), &trusted), Err(CoseError::NotIncluded));
        assert_eq!(read.verify(&own, &[signer(2).verifier().clone()]), Err(CoseError::UnknownKey));
        assert!(matches!(read.verify(b"{}", &trusted), Err(CoseError::Record(_))));
    }

    /// A9: but the size, which nobody signs, nothing of a receipt can change and still prove the record.
    #[test]
    fn a9_no_bit_of_a_cose_receipt_flips_and_proves_something_else() {
        let (bytes, own) = made();
        let trusted = [signer(1).verifier().clone()];
        let good = CoseReceipt::parse(&bytes).unwrap();
        for at in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[at / 8] ^= 1 << (at % 8);
            if let Ok(read) = CoseReceipt::parse(&changed)
                && read.verify(&own, &trusted).is_ok()
            {
                assert_eq!(CoseReceipt { size: good.size, ..read }, good, "bit {at}");
            }
        }
    }

    #[test]
    fn what_reads_alike_and_is_written_otherwise_is_no_receipt() {
        let (bytes, _) = made();
        let behind = [&bytes[..], &[0xf6]].concat();
        let longer_tag = [&[0xd8, 0x12], &bytes[1..]].concat();
        let cut = bytes[..bytes.len() - 1].to_vec();
        for hostile in [behind, longer_tag, cut, vec![COSE_BEGINS; COSE_LIMIT + 1], Vec::new(), vec![COSE_BEGINS]] {
            assert_eq!(CoseReceipt::parse(&hostile), Err(CoseError::Form));
        }
        let endless = [&[COSE_BEGINS, 0x84, 0x5b][..], &[0xff; 8], &[0; 64]].concat();
        assert_eq!(CoseReceipt::parse(&endless), Err(CoseError::Form));
    }
}
