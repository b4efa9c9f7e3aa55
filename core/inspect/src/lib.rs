//! Content: labels with spans, redaction and tokens; whole and streamed.
