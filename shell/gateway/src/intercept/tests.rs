//! Every way of saying two things, as a table; and certificates that are issued for one host, for a week, and for no other.

use super::mint::Unfit;
use super::settle::{Settled, Wanted, settle};
use super::{Authority, Encrypted, Host, Hosts, Interception, Mint, pac};
use hello::Hello;
use plant::{Dialect, GatewayId, Plant, PlantId, Provider, ProviderId, Reason, Scale, Supplier, WorkloadId, ZoneId};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose,
    NameConstraints,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::collections::BTreeMap;

/// An authority for `api.openai.com`, `api.anthropic.com` and one address.
fn authority(days: i64) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "test interception");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = rcgen::date_time_ymd(1970, 1, 1) + now;
    let life = std::time::Duration::from_secs(days.unsigned_abs() * 86_400);
    params.not_before = now - std::time::Duration::from_secs(30 * 86_400);
    params.not_after = if days > 0 { now + life } else { now - life };
    let names = ["api.openai.com", "api.anthropic.com"].map(|name| GeneralSubtree::DnsName(name.to_owned()));
    let address = GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix("10.1.2.3".parse().unwrap(), 32));
    let permitted_subtrees = names.into_iter().chain([address]).collect();
    params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
    let key = KeyPair::generate().unwrap();
    let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let certificate = params.self_signed(&key).unwrap();
    (certificate.der().clone(), secret)
}

fn mint(days: i64) -> Mint {
    let (certificate, key) = authority(days);
    Mint::new(vec![certificate], &key).unwrap()
}

fn plant(providers: &[(&str, &str)]) -> Plant {
    let scale = Scale::new(vec!["public".to_owned(), "internal".to_owned()]).unwrap();
    let provider = |(id, address): &(&str, &str)| Provider {
        id: ProviderId::new(*id).unwrap(),
        dialect: Dialect::OpenAi,
        address: (*address).to_owned(),
        authorities: None,
        credential: None,
        zone: ZoneId::new("cloud").unwrap(),
        clearance: scale.highest(),
        grpc: None,
        supplier: Supplier { name: "x".to_owned(), country: None, sub_processors: Vec::new() },
        governance: plant::Governance::default(),
    };
    Plant {
        id: PlantId::new("works").unwrap(),
        gateway: GatewayId::new("gate-1").unwrap(),
        zones: BTreeMap::new(),
        sources: BTreeMap::new(),
        workloads: BTreeMap::new(),
        workstations: BTreeMap::new(),
        issuer: None,
        providers: providers.iter().map(provider).map(|one| (one.id.clone(), one)).collect(),
        conduits: BTreeMap::new(),
        digest: String::new(),
        scale,
    }
}

fn at(text: &str) -> Authority {
    Authority::parse(text, Some(443)).unwrap()
}

fn hosts() -> Hosts {
    let plant = plant(&[
        ("openai", "https://api.openai.com"),
        ("pinned", "https://telemetry.vendor.example"),
        ("edge", "https://10.1.2.3:8443"),
        ("groq", "https://api.shared.example/openai"),
        ("groq-beta", "https://api.shared.example/openai/beta"),
        ("one", "https://api.twice.example"),
        ("two", "https://api.twice.example"),
        ("clear", "http://10.1.2.4:11434"),
        ("mine", "https://edge.plant.example"),
    ]);
    let given = Host { authority: at("api.anthropic.com"), provider: ProviderId::new("mine").unwrap() };
    Hosts::new(&plant, &[given])
}

fn interception(encrypted: Encrypted) -> Interception {
    let network =
        |first: &str, last: &str| (first.parse().unwrap(), last.parse().unwrap(), WorkloadId::new("plc").unwrap());
    Interception {
        hosts: hosts(),
        pinned: ["telemetry.vendor.example".to_owned()].into(),
        callers: vec![network("10.9.0.0", "10.9.0.255"), network("fd00::1", "fd00::1")],
        encrypted,
        challenge: false,
        mint: mint(30),
        bundle: String::new(),
    }
}

