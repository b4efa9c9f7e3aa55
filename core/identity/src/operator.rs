//! Operators: what the claims of a signed token say about a person, and whether they count here.
//!
//! The signature is checked by [`seal::jose`]; this judges what was signed (OpenID Connect Core section 3.1.3.7,
//! RFC 9068 section 4). A person leaves this module only as a pseudonym, which [`Naming`] gives them.

use crate::known::{Key, Known, Person};
use crate::naming::{Named, Naming};
use crate::presented::OperatorToken;
use plant::{Evidence, Identity, Issuer, Millis, OperatorId, OperatorRole, Reason, Refusal};
use seal::jose::{self, Algorithm, Claims, JoseError, Keys};
use serde_json::Value;

/// Longest subject. OpenID Connect Core section 2 says 255 characters for `sub`; other claims get some room.
const LONGEST_SUBJECT: usize = 1024;

/// The issuer's terms, and who names its people.
#[derive(Debug)]
pub(crate) struct Operators {
    issuer: Issuer,
    algorithms: Vec<Algorithm>,
    naming: Box<dyn Naming>,
    known: Known,
}

/// What the operator header came to.
pub(crate) struct HeardOperator {
    pub(crate) identity: Identity<OperatorId>,
    pub(crate) roles: Vec<OperatorRole>,
    pub(crate) authentication: Vec<String>,
    pub(crate) refusal: Option<Refusal>,
    pub(crate) unknown_key: bool,
    pub(crate) until: Option<Millis>,
}

impl HeardOperator {
    fn nobody(refusal: Option<Refusal>) -> Self {
        let (roles, authentication) = (Vec::new(), Vec::new());
        Self { identity: Identity::Absent, roles, authentication, refusal, unknown_key: false, until: None }
    }

    fn proved(person: Person) -> Self {
        let Person { named, roles, authentication, until } = person;
        let identity = Identity::Proved(named.id, Evidence::Oidc);
        Self { identity, roles, authentication, refusal: None, unknown_key: false, until: Some(until) }
    }
}

/// Judges the operator header of a request.
pub(crate) fn hear(
    operators: Option<&Operators>,
    token: &OperatorToken<'_>,
    keys: Option<&Keys>,
    now: Millis,
) -> HeardOperator {
    let token = match token {
        OperatorToken::Absent => return HeardOperator::nobody(None),
        OperatorToken::Unreadable => return invalid("the operator header is repeated or not text"),
        OperatorToken::Token(token) => token,
    };
    let Some(operators) = operators else { return invalid("the plant declares no issuer of operator tokens") };
    let Some(keys) = keys else {
        return HeardOperator { unknown_key: true, ..invalid("the issuer's keys are not there yet") };
    };
    let key = seal::sha256_parts(&[keys.digest(), token.as_bytes()]);
    // Who was forgotten meanwhile is met as if for the first time.
    if let Some(person) = operators.known.person(&key, now).filter(|person| operators.naming.holds(&person.named)) {
        return HeardOperator::proved(person);
    }
    match jose::verify(token, keys, &operators.algorithms) {
        Ok(claims) => operators.judge(&claims, key, now).unwrap_or_else(|refusal| HeardOperator::nobody(Some(refusal))),
        Err(problem) => HeardOperator { unknown_key: problem == JoseError::UnknownKey, ..invalid(problem.to_string()) },
    }
}

fn invalid(detail: impl Into<String>) -> HeardOperator {
    HeardOperator::nobody(Some(Refusal::new(Reason::OperatorInvalid, detail)))
}

impl Operators {
    pub(crate) fn new(issuer: &Issuer, naming: Box<dyn Naming>) -> Self {
        // A name that is no asymmetric algorithm allows nothing; `config` has refused it with a better message.
        let algorithms = issuer.algorithms.iter().filter_map(|name| Algorithm::parse(name)).collect();
        Self { issuer: issuer.clone(), algorithms, naming, known: Known::default() }
    }

    /// Without a pseudonym that lasts, nothing could be recorded of a person.
    pub(crate) fn name(&self, subject: &str) -> Result<Named, Refusal> {
        let unnamed = || Refusal::new(Reason::LedgerUnavailable, "the operator's pseudonym cannot be kept");
        self.naming.name(&self.issuer.issuer, subject).ok_or_else(unnamed)
    }

    /// Whether the token was made for this client and this sign-in.
    pub(crate) fn answers(&self, token: &str, keys: &Keys, client: &str, nonce: &str) -> bool {
        let Ok(claims) = jose::verify(token, keys, &self.algorithms) else { return false };
        let says = |name: &str, text: &str| claims.get(name).and_then(Value::as_str) == Some(text);
        let listed = |list: &Value| list.as_array().is_some_and(|list| list.iter().any(|one| one == client));
        let ours = says("aud", client) || claims.get("aud").is_some_and(listed);
        ours && says("nonce", nonce) && (says("azp", client) || !claims.contains_key("azp"))
    }

