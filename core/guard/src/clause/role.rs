//! How a value stands to its tag: what points at it, before and behind.

use super::Clause;
use super::mood::Mood;
use crate::judge::{Measure, Quantity};
use crate::lexicon as lex;
use crate::limits::Limit;
use crate::token::Token;

/// How a value stands to its tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It is assigned, or a target word stands before it.
    Target,
    /// It stands there.
    Bare,
    At,
    Change(Option<bool>),
    Multiple,
    Above,
    Below,
    /// Not to be set: left behind, a time, compared with.
    Aside,
    /// A bound that is named.
    Quoted,
}

impl Clause<'_> {
    /// The token before a value, what says nothing left out.
    pub(super) fn before(&self, at: usize) -> Option<&Token> {
        self.tokens.get(self.place_before(at)?)
    }

    pub(super) fn place_before(&self, at: usize) -> Option<usize> {
        let silent = |token: &Token| {
            let word =
                token.is(lex::FILL) && !token.is(lex::TO | lex::BY | lex::FROM | lex::AT | lex::BOUND | lex::WRITE);
            word || token.mark().is_some_and(|mark| b"\"'`([{$~*\n|?".contains(&mark))
        };
        (0..at).rev().find(|place| self.tokens.get(*place).is_some_and(|token| !silent(token)))
    }

    /// Whether the value is assigned by a sign, as code and data do.
    pub(super) fn assigned(&self, at: usize) -> bool {
        let signs = self.signs(at);
        signs == "=" || signs == ":=" || signs == ":" || signs == "->" || signs == "=>" || signs == "<-"
    }

    /// The marks right before a value.
    fn signs(&self, at: usize) -> String {
        let Some(place) = self.place_before(at) else { return String::new() };
        let marks = (0..=place)
            .rev()
            .map_while(|place| self.tokens.get(place)?.mark())
            .take_while(|mark| b":=<>+-!/".contains(mark));
        let mut signs: Vec<char> = marks.take(3).map(char::from).collect();
        signs.reverse();
        signs.into_iter().collect()
    }

    /// `no lower than`, `not below`: the least that it may be.
    pub(super) fn floors(&self, at: usize) -> bool {
        let Some(place) = self.place_before(at) else { return false };
        let Some(token) = self.tokens.get(place) else { return false };
        let below = if token.is(lex::FROM) { self.place_before(place) } else { Some(place) };
        let less = below.and_then(|place| self.tokens.get(place)).is_some_and(|token| token.is(lex::BELOW | lex::DOWN));
        let head = self.tokens.get(..below.unwrap_or(0)).unwrap_or_default();
        less && head.iter().rev().take(4).any(|token| token.is(lex::NOT))
    }

    pub(super) fn role(&self, at: usize, quantity: &Quantity, limit: &Limit) -> Role {
        if self.floors(at) {
            return Role::Above;
        }
        let timed = quantity
            .measure
            .unit()
            .is_some_and(|unit| unit.seconds().is_some() && unit.dimension != limit.unit.dimension);
        if timed {
            return Role::Aside;
        }
        let after = self.tokens.get(at + 1);
        if after.is_some_and(|token| token.is(lex::FACTOR)) && quantity.measure == Measure::Bare {
            return Role::Multiple;
        }
        match self.signs(at).as_str() {
            "=" | ":=" | ":" | "->" | "=>" | "<-" => return Role::Target,
            "+=" => return Role::Change(Some(true)),
            "-=" => return Role::Change(Some(false)),
            "==" | "!=" | "<>" | "===" => return Role::Aside,
            ">" | ">=" => return if self.compares() { Role::Aside } else { Role::Above },
            "<" | "<=" => return if self.compares() { Role::Aside } else { Role::Below },
            _ => {}
        }
        let Some(place) = self.place_before(at) else { return self.directed(at, quantity) };
        let Some(before) = self.tokens.get(place) else { return Role::Bare };
        let earlier = || self.place_before(place).and_then(|place| self.tokens.get(place));
        let paired = |place: usize| {
            self.place_before(place)
                .filter(|place| self.tokens.get(*place).is_some_and(|token| token.quantity().is_some()))
        };
        let joined = before.mark() == Some(b'-')
            || before.is(lex::AND)
            || before.is(lex::TO | lex::DURING) && paired(place).is_some();
        if joined
            && let Some((pair, first)) = paired(place).and_then(|pair| Some((pair, self.tokens.get(pair)?.quantity()?)))
        {
            // The second end of a range, or the next value of a list.
            return match self.role(pair, first, limit) {
                Role::Aside if before.is(lex::TO) => Role::Target,
                role => role,
            };
        }
        if before.is(lex::FROM) {
            // `higher than`, `mehr als`.
            let compared = earlier().map(|token| (token.is(lex::ABOVE), token.is(lex::BELOW)));
            return match compared {
                Some((true, _)) => Role::Above,
                Some((_, true)) => Role::Below,
                _ => Role::Aside,
            };
        }
        if before.is(lex::FACTOR) {
            return Role::Multiple;
        }
        if before.is(lex::TO) {
            // `up to 100 °C above its present value`.
            let compared = self.tokens.get(at + 1).filter(|token| token.is(lex::ABOVE | lex::BELOW));
            return match compared.filter(|_| self.of_current(at)) {
                Some(word) => Role::Change(Some(word.is(lex::ABOVE))),
                None => Role::Target,
            };
        }
        if before.is(lex::BY) {
            return Role::Change(self.direction(at));
        }
        if before.is(lex::AT | lex::BETWEEN) {
            return Role::At;
        }
        if before.is(lex::ABOVE) {
            return Role::Above;
        }
        if before.is(lex::BELOW) {
            return Role::Below;
        }
        if before.is(lex::BOUND) && !before.is(lex::AIM) {
            // `keep it in the range 20 to 40 °C`.
            let within =
                earlier().is_some_and(|token| token.is(lex::OTHER | lex::DURING)) && self.mood(at) == Mood::Write;
            return if within { Role::Target } else { Role::Quoted };
        }
        if before.is(lex::REPORT) && self.bound_before(place) {
            return Role::Quoted;
        }
        if before.is(lex::EXTREME) {
            return if self.mood(at) == Mood::Write { Role::Target } else { Role::Quoted };
        }
        if before.is(lex::DURING) && quantity.measure == Measure::Bare {
            return Role::Aside;
        }
        self.directed(at, quantity)
    }

    /// A value that nothing points at: a change if the verb asks for more or less, or its sign says so.
    fn directed(&self, at: usize, quantity: &Quantity) -> Role {
        let to = self.tokens.get(..at).unwrap_or_default().iter().any(|token| token.is(lex::TO));
        let compared = self.tokens.get(at + 1).filter(|token| token.is(lex::UP | lex::DOWN | lex::ABOVE | lex::BELOW));
        if let Some(word) = compared {
            return Role::Change(Some(word.is(lex::UP | lex::ABOVE)));
        }
        if quantity.number.plus && !to {
            return Role::Change(Some(true));
        }
        match self.direction(at) {
            Some(up) if !to => Role::Change(Some(up)),
            _ if quantity.measure.is_percent() && !to && self.direction(at).is_some() => {
                Role::Change(self.direction(at))
            }
            _ => Role::Bare,
        }
    }

    /// Whether the nearest verb asks for more or for less.
    fn direction(&self, at: usize) -> Option<bool> {
        let directed = |token: &&Token| token.is(lex::UP | lex::DOWN);
        let before = self.tokens.get(..at).unwrap_or_default().iter().rev().find(directed);
        let verb = before.or_else(|| self.tokens.get(at..).unwrap_or_default().iter().find(directed))?;
        Some(verb.is(lex::UP))
    }

    /// Whether this is a condition of code.
    fn compares(&self) -> bool {
        self.tokens.iter().any(|token| token.is(lex::SUPPOSE))
    }

    fn bound_before(&self, place: usize) -> bool {
        let before = self.tokens.get(..place).unwrap_or_default();
        before.iter().any(|token| token.is(lex::BOUND)) && !before.iter().any(|token| token.is(lex::WRITE))
    }
}
