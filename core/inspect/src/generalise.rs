//! Says in general what was said exactly: `185 °C` becomes `a temperature`, `TIC-101` `a temperature controller`.
//!
//! Nothing comes back of it. What is said is English or German, as the text around it is.

use crate::bytes::Bytes;
use crate::setpoint::quantity::Quantity;
use crate::setpoint::unit::Units;
use plant::{Content, Finding};

/// A language that is written back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tongue {
    English,
    German,
}

/// What is said of a family of labels, in English and in German. The first that covers a label counts.
const PHRASES: [(&str, &str, &str); 29] = [
    ("person.email", "an e-mail address", "eine E-Mail-Adresse"),
    ("person.phone", "a phone number", "eine Telefonnummer"),
    ("person.iban", "a bank account", "ein Bankkonto"),
    ("person.card", "a payment card", "eine Zahlungskarte"),
    ("person.address", "a postal address", "eine Anschrift"),
    ("person.badge", "a badge number", "eine Ausweisnummer"),
    ("person.id", "an identity number", "eine Identitätsnummer"),
    ("person", "a person", "eine Person"),
    ("network.address", "an IP address", "eine IP-Adresse"),
    ("network.mac", "a hardware address", "eine Hardware-Adresse"),
    ("network", "a network detail", "eine Netzangabe"),
    ("secret.password", "a password", "ein Passwort"),
    ("secret.private-key", "a private key", "ein privater Schlüssel"),
    ("secret.key", "a key", "ein Schlüssel"),
    ("secret", "a secret", "ein Geheimnis"),
    ("tolerance", "a tolerance", "eine Toleranz"),
    ("part.batch", "a batch number", "eine Chargennummer"),
    ("part.serial", "a serial number", "eine Seriennummer"),
    ("part.drawing", "a drawing number", "eine Zeichnungsnummer"),
    ("part", "a part number", "eine Teilenummer"),
    ("recipe", "a recipe", "ein Rezept"),
    ("code.plc", "a controller program", "ein Steuerungsprogramm"),
    ("code.gcode", "a machine program", "ein Maschinenprogramm"),
    ("code", "a program", "ein Programm"),
    ("drawing", "a drawing", "eine Zeichnung"),
    ("document", "a passage of a document", "eine Textstelle"),
    ("data", "a value of a table", "ein Tabellenwert"),
    ("setpoint", "a value", "ein Wert"),
    ("tag", "an instrument", "ein Messgerät"),
];

/// What rules of tags see that are no instruments.
const POINTS: [(&str, &str, &str); 4] = [
    ("tag.address", "a controller address", "eine Steuerungsadresse"),
    ("tag.variable", "a controller variable", "eine Steuerungsvariable"),
    ("tag.opc", "an OPC UA node", "ein OPC-UA-Knoten"),
    ("tag.isa", "", ""),
];

/// What the first letter of a tag says is measured (ISA-5.1, table 4.1), in English and as the first half of a German
/// word. Letters that are the user's choice are not listed.
const MEASURED: [(char, &str, &str); 18] = [
    ('A', "an analysis", "Analyse"),
    ('B', "a burner", "Brenner"),
    ('E', "a voltage", "Spannungs"),
    ('F', "a flow", "Durchfluss"),
    ('G', "a position", "Stellungs"),
    ('H', "a manual", "Hand"),
    ('I', "a current", "Strom"),
    ('J', "a power", "Leistungs"),
    ('K', "a time", "Zeit"),
    ('L', "a level", "Füllstands"),
    ('P', "a pressure", "Druck"),
    ('Q', "a quantity", "Mengen"),
    ('R', "a radiation", "Strahlungs"),
    ('S', "a speed", "Drehzahl"),
    ('T', "a temperature", "Temperatur"),
    ('V', "a vibration", "Schwingungs"),
    ('W', "a weight", "Gewichts"),
    ('Z', "a position", "Stellungs"),
];

/// What the other letters say it does: the first of these that is among them.
const FUNCTIONS: [(char, &str, &str); 10] = [
    ('V', "valve", "ventil"),
    ('C', "controller", "regler"),
    ('T', "transmitter", "messumformer"),
    ('E', "sensor", "fühler"),
    ('S', "switch", "schalter"),
    ('A', "alarm", "alarm"),
    ('Y', "converter", "umformer"),
    ('Z', "actuator", "stellantrieb"),
    ('R', "recorder", "schreiber"),
    ('I', "indicator", "anzeiger"),
];

/// Words after which a noun has its article.
const ARTICLES: [&str; 15] =
    ["the", "a", "an", "this", "our", "der", "die", "das", "des", "dem", "den", "ein", "eine", "einen", "einer"];

