//! Alerts for other people's programs: messages of syslog, and letters.
//!
//! ```text
//! Alert ─> cef | structured data | JSON ─> a message of RFC 5424
//!       ─> letter: subject, text
//! ```
//!
//! A caller chooses one thing in an alert, the name of a model. Whatever it is, it ends no field, line, header or message.

use crate::{PRODUCT, VERSION, cef, syslog};
use alert::{Alert, Form, Status};
use plant::Millis;
use std::fmt::Write as _;

/// Facility 13, log audit (RFC 5424 section 6.2.1).
const FACILITY: u8 = 13;
/// Longest subject of a letter, in characters: a line of RFC 5322 section 2.1.1 may have 78, and `Subject: ` is nine of them.
const SUBJECT: usize = 69;
/// Most alerts of a letter that are told whole.
const WHOLE: usize = 200;

/// Facts that have a key of CEF's own dictionary.
const KEYS: [(&str, &str); 6] = [
    ("workload", "sproc"),
    ("operator", "suser"),
    ("workstation", "shost"),
    ("provider", "destinationServiceName"),
    ("reason", "reason"),
    ("event", "act"),
];
/// Facts that have a key with a label; the others are in `cs6`.
const LABELLED: [(&str, &str); 5] =
    [("zone", "cs2"), ("conduit", "cs3"), ("model", "cs4"), ("findings", "cs5"), ("purpose", "flexString1")];

/// A message of syslog (RFC 5424), without framing: one line.
#[must_use]
pub fn message(alert: &Alert, form: Form) -> String {
    let host = syslog::word(alert.site.gateway.as_str(), 255);
    let priority = FACILITY * 8 + alert.severity.syslog();
    let code = syslog::word(alert.code.name(), 32);
    let mut line = format!("<{priority}>1 {} {host} penstock - {code} ", alert.last);
    match form {
        Form::Cef => {
            line.push_str("- ");
            line.push_str(&cef_line(alert));
        }
        Form::Json => {
            line.push_str("- ");
            line.push_str(&alert.data().to_string());
        }
        Form::Rfc5424 => structured(alert, &mut line),
    }
    line
}

/// A message in octet counting (RFC 6587 section 3.4.1), for TCP and TLS.
#[must_use]
pub fn counted(message: &str) -> Vec<u8> {
    format!("{} {message}", message.len()).into_bytes()
}

fn structured(alert: &Alert, line: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(line, "[origin software=\"penstock\" swVersion=\"{VERSION}\"][alert@{}", syslog::ENTERPRISE);
    for (name, text) in fields(alert) {
        let _ = write!(line, " {name}=\"{}\"", syslog::value(&text));
    }
    let _ = write!(line, "] {}", alert.code.title());
}

/// What an alert says beside its facts.
fn fields(alert: &Alert) -> Vec<(&'static str, String)> {
    let own = [
        ("id", Some(alert.id.clone())),
        ("code", Some(alert.code.name().to_owned())),
        ("status", Some(alert.status.name().to_owned())),
        ("severity", Some(alert.severity.name().to_owned())),
        ("plant", Some(alert.site.plant.to_string())),
        ("count", Some(alert.count.to_string())),
        ("first", Some(alert.first.to_string())),
        ("last", Some(alert.last.to_string())),
        ("record", alert.record.map(|id| id.to_string())),
    ];
    let own = own.into_iter().filter_map(|(name, text)| Some((name, text?)));
    own.chain(alert.facts.iter().map(|(name, text)| (name, text.to_owned()))).collect()
}

