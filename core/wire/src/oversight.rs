//! What a person did with an answer, as the program in front of them tells it: a small JSON object.

use crate::error::Malformed;
use crate::json::{Document, Kind, Limits, Value};
use plant::{Judgement, RecordId};

/// Deepest nesting of the body: it is flat.
const DEPTH: u32 = 2;
/// Longest comment, and longest subject of a person, in characters.
const COMMENT: usize = 2_000;
const SUBJECT: usize = 255;
/// Longest time that an answer may have been shown, in milliseconds: a year.
const SHOWN: u64 = 366 * 86_400_000;

/// What is told of an answer. Without `Debug`, which would show content.
pub struct Account {
    /// The record of the call, as its answer named it.
    pub call: RecordId,
    /// What was done with the answer.
    pub judgement: Judgement,
    /// How long it was on show, in milliseconds, as the program says.
    pub shown: Option<u64>,
    /// Why.
    pub comment: Option<String>,
    /// What became of it, if it was edited.
    pub edited: Option<String>,
    /// Who it was, as the program says: the subject that the issuer knows them by.
    pub operator: Option<String>,
}

impl Account {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// Unless it is one flat object with the members above and no others, each once and of its form.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let limits = Limits { depth: DEPTH, ..Limits::default() };
        let document = Document::parse(bytes, &limits)?;
        let root = document.root();
        if root.kind() != Kind::Object {
            return Err(Malformed::new(0, "the body is no object"));
        }
        for member in root.children() {
            if !MEMBERS.iter().any(|name| member.is_at(name)) {
                return Err(wrong(
                    member,
                    "this member is none of `record`, `decision`, `shown_ms`, `comment`, `edited`, `operator`",
                ));
            }
        }
        let must = |name: &str, detail| root.get(name).ok_or(Malformed::new(0, detail));
        let record = must("record", "the body names no `record`")?;
        let decision = must("decision", "the body names no `decision`")?;
        let read = Self {
            call: whole(record).ok_or_else(|| wrong(record, "`record` is no id of a record"))?,
            judgement: decision.as_str().and_then(|word| Judgement::named(&word)).ok_or_else(|| {
                wrong(decision, "`decision` is none of `accepted`, `edited`, `rejected`, `overridden`, `stopped`")
            })?,
            shown: root.get("shown_ms").map(shown).transpose()?,
            comment: text(root, "comment", COMMENT, "`comment` is no text of 1 to 2000 characters")?,
            edited: text(root, "edited", usize::MAX, "`edited` is no text, or an empty one")?,
            operator: text(root, "operator", SUBJECT, "`operator` is no text of 1 to 255 characters")?,
        };
        match root.get("edited").filter(|_| read.judgement != Judgement::Edited) {
            Some(edited) => Err(wrong(edited, "there is an `edited` text, and the decision is another")),
            None => Ok(read),
        }
    }
}

const MEMBERS: [&str; 6] = ["record", "decision", "shown_ms", "comment", "edited", "operator"];

/// An id in its one spelling.
fn whole(value: Value<'_, '_>) -> Option<RecordId> {
    let text = value.as_str()?;
    RecordId::parse(&text).filter(|id| id.to_string() == *text)
}

fn shown(value: Value<'_, '_>) -> Result<u64, Malformed> {
    let time = value.as_u64().filter(|time| *time <= SHOWN);
    time.ok_or_else(|| wrong(value, "`shown_ms` is no whole number of milliseconds up to a year"))
}

fn text(root: Value<'_, '_>, name: &str, longest: usize, detail: &'static str) -> Result<Option<String>, Malformed> {
    let Some(value) = root.get(name) else { return Ok(None) };
    let text = value.as_str().filter(|text| !text.is_empty() && text.chars().nth(longest).is_none());
    text.map(|text| Some(text.into_owned())).ok_or_else(|| wrong(value, detail))
}

fn wrong(value: Value<'_, '_>, detail: &'static str) -> Malformed {
    Malformed::new(value.span().start, detail)
}

