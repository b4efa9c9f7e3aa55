//! A gateway that runs as a process of its own, and what commands and the system say of it.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[cfg(test)]
mod house;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod shifts;
