//! Measures what placing and deciding cost: `cargo run --release -p penstock-policy --example decide`.
//!
//! The plant is the brewery of the tests; the rules are its own five, four times over with other names.

#[expect(clippy::unwrap_used, reason = "a fixture of the tests: what it says is valid")]
#[path = "../src/tests/brewery.rs"]
mod brewery;

use brewery::{brewery, finding, id};
use penstock_policy::{Asked, Call, Case, Decision, Policy, RuleFile};
use plant::{Evidence, Finding, Identity, Millis, Principal};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

fn rules(copies: usize) -> Vec<RuleFile> {
    let text = include_str!("../../../testdata/policies/brewery.cedar");
    let copy = |number: usize| RuleFile {
        name: format!("{number}.cedar"),
        text: text.replace("@id(\"", &format!("@id(\"c{number}-")),
    };
    (0..copies).map(copy).collect()
}

/// The best of many short windows: what it costs when nobody else is on the processor.
fn measure(what: &str, mut run: impl FnMut()) {
    const ROUNDS: u32 = 200;
    let mut best = f64::MAX;
    for _ in 0..400 {
        let start = Instant::now();
        (0..ROUNDS).for_each(|_| run());
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS));
    }
    println!("{what:<44} {best:>8.0} ns");
}

#[expect(clippy::expect_used, reason = "a measurement that cannot begin is no measurement")]
fn main() {
    let mut principal = Principal::unknown();
    principal.workload = Identity::Proved(id("copilot"), Evidence::Certificate);
    principal.operator = Identity::Proved(id("op-1"), Evidence::Oidc);
    principal.roles = vec!["lead".to_owned(), "brewer".to_owned()];
    let peer = [10, 1, 0, 5].into();
    let call = Call {
        provider: "openai",
        endpoint: Some("chat.completions"),
        method: "POST",
        path: "/v1/chat/completions",
        purpose: Some("maintenance"),
    };
    let now = Millis(1_790_000_000_000);
    let asked = Asked { model: Some("gpt-4o-mini"), stream: true, tools: &[] };
    let findings: Vec<Finding> = ["setpoint", "setpoint", "person.iban", "network"]
        .iter()
        .enumerate()
        .map(|(at, label)| finding(label, at))
        .collect();
    for copies in [0, 1, 4, 20] {
        let start = Instant::now();
        let policy = Policy::new(Arc::new(brewery()), &rules(copies)).expect("the rules of the brewery are sound");
        println!("{} rules, loaded in {:.1} ms", copies * 5, start.elapsed().as_secs_f64() * 1e3);
        let crossing = policy.place(&principal, peer, &call, now).expect("the call has a conduit");
        measure("  place", || {
            let _ = black_box(policy.place(black_box(&principal), peer, &call, now));
        });
        let (principal, crossing, fixed) = (&principal, &crossing, &|_: usize, _: &_| false);
        let case = Case { principal, crossing, asked, findings: &findings, fixed, now };
        let nothing = Case { findings: &[], ..case };
        measure("  decide, four findings", || {
            let decided = policy.decide(black_box(&case));
            assert!(matches!(decided.decision, Decision::Permit(_)), "the call is permitted");
        });
        measure("  decide, nothing found", || {
            let decided = policy.decide(black_box(&nothing));
            assert!(matches!(decided.decision, Decision::Permit(_)), "the call is permitted");
        });
    }
}
