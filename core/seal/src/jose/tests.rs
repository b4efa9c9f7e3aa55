//! Operator tokens: algorithms, keys, rotation, and tokens made to pass for others.

use super::{Algorithm, Claims, JoseError, Keys, KeysError, verify};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding,
    RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// Keys of every type, made once: an RSA key takes its time.
struct Pairs {
    rsa: RsaKeyPair,
    p256: EcdsaKeyPair,
    p384: EcdsaKeyPair,
    ed: Ed25519KeyPair,
}

static PAIRS: LazyLock<Pairs> = LazyLock::new(|| Pairs {
    rsa: RsaKeyPair::generate(KeySize::Rsa2048).unwrap(),
    p256: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
    p384: EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).unwrap(),
    ed: Ed25519KeyPair::generate().unwrap(),
});

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Modulus and exponent of an RSAPublicKey (RFC 8017 appendix A.1.1), read from its DER.
fn components(der: &[u8]) -> (Vec<u8>, Vec<u8>) {
    fn integer(der: &[u8]) -> (&[u8], &[u8]) {
        assert_eq!(der[0], 2);
        let (length, rest) = match der[1] {
            0x82 => (usize::from(der[2]) << 8 | usize::from(der[3]), &der[4..]),
            0x81 => (usize::from(der[2]), &der[3..]),
            short => (usize::from(short), &der[2..]),
        };
        rest.split_at(length)
    }
    let body = if der[1] == 0x82 { &der[4..] } else { &der[3..] };
    let (n, rest) = integer(body);
    let (e, _) = integer(rest);
    (n.iter().copied().skip_while(|byte| *byte == 0).collect(), e.to_vec())
}

fn rsa_jwk(id: &str, pair: &RsaKeyPair) -> Value {
    let (n, e) = components(pair.public_key().as_ref());
    json!({"kty": "RSA", "kid": id, "use": "sig", "n": encode(n), "e": encode(e)})
}

fn elliptic_jwk(id: &str, curve: &str, pair: &EcdsaKeyPair) -> Value {
    let point = &pair.public_key().as_ref()[1..];
    let (x, y) = point.split_at(point.len() / 2);
    json!({"kty": "EC", "kid": id, "crv": curve, "x": encode(x), "y": encode(y)})
}

fn edwards_jwk(id: &str, pair: &Ed25519KeyPair) -> Value {
    json!({"kty": "OKP", "kid": id, "crv": "Ed25519", "x": encode(pair.public_key())})
}

fn set(keys: &[Value]) -> Keys {
    parse(&json!({"keys": keys})).unwrap()
}

fn parse(set: &Value) -> Result<Keys, KeysError> {
    Keys::parse(set.to_string().as_bytes())
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    set(&[
        rsa_jwk("rsa", &PAIRS.rsa),
        elliptic_jwk("p256", "P-256", &PAIRS.p256),
        elliptic_jwk("p384", "P-384", &PAIRS.p384),
        edwards_jwk("ed", &PAIRS.ed),
    ])
});

const ALL: [Algorithm; 9] = {
    let mut all = [Algorithm::Rs256; 9];
    let mut i = 0;
    while i < 9 {
        all[i] = Algorithm::NAMES[i].1;
        i += 1;
    }
    all
};

fn sign(algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
    let rsa = |padding: &'static dyn RsaEncoding| {
        let mut signature = vec![0; PAIRS.rsa.public_modulus_len()];
        PAIRS.rsa.sign(padding, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    };
    match algorithm {
        Algorithm::Rs256 => rsa(&RSA_PKCS1_SHA256),
        Algorithm::Rs384 => rsa(&RSA_PKCS1_SHA384),
        Algorithm::Rs512 => rsa(&RSA_PKCS1_SHA512),
        Algorithm::Ps256 => rsa(&RSA_PSS_SHA256),
        Algorithm::Ps384 => rsa(&RSA_PSS_SHA384),
        Algorithm::Ps512 => rsa(&RSA_PSS_SHA512),
        Algorithm::Es256 => PAIRS.p256.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
        Algorithm::Es384 => PAIRS.p384.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
        Algorithm::EdDsa => PAIRS.ed.sign(message).as_ref().to_vec(),
    }
}

fn key_id(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Es256 => "p256",
        Algorithm::Es384 => "p384",
        Algorithm::EdDsa => "ed",
        _ => "rsa",
    }
}

