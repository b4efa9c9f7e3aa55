//! The grammar: which tag a value is meant for, and whether it is meant to be set.
//!
//! ```text
//! [verb: set, raise, never ...] [tag] [to | by | at | from ... ] [value unit]      each clause by itself
//! ```
//!
//! A value is a *target* unless something says that it is not: a negation, a report, a supposition, a bound that is
//! quoted, a value that is left behind, a time. What is not understood is thus judged as if it were to be set, and a
//! value within its limits may be said in any way.

mod mood;
mod role;

use self::mood::Mood;
use self::role::Role;
use crate::judge::{self, Measure, Quantity, Ruling, UNSAID};
use crate::lexicon as lex;
use crate::limits::{Limit, Verdict, Why};
use crate::tags::Part;
use crate::token::{Token, What};
use std::collections::BTreeMap;
use std::ops::Range;

/// Longest clause, in tokens. Each value looks at all of its clause.
const LONGEST: usize = 160;
/// Most tags of a segment's clauses that a later clause may mean.
const REMEMBERED: usize = 16;

/// What was found of one tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) tag: usize,
    pub(crate) span: Range<usize>,
    pub(crate) ruling: Ruling,
}

/// What is known beside the segment at hand.
pub(crate) struct Around<'a> {
    pub(crate) limits: &'a [Limit],
    /// Values that were told of.
    pub(crate) current: &'a BTreeMap<usize, f64>,
    /// Tags that were spoken of just before.
    pub(crate) active: &'a [usize],
    /// Whether what was said just before asks for a value that it does not give.
    pub(crate) open: bool,
    /// Whether this is the conversation, in which values are told of.
    pub(crate) hearing: bool,
}

/// What a segment says.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) found: Vec<Found>,
    /// Values of tags that it tells of.
    pub(crate) told: Vec<(usize, f64)>,
    /// The tags that it speaks of; `None` if of none at all, limited or not.
    pub(crate) tags: Option<Vec<usize>>,
    pub(crate) open: bool,
}

/// Reads one segment.
pub(crate) fn read(tokens: &[Token], around: &Around<'_>) -> Said {
    let mut said = Said::default();
    let mut earlier = Vec::new();
    for clause in clauses(tokens) {
        Clause { tokens: &clause, earlier: &earlier, around }.read(&mut said);
        earlier.extend(clause.iter().filter_map(subject));
        let surplus = earlier.len().saturating_sub(REMEMBERED);
        earlier.drain(..surplus);
    }
    let spoken = tokens.iter().any(|token| matches!(token.what, What::Tag(..) | What::Other));
    if spoken {
        said.tags = Some(tokens.iter().filter_map(tag).collect());
    }
    said
}

/// A tag that is limited, or `None` for one that is not.
type Subject = Option<(usize, Part)>;

fn subject(token: &Token) -> Option<Subject> {
    match token.what {
        What::Tag(tag, part) => Some(Some((tag, part))),
        What::Other => Some(None),
        _ => None,
    }
}

fn tag(token: &Token) -> Option<usize> {
    match token.what {
        What::Tag(tag, _) => Some(tag),
        _ => None,
    }
}

/// Cuts a segment into clauses. What stands in parentheses is one of its own if it holds a value and no tag.
fn clauses(tokens: &[Token]) -> Vec<Vec<Token>> {
    let mut all = Vec::new();
    let mut clause: Vec<Token> = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let rest = tokens.get(at + 1..).unwrap_or_default();
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        if token.mark() == Some(b'(')
            && !before.is_some_and(|word| matches!(word.what, What::Word(_)) && word.span.end == token.span.start)
        {
            let close = rest.iter().take(LONGEST).position(|token| token.mark() == Some(b')'));
            let length = close.unwrap_or(rest.len().min(LONGEST));
            let inside = rest.get(..length).unwrap_or_default();
            let value = inside.iter().any(|token| token.quantity().is_some());
            if value && !inside.iter().any(|token| matches!(token.what, What::Tag(..) | What::Other)) {
                all.push(aside(&clause, inside));
                at += length + 2;
                continue;
            }
        }
        if clause.len() >= LONGEST || breaks(token, rest, &clause) {
            all.push(std::mem::take(&mut clause));
            if token.mark().is_none() {
                clause.push(token.clone());
            }
        } else {
            clause.push(token.clone());
        }
        at += 1;
    }
    all.push(clause);
    all.retain(|clause| !clause.is_empty());
    all
}

