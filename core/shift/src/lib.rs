//! Shifts: abrupt changes in what a workload asks of a model and gets from it.
//!
//! Keeps a rolling picture of each pair of workload and model and compares its last calls with those before. Holds counts
//! and sums, no content: of a prompt it is given a keyed hash and a language. Nothing here is random or learned; the same
//! calls give the same shifts, and each can be checked with a pocket calculator.
//!
//! ```text
//! Call ─> Shifts ─> Picture of (workload, model): [window] [window] ... [window] | [window being filled]
//!                      when that is full: each measure against the windows before ─> Shift { before, after, deviation }
//! ```
//!
//! It decides nothing about a call. Whoever feeds it does so after the call has ended.

mod language;
mod measure;
mod picture;
mod prompt;
mod settings;
mod shifts;
mod test;

#[cfg(test)]
mod tests;

pub use language::Language;
pub use measure::{Call, Level, Measure, Shift};
pub use prompt::{Sketch, sketch};
pub use settings::Settings;
pub use shifts::Shifts;
