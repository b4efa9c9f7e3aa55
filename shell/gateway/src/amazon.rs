//! Amazon's way to prove who calls (AWS Signature Version 4, "Create a signed AWS API request" of its IAM guide): not a secret in
//! a header but a signature of the request, made with a key that is derived from the secret for a day, a region and a service.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use plant::Millis;
use seal::{hex, hmac_sha256, sha256};
use zeroize::Zeroizing;

const SERVICE: &str = "bedrock";
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// The key of an account of Amazon's. `Debug` is not there: it would show the secret.
pub(crate) struct Signer {
    region: String,
    key_id: String,
    secret: Zeroizing<String>,
    session: Option<HeaderValue>,
}

impl Signer {
    /// Reads `access_key_id=… secret_access_key=… region=…`, with `session_token=…` for a key that ends, in any order. `None`
    /// if one of them is missing, comes twice, or there is another.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (mut key_id, mut secret, mut region, mut session) = (None, None, None, None);
        for word in text.split_ascii_whitespace() {
            let (name, value) = word.split_once('=').filter(|(_, value)| !value.is_empty())?;
            let place = match name {
                "access_key_id" => &mut key_id,
                "secret_access_key" => &mut secret,
                "region" => &mut region,
                "session_token" => &mut session,
                _ => return None,
            };
            if place.replace(value).is_some() {
                return None;
            }
        }
        let session = match session {
            Some(token) => {
                let mut token = HeaderValue::from_str(token).ok()?;
                token.set_sensitive(true);
                Some(token)
            }
            None => None,
        };
        Some(Self {
            region: region?.to_owned(),
            key_id: key_id?.to_owned(),
            secret: Zeroizing::new(secret?.to_owned()),
            session,
        })
    }

    /// What must not be in an answer.
    pub(crate) fn secrets(&self) -> Vec<Zeroizing<String>> {
        let session = self.session.as_ref().and_then(|token| token.to_str().ok()).map(str::to_owned);
        let own = [Some(self.key_id.clone()), Some(self.secret.to_string()), session];
        own.into_iter().flatten().map(Zeroizing::new).collect()
    }

    /// Signs a request that is about to leave at `now`. `None` if a header cannot be written.
    pub(crate) fn sign(
        &self,
        (method, uri, body): (&Method, &Uri, &[u8]),
        headers: &mut HeaderMap,
        now: Millis,
    ) -> Option<()> {
        // RFC 3339 to the millisecond, in the basic form of ISO 8601 and to the second.
        let time: String = now.to_string().chars().filter(|letter| !matches!(letter, '-' | ':')).collect();
        let time = format!("{}Z", time.split('.').next()?);
        let day = time.get(..8)?;
        let mut signed = format!("host:{}\nx-amz-date:{time}\n", host(uri)?);
        let mut names = "host;x-amz-date".to_owned();
        if let Some(token) = &self.session {
            signed += &format!("x-amz-security-token:{}\n", token.to_str().ok()?);
            names += ";x-amz-security-token";
            headers.insert(TOKEN, token.clone());
        }
        let request = format!(
            "{method}\n{}\n{}\n{signed}\n{names}\n{}",
            escaped(uri.path()),
            sorted(uri.query().unwrap_or_default()),
            hex(&sha256(body)),
        );
        let scope = format!("{day}/{}/{SERVICE}/aws4_request", self.region);
        let told = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(&sha256(request.as_bytes())));
        let first = Zeroizing::new(format!("AWS4{}", self.secret.as_str()));
        let steps = [day, &self.region, SERVICE, "aws4_request"];
        let key = steps.iter().fold(Zeroizing::new(first.as_bytes().to_vec()), |key, step| {
            Zeroizing::new(hmac_sha256(&key, step.as_bytes()).to_vec())
        });
        let signature = hex(&hmac_sha256(&key, told.as_bytes()));
        let value = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            self.key_id
        );
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(true);
        headers.insert(DATE, HeaderValue::from_str(&time).ok()?);
        headers.insert(header::AUTHORIZATION, value);
        Some(())
    }
}

/// The host as it stands in the request's head: with its port only where that is not the scheme's own.
fn host(uri: &Uri) -> Option<String> {
    let host = uri.host()?;
    let own = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    Some(match uri.port_u16().filter(|port| *port != own) {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

/// The path with every byte escaped that is neither unreserved nor a slash, those of escapes included.
fn escaped(path: &str) -> String {
    const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
    utf8_percent_encode(path, ESCAPED).to_string()
}

/// The query with its pairs in order. What a caller wrote in it stays as it is: it is sent so.
fn sorted(query: &str) -> String {
    let mut pairs: Vec<String> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| if pair.contains('=') { pair.to_owned() } else { format!("{pair}=") })
        .collect();
    pairs.sort_unstable();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use super::Signer;
    use http::{HeaderMap, Method, Uri};
    use plant::Millis;

    const KEY: &str =
        "access_key_id=AKIDEXAMPLE region=us-east-1 secret_access_key=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn signed(key: &str, path: &str, body: &[u8]) -> HeaderMap {
        let uri: Uri = format!("https://bedrock-runtime.us-east-1.amazonaws.com{path}").parse().unwrap();
        let mut headers = HeaderMap::new();
        let now = Millis(1_440_938_160_000);
        Signer::parse(key).unwrap().sign((&Method::POST, &uri, body), &mut headers, now).unwrap();
        headers
    }

    // botocore 1.44.5, `SigV4Auth` with the same key, request and time.
    #[test]
    fn a_signature_agrees_with_another_implementation() {
        let headers = signed(KEY, "/model/anthropic.claude-v2%3A1/converse", b"{\"messages\":[]}");
        assert_eq!(headers["x-amz-date"], "20150830T123600Z");
        assert_eq!(
            headers["authorization"],
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/bedrock/aws4_request, \
             SignedHeaders=host;x-amz-date, Signature=8bd230fa414d3c9cb54f9fe54d1b5906733386540147967fad4657a173a7202c"
        );
        let key = format!("{KEY} session_token=FwoGZXIvYXdz==");
        let headers = signed(&key, "/model/m/invoke?b=2&a=1", b"");
        assert_eq!(headers["x-amz-security-token"], "FwoGZXIvYXdz==");
        let own = headers["authorization"].to_str().unwrap();
        assert!(
            own.ends_with(
                "x-amz-security-token, Signature=cbb68833ab1e74e529dcda618c86dd34e878a0ff14eef5113226aca7e811c37d"
            ),
            "{own}"
        );
    }

    #[test]
    fn a_key_is_whole_or_none() {
        for text in [
            "",
            "ABSKQmVkcm9ja0FQSUtleS",
            "access_key_id=a secret_access_key=b",
            "access_key_id=a secret_access_key=b region=",
            "access_key_id=a secret_access_key=b region=c region=d",
            "access_key_id=a secret_access_key=b region=c profile=d",
        ] {
            assert!(Signer::parse(text).is_none(), "{text}");
        }
    }
}
