//! What of the plant's AI traffic can be shut by hand, whatever the plant file allows.

use crate::{Body, ConduitId, Plant, ProviderId, Verdict, WorkloadId, Zone, ZoneId};
use std::fmt;

/// A part of the plant's AI traffic that can be isolated.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// All of it.
    Everything,
    /// Whatever goes to a provider in an external zone: islanded mode (IEC 62443-3-3, SR 5.2 RE 2). Models on the edge
    /// go on.
    External,
    /// What crosses a conduit.
    Conduit(ConduitId),
    /// What a workload asks.
    Workload(WorkloadId),
    /// What comes from a zone, and what goes to a provider in it.
    Zone(ZoneId),
    /// What goes to a provider.
    Provider(ProviderId),
}

/// A text names no part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a part is `everything`, `external`, or `conduit:`, `workload:`, `zone:` or `provider:` and a name")]
pub struct InvalidPart;

impl Part {
    /// Reads what [`fmt::Display`] writes: `everything`, `external`, `conduit:copilot-cloud`.
    ///
    /// # Errors
    /// If the text is anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidPart> {
        let part = match text.split_once(':') {
            None if text == "everything" => Some(Self::Everything),
            None if text == "external" => Some(Self::External),
            Some(("conduit", name)) => ConduitId::new(name).ok().map(Self::Conduit),
            Some(("workload", name)) => WorkloadId::new(name).ok().map(Self::Workload),
            Some(("zone", name)) => ZoneId::new(name).ok().map(Self::Zone),
            Some(("provider", name)) => ProviderId::new(name).ok().map(Self::Provider),
            _ => None,
        };
        part.ok_or(InvalidPart)
    }

    /// Whether the plant has such a part.
    #[must_use]
    pub fn is_of(&self, plant: &Plant) -> bool {
        match self {
            Self::Everything | Self::External => true,
            Self::Conduit(id) => plant.conduits.contains_key(id),
            Self::Workload(id) => plant.workloads.contains_key(id),
            Self::Zone(id) => plant.zones.contains_key(id),
            Self::Provider(id) => plant.providers.contains_key(id),
        }
    }

    /// Whether a call is of this part, as far as its record says already who calls from where, and which way was
    /// decided. Where a call goes counts once it is decided: one that asks for a provider may be sent to another.
    #[must_use]
    pub fn holds(&self, call: &Body, plant: &Plant) -> bool {
        let (who, place) = (call.who.as_ref(), call.place.as_ref());
        let going = call.decided.as_ref().is_some_and(|decided| decided.verdict != Verdict::Refuse);
        let what = call.what.as_ref().filter(|_| going);
        let provider = what.and_then(|what| what.rerouted.as_ref().or(what.provider.as_ref()));
        let beyond = provider.and_then(|id| plant.providers.get(id)).map(|provider| &provider.zone);
        match self {
            Self::Everything => true,
            Self::External => beyond.and_then(|id| plant.zones.get(id)).is_some_and(Zone::is_external),
            Self::Conduit(id) => place.filter(|_| going).and_then(|place| place.conduit.as_ref()) == Some(id),
            Self::Workload(id) => {
                who.and_then(|who| who.workload.as_ref()).is_some_and(|party| party.id == id.as_str())
            }
            Self::Zone(id) => place.and_then(|place| place.zone.as_ref()) == Some(id) || beyond == Some(id),
            Self::Provider(id) => provider == Some(id),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("everything"),
            Self::External => f.write_str("external"),
            Self::Conduit(id) => write!(f, "conduit:{id}"),
            Self::Workload(id) => write!(f, "workload:{id}"),
            Self::Zone(id) => write!(f, "zone:{id}"),
            Self::Provider(id) => write!(f, "provider:{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{InvalidPart, Part};

    #[test]
    fn a_part_reads_as_it_is_written_and_nothing_else_does() {
        for text in ["everything", "external", "conduit:a", "workload:b-1", "zone:c.d", "provider:openai"] {
            assert_eq!(Part::parse(text).map(|part| part.to_string()).as_deref(), Ok(text));
        }
        for text in
            ["", "all", "Everything", "conduit", "conduit:", "conduit:A", "zone: a", "zones:a", "a:b", "zone:a:b"]
        {
            assert_eq!(Part::parse(text), Err(InvalidPart), "{text}");
        }
    }
}
