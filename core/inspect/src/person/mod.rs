//! Personal data that shows itself by form and check digits: e-mail, phone, IBAN, payment card.
//!
//! Names and postal addresses do not, and are not promised.

pub(crate) mod address;
pub(crate) mod card;
pub(crate) mod email;
pub(crate) mod groups;
pub(crate) mod iban;
pub(crate) mod name;
pub(crate) mod phone;
