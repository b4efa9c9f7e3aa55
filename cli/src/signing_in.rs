//! People who sign in at the operators' issuer: the authorization code flow with PKCE (RFC 6749, RFC 7636, RFC 9700), as the
//! console's pages begin it.
//!
//! ```text
//! browser ─ sign in ─> console ─ state, nonce, challenge ─> issuer ─ code ─> console ─ code, verifier ─> ID token ─> person
//! ```

use crate::secrets;
use config::Login;
use console::{Arrival, Fault, Trip};
use gateway::{Fetch, HttpFetch, Inforce};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use plant::{CredentialReference, Issuer, OperatorId, OperatorRole};
use serde_json::Value;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// What the issuer's address is followed by (OpenID Connect Discovery 1.0 section 4).
const DISCOVERY: &str = "/.well-known/openid-configuration";
/// How long what the issuer says of itself is kept: anybody can begin to sign in.
const KEPT: Duration = Duration::from_secs(300);
/// How long it is left alone when it could not be asked.
const REST: Duration = Duration::from_secs(5);
/// How long the issuer may take to give a token for a code.
const PATIENCE: Duration = Duration::from_secs(10);
/// Longest answer to that.
const LIMIT: usize = 256 << 10;

/// The console as a client of the issuer.
pub(crate) struct SigningIn {
    issuer: Issuer,
    login: Login,
    endpoints: Mutex<Option<(Instant, Result<Endpoints, Fault>)>>,
}

/// Where the issuer is asked.
#[derive(Clone)]
struct Endpoints {
    authorization: String,
    token: Uri,
}

impl SigningIn {
    pub(crate) fn new(issuer: Issuer, login: Login) -> Self {
        Self { issuer, login, endpoints: Mutex::default() }
    }

    /// The address that a browser is sent to.
    pub(crate) async fn leave(&self, trip: &Trip) -> Result<String, Fault> {
        let Endpoints { authorization, .. } = self.endpoints().await?;
        let challenge = seal::base64_url(&seal::sha256(trip.verifier.as_bytes()));
        let query = form(&[
            ("response_type", "code"),
            ("client_id", &self.login.client),
            ("redirect_uri", &trip.back),
            ("scope", &self.login.scopes.join(" ")),
            ("state", &trip.state),
            ("nonce", &trip.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let joint = if authorization.contains('?') { '&' } else { '?' };
        Ok(format!("{authorization}{joint}{}", query.as_str()))
    }

    /// Who came back.
    pub(crate) async fn arrive(
        &self,
        inforce: &Inforce,
        trip: &Trip,
        arrival: Arrival,
    ) -> Result<(OperatorId, Vec<OperatorRole>), Fault> {
        if arrival.issuer.is_some_and(|issuer| issuer != self.issuer.issuer) {
            return Err(unfit("another issuer answers"));
        }
        let token = self.redeem(trip, &arrival.code).await?;
        let person = inforce.signed_in(&token, &self.login.client, &trip.nonce).await;
        person.ok_or_else(|| unfit("the issuer's token does not count, or is not for this sign-in"))
    }

    /// The ID token for a code.
    async fn redeem(&self, trip: &Trip, code: &str) -> Result<Zeroizing<String>, Fault> {
        let Endpoints { token, .. } = self.endpoints().await?;
        let own = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &trip.back),
            ("code_verifier", &trip.verifier),
            ("client_id", &self.login.client),
        ];
        let mut request = Request::post(token)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(secret) = self.secret()? {
            request = request.header(AUTHORIZATION, basic(&self.login.client, &secret)?);
        }
        let request = request.body(Full::new(Bytes::from(form(&own).as_bytes().to_vec())));
        let request = request.map_err(|_| unfit("the issuer cannot be asked"))?;
        let connector = gateway::connector(self.issuer.authorities.as_deref()).map_err(|problem| away(&problem))?;
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        let ask = async {
            let answer = client.request(request).await.map_err(|problem| away(&problem))?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), LIMIT).collect().await;
            let body = body.map_err(|_| unfit("the issuer's answer is too long, or broke off"))?.to_bytes();
            // What it says of an error may hold what it was asked with, and is not repeated.
            if status == StatusCode::OK { Ok(body) } else { Err(unfit(&format!("the issuer answers {status}"))) }
        };
        let body = timeout(PATIENCE, ask).await.unwrap_or_else(|_| Err(unfit("the issuer does not answer")))?;
        let mut answer: Value = serde_json::from_slice(&body).map_err(|_| unfit("the issuer's answer is not JSON"))?;
        match answer.get_mut("id_token").map(Value::take) {
            Some(Value::String(token)) => Ok(Zeroizing::new(token)),
            _ => Err(unfit("the issuer's answer has no ID token")),
        }
    }

    fn secret(&self) -> Result<Option<Zeroizing<String>>, Fault> {
        let read = |path: &PathBuf| secrets::credential(&CredentialReference::File(path.clone()));
        self.login.secret.as_ref().map(read).transpose().map_err(|problem| Fault::Unavailable(problem.to_string()))
    }

    async fn endpoints(&self) -> Result<Endpoints, Fault> {
        let mut kept = self.endpoints.lock().await;
        if let Some((since, endpoints)) = &*kept
            && since.elapsed() < if endpoints.is_ok() { KEPT } else { REST }
        {
            return endpoints.clone();
        }
        let endpoints = self.discover().await;
        *kept = Some((Instant::now(), endpoints.clone()));
        endpoints
    }

    async fn discover(&self) -> Result<Endpoints, Fault> {
        let place = if self.issuer.keys.ends_with(DISCOVERY) {
            self.issuer.keys.clone()
        } else {
            format!("{}{DISCOVERY}", self.issuer.issuer.trim_end_matches('/'))
        };
        let place: Uri = place.parse().map_err(|_| unfit("the issuer's address is no URL"))?;
        let fetch = HttpFetch::new(self.issuer.authorities.as_deref()).map_err(|problem| away(&problem))?;
        let document = fetch.get(place.clone()).await.map_err(|problem| away(&problem))?;
        read(&document.body, &self.issuer.issuer, &place)
    }
}

