//! Passwords in the columns of a table: `| user | password |` and the rows below, `user;password;role` and the rows below.

use super::value::{Shape, placeholder};
use crate::bytes::{Bytes, Word, is_blank};
use crate::rule::BuiltIn;
use std::ops::Range;

/// What heads a column of passwords, in lower case.
const HEADS: [&str; 14] = [
    "password",
    "passwort",
    "kennwort",
    "passwd",
    "pwd",
    "passphrase",
    "wachtwoord",
    "contraseña",
    "senha",
    "hasło",
    "heslo",
    "lösenord",
    "mot de passe",
    "psk",
];

/// Longest line and most rows that are read of a table.
const LINE: usize = 512;
const ROWS: usize = 256;

/// Tables of a text, asked for in order of where a head may stand.
#[derive(Default)]
pub(crate) struct Columns {
    /// As far as lines were read, as a head or as rows.
    read: usize,
}

impl Columns {
    /// The passwords below the head of a column at `keyword`, if it is one: nothing else stands in its cell.
    pub(crate) fn below(&mut self, text: Bytes<'_>, keyword: &Range<usize>) -> Vec<(BuiltIn, Range<usize>)> {
        let Some(sign) = sign(text, keyword).filter(|_| keyword.start >= self.read) else { return Vec::new() };
        let start = text.run_back(keyword.start, LINE, |b| b != b'\n');
        if !matches!(text.before(start), b'\n' | 0) {
            // No table has such lines; what is left of this one is not looked at again soon.
            self.read = text.run(keyword.end, LINE, |b| b != b'\n');
            return Vec::new();
        }
        let mut line = line(text, start);
        let heads: Vec<usize> = cells(text, line.clone(), sign)
            .enumerate()
            .filter(|(_, cell)| Word(text.slice(cell.clone())).is_one_of(&HEADS))
            .map(|(at, _)| at)
            .collect();
        let width = cells(text, line.clone(), sign).count();
        self.read = line.end;
        let mut found = Vec::new();
        for _ in 0..ROWS {
            line = self::line(text, line.end + 1);
            let row: Vec<Range<usize>> = cells(text, line.clone(), sign).collect();
            if row.len() != width || line.is_empty() {
                break;
            }
            self.read = line.end;
            let values =
                heads.iter().filter_map(|head| row.get(*head)).filter(|cell| is_one(text.slice((*cell).clone())));
            found.extend(values.map(|cell| (BuiltIn::AssignedPassword, cell.clone())));
        }
        found
    }
}

/// What parts the cells of the head's row; none if other words stand in its cell, or no other cell does.
fn sign(text: Bytes<'_>, keyword: &Range<usize>) -> Option<u8> {
    let quote = |b| is_blank(b) && b != b'\t' || matches!(b, b'"' | b'*');
    let before = text.before(text.run_back(keyword.start, 8, quote));
    let after = text.at(text.run(keyword.end, 24, quote));
    let parts = |b| matches!(b, b'|' | b';' | b',' | b'\t');
    let ends = |b| matches!(b, 0 | b'\n' | b'\r');
    match (before, after) {
        (a, b) if parts(a) && (a == b || ends(b)) => Some(a),
        (a, b) if ends(a) && parts(b) => Some(b),
        _ => None,
    }
}

fn line(text: Bytes<'_>, start: usize) -> Range<usize> {
    let start = start.min(text.len());
    start..text.run(start, LINE, |b| b != b'\n')
}

/// The cells of a row, without their blanks and quotes.
fn cells<'t>(text: Bytes<'t>, line: Range<usize>, sign: u8) -> impl Iterator<Item = Range<usize>> + use<'t> {
    let mut at = line.start;
    std::iter::from_fn(move || {
        if at > line.end || line.is_empty() {
            return None;
        }
        let end = text.run(at, line.end - at, |b| b != sign);
        let trim = |b: u8| matches!(b, b' ' | b'\r' | b'"' | b'\'' | b'`' | b'*');
        let start = text.run(at, end - at, trim);
        let last = text.run_back(end, end - start, trim);
        at = end + 1;
        Some(start..last)
    })
}

/// What stands in such a column and is one: no rule under the head, no word for whether there is one.
fn is_one(value: &[u8]) -> bool {
    let shape = Shape::of(value);
    (4..=64).contains(&value.len())
        && !value.contains(&b' ')
        && shape.letters() + shape.digits >= 3
        && shape.digits + shape.others > 0
        && shape.distinct > 2
        && !placeholder(value)
}
