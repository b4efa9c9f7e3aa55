//! Comma-separated values: RFC 4180, with `;` or a tab in place of the comma where a program of this country writes so.

use std::borrow::Cow;

/// Most columns. Exports of ERP systems have up to some hundred.
const COLUMNS: usize = 1_024;
/// Longest field in bytes.
const FIELD: usize = 64 << 10;

/// Reads records one after another.
#[derive(Debug)]
pub struct Csv<'a> {
    rest: &'a str,
    separator: char,
    line: usize,
    columns: Option<usize>,
}

/// The text is not what RFC 4180 describes. The line is that of the record's begin, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CsvError {
    /// A quoted field has no end.
    #[error("line {line}: a quoted field does not end")]
    Open {
        /// Where.
        line: usize,
    },
    /// Something follows the closing quote, or stands before the opening one.
    #[error("line {line}: a quote stands within a field; it must be doubled, and the field quoted")]
    Quote {
        /// Where.
        line: usize,
    },
    /// A record has more or fewer fields than the first.
    #[error("line {line}: {fields} fields, where the first line has {columns}")]
    Fields {
        /// Where.
        line: usize,
        /// How many it has.
        fields: usize,
        /// How many the first has.
        columns: usize,
    },
    /// Too many fields, or one that is too long.
    #[error("line {line}: more than 1,024 fields, or one of more than 64 KiB")]
    TooLarge {
        /// Where.
        line: usize,
    },
}

impl<'a> Csv<'a> {
    /// Begins to read. The separator is that of `,`, `;` and the tab which the first line has most of.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        let head = text.lines().next().unwrap_or_default();
        let count = |separator: &char| head.matches(*separator).count();
        // Of equals the last is taken, so that the comma is.
        let separator = ['\t', ';', ','].into_iter().max_by_key(count).unwrap_or(',');
        Self { rest: text, separator, line: 1, columns: None }
    }

    /// The line that the next record begins in, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    fn record(&mut self) -> Result<Vec<Cow<'a, str>>, CsvError> {
        let line = self.line;
        let mut fields = Vec::new();
        loop {
            let (field, rest) = self.field(line)?;
            if field.len() > FIELD || fields.len() == COLUMNS {
                return Err(CsvError::TooLarge { line });
            }
            fields.push(field);
            match rest.strip_prefix(self.separator) {
                Some(next) => self.rest = next,
                None => {
                    let end = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix('\n'));
                    self.rest = end.or_else(|| rest.strip_prefix('\r')).unwrap_or(rest);
                    self.line += 1;
                    break;
                }
            }
        }
        let columns = *self.columns.get_or_insert(fields.len());
        if fields.len() == columns { Ok(fields) } else { Err(CsvError::Fields { line, fields: fields.len(), columns }) }
    }

    /// A field, and what follows it: a separator, a line's end, or nothing.
    fn field(&mut self, line: usize) -> Result<(Cow<'a, str>, &'a str), CsvError> {
        let ends = [self.separator, '\r', '\n'];
        let Some(quoted) = self.rest.strip_prefix('"') else {
            let (field, rest) = self.rest.split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
            return if field.contains('"') { Err(CsvError::Quote { line }) } else { Ok((Cow::Borrowed(field), rest)) };
        };
        let mut from = 0;
        let end = loop {
            let at = from + quoted.get(from..).and_then(|rest| rest.find('"')).ok_or(CsvError::Open { line })?;
            match quoted.as_bytes().get(at + 1) {
                Some(b'"') => from = at + 2,
                _ => break at,
            }
        };
        let (field, rest) = (quoted.get(..end).unwrap_or_default(), quoted.get(end + 1..).unwrap_or_default());
        if !rest.is_empty() && !rest.starts_with(ends) {
            return Err(CsvError::Quote { line });
        }
        self.line += field.matches('\n').count();
        Ok((if from > 0 { Cow::Owned(field.replace("\"\"", "\"")) } else { Cow::Borrowed(field) }, rest))
    }
}

impl<'a> Iterator for Csv<'a> {
    type Item = Result<Vec<Cow<'a, str>>, CsvError>;

    /// Ends at the first error: behind it nothing is where it should be.
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let record = self.record();
        if record.is_err() {
            self.rest = "";
        }
        Some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::{Csv, CsvError};
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Vec<Vec<String>>, CsvError> {
        Csv::new(text).map(|record| Ok(record?.into_iter().map(|field| field.into_owned()).collect())).collect()
    }

    #[test]
    fn the_examples_of_the_standard_are_read() {
        let two = vec![vec!["aaa".to_owned(), "bbb".to_owned()], vec!["zzz".to_owned(), "yyy".to_owned()]];
        for text in [
            "aaa,bbb\r\nzzz,yyy\r\n",
            "aaa,bbb\nzzz,yyy",
            "\"aaa\",\"bbb\"\r\nzzz,yyy",
            "\u{FEFF}aaa;bbb\nzzz;yyy\n",
            "aaa\tbbb\rzzz\tyyy",
        ] {
            assert_eq!(read(text), Ok(two.clone()), "{text:?}");
        }
        assert_eq!(
            read("\"b\r\nbb\",\"b\"\"b\",\"\"\r\n"),
            Ok(vec![["b\r\nbb", "b\"b", ""].map(str::to_owned).to_vec()])
        );
    }

    #[test]
    fn what_is_no_such_text_is_told_with_its_line() {
        assert_eq!(read("a,b\n\"x\ny\",z\n\"c,d\n"), Err(CsvError::Open { line: 4 }));
        assert_eq!(read("a,b\nc\n"), Err(CsvError::Fields { line: 2, fields: 1, columns: 2 }));
        assert_eq!(read("a,b\nc\"d,e\n"), Err(CsvError::Quote { line: 2 }));
        assert_eq!(read("\"a\"b,c\n"), Err(CsvError::Quote { line: 1 }));
        assert_eq!(read(&",".repeat(2_000)), Err(CsvError::TooLarge { line: 1 }));
        assert_eq!(read(&"x".repeat(70_000)), Err(CsvError::TooLarge { line: 1 }));
    }

    proptest! {
        #[test]
        fn what_is_written_comes_back(rows in prop::collection::vec(prop::collection::vec("[a-z\",;\n\r\t ]{0,6}", 3), 1..5)) {
            let line = |row: &Vec<String>| row.iter().map(|field| format!("\"{}\"", field.replace('"', "\"\""))).collect::<Vec<_>>().join(",");
            let head = "a,b,c,\r\n".replace(",\r", "\r");
            let text = head + &rows.iter().map(|row| line(row) + "\r\n").collect::<String>();
            prop_assert_eq!(read(&text).map(|all| all[1..].to_vec()), Ok(rows));
        }

        #[test]
        fn nothing_panics(text in "[a\",;\n\r\t]{0,40}") {
            let _ = read(&text);
        }
    }
}
