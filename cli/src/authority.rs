//! The plant's own certificate authority: issues the gateway's certificate and those that prove workloads.
//!
//! Small on purpose: it makes a plant work in its first minutes, and is enough where there is no other authority.
//! A plant that has one names it under `client_authority` and needs nothing of this.

use plant::Millis;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType, SerialNumber,
};
use std::net::IpAddr;
use std::time::Duration;
use zeroize::Zeroizing;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// An authority outlives the machines that trust it: replacing it means touching each of them.
const AUTHORITY_LIFE: Duration = DAY.saturating_mul(3653);
/// The longest that TLS clients accept of a server is 398 days (CA/Browser Forum baseline requirements, 6.3.2).
const LEAF_LIFE: Duration = DAY.saturating_mul(397);
/// An intermediate lies on the gateway, so it is replaced each year; callers do not notice.
const INTERMEDIATE_LIFE: Duration = DAY.saturating_mul(397);
/// Clocks of machines that have just been set up are not right to the second.
const BACKDATE: Duration = Duration::from_secs(3600);

/// A certificate that cannot be issued.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub(crate) enum AuthorityError {
    #[error("the certificate for `{name}` cannot be issued")]
    Issue { name: String, source: rcgen::Error },
    #[error("the system gives no random bytes")]
    Random(#[source] getrandom::Error),
    #[error("certificate and key of the authority cannot be read")]
    #[diagnostic(help("give both `pki/authority.pem` and `pki/authority.key`, or remove both"))]
    Load(#[source] rcgen::Error),
}

/// A certificate authority with its key.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate and its private key, both PEM.
pub(crate) struct Leaf {
    /// The certificate. Clients have the authority, so no chain is needed.
    pub(crate) certificate: String,
    /// The key, PKCS #8.
    pub(crate) key: Zeroizing<String>,
}

impl Authority {
    /// Makes a new authority for a plant. It can issue leaves only.
    pub(crate) fn new(plant: &str, now: Millis) -> Result<Self, AuthorityError> {
        Self::root(format!("{plant} plant authority"), 0, now)
    }

    /// Makes a new authority for interception. It is another than the plant's own, so that nobody who trusts the gateway's
    /// certificate has thereby agreed to be intercepted. It can issue intermediates.
    pub(crate) fn for_interception(plant: &str, now: Millis) -> Result<Self, AuthorityError> {
        // Two of them are trusted at a time, and must not be taken for each other.
        let mut own = [0; 4];
        getrandom::fill(&mut own).map_err(AuthorityError::Random)?;
        Self::root(format!("{plant} interception authority {}", seal::hex(&own)), 1, now)
    }

    fn root(name: String, below: u8, now: Millis) -> Result<Self, AuthorityError> {
        let issue = |source| AuthorityError::Issue { name: name.clone(), source };
        let mut params = params(&name, now, AUTHORITY_LIFE)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.use_authority_key_identifier_extension = false;
        let key = KeyPair::generate().map_err(issue)?;
        let certificate = params.self_signed(&key).map_err(issue)?;
        Ok(Self { pem: certificate.pem(), issuer: Issuer::new(params, key) })
    }

    /// Takes up an authority that was made before.
    pub(crate) fn load(certificate: &str, key: &str) -> Result<Self, AuthorityError> {
        let key = KeyPair::from_pem(key).map_err(AuthorityError::Load)?;
        let issuer = Issuer::from_ca_cert_pem(certificate, key).map_err(AuthorityError::Load)?;
        Ok(Self { issuer, pem: certificate.to_owned() })
    }

    /// Its certificate, PEM: what clients and gateway trust.
    pub(crate) fn certificate(&self) -> &str {
        &self.pem
    }

    /// Its private key, PEM. The gateway does not need it.
    pub(crate) fn key(&self) -> Zeroizing<String> {
        Zeroizing::new(self.issuer.key().serialize_pem())
    }

    /// A certificate for the gateway, under every name that callers reach it by.
    pub(crate) fn server(&self, names: &[String], addresses: &[IpAddr], now: Millis) -> Result<Leaf, AuthorityError> {
        let mut sans = names.iter().map(|name| dns(name)).collect::<Result<Vec<_>, _>>()?;
        sans.extend(addresses.iter().copied().map(SanType::IpAddress));
        let name = names.first().map_or("penstock", String::as_str);
        self.leaf(name, sans, ExtendedKeyUsagePurpose::ServerAuth, now)
    }

    /// A certificate that proves a workload: SPIFFE URIs and DNS names.
    pub(crate) fn client(&self, workload: &str, names: &[String], now: Millis) -> Result<Leaf, AuthorityError> {
        let sans = names.iter().map(|name| if name.contains("://") { uri(name) } else { dns(name) });
        self.leaf(workload, sans.collect::<Result<_, _>>()?, ExtendedKeyUsagePurpose::ClientAuth, now)
    }

    /// An intermediate that may issue for these hosts and no other (RFC 5280 section 4.2.1.10): whoever steals its key can be
    /// none of the rest of the world.
    pub(crate) fn intermediate(&self, plant: &str, hosts: &[&str], now: Millis) -> Result<Leaf, AuthorityError> {
        let name = format!("{plant} interception");
        let issue = |source| AuthorityError::Issue { name: name.clone(), source };
        let mut params = params(&name, now, INTERMEDIATE_LIFE)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        // Critical by its constraints alone; what it issues serves and does nothing else.
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.name_constraints = Some(only(hosts));
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(issue)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(issue)?;
        Ok(Leaf { certificate: certificate.pem(), key: Zeroizing::new(key.serialize_pem()) })
    }

    fn leaf(
        &self,
        name: &str,
        sans: Vec<SanType>,
        usage: ExtendedKeyUsagePurpose,
        now: Millis,
    ) -> Result<Leaf, AuthorityError> {
        let issue = |source| AuthorityError::Issue { name: name.to_owned(), source };
        let mut params = params(name, now, LEAF_LIFE)?;
        params.subject_alt_names = sans;
        params.is_ca = IsCa::ExplicitNoCa;
        // An ECDSA key signs the handshake and encrypts nothing (RFC 5480 section 3).
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        // Each certificate has a key of its own, ECDSA on P-256: what every TLS client of a plant understands.
        let key = KeyPair::generate().map_err(issue)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(issue)?;
        Ok(Leaf { certificate: certificate.pem(), key: Zeroizing::new(key.serialize_pem()) })
    }
}

/// These hosts and no other. A kind of name of which nothing is permitted is excluded: what is not said is open.
fn only(hosts: &[&str]) -> NameConstraints {
    let mut constraints = NameConstraints { permitted_subtrees: Vec::new(), excluded_subtrees: Vec::new() };
    let (addresses, names): (Vec<&str>, Vec<&str>) =
        hosts.iter().copied().partition(|host| host.parse::<IpAddr>().is_ok());
    for name in &names {
        constraints.permitted_subtrees.push(GeneralSubtree::DnsName((*name).to_owned()));
    }
    for address in addresses.iter().filter_map(|host| host.parse::<IpAddr>().ok()) {
        let whole = if address.is_ipv4() { 32 } else { 128 };
        constraints.permitted_subtrees.push(GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address, whole)));
    }
    if names.is_empty() {
        // RFC 2606 section 2: a name that nobody has.
        constraints.permitted_subtrees.push(GeneralSubtree::DnsName("invalid".to_owned()));
    }
    if addresses.is_empty() {
        constraints.excluded_subtrees = vec![
            GeneralSubtree::IpAddress(CidrSubnet::V4([0; 4], [0; 4])),
            GeneralSubtree::IpAddress(CidrSubnet::V6([0; 16], [0; 16])),
        ];
    }
    constraints
}

