//! Tells byte by byte whether a text is inside a link or an image address.
//!
//! Wide on purpose: from `//`, `www.` or a Markdown link target `](` to the next white space, quote or angle
//! bracket. Too wide leaves a token unrestored; too narrow lets a value leave in a URL that a viewer fetches.

/// Where in a link the text is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Link {
    state: State,
    /// The last four bytes, the newest lowest.
    last: u32,
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

    pub(crate) fn feed(&mut self, byte: u8) {
        // `\/` is how JSON may write a slash: the pair counts as one.
        if byte == b'\\' && self.state == State::Outside {
            return;
        }
        self.last = self.last << 8 | u32::from(byte.to_ascii_lowercase());
        let ended = match self.state {
            State::Outside => false,
            State::Url => byte.is_ascii_whitespace() || matches!(byte, b'"' | b'<' | b'>' | b'`'),
            State::Angle => matches!(byte, b'>' | b'\n'),
        };
        if ended && !(byte == b'<' && self.last & 0xFFFF_FFFF == u32::from_be_bytes([0, b']', b'(', b'<'])) {
            self.state = State::Outside;
        }
        if self.last & 0xFF_FFFF == u32::from_be_bytes([0, b']', b'(', b'<']) {
            self.state = State::Angle;
        } else if self.state == State::Outside
            && (self.last & 0xFFFF == 0x2F2F
                || self.last & 0xFFFF == u32::from_be_bytes([0, 0, b']', b'('])
                || self.last == u32::from_be_bytes(*b"www."))
        {
            self.state = State::Url;
        }
    }
}
