//! Time stamps of checkpoints: the query, and what an authority's answer proves.
//!
//! A log proves the order of its records, not when they were written: whoever holds its keys can write a past that adds up.
//! A time-stamping authority (RFC 3161) signs a digest together with the time, and knows neither plant nor content. With its
//! stamp on a checkpoint, every record below existed by then.
//!
//! ```text
//! text of a checkpoint -> SHA-256 -> query -> authority -> response -> verify -> time, whose
//! ```
//!
//! Pure: the nonce, the response and the authority's certificates are arguments.

mod asn1;
mod signature;

use asn1::{Query, Response, TstInfo};
use der::{Decode, Encode};
use plant::Millis;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, TrustAnchor};

/// Longest response that is read, in bytes: a signature and a chain of certificates.
pub const RESPONSE_LIMIT: usize = 64 << 10;
/// Most certificates of authorities.
const MOST_AUTHORITIES: usize = 64;

/// The query for a time stamp on a SHA-256 digest, in DER. The authority is asked to send its certificate along and, if
/// there is a nonce, to repeat it, so that an old answer cannot be taken for the one to this query.
///
/// # Errors
/// Only if the encoder fails, for which there is no known cause.
pub fn query(digest: &[u8; 32], nonce: Option<u64>) -> Result<Vec<u8>, TimeStampError> {
    Query::new(digest, nonce).and_then(|query| query.to_der()).map_err(TimeStampError::Malformed)
}

/// The authorities that an auditor trusts to tell the time.
pub struct Authorities(Vec<TrustAnchor<'static>>);

/// What an authority has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeStamp {
    /// When the authority saw the digest.
    pub time: Millis,
    /// How far that may be off, in microseconds, if the authority says so.
    pub accuracy_micros: Option<u64>,
    /// The policy that it was made under, as an object identifier.
    pub policy: String,
    /// The authority's number for it, in hexadecimal.
    pub serial: String,
    /// The subject of the certificate that it is signed with.
    pub authority: String,
    /// The nonce of the query, if it had one of at most 64 bits.
    pub nonce: Option<u64>,
}

/// Why a response proves nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TimeStampError {
    /// It is longer than [`RESPONSE_LIMIT`].
    #[error("the response has more than {RESPONSE_LIMIT} bytes")]
    TooLong,
    /// It is not what RFC 3161 describes.
    #[error("the response cannot be read: {0}")]
    Malformed(der::Error),
    /// The authority has refused; its status, and what it says.
    #[error("the authority gives no time stamp (status {status}): {text}")]
    Refused {
        /// PKIStatus (RFC 3161, section 2.4.2).
        status: u8,
        /// Its words, without control characters; may be empty.
        text: String,
    },
    /// Something that must be there is missing, or is there twice.
    #[error("the response has not exactly one {0}")]
    NotOne(&'static str),
    /// An algorithm that we do not take.
    #[error("the response uses an algorithm that is not taken: {0}")]
    Algorithm(String),
    /// It stamps another digest.
    #[error("the time stamp is on something else")]
    OtherDigest,
    /// The signature or a digest on the way to it does not agree.
    #[error("the signature of the time stamp is not right: {0}")]
    Signature(&'static str),
    /// The certificate is not the one that was signed for, or no authority that is trusted vouches for it.
    #[error("the certificate of the time stamp is not trusted: {0}")]
    Untrusted(String),
    /// The authority's certificates cannot be read.
    #[error("the certificates of the authorities cannot be read: {0}")]
    Authorities(String),
}

impl Authorities {
    /// Reads certificates in PEM.
    ///
    /// # Errors
    /// If there is none, or one that is no certificate.
    pub fn from_pem(pem: &[u8]) -> Result<Self, TimeStampError> {
        let problem = |text: String| TimeStampError::Authorities(text);
        let mut anchors = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| problem(error.to_string()))?;
            let anchor =
                webpki::anchor_from_trusted_cert(&certificate).map_err(|error| problem(error.to_string()))?.to_owned();
            anchors.push(anchor);
        }
        match anchors.len() {
            0 => Err(problem("there is none".to_owned())),
            count if count > MOST_AUTHORITIES => Err(problem(format!("there are more than {MOST_AUTHORITIES}"))),
            _ => Ok(Self(anchors)),
        }
    }
}

/// What a response says of a digest, if an authority that is trusted has signed it.
///
/// Its certificate must be good for time stamping and have been valid at the time that it states (RFC 3161, section 2.3;
/// RFC 5280). Whether it was revoked is not looked at.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(response: &[u8], digest: &[u8; 32], authorities: &Authorities) -> Result<TimeStamp, TimeStampError> {
    let (info, signed) = open(response)?;
    if info.digest() != Some(digest) {
        return Err(TimeStampError::OtherDigest);
    }
    let time = info.time().ok_or(TimeStampError::NotOne("time"))?;
    let authority = signature::verify(&signed, time, &authorities.0)?;
    Ok(TimeStamp {
        time,
        accuracy_micros: info.accuracy.as_ref().map(asn1::Accuracy::micros),
        policy: info.policy.to_string(),
        serial: info.serial_number.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect(),
        authority,
        nonce: info.nonce.as_ref().and_then(asn1::number),
    })
}

/// The SHA-256 digest that a response stamps, if it stamps one; nothing of it is proved yet.
///
/// # Errors
/// If it cannot be read.
pub fn digest_of(response: &[u8]) -> Result<Option<[u8; 32]>, TimeStampError> {
    Ok(open(response)?.0.digest().copied())
}

/// The time stamp in a response, and the message that signs it.
fn open(response: &[u8]) -> Result<(TstInfo, cms::signed_data::SignedData), TimeStampError> {
    if response.len() > RESPONSE_LIMIT {
        return Err(TimeStampError::TooLong);
    }
    let signed = Response::from_der(response).map_err(TimeStampError::Malformed)?.signed()?;
    let info = TstInfo::from_der(asn1::content(&signed)?).map_err(TimeStampError::Malformed)?;
    Ok((info, signed))
}
