//! Who is proved by what, and every way of not being proved.

use super::{CertificateState, Identified, Presented, PresentedCertificate, Registry, Remark, TokenEntry, holds_token};
use plant::{
    Evidence, GatewayId, Governance, Identity, Issuer, Millis, Plant, PlantId, Reason, Scale, TokenId, Workload,
    WorkloadId, Workstation, WorkstationId, ZoneId,
};
use proptest::prelude::*;
use rcgen::{CertificateParams, CustomExtension, DnType, KeyPair, PKCS_ED25519, SanType, SigningKey, date_time_ymd};
use seal::jose::Keys;
use seal::token::Secret;
use seal::{RootKey, base64};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// 2026-11-20T21:30:00Z.
const NOW: Millis = Millis(1_795_210_200_000);
const ISSUER: &str = "https://login.plant.example";
const MES: &str = "spiffe://plant.example/line-2/mes";
const DAY: u64 = 86_400_000;

fn workload(id: &str, certificates: &[&str]) -> (WorkloadId, Workload) {
    let id = WorkloadId::new(id).unwrap();
    let workload = Workload {
        id: id.clone(),
        title: None,
        zone: ZoneId::new("line-2").unwrap(),
        certificates: certificates.iter().map(|&name| name.to_owned()).collect(),
        purposes: Vec::new(),
        sources: plant::Access::default(),
        governance: Governance::default(),
    };
    (id, workload)
}

fn workstation(id: &str, certificates: &[&str]) -> (WorkstationId, Workstation) {
    let id = WorkstationId::new(id).unwrap();
    let certificates = certificates.iter().map(|&name| name.to_owned()).collect();
    (id.clone(), Workstation { id, zone: ZoneId::new("line-2").unwrap(), certificates })
}

fn plant() -> Plant {
    Plant {
        id: PlantId::new("brewery").unwrap(),
        gateway: GatewayId::new("gate-1").unwrap(),
        scale: Scale::new(vec!["public".to_owned(), "internal".to_owned()]).unwrap(),
        zones: BTreeMap::new(),
        sources: BTreeMap::new(),
        workloads: [
            workload("mes", &[MES, "mes.line-2.plant.example"]),
            workload("scada", &["SCADA.plant.example", "*.hosts.plant.example"]),
        ]
        .into(),
        workstations: [workstation("ws-7", &["ws-7.plant.example"]), workstation("ws-8", &[])].into(),
        issuer: Some(Issuer {
            issuer: ISSUER.to_owned(),
            audiences: vec!["penstock".to_owned(), "hmi".to_owned()],
            keys: "keys.json".to_owned(),
            authorities: None,
            algorithms: vec!["EdDSA".to_owned(), "RS256".to_owned()],
            subject_claim: "sub".to_owned(),
            roles_claim: Some("realm_access.roles".to_owned()),
            leeway: 30_000,
        }),
        providers: BTreeMap::new(),
        conduits: BTreeMap::new(),
        digest: String::new(),
    }
}

fn secret(id: &str) -> Secret {
    let mut random = [0; 32];
    for (byte, letter) in random.iter_mut().zip(id.bytes().cycle()) {
        *byte = letter;
    }
    Secret::new(TokenId::new(id).unwrap(), &random.into())
}

fn token(id: &str) -> String {
    secret(id).text().to_owned()
}

fn entry(id: &str, workload: &str, expires: Option<Millis>, revoked: Option<Millis>) -> TokenEntry {
    let workload = WorkloadId::new(workload).unwrap();
    TokenEntry { id: TokenId::new(id).unwrap(), workload, sha256: secret(id).digest(), issued: NOW, expires, revoked }
}

fn registry_of(plant: &Plant) -> Registry {
    let tokens = vec![
        entry("mes-a", "mes", Some(Millis(NOW.0 + DAY)), None),
        entry("mes-b", "mes", None, None),
        entry("scada-a", "scada", None, None),
        entry("old", "mes", Some(NOW), None),
        entry("gone", "mes", Some(NOW), Some(Millis(NOW.0 + DAY))),
        entry("lost", "scrapped", None, None),
    ];
    Registry::new(plant, tokens, RootKey::from_bytes([7; 32]).derive("pseudonym"))
}

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| registry_of(&plant()));

