//! Places and decides a call that is like the one before as often as the first argument says, for `cargo xtask count`.

mod counted;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    counted::rounds(false)
}
