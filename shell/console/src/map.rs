//! What the plant consists of, as its people see it: zones, who calls from them, and where calls may go.

use serde::Serialize;

/// The plant in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Map {
    /// Zones, by name.
    pub zones: Vec<Zone>,
    /// The software that calls AI, by name.
    pub workloads: Vec<Workload>,
    /// AI services, by name.
    pub providers: Vec<Provider>,
    /// The authorised paths, by name.
    pub conduits: Vec<Conduit>,
    /// What takes two people: `isolate`, `restore`.
    pub two_people: Vec<&'static str>,
}

/// An IEC 62443 zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Zone {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: Option<String>,
    /// Its Purdue level: `0` to `5`, `3.5` for the demilitarised zone.
    pub level: String,
    /// Whether it is outside of the plant.
    pub external: bool,
    /// How critical it is.
    pub criticality: &'static str,
    /// The addresses of its assets.
    pub networks: Vec<String>,
    /// SL-T, in the order of the foundational requirements: IAC, UC, SI, DC, RDF, TRE, RA.
    pub target: [u8; 7],
    /// Who answers for it.
    pub owner: String,
}

/// Software that calls AI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Workload {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: Option<String>,
    /// Where it stands.
    pub zone: String,
    /// Who answers for it.
    pub owner: Option<String>,
}

/// An AI service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Provider {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub zone: String,
    /// The company behind it.
    pub supplier: String,
    /// The companies that it hands content on to.
    pub sub_processors: Vec<String>,
    /// The most sensitive content that it may be shown.
    pub clearance: String,
}

/// An authorised path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conduit {
    /// Its name.
    pub name: String,
    /// The zones that calls come from.
    pub from: Vec<String>,
    /// The provider that they go to.
    pub to: String,
    /// The workloads that may use it; none means every one of the zones.
    pub workloads: Vec<String>,
    /// What it may be used for.
    pub purposes: Vec<String>,
    /// The models that may be asked.
    pub models: Vec<String>,
    /// The tools that its calls may offer or call; `None` opens any.
    pub tools: Option<Vec<String>>,
    /// The most sensitive content that may cross it.
    pub ceiling: String,
    /// Who answers for it.
    pub owner: String,
    /// Who approved it.
    pub approved_by: String,
    /// When, if the plant file says so.
    pub approved: Option<String>,
    /// When the approval ends.
    pub expires: Option<String>,
}
