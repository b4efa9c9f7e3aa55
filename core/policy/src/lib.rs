//! Places a message, decides, grants a permit.
