//! The rolling picture of one workload and one model.

use crate::measure::{Call, Measure, Shift};
use crate::settings::Settings;
use crate::test::{self, Difference, Share, Sizes};
use plant::Millis;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Families of labels that are watched of one pair; a plant has fewer.
const LABELS: usize = 48;
/// Prompts that are remembered to know a repeated one.
const PROMPTS: usize = 1024;

/// Calls in a row.
#[derive(Clone, Debug, Default)]
struct Window {
    number: u64,
    began: Millis,
    calls: u32,
    /// Calls that had an answer, calls whose language was told, calls that had a prompt.
    answers: u32,
    told: u32,
    prompts: u32,
    hits: BTreeMap<Measure, u32>,
    requests: Sizes,
    answered: Sizes,
}

/// The rolling picture of one workload and one model.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    now: Window,
    /// Full windows, oldest first.
    past: VecDeque<Window>,
    /// Since which window a measure stands where it does, once it has shifted.
    since: BTreeMap<Measure, u64>,
    labels: BTreeSet<String>,
    prompts: Prompts,
}

impl Picture {
    /// Takes a call; gives what has shifted if it fills the window.
    pub(crate) fn hear(&mut self, call: &Call, at: Millis, settings: &Settings) -> Vec<Shift> {
        if self.now.calls == 0 {
            self.now.began = at;
        }
        self.count(call);
        if self.now.calls < settings.calls {
            return Vec::new();
        }
        let shifts = self.compare(settings);
        let next = Window { number: self.now.number + 1, ..Window::default() };
        let told: Vec<Shift> = shifts.into_iter().map(|(measure, found)| self.told(measure, &found, call)).collect();
        self.past.push_back(std::mem::replace(&mut self.now, next));
        while self.past.len() > usize::try_from(settings.most).unwrap_or(usize::MAX) {
            self.past.pop_front();
        }
        told
    }

    fn told(&mut self, measure: Measure, found: &Difference, call: &Call) -> Shift {
        // What comes next is held against how it stands from now on; this window may lie across the change.
        self.since.insert(measure.clone(), self.now.number + 1);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "of standard errors")]
        let deviation = (found.deviation.abs() * 10.0).round().min(1e6) as u32;
        let Difference { before, after, .. } = *found;
        let (workload, model) = (call.workload.clone(), call.model.clone());
        Shift { workload, model, measure, before, after, since: self.now.began, deviation }
    }

    fn count(&mut self, call: &Call) {
        let Self { now, labels, prompts, .. } = self;
        now.calls += 1;
        now.requests.add(call.request_bytes);
        let mut hit = |measure: Measure| *now.hits.entry(measure).or_default() += 1;
        let plain = [
            (call.refused, Measure::Refused),
            (call.failed, Measure::Failed),
            (call.guarded, Measure::Guarded),
            (call.prompt.is_some_and(|prompt| prompts.came_before(prompt)), Measure::Repeated),
        ];
        plain.into_iter().filter(|(is, _)| *is).for_each(|(_, measure)| hit(measure));
        for label in &call.labels {
            if labels.contains(label) || labels.len() < LABELS && labels.insert(label.clone()) {
                hit(Measure::Label(label.clone()));
            }
        }
        call.language.into_iter().for_each(|language| hit(Measure::Language(language)));
        now.told += u32::from(call.language.is_some());
        now.prompts += u32::from(call.prompt.is_some());
        if let Some(bytes) = call.answer_bytes {
            now.answers += 1;
            now.answered.add(bytes);
        }
    }

    /// What stands elsewhere in the full window than before.
    fn compare(&self, settings: &Settings) -> Vec<(Measure, Difference)> {
        let mut measures: BTreeSet<Measure> = [Measure::RequestSize, Measure::AnswerSize].into();
        measures.extend(self.past.iter().chain([&self.now]).flat_map(|window| window.hits.keys().cloned()));
        let found = measures.into_iter().filter_map(|measure| {
            let difference = self.difference(&measure, settings)?;
            let least = match measure {
                Measure::RequestSize | Measure::AnswerSize => (f64::from(settings.factor) / 100.0).log2(),
                _ => f64::from(settings.share) / 100.0,
            };
            let stands_out = difference.deviation.abs() >= f64::from(settings.deviation);
            // A comparison of floats that holds for the share exactly at the limit, whichever way it was rounded.
            (stands_out && difference.effect.abs() + 1e-9 >= least).then_some((measure, difference))
        });
        found.collect()
    }

    fn difference(&self, measure: &Measure, settings: &Settings) -> Option<Difference> {
        let since = self.since.get(measure).copied().unwrap_or(0);
        let earlier: Vec<&Window> = self.past.iter().filter(|window| window.number >= since).collect();
        let enough = |calls: u32| calls >= settings.calls / 2;
        let few = |calls: &dyn Fn(&Window) -> u32| {
            let full = earlier.iter().filter(|window| enough(calls(window))).count();
            !enough(calls(&self.now)) || full < usize::try_from(settings.least).unwrap_or(usize::MAX)
        };
        if let Some(of) = sizes_of(measure) {
            let all: Vec<Sizes> = earlier.iter().map(|window| *of(window)).collect();
            return (!few(&|window| of(window).calls)).then(|| test::sizes(&all, *of(&self.now)));
        }
        let share = |window: &Window| Share {
            hits: window.hits.get(measure).copied().unwrap_or(0),
            calls: among(measure, window),
        };
        let all: Vec<Share> = earlier.iter().map(|window| share(window)).collect();
        (!few(&|window| among(measure, window))).then(|| test::shares(&all, share(&self.now)))
    }
}

fn sizes_of(measure: &Measure) -> Option<fn(&Window) -> &Sizes> {
    match measure {
        Measure::RequestSize => Some(|window| &window.requests),
        Measure::AnswerSize => Some(|window| &window.answered),
        _ => None,
    }
}

/// Among which calls of a window a measure counts.
fn among(measure: &Measure, window: &Window) -> u32 {
    match measure {
        Measure::Language(_) => window.told,
        Measure::Repeated => window.prompts,
        Measure::Guarded => window.answers,
        _ => window.calls,
    }
}

/// The hashes of the last prompts.
#[derive(Debug, Default)]
struct Prompts {
    order: VecDeque<u64>,
    known: BTreeMap<u64, u32>,
}

impl Prompts {
    /// Whether it is among the last; it is from now on.
    fn came_before(&mut self, prompt: u64) -> bool {
        if self.order.len() == PROMPTS
            && let Some(oldest) = self.order.pop_front()
            && let Some(times) = self.known.get_mut(&oldest)
        {
            *times -= 1;
            if *times == 0 {
                self.known.remove(&oldest);
            }
        }
        self.order.push_back(prompt);
        let times = self.known.entry(prompt).or_default();
        *times += 1;
        *times > 1
    }
}
