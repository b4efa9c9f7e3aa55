//! Issues the stand-ins of one call: which value gets which, so that each comes back as itself and nothing else does.

use crate::alike::alike;
use crate::restore::Restorer;
use crate::stand_in::{Spelling, StandIn, letters};
use crate::token::{LONGEST_BODY, Maker, canonical, head, kind, token};
use aho_corasick::AhoCorasick;
use plant::{Content, Finding, Label};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// How often a stand-in of the same form is drawn anew before the value gets a word.
const ROUNDS: usize = 16;

/// A finding that is to be replaced.
pub(crate) struct Wanted<'a> {
    pub(crate) finding: &'a Finding,
    /// What it says, with what stands before and behind it.
    pub(crate) value: &'a str,
    pub(crate) beside: (&'a str, &'a str),
    /// Whether its stand-in is to have its form.
    pub(crate) alike: bool,
}

/// A label and a value of it, as all its spellings have it.
type Named = (Label, String);

/// The stand-ins of one call.
///
/// INVARIANT: none begins with another, by the letters that tell it; [`Restorer`] reads them without looking further.
pub(crate) struct Issue<'a> {
    maker: &'a Maker<'a>,
    /// What follows the kind of a token in the content, as far as it could be the body of one, whatever is between its letters.
    /// A model that echoes a token which the caller forged must not be answered with a value, so no such body is issued.
    taken: BTreeSet<String>,
    /// Label and value to token.
    words: BTreeMap<Named, String>,
    /// Label and value to the round in which its stand-in was drawn.
    forms: BTreeMap<Named, usize>,
    /// By their letters.
    stand_ins: BTreeMap<String, StandIn>,
}

impl<'a> Issue<'a> {
    pub(crate) fn new(content: &Content<'_>, maker: &'a Maker<'a>, wanted: &[Wanted<'_>]) -> Self {
        let (words, forms, stand_ins) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let text = if wanted.is_empty() { String::new() } else { squeezed(content) };
        let kinds = wanted.iter().map(|wanted| kind(&wanted.finding.label)).collect();
        let mut issue = Self { maker, taken: forged(&text, &kinds), words, forms, stand_ins };
        issue.draw(&text, wanted);
        issue
    }

    /// What stands in for the value of a finding. One that would not be told from what is beside it is a word.
    pub(crate) fn stand_in(&mut self, wanted: &Wanted<'_>) -> String {
        let Wanted { finding, value, beside: (before, behind), alike } = *wanted;
        let round = self.forms.get(&named(&finding.label, value)).filter(|_| alike);
        if let Some((text, spelling)) = round.and_then(|round| self.drawn(&finding.label, value, *round))
            && self.stand_ins.contains_key(&letters(&text, spelling))
            && spelling.stands(before, &text, behind)
        {
            return text;
        }
        self.word(&finding.label, value)
    }

    pub(crate) fn restorer(self) -> Restorer {
        Restorer::new(self.stand_ins.into_values())
    }

    fn word(&mut self, label: &Label, value: &str) -> String {
        let name = (label.clone(), value.to_owned());
        if let Some(token) = self.words.get(&name) {
            return token.clone();
        }
        let Maker { conduit, key, .. } = *self.maker;
        let token =
            (0..LONGEST_BODY).map(|longer| token(key, conduit, label, value, longer)).find(|token| self.is_word(token));
        // Cannot happen short of 45 equal bits many times over; then the value stays away, and does not come back.
        let Some(token) = token else { return format!("[redacted:{label}]") };
        self.add(&token, Spelling::Word, value);
        self.words.insert(name, token.clone());
        token
    }

    fn is_word(&self, token: &str) -> bool {
        let forged =
            token.split_once('_').and_then(|(_, body)| head(body)).is_none_or(|head| self.taken.contains(&head));
        !forged && self.is_free(&letters(token, Spelling::Word))
    }

    fn add(&mut self, text: &str, spelling: Spelling, value: &str) {
        self.stand_ins.insert(letters(text, spelling), StandIn::new(text, spelling, value));
    }

    fn is_free(&self, letters: &str) -> bool {
        let above = self.stand_ins.range::<str, _>((Bound::Included(letters), Bound::Unbounded)).next();
        let below = self.stand_ins.range::<str, _>((Bound::Unbounded, Bound::Included(letters))).next_back();
        !above.is_some_and(|(other, _)| other.starts_with(letters))
            && !below.is_some_and(|(other, _)| letters.starts_with(other.as_str()))
    }

    /// Draws stand-ins that have a form, all values at once: what stands in the call, or is the plant's own, or another
    /// value's, is drawn anew. Takes time in the rounds times the call's length.
    fn draw(&mut self, text: &str, wanted: &[Wanted<'_>]) {
        let mut open: Vec<(Named, &str)> = Vec::new();
        let mut seen = BTreeSet::new();
        for Wanted { finding, value, .. } in wanted.iter().filter(|wanted| wanted.alike) {
            let name = named(&finding.label, value);
            if seen.insert(name.clone()) {
                open.push((name, value));
            }
        }
        for round in 0..ROUNDS {
            let drawn: Vec<_> = open.iter().map(|((label, _), value)| self.drawn(label, value, round)).collect();
            let standing = standing(text, drawn.iter().flatten().map(|(text, _)| text.as_str()));
            let mut left = Vec::new();
            for (one, drawn) in open.into_iter().zip(drawn) {
                // What has no form gets a word.
                let Some((text, spelling)) = drawn else { continue };
                let told = letters(&text, spelling);
                if standing.contains(&plain(&text)) || !self.is_free(&told) || (self.maker.own)(&text) {
                    left.push(one);
                } else {
                    self.add(&text, spelling, one.1);
                    self.forms.insert(one.0, round);
                }
            }
            open = left;
            if open.is_empty() {
                break;
            }
        }
    }

    /// The stand-in of a value in its own form, as it is drawn in a round.
    fn drawn(&self, label: &Label, value: &str, round: usize) -> Option<(String, Spelling)> {
        let Maker { conduit, key, .. } = *self.maker;
        let (_, plain) = named(label, value);
        let (mut block, mut at, mut bytes) = (0, 32, [0; 32]);
        // The separator cannot be in a label. Sixteen bits to a draw: what they lean to tells nothing of the value.
        let mut draw = |below: u32| {
            if at >= bytes.len() {
                bytes = key.tag(conduit, &format!("{label}\u{1F}alike\u{1F}{round}\u{1F}{block}"), &plain);
                (block, at) = (block + 1, 0);
            }
            let pair = bytes.get(at..at + 2).and_then(|pair| <[u8; 2]>::try_from(pair).ok()).unwrap_or_default();
            at += 2;
            u32::from(u16::from_be_bytes(pair)) % below.max(1)
        };
        alike(label, value, &mut draw)
    }
}

