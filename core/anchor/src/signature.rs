//! Who signed a time stamp: CMS (RFC 5652, section 5), the binding of the certificate (RFC 5035, RFC 5816), and the path to
//! an authority that is trusted (RFC 5280).

use crate::TimeStampError;
use crate::asn1::{Algorithm, SHA_256, TST_INFO, content};
use cms::cert::CertificateChoices;
use cms::cert::x509::Certificate;
use cms::signed_data::{SignedData, SignerIdentifier, SignerInfo};
use der::asn1::{ObjectIdentifier, OctetString};
use der::{Any, Decode, Encode, Sequence};
use plant::Millis;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use seal::foreign::{sha1, sha384, sha512};
use std::time::Duration;
use webpki::aws_lc_rs as algorithms;
use webpki::{EndEntityCert, KeyUsage};

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

/// Only where RFC 2634 leaves no choice.
const SHA_1: ObjectIdentifier = oid("1.3.14.3.2.26");
const SHA_384: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.2");
const SHA_512: ObjectIdentifier = oid("2.16.840.1.101.3.4.2.3");
/// Attributes of RFC 5652, section 11, and the two that name the certificate.
const CONTENT_TYPE: ObjectIdentifier = oid("1.2.840.113549.1.9.3");
const MESSAGE_DIGEST: ObjectIdentifier = oid("1.2.840.113549.1.9.4");
const SIGNING_CERTIFICATE: ObjectIdentifier = oid("1.2.840.113549.1.9.16.2.12");
const SIGNING_CERTIFICATE_V2: ObjectIdentifier = oid("1.2.840.113549.1.9.16.2.47");
/// id-kp-timeStamping (RFC 3161, section 2.3), as the value of its encoding.
const TIME_STAMPING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 8];

/// Signatures that are taken: the object identifiers that name them (a bare key type goes with the digest of the signer),
/// that digest, and how they are checked.
type Scheme = (&'static [&'static str], ObjectIdentifier, &'static [&'static dyn SignatureVerificationAlgorithm]);
const SCHEMES: [Scheme; 6] = [
    (&["1.2.840.113549.1.1.1", "1.2.840.113549.1.1.11"], SHA_256, &[algorithms::RSA_PKCS1_2048_8192_SHA256]),
    (&["1.2.840.113549.1.1.1", "1.2.840.113549.1.1.12"], SHA_384, &[algorithms::RSA_PKCS1_2048_8192_SHA384]),
    (&["1.2.840.113549.1.1.1", "1.2.840.113549.1.1.13"], SHA_512, &[algorithms::RSA_PKCS1_2048_8192_SHA512]),
    (
        &["1.2.840.10045.2.1", "1.2.840.10045.4.3.2"],
        SHA_256,
        &[algorithms::ECDSA_P256_SHA256, algorithms::ECDSA_P384_SHA256, algorithms::ECDSA_P521_SHA256],
    ),
    (
        &["1.2.840.10045.2.1", "1.2.840.10045.4.3.3"],
        SHA_384,
        &[algorithms::ECDSA_P256_SHA384, algorithms::ECDSA_P384_SHA384, algorithms::ECDSA_P521_SHA384],
    ),
    (
        &["1.2.840.10045.2.1", "1.2.840.10045.4.3.4"],
        SHA_512,
        &[algorithms::ECDSA_P256_SHA512, algorithms::ECDSA_P384_SHA512, algorithms::ECDSA_P521_SHA512],
    ),
];

/// The beginning of ESSCertID and ESSCertIDv2: which certificate signed, by its digest.
#[derive(Sequence)]
struct CertificateId {
    #[asn1(optional = "true")]
    algorithm: Option<Algorithm>,
    digest: OctetString,
    #[asn1(optional = "true")]
    issuer: Option<Any>,
}

/// SigningCertificate and SigningCertificateV2.
#[derive(Sequence)]
struct SigningCertificate {
    certificates: Vec<CertificateId>,
    #[asn1(optional = "true")]
    policies: Option<Any>,
}

/// Checks the one signature of the message at the time that it states; gives the subject of whoever made it.
pub(crate) fn verify(
    signed: &SignedData,
    time: Millis,
    authorities: &[TrustAnchor<'_>],
) -> Result<String, TimeStampError> {
    let [signer] = signed.signer_infos.0.as_slice() else { return Err(TimeStampError::NotOne("signature")) };
    let certificates: Vec<&Certificate> = signed
        .certificates
        .iter()
        .flat_map(|certificates| certificates.0.iter())
        .filter_map(|choice| match choice {
            CertificateChoices::Certificate(certificate) => Some(certificate),
            CertificateChoices::Other(_) => None,
        })
        .collect();
    let own = certificates.iter().find(|certificate| is_of(certificate, signer));
    let own = own.ok_or(TimeStampError::NotOne("certificate of the signer"))?;
    let der =
        |certificate: &Certificate| certificate.to_der().map(CertificateDer::from).map_err(TimeStampError::Malformed);
    let others: Vec<CertificateDer<'_>> =
        certificates.iter().map(|certificate| der(certificate)).collect::<Result<_, _>>()?;
    let own_der = der(own)?;
    let entity = EndEntityCert::try_from(&own_der).map_err(|error| TimeStampError::Untrusted(error.to_string()))?;
    check_attributes(signed, signer, &own_der)?;
    check_signature(signer, &entity)?;
    let then = UnixTime::since_unix_epoch(Duration::from_millis(time.0));
    entity
        .verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            authorities,
            &others,
            then,
            KeyUsage::required(TIME_STAMPING),
            None,
            None,
        )
        .map_err(|error| TimeStampError::Untrusted(error.to_string()))?;
    Ok(own.tbs_certificate.subject.to_string())
}

