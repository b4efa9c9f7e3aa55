//! The problems found so far, in one place.

use crate::problem::{Code, Problem, Severity, Source};
use std::ops::Range;

/// The problems found so far.
#[derive(Debug)]
pub(crate) struct Report {
    source: Source,
    problems: Vec<Problem>,
}

impl Report {
    /// More problems than this help nobody, and cost memory that a hostile file could choose.
    const MOST: usize = 500;

    pub(crate) fn new(source: &Source) -> Self {
        Self { source: source.clone(), problems: Vec::new() }
    }

    /// Starts a problem of this file.
    pub(crate) fn problem(&self, code: Code, span: Range<usize>, message: impl Into<String>) -> Problem {
        Problem::new(&self.source, code, span, message)
    }

    pub(crate) fn add(&mut self, problem: Problem) {
        if !self.is_full() {
            self.problems.push(problem);
        }
    }

    /// Whether it is useless to look any further.
    pub(crate) fn is_full(&self) -> bool {
        self.problems.len() >= Self::MOST
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity() == Severity::Error)
    }

    /// The problems in the order of the file; those of other files after them.
    pub(crate) fn into_list(mut self) -> Vec<Problem> {
        let file = self.source.name().to_owned();
        self.problems.sort_by_key(|one| (one.file() != file, one.file().to_owned(), one.span().start, one.code));
        self.problems
    }
}
