//! Secrets: vendors' keys by prefix, private keys, passwords in URLs, and values that are assigned to a name
//! which says what they are.

pub(crate) mod assigned;
pub(crate) mod column;
pub(crate) mod command;
mod draw;
pub(crate) mod encoded;
pub(crate) mod mark;
pub(crate) mod near;
pub(crate) mod pem;
mod tie;
pub(crate) mod url;
pub(crate) mod value;
pub(crate) mod vendor;
