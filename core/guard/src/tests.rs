//! Cases of the guard: what people, models and programs write, and what comes of it.

use crate::{Decimal, Guard, Known, Limit, Unit, Verdict, Watch};
use plant::{Act, Channel, Form, Guarding, Reason, Rewrite};
use proptest::prelude::*;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

fn limit(tag: &str, alias: &str, unit: &str, low: f64, high: f64) -> Limit {
    Limit {
        tag: tag.to_owned(),
        aliases: alias.split('|').filter(|alias| !alias.is_empty()).map(str::to_owned).collect(),
        unit: Unit::named(unit).unwrap(),
        low: Some(low),
        high: Some(high),
        step: None,
        window: None,
        modes: Vec::new(),
        interlocked: false,
    }
}

/// A plant of a few loops.
pub(crate) fn guard(decimal: Decimal) -> Guard {
    let ramped = Limit {
        step: Some(5.0),
        window: Some(Duration::from_secs(60)),
        ..limit("TIC-101", "reactor temperature", "Cel", 20.0, 180.0)
    };
    let limits = vec![
        ramped,
        limit("PIC-204", "Kesseldruck", "bar", 0.5, 6.0),
        limit("SIC-310", "agitator speed", "{rpm}", 50.0, 900.0),
        limit("FIC-118", "", "m3/h", 0.0, 40.0),
        Limit { step: Some(3.0), ..limit("LV-12", "", "%", 0.0, 80.0) },
        Limit { interlocked: true, ..limit("XV-900", "", "%", 0.0, 100.0) },
        limit("PIC-7", "", "bar(a)", 0.5, 6.0),
    ];
    Guard::new(limits, decimal).unwrap()
}

fn known(guard: &Guard) -> Known {
    let mut known = Known::default();
    for (tag, value) in [("TIC-101", 100.0), ("PIC-204", 3.25), ("SIC-310", 475.0)] {
        guard.tell(tag, value, &mut known);
    }
    known
}

fn worst(guard: &Guard, text: &str, known: &Known) -> String {
    let found = guard.read(text, known);
    found.iter().map(|found| found.verdict).max().map_or("none", Verdict::name).to_owned()
}

