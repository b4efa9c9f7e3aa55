//! Where in a JSON value the paths of a description lead.

use crate::json::{Kind, Value};
use plant::{JsonPath, Step};

/// Whether a value stands at a path.
pub(crate) fn stands_at(value: Value<'_, '_>, path: &JsonPath) -> bool {
    let mut here = value;
    for step in path.steps().iter().rev() {
        let Some(around) = here.parent() else { return false };
        let fits = match step {
            Step::Member(name) => around.kind() == Kind::Object && here.is_at(name),
            Step::Each => around.kind() == Kind::Array,
        };
        if !fits {
            return false;
        }
        here = around;
    }
    here.parent().is_none()
}

/// The value that a path of names leads to.
pub(crate) fn at<'d, 'a>(root: Value<'d, 'a>, path: &JsonPath) -> Option<Value<'d, 'a>> {
    path.steps().iter().try_fold(root, |value, step| match step {
        Step::Member(name) => value.get(name),
        Step::Each => None,
    })
}

/// The places in the lists around a value as one number: the same for the same places.
pub(crate) fn positions(value: Value<'_, '_>) -> u64 {
    let mut number: u64 = 0;
    let mut next = Some(value);
    while let Some(here) = next {
        next = here.parent();
        if next.is_some_and(|around| around.kind() == Kind::Array) {
            let position = u64::try_from(here.position()).unwrap_or(u64::MAX);
            number = number.wrapping_mul(65_537).wrapping_add(position.wrapping_add(1));
        }
    }
    number
}
