//! A brewery with five workloads, to place and decide calls at. `examples/decide.rs` measures at it as well.

use plant::{
    Approval, Bounds, Conduit, Criticality, Dialect, Finding, Governance, Handling, Label, Millis, OperatorRequirement,
    Plant, Provider, PurdueLevel, Scale, SecurityLevels, Sensitivity, Supplier, Tokens, Verdict, Wildcard, Workload,
    Workstation, Zone,
};
use std::str::FromStr;

pub(crate) fn id<T: FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap()
}

pub(crate) fn ids<T: FromStr>(text: &str) -> Vec<T>
where
    T::Err: std::fmt::Debug,
{
    text.split_whitespace().map(id).collect()
}

pub(crate) fn step(name: &str) -> Sensitivity {
    scale().step(name).unwrap()
}

fn scale() -> Scale {
    Scale::new(["public", "internal", "confidential", "restricted"].map(str::to_owned).to_vec()).unwrap()
}

/// How sensitive a label is at the brewery.
fn sensitivity(label: &str) -> Sensitivity {
    step(match label.split('.').next().unwrap() {
        "person" | "setpoint" | "tag" => "confidential",
        "recipe" | "secret" => "restricted",
        "sample" | "network" => "internal",
        _ => "public",
    })
}

/// A finding of a label in a piece.
pub(crate) fn finding(label: &str, piece: usize) -> Finding {
    Finding {
        label: Label::new(label).unwrap(),
        sensitivity: sensitivity(label),
        piece,
        span: 0..4,
        rule: id(&format!("finds-{label}")),
    }
}

fn zone(name: &str, networks: &str, level: PurdueLevel) -> Zone {
    Zone {
        id: id(name),
        title: None,
        networks: networks.split_whitespace().map(|network| network.parse().unwrap()).collect(),
        level,
        target: SecurityLevels::new([2; 7]).unwrap(),
        criticality: Criticality::Medium,
        owner: "OT security".to_owned(),
    }
}

fn workload(name: &str, zone: &str, purposes: &str) -> Workload {
    Workload {
        id: id(name),
        title: None,
        zone: id(zone),
        certificates: Vec::new(),
        purposes: ids(purposes),
        sources: plant::Access::default(),
        governance: Governance {
            owner: Some("brewing".to_owned()),
            update_process: Some("quarterly".to_owned()),
            isolation_plan: Some("runs on without it".to_owned()),
        },
    }
}

fn provider(name: &str, dialect: Dialect, zone: &str, clearance: &str) -> Provider {
    Provider {
        id: id(name),
        dialect,
        address: format!("https://{name}.example"),
        authorities: None,
        credential: None,
        zone: id(zone),
        clearance: step(clearance),
        grpc: None,
        governance: Governance::default(),
        supplier: Supplier {
            name: format!("{name} Inc."),
            country: Some("US".to_owned()),
            sub_processors: vec!["Hosting Ltd".to_owned()],
        },
    }
}

pub(crate) fn conduit(name: &str, from: &str, to: &str, purposes: &str, ceiling: &str) -> Conduit {
    Conduit {
        id: id(name),
        from: ids(from),
        to: id(to),
        workloads: Vec::new(),
        purposes: ids(purposes),
        models: vec![Wildcard("*".to_owned())],
        tools: None,
        ceiling: step(ceiling),
        operator: OperatorRequirement::Optional,
        handling: Vec::new(),
        reroute: None,
        reroute_model: None,
        opaque: Vec::new(),
        answers: plant::Answers::open(),
        bounds: Bounds::default(),
        files: plant::Files::default(),
        sources: plant::Access::default(),
        unapproved: plant::Unapproved::default(),
        guarding: plant::Guarding::default(),
        keep: plant::Keep::Nothing,
        essential: false,
        oversight: plant::Oversight::default(),
        owner: "brewing".to_owned(),
        approval: Approval { by: "plant manager".to_owned(), at: None },
        expires: None,
    }
}

/// `"person.email allow, person tokenise"`.
pub(crate) fn handling(text: &str) -> Vec<Handling> {
    let entry = |entry: &str| {
        let (label, verdict) = entry.trim().split_once(' ').unwrap();
        let verdict = Verdict::NAMES.iter().find(|(name, _)| *name == verdict).unwrap().1;
        Handling { label: Label::new(label).unwrap(), verdict, tokens: Tokens::Words }
    };
    text.split(',').filter(|entry| !entry.trim().is_empty()).map(entry).collect()
}

