//! Our ledger, held against crates that others have written.

#[cfg(test)]
mod heads;
#[cfg(test)]
mod ledgers;
#[cfg(test)]
mod sums;
#[cfg(test)]
mod support;
#[cfg(test)]
mod trees;