/// A certificate of these names (`spiffe:` ones as URIs), valid through 2026.
fn der(names: &[&str], shape: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2026, 12, 31);
    params.distinguished_name.push(DnType::CommonName, "mes.line-2.plant.example");
    let name = |name: &&str| match name.contains(':') {
        true => SanType::URI((*name).try_into().unwrap()),
        false => SanType::DnsName((*name).try_into().unwrap()),
    };
    params.subject_alt_names = names.iter().map(name).collect();
    shape(&mut params);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

fn certificate(names: &[&str], state: CertificateState) -> PresentedCertificate {
    PresentedCertificate::read(&der(names, |_| {}), state)
}

static ISSUER_KEY: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate_for(&PKCS_ED25519).unwrap());

fn encode(bytes: impl AsRef<[u8]>) -> String {
    base64(bytes.as_ref()).replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned()
}

fn keys_of(id: &str, key: &KeyPair) -> Keys {
    let key = json!({"kty": "OKP", "crv": "Ed25519", "kid": id, "x": encode(key.public_key_raw())});
    Keys::parse(json!({"keys": [key]}).to_string().as_bytes()).unwrap()
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| keys_of("k1", &ISSUER_KEY));

fn signed(header: &Value, claims: &Value) -> String {
    let message = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
    let signature = ISSUER_KEY.sign(message.as_bytes()).unwrap();
    format!("{message}.{}", encode(signature))
}

fn claims() -> Value {
    let now = NOW.0 / 1000;
    json!({
        "iss": ISSUER, "sub": "anna", "aud": "penstock", "exp": now + 300, "nbf": now - 10, "iat": now - 10,
        "acr": "urn:plant:strong", "amr": ["pwd", "hwk"], "realm_access": {"roles": ["operator", "shift lead"]},
    })
}

/// The usual operator token with some claims changed; `null` takes one out.
fn operator_token(changes: &Value) -> String {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    signed(&json!({"alg": "EdDSA", "kid": "k1"}), &claims)
}

/// One request.
#[derive(Default)]
struct Call<'a> {
    certificate: Option<PresentedCertificate>,
    headers: Vec<(&'a str, String)>,
}

impl<'a> Call<'a> {
    fn certified(names: &[&str]) -> Self {
        Self { certificate: Some(certificate(names, CertificateState::Valid)), headers: Vec::new() }
    }

    fn with(mut self, header: &'a str, value: impl Into<String>) -> Self {
        self.headers.push((header, value.into()));
        self
    }

    fn bearing(id: &str) -> Self {
        Self::default().with("authorization", format!("Bearer {}", token(id)))
    }

    fn presented(&self) -> Presented<'_> {
        Presented::read(self.certificate.as_ref(), |name| {
            self.headers.iter().filter(move |(header, _)| *header == name).map(|(_, value)| value.as_bytes())
        })
    }

    fn identify_at(&self, now: Millis) -> Identified {
        REGISTRY.identify(&self.presented(), Some(&KEYS), now)
    }

    fn identify(&self) -> Identified {
        self.identify_at(NOW)
    }
}

/// The one door: who is found, as `workload/workstation/operator`, and the reason if refused. `!` marks what is proved.
fn outcome(found: &Identified) -> (String, Option<Reason>) {
    fn show<T: ToString>(identity: &Identity<T>) -> String {
        match identity {
            Identity::Absent => "-".to_owned(),
            Identity::Asserted(id) => id.to_string(),
            Identity::Proved(id, evidence) => format!("{}!{}", id.to_string(), evidence.name()),
        }
    }
    let principal = &found.principal;
    let operator = show(&principal.operator);
    let operator = operator.replace(REGISTRY.pseudonym("anna").unwrap().as_str(), "anna");
    let shown = format!("{} {} {operator}", show(&principal.workload), show(&principal.workstation));
    (shown, found.refusal.as_ref().map(|refusal| refusal.reason))
}

fn check(call: &Call<'_>, who: &str, reason: impl Into<Option<Reason>>) {
    let found = call.identify();
    assert_eq!(outcome(&found), (who.to_owned(), reason.into()), "{:?}", found.refusal);
}

fn check_operator(token: &str, who: &str, reason: impl Into<Option<Reason>>) {
    check(&Call::bearing("mes-a").with("penstock-operator", token), &format!("mes!token - {who}"), reason);
}

fn check_claims(changes: &Value, who: &str, reason: impl Into<Option<Reason>>) {
    check_operator(&operator_token(changes), who, reason);
}

#[test]
fn a_workload_is_proved_by_the_names_in_its_certificate() {
    check(&Call::certified(&[MES]), "mes!mtls - -", None);
    check(&Call::certified(&["mes.line-2.plant.example"]), "mes!mtls - -", None);
    check(&Call::certified(&["other.example", MES, "mes.line-2.plant.example"]), "mes!mtls - -", None);
}