    /// Everything but expiry makes the token invalid; of an expired one we still say whose it was. One that counts is known by
    /// its key from now on.
    fn judge(&self, claims: &Claims, key: Key, now: Millis) -> Result<HeardOperator, Refusal> {
        let wrong = |detail| Refusal::new(Reason::OperatorInvalid, detail);
        let (subject, until) = self.check(claims, now).map_err(wrong)?;
        if until <= now {
            let refusal = Refusal::new(Reason::OperatorExpired, format!("the operator token ended at {until}"));
            let identity = Identity::Asserted(self.name(subject)?.id);
            return Ok(HeardOperator { identity, ..HeardOperator::nobody(Some(refusal)) });
        }
        let roles = self.roles(claims).map_err(wrong)?;
        let authentication = authentication(claims).map_err(wrong)?;
        let person = Person { named: self.name(subject)?, roles, authentication, until };
        self.known.learn(key, now, person.clone());
        Ok(HeardOperator::proved(person))
    }

    /// Whom the claims name and until when, if they are for us and have begun.
    fn check<'a>(&self, claims: &'a Claims, now: Millis) -> Result<(&'a str, Millis), String> {
        if claims.get("iss").and_then(Value::as_str) != Some(self.issuer.issuer.as_str()) {
            return Err(format!("its issuer is not `{}`", self.issuer.issuer));
        }
        if !self.is_for_us(claims.get("aud")) {
            return Err("its audience is not one that the plant file names".to_owned());
        }
        // A back-channel logout token is signed by the same keys for the same audience, and is no sign-in
        // (OpenID Connect Back-Channel Logout section 2.4, RFC 8725 section 2.8).
        if claims.contains_key("events") {
            return Err("it is an event, not a sign-in".to_owned());
        }
        let leeway = self.issuer.leeway;
        let latest = now.0.saturating_add(leeway);
        if time(claims, "nbf")?.is_some_and(|start| start > latest) {
            return Err("it is not valid yet".to_owned());
        }
        if time(claims, "iat")?.is_some_and(|issued| issued > latest) {
            return Err("it was issued in the future".to_owned());
        }
        let until = time(claims, "exp")?.ok_or("it has no expiry")?.saturating_add(leeway);
        Ok((self.subject(claims)?, Millis(until)))
    }

    fn is_for_us(&self, audience: Option<&Value>) -> bool {
        let ours = |audience: &Value| {
            audience.as_str().is_some_and(|text| self.issuer.audiences.iter().any(|one| one == text))
        };
        match audience {
            Some(Value::Array(audiences)) => audiences.iter().any(ours),
            Some(audience) => ours(audience),
            None => false,
        }
    }

    fn subject<'a>(&self, claims: &'a Claims) -> Result<&'a str, String> {
        let subject = claim(claims, &self.issuer.subject_claim).and_then(Value::as_str);
        subject
            .filter(|text| !text.is_empty() && text.len() <= LONGEST_SUBJECT)
            .ok_or_else(|| format!("its claim `{}` names nobody", self.issuer.subject_claim))
    }

    fn roles(&self, claims: &Claims) -> Result<Vec<OperatorRole>, String> {
        let Some(path) = &self.issuer.roles_claim else { return Ok(Vec::new()) };
        match claim(claims, path) {
            // RFC 8693 section 4.2: scopes are one text with spaces. Other texts are one role, however written:
            // cutting `line lead` in two would hand out a role that nobody gave.
            Some(Value::String(text)) if matches!(path.rsplit('.').next(), Some("scope" | "scp")) => {
                Ok(text.split_ascii_whitespace().map(str::to_owned).collect())
            }
            claim => texts(claim).ok_or_else(|| format!("its claim `{path}` is neither a text nor a list of texts")),
        }
    }
}

/// The claim at a dotted path. A claim whose own name holds dots (`https://plant.example/roles`) is found first.
fn claim<'a>(claims: &'a Claims, path: &str) -> Option<&'a Value> {
    let mut claims = claims;
    let mut path = path;
    loop {
        if let Some(found) = claims.get(path) {
            return Some(found);
        }
        let (first, rest) = path.split_once('.')?;
        claims = claims.get(first)?.as_object()?;
        path = rest;
    }
}

/// A text or a list of texts as a list; nothing is an empty one; anything else is `None`.
fn texts(value: Option<&Value>) -> Option<Vec<String>> {
    match value {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::String(text)) => Some(vec![text.clone()]),
        Some(Value::Array(list)) => list.iter().map(|one| one.as_str().map(str::to_owned)).collect(),
        Some(_) => None,
    }
}

/// The authentication context and the methods, as one list: conduits ask for one of either.
fn authentication(claims: &Claims) -> Result<Vec<String>, String> {
    let wrong = |name: &str| format!("its claim `{name}` is neither a text nor a list of texts");
    let mut stated = texts(claims.get("acr")).ok_or_else(|| wrong("acr"))?;
    stated.extend(texts(claims.get("amr")).ok_or_else(|| wrong("amr"))?);
    Ok(stated)
}

/// A NumericDate (RFC 7519 section 2) in milliseconds. It may have a fraction; it may not be anything else.
fn time(claims: &Claims, name: &str) -> Result<Option<u64>, String> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let whole = value.as_u64().map(|seconds| seconds.saturating_mul(1000));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "negative is ruled out, `as` saturates"
    )]
    let broken = || value.as_f64().filter(|seconds| *seconds >= 0.0).map(|seconds| (seconds * 1000.0) as u64);
    whole.or_else(broken).map(Some).ok_or_else(|| format!("its claim `{name}` is no time"))
}