fn is_of(certificate: &Certificate, signer: &SignerInfo) -> bool {
    match &signer.sid {
        SignerIdentifier::IssuerAndSerialNumber(named) => {
            let own = &certificate.tbs_certificate;
            own.issuer == named.issuer && own.serial_number == named.serial_number
        }
        SignerIdentifier::SubjectKeyIdentifier(_) => false,
    }
}

/// The signature is over the attributes; they hold the digests of the time stamp and of the certificate.
fn check_attributes(signed: &SignedData, signer: &SignerInfo, own: &[u8]) -> Result<(), TimeStampError> {
    let kind: ObjectIdentifier = attribute(signer, CONTENT_TYPE, "content type")?;
    let stated: OctetString = attribute(signer, MESSAGE_DIGEST, "message digest")?;
    if kind != TST_INFO {
        return Err(TimeStampError::Signature("it signs something else than a time stamp"));
    }
    if !seal::equal(&digest(signer.digest_alg.oid, content(signed)?)?, stated.as_bytes()) {
        return Err(TimeStampError::Signature("the time stamp is not the one that was signed"));
    }
    let (named, usual) = match attribute::<SigningCertificate>(signer, SIGNING_CERTIFICATE_V2, "signing certificate") {
        Ok(named) => (named, SHA_256),
        // The older attribute has no algorithm: it is SHA-1, which names the certificate here and vouches for nothing.
        Err(TimeStampError::NotOne(_)) => (attribute(signer, SIGNING_CERTIFICATE, "signing certificate")?, SHA_1),
        Err(error) => return Err(error),
    };
    let first = named.certificates.first().ok_or(TimeStampError::NotOne("signing certificate"))?;
    let algorithm = first.algorithm.as_ref().map_or(usual, |algorithm| algorithm.oid);
    if !seal::equal(&digest(algorithm, own)?, first.digest.as_bytes()) {
        return Err(TimeStampError::Signature("it was made for another certificate"));
    }
    Ok(())
}

/// The one value of the one attribute of a type.
fn attribute<T: for<'a> Decode<'a>>(
    signer: &SignerInfo,
    kind: ObjectIdentifier,
    name: &'static str,
) -> Result<T, TimeStampError> {
    let mut found = signer.signed_attrs.iter().flat_map(|all| all.iter()).filter(|attribute| attribute.oid == kind);
    let (Some(attribute), None) = (found.next(), found.next()) else { return Err(TimeStampError::NotOne(name)) };
    let [value] = attribute.values.as_slice() else { return Err(TimeStampError::NotOne(name)) };
    T::from_der(&value.to_der().map_err(TimeStampError::Malformed)?).map_err(TimeStampError::Malformed)
}

fn check_signature(signer: &SignerInfo, entity: &EndEntityCert<'_>) -> Result<(), TimeStampError> {
    let attributes = signer.signed_attrs.as_ref().ok_or(TimeStampError::NotOne("set of signed attributes"))?;
    // Signed as a SET OF, not under the tag that they travel with (RFC 5652, section 5.4).
    let message = attributes.to_der().map_err(TimeStampError::Malformed)?;
    let (name, hash) = (signer.signature_algorithm.oid.to_string(), signer.digest_alg.oid);
    let schemes = SCHEMES.iter().filter(|(names, digest, _)| names.contains(&name.as_str()) && *digest == hash);
    let mut known = schemes.flat_map(|(_, _, algorithms)| *algorithms).peekable();
    if known.peek().is_none() {
        return Err(TimeStampError::Algorithm(format!("{name} over {hash}")));
    }
    match known.any(|algorithm| entity.verify_signature(*algorithm, &message, signer.signature.as_bytes()).is_ok()) {
        true => Ok(()),
        false => Err(TimeStampError::Signature("the attributes are not the ones that were signed")),
    }
}

fn digest(algorithm: ObjectIdentifier, bytes: &[u8]) -> Result<Vec<u8>, TimeStampError> {
    match algorithm {
        SHA_1 => Ok(sha1(bytes)),
        SHA_256 => Ok(seal::sha256(bytes).to_vec()),
        SHA_384 => Ok(sha384(bytes)),
        SHA_512 => Ok(sha512(bytes)),
        other => Err(TimeStampError::Algorithm(other.to_string())),
    }
}
