//! `seal` under fire: notes, key sets, operator tokens, workload tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use seal::cosignature::Cosigner;
use seal::envelope::{Envelope, Fresh, Salt};
use seal::jose::{Algorithm, Keys, verify};
use seal::note::{Note, Signer};
use seal::person::{Person, PersonFile};
use seal::pkcs11::Uri;
use seal::subject::{KeyFile, KeyName, SubjectKey};
use seal::token::Secret;
use seal::{OpeningKey, SigningKey};
use std::sync::{Arc, OnceLock};
use zeroize::Zeroizing;

/// The text that the test key has signed, and nothing else.
pub(crate) const SIGNED: &str = "brewery/gate-1\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

fn signing_key() -> SigningKey {
    SigningKey::from_seed(Zeroizing::new([7; 32]))
}

pub(crate) fn signer() -> &'static Signer {
    static SIGNER: OnceLock<Signer> = OnceLock::new();
    SIGNER.get_or_init(|| Signer::new("brewery/gate-1", Arc::new(signing_key())).expect("a name"))
}

/// A signed note: one spelling for each, and a signature holds for one text.
pub fn note(bytes: &[u8]) {
    let Ok(note) = Note::parse(bytes) else { return };
    assert_eq!(note.to_string().as_bytes(), bytes, "a note has one spelling");
    if note.verify(&[signer().verifier().clone()]).is_ok() {
        assert_eq!(note.text(), SIGNED, "nothing else was ever signed");
    }
}

/// When the test witness saw [`SIGNED`], in seconds since 1970.
const SEEN: u64 = 1_700_000_000;

pub(crate) fn cosigner() -> &'static Cosigner {
    static COSIGNER: OnceLock<Cosigner> = OnceLock::new();
    COSIGNER.get_or_init(|| Cosigner::new("witness.example", Arc::new(signing_key())).expect("a name"))
}

/// The note that the test witness has cosigned.
pub(crate) fn cosigned() -> Note {
    let mut note = Note::sign(SIGNED, signer()).expect("a text of our own");
    note.put(cosigner().sign(&note, SEEN)).expect("room for one more");
    note
}

/// The URI of a key in a device: what is read is written and read again the same, and says all that it must.
pub fn pkcs11(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(uri) = Uri::parse(text) else { return };
    assert_eq!(Uri::parse(&uri.to_string()), Ok(uri.clone()), "as it was written");
    assert!(uri.module.starts_with('/') && !uri.pin.is_empty());
}

/// A cosigned note: a witness has seen one text at one time.
pub fn cosignature(bytes: &[u8]) {
    let Ok(note) = Note::parse(bytes) else { return };
    if let Ok(Some(time)) = cosigner().witness().check(&note) {
        assert_eq!((note.text(), time), (SIGNED, SEEN), "nothing else was ever cosigned");
    }
}

/// A key set.
pub fn jwks(bytes: &[u8]) {
    let Ok(keys) = Keys::parse(bytes) else { return };
    assert!(keys.len() >= 1 && keys.len() + keys.ignored().len() <= 64);
    assert!(verify(operator_token(), &keys, &ALL).is_err() || keys_hold_ours(bytes), "only our key made the signature");
}

/// Whether the test key's coordinate stands in the set.
fn keys_hold_ours(bytes: &[u8]) -> bool {
    let x = URL_SAFE_NO_PAD.encode(signing_key().verifying_key().as_bytes());
    // A JSON string may be spelt with escapes, so the value is looked for where it was understood.
    let Ok(set) = serde_json::from_slice::<serde_json::Value>(bytes) else { return false };
    set["keys"].as_array().is_some_and(|keys| keys.iter().any(|key| key["x"] == x.as_str()))
}

const ALL: [Algorithm; 9] = {
    let mut all = [Algorithm::Rs256; 9];
    let mut at = 0;
    while at < 9 {
        all[at] = Algorithm::NAMES[at].1;
        at += 1;
    }
    all
};

/// The key set with the test key.
pub(crate) fn key_set() -> String {
    let x = URL_SAFE_NO_PAD.encode(signing_key().verifying_key().as_bytes());
    format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","use":"sig","alg":"EdDSA","kid":"seven","x":"{x}"}}]}}"#)
}