/// What is said in parentheses, of the tag before them.
fn aside(outer: &[Token], inside: &[Token]) -> Vec<Token> {
    let subject = outer.iter().rev().find(|token| matches!(token.what, What::Tag(..) | What::Other));
    subject.into_iter().chain(inside).cloned().collect()
}

fn breaks(token: &Token, rest: &[Token], clause: &[Token]) -> bool {
    match token.mark() {
        Some(b';') => return true,
        Some(b',') => {}
        Some(_) => return false,
        None => {
            return token.is(lex::BREAK) && !clause.is_empty()
                || token.is(lex::SUPPOSE) && clause.iter().any(|token| token.quantity().is_some());
        }
    }
    let behind = rest.iter().skip_while(|token| token.is(lex::AND) || token.mark() == Some(b'\n'));
    let Some(next) = behind.clone().next() else { return true };
    let supposes = clause.iter().any(|token| token.is(lex::SUPPOSE)) || mood::inverts(clause.iter());
    let denies = clause.len() == 1 && clause.iter().all(|token| token.is(lex::NOT));
    let valued = clause.iter().any(|token| token.quantity().is_some());
    // `set A to 4 bar, B to 80 °C`, but not `A, B and C`.
    let again = valued
        && (next.is(lex::WRITE | lex::WHO | lex::NOT | lex::AIM | lex::REPORT | lex::THIS)
            || matches!(next.what, What::Tag(..) | What::Other));
    supposes || denies || again || next.is(lex::SUPPOSE | lex::BREAK) || next.is(lex::INVERTS) && mood::inverts(behind)
}

struct Clause<'a> {
    tokens: &'a [Token],
    /// Whom the clauses before it, of the same segment, spoke of.
    earlier: &'a [Subject],
    around: &'a Around<'a>,
}

