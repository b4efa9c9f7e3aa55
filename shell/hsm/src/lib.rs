//! The ledger's key in a device that speaks PKCS #11: the seed never leaves it, and whoever takes the machine does not
//! take the key along.
//!
//! ```text
//! URI -> module -> token -> PIN -> key -> its public half -> a first signature, checked -> Device: Sign
//! ```
//!
//! Every signature is checked before it is given on. A device that gives a false one would else write a ledger that does
//! not open again, and a fault in EdDSA can show the key to whoever sees the false signature.

mod device;
mod link;
mod point;

pub use device::Device;
pub use link::{LinkError, Pin};
