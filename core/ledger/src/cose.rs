//! The receipt of one record as a COSE receipt (RFC 9942): the same tree and path as the [tlog-proof](crate::receipt), for
//! those whose tools speak COSE.
//!
//! ```text
//! COSE_Sign1 { protected { alg, kid, claims { iss, sub }, vds }, unprotected { vdp { inclusion } }, nil, signature }
//! ```
//!
//! What is signed is the root of the tree, which the reader computes from record and path (RFC 9942, section 5.2). It is a
//! signature of its own, made when the receipt is: unlike a tlog-proof this one takes the ledger's key.

use crate::checkpoint::Checkpoint;
use crate::tree::Hash;
use plant::RecordId;
use seal::SignError;
use seal::note::Signer;

/// Header labels (RFC 9052, section 3.1; RFC 9597, section 2; RFC 9942, section 4).
const ALG: u64 = 1;
const KID: u64 = 4;
const CLAIMS: u64 = 15;
const VDS: u64 = 395;
const VDP: u64 = 396;
/// EdDSA is -8 (RFC 9053, section 2.2), inclusion proofs are -1 (RFC 9942, section 5.2): as CBOR has negative numbers, -1 - n.
const EDDSA: u64 = 7;
const INCLUSION: u64 = 0;
/// RFC9162_SHA256 (RFC 9942, section 5.1).
const RFC9162_SHA256: u64 = 1;
/// `iss` and `sub` (RFC 8392, section 4).
const ISSUER: u64 = 1;
const SUBJECT: u64 = 2;

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
    let mut protected = Cbor::default();
    protected.map(4);
    protected.unsigned(ALG).negative(EDDSA);
    protected.unsigned(KID).bytes(&signer.verifier().id());
    protected.unsigned(CLAIMS).map(2);
    protected.unsigned(ISSUER).text(&head.origin).unsigned(SUBJECT).text(&id.to_string());
    protected.unsigned(VDS).unsigned(RFC9162_SHA256);

    let mut proof = Cbor::default();
    proof.array(3).unsigned(head.size).unsigned(index).array(path.len() as u64);
    for hash in path {
        proof.bytes(hash);
    }

    // Sig_structure (RFC 9052, section 4.4).
    let mut signed = Cbor::default();
    signed.array(4).text("Signature1").bytes(&protected.0).bytes(&[]).bytes(&head.root);
    let signature = signer.key().sign(&signed.0)?;

    let mut receipt = Cbor::default();
    receipt.tag(18).array(4).bytes(&protected.0);
    receipt.map(1).unsigned(VDP).map(1).negative(INCLUSION).array(1).bytes(&proof.0);
    receipt.nil().bytes(&signature);
    Ok(receipt.0)
}

/// Writes the few items of CBOR that a receipt has, in the shortest form (RFC 8949, section 4.2.1).
#[derive(Default)]
struct Cbor(Vec<u8>);

impl Cbor {
    /// The head of an item: its major type, and a number.
    fn head(&mut self, major: u8, number: u64) -> &mut Self {
        let major = major << 5;
        let [.., b4, b3, b2, b1] = number.to_be_bytes();
        match number {
            0..24 => self.0.push(major | b1),
            24..0x100 => self.0.extend([major | 24, b1]),
            0x100..0x1_0000 => self.0.extend([major | 25, b2, b1]),
            0x1_0000..0x1_0000_0000 => self.0.extend([major | 26, b4, b3, b2, b1]),
            _ => {
                self.0.push(major | 27);
                self.0.extend(number.to_be_bytes());
            }
        }
        self
    }

    fn unsigned(&mut self, number: u64) -> &mut Self {
        self.head(0, number)
    }

    /// The number -1 - `number`.
    fn negative(&mut self, number: u64) -> &mut Self {
        self.head(1, number)
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.head(2, bytes.len() as u64).0.extend(bytes);
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.head(3, text.len() as u64).0.extend(text.as_bytes());
        self
    }

    fn array(&mut self, count: u64) -> &mut Self {
        self.head(4, count)
    }

    fn map(&mut self, count: u64) -> &mut Self {
        self.head(5, count)
    }

    fn tag(&mut self, tag: u64) -> &mut Self {
        self.head(6, tag)
    }

    fn nil(&mut self) -> &mut Self {
        self.0.push(0xf6);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::{Cbor, receipt};
    use crate::checkpoint::Checkpoint;
    use plant::{Millis, RecordId};
    use std::sync::Arc;

    #[test]
    fn a_receipt_among_a_billion_records_has_less_than_1300_bytes() {
        let origin = "a-plant-with-a-long-name/gateway-12/fb46d8bc12620a582f777d74c7de9d9d";
        let signer = seal::note::Signer::new(origin, Arc::new(seal::SigningKey::from_seed([1; 32].into()))).unwrap();
        let head = Checkpoint { origin: origin.to_owned(), size: 1_000_000_000, root: [7; 32] };
        let id = RecordId::new(Millis(1_790_000_000_000), [9; 10]);
        let receipt = receipt(&head, 999_999_999, id, &[[3; 32]; 30], &signer).unwrap();
        assert!(receipt.len() < 1300, "{}", receipt.len());
    }

    /// RFC 8949, appendix A.
    #[test]
    fn numbers_take_the_shortest_form() {
        let cases: [(u64, &str); 9] = [
            (0, "00"),
            (23, "17"),
            (24, "1818"),
            (100, "1864"),
            (255, "18ff"),
            (1000, "1903e8"),
            (1_000_000, "1a000f4240"),
            (1_000_000_000_000, "1b000000e8d4a51000"),
            (u64::MAX, "1bffffffffffffffff"),
        ];
        for (number, hex) in cases {
            assert_eq!(seal::hex(&Cbor::default().unsigned(number).0), hex, "{number}");
        }
        assert_eq!(seal::hex(&Cbor::default().negative(999).0), "3903e7");
        assert_eq!(seal::hex(&Cbor::default().array(1).text("ü").bytes(&[1]).nil().0), "8162c3bc4101f6");
    }
}
