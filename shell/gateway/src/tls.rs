//! TLS on both sides.
//!
//! Towards callers, a client certificate is asked for but never judged in the handshake: the handshake proves
//! possession of the key, and the chain is judged afterwards. A caller with an expired or foreign certificate
//! so gets an answer in its own dialect, and the attempt gets a record, where a failed handshake would leave neither.

use arc_swap::ArcSwap;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use identity::{CertificateState, PresentedCertificate};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// TLS material that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM file cannot be read.
    #[error("cannot read `{path}`")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rustls::pki_types::pem::Error,
    },
    /// A PEM file holds no certificate.
    #[error("`{0}` holds no certificate")]
    Empty(PathBuf),
    /// Certificate and key do not fit, or are not usable.
    #[error("certificate and key cannot be used")]
    Unusable(#[from] rustls::Error),
    /// The plant's authority cannot judge client certificates.
    #[error("the client authority cannot be used")]
    Authority(#[from] rustls::server::VerifierBuilderError),
}

/// Where a listener's certificate is, and whose client certificates count.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// PEM chain of the gateway.
    pub certificate: PathBuf,
    /// PEM private key of the gateway.
    pub key: PathBuf,
    /// PEM authorities whose client certificates prove a workload. `None` asks for no certificate.
    pub client_authority: Option<PathBuf>,
}

/// A listener's TLS, ready for use.
pub(crate) struct ServerTls {
    pub(crate) config: Arc<rustls::ServerConfig>,
    judge: Option<Arc<dyn ClientCertVerifier>>,
}

impl ServerTls {
    /// `second` if HTTP/2 is spoken too.
    pub(crate) fn load(files: &TlsFiles, second: bool) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let judge = match &files.client_authority {
            Some(path) => {
                let roots = Arc::new(read_roots(path)?);
                Some(WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider)).build()?)
            }
            None => None,
        };
        let chain = read_chain(&files.certificate)?;
        let key = read_key(&files.key)?;
        let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let builder = match &judge {
            Some(judge) => builder.with_client_cert_verifier(Arc::new(Possession(Arc::clone(judge)))),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain, key)?;
        let protocols: &[&[u8]] = if second { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(Self { config: Arc::new(config), judge })
    }

    /// Judges the chain that a caller presented.
    pub(crate) fn judge(&self, chain: &[CertificateDer<'_>]) -> CertificateState {
        let Some((leaf, intermediates)) = chain.split_first() else { return CertificateState::Untrusted };
        let verdict = self.judge.as_ref().map(|judge| judge.verify_client_cert(leaf, intermediates, UnixTime::now()));
        match verdict {
            Some(Ok(_)) => CertificateState::Valid,
            Some(Err(rustls::Error::InvalidCertificate(problem))) if is_about_time(&problem) => {
                CertificateState::Expired
            }
            Some(Err(_)) | None => CertificateState::Untrusted,
        }
    }
}

/// A listener's TLS, as it is now: files can change while connections last.
pub(crate) struct SharedTls {
    files: TlsFiles,
    second: bool,
    current: ArcSwap<ServerTls>,
}

impl SharedTls {
    pub(crate) fn load(files: &TlsFiles, second: bool) -> Result<Self, TlsError> {
        let current = ArcSwap::from_pointee(ServerTls::load(files, second)?);
        Ok(Self { files: files.clone(), second, current })
    }

    /// Reads the files anew. On failure, what was in use stays.
    pub(crate) fn renew(&self) -> Result<(), TlsError> {
        self.current.store(Arc::new(ServerTls::load(&self.files, self.second)?));
        Ok(())
    }

    pub(crate) fn current(&self) -> Arc<ServerTls> {
        self.current.load_full()
    }
}

/// The certificates that a caller showed, and what they are worth.
pub(crate) struct Shown {
    chain: Vec<CertificateDer<'static>>,
    listener: Arc<SharedTls>,
    judged: Mutex<Judged>,
}

struct Judged {
    by: Arc<ServerTls>,
    leaf: Arc<PresentedCertificate>,
}

