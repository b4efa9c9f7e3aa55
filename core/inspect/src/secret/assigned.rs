//! Values that are assigned to a telling name: `API_KEY = "..."`, `password: ...`, `<token>...</token>`,
//! `--password ...`.
//!
//! The automaton finds the keyword; this reads the whole name around it and the value; `tie` what is between. The name
//! must *end* in the keyword (`token_count`, `passwordLabel` name something else), and the value must look the part.

use super::tie::{Tie, is_name, tie};
use super::value::{Shape, placeholder, uuid};
use crate::bytes::{Bytes, Word, is_blank};
use crate::rule::BuiltIn;
use std::ops::Range;

/// What a keyword says of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// A password: any value, if it is written as one.
    Password,
    /// A key or token: a random value.
    Key,
    /// Says little by itself (`key`, `auth`): a value that can be nothing else.
    Hint,
}

/// The keywords, in lower case. Matched without case.
pub(crate) const KEYWORDS: &[(&str, Names)] = &[
    ("password", Names::Password),
    ("passwort", Names::Password),
    ("kennwort", Names::Password),
    ("passphrase", Names::Password),
    ("passwd", Names::Password),
    ("pwd", Names::Password),
    ("pass", Names::Password),
    ("pw", Names::Password),
    ("storepass", Names::Password),
    ("keypass", Names::Password),
    ("authtok", Names::Password),
    ("schlüssel", Names::Hint),
    ("seed", Names::Hint),
    ("wachtwoord", Names::Password),
    ("mot de passe", Names::Password),
    ("contraseña", Names::Password),
    ("contrasena", Names::Password),
    ("senha", Names::Password),
    ("parola", Names::Password),
    ("heslo", Names::Password),
    ("hasło", Names::Password),
    ("haslo", Names::Password),
    ("lösenord", Names::Password),
    ("пароль", Names::Password),
    ("Пароль", Names::Password),
    ("密码", Names::Password),
    ("密碼", Names::Password),
    ("パスワード", Names::Password),
    ("비밀번호", Names::Password),
    ("secret", Names::Key),
    ("token", Names::Key),
    ("apikey", Names::Key),
    ("api_key", Names::Key),
    ("api-key", Names::Key),
    ("api key", Names::Key),
    ("accesskey", Names::Key),
    ("access_key", Names::Key),
    ("access-key", Names::Key),
    ("secretkey", Names::Key),
    ("secret_key", Names::Key),
    ("secret-key", Names::Key),
    ("accountkey", Names::Key),
    ("account_key", Names::Key),
    ("sharedkey", Names::Key),
    ("presharedkey", Names::Key),
    ("privatekey", Names::Key),
    ("private_key", Names::Key),
    ("private-key", Names::Key),
    ("license_key", Names::Key),
    ("licensekey", Names::Key),
    ("encryption_key", Names::Key),
    ("signing_key", Names::Key),
    ("auth_key", Names::Key),
    ("authkey", Names::Key),
    ("credential", Names::Key),
    ("credentials", Names::Key),
    ("querykey", Names::Key),
    ("api", Names::Hint),
    ("key", Names::Hint),
    ("auth", Names::Hint),
    ("community", Names::Hint),
    ("license", Names::Hint),
    ("unseal", Names::Key),
    ("pat", Names::Hint),
    ("jwt", Names::Hint),
    ("salt", Names::Hint),
    ("psk", Names::Password),
    ("passcode", Names::Password),
    ("shared_key", Names::Key),
    ("shared-key", Names::Key),
    ("login", Names::Hint),
];

/// What may follow the keyword within the name without changing what it names.
const SUFFIXES: [&str; 14] = [
    "", "value", "_value", "-value", "_base", "string", "_string", "-string", "b64", "_b64", "text", "_test", "_prod",
    "et",
];

/// The value that the name around the keyword at `keyword` is given.
pub(crate) fn assigned(text: Bytes<'_>, keyword: Range<usize>, names: Names) -> Option<(BuiltIn, Range<usize>)> {
    let name = name(text, &keyword, names)?;
    let (tie, from) = tie(text, &name, names == Names::Hint)?;
    let (quoted, span) = value(text, from, tie, names)?;
    // In `secret key:x` it is given to the key.
    let given = || text.slice(span.start..span.end - 1).iter().any(|b| *b == b':' || *b == b'=');
    if tie == Tie::Beside && given() {
        return None;
    }
    let fits = match names {
        Names::Password => is_password(text, &span, quoted, tie),
        Names::Key => {
            let chosen =
                |value| matches!(tie, Tie::Assign | Tie::Colon | Tie::Element) && is_chosen(value, Shape::of(value));
            let secret = Word(text.slice(keyword)).is_one_of(&["secret", "credential"]);
            let value = text.slice(span.clone());
            is_key(text, &span, quoted, tie, false)
                || secret && !placeholder(value) && chosen(value) && (quoted || followed_by_end(text, span.end))
        }
        Names::Hint => is_key(text, &span, quoted, tie, true),
    };
    let rule = if names == Names::Password { BuiltIn::AssignedPassword } else { BuiltIn::AssignedKey };
    fits.then_some((rule, span))
}

