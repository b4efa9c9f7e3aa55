//! How much harm it does when something leaves: the plant's own ordered scale.

/// A step on the plant's scale. Higher is more sensitive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sensitivity(u8);

/// The plant's scale, from what anyone may know to what must not leave.
///
/// INVARIANT: has 2 to 16 distinct names, each a valid identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scale(Vec<String>);

impl Scale {
    /// Takes the names, least sensitive first; `None` unless there are 2 to 16, all different and not empty.
    #[must_use]
    pub fn new(names: Vec<String>) -> Option<Self> {
        let distinct = names.iter().collect::<std::collections::BTreeSet<_>>().len() == names.len();
        ((2..=16).contains(&names.len()) && distinct && names.iter().all(|name| !name.is_empty()))
            .then_some(Self(names))
    }

    /// The step that is called `name`.
    #[must_use]
    pub fn step(&self, name: &str) -> Option<Sensitivity> {
        let index = self.0.iter().position(|known| known == name)?;
        u8::try_from(index).ok().map(Sensitivity)
    }

    /// What the plant calls this step. A step of another, longer scale is called by this scale's highest name.
    #[must_use]
    pub fn name(&self, step: Sensitivity) -> &str {
        self.0.get(usize::from(step.0)).or(self.0.last()).map_or("", String::as_str)
    }

    /// All names, least sensitive first.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// The most sensitive step.
    #[must_use]
    pub fn highest(&self) -> Sensitivity {
        Sensitivity(u8::try_from(self.0.len().saturating_sub(1)).unwrap_or(u8::MAX))
    }
}

impl Sensitivity {
    /// The least sensitive step of every scale.
    pub const LOWEST: Self = Self(0);

    /// The step's place on its scale, 0 being the least sensitive.
    #[must_use]
    pub fn rank(self) -> u8 {
        self.0
    }
}
