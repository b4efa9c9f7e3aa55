//! `penstock witness`: files carried between two plants.

use crate::{Desk, cloned, size};
use std::os::unix::fs::PermissionsExt;

impl Desk {
    /// Makes the witness `name`, and a policy `policy` that asks for it.
    pub(crate) fn witness(&self, name: &str) {
        let (code, public) = self.penstock(&["witness", "key", "--name", &format!("{name}.example"), "--out", name]);
        assert_eq!(code, 0, "{public}");
        std::fs::write(self.path("policy"), format!("witness {name} {public}quorum {name}\n")).unwrap();
    }

    /// Has a ledger ask, continuing a head of `old` records; `None` as it sees fit.
    pub(crate) fn ask(&self, ledger: &str, old: Option<u64>) {
        let old = old.map(|old| format!("--old={old}"));
        let more: Vec<&str> = old.iter().map(String::as_str).collect();
        let (code, text) = self.penstock(&[&["witness", "request", ledger, "--out", "request"], &more[..]].concat());
        assert_eq!(code, 0, "{text}");
    }

    /// The witness `name` looks at the request.
    pub(crate) fn sign(&self, name: &str) -> (i32, String) {
        let state = format!("{name}-state");
        let files = ["--key", name, "--state", &state, "--logs", "one/trust/ledger.vkey", "--out", "signed"];
        self.penstock(&[&["witness", "sign", "request"], &files[..]].concat())
    }

    pub(crate) fn add(&self, ledger: &str) -> (i32, String) {
        self.penstock(&["witness", "add", ledger, "signed", "--policy", "policy"])
    }

    pub(crate) fn verify(&self, ledger: &str) -> (i32, String) {
        self.penstock(&["verify", ledger, "--key", "one/trust/ledger.vkey", "--policy", "policy"])
    }

    pub(crate) fn size(&self, ledger: &str) -> u64 {
        size(&self.path(ledger).join("checkpoint"))
    }
}

/// A ledger and a witness that has signed its first head.
fn witnessed() -> Desk {
    let desk = Desk::new();
    desk.run("one", 3);
    desk.witness("hilltop");
    desk.ask("one", None);
    assert_eq!(desk.sign("hilltop").0, 0);
    desk
}

#[test]
fn a_head_goes_to_the_witness_and_comes_back_signed() {
    let desk = witnessed();
    assert_eq!(desk.verify("one").0, 13);
    let (code, text) = desk.add("one");
    assert_eq!((code, text), (0, format!("hilltop.example signed the head of {} records\n", desk.size("one"))));
    let (code, text) = desk.verify("one");
    assert!(code == 0 && text.contains("1 of 1 have signed the head, enough for the policy"), "{text}");
    let first = desk.size("one");
    assert!(std::fs::read_to_string(desk.path("one/checkpoint")).unwrap().contains("\n\u{2014} hilltop.example "));
    // The gateway goes on: nothing is lost, and the next request continues from there.
    desk.run("one", 300);
    let (code, text) = desk.verify("one");
    assert!(code == 13 && text.contains(&format!("enough have seen covers {first} records")), "{text}");
    desk.ask("one", None);
    assert!(std::fs::read_to_string(desk.path("request")).unwrap().starts_with(&format!("old {first}\n")));
    assert_eq!((desk.sign("hilltop").0, desk.add("one").0, desk.verify("one").0), (0, 0, 0));
    // Asked again for the same head it signs again; a second witness finds its place beside the first.
    desk.ask("one", None);
    assert_eq!((desk.sign("hilltop").0, desk.add("one").0), (0, 0));
    desk.witness("harbour");
    desk.ask("one", Some(0));
    assert_eq!((desk.sign("harbour").0, desk.add("one").0, desk.verify("one").0), (0, 0, 0));
    let note = std::fs::read_to_string(desk.path(&format!("one/witnessed/{}.note", desk.size("one")))).unwrap();
    assert_eq!((note.matches("\u{2014} hilltop").count(), note.matches("\u{2014} harbour").count()), (1, 1));
}

#[test]
fn a_running_gateway_keeps_its_head_and_the_signature_stands_beside_it() {
    let desk = witnessed();
    let store = desk.open("one");
    let before = size(&desk.path("signed"));
    assert_eq!(desk.add("one").0, 0);
    assert!(!std::fs::read_to_string(desk.path("one/checkpoint")).unwrap().contains("hilltop"));
    assert!(desk.path(&format!("one/witnessed/{before}.note")).exists());
    store.close();
}

