//! Alerts: which records and conditions somebody should hear of, how urgently, and how often.
//!
//! ```text
//! record ─> sight ──┐
//!                   ├─> Sighting ─> Watch { what is open, what was told } ─> Alert ─> whoever writes and sends it
//! condition ────────┘                     ^── time, by now
//! ```
//!
//! A [`Watch`] belongs to one destination. It tells the first of equal sightings at once and the others as one number at
//! the end of a window; what holds for a while it tells when it begins and when it is over; and what it withholds because
//! there is too much it counts. It reads no clock, and what it knows can be saved and restored.
//!
//! An alert says only names that the plant file declares, pseudonyms, reasons, kinds, numbers and identities of records. The
//! one thing in it that a caller chooses is the name of a model, which is cut and cleaned ([`shown`]).

mod alert;
mod code;
mod condition;
mod fact;
mod place;
mod saved;
mod settings;
mod severity;
mod sight;
mod watch;

#[cfg(test)]
mod tests;

pub use alert::{Alert, SCHEMA, Site, Status};
pub use code::Code;
pub use condition::Condition;
pub use fact::{FACTS, Facts, shown};
pub use saved::Corrupt;
pub use settings::{Destination, Form, Transport, Way};
pub use severity::{Severity, weigh};
pub use sight::{Eyes, Sighting, Turn};
pub use watch::{Terms, Watch};
