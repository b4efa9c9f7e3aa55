//! `anchor` under fire: answers of a time-stamping authority.

use crate::seeds::data;
use anchor::{Authorities, TimeStamp, query, verify};
use std::sync::LazyLock;

const DIGEST: [u8; 32] = [0x5a; 32];

/// The root that is trusted, and what its authority has signed, once.
static SIGNED: LazyLock<(Authorities, TimeStamp)> = LazyLock::new(|| {
    let trusted = Authorities::from_pem(&data("anchors/root.pem")).expect("a certificate");
    let stamp = verify(&data("anchors/answer.tsr"), &DIGEST, &trusted).expect("a time stamp");
    (trusted, stamp)
});

/// An answer: whatever is altered, nobody ever signed another time for this digest.
pub fn timestamp(bytes: &[u8]) {
    let (trusted, signed) = &*SIGNED;
    if let Ok(stamp) = verify(bytes, &DIGEST, trusted) {
        assert_eq!(&stamp, signed, "nothing else was ever signed");
    }
    let _ = Authorities::from_pem(bytes);
    if let Some(nonce) = bytes.first_chunk().map(|nonce| u64::from_be_bytes(*nonce)) {
        assert!(query(&DIGEST, Some(nonce)).is_ok(), "any nonce can be asked with");
    }
}
