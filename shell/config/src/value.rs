//! What the texts of a plant file mean: networks, addresses, sizes, times, names.
//!
//! Each function takes the text and gives the value, or a [`Fault`] that says what is wrong with it. They are
//! used twice: once to report, once to build.

use crate::nearest::nearest;
use ipnet::IpNet;
use plant::{Dialect, Millis};
use seal::note::Verifier;
use seal::pkcs11::{Uri, UriError};
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// What is wrong with a text. The message follows the text itself: "`10.0.0.1/8` …".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// What is wrong, continuing a sentence that begins with the text.
    pub(crate) message: String,
    /// A way out.
    pub(crate) help: String,
}

pub(crate) fn fault<T>(message: impl Into<String>, help: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { message: message.into(), help: help.into() })
}

/// Input as messages show it: in backticks, cut, without control characters that could play tricks on a terminal.
pub(crate) fn quote(text: &str) -> String {
    let mut shown = String::from("`");
    for c in text.chars().take(80) {
        match c {
            c if c.is_control() || ('\u{200b}'..='\u{200f}').contains(&c) || ('\u{202a}'..='\u{202e}').contains(&c) => {
                let _ = write!(shown, "{}", c.escape_unicode());
            }
            '`' => shown.push('\''),
            c => shown.push(c),
        }
    }
    if text.chars().nth(80).is_some() {
        shown.push('…');
    }
    shown.push('`');
    shown
}

