//! What models cost.

use plant::{ProviderId, Wildcard};
use std::collections::BTreeMap;

/// The price of the models that a name fits, in millionths of the plant's money for a million tokens: so many units for each
/// token are so many millionths of a unit for a million.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// The models.
    pub model: Wildcard,
    /// Of a million tokens of a prompt, in millionths.
    pub input: u64,
    /// Of a million tokens of an answer, in millionths.
    pub output: u64,
}

/// The prices of each provider that has any.
#[derive(Clone, Debug, Default)]
pub struct Prices(pub BTreeMap<ProviderId, Vec<Price>>);

impl Prices {
    /// What so many tokens of a provider's model cost, in millionths, rounded up; the first price that fits holds. Nothing for a
    /// model without a price.
    #[must_use]
    pub fn of(&self, provider: &ProviderId, model: &str, input: u64, output: u64) -> u64 {
        let prices = self.0.get(provider).map_or(&[][..], Vec::as_slice);
        let Some(price) = prices.iter().find(|price| price.model.fits(model)) else { return 0 };
        let cost = |tokens: u64, price: u64| u128::from(tokens) * u128::from(price);
        let sum = cost(input, price.input).saturating_add(cost(output, price.output));
        u64::try_from(sum.div_ceil(1_000_000)).unwrap_or(u64::MAX)
    }

    /// Whether any provider has a price.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
