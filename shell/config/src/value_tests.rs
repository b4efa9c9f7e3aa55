//! Values of a plant file: their one spelling, and what is said of bad ones.

use super::{
    algorithm, certificate_name, country, duration, environment, is_private, issuer, moment, network, quote, recipient,
    size, socket, url, wildcard,
};
use std::time::Duration;

#[test]
fn a_network_has_one_spelling() {
    assert!(network("10.20.1.0/24").is_ok());
    assert!(network("fd00::/8").is_ok());
    let help = |text| network(text).unwrap_err().help;
    assert_eq!(help("10.20.1.5"), "for this one address, write `10.20.1.5/32`");
    assert_eq!(help("10.20.1.5/24"), "write `10.20.1.0/24`, or lengthen the prefix");
    assert_eq!(help("::ffff:10.0.0.0/104"), "calls are compared by their IPv4 address: write `10.0.0.0/8`");
    assert!(network("cell-1").is_err());
    assert!(network("10.0.0.0/33").is_err());
}

#[test]
fn an_address_to_listen_at_is_numeric() {
    assert!(socket("[::1]:8443").is_ok());
    assert_eq!(socket("localhost:80").unwrap_err().help, "write `127.0.0.1:80` or `[::1]:80`");
    assert!(socket("8443").is_err());
}

#[test]
fn a_service_address_holds_no_secret_and_no_query() {
    assert_eq!(url("https://api.openai.com/").unwrap(), "https://api.openai.com");
    assert_eq!(url("http://10.0.0.9:8000/v2").unwrap(), "http://10.0.0.9:8000/v2");
    for bad in
        ["api.openai.com", "ftp://x", "https://", "https://a@b", "https://a/?key=1", "https://a/#b", "https:///x", ""]
    {
        assert!(url(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_recipient_has_one_spelling() {
    let digits = "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=";
    assert!(recipient(&format!("x25519:{digits}")).is_ok());
    let spare_bits = digits.replace("8=", "9=");
    let cases =
        [digits, "", "x25519:", "x25519:AAAA", &format!("X25519:{digits}"), &format!("x25519:{digits} "), &spare_bits];
    for bad in cases.into_iter().chain([format!("x25519:{spare_bits}").as_str()]) {
        assert!(recipient(bad).is_err(), "{bad}");
    }
}

#[test]
fn only_tls_and_loopback_are_private() {
    for private in ["https://x", "http://127.0.0.1:1", "http://[::1]:1", "http://localhost/x"] {
        assert!(is_private(private), "{private}");
    }
    for open in ["http://10.0.0.1", "http://localhost.example", "http://127.0.0.1.example"] {
        assert!(!is_private(open), "{open}");
    }
    assert!(issuer("http://login.example").is_err());
}

#[test]
fn a_certificate_name_is_spiffe_or_dns_in_one_spelling() {
    for good in ["spiffe://plant.example/workload/vision", "vision.cell-1.plant.example", "localhost"] {
        assert!(certificate_name(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        "spiffe://plant",
        "spiffe:///x",
        "spiffe://Plant/x",
        "spiffe://a/b//c",
        "spiffe://a/../b",
        "*.example",
        "Vision.example",
        "-a",
        "a b",
        "http://x",
    ] {
        assert!(certificate_name(bad).is_err(), "{bad}");
    }
}

#[test]
fn sizes_and_durations_have_units() {
    assert_eq!(size("32MiB"), Ok(32 << 20));
    assert_eq!(size("1 GB"), Ok(1_000_000_000));
    assert_eq!(duration("1500ms"), Ok(Duration::from_millis(1500)));
    assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
    for bad in ["", "32", "MiB", "-1s", "1.5s", "99999999999999999999s", "999999999999999GiB", "3w", "１s"] {
        assert!(size(bad).is_err() && duration(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_forgeable_signature_is_no_algorithm() {
    assert!(algorithm("ES256").is_ok());
    for bad in ["none", "None", "HS256", "es256", "RS1"] {
        assert!(algorithm(bad).is_err(), "{bad}");
    }
}

#[test]
fn small_words_keep_their_form() {
    assert!(country("DE").is_ok() && country("de").is_err() && country("DEU").is_err());
    assert!(environment("OPENAI_API_KEY").is_ok() && environment("$KEY").is_err() && environment("1A").is_err());
    assert!(wildcard("gpt-*").is_ok() && wildcard(&"*".repeat(17)).is_err());
    assert!(moment("2027-06-30").is_ok() && moment("30.06.2027").is_err() && moment("2027-06-30T12:00:00").is_err());
}

#[test]
fn input_is_shown_cut_and_tame() {
    assert_eq!(quote("a\u{1b}[31m`"), "`a\\u{1b}[31m'`");
    assert_eq!(quote(&"x".repeat(200)).chars().count(), 83);
    assert_eq!(quote("\u{202e}x"), "`\\u{202e}x`");
}
