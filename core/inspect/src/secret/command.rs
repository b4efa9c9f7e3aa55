//! Words that a command, a call or a device's configuration takes for a secret without giving it a name: SNMP communities,
//! `sshpass -p`, `docker login -u x -p y`, `HTTPBasicAuth("x", "y")`.

use super::value::{Shape, placeholder};
use crate::bytes::{Bytes, Word, is_blank};
use crate::rule::BuiltIn;
use std::ops::Range;

/// Longest command that is looked at, in bytes.
const COMMAND: usize = 240;

/// Where a command has its secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Right behind.
    Behind,
    /// Behind an option; with a blank between, or not.
    Option(&'static str, bool),
    /// The second word, of which the first is an address: `net use z: \\server\share word /user:x`.
    Share,
    /// The second word, of which the first is a user: `net user operator word /add`.
    User,
    /// The second of two quoted arguments.
    Second,
    /// The signature of an address, escaped.
    Signature,
    /// A device's token in the path of an address.
    Path,
    /// Behind a slash and in front of an `@`: `user/word@database`.
    Login,
    /// Behind the `%` of what an option is given: `-U user%word`.
    Percent,
    /// What a device's statement has behind a word: `radius-server host 10.0.0.1 key 0 word`.
    Statement(&'static [&'static str]),
    /// A user of a device and its password at the line's end: `username ops privilege 15 secret 0 word`.
    Account,
    /// The member `P:` of what a label of a wireless network says.
    Wireless,
    /// The fifth of five fields, of which this is the second: `host:5432:database:user:word`.
    Field,
    /// The lines of a private key of PuTTY.
    Lines,
    /// Behind a slash: `Zugangsdaten Kamera 2: user / word`.
    Pair,
    /// What a cookie for a session is given.
    Cookie,
    /// The value that stands where the column for a password does: `insert into t(user, password) values ('x', 'word')`.
    Insert,
}

const P: Place = Place::Option("-p", true);
const JOINED: Place = Place::Option("-p", false);
const CAPITAL: Place = Place::Option("-P", true);

