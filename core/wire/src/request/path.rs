//! Where a piece stands, for people: `messages[0].content[1].text`.
//!
//! A path goes into logs and records, and a key may be content. So a key is shown only if it is in the dialects'
//! vocabulary or looks like a plain identifier; any other is shown as its position, `{2}`.

use super::grammar;
use crate::json::{Kind, Value};

/// Longest path in bytes, a last step aside. A hostile body nests long keys around a million strings.
const LONGEST: usize = 160;

/// Writes paths of values that come in document order: each container's step is written once.
#[derive(Default)]
pub(super) struct Paths {
    /// The path of the innermost container so far.
    prefix: String,
    /// The containers around the last value: index, and how long the path is with its step.
    open: Vec<(usize, usize)>,
}

impl Paths {
    /// The path of a value. Values are asked for in document order.
    pub(super) fn of(&mut self, value: Value<'_, '_>) -> String {
        let Some(parent) = value.parent() else { return "body".to_owned() };
        self.enter(parent);
        let mut path = String::with_capacity(self.prefix.len() + 16);
        path.push_str(&self.prefix);
        write_step(value, &mut path);
        path
    }

    /// The path of a value's key. The key is not in it: it is the piece. What the key names has the same path, if that does
    /// not show the key.
    pub(super) fn of_key(&mut self, value: Value<'_, '_>) -> String {
        if let Some(parent) = value.parent() {
            self.enter(parent);
        }
        let mut path = String::with_capacity(self.prefix.len() + 16);
        path.push_str(&self.prefix);
        write_dot(value, &mut path);
        write_position(&mut path, '{', value.position(), '}');
        path.push_str(" (key)");
        path
    }

    /// Makes `prefix` the path of a container.
    fn enter(&mut self, container: Value<'_, '_>) {
        if self.open.last().is_some_and(|(index, _)| *index == container.index()) {
            return;
        }
        // Climbs only to the nearest container whose step is written: in document order, each is climbed once.
        let mut steps = Vec::new();
        let mut next = container;
        while let Some(parent) = next.parent() {
            while self.open.last().is_some_and(|(index, _)| *index > next.index()) {
                self.open.pop();
            }
            if self.open.last().is_some_and(|(index, _)| *index == next.index()) {
                break;
            }
            steps.push(next);
            next = parent;
        }
        if next.parent().is_none() {
            self.open.clear();
        }
        self.prefix.truncate(self.open.last().map_or(0, |(_, length)| *length));
        for step in steps.into_iter().rev() {
            if self.prefix.len() <= LONGEST {
                write_step(step, &mut self.prefix);
                if self.prefix.len() > LONGEST {
                    self.prefix.push('…');
                }
            }
            self.open.push((step.index(), self.prefix.len()));
        }
    }
}

fn write_step(value: Value<'_, '_>, path: &mut String) {
    let Some(key) = value.key() else { return write_position(path, '[', value.position(), ']') };
    write_dot(value, path);
    let key = key.raw();
    if is_identifier(key) || grammar::is_known_key(key) {
        path.push_str(key);
    } else {
        write_position(path, '{', value.position(), '}');
    }
}

/// Parts the step of a member from what stands before.
fn write_dot(value: Value<'_, '_>, path: &mut String) {
    if !path.is_empty() && value.parent().is_some_and(|parent| parent.kind() == Kind::Object) {
        path.push('.');
    }
}

/// Writes a number in brackets. Formatting machinery would cost more than all the rest of a path.
fn write_position(path: &mut String, open: char, mut position: usize, close: char) {
    let mut digits = [0; 20];
    let mut count = 0;
    for digit in &mut digits {
        *digit = u8::try_from(position % 10).unwrap_or(0) + b'0';
        position /= 10;
        count += 1;
        if position == 0 {
            break;
        }
    }
    path.push(open);
    path.extend(digits.iter().take(count).rev().map(|digit| char::from(*digit)));
    path.push(close);
}

/// Letters and underscores, and few: no number, address or name with a surname's space fits.
fn is_identifier(key: &str) -> bool {
    (1..=24).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
}
