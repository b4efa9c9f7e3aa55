//! Where in a picture another one may stand: a window on a screen, a sheet on a page, a drawing in a slide.
//!
//! What a drawing stands on is one colour that hangs together, so each large stretch of one colour is looked at, with what it
//! frames.

use crate::gray::{Area, Gray};

/// Most windows of one picture.
const MOST: usize = 6;
/// How far neighbours may differ and still be of one colour.
const ALIKE: u8 = 6;
/// A window has at least this share of the picture: a 25th, which is a fifth of each side.
const SMALLEST: usize = 25;

/// The parts of a picture that stretches of one colour span, the largest first. Takes time in the pixels.
pub(crate) fn windows(gray: &Gray) -> Vec<Area> {
    let mut seen = vec![false; gray.pixels.len()];
    let mut found: Vec<Area> = Vec::new();
    let mut waiting = Vec::new();
    for start in 0..gray.pixels.len() {
        if seen.get(start).is_none_or(|seen| *seen) {
            continue;
        }
        if let Some(area) = stretch(gray, start, &mut seen, &mut waiting) {
            let enough = area.size() * SMALLEST >= gray.pixels.len() && area.size() < gray.pixels.len();
            if enough && !found.contains(&area) {
                found.push(area);
            }
        }
    }
    found.sort_by_key(|area| std::cmp::Reverse(area.size()));
    found.truncate(MOST);
    found
}

/// What the stretch of one colour spans that a pixel is in, if it is more than a few pixels.
fn stretch(gray: &Gray, start: usize, seen: &mut [bool], waiting: &mut Vec<usize>) -> Option<Area> {
    let (mut count, mut left, mut right, mut top, mut bottom) = (0usize, usize::MAX, 0, usize::MAX, 0);
    let take = |at: usize, seen: &mut [bool]| {
        let new = seen.get_mut(at).is_some_and(|seen| !std::mem::replace(seen, true));
        if new { Some(at) } else { None }
    };
    waiting.extend(take(start, seen));
    while let Some(at) = waiting.pop() {
        let (x, y) = (at % gray.width, at / gray.width);
        (left, right, top, bottom) = (left.min(x), right.max(x + 1), top.min(y), bottom.max(y + 1));
        count += 1;
        let own = gray.pixels.get(at).copied()?;
        let beside = [
            (x > 0).then(|| at - 1),
            (x + 1 < gray.width).then_some(at + 1),
            at.checked_sub(gray.width),
            Some(at + gray.width).filter(|below| *below < gray.pixels.len()),
        ];
        for next in beside.into_iter().flatten() {
            if gray.pixels.get(next).is_some_and(|other| other.abs_diff(own) <= ALIKE) {
                waiting.extend(take(next, seen));
            }
        }
    }
    (count * 100 >= gray.pixels.len()).then_some(Area { across: left..right, down: top..bottom })
}
