//! Whole ledgers: written, read, attacked, receipted, and compared with the vectors that every verifier shares.

mod receipt;
mod support;
mod vectors;
mod verify;

use penstock_ledger as ledger;
