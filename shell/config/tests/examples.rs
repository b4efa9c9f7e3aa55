//! The example plants load, and the pages and schemas made from the table of keys are the ones in the repository.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails loudly")]

use penstock_config as config;
use penstock_config::{Code, Loaded, Problems, load};
use plant::Millis;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Not a digest of anything: `config` is handed one, and these tests do not look at it.
fn hash(bytes: &[u8]) -> String {
    format!("{:064x}", bytes.len())
}

fn example(name: &str) -> Result<Loaded, Problems> {
    load(&root().join("examples").join(name), Millis::parse("2026-11-20").unwrap(), hash)
}

fn check(name: &str) -> Loaded {
    let loaded = example(name).unwrap_or_else(|problems| panic!("{name}: {:#?}", problems.list));
    // Examples hold no keys and certificates; nothing else may be wrong with them.
    let others: Vec<_> = loaded.warnings.iter().filter(|warning| warning.code != Code::FileMissing).collect();
    assert!(others.is_empty(), "{name}: {others:#?}");
    loaded
}

#[test]
fn the_brewery_loads() {
    let brewery = check("brewery");
    let plant = &brewery.plant;
    assert_eq!((plant.zones.len(), plant.workloads.len(), plant.providers.len(), plant.conduits.len()), (5, 5, 4, 6));
    assert_eq!(plant.zone_of("10.30.2.200".parse().unwrap()).unwrap().id.as_str(), "filling");
    assert_eq!(brewery.rules.len(), 1);
    assert!(plant.workloads.values().all(|workload| workload.governance.gaps().is_empty()));
    let openai = &plant.providers[&"openai".parse().unwrap()];
    assert_eq!(openai.credential, Some(plant::CredentialReference::File(brewery.folder.join("secrets/openai.key"))));
    let maintenance = &plant.conduits[&"maintenance-cloud".parse().unwrap()];
    assert_eq!(
        maintenance.handling.iter().map(|entry| entry.label.as_str()).collect::<Vec<_>>(),
        // What stands in a plant file, and what holds unless it says otherwise.
        ["secret", "recipe", "person", "network", "setpoint", "injection.tool", "injection.document"]
    );
    assert!(maintenance.answers.images && maintenance.answers.links && maintenance.answers.hosts.is_empty());
    assert_eq!(maintenance.bounds, plant::Bounds::default(), "the embedded defaults are those of the type");
}

#[test]
fn the_filling_line_loads() {
    let line = check("filling-line");
    assert_eq!(line.gateway.listen, ["192.168.20.2:8443".parse().unwrap()]);
    assert_eq!(line.gateway.ledger, line.folder.join("ledger"));
    assert_eq!(line.plant.scale.names(), ["public", "internal", "confidential", "restricted"]);
}

#[test]
fn the_reference_page_is_the_table_of_keys() {
    let path = root().join("docs/src/reference/plant-file.md");
    if std::env::var_os("PENSTOCK_BLESS").is_some() {
        std::fs::write(&path, config::reference()).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(page == config::reference(), "run this test with PENSTOCK_BLESS=1 to write {} again", path.display());
}
