//! Where a link, an image or a form leads: to a host, somewhere else, or nowhere outside.
//!
//! Read as a browser reads it, and at its worst where browsers and Markdown differ: the URL standard of the WHATWG takes
//! `\` for `/`, drops tabs and line ends, and takes `https:x` for `https://x` (section 4.4); CommonMark undoes escapes and
//! entities first (0.31, sections 2.4 and 2.5).

use plant::Wildcard;

/// Where something leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Nowhere outside what shows it: a path, a fragment.
    Here,
    /// To a host, in lower case.
    Host(String),
    /// By a scheme that has no host to be judged: `data`, `javascript`, `mailto`.
    Scheme(String),
}

impl Target {
    /// Where `address` leads, at worst.
    pub(super) fn of(address: &str) -> Vec<Self> {
        let entities = entities(address);
        let plain = canonical(&entities);
        let unescaped = canonical(&unescape(&entities));
        let mut targets = vec![Self::read(&plain)];
        if unescaped != plain {
            targets.push(Self::read(&unescaped));
        }
        targets
    }

    fn read(address: &str) -> Self {
        if let Some(rest) = address.strip_prefix("//") {
            return Self::Host(host(rest));
        }
        let scheme = address.split_once(':').filter(|(scheme, _)| is_scheme(scheme));
        match scheme {
            None => Self::Here,
            Some(("http" | "https" | "ws" | "wss" | "ftp", rest)) => Self::Host(host(rest.trim_start_matches('/'))),
            Some((scheme, _)) => Self::Scheme(scheme.to_owned()),
        }
    }

    pub(super) fn is_open(&self, hosts: &[Wildcard]) -> bool {
        match self {
            Self::Here => true,
            Self::Host(own) => hosts.iter().any(|host| host.fits(own)),
            Self::Scheme(_) => false,
        }
    }

    /// What people are told of it: never more than a host or a scheme, and nothing that a viewer makes a link of.
    pub(super) fn name(&self) -> String {
        let told = match self {
            Self::Here => return String::new(),
            Self::Host(host) => host,
            Self::Scheme(scheme) => scheme,
        };
        let plain = told.chars().map(|own| if own.is_ascii_alphanumeric() || own == '-' { own } else { ' ' });
        let name: String = plain.take(64).collect();
        name.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// Where an address leads that none of the hosts has, if so.
pub(super) fn astray(address: &str, hosts: &[Wildcard]) -> Option<Target> {
    Target::of(address).into_iter().find(|target| !target.is_open(hosts))
}

fn is_scheme(text: &str) -> bool {
    text.bytes().next().is_some_and(|first| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// The host of what follows the slashes: without user, port and final dot.
fn host(rest: &str) -> String {
    let rest = rest.trim_start_matches('/');
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let place = authority.rsplit('@').next().unwrap_or_default();
    let name = if place.starts_with('[') { place } else { place.split(':').next().unwrap_or_default() };
    name.trim_end_matches('.').to_owned()
}

/// In small letters, without what a browser drops, with slashes for backslashes.
fn canonical(address: &str) -> String {
    let kept = address.chars().filter(|own| !own.is_control() && !own.is_whitespace() && !is_invisible(*own));
    kept.map(|own| if own == '\\' || own == '\u{FF0F}' { '/' } else { own.to_ascii_lowercase() }).collect()
}

fn is_invisible(own: char) -> bool {
    matches!(own, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}

/// Without the backslashes that escape signs in Markdown.
fn unescape(address: &str) -> String {
    let mut out = String::with_capacity(address.len());
    let mut rest = address.chars().peekable();
    while let Some(own) = rest.next() {
        let escaped = (own == '\\').then(|| rest.next_if(char::is_ascii_punctuation)).flatten();
        out.push(escaped.unwrap_or(own));
    }
    out
}

/// With the entities of HTML undone that an address may hide its signs in.
fn entities(address: &str) -> String {
    const NAMES: [(&str, char); 9] = [
        ("amp", '&'),
        ("colon", ':'),
        ("sol", '/'),
        ("bsol", '\\'),
        ("period", '.'),
        ("tab", '\t'),
        ("newline", '\n'),
        ("commat", '@'),
        ("nbsp", ' '),
    ];
    let mut out = String::with_capacity(address.len());
    let mut rest = address;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let length = after.find(|own: char| !own.is_ascii_alphanumeric() && own != '#').unwrap_or(after.len()).min(10);
        let (name, behind) = after.split_at(after.floor_char_boundary(length));
        let known = NAMES.iter().find(|(own, _)| name.eq_ignore_ascii_case(own)).map(|(_, says)| *says);
        match known.or_else(|| numbered(name)) {
            Some(says) => {
                out.push(says);
                rest = behind.strip_prefix(';').unwrap_or(behind);
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

fn numbered(name: &str) -> Option<char> {
    let digits = name.strip_prefix('#')?;
    let code = match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    char::from_u32(code.ok()?)
}

#[cfg(test)]
mod tests {
    use super::astray;
    use plant::Wildcard;

    #[test]
    fn an_address_leads_where_a_browser_would_go() {
        let hosts = [Wildcard("docs.works.example".to_owned()), Wildcard("*.plant.example".to_owned())];
        for open in [
            "https://docs.works.example/a?b=c",
            "HTTPS://DOCS.works.example:443/",
            "//a.plant.example/x",
            "/relative/path",
            "#part",
            "image.png",
            "a/b:c",
            "",
        ] {
            assert_eq!(astray(open, &hosts), None, "{open}");
        }
        for away in [
            "https://evil.example/",
            "https://docs.works.example@evil.example/",
            "https://docs.works.example.evil.example/",
            "https:evil.example",
            "https:/\\evil.example",
            "\\\\evil.example\\share",
            "//evil.example",
            "ht\ntps://evil.example",
            " https://evil.example",
            "https&#58;//evil.example",
            "https&colon;&sol;&sol;evil.example",
            "https\\://evil.example",
            "/\u{200B}/evil.example",
            "/\\evil.example",
            "data:text/html,x",
            "javascript:alert(1)",
            "java&Tab;script:alert(1)",
            "mailto:a@evil.example",
            "evil:x",
        ] {
            assert!(astray(away, &hosts).is_some(), "{away}");
        }
    }
}
