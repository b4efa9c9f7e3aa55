//! Writes the canonical line. By hand, because the order of keys, the sanitising and the limits are the point.

use super::{EncodeError, NUMBER_LIMIT, RECORD_LIMIT, RestampError, Stamp, VERSION, decode};
use plant::{Body, Client, Decided, Draft, Io, Note, Outcome, Party, Place, Sealed, What, Who};
use seal::hex;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Longest text that came from outside, in bytes: 120 characters of any script.
const FOREIGN_LIMIT: usize = 480;
/// Longest name of a tool, and most tools: APIs allow 64 characters and 128 tools; a record needs to tell them apart.
const TOOL_LIMIT: usize = 128;
const TOOLS_LIMIT: usize = 32;
/// Longest explanation or note of ours: an origin with its key fits.
const OWN_LIMIT: usize = 1024;

/// A record without its place: what of its line does not depend on it. Whoever has a record to write makes this, each for
/// themselves; the one who gives out the places has less to do then.
#[derive(Clone, Debug)]
pub struct Unstamped {
    /// The line from `dec` on, without what the stamp says.
    text: Vec<u8>,
    /// Where in it `mono` belongs, `prev`, and `seq` with `t` and `v`.
    cuts: [usize; 3],
}

impl Unstamped {
    /// Writes down what a draft says.
    ///
    /// Text is sanitised and cut, numbers of the body that reach 2^53 are written as 2^53 - 1: a provider that reports
    /// absurd counts must not be able to prevent its own outcome record.
    ///
    /// # Errors
    /// If a note's name is malformed.
    pub fn of(draft: &Draft) -> Result<Self, EncodeError> {
        if let Some(key) = draft.body.note.keys().copied().find(|key| !is_key(key)) {
            return Err(EncodeError::Key { key });
        }
        let Draft { kind, id, reference, body } = draft;
        let Body { who, place, what, decided, io, out, seal, note } = body;
        let mut line = Line(Vec::with_capacity(1024));
        line.part("dec", decided.as_ref(), Line::decided);
        line.text("id", &id.to_string(), FOREIGN_LIMIT);
        line.part("io", io.as_ref(), Line::io);
        line.text("kind", kind.name(), FOREIGN_LIMIT);
        let mono = line.0.len();
        if !note.is_empty() {
            line.object("note", |line| {
                for (key, value) in note {
                    match value {
                        Note::Text(text) => line.text(key, text, OWN_LIMIT),
                        Note::Number(number) => line.number(key, *number),
                    }
                }
            });
        }
        line.part("out", out.as_ref(), Line::outcome);
        let prev = line.0.len();
        line.some_text("ref", reference.as_ref().map(ToString::to_string).as_deref());
        line.part("seal", seal.as_ref(), Line::sealed);
        let seq = line.0.len();
        line.part("what", what.as_ref(), Line::what);
        line.part("where", place.as_ref(), Line::place);
        line.part("who", who.as_ref(), Line::who);
        Ok(Self { text: line.0, cuts: [mono, prev, seq] })
    }

    /// Gives the record its place: appends the whole line to `out`.
    ///
    /// # Errors
    /// If the line would be too long, or the stamp holds a number of 2^53 or more; nothing is appended then.
    pub fn stamp(&self, stamp: &Stamp, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let Stamp { seq, prev, t, mono, boot, clk } = stamp;
        if [*seq, t.0, *mono, *boot].iter().any(|number| *number >= NUMBER_LIMIT) {
            return Err(EncodeError::Number);
        }
        let before = out.len();
        let mut line = Line(std::mem::take(out));
        line.braced(|line| {
            line.number("boot", *boot);
            line.object("clk", |line| {
                line.some_number("bound", clk.bound);
                line.text("source", &clk.source, FOREIGN_LIMIT);
            });
            line.cut(self, 0);
            line.number("mono", *mono);
            line.cut(self, 1);
            line.text("prev", &hex(prev), FOREIGN_LIMIT);
            line.cut(self, 2);
            line.number("seq", *seq);
            line.number("t", t.0);
            line.number("v", VERSION);
            line.cut(self, 3);
        });
        *out = line.0;
        let length = out.len() - before;
        if length > RECORD_LIMIT {
            out.truncate(before);
            return Err(EncodeError::TooLong { length });
        }
        Ok(())
    }

    /// The text between two cuts.
    fn part(&self, number: usize) -> &[u8] {
        let [mono, prev, seq] = self.cuts;
        let bounds = [0, mono, prev, seq, self.text.len()];
        let (from, to) = (bounds.get(number), bounds.get(number + 1));
        from.zip(to).and_then(|(from, to)| self.text.get(*from..*to)).unwrap_or_default()
    }
}

/// Turns a draft into the bytes of a record.
///
/// # Errors
/// As [`Unstamped::of`] and [`Unstamped::stamp`].
pub fn encode(stamp: &Stamp, draft: &Draft) -> Result<Vec<u8>, EncodeError> {
    let mut line = Vec::with_capacity(1024);
    Unstamped::of(draft)?.stamp(stamp, &mut line)?;
    Ok(line)
}

