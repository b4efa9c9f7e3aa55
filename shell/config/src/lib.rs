//! TOML to a validated plant, problems with spans; nobody else parses TOML.
