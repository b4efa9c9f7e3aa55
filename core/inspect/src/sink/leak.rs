//! What must not come back to whoever reads the answers of a conduit: found as in requests, and blacked out or refused.
//!
//! A text is read in stretches that nothing found reaches beyond: lines, save where one opens what goes on in the next, a
//! key in PEM or a name that awaits its value. A stretch is held until it is whole, and is never released unread.

use super::Seen;
use crate::Inspector;
use plant::{Content, Label, Origin, Piece, Verdict};
use std::borrow::Cow;

/// Longest stretch, in bytes, also of an answer that is whole. A longer one is stopped: it cannot be held to its end. As much
/// as the arguments of a tool call, which come in one stretch.
const LONG: usize = 4 << 20;

/// One channel's text so far.
#[derive(Default)]
pub(super) struct Leak {
    held: String,
    /// How much of `held` is known to have no end of a stretch.
    read: usize,
    /// Whether a key in PEM is open.
    key: bool,
}

impl Leak {
    pub(super) fn push(
        &mut self,
        text: &str,
        end: bool,
        withheld: &[(Label, Verdict)],
        inspector: &Inspector,
        seen: &mut Seen,
    ) -> String {
        self.held.push_str(text);
        let mut out = String::new();
        let mut done = 0;
        while let Some(at) = memchr::memchr(b'\n', self.held.as_bytes().get(self.read..).unwrap_or_default()) {
            let stop = self.read + at + 1;
            let line = self.held.get(self.read..stop).unwrap_or_default();
            self.key = line.contains("-----BEGIN ") || self.key && !line.contains("-----END ");
            self.read = stop;
            if !self.key && !line.trim_end().ends_with([':', '=', '|', ',', '\\']) {
                out.push_str(&without(self.held.get(done..stop).unwrap_or_default(), withheld, inspector, seen));
                done = stop;
            }
        }
        if end {
            let rest = self.held.get(done..).unwrap_or_default();
            out.push_str(&without(rest, withheld, inspector, seen));
            *self = Self::default();
            return out;
        }
        self.held.drain(..done);
        self.read -= done;
        if self.held.len() > LONG {
            seen.stop("unread text");
        }
        out
    }
}

/// A stretch without what is withheld.
fn without(stretch: &str, withheld: &[(Label, Verdict)], inspector: &Inspector, seen: &mut Seen) -> String {
    if stretch.len() > LONG {
        seen.stop("unread text");
        return String::new();
    }
    let piece = Piece {
        path: "answer".to_owned(),
        text: Cow::Borrowed(stretch),
        attachment: None,
        origin: Origin::Answer,
        fixed: false,
    };
    let Ok(findings) = inspector.read(&Content { pieces: vec![piece] }) else {
        seen.stop("unread text");
        return String::new();
    };
    let (mut out, mut done) = (String::with_capacity(stretch.len()), 0);
    for finding in findings {
        let Some((_, verdict)) = withheld.iter().find(|(label, _)| label.covers(&finding.label)) else { continue };
        seen.add(finding.label.as_str());
        match verdict {
            Verdict::Allow => continue,
            Verdict::Refuse | Verdict::Hold | Verdict::Reroute => seen.stop(finding.label.as_str()),
            Verdict::Redact | Verdict::Generalise | Verdict::Tokenise => {}
        }
        if finding.span.start < done {
            // Of two that overlap, what the second has beyond the first goes too.
            done = done.max(finding.span.end);
            continue;
        }
        out.push_str(stretch.get(done..finding.span.start).unwrap_or_default());
        out.push_str(&format!("[redacted:{}]", finding.label));
        done = finding.span.end;
    }
    out.push_str(stretch.get(done..).unwrap_or_default());
    out
}