/// Names that end in a keyword and hold nothing secret: public halves, fingerprints, page and form tokens.
const NOT_NAMES: [&str; 14] = [
    "public",
    "pub",
    "recv",
    "primary",
    "foreign",
    "partition",
    "sort",
    "cache",
    "csrf",
    "authenticity",
    "next",
    "page",
    "apt",
    "range",
];

/// The whole identifier, if the keyword is its last word.
fn name(text: Bytes<'_>, keyword: &Range<usize>, names: Names) -> Option<Range<usize>> {
    let first = text.at(keyword.start);
    let before = text.before(keyword.start);
    let short = keyword.len() <= 4 || names == Names::Hint;
    let camel = first.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit());
    if before.is_ascii_alphabetic() && !camel && short && !is_owned(text, keyword.start, names) {
        return None;
    }
    let end = text.run(keyword.end, 24, is_name);
    let rest = text.slice(keyword.end..end);
    let ends = rest.iter().all(u8::is_ascii_digit)
        || SUFFIXES.iter().any(|suffix| rest.eq_ignore_ascii_case(suffix.as_bytes()));
    let start = text.run_back(keyword.start, 48, is_name);
    let head = text.slice(start..keyword.start);
    let head = head.strip_suffix(b"_").or_else(|| head.strip_suffix(b"-")).unwrap_or(head);
    let harmless = NOT_NAMES.iter().any(|word| {
        head.len() >= word.len()
            && head.get(head.len() - word.len()..).is_some_and(|tail| tail.eq_ignore_ascii_case(word.as_bytes()))
    });
    (ends && !harmless && !text.words_before(start).take(2).any(|word| word.is_one_of(&["public"])))
        .then_some(start..end)
}

/// Whether what a short word for a password is joined to says whose it is: `dbpass`, `ROOTPW`; not `bypass`, `compass`.
fn is_owned(text: Bytes<'_>, keyword: usize, names: Names) -> bool {
    const OWNERS: [&str; 28] = [
        "db", "user", "auth", "bind", "root", "smtp", "mail", "ftp", "sftp", "sql", "mysql", "pg", "mqtt", "admin",
        "ssh", "login", "wifi", "vpn", "snmp", "redis", "mongo", "svc", "cert", "sudo", "become", "http", "proxy",
        "ldap",
    ];
    let start = text.run_back(keyword, 12, |b| b.is_ascii_alphabetic());
    names == Names::Password && Word(text.slice(start..keyword)).is_one_of(&OWNERS)
}