/// What stands in front of such a word, in lower case and as much of it as may be searched for, and where the word is.
#[rustfmt::skip]
pub(crate) const COMMANDS: &[(&str, Place)] = &[
    ("snmp-server community ", Place::Behind),
    ("snmp community ", Place::Statement(&[])),
    ("snmp-agent community ", Place::Statement(&[])),
    ("rocommunity ", Place::Behind),
    ("rwcommunity ", Place::Behind),
    ("rocommunity6 ", Place::Behind),
    ("rwcommunity6 ", Place::Behind),
    ("-v2c -c ", Place::Behind),
    ("-v 2c -c ", Place::Behind),
    ("-v1 -c ", Place::Behind),
    ("-v 1 -c ", Place::Behind),
    ("sshpass -p ", Place::Behind),
    ("enable secret ", Place::Statement(&[])),
    ("enable password ", Place::Statement(&[])),
    ("radius-server ", Place::Statement(&["key"])),
    ("tacacs-server ", Place::Statement(&["key"])),
    ("authentication-server ", Place::Statement(&["key"])),
    ("authentication-key ", Place::Statement(&[])),
    ("message-digest-key ", Place::Statement(&["md5"])),
    ("set passwd ", Place::Statement(&[])),
    ("set password ", Place::Statement(&[])),
    ("set psksecret ", Place::Statement(&[])),
    ("pre-shared-key ", Place::Statement(&[])),
    ("isakmp key ", Place::Statement(&[])),
    ("username ", Place::Account),
    ("identified by ", Place::Behind),
    ("convertto-securestring ", Place::Behind),
    ("convertto-securestring -string ", Place::Behind),
    ("convertto-securestring -asplaintext ", Place::Behind),
    ("&sig=", Place::Signature),
    ("?appid=", Place::Signature),
    ("&appid=", Place::Signature),
    ("zugangsdaten", Place::Pair),
    ("credentials", Place::Pair),
    ("account is ", Place::Pair),
    ("login is ", Place::Pair),
    ("cookie: ", Place::Cookie),
    ("insert into ", Place::Insert),
    ("docker login ", P),
    ("podman login ", P),
    ("helm registry login ", P),
    ("az login ", P),
    ("oc login ", P),
    ("psexec ", P),
    ("influx user create ", P),
    ("az sql ", P),
    ("ssh-keygen ", Place::Option("-N", true)),
    ("snmpwalk ", Place::Option("-A", true)),
    ("snmpwalk ", Place::Option("-X", true)),
    ("snmpget ", Place::Option("-A", true)),
    ("snmpget ", Place::Option("-X", true)),
    // With a blank behind, it asks.
    ("mysql ", JOINED),
    ("mysqldump ", JOINED),
    ("mysqladmin ", JOINED),
    ("mariadb ", JOINED),
    ("7z ", JOINED),
    ("sqlcmd ", CAPITAL),
    ("osql ", CAPITAL),
    ("isql ", CAPITAL),
    ("bcp ", CAPITAL),
    ("mosquitto_pub ", CAPITAL),
    ("mosquitto_sub ", CAPITAL),
    ("zip ", CAPITAL),
    ("unzip ", CAPITAL),
    ("plink ", Place::Option("-pw", true)),
    ("pscp ", Place::Option("-pw", true)),
    ("redis-cli ", Place::Option("-a", true)),
    ("ldapsearch ", Place::Option("-w", true)),
    ("ldapmodify ", Place::Option("-w", true)),
    ("ipmitool ", CAPITAL),
    ("cmdkey ", Place::Option("/pass:", false)),
    ("schtasks ", Place::Option("/rp", true)),
    ("xfreerdp ", Place::Option("/p:", false)),
    ("smbclient ", Place::Percent),
    ("rpcclient ", Place::Percent),
    ("net use ", Place::Share),
    ("net user ", Place::User),
    ("rabbitmqctl add_user ", Place::User),
    ("rabbitmqctl change_password ", Place::User),
    ("sqlplus ", Place::Login),
    ("sqlldr ", Place::Login),
    ("expdp ", Place::Login),
    ("impdp ", Place::Login),
    ("rman target ", Place::Login),
    ("oracle:thin:", Place::Login),
    ("wifi:t:", Place::Wireless),
    ("wifi:s:", Place::Wireless),
    (":5432:", Place::Field),
    ("private-lines: ", Place::Lines),
    ("basicauth(", Place::Second),
    ("auth = (", Place::Second),
    ("auth=(", Place::Second),
    ("username_pw_set(", Place::Second),
    ("credentials(", Place::Second),
    ("credential(", Place::Second),
    ("/api/v1/", Place::Path),
];

/// The word that the command which begins with the `head` of this row takes for a secret.
pub(crate) fn word(text: Bytes<'_>, head: Range<usize>, row: usize) -> Option<(BuiltIn, Range<usize>)> {
    let (literal, place) = *COMMANDS.get(row)?;
    let begins_word = literal.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric());
    let alone = matches!(place, Place::Behind | Place::Second | Place::Login | Place::Field);
    if begins_word && !alone && text.before(head.start).is_ascii_alphanumeric() {
        return None;
    }
    let line = head.end..text.run(head.end, COMMAND, |b| b != b'\n' && b != b'\r');
    let span = match place {
        Place::Behind => argument(text, head.end + usize::from(text.continues(head.end, "values "))),
        Place::Option(name, apart) => option(text, line, name, apart)?,
        Place::Share => share(text, line)?,
        Place::User => argument(text, text.run(text.run(line.start, 64, |b| b > b' '), 2, is_blank)),
        Place::Percent => percent(text, line)?,
        Place::Login => login(text, line)?,
        Place::Statement(behind) => statement(text, line, behind)?,
        Place::Account => account(text, head.start, line)?,
        Place::Wireless => wireless(text, line)?,
        Place::Field => field(text, head)?,
        Place::Lines => return lines(text, line.end),
        Place::Pair => pair(text, line)?,
        Place::Cookie => return cookie(text, line),
        Place::Insert => insert(text, line)?,
        Place::Second => return second(text, line),
        Place::Signature => return signature(text, head.end),
        Place::Path => return device(text, head.end),
    };
    // The communities that every device comes with are no secret.
    let usual = [&b"public"[..], b"private", b"<community>", b"community", b"string", b"password", b"external"];
    let value = text.slice(span.clone());
    let fits = value.len() >= 4
        && !matches!(value.first(), Some(b'-' | b'/'))
        && !usual.iter().any(|known| value.eq_ignore_ascii_case(known))
        && !placeholder(value);
    fits.then_some((BuiltIn::CommandPassword, span))
}