fn dns(name: &str) -> Result<SanType, AuthorityError> {
    let issue = |source| AuthorityError::Issue { name: name.to_owned(), source };
    name.try_into().map(SanType::DnsName).map_err(issue)
}

fn uri(name: &str) -> Result<SanType, AuthorityError> {
    let issue = |source| AuthorityError::Issue { name: name.to_owned(), source };
    name.try_into().map(SanType::URI).map_err(issue)
}

/// What all certificates share. rcgen's own validity runs from 1975 to 4096, so it is set by hand.
fn params(name: &str, now: Millis, life: Duration) -> Result<CertificateParams, AuthorityError> {
    let mut params = CertificateParams::default();
    let mut subject = DistinguishedName::new();
    // RFC 5280 appendix A: a common name has at most 64 characters.
    subject.push(DnType::CommonName, name.chars().take(64).collect::<String>());
    params.distinguished_name = subject;
    let now = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(now.0 / 1000);
    params.not_before = now - BACKDATE;
    params.not_after = now + life - BACKDATE;
    // RFC 5280 section 4.1.2.2: positive, at most 20 octets; random, so that no two authorities need to agree.
    let mut serial = [0; 16];
    getrandom::fill(&mut serial).map_err(AuthorityError::Random)?;
    if let Some(first) = serial.first_mut() {
        *first = *first & 0x7f | 0x40;
    }
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::Authority;
    use plant::Millis;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
    use rustls::server::WebPkiClientVerifier;
    use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};
    use std::sync::Arc;

    fn now() -> Millis {
        gateway::now()
    }

    fn roots(authority: &Authority) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.certificate().as_bytes()).unwrap()).unwrap();
        Arc::new(roots)
    }

    /// Shakes hands in memory; gives the names that the server sees of the client.
    fn shake(trusted: &Authority, serving: &Authority, calling: &Authority, host: &str) -> Result<(), rustls::Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let own = serving.server(&["localhost".to_owned()], &["127.0.0.1".parse().unwrap()], now()).unwrap();
        let caller = calling.client("vision", &["spiffe://p/workload/vision".to_owned()], now()).unwrap();
        let chain = |pem: &str| vec![CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()];
        let key = |pem: &str| PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots(trusted), Arc::clone(&provider)).build().unwrap();
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain(&own.certificate), key(&own.key))?;
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots(trusted))
            .with_client_auth_cert(chain(&caller.certificate), key(&caller.key))?;
        let name = ServerName::try_from(host.to_owned()).unwrap();
        let mut client = ClientConnection::new(Arc::new(client), name)?;
        let mut server = ServerConnection::new(Arc::new(server))?;
        while client.is_handshaking() || server.is_handshaking() {
            let mut bytes = Vec::new();
            client.write_tls(&mut bytes).unwrap();
            server.read_tls(&mut bytes.as_slice()).unwrap();
            server.process_new_packets()?;
            let mut bytes = Vec::new();
            server.write_tls(&mut bytes).unwrap();
            client.read_tls(&mut bytes.as_slice()).unwrap();
            client.process_new_packets()?;
        }
        Ok(())
    }

    #[test]
    fn gateway_and_workload_trust_each_other_through_the_authority() {
        let authority = Authority::new("plant-1", now()).unwrap();
        shake(&authority, &authority, &authority, "localhost").unwrap();
        shake(&authority, &authority, &authority, "127.0.0.1").unwrap();
    }

    #[test]
    fn an_authority_that_was_put_away_issues_again() {
        let authority = Authority::new("plant-1", now()).unwrap();
        let again = Authority::load(authority.certificate(), &authority.key()).unwrap();
        shake(&authority, &again, &again, "localhost").unwrap();
    }

    #[test]
    fn nobody_is_trusted_through_another_authority_or_under_another_name() {
        let authority = Authority::new("plant-1", now()).unwrap();
        let other = Authority::new("plant-1", now()).unwrap();
        assert!(shake(&authority, &other, &authority, "localhost").is_err());
        assert!(shake(&authority, &authority, &other, "localhost").is_err());
        assert!(shake(&authority, &authority, &authority, "gate.example").is_err());
    }
}
