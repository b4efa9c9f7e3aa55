//! Tells byte by byte whether a text is inside a link or an image address.
//!
//! Wide on purpose: from `//`, `https:`, `www.` or a Markdown link target `](` to the next white space, quote or angle
//! bracket; an attribute's value to its closing quote. A backslash is a slash, as it is to a browser (URL standard of
//! the WHATWG, section 4.4, which also takes `https:x` and `https:/x` for `https://x`). Too wide leaves a token
//! unrestored; too narrow lets a value leave in a URL that a viewer fetches.

use plant::Form;

/// Where in a link the text is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Link {
    state: State,
    /// The last eight bytes in lower case, the newest lowest.
    last: u64,
    /// The quote that opens what may become an address: nothing but blanks and the letters of a scheme since.
    quote: Option<u8>,
    /// Whether the last byte was the backslash of an escape.
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
    /// In a URL in quotes: nothing but the quote ends it (HTML, section 13.1.2.3).
    Quoted(u8),
}

impl Link {
    pub(crate) fn open(self) -> bool {
        self.state != State::Outside
    }

    /// Takes the next bytes of a text that is read as `form`.
    pub(crate) fn read(&mut self, mut rest: &[u8], form: Form) {
        while let Some((byte, after)) = rest.split_first() {
            let dull = if self.idle() { rest.iter().take_while(|byte| !is_telling(**byte)).count() } else { 0 };
            let (passed, behind) = rest.split_at(dull);
            for byte in passed.get(dull.saturating_sub(8)..).unwrap_or_default() {
                self.last = self.last << 8 | u64::from(byte.to_ascii_lowercase());
            }
            if dull > 0 {
                rest = behind;
                continue;
            }
            self.feed(*byte, form);
            rest = after;
        }
    }

    /// Whether nothing is open, so that only a byte that [tells](is_telling) something can change that.
    fn idle(&self) -> bool {
        self.state == State::Outside && self.quote.is_none() && !self.escape
    }

    fn feed(&mut self, byte: u8, form: Form) {
        let escaped = std::mem::take(&mut self.escape);
        if form == Form::Json && byte == b'\\' && !escaped {
            self.escape = true;
            return;
        }
        let read = match byte {
            b'n' | b'r' | b't' if escaped => b'\n',
            b'\\' => b'/',
            other => other.to_ascii_lowercase(),
        };
        // A string of JSON ends with all that is in it.
        let ended = form == Form::Json && byte == b'"' && !escaped || self.ends(read);
        self.quote = self.quoted(read);
        self.last = self.last << 8 | u64::from(read);
        if read == b'<' && self.last.to_be_bytes().ends_with(b"](<") {
            self.state = State::Angle;
        } else if ended {
            self.state = State::Outside;
        } else if self.state == State::Outside && self.begins(read) {
            self.state = self.quote.map_or(State::Url, State::Quoted);
        }
    }

    /// Whether a link is open that this byte ends.
    fn ends(&self, read: u8) -> bool {
        match self.state {
            State::Outside => false,
            State::Url => read.is_ascii_whitespace() || matches!(read, b'"' | b'<' | b'>' | b'`'),
            State::Angle => matches!(read, b'>' | b'\n'),
            State::Quoted(quote) => read == quote,
        }
    }

    /// Whether a link begins with this byte.
    fn begins(&self, read: u8) -> bool {
        const OPENERS: [&[u8]; 10] =
            [b"//", b"](", b"www.", b"http:", b"https:", b"http&", b"https&", b"ftp:", b"mailto:", b"url("];
        // All of them end so; most bytes of a text do not.
        is_last_of_opener(read) && {
            let last = self.last.to_be_bytes();
            OPENERS.iter().any(|opener| last.ends_with(opener))
        }
    }

    /// The quote that still opens what may become an address, with this byte behind it.
    fn quoted(&self, read: u8) -> Option<u8> {
        let [.., before] = self.last.to_be_bytes();
        let blank = |byte: u8| byte.is_ascii_whitespace();
        match read {
            b'"' | b'\'' => Some(read),
            _ if blank(read) => self.quote.filter(|quote| before == *quote || blank(before)),
            _ => self.quote.filter(|_| read.is_ascii_alphanumeric() || b":/+-.&#;(".contains(&read)),
        }
    }
}

/// Whether a link may begin with this byte.
fn is_last_of_opener(byte: u8) -> bool {
    matches!(byte, b'/' | b'(' | b'.' | b':' | b'&')
}

/// Whether this byte may begin a link, a quote or an escape.
fn is_telling(byte: u8) -> bool {
    is_last_of_opener(byte) || matches!(byte, b'<' | b'"' | b'\'' | b'\\')
}