#[test]
fn a_connection_goes_where_everything_that_was_said_agrees_and_nowhere_else() {
    let hello = |name: &str| Hello { server_name: (!name.is_empty()).then(|| name.to_owned()), ..Hello::default() };
    let hidden = |name: &str| Hello { encrypted: true, ..hello(name) };
    let tunnel = |text: &str| Wanted::Tunnel(at(text));
    let address = |text: &str| Wanted::Address(text.parse().unwrap());
    let intercept = |text: &str| Ok(Settled::Intercept(at(text)));
    let splice = |text: &str| Ok(Settled::Splice(at(text)));
    let cases: [(Wanted, Hello, Result<Settled, Reason>); 20] = [
        (tunnel("api.openai.com"), hello("api.openai.com"), intercept("api.openai.com")),
        (tunnel("api.anthropic.com"), hello("api.anthropic.com"), intercept("api.anthropic.com")),
        (tunnel("api.openai.com"), hello("evil.example"), Err(Reason::HostMismatch)),
        (tunnel("api.openai.com"), hello("api.anthropic.com"), Err(Reason::HostMismatch)),
        (tunnel("api.openai.com"), hello(""), Err(Reason::HelloRefused)),
        (tunnel("api.openai.com:8443"), hello("api.openai.com"), Err(Reason::UnknownHost)),
        (tunnel("evil.example"), hello("evil.example"), Err(Reason::UnknownHost)),
        (tunnel("10.1.2.3:8443"), hello(""), intercept("10.1.2.3:8443")),
        (tunnel("10.1.2.3:8443"), hello("api.openai.com"), Err(Reason::HostMismatch)),
        (tunnel("10.1.2.9:8443"), hello(""), Err(Reason::UnknownHost)),
        (address("10.1.2.3:8443"), hello(""), intercept("10.1.2.3:8443")),
        (address("192.0.2.1:443"), hello(""), Err(Reason::UnknownHost)),
        (address("192.0.2.1:443"), hello("api.openai.com"), intercept("api.openai.com")),
        (address("192.0.2.1:8443"), hello("api.openai.com"), Err(Reason::UnknownHost)),
        (Wanted::Here, hello("api.openai.com"), intercept("api.openai.com")),
        (Wanted::Here, hello(""), Err(Reason::HelloRefused)),
        (tunnel("telemetry.vendor.example"), hello("telemetry.vendor.example"), splice("telemetry.vendor.example")),
        (tunnel("telemetry.vendor.example"), hidden("telemetry.vendor.example"), Err(Reason::HelloRefused)),
        (tunnel("api.openai.com"), hidden("api.openai.com"), Err(Reason::HelloRefused)),
        // A provider that is spoken to in the clear has no TLS to end.
        (tunnel("10.1.2.4:11434"), hello(""), Err(Reason::UnknownHost)),
    ];
    let strict = interception(Encrypted::Refuse);
    for (wanted, hello, expected) in &cases {
        let settled = settle(&strict, wanted, hello).map_err(|refusal| refusal.reason);
        assert_eq!(&settled, expected, "{wanted:?} {hello:?}");
    }
    let mild = interception(Encrypted::Decline);
    assert!(settle(&mild, &tunnel("api.openai.com"), &hidden("api.openai.com")).is_ok());
    let pinned = settle(&mild, &tunnel("telemetry.vendor.example"), &hidden("telemetry.vendor.example"));
    assert_eq!(pinned.unwrap_err().reason, Reason::HelloRefused, "nobody here would see where that one goes");
}

#[test]
fn a_host_leads_to_one_provider_and_to_its_part_of_the_path() {
    let hosts = hosts();
    let lead = |host: &str, path| hosts.lead(&at(host), true, path).map(|(id, path)| (id.as_str().to_owned(), path));
    let is = |id: &str, path| Some((id.to_owned(), path));
    assert_eq!(lead("api.openai.com", "/v1/models"), is("openai", "/v1/models"));
    assert_eq!(lead("api.anthropic.com", "/v1/messages"), is("mine", "/v1/messages"));
    assert_eq!(lead("api.shared.example", "/openai/v1/models"), is("groq", "/v1/models"));
    assert_eq!(lead("api.shared.example", "/openai/beta/v1/models"), is("groq-beta", "/v1/models"));
    assert_eq!(lead("api.shared.example", "/openaix/v1/models"), None);
    assert_eq!(lead("api.shared.example", "/"), None);
    assert_eq!(lead("api.twice.example", "/v1/models"), None, "nobody says which of the two");
    assert_eq!(hosts.doubtful().map(ToString::to_string).collect::<Vec<_>>(), ["api.twice.example:443"]);
    assert_eq!(hosts.lead(&at("10.1.2.4:11434"), false, "/api/tags").map(|(id, _)| id.as_str()), Some("clear"));
}