/// The word at `from`, without its quotes.
fn argument(text: Bytes<'_>, from: usize) -> Range<usize> {
    let quote = text.at(from);
    let quoted = matches!(quote, b'"' | b'\'');
    let start = from + usize::from(quoted);
    let end =
        text.run(start, 64, |b| if quoted { b != quote && b != b'\n' } else { b > b' ' && !b"\"'`,;<>|".contains(&b) });
    start..end
}

/// What an option of the command in `line` is given.
fn option(text: Bytes<'_>, line: Range<usize>, name: &str, apart: bool) -> Option<Range<usize>> {
    let mut from = line.start;
    loop {
        let at = from + memchr::memmem::find(text.slice(from..line.end), name.as_bytes())?;
        let end = at + name.len();
        let begins = is_blank(text.before(at));
        let value = if apart { text.run(end, 4, |b| is_blank(b) || b == b'=') } else { end };
        if begins && (value > end) == apart && text.at(value) > b' ' {
            return Some(argument(text, value));
        }
        from = end;
    }
}

fn share(text: Bytes<'_>, line: Range<usize>) -> Option<Range<usize>> {
    let user = memchr::memmem::find(text.slice(line.clone()), b"/user:")? + line.start;
    let unc = memchr::memmem::find(text.slice(line.start..user), b"\\\\")? + line.start;
    let value = text.run(text.run(unc, COMMAND, |b| b > b' '), 4, is_blank);
    (value < user && text.at(value) != b'*').then(|| argument(text, value))
}

/// Behind the `%` of `-U user%word`, `-U 'works\\user%word'`.
fn percent(text: Bytes<'_>, line: Range<usize>) -> Option<Range<usize>> {
    let given = option(text, line, "-U", true)?;
    let split = text.run(given.start, given.len(), |b| b != b'%');
    (split < given.end).then_some(split + 1..given.end)
}

/// `user/word@database`, `user/word`, quoted or not: the first of the line that is written so.
fn login(text: Bytes<'_>, line: Range<usize>) -> Option<Range<usize>> {
    let inside = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$' | b'#' | b'\\' | b'.');
    let mut at = line.start;
    // Options stand in front: `-s`, `-L`.
    while text.at(at) == b'-' {
        at = text.run(text.run(at, 32, |b| b > b' '), 2, is_blank);
    }
    at += usize::from(matches!(text.at(at), b'"' | b'\''));
    let slash = text.run(at, 64, inside);
    let end = text.run(slash + 1, 64, |b| b > b' ' && !b"@\"'`,;<>|".contains(&b));
    (slash > at && text.at(slash) == b'/' && slash < line.end && !text.continues(slash, "//")).then_some(slash + 1..end)
}

/// The word that a device's statement ends in or that stands behind one of its words, without the digit that says how it is
/// kept. Words that say what a community may do are none.
fn statement(text: Bytes<'_>, line: Range<usize>, behind: &[&str]) -> Option<Range<usize>> {
    const RIGHTS: [&str; 19] = [
        "ascii-text",
        "hexadecimal",
        "local",
        "remote",
        "ro",
        "rw",
        "read",
        "write",
        "read-only",
        "read-write",
        "add",
        "set",
        "name",
        "cipher",
        "simple",
        "plain",
        "host",
        "string",
        "level",
    ];
    let mut found = behind.is_empty();
    for span in words(text, line) {
        let span = argument(text, span.start);
        let value = text.slice(span.clone());
        let shape = Shape::of(value);
        let skipped = Word(value).is_one_of(&RIGHTS) || span.len() < 2;
        if found && !skipped {
            let inner = value.get(1..).is_some_and(|rest| rest.iter().any(u8::is_ascii_uppercase)) && shape.lower > 0;
            return (shape.digits + shape.others > 0 || inner).then_some(span);
        }
        found = found || Word(value).is_one_of(behind);
    }
    None
}

