//! Prints in ascending order, as the lengths of the steps between them: five bytes each instead of eight.

use crate::BITS;

/// Longest step in bytes of seven bits.
const LONGEST: usize = (BITS + 1).div_ceil(7) as usize;

/// Prints in ascending order, none twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prints {
    count: u32,
    steps: Box<[u8]>,
}

/// They are not ascending, too large, too many or too few, or written in a longer way than needed.
pub(crate) struct Malformed;

impl Prints {
    pub(crate) fn new(mut prints: Vec<u64>) -> Self {
        prints.sort_unstable();
        prints.dedup();
        let mut steps = Vec::with_capacity(prints.len() * 5);
        let mut last = None;
        for print in &prints {
            // The first step begins before 0, so that no step is 0.
            let mut step = print - last.unwrap_or(0) + u64::from(last.is_none());
            last = Some(*print);
            while step >= 128 {
                steps.push(u8::try_from(step % 128).unwrap_or_default() | 128);
                step /= 128;
            }
            steps.push(u8::try_from(step).unwrap_or_default());
        }
        Self { count: u32::try_from(prints.len()).unwrap_or(u32::MAX), steps: steps.into() }
    }

    /// Takes what was written, if it is what we would write.
    pub(crate) fn read(count: u32, steps: &[u8]) -> Result<Self, Malformed> {
        let mut walk = Walk::of(steps);
        let mut seen = 0u32;
        while !walk.rest.is_empty() {
            walk.next().filter(|print| *print < 1 << BITS).ok_or(Malformed)?;
            seen = seen.checked_add(1).ok_or(Malformed)?;
        }
        if seen == count { Ok(Self { count, steps: steps.into() }) } else { Err(Malformed) }
    }

    pub(crate) fn len(&self) -> u32 {
        self.count
    }

    pub(crate) fn steps(&self) -> &[u8] {
        &self.steps
    }

    pub(crate) fn iter(&self) -> Walk<'_> {
        Walk::of(&self.steps)
    }

    /// How many prints both have.
    pub(crate) fn shared(&self, other: &Self) -> u32 {
        let (mut ours, mut theirs) = (self.iter(), other.iter());
        let (mut our, mut their) = (ours.next(), theirs.next());
        let mut shared = 0;
        while let (Some(one), Some(two)) = (our, their) {
            shared += u32::from(one == two);
            if one <= two {
                our = ours.next();
            }
            if two <= one {
                their = theirs.next();
            }
        }
        shared
    }
}

/// Walks along prints.
#[derive(Clone)]
pub(crate) struct Walk<'a> {
    rest: &'a [u8],
    last: Option<u64>,
}

impl<'a> Walk<'a> {
    fn of(steps: &'a [u8]) -> Self {
        Self { rest: steps, last: None }
    }

    /// The next print, if it is below `end`.
    pub(crate) fn next_below(&mut self, end: u64) -> Option<u64> {
        let mut ahead = self.clone();
        let print = ahead.next().filter(|print| *print < end)?;
        *self = ahead;
        Some(print)
    }
}

impl Iterator for Walk<'_> {
    type Item = u64;

    /// Nothing more at a step that is malformed.
    fn next(&mut self) -> Option<u64> {
        let mut step = 0u64;
        for (index, byte) in self.rest.iter().take(LONGEST).enumerate() {
            step |= u64::from(byte % 128) << (7 * index);
            if *byte < 128 {
                // A last byte of 0 says nothing, so the step was written longer than needed; or it is 0.
                let longer = *byte == 0;
                self.rest = self.rest.get(index + 1..)?;
                let print =
                    if longer { None } else { self.last.map_or(step.checked_sub(1), |last| last.checked_add(step)) };
                self.last = print;
                if print.is_none() {
                    self.rest = &[];
                }
                return print;
            }
        }
        self.last = None;
        None
    }
}
