//! A call of the brewery, placed and decided again and again.

#[expect(clippy::unwrap_used, reason = "a fixture of the tests: what it says is valid")]
#[path = "../../src/tests/brewery.rs"]
mod brewery;

use brewery::{brewery, finding, id};
use penstock_policy::{Asked, Call, Case, Policy, RuleFile};
use plant::{Evidence, Identity, Millis, Principal};
use std::hint::black_box;
use std::sync::Arc;

/// Decides it as often as the first argument says; `anew`, with a tool each time that no call before it had.
pub(crate) fn rounds(anew: bool) -> Result<(), Box<dyn std::error::Error>> {
    let rounds: u64 = std::env::args().nth(1).ok_or("one argument: how often")?.parse()?;
    let text = include_str!("../../../../testdata/policies/brewery.cedar").to_owned();
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
    let findings = [finding("setpoint", 0), finding("network", 1)];
    for round in 0..rounds {
        let tools: Vec<String> = anew.then(|| format!("tool-{round}")).into_iter().collect();
        let asked = Asked { model: Some("gpt-4o-mini"), stream: true, tools: &tools };
        let crossing = policy.place(black_box(&principal), peer, &call, now).map_err(|_| "the call has no conduit")?;
        let (principal, crossing, findings) = (&principal, &crossing, black_box(&findings));
        black_box(policy.decide(&Case { principal, crossing, asked, findings, fixed: &|_, _| false, now }));
    }
    Ok(())
}
