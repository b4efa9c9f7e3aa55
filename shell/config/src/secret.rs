//! Finds secrets that were written into the plant file, and stars them out.
//!
//! The plant file is read by many, mailed, and kept in version control: no secret may stand in it, comments
//! included. This looks for the shapes that keys have by themselves; a key such as `password`, which says what
//! it holds, is caught where keys are read. It need not find every secret: `inspect` does that for content. It
//! must not stumble over names, patterns and paths that belong in the file.

use std::ops::Range;

/// How keys of well-known issuers begin, and how many token characters must follow before it is one.
const PREFIXES: [(&str, usize); 18] = [
    ("AKIA", 16),
    ("ASIA", 16),
    ("AIza", 30),
    ("ghp_", 30),
    ("gho_", 30),
    ("ghs_", 30),
    ("github_pat_", 30),
    ("glpat-", 18),
    ("gsk_", 30),
    ("hf_", 30),
    ("npm_", 30),
    ("psk_", 40),
    ("pypi-", 40),
    ("r8_", 30),
    ("sk_live_", 16),
    ("xoxb-", 20),
    ("xoxp-", 20),
    ("xai-", 40),
];

/// Where secrets stand in `text`, in order, without overlaps.
pub(crate) fn find(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (prefix, least) in PREFIXES {
        runs(text, prefix, |run| run.len() >= least && run.bytes().any(|b| b.is_ascii_digit()), &mut found);
    }
    // Workloads may be called `sk-line-2`: a key has one long part with a digit, or is long altogether.
    let long_part = |part: &str| part.len() >= 12 && part.bytes().any(|b| b.is_ascii_digit());
    runs(text, "sk-", |run| run.len() >= 40 || run.split(['-', '_']).any(long_part), &mut found);
    // A JSON Web Token: two parts of base64 that both begin with `{"`.
    runs(text, "eyJ", |run| run.len() >= 20 && run.contains(".eyJ"), &mut found);
    for scheme in ["Bearer ", "bearer ", "Basic "] {
        let digit = |run: &str| run.bytes().any(|b| b.is_ascii_digit());
        runs(text, scheme, |run| run.len() >= 16 && digit(run), &mut found);
    }
    pem(text, &mut found);
    userinfo(text, &mut found);
    pin(text, &mut found);
    merge(found)
}

/// The words of keys that hold a secret, whatever table they are in.
pub(crate) fn names_a_secret(key: &str) -> bool {
    const WORDS: [&str; 16] = [
        "accesskey",
        "accesstoken",
        "apikey",
        "apitoken",
        "authtoken",
        "authorization",
        "bearer",
        "clientsecret",
        "passphrase",
        "passwd",
        "password",
        "privatekey",
        "pwd",
        "secret",
        "secretkey",
        "token",
    ];
    let folded: String = key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    WORDS.contains(&folded.as_str())
}

/// The text with every secret starred out, byte by byte, so that spans stay true.
pub(crate) fn star_out(text: &str, secrets: &[Range<usize>]) -> String {
    let mut starred = String::with_capacity(text.len());
    let mut done = 0;
    for secret in secrets {
        starred.push_str(text.get(done..secret.start).unwrap_or_default());
        for c in text.get(secret.clone()).unwrap_or_default().chars() {
            match c {
                '\n' | '\r' => starred.push(c),
                c => starred.extend(std::iter::repeat_n('*', c.len_utf8())),
            }
        }
        done = secret.end;
    }
    starred.push_str(text.get(done..).unwrap_or_default());
    starred
}

/// Sorts, and joins what overlaps.
pub(crate) fn merge(mut spans: Vec<Range<usize>>) -> Vec<Range<usize>> {
    spans.sort_by_key(|span| (span.start, span.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => merged.push(span),
        }
    }
    merged
}

/// Whether a stretch holds a secret or part of one. The secrets are in order and do not overlap.
pub(crate) fn touches(secrets: &[Range<usize>], span: &Range<usize>) -> bool {
    let first = secrets.partition_point(|secret| secret.end <= span.start);
    secrets.get(first).is_some_and(|secret| secret.start < span.end)
}

/// A message without what looks like a secret.
pub(crate) fn tame(message: &str) -> String {
    star_out(message, &find(message))
}

fn token_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-_.+/=".contains(&b)
}

/// Adds prefix and run wherever a run of token characters after `prefix` looks like a key.
fn runs(text: &str, prefix: &str, is_key: impl Fn(&str) -> bool, found: &mut Vec<Range<usize>>) {
    let mut done = 0;
    for (start, _) in text.match_indices(prefix) {
        let inside_word = text.as_bytes().get(start.wrapping_sub(1)).is_some_and(u8::is_ascii_alphanumeric);
        // INVARIANT: a run is looked at once, so that `sk-sk-sk-...` takes linear time.
        if inside_word || start < done {
            continue;
        }
        let rest = text.get(start + prefix.len()..).unwrap_or_default();
        let length = rest.bytes().take_while(|b| token_byte(*b)).count();
        done = start + prefix.len() + length;
        if rest.get(..length).is_some_and(&is_key) {
            found.push(start..done);
        }
    }
}