/// What all spellings of a value share.
fn named(label: &Label, value: &str) -> Named {
    let name = match label.as_str() {
        "tag" => plain(value),
        _ => canonical(label, value),
    };
    (label.clone(), name)
}

/// Letters and digits alone, in capitals.
fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

/// All texts of a call, as [`plain`] has them, a line to each.
fn squeezed(content: &Content<'_>) -> String {
    content.pieces.iter().map(|piece| plain(&piece.text) + "\n").collect()
}

/// Those of the stand-ins that stand in a text, whatever is between their letters.
fn standing<'t>(text: &str, drawn: impl Iterator<Item = &'t str>) -> BTreeSet<String> {
    let drawn: Vec<String> = drawn.map(plain).collect();
    let Ok(search) = AhoCorasick::new(&drawn) else {
        // More than an automaton holds: none is used.
        return drawn.into_iter().collect();
    };
    let found = search.find_overlapping_iter(text).filter_map(|found| drawn.get(found.pattern().as_usize()));
    found.cloned().collect()
}

/// The heads of bodies that stand behind a kind in a text.
fn forged(text: &str, kinds: &BTreeSet<String>) -> BTreeSet<String> {
    let behind = |kind: &String, at: usize| head(text.get(at + kind.len()..)?);
    let heads = kinds.iter().flat_map(|kind| {
        memchr::memmem::find_iter(text.as_bytes(), kind.as_bytes()).filter_map(move |at| behind(kind, at))
    });
    heads.collect()
}

#[cfg(test)]
mod tests {
    use crate::fuzz::{Mixer, apply, message};
    use crate::{Changes, Inspector, Maker, Settings, Transformation, transform};
    use plant::{Form, Rewrite as _, Sensitivity};
    use std::sync::LazyLock;

    static INSPECTOR: LazyLock<Inspector> =
        LazyLock::new(|| Inspector::new(&Settings::new(Sensitivity::LOWEST)).expect("built-in settings compile"));

    fn alike_in(text: &str, conduit: &str, own: &dyn Fn(&str) -> bool) -> (String, Transformation) {
        let content = message(text);
        let findings = INSPECTOR.read(&content).expect("few findings");
        let all: Vec<usize> = (0..findings.len()).collect();
        let changes = Changes { tokenise: all.clone(), alike: all, ..Changes::default() };
        let done = transform(&content, &findings, &changes, &Maker { conduit, key: &Mixer, own }).expect("free text");
        (apply(text, &done.edits), done)
    }