/// Holds for whatever comes: what is read is within its bounds.
#[doc(hidden)]
pub fn fuzz(bytes: &[u8]) {
    let Ok(account) = Account::parse(bytes) else { return };
    assert!(account.shown.is_none_or(|time| time <= SHOWN));
    assert!(account.edited.is_none() || account.judgement == Judgement::Edited);
    for (text, most) in [(&account.comment, COMMENT), (&account.operator, SUBJECT), (&account.edited, bytes.len())] {
        assert!(text.as_ref().is_none_or(|text| (1..=most).contains(&text.chars().count())));
    }
    let id = account.call.to_string();
    assert!(bytes.windows(id.len()).any(|window| window == id.as_bytes()) || bytes.contains(&b'\\'));
}

#[cfg(test)]
mod tests {
    use super::Account;
    use plant::{Judgement, Reason};

    const ID: &str = "01a1fb30-3806-72d4-ae00-31d6f6986299";

    fn read(members: &str) -> Result<Account, Reason> {
        let members = members.replace("ID", ID);
        Account::parse(members.as_bytes()).map_err(|problem| problem.reason)
    }

    #[test]
    fn what_is_told_is_read() {
        let told = r#"{"record":"ID","decision":"edited","shown_ms":4200,"comment":"too hot","edited":"62 °C"}"#;
        let account = read(told).ok().unwrap();
        assert_eq!(account.call.to_string(), ID);
        assert_eq!((account.judgement, account.shown), (Judgement::Edited, Some(4200)));
        assert_eq!((account.comment.as_deref(), account.edited.as_deref()), (Some("too hot"), Some("62 °C")));
        for (name, judgement) in Judgement::NAMES {
            let account = read(&format!(r#"{{"record":"ID","decision":"{name}","operator":"anna"}}"#)).ok().unwrap();
            assert_eq!((account.judgement, account.operator.as_deref()), (judgement, Some("anna")));
        }
    }

    #[test]
    fn whatever_else_is_told_is_refused() {
        for body in [
            "",
            "[]",
            "{}",
            "null",
            r#"{"record":"ID"}"#,
            r#"{"decision":"accepted"}"#,
            r#"{"record":"ID","decision":"Accepted"}"#,
            r#"{"record":"ID","decision":true}"#,
            r#"{"record":"01A1FB30-3806-72D4-AE00-31D6F6986299","decision":"accepted"}"#,
            r#"{"record":"01a1fb30380672d4ae0031d6f6986299","decision":"accepted"}"#,
            r#"{"record":7,"decision":"accepted"}"#,
            r#"{"record":"ID","decision":"accepted","by":"anna"}"#,
            r#"{"record":"ID","decision":"accepted","shown_ms":-1}"#,
            r#"{"record":"ID","decision":"accepted","shown_ms":1.5}"#,
            r#"{"record":"ID","decision":"accepted","shown_ms":31622400001}"#,
            r#"{"record":"ID","decision":"accepted","comment":""}"#,
            r#"{"record":"ID","decision":"accepted","edited":"x"}"#,
            r#"{"record":"ID","decision":"edited","edited":["x"]}"#,
            r#"{"record":"ID","decision":"accepted"} x"#,
        ] {
            assert_eq!(read(body).err(), Some(Reason::Malformed), "{body}");
        }
        let twice = r#"{"record":"ID","decision":"rejected","decision":"accepted"}"#;
        assert_eq!(read(twice).err(), Some(Reason::DuplicateKey));
        assert_eq!(read(r#"{"record":[[["ID"]]]}"#).err(), Some(Reason::TooDeep));
        let long = format!(r#"{{"record":"ID","decision":"accepted","comment":"{}"}}"#, "ö".repeat(2001));
        assert_eq!(read(&long).err(), Some(Reason::Malformed));
        assert!(read(&long.replacen('ö', "", 1)).is_ok());
    }
}