/// What a discovery document says. One of another issuer would send people, and their codes, to somebody else
/// (Discovery 1.0 section 4.3); and who was reached by TLS may not lead to where there is none.
fn read(document: &[u8], issuer: &str, from: &Uri) -> Result<Endpoints, Fault> {
    let document: Value = serde_json::from_slice(document).map_err(|_| unfit("the discovery document is not JSON"))?;
    let text = |key: &str| document.get(key).and_then(Value::as_str);
    if text("issuer") != Some(issuer) {
        return Err(unfit("the discovery document is not that of the issuer in the plant file"));
    }
    let endpoint = |key: &str| {
        let uri: Option<Uri> = text(key).and_then(|text| text.parse().ok());
        let fits = |uri: &Uri| {
            let plain = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
            uri.scheme() == from.scheme() && plain
        };
        uri.filter(fits).ok_or_else(|| unfit(&format!("the discovery document has no usable `{key}`")))
    };
    Ok(Endpoints { authorization: endpoint("authorization_endpoint")?.to_string(), token: endpoint("token_endpoint")? })
}

/// HTTP Basic, of what is encoded first (RFC 6749 section 2.3.1).
fn basic(client: &str, secret: &str) -> Result<HeaderValue, Fault> {
    let pair = Zeroizing::new(format!("{}:{}", escaped(client), escaped(secret)));
    let text = Zeroizing::new(format!("Basic {}", seal::base64(pair.as_bytes())));
    let mut value = HeaderValue::from_str(&text).map_err(|_| unfit("the client's secret cannot be sent"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Pairs as a form or a query holds them. It may hold a code.
fn form(pairs: &[(&str, &str)]) -> Zeroizing<String> {
    let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={}", escaped(value))).collect();
    Zeroizing::new(pairs.join("&"))
}

/// Text within a query (RFC 3986 section 2.3).
fn escaped(text: &str) -> String {
    const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, ESCAPED).to_string()
}

fn unfit(why: &str) -> Fault {
    Fault::Unfit(why.to_owned())
}

fn away(problem: &dyn std::error::Error) -> Fault {
    Fault::Unavailable(format!("the issuer cannot be asked: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_discovery_document_counts_if_it_is_the_issuers_own_and_leads_nowhere_unsafe() {
        let from = "https://login.example/.well-known/openid-configuration".parse().unwrap();
        let document = |issuer: &str, token: &str| {
            format!(
                r#"{{"issuer":"{issuer}","authorization_endpoint":"https://login.example/auth?a=b","token_endpoint":"{token}"}}"#
            )
        };
        let judged = |issuer: &str, token: &str| {
            read(document(issuer, token).as_bytes(), "https://login.example", &from).is_ok()
        };
        assert!(judged("https://login.example", "https://login.example/token"));
        for (issuer, token) in [
            ("https://other.example", "https://login.example/token"),
            ("https://login.example/", "https://login.example/token"),
            ("https://login.example", "http://login.example/token"),
            ("https://login.example", "https://a@login.example/token"),
            ("https://login.example", "/token"),
            ("https://login.example", "javascript:alert(1)"),
        ] {
            assert!(!judged(issuer, token), "{issuer} {token}");
        }
        assert!(read(b"[]", "https://login.example", &from).is_err());
        assert!(read(b"not JSON", "https://login.example", &from).is_err());
    }

    #[test]
    fn a_challenge_is_spelt_as_in_the_standard() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = seal::base64_url(&seal::sha256(verifier.as_bytes()));
        assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
