//! Where a piece stands, for people: `messages[0].content[1].text`.
//!
//! A path goes into logs and records, and a key may be content. So a key is shown only if it is in the dialects'
//! vocabulary or looks like a plain identifier; any other is shown as its position, `{2}`.

use super::grammar;
use crate::json::{Kind, Value};
use std::fmt::Write;

/// Longest path in bytes. A hostile body nests long keys around a million strings.
const LONGEST: usize = 160;

/// Most levels that are looked at, from the inside.
const LEVELS: usize = 24;

/// Writes paths. Neighbours share their container's path, so it is kept.
#[derive(Default)]
pub(super) struct Paths {
    container: Option<usize>,
    prefix: String,
}

impl Paths {
    /// The path of a value.
    pub(super) fn of(&mut self, value: Value<'_, '_>) -> String {
        let Some(parent) = value.parent() else { return "body".to_owned() };
        if self.container != Some(parent.index()) {
            self.container = Some(parent.index());
            self.prefix.clear();
            write_container(parent, &mut self.prefix);
        }
        let mut path = String::with_capacity(self.prefix.len() + 16);
        path.push_str(&self.prefix);
        write_step(value, &mut path);
        path
    }

    /// The path of a value's key. The key is not in it: it is the piece.
    pub(super) fn of_key(&mut self, value: Value<'_, '_>) -> String {
        let mut path = value.parent().filter(|parent| parent.parent().is_some()).map_or_else(String::new, |parent| self.of(parent));
        let _ = write!(path, "{{{}}} (key)", value.position());
        path
    }
}

/// Writes a container's path, outermost step first.
fn write_container(container: Value<'_, '_>, path: &mut String) {
    let mut steps = Vec::with_capacity(8);
    let mut next = Some(container);
    while let Some(value) = next {
        next = value.parent();
        if next.is_some() {
            if steps.len() == LEVELS {
                path.push('…');
                break;
            }
            steps.push(value);
        }
    }
    for step in steps.into_iter().rev() {
        if path.len() > LONGEST {
            path.push('…');
            return;
        }
        write_step(step, path);
    }
}

fn write_step(value: Value<'_, '_>, path: &mut String) {
    let array = value.parent().is_some_and(|parent| parent.kind() == Kind::Array);
    // Writing to a String cannot fail.
    if array {
        let _ = write!(path, "[{}]", value.position());
        return;
    }
    if !path.is_empty() {
        path.push('.');
    }
    let key = value.key().map(|key| key.raw()).unwrap_or_default();
    if grammar::is_known_key(key) || is_identifier(key) {
        path.push_str(key);
    } else {
        let _ = write!(path, "{{{}}}", value.position());
    }
}

/// Letters and underscores, and few: no key, number or name with a surname's space fits.
fn is_identifier(key: &str) -> bool {
    (1..=24).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
}
