//! A gateway that runs as a process of its own, and what commands and the system say of it.

#![cfg(target_os = "linux")]

#[cfg(test)]
mod approvals;
#[cfg(test)]
mod drill;
#[cfg(test)]
mod holds;
#[cfg(test)]
mod house;
#[cfg(test)]
mod isolate;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod quotas;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod shifts;
#[cfg(test)]
mod traffic;
#[cfg(test)]
mod upgrade;