/// Names in a sentence: "`a`, `b` and `c`"; of many, the first ones.
pub(crate) fn enumerate<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 16;
    let mut names: Vec<String> = names.into_iter().take(MOST + 1).map(quote).collect();
    if names.len() > MOST {
        names.truncate(12);
        return format!("{} and others", names.join(", "));
    }
    match names.split_last() {
        None => "none".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// One of a few words.
pub(crate) fn one_of(text: &str, names: &[&'static str]) -> Result<(), Fault> {
    if names.contains(&text) {
        return Ok(());
    }
    let help = match nearest(text, names.iter().copied()) {
        Some(name) => format!("did you mean {}?", quote(name)),
        None => format!("it can be {}", enumerate(names.iter().copied())),
    };
    fault(format!("is not one of {}", enumerate(names.iter().copied())), help)
}

/// A network in CIDR form.
pub(crate) fn network(text: &str) -> Result<IpNet, Fault> {
    let Ok(network) = text.parse::<IpNet>() else {
        return match text.parse::<IpAddr>() {
            Ok(address) => {
                fault("lacks a prefix length", format!("for this one address, write `{}`", IpNet::from(address)))
            }
            Err(_) => fault("is not a network", "write it in CIDR form: `10.20.1.0/24` or `fd00:20:1::/64`"),
        };
    };
    if let IpAddr::V6(address) = network.network()
        && let (Some(mapped), true) = (address.to_ipv4_mapped(), network.prefix_len() >= 96)
    {
        let plain = IpNet::new(IpAddr::V4(mapped), network.prefix_len() - 96).map(|plain| plain.trunc());
        let plain = plain.map_or_else(|_| mapped.to_string(), |plain| plain.to_string());
        return fault(
            "is an IPv4 network in IPv6 clothes",
            format!("calls are compared by their IPv4 address: write `{plain}`"),
        );
    }
    if network.trunc() != network {
        return fault("has bits set beyond its prefix", format!("write `{}`, or lengthen the prefix", network.trunc()));
    }
    Ok(network)
}

/// An address to listen at.
pub(crate) fn socket(text: &str) -> Result<SocketAddr, Fault> {
    text.parse().or_else(|_| {
        let help = match text.split_once("localhost:") {
            Some(("", port)) => format!("write `127.0.0.1:{port}` or `[::1]:{port}`"),
            _ => "write an IP address and a port: `127.0.0.1:8443`, `[::1]:8443`, or `0.0.0.0:8443` for every address"
                .to_owned(),
        };
        fault("is not an address and a port", help)
    })
}

/// The address of a service: `http` or `https`, host, optional port and path; nothing else. No trailing slash.
pub(crate) fn url(text: &str) -> Result<String, Fault> {
    const EXAMPLE: &str = "write scheme, host, and where needed port and path: `https://api.openai.com/v1`";
    let Ok(uri) = text.parse::<http::Uri>() else { return fault("is not a URL", EXAMPLE) };
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
        return fault("is not an `https://` or `http://` URL", EXAMPLE);
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return fault("holds a user name", "put the credential into `credential = { file = \"secrets/...\" }`");
    }
    if text.contains(['?', '#']) {
        return fault("has a query or a fragment", EXAMPLE);
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// An origin as browsers write it (RFC 6454 section 6.2): scheme and host in lower case, the port only if it is not the scheme's own.
pub(crate) fn page_origin(text: &str) -> Result<(), Fault> {
    const EXAMPLE: &str =
        "write it as browsers do, in lower case and without a path: `https://hmi.example`, `https://hmi.example:8443`";
    let Ok(uri) = text.parse::<http::Uri>() else { return fault("is no origin", EXAMPLE) };
    let usual = match uri.scheme_str() {
        Some("https") => 443,
        Some("http") => 80,
        _ => return fault("is no `https://` or `http://` origin", EXAMPLE),
    };
    let authority = uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
    let bare = text.split_once("://").is_some_and(|(_, rest)| rest == authority);
    let plain =
        !authority.contains('@') && !authority.is_empty() && !text.bytes().any(|byte| byte.is_ascii_uppercase());
    if !bare || !plain || uri.port_u16() == Some(usual) || authority.ends_with(':') {
        return fault("is not an origin as browsers write it", EXAMPLE);
    }
    Ok(())
}

/// A digest: an algorithm of CycloneDX, a colon, hexadecimal.
pub(crate) fn hash(text: &str) -> Result<(), Fault> {
    const EXAMPLE: &str =
        "write the algorithm as CycloneDX does, a colon, and lower-case hexadecimal: `sha-256:9f86d0...`";
    if inventory::Component::is_hash(text) { Ok(()) } else { fault("is not a digest", EXAMPLE) }
}

/// A package URL.
pub(crate) fn purl(text: &str) -> Result<(), Fault> {
    const EXAMPLE: &str = "write it as the supplier does: `pkg:pypi/openai@1.52.0`";
    if inventory::Component::is_purl(text) { Ok(()) } else { fault("is not a package URL", EXAMPLE) }
}

/// A host and its port, 443 if none is given: a DNS name in lower case, or an address.
pub(crate) fn host(text: &str) -> Result<(String, u16), Fault> {
    const EXAMPLE: &str =
        "write a DNS name or an address, and a port if it is not 443: `api.openai.com`, `10.20.35.20:8443`";
    let Ok(authority) = text.parse::<http::uri::Authority>() else { return fault("is not a host", EXAMPLE) };
    let (host, port) = (authority.host(), authority.port_u16());
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let label = |part: &str| {
        (1..=63).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let numeric = host.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    let name = host.len() <= 253 && host.split('.').all(label) && !numeric;
    // A host, and behind it nothing or a port: no user, no colon by itself.
    let spelt = text.strip_prefix(host).is_some_and(|rest| rest.is_empty() != port.is_some());
    if port == Some(0) || !spelt || !name && bare.parse::<IpAddr>().is_err() {
        return fault("is not a host", EXAMPLE);
    }
    let host = bare.parse::<IpAddr>().map_or_else(|_| bare.to_ascii_lowercase(), |one| one.to_canonical().to_string());
    Ok((host, port.unwrap_or(443)))
}

/// A time server: a host, and a port if it is not that of NTP.
pub(crate) fn time_server(text: &str) -> Result<(String, u16), Fault> {
    const EXAMPLE: &str =
        "write a DNS name or an address, and a port if it is not 123: `10.20.35.5`, `ntp.plant.example`";
    let Ok((host, _)) = host(text) else { return fault("is no time server", EXAMPLE) };
    let port = text.parse::<http::uri::Authority>().ok().and_then(|own| own.port_u16());
    Ok((host, port.unwrap_or(123)))
}

/// A host alone: a DNS name in lower case, or an address.
pub(crate) fn host_name(text: &str) -> Result<String, Fault> {
    let (host, _) = host(text)?;
    if text.parse::<http::uri::Authority>().is_ok_and(|own| own.port_u16().is_some()) {
        return fault("has a port", "leave the port out: clients may use any of the gateway's");
    }
    Ok(host)
}

/// Whether a URL stays on this machine or travels encrypted.
pub(crate) fn is_private(url: &str) -> bool {
    let Ok(uri) = url.parse::<http::Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    uri.scheme_str() == Some("https")
        || host == "localhost"
        || host.parse::<IpAddr>().is_ok_and(|host| host.is_loopback())
}

/// A URL, or the path of a file.
pub(crate) fn url_or_path(text: &str) -> Result<(), Fault> {
    if text.contains("://") { url(text).map(drop) } else { path(text) }
}

/// The address of an OpenID Connect issuer, kept exactly as it is.
pub(crate) fn issuer(text: &str) -> Result<(), Fault> {
    url(text)?;
    if is_private(text) {
        return Ok(());
    }
    fault(
        "would be asked for keys in the clear",
        "an issuer has an `https://` URL (OpenID Connect Core 1.0, section 2)",
    )
}

/// Scheme, host and port, as a browser names where a page comes from.
pub(crate) fn origin(text: &str) -> Result<(), Fault> {
    let plain = url(text)?;
    if plain.split_once("://").is_some_and(|(_, rest)| rest.contains('/')) {
        return fault("has a path", "write scheme, host and port alone: `https://gate-1.works.example:9465`");
    }
    if plain.starts_with("https://") || is_private(&plain) {
        return Ok(());
    }
    fault("would carry what signs people in in the clear", "write its `https://` address")
}

/// The name of a time zone in the IANA database.
pub(crate) fn time_zone(text: &str) -> Result<(), Fault> {
    let fits = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'-'))
    };
    let parts: Vec<&str> = text.split('/').collect();
    let named = text.len() <= 64 && text.starts_with(|first: char| first.is_ascii_alphabetic());
    if named && parts.len() <= 3 && parts.into_iter().all(fits) {
        return Ok(());
    }
    fault(
        "is no name of a time zone",
        "write it as the IANA database does: `Europe/Berlin`, `America/Sao_Paulo`, `UTC`",
    )
}

/// A path: relative to the plant's folder, or absolute.
pub(crate) fn path(text: &str) -> Result<(), Fault> {
    if text.len() > 4096 || text.contains('\0') {
        return fault("is not a path", "write a path relative to the plant's folder: `pki/gateway.pem`");
    }
    if let Some(rest) = text.strip_prefix('~') {
        return fault(
            "begins with `~`, which only a shell understands",
            format!("write the whole path: `/home/...{rest}`"),
        );
    }
    Ok(())
}

/// A name in a certificate: a SPIFFE URI or a DNS name. Compared exactly, so it has one spelling.
pub(crate) fn certificate_name(text: &str) -> Result<(), Fault> {
    const EXAMPLE: &str = "write a SPIFFE URI or a DNS name, as it stands in the certificate: \
                           `spiffe://plant.example/workload/vision` or `vision.cell-1.plant.example`";
    if let Some(rest) = text.strip_prefix("spiffe://") {
        // SPIFFE ID, sections 2.1 to 2.3: trust domain in lower case, no empty or dot segments, at most 2048 bytes.
        let (domain, path) = rest.split_once('/').unwrap_or((rest, ""));
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._".contains(&b);
        let segment = |part: &str| {
            !part.is_empty()
                && part != "."
                && part != ".."
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
        };
        let good = !domain.is_empty() && domain.bytes().all(plain) && !path.is_empty() && path.split('/').all(segment);
        return if good && text.len() <= 2048 { Ok(()) } else { fault("is not a SPIFFE ID", EXAMPLE) };
    }
    if text.contains('*') {
        return fault("is a wildcard, which proves nobody", EXAMPLE);
    }
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return fault(
            "has capital letters",
            format!("names are compared exactly: write `{}`", text.to_ascii_lowercase()),
        );
    }
    let label = |part: &str| {
        (1..=63).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    if text.len() <= 253 && text.split('.').all(label) { Ok(()) } else { fault("is not a certificate name", EXAMPLE) }
}

/// An ISO 3166-1 alpha-2 country code, by its form.
pub(crate) fn country(text: &str) -> Result<(), Fault> {
    if text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase()) {
        return Ok(());
    }
    fault("is not a country code", "write the two capital letters of ISO 3166-1: `DE`, `FR`, `US`")
}

