//! Answers: whole and streamed.