/// Gives a record that was taken elsewhere its place: the same record, with another stamp. When it was taken stays in its
/// note, as `taken`.
///
/// # Errors
/// If it is no record, or as [`encode`].
pub fn restamp(line: &[u8], stamp: &Stamp) -> Result<Vec<u8>, RestampError> {
    let Stamp { seq, prev, t, mono, boot, clk } = stamp;
    if [*seq, t.0, *mono, *boot].iter().any(|number| *number >= NUMBER_LIMIT) {
        return Err(EncodeError::Number.into());
    }
    let entry = decode(line)?;
    let mut value = entry.value().clone();
    let mut place = |key: &str, number: u64| value.insert(key.to_owned(), number.into());
    place("boot", *boot);
    place("mono", *mono);
    place("seq", *seq);
    place("t", t.0);
    value.insert("prev".to_owned(), hex(prev).into());
    let bound = clk.bound.map(|bound| ("bound".to_owned(), bound.min(NUMBER_LIMIT - 1).into()));
    let source = ("source".to_owned(), Value::from(clk.source.as_str()));
    value.insert("clk".to_owned(), bound.into_iter().chain([source]).collect::<Map<_, _>>().into());
    let mut note = value.get("note").and_then(Value::as_object).cloned().unwrap_or_default();
    note.insert("taken".to_owned(), entry.t().0.into());
    value.insert("note".to_owned(), ascending(note).into());
    // The rest is in order as it was read, and this writer escapes as RFC 8785 asks.
    let line = Value::from(ascending(value)).to_string().into_bytes();
    let length = line.len();
    if length > RECORD_LIMIT { Err(EncodeError::TooLong { length }.into()) } else { Ok(line) }
}

/// With the keys in order, however the map was built to keep them.
fn ascending(map: Map<String, Value>) -> Map<String, Value> {
    map.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect()
}

/// A JSON line in the making. Callers name keys in ascending order.
struct Line(Vec<u8>);

impl Line {
    /// What stands before a member of the stamp, or after the last.
    fn cut(&mut self, record: &Unstamped, number: usize) {
        self.0.extend_from_slice(record.part(number));
    }

    fn decided(&mut self, decided: &Decided) {
        self.some_foreign("detail", decided.detail.as_deref(), OWN_LIMIT);
        self.some_text("policy", Some(decided.policy.as_str()).filter(|digest| !digest.is_empty()));
        self.some_text("reason", decided.reason.map(plant::Reason::code));
        self.list("rules", &decided.rules, |line, rule| line.quoted(rule.as_str(), FOREIGN_LIMIT));
        self.text("verdict", decided.verdict.name(), FOREIGN_LIMIT);
    }

    fn io(&mut self, io: &Io) {
        self.some_text("answer", io.answer.as_deref());
        self.some_number("answer_bytes", Some(io.answer_bytes).filter(|count| *count > 0 || io.answer.is_some()));
        self.some_number("input_tokens", io.input_tokens);
        self.some_number("output_tokens", io.output_tokens);
        self.some_text("request", io.request.as_deref());
        self.number("request_bytes", io.request_bytes);
        self.some_text("sent", io.sent.as_deref());
    }

    fn outcome(&mut self, out: &Outcome) {
        self.number("began", out.began.0);
        self.some_number("first_byte_us", out.first_byte_micros);
        self.some_text("model", out.model.as_deref());
        self.some_text("provider_id", out.provider_id.as_deref());
        self.some_text("reason", out.reason.map(plant::Reason::code));
        self.number("status", u64::from(out.status));
        self.number("us", out.micros);
    }

    fn what(&mut self, what: &What) {
        self.some_text("dialect", what.dialect.map(plant::Dialect::name));
        self.text("endpoint", &what.endpoint, FOREIGN_LIMIT);
        self.list("findings", &what.findings, |line, finding| {
            line.braced(|line| {
                line.number("count", finding.count);
                line.text("label", &finding.label, FOREIGN_LIMIT);
            });
        });
        self.some_text("model", what.model.as_deref().filter(|model| !model.is_empty()));
        self.some_text("provider", what.provider.as_ref().map(plant::ProviderId::as_str));
        self.some_text("renamed", what.renamed.as_deref());
        self.some_text("rerouted", what.rerouted.as_ref().map(plant::ProviderId::as_str));
        self.some_text("sensitivity", what.sensitivity.as_deref());
        self.key("stream");
        self.0.extend_from_slice(if what.stream { b"true" } else { b"false" });
        let tools = what.tools.get(..TOOLS_LIMIT).unwrap_or(&what.tools);
        self.list("tools", tools, |line, tool| line.quoted(tool, TOOL_LIMIT));
    }

