//! Tells byte by byte whether a text is inside a link or an image address.
//!
//! Wide on purpose: from `//`, `www.` or a Markdown link target `](` to the next white space, quote or angle
//! bracket. Too wide leaves a token unrestored; too narrow lets a value leave in a URL that a viewer fetches.

use plant::Form;

/// Where in a link the text is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Link {
    state: State,
    /// The last four bytes, the newest lowest.
    last: u32,
    /// Whether the last byte was a backslash that is not itself escaped.
    escape: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Outside,
    /// In a URL: ends at white space, quotes and angle brackets.
    Url,
    /// In `](<...`: white space does not end it (CommonMark 0.31, section 6.3).
    Angle,
}

impl Link {
    pub(crate) fn open(self) -> bool {
        self.state != State::Outside
    }

    /// Takes the next byte of a text that is read as `form`.
    pub(crate) fn feed(&mut self, byte: u8, form: Form) {
        let escaped = self.escape;
        self.escape = byte == b'\\' && !escaped;
        // `\/` is how JSON may write a slash: the pair counts as one.
        if byte == b'\\' && self.state == State::Outside {
            return;
        }
        self.last = self.last << 8 | u32::from(byte.to_ascii_lowercase());
        // `\n` ends a line only where it is an escape; elsewhere a browser reads `\` as `/`.
        let white =
            byte.is_ascii_whitespace() || form == Form::Json && escaped && matches!(byte, b'n' | b'r' | b't' | b'"');
        let ended = match self.state {
            State::Outside => false,
            State::Url => white || matches!(byte, b'"' | b'<' | b'>' | b'`'),
            State::Angle => matches!(byte, b'>' | b'\n'),
        };
        if self.last & 0xFF_FFFF == u32::from_be_bytes([0, b']', b'(', b'<']) {
            self.state = State::Angle;
        } else if ended {
            self.state = State::Outside;
        } else if self.state == State::Outside
            && (self.last & 0xFFFF == 0x2F2F
                || self.last & 0xFFFF == u32::from_be_bytes([0, 0, b']', b'('])
                || self.last == u32::from_be_bytes(*b"www."))
        {
            self.state = State::Url;
        }
    }
}
