//! PDF (ISO 32000-2): pages, notes, fields, properties and attachments.
//!
//! Objects are found by looking for them, not by the table that says where they are: so a damaged or forged table hides
//! nothing, and earlier versions of a document are read as well. Libraries for PDF unfold what a file asks for; here every
//! stream is counted against the [`crate::Budget`].

mod content;
mod filter;
mod font;
mod object;

use crate::harvest::Harvest;
use crate::{File, Why, kind, markup, text};
use content::{Palette, Said, draw};
use font::Font;
use object::{Dictionary, Lexer, Value, is_regular};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::Rc;

/// References that are followed from one to the next.
const CHAIN: usize = 16;

/// An object of the file.
struct Object {
    value: Value,
    stream: Option<Range<usize>>,
}

/// A document, its objects found.
struct Document<'a> {
    bytes: &'a [u8],
    /// By number; of several with one number the last counts.
    objects: BTreeMap<u32, Object>,
    /// Objects that a later one with the same number replaced.
    earlier: Vec<Object>,
    /// Streams that were read as what they are.
    seen: BTreeSet<u32>,
    fonts: BTreeMap<u32, Rc<Font>>,
    /// Values that may still be kept, all objects together.
    room: usize,
}

/// Values that are kept of one document: 64 MB.
const VALUES: usize = 2_000_000;

/// Reads a PDF. False if there is nothing of one in it but its beginning.
pub(crate) fn read(harvest: &mut Harvest<'_>, bytes: &[u8]) -> bool {
    let mut document = Document {
        bytes,
        objects: BTreeMap::new(),
        earlier: Vec::new(),
        seen: BTreeSet::new(),
        fonts: BTreeMap::new(),
        room: VALUES,
    };
    let whole = document.find(harvest);
    if document.is_encrypted() {
        harvest.opaque("", Why::Encrypted);
        return true;
    }
    if document.objects.is_empty() {
        harvest.opaque("", Why::Damaged);
        return false;
    }
    if !whole {
        harvest.opaque("", Why::TooLarge);
    }
    document.unpack(harvest);
    document.pages(harvest);
    document.forms(harvest);
    document.strings(harvest);
    document.other_streams(harvest);
    true
}

impl<'a> Document<'a> {
    /// Finds the objects. False if that took more than the file's length allows.
    fn find(&mut self, harvest: &mut Harvest<'_>) -> bool {
        let ends: Vec<usize> = memchr::memmem::find_iter(self.bytes, b"endstream").collect();
        let mut work = self.bytes.len().saturating_mul(4) + (64 << 10);
        let mut past = 0;
        for at in memchr::memmem::find_iter(self.bytes, b"obj") {
            // What stands within a stream is its own business.
            let Some(number) = (at >= past).then(|| number_before(self.bytes, at)).flatten() else { continue };
            if !harvest.entry() {
                return false;
            }
            let mut lexer = Lexer::new(self.bytes, at + 3);
            let Some(value) = lexer.value() else { continue };
            let left = work.checked_sub(lexer.at - at).zip(self.room.checked_sub(lexer.held()));
            let Some((left, room)) = left.filter(|_| !lexer.cut) else { return false };
            (work, self.room) = (left, room);
            let stream = self.stream_at(&mut lexer, &value, &ends);
            past = stream.as_ref().map_or(past, |stream| stream.end);
            self.put(number, Object { value, stream });
        }
        true
    }

    fn put(&mut self, number: u32, object: Object) {
        if let Some(before) = self.objects.insert(number, object) {
            self.earlier.push(before);
        }
    }

    /// The bytes of the stream that follows a dictionary.
    fn stream_at(&self, lexer: &mut Lexer<'_>, value: &Value, ends: &[usize]) -> Option<Range<usize>> {
        let dictionary = value.dictionary()?;
        lexer.skip();
        let rest = lexer.rest().strip_prefix(b"stream")?;
        let line = if rest.starts_with(b"\r\n") { 2 } else { usize::from(rest.starts_with(b"\n")) };
        let start = lexer.at + 6 + line;
        let stated = dictionary.get("Length").and_then(Value::count).and_then(|length| start.checked_add(length));
        // A length that does not lead to the end is not believed.
        let stated = stated.filter(|end| {
            let tail = self.bytes.get(*end..).unwrap_or_default().trim_ascii_start();
            tail.starts_with(b"endstream")
        });
        let found = ends.get(ends.partition_point(|end| *end < start)).copied().unwrap_or(self.bytes.len());
        Some(start..stated.unwrap_or(found).max(start))
    }

    /// Whether a trailer says that the strings and streams are encrypted.
    fn is_encrypted(&self) -> bool {
        let says = |dictionary: &Dictionary| dictionary.contains_key("Encrypt");
        let tables = self.objects.values().filter_map(|object| object.value.dictionary());
        let mut tables = tables.filter(|own| kind_of(own) == Some("XRef"));
        self.trailers().iter().any(|trailer| trailer.dictionary().is_some_and(says)) || tables.any(says)
    }

