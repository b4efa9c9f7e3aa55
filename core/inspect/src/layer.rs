//! Brings together what was found in a text and what in the text that its escapes say.

use crate::scan::Hit;
use crate::view::Map;
use std::ops::Range;

/// What was found in a text and in the layers of what its escapes say.
pub(crate) struct Layered {
    /// With spans in the text.
    pub(crate) hits: Vec<Hit>,
    /// From each layer to the one around it; the innermost first.
    pub(crate) maps: Vec<Map>,
}

/// The hits in a text and those `deeper`, in what its escapes say, from which `map` leads back. None cuts an escape:
/// what is put in its place would leave the other half behind, of `\nbob@...` a lone backslash, and break the JSON around.
pub(crate) fn merge(outer: Vec<Hit>, deeper: Layered, map: Map) -> Layered {
    let Layered { hits: mut found, mut maps } = deeper;
    for hit in &mut found {
        hit.span = map.source(&hit.span);
    }
    maps.push(map);
    found.sort_unstable_by_key(|hit| (hit.rule, hit.span.start, hit.span.end));
    found.dedup();
    let mut hits: Vec<Hit> = outer.into_iter().filter_map(|hit| uncut(hit, &found, &maps)).collect();
    hits.extend(found);
    Layered { hits, maps }
}

/// A hit of the outer text that nothing deeper says better, widened to whole escapes.
fn uncut(mut hit: Hit, deeper: &[Hit], maps: &[Map]) -> Option<Hit> {
    let (first, last) = (cut(maps, hit.span.start), cut(maps, hit.span.end));
    let cuts = first.is_some() || last.is_some();
    let at = deeper.partition_point(|other| (other.rule, other.span.start) < (hit.rule, hit.span.start));
    let near = [at.checked_sub(1), Some(at)].into_iter().flatten().filter_map(|at| deeper.get(at));
    let mut same = near.filter(|other| other.rule == hit.rule);
    let said = same.any(|other| {
        let overlaps = other.span.start < hit.span.end && hit.span.start < other.span.end;
        other == &hit || cuts && overlaps
    });
    hit.span = first.map_or(hit.span.start, |whole| whole.start)..last.map_or(hit.span.end, |whole| whole.end);
    (!said).then_some(hit)
}

/// The escape of any layer that the place `at` of the outermost text cuts; all of it there.
fn cut(maps: &[Map], at: usize) -> Option<Range<usize>> {
    let (map, deeper) = maps.split_last()?;
    map.cut(at).or_else(|| cut(deeper, map.place(at)).map(|whole| map.source(&whole)))
}

#[cfg(test)]
mod tests {
    use crate::fuzz::{apply, changed, message};
    use crate::{Inspector, Settings};
    use plant::Sensitivity;

    fn found(text: &str) -> Vec<String> {
        let inspector = Inspector::new(&Settings::new(Sensitivity::LOWEST)).expect("built-in settings compile");
        let findings = inspector.read(&message(text)).expect("few findings");
        findings.iter().map(|f| format!("{}:{}", f.label, &text[f.span.clone()])).collect()
    }

    #[test]
    fn what_stands_behind_escapes_is_found_where_it_stands() {
        let key = format!("\\u0041K\\u0049A{}", "Y3FDF7Q2K5TNW4ZB");
        assert_eq!(found(&format!(r#"{{"note":"{key}"}}"#)), [format!("secret.key:{key}")]);
        assert_eq!(found(r#"{"m":"see\nTIC-101\tand"}"#), ["tag:TIC-101"]);
        assert_eq!(found(r"it says TIC\x2d101"), [r"tag:TIC\x2d101"]);
    }

    #[test]
    fn layers_of_escapes_are_undone_one_by_one() {
        let mut text = "{\"m\":\"see\nTIC-101\tand bob@works.example\"}".to_owned();
        for _ in 0..super::super::escape::LAYERS {
            assert_eq!(found(&text), ["tag:TIC-101", "person.email:bob@works.example"], "{text}");
            text = serde_json::to_string(&text).expect("a string");
        }
    }

    #[test]
    fn what_is_found_outside_and_inside_is_found_once() {
        assert_eq!(found(r#"{"m":"to \"TIC-101\" at 10.4.7.12"}"#), ["tag:TIC-101", "network.address:10.4.7.12"]);
    }

    #[test]
    fn replacing_leaves_json_that_reads() {
        let inspector = Inspector::new(&Settings::new(Sensitivity::LOWEST)).expect("built-in settings compile");
        for inner in ["x\nbob@works.example", "a\tTIC-101\\", "\u{8}bob@works.example\"", "C:\\new\\bob@works.example"]
        {
            let text = serde_json::json!({ "arguments": serde_json::json!({ "m": inner }).to_string() }).to_string();
            let content = message(&text);
            let findings = inspector.read(&content).expect("few findings");
            assert!(!findings.is_empty(), "{text}");
            let all: Vec<usize> = (0..findings.len()).collect();
            let changed = changed(&content, &findings, &all, &[], "c").expect("nothing is fixed");
            let sent = apply(&text, &changed.edits);
            let outer: serde_json::Value = serde_json::from_str(&sent).expect("JSON");
            let arguments = outer["arguments"].as_str().expect("a string");
            let read: serde_json::Value = serde_json::from_str(arguments).expect("JSON inside");
            assert!(read["m"].as_str().expect("a string").contains("[redacted:"), "{sent}");
        }
    }

    #[test]
    fn a_name_behind_a_backslash_is_replaced_whole() {
        assert_eq!(found(r"mail WORKS\bob@works.example"), ["person.email:bob@works.example"]);
    }

    #[test]
    fn nothing_but_escapes_is_refused_not_cut() {
        let inspector = Inspector::new(&Settings::new(Sensitivity::LOWEST)).expect("built-in settings compile");
        assert!(inspector.read(&message(&"a\\\"".repeat(2 << 20))).is_err());
    }
}
