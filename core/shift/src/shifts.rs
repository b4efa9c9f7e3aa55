//! All pairs of workload and model, within a bounded memory.

use crate::measure::{Call, Shift};
use crate::picture::Picture;
use crate::settings::Settings;
use plant::Millis;
use std::collections::BTreeMap;

/// Pairs that are remembered; the one that has been silent for longest makes room for a new one. Each takes at most 100 KiB.
const PAIRS: usize = 256;
/// Models that are told from each other of one workload. Names of models come from callers: whoever makes them up
/// pushes out nobody else's picture.
const MODELS: usize = 16;
/// The model that all beyond those are.
const OTHERS: &str = "(other models)";

/// The rolling pictures of all pairs of workload and model.
#[derive(Debug, Default)]
pub struct Shifts {
    /// By workload and model; with the number of the call that was heard last.
    pairs: BTreeMap<(String, String), (u64, Picture)>,
    heard: u64,
}

impl Shifts {
    /// Takes a call that ended at this time; gives what has shifted, which is mostly nothing.
    pub fn hear(&mut self, mut call: Call, at: Millis, settings: &Settings) -> Vec<Shift> {
        self.heard += 1;
        let mut key = (call.workload.clone(), call.model.clone());
        if !self.pairs.contains_key(&key) {
            let from = (call.workload.clone(), String::new());
            let own = self.pairs.range(from..).take_while(|((workload, _), _)| *workload == call.workload).count();
            if own >= MODELS {
                OTHERS.clone_into(&mut call.model);
                key.1.clone_from(&call.model);
            }
            if self.pairs.len() >= PAIRS && !self.pairs.contains_key(&key) {
                let oldest = self.pairs.iter().min_by_key(|(_, (heard, _))| *heard).map(|(key, _)| key.clone());
                oldest.and_then(|oldest| self.pairs.remove(&oldest));
            }
        }
        let (heard, picture) = self.pairs.entry(key).or_default();
        *heard = self.heard;
        picture.hear(&call, at, settings)
    }

    /// How many pairs are remembered.
    #[must_use]
    pub fn pairs(&self) -> usize {
        self.pairs.len()
    }
}
