//! Words that a command, a call or a device's configuration takes for a secret without giving it a name: SNMP communities,
//! `sshpass -p`, `docker login -u x -p y`, `HTTPBasicAuth("x", "y")`.

use super::value::{Shape, placeholder};
use crate::bytes::{Bytes, is_blank};
use crate::rule::BuiltIn;
use std::ops::Range;

/// What stands in front of such a word, in lower case; as much of it as may be searched for.
pub(crate) const HEADS: [&str; 36] = [
    "snmp-server community ",
    "rocommunity ",
    "rwcommunity ",
    "rocommunity6 ",
    "rwcommunity6 ",
    "-v2c -c ",
    "-v 2c -c ",
    "-v1 -c ",
    "-v 1 -c ",
    "sshpass -p ",
    "&sig=",
    "docker login ",
    "podman login ",
    "helm registry login ",
    "az login ",
    "oc login ",
    "mysql ",
    "mysqldump ",
    "mariadb ",
    "psexec ",
    "plink ",
    "pscp ",
    "redis-cli ",
    "mosquitto_pub ",
    "mosquitto_sub ",
    "ldapsearch ",
    "7z ",
    "cmdkey ",
    "net use ",
    "basicauth(",
    "auth = (",
    "auth=(",
    "username_pw_set(",
    "credentials(",
    "credential(",
    "/api/v1/",
];

/// Longest command that is looked at, in bytes.
const COMMAND: usize = 240;

/// Where a command has its secret.
enum Place {
    /// Right behind.
    Behind,
    /// Behind an option; with a blank between, or not.
    Option(&'static str, bool),
    /// The second word, of which the first is an address: `net use z: \\server\share word /user:x`.
    Share,
    /// The second of two quoted arguments.
    Second,
    /// The signature of an address, escaped.
    Signature,
    /// A device's token in the path of an address.
    Path,
}

fn place(head: &[u8]) -> Place {
    let is = |words: &[&str]| words.iter().any(|word| head.trim_ascii_end().eq_ignore_ascii_case(word.as_bytes()));
    match head {
        _ if head.ends_with(b"(") => Place::Second,
        _ if is(&["&sig="]) => Place::Signature,
        _ if is(&["/api/v1/"]) => Place::Path,
        _ if is(&["docker login", "podman login", "helm registry login", "az login", "oc login", "psexec"]) => {
            Place::Option("-p", true)
        }
        // With a blank behind, it asks.
        _ if is(&["mysql", "mysqldump", "mariadb", "7z"]) => Place::Option("-p", false),
        _ if is(&["plink", "pscp"]) => Place::Option("-pw", true),
        _ if is(&["redis-cli"]) => Place::Option("-a", true),
        _ if is(&["mosquitto_pub", "mosquitto_sub"]) => Place::Option("-P", true),
        _ if is(&["ldapsearch"]) => Place::Option("-w", true),
        _ if is(&["cmdkey"]) => Place::Option("/pass:", false),
        _ if is(&["net use"]) => Place::Share,
        _ => Place::Behind,
    }
}

/// The word that the command which begins with `head` takes for a secret.
pub(crate) fn word(text: Bytes<'_>, head: Range<usize>) -> Option<(BuiltIn, Range<usize>)> {
    let place = place(text.slice(head.clone()));
    let joined = text.before(head.start).is_ascii_alphanumeric()
        && !matches!(place, Place::Behind | Place::Second | Place::Signature | Place::Path);
    if joined {
        return None;
    }
    let line = text.run(head.end, COMMAND, |b| b != b'\n' && b != b'\r');
    let span = match place {
        Place::Behind => argument(text, head.end),
        Place::Option(name, apart) => option(text, head.end..line, name, apart)?,
        Place::Share => share(text, head.end..line)?,
        Place::Second => return second(text, head.end..line),
        Place::Signature => return signature(text, head.end),
        Place::Path => return device(text, head.end),
    };
    // The communities that every device comes with are no secret.
    let usual = [&b"public"[..], b"private", b"<community>", b"community", b"string"];
    let value = text.slice(span.clone());
    let fits = value.len() >= 4
        && !value.starts_with(b"-")
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
        && text.at(text.run(span.end + 1, 2, is_blank)) == b')';
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
    (value.len() >= 40 && !placeholder(value) && Shape::of(value).random()).then_some((BuiltIn::AssignedKey, from..end))
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
