//! The problems found so far, in one place.

use crate::problem::{Code, Problem, Severity, Source};
use std::ops::Range;

/// The problems found so far.
#[derive(Debug)]
pub(crate) struct Report {
    source: Source,
    errors: Vec<Problem>,
    warnings: Vec<Problem>,
}

impl Report {
    /// More of either kind help nobody, and cost memory that a hostile file could choose.
    ///
    /// INVARIANT: errors and warnings are counted apart. A flood of warnings must not push out the error that keeps
    /// a file from coming into force.
    const MOST: usize = 500;

    pub(crate) fn new(source: &Source) -> Self {
        Self { source: source.clone(), errors: Vec::new(), warnings: Vec::new() }
    }

    /// Starts a problem of this file.
    pub(crate) fn problem(&self, code: Code, span: Range<usize>, message: impl Into<String>) -> Problem {
        Problem::new(&self.source, code, span, message)
    }

    pub(crate) fn add(&mut self, problem: Problem) {
        let list = match problem.severity() {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        if list.len() < Self::MOST {
            list.push(problem);
        }
    }

    /// Whether it is useless to look any further.
    pub(crate) fn is_full(&self) -> bool {
        self.errors.len() >= Self::MOST
    }

    pub(crate) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The problems in the order of the file; those of other files after them.
    pub(crate) fn into_list(mut self) -> Vec<Problem> {
        let file = self.source.name().to_owned();
        let mut list = std::mem::take(&mut self.errors);
        list.append(&mut self.warnings);
        list.sort_by_key(|one| (one.file() != file, one.file().to_owned(), one.span().start, one.code));
        list
    }
}