    /// The trailers, as far as they are no longer than the file.
    fn trailers(&self) -> Vec<Value> {
        let (mut found, mut work) = (Vec::new(), self.bytes.len());
        for at in memchr::memmem::find_iter(self.bytes, b"trailer").take(256) {
            let mut lexer = Lexer::new(self.bytes, at + 7);
            found.extend(lexer.value());
            let Some(left) = work.checked_sub(lexer.at - at) else { break };
            work = left;
        }
        found
    }

    /// Follows references.
    fn resolve<'v>(&'v self, value: &'v Value) -> &'v Value {
        let mut value = value;
        for _ in 0..CHAIN {
            let Some(next) = value.reference().and_then(|number| self.objects.get(&number)) else { break };
            value = &next.value;
        }
        value
    }

    fn entry<'v>(&'v self, dictionary: &'v Dictionary, key: &str) -> Option<&'v Value> {
        dictionary.get(key).map(|value| self.resolve(value))
    }

    /// A stream by its number, decoded.
    fn stream(&self, harvest: &mut Harvest<'_>, number: u32) -> Option<Vec<u8>> {
        let object = self.objects.get(&number)?;
        let data = self.bytes.get(object.stream.clone()?)?;
        filter::decode(harvest, object.value.dictionary()?, data).map(std::borrow::Cow::into_owned)
    }

    /// The bytes of a stream that is a JPEG file and nothing else (section 7.4.8). Pictures of other kinds have no head.
    fn photograph(&self, number: u32) -> Option<&[u8]> {
        let data = self.bytes.get(self.objects.get(&number)?.stream.clone()?)?;
        Some(data).filter(|data| data.starts_with(b"\xff\xd8\xff"))
    }

    fn of_kind(&self, fits: impl Fn(&Dictionary) -> bool) -> Vec<u32> {
        let fits = |object: &Object| object.value.dictionary().is_some_and(&fits);
        self.objects.iter().filter(|(_, object)| fits(object)).map(|(number, _)| *number).collect()
    }

    /// Takes objects out of the streams that hold several (section 7.5.7).
    fn unpack(&mut self, harvest: &mut Harvest<'_>) {
        for number in self.of_kind(|own| kind_of(own) == Some("ObjStm")) {
            self.seen.insert(number);
            let Some(bytes) = self.stream(harvest, number) else { continue };
            let dictionary = self.objects.get(&number).and_then(|object| object.value.dictionary());
            let count = |key| dictionary.and_then(|own| own.get(key)).and_then(Value::count).unwrap_or(0);
            let (first, count) = (count("First"), count("N"));
            let mut head = Lexer::new(&bytes, 0);
            let mut work = bytes.len().saturating_mul(4) + 1024;
            for _ in 0..count {
                let (Some(number), Some(offset)) = (head.integer(), head.integer()) else { break };
                let mut lexer = Lexer::new(&bytes, first.saturating_add(offset as usize));
                let start = lexer.at;
                let Some(value) = lexer.value() else { continue };
                let left = work.checked_sub(lexer.at - start).zip(self.room.checked_sub(lexer.held()));
                let Some((left, room)) = left.filter(|_| !lexer.cut && harvest.entry()) else {
                    harvest.opaque("", Why::TooLarge);
                    break;
                };
                (work, self.room) = (left, room);
                // An object that stands in the file itself is the newer one, as a rule; both are read.
                if self.objects.contains_key(&number) {
                    self.earlier.push(Object { value, stream: None });
                } else {
                    self.put(number, Object { value, stream: None });
                }
            }
        }
    }

    /// The pages in the order of the tree, then those that are in no tree.
    fn pages(&mut self, harvest: &mut Harvest<'_>) {
        let mut order = Vec::new();
        let mut waiting: Vec<u32> = self.of_kind(|own| kind_of(own) == Some("Pages") && !own.contains_key("Parent"));
        let mut met = BTreeSet::new();
        while let Some(number) = waiting.pop() {
            let node = self.objects.get(&number).and_then(|object| object.value.dictionary());
            let Some(node) = node.filter(|_| met.insert(number)) else { continue };
            let kids = self.entry(node, "Kids").and_then(Value::array).unwrap_or_default();
            if kind_of(node) == Some("Page") || kids.is_empty() {
                order.push(number);
            }
            waiting.extend(kids.iter().rev().filter_map(Value::reference));
        }
        let lost = self.of_kind(|own| kind_of(own) == Some("Page"));
        order.extend(lost.into_iter().filter(|number| !met.contains(number)));
        for (position, number) in order.into_iter().enumerate() {
            self.page(harvest, number, &format!("page {}", position + 1));
        }
    }