/// Bytes that end a value without quotes. Table, because many such names in a row each look far ahead.
const KEY_ENDS: [bool; 256] = ends(br#""'`<>,;|&\(){}[]#"#);
const PASSWORD_ENDS: [bool; 256] = ends(br#""'`<>,;|&\"#);

const fn ends(marks: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut mark = 0;
        #[expect(clippy::indexing_slicing, reason = "both are below the length of what they index")]
        while mark < marks.len() {
            table[byte] |= marks[mark] as usize == byte;
            mark += 1;
        }
        #[expect(clippy::indexing_slicing, reason = "byte is below the table's 256")]
        {
            table[byte] |= byte <= 32 || byte == 127;
        }
        byte += 1;
    }
    table
}

/// Whether the value is quoted, and where it stands.
fn value(text: Bytes<'_>, from: usize, tie: Tie, names: Names) -> Option<(bool, Range<usize>)> {
    let mut from = from;
    // A scheme before a token: `Authorization: Bearer ...`.
    for scheme in ["bearer ", "basic ", "token "] {
        if text.continues(from, scheme) {
            from += scheme.len();
        }
    }
    // A letter may say what kind of text it is: `N'...'`, `b"..."`, `@"..."`.
    if matches!(text.at(from), b'N' | b'b' | b'r' | b'u' | b'L' | b'@') && matches!(text.at(from + 1), b'"' | b'\'') {
        from += 1;
    }
    let escapes = text.run(from, 8, |b| b == b'\\') - from;
    let quote = text.at(from + escapes);
    if matches!(quote, b'"' | b'\'' | b'`') {
        let start = from + escapes + 1;
        let end =
            closing_quote(text, start, quote, escapes).or_else(|| closing_quote(text, start, quote, usize::MAX))?;
        // One that holds a sentence holds no key.
        let value = text.slice(start..end);
        return (!value.is_empty() && (names == Names::Password || !value.contains(&b' ')))
            .then_some((true, start..end));
    }
    from += escapes.min(1);
    if let Some(literal) = converted(text, from) {
        return Some((true, literal));
    }
    let stops = if names == Names::Password { &PASSWORD_ENDS } else { &KEY_ENDS };
    let stop = |b: u8| stops.get(usize::from(b)).is_some_and(|stop| *stop);
    let most = longest(names) + 32;
    let mut end = text.run(from, most, |b| !stop(b));
    // Only in front of the next member of a query does it end one.
    while names == Names::Password && text.at(end) == b'&' && end - from < most {
        let member = text.run(end + 1, 48, is_name);
        if end == from || member == end + 1 || matches!(text.at(member), b'=' | b';' | b'\'' | b'"') {
            break;
        }
        end = text.run(member, most.saturating_sub(member - from), |b| !stop(b));
    }
    let closing =
        |b: u8| matches!(b, b'.' | b':' | b'!' | b'?') && tie != Tie::Assign || matches!(b, b')' | b'}' | b']');
    while end > from && closing(text.before(end)) {
        end -= 1;
    }
    // `sk-1234..` is cut off on purpose.
    let cut = super::value::contains(text.slice(from..end + 2), b"..");
    (end > from && !cut).then_some((false, from..end))
}

/// The literal that a call makes into bytes: `Encoding.UTF8.GetBytes("x")`, `bytes.fromhex("x")`.
fn converted(text: Bytes<'_>, from: usize) -> Option<Range<usize>> {
    const MAKE: [&str; 10] = [
        "getbytes",
        "fromhex",
        "b64decode",
        "frombase64string",
        "from",
        "bytes",
        "atob",
        "unhexlify",
        "decodestring",
        "encode",
    ];
    let open = text.run(from, 64, |b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_'));
    let quote = text.at(open + 1);
    if open == from || text.at(open) != b'(' || !matches!(quote, b'"' | b'\'') {
        return None;
    }
    let verb = text.run_back(open, open - from, |b| b != b'.');
    let end = closing_quote(text, open + 2, quote, 0)?;
    (end > open + 2 && Word(text.slice(verb..open)).is_one_of(&MAKE)).then_some(open + 2..end)
}

/// Longest value that such a name is given, in bytes.
fn longest(names: Names) -> usize {
    match names {
        Names::Password => 128,
        Names::Key => 512,
        Names::Hint => 256,
    }
}

/// Where the value ends that began behind a quote with so many backslashes in front: at the first quote with no more, or
/// with as many more as say that the value ends in backslashes. None in the same line: it holds no value.
fn closing_quote(text: Bytes<'_>, start: usize, quote: u8, escapes: usize) -> Option<usize> {
    let mut at = start;
    loop {
        at = text.run(at, 600usize.saturating_sub(at - start), |b| b != quote && b != b'\n');
        if text.at(at) != quote {
            // A text that was cut off holds it all the same.
            return (at == text.len()).then_some(at);
        }
        let own = at - text.run_back(at, at - start, |b| b == b'\\');
        let more = own.saturating_sub(escapes);
        if more.is_multiple_of(escapes.saturating_add(1).saturating_mul(2)) {
            return Some(at - own);
        }
        at += 1;
    }
}

/// A value that a password's name is given: short ones too, words too, but neither code nor prose.
fn is_password(text: Bytes<'_>, span: &Range<usize>, quoted: bool, tie: Tie) -> bool {
    const NOTHING: [&str; 26] = [
        "none",
        "null",
        "nil",
        "true",
        "false",
        "undefined",
        "password",
        "passwd",
        "secret",
        "string",
        "required",
        "optional",
        "test",
        "pass",
        "user",
        "username",
        "empty",
        "hidden",
        "disabled",
        "enabled",
        "yes",
        "no",
        "fail",
        "ok",
        "text",
        "pwd",
    ];
    let value = text.slice(span.clone());
    if !(4..=longest(Names::Password)).contains(&value.len()) || placeholder(value) {
        return false;
    }
    let shape = Shape::of(value);
    if shape.letters() + shape.digits == 0 {
        return false;
    }
    // Labels of forms are words for a password, too.
    let words = NOTHING.iter().copied().chain(KEYWORDS.iter().map(|(word, _)| *word));
    let last = value.rsplit(|b| *b == b'-' || *b == b'_').next().unwrap_or(value);
    let last = last.strip_suffix(b"%").unwrap_or(last);
    let nothing = |value: &[u8]| words.clone().any(|word| value.eq_ignore_ascii_case(word.as_bytes()));
    if nothing(value) || shape.digits == 0 && nothing(last) || is_code(value) || is_path(value) {
        return false;
    }
    let words = value.split(|b| *b == b' ').count();
    if words > 1 && (!quoted || words > 6 || !(shape.digits > 0 || shape.others >= words)) {
        return false;
    }
    let plain = shape.digits == 0 && shape.others == 0 && (shape.upper == 0 || shape.upper == 1);
    match (tie, quoted) {
        (Tie::Assign | Tie::Element | Tie::Argument, true) => !value.ends_with(b":"),
        (Tie::Assign, false) => followed_by_end(text, span.end) && !is_call(text, span),
        (Tie::Element, false) => !plain || value.len() >= 6,
        (Tie::Colon, true) => !plain || value.len() >= 8 && !shape.wordy(),
        (Tie::Colon | Tie::Flag | Tie::Argument, false) => {
            let mixed = shape.digits > 0 && shape.letters() > 0 || shape.random();
            (mixed || has_sign(value) || is_account(text, span)) && !is_call(text, span)
        }
        (Tie::Flag, true) => true,
        // `password 7 0822455D0A16`: as devices store it.
        (Tie::Beside, _) if value.len() >= 8 && text.slice(span.start - 3..span.start) == b" 7 " => {
            value.iter().all(u8::is_ascii_alphanumeric) && shape.digits > 0
        }
        (Tie::Beside, _) => {
            let mixed = value.len() >= 8 && shape.digits > 0 && shape.lower > 0 && shape.upper > 0;
            // `insecure-password x` alone ends its line: a statement, not prose.
            let stated = || {
                let name = text.run_back(span.start - 1, 48, is_name)..span.start;
                text.slice(name).iter().any(|b| matches!(b, b'-' | b'_'))
                    && matches!(text.at(span.end), 0 | b'\n' | b'\r')
            };
            let digits = value.len() >= 6 && shape.digits > 0 && shape.letters() > 2;
            (mixed || value.len() >= 20 && shape.random() && shape.digits >= 4 || digits && stated())
                && !is_call(text, span)
        }
        (Tie::Prose, quoted) => quoted && words == 1 || shape.digits > 0 && shape.letters() > 0,
    }
}

/// Whether a sign stands among its letters that words are not joined with: `grün#Kessel`.
fn has_sign(value: &[u8]) -> bool {
    value.len() >= 6 && {
        let inner = value.get(1..value.len() - 1).unwrap_or_default();
        inner.iter().any(|b| matches!(b, b'!' | b'#' | b'$' | b'%' | b'&' | b'*' | b'+' | b'=' | b'?' | b'^' | b'~'))
    }
}

/// Whether a joined word ends the line in which, or in the line before which, a user is named: `user: x / password: red-Heron`.
fn is_account(text: Bytes<'_>, span: &Range<usize>) -> bool {
    const USERS: [&str; 10] = [
        "user:",
        "username:",
        "user=",
        "login:",
        "benutzer:",
        "benutzername:",
        "account:",
        "konto:",
        "usuario:",
        "utilisateur:",
    ];
    let value = text.slice(span.clone());
    let joined = value.len() >= 8
        && value.iter().any(|b| matches!(b, b'-' | b'_' | b'.'))
        && value.last().is_some_and(u8::is_ascii_alphanumeric);
    joined && matches!(text.at(text.run(span.end, 4, is_blank)), 0 | b'\n' | b'\r') && {
        let before = text.slice(span.start.saturating_sub(80)..span.start).to_ascii_lowercase();
        USERS.iter().any(|user| super::value::contains(&before, user.as_bytes()))
    }
}

/// What a person chose for a secret: capitals, small letters and digits, or a sign that words are not joined with.
fn is_chosen(value: &[u8], shape: Shape) -> bool {
    let mixed = shape.lower > 0 && shape.upper > 0 && shape.digits > 0;
    let joined = |b: &u8| b.is_ascii_alphanumeric() || b"-_.!#$%&*+=?^~@".contains(b);
    value.len() >= 10
        && (mixed || has_sign(value))
        && value.iter().all(joined)
        && !is_code(value)
        && !super::vendor::marked(value)
}

/// The name of something: small words and numbers that are joined, `gw-tls-2024`.
fn is_joined_words(value: &[u8]) -> bool {
    let word = |part: &[u8]| {
        !part.is_empty()
            && (part.iter().all(u8::is_ascii_lowercase) || part.len() < 5 && part.iter().all(u8::is_ascii_digit))
    };
    let parts = || value.split(|b| matches!(b, b'-' | b'_'));
    value.len() < 24 && parts().count() > 1 && parts().all(word)
}

/// A value that a key's name is given: it must look random.
fn is_key(text: Bytes<'_>, span: &Range<usize>, quoted: bool, tie: Tie, hint: bool) -> bool {
    let value = text.slice(span.clone());
    let names = if hint { Names::Hint } else { Names::Key };
    if !(10..=longest(names)).contains(&value.len()) || placeholder(value) || is_path(value) {
        return false;
    }
    let shape = Shape::of(value);
    if !shape.varied() {
        return false;
    }
    if !value.iter().all(|b| b.is_ascii_graphic()) {
        return quoted
            && !hint
            && value.len() >= 20
            && value.iter().any(|b| *b >= 0x80)
            && shape.digits + shape.letters() > 10;
    }
    if is_code(value) || !quoted && is_call(text, span) || tie == Tie::Prose && shape.digits == 0 {
        return false;
    }
    if uuid(value) {
        return !hint;
    }
    if super::vendor::marked(value) || is_joined_words(value) {
        return false;
    }
    if tie == Tie::Beside {
        return value.len() >= 16 && shape.random() && shape.digits >= 2;
    }
    if hint {
        return value.len() >= 16 && shape.random() && shape.digits >= 2;
    }
    shape.random() || shape.digits == shape.length && shape.length >= 16
}

/// An expression rather than a value: `env.PASSWORD`, `getPassword()`, `self.token`, `config["x"]`, `a::b`.
fn is_code(value: &[u8]) -> bool {
    let has = |part: &[u8]| super::value::contains(value, part);
    let begins = |part: &[u8]| value.get(..part.len()).is_some_and(|head| head.eq_ignore_ascii_case(part));
    if has(b"://")
        || has(b"()")
        || has(b"->")
        || has(b"::")
        || begins(b"process.")
        || begins(b"os.")
        || begins(b"env.")
        || begins(b"self.")
        || begins(b"this.")
        || begins(b"var.")
        || begins(b"secrets.")
        || begins(b"config")
        // Commands of PowerShell that ask for one.
        || begins(b"read-host")
        || begins(b"convertto-")
        || begins(b"convertfrom-")
        || begins(b"get-")
        || begins(b"new-object")
    {
        return true;
    }
    // Dotted words: every part an identifier without digits.
    let parts: Vec<&[u8]> = value.split(|b| *b == b'.').collect();
    parts.len() > 1
        && parts.iter().all(|part| part.len() > 1 && part.iter().all(|b| b.is_ascii_alphabetic() || *b == b'_'))
}

fn is_path(value: &[u8]) -> bool {
    let slashes = value.iter().filter(|b| **b == b'/').count();
    (value.starts_with(b"/") || value.starts_with(b"./") || value.starts_with(b"~/") || value.starts_with(b"#"))
        && Shape::of(value).wordy()
        || slashes >= 2 && Shape::of(value).wordy()
}

/// Whether the unquoted value is called or indexed: `get_token(`, `tokens[`.
fn is_call(text: Bytes<'_>, span: &Range<usize>) -> bool {
    let next = text.at(span.end);
    matches!(next, b'(' | b'[' | b'{') || text.slice(span.clone()).iter().any(|b| matches!(b, b'(' | b'[' | b'{'))
}

/// Whether nothing but the end of a line, a separator or a comment follows: `a = b + c` assigns no literal.
fn followed_by_end(text: Bytes<'_>, at: usize) -> bool {
    let next = text.run(at, 8, is_blank);
    next == at && text.at(at) != b'('
        || matches!(text.at(next), 0 | b'\n' | b'\r' | b';' | b'#' | b',' | b'&' | b'"' | b'\'')
        || text.at(next).is_ascii_alphanumeric()
        || text.at(next) == b'-'
}
