//! The guard on answers: what a model recommends to set is held against the limits of its tags.
//!
//! [`Guard`] has the limits of a plant, [`Known`] what a conversation told before its answer, and [`Watch`] is the
//! [`plant::Rewrite`] that an answer passes: nothing of a recommendation is released before it is judged. The grammar is
//! of what people, models and programs write, in English and German first; what it does not understand it takes for
//! a value that is to be set, and what it cannot resolve it says so of.
//!
//! ```text
//! text -> segments -> sight -> tags -> JSON | row | clauses -> value for tag -> limits -> verdict -> (conduit) -> release
//! ```
//!
//! A text in which no limited tag stands, and none before it in the conversation, is read by one automaton and nothing else.

mod clause;
mod fuzz;
mod guard;
mod json;
mod judge;
mod lexicon;
mod limits;
mod number;
mod reader;
mod segment;
mod sight;
mod table;
mod tags;
mod token;
mod unit;
mod watch;
mod words;

pub use fuzz::fuzz;
pub use guard::{Guard, Known, Recommendation, TooManyNames};
pub use limits::{Decimal, Limit, Verdict, Why};
pub use unit::Unit;
pub use watch::Watch;

#[cfg(test)]
mod tests;
