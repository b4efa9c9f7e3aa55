//! A host and a port, as a `CONNECT` request, a `Host` header or a plant file names them; and how a call came here.

use http::uri;
use std::fmt;
use std::net::IpAddr;

/// A host and a port. Two that mean the same are equal: a name is in lower case, an address in its canonical form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Authority {
    /// A DNS name, or an address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Authority {
    /// Reads `host:port`, or `host` where `port` is given. `None` for what is no DNS name and no address in one of
    /// the two usual forms: `127.1` and `0x7f000001` are addresses to some, and names to others.
    #[must_use]
    pub fn parse(text: &str, port: Option<u16>) -> Option<Self> {
        let (host, given) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']')?;
                (
                    host.parse::<std::net::Ipv6Addr>().ok()?.to_canonical().to_string(),
                    rest.strip_prefix(':').or(rest.is_empty().then_some("")),
                )
            }
            None => {
                let (host, given) = text.split_once(':').map_or((text, ""), |(host, given)| (host, given));
                (name(host)?, Some(given))
            }
        };
        let port = match given? {
            "" => port?,
            digits if digits.len() <= 5 && digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
            _ => return None,
        };
        (port != 0).then_some(Self { host, port })
    }

    /// The host, if it is an address.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// An IPv4 address as four numbers, or a DNS name in lower case that nobody takes for an address.
fn name(text: &str) -> Option<String> {
    if let Ok(address) = text.parse::<std::net::Ipv4Addr>() {
        return Some(address.to_string());
    }
    let label = |part: &str| {
        (1..=63).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    let number =
        last.bytes().all(|b| b.is_ascii_digit()) || last.get(..2).is_some_and(|two| two.eq_ignore_ascii_case("0x"));
    (text.len() <= 253 && text.split('.').all(label) && !number).then(|| text.to_ascii_lowercase())
}

/// How a call came here, if not to the gateway's own address.
#[derive(Debug)]
pub(crate) struct Via {
    /// The host that the caller means.
    pub(crate) to: Authority,
    /// Whether it comes out of TLS that we ended in that host's name.
    pub(crate) tls: bool,
    /// The workload token that the proxy was shown.
    pub(crate) token: Option<String>,
    /// By which listener: `proxy` or `transparent`.
    pub(crate) way: &'static str,
}

impl Via {
    /// Whether a request names the same host as the connection does: in its target, if it says one there, and in `Host`.
    pub(crate) fn fits(&self, uri: &uri::Uri, host: Option<&str>) -> bool {
        let port = Some(if self.tls { 443 } else { 80 });
        let same = |text: &str| Authority::parse(text, port).is_some_and(|one| one == self.to);
        let scheme = uri.scheme_str().is_none_or(|scheme| scheme == if self.tls { "https" } else { "http" });
        scheme && uri.authority().is_none_or(|own| same(own.as_str())) && host.is_none_or(same)
    }
}

#[cfg(test)]
mod tests {
    use super::{Authority, Via};

    #[test]
    fn hosts_have_one_spelling_and_odd_ones_are_none() {
        let read = |text| Authority::parse(text, None).map(|one| one.to_string());
        for (text, read_as) in [
            ("api.openai.com:443", Some("api.openai.com:443")),
            ("API.OpenAI.com:8443", Some("api.openai.com:8443")),
            ("10.1.2.3:443", Some("10.1.2.3:443")),
            ("[::1]:443", Some("[::1]:443")),
            ("[::ffff:10.1.2.3]:443", Some("10.1.2.3:443")),
            ("api.openai.com", None),
            ("api.openai.com:", None),
            ("api.openai.com:0", None),
            ("api.openai.com:65536", None),
            ("api.openai.com:+443", None),
            ("api.openai.com.:443", None),
            ("user@api.openai.com:443", None),
            ("api.openai.com:443:1", None),
            ("::1:443", None),
            ("[::1]443", None),
            ("127.1:443", None),
            ("0x7f000001:443", None),
            ("2130706433:443", None),
            ("a b:443", None),
            (":443", None),
            ("", None),
        ] {
            assert_eq!(read(text).as_deref(), read_as, "{text}");
        }
        assert_eq!(Authority::parse("api.openai.com", Some(443)), Authority::parse("api.openai.com:443", None));
    }

    #[test]
    fn a_request_must_name_the_host_of_its_connection_wherever_it_names_one() {
        let via =
            Via { to: Authority::parse("api.openai.com:443", None).unwrap(), tls: true, token: None, way: "proxy" };
        let fits = |uri: &str, host| via.fits(&uri.parse().unwrap(), host);
        assert!(fits("/v1/models", Some("api.openai.com")) && fits("/v1/models", Some("API.openai.com:443")));
        assert!(fits("https://api.openai.com/v1/models", None) && fits("/v1/models", None));
        assert!(!fits("/v1/models", Some("evil.example")) && !fits("/v1/models", Some("api.openai.com:8443")));
        assert!(
            !fits("https://evil.example/", Some("api.openai.com"))
                && !fits("https://api.openai.com/", Some("evil.example"))
        );
        assert!(!fits("http://api.openai.com/", None) && !fits("/", Some("api.openai.com.")));
    }
}
