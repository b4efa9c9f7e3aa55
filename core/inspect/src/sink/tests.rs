//! What an answer becomes on its way to whoever reads it.

use super::Sinks;
use crate::{Inspector, Settings};
use plant::{Answers, Channel, Deed, Form, Handling, Label, Rewrite, Sensitivity, Verdict, Wildcard};
use proptest::prelude::*;
use std::sync::{Arc, LazyLock};

static INSPECTOR: LazyLock<Arc<Inspector>> =
    LazyLock::new(|| Arc::new(Inspector::new(&Settings::new(Sensitivity::LOWEST)).expect("built-in settings compile")));

fn answers() -> Answers {
    Answers {
        hosts: vec![Wildcard("docs.works.example".to_owned())],
        images: true,
        links: true,
        addresses: true,
        markup: true,
        unsafe_instructions: Deed::Annotate,
        tools: Some(vec![Wildcard("read_*".to_owned())]),
        withhold: vec![Handling {
            label: Label::new("secret").expect("a label"),
            verdict: Verdict::Redact,
            tokens: plant::Tokens::Words,
        }],
    }
}

fn sinks(answers: &Answers) -> Sinks {
    Sinks::new(answers, Arc::clone(&INSPECTOR))
}

fn shown(text: &str) -> String {
    sinks(&answers()).whole(text, Form::Plain).unwrap_or_else(|| text.to_owned())
}

fn check(text: &str, expected: &str) {
    assert_eq!(shown(text), expected, "of {text:?}");
}

fn stays(texts: &[&str]) {
    for text in texts {
        check(text, text);
    }
}

#[test]
fn images_that_lead_elsewhere_go() {
    check("see ![chart](https://evil.example/p.png?d=TIC-101) here", "see [image removed: evil example] here");
    check("![x](<https://evil.example/a b> \"title\")", "[image removed: evil example]");
    check("![a [b] c](//evil.example/x 'it')!", "[image removed: evil example]!");
    check("![x](data:image/png;base64,AAAA)", "[image removed: data]");
    check(
        "[![x](https://evil.example/1)](https://evil.example/2)",
        "[[image removed: evil example]] (link removed: evil example)",
    );
    check("<IMG alt=x SRC = 'https://evil.example/x'>", "[image removed: evil example]");
    check("<img srcset=\"a.png 1x, https://evil.example/x 2x\">", "[image removed: evil example]");
    check("![x][1]\n\n[1]: https://evil.example/?q=1", "![x][1]\n\n[1]: (link removed: evil example)");
    check("![x](https\\://evil.example/)", "[image removed: evil example]");
    check("![x](https&#x3A;//evil.example/)", "[image removed: evil example]");
    check("![x](https://evil.example/never closed", "[image removed: evil example] closed");
}

#[test]
fn links_that_lead_elsewhere_are_left_as_text() {
    check("[the manual](https://evil.example/?q=1)", "[the manual] (link removed: evil example)");
    check("[x]: <//evil.example> 'y'", "[x]: (link removed: evil example) 'y'");
    check("<https://evil.example/x>", "[link removed: evil example]");
    check("<a href=\"https://evil.example\">here</a>", "[link removed: evil example]here</a>");
    check("go to https://evil.example/a?b=c, now", "go to [link removed: evil example] now");
    check("www.evil.example/x", "[link removed: www evil example]");
    check("[x](javascript:alert(1))", "[x] (link removed: javascript)");
    check("[x](mailto:a@evil.example)", "[x] (link removed: mailto)");
    check("[x](\\\\evil.example\\share)", "[x] (link removed: evil example)");
}

#[test]
fn what_leads_to_open_hosts_or_nowhere_stays() {
    stays(&[
        "![chart](https://docs.works.example/p.png) and [this](https://docs.works.example/a \"b\")",
        "https://docs.works.example/a?b=c and <https://docs.works.example>",
        "[section](#two), ![local](image.png), [up](../index.html)",
        "if a < b && c > d then e[0](f) and x[1]: y",
        "Vec<u8> and a<b> and <br> <b>bold</b> <span class=x>",
        "wow! [1] ok!![",
        "who went? what? from house five: jam",
        "costs 5 ! and [link",
        "<img src=\"local.png\" alt='x'>",
        "Größe \u{1F468}\u{200D}\u{1F469} \u{2764}\u{FE0F} \u{1F3F4}\u{E0067}\u{E0062}\u{E0073}\u{E0063}\u{E0074}\u{E007F} 辻\u{E0100}",
        "می\u{200C}خواهم",
    ]);
}