#[test]
fn the_case_of_dns_names_does_not_matter_and_that_of_spiffe_ids_does() {
    check(&Call::certified(&["MES.Line-2.Plant.EXAMPLE"]), "mes!mtls - -", None);
    check(&Call::certified(&["scada.plant.example"]), "scada!mtls - -", None);
    check(&Call::certified(&[&MES.to_uppercase()]), "- - -", Reason::CertificateUnmapped);
    check(&Call::certified(&[&MES.replace("mes", "Mes")]), "- - -", Reason::CertificateUnmapped);
}

#[test]
fn a_name_counts_only_whole_and_as_the_kind_that_it_is() {
    for name in [
        "spiffe://plant.example/line-2/mes/",
        "spiffe://plant.example/line-2",
        "https://plant.example/line-2/mes",
        "*.line-2.plant.example",
        "*.hosts.plant.example",
        "scada.hosts.plant.example",
        "mes.line-2.plant.example.",
        "x.mes.line-2.plant.example",
        "line-2.plant.example",
    ] {
        check(&Call::certified(&[name]), "- - -", Reason::CertificateUnmapped);
    }
    // A DNS name that spells a SPIFFE ID.
    let disguised = der(&[], |params| params.subject_alt_names = vec![SanType::DnsName(MES.try_into().unwrap())]);
    let certificate = Some(PresentedCertificate::read(&disguised, CertificateState::Valid));
    check(&Call { certificate, ..Call::default() }, "- - -", Reason::CertificateUnmapped);
}

#[test]
fn the_common_name_is_never_used() {
    check(&Call::certified(&[]), "- - -", Reason::CertificateUnmapped);
}

#[test]
fn a_certificate_with_two_uris_is_no_spiffe_identity() {
    check(&Call::certified(&[MES, "spiffe://plant.example/other"]), "- - -", Reason::CertificateUnmapped);
}

#[test]
fn a_certificate_of_two_workloads_proves_neither() {
    check(&Call::certified(&[MES, "scada.plant.example"]), "mes - -", Reason::IdentityConflict);
}

#[test]
fn a_foreign_or_expired_certificate_asserts_at_most() {
    for (state, reason) in [
        (CertificateState::Untrusted, Reason::CertificateUntrusted),
        (CertificateState::Expired, Reason::CertificateExpired),
    ] {
        let certificate = Some(certificate(&[MES, "ws-7.plant.example"], state));
        let call = Call { certificate, ..Call::default() };
        check(&call, "mes ws-7 -", reason);
        assert_eq!(call.identify().until, None);
    }
}

#[test]
fn a_certificate_that_ends_during_a_connection_ends_for_the_next_call() {
    // Valid from 2026-01-01T00:00:00Z to 2026-12-31T00:00:00Z, both seconds included.
    let call = Call::certified(&[MES]);
    let (first, last) = (Millis::parse("2026-01-01").unwrap().0, Millis::parse("2026-12-31").unwrap().0);
    for (now, reason) in [
        (first - 1, Some(Reason::CertificateExpired)),
        (first, None),
        (last + 999, None),
        (last + 1000, Some(Reason::CertificateExpired)),
        (u64::MAX, Some(Reason::CertificateExpired)),
        (0, Some(Reason::CertificateExpired)),
    ] {
        assert_eq!(outcome(&call.identify_at(Millis(now))).1, reason, "{}", Millis(now));
    }
    assert_eq!(call.identify().until, Some(Millis(last + 1000)));
}

#[test]
fn a_certificate_of_a_workstation_proves_it_and_leaves_the_workload_to_a_token() {
    check(&Call::certified(&["ws-7.plant.example"]), "- ws-7!mtls -", Reason::NoIdentity);
    let token = format!("Bearer {}", token("mes-a"));
    check(&Call::certified(&["ws-7.plant.example"]).with("authorization", token), "mes!token ws-7!mtls -", None);
    check(&Call::certified(&["ws-7.plant.example", MES]), "mes!mtls ws-7!mtls -", None);
}

