//! Bills that suppliers send, and our own read back.

use super::{BomError, read};
use crate::{About, Component, ComponentName, Lives, Seen, Terms, export, rows};
use plant::{Governance, Wildcard};
use proptest::prelude::{any, proptest};
use serde_json::{Value, json};

fn bill(version: &str, components: Value) -> Vec<u8> {
    json!({ "bomFormat": "CycloneDX", "specVersion": version, "components": components }).to_string().into_bytes()
}

#[test]
fn a_suppliers_bill_becomes_declarations() {
    let components = json!([
        {
            "type": "machine-learning-model", "name": "Llama 3.1 8B", "version": "3.1", "supplier": { "name": "Meta" },
            "licenses": [{ "license": { "name": "Llama 3.1 Community" } }],
            "hashes": [{ "alg": "SHA-256", "content": "AB".repeat(32) }],
            "modelCard": { "modelParameters": { "task": "text-generation" } },
        },
        {
            "type": "container", "name": "vllm", "licenses": [{ "expression": "Apache-2.0" }],
            "components": [{ "type": "library", "name": "torch", "version": "2.4.0", "licenses": [{ "license": { "id": "BSD-3-Clause" } }] }],
        },
        { "type": "library", "name": "torch", "version": "2.5.0" },
        { "type": "file", "name": "weights.safetensors" },
    ]);
    for version in ["1.5", "1.6", "1.7"] {
        let parsed = read(&bill(version, components.clone())).unwrap();
        let names: Vec<String> = parsed.components.iter().map(|one| one.name.to_string()).collect();
        assert_eq!(names, ["model:llama-3.1-8b", "container:vllm", "library:torch", "library:torch-2"]);
        let model = parsed.components.first().unwrap();
        assert_eq!(model.title.as_deref(), Some("Llama 3.1 8B"));
        assert_eq!(model.supplier.as_deref(), Some("Meta"));
        assert_eq!(model.licence.as_deref(), Some("Llama 3.1 Community"));
        assert_eq!(model.hashes, [format!("sha-256:{}", "ab".repeat(32))]);
        assert_eq!(model.names, [Wildcard("Llama 3.1 8B".to_owned())]);
        assert_eq!(parsed.left_out.get("file"), Some(&1));
    }
}

#[test]
fn what_is_no_bill_is_told() {
    let refused = |bytes: &[u8]| read(bytes).unwrap_err();
    assert_eq!(refused(b"{"), BomError::Json { line: 1, column: 1 });
    assert_eq!(refused(b"{}"), BomError::Format);
    assert_eq!(refused(&bill("1.4", json!([]))), BomError::Version);
    assert_eq!(refused(&bill("1.6", json!({}))), BomError::Shape("components"));
    assert_eq!(refused(&bill("1.6", json!([{ "type": "library" }]))), BomError::Shape("name"));
    let odd = json!([{ "type": "library", "name": "a", "hashes": [{ "alg": "SHA-256", "content": "00" }] }]);
    assert_eq!(refused(&bill("1.6", odd)), BomError::Shape("hashes"));
    let later =
        json!([{ "type": "library", "name": "a", "hashes": [{ "alg": "Streebog-256", "content": "0c".repeat(32) }] }]);
    assert!(
        read(&bill("1.7", later)).unwrap().components[0].hashes.is_empty(),
        "one of 1.7 is left out, and the rest is read"
    );
    let many: Vec<Value> = (0..5_000).map(|_| json!({ "type": "library", "name": "a" })).collect();
    assert_eq!(refused(&bill("1.6", many.into())), BomError::TooMany);
    let mut deep = json!({ "type": "library", "name": "a" });
    for _ in 0..20 {
        deep = json!({ "type": "library", "name": "a", "components": [deep] });
    }
    assert_eq!(refused(&bill("1.6", json!([deep]))), BomError::TooDeep);
    assert!(matches!(refused(&b"[".repeat(100_000)), BomError::Json { .. }));
    assert_eq!(refused(&vec![b' '; super::MOST_BYTES + 1]), BomError::TooLong);
}

#[test]
fn what_was_exported_is_read_back() {
    let said = |text: &str| Some(text.to_owned());
    let governance =
        Governance { owner: said("Ada"), update_process: said("twice a year"), isolation_plan: said("port 7") };
    let component = |name: &str| Component {
        governance: governance.clone(),
        version: said("1.2"),
        supplier: said("Springwell"),
        licence: said("MIT OR Apache-2.0"),
        purl: said("pkg:generic/thing@1.2"),
        hashes: vec![format!("sha-256:{}", "0c".repeat(32))],
        ..Component::bare(ComponentName::parse(name).unwrap())
    };
    let named = |component: Component| Component {
        names: vec![Wildcard("gpt-4o*".to_owned())],
        versions: vec![Wildcard("gpt-4o-2024*".to_owned())],
        ..component
    };
    let model = Component { provider: "openai".parse().ok(), ..named(component("model:gpt")) };
    let node = Component { workloads: ["vision".parse().unwrap()].into(), ..component("edge-node:box") };
    let all = [component("container:image"), node, component("identity:key"), named(component("library:lib")), model];
    let rows = rows(&all, &Seen::default(), &Terms::default(), &Lives::default(), |_| String::new());
    let about = About {
        contact: Some("ada@works.example"),
        digest: "0c",
        plant: "works",
        serial: "01a2025f-e6e3-785a-a715-15719dca535e",
        time: "2026-11-22T00:00:00Z",
        version: "0",
    };
    let mut read = read(export(&rows, &about).as_bytes()).unwrap();
    assert_eq!(read.left_out.get("application"), Some(&1), "the plant itself");
    read.components.sort_by(|a, b| a.name.id().cmp(b.name.id()));
    let mut all = all.to_vec();
    all.sort_by(|a, b| a.name.id().cmp(b.name.id()));
    assert_eq!(read.components, all);
}

proptest! {
    #[test]
    fn whatever_comes_is_read_or_refused(bytes in any::<Vec<u8>>()) {
        let _ = read(&bytes);
    }
}
