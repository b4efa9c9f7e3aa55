//! What a clause wants of a value: that it be set, or only that it be known.

use super::{Clause, subject};
use crate::lexicon as lex;
use crate::token::Token;

/// What a clause wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    Write,
    Report,
    Past,
    Not,
    Suppose,
    Unsaid,
}

impl Clause<'_> {
    /// What the clause wants of a value at `at`.
    pub(super) fn mood(&self, at: usize) -> Mood {
        let before = self.tokens.get(..at.min(self.tokens.len())).unwrap_or_default();
        let after = self.tokens.get(at.min(self.tokens.len())..).unwrap_or_default();
        let denied = before.iter().filter(|token| token.is(lex::NOT)).count() - usize::from(self.floors(at));
        let why_not = |pair: &&[Token]| matches!(pair, [why, not] if why.is(lex::WHY) && not.is(lex::NOT));
        let despite =
            before.iter().filter(|token| token.is(lex::DESPITE)).count() + before.windows(2).filter(why_not).count();
        // German may deny behind the value: `auf 400 °C nicht stellen`.
        let behind = after.iter().take(3).filter(|token| token.is(lex::NOT) && token.is(lex::GERMAN)).count();
        if (denied + behind).saturating_sub(despite) % 2 == 1 {
            return Mood::Not;
        }
        // `who is on shift should set it` is no question.
        let whoever =
            self.tokens.iter().find(|token| token.mark().is_none()).is_some_and(|token| token.is(lex::WHOEVER));
        if self.wonders(before) {
            return Mood::Suppose;
        }
        if inverts(self.tokens.iter()) && !(whoever && before.iter().any(|token| token.is(lex::AIM))) {
            return Mood::Suppose;
        }
        if let Some(supposed) = before.iter().rposition(|token| token.is(lex::SUPPOSE)) {
            let since = before.get(supposed + 1..).unwrap_or_default();
            if !asks(since) {
                return Mood::Suppose;
            }
        }
        let aims = before.iter().any(|token| token.is(lex::AIM));
        let past = self.tokens.iter().any(|token| token.is(lex::PAST) && !token.is(lex::PASSIVE));
        for (place, token) in before.iter().enumerate().rev() {
            if token.is(lex::WRITE) && !token.is(lex::REPORT) {
                let told = before.get(place.saturating_sub(4)..place).unwrap_or_default();
                let passive = told.iter().any(|token| token.is(lex::PASSIVE))
                    && !told.iter().any(|token| token.is(lex::AIM | lex::TO));
                // `you had set it`, `they set it yesterday`.
                let by_others = past
                    && before
                        .get(..place)
                        .is_some_and(|head| !head.is_empty() && !head.iter().any(|token| token.is(lex::AIM)));
                let harms =
                    |tokens: Option<&[Token]>| tokens.unwrap_or_default().iter().any(|token| token.is(lex::HARM));
                // `it is set to`: so it is.
                let stands =
                    place.checked_sub(1).and_then(|last| before.get(last)).is_some_and(|token| token.is(lex::REPORT))
                        && !aims;
                return match () {
                    () if passive || by_others => Mood::Past,
                    () if stands => Mood::Report,
                    () if harms(before.get(..place)) || token.is(lex::GERUND) && harms(self.tokens.get(at..)) => {
                        Mood::Suppose
                    }
                    () => Mood::Write,
                };
            }
            if token.is(lex::PASSIVE)
                && token.is(lex::ENGLISH)
                && before.get(place + 1).is_some_and(|token| token.is(lex::TO))
            {
                // `it has to be`.
                return Mood::Write;
            }
            if token.is(lex::REPORT) {
                let is = token.is(lex::ENGLISH | lex::GERMAN) && aims && !token.is(lex::PASSIVE);
                let current = before.iter().any(|token| {
                    token.is(lex::REPORT)
                        && !token.is(lex::PASSIVE)
                        && token.span != before.get(place).map_or(0..0, |t| t.span.clone())
                });
                if is && !current && !token.is(lex::PAST) {
                    return Mood::Write;
                }
                return if past || token.is(lex::PAST) { self.told_past(before, place) } else { Mood::Report };
            }
            if token.is(lex::DRIFTS) && !self.lets(before) {
                return Mood::Report;
            }
            let writes = || before.iter().any(|token| token.is(lex::WRITE) && !token.is(lex::REPORT));
            if token.is(lex::HARM) || token.is(lex::BOUND) && !writes() {
                return Mood::Report;
            }
            if token.is(lex::AIM) {
                return Mood::Write;
            }
        }
        // German verbs, and passives, stand behind.
        let verb = after.iter().find(|token| token.is(lex::WRITE | lex::REPORT | lex::HARM | lex::AIM | lex::DRIFTS));
        match verb {
            Some(verb) if verb.is(lex::DRIFTS) => {
                if self.lets(before) {
                    Mood::Write
                } else {
                    Mood::Report
                }
            }
            // `auf 400 °C zu stellen, wäre gefährlich`.
            Some(verb)
                if verb.is(lex::WRITE) && infinitive(after, verb) && after.iter().any(|token| token.is(lex::HARM)) =>
            {
                Mood::Suppose
            }
            Some(verb) if verb.is(lex::WRITE) && !verb.is(lex::REPORT) => {
                if after.iter().any(|token| token.is(lex::PASSIVE)) { Mood::Past } else { Mood::Write }
            }
            // `at 120 °C the product would char`.
            Some(verb)
                if verb.is(lex::MAYBE)
                    && after.iter().any(|token| token.is(lex::HARM))
                    && !after.iter().any(|token| token.is(lex::WRITE)) =>
            {
                Mood::Suppose
            }
            Some(verb) if verb.is(lex::HARM) => Mood::Report,
            Some(verb)
                if verb.is(lex::REPORT) && !verb.is(lex::PAST) && after.iter().any(|token| token.is(lex::AIM)) =>
            {
                Mood::Write
            }
            Some(verb) if verb.is(lex::REPORT) => {
                if verb.is(lex::PAST) || past {
                    Mood::Past
                } else {
                    Mood::Report
                }
            }
            Some(_) => Mood::Write,
            None => Mood::Unsaid,
        }
    }

    /// `does PIC-204 go to`, `can it reach`: asks what is or can be.
    fn wonders(&self, before: &[Token]) -> bool {
        let asked = |pair: &[Token]| {
            matches!(pair, [asks, whom] if asks.is(lex::ASKS)
                && (subject(whom).is_some() || whom.is(lex::THIS | lex::WHO | lex::FILL)))
        };
        let maybe = self.tokens.iter().find(|token| token.mark().is_none()).is_some_and(|first| first.is(lex::MAYBE));
        let happens = || self.tokens.iter().any(|token| token.is(lex::REPORT | lex::DRIFTS) && !token.is(lex::PASSIVE));
        let writes = || self.tokens.iter().any(|token| token.is(lex::WRITE));
        before.windows(2).any(asked) || maybe && happens() && !writes()
    }

    /// Whether what a value does by itself is wanted: `let it rise`, `it should rise`; but not `it might rise`.
    fn lets(&self, before: &[Token]) -> bool {
        let maybe = before.iter().any(|token| token.is(lex::MAYBE));
        before.iter().any(|token| token.is(lex::WRITE) || token.is(lex::AIM) && !maybe)
    }

    /// `should be raised to` asks, `was raised to` tells.
    fn told_past(&self, before: &[Token], place: usize) -> Mood {
        // `the setpoint was`: no verb stands between it and the value.
        if before.get(place).is_some_and(|token| token.is(lex::PASSIVE) && token.is(lex::PAST)) {
            return Mood::Past;
        }
        let modal = before.get(..place).unwrap_or_default().iter().any(|token| token.is(lex::AIM));
        if modal { Mood::Write } else { Mood::Past }
    }

    /// `raising it helps` explains; `try raising it` asks.
    pub(super) fn gerund(&self, verb: usize) -> bool {
        let Some(token) = self.tokens.get(verb) else { return false };
        let before = self.tokens.get(..verb).unwrap_or_default();
        token.is(lex::GERUND) && !before.iter().any(|token| token.is(lex::AIM | lex::WRITE | lex::WHO))
    }
}

