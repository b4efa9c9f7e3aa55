//! The walk through a message along what is known of it.

use super::field::{Field, Fields, Value};
use super::length::Form;
use super::shape::{Kind, Mark, Row, Shape};
use super::tensor::LONG;
use super::{Hold, Item, Limits, Message, Said, Tensor, framed};
use crate::error::Malformed;
use crate::media;
use plant::Reason;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// How deep what nobody knows may nest. Each level is read once more than the one around it.
const UNKNOWN: u32 = 4;

pub(super) fn walk<'a>(
    shape: &'static Shape,
    body: &'a [u8],
    span: Range<usize>,
    limits: &Limits,
) -> Result<Message<'a>, Malformed> {
    let mut walk = Walk { body, left: limits.nodes, most: limits.items, raw: 0, found: Message::default() };
    walk.found.span = span.clone();
    framed(&mut walk.found.lengths, &span);
    walk.message(shape, "", span, limits.depth)?;
    // The protocol's own rule: all of them in the message's tensors, or all of them behind these.
    if walk.raw != 0 && walk.raw != walk.found.tensors.len() {
        return Err(Malformed::new(walk.found.span.start, "there are more tensors than contents of tensors"));
    }
    Ok(walk.found)
}

struct Walk<'a> {
    body: &'a [u8],
    /// Fields, numbers and elements that may still come.
    left: u32,
    most: usize,
    /// How many tensors came as they lie in memory.
    raw: usize,
    found: Message<'a>,
}

