//! Places and decides a call that the rules have not been asked about as often as the first argument says, for `cargo xtask count`.

mod counted;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    counted::rounds(true)
}