/// ArcSight Common Event Format, version 0.
fn cef_line(alert: &Alert) -> String {
    let mut line = format!(
        "CEF:0|{PRODUCT}|{PRODUCT}|{VERSION}|{}|{}|{}|rt={}",
        cef::header(alert.code.name()),
        cef::header(alert.code.title()),
        alert.severity.cef(),
        alert.last.0
    );
    let mut pair = |key: &str, value: &str| cef::pair(&mut line, key, value);
    pair("externalId", &alert.id);
    pair("dvchost", alert.site.gateway.as_str());
    pair("deviceExternalId", alert.site.plant.as_str());
    pair("cat", alert.status.name());
    pair("cnt", &alert.count.to_string());
    pair("start", &alert.first.0.to_string());
    pair("end", &alert.last.0.to_string());
    if let Some(id) = alert.record {
        pair("cs1", &id.to_string());
        pair("cs1Label", "record");
    }
    let mut rest = Vec::new();
    for (name, text) in alert.facts.iter() {
        if let Some((_, key)) = KEYS.iter().find(|(known, _)| *known == name) {
            pair(key, text);
        } else if let Some((_, key)) = LABELLED.iter().find(|(known, _)| *known == name) {
            pair(key, text);
            pair(&format!("{key}Label"), name);
        } else {
            rest.push(format!("{name}: {text}"));
        }
    }
    if !rest.is_empty() {
        pair("cs6", &rest.join("; "));
        pair("cs6Label", "more");
    }
    line
}

/// A letter about these alerts: its subject, in printable ASCII, and its text.
#[must_use]
pub fn letter(alerts: &[Alert]) -> (String, String) {
    let worst = alerts.iter().max_by_key(|alert| alert.severity);
    let subject = worst.map(|alert| {
        let more = match alerts.len() - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let resolved = if alert.status == Status::Resolved { " resolved" } else { "" };
        format!("[{}] {}: {}{resolved}{more}", alert.site.plant, alert.severity.name(), alert.code)
    });
    // By construction there is nothing else in it; what a header cannot carry would be gone all the same.
    let subject: String =
        subject.unwrap_or_default().chars().filter(|one| matches!(one, ' '..='~')).take(SUBJECT).collect();
    let mut text = String::new();
    for alert in alerts.iter().take(WHOLE) {
        tell(alert, &mut text);
    }
    if alerts.len() > WHOLE {
        let _ = writeln!(text, "... and {} more", alerts.len() - WHOLE);
    }
    text.push_str("Look a record up: penstock records --id RECORD\n");
    (subject, text)
}

fn tell(alert: &Alert, text: &mut String) {
    let status = match alert.status {
        Status::Firing => String::new(),
        Status::Repeated => format!(" ({} more)", alert.count),
        Status::Resolved => " (it is over)".to_owned(),
    };
    let _ = writeln!(text, "{}: {}{status}", alert.severity.name().to_uppercase(), alert.code.title());
    for (name, value) in fields(alert) {
        if !matches!(name, "severity" | "id") {
            let _ = writeln!(text, "  {name}: {value}");
        }
    }
    text.push('\n');
}