pub(crate) fn wildcards(text: &str) -> Vec<Wildcard> {
    text.split_whitespace().map(|text| Wildcard(text.to_owned())).collect()
}

fn conduits() -> Vec<Conduit> {
    vec![
        Conduit {
            workloads: ids("copilot"),
            models: wildcards("gpt-4o*"),
            handling: handling(
                "person.email allow, person tokenise, setpoint redact, secret refuse, recipe reroute, sample hold, drawing generalise",
            ),
            reroute: Some(id("edge")),
            reroute_model: Some("llama-3".to_owned()),
            bounds: Bounds { request: 1 << 20, ..Bounds::default() },
            ..conduit("copilot-cloud", "cell-1", "openai", "maintenance instruction", "internal")
        },
        Conduit {
            models: wildcards("llama-3 phi"),
            handling: handling("secret refuse, person redact"),
            ..conduit("cell-edge", "cell-1 cell-2", "edge", "maintenance instruction quality", "restricted")
        },
        Conduit {
            operator: OperatorRequirement::Required { assurance: vec!["mfa".to_owned(), "hwk".to_owned()] },
            ..conduit("writing", "cell-1", "claude", "instruction", "confidential")
        },
        Conduit {
            expires: Millis::parse("2026-12-01"),
            ..conduit("old", "cell-1", "claude", "maintenance", "confidential")
        },
        Conduit {
            opaque: wildcards("/v1/files/* /v1/batches"),
            ..conduit("files", "site", "archive", "scheduling", "restricted")
        },
        Conduit {
            opaque: wildcards("*"),
            reroute: Some(id("edge")),
            ..conduit("planning", "site", "openai", "scheduling", "confidential")
        },
        Conduit { reroute: Some(id("openai")), ..conduit("translate", "site", "claude", "scheduling", "internal") },
        conduit("vision", "cell-2", "claude", "quality", "public"),
    ]
}

pub(crate) fn brewery() -> Plant {
    let ungoverned = Workload {
        governance: Governance {
            owner: Some("labs".to_owned()),
            update_process: Some(" ".to_owned()),
            isolation_plan: None,
        },
        ..workload("trial", "cell-2", "quality")
    };
    let zones = [
        zone("cell-1", "10.1.0.0/24 fd00:1::/64", PurdueLevel::Supervision),
        zone("cell-2", "10.2.0.0/24", PurdueLevel::Supervision),
        zone("site", "10.3.0.0/24 127.0.0.0/8", PurdueLevel::Operations),
        zone("internet", "", PurdueLevel::Enterprise),
    ];
    let workloads = [
        workload("copilot", "cell-1", "maintenance instruction"),
        workload("camera", "cell-2", "quality"),
        workload("planner", "site", "scheduling"),
        workload("idle", "cell-1", "reporting"),
        ungoverned,
    ];
    let workstations = [("hmi-1", "cell-1"), ("laptop-7", "site")];
    let workstation = |(name, zone)| Workstation { id: id(name), zone: id(zone), certificates: Vec::new() };
    let providers = [
        provider("openai", Dialect::OpenAi, "internet", "confidential"),
        provider("claude", Dialect::Anthropic, "internet", "confidential"),
        provider("edge", Dialect::OpenAi, "site", "restricted"),
        provider("archive", Dialect::OpenAi, "site", "restricted"),
    ];
    Plant {
        id: id("brewery"),
        gateway: id("gate-1"),
        scale: scale(),
        zones: zones.into_iter().map(|one| (one.id.clone(), one)).collect(),
        workloads: workloads.into_iter().map(|one| (one.id.clone(), one)).collect(),
        workstations: workstations.map(workstation).into_iter().map(|one| (one.id.clone(), one)).collect(),
        issuer: None,
        sources: std::collections::BTreeMap::new(),
        providers: providers.into_iter().map(|one| (one.id.clone(), one)).collect(),
        conduits: conduits().into_iter().map(|one| (one.id.clone(), one)).collect(),
        digest: "00".repeat(32),
    }
}