/// Every text of a table comes out as its heading says; all that do not are told at once.
fn check(decimal: Decimal, table: &str) {
    let guard = guard(decimal);
    let known = known(&guard);
    let mut wrong = Vec::new();
    for line in table.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (wanted, text) = line.split_once(' ').unwrap();
        let text = text.trim().replace("\\n", "\n").replace("\\t", "\t");
        let got = worst(&guard, &text, &known);
        let fits = match wanted {
            // Within limits, or no recommendation: either may pass.
            "pass" => got == "allow" || got == "none",
            wanted => got == wanted,
        };
        if !fits {
            wrong.push(format!("{wanted}, not {got}: {text}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn spans_in_a_sentence_that_is_too_long_are_of_the_text() {
    let text = format!("Set TIC-101 {}", "to ２５０ °C, ".repeat(1000));
    let guard = guard(Decimal::Either);
    let found = guard.read(&text, &Known::default());
    assert!(!found.is_empty() && found.iter().all(|found| text.get(found.span.clone()).is_some()), "{found:?}");
}

#[test]
fn a_value_that_is_to_be_set_is_judged_however_that_is_said() {
    check(Decimal::Either, include_str!("cases/targets.txt"));
}

#[test]
fn what_is_only_spoken_of_is_no_recommendation() {
    check(Decimal::Either, include_str!("cases/mentions.txt"));
}

#[test]
fn numbers_and_units_are_read_in_all_their_forms() {
    check(Decimal::Either, include_str!("cases/numbers.txt"));
}

#[test]
fn changes_are_judged_from_what_is_known() {
    check(Decimal::Either, include_str!("cases/changes.txt"));
}

#[test]
fn the_same_is_said_in_many_ways() {
    check(Decimal::Either, include_str!("cases/more.txt"));
}

#[test]
fn tables_data_and_code_are_read_by_their_structure() {
    check(Decimal::Either, include_str!("cases/structures.txt"));
}

const CASES: [&str; 5] = [
    include_str!("cases/targets.txt"),
    include_str!("cases/mentions.txt"),
    include_str!("cases/numbers.txt"),
    include_str!("cases/changes.txt"),
    include_str!("cases/structures.txt"),
];

fn cases() -> impl Iterator<Item = (&'static str, String)> {
    let lines = CASES.into_iter().flat_map(str::lines).filter(|line| !line.is_empty());
    let parts = lines.filter_map(|line| line.split_once(' '));
    parts.map(|(wanted, text)| (wanted, text.replace("\\n", "\n").replace("\\t", "\t")))
}

fn watch(act: Act) -> Watch {
    static GUARD: LazyLock<Arc<Guard>> = LazyLock::new(|| Arc::new(guard(Decimal::Either)));
    let guard = Arc::clone(&GUARD);
    let known = known(&guard);
    Watch::new(guard, Guarding { violate: act, unresolved: act }, known)
}

/// What comes out of a text that comes in pieces, what the record would count, and whether it was stopped.
fn streamed<'t>(act: Act, form: Form, pieces: impl IntoIterator<Item = &'t str>) -> (String, String, Option<Reason>) {
    let mut watch = watch(act);
    let channel = Channel { number: 0, form };
    let mut out: String = pieces.into_iter().map(|piece| watch.push(channel, piece)).collect();
    out.push_str(&watch.finish(channel));
    (out, format!("{:?}", watch.findings()), watch.stopped().map(|refusal| refusal.reason))
}

/// A text, one character at a time.
fn singly(text: &str) -> impl Iterator<Item = &str> {
    text.char_indices().filter_map(|(at, c)| text.get(at..at + c.len_utf8()))
}

#[test]
fn a_text_cut_anywhere_is_judged_as_if_it_came_whole() {
    for (_, text) in cases() {
        let text = format!("Well. {text} And more.");
        for act in [Act::Annotate, Act::Block] {
            let whole = streamed(act, Form::Plain, [text.as_str()]);
            for at in (0..text.len()).step_by(5).filter(|at| text.is_char_boundary(*at)) {
                let (head, tail) = text.split_at(at);
                let cut = streamed(act, Form::Plain, [head, tail]);
                assert_eq!((&cut.1, cut.2), (&whole.1, whole.2), "{text} cut at {at}");
                // Once stopped, nothing more is owed: what went out before depends on what had come.
                assert!(cut.0 == whole.0 || whole.2.is_some(), "{text} cut at {at}: {} and {}", cut.0, whole.0);
            }
            assert_eq!(streamed(act, Form::Plain, singly(&text)).1, whole.1, "{text}");
        }
    }
}

#[test]
fn nothing_of_a_value_goes_out_before_it_is_judged() {
    for text in [
        "Set TIC-101 to 250 °C.",
        "Raise it: 250 °C on TIC-101.",
        "Set TIC-101 to two hundred and fifty degrees.",
        "Bitte TIC-101 auf 250 °C stellen.",
        "| TIC-101 | 250 °C |\n",
        "Use {\"tag\": \"TIC-101\", \"sp\": 250}",
        "Set TIC-101 to ２５０ °C.",
        "Put TIC-101 to the maximum.",
        "Set TIC-101 to\n250 °C.",
    ] {
        let (out, _, stopped) = streamed(Act::Block, Form::Plain, singly(text));
        assert!(stopped.is_some(), "{text}");
        let value = |character: char| character.is_numeric();
        assert!(!out.contains(value) && !out.contains("two") && !out.contains("max"), "{text}: {out}");
    }
}

#[test]
fn a_text_that_is_let_through_is_not_changed_and_a_note_stands_behind_what_it_is_about() {
    let (out, counts, stopped) = streamed(Act::Allow, Form::Plain, ["Set TIC-101 to 250 °C. ", "Done."]);
    assert_eq!((out.as_str(), stopped), ("Set TIC-101 to 250 °C. Done.", None));
    assert!(counts.contains("guard.violate") && counts.contains("count: 1"), "{counts}");
    let (out, ..) = streamed(Act::Annotate, Form::Plain, ["Set TIC-101 to 250 °C. ", "Done."]);
    assert_eq!(out, "Set TIC-101 to 250 °C. [guard: TIC-101: above its highest value] Done.");
    assert_eq!(streamed(Act::Hold, Form::Plain, ["Set TIC-101 to 250 °C."]).2, Some(Reason::AnswerHeld));
    assert_eq!(streamed(Act::Block, Form::Plain, ["Set TIC-101 to 9 flurbs."]).2, Some(Reason::AnswerUnresolved));
}

#[test]
fn words_go_out_as_they_come_where_nothing_is_said_of_a_value() {
    let mut watch = watch(Act::Block);
    let channel = Channel { number: 0, form: Form::Plain };
    let said = ["The pump ", "was serv", "iced and its ", "seal re"].map(|piece| watch.push(channel, piece));
    assert_eq!(said, ["The pump", " was", " serviced and its", " seal"]);
}

#[test]
fn arguments_are_held_whole_until_they_are_judged() {
    let mut guard = watch(Act::Block);
    let channel = Channel { number: 3, form: Form::Json };
    assert_eq!(guard.push(channel, "{\"tag\": \"TIC-101\", \"va"), "");
    assert_eq!(guard.push(channel, "lue\": 150}"), "");
    assert_eq!(guard.finish(channel), "{\"tag\": \"TIC-101\", \"value\": 150}");
    assert_eq!(guard.push(channel, "{\"tag\": \"TIC-101\", \"value\": 250}"), "");
    let ended = (guard.finish(channel), guard.stopped().map(|refusal| refusal.reason));
    assert_eq!(ended, (String::new(), Some(Reason::AnswerLimit)));
}

#[test]
fn arguments_that_are_an_object_are_judged_in_the_structure_around_them() {
    for (document, wanted) in [
        (r#"{"type":"tool_use","name":"write","input":{"tag":"TIC-101","value":250}}"#, Some(Reason::AnswerLimit)),
        (r#"{"type":"tool_use","name":"set_TIC_101","input":{"value":250}}"#, Some(Reason::AnswerLimit)),
        (r#"{"type":"tool_use","name":"write","input":{"tag":"TIC-101","value":150}}"#, None),
        (r#"{"choices":[{"index":0,"delta":{"content":"TIC-101"}}],"created":1763000000}"#, None),
        (r#"{"type":"response.output_text.delta","delta":"TIC-101","output_index":0,"sequence_number":4}"#, None),
    ] {
        let mut watch = watch(Act::Block);
        watch.document(document);
        assert_eq!(watch.stopped().map(|refusal| refusal.reason), wanted, "{document}");
    }
    let mut named = watch(Act::Block);
    named.whole("set_TIC_101", Form::Plain);
    named.whole("{\"value\": 250}", Form::Json);
    assert_eq!(named.stopped().map(|refusal| refusal.reason), Some(Reason::AnswerLimit));
}

#[test]
fn the_conversation_tells_values_and_what_is_spoken_of() {
    let guard = guard(Decimal::Either);
    let after = |heard: &[&str], text: &str| {
        let mut known = Known::default();
        heard.iter().for_each(|said| guard.hear(said, &mut known));
        worst(&guard, text, &known)
    };
    assert_eq!(after(&["FIC-118 is at 39 m3/h."], "Increase FIC-118 by 10 %."), "violate");
    assert_eq!(after(&["FIC-118 is at 20 m3/h."], "Increase FIC-118 by 10 %."), "allow");
    assert_eq!(after(&["{\"tag\":\"FIC-118\",\"pv\":39}"], "Increase FIC-118 by 10 %."), "violate");
    assert_eq!(after(&["FIC-118 was at 20 m3/h yesterday."], "Increase FIC-118 by 10 %."), "unresolved");
    assert_eq!(after(&["Set FIC-118 to 20 m3/h."], "Increase FIC-118 by 10 %."), "unresolved");
    assert_eq!(after(&["What should TIC-101 be?"], "I recommend 250 °C."), "violate");
    assert_eq!(after(&["What should TIC-101 be?"], "I recommend 150 °C."), "allow");
    assert_eq!(after(&["What should LV-12 be?"], "Set LV-12 to 52 %."), "unresolved");
    assert_eq!(after(&["LV-12 is at 50 %."], "Set LV-12 to 52 %."), "allow");
    assert_eq!(after(&["LV-12 is at 50 %."], "Set LV-12 to 60 %."), "violate");
}

#[test]
fn a_value_may_be_recommended_only_in_the_modes_that_the_plant_names() {
    let moded = |tag: &str, mode: &str| Limit { modes: vec![mode.to_owned()], ..limit(tag, "", "Cel", 20.0, 180.0) };
    let guard = Guard::new(vec![moded("TIC-101", "manual"), moded("TIC-7", "cleaning")], Decimal::Either).unwrap();
    for (heard, wanted) in
        [("The loop is in manual mode.", "allow"), ("Mode: cleaning", "violate"), ("Hello.", "unresolved")]
    {
        let mut known = Known::default();
        guard.hear(heard, &mut known);
        assert_eq!(worst(&guard, "Set TIC-101 to 150 °C.", &known), wanted, "{heard}");
    }
}

#[test]
fn hostile_text_costs_no_more_than_its_length() {
    let guard = guard(Decimal::Either);
    let known = known(&guard);
    for (head, body) in [
        ("TIC-101 ", "1 2 3 "),
        ("TIC-101 ", "TIC-101, "),
        ("TIC-101 ", "unit: C 1 "),
        ("TIC-101 ", "set to by from not "),
        ("TIC-101 ", "a hundred and "),
        ("TIC-101 ", "(1 "),
        ("{\"TIC-101\": ", "["),
        ("{\"TIC-101\": \"", "\\\\\""),
        ("| TIC-101 |", " 1 |"),
        ("TIC-101", ".1"),
        ("TIC-101 to ", "<b>1</b>&deg;"),
        ("", "TIC-101 at 250 °C. Set it. "),
        ("", "(1 TIC-101 "),
        ("", "TIC-101|1|"),
        ("{", "\"a\":\"TIC-101\",\"sp\":1,"),
    ] {
        let time = |length: usize| {
            let text = format!("{head}{}", body.repeat(length / body.len()));
            let runs = (0..3).map(|_| {
                let began = cpu_time();
                let found = guard.read(&text, &known).len();
                assert!(found <= text.len());
                cpu_time() - began
            });
            runs.min().unwrap_or_default()
        };
        let (short, long) = (time(16 << 10), time(64 << 10));
        assert!(long < short * 10 + Duration::from_millis(20), "{head}{body}: {short:?}, four times as long {long:?}");
    }
}

/// What this thread has had of a processor: what others do meanwhile does not count.
fn cpu_time() -> Duration {
    Duration::try_from(rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime)).unwrap()
}

proptest! {
    #[test]
    fn any_text_is_read_and_any_cut_gives_the_same(
        words in proptest::collection::vec(
            "TIC-101|PIC_204|set|to|by|not|was|if|1,250|[0-9]{1,3}|°C|bar|%|[.,;:|{}\"()=-]|\\n|max|und|auf|\\[|\\]|\\\\",
            0..30,
        ),
        gap in prop::bool::ANY,
        at in 0usize..200,
    ) {
        let text = words.join(if gap { " " } else { "" });
        let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let (head, tail) = text.split_at(at);
        let whole = streamed(Act::Annotate, Form::Plain, [text.as_str()]);
        prop_assert_eq!(streamed(Act::Annotate, Form::Plain, [head, tail]), whole);
    }
}

#[test]
fn what_is_forbidden_can_be_said_of_any_plant_that_has_limits() {
    for decimal in [Decimal::Point, Decimal::Comma, Decimal::Either] {
        let guard = guard(decimal);
        let text = guard.forbidden().unwrap();
        let found = guard.read(&text, &Known::default());
        assert!(found.iter().any(|one| one.verdict == Verdict::Violate), "{text}: {found:?}");
    }
    let only = |limit: Limit| Guard::new(vec![limit], Decimal::Either).unwrap().forbidden();
    let lowest = Limit { high: None, ..limit("LIC-4", "", "%", 20.0, 0.0) };
    assert_eq!(only(lowest).as_deref(), Some("Set LIC-4 to -1200 %."));
    let locked = Limit { interlocked: true, low: None, high: None, ..limit("XV-1", "", "%", 0.0, 0.0) };
    assert_eq!(only(locked).as_deref(), Some("Set XV-1 to 1000 %."));
    assert_eq!(Guard::new(Vec::new(), Decimal::Either).unwrap().forbidden(), None);
}
