//! Issues the certificates that intercepted callers are shown, each with a fresh key of its own.
//!
//! The authority is an intermediate that may issue for the plant's AI hosts and no other; a leaf that it does not cover is
//! never shown. Leaves are kept and used again for a day, so that a host costs one signature a day and not one a call.

use crate::recorder::now;
use plant::{Millis, Reason, Refusal};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType, SerialNumber,
};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;
/// A leaf's life. Whoever steals its key can be one host of one plant for so long.
const LIFE: u64 = 7 * DAY;
/// Clocks of callers lag; an hour covers those that are kept at all.
const BACKDATE: u64 = HOUR;
/// How long a leaf is shown.
const FRESH: u64 = DAY;
/// Most leaves that are issued in a minute. Hosts are few, and each is issued for once a day.
const A_MINUTE: usize = 64;
const MINUTE: u64 = 60_000;

/// An interception authority that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// A file cannot be read.
    #[error("cannot read `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls::pki_types::pem::Error,
    },
    /// The certificate or its key is not one that can issue.
    #[error("`{0}` is no certificate and key that can issue")]
    Unusable(PathBuf),
    /// The key is another certificate's.
    #[error("`{0}` and its key do not belong together")]
    Apart(PathBuf),
}

/// Issues leaves.
pub struct Mint {
    issuer: Issuer<'static, KeyPair>,
    /// The authority's own certificate, and those above it that the file holds.
    chain: Vec<CertificateDer<'static>>,
    judge: Arc<dyn ServerCertVerifier>,
    /// When the authority ends.
    ends: Millis,
    minted: Mutex<Minted>,
}

#[derive(Default)]
struct Minted {
    leaves: BTreeMap<String, Leaf>,
    /// When the last ones were issued.
    times: VecDeque<Millis>,
}

/// A certificate ready to be shown, and until when it is.
struct Leaf {
    config: Arc<rustls::ServerConfig>,
    until: Millis,
}

/// Why nothing can be issued with a certificate and a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// They are good, each for itself, and do not belong together.
    Apart,
    /// One of them is no authority's.
    Unusable,
}