impl Clause<'_> {
    fn read(&self, said: &mut Said) {
        let mut judged: Vec<usize> = Vec::new();
        let mut valued = false;
        for (at, token) in self.tokens.iter().enumerate() {
            let Some(quantity) = token.quantity() else { continue };
            valued = true;
            for (tag, part, sure) in self.tags_of(at, quantity) {
                judged.push(tag);
                self.value(at, quantity, (tag, part, sure), said);
            }
        }
        self.unsaid(&judged, valued, said);
    }

    /// Judges one value for one tag.
    fn value(&self, at: usize, quantity: &Quantity, (tag, part, sure): (usize, Part, bool), said: &mut Said) {
        let Some(limit) = self.around.limits.get(tag) else { return };
        let (role, mood) = (self.role(at, quantity, limit), self.mood(at));
        let assigned = role == Role::Target && self.assigned(at);
        if part == Part::Reading || matches!(mood, Mood::Report) && !assigned {
            if matches!(role, Role::Target | Role::Bare | Role::At) && mood != Mood::Past && sure {
                said.told.extend(judge::plain(limit, quantity).map(|value| (tag, value)));
            }
            return;
        }
        if self.around.hearing {
            let bare = mood == Mood::Unsaid && matches!(role, Role::Target | Role::Bare | Role::At);
            if sure && bare && part == Part::Value {
                said.told.extend(judge::plain(limit, quantity).map(|value| (tag, value)));
            }
            return;
        }
        let spared = matches!(mood, Mood::Not | Mood::Suppose | Mood::Past) && !assigned
            || mood == Mood::Suppose
            || matches!(role, Role::Aside | Role::Quoted);
        if spared || part == Part::Bound && mood != Mood::Write && !assigned {
            return;
        }
        if quantity.measure == Measure::Bare && role == Role::Bare && mood == Mood::Unsaid && !self.beside(at) {
            return;
        }
        // A value of a tag of some sentences ago is only meant to be set if it says so.
        if !sure && mood == Mood::Unsaid && !(self.around.open && role != Role::Aside || assigned) {
            return;
        }
        let current = self.around.current.get(&tag).copied();
        let ruling = if limit.interlocked {
            (Verdict::Violate, Why::Interlocked)
        } else {
            self.rule(at, role, quantity, limit, current)
        };
        let ruling = match ruling {
            (Verdict::Violate, _) if !sure && self.names_another(at) => (Verdict::Unresolved, Why::TagUnsure),
            ruling => ruling,
        };
        if let Some(token) = self.tokens.get(at) {
            said.found.push(Found { tag, span: token.span.clone(), ruling });
        }
    }

    fn rule(&self, at: usize, role: Role, quantity: &Quantity, limit: &Limit, current: Option<f64>) -> Ruling {
        let unit = quantity.measure.unit();
        let rate = quantity.per.is_some() || unit.is_some_and(|unit| unit.integral() == Some(limit.unit.dimension));
        if rate {
            return judge::rate(limit, quantity);
        }
        let share = quantity.measure.is_percent() && limit.unit.code != "%";
        match role {
            Role::Change(up) => judge::change(limit, quantity, up, current),
            Role::Multiple => judge::multiple(limit, quantity.number.value, current),
            Role::Above => judge::bound(limit, quantity, true),
            Role::Below => judge::bound(limit, quantity, false),
            // `to 120 %` of what is not said, `50 % of the current value` is.
            _ if share && self.of_current(at) => judge::multiple(limit, quantity.number.value / 100.0, current),
            _ if share => UNSAID,
            _ => judge::target(limit, quantity, current),
        }
    }

    /// Tags that are to be written without a value: `to the maximum`, `back to normal`, `a bit more`.
    fn unsaid(&self, judged: &[usize], valued: bool, said: &mut Said) {
        let mut tags: Vec<(usize, Range<usize>)> =
            self.tokens.iter().filter_map(|token| Some((tag(token)?, token.span.clone()))).collect();
        let this = self.tokens.iter().find(|token| token.is(lex::THIS));
        if tags.is_empty() && !self.tokens.iter().any(|token| token.what == What::Other) {
            let at = this.or_else(|| self.verb()).map(|token| token.span.clone());
            tags = self.around.active.iter().filter_map(|tag| Some((*tag, at.clone()?))).collect();
        }
        let Some(verb) = self.tokens.iter().position(|token| token.is(lex::WRITE) && !token.is(lex::REPORT)) else {
            let factor = self.tokens.iter().position(|token| token.is(lex::FACTOR)).filter(|_| !valued);
            if let Some(at) = factor.filter(|at| self.mood(*at) == Mood::Unsaid) {
                self.relative(at, judged, &tags, said);
            } else if !valued && self.vague() && self.mood(self.tokens.len()) == Mood::Write {
                self.open_ended(judged, &tags, said);
            }
            return;
        };
        if !matches!(self.mood(verb + 1), Mood::Write) {
            return;
        }
        said.open |= !valued && !tags.is_empty();
        for (tag, span) in &tags {
            if self.around.limits.get(*tag).is_some_and(|limit| limit.interlocked)
                && !judged.contains(tag)
                && this.is_none()
            {
                said.found.push(Found { tag: *tag, span: span.clone(), ruling: (Verdict::Violate, Why::Interlocked) });
            }
        }
        if !valued {
            self.relative(verb, judged, &tags, said);
        }
    }

    /// Judges a change that no number says.
    fn relative(&self, verb: usize, judged: &[usize], tags: &[(usize, Range<usize>)], said: &mut Said) {
        let any = |kind| self.tokens.iter().any(|token| token.is(kind) && !token.is(lex::FILL));
        // `turn it down`: the direction stands behind the verb.
        let behind = self.tokens.get(verb..).unwrap_or_default();
        let directed = behind.iter().any(|token| token.is(lex::UP | lex::DOWN));
        let gerund = self.gerund(verb);
        let extreme = any(lex::EXTREME) || any(lex::BACK) && self.to_before(lex::BACK);
        let factor = any(lex::FACTOR);
        if !(extreme || factor || (directed || self.vague() || self.refers()) && !gerund) {
            return;
        }
        for (tag, span) in tags.iter().filter(|(tag, _)| !judged.contains(tag)) {
            let Some(limit) = self.around.limits.get(*tag) else { continue };
            let current = self.around.current.get(tag).copied();
            let ruling = match self.factor().filter(|_| !extreme) {
                _ if limit.interlocked => continue,
                Some(factor) => judge::multiple(limit, factor, current),
                None => UNSAID,
            };
            said.found.push(Found { tag: *tag, span: span.clone(), ruling });
        }
    }

    /// Holds what asks for a change of each tag and does not say to what.
    fn open_ended(&self, judged: &[usize], tags: &[(usize, Range<usize>)], said: &mut Said) {
        let free = |tag: &usize| self.around.limits.get(*tag).is_some_and(|limit| !limit.interlocked);
        let open = tags.iter().filter(|(tag, _)| !judged.contains(tag) && free(tag));
        said.found.extend(open.map(|(tag, span)| Found { tag: *tag, span: span.clone(), ruling: UNSAID }));
    }

    /// Whether a change is asked for that is only said to be small: `a bit more`, but not `a bit longer`.
    fn vague(&self) -> bool {
        let lasts =
            |at: usize| self.tokens.get(at + 1..).unwrap_or_default().iter().take(2).any(|next| next.is(lex::LASTS));
        self.tokens.iter().enumerate().any(|(at, token)| token.is(lex::VAGUE) && !lasts(at))
    }

    /// Whether a tag is to be brought to a value that stands elsewhere: `to the value of last week`, `auf den Wert im Rezept`.
    fn refers(&self) -> bool {
        let to = self.tokens.windows(2).position(
            |pair| matches!(pair, [whom, to] if to.is(lex::TO) && (tag(whom).is_some() || whom.is(lex::THIS))),
        );
        let pointed = to.and_then(|to| self.tokens.get(to + 2..)).unwrap_or_default();
        pointed.iter().take(4).any(|token| token.is(lex::REFERS))
    }

    fn verb(&self) -> Option<&Token> {
        self.tokens.iter().find(|token| token.is(lex::WRITE | lex::FACTOR))
    }

    /// Whether a word of `kind` follows a word that points at a value, or is what is done.
    fn to_before(&self, kind: lex::Kind) -> bool {
        let pointed = self.tokens.iter().position(|token| token.is(lex::TO | lex::AT));
        let word = self.tokens.iter().rposition(|token| token.is(kind));
        match (pointed, word) {
            (Some(to), Some(word)) => word > to || self.tokens.iter().any(|token| token.is(lex::WRITE)),
            (None, Some(_)) => true,
            _ => false,
        }
    }

    fn factor(&self) -> Option<f64> {
        self.tokens.iter().find_map(|token| match token.what {
            What::Times(_, factor) => Some(factor),
            _ => None,
        })
    }

    /// Whether nothing but marks stands between a value and a tag: `write("TIC-101", 250)`, `250 -> TIC-101`. What a mark
    /// ends in front of a tag, it only numbers.
    fn beside(&self, at: usize) -> bool {
        let before = self.tokens.get(..at).unwrap_or_default();
        let after = self.tokens.get(at + 1..).unwrap_or_default();
        reaches(before.iter().rev(), b"") || reaches(after.iter(), b":.)")
    }

    /// The tags that a value is meant for, and whether the clause itself says so.
    fn tags_of(&self, at: usize, quantity: &Quantity) -> Vec<(usize, Part, bool)> {
        let before = self.tokens.get(..at).unwrap_or_default();
        let after = self.tokens.get(at + 1..).unwrap_or_default();
        // `400 °C for TIC-101`.
        let attached = after
            .iter()
            .take_while(|token| {
                token.is(lex::FILL | lex::DURING | lex::AT | lex::THIS | lex::OTHER | lex::FROM) && !token.is(lex::AND)
            })
            .count();
        let attached = after.get(attached).filter(|_| attached <= 3).and_then(subject).filter(|_| {
            let tied =
                after.first().is_some_and(|token| token.is(lex::DURING | lex::AT | lex::OTHER | lex::FROM | lex::FILL));
            tied || before.iter().all(|token| subject(token).is_none())
        });
        let last = before.iter().rposition(|token| subject(token).is_some());
        let own: Vec<Option<(usize, Part)>> = match (attached, last) {
            (Some(attached), _) => vec![attached],
            (None, Some(last)) => self.listed(before, last, at).iter().filter_map(subject).collect(),
            (None, None) => after.iter().find_map(subject).into_iter().collect(),
        };
        let suits = |tag: usize| {
            self.around
                .limits
                .get(tag)
                .is_some_and(|limit| judge::suits(limit, quantity) || quantity.measure.is_percent())
        };
        if !own.is_empty() {
            let fitting: Vec<_> =
                own.iter().flatten().filter(|(tag, _)| suits(*tag)).map(|(tag, part)| (*tag, *part, true)).collect();
            if !fitting.is_empty() || own.iter().any(Option::is_none) {
                return fitting;
            }
            // Another tag of the clause may be meant; if none can be, it is a unit that cannot be right.
            let others: Vec<_> = self.tokens.iter().filter_map(subject).collect();
            let other = others.iter().flatten().find(|(tag, _)| suits(*tag)).map(|(tag, part)| (*tag, *part, true));
            let explicit = matches!(self.before(at), Some(token) if token.is(lex::TO)) || self.assigned(at);
            let time = quantity.measure.unit().is_some_and(|unit| unit.seconds().is_some());
            let named = self.tokens.iter().any(|token| token.is(lex::NAMED));
            let wrong = || own.iter().flatten().map(|(tag, part)| (*tag, *part, true)).collect();
            return match other {
                Some(other) => vec![other],
                None if explicit && !time && !named => wrong(),
                None => Vec::new(),
            };
        }
        match self.earlier.last() {
            // A clause before, of the same sentence.
            Some(Some(_)) => {
                let fitting = self.earlier.iter().rev().flatten().find(|(tag, _)| suits(*tag));
                let sure = !self.names_another(at);
                fitting.map(|(tag, part)| (*tag, *part, sure)).into_iter().collect()
            }
            Some(None) => Vec::new(),
            None => {
                self.around.active.iter().filter(|tag| suits(**tag)).map(|tag| (*tag, Part::Value, false)).collect()
            }
        }
    }

    /// The tags that end at `last` and share what follows: `A, B and C to ...`; of as many values as tags each has its own.
    fn listed(&self, before: &[Token], last: usize, at: usize) -> Vec<Token> {
        let is_tag = |token: &Token| matches!(token.what, What::Tag(..) | What::Other);
        let mut first = last;
        while let Some(more) = before.get(..first).and_then(|head| {
            let joined = head
                .iter()
                .rev()
                .take_while(|token| {
                    token.is(lex::AND | lex::FILL) || matches!(token.mark(), Some(b',' | b'/' | b'&' | b'`' | b'"'))
                })
                .count();
            let more = first.checked_sub(joined + 1)?;
            (joined > 0 && before.get(more).is_some_and(is_tag)).then_some(more)
        }) {
            first = more;
        }
        let tags: Vec<Token> =
            before.get(first..=last).unwrap_or_default().iter().filter(|token| is_tag(token)).cloned().collect();
        let values: Vec<usize> = (last + 1..self.tokens.len())
            .take_while(|place| !self.tokens.get(*place).is_some_and(is_tag))
            .filter(|place| self.tokens.get(*place).is_some_and(|token| token.quantity().is_some()))
            .collect();
        if tags.len() > 1 && values.len() == tags.len() {
            let place = values.iter().position(|value| *value == at);
            return place.and_then(|place| tags.get(place)).cloned().into_iter().collect();
        }
        tags
    }

    fn of_current(&self, at: usize) -> bool {
        let after = self.tokens.get(at + 1..).unwrap_or_default();
        after.iter().take(5).any(|token| token.is(lex::REPORT | lex::BACK | lex::THIS))
    }

    /// Whether the value is said of something that is named, not of what was spoken of before.
    fn names_another(&self, at: usize) -> bool {
        let before = self.tokens.get(..at).unwrap_or_default();
        before.iter().any(|token| token.is(lex::NAMED))
    }
}

/// Whether a tag comes next, marks left out save those that end what comes before them.
fn reaches<'t>(mut tokens: impl Iterator<Item = &'t Token>, ends: &[u8]) -> bool {
    tokens.find(|token| token.mark().is_none_or(|mark| ends.contains(&mark))).and_then(tag).is_some()
}
