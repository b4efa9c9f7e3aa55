//! Counts what was found of what is labelled, and how sure the shares are.

use crate::data::Row;
use plant::Finding;
use serde_json::{Value, json};
use std::ops::Range;

/// A type of the data, the label of ours that stands for it, and the group that says whether a row is labelled for it.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) family: &'static str,
    group: &'static str,
    /// Types whose spans are neither right nor wrong: an equipment number read as a tag.
    apart: &'static [&'static str],
}

const fn kind(name: &'static str, family: &'static str, group: &'static str, apart: &'static [&'static str]) -> Kind {
    Kind { name, family, group, apart }
}

/// Everything that is scored. `pii_strict` are texts without any personal data.
pub(crate) const KINDS: [Kind; 20] = [
    kind("secret", "secret", "secret", &[]),
    kind("email", "person.email", "pii", &[]),
    kind("phone", "person.phone", "pii", &[]),
    kind("iban", "person.iban", "pii", &[]),
    kind("credit_card", "person.card", "pii", &[]),
    kind("ip", "network.address", "network", &[]),
    kind("mac", "network.mac", "network", &[]),
    kind("tag", "tag", "tag", &["equipment"]),
    kind("setpoint", "setpoint", "setpoint", &["rate", "setpoint_delta", "quantity"]),
    kind("tolerance", "tolerance", "tolerance", &[]),
    kind("part_number", "part", "part_number", &[]),
    kind("plc_code", "code.plc", "plc_code", &[]),
    kind("gcode", "code.gcode", "plc_code", &[]),
    kind("recipe", "recipe", "recipe", &[]),
    kind("badge", "person.badge", "pii", &[]),
    kind("person", "person.name", "pii", &[]),
    kind("address", "person.address", "pii", &[]),
    kind("ssn", "person.id", "pii", &["driver_license"]),
    kind("injection", "injection", "injection", &[]),
    kind("pii_strict", "person", "pii_strict", &[]),
];

impl Kind {
    /// Whether the row says all about this kind. Soft negatives often hold secrets all the same: they are told apart.
    fn counts(&self, row: &Row) -> bool {
        (row.is_labelled_for(self.group) || row.is_labelled_for(self.name)) && row.kind != "secret_soft_negative"
    }

    pub(crate) fn ours<'f>(&self, findings: &'f [Finding]) -> impl Iterator<Item = &'f Finding> + use<'f> {
        let family = self.family;
        findings.iter().filter(move |finding| {
            finding.label.as_str().strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}

/// What is shown of single texts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Show {
    Nothing,
    Misses,
    False,
}

#[derive(Default)]
pub(crate) struct Score {
    labels: usize,
    found: usize,
    exact: usize,
    right: usize,
    wrong: usize,
    /// Of `wrong`: in texts without a label of the kind. Texts with a secret often hold more of them than the one labelled.
    wrong_clean: usize,
    clean: usize,
    flagged: usize,
    benign: usize,
    benign_flagged: usize,
}

impl Score {
    pub(crate) fn add(&mut self, row: &Row, findings: &[Finding], kind: &Kind, show: Show) {
        if !kind.counts(row) {
            return;
        }
        let ours: Vec<&Finding> = kind.ours(findings).collect();
        let labels: Vec<&Range<usize>> = row.spans(kind.name).collect();
        for label in &labels {
            let found = ours.iter().any(|finding| meets(&finding.span, label));
            self.labels += 1;
            self.found += usize::from(found);
            self.exact += usize::from(ours.iter().any(|finding| finding.span == **label));
            if show == Show::Misses && !found {
                println!("MISS {} | {} | {}", row.kind, &row.text[(*label).clone()], around(&row.text, label));
            }
        }
        for finding in &ours {
            let apart =
                || row.labels.iter().any(|(name, span)| kind.apart.contains(&&**name) && meets(&finding.span, span));
            if labels.iter().any(|label| meets(&finding.span, label)) {
                self.right += 1;
            } else if !apart() {
                self.wrong += 1;
                self.wrong_clean += usize::from(labels.is_empty());
                if show == Show::False {
                    let (text, context) = (&row.text[finding.span.clone()], around(&row.text, &finding.span));
                    println!("FALSE {} {} {} | {text} | {context}", row.class, row.kind, finding.rule);
                }
            }
        }
        if labels.is_empty() {
            let (benign, flagged) = (usize::from(row.class == "benign"), usize::from(!ours.is_empty()));
            self.clean += 1;
            self.flagged += flagged;
            self.benign += benign;
            self.benign_flagged += benign * flagged;
        }
    }

    pub(crate) fn line(&self) -> String {
        let show = |share: Share| format!("{:.3} {:.3}-{:.3}", share.value(), share.low(), share.high());
        format!(
            "{:6}  {:18} {:18} {:6.3} {:6.3} {:6.3}  {:>4}/{:<5} {:>4}/{:<5}",
            self.labels,
            show(self.recall()),
            show(self.precision()),
            Share(self.right, self.right + self.wrong_clean).value(),
            self.f1(),
            Share(self.exact, self.labels).value(),
            self.flagged,
            self.clean,
            self.benign_flagged,
            self.benign,
        )
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "labels": self.labels, "found": self.found, "exact": self.exact, "right": self.right, "wrong": self.wrong,
            "recall": self.recall().json(),
            "precision": self.precision().json(),
            "precision_apart": Share(self.right, self.right + self.wrong_clean).json(),
            "f1": number(self.f1()),
            "clean": { "texts": self.clean, "flagged": self.flagged, "share": Share(self.flagged, self.clean).json() },
            "benign": { "texts": self.benign, "flagged": self.benign_flagged, "share": Share(self.benign_flagged, self.benign).json() },
        })
    }

    fn recall(&self) -> Share {
        Share(self.found, self.labels)
    }

    /// Over findings in all texts that are labelled for the kind; where a text holds a label, one beside it is wrong too.
    fn precision(&self) -> Share {
        Share(self.right, self.right + self.wrong)
    }

    fn f1(&self) -> f64 {
        let (recall, precision) = (self.recall().value(), self.precision().value());
        2.0 * precision * recall / (precision + recall)
    }
}