#[test]
fn lines_that_the_courier_added_are_not_kept() {
    let desk = witnessed();
    let seen = size(&desk.path("signed"));
    desk.run("one", 3);
    let signed = std::fs::read_to_string(desk.path("signed")).unwrap();
    let forged = signed.lines().last().unwrap().replace("hilltop", "harbour");
    std::fs::write(desk.path("signed"), format!("{signed}{forged}\n")).unwrap();
    assert_eq!(desk.add("one").0, 0);
    let kept = std::fs::read_to_string(desk.path(&format!("one/witnessed/{seen}.note"))).unwrap();
    assert!(kept.contains("hilltop") && !kept.contains("harbour"), "{kept}");
}

#[test]
fn a5_a6_a_ledger_that_was_put_back_is_not_signed() {
    let desk = Desk::new();
    desk.run("one", 3);
    desk.copy("one", "backup");
    desk.run("one", 3);
    desk.witness("hilltop");
    desk.ask("one", None);
    assert_eq!(desk.sign("hilltop").0, 0);
    let seen = desk.size("one");
    // Shorter than what was signed: there is no way to ask.
    desk.ask("backup", None);
    let (code, text) = desk.sign("hilltop");
    assert!(code == 14 && text.contains(&format!("--old {seen}")), "{text}");
    // Continued beyond it: the proof does not hold.
    desk.run("backup", 9);
    desk.ask("backup", Some(seen));
    let (code, text) = desk.sign("hilltop");
    assert!(code == 14 && text.contains("does not show that the head continues"), "{text}");
}

#[test]
fn a11_of_a_gateway_and_its_clone_only_one_is_signed_and_both_are_convicted() {
    let desk = cloned();
    desk.witness("hilltop");
    desk.ask("one", None);
    assert_eq!(desk.sign("hilltop").0, 0);
    std::fs::copy(desk.path("signed"), desk.path("first")).unwrap();
    // Another root for the size that was signed.
    std::fs::copy(desk.path("b"), desk.path("two/checkpoint")).unwrap();
    desk.ask("two", Some(desk.size("one")));
    let (code, text) = desk.sign("hilltop");
    assert!(code == 11 && text.contains("the ledger has two histories"), "{text}");
    let (code, text) = desk.penstock(&["convict", "first", "request", "--key", "one/trust/ledger.vkey"]);
    assert_eq!(code, 11, "{text}");
    // The signature of one history is not taken by the ledger of the other.
    assert_eq!(desk.add("two").0, 11);
}

#[test]
fn a_witness_does_not_forget_and_does_not_sign_for_strangers() {
    let desk = witnessed();
    let state = std::fs::read_dir(desk.path("hilltop-state")).unwrap().map(|entry| entry.unwrap().path());
    let state = state.into_iter().find(|path| path.extension().is_some()).unwrap();
    let kept = std::fs::read_to_string(&state).unwrap();
    for spoilt in [String::new(), kept.replace("\u{2014} hilltop", "\u{2014} h1lltop"), kept.replacen('\n', "\n1", 1)] {
        std::fs::write(&state, spoilt).unwrap();
        desk.ask("one", Some(0));
        let (code, text) = desk.sign("hilltop");
        assert!(code == 14 && text.contains("is not the head that this witness has signed last"), "{text}");
    }
    std::fs::write(&state, kept).unwrap();
    desk.run("stranger", 1);
    desk.ask("stranger", None);
    let (code, text) = desk.sign("hilltop");
    assert!(code == 14 && text.contains("does not know the ledger"), "{text}");
    // A signature of a witness whom the policy does not name is not kept.
    desk.witness("harbour");
    assert_eq!(desk.add("one").0, 13);
    assert!(!desk.path("one/witnessed").exists());
}

#[test]
fn the_key_of_a_witness_is_its_owners_alone() {
    let desk = witnessed();
    let key = desk.path("hilltop");
    assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let before = std::fs::read(&key).unwrap();
    assert_eq!(desk.penstock(&["witness", "key", "--name", "w", "--out", "hilltop"]).0, 2);
    assert_eq!(desk.penstock(&["witness", "key", "--name", "two words", "--out", "other"]).0, 2);
    assert_eq!(std::fs::read(&key).unwrap(), before);
    desk.ask("one", None);
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o640)).unwrap();
    let (code, text) = desk.sign("hilltop");
    assert!(code == 2 && text.contains("can be read by others"), "{text}");
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::write(&key, "no key\n").unwrap();
    let (code, text) = desk.sign("hilltop");
    assert!(code == 2 && text.contains("holds no key of a witness") && !text.contains("no key\n\n"), "{text}");
}