#[test]
fn an_asserted_workstation_is_never_proved() {
    let call = |name: &str| Call::bearing("mes-a").with("penstock-workstation", name);
    check(&call("ws-7"), "mes!token ws-7 -", None);
    check(&call("ws-9"), "mes!token - -", None);
    assert_eq!(call("ws-9").identify().remarks, [Remark::WorkstationUnknown]);
    assert_eq!(call("WS 7").identify().remarks, [Remark::WorkstationUnknown]);
    check(&call("ws-7").with("penstock-workstation", "ws-8"), "mes!token - -", None);
    let contradicted = Call::certified(&[MES, "ws-7.plant.example"]).with("penstock-workstation", "ws-8");
    check(&contradicted, "mes!mtls ws-7!mtls -", None);
    assert_eq!(contradicted.identify().remarks, [Remark::WorkstationContradicted]);
}

#[test]
fn a_workload_is_proved_by_a_token_in_any_header_of_an_sdk() {
    let token = token("mes-a");
    for value in [format!("Bearer {token}"), format!("bearer   {token}"), format!(" BEARER {token} ")] {
        check(&Call::default().with("authorization", value), "mes!token - -", None);
    }
    for header in ["x-api-key", "api-key", "x-goog-api-key"] {
        check(&Call::default().with(header, &token), "mes!token - -", None);
    }
    let twice = Call::default().with("x-api-key", &token).with("authorization", format!("Bearer {token}"));
    check(&twice, "mes!token - -", None);
    assert_eq!(twice.identify().until, Some(Millis(NOW.0 + DAY)));
}

#[test]
fn a_token_that_is_unknown_expired_or_revoked_is_told_apart() {
    check(&Call::bearing("stranger"), "- - -", Reason::TokenUnknown);
    check(&Call::bearing("lost"), "- - -", Reason::TokenUnknown);
    check(&Call::bearing("old"), "mes - -", Reason::TokenExpired);
    check(&Call::bearing("gone"), "mes - -", Reason::TokenRevoked);
    let cut = token("mes-a");
    check(&Call::default().with("x-api-key", &cut[..cut.len() - 1]), "- - -", Reason::TokenUnknown);
    // The name of a good token with another secret.
    let forged = token("mes-a").replace("mes-a", "mes-b");
    check(&Call::default().with("x-api-key", forged), "- - -", Reason::TokenUnknown);
}

#[test]
fn a_revoked_token_stays_revoked_when_the_clock_is_set_back() {
    assert_eq!(outcome(&Call::bearing("gone").identify_at(Millis(0))).1, Some(Reason::TokenRevoked));
}

#[test]
fn two_different_tokens_conflict_even_if_they_are_of_one_workload() {
    let call = Call::bearing("mes-a").with("x-api-key", token("mes-b"));
    check(&call, "- - -", Reason::IdentityConflict);
    let call = Call::bearing("mes-a").with("authorization", format!("Bearer {}", token("scada-a")));
    check(&call, "- - -", Reason::IdentityConflict);
}

#[test]
fn certificate_and_token_must_name_one_workload() {
    let certified = |id: &str| Call::certified(&[MES]).with("x-api-key", token(id));
    check(&certified("mes-a"), "mes!mtls - -", None);
    check(&certified("scada-a"), "mes - -", Reason::IdentityConflict);
    check(&certified("stranger"), "mes!mtls - -", Reason::TokenUnknown);
    check(&certified("old"), "mes!mtls - -", Reason::TokenExpired);
    let unmapped = Call::certified(&["other.example"]).with("x-api-key", token("mes-a"));
    check(&unmapped, "mes!token - -", Reason::CertificateUnmapped);
}

#[test]
fn a_call_without_evidence_is_refused() {
    check(&Call::default(), "- - -", Reason::NoIdentity);
    check(&Call::default().with("authorization", "Bearer "), "- - -", Reason::NoIdentity);
    check(&Call::default().with("penstock-workstation", "ws-7"), "- ws-7 -", Reason::NoIdentity);
}

#[test]
fn a_key_of_someone_else_proves_nothing_and_disturbs_nothing() {
    for (header, value) in [
        ("authorization", "Bearer sk-proj-0123456789"),
        ("authorization", "Basic cHNrX21lczo="),
        ("authorization", "psk_without_scheme"),
        ("x-api-key", "dummy"),
        ("x-goog-api-key", "AIza0123"),
    ] {
        check(&Call::default().with(header, value), "- - -", Reason::TokenUnknown);
        let certified = Call::certified(&[MES]).with(header, value);
        check(&certified, "mes!mtls - -", None);
        assert_eq!(certified.identify().remarks, [Remark::ForeignKey]);
    }
    check(&Call::bearing("mes-a").with("x-api-key", "dummy"), "mes!token - -", None);
}

