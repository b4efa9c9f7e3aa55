//! Keys that nobody was ever given: examples for the formats of keys.

/// So many bytes of an alphabet, drawn without chance: the same each time, and like nothing that anyone was given.
pub(crate) fn draw(count: usize, holds: impl Fn(u8) -> bool) -> String {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut out = String::new();
    while out.len() < count {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let [byte, ..] = state.to_be_bytes();
        let byte = byte & 0x7F;
        if byte.is_ascii_alphanumeric() && holds(byte) {
            out.push(char::from(byte));
        }
    }
    out
}