/// `username ops privilege 15 secret 0 word` to the end of its line.
fn account(text: Bytes<'_>, start: usize, line: Range<usize>) -> Option<Range<usize>> {
    let first = text.run_back(start, 8, is_blank);
    let words: Vec<Range<usize>> = words(text, line.clone()).take(8).collect();
    let is = |at: usize, of: &[&str]| words.get(at).is_some_and(|span| Word(text.slice(span.clone())).is_one_of(of));
    let at = 1 + 2 * usize::from(is(1, &["privilege", "role", "group"]));
    let kind = usize::from(words.get(at + 1).is_some_and(|span| span.len() == 1));
    let span = words.get(at + 1 + kind)?.clone();
    let value = Shape::of(text.slice(span.clone()));
    let alone = matches!(text.before(first), b'\n' | b'\r' | 0) && words.len() == at + 2 + kind;
    (alone && is(at, &["password", "secret"]) && value.digits + value.others + value.upper > 0).then_some(span)
}

/// The words of a line, as blanks part them.
fn words(text: Bytes<'_>, line: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let mut at = line.start;
    std::iter::from_fn(move || {
        let start = text.run(at, line.end.saturating_sub(at), is_blank);
        at = text.run(start, line.end.saturating_sub(start), |b| !is_blank(b));
        (at > start).then_some(start..at)
    })
}

/// `WIFI:T:WPA;S:network;P:word;;`, in which a backslash escapes.
fn wireless(text: Bytes<'_>, line: Range<usize>) -> Option<Range<usize>> {
    let start = line.start + memchr::memmem::find(text.slice(line), b";P:")? + 3;
    let mut end = start;
    while !matches!(text.at(end), b';' | b'\n' | 0) && end - start < 64 {
        end += 1 + usize::from(text.at(end) == b'\\');
    }
    Some(start..end.min(text.len()))
}

/// `host:5432:database:user:word`, alone in its line, as PostgreSQL's file of passwords has them.
fn field(text: Bytes<'_>, port: Range<usize>) -> Option<Range<usize>> {
    let inside = |b: u8| b > b' ' && b != b':';
    let start = text.run_back(port.start, 64, inside);
    let database = text.run(port.end, 64, inside);
    let user = text.run(database + 1, 64, inside);
    let end = text.run(user + 1, 128, |b| b > b' ');
    let whole = matches!(text.before(start), b'\n' | b'\r' | 0) && matches!(text.at(end), b'\n' | b'\r' | 0);
    (whole && text.at(database) == b':' && text.at(user) == b':' && user > database + 1).then_some(user + 1..end)
}

/// `user / word` of one line: the word has a digit or a sign among its letters.
fn pair(text: Bytes<'_>, line: Range<usize>) -> Option<Range<usize>> {
    let slash = line.start + memchr::memmem::find(text.slice(line.clone()), b" / ")?;
    let user = text.run_back(slash, 32, |b| b > b' ');
    let span = argument(text, slash + 3);
    let end = text.run_back(span.end, 2, |b| matches!(b, b'.' | b',' | b':')).max(span.start);
    let shape = Shape::of(text.slice(span.start..end));
    let near = user > line.start.saturating_sub(1) && slash - line.start < 64;
    (near && end - span.start >= 6 && shape.letters() > 2 && shape.digits > 0 && shape.digits + shape.others > 1)
        .then_some(span.start..end)
}

/// The first cookie of a session, or of who is signed in.
fn cookie(text: Bytes<'_>, line: Range<usize>) -> Option<(BuiltIn, Range<usize>)> {
    const OF: [&[u8]; 5] = [b"sess", b"sid", b"auth", b"token", b"jwt"];
    let mut at = line.start;
    while at < line.end {
        let end = text.run(at, line.end - at, |b| b != b';');
        let sign = text.run(at, end - at, |b| b != b'=');
        let name = text.slice(at..sign).to_ascii_lowercase();
        let value = text.slice(sign + 1..end);
        if OF.iter().any(|of| super::value::contains(&name, of)) && value.len() >= 16 && Shape::of(value).random() {
            return (!placeholder(value)).then_some((BuiltIn::AssignedKey, sign + 1..end));
        }
        at = end + 1;
    }
    None
}

