//! Which headers cross, in either direction.
//!
//! Towards the provider by allow-list: what a dialect does not need is not carried, since nobody has read it. Back
//! to the caller everything but what speaks of one connection, sets state in the caller, sends it elsewhere, or could
//! be taken for ours.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// Headers of a request that are carried across, beside those that begin with a prefix of [`CARRIED_PREFIXES`].
///
/// Not among them: `x-stainless-*`, in which SDKs tell of the machine that they run on, and whatever frames, encodes
/// or authenticates, which is ours to say.
const CARRIED: [HeaderName; 5] = [
    header::ACCEPT,
    header::CONTENT_TYPE,
    header::USER_AGENT,
    HeaderName::from_static("idempotency-key"),
    // where a stream of events is taken up again (HTML, section 9.2.4)
    HeaderName::from_static("last-event-id"),
];
/// Families of headers in which the dialects say what is wanted: versions, features, an organisation, a guardrail,
/// a session.
const CARRIED_PREFIXES: [&str; 4] = ["anthropic-", "openai-", "x-amzn-bedrock-", "mcp-"];
/// Longest value of a carried header, and most of them: a header is no way out for content.
const LONGEST: usize = 256;
const MOST: usize = 24;

/// Headers of an answer that end at us.
const DROPPED: [HeaderName; 24] = [
    // of the one connection (RFC 9110 section 7.6.1), or of how its body was framed and encoded
    header::CONNECTION,
    header::TRANSFER_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_ENCODING,
    header::UPGRADE,
    header::TRAILER,
    header::TE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    // digests of a body that may leave rewritten (RFC 9530)
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
    // state in the caller, or another way around us
    header::SET_COOKIE,
    HeaderName::from_static("set-cookie2"),
    header::ALT_SVC,
    header::STRICT_TRANSPORT_SECURITY,
    HeaderName::from_static("clear-site-data"),
    header::LOCATION,
    header::CONTENT_LOCATION,
    header::REFRESH,
    // what the provider asks of us, not of the caller
    header::WWW_AUTHENTICATE,
    header::PROXY_AUTHENTICATE,
    HeaderName::from_static("authentication-info"),
];
/// Headers with this prefix are ours, so a provider cannot tell a caller of a record that there is not.
const OURS: &str = "penstock-";

/// The headers of a request that are carried across, and so are read as content is.
pub fn carried(from: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    let known = |name: &HeaderName| {
        CARRIED.contains(name) || CARRIED_PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix))
    };
    let fits = |value: &HeaderValue| value.len() <= LONGEST && !identity::holds_token(value.as_bytes());
    from.iter().filter(move |(name, value)| known(name) && fits(value)).take(MOST)
}

/// Carries a request's headers across.
pub(crate) fn carry(from: &HeaderMap, to: &mut HeaderMap) {
    for (name, value) in carried(from) {
        to.append(name.clone(), value.clone());
    }
    // An answer that is not encoded can be read as it streams.
    to.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
}

/// Carries an answer's headers back, save those that hold `secret`.
pub(crate) fn carry_back(from: &HeaderMap, to: &mut HeaderMap, secret: impl Fn(&[u8]) -> bool) {
    let named: Vec<String> = from
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    for (name, value) in from {
        let stays = DROPPED.contains(name)
            || name.as_str().starts_with(OURS)
            || named.iter().any(|own| own == name.as_str())
            || secret(value.as_bytes());
        if !stays {
            to.append(name.clone(), value.clone());
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{carry, carry_back};
    use http::HeaderMap;

    pub(crate) fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            map.append(*name, value.parse().unwrap());
        }
        map
    }

    fn names(map: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<_> = map.keys().map(http::HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn only_what_a_dialect_needs_goes_out() {
        let mut out = HeaderMap::new();
        let long = "x".repeat(300);
        carry(
            &headers(&[
                ("content-type", "application/json"),
                ("anthropic-version", "2023-06-01"),
                ("openai-beta", "assistants=v2"),
                ("openai-organization", "psk_mes_aaaa"),
                ("openai-project", "key psk_mes_aaaa"),
                ("anthropic-beta", &long),
                ("authorization", "Bearer psk_mes_aaaa"),
                ("x-api-key", "psk_mes_aaaa"),
                ("cookie", "a=b"),
                ("x-stainless-os", "Linux"),
                ("x-forwarded-for", "10.1.0.4"),
                ("x-http-method-override", "DELETE"),
                ("penstock-operator", "eyJ"),
                ("host", "gate"),
                ("content-encoding", "gzip"),
                ("transfer-encoding", "chunked"),
                ("te", "trailers"),
                ("expect", "100-continue"),
                ("accept-encoding", "br"),
            ]),
            &mut out,
        );
        assert_eq!(names(&out), ["accept-encoding", "anthropic-version", "content-type", "openai-beta"]);
        assert_eq!(out["accept-encoding"], "identity");
    }

    #[test]
    fn many_small_headers_are_no_way_out_either() {
        let mut many = HeaderMap::new();
        for _ in 0..500 {
            many.append("openai-note", "a line of the recipe".parse().unwrap());
        }
        let mut out = HeaderMap::new();
        carry(&many, &mut out);
        assert!(out.len() <= super::MOST + 1);
    }

    #[test]
    fn what_comes_back_neither_sets_state_nor_leads_elsewhere_nor_speaks_for_us() {
        let mut back = HeaderMap::new();
        carry_back(
            &headers(&[
                ("content-type", "application/json"),
                ("x-request-id", "req-1"),
                ("retry-after", "3"),
                ("x-ratelimit-remaining-requests", "9"),
                ("connection", "close, X-Hop"),
                ("x-hop", "1"),
                ("content-length", "12"),
                ("content-digest", "sha-256=:a:"),
                ("set-cookie", "a=b"),
                ("location", "https://elsewhere.example"),
                ("www-authenticate", "Bearer"),
                ("penstock-record", "forged"),
                ("penstock-anything", "forged"),
                ("x-echo", "Bearer sk-of-the-plant"),
            ]),
            &mut back,
            |value| value.windows(15).any(|window| window == b"sk-of-the-plant"),
        );
        assert_eq!(names(&back), ["content-type", "retry-after", "x-ratelimit-remaining-requests", "x-request-id"]);
    }
}
