//! `[alerts.<destination>]`: where alerts go.

use crate::node::Node;
use crate::problem::Code;
use crate::report::Report;
use crate::value::{self, Fault, fault, quote};
use alert::{Destination, Form, Severity, Transport, Way};
use plant::{CredentialReference, DestinationId, Scale};
use std::path::Path;

/// Most destinations: each reads the ledger by itself.
const MOST: usize = 16;
/// Most whom a mail is for.
const MOST_RECIPIENTS: usize = 32;
/// Longest address of mail (RFC 5321 section 4.5.3.1.3).
const LONGEST_MAILBOX: usize = 254;

/// Reads what the file says of it.
pub(crate) fn build(file: &Node<'_>, scale: &Scale, folder: &Path, report: &mut Report) -> Vec<Destination> {
    let tables = file.tables("alerts");
    if let Some((name, _)) = tables.get(MOST) {
        let message = format!("there are {} destinations of alerts, and there may be {MOST}", tables.len());
        let help = "let one of them hand on what others are to hear";
        report.add(report.problem(Code::TooMany, name.span.clone(), message).help(help));
    }
    let mut destinations = Vec::new();
    for (name, node) in &tables {
        judge(node, report);
        destinations.extend(destination(name.value, node, scale, folder));
    }
    destinations
}

fn destination(name: &str, node: &Node<'_>, scale: &Scale, folder: &Path) -> Option<Destination> {
    let credential = node.table("credential").filter(|_| node.says("credential")).and_then(|own| {
        let file = own.text("file").map(|path| CredentialReference::File(folder.join(path.value)));
        file.or_else(|| own.string("environment").map(CredentialReference::Environment))
    });
    Some(Destination {
        id: DestinationId::new(name).ok()?,
        way: way(node)?,
        at_least: Severity::named(node.text("at_least")?.value)?,
        window: node.duration("window")?,
        per_minute: node.number("per_minute")?,
        findings: match node.text("sensitivity") {
            Some(step) => scale.step(step.value)?,
            None => scale.highest(),
        },
        authorities: node.text("authorities").map(|path| folder.join(path.value)),
        credential,
    })
}

fn way(node: &Node<'_>) -> Option<Way> {
    Some(match node.read("to", address)? {
        Address::Syslog(transport, host, port) => {
            let form = node.text("format").map_or("cef", |text| text.value);
            let form = Form::NAMES.iter().find(|(name, _)| *name == form)?.1;
            Way::Syslog { transport, host, port, form }
        }
        Address::Web(url) => Way::Webhook { url },
        Address::Mail { host, port, implicit } => Way::Mail {
            host,
            port,
            implicit,
            from: node.read("from", mailbox)?,
            recipients: node.reads("recipients", mailbox),
            user: node.string("user"),
            digest: node.duration("digest")?,
        },
    })
}

/// Where a destination is.
pub(crate) enum Address {
    Syslog(Transport, String, u16),
    Web(String),
    Mail { host: String, port: u16, implicit: bool },
}

/// Reads where a destination is.
pub(crate) fn address(text: &str) -> Result<Address, Fault> {
    const EXAMPLE: &str =
        "write `syslog+tls://HOST:6514`, `https://HOST/PATH`, `smtps://HOST:465` or `smtp://HOST:587`";
    let Some((scheme, rest)) = text.split_once("://") else { return fault("is not a destination", EXAMPLE) };
    if matches!(scheme, "https" | "http") {
        // As it is written: to many a server `/hook/` is another place than `/hook`, and redirects are not followed.
        return value::url(text).map(|_| Address::Web(text.to_owned()));
    }
    let usual = match scheme {
        "syslog+tls" => 6514,
        "syslog+tcp" => 601,
        "syslog+udp" => 514,
        "smtps" => 465,
        "smtp" => 587,
        _ => return fault("is not a destination", EXAMPLE),
    };
    if rest.contains('@') {
        return fault(
            "holds a user name",
            "say `user`, and put the password into `credential = { file = \"secrets/...\" }`",
        );
    }
    let bare = value::host_name(rest).is_ok();
    let Ok((host, port)) = value::host(rest) else { return fault("names no host", EXAMPLE) };
    let host = host.trim_matches(['[', ']']).to_owned();
    let port = if bare { usual } else { port };
    Ok(match scheme {
        "syslog+tls" => Address::Syslog(Transport::Tls, host, port),
        "syslog+tcp" => Address::Syslog(Transport::Tcp, host, port),
        "syslog+udp" => Address::Syslog(Transport::Udp, host, port),
        _ => Address::Mail { host, port, implicit: scheme == "smtps" },
    })
}

/// An address of mail: in ASCII, without quotes and comments, so that it can end no line and begin no other.
pub(crate) fn mailbox(text: &str) -> Result<String, Fault> {
    const EXAMPLE: &str = "write it plainly and in ASCII: `ot-security@plant.example`";
    let atom = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b);
    let Some((local, domain)) = text.rsplit_once('@') else { return fault("is no address of mail", EXAMPLE) };
    let dotted = local.split('.').all(|word| !word.is_empty());
    let good = dotted && local.len() <= 64 && local.bytes().all(atom) && value::host_name(domain).is_ok();
    if !good || text.len() > LONGEST_MAILBOX || domain.starts_with('[') {
        return fault("is no address of mail", EXAMPLE);
    }
    Ok(text.to_owned())
}