impl Mint {
    /// Takes up an authority from a chain and a key, PEM.
    ///
    /// # Errors
    /// When they cannot be read, do not belong together, or cannot issue.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, MintError> {
        let read = |path: &Path| {
            let path = path.to_owned();
            move |source| MintError::Read { path, source }
        };
        let chain = CertificateDer::pem_file_iter(certificate)
            .map_err(read(certificate))?
            .collect::<Result<Vec<_>, _>>()
            .map_err(read(certificate))?;
        let secret = PrivateKeyDer::from_pem_file(key).map_err(read(key))?;
        Self::new(chain, &secret).map_err(|unfit| match unfit {
            Unfit::Apart => MintError::Apart(certificate.to_owned()),
            Unfit::Unusable => MintError::Unusable(certificate.to_owned()),
        })
    }

    pub(super) fn new(chain: Vec<CertificateDer<'static>>, secret: &PrivateKeyDer<'_>) -> Result<Self, Unfit> {
        let own = chain.first().ok_or(Unfit::Unusable)?.clone();
        let key = KeyPair::try_from(secret).map_err(|_| Unfit::Unusable)?;
        let issuer = Issuer::from_ca_cert_der(&own, key).map_err(|_| Unfit::Unusable)?;
        let (_, read) = x509_parser::parse_x509_certificate(&own).map_err(|_| Unfit::Unusable)?;
        let last = u64::try_from(read.validity().not_after.timestamp()).map_err(|_| Unfit::Unusable)?;
        let ends = Millis(last.saturating_mul(1000));
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let sign = provider.key_provider.load_private_key(secret.clone_key()).map_err(|_| Unfit::Unusable)?;
        CertifiedKey::new(chain.clone(), sign).keys_match().map_err(|_| Unfit::Apart)?;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(own).map_err(|_| Unfit::Unusable)?;
        let judge = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(provider)).build();
        Ok(Self { issuer, chain, judge: judge.map_err(|_| Unfit::Unusable)?, ends, minted: Mutex::default() })
    }

    /// TLS in a host's name: with the leaf that there is, or a new one.
    pub(crate) fn leaf(&self, host: &str) -> Result<Arc<rustls::ServerConfig>, Refusal> {
        let now = now();
        // Held while one is issued, so that of many callers at once one waits for the other's. A panic leaves it whole.
        let mut minted = self.minted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(leaf) = minted.leaves.get(host).filter(|leaf| now < leaf.until) {
            return Ok(Arc::clone(&leaf.config));
        }
        while minted.times.front().is_some_and(|first| first.0 + MINUTE <= now.0) {
            minted.times.pop_front();
        }
        if minted.times.len() >= A_MINUTE {
            return Err(Refusal::new(Reason::TooBusy, "more certificates are asked for than are issued in a minute"));
        }
        minted.times.push_back(now);
        let config = self.issue(host, now)?;
        let until = Millis(self.ends.0.min(now.0 + FRESH));
        minted.leaves.insert(host.to_owned(), Leaf { config: Arc::clone(&config), until });
        Ok(config)
    }

    fn issue(&self, host: &str, now: Millis) -> Result<Arc<rustls::ServerConfig>, Refusal> {
        let broken = |_| Refusal::new(Reason::UnknownHost, format!("no certificate can be issued for `{host}`"));
        let key = KeyPair::generate().map_err(broken)?;
        let leaf =
            self.parameters(host, now).and_then(|params| params.signed_by(&key, &self.issuer)).map_err(broken)?;
        self.covers(leaf.der(), host)?;
        let chain = [leaf.der().clone()].into_iter().chain(self.chain.iter().cloned()).collect();
        let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, secret));
        let mut config = config
            .map_err(|_| Refusal::new(Reason::UnknownHost, format!("no certificate can be used for `{host}`")))?;
        // What the provider speaks does not matter here: each side has its own.
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// The leaf's certificate, for tests to look at.
    #[cfg(test)]
    pub(super) fn leaf_der(&self, host: &str) -> Result<CertificateDer<'static>, rcgen::Error> {
        let key = KeyPair::generate()?;
        Ok(self.parameters(host, now())?.signed_by(&key, &self.issuer)?.der().clone())
    }

    /// Sees that callers who believe in the authority will believe the leaf: it may have ended, or not cover the host.
    fn covers(&self, leaf: &CertificateDer<'_>, host: &str) -> Result<(), Refusal> {
        let name = ServerName::try_from(host).map_err(|_| Refusal::new(Reason::UnknownHost, "the host has no name"))?;
        let verdict = self.judge.verify_server_cert(leaf, &[], &name, &[], UnixTime::now());
        verdict.map(drop).map_err(|why| {
            let detail = format!("the interception authority cannot issue for `{host}`; `penstock intercept issue` makes one that can: {why}");
            Refusal::new(Reason::UnknownHost, detail)
        })
    }

    fn parameters(&self, host: &str, now: Millis) -> Result<CertificateParams, rcgen::Error> {
        let mut params = CertificateParams::default();
        let mut subject = DistinguishedName::new();
        // The name that counts is the alternative one. OpenSSL holds a common name that looks like a host against the constraints on
        // DNS names, also that of an address; one with a space it leaves alone.
        let (common, name) = match host.parse::<IpAddr>() {
            Ok(address) => (format!("address {address}"), SanType::IpAddress(address)),
            Err(_) => (host.to_owned(), SanType::DnsName(host.try_into()?)),
        };
        // RFC 5280 appendix A: a common name has at most 64 characters.
        subject.push(DnType::CommonName, common.chars().take(64).collect::<String>());
        params.distinguished_name = subject;
        params.subject_alt_names = vec![name];
        let moment = |at: u64| rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(at / 1000);
        params.not_before = moment(now.0.saturating_sub(BACKDATE));
        params.not_after = moment(self.ends.0.min(now.0 + LIFE - BACKDATE));
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let mut serial = [0; 16];
        getrandom::fill(&mut serial).map_err(|_| rcgen::Error::RingUnspecified)?;
        if let Some(first) = serial.first_mut() {
            *first = *first & 0x7f | 0x40;
        }
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        Ok(params)
    }
}

impl fmt::Debug for Mint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mint").field("ends", &self.ends).finish_non_exhaustive()
    }
}
