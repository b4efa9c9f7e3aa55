//! Places and decides a call of the brewery as often as the first argument says, for `cargo xtask count`.

#[expect(clippy::unwrap_used, reason = "a fixture of the tests: what it says is valid")]
#[path = "../src/tests/brewery.rs"]
mod brewery;

use brewery::{brewery, finding, id};
use penstock_policy::{Asked, Call, Case, Policy, RuleFile};
use plant::{Evidence, Identity, Millis, Principal};
use std::hint::black_box;
use std::sync::Arc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rounds: usize = std::env::args().nth(1).ok_or("usage: count_decide ROUNDS")?.parse()?;
    let text = include_str!("../../../testdata/policies/brewery.cedar").to_owned();
    let rules = [RuleFile { name: "brewery.cedar".to_owned(), text }];
    let policy = Policy::new(Arc::new(brewery()), &rules).map_err(|_| "the rules of the brewery are not sound")?;
    let mut principal = Principal::unknown();
    principal.workload = Identity::Proved(id("copilot"), Evidence::Certificate);
    principal.operator = Identity::Proved(id("op-1"), Evidence::Oidc);
    let call = Call {
        provider: "openai",
        endpoint: Some("chat.completions"),
        method: "POST",
        path: "/v1/chat/completions",
        purpose: Some("maintenance"),
    };
    let (peer, now) = ([10, 1, 0, 5].into(), Millis(1_790_000_000_000));
    let asked = Asked { model: Some("gpt-4o-mini"), stream: true, tools: &[] };
    let findings = [finding("setpoint", 0), finding("network", 1)];
    for _ in 0..rounds {
        let crossing = policy.place(black_box(&principal), peer, &call, now).map_err(|_| "the call has no conduit")?;
        let (principal, crossing, findings) = (&principal, &crossing, black_box(&findings));
        black_box(policy.decide(&Case { principal, crossing, asked, findings, fixed: &|_, _| false, now }));
    }
    Ok(())
}