#[test]
fn addresses_stand_for_a_workload_where_the_plant_says_so() {
    let own = interception(Encrypted::Refuse);
    let at = |text: &str| own.workload_at(text.parse().unwrap()).map(WorkloadId::as_str);
    assert_eq!((at("10.9.0.7"), at("::ffff:10.9.0.7"), at("fd00::1")), (Some("plc"), Some("plc"), Some("plc")));
    assert_eq!((at("10.9.1.0"), at("fd00::2"), at("::1")), (None, None, None));
}

#[test]
fn a_leaf_is_for_one_host_and_a_week_with_a_key_of_its_own_and_shown_again() {
    let mint = mint(30);
    let (one, again) = (mint.leaf("api.openai.com").unwrap(), mint.leaf("api.openai.com").unwrap());
    assert!(std::sync::Arc::ptr_eq(&one, &again));
    let mut keys = Vec::new();
    for (host, name) in [("api.openai.com", true), ("api.anthropic.com", true), ("10.1.2.3", false)] {
        let der = mint.leaf_der(host).unwrap();
        let (_, leaf) = x509_parser::parse_x509_certificate(&der).unwrap();
        let names = leaf.subject_alternative_name().unwrap().unwrap().value.general_names.clone();
        assert_eq!(names.len(), 1, "{host}");
        assert_eq!(matches!(names[0], x509_parser::extensions::GeneralName::DNSName(own) if own == host), name);
        let validity = leaf.validity();
        let now = i64::try_from(crate::recorder::now().0 / 1000).unwrap();
        let (from, to) = (validity.not_before.timestamp(), validity.not_after.timestamp());
        assert!(now - from <= 3601 && from <= now, "backdated by at most an hour");
        assert!(to - from <= 7 * 86_400 && to > now + 6 * 86_400, "for at most a week");
        assert!(!leaf.is_ca() && leaf.public_key().algorithm.parameters.is_some());
        keys.push(leaf.public_key().raw.to_vec());
    }
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 3, "each has a key of its own");
}

#[test]
fn nothing_is_issued_that_the_authority_does_not_cover_or_after_its_end() {
    let refused = |mint: &Mint, host: &str| mint.leaf(host).unwrap_err().reason;
    let good = mint(30);
    for host in ["evil.example", "openai.com", "10.1.2.4", "bank.example"] {
        assert_eq!(refused(&good, host), Reason::UnknownHost, "{host}");
    }
    assert_eq!(refused(&mint(-1), "api.openai.com"), Reason::UnknownHost);
    let der = mint(2).leaf_der("api.openai.com").unwrap();
    let (_, leaf) = x509_parser::parse_x509_certificate(&der).unwrap();
    let now = i64::try_from(crate::recorder::now().0 / 1000).unwrap();
    assert!(leaf.validity().not_after.timestamp() <= now + 2 * 86_400, "no leaf outlives who issued it");
}

#[test]
fn more_than_a_host_needs_is_not_issued_in_a_minute() {
    let mint = mint(30);
    let refused = (0..200).filter_map(|_| mint.leaf("evil.example").err()).find(|no| no.reason == Reason::TooBusy);
    assert!(refused.is_some());
}

#[test]
fn a_key_of_another_authority_is_not_taken() {
    let ((certificate, key), (_, other)) = (authority(30), authority(30));
    assert!(Mint::new(vec![certificate.clone()], &key).is_ok());
    assert_eq!(Mint::new(vec![certificate], &other).err(), Some(Unfit::Apart));
    assert_eq!(Mint::new(Vec::new(), &key).err(), Some(Unfit::Unusable));
}

#[test]
fn the_auto_configuration_leads_only_what_the_plant_has() {
    let text = pac(&hosts().names(), &at("gate.plant.example:3128"), false);
    assert!(text.contains("case \"api.openai.com\":\n") && text.contains("return \"PROXY gate.plant.example:3128\";"));
    assert!(!text.contains("10.1.2.4") && text.trim_end().ends_with('}') && text.contains("return \"DIRECT\";"));
    assert!(!pac(&[].into(), &at("gate.plant.example:3128"), true).contains("HTTPS"));
}
