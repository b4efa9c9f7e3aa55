//! `penstock convict`: two heads that one key has signed.

use crate::{Desk, cloned, size};

const KEY: [&str; 2] = ["--key", "one/trust/ledger.vkey"];

/// What is said of two heads.
fn convict(desk: &Desk, one: &str, other: &str, more: &[&str]) -> (i32, String) {
    desk.penstock(&[&["convict", one, other], more].concat())
}

#[test]
fn a7_two_roots_for_one_size_convict_with_nothing_but_the_key() {
    let desk = cloned();
    let (code, text) = convict(&desk, "a", "b", &KEY);
    assert_eq!(code, 11, "{text}");
    let records = size(&desk.path("a"));
    assert!(text.contains(&format!("for {records} records it has signed two different roots")), "{text}");
    assert!(text.contains("RFC 6962") && text.ends_with("FORKED (exit code 11)\n"), "{text}");
    let (code, text) = convict(&desk, "b", "a", &[&KEY[..], &["--json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, json["result"].as_str(), json["code"].as_u64()), (11, Some("forked"), Some(11)));
    let digest = seal::hex(&seal::sha256(&std::fs::read(desk.path("b")).unwrap()));
    assert_eq!(
        (json["heads"][0]["sha256"].as_str(), &json["contradiction"]),
        (Some(&digest[..]), &serde_json::json!([0, 1]))
    );
}

#[test]
fn a7_heads_of_two_sizes_convict_with_the_ledger_of_either() {
    let desk = cloned();
    assert_eq!(convict(&desk, "a", "later", &KEY).0, 14, "nothing leads from the one to the other");
    let (code, text) = convict(&desk, "a", "later", &["--ledger", "two"]);
    assert_eq!(code, 11, "{text}");
    assert!(text.contains("are not those"), "{text}");
    desk.run("one", 9);
    assert_eq!(convict(&desk, "later", "a", &["--ledger", "one"]).0, 11, "the later head and the ledger's own");
}

#[test]
fn a11_a_cloned_gateway_is_convicted_by_its_own_heads_and_its_common_past_is_not() {
    let desk = cloned();
    for ledger in ["one", "two"] {
        let (code, text) = convict(&desk, "common", "common", &["--ledger", ledger]);
        assert_eq!(code, 0, "{text}");
    }
    assert_eq!(convict(&desk, "common", "later", &["--ledger", "two"]).0, 0);
    assert_eq!(convict(&desk, "common", "a", &["--ledger", "one", "--key", "two/trust/ledger.vkey"]).0, 0);
    // Shown one head of each machine, or one and the folder of the other.
    assert_eq!(convict(&desk, "a", "b", &KEY).0, 11);
    assert_eq!(convict(&desk, "a", "common", &["--ledger", "two"]).0, 11);
}

#[test]
fn a_receipt_is_as_good_as_a_head() {
    let desk = cloned();
    assert_eq!(desk.penstock(&["receipt", "1", "--ledger", "one", "-o", "receipt"]).0, 0);
    assert_eq!(convict(&desk, "receipt", "b", &KEY).0, 11);
    assert_eq!(convict(&desk, "receipt", "a", &KEY).0, 0);
}

#[test]
fn what_is_no_evidence_convicts_nobody() {
    let desk = cloned();
    let refused = |one: &str, other: &str, more: &[&str], words: &str| {
        let (code, text) = convict(&desk, one, other, more);
        assert_eq!(code, 14, "{text}");
        assert!(text.contains(words), "{text}");
    };
    // One bit of the signed text: the signature does not hold.
    let altered = std::fs::read_to_string(desk.path("b")).unwrap().replacen('\n', "\n1", 1);
    std::fs::write(desk.path("altered"), altered).unwrap();
    refused("a", "altered", &KEY, "no key that was given has signed both");
    std::fs::write(desk.path("garbage"), "no note\n").unwrap();
    refused("a", "garbage", &KEY, "is no signed head");
    desk.run("stranger", 1);
    desk.keep("stranger", "strange");
    refused("a", "strange", &KEY, "they say nothing of each other");
    refused("a", "b", &["--key", "stranger/trust/ledger.vkey"], "no key that was given has signed both");
    refused("a", "later", &["--ledger", "one"], "do not lead to both heads");
    // And what makes no sense is said so.
    for wrong in [&[][..], &["--key", "nowhere"], &["--key", "garbage"]] {
        assert_eq!(convict(&desk, "a", "b", wrong).0, 2);
    }
    assert_eq!(convict(&desk, "a", "nowhere", &KEY).0, 2);
}
