//! `penstock records --open`: what a call said, for whoever holds a key.

use crate::assemble;
use crate::notice::{self, Notice};
use crate::people::{self, Identity};
use crate::secrets;
use ledger::verify::Class;
use miette::{IntoDiagnostic, WrapErr};
use plant::{Kind, Note, RecordId, Sealed};
use seal::OpeningKey;
use seal::envelope::Opened;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use store::{Blobs, Filter, Reader, Record};

/// What to open, and how to show it.
pub(super) struct Wish<'a> {
    pub(super) record: RecordId,
    pub(super) key: &'a Path,
    pub(super) json: bool,
    /// The ledger was named by its folder: if it is not the plant's own, it is a copy.
    pub(super) named: bool,
}

/// One body of a call, opened.
struct Body {
    record: Record,
    what: &'static str,
    opened: Opened,
    genuine: bool,
}

/// The person for whom a call was made, or who accounted for its answer.
struct Person {
    record: Record,
    pseudonym: String,
    identity: Identity,
}

pub(super) fn run(plant: &Path, reader: &Reader, wish: &Wish<'_>) -> miette::Result<ExitCode> {
    let key = secrets::opening_key(wish.key)?;
    let (bodies, persons) = opened(reader, wish.record, &key)?;
    if bodies.is_empty() && persons.is_empty() {
        miette::bail!(
            help = "only conduits with `keep = \"content\"` keep it, and a refused call has left nothing to keep",
            "no content is kept of that record, or there is none of that identity"
        );
    }
    tell(plant, reader, wish, &key)?;
    let genuine = bodies.iter().all(|body| body.genuine);
    let mut out = io::stdout().lock();
    let shown = if wish.json { print_json(&mut out, &bodies, &persons) } else { print(&mut out, &bodies, &persons) };
    shown.into_diagnostic()?;
    Ok(if genuine { ExitCode::SUCCESS } else { ExitCode::from(Class::Tampered as u8) })
}

/// Opens what the record refers to, and what the records that answer it do; and who their people are, each once.
fn opened(reader: &Reader, id: RecordId, key: &OpeningKey) -> miette::Result<(Vec<Body>, Vec<Person>)> {
    let blobs = Blobs::new(reader.folder());
    let filter = Filter { id: Some(id), ..Filter::default() };
    let (mut bodies, mut persons) = (Vec::new(), Vec::<Person>::new());
    for record in reader.records(0, filter) {
        let record = record.into_diagnostic()?;
        let entry = &record.entry;
        let text = |path| entry.text(path).map(str::to_owned);
        if let Some(pseudonym) =
            text("who.operator.id").filter(|one| persons.iter().all(|known| known.pseudonym != *one))
            && let Some(identity) = people::identity(reader.folder(), &pseudonym, key)
        {
            persons.push(Person { record: record.clone(), pseudonym, identity });
        }
        let Some((blob, name)) = text("seal.blob").zip(text("seal.key")) else { continue };
        let opened = blobs.open(entry.id(), &Sealed { blob, key: name }, key);
        let opened = opened.into_diagnostic().wrap_err_with(|| format!("record {} does not open", entry.seq()))?;
        let (what, genuine) = judge(&record, &opened);
        bodies.push(Body { what, genuine, opened, record });
    }
    Ok((bodies, persons))
}

/// Which body it is, and whether it is the one that the record commits to.
pub(crate) fn judge(record: &Record, opened: &Opened) -> (&'static str, bool) {
    let (entry, mac) = (&record.entry, opened.salt.commitments());
    let commitment = |path| entry.text(path).map(str::to_owned);
    if matches!(entry.kind(), Some(Kind::Intent | Kind::Oversight)) {
        let id = entry.id().to_string();
        let tag = |word: &str| seal::hex(&mac.tag(&[id.as_bytes(), word.as_bytes(), &opened.content]));
        let genuine = match commitment("io.sent") {
            Some(sent) => sent == tag("sent"),
            None => commitment("io.request") == Some(tag("request")),
        };
        let what = if entry.kind() == Some(Kind::Intent) { "request as it was sent" } else { "account as it was told" };
        return (what, genuine);
    }
    let intent = entry.reference().map(|intent| intent.to_string()).unwrap_or_default();
    let mut tagging = mac.start(&[intent.as_bytes(), b"answer"]);
    tagging.update(&opened.content);
    ("answer as it was released", commitment("io.answer") == Some(seal::hex(&tagging.finish())))
}