    fn page(&mut self, harvest: &mut Harvest<'_>, number: u32, place: &str) {
        let Some(page) = self.objects.get(&number).and_then(|object| object.value.dictionary()).cloned() else {
            return;
        };
        let contents: Vec<u32> = match page.get("Contents") {
            Some(Value::Reference(one)) => match self.objects.get(one).map(|object| &object.value) {
                Some(Value::Array(items)) => items.iter().filter_map(Value::reference).collect(),
                _ => vec![*one],
            },
            Some(Value::Array(items)) => items.iter().filter_map(Value::reference).collect(),
            _ => Vec::new(),
        };
        let mut source = Vec::new();
        for number in contents {
            // A stream that many pages share is read with the first.
            if self.seen.insert(number) {
                source.extend(self.stream(harvest, number).unwrap_or_default());
                source.push(b'\n');
            }
        }
        let resources = self.inherited(&page, "Resources");
        self.drawing(harvest, &source, resources.as_ref(), place);
    }

    /// What a page says itself, or what is around it says for it.
    fn inherited(&self, page: &Dictionary, key: &str) -> Option<Dictionary> {
        let mut node = page;
        for _ in 0..CHAIN {
            if let Some(found) = self.entry(node, key).and_then(Value::dictionary) {
                return Some(found.clone());
            }
            node = self.entry(node, "Parent")?.dictionary()?;
        }
        None
    }

    /// Draws a stream and what it draws in turn, each form once.
    fn drawing(&mut self, harvest: &mut Harvest<'_>, source: &[u8], resources: Option<&Dictionary>, place: &str) {
        let mut said = Said::default();
        let mut waiting = vec![(source.to_vec(), resources.cloned())];
        while let Some((source, resources)) = waiting.pop() {
            let fonts = self.fonts_of(harvest, resources.as_ref());
            let drawn = draw(&source, &Palette { fonts: &fonts, most: harvest.text_left() }, &mut said);
            let objects = resources.as_ref().and_then(|own| self.entry(own, "XObject")?.dictionary().cloned());
            for name in drawn {
                let number = objects.as_ref().and_then(|objects| objects.get(&name)).and_then(Value::reference);
                let Some(number) = number.filter(|number| !self.seen.contains(number)) else { continue };
                self.seen.insert(number);
                let Some(own) = self.objects.get(&number).and_then(|object| object.value.dictionary()) else {
                    continue;
                };
                if own.get("Subtype").and_then(Value::name) == Some("Image") {
                    harvest.picture(place, self.photograph(number));
                    continue;
                }
                let own = self.entry(own, "Resources").and_then(Value::dictionary).cloned().or(resources.clone());
                if let Some(source) = self.stream(harvest, number) {
                    said.shown.push('\n');
                    waiting.push((source, own));
                }
            }
        }
        if said.cut {
            harvest.opaque(place, Why::TooLarge);
        }
        if said.closed {
            harvest.opaque(place, Why::Unknown);
        }
        harvest.text(place, said.shown);
        harvest.hidden(place, said.hidden);
    }

    fn fonts_of(&mut self, harvest: &mut Harvest<'_>, resources: Option<&Dictionary>) -> BTreeMap<String, Rc<Font>> {
        let list = resources.and_then(|own| self.entry(own, "Font")?.dictionary().cloned()).unwrap_or_default();
        let mut fonts = BTreeMap::new();
        for (name, value) in list {
            let number = value.reference();
            let known = number.and_then(|number| self.fonts.get(&number)).cloned();
            let font = known.or_else(|| {
                let own = self.resolve(&value).dictionary()?.clone();
                let map = own.get("ToUnicode").and_then(Value::reference);
                let bytes = map.and_then(|map| self.stream(harvest, map));
                self.seen.extend(map);
                let (encoding, widths) = (self.entry(&own, "Encoding"), self.entry(&own, "Widths"));
                let font = Rc::new(Font::new(&own, bytes.as_deref(), encoding, widths));
                if let Some(number) = number {
                    self.fonts.insert(number, Rc::clone(&font));
                }
                Some(font)
            });
            if let Some(font) = font {
                fonts.insert(name, font);
            }
        }
        fonts
    }

    /// Forms that no page draws: how notes and fields look, and what is left of earlier versions.
    fn forms(&mut self, harvest: &mut Harvest<'_>) {
        for number in self.of_kind(|own| own.get("Subtype").and_then(Value::name) == Some("Form")) {
            if !self.seen.insert(number) {
                continue;
            }
            let Some(source) = self.stream(harvest, number) else { continue };
            let own = self.objects.get(&number).and_then(|object| object.value.dictionary());
            let resources = own.and_then(|own| self.entry(own, "Resources")?.dictionary().cloned());
            self.drawing(harvest, &source, resources.as_ref(), "form");
        }
    }

