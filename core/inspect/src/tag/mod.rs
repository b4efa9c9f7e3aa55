//! Tags: the names of instruments, loops and variables of a plant.

pub(crate) mod address;
pub(crate) mod isa;
pub(crate) mod variable;