#[test]
fn active_html_is_defused() {
    check("<script>alert(1)</script>", "[element removed: script]alert(1)</script>");
    check("<p onclick=\"x()\">hi", "[element removed: handler]hi");
    check("<iframe src=x></iframe>", "[element removed: iframe]</iframe>");
    check("<div style=\"background:url(https://evil.example/x)\">", "[link removed: evil example]");
    check("<svg/onload=x>", "[element removed: handler]");
    check("<p onclick=x", "[element removed: handler]");
    check("<b title=\">\" onmouseover=x>", "[element removed: handler]");
}

#[test]
fn characters_that_nobody_sees_go() {
    check("open\u{E0041}\u{E0042} it", "open it");
    check("a\u{200B}b\u{2060} \u{FEFF}c", "ab c");
    check("x\u{202E}y\u{202C} \u{2066}z\u{2069}", "xy z");
    check("\u{1F600}\u{E0101}\u{E0102}s\u{FE01}", "\u{1F600}s");
    check("a\u{1F3F4}\u{E0041}\u{E0042}b", "a\u{1F3F4}b");
}

#[test]
fn advice_that_defeats_a_safeguard_is_marked() {
    for text in [
        "Bypass the interlock.",
        "You can simply jumper the safety relay K3.",
        "First open the panel, then disable the light curtain.",
        "If the door is stuck, bypass its interlock.",
        "The interlock should be bypassed for the test.",
        "Turn off the emergency stop.",
        "Don't worry, just defeat the safety switch.",
        "Force the safety relay closed.",
        "Try bypassing the guard switch.",
        "Disable the high alarm first.",
        "Überbrücken Sie das Sicherheitsrelais.",
        "Die Verriegelung kann überbrückt werden.",
        "Schalten Sie den Lichtvorhang ab.",
        "Setzen Sie die Verriegelung außer Kraft.",
        "Shuntez le verrouillage.",
        "Puentee el relé de seguridad.",
    ] {
        check(text, &format!("{text} [unsafe: this would defeat a safety function]"));
    }
}

#[test]
fn what_forbids_reports_or_asks_is_not_marked() {
    stays(&[
        "Never bypass the interlock.",
        "Do not disable or jumper a safety relay.",
        "The interlock was bypassed yesterday.",
        "It is forbidden to bypass the interlock.",
        "Bypassing the interlock is dangerous.",
        "If you bypass the interlock, the press may start.",
        "Should I bypass the interlock?",
        "The bypass of the interlock is recorded.",
        "Check the light curtain. Then disable automatic mode.",
        "Die Verriegelung darf nicht überbrückt werden.",
        "Das Überbrücken der Verriegelung ist verboten.",
        "Reset the alarm and restart the mixer.",
        "Clean the interlock, then turn off the light.",
        "Override the feed rate to 50 %.",
    ]);
}

#[test]
fn what_readers_may_not_see_is_blacked_out() {
    let key = format!("AK{}Y3FDF7Q2K5TNW4ZB", "IA");
    check(&format!("the key is {key}\nok"), "the key is [redacted:secret.key]\nok");
    check("password:\nhunter2!x\nok", "password:\n[redacted:secret.password]\nok");
    let mut answers = answers();
    answers.withhold[0].verdict = Verdict::Refuse;
    let mut sinks = sinks(&answers);
    sinks.whole(&key, Form::Plain);
    assert!(sinks.stopped().is_some());
}

#[test]
fn tools_that_are_not_listed_stop_the_answer() {
    let mut sinks = sinks(&answers());
    sinks.calls("read_tag");
    assert!(sinks.stopped().is_none());
    sinks.calls("write_tag");
    assert!(sinks.stopped().is_some());
    assert_eq!(sinks.findings().iter().map(|f| (f.label.as_str(), f.count)).collect::<Vec<_>>(), [("answer.tool", 1)]);
}

#[test]
fn blocking_stops_at_the_sentence() {
    let answers = Answers { unsafe_instructions: Deed::Block, withhold: Vec::new(), ..answers() };
    let mut sinks = sinks(&answers);
    let channel = Channel { number: 0, form: Form::Plain };
    assert_eq!(sinks.push(channel, "All is well. Bypass the "), "All is well. ");
    assert_eq!(sinks.push(channel, "interlock"), "");
    assert!(sinks.stopped().is_none());
    sinks.push(channel, " now. ");
    sinks.finish(channel);
    assert!(sinks.stopped().is_some());
}