    /// Every string of every object: properties, notes, fields, bookmarks, links, scripts.
    fn strings(&mut self, harvest: &mut Harvest<'_>) {
        let most = harvest.text_left();
        let mut out = String::new();
        for object in self.objects.values().chain(&self.earlier) {
            gather(&object.value, &mut out);
            if out.len() > most {
                break;
            }
        }
        self.trailers().iter().for_each(|trailer| gather(trailer, &mut out));
        harvest.hidden("properties, notes and fields", out);
    }

    /// Attachments, metadata, scripts, and streams of earlier versions.
    fn other_streams(&mut self, harvest: &mut Harvest<'_>) {
        let numbers: Vec<u32> =
            self.objects.iter().filter(|(_, own)| own.stream.is_some()).map(|(at, _)| *at).collect();
        for number in numbers.into_iter().filter(|number| !self.seen.contains(number)) {
            let Some(own) = self.objects.get(&number).and_then(|object| object.value.dictionary()) else { continue };
            let word = kind_of(own).or_else(|| own.get("Subtype").and_then(Value::name)).unwrap_or_default().to_owned();
            let shape = ["Length1", "N", "FunctionType", "ShadingType", "BitsPerComponent", "CMapName", "PatternType"];
            if word == "XRef"
                || word == "Image"
                || word != "EmbeddedFile" && shape.iter().any(|key| own.contains_key(*key))
            {
                continue;
            }
            let Some(bytes) = self.stream(harvest, number) else { continue };
            other(harvest, &word, &bytes);
        }
        let streams = self.earlier.iter().filter_map(|own| Some((own.value.dictionary()?, own.stream.clone()?)));
        for (dictionary, range) in streams {
            let data = self.bytes.get(range).unwrap_or_default();
            if let Some(bytes) = filter::decode(harvest, dictionary, data) {
                other(harvest, kind_of(dictionary).unwrap_or_default(), &bytes);
            }
        }
    }
}

/// Reads a stream that belongs to no page.
fn other(harvest: &mut Harvest<'_>, word: &str, bytes: &[u8]) {
    match word {
        "EmbeddedFile" => harvest.within("attachment", |harvest| {
            kind::read(harvest, &File { bytes, name: None, media: None });
        }),
        "Metadata" => {
            let mut said = String::new();
            for token in markup::Tokens::new(&text::decode_as(bytes, None)) {
                if let markup::Token::Text(text) = token {
                    markup::resolve(text, &mut said);
                }
            }
            harvest.hidden("metadata", said);
        }
        // An earlier version of a page, or text that something else refers to.
        _ if std::str::from_utf8(bytes).is_ok_and(|text| !text.contains('\0') && !text.contains("begincmap")) => {
            let mut said = Said::default();
            draw(bytes, &Palette { fonts: &BTreeMap::new(), most: harvest.text_left() }, &mut said);
            said.shown.push_str(&said.hidden);
            let drawn = !said.shown.trim().is_empty();
            harvest.hidden("stream", if drawn { said.shown } else { String::from_utf8_lossy(bytes).into_owned() });
        }
        _ => {}
    }
}

/// The value of `Type`.
fn kind_of(dictionary: &Dictionary) -> Option<&str> {
    dictionary.get("Type").and_then(Value::name)
}

/// The number of the object whose `obj` stands here: `12 0 obj`.
fn number_before(bytes: &[u8], at: usize) -> Option<u32> {
    let head = bytes.get(at.saturating_sub(24)..at)?;
    let mut words = head.trim_ascii_end().rsplit(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let (generation, number) = (words.next()?, words.next()?);
    let digits = |word: &[u8]| word.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let count = digits(number);
    let before = number.len().checked_sub(count + 1).and_then(|before| number.get(before)).copied();
    if count == 0 || digits(generation) != generation.len() || before.is_some_and(is_regular) && before != Some(b'j') {
        return None;
    }
    std::str::from_utf8(number.get(number.len() - count..)?).ok()?.parse().ok()
}

/// Appends the strings in an object that people may read.
fn gather(value: &Value, out: &mut String) {
    match value {
        Value::Text(bytes) => {
            let said = match bytes.strip_prefix(b"\xfe\xff") {
                Some(wide) => text::utf16(wide, u16::from_be_bytes),
                None => text::decode_as(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes), None),
            };
            if !said.chars().any(|c| c.is_control() && !c.is_whitespace()) {
                out.push_str(&said);
                out.push('\n');
            }
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, out)),
        Value::Dictionary(entries) => {
            // Identifiers are random bytes, and glyphs' widths no words.
            entries.iter().filter(|(key, _)| *key != "ID").for_each(|(_, value)| gather(value, out));
        }
        _ => {}
    }
}