/// What a destination means.
fn judge(node: &Node<'_>, report: &mut Report) {
    let Some(to) = node.text("to") else { return };
    let Ok(address) = address(to.value) else { return };
    let (syslog, mail) = (matches!(address, Address::Syslog(..)), matches!(address, Address::Mail { .. }));
    for (key, fits, whom) in [
        ("format", syslog, "syslog"),
        ("from", mail, "mail"),
        ("recipients", mail, "mail"),
        ("user", mail, "mail"),
        ("digest", mail, "mail"),
        ("credential", !syslog, "webhooks and mail"),
    ] {
        if node.says(key) && !fits {
            let message = format!("`{key}` of {} is for {whom}, and its `to` is something else", node.place);
            let problem = report.problem(Code::BadValue, node.span_of(key), message);
            report.add(problem.also(to.span.clone(), "its address").help(format!("remove `{key}`, or correct `to`")));
        }
    }
    match address {
        Address::Mail { .. } => judge_mail(node, report),
        Address::Web(url) if !node.says("credential") => {
            let message =
                format!("{} gets messages that are not signed: anybody could send the like to `{url}`", node.place);
            let help = "put a secret into a file, the same as at the receiver, and name it under `credential`";
            report.add(report.problem(Code::Permissive, to.span.clone(), message).help(help));
        }
        _ => {}
    }
    in_the_clear(node, &to.span, to.value, report);
}

fn judge_mail(node: &Node<'_>, report: &mut Report) {
    let recipients = node.texts("recipients");
    for (key, missing) in [("from", !node.says("from")), ("recipients", recipients.is_empty())] {
        if missing {
            let message = format!("{} sends mail, and has no `{key}`", node.place);
            let help = if key == "from" {
                "say whom it is from: `from = \"penstock@plant.example\"`"
            } else {
                "say whom it is for: `recipients = [\"ot-security@plant.example\"]`"
            };
            report.add(report.problem(Code::MissingKey, node.span.clone(), message).help(help));
        }
    }
    if let Some(one) = recipients.get(MOST_RECIPIENTS) {
        let message =
            format!("{} sends mail to {} addresses, and may to {MOST_RECIPIENTS}", node.place, recipients.len());
        report.add(report.problem(Code::TooMany, one.span.clone(), message).help("use a list of the mail server"));
    }
    if node.says("user") != node.says("credential") {
        let message = format!("{} has a `user` without a `credential`, or the other way round", node.place);
        report.add(report.problem(Code::MissingKey, node.span.clone(), message).help("say both, or neither"));
    }
    if let Some(user) = node.text("user").filter(|user| !user.value.bytes().all(|b| b.is_ascii_graphic())) {
        let message = format!("{} is no account of a mail server", quote(user.value));
        report.add(report.problem(Code::BadValue, user.span, message).help("printable ASCII without blanks"));
    }
}

/// Alerts hold no content, but who can change them on the way can hide an attack.
fn in_the_clear(node: &Node<'_>, span: &std::ops::Range<usize>, to: &str, report: &mut Report) {
    let clear = ["http://", "syslog+tcp://", "syslog+udp://"].iter().any(|scheme| to.starts_with(scheme));
    let near = to.split_once("://").is_some_and(|(_, rest)| value::is_private(&format!("http://{rest}")));
    if clear && !near {
        let message = format!("{} is told in the clear", node.place);
        let help = "who can listen on that network reads alerts, and who can write hides them: `syslog+tls://` or `https://` avoids it";
        report.add(report.problem(Code::Permissive, span.clone(), message).help(help));
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, address, mailbox};
    use alert::Transport;

    #[test]
    fn a_destination_reads_as_it_is_meant() {
        for (text, port) in [
            ("syslog+tls://siem", 6514),
            ("syslog+tls://siem:7000", 7000),
            ("syslog+tls://10.0.0.1", 6514),
            ("syslog+tls://[::1]:7", 7),
        ] {
            assert!(matches!(address(text), Ok(Address::Syslog(Transport::Tls, _, own)) if own == port), "{text}");
        }
        assert!(matches!(address("smtps://mail"), Ok(Address::Mail { port: 465, implicit: true, .. })));
        assert!(matches!(address("smtp://mail"), Ok(Address::Mail { port: 587, implicit: false, .. })));
        for url in ["https://hooks.example/a/b", "https://hooks.example/a/"] {
            assert!(matches!(address(url), Ok(Address::Web(own)) if own == url), "{url}");
        }
        for bad in [
            "",
            "siem:514",
            "ftp://x",
            "syslog://x",
            "smtp://me@x",
            "smtp://",
            "syslog+tls://a/b",
            "https://me:x@h",
            "syslog+tls://a b",
        ] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_of_mail_can_end_no_line() {
        assert!(mailbox("ot+security@plant.example").is_ok());
        for bad in [
            "",
            "a",
            "@x",
            "a@",
            "a@b\r\nBcc: c",
            "\"a b\"@x",
            "a@[10.0.0.1]",
            "a b@x",
            "ä@x",
            "a@x>",
            "a@b@c d",
            ".a@x",
            "a.@x",
            "a..b@x",
        ] {
            assert!(mailbox(bad).is_err(), "{bad:?}");
        }
    }
}