/// `table(user, password) values ('x', 'word')`: the value at the place of the column.
fn insert(text: Bytes<'_>, line: Range<usize>) -> Option<Range<usize>> {
    const COLUMNS: [&str; 6] = ["password", "passwort", "passwd", "pwd", "kennwort", "secret"];
    let open = |from: usize| text.run(from, line.end.saturating_sub(from), |b| b != b'(') + 1;
    let columns = open(line.start);
    let close = text.run(columns, line.end.saturating_sub(columns), |b| b != b')');
    let named = |part: &[u8]| Word(part.trim_ascii().trim_ascii_start()).is_one_of(&COLUMNS);
    let place = text.slice(columns..close).split(|b| *b == b',').position(named)?;
    let mut at = open(close);
    for _ in 0..place {
        at = text.run(at, line.end.saturating_sub(at), |b| b != b',') + 1;
    }
    let value = text.run(at, 4, is_blank);
    (matches!(text.at(value), b'\'' | b'"') && value < line.end).then(|| argument(text, value))
}

/// The lines of base64 behind `Private-Lines: 1`.
fn lines(text: Bytes<'_>, from: usize) -> Option<(BuiltIn, Range<usize>)> {
    let start = text.run(from, 2, |b| b == b'\n' || b == b'\r');
    let end = text.run(start, 4096, |b| b.is_ascii_alphanumeric() || b"+/=\n\r".contains(&b));
    let end = text.run_back(end, end - start, |b| b != b'\n');
    let end = text.run_back(end, end - start, |b| b.is_ascii_whitespace());
    (end > start + 40 && Shape::of(text.slice(start..end)).random()).then_some((BuiltIn::PrivateKey, start..end))
}

/// `("user", "password")`: only if both are written out.
fn second(text: Bytes<'_>, line: Range<usize>) -> Option<(BuiltIn, Range<usize>)> {
    let quoted = |from: usize| {
        let quote = text.at(from);
        let end = text.run(from + 1, 64, |b| b != quote && b != b'\n');
        (matches!(quote, b'"' | b'\'') && text.at(end) == quote).then_some(from + 1..end)
    };
    let first = quoted(text.run(line.start, 2, is_blank))?;
    let comma = text.run(first.end + 1, 2, is_blank);
    let span = (text.at(comma) == b',').then(|| quoted(text.run(comma + 1, 2, is_blank))).flatten()?;
    let value = text.slice(span.clone());
    let shape = Shape::of(value);
    let fits = value.len() >= 6
        && !placeholder(value)
        && shape.digits + shape.others > 0
        && !value.contains(&b' ')
        && matches!(text.at(text.run(span.end + 1, 2, is_blank)), b')' | b',');
    fits.then_some((BuiltIn::CommandPassword, span))
}

/// The token of a device of ThingsBoard: what it sends goes to a path with it.
fn device(text: Bytes<'_>, from: usize) -> Option<(BuiltIn, Range<usize>)> {
    let end = text.run(from, 41, |b| b.is_ascii_alphanumeric());
    let to = ["/telemetry", "/attributes", "/rpc", "/claim", "/firmware"];
    let fits = (16..=40).contains(&(end - from)) && to.iter().any(|path| text.continues(end, path));
    (fits && Shape::of(text.slice(from..end)).random()).then_some((BuiltIn::AssignedKey, from..end))
}

/// The signature of a shared access signature: 32 bytes in base64, escaped for an address.
fn signature(text: Bytes<'_>, from: usize) -> Option<(BuiltIn, Range<usize>)> {
    let end = text.run(from, 128, |b| b.is_ascii_alphanumeric() || b"%+/=-_".contains(&b));
    let value = text.slice(from..end);
    let least = if text.before(from - 1) == b'g' { 40 } else { 32 };
    (value.len() >= least && !placeholder(value) && Shape::of(value).random())
        .then_some((BuiltIn::AssignedKey, from..end))
}

#[cfg(test)]
mod tests {
    use crate::fuzz::message;
    use crate::{Inspector, Settings};
    use plant::Sensitivity;

    fn found(inspector: &Inspector, text: &str) -> Vec<String> {
        let findings = inspector.read(&message(text)).expect("few findings");
        let ours = findings.into_iter().filter(|finding| finding.label.as_str().starts_with("secret"));
        ours.map(|finding| text[finding.span].to_owned()).collect()
    }