/// PEM blocks that hold a private key (RFC 7468), to their end or the end of the text.
fn pem(text: &str, found: &mut Vec<Range<usize>>) {
    let mut done = 0;
    for (start, opener) in text.match_indices("-----BEGIN ") {
        let after = start + opener.len();
        let rest = text.get(after..).unwrap_or_default();
        let kind = rest.split("-----").next().unwrap_or_default();
        if start < done || !kind.contains("PRIVATE KEY") {
            continue;
        }
        let end = rest.find("-----END ").map_or(text.len(), |end| {
            let tail = rest.get(end..).unwrap_or_default();
            after + end + tail.find(['\n', '"', '\'']).unwrap_or(tail.len())
        });
        found.push(start..end);
        done = end;
    }
}

/// PINs in PKCS #11 URIs (RFC 7512, section 2.3), however short.
fn pin(text: &str, found: &mut Vec<Range<usize>>) {
    const NAME: &str = "pin-value=";
    for (start, _) in text.match_indices(NAME) {
        let start = start + NAME.len();
        let rest = text.get(start..).unwrap_or_default();
        let length = rest.bytes().take_while(|b| b.is_ascii_graphic() && !b"&\"'`".contains(b)).count();
        if length > 0 {
            found.push(start..start + length);
        }
    }
}

/// Passwords in addresses: `https://user:password@host`.
fn userinfo(text: &str, found: &mut Vec<Range<usize>>) {
    let mut done = 0;
    for (start, _) in text.match_indices("://") {
        if start < done {
            continue;
        }
        let rest = text.get(start + 3..).unwrap_or_default();
        let length = rest.bytes().take_while(|b| b.is_ascii_graphic() && !b"/?#\"'<>\\`".contains(b)).count();
        done = start + 3 + length;
        let authority = rest.get(..length).unwrap_or_default();
        if let Some((user, _)) = authority.rsplit_once('@')
            && let Some((name, password)) = user.split_once(':')
            && !password.is_empty()
        {
            let from = start + 3 + name.len() + 1;
            found.push(from..from + password.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{find, names_a_secret, star_out};

    fn starred(text: &str) -> String {
        star_out(text, &find(text))
    }

    #[test]
    fn keys_are_found_wherever_they_stand() {
        assert_eq!(starred("credential = \"sk-proj-abc123def456ghi\""), "credential = \"***********************\"");
        assert_eq!(starred("# old: AKIAIOSFODNN7ABCDEFG."), "# old: *********************");
        assert_eq!(starred("x = 'Bearer abcdef0123456789'"), "x = '***********************'");
        assert_eq!(starred("\"https://me:hunter2@example.org/v1\""), "\"https://me:*******@example.org/v1\"");
        assert_eq!(starred("'pkcs11:token=t?pin-value=12&x=1'"), "'pkcs11:token=t?pin-value=**&x=1'");
        let pem = "k = '''-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----'''";
        assert_eq!(starred(pem), format!("k = '''{}\n****\n{}'''", "*".repeat(30), "*".repeat(28)));
    }

    #[test]
    fn a_key_without_an_end_is_starred_to_the_end() {
        assert_eq!(starred("-----BEGIN PRIVATE KEY-----\nab"), "***************************\n**");
    }

    #[test]
    fn names_patterns_and_paths_are_left_alone() {
        for text in [
            "workload = \"task-scheduler-0123456789\"",
            "zone = \"sk-line-2-conveyor\"",
            "patterns = ['sk-[a-z0-9]{20,}', 'AKIA[0-9A-Z]{16}']",
            "file = \"secrets/openai.key\"",
            "environment = \"OPENAI_API_KEY\"",
            "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
            "issuer = \"https://login.example/realms/plant\"",
            "the bearer of this token",
        ] {
            assert_eq!(starred(text), text);
        }
    }

    #[test]
    fn starring_keeps_every_byte_in_its_place() {
        let text = "ä = \"https://u:pä\u{df}1@h\" # ü";
        assert_eq!(starred(text).len(), text.len());
    }

    #[test]
    fn a_key_can_say_that_it_holds_a_secret() {
        assert!(["password", "api_key", "API-Key", "client_secret"].iter().all(|key| names_a_secret(key)));
        assert!(["keys", "tokens", "key", "credential", "certificate"].iter().all(|key| !names_a_secret(key)));
    }
}
