//! What is told of calls in a row, and what is not.

use crate::{Call, Language, Level, Measure, Settings, Shift, Shifts, sketch};
use plant::{Content, Millis, Origin, Piece};
use proptest::prelude::*;

/// A call of `copilot`, number `at`, that is like all others.
fn call(at: u64) -> Call {
    Call {
        workload: "copilot".to_owned(),
        model: "m".to_owned(),
        request_bytes: 1000 + at * 37 % 400,
        answer_bytes: Some(2000 + at * 53 % 900),
        language: Some(Language::German),
        prompt: Some(at),
        ..Call::default()
    }
}

/// What calls in a row tell, each changed by its number.
fn hear(shifts: &mut Shifts, calls: std::ops::Range<u64>, change: impl Fn(u64, &mut Call)) -> Vec<Shift> {
    let settings = Settings::default();
    let mut told = Vec::new();
    for at in calls {
        let mut one = call(at);
        change(at, &mut one);
        told.extend(shifts.hear(one, Millis(at * 1000), &settings));
    }
    told
}

/// What is told of 500 calls as ever, and of the 100 after them that are changed.
fn after_500(change: impl Fn(u64, &mut Call)) -> Vec<Shift> {
    let mut shifts = Shifts::default();
    assert_eq!(hear(&mut shifts, 0..500, |_, _| {}), []);
    let told = hear(&mut shifts, 500..600, &change);
    assert_eq!(hear(&mut shifts, 600..2000, &change), [], "it is told once");
    told
}

fn share(hits: u64, calls: u64) -> Level {
    Level::Share { hits, calls }
}

#[test]
fn a_shift_is_told_once_with_before_and_after() {
    let told = after_500(|at, call| call.refused = at % 5 == 0);
    let expected = Shift {
        workload: "copilot".to_owned(),
        model: "m".to_owned(),
        measure: Measure::Refused,
        before: share(0, 500),
        after: share(10, 50),
        since: Millis(500_000),
        deviation: told[0].deviation,
    };
    assert_eq!(told, [expected]);
    // Pooled: 11 of 552; standard error sqrt(p (1 - p) (1/500 + 1/50)) = 0.0207; 0.2 is 9.6 of them.
    assert_eq!(told[0].deviation, 96);
}

#[test]
fn each_measure_tells_of_itself_alone() {
    type Change = fn(u64, &mut Call);
    type Told = (Measure, Level, Level);
    let cases: [(Change, &[Told]); 6] = [
        (|at, call| call.failed = at % 3 == 0, &[(Measure::Failed, share(0, 500), share(17, 50))]),
        (|at, call| call.guarded = at % 2 == 0, &[(Measure::Guarded, share(0, 500), share(25, 50))]),
        (|at, call| call.prompt = Some(at % 7), &[(Measure::Repeated, share(0, 500), share(50, 50))]),
        (
            |_, call| call.labels = vec!["secret".to_owned()],
            &[(Measure::Label("secret".to_owned()), share(0, 500), share(50, 50))],
        ),
        (
            |_, call| call.language = Some(Language::English),
            &[
                (Measure::Language(Language::English), share(0, 500), share(50, 50)),
                (Measure::Language(Language::German), share(500, 500), share(0, 50)),
            ],
        ),
        (
            |_, call| call.request_bytes *= 3,
            &[(Measure::RequestSize, Level::Size { bytes: 1193, calls: 500 }, Level::Size { bytes: 3580, calls: 50 })],
        ),
    ];
    for (change, expected) in cases {
        let told: Vec<_> =
            after_500(change).into_iter().map(|shift| (shift.measure, shift.before, shift.after)).collect();
        assert_eq!(told, expected);
    }
}

#[test]
fn nothing_is_said_before_there_is_something_to_compare_with() {
    let mut shifts = Shifts::default();
    assert_eq!(hear(&mut shifts, 0..150, |_, _| {}), []);
    assert_eq!(hear(&mut shifts, 150..250, |_, call| call.refused = true), [], "three windows are too few");
}

#[test]
fn the_way_back_is_a_shift_too() {
    let mut shifts = Shifts::default();
    hear(&mut shifts, 0..500, |_, _| {});
    assert_eq!(hear(&mut shifts, 500..1000, |_, call| call.refused = true).len(), 1);
    let back = hear(&mut shifts, 1000..1500, |_, _| {});
    assert_eq!(
        back.iter().map(|shift| (shift.before, shift.after)).collect::<Vec<_>>(),
        [(share(450, 450), share(0, 50))]
    );
}

#[test]
fn a_small_change_is_none() {
    assert_eq!(after_500(|at, call| call.refused = at % 10 == 0), [], "a tenth");
    assert_eq!(after_500(|_, call| call.request_bytes = call.request_bytes * 3 / 2), [], "half as large again");
}

#[test]
fn what_comes_in_bursts_is_no_shift() {
    let mut shifts = Shifts::default();
    // Every fourth window is the night's: half of its calls fail.
    let told = hear(&mut shifts, 0..10_000, |at, call| call.failed = at / 50 % 4 == 0 && at % 2 == 0);
    assert_eq!(told, []);
}