/// A token with exactly this header and payload text, signed as the algorithm asks.
fn token(header: &str, payload: &str, algorithm: Algorithm) -> String {
    let signed = format!("{}.{}", encode(header), encode(payload));
    let signature = sign(algorithm, signed.as_bytes());
    format!("{signed}.{}", encode(signature))
}

fn header(algorithm: Algorithm, more: &str) -> String {
    format!(r#"{{"alg":"{}","kid":"{}"{more}}}"#, algorithm.name(), key_id(algorithm))
}

fn good(algorithm: Algorithm) -> String {
    token(&header(algorithm, ""), r#"{"sub":"anna"}"#, algorithm)
}

fn check(token: &str, expected: Result<&str, JoseError>) {
    let found = verify(token, &KEYS, &ALL);
    let subject = found.as_ref().map(|claims: &Claims| claims["sub"].as_str().unwrap()).map_err(|error| *error);
    assert_eq!(subject, expected, "{token}");
}

fn check_header(more: &str, expected: Result<&str, JoseError>) {
    check(&token(&header(Algorithm::EdDsa, more), r#"{"sub":"anna"}"#, Algorithm::EdDsa), expected);
}

fn check_ignored(key: &Value, because: &str) {
    let keys = set(&[key.clone(), edwards_jwk("ed", &PAIRS.ed)]);
    assert_eq!(keys.ignored().iter().map(|one| one.because).collect::<Vec<_>>(), [because], "{key}");
    assert_eq!(parse(&json!({"keys": [key]})).unwrap_err(), KeysError::Empty);
}

fn with(mut key: Value, name: &str, value: impl Into<Value>) -> Value {
    key[name] = value.into();
    key
}

#[test]
fn every_allowed_algorithm_verifies_with_and_without_a_key_id() {
    for algorithm in ALL {
        check(&good(algorithm), Ok("anna"));
        let bare = format!(r#"{{"alg":"{}"}}"#, algorithm.name());
        check(&token(&bare, r#"{"sub":"anna"}"#, algorithm), Ok("anna"));
        assert_eq!(Algorithm::parse(algorithm.name()), Some(algorithm));
    }
}

#[test]
fn an_algorithm_that_is_not_on_the_list_is_refused_though_the_signature_is_right() {
    for algorithm in ALL {
        let others: Vec<_> = ALL.into_iter().filter(|other| *other != algorithm).collect();
        assert_eq!(verify(&good(algorithm), &KEYS, &others), Err(JoseError::Algorithm));
        assert_eq!(verify(&good(algorithm), &KEYS, &[]), Err(JoseError::Algorithm));
    }
}

#[test]
fn none_is_refused_in_every_spelling() {
    for name in ["none", "None", "NONE", "nOnE", ""] {
        let signed = format!("{}.{}", encode(format!(r#"{{"alg":"{name}"}}"#)), encode(r#"{"sub":"anna"}"#));
        check(&format!("{signed}."), Err(JoseError::Algorithm));
        check(&format!("{signed}.AAAA"), Err(JoseError::Algorithm));
    }
}

#[test]
fn a_public_rsa_key_used_as_an_hmac_secret_is_refused() {
    // The classic confusion: the attacker knows the public key, and signs with it as the secret.
    let secrets = [PAIRS.rsa.public_key().as_ref().to_vec(), components(PAIRS.rsa.public_key().as_ref()).0];
    for secret in secrets {
        let signed = format!("{}.{}", encode(r#"{"alg":"HS256","kid":"rsa"}"#), encode(r#"{"sub":"anna"}"#));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), signed.as_bytes());
        check(&format!("{signed}.{}", encode(tag)), Err(JoseError::Algorithm));
    }
    assert_eq!(Algorithm::parse("HS256"), None);
}

#[test]
fn a_key_signs_only_with_algorithms_of_its_type() {
    for algorithm in ALL {
        for wrong in ["rsa", "p256", "p384", "ed"].into_iter().filter(|id| *id != key_id(algorithm)) {
            let header = format!(r#"{{"alg":"{}","kid":"{wrong}"}}"#, algorithm.name());
            check(&token(&header, r#"{"sub":"anna"}"#, algorithm), Err(JoseError::KeyMismatch));
        }
    }
}

#[test]
fn a_key_that_names_its_algorithm_signs_with_no_other() {
    let keys = set(&[with(rsa_jwk("rsa", &PAIRS.rsa), "alg", "PS256")]);
    assert!(verify(&good(Algorithm::Ps256), &keys, &ALL).is_ok());
    assert_eq!(verify(&good(Algorithm::Rs256), &keys, &ALL), Err(JoseError::KeyMismatch));
}

#[test]
fn a_key_id_that_is_not_in_the_set_is_told_apart_from_a_wrong_signature() {
    let stranger = token(r#"{"alg":"EdDSA","kid":"new"}"#, r#"{"sub":"anna"}"#, Algorithm::EdDsa);
    check(&stranger, Err(JoseError::UnknownKey));
    let (signed, _) = stranger.rsplit_once('.').unwrap();
    check(&format!("{signed}.{}", encode([0; 64])), Err(JoseError::UnknownKey));
    let mut forged = good(Algorithm::EdDsa);
    forged.truncate(forged.rfind('.').unwrap());
    check(&format!("{forged}.{}", encode([0; 64])), Err(JoseError::Signature));
    // Without an id, nobody can tell; a newer set may hold the key.
    let keys = set(&[elliptic_jwk("p256", "P-256", &PAIRS.p256)]);
    let bare = token(r#"{"alg":"EdDSA"}"#, r#"{"sub":"anna"}"#, Algorithm::EdDsa);
    assert_eq!(verify(&bare, &keys, &ALL), Err(JoseError::UnknownKey));
}

#[test]
fn both_keys_verify_while_an_issuer_rotates() {
    let new = Ed25519KeyPair::generate().unwrap();
    let both = set(&[edwards_jwk("new", &new), edwards_jwk("ed", &PAIRS.ed)]);
    let signed = format!("{}.{}", encode(r#"{"alg":"EdDSA","kid":"new"}"#), encode(r#"{"sub":"anna"}"#));
    let token = format!("{signed}.{}", encode(new.sign(signed.as_bytes())));
    assert!(verify(&token, &both, &ALL).is_ok());
    assert!(verify(&good(Algorithm::EdDsa), &both, &ALL).is_ok());
    let after = set(&[edwards_jwk("new", &new)]);
    assert_eq!(verify(&good(Algorithm::EdDsa), &after, &ALL), Err(JoseError::UnknownKey));
}

#[test]
fn two_keys_of_one_id_are_told_apart_by_type() {
    let keys = set(&[rsa_jwk("same", &PAIRS.rsa), edwards_jwk("same", &PAIRS.ed)]);
    let token = token(r#"{"alg":"EdDSA","kid":"same"}"#, r#"{"sub":"anna"}"#, Algorithm::EdDsa);
    assert!(verify(&token, &keys, &ALL).is_ok());
}

#[test]
fn a_header_that_asks_for_more_than_we_know_is_refused() {
    check_header(r#","crit":["exp"]"#, Err(JoseError::Critical));
    check_header(r#","crit":[]"#, Err(JoseError::Critical));
    check_header(r#","crit":["b64"],"b64":false"#, Err(JoseError::Critical));
}

#[test]
fn keys_and_addresses_in_the_header_are_not_used() {
    let own = Ed25519KeyPair::generate().unwrap();
    let header = json!({
        "alg": "EdDSA", "jwk": edwards_jwk("own", &own), "jku": "https://evil.example/keys", "x5u": "https://evil.example",
    });
    let signed = format!("{}.{}", encode(header.to_string()), encode(r#"{"sub":"anna"}"#));
    check(&format!("{signed}.{}", encode(own.sign(signed.as_bytes()))), Err(JoseError::UnknownKey));
}

#[test]
fn other_kinds_of_tokens_do_not_pass_for_a_sign_in() {
    for kind in ["JWT", "jwt", "at+jwt", "application/at+JWT", "application/jwt"] {
        check_header(&format!(r#","typ":"{kind}""#), Ok("anna"));
    }
    for kind in ["logout+jwt", "dpop+jwt", "secevent+jwt", "JOSE+JSON", ""] {
        check_header(&format!(r#","typ":"{kind}""#), Err(JoseError::Kind));
    }
    check_header(r#","typ":7"#, Err(JoseError::Header));
}

#[test]
fn a_member_that_stands_twice_is_refused_at_any_depth() {
    check_header(r#","kid":"ed""#, Err(JoseError::DuplicateMember));
    check_header(r#","a":[{"b":1,"\u0062":2}]"#, Err(JoseError::DuplicateMember));
    let twice = token(&header(Algorithm::EdDsa, ""), r#"{"sub":"anna","sub":"root"}"#, Algorithm::EdDsa);
    check(&twice, Err(JoseError::DuplicateMember));
    let set = format!(r#"{{"keys":[],"keys":[{}]}}"#, edwards_jwk("ed", &PAIRS.ed));
    assert_eq!(Keys::parse(set.as_bytes()).unwrap_err(), KeysError::DuplicateMember);
}

#[test]
fn what_is_no_compact_jws_is_refused() {
    let good = good(Algorithm::EdDsa);
    for bad in ["", ".", "..", "...", "a", "a.b", "Zm9v.Zm9v.Zm9v.Zm9v", "e30", "\u{fc}.a.b"] {
        let found = verify(bad, &KEYS, &ALL);
        assert!(matches!(found, Err(JoseError::Form | JoseError::Header)), "{bad}: {found:?}");
    }
    check(&format!("{good}="), Err(JoseError::Form));
    check(&format!(" {good}"), Err(JoseError::Form));
    check(&format!("{good}.{good}"), Err(JoseError::Form));
    check_header(r#","kid2":null"#, Ok("anna"));
    for bad in
        ["[]", "null", "7", r#""x""#, "", "{", r#"{"alg":7}"#, r#"{"kid":"ed"}"#, r#"{"alg":"EdDSA","kid":null}"#]
    {
        check(&token(bad, r#"{"sub":"anna"}"#, Algorithm::EdDsa), Err(JoseError::Header));
    }
    for bad in ["[]", "null", "", "{}{}", "\u{feff}{}"] {
        check(&token(&header(Algorithm::EdDsa, ""), bad, Algorithm::EdDsa), Err(JoseError::Payload));
    }
    let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(5000), "]".repeat(5000));
    check(&token(&header(Algorithm::EdDsa, ""), &deep, Algorithm::EdDsa), Err(JoseError::Payload));
}

#[test]
fn a_token_may_be_16_kib_long_and_no_longer() {
    let padded = |length: usize| {
        let payload = format!(r#"{{"sub":"anna","pad":"{}"}}"#, "x".repeat(length));
        token(&header(Algorithm::EdDsa, ""), &payload, Algorithm::EdDsa)
    };
    let fits = (0..16_384).rev().step_by(64).map(padded).find(|token| token.len() <= 16_384).unwrap();
    check(&fits, Ok("anna"));
    check(&padded(16_384), Err(JoseError::TooLong));
    check(&"A".repeat(1 << 20), Err(JoseError::TooLong));
}

#[test]
fn members_of_a_key_set_that_are_not_public_signature_keys_are_left_aside() {
    let (rsa, ed, p256) =
        (rsa_jwk("rsa", &PAIRS.rsa), edwards_jwk("x", &PAIRS.ed), elliptic_jwk("x", "P-256", &PAIRS.p256));
    check_ignored(&with(ed.clone(), "d", "AAAA"), "it is private or symmetric");
    check_ignored(&json!({"kty": "oct", "k": "AAAA"}), "it is private or symmetric");
    check_ignored(&json!({"kty": "oct"}), "it is private or symmetric");
    check_ignored(&with(rsa.clone(), "use", "enc"), "it is not for signatures");
    check_ignored(&with(rsa.clone(), "key_ops", json!(["encrypt"])), "it is not for verification");
    check_ignored(&with(rsa.clone(), "alg", "RSA-OAEP"), "its algorithm is not supported");
    check_ignored(&with(rsa.clone(), "alg", "HS256"), "its algorithm is not supported");
    check_ignored(&with(rsa.clone(), "alg", "ES256"), "its algorithm does not fit its type");
    check_ignored(&json!({"kty": "AKP", "alg": "ML-DSA-44", "pub": "AAAA"}), "its type is not supported");
    check_ignored(&with(p256.clone(), "crv", "secp256k1"), "its curve is not supported");
    check_ignored(&with(p256.clone(), "crv", "P-384"), "its coordinates do not have the length of the curve");
    check_ignored(&with(p256, "y", encode([1; 32])), "its point is not on the curve");
    check_ignored(&with(ed.clone(), "crv", "Ed448"), "its curve is not supported");
    check_ignored(&with(ed.clone(), "x", "AAAA"), "its coordinate does not have the length of the curve");
    check_ignored(&with(ed, "kid", "k".repeat(513)), "its id is longer than 512 bytes");
    check_ignored(&with(rsa.clone(), "n", "not base64!"), "a part of the key is missing or no base64url");
    check_ignored(&with(rsa.clone(), "e", encode([1])), "its modulus or exponent is not that of an RSA key");
    check_ignored(&with(rsa.clone(), "e", encode([2])), "its modulus or exponent is not that of an RSA key");
    check_ignored(&with(rsa, "n", encode([0xff; 1025])), "its modulus is longer than 8192 bits");
}

#[test]
fn an_rsa_key_below_2048_bits_is_not_used() {
    check_ignored(
        &json!({"kty": "RSA", "n": encode([0xff; 128]), "e": "AQAB"}),
        "its modulus is shorter than 2048 bits",
    );
    // 2047 bits in 256 bytes, and 2040 bits behind a zero byte.
    let (n, _) = components(PAIRS.rsa.public_key().as_ref());
    let mut short = n.clone();
    short[0] = 0x7f;
    check_ignored(&json!({"kty": "RSA", "n": encode(&short), "e": "AQAB"}), "its modulus is shorter than 2048 bits");
    short[0] = 0;
    check_ignored(&json!({"kty": "RSA", "n": encode(&short), "e": "AQAB"}), "its modulus is shorter than 2048 bits");
    // A zero byte before 2048 bits is only bad manners.
    let padded = [&[0], n.as_slice()].concat();
    let keys = set(&[with(rsa_jwk("rsa", &PAIRS.rsa), "n", encode(padded))]);
    assert!(verify(&good(Algorithm::Rs256), &keys, &ALL).is_ok());
}

#[test]
fn a_key_set_has_limits() {
    let key = edwards_jwk("ed", &PAIRS.ed);
    assert_eq!(parse(&json!({"keys": vec![key.clone(); 64]})).unwrap().len(), 64);
    assert_eq!(parse(&json!({"keys": vec![key.clone(); 65]})).unwrap_err(), KeysError::TooMany);
    let large = json!({"keys": [with(key, "x5c", "A".repeat(300_000))]});
    assert_eq!(parse(&large).unwrap_err(), KeysError::TooLarge);
    for bad in [json!([]), json!({}), json!({"keys": {}}), json!({"keys": [7]})] {
        assert_eq!(parse(&bad).unwrap_err(), KeysError::Malformed);
    }
    assert_eq!(parse(&json!({"keys": []})).unwrap_err(), KeysError::Empty);
    assert_eq!(Keys::parse(b"<html>").unwrap_err(), KeysError::Malformed);
}

#[test]
fn a_token_without_key_id_is_tried_with_eight_keys_and_no_more() {
    let strangers = |count| (0..count).map(|_| edwards_jwk("s", &Ed25519KeyPair::generate().unwrap()));
    let bare = token(r#"{"alg":"EdDSA"}"#, r#"{"sub":"anna"}"#, Algorithm::EdDsa);
    let own = || std::iter::once(edwards_jwk("ed", &PAIRS.ed));
    let eighth: Vec<_> = strangers(7).chain(own()).collect();
    assert!(verify(&bare, &set(&eighth), &ALL).is_ok());
    let ninth: Vec<_> = strangers(8).chain(own()).collect();
    assert_eq!(verify(&bare, &set(&ninth), &ALL), Err(JoseError::UnknownKey));
}

#[test]
fn a_signature_with_another_padding_than_the_header_says_is_refused() {
    let signed = format!("{}.{}", encode(header(Algorithm::Ps256, "")), encode(r#"{"sub":"anna"}"#));
    let signature = sign(Algorithm::Rs256, signed.as_bytes());
    check(&format!("{signed}.{}", encode(signature)), Err(JoseError::Signature));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_are_refused_without_panic(text in ".{0,300}", bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(verify(&text, &KEYS, &ALL).is_err());
        prop_assert!(Keys::parse(&bytes).is_err());
    }

    #[test]
    fn a_token_with_one_character_changed_does_not_verify(index in any::<prop::sample::Index>(), other in "[A-Za-z0-9_.-]") {
        let token = good(Algorithm::EdDsa);
        let index = index.index(token.len());
        let changed = format!("{}{other}{}", &token[..index], &token[index + 1..]);
        prop_assert!(changed == token || verify(&changed, &KEYS, &ALL).is_err());
    }
}
