//! Answers of a real authority, OpenSSL's, and what hostile hands make of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use penstock_anchor::{Authorities, TimeStamp, TimeStampError, digest_of, query, verify};
use std::path::Path;
use std::process::Command;

const DIGEST: [u8; 32] = [0x5a; 32];
const NONCE: u64 = 0x1234_5678_9abc_def0;

const CONFIG: &str = "
[ tsa ]
default_tsa = works
[ works ]
dir = .
serial = ./serial
signer_cert = ./tsa.pem
signer_key = ./tsa.key
signer_digest = SIGNER
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256
accuracy = secs:1, millisecs:500, microsecs:7
ess_cert_id_alg = CERTIFICATE
crypto_device = builtin
";

/// A root, and an authority below it whose certificate is for `usage`.
struct Authority(tempfile::TempDir);

impl Authority {
    fn new(key: &[&str], usage: &str) -> Self {
        let authority = Self(tempfile::tempdir().unwrap());
        let extensions = format!("basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\n{usage}\n");
        std::fs::write(authority.path().join("extensions"), extensions).unwrap();
        std::fs::write(authority.path().join("serial"), "0a17\n").unwrap();
        authority.openssl(&[
            &["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "30"][..],
            &["-subj", "/CN=Root of time", "-keyout", "root.key", "-out", "root.pem"],
        ]);
        authority.openssl(&[
            &["req", "-nodes", "-newkey"][..],
            key,
            &["-subj", "/O=Time/CN=Clock 1", "-keyout", "tsa.key", "-out", "tsa.csr"],
        ]);
        authority.openssl(&[
            &["x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key", "-days", "30"][..],
            &["-extfile", "extensions", "-out", "tsa.pem"],
        ]);
        authority
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn openssl(&self, arguments: &[&[&str]]) {
        let output = Command::new("openssl").current_dir(&self.0).args(arguments.concat()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn answer(&self, query: &[u8], signer: &str, certificate: &str) -> Vec<u8> {
        let config = CONFIG.replace("SIGNER", signer).replace("CERTIFICATE", certificate);
        std::fs::write(self.path().join("config"), config).unwrap();
        std::fs::write(self.path().join("query"), query).unwrap();
        // A refusal is an answer too, and exits with 1.
        let arguments = ["ts", "-reply", "-config", "config", "-queryfile", "query", "-out", "answer"];
        Command::new("openssl").current_dir(&self.0).args(arguments).output().unwrap();
        std::fs::read(self.path().join("answer")).unwrap()
    }

    fn trusted(&self) -> Authorities {
        Authorities::from_pem(&std::fs::read(self.path().join("root.pem")).unwrap()).unwrap()
    }
}

const STAMPING: &str = "extendedKeyUsage=critical,timeStamping";
const P256: [&str; 3] = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

fn asked() -> Vec<u8> {
    query(&DIGEST, Some(NONCE)).unwrap()
}

fn expect_good(stamp: &TimeStamp) {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis();
    assert!(now.abs_diff(u128::from(stamp.time.0)) < 600_000, "{stamp:?}");
    assert_eq!((stamp.accuracy_micros, stamp.nonce), (Some(1_500_007), Some(NONCE)));
    assert_eq!((stamp.policy.as_str(), stamp.serial.as_str()), ("1.3.6.1.4.1.99999.1", "0a18"));
    assert_eq!(stamp.authority, "CN=Clock 1,O=Time");
}

#[test]
fn a_stamp_of_any_usual_kind_is_read_and_openssl_agrees() {
    let keys: [&[&str]; 3] = [&["rsa:2048"], &P256, &["ec", "-pkeyopt", "ec_paramgen_curve:P-384"]];
    for key in keys {
        for (signer, certificate) in [("sha256", "sha256"), ("sha384", "sha1"), ("sha512", "sha512")] {
            let authority = Authority::new(key, STAMPING);
            let answer = authority.answer(&asked(), signer, certificate);
            assert_eq!(digest_of(&answer).unwrap(), Some(DIGEST));
            expect_good(&verify(&answer, &DIGEST, &authority.trusted()).unwrap());
            authority.openssl(&[&["ts", "-verify", "-queryfile", "query", "-in", "answer", "-CAfile", "root.pem"]]);
        }
    }
}

#[test]
fn a_query_without_a_nonce_is_answered_without_one() {
    let authority = Authority::new(&P256, STAMPING);
    let answer = authority.answer(&query(&DIGEST, None).unwrap(), "sha256", "sha256");
    assert_eq!(verify(&answer, &DIGEST, &authority.trusted()).unwrap().nonce, None);
}

#[test]
fn what_is_not_right_says_so() {
    let (authority, other) = (Authority::new(&P256, STAMPING), Authority::new(&P256, STAMPING));
    let (answer, trusted) = (authority.answer(&asked(), "sha256", "sha256"), authority.trusted());
    let fails = |answer: &[u8], digest, trusted: &Authorities| verify(answer, digest, trusted).unwrap_err();
    let other_digest = fails(&answer, &[0; 32], &trusted);
    assert!(matches!(other_digest, TimeStampError::OtherDigest), "{other_digest}");
    assert!(matches!(fails(&answer, &DIGEST, &other.trusted()), TimeStampError::Untrusted(_)));
    assert!(matches!(fails(&[0; 70_000], &DIGEST, &trusted), TimeStampError::TooLong));
    let refused = authority.answer(b"no query", "sha256", "sha256");
    assert!(matches!(fails(&refused, &DIGEST, &trusted), TimeStampError::Refused { status: 2, .. }));
    assert!(matches!(Authorities::from_pem(b"nothing"), Err(TimeStampError::Authorities(_))));
}

/// The same time stamp, signed with a certificate of the same root that is for servers.
#[test]
fn a_certificate_for_something_else_stamps_nothing() {
    let (authority, trusted) = {
        let authority = Authority::new(&P256, STAMPING);
        let trusted = authority.trusted();
        (authority, trusted)
    };
    authority.answer(&asked(), "sha256", "sha256");
    authority.openssl(&[&["ts", "-reply", "-in", "answer", "-token_out", "-out", "token"]]);
    authority.openssl(&[&["cms", "-verify", "-noverify", "-binary", "-inform", "DER", "-in", "token", "-out", "info"]]);
    std::fs::write(authority.path().join("extensions"), "extendedKeyUsage=serverAuth\n").unwrap();
    authority.openssl(&[
        &["x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key", "-days", "30"][..],
        &["-extfile", "extensions", "-out", "server.pem"],
    ]);
    for (certificate, trusts) in [("tsa.pem", true), ("server.pem", false)] {
        authority.openssl(&[
            &["cms", "-sign", "-binary", "-nodetach", "-cades", "-md", "sha256", "-outform", "DER"][..],
            &["-econtent_type", "1.2.840.113549.1.9.16.1.4", "-in", "info", "-out", "signed"],
            &["-signer", certificate, "-inkey", "tsa.key"],
        ]);
        let signed = std::fs::read(authority.path().join("signed")).unwrap();
        let length = u16::try_from(5 + signed.len()).unwrap().to_be_bytes();
        let answer = [&[0x30, 0x82, length[0], length[1], 0x30, 3, 2, 1, 0][..], &signed].concat();
        match verify(&answer, &DIGEST, &trusted) {
            Ok(stamp) => assert!(trusts, "{stamp:?}"),
            Err(error) => assert!(!trusts && matches!(error, TimeStampError::Untrusted(_)), "{error}"),
        }
    }
}

#[test]
fn no_flipped_bit_changes_what_is_believed() {
    let authority = Authority::new(&P256, STAMPING);
    let (mut answer, trusted) = (authority.answer(&asked(), "sha256", "sha256"), authority.trusted());
    let stamp = verify(&answer, &DIGEST, &trusted).unwrap();
    let mut believed = 0;
    for at in 0..answer.len() {
        for bit in 0..8 {
            answer[at] ^= 1 << bit;
            if let Ok(other) = verify(&answer, &DIGEST, &trusted) {
                assert_eq!(other, stamp, "byte {at}, bit {bit}");
                believed += 1;
            }
            answer[at] ^= 1 << bit;
        }
        assert!(verify(&answer[..at], &DIGEST, &trusted).is_err(), "cut at {at}");
    }
    // The status, which nobody signs, says `granted` in two ways; nor does anybody sign the version and the digest's list.
    assert!(believed < 200, "{believed}");
}