/// Says in general what findings say.
pub(crate) struct Generalise {
    units: Units,
    /// The language of each piece.
    tongues: Vec<Tongue>,
}

impl Generalise {
    pub(crate) fn new(content: &Content<'_>) -> Self {
        let pieces = content.pieces.iter().map(|piece| leaning(&piece.text));
        let leanings: Vec<i64> = pieces.collect();
        // A short text does not tell; then the others do.
        let all: i64 = leanings.iter().sum();
        let tongue = |own: i64| match if own == 0 { all } else { own } {
            german if german > 0 => Tongue::German,
            _ => Tongue::English,
        };
        Self { units: Units::new(), tongues: leanings.into_iter().map(tongue).collect() }
    }

    /// What is said in the place of a finding's value. `before` is what stands in front of it, and may say the article.
    pub(crate) fn phrase(&self, finding: &Finding, value: &str, before: &str) -> String {
        let said = self.said(finding, value);
        let last = before.trim_end().rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or_default();
        let ends = [("between", " range", "two values"), ("zwischen", "bereich", "zwei Werten")];
        if let Some((.., ends)) =
            ends.iter().find(|(word, range, _)| word.eq_ignore_ascii_case(last) && said.ends_with(range))
        {
            return (*ends).to_owned();
        }
        let article = ARTICLES.iter().any(|article| article.eq_ignore_ascii_case(last));
        match said.split_once(' ') {
            Some(("a" | "an" | "ein" | "eine", noun)) if article => noun.to_owned(),
            _ => said,
        }
    }

    fn said(&self, finding: &Finding, value: &str) -> String {
        let tongue = self.tongues.get(finding.piece).copied().unwrap_or(Tongue::English);
        let of = |(_, english, german): &(&str, &'static str, &'static str)| match tongue {
            Tongue::English => *english,
            Tongue::German => *german,
        };
        let label = finding.label.as_str();
        let point = POINTS.iter().find(|(rule, ..)| *rule == finding.rule.as_str());
        match (label, point) {
            ("setpoint", _) => self.quantity(value, tongue),
            ("tag", None) => None,
            ("tag", Some((_, "", _))) => instrument(value, tongue),
            ("tag", Some(point)) => Some(of(point).to_owned()),
            _ => None,
        }
        .or_else(|| {
            let covers =
                |family: &str| label.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
            PHRASES.iter().find(|(family, ..)| covers(family)).map(|phrase| of(phrase).to_owned())
        })
        // A label of the plant's own is its own name.
        .unwrap_or_else(|| format!("[{label}]"))
    }

    /// What a value with a unit measures; two are a range.
    fn quantity(&self, value: &str, tongue: Tongue) -> Option<String> {
        let value = crate::plain::text(value);
        let text = Bytes(value.as_bytes());
        let ends = numbers(&value);
        let unit = ends.iter().find_map(|end| self.units.quantity(text, *end));
        let acid = || value.to_ascii_lowercase().contains("ph").then_some(Quantity::Acidity);
        let (english, german, range) = unit.or_else(acid)?.names();
        let toleranced = value.contains('±') || value.contains("+/-");
        Some(match (tongue, toleranced, ends.len()) {
            (Tongue::English, true, _) => format!("{english} with a tolerance"),
            (Tongue::German, true, _) => format!("{german} mit Toleranz"),
            (Tongue::English, _, 2..) => format!("{english} range"),
            (Tongue::German, _, 2..) => format!("ein {range}"),
            (Tongue::English, ..) => english.to_owned(),
            (Tongue::German, ..) => german.to_owned(),
        })
    }
}

/// Where the numbers of a text end. `1.5`, `1,250.0` and `1e-3` are one each; the digits of a unit (`m3`) are none.
fn numbers(text: &str) -> Vec<usize> {
    let bytes = Bytes(text.as_bytes());
    let (mut ends, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        if !bytes.at(at).is_ascii_digit() || at > 0 && bytes.at(at - 1).is_ascii_alphabetic() {
            at += 1;
            continue;
        }
        let digits = |from| bytes.run(from, usize::MAX, |b| b.is_ascii_digit());
        let mut end = digits(at);
        while matches!(bytes.at(end), b'.' | b',' | b'\'') && bytes.at(end + 1).is_ascii_digit() {
            end = digits(end + 1);
        }
        ends.push(end);
        at = end.max(at + 1);
    }
    ends
}

