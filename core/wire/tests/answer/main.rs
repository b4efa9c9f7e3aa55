//! Answers of every dialect, driven as the gateway drives them: cut anywhere, rewritten or not, whole or broken.

extern crate penstock_wire as wire;

#[cfg(test)]
mod amazon;
#[cfg(test)]
mod consumer;
#[cfg(test)]
mod cuts;
#[cfg(test)]
mod described;
#[cfg(test)]
mod facts;
#[cfg(test)]
mod golden;
#[cfg(test)]
mod offers;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod stops;
#[cfg(test)]
mod tokens;