impl<'a> Walk<'a> {
    fn message(&mut self, shape: &'static Shape, path: &str, span: Range<usize>, depth: u32) -> Result<(), Malformed> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(Malformed::with(Reason::TooDeep, span.start, "nested deeper than the limit"));
        };
        let (mut fields, mut seen, mut counts) = (Fields::new(self.body, span), BTreeSet::new(), BTreeMap::new());
        while let Some(field) = fields.next()? {
            self.spend(field.at)?;
            let Some(row) = shape.0.iter().find(|row| row.number == field.number) else {
                self.unknown(&step(path, &format!("field {}", field.number)), &field, UNKNOWN.min(depth))?;
                continue;
            };
            let path = if row.many {
                let count: &mut usize = counts.entry(row.number).or_default();
                *count += 1;
                step(path, &format!("{}[{}]", row.name, *count - 1))
            } else if seen.insert(row.number) {
                step(path, row.name)
            } else {
                return Err(Malformed::with(Reason::DuplicateKey, field.at, "a field comes twice that may come once"));
            };
            self.known(row, &path, &field, depth)?;
        }
        Ok(())
    }

    fn known(&mut self, row: &'static Row, path: &str, field: &Field, depth: u32) -> Result<(), Malformed> {
        match (row.kind, &field.value) {
            (Kind::Varint, Value::Varint(number)) => {
                self.number(row.mark, *number, path, field.at)?;
                self.digits(path, field.at)
            }
            (Kind::Fixed(width), Value::Fixed(span)) if span.len() == width => {
                self.fixed(row.mark, span.clone());
                Ok(())
            }
            (Kind::Varint | Kind::Fixed(_), Value::Bytes { span, .. }) if row.many => {
                self.packed(row, path, span.clone())?;
                self.digits(path, span.start)
            }
            (Kind::Text | Kind::Word, Value::Bytes { length, span }) => {
                self.found.lengths.note(Form::Varint, length.clone(), span.clone());
                let text = self.text(span).ok_or_else(|| Malformed::new(span.start, "a text is not in UTF-8"))?;
                self.mark(row.mark, text, span)?;
                let hold = if matches!(row.kind, Kind::Text) { Hold::Free } else { Hold::Word };
                self.push(path.to_owned(), span.clone(), Said::Text(text), hold)
            }
            (Kind::Element, Value::Bytes { length, span }) => {
                self.found.lengths.note(Form::Varint, length.clone(), span.clone());
                self.element(path, span, self.found.tensors.len().checked_sub(1))
            }
            (Kind::Raw, Value::Bytes { length, span }) => {
                self.found.lengths.note(Form::Varint, length.clone(), span.clone());
                self.raw += 1;
                self.lies(path, self.raw - 1, span)
            }
            (Kind::Message(inner), Value::Bytes { length, span }) => {
                self.found.lengths.note(Form::Varint, length.clone(), span.clone());
                if row.mark == Mark::Tensor {
                    self.begin(span.start)?;
                }
                self.message(inner, path, span.clone(), depth)
            }
            _ => Err(Malformed::new(field.at, "a field has another type than its message gives it")),
        }
    }

    /// Numbers one behind another.
    fn packed(&mut self, row: &Row, path: &str, span: Range<usize>) -> Result<(), Malformed> {
        let at = span.start;
        match row.kind {
            Kind::Fixed(width) if !span.len().is_multiple_of(width) => {
                Err(Malformed::new(at, "a list of numbers is cut"))
            }
            Kind::Fixed(width) => {
                self.spend_many(span.len() / width, at)?;
                (span.start..span.end).step_by(width).for_each(|at| self.fixed(row.mark, at..at + width));
                Ok(())
            }
            _ => {
                let mut numbers = Fields::new(self.body, span);
                while !numbers.is_over() {
                    self.spend(at)?;
                    let number = numbers.varint()?;
                    self.number(row.mark, number, path, at)?;
                }
                Ok(())
            }
        }
    }

    fn number(&mut self, mark: Mark, number: u64, path: &str, at: usize) -> Result<(), Malformed> {
        if mark == Mark::Nothing {
            return self.long(number, path, at);
        }
        let Some(tensor) = self.found.tensors.last_mut() else { return Ok(()) };
        match mark {
            // More dimensions than any model has: none fits them.
            Mark::Dimension if tensor.shape.len() < 32 => tensor.shape.push(number.cast_signed()),
            Mark::Dimension => return Err(Malformed::new(at, "a tensor has more than 32 dimensions")),
            Mark::Signed => tensor.contents.signed(number.cast_signed()),
            Mark::Unsigned => tensor.contents.unsigned(number),
            _ => return Ok(()),
        }
        tensor.filled |= mark != Mark::Dimension;
        Ok(())
    }

    fn fixed(&mut self, mark: Mark, span: Range<usize>) {
        let bytes = self.body.get(span).unwrap_or_default();
        let Some(tensor) = self.found.tensors.last_mut().filter(|_| mark == Mark::Floating) else { return };
        tensor.filled = true;
        match bytes {
            [a, b, c, d] => tensor.contents.floating(f64::from(f32::from_le_bytes([*a, *b, *c, *d]))),
            bytes => {
                let eight = bytes.first_chunk().copied().unwrap_or_default();
                tensor.contents.floating(f64::from_le_bytes(eight));
            }
        }
    }

    /// What of the numbers that have just come may be a finding.
    fn digits(&mut self, path: &str, at: usize) -> Result<(), Malformed> {
        let long = self.found.tensors.last_mut().map(|tensor| std::mem::take(&mut tensor.contents.long));
        self.told(long.unwrap_or_default(), path, at)
    }

    fn mark(&mut self, mark: Mark, text: &'a str, span: &Range<usize>) -> Result<(), Malformed> {
        let tensor = self.found.tensors.last_mut();
        match (mark, tensor) {
            (Mark::Model, _) => self.found.model = Some((text, span.clone())),
            (Mark::Id, _) => self.found.id = Some(text),
            (Mark::Name, Some(tensor)) => tensor.name = text,
            (Mark::Datatype, Some(tensor)) => tensor.datatype = text,
            // The content lies in memory that caller and server share, and passes nobody.
            (Mark::Parameter, _) if text.starts_with(crate::SHARED) => {
                let detail = "a tensor lies in shared memory, where nobody reads it";
                return Err(Malformed::with(Reason::ContentRefused, span.start, detail));
            }
            _ => {}
        }
        Ok(())
    }

    /// An element of a tensor of texts.
    fn element(&mut self, path: &str, span: &Range<usize>, tensor: Option<usize>) -> Result<(), Malformed> {
        let text = self.text(span).filter(|text| memchr::memchr(0, text.as_bytes()).is_none());
        if let Some(tensor) = tensor.and_then(|tensor| self.found.tensors.get_mut(tensor)) {
            tensor.filled = true;
            tensor.texts.extend(text);
        }
        let said = match text {
            Some(text) => Said::Text(text),
            None => Said::File(self.bytes(span)),
        };
        self.push(path.to_owned(), span.clone(), said, Hold::Free)
    }

    /// A tensor begins.
    fn begin(&mut self, at: usize) -> Result<(), Malformed> {
        // Every library writes fields by their numbers. What lies in memory could not be told otherwise before all is read.
        if self.raw > 0 {
            return Err(Malformed::new(at, "a tensor comes after the contents of tensors"));
        }
        self.found.tensors.push(Tensor::default());
        Ok(())
    }

    /// The content of a tensor as it lies in memory.
    fn lies(&mut self, path: &str, number: usize, span: &Range<usize>) -> Result<(), Malformed> {
        let tensor = self.found.tensors.get(number).filter(|tensor| !tensor.filled);
        let Some(tensor) = tensor else {
            return Err(Malformed::new(span.start, "there are more contents of tensors than tensors without"));
        };
        if tensor.datatype == "BYTES" {
            return self.elements(path, number, span.clone());
        }
        self.found.lengths.note(Form::Rigid, span.start..span.start, span.clone());
        let bytes = self.bytes(span);
        let numbers = tensor
            .width()
            .zip(tensor.count())
            .is_some_and(|(width, count)| count.checked_mul(width).is_some_and(|length| length == bytes.len()));
        let file = media::sniff(bytes).is_some_and(|_| !media::by_chance(bytes));
        self.spend_many(bytes.len() / 1024, span.start)?;
        self.unclear(path, span, file || !numbers)?;
        match self.found.tensors.get_mut(number) {
            Some(tensor) if numbers => tensor.take(bytes),
            _ => return Ok(()),
        }
        let long = self.found.tensors.get_mut(number).map(|tensor| std::mem::take(&mut tensor.contents.long));
        self.told(long.unwrap_or_default(), path, span.start)
    }

    /// Texts and files one behind another, each with its length before it.
    fn elements(&mut self, path: &str, tensor: usize, span: Range<usize>) -> Result<(), Malformed> {
        let cut = |at| Malformed::new(at, "an element reaches beyond its tensor");
        let (mut at, mut number) = (span.start, 0_usize);
        while at < span.end {
            self.spend(at)?;
            let four = self.bytes(&(at..span.end)).first_chunk::<4>().ok_or_else(|| cut(at))?;
            let length = usize::try_from(u32::from_le_bytes(*four)).unwrap_or(usize::MAX);
            let end = (at + 4).checked_add(length).filter(|end| *end <= span.end).ok_or_else(|| cut(at))?;
            self.found.lengths.note(Form::Element, at..at + 4, at + 4..end);
            self.element(&format!("{path}[{number}]"), &(at + 4..end), Some(tensor))?;
            (at, number) = (end, number + 1);
        }
        Ok(())
    }

    /// A field that nobody knows: the text that it may be, and the fields, if it may be a message.
    fn unknown(&mut self, path: &str, field: &Field, depth: u32) -> Result<(), Malformed> {
        match &field.value {
            Value::Varint(number) => self.long(*number, path, field.at),
            Value::Fixed(span) => match self.text(span).filter(|text| media::is_text(text.as_bytes())) {
                Some(text) => self.push(path.to_owned(), span.clone(), Said::Text(text), Hold::Foreign),
                None => Ok(()),
            },
            Value::Bytes { span, .. } if span.is_empty() => Ok(()),
            Value::Bytes { length, span } => {
                self.found.lengths.note(Form::Varint, length.clone(), span.clone());
                let nests = self.nests(span);
                let text = self.text(span).is_some();
                if text || !nests {
                    self.unclear(path, span, !text)?;
                }
                match depth.checked_sub(1) {
                    Some(depth) if nests => self.inside(path, span.clone(), depth),
                    None if nests && !text => {
                        Err(Malformed::with(Reason::TooDeep, span.start, "what nobody knows nests too deep"))
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    /// Whether bytes may be a message that holds a text.
    fn nests(&self, span: &Range<usize>) -> bool {
        let (mut fields, mut texts) = (Fields::new(self.body, span.clone()), false);
        loop {
            match fields.next() {
                Ok(Some(field)) => texts |= matches!(field.value, Value::Bytes { .. }),
                Ok(None) => return texts,
                Err(_) => return false,
            }
        }
    }

    fn inside(&mut self, path: &str, span: Range<usize>, depth: u32) -> Result<(), Malformed> {
        let mut fields = Fields::new(self.body, span);
        while let Some(field) = fields.next()? {
            self.spend(field.at)?;
            self.unknown(&step(path, &format!("field {}", field.number)), &field, depth)?;
        }
        Ok(())
    }

    /// Bytes that may be a text: what they say, and if so declared, the file that they are.
    fn unclear(&mut self, path: &str, span: &Range<usize>, file: bool) -> Result<(), Malformed> {
        let bytes = self.bytes(span);
        let text = self.text(span).filter(|text| !text.is_empty() && memchr::memchr(0, text.as_bytes()).is_none());
        match text {
            Some(text) => self.push(path.to_owned(), span.clone(), Said::Text(text), Hold::Foreign),
            None if file => self.push(path.to_owned(), span.clone(), Said::File(bytes), Hold::Foreign),
            None => match media::readable(bytes) {
                Some(text) => self.push(path.to_owned(), span.clone(), Said::Read(text), Hold::Foreign),
                None => Ok(()),
            },
        }
    }

    /// A number of which nothing says what it counts.
    fn long(&mut self, number: u64, path: &str, at: usize) -> Result<(), Malformed> {
        let size = number.cast_signed().unsigned_abs();
        self.told(if size < LONG { Vec::new() } else { vec![size.to_string()] }, path, at)
    }

    fn told(&mut self, long: Vec<String>, path: &str, at: usize) -> Result<(), Malformed> {
        if long.is_empty() {
            return Ok(());
        }
        self.push(path.to_owned(), at..at, Said::Read(long.join(", ")), Hold::Foreign)
    }

    fn text(&self, span: &Range<usize>) -> Option<&'a str> {
        std::str::from_utf8(self.bytes(span)).ok()
    }

    fn bytes(&self, span: &Range<usize>) -> &'a [u8] {
        self.body.get(span.clone()).unwrap_or_default()
    }

    fn push(&mut self, path: String, span: Range<usize>, said: Said<'a>, hold: Hold) -> Result<(), Malformed> {
        if matches!(&said, Said::Text("")) {
            return Ok(());
        }
        if self.found.items.len() >= self.most {
            return Err(Malformed::with(Reason::BodyTooLarge, span.start, "the body holds more texts than the limit"));
        }
        self.found.items.push(Item { path, span, said, hold });
        Ok(())
    }

    fn spend(&mut self, at: usize) -> Result<(), Malformed> {
        self.spend_many(1, at)
    }

    fn spend_many(&mut self, count: usize, at: usize) -> Result<(), Malformed> {
        let left = u32::try_from(count).ok().and_then(|count| self.left.checked_sub(count));
        self.left =
            left.ok_or_else(|| Malformed::with(Reason::BodyTooLarge, at, "the body holds more values than the limit"))?;
        Ok(())
    }
}

fn step(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