/// The name of a model that reads pictures, which is a part of a file's name and of a command.
pub(crate) fn model(text: &str) -> Result<(), Fault> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if (1..=32).contains(&text.len()) && text.bytes().all(plain) {
        return Ok(());
    }
    fault("is not the name of a model", "write it as its file is called, without `.traineddata`: `eng`, `deu`")
}

/// The name of an environment variable.
pub(crate) fn environment(text: &str) -> Result<(), Fault> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if text.len() <= 128 && !text.starts_with(|c: char| c.is_ascii_digit()) && text.bytes().all(plain) {
        return Ok(());
    }
    fault("is not the name of an environment variable", "write its name alone: `OPENAI_API_KEY`")
}

/// A signature algorithm that proves who signed.
pub(crate) fn algorithm(text: &str) -> Result<(), Fault> {
    if text.eq_ignore_ascii_case("none") {
        return fault("is no signature at all", "remove it; anybody could write such a token");
    }
    if matches!(text, "HS256" | "HS384" | "HS512") {
        let help = "use `ES256`, `EdDSA` or `RS256`: whoever can check a symmetric signature can also forge it";
        return fault("is symmetric", help);
    }
    one_of(text, &ALGORITHMS)
}

/// The signature algorithms that an issuer may use (RFC 7518 section 3.1, RFC 8037).
pub(crate) const ALGORITHMS: [&str; 9] =
    ["ES256", "ES384", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"];

/// A public key of X25519: `x25519:` and 32 bytes in base64, spelt in the one way that leaves no bit over.
pub(crate) fn recipient(text: &str) -> Result<(), Fault> {
    let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    let digits = text.strip_prefix("x25519:").and_then(|key| key.strip_suffix('='));
    let whole = digits.is_some_and(|key| {
        key.len() == 43 && key.bytes().all(alphabet) && key.ends_with(|last| "AEIMQUYcgkosw048".contains(last))
    });
    if whole {
        return Ok(());
    }
    fault(
        "is not a public key to seal for",
        "copy the line that `penstock seal` has printed: `x25519:` and 44 characters",
    )
}

/// The public key of a person who approves changes, under a name that files and records can carry.
pub(crate) fn approver(text: &str) -> Result<Verifier, Fault> {
    let key = Verifier::parse(text).ok().filter(|key| plant::TokenId::new(key.name()).is_ok());
    let help = "copy the line that `penstock approve key` has printed: `NAME+HASH+KEY`";
    key.map_or_else(|| fault("is not a public key to approve with", help), Ok)
}

/// The key in a device that signs the ledger.
pub(crate) fn signing(text: &str) -> Result<Uri, Fault> {
    Uri::parse(text).or_else(|error| {
        let help = match error {
            UriError::PinValue => {
                "no secret stands in a plant file: put the PIN into a file that only the gateway can read, and name that in `pin-source`"
            }
            _ => "write `pkcs11:token=TOKEN;object=KEY?module-path=/PATH/OF/LIBRARY.so&pin-source=file:keys/hsm.pin` (RFC 7512)",
        };
        fault(error.to_string(), help)
    })
}

/// A unit of a tag's limits.
pub(crate) fn unit(text: &str) -> Result<(), Fault> {
    if guard::Unit::named(text).is_some() {
        return Ok(());
    }
    let help = match nearest(text, guard::Unit::all().map(|(code, _)| code)) {
        Some(near) => format!("did you mean {}?", quote(near)),
        None => "write its UCUM code or what the field writes: `Cel`, `bar`, `kPa`, `{rpm}`, `m3/h`, `%`".to_owned(),
    };
    fault("is no unit that the guard can convert", help)
}

/// A text in which `*` stands for any run of characters.
pub(crate) fn wildcard(text: &str) -> Result<(), Fault> {
    if text.len() > 256 || text.matches('*').count() > 16 {
        return fault("is longer or has more `*` than any name needs", "write `gpt-4o*`, or one entry for each name");
    }
    Ok(())
}

/// A call of an API.
pub(crate) fn call(text: &str) -> Result<(), Fault> {
    match plant::DescribedCall::parse(text) {
        Some(_) => Ok(()),
        None => fault(
            "is not a call",
            "write a name, a method and a path: `ask POST /v1/machines/{machine}/ask`; the path has no query, no escapes and no `..`",
        ),
    }
}

/// A path in JSON.
pub(crate) fn json_path(text: &str) -> Result<(), Fault> {
    match plant::JsonPath::parse(text) {
        Some(_) => Ok(()),
        None => fault(
            "is not a path in JSON",
            "write names joined by dots, with `[]` behind that of a list: `history[].text`",
        ),
    }
}

/// A path in JSON to one value.
pub(crate) fn single_path(text: &str) -> Result<(), Fault> {
    json_path(text)?;
    match plant::JsonPath::parse(text).is_some_and(|path| path.is_single()) {
        true => Ok(()),
        false => fault("leads to several values", "a call has one of these: name a place outside of lists"),
    }
}

/// An error in JSON.
pub(crate) fn error(text: &str) -> Result<(), Fault> {
    let help = "write an object in JSON: '{\"fault\": {\"code\": \"{code}\", \"text\": \"{message}\"}}'";
    let object = serde_json::from_str::<serde_json::Value>(text).is_ok_and(|value| value.is_object());
    match object && text.contains("{message}") && text.len() <= 4096 {
        true => Ok(()),
        false if object => fault("does not say what is wrong", "put `{message}` where people look"),
        false => fault("is not an object in JSON", help),
    }
}

/// A level of the Purdue reference model.
pub(crate) fn level(text: &str) -> Result<plant::PurdueLevel, Fault> {
    plant::PurdueLevel::parse(text)
        .map_or_else(|| fault("is not a Purdue level", "it can be 0, 1, 2, 3, 3.5 (the industrial DMZ), 4 or 5"), Ok)
}

/// A size with its unit.
pub(crate) fn size(text: &str) -> Result<u64, Fault> {
    const UNITS: [(&str, u64); 8] = [
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
        ("kB", 1_000),
        ("KB", 1_000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("B", 1),
    ];
    split_number(text)
        .and_then(|(number, unit)| {
            let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
            number.checked_mul(*factor)
        })
        .map_or_else(|| fault("is not a size", "write a whole number and a unit: `512B`, `64KiB`, `32MiB`, `1GiB`"), Ok)
}

/// A duration with its unit.
pub(crate) fn duration(text: &str) -> Result<Duration, Fault> {
    const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    split_number(text)
        .and_then(|(number, unit)| {
            let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
            number.checked_mul(*factor).map(Duration::from_millis)
        })
        .map_or_else(|| fault("is not a duration", "write a whole number and a unit: `500ms`, `30s`, `2m`, `8h`"), Ok)
}

fn split_number(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    // `1_000` and a sign are TOML's, not a person's way to write a size; 15 digits are more than any size needs.
    Some((number.parse().ok().filter(|_| digits <= 15)?, unit.trim_start()))
}

/// A date, or a date and time with its offset.
pub(crate) fn moment(text: &str) -> Result<Millis, Fault> {
    // A time without an offset is another moment in each time zone; the parser would take its date and drop the rest.
    let rest = text.get(10..).unwrap_or_default();
    if rest.len() > 1 && !rest.contains(['Z', 'z', '+', '-']) {
        return fault(
            "has a time without an offset",
            format!(
                "add the offset from UTC: `{}Z` or `{}+01:00`",
                quote(text).trim_matches('`'),
                quote(text).trim_matches('`')
            ),
        );
    }
    let help = "write `2027-06-30`, which means its first moment in UTC, or `2027-06-30T12:00:00Z`";
    Millis::parse(text).filter(|_| text.get(4..5) == Some("-")).map_or_else(|| fault("is not a date", help), Ok)
}

/// A wire format.
pub(crate) fn dialect(text: &str) -> Option<Dialect> {
    Dialect::NAMES.iter().find(|(name, _)| *name == text).map(|(_, dialect)| *dialect)
}

#[cfg(test)]
#[path = "value_tests.rs"]
mod tests;