/// Whether a clause begins with what asks or supposes by its place: `sollte TIC-101 erreichen`, `did you set`, `who sets`, but
/// not `sollte auf 250 °C`.
pub(super) fn inverts<'t>(tokens: impl Iterator<Item = &'t Token> + Clone) -> bool {
    // `soll TIC-101 erhöht werden?`: without the mark it asks for it.
    let rest = tokens.clone();
    let asked = || rest.last().and_then(Token::mark) == Some(b'?');
    let mut words = tokens.skip_while(|token| token.mark().is_some());
    let Some(first) = words.next() else { return false };
    first.is(lex::WHOEVER)
        || (first.is(lex::INVERTS) || first.is(lex::SHALL) && asked())
            && words.next().is_some_and(|next| {
                subject(next).is_some()
                    || next.is(lex::THIS | lex::WHO | lex::NAMED | lex::FILL) && !next.is(lex::TO | lex::NOT)
            })
}

/// Whether `zu` stands in front of a verb.
fn infinitive(tokens: &[Token], verb: &Token) -> bool {
    let place = tokens.iter().position(|token| token.span == verb.span).and_then(|place| place.checked_sub(1));
    place.and_then(|place| tokens.get(place)).is_some_and(|token| token.is(lex::TO) && token.is(lex::GERMAN))
}

/// Whether a clause that supposed something goes on to ask for something: `when ready set ...`, not `if you set ...`.
fn asks(since: &[Token]) -> bool {
    let verb = since.iter().position(|token| token.is(lex::WRITE) && !token.is(lex::REPORT));
    let Some(verb) = verb else { return false };
    let before = since.get(..verb).unwrap_or_default();
    let subject =
        before.iter().any(|token| token.is(lex::WHO | lex::THIS | lex::TO | lex::NAMED) || subject(token).is_some());
    !subject && !before.is_empty()
}
