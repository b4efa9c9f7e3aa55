//! `[shifts]`: when a change in the calls of a workload is one to tell of.

use crate::node::Node;
use shift::Settings;

/// Reads the settings; `None` where nothing is watched.
pub(crate) fn build(file: &Node<'_>) -> Option<Settings> {
    let node = file.table("shifts")?;
    let own = Settings::default();
    let number = |key: &str| node.number::<u32>(key);
    let least = number("baseline").unwrap_or(own.least);
    node.flag("watch").then(|| Settings {
        calls: number("calls").unwrap_or(own.calls),
        least,
        most: own.most.max(least),
        deviation: number("deviation").unwrap_or(own.deviation),
        share: number("share").unwrap_or(own.share),
        factor: number("factor").map_or(own.factor, |factor| factor.saturating_mul(100)),
    })
}
