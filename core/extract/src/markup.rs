//! XML, HTML and SVG, cut into tokens as a browser would: nothing is an error, and everything is text.
//!
//! The source is given as it stands, because keys and attributes tell what a value is; beside it what a person sees with
//! the tags away, and what a person does not see.

use crate::harvest::Harvest;

/// A piece of markup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// `<name attributes>` or `<name attributes/>`.
    Open { name: &'a str, attributes: &'a str, closed: bool },
    /// `</name>`.
    Close(&'a str),
    /// Characters, references not resolved.
    Text(&'a str),
    /// What stands in a CDATA section.
    Data(&'a str),
    /// What stands in a comment.
    Comment(&'a str),
}

/// Cuts markup into tokens. Each character is looked at a bounded number of times.
pub(crate) struct Tokens<'a> {
    rest: &'a str,
    /// Whether a tag is looked for beyond quotes. After a quote that nobody closes it is not: each such would be looked
    /// for to the end of the file.
    quotes: bool,
    /// Whether there may still be a tag.
    tags: bool,
}

impl<'a> Tokens<'a> {
    pub(crate) fn new(source: &'a str) -> Self {
        Self { rest: source, quotes: true, tags: true }
    }

    /// Takes what stands up to `end`, all of it if there is no end.
    fn until(&mut self, start: usize, end: &str) -> &'a str {
        let body = self.rest.get(start..).unwrap_or_default();
        let (inner, rest) = body.split_once(end).unwrap_or((body, ""));
        self.rest = rest;
        inner
    }

    /// Where a tag ends; quotes may hold `>`.
    fn end_of_tag(&self) -> Option<usize> {
        let mut quote = None;
        self.rest.bytes().position(|byte| match (quote, byte) {
            (None, b'>') => true,
            (None, b'"' | b'\'') if self.quotes => {
                quote = Some(byte);
                false
            }
            (Some(open), byte) if open == byte => {
                quote = None;
                false
            }
            _ => false,
        })
    }

    /// Takes a tag.
    fn tag(&mut self) -> Option<Token<'a>> {
        let end = self.end_of_tag().or_else(|| {
            self.quotes = false;
            memchr::memchr(b'>', self.rest.as_bytes())
        });
        self.tags = end.is_some();
        let end = end?;
        let (inner, rest) = (self.rest.get(1..end)?, self.rest.get(end + 1..)?);
        self.rest = rest;
        if let Some(name) = inner.strip_prefix('/') {
            return Some(Token::Close(name.trim()));
        }
        let (inner, closed) = inner.strip_suffix('/').map_or((inner, false), |inner| (inner, true));
        let (name, attributes) = inner.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((inner, ""));
        Some(Token::Open { name, attributes, closed })
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let next = self.rest.as_bytes().get(1).copied();
            if self.rest.starts_with("<!--") {
                return Some(Token::Comment(self.until(4, "-->")));
            }
            if self.rest.starts_with("<![CDATA[") {
                return Some(Token::Data(self.until(9, "]]>")));
            }
            let tag = self.tags && next.is_some_and(|byte| byte.is_ascii_alphabetic() || b"/_".contains(&byte));
            if self.rest.starts_with("<!") || self.rest.starts_with("<?") {
                self.until(1, ">");
            } else if let Some(token) = self.rest.starts_with('<').then(|| tag.then(|| self.tag()).flatten()).flatten()
            {
                return Some(token);
            } else if self.rest.is_empty() {
                return None;
            } else {
                let after = self.rest.get(1..).map_or(self.rest.len(), |after| {
                    memchr::memchr(b'<', after.as_bytes()).map_or(self.rest.len(), |at| at + 1)
                });
                // A first character of several bytes: no `<` is in it.
                let end =
                    if self.rest.is_char_boundary(1) { after } else { self.rest.find('<').unwrap_or(self.rest.len()) };
                let (text, rest) = self.rest.split_at(end);
                self.rest = rest;
                return Some(Token::Text(text));
            }
        }
    }
}

/// Name and value of each attribute; the value is empty where there is none.
pub(crate) fn attributes(source: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = source;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/' || c == '=');
        let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '=').unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if name.is_empty() {
            return None;
        }
        let after = after.trim_start();
        let Some(value) = after.strip_prefix('=').map(str::trim_start) else {
            rest = after;
            return Some((name, ""));
        };
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (value, after) = match quote {
            Some(quote) => value.get(1..)?.split_once(quote).unwrap_or((value.get(1..)?, "")),
            None => value.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((value, "")),
        };
        rest = after;
        Some((name, value))
    })
}

/// The value of one attribute, whatever namespace it is in.
pub(crate) fn attribute<'a>(source: &'a str, name: &str) -> Option<&'a str> {
    attributes(source).find(|(own, _)| local(own) == name).map(|(_, value)| value)
}

/// A name without its namespace.
pub(crate) fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