/// A time as mail writes it (RFC 5322 section 3.3).
#[must_use]
pub fn mail_date(time: Millis) -> String {
    let time = i64::try_from(time.0).ok().and_then(|time| jiff::Timestamp::from_millisecond(time).ok());
    time.unwrap_or_default().strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// For the fuzzer: whatever stands in an alert's state, what is written of it is what was meant.
///
/// # Panics
/// When a law is broken.
#[expect(clippy::panic, reason = "a law that does not hold is what the fuzzer looks for")]
pub fn fuzz(bytes: &[u8]) {
    let Ok(value) = serde_json::from_slice(bytes) else { return };
    let Ok(alert) = Alert::restore(&value) else { return };
    assert!(Alert::restore(&alert.data()).as_ref() == Ok(&alert), "an alert reads as it was written");
    for form in [Form::Cef, Form::Rfc5424, Form::Json] {
        let message = message(&alert, form);
        if message.chars().any(char::is_control) || message.len() > 64 << 10 {
            panic!("a message is one short line: {message:?}");
        }
    }
    assert!(pieces(&cef_line(&alert)) == 8, "a header of CEF has seven bars");
    let (subject, _) = letter(std::slice::from_ref(&alert));
    assert!(subject.bytes().all(|byte| matches!(byte, b' '..=b'~')), "a subject is printable ASCII");
}

/// How many pieces the bars of a CEF header make that nobody escaped.
fn pieces(line: &str) -> usize {
    let (mut count, mut escaped) = (1, false);
    for character in line.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '|' if count < 8 => count += 1,
            _ => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::{fuzz, letter, mail_date, message};
    use alert::{Alert, Form};
    use plant::Millis;
    use serde_json::json;

    fn alert(model: &str) -> Alert {
        let value = json!({
            "id": "01890a5d-0000-7000-8000-000000000001.path-refused.firing", "code": "path-refused", "status": "firing",
            "severity": "high", "plant": "brewery", "gateway": "gate-1", "about": "cell", "count": 1,
            "first": "2026-11-22T15:00:00.000Z", "last": "2026-11-22T15:00:00.000Z", "record": null,
            "facts": { "zone": "cell", "model": model, "reason": "no-conduit", "measure": "label" },
        });
        fuzz(value.to_string().as_bytes());
        Alert::restore(&value).unwrap()
    }

    #[test]
    fn a_message_is_what_its_form_says() {
        let alert = alert("gpt-4o");
        assert_eq!(
            message(&alert, Form::Cef),
            "<107>1 2026-11-22T15:00:00.000Z gate-1 penstock - path-refused - CEF:0|Penstock|Penstock|0.1.0|path-refused|\
             A call was refused: no path of the plant allows it|8|rt=1795359600000 \
             externalId=01890a5d-0000-7000-8000-000000000001.path-refused.firing dvchost=gate-1 deviceExternalId=brewery cat=firing cnt=1 \
             start=1795359600000 end=1795359600000 cs2=cell cs2Label=zone cs4=gpt-4o cs4Label=model reason=no-conduit cs6=measure: label cs6Label=more"
        );
        assert_eq!(
            message(&alert, Form::Rfc5424),
            "<107>1 2026-11-22T15:00:00.000Z gate-1 penstock - path-refused [origin software=\"penstock\" swVersion=\"0.1.0\"]\
             [alert@32473 id=\"01890a5d-0000-7000-8000-000000000001.path-refused.firing\" code=\"path-refused\" status=\"firing\" \
             severity=\"high\" plant=\"brewery\" count=\"1\" first=\"2026-11-22T15:00:00.000Z\" last=\"2026-11-22T15:00:00.000Z\" \
             zone=\"cell\" model=\"gpt-4o\" reason=\"no-conduit\" measure=\"label\"] A call was refused: no path of the plant allows it"
        );
    }

    #[test]
    fn a_hostile_name_ends_nothing() {
        let alert = alert("m\r\nBcc: x|act\\=allow cs1=\"]forged\u{202e}\u{2028}.");
        let lines = [Form::Cef, Form::Rfc5424, Form::Json].map(|form| message(&alert, form));
        for line in &lines {
            assert!(!line.contains(['\r', '\n', '\u{202e}', '\u{2028}']), "{line}");
        }
        assert!(
            lines[0].contains(
                "cs4=m\u{fffd}\u{fffd}Bcc: x|act\\\\\\=allow cs1\\=\"]forged\u{fffd}\u{fffd}. cs4Label=model"
            ),
            "{}",
            lines[0]
        );
        assert!(lines[1].contains("model=\"m\u{fffd}\u{fffd}Bcc: x|act\\\\=allow cs1=\\\"\\]forged"), "{}", lines[1]);
        let (subject, text) = letter(std::slice::from_ref(&alert));
        assert_eq!(subject, "[brewery] high: path-refused");
        assert!(!text.contains("\nBcc"), "{text}");
    }

    #[test]
    fn a_letter_names_the_most_urgent_and_how_many_more() {
        let alerts = [alert("a"), alert("b"), alert("c")];
        let (subject, text) = letter(&alerts);
        assert_eq!(subject, "[brewery] high: path-refused and 2 more");
        assert_eq!(text.matches("reason: no-conduit").count(), 3);
    }

    #[test]
    fn a_subject_is_one_line_of_mail() {
        let mut long = alert("a");
        long.site.plant = plant::PlantId::new("p".repeat(60)).unwrap();
        let (subject, _) = letter(&[long.clone(), long]);
        assert_eq!(format!("Subject: {subject}").len(), 78);
    }

    #[test]
    fn a_date_of_mail_has_its_day() {
        assert_eq!(mail_date(Millis(784_111_777_000)), "Sun, 06 Nov 1994 08:49:37 +0000");
    }
}
