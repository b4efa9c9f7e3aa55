//! One text for all JSON that says the same, so that it can be hashed.
//!
//! As RFC 8785 has it (no space, members in order of their keys' UTF-16 units, strings with the fewest escapes), save
//! that a number stays as it was written: `1.0` and `1` are two texts here. Who pins a hash would rather look twice.

use super::{Kind, Text, Value, encode};

/// The canonical form of a value.
#[must_use]
pub fn canonical(value: Value<'_, '_>) -> String {
    let mut out = Vec::with_capacity(value.span().len());
    write(value, &mut out);
    // What was read was UTF-8, and only whole strings were written.
    String::from_utf8(out).unwrap_or_default()
}

/// As deep as the document, which its reader bounded.
fn write(value: Value<'_, '_>, out: &mut Vec<u8>) {
    match value.kind() {
        Kind::Object => {
            let keyed = value.children().map(|member| (member.key().map(Text::decode).unwrap_or_default(), member));
            let mut members: Vec<_> = keyed.collect();
            members.sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
            list(b"{}", members, out, |(key, member), out| {
                string(&key, out);
                out.push(b':');
                write(member, out);
            });
        }
        Kind::Array => list(b"[]", value.children(), out, write),
        Kind::Numbers => list(b"  ", value.raw().split(','), out, |number, out| {
            out.extend_from_slice(number.trim_ascii().as_bytes());
        }),
        Kind::String => string(&value.as_str().unwrap_or_default(), out),
        Kind::Null | Kind::Bool | Kind::Number => out.extend_from_slice(value.raw().as_bytes()),
    }
}

/// Writes items between brackets; a run of numbers has none of its own.
fn list<T>(brackets: &[u8; 2], items: impl IntoIterator<Item = T>, out: &mut Vec<u8>, write: impl Fn(T, &mut Vec<u8>)) {
    let [open, close] = brackets;
    let bracket = |byte: &u8, out: &mut Vec<u8>| out.extend(Some(*byte).filter(|byte| *byte != b' '));
    bracket(open, out);
    for (place, item) in items.into_iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    bracket(close, out);
}

fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    encode(text, out);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use crate::json::{Document, Limits, canonical};
    use proptest::prelude::*;

    fn check(text: &str, expected: &str) {
        let document = Document::parse(text.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(canonical(document.root()), expected, "{text}");
        let again = Document::parse(expected.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(canonical(again.root()), expected, "twice is once");
    }

    #[test]
    fn what_says_the_same_is_one_text() {
        check(r#" { "b" : [1, 2.0,-3e1 ,null], "a" : {} } "#, r#"{"a":{},"b":[1,2.0,-3e1,null]}"#);
        check(r#"{"\u0061":"\u00e4\/","A":true}"#, "{\"A\":true,\"a\":\"\u{e4}/\"}");
        check(r#"[ [1,2], "x", 3, 4, [ ] ]"#, r#"[[1,2],"x",3,4,[]]"#);
        check(r#""\n\u0001\"""#, r#""\n\u0001\"""#);
    }

    /// RFC 8785 section 3.2.3: by UTF-16 units, in which an emoji (D83D DE00) comes before U+FB33.
    #[test]
    fn keys_are_in_the_order_of_their_utf_16_units() {
        check("{\"\u{fb33}\":1,\"\u{1f600}\":2,\"\u{20ac}\":3}", "{\"\u{20ac}\":3,\"\u{1f600}\":2,\"\u{fb33}\":1}");
    }

    proptest! {
        #[test]
        fn order_and_space_change_nothing(mut members in prop::collection::btree_map("[a-c\u{e4}\"]{0,3}", "[ -~]{0,4}", 0..6)) {
            let written = |pairs: &mut dyn Iterator<Item = (&String, &String)>, space: &str| {
                let text = |text: &str| serde_json::Value::from(text).to_string();
                let pairs: Vec<_> = pairs.map(|(key, value)| format!("{}{space}:{space}{}", text(key), text(value))).collect();
                format!("{{{space}{}{space}}}", pairs.join(&format!("{space},")))
            };
            let one = written(&mut members.iter(), "");
            let other = written(&mut members.iter().rev(), " ");
            let read = |text: &str| canonical(Document::parse(text.as_bytes(), &Limits::default()).unwrap().root());
            prop_assert_eq!(read(&one), read(&other));
            members.insert("new".to_owned(), String::new());
            prop_assert_ne!(read(&one), read(&written(&mut members.iter(), "")));
        }
    }
}
