//! The AI services of the demo: testkit's scripted providers, one for each provider of the plant file.
//!
//! Each answers from a script, and repeats the tokens that stand in its prompt: it knows no more than what reached
//! it. What reached it is kept, because what did *not* is the point.

use miette::{IntoDiagnostic, WrapErr};
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use testkit::{Provider, Script, Seen};

/// Providers of the plant file, and where each listens.
const PROVIDERS: [(&str, Ipv4Addr); 4] = [
    ("openai", Ipv4Addr::new(127, 5, 0, 10)),
    ("anthropic", Ipv4Addr::new(127, 5, 0, 20)),
    ("edge-llm", Ipv4Addr::new(127, 35, 0, 20)),
    ("edge-scores", Ipv4Addr::new(127, 35, 0, 21)),
];

/// The scripts: what a prompt must hold, and what is answered. `{TAG}` is the first token of that kind in the prompt,
/// `{CUSTOMER.2}` the second.
const SCRIPTS: [(&str, &str); 6] = [
    (
        "bottle cap",
        "Defect: bent tooth on the crown at 130 degrees, with a scratch that leads to it. Reject: yes. Confidence: 0.97.",
    ),
    (
        "has risen since Tuesday",
        "A slow rise points to the bearing under {TAG}. Pull its spectrum from {ADDRESS}, and plan a stop \
         with {EMAIL} this week.",
    ),
    (
        "tank 7",
        "Thursday: fill for {CUSTOMER} first, then {CUSTOMER.2} from the same tank. Friday stays free for a change of yeast.",
    ),
    (
        "work instruction",
        "1. Stop the line and lock it. 2. Change the caps. 3. Set {TAG} and the torque to the values on the \
         release sheet. 4. Run ten bottles by hand.",
    ),
    (
        "tastes thin",
        "Rest RCP-1107-B at 67 °C and cut the second rest to 25 min; keep yeast strain HB-34 and its pitch.",
    ),
    (
        "first three checks",
        "1. Compare {TAG} with the local gauge. 2. See whether the steam valve ahead of it is open. 3. If {TAG} still \
         climbs, divert the flow and write to {EMAIL}.",
    ),
];

/// The services, by the provider's name in the plant file.
pub(super) struct Services(BTreeMap<&'static str, Provider>);

/// How much each service had seen at some moment.
#[derive(Clone, Debug, Default)]
pub(super) struct Mark(BTreeMap<&'static str, usize>);

/// A request that reached a service.
#[derive(Debug)]
pub(super) struct Reached {
    /// Which provider.
    pub(super) provider: &'static str,
    /// The request as it arrived.
    pub(super) seen: Seen,
}

impl Reached {
    /// The prompt as it arrived; the whole body, where that is no chat.
    pub(super) fn prompt(&self) -> String {
        let body: Value = serde_json::from_slice(&self.seen.body).unwrap_or_default();
        let turns = body.get("messages").and_then(Value::as_array);
        match turns.and_then(|turns| turns.last()).and_then(|turn| turn.get("content")) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(parts)) => {
                let texts = parts.iter().filter_map(|part| part.get("text")?.as_str());
                texts.collect::<Vec<_>>().join(" ")
            }
            _ => String::from_utf8_lossy(&self.seen.body).into_owned(),
        }
    }

    /// The model that was asked, if the body names one.
    pub(super) fn model(&self) -> Option<String> {
        let body: Value = serde_json::from_slice(&self.seen.body).unwrap_or_default();
        Some(body.get("model")?.as_str()?.to_owned())
    }

    /// What the service said to it, before the gateway had it. Scripts are functions, so it can be asked again.
    pub(super) fn said(&self) -> String {
        answer(&self.prompt())
    }

    /// Whether these bytes stand anywhere in it, head or body.
    pub(super) fn holds(&self, text: &str) -> bool {
        let within = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        within(&self.seen.body)
            || within(self.seen.path.as_bytes())
            || self.seen.headers.values().any(|value| within(value.as_bytes()))
    }
}

impl Services {
    /// Starts them.
    pub(super) async fn start() -> miette::Result<Self> {
        let mut services = BTreeMap::new();
        for (name, address) in PROVIDERS {
            let script: Script = Arc::new(|prompt, _| answer(prompt));
            let provider = Provider::start(SocketAddr::from((address, 0)), script, true).await;
            let provider = provider.into_diagnostic().wrap_err_with(|| {
                format!("cannot listen on {address}: the demo needs all of 127.0.0.0/8, as Linux has it")
            })?;
            services.insert(name, provider);
        }
        Ok(Self(services))
    }

    /// Names and addresses, for the plant file.
    pub(super) fn addresses(&self) -> impl Iterator<Item = (&'static str, SocketAddr)> {
        self.0.iter().map(|(name, service)| (*name, service.address()))
    }

    /// Now.
    pub(super) fn mark(&self) -> Mark {
        Mark(self.0.iter().map(|(name, service)| (*name, service.seen().len())).collect())
    }

    /// What has reached them since.
    pub(super) fn since(&self, mark: &Mark) -> Vec<Reached> {
        let mut reached = Vec::new();
        for (name, service) in &self.0 {
            let from = mark.0.get(name).copied().unwrap_or(0);
            reached.extend(service.seen().into_iter().skip(from).map(|seen| Reached { provider: name, seen }));
        }
        reached
    }
}

/// The answer to a prompt: from the scripts, or the prompt itself.
fn answer(prompt: &str) -> String {
    let script = SCRIPTS.iter().find(|(cue, _)| prompt.contains(cue));
    script.map_or_else(|| format!("You said: {prompt}"), |(_, text)| filled(text, prompt))
}

/// Puts tokens of the prompt where the script names their kind.
fn filled(script: &str, prompt: &str) -> String {
    let mut text = script.to_owned();
    while let Some((before, name, after)) =
        text.split_once('{').and_then(|(before, rest)| rest.split_once('}').map(|(name, after)| (before, name, after)))
    {
        let (kind, nth) = name.split_once('.').unwrap_or((name, "1"));
        let nth = nth.parse::<usize>().unwrap_or(1).saturating_sub(1);
        let token = tokens(prompt, kind).nth(nth).unwrap_or("it");
        text = format!("{before}{token}{after}");
    }
    text
}

/// The words of a prompt that are tokens of a kind.
fn tokens<'a>(prompt: &'a str, kind: &'a str) -> impl Iterator<Item = &'a str> {
    let words = prompt.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(move |word| word.strip_prefix(kind).is_some_and(|rest| rest.len() > 9 && rest.starts_with('_')))
}

#[cfg(test)]
mod tests {
    use super::{answer, filled};

    #[test]
    fn a_script_repeats_the_tokens_of_its_prompt() {
        let prompt = "plan for CUSTOMER_0123456789 and CUSTOMER_ABCDEFGHJK, says EMAIL_0123456789.";
        assert_eq!(
            filled("{CUSTOMER.2} before {CUSTOMER}; ask {EMAIL} about {TAG}", prompt),
            "CUSTOMER_ABCDEFGHJK before CUSTOMER_0123456789; ask EMAIL_0123456789 about it"
        );
    }

    #[test]
    fn what_no_script_knows_is_repeated() {
        assert_eq!(answer("hello"), "You said: hello");
    }
}
