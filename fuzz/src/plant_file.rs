//! `config` and `policy` under fire: plant files and rules. Whoever writes them is trusted; a slip must not crash the check.

use config::{NoFiles, Surroundings};
use miette::{GraphicalReportHandler, GraphicalTheme};
use plant::{Millis, Plant};
use policy::{Policy, RuleFile};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};

fn surroundings() -> Surroundings<'static> {
    Surroundings {
        name: "plant.toml",
        folder: Path::new("."),
        files: &NoFiles,
        now: Millis(1_795_000_000_000),
        hash: |bytes| seal::hex(&seal::sha256(bytes)),
    }
}

/// A plant file: every problem points into the file and can be shown.
pub fn plant_file(bytes: &[u8]) {
    let problems = match config::read(bytes, surroundings()) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => {
            assert!(!problems.list.is_empty(), "a refusal says why");
            problems.list
        }
    };
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::none()).with_width(110);
    for problem in &problems {
        let text = problem.source.text();
        for mark in &problem.marks {
            assert!(text.is_empty() || whole(text, &mark.span), "a problem underlines whole characters");
        }
        let (line, column) = problem.position();
        assert!(line >= 1 && column >= 1);
    }
    // Showing is quadratic in nothing but still the slowest part.
    for problem in problems.iter().take(8) {
        let mut shown = String::new();
        handler.render_report(&mut shown, problem).expect("a problem can be shown");
    }
}

/// A file of detectors: every problem points into the file; what comes into force can be tried on its own examples, and finds
/// within one line and on whole characters, whatever its patterns are.
pub fn detectors(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match config::detectors("fuzz.toml", &text) {
        Ok(detectors) => {
            let mut settings = inspect::Settings::new(plant::Sensitivity::LOWEST);
            settings.detectors = detectors;
            if let Ok(trial) = inspect::try_rules(&settings) {
                let own: usize = settings.detectors.iter().map(|own| own.finds.len() + own.ignores.len()).sum();
                assert!(trial.rules >= settings.detectors.len() && trial.examples >= own, "every example is tried");
            }
        }
        Err(problems) => {
            assert!(!problems.list.is_empty(), "a refusal says why");
            for problem in problems.list {
                let shown = problem.source.text();
                let whole = problem.marks.iter().all(|mark| shown.is_empty() || whole(shown, &mark.span));
                assert!(whole, "a problem underlines whole characters");
            }
        }
    }
}

/// Rules of a plant: what does not come into force says where it is wrong.
pub fn rules(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let file = RuleFile { name: "fuzz.cedar".to_owned(), text: text.clone() };
    if let Err(problems) = Policy::new(Arc::clone(shared()), &[file]) {
        assert!(!problems.is_empty(), "a refusal says why");
        for problem in problems {
            assert!(whole(&text, &problem.span), "a problem underlines whole characters");
        }
    }
}

fn whole(text: &str, span: &Range<usize>) -> bool {
    text.get(span.clone()).is_some()
}

fn shared() -> &'static Arc<Plant> {
    static BREWERY: OnceLock<Arc<Plant>> = OnceLock::new();
    BREWERY.get_or_init(|| {
        let text = crate::seeds::file("examples/brewery/plant.toml");
        // Without its rules: there are no files here.
        let text = String::from_utf8(text).expect("text");
        let mut lines = Vec::new();
        let mut within = false;
        for line in text.lines() {
            if line.starts_with('[') {
                within = line.starts_with("[rules");
            }
            if !within {
                lines.push(line);
            }
        }
        config::read(lines.join("\n").as_bytes(), surroundings()).expect("the example comes into force").plant
    })
}

/// The plant of `examples/brewery`.
pub(crate) fn brewery() -> &'static Plant {
    shared()
}

/// A supplier's bill of materials: whatever is read of it can be declared, names that the plant would have to know aside; what a caller
/// says of its library stays within its letters; what was saved of the inventory is taken up as it was.
pub fn inventory(bytes: &[u8]) {
    if let Some(client) = inventory::client(bytes) {
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+/".contains(&byte));
        assert!(plain(&client.name) && client.version.is_none_or(|version| plain(&version)));
    }
    if let Some(seen) = std::str::from_utf8(bytes).ok().and_then(|text| inventory::Seen::restore(text).ok()) {
        assert_eq!(inventory::Seen::restore(&seen.save()), Ok(seen));
    }
    let Ok(mut parsed) = inventory::read(bytes) else { return };
    for component in &mut parsed.components {
        (component.provider, component.workloads, component.providers) = Default::default();
    }
    let file = format!("{PLANT}{}", inventory::fragment(&parsed.components));
    if let Err(problems) = config::read(file.as_bytes(), surroundings()) {
        let known = |problem: &config::Problem| problem.code == config::Code::SecretInFile;
        assert!(problems.list.iter().all(known), "{:?}\n{file}", problems.list);
    }
}

const PLANT: &str = "[plant]\nname = \"a\"\n\n[zones.cloud]\nexternal = true\nowner = \"IT\"\n\n";

/// Bills of materials, what was saved of an inventory, and what a library says of itself.
#[must_use]
pub fn bills() -> Vec<Vec<u8>> {
    let bill = |components: &str| {
        format!(r#"{{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{components}]}}"#).into_bytes()
    };
    let hash = "0c".repeat(32);
    vec![
        bill(&format!(
            r#"{{"type":"machine-learning-model","name":"Llama 3.1 8B","version":"3.1","supplier":{{"name":"Meta"}},"purl":"pkg:generic/llama@3.1","licenses":[{{"license":{{"id":"MIT"}}}}],"hashes":[{{"alg":"SHA-256","content":"{hash}"}}]}}"#
        )),
        bill(r#"{"type":"container","name":"vllm","components":[{"type":"library","name":"torch"},{"type":"file","name":"a"}],"properties":[{"name":"penstock:owner","value":"Ada"}]}"#),
        br#"{"v":1,"next":9,"last":"a","beyond":0,"entries":[["model","openai/gpt-4o",[1,2,3,4],[["gpt-4o-2024",[1,2,1,0]]],["copilot"]]]}"#.to_vec(),
        b"OpenAI/Python 1.52.0".to_vec(),
    ]
}
