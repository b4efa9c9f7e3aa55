//! Whether the house is tidy. What is checked is in `tests/`.
