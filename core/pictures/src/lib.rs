//! Pictures: decoded within limits, known again, told apart, made smaller.
//!
//! ```text
//! bytes ─> decode, within a Budget ─> Picture ─┬─> kind: drawing, screen or photograph
//!                                              ├─> codes: what QR and bar codes in it say
//!                                              ├─> Sight ─> Gallery::find ─> the registered pictures that it looks like
//!                                              ├─> page: what an engine reads writing from
//!                                              └─> smaller, blurred ─> bytes
//! ```
//!
//! Decoding is other people's work (the `image` crate), and so is reading codes (`rxing`); how much of it may be done is decided here. What a picture carries
//! beside its pixels is for `extract`, and what is done with what is found for `policy`.

mod change;
mod code;
mod decode;
mod fuzz;
mod gallery;
mod gray;
mod kind;
mod look;
mod page;
mod region;
mod sight;

pub use code::Code;
pub use decode::{Budget, Limits, Picture, Unread, pixels};
pub use fuzz::{fuzz_gallery, fuzz_picture};
pub use gallery::{Added, Gallery, GalleryError, Recognised, Registered, Registration};
pub use kind::Kind;
pub use look::Sort;
pub use page::Page;
pub use sight::Sight;

#[cfg(test)]
mod tests;