/// A share of a whole, with the interval of Wilson (1927) that holds the true one in 95 of 100 samples.
#[derive(Clone, Copy)]
pub(crate) struct Share(pub(crate) usize, pub(crate) usize);

impl Share {
    const Z: f64 = 1.96;

    pub(crate) fn value(self) -> f64 {
        if self.1 == 0 { f64::NAN } else { self.0 as f64 / self.1 as f64 }
    }

    fn low(self) -> f64 {
        self.bound(-1.0)
    }

    fn high(self) -> f64 {
        self.bound(1.0)
    }

    fn bound(self, sign: f64) -> f64 {
        let (whole, share, square) = (self.1 as f64, self.value(), Self::Z * Self::Z);
        let middle = share + square / (2.0 * whole);
        let reach = Self::Z * (share * (1.0 - share) / whole + square / (4.0 * whole * whole)).sqrt();
        ((middle + sign * reach) / (1.0 + square / whole)).clamp(0.0, 1.0)
    }

    pub(crate) fn json(self) -> Value {
        json!({ "value": number(self.value()), "low": number(self.low()), "high": number(self.high()) })
    }
}

/// Four digits say all that such samples can.
fn number(value: f64) -> Value {
    if value.is_finite() { json!((value * 10_000.0).round() / 10_000.0) } else { Value::Null }
}

pub(crate) fn meets(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

fn around(text: &str, span: &Range<usize>) -> String {
    let (from, to) = (
        text.floor_char_boundary(span.start.saturating_sub(60)),
        text.ceil_char_boundary((span.end + 40).min(text.len())),
    );
    text[from..to].replace('\n', "⏎")
}
