//! Content: labels with spans, redaction and tokens; whole and streamed.
//!
//! [`Inspector`] reads what `wire` found readable in a message and names what is in it. [`transform`] turns the
//! findings that `policy` wants changed into edits for `wire`, and gives the [`Restorer`] that puts tokens back
//! in the answer. Nothing here decides, and nothing here knows a wire format.
//!
//! ```text
//! Content -> views, layer by layer -> literals, runs -> hits -> disjoint findings -> (policy) -> transform -> edits
//!                                                                                              `-> restorer <- answer
//! ```
//!
//! The guard on answers, document fingerprints, exact data match and image copies are other detectors; they
//! will give [`plant::Finding`]s like those here.

mod bytes;
mod dictionary;
mod fuzz;
mod inspector;
mod keyed;
mod layer;
mod link;
mod literal;
mod network;
mod overlap;
mod person;
mod restore;
mod rule;
mod scan;
mod secret;
mod setpoint;
mod settings;
mod tag;
mod token;
mod transform;
mod wrapped;

use ::view::{self, escape, plain};

pub use fuzz::{fuzz_read, fuzz_restore};
pub use inspector::{Inspector, Overflow};
pub use restore::{RestoreCounts, Restorer};
pub use rule::rules;
pub use settings::{Entry, Settings, SettingsProblem};
pub use token::Keyed;
pub use transform::{TransformProblem, Transformation, transform};

#[cfg(test)]
mod tests;
