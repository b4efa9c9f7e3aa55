//! Differences as they are found, and the phrases that many of them share.

use super::{Difference, Effect};
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt::Display;

/// What was found so far.
#[derive(Default)]
pub(super) struct Said(Vec<Difference>);

impl Said {
    pub(super) fn sorted(mut self) -> Vec<Difference> {
        self.0.sort();
        self.0
    }

    fn say(&mut self, effect: Effect, place: impl Fn() -> String, text: impl Fn() -> String) {
        self.0.push(Difference { effect, place: place(), text: text() });
    }

    pub(super) fn opens(&mut self, place: impl Fn() -> String, text: impl Fn() -> String) {
        self.say(Effect::Opens, place, text);
    }

    pub(super) fn closes(&mut self, place: impl Fn() -> String, text: impl Fn() -> String) {
        self.say(Effect::Closes, place, text);
    }

    pub(super) fn changes(&mut self, place: impl Fn() -> String, text: impl Fn() -> String) {
        self.say(Effect::Changes, place, text);
    }

    /// A value that is another one.
    pub(super) fn plain<T: PartialEq + Display>(
        &mut self,
        place: impl Fn() -> String,
        what: &str,
        (was, is): (&T, &T),
    ) {
        if was != is {
            self.changes(place, || format!("{what} is `{is}`, and was `{was}`"));
        }
    }

    /// A flag or number of which more lets more pass.
    pub(super) fn step(
        &mut self,
        place: impl Fn() -> String,
        what: &str,
        (was, is): (impl Display, impl Display),
        order: Ordering,
    ) {
        match order {
            Ordering::Less => self.opens(place, || format!("{what} is raised from `{was}` to `{is}`")),
            Ordering::Greater => self.closes(place, || format!("{what} is lowered from `{was}` to `{is}`")),
            Ordering::Equal => {}
        }
    }

    /// A list of which more lets more pass: what came and what went, each put in place of `{}`.
    pub(super) fn set<T: PartialEq + Display>(
        &mut self,
        place: impl Fn() -> String + Copy,
        (was, is): (impl AsRef<[T]>, impl AsRef<[T]>),
        more: &str,
        less: &str,
    ) {
        let (was, is) = (was.as_ref(), is.as_ref());
        if was == is {
            return;
        }
        // By what is said of them: some lists have thousands of names.
        let told = |list: &[T]| list.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        let (old, new) = (told(was), told(is));
        let came: Vec<&T> = is.iter().filter(|one| !old.contains(&one.to_string())).collect();
        let went: Vec<&T> = was.iter().filter(|one| !new.contains(&one.to_string())).collect();
        if !came.is_empty() {
            self.opens(place, || more.replace("{}", &list(&came)));
        }
        if !went.is_empty() {
            self.closes(place, || less.replace("{}", &list(&went)));
        }
    }
}

/// Names in a row: `` `a`, `b` and `c` ``.
pub(super) fn list<T: Display>(items: &[T]) -> String {
    let mut quoted: Vec<String> = items.iter().map(|item| format!("`{item}`")).collect();
    match (quoted.pop(), quoted.is_empty()) {
        (Some(last), true) => last,
        (Some(last), false) => format!("{} and {last}", quoted.join(", ")),
        (None, _) => "nothing".to_owned(),
    }
}