#[test]
fn a_header_of_any_name_that_holds_a_token_is_noticed() {
    assert!(holds_token(token("mes-a").as_bytes()));
    assert!(holds_token(format!("Bearer {}", token("mes-a")).as_bytes()));
    assert!(!holds_token(b"sk-proj-0123456789"));
    assert!(!holds_token(b""));
}

#[test]
fn an_operator_is_proved_by_a_token_of_the_issuer_and_named_by_pseudonym() {
    check_claims(&json!({}), "anna!oidc", None);
    check_operator(&format!("Bearer {}", operator_token(&json!({}))), "anna!oidc", None);
    let found = Call::bearing("mes-b").with("penstock-operator", operator_token(&json!({}))).identify();
    assert_eq!(found.principal.roles, ["operator", "shift lead"]);
    assert_eq!(found.principal.authentication, ["urn:plant:strong", "pwd", "hwk"]);
    assert_eq!(found.until, Some(Millis(NOW.0 + 330_000)));
    let id = found.principal.operator.proved().unwrap().as_str();
    assert!(id.strip_prefix("op-").is_some_and(|rest| rest.len() == 16), "{id}");
}

#[test]
fn a_pseudonym_depends_on_key_issuer_and_subject_alone() {
    let name = |seed, issuer: &str, subject: &str| {
        super::pseudonym(&RootKey::from_bytes([seed; 32]).derive("pseudonym"), issuer, subject).to_string()
    };
    assert_eq!(name(7, ISSUER, "anna"), REGISTRY.pseudonym("anna").unwrap().as_str());
    // Python: base64.b32encode(hmac(key, be64(len(issuer)) + issuer + be64(4) + b"anna")[:10]).lower()
    assert_eq!(name(7, ISSUER, "anna"), "op-cgiiyrrl2i73pge5");
    let others = [name(8, ISSUER, "anna"), name(7, "https://x", "anna"), name(7, ISSUER, "bert"), name(7, ISSUER, "")];
    assert!(others.iter().all(|other| *other != name(7, ISSUER, "anna")));
    assert_eq!(
        registry_of(&Plant { issuer: None, ..plant() }).pseudonym("anna").map_err(|refusal| refusal.reason),
        Err(Reason::OperatorInvalid)
    );
}

#[test]
fn issuer_and_audience_are_compared_exactly() {
    for issuer in
        [json!("https://login.plant.example/"), json!("HTTPS://login.plant.example"), json!([ISSUER]), Value::Null]
    {
        check_claims(&json!({ "iss": issuer }), "-", Reason::OperatorInvalid);
    }
    check_claims(&json!({"aud": "hmi"}), "anna!oidc", None);
    check_claims(&json!({"aud": ["other", "penstock"]}), "anna!oidc", None);
    for audience in
        [json!("other"), json!([]), json!(["Penstock"]), json!({"penstock": 1}), json!("penstock hmi"), Value::Null]
    {
        check_claims(&json!({ "aud": audience }), "-", Reason::OperatorInvalid);
    }
}

#[test]
fn times_are_held_with_leeway_and_an_expired_token_still_says_whose_it_was() {
    let now = NOW.0 / 1000;
    check_claims(&json!({"exp": now - 29}), "anna!oidc", None);
    check_claims(&json!({"exp": now - 30}), "anna", Reason::OperatorExpired);
    check_claims(&json!({"exp": 0}), "anna", Reason::OperatorExpired);
    check_claims(&json!({"exp": 1.5}), "anna", Reason::OperatorExpired);
    check_claims(&json!({"exp": u64::MAX}), "anna!oidc", None);
    check_claims(&json!({"nbf": now + 30}), "anna!oidc", None);
    check_claims(&json!({"nbf": now + 31}), "-", Reason::OperatorInvalid);
    check_claims(&json!({"iat": now + 30}), "anna!oidc", None);
    check_claims(&json!({"iat": now + 31}), "-", Reason::OperatorInvalid);
    check_claims(&json!({"nbf": null, "iat": null}), "anna!oidc", None);
    for time in [json!("soon"), json!(-1), json!([now + 300]), json!(true), Value::Null] {
        check_claims(&json!({ "exp": time }), "-", Reason::OperatorInvalid);
    }
}

#[test]
fn a_subject_must_name_somebody() {
    for subject in [json!(""), json!(7), json!(["anna"]), json!("a".repeat(1025)), Value::Null] {
        check_claims(&json!({ "sub": subject }), "-", Reason::OperatorInvalid);
    }
}

