//! The messages of RFC 3161 that are ours to read and write. What signs them is CMS (RFC 5652) and a library's.

use crate::TimeStampError;
use cms::content_info::ContentInfo;
use cms::signed_data::SignedData;
use der::asn1::{BitString, Int, ObjectIdentifier, OctetString};
use der::{Any, Decode, Encode, Sequence, Tag, Tagged};
use plant::Millis;

/// id-sha256 (RFC 5754, section 2.2).
pub(crate) const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
/// id-signedData (RFC 5652, section 5.1).
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
/// id-ct-TSTInfo (RFC 3161, section 2.4.2).
pub(crate) const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");

/// An algorithm with parameters that are of no interest.
#[derive(Clone, Debug, Sequence)]
pub(crate) struct Algorithm {
    pub(crate) oid: ObjectIdentifier,
    #[asn1(optional = "true")]
    parameters: Option<Any>,
}

/// What is stamped.
#[derive(Clone, Debug, Sequence)]
pub(crate) struct MessageImprint {
    algorithm: Algorithm,
    digest: OctetString,
}

/// TimeStampReq (section 2.4.1).
#[derive(Clone, Debug, Sequence)]
pub(crate) struct Query {
    version: u8,
    message_imprint: MessageImprint,
    #[asn1(optional = "true")]
    nonce: Option<u64>,
    cert_req: bool,
}

/// PKIStatusInfo (section 2.4.2).
#[derive(Clone, Debug, Sequence)]
pub(crate) struct Status {
    status: u8,
    #[asn1(optional = "true")]
    text: Option<Vec<String>>,
    #[asn1(optional = "true")]
    failure: Option<BitString>,
}

/// TimeStampResp (section 2.4.2).
#[derive(Clone, Debug, Sequence)]
pub(crate) struct Response {
    status: Status,
    #[asn1(optional = "true")]
    token: Option<ContentInfo>,
}

/// Accuracy (section 2.4.2).
#[derive(Clone, Debug, Sequence)]
pub(crate) struct Accuracy {
    #[asn1(optional = "true")]
    seconds: Option<u32>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    millis: Option<u16>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    micros: Option<u16>,
}

/// TSTInfo (section 2.4.2).
#[derive(Clone, Debug, Sequence)]
pub(crate) struct TstInfo {
    version: u8,
    pub(crate) policy: ObjectIdentifier,
    message_imprint: MessageImprint,
    pub(crate) serial_number: Int,
    gen_time: Any,
    #[asn1(optional = "true")]
    pub(crate) accuracy: Option<Accuracy>,
    #[asn1(default = "Default::default")]
    ordering: bool,
    #[asn1(optional = "true")]
    pub(crate) nonce: Option<Int>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    tsa: Option<Any>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    extensions: Option<Vec<Any>>,
}

impl Query {
    pub(crate) fn new(digest: &[u8; 32], nonce: Option<u64>) -> der::Result<Self> {
        let algorithm = Algorithm { oid: SHA_256, parameters: Some(Any::null()) };
        let message_imprint = MessageImprint { algorithm, digest: OctetString::new(digest.as_slice())? };
        Ok(Self { version: 1, message_imprint, nonce, cert_req: true })
    }
}

impl Response {
    /// The signed message, if the authority gave one.
    pub(crate) fn signed(self) -> Result<SignedData, TimeStampError> {
        // 0 granted, 1 granted with modifications
        let Some(token) = self.token.filter(|_| self.status.status <= 1) else {
            let said = self.status.text.unwrap_or_default().join(" ");
            let text = said.chars().filter(|character| !character.is_control()).take(200).collect();
            return Err(TimeStampError::Refused { status: self.status.status, text });
        };
        if token.content_type != SIGNED_DATA {
            return Err(TimeStampError::NotOne("signed message"));
        }
        token.content.decode_as().map_err(TimeStampError::Malformed)
    }
}

/// The DER of the time stamp in a signed message.
pub(crate) fn content(signed: &SignedData) -> Result<&[u8], TimeStampError> {
    let content = &signed.encap_content_info;
    let octets = content.econtent.as_ref().filter(|octets| octets.tag() == Tag::OctetString);
    octets.filter(|_| content.econtent_type == TST_INFO).map(Any::value).ok_or(TimeStampError::NotOne("time stamp"))
}

impl TstInfo {
    /// The SHA-256 digest that is stamped.
    pub(crate) fn digest(&self) -> Option<&[u8; 32]> {
        let imprint = &self.message_imprint;
        imprint.digest.as_bytes().try_into().ok().filter(|_| imprint.algorithm.oid == SHA_256)
    }

    /// When. GeneralizedTime as RFC 3161 has it: `20261120213000Z`, with as many digits behind a point as the authority
    /// likes.
    pub(crate) fn time(&self) -> Option<Millis> {
        let text = Some(&self.gen_time).filter(|time| time.tag() == Tag::GeneralizedTime)?.value();
        let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() != 14 || fraction.len() > 9 || !digits(whole) || !digits(fraction) {
            return None;
        }
        let part = |from: usize, to: usize| whole.get(from..to).unwrap_or_default();
        let date = format!("{}-{}-{}", part(0, 4), part(4, 6), part(6, 8));
        Millis::parse(&format!("{date}T{}:{}:{}.{fraction}Z", part(8, 10), part(10, 12), part(12, 14)))
    }
}

impl Accuracy {
    pub(crate) fn micros(&self) -> u64 {
        let part = |value: Option<u64>, micros: u64| value.unwrap_or_default() * micros;
        part(self.seconds.map(u64::from), 1_000_000)
            + part(self.millis.map(u64::from), 1000)
            + part(self.micros.map(u64::from), 1)
    }
}

/// An integer, if it is at least 0 and fits.
pub(crate) fn number(int: &Int) -> Option<u64> {
    u64::from_der(&int.to_der().ok()?).ok()
}
