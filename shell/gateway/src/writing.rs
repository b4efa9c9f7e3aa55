//! Writing in the pictures of one call: what is known of it, and who reads what is not.
//!
//! Reading a picture takes as long as a hundred calls, so it has turns of its own: a call is judged by what is known, and where
//! that is not enough it lets go of everything, has its pictures read, and is judged again.

use crate::files::open_files;
use crate::gallery::page;
use crate::target::Target;
use crate::watch::aside;
use crate::{Inforce, Metrics, reading};
use ocr::{Engine, Unread, Writing};
use plant::{Plant, Refusal};
use policy::Crossing;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What became of the pictures of one call, by the digest of each.
pub(crate) type Answers = BTreeMap<[u8; 32], Result<Arc<Writing>, Unread>>;

/// How pictures of a call are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn<'a> {
    /// Not now: what is known counts, and what is not is noted.
    Recall,
    /// Now.
    Read,
    /// They have been.
    Answered(&'a Answers),
}

/// What reads the writing in the pictures of one call.
pub struct Scribe<'a> {
    engine: &'a Engine,
    turn: Turn<'a>,
    strict: bool,
    metrics: Option<&'a Metrics>,
    /// When all pictures must be read; from the first one on.
    until: Option<Instant>,
    answers: Answers,
    lacks: bool,
}

impl<'a> Scribe<'a> {
    /// Reads with an engine, at once; `None` where a conduit wants nothing read.
    #[must_use]
    pub fn reading(engine: &'a Engine, wanted: plant::Writing) -> Option<Self> {
        Self::new(engine, Turn::Read, wanted, None)
    }

    fn new(engine: &'a Engine, turn: Turn<'a>, wanted: plant::Writing, metrics: Option<&'a Metrics>) -> Option<Self> {
        let strict = match wanted {
            plant::Writing::Ignore => return None,
            plant::Writing::Read => false,
            plant::Writing::Require => true,
        };
        Some(Self { engine, turn, strict, metrics, until: None, answers: Answers::new(), lacks: false })
    }

    pub(crate) fn strict(&self) -> bool {
        self.strict
    }

    /// Whether a picture is yet to be read.
    pub(crate) fn lacks(&self) -> bool {
        self.lacks
    }

    pub(crate) fn answers(self) -> Answers {
        self.answers
    }

    /// What a picture says; `None` if that is yet to be found out.
    pub(crate) fn look(&mut self, bytes: &[u8]) -> Option<Result<Arc<Writing>, Unread>> {
        let key = seal::sha256(bytes);
        if let Turn::Answered(answers) = self.turn {
            return Some(answers.get(&key).cloned().unwrap_or(Err(Unread::Failed)));
        }
        if let Some(answer) = self.answers.get(&key) {
            return Some(answer.clone());
        }
        if let Some(known) = self.engine.recall(&key) {
            self.count("remembered", Duration::ZERO);
            self.answers.insert(key, Ok(Arc::clone(&known)));
            return Some(Ok(known));
        }
        if self.turn == Turn::Recall {
            self.lacks = true;
            return None;
        }
        let began = Instant::now();
        let until = *self.until.get_or_insert(began + self.engine.settings().call_time);
        let answer = self.engine.read(&key, || page(bytes), until);
        self.count(answer.as_ref().map_or_else(|unread| unread.name(), |_| "read"), began.elapsed());
        self.answers.insert(key, answer.clone());
        Some(answer)
    }

    fn count(&self, result: &'static str, time: Duration) {
        if let Some(metrics) = self.metrics {
            metrics.pictured(result, time);
        }
    }
}

impl Inforce {
    /// What reads the pictures of a call; `None` where nobody does.
    pub(crate) fn scribe<'a>(
        &'a self,
        crossing: &Crossing,
        turn: Turn<'a>,
        metrics: &'a Metrics,
    ) -> Option<Scribe<'a>> {
        let wanted = wanted(self.plant(), &self.failing, crossing);
        Scribe::new(self.engine.as_deref()?, turn, wanted, Some(metrics))
    }
}

/// What is done with writing in the pictures of a call: what its conduit says, and where it may yet go elsewhere, what the
/// strictest of all does.
#[must_use]
pub fn wanted(plant: &Plant, failing: &fallback::Settings, crossing: &Crossing) -> plant::Writing {
    match crossing.conduit().and_then(|id| plant.conduits.get(id)) {
        Some(own) if own.reroute.is_none() && !failing.steps.contains_key(&own.id) => own.files.writing,
        _ => plant.conduits.values().map(|conduit| conduit.files.writing).max().unwrap_or_default(),
    }
}

/// Reads the pictures of a call, wherever they stand in it. Takes seconds, and waits for other calls' pictures.
pub(crate) fn read(
    inforce: &Inforce,
    target: &Target<'_>,
    crossing: &Crossing,
    bytes: &[u8],
    metrics: &Metrics,
) -> Result<Answers, Refusal> {
    let Some(mut scribe) = inforce.scribe(crossing, Turn::Read, metrics) else { return Ok(Answers::new()) };
    aside(usize::MAX, || {
        if let Some(mut request) = reading::parse(target, crossing, bytes)? {
            open_files(&mut request, None, Some(&mut scribe))?;
        }
        Ok(scribe.answers())
    })
}