    #[test]
    fn a_secret_among_the_arguments_is_found_where_each_command_has_it() {
        let inspector = Inspector::new(&Settings::new(Sensitivity::LOWEST)).expect("built-in settings compile");
        for (text, secret) in [
            ("docker login -u ci -p Xk29dLq8vTz1 registry.works.example", "Xk29dLq8vTz1"),
            ("mysql -h db -u root -pXk29dLq8v prod", "Xk29dLq8v"),
            ("psexec \\\\hmi-4 -u WORKS\\admin -p 'Xk29!dL' cmd", "Xk29!dL"),
            ("net use Z: \\\\srv\\backup Xk29#dL /user:WORKS\\svc", "Xk29#dL"),
            ("az login --service-principal -u 4f2a -p Xk29~dLq8.vTz1 --tenant 4f2a", "Xk29~dLq8.vTz1"),
            ("plink -ssh -pw Xk29dLq8 root@10.0.0.4", "Xk29dLq8"),
            ("auth = (\"reader\", \"Xk29dLq8\")", "Xk29dLq8"),
            ("session.auth = HTTPBasicAuth('reader', 'Xk29dLq8')", "Xk29dLq8"),
            ("client.username_pw_set(\"bridge\", \"Xk29dLq8\")", "Xk29dLq8"),
            ("https://b.example/api/v1/Xk29dLq8vTz1Wm7Pq3/telemetry", "Xk29dLq8vTz1Wm7Pq3"),
            ("$c = ConvertTo-SecureString 'Xk29!dL' -AsPlainText -Force", "Xk29!dL"),
            ("New-Object NetworkCredential(\"svc\", \"Xk29dLq8\", \"WORKS\")", "Xk29dLq8"),
            ("sqlcmd -S db -U sa -P Xk29dLq8 -Q x", "Xk29dLq8"),
            ("sqlplus -s lims/Xk29dLq8@ORA", "Xk29dLq8"),
            ("jdbc:oracle:thin:lims/Xk29dLq8@//db:1521/LIMS", "Xk29dLq8"),
            ("smbclient //nas/r -U 'WORKS\\svc%Xk29dLq8' -c ls", "Xk29dLq8"),
            ("net user op4 Xk29dLq8 /add", "Xk29dLq8"),
            ("CREATE USER etl IDENTIFIED BY 'Xk29-dLq8';", "Xk29-dLq8"),
            ("enable secret 5 Xk29dLq8", "Xk29dLq8"),
            ("radius-server host 10.0.0.9 key 0 Xk29dLq8", "Xk29dLq8"),
            ("\nusername ops privilege 15 secret 0 Xk29dLq8\n", "Xk29dLq8"),
            ("snmp community add 3 Xk29dLq8 ro", "Xk29dLq8"),
            ("WIFI:T:WPA;S:hall 4;P:Xk29dLq8;;", "Xk29dLq8"),
            ("db:5432:mes:app:Xk29dLq8", "Xk29dLq8"),
            ("unzip -P Xk29dLq8 a.zip", "Xk29dLq8"),
        ] {
            assert_eq!(found(&inspector, text), [secret], "{text}");
        }
        for text in [
            "docker login -u ci --password-stdin registry.works.example",
            "docker login -p $TOKEN registry.works.example",
            "mysql -h db -u root -p prod",
            "mysql -P 3306 -h db",
            "net use Z: \\\\srv\\backup /user:WORKS\\svc *",
            "auth = (user, password)",
            "auth = (\"reader\", token)",
            "GET /api/v1/customers/telemetry",
            "username and password required",
            "enable password encryption for all users",
            "set password expiry to 180 days",
            "unzip -p recipes.zip list.txt",
            "net user op4 /delete",
            "the wifi:s: see the label",
            "db:5432:mes:app:*",
            "CREATE USER etl IDENTIFIED BY PASSWORD;",
        ] {
            assert_eq!(found(&inspector, text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_client_is_named_and_not_told() {
        let inspector = Inspector::new(&Settings::new(Sensitivity::LOWEST)).expect("built-in settings compile");
        // RFC 6749, section 2.2: the client identifier is not a secret.
        assert_eq!(
            found(&inspector, "client_id=7bf1e92eaff34fd005dc\naccount_sid: 712594f590c0d8ace55c04858f7398f9"),
            [""; 0]
        );
        let secret = "9363cb456dda6402cb71d65092490e75c9f11873";
        assert_eq!(found(&inspector, &format!("client_secret=\"{secret}\"")), [secret]);
    }
}