#[test]
fn a_logout_token_is_no_sign_in() {
    let events = json!({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}});
    check_claims(&events, "-", Reason::OperatorInvalid);
}

#[test]
fn an_id_token_answers_the_client_and_the_sign_in_that_it_was_made_for() {
    let answers = |changes: &Value| REGISTRY.answers(&operator_token(changes), &KEYS, "penstock", "n-1");
    assert!(answers(&json!({"nonce": "n-1"})));
    assert!(answers(&json!({"nonce": "n-1", "azp": "penstock"})));
    assert!(answers(&json!({"nonce": "n-1", "aud": ["other", "penstock"]})));
    for wrong in [
        json!({}),
        json!({"nonce": "n-2"}),
        json!({"nonce": ["n-1"]}),
        json!({"nonce": "n-1", "aud": "other"}),
        json!({"nonce": "n-1", "aud": ["other"]}),
        json!({"nonce": "n-1", "aud": null}),
        json!({"nonce": "n-1", "azp": "other"}),
        json!({"nonce": "n-1", "azp": null, "aud": {"penstock": true}}),
    ] {
        assert!(!answers(&wrong), "{wrong}");
    }
    assert!(!REGISTRY.answers("not a token", &KEYS, "penstock", "n-1"));
}

#[test]
fn roles_are_found_at_a_dotted_path_and_are_not_cut() {
    let roles = |path: &str, claims: Value| {
        let mut plant = plant();
        plant.issuer.as_mut().unwrap().roles_claim = Some(path.to_owned());
        let call = Call::bearing("mes-a").with("penstock-operator", operator_token(&claims));
        let found = registry_of(&plant).identify(&call.presented(), Some(&KEYS), NOW);
        found.refusal.map_or(Ok(found.principal.roles), |refusal| Err(refusal.reason))
    };
    let list = |roles: &[&str]| Ok(roles.iter().map(|&role| role.to_owned()).collect::<Vec<_>>());
    assert_eq!(roles("groups", json!({"groups": ["a", "b c"]})), list(&["a", "b c"]));
    assert_eq!(roles("groups", json!({"groups": "shift lead"})), list(&["shift lead"]));
    assert_eq!(roles("scope", json!({"scope": "a b"})), list(&["a", "b"]));
    assert_eq!(roles("groups", json!({})), list(&[]));
    assert_eq!(roles("https://plant.example/roles", json!({"https://plant.example/roles": ["a"]})), list(&["a"]));
    assert_eq!(roles("x.hmi.app.roles", json!({"x": {"hmi.app.roles": ["a"]}})), list(&["a"]));
    assert_eq!(roles("groups", json!({"groups": [["a"]]})), Err(Reason::OperatorInvalid));
    assert_eq!(roles("groups", json!({"groups": {"a": true}})), Err(Reason::OperatorInvalid));
    check_claims(&json!({"amr": [1]}), "-", Reason::OperatorInvalid);
}

#[test]
fn algorithms_that_the_plant_does_not_list_are_refused() {
    for algorithm in ["none", "HS256", "ES256", "PS256"] {
        let token = signed(&json!({"alg": algorithm, "kid": "k1"}), &claims());
        check_operator(&token, "-", Reason::OperatorInvalid);
    }
    let (unsigned, _) = operator_token(&json!({})).rsplit_once('.').map(|(rest, _)| (format!("{rest}."), ())).unwrap();
    check_operator(&unsigned, "-", Reason::OperatorInvalid);
    let confused = signed(&json!({"alg": "RS256", "kid": "k1"}), &claims());
    check_operator(&confused, "-", Reason::OperatorInvalid);
}

#[test]
fn an_unknown_key_is_said_so_that_the_shell_can_fetch_but_not_for_strangers() {
    let rotated = signed(&json!({"alg": "EdDSA", "kid": "k2"}), &claims());
    let call = Call::bearing("mes-a").with("penstock-operator", &rotated);
    check(&call, "mes!token - -", Reason::OperatorInvalid);
    assert!(call.identify().unknown_key);
    let after = REGISTRY.identify(&call.presented(), Some(&keys_of("k2", &ISSUER_KEY)), NOW);
    assert_eq!(outcome(&after), ("mes!token - anna!oidc".to_owned(), None));
    assert!(!after.unknown_key);
    assert!(REGISTRY.identify(&call.presented(), None, NOW).unknown_key);
    assert!(!Call::default().with("penstock-operator", &rotated).identify().unknown_key);
    assert!(!Call::bearing("mes-a").with("penstock-operator", "x.y.z").identify().unknown_key);
}

