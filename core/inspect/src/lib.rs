//! Content: labels with spans, redaction and tokens; whole and streamed.
//!
//! [`Inspector`] reads what `wire` found readable in a message and names what is in it. [`transform`] turns the
//! findings that `policy` wants changed into edits for `wire`, and gives the [`Restorer`] that puts tokens back
//! in the answer. Nothing here decides, and nothing here knows a wire format.
//!
//! ```text
//! Content -> views, layer by layer -> literals, runs -> hits -> disjoint findings -> (policy) -> transform -> edits
//!                                                                                              `-> restorer <- answer
//! answer -> Sinks: images, links, active content, hidden characters, unsafe advice, what is withheld -> caller
//! ```
//!
//! What the plant registered, documents to be known again, is looked up beside the rules ([`Known`]). The guard on answers
//! and image copies are other detectors; they will give [`plant::Finding`]s like those here.

mod alike;
mod blocks;
mod bytes;
mod detector;
mod dictionary;
mod form;
mod fuzz;
mod generalise;
mod injection;
mod inspector;
mod issue;
mod keyed;
mod known;
mod layer;
mod link;
mod literal;
mod network;
mod numbered;
mod overlap;
mod person;
mod plan;
mod ranked;
mod restore;
mod rule;
mod scan;
mod secret;
mod setpoint;
mod settings;
mod sink;
mod source;
mod stand_in;
mod tag;
mod token;
mod tolerance;
mod transform;
mod trial;
mod unseen;
mod wrapped;

use ::view::{self, escape, plain};

pub use detector::{Check, Detector};
pub use fuzz::{fuzz_read, fuzz_restore, fuzz_sinks};
pub use injection::labels_by_place;
pub use inspector::{Inspector, Overflow};
pub use known::{Known, KnownProblem, Sighting};
pub use restore::{RestoreCounts, Restorer};
pub use rule::rules;
pub use settings::{Entry, Settings, SettingsProblem};
pub use sink::Sinks;
pub use source::{
    Holding, Listed, MOST_PATTERNS, Overlap, PatternProblem, SourceProblem, check as check_pattern, fuzz_sources,
    overlaps,
};
pub use token::{Keyed, Maker};
pub use transform::{Changes, TransformProblem, Transformation, transform};
pub use trial::{Failure, Trial, try_rules};

#[cfg(test)]
mod tests;