    fn place(&mut self, place: &Place) {
        self.some_text("conduit", place.conduit.as_ref().map(plant::ConduitId::as_str));
        self.text("plant", place.plant.as_str(), FOREIGN_LIMIT);
        self.some_text("purpose", place.purpose.as_ref().map(plant::Purpose::as_str));
        self.some_text("zone", place.zone.as_ref().map(plant::ZoneId::as_str));
    }

    fn who(&mut self, who: &Who) {
        self.part("client", who.client.as_ref(), Self::client);
        self.part("operator", who.operator.as_ref(), Self::party);
        self.text("peer", &who.peer.to_string(), FOREIGN_LIMIT);
        self.part("workload", who.workload.as_ref(), Self::party);
        self.part("workstation", who.workstation.as_ref(), Self::party);
    }

    fn client(&mut self, client: &Client) {
        self.text("name", &client.name, FOREIGN_LIMIT);
        self.some_text("version", client.version.as_deref());
    }

    fn sealed(&mut self, sealed: &Sealed) {
        self.text("blob", &sealed.blob, FOREIGN_LIMIT);
        self.text("key", &sealed.key, FOREIGN_LIMIT);
    }

    fn party(&mut self, party: &Party) {
        self.text("by", party.by, FOREIGN_LIMIT);
        self.text("id", &party.id, FOREIGN_LIMIT);
    }

    fn part<T>(&mut self, key: &str, value: Option<&T>, write: impl FnOnce(&mut Self, &T)) {
        if let Some(value) = value {
            self.object(key, |line| write(line, value));
        }
    }

    fn object(&mut self, key: &str, write: impl FnOnce(&mut Self)) {
        self.key(key);
        self.braced(write);
    }

    fn list<T>(&mut self, key: &str, items: &[T], write: impl Fn(&mut Self, &T)) {
        if items.is_empty() {
            return;
        }
        self.key(key);
        self.0.push(b'[');
        for item in items {
            self.comma();
            write(self, item);
        }
        self.0.push(b']');
    }

    fn some_text(&mut self, key: &str, text: Option<&str>) {
        self.some_foreign(key, text, FOREIGN_LIMIT);
    }

    fn some_foreign(&mut self, key: &str, text: Option<&str>, limit: usize) {
        if let Some(text) = text {
            self.text(key, text, limit);
        }
    }

    fn text(&mut self, key: &str, text: &str, limit: usize) {
        self.key(key);
        self.quoted(text, limit);
    }

    fn some_number(&mut self, key: &str, number: Option<u64>) {
        if let Some(number) = number {
            self.number(key, number);
        }
    }

    fn number(&mut self, key: &str, number: u64) {
        self.key(key);
        self.0.extend_from_slice(itoa::Buffer::new().format(number.min(NUMBER_LIMIT - 1)).as_bytes());
    }

    fn key(&mut self, key: &str) {
        debug_assert!(is_key(key), "{key}");
        self.comma();
        self.0.push(b'"');
        self.0.extend_from_slice(key.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    fn braced(&mut self, write: impl FnOnce(&mut Self)) {
        self.0.push(b'{');
        write(self);
        self.0.push(b'}');
    }

    fn comma(&mut self) {
        if !matches!(self.0.last(), Some(b'{' | b'[')) {
            self.0.push(b',');
        }
    }

    /// A text, sanitised and cut to `limit` bytes. What is left needs only two escapes.
    fn quoted(&mut self, text: &str, limit: usize) {
        let (kept, cut) = match text.len() > limit {
            true => (text.get(..text.floor_char_boundary(limit)).unwrap_or_default(), "\u{2026}"),
            false => (text, ""),
        };
        self.0.push(b'"');
        if is_plain(kept) {
            self.0.extend_from_slice(kept.as_bytes());
        } else {
            for character in kept.chars() {
                self.character(character);
            }
        }
        self.0.extend_from_slice(cut.as_bytes());
        self.0.push(b'"');
    }

    fn character(&mut self, character: char) {
        if matches!(character, '"' | '\\') {
            self.0.push(b'\\');
        }
        let shown = if is_treacherous(character) { char::REPLACEMENT_CHARACTER } else { character };
        self.0.extend_from_slice(shown.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// Whether a text can be written as it is. In blocks, each looked at as a whole: most text is plain.
fn is_plain(text: &str) -> bool {
    let plain = |byte: u8| matches!(byte, b' '..=b'~') & (byte != b'"') & (byte != b'\\');
    text.as_bytes().chunks(32).all(|block| block.iter().fold(true, |all, byte| all & plain(*byte)))
}

/// Whether the text can be a key: without escapes, in one script, so that the order of its bytes is that of its
/// UTF-16 code units, which RFC 8785 section 3.2.3 asks for.
fn is_key(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b))
}

/// Whether a character could make a record look like something else than it is (attack A18): a control, a line
/// separator, one that turns the direction of writing (CVE-2021-42574), has no width, or smuggles hidden text.
///
/// Canonical JSON must not escape the visible half of these, so they are replaced before they are written.
#[must_use]
pub fn is_treacherous(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}