#[test]
fn memory_is_bounded_and_made_up_models_push_out_nobody() {
    let (mut shifts, settings) = (Shifts::default(), Settings::default());
    hear(&mut shifts, 0..500, |_, _| {});
    for at in 0..20_000 {
        let mut one = call(at);
        (one.workload, one.model) = ("scanner".to_owned(), format!("model-{at}"));
        one.labels = vec![format!("made-up-{at}")];
        shifts.hear(one, Millis(at), &settings);
    }
    assert_eq!(shifts.pairs(), 18, "one, 16, and all others");
    assert_eq!(hear(&mut shifts, 500..600, |_, call| call.refused = true).len(), 1, "the picture is still there");
    for at in 0..2_000 {
        let mut one = call(at);
        one.workload = format!("workload-{at}");
        shifts.hear(one, Millis(at), &settings);
    }
    assert_eq!(shifts.pairs(), 256);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Pairs know nothing of each other.
    #[test]
    fn who_else_calls_changes_nothing(order in proptest::collection::vec(any::<bool>(), 1200), jump in 300u64..700) {
        let change = |at: u64, call: &mut Call| call.refused = at > jump && !at.is_multiple_of(3);
        let (mut alone, mut together) = (Shifts::default(), Shifts::default());
        let (mut apart, mut mixed, mut at, mut other) = (Vec::new(), Vec::new(), 0, 0);
        for mine in order {
            if mine {
                apart.extend(hear(&mut alone, at..at + 1, change));
                mixed.extend(hear(&mut together, at..at + 1, change));
                at += 1;
            } else {
                let theirs = |_: u64, call: &mut Call| call.model = "other".to_owned();
                prop_assert_eq!(hear(&mut together, other..other + 1, theirs), []);
                other += 1;
            }
        }
        prop_assert_eq!(apart, mixed);
    }

    /// Whatever comes, a shift says something true: shares within their calls, and a change of at least what is asked.
    #[test]
    fn a_shift_is_a_change(rates in proptest::collection::vec(0u64..=10, 4..30)) {
        let mut shifts = Shifts::default();
        for (window, rate) in (0u64..).zip(&rates) {
            let told = hear(&mut shifts, window * 50..window * 50 + 50, |at, call| call.refused = at % 10 < *rate);
            for shift in told {
                let (Level::Share { hits, calls }, Level::Share { hits: after, calls: now }) = (shift.before, shift.after) else {
                    return Err(TestCaseError::fail("a size"));
                };
                prop_assert!(hits <= calls && after <= now && now == 50 && calls >= 200);
                prop_assert!((hits as f64 / calls as f64 - after as f64 / now as f64).abs() >= 0.149);
            }
        }
    }
}

#[test]
fn a_language_is_told_by_its_script_or_its_small_words() {
    let cases = [
        ("Why is the pressure in the vessel not what it should be for this recipe?", Some(Language::English)),
        ("Warum ist der Druck im Kessel nicht so, wie er für das Rezept sein soll?", Some(Language::German)),
        (
            "Pourquoi la pression dans la cuve n'est pas celle que la recette demande pour ce lot ?",
            Some(Language::French),
        ),
        ("¿Por qué la presión en el tanque no es la que pide la receta para este lote?", Some(Language::Spanish)),
        (
            "Perché la pressione nel serbatoio non è quella che la ricetta chiede per questo lotto?",
            Some(Language::Italian),
        ),
        ("Por que a pressão no tanque não é a que a receita pede para este lote?", Some(Language::Portuguese)),
        ("Waarom is de druk in het vat niet wat die voor dit recept zou moeten zijn?", Some(Language::Dutch)),
        ("Dlaczego ciśnienie w zbiorniku nie jest takie, jak w recepturze dla tej partii?", Some(Language::Polish)),
        ("Proč tlak v nádobě není takový, jak je v receptu pro tuto dávku?", Some(Language::Czech)),
        ("Почему давление в сосуде не соответствует рецепту?", Some(Language::Cyrillic)),
        ("なぜ容器の圧力がレシピと違うのですか。", Some(Language::Japanese)),
        ("为什么容器中的压力与配方不一致？", Some(Language::Chinese)),
        ("왜 용기의 압력이 레시피와 다릅니까?", Some(Language::Korean)),
        ("لماذا لا يتوافق الضغط في الخزان مع الوصفة؟", Some(Language::Arabic)),
        ("TIC-101 := 185.0; FV_203A := 12;", None),
        ("ok", None),
        ("", None),
    ];
    for (text, expected) in cases {
        assert_eq!(Language::of(text), expected, "{text}");
    }
}

fn piece(text: &str, origin: Origin) -> Piece<'_> {
    Piece { path: String::new(), text: text.into(), attachment: None, origin, fixed: false }
}

#[test]
fn a_prompt_is_the_same_however_it_is_set() {
    let normal = |texts: &[&str]| {
        let pieces = texts.iter().map(|text| piece(text, Origin::Prompt)).collect();
        sketch(&Content { pieces }).normal
    };
    assert_eq!(normal(&["Why is  TIC-101 high?\n"]), normal(&["why is tic 101 HIGH"]));
    assert_ne!(normal(&["Why is TIC-101 high?"]), normal(&["Why is TIC-102 high?"]));
    assert_ne!(normal(&["Why is it", "high today"]), normal(&["Why is", "it high today"]));
    assert_eq!(normal(&["go on"]), None);
    let tool = Content { pieces: vec![piece("the result of a tool, which is no prompt", Origin::Document)] };
    assert_eq!(sketch(&tool).normal, None);
    let long = "ü".repeat(1 << 20);
    assert!(sketch(&Content { pieces: vec![piece(&long, Origin::Prompt)] }).normal.unwrap().len() <= (16 << 10) + 1);
}
