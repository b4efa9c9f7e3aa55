//! The fields of one message of protocol buffers, one after another, as they stand in its bytes.

use crate::error::Malformed;
use std::ops::Range;

/// Largest number of a field: 29 bits.
const LAST: u64 = (1 << 29) - 1;

/// A field.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) number: u32,
    /// Where its tag begins.
    pub(super) at: usize,
    pub(super) value: Value,
}

/// What a field holds, by its wire type.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Varint(u64),
    /// Eight bytes, or four.
    Fixed(Range<usize>),
    /// As many bytes as the length before them says.
    Bytes {
        length: Range<usize>,
        span: Range<usize>,
    },
}

/// Reads fields from a stretch of a body.
pub(super) struct Fields<'a> {
    body: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Fields<'a> {
    pub(super) fn new(body: &'a [u8], span: Range<usize>) -> Self {
        Self { body, at: span.start, end: span.end.min(body.len()) }
    }

    /// The next field; `None` at the end.
    ///
    /// # Errors
    /// If what stands there is no field: cut, too long a number, a group, or a length that reaches beyond its message.
    pub(super) fn next(&mut self) -> Result<Option<Field>, Malformed> {
        if self.at >= self.end {
            return Ok(None);
        }
        let at = self.at;
        let tag = self.varint()?;
        let number = match tag >> 3 {
            0 => return Err(Malformed::new(at, "a field has the number 0")),
            number @ 1..=LAST => u32::try_from(number).unwrap_or(u32::MAX),
            _ => return Err(Malformed::new(at, "the number of a field is too large")),
        };
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed(self.take(8)?),
            5 => Value::Fixed(self.take(4)?),
            2 => {
                let start = self.at;
                let length = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
                let length_at = start..self.at;
                Value::Bytes { length: length_at, span: self.take(length)? }
            }
            // Obsolete for twenty years, and nested without a length: what closes one may lie anywhere.
            3 | 4 => return Err(Malformed::new(at, "groups are not read")),
            _ => return Err(Malformed::new(at, "a field has no known wire type")),
        };
        Ok(Some(Field { number, at, value }))
    }

    /// A number in base 128.
    ///
    /// # Errors
    /// If it is cut, or has more than 64 bits.
    pub(super) fn varint(&mut self) -> Result<u64, Malformed> {
        let (start, mut number) = (self.at, 0_u64);
        for place in 0..10_u32 {
            let byte = self.body.get(self.at).copied().filter(|_| self.at < self.end);
            let byte = byte.ok_or_else(|| Malformed::new(start, "a number is cut"))?;
            self.at += 1;
            if place == 9 && byte > 1 {
                break;
            }
            number |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Malformed::new(start, "a number has more than 64 bits"))
    }

    /// Whether nothing is left.
    pub(super) fn is_over(&self) -> bool {
        self.at >= self.end
    }

    fn take(&mut self, length: usize) -> Result<Range<usize>, Malformed> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.end);
        let end = end.ok_or_else(|| Malformed::new(self.at, "a field reaches beyond its message"))?;
        Ok(std::mem::replace(&mut self.at, end)..end)
    }
}

/// Appends a number in base 128.
pub(super) fn write(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::{Fields, Value, write};

    fn problem(bytes: &[u8]) -> String {
        let mut fields = Fields::new(bytes, 0..bytes.len());
        loop {
            match fields.next() {
                Ok(Some(_)) => {}
                Ok(None) => return String::new(),
                Err(problem) => return problem.to_string(),
            }
        }
    }

    #[test]
    fn what_is_no_field_is_refused_where_it_stands() {
        assert_eq!(problem(b"\x0a\x01a\x08"), "a number is cut at byte 4");
        assert_eq!(
            problem(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
            "a number has more than 64 bits at byte 1"
        );
        assert_eq!(
            problem(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x80\x01"),
            "a number has more than 64 bits at byte 1"
        );
        assert_eq!(problem(b"\x0a\x05abcd"), "a field reaches beyond its message at byte 2");
        assert_eq!(
            problem(b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
            "a field reaches beyond its message at byte 11"
        );
        assert_eq!(problem(b"\x09\x01\x02"), "a field reaches beyond its message at byte 1");
        assert_eq!(problem(b"\x0b\x0c"), "groups are not read at byte 0");
        assert_eq!(problem(b"\x0f"), "a field has no known wire type at byte 0");
        assert_eq!(problem(b"\x02\x00"), "a field has the number 0 at byte 0");
        assert_eq!(problem(b"\x80\x80\x80\x80\x10\x00"), "the number of a field is too large at byte 0");
    }

    #[test]
    fn a_number_is_read_as_it_is_written() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            let mut bytes = vec![0x08];
            write(number, &mut bytes);
            let field = Fields::new(&bytes, 0..bytes.len()).next().unwrap().unwrap();
            assert!(matches!(field.value, Value::Varint(read) if read == number), "{number}");
        }
    }
}
