//! What of a marked-up text nobody sees who looks at it: comments of HTML, and elements whose style hides them.

use std::ops::Range;

/// Longest opening tag that is looked at, in bytes.
const TAG: usize = 1024;

/// How far an element that hides is taken to reach where its end is not found, in bytes.
const REACH: usize = 4096;

/// Most stretches of one text.
const MOST: usize = 1024;

/// The hidden stretches of a text, ascending by their beginnings.
pub(super) fn hidden(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(open) = bytes.get(at..).and_then(|rest| memchr::memchr(b'<', rest)).map(|open| at + open) {
        if found.len() >= MOST {
            break;
        }
        let rest = bytes.get(open..).unwrap_or_default();
        at = open + 1;
        if rest.starts_with(b"<!--") {
            let end = memchr::memmem::find(rest, b"-->").map_or(bytes.len(), |end| open + end);
            found.push(open..end);
            at = end;
        } else if let Some(end) = rest.iter().take(TAG).position(|byte| *byte == b'>')
            && rest.get(..end).is_some_and(hides)
        {
            let reach = rest.get(end..rest.len().min(end + REACH)).unwrap_or_default();
            let close = memchr::memmem::find(reach, b"</").unwrap_or(reach.len());
            found.push(open..open + end + close);
            at = open + end + close;
        }
    }
    found
}

/// Whether an opening tag says that what is in its element shall not be seen.
fn hides(tag: &[u8]) -> bool {
    if !tag.get(1).is_some_and(u8::is_ascii_alphabetic) {
        return false;
    }
    let told: Vec<u8> = tag.iter().filter(|byte| !byte.is_ascii_whitespace()).map(u8::to_ascii_lowercase).collect();
    let says = |style: &[u8]| memchr::memmem::find(&told, style).is_some();
    let ends = |style: &[u8]| {
        memchr::memmem::find(&told, style)
            .is_some_and(|at| told.get(at + style.len()).is_none_or(|next| !next.is_ascii_digit() && *next != b'.'))
    };
    says(b"display:none")
        || says(b"visibility:hidden")
        || ends(b"opacity:0")
        || ends(b"font-size:0")
        || says(b"font-size:0px")
        || says(b"font-size:1px")
        || says(b"color:white")
        || says(b"color:#fff")
        || says(b"color:transparent")
        || says(b"text-indent:-9")
        || says(b"left:-9")
        || tag.split(u8::is_ascii_whitespace).any(|word| word.eq_ignore_ascii_case(b"hidden"))
}