#[test]
fn a_token_that_has_counted_still_ends_and_goes_with_its_key() {
    let call = Call::bearing("mes-a").with("penstock-operator", operator_token(&json!({"sub": "bert"})));
    let (first, again) = (call.identify(), call.identify());
    assert_eq!(first.refusal, None);
    assert_eq!(outcome(&first), outcome(&again));
    assert_eq!((first.principal.roles, first.until), (again.principal.roles, again.until));
    let late = call.identify_at(again.until.unwrap());
    assert_eq!(late.refusal.unwrap().reason, Reason::OperatorExpired);
    let withdrawn =
        REGISTRY.identify(&call.presented(), Some(&keys_of("k1", &KeyPair::generate_for(&PKCS_ED25519).unwrap())), NOW);
    assert_eq!(withdrawn.refusal.unwrap().reason, Reason::OperatorInvalid);
    assert!(!format!("{:?}", *REGISTRY).contains("bert"));
}

#[test]
fn an_operator_header_that_nobody_can_check_is_refused() {
    let call = Call::bearing("mes-a").with("penstock-operator", operator_token(&json!({})));
    let found = registry_of(&Plant { issuer: None, ..plant() }).identify(&call.presented(), None, NOW);
    assert_eq!(found.refusal.unwrap().reason, Reason::OperatorInvalid);
    assert!(!found.unknown_key);
    check_operator("", "-", Reason::OperatorInvalid);
    let token = operator_token(&json!({}));
    let twice = Call::bearing("mes-a").with("penstock-operator", &token).with("penstock-operator", &token);
    check(&twice, "mes!token - -", Reason::OperatorInvalid);
}

#[test]
fn the_first_refusal_in_order_counts_and_the_rest_is_still_known() {
    let call = Call::bearing("old").with("penstock-operator", operator_token(&json!({})));
    check(&call, "mes - anna!oidc", Reason::TokenExpired);
    let call = Call::bearing("old").with("penstock-operator", operator_token(&json!({"exp": 1})));
    check(&call, "mes - anna", Reason::TokenExpired);
}

#[test]
fn no_secret_shows_in_debug_output_or_refusals() {
    let (token, operator) = (token("stranger"), operator_token(&json!({"iss": "x"})));
    let call = Call::default().with("x-api-key", &token).with("penstock-operator", &operator);
    let shown = format!("{:?} {:?} {:?}", call.presented(), call.identify(), *REGISTRY);
    assert!(
        !shown.contains(token.rsplit('_').next().unwrap()) && !shown.contains(&operator) && !shown.contains("anna")
    );
}

#[test]
fn hostile_certificates_are_refused_and_never_panic() {
    let whole = der(&[MES, "ws-7.plant.example"], |_| {});
    for end in 0..whole.len() {
        assert!(refused(&whole[..end]), "cut at {end}");
    }
    assert!(refused(&[whole.as_slice(), &[0]].concat()));
    let many: Vec<String> = (0..65).map(|index| format!("h{index}.example")).collect();
    assert!(refused(&der(&many.iter().map(String::as_str).collect::<Vec<_>>(), |_| {})));
    assert!(refused(&der(&[MES], |params| {
        params.custom_extensions.push(CustomExtension::from_oid_content(&[2, 5, 29, 17], vec![0x30, 0x00]));
    })));
    assert!(refused(&der(&[MES], |params| {
        params.custom_extensions.push(CustomExtension::from_oid_content(&[1, 2, 3], vec![0; 70_000]));
    })));
}

fn refused(der: &[u8]) -> bool {
    let certificate = Some(PresentedCertificate::read(der, CertificateState::Valid));
    let found = Call { certificate, ..Call::default() }.identify();
    found.refusal.is_some() && found.principal.workload.proved().is_none()
}