/// The one token that the test key has signed.
pub(crate) fn operator_token() -> &'static str {
    static TOKEN: OnceLock<String> = OnceLock::new();
    TOKEN.get_or_init(|| {
        let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"EdDSA","kid":"seven","typ":"JWT"}"#);
        let claims = URL_SAFE_NO_PAD.encode(
            br#"{"iss":"https://login.brewery-north.example/realms/plant","aud":"penstock","sub":"anna","exp":4102444800,"iat":0}"#,
        );
        let signature = URL_SAFE_NO_PAD.encode(signing_key().sign(format!("{header}.{claims}").as_bytes()));
        format!("{header}.{claims}.{signature}")
    })
}

/// An operator's token: of all texts, the key's own is accepted and no other.
pub fn jws(bytes: &[u8]) {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    let keys = KEYS.get_or_init(|| Keys::parse(key_set().as_bytes()).expect("a key set of our own"));
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if verify(text, keys, &ALL).is_ok() {
        assert_eq!(text, operator_token(), "nothing else was ever signed");
    }
}

/// The tokens of people, as they are kept.
pub fn badges(bytes: &[u8]) {
    config::badges::fuzz(bytes);
}

/// A workload token: one spelling, and its secret is not shown.
pub fn token(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(secret) = Secret::parse(text) else { return };
    assert_eq!(secret.text(), text);
    assert!(secret.is(&secret.digest()) && !secret.is(&[0; 32]));
    let random = &text[text.len() - 52..];
    // An id may be any word, so also one that repeats the secret.
    let shown = format!("{secret:?}").replace(secret.id().as_str(), "");
    assert!(!shown.contains(random), "the secret is not shown");
}

fn subject_key(byte: u8) -> SubjectKey {
    SubjectKey::from_bytes(Zeroizing::new([byte; 32]))
}

/// A subject's key, wrapped to one recipient.
pub(crate) fn key_file() -> KeyFile {
    let holder = OpeningKey::from_bytes(Zeroizing::new([1; 32])).expect("a key").recipient();
    let name = KeyName::parse("2026-11/operator.op-7k2m").expect("a name");
    KeyFile::wrap(name, &subject_key(5), [(holder, Zeroizing::new([9; 32]))]).expect("one recipient")
}

/// Who a pseudonym is.
pub(crate) fn person() -> Vec<u8> {
    let fresh = Fresh::from_bytes(Zeroizing::new([6; 32]), [7; 12]);
    let [issuer, subject] = ["https://login.plant.example", "anna"].map(|name| Zeroizing::new(name.to_owned()));
    let person = Person { salt: Salt::from_bytes(Zeroizing::new([8; 32])), issuer, subject };
    let id = plant::RecordId::new(plant::Millis(1), [9; 10]);
    seal::person::seal(&key_file(), &subject_key(5), id, &fresh, &person).expect("short names")
}

/// Sealed content, the file of its key and that of a person: one spelling each, and only what was sealed ever opens.
pub fn envelope(bytes: &[u8]) {
    if let Ok(envelope) = Envelope::parse(bytes) {
        assert!(envelope.key().is_some_and(|name| name.as_str().matches('/').count() == 1));
        if let Ok(opened) = envelope.open(&subject_key(5)) {
            assert_eq!(opened.content.as_slice(), b"the recipe", "nothing else was ever sealed");
        }
    }
    if let Ok(file) = PersonFile::parse(bytes) {
        assert!(file.pseudonym().bytes().all(|byte| byte != b'/'));
        let holder = OpeningKey::from_bytes(Zeroizing::new([1; 32])).expect("a key");
        assert!(
            file.open(&holder).is_none_or(|person| person.subject.as_str() == "anna"),
            "nobody else was ever sealed"
        );
    }
    let Ok(file) = KeyFile::parse(bytes) else { return };
    assert_eq!(file.encode(), bytes, "a key file has one spelling");
    let holder = OpeningKey::from_bytes(Zeroizing::new([1; 32])).expect("a key");
    if file.unwrap_with(&holder).is_some() {
        assert_eq!(file.name(), key_file().name(), "a key is not taken for that of another subject");
    }
}