    fn sent(text: &str) -> String {
        alike_in(text, "c", &|_| false).0
    }

    #[test]
    fn a_value_has_the_same_stand_in_in_each_call_of_a_conduit() {
        let one = sent("TIC-101 is high");
        let tag = one.split(' ').next().expect("a word");
        assert!(tag.starts_with("TIC-") && tag.len() == 9 && tag != "TIC-101", "{tag}");
        assert_eq!(sent("compare TIC-101 with FV-203, and TIC-101 again").matches(tag).count(), 2);
        assert!(!alike_in("TIC-101 is high", "d", &|_| false).0.contains(tag));
    }

    #[test]
    fn spellings_of_a_value_share_a_stand_in_and_come_back_as_the_first() {
        let (sent, mut done) = alike_in("TIC-101, TIC_101", "c", &|_| false);
        let (one, other) = sent.split_once(", ").expect("two tags");
        assert_eq!(one.replace('-', "_"), other);
        assert_eq!(done.restorer.whole(&sent, Form::Plain).as_deref(), Some("TIC-101, TIC-101"));
    }

    #[test]
    fn what_stands_in_the_call_or_is_the_plants_own_is_never_a_stand_in() {
        let tag = sent("TIC-101 is high").split(' ').next().expect("a word").to_owned();
        let digits = tag.trim_start_matches("TIC-");
        for text in [
            format!("TIC-101 is not {tag}"),
            format!("TIC-101 is not tic {digits} here"),
            format!("TIC-101 is not T\u{AD}IC{digits}"),
        ] {
            let (sent, mut done) = alike_in(&text, "c", &|_| false);
            assert!(!sent.starts_with(&tag), "{sent}");
            let back = done.restorer.whole(&sent, Form::Plain).expect("a value comes back");
            assert!(back.starts_with("TIC-101 is not ") && back.contains(digits), "{back}");
        }
        let other = alike_in("TIC-101 is high", "c", &|text| text == tag).0;
        assert!(!other.starts_with(&tag) && other.starts_with("TIC-"), "{other}");
        assert!(alike_in("TIC-101 is high", "c", &|_| true).0.starts_with("TAG_"), "a word where no form is free");
    }

    #[test]
    fn a_forged_word_stays_one_however_it_is_spelled() {
        let in_words = |text: &str| {
            let content = message(text);
            let findings = INSPECTOR.read(&content).expect("few findings");
            let changes = Changes { tokenise: (0..findings.len()).collect(), ..Changes::default() };
            let own = |_: &str| false;
            let maker = Maker { conduit: "c", key: &Mixer, own: &own };
            let done = transform(&content, &findings, &changes, &maker).expect("free text");
            (apply(text, &done.edits), done)
        };
        let (token, _) = in_words("TIC-101");
        let (kind, body) = token.split_once('_').expect("a token");
        let (half, rest) = body.split_at(4);
        for forged in [
            token.clone(),
            token.to_lowercase(),
            format!("{kind} {body}"),
            format!("{kind}-{body}"),
            format!("{kind}_{half}\u{200B}{rest}"),
            format!("{kind}_{half} {rest}"),
            format!("{kind}\\_{half}-\n  {rest}"),
        ] {
            let (sent, mut done) = in_words(&format!("TIC-101 and {forged}"));
            let back = done.restorer.whole(&sent, Form::Plain).expect("a value comes back");
            assert_eq!(back, format!("TIC-101 and {forged}"), "{sent}");
        }
    }

    #[test]
    fn values_side_by_side_come_back() {
        for text in ["DE89 3704 0044 0532 0130 00.\u{FF11} and", "fe80::1185 °C TIC-101", "TIC-101-FV-203_PT-300"] {
            let (sent, mut done) = alike_in(text, "c", &|_| false);
            let back = done.restorer.whole(&sent, Form::Plain).unwrap_or_else(|| sent.clone());
            assert_eq!(back, text, "{sent}");
        }
    }

    #[test]
    fn ten_thousand_tags_have_ten_thousand_stand_ins() {
        let text: String = (0..10_000).map(|at| format!("TIC-{}\n", 10_000 + at)).collect();
        let (sent, mut done) = alike_in(&text, "c", &|_| false);
        let distinct: std::collections::BTreeSet<&str> = sent.lines().collect();
        assert_eq!(distinct.len(), 10_000);
        assert!(sent.lines().filter(|tag| tag.starts_with("TIC-")).count() > 9_900, "most keep their form");
        assert_eq!(done.restorer.whole(&sent, Form::Plain).as_deref(), Some(text.as_str()));
    }
}