impl Shown {
    /// Judges a chain by the TLS that shook hands. `None` if it is empty.
    pub(crate) fn new(chain: &[CertificateDer<'_>], listener: Arc<SharedTls>, by: Arc<ServerTls>) -> Option<Self> {
        let chain: Vec<_> = chain.iter().map(|one| one.clone().into_owned()).collect();
        let leaf = Arc::new(judged(&chain, &by)?);
        Some(Self { chain, listener, judged: Mutex::new(Judged { by, leaf }) })
    }

    /// The leaf, judged anew if the authorities were read anew since.
    pub(crate) fn certificate(&self) -> Arc<PresentedCertificate> {
        let current = self.listener.current();
        // A panic under this lock leaves either the old judgement or the new one.
        let mut known = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&known.by, &current)
            && let Some(leaf) = judged(&self.chain, &current)
        {
            *known = Judged { by: current, leaf: Arc::new(leaf) };
        }
        Arc::clone(&known.leaf)
    }
}

fn judged(chain: &[CertificateDer<'_>], by: &ServerTls) -> Option<PresentedCertificate> {
    chain.first().map(|leaf| PresentedCertificate::read(leaf, by.judge(chain)))
}

fn is_about_time(problem: &CertificateError) -> bool {
    matches!(
        problem,
        CertificateError::Expired
            | CertificateError::NotValidYet
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYetContext { .. }
    )
}

/// TLS of a listener for HTTP/1.1 that asks its callers for no certificate.
///
/// # Errors
/// When certificate and key cannot be read or do not fit.
pub fn server(certificate: &Path, key: &Path) -> Result<rustls::ServerConfig, TlsError> {
    let files = TlsFiles { certificate: certificate.to_owned(), key: key.to_owned(), client_authority: None };
    Ok(Arc::unwrap_or_clone(ServerTls::load(&files, false)?.config))
}

/// TLS towards servers: believes the system's authorities, if it has any, or those of one PEM file. With a certificate and its key, shows them
/// to a server that asks.
///
/// # Errors
/// When a file cannot be read, or does not hold what it should.
pub fn client(authorities: Option<&Path>, identity: Option<(&Path, &Path)>) -> Result<rustls::ClientConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        rustls::ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = match authorities {
        Some(path) => builder.with_root_certificates(read_roots(path)?),
        None => match rustls_platform_verifier::Verifier::new(provider) {
            Ok(verifier) => builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)),
            // A plant may have none but servers of its own: what needs the system's authorities fails, and nothing else.
            Err(problem) => {
                tracing::warn!(%problem, "the system has no authorities: no server is believed by them");
                builder.with_root_certificates(RootCertStore::empty())
            }
        },
    };
    match identity {
        None => Ok(builder.with_no_client_auth()),
        Some((certificate, key)) => Ok(builder.with_client_auth_cert(read_chain(certificate)?, read_key(key)?)?),
    }
}

/// A client's TLS that believes no server at all.
pub(crate) fn nobodys() -> Result<rustls::ClientConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

/// A way to servers, over TLS where their URL says so.
pub type Connector = HttpsConnector<HttpConnector>;

/// Connects to a server, over TLS where its URL says so, and believes the system's authorities or those of one PEM file.
///
/// # Errors
/// When the authorities cannot be read.
pub fn connector(authorities: Option<&Path>) -> Result<Connector, TlsError> {
    let builder = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(client(authorities, None)?);
    Ok(builder.https_or_http().enable_all_versions().build())
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = |source| TlsError::Read { path: path.to_owned(), source };
    let chain = CertificateDer::pem_file_iter(path).map_err(read)?.collect::<Result<Vec<_>, _>>().map_err(read)?;
    if chain.is_empty() { Err(TlsError::Empty(path.to_owned())) } else { Ok(chain) }
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|source| TlsError::Read { path: path.to_owned(), source })
}

fn read_roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in read_chain(path)? {
        roots.add(certificate)?;
    }
    Ok(roots)
}

/// Proves possession of the key and nothing else. [`ServerTls::judge`] does the rest.
#[derive(Debug)]
struct Possession(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for Possession {
    fn offer_client_auth(&self) -> bool {
        true
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// Empty, so that clients send what they have instead of leaving out what they think we would not trust.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