/// Appends text with its references resolved (XML 1.0, section 4.1; those of HTML that text needs).
pub(crate) fn resolve(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'&', rest.as_bytes()) {
        let (before, reference) = rest.split_at(at);
        out.push_str(before);
        let body = reference.get(1..).unwrap_or_default();
        let end = body.bytes().take(12).position(|byte| byte == b';');
        let resolved = end.and_then(|end| Some((character(body.get(..end)?)?, body.get(end + 1..)?)));
        match resolved {
            Some((character, after)) => {
                out.push(character);
                rest = after;
            }
            None => {
                out.push('&');
                rest = body;
            }
        }
    }
    out.push_str(rest);
}

fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let hex = number.strip_prefix(['x', 'X']);
        let code = hex.map_or_else(|| number.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok())?;
        return char::from_u32(code);
    }
    let known = [
        ("lt", '<'),
        ("gt", '>'),
        ("amp", '&'),
        ("quot", '"'),
        ("apos", '\''),
        ("nbsp", ' '),
        ("deg", '°'),
        ("commat", '@'),
        ("period", '.'),
        ("colon", ':'),
        ("equals", '='),
        ("hyphen", '-'),
        ("lowbar", '_'),
    ];
    known.iter().find(|(own, _)| *own == name).map(|(_, character)| *character)
}

/// Reads markup.
pub(crate) fn read(harvest: &mut Harvest<'_>, source: &str) {
    harvest.text("", source);
    let page = Page::of(source);
    harvest.text("text", page.shown);
    harvest.hidden("hidden text", page.hidden);
}

/// What a page shows, and what it holds beside that.
#[derive(Default)]
struct Page<'a> {
    shown: String,
    hidden: String,
    /// Open elements: name, and whether what is in them is not shown.
    open: Vec<(&'a str, bool)>,
}

impl<'a> Page<'a> {
    /// Elements within each other that are followed. Deeper ones are taken for what is around them.
    const DEPTH: usize = 256;

    fn of(source: &'a str) -> Self {
        let mut page = Self::default();
        for token in Tokens::new(source) {
            match token {
                Token::Open { name, attributes, closed } => page.open(name, attributes, closed),
                Token::Close(name) => page.close(name),
                Token::Text(text) => resolve(text, page.side()),
                Token::Data(text) => page.side().push_str(text),
                Token::Comment(text) => {
                    page.hidden.push_str(text);
                    page.hidden.push('\n');
                }
            }
        }
        page
    }

    fn side(&mut self) -> &mut String {
        if self.open.last().is_some_and(|(_, hides)| *hides) { &mut self.hidden } else { &mut self.shown }
    }

    fn open(&mut self, name: &'a str, attributes: &'a str, closed: bool) {
        const VOID: [&str; 10] = ["br", "img", "hr", "input", "meta", "link", "area", "col", "source", "wbr"];
        if is_block(name) {
            self.side().push('\n');
        }
        for (key, value) in self::attributes(attributes) {
            if ["alt", "title", "content", "value", "placeholder", "aria-label"].contains(&local(key)) {
                resolve(value, &mut self.hidden);
                self.hidden.push('\n');
            }
        }
        let void = closed || VOID.iter().any(|own| name.eq_ignore_ascii_case(own));
        if !void && self.open.len() < Self::DEPTH {
            let hides = self.open.last().is_some_and(|(_, hides)| *hides) || is_hidden(name, attributes);
            self.open.push((name, hides));
        }
    }

    fn close(&mut self, name: &str) {
        if let Some(place) = self.open.iter().rposition(|(own, _)| own.eq_ignore_ascii_case(name)) {
            self.open.truncate(place);
        }
        if is_block(name) {
            self.side().push('\n');
        }
    }
}

/// Whether an element stands on lines of its own. In XML nearly all do; only what is known to run in a line does not.
fn is_block(name: &str) -> bool {
    const INLINE: [&str; 22] = [
        "a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "font", "i", "kbd", "mark", "s", "small", "span",
        "strong", "sub", "sup", "tspan", "u", "var", "wbr",
    ];
    !INLINE.iter().any(|own| local(name).eq_ignore_ascii_case(own))
}

/// Whether what is in an element is not shown: by its kind, or by the style that stands on it.
fn is_hidden(name: &str, attributes: &str) -> bool {
    const KINDS: [&str; 7] = ["script", "style", "head", "template", "noscript", "metadata", "desc"];
    const STYLES: [&str; 8] = [
        "display:none",
        "visibility:hidden",
        "font-size:0",
        "opacity:0",
        "color:white",
        "color:#fff",
        "color:transparent",
        "text-indent:-9",
    ];
    if KINDS.iter().any(|own| local(name).eq_ignore_ascii_case(own)) {
        return true;
    }
    self::attributes(attributes).any(|(key, value)| {
        let style = || value.to_ascii_lowercase().replace(' ', "");
        match key.to_ascii_lowercase().as_str() {
            "hidden" => true,
            "style" => {
                let style = style().replace("background-color:", "");
                STYLES.iter().any(|own| style.contains(own) && !style.contains("opacity:0."))
            }
            "color" | "fill" => ["white", "#fff", "#ffffff"].contains(&style().as_str()),
            "aria-hidden" => style() == "true",
            _ => false,
        }
    })
}