/// Records that somebody reads it, before they do. Nobody can make a copy of the ledger tell of its readers.
fn tell(plant: &Path, reader: &Reader, wish: &Wish<'_>, key: &OpeningKey) -> miette::Result<()> {
    let loaded = match assemble::load(plant) {
        Err(_) if wish.named => None,
        loaded => Some(loaded?),
    };
    let Some(loaded) = loaded.filter(|loaded| notice::is_of(loaded, reader)) else {
        eprintln!("this is a copy of a ledger: nothing records that you read it");
        return Ok(());
    };
    let note = BTreeMap::from([
        ("event", Note::text("opened")),
        ("key", Note::text(key.recipient().to_string())),
        ("record", Note::text(wish.record.to_string())),
    ]);
    let id = Notice { kind: Kind::Read, note }.record(&loaded)?;
    eprintln!("recorded as {id}");
    Ok(())
}

fn print(out: &mut impl Write, bodies: &[Body], persons: &[Person]) -> io::Result<()> {
    let terminal = io::stdout().is_terminal();
    for Person { record, pseudonym, identity } in persons {
        let (seq, id) = (record.entry.seq(), record.entry.id());
        let [subject, issuer] = [&identity.subject, &identity.issuer].map(|name| harmless(name).replace('\n', " "));
        writeln!(out, "--- record {seq} ({id}): {pseudonym} is {subject}, as {issuer} names them")?;
    }
    for Body { record, what, opened, genuine } in bodies {
        let entry = &record.entry;
        let agrees = if *genuine { "as the record commits to" } else { "NOT WHAT THE RECORD COMMITS TO" };
        let (seq, id, length) = (entry.seq(), entry.id(), opened.content.len());
        writeln!(out, "--- record {seq} ({id}): the {what}, {length} bytes, {agrees}")?;
        // What a model or a caller wrote must not move the cursor of whoever reads it.
        if terminal {
            out.write_all(harmless(&String::from_utf8_lossy(&opened.content)).as_bytes())?;
        } else {
            out.write_all(&opened.content)?;
        }
        writeln!(out)?;
    }
    out.flush()
}

fn harmless(text: &str) -> String {
    let shown = |character: char| match character {
        '\n' | '\t' => character,
        control if control.is_control() => char::REPLACEMENT_CHARACTER,
        other => other,
    };
    text.chars().map(shown).collect()
}

fn print_json(out: &mut impl Write, bodies: &[Body], persons: &[Person]) -> io::Result<()> {
    let persons = persons.iter().map(|Person { record, pseudonym, identity }| {
        json!({
            "record": record.entry.id().to_string(),
            "seq": record.entry.seq(),
            "what": "person",
            "genuine": true,
            "pseudonym": pseudonym,
            "issuer": identity.issuer.as_str(),
            "subject": identity.subject.as_str(),
        })
    });
    let bodies: Vec<_> = bodies
        .iter()
        .map(|Body { record, what, opened, genuine }| {
            let text = std::str::from_utf8(&opened.content).ok();
            let bytes = if text.is_none() { Some(seal::base64(&opened.content)) } else { None };
            json!({
                "record": record.entry.id().to_string(),
                "seq": record.entry.seq(),
                "what": what,
                "genuine": genuine,
                "text": text,
                "base64": bytes,
            })
        })
        .chain(persons)
        .collect();
    writeln!(out, "{}", serde_json::Value::from(bodies))?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn content_does_not_move_the_cursor() {
        assert_eq!(harmless("a\u{1b}[2Jb\r\n\tü\u{9b}"), "a\u{fffd}[2Jb\u{fffd}\n\tü\u{fffd}");
    }
}
