//! A gateway that runs as a process of its own, and what commands and the system say of it.

#![cfg(target_os = "linux")]

#[cfg(test)]
mod house;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod shifts;
