//! Whole ledgers: written, read, attacked, receipted, and compared with the vectors that every verifier shares.

#[cfg(test)]
mod epochs;
#[cfg(test)]
mod receipt;
#[cfg(test)]
mod speed;
#[cfg(test)]
mod support;
#[cfg(test)]
mod vectors;
#[cfg(test)]
mod verify;
#[cfg(test)]
mod witnesses;

use penstock_ledger as ledger;
