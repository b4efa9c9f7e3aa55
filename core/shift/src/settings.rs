//! What makes a change a shift.

/// What makes a change a shift, and how much is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Calls that are compared at a time: the length of a window. At least 10.
    pub calls: u32,
    /// Windows that must have passed before anything is said of a measure. At least 2.
    pub least: u32,
    /// Windows that are remembered to compare with. At least `least`.
    pub most: u32,
    /// Standard errors by which a shift must stand out.
    pub deviation: u32,
    /// The least change of a share, in hundredths.
    pub share: u32,
    /// The least change of a size: how many times as large or as small, in hundredths.
    pub factor: u32,
}

impl Default for Settings {
    /// 50 calls against the 200 to 1,000 before them; five standard errors, and 15 of 100 calls or double the size.
    fn default() -> Self {
        Self { calls: 50, least: 4, most: 20, deviation: 5, share: 15, factor: 200 }
    }
}