/// What the letters of a tag say.
fn instrument(value: &str, tongue: Tongue) -> Option<String> {
    let from = value.find(|c: char| c.is_ascii_alphabetic())?;
    let letters: String = value
        .get(from..)?
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .map(|letter| letter.to_ascii_uppercase())
        .collect();
    let (_, english, german) = MEASURED.iter().find(|(letter, ..)| letters.starts_with(*letter))?;
    let rest = letters.get(1..)?;
    let known = FUNCTIONS.iter().find(|(letter, ..)| rest.contains(*letter));
    Some(match (tongue, known) {
        (Tongue::English, Some((_, does, _))) => format!("{english} {does}"),
        (Tongue::English, None) => format!("{english} instrument"),
        (Tongue::German, Some((_, _, does))) => format!("ein {german}{does}"),
        (Tongue::German, None) => format!("ein {german}gerät"),
    })
}

/// How much more of a text's short words are German than English.
fn leaning(text: &str) -> i64 {
    const GERMAN: [&str; 24] = [
        "der", "die", "das", "und", "ist", "nicht", "mit", "auf", "ein", "eine", "einen", "von", "zu", "den", "dem",
        "im", "bitte", "wir", "für", "bei", "auch", "wird", "sind", "wie",
    ];
    const ENGLISH: [&str; 20] = [
        "the", "and", "is", "of", "to", "a", "please", "with", "we", "for", "on", "what", "are", "it", "how", "that",
        "by", "this", "from", "at",
    ];
    let word = |word: &str| -> i64 {
        let is = |known: &str| known.eq_ignore_ascii_case(word);
        i64::from(GERMAN.iter().any(|known| is(known))) - i64::from(ENGLISH.iter().any(|known| is(known)))
    };
    // The first words tell; a long text is not read to its end.
    text.split(|c: char| !c.is_alphabetic()).filter(|word| (1..=6).contains(&word.len())).take(400).map(word).sum()
}

#[cfg(test)]
mod tests {
    use crate::fuzz::{apply, maker, message};
    use crate::{Changes, Inspector, Settings, transform};
    use plant::Sensitivity;

    fn generalised(text: &str) -> String {
        let inspector = Inspector::new(&Settings::new(Sensitivity::LOWEST)).expect("built-in settings compile");
        let content = message(text);
        let findings = inspector.read(&content).expect("few findings");
        let changes = Changes { generalise: (0..findings.len()).collect(), ..Changes::default() };
        let done = transform(&content, &findings, &changes, &maker("c")).expect("free text");
        assert!(done.restorer.idle(), "nothing comes back");
        apply(text, &done.edits)
    }

    #[test]
    fn what_is_said_exactly_is_said_in_general() {
        for (text, expected) in [
            ("Set the jacket to 185 °C, please", "Set the jacket to a temperature, please"),
            ("Raise the pressure to 4.5 barg", "Raise the pressure to a pressure"),
            ("set the flow to 12 m3/h", "set the flow to a flow rate"),
            ("set the pump to 1,450 rpm", "set the pump to a speed"),
            ("set the heater to 12.5 kW", "set the heater to a power"),
            ("hold between 180 and 190 °C", "hold between two values"),
            ("heat from 20 to 85 °C", "heat from a temperature range"),
            ("TIC-101 is high", "a temperature controller is high"),
            ("the 10-PT-4711 drifts", "the pressure transmitter drifts"),
            ("open FV-203 and LSHH-310", "open a flow valve and a level switch"),
            ("write to anna@brewery.example", "write to an e-mail address"),
            ("ping 10.20.30.40", "ping an IP address"),
            ("Bitte den Sollwert auf 185 °C stellen", "Bitte den Sollwert auf eine Temperatur stellen"),
            (
                "Ist der TIC-101 mit der FV-203 verbunden?",
                "Ist der Temperaturregler mit der Durchflussventil verbunden?",
            ),
        ] {
            assert_eq!(generalised(text), expected);
        }
    }

    #[test]
    fn ranges_and_tolerances_are_named() {
        let units = super::Generalise::new(&message("the"));
        for (value, english, german) in [
            ("180-190 °C", "a temperature range", "ein Temperaturbereich"),
            ("180 to 190 °C", "a temperature range", "ein Temperaturbereich"),
            ("185 ± 2 °C", "a temperature with a tolerance", "eine Temperatur mit Toleranz"),
            ("pH 5.2", "a pH value", "ein pH-Wert"),
            ("12 m3/h", "a flow rate", "ein Durchfluss"),
        ] {
            assert_eq!(units.quantity(value, super::Tongue::English).as_deref(), Some(english));
            assert_eq!(units.quantity(value, super::Tongue::German).as_deref(), Some(german));
        }
        assert_eq!(units.quantity("78.5", super::Tongue::English), None);
    }
}
