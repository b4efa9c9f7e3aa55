//! `identity` and `hello` under fire: first messages, certificates and headers. Nobody is proved whom nothing proves.

use crate::plant_file::brewery;
use crate::{keys, seeds};
use identity::{CertificateState, Presented, PresentedCertificate, Registry, TokenEntry};
use plant::{Millis, TokenId, WorkloadId};
use seal::jose::Keys;
use seal::token::Secret;
use std::sync::OnceLock;

/// A moment within the validity of everything here: 2027-01-15.
const NOW: Millis = Millis(1_800_000_000_000);

fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(|| {
        let secret = Secret::parse(&seeds::workload_token()).expect("a token of our own");
        let entry = TokenEntry {
            id: TokenId::new("copilot-1").expect("an id"),
            workload: WorkloadId::new("copilot").expect("an id"),
            sha256: secret.digest(),
            issued: Millis(0),
            expires: None,
            revoked: None,
        };
        Registry::new(brewery(), vec![entry], seal::RootKey::from_bytes([7; 32]).derive("pseudonyms"))
    })
}

/// What a stranger may send to the console.
pub fn console(bytes: &[u8]) {
    console::fuzz(bytes);
}

/// The first message of TLS: in whatever pieces it comes, it says the same.
pub fn hello(bytes: &[u8]) {
    hello::fuzz::hello(bytes);
}

/// The leaf of a client's chain, DER. An untrusted one never proves anybody, whatever stands in it.
pub fn certificate(bytes: &[u8]) {
    for state in [CertificateState::Valid, CertificateState::Expired, CertificateState::Untrusted] {
        let certificate = PresentedCertificate::read(bytes, state);
        let presented = Presented::read(Some(&certificate), |_| Vec::<&[u8]>::new());
        let found = registry().identify(&presented, None, NOW);
        let proved = found.principal.workload.proved().is_some() || found.principal.workstation.proved().is_some();
        assert!(!proved || state == CertificateState::Valid, "only the authority's certificate proves");
        assert!(proved || found.refusal.is_some(), "a call of nobody is refused");
        // A name that proves somebody stands in the certificate, letter by letter.
        if let Some(id) = found.principal.workload.proved() {
            let names = &brewery().workloads[id].certificates;
            let spelt = String::from_utf8_lossy(bytes).to_ascii_lowercase();
            assert!(names.iter().any(|name| spelt.contains(&name.to_ascii_lowercase())));
        }
    }
}

/// Headers, `name: value` line by line. The workload's token and the operator's are the only ones that prove.
pub fn evidence(bytes: &[u8]) {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    let keys = KEYS.get_or_init(|| Keys::parse(keys::key_set().as_bytes()).expect("a key set of our own"));
    let headers: Vec<(&[u8], &[u8])> = bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let at = line.windows(2).position(|window| window == b": ")?;
            Some((&line[..at], &line[at + 2..]))
        })
        .collect();
    let lookup = |name: &'static str| {
        let of_name = headers.iter().filter(move |(own, _)| own.eq_ignore_ascii_case(name.as_bytes()));
        of_name.map(|(_, value)| *value).collect::<Vec<_>>()
    };
    let presented = Presented::read(None, lookup);
    let workload_token = seeds::workload_token();
    let holds = |text: &str| headers.iter().any(|(_, value)| has(value, &[text]));
    for keys in [None, Some(keys)] {
        let found = registry().identify(&presented, keys, NOW);
        if found.principal.workload.proved().is_some() {
            assert!(holds(&workload_token), "only its token proves the workload");
        }
        if found.principal.operator.proved().is_some() {
            assert!(holds(keys::operator_token()) && keys.is_some(), "only the issuer's token proves the operator");
        }
        assert!(found.principal.workstation.proved().is_none(), "a header proves no workstation");
        assert!(found.principal.workload.proved().is_some() || found.refusal.is_some(), "a call of nobody is refused");
        // The name of a workstation is shown: who puts a secret there has given it away.
        let secrets = [workload_token.as_str(), keys::operator_token()];
        let misplaced = lookup("penstock-workstation").iter().any(|value| has(value, &secrets));
        let shown = format!("{presented:?} {found:?}");
        assert!(misplaced || !has(shown.as_bytes(), &secrets), "secrets are not shown");
    }
    for (_, value) in &headers {
        let _ = identity::holds_token(value);
    }
}

fn has(bytes: &[u8], texts: &[&str]) -> bool {
    let shown = String::from_utf8_lossy(bytes);
    texts.iter().any(|text| shown.contains(text))
}

#[cfg(test)]
mod tests {
    use super::{NOW, registry};
    use identity::{CertificateState, Presented, PresentedCertificate};

    #[test]
    fn the_corpus_reaches_a_proved_workload() {
        let leaf = include_bytes!("../corpus/certificate/spiffe.der");
        let certificate = PresentedCertificate::read(leaf, CertificateState::Valid);
        let presented = Presented::read(Some(&certificate), |_| Vec::<&[u8]>::new());
        assert!(registry().identify(&presented, None, NOW).principal.workload.proved().is_some());
    }
}