proptest! {
    #[test]
    fn a_certificate_with_some_bytes_changed_never_panics(changes in prop::collection::vec(any::<(prop::sample::Index, u8)>(), 1..8)) {
        static DER: LazyLock<Vec<u8>> = LazyLock::new(|| der(&[MES, "ws-7.plant.example"], |_| {}));
        let mut bytes = DER.clone();
        for (index, byte) in changes {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        let certificate = Some(PresentedCertificate::read(&bytes, CertificateState::Untrusted));
        let found = Call { certificate, ..Call::default() }.identify();
        prop_assert_eq!(found.refusal.map(|refusal| refusal.reason), Some(Reason::CertificateUntrusted));
        prop_assert_eq!(found.principal.workload.proved(), None);
    }

    #[test]
    fn any_headers_prove_nobody(headers in prop::collection::vec((0..6_usize, ".{0,40}"), 0..6)) {
        let names = ["authorization", "x-api-key", "api-key", "x-goog-api-key", "penstock-operator", "penstock-workstation"];
        let headers = headers.into_iter().map(|(index, value)| (names[index], value)).collect();
        let found = Call { certificate: None, headers }.identify();
        prop_assert!(found.refusal.is_some());
        prop_assert!(found.principal.workload.proved().is_none() && found.principal.operator.proved().is_none());
        prop_assert!(found.principal.workstation.proved().is_none());
    }

    #[test]
    fn what_is_proved_has_evidence_that_was_presented(
        names in prop::sample::subsequence(vec![MES, "scada.plant.example", "ws-7.plant.example", "x.example"], 0..3),
        token in prop::option::of(prop::sample::select(vec!["mes-a", "scada-a", "old", "gone", "lost", "stranger"])),
        operator in any::<Option<bool>>(),
        state in prop::sample::select(vec![CertificateState::Valid, CertificateState::Expired, CertificateState::Untrusted]),
    ) {
        let mut call = token.map_or_else(Call::default, Call::bearing);
        call.certificate = (!names.is_empty()).then(|| certificate(&names, state));
        if let Some(good) = operator {
            call = call.with("penstock-operator", operator_token(&if good { json!({}) } else { json!({"exp": 1}) }));
        }
        let Identified { principal, refusal, .. } = call.identify();
        let certified = call.certificate.is_some() && state == CertificateState::Valid;
        for evidence in [
            match principal.workload { Identity::Proved(_, evidence) => Some(evidence), _ => None },
            match principal.workstation { Identity::Proved(_, evidence) => Some(evidence), _ => None },
        ].into_iter().flatten() {
            prop_assert!(evidence != Evidence::Certificate || certified);
            prop_assert!(evidence != Evidence::Token || token.is_some_and(|id| id.ends_with("-a")));
        }
        prop_assert_eq!(principal.operator.proved().is_some(), operator == Some(true));
        prop_assert!(refusal.is_some() || principal.workload.proved().is_some());
    }
}

#[test]
fn an_address_proves_a_workload_only_where_nothing_else_was_shown() {
    let (mes, scada) = (WorkloadId::new("mes").unwrap(), WorkloadId::new("scada").unwrap());
    let from = |call: &Call<'_>, token: Option<&str>| {
        let shown = call.presented().and_token(token).from_address(Some(&scada));
        let found = REGISTRY.identify(&shown, Some(&KEYS), NOW);
        (found.principal.workload, found.refusal.map(|refusal| refusal.reason))
    };
    let (nothing, foreign) = (Call::default(), Call::default().with("x-api-key", "sk-of-the-provider"));
    let by_address = (Identity::Proved(scada.clone(), Evidence::Address), None);
    assert_eq!(from(&nothing, None), by_address);
    assert_eq!(from(&foreign, None), by_address);
    // What is shown counts, also against the address; what is wrong is not mended by it.
    assert_eq!(from(&Call::bearing("mes-a"), None), (Identity::Proved(mes.clone(), Evidence::Token), None));
    assert_eq!(from(&Call::certified(&[MES]), None), (Identity::Proved(mes, Evidence::Certificate), None));
    assert_eq!(from(&Call::bearing("gone"), None).1, Some(Reason::TokenRevoked));
    assert_eq!(from(&Call::default().with("x-api-key", "psk_nobody_x"), None).1, Some(Reason::TokenUnknown));
}

#[test]
fn a_token_shown_to_a_proxy_counts_like_one_in_the_call_and_two_must_agree() {
    let of = |call: &Call<'_>, id: &str| {
        let shown = token(id);
        let shown = call.presented().and_token(Some(&shown));
        let found = REGISTRY.identify(&shown, Some(&KEYS), NOW);
        found.refusal.map(|refusal| refusal.reason)
    };
    assert_eq!(of(&Call::default().with("authorization", "Bearer sk-own"), "mes-a"), None);
    assert_eq!(of(&Call::bearing("mes-a"), "mes-a"), None);
    assert!(of(&Call::bearing("mes-a"), "scada-a").is_some(), "whichever we chose, the caller could mean the other");
    assert_eq!(of(&Call::default(), "old"), Some(Reason::TokenExpired));
}
