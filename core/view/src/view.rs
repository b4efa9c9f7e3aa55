//! A text as detectors read it, and the way back to the text as it was sent.
//!
//! What is written otherwise, an escape or a full-width digit, is replaced by what it says; a span of the view maps
//! back to whole characters and whole escapes of the source. A text that says what it says is borrowed as it is.
//!
//! ```text
//! source  call \u0041KIA7...      view  call AKIA7...     steps  (0, 0) (5, 5 to 11) (6, 11)
//! ```

use std::borrow::Cow;
use std::ops::Range;

/// Most steps of one view, 24 MiB of them. Text of words and code has one in 20 to 100 bytes; a message that has more
/// than this is made of escapes.
const MOST: usize = 2 << 20;

/// A text read otherwise, and the way back to its source.
#[derive(Debug)]
pub struct View<'a> {
    /// What it reads as.
    pub text: Cow<'a, str>,
    /// Where in the source that stands.
    pub map: Map,
}

/// The way from a view's text to its source.
#[derive(Debug)]
pub struct Map {
    /// Ascending in `view` and in `source`. Empty means that view and source are the same bytes.
    steps: Vec<Step>,
}

/// From here on, view and source advance together; or one stretch stands replaced, if `replaced` is not 0.
#[derive(Debug)]
struct Step {
    view: u32,
    source: u32,
    /// Length in the source of what stands replaced here.
    replaced: u32,
}

/// A stretch of the source that reads otherwise.
#[derive(Clone, Debug)]
pub struct Change {
    /// Where in the source.
    pub span: Range<usize>,
    /// What it says.
    pub says: Says,
}

/// What a stretch of the source says.
#[derive(Clone, Copy, Debug)]
pub enum Says {
    /// Nothing that anyone could see.
    Nothing,
    /// One character.
    Character(char),
    /// Several.
    Text(&'static str),
}

/// The text would need a larger map than anyone wants to hold.
#[derive(Clone, Copy, Debug)]
pub struct TooMany;

impl<'a> View<'a> {
    /// Reads `source` with the changes that `next` finds: the first at or after an offset.
    ///
    /// # Errors
    /// If the map would be too large: the text is made of escapes.
    pub fn new(source: &'a str, next: impl Fn(&str, usize) -> Option<Change>) -> Result<Self, TooMany> {
        let Some(first) = next(source, 0).filter(|_| u32::try_from(source.len()).is_ok()) else {
            return Ok(Self { text: Cow::Borrowed(source), map: Map { steps: Vec::new() } });
        };
        let mut text = String::with_capacity(source.len());
        let mut steps = vec![Step { view: 0, source: 0, replaced: 0 }];
        let mut done = 0;
        let mut change = Some(first);
        while let Some(Change { span, says }) = change {
            text.push_str(source.get(done..span.start).unwrap_or_default());
            let replaced = |view: usize| Step::new(view, span.start, span.len());
            match says {
                Says::Nothing => {}
                Says::Character(character) => {
                    step(&mut steps, replaced(text.len()));
                    text.push(character);
                }
                Says::Text(plain) => {
                    step(&mut steps, replaced(text.len()));
                    text.push_str(plain);
                }
            }
            done = span.end;
            step(&mut steps, Step::new(text.len(), done, 0));
            if steps.len() > MOST {
                return Err(TooMany);
            }
            change = next(source, done);
        }
        text.push_str(source.get(done..).unwrap_or_default());
        Ok(Self { text: Cow::Owned(text), map: Map { steps } })
    }
}

impl Map {
    /// Whether the source says what it says.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.steps.is_empty()
    }

    /// The stretch of the source that `span` of the view was made from; whole characters.
    #[must_use]
    pub fn source(&self, span: &Range<usize>) -> Range<usize> {
        if self.steps.is_empty() {
            return span.clone();
        }
        let start = self.character(span.start).start;
        let end = if span.end > span.start { self.character(span.end - 1).end } else { start };
        start..end.max(start)
    }

    /// The replaced stretch that the place `at` of the source is strictly inside of.
    #[must_use]
    pub fn cut(&self, at: usize) -> Option<Range<usize>> {
        let step = self.step_before(at)?;
        let (start, end) = (step.source as usize, step.source as usize + step.replaced as usize);
        (start < at && at < end).then_some(start..end)
    }

    /// Where the view goes on that was made of the source before `at`, a place that cuts nothing.
    #[must_use]
    pub fn place(&self, at: usize) -> usize {
        let Some(step) = self.step_before(at) else { return at };
        let behind = self.steps.partition_point(|next| (next.source as usize) < at);
        match self.steps.get(behind) {
            Some(next) if step.replaced > 0 || next.source as usize == at => next.view as usize,
            _ => step.view as usize + (at - step.source as usize),
        }
    }

    fn step_before(&self, at: usize) -> Option<&Step> {
        let after = self.steps.partition_point(|step| (step.source as usize) < at);
        self.steps.get(after.checked_sub(1)?)
    }

    /// The source bytes behind one view byte: one byte, or the whole replaced stretch.
    fn character(&self, view: usize) -> Range<usize> {
        let after = self.steps.partition_point(|step| step.view as usize <= view);
        match self.steps.get(after.saturating_sub(1)) {
            Some(step) if step.replaced > 0 => step.source as usize..step.source as usize + step.replaced as usize,
            Some(step) => {
                let at = step.source as usize + (view - step.view as usize);
                at..at + 1
            }
            None => view..view + 1,
        }
    }
}

impl Step {
    fn new(view: usize, source: usize, replaced: usize) -> Self {
        let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { view: narrow(view), source: narrow(source), replaced: narrow(replaced) }
    }
}

/// Adds a step. One that nothing stands behind says nothing, and goes.
fn step(steps: &mut Vec<Step>, next: Step) {
    if steps.last().is_some_and(|last| last.view == next.view && last.replaced == 0) {
        steps.pop();
    }
    steps.push(next);
}