#[test]
fn in_json_the_rest_stays_json() {
    let text = r#"{"a":"![x](https:\/\/evil.example\/p) \"ok\"","b":"see https://evil.example","c":"\u0021[x](\/\/evil.example)"}"#;
    let shown = sinks(&answers()).whole(text, Form::Json).expect("a change");
    let read: serde_json::Value = serde_json::from_str(&shown).expect("still JSON");
    assert_eq!(read["a"], "[image removed: evil example] \"ok\"");
    assert_eq!(read["b"], "see [link removed: evil example]");
    assert_eq!(read["c"], "[image removed: evil example]");
}

#[test]
fn in_json_advice_is_recorded_and_no_key_is_changed() {
    let text = r#"{"advice":"Bypass the interlock.","disable_alarm":true,"more":"ok"}"#;
    let mut sinks = sinks(&Answers { withhold: Vec::new(), ..answers() });
    assert_eq!(sinks.whole(text, Form::Json), None);
    assert_eq!(sinks.findings().iter().map(|found| found.count).collect::<Vec<_>>(), [2]);
}

#[test]
fn ordinary_words_are_not_held_back() {
    let open = Answers { withhold: Vec::new(), ..answers() };
    let mut sinks = sinks(&open);
    let channel = Channel { number: 0, form: Form::Plain };
    let mut out = String::new();
    for (piece, least) in [("The mixer ", 9), ("runs at ", 17), ("185 °C ", 25), ("and is ", 32)] {
        out.push_str(&sinks.push(channel, piece));
        assert!(out.len() >= least, "{out:?}");
    }
}

#[test]
fn hostile_texts_cost_no_more_than_their_length() {
    use crate::tests::cpu_seconds;
    for part in [
        "![",
        "](",
        "]:",
        "<a ",
        "<a b=\"",
        "<",
        "http://",
        "h",
        "![x](",
        "\u{200B}",
        "\u{E0041}",
        "\u{1F3F4}\u{E0041}",
        "[",
        "interlock ",
        "bypass ",
        "-----BEGIN ",
        "a:\n",
        "<a href=",
        "![x](a(",
        "w",
    ] {
        let (small, large) = (part.repeat((8 << 10) / part.len()), part.repeat((64 << 10) / part.len()));
        let time = |text: &str| {
            let begin = cpu_seconds();
            sinks(&Answers { withhold: Vec::new(), ..answers() }).whole(text, Form::Plain);
            cpu_seconds() - begin
        };
        let small = (0..3).map(|_| time(&small)).fold(f64::MAX, f64::min);
        let large = (0..3).map(|_| time(&large)).fold(f64::MAX, f64::min);
        assert!(large < 32.0 * small.max(0.001), "{part:?}: {small} s, then {large} s");
    }
}

fn parts() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "![",
        "x",
        "](",
        "https://",
        "evil.example",
        "docs.works.example",
        "/",
        "?q=",
        ")",
        " ",
        "\n",
        "<img ",
        "src=",
        "\"",
        "'",
        ">",
        "<",
        "]",
        "[",
        ":",
        "www.",
        "script",
        "on",
        "click=",
        "\u{200B}",
        "\u{E0041}",
        "\u{1F3F4}",
        "\u{E007F}",
        "\u{FE0F}",
        "ü",
        "Bypass ",
        "the ",
        "interlock",
        ". ",
        "not ",
        ", ",
        "?",
        "\\",
        "\\n",
        "\\u0021",
        "\\u003",
        "&#58;",
        "data:",
        "AKIA",
        "Y3FDF7Q2K5TNW4ZB",
        "password: ",
        "hunter2!x",
        "-----BEGIN ",
        "disable ",
        "alarm",
    ])
}

proptest! {
    #[test]
    fn a_text_cut_anywhere_comes_out_as_the_whole(parts in prop::collection::vec(parts(), 0..24), length in 1usize..6, json in any::<bool>(), withholds in any::<bool>()) {
        let text = parts.concat();
        // Where nothing is withheld, a whole text that holds nothing to look at is not rewritten at all.
        let withhold = if withholds { answers().withhold } else { Vec::new() };
        let answers = Answers { withhold, ..answers() };
        crate::fuzz::chunked(&mut sinks(&answers), &mut sinks(&answers), &text, length, if json { Form::Json } else { Form::Plain });
    }

    #[test]
    fn what_was_made_safe_is_safe(parts in prop::collection::vec(parts(), 0..24)) {
        let open = Answers { withhold: Vec::new(), unsafe_instructions: Deed::Allow, ..answers() };
        let text = parts.concat();
        let once = sinks(&open).whole(&text, Form::Plain).unwrap_or(text);
        // No image, no link and no address leads to the other host any more; in the middle of a word, it is no address.
        for opener in ["](https://evil", "]: https://evil", "<https://evil", " https://evil", "\nhttps://evil"] {
            prop_assert!(!once.contains(opener), "{once:?}");
        }
    }
}
