//! The calls of the demo, and what should become of each.

use plant::{Reason, Verdict};
use serde_json::{Value, json};
use std::net::Ipv4Addr;

/// A call.
pub(super) struct Scene {
    /// What happens, in a sentence.
    pub(super) about: &'static str,
    /// Who calls.
    pub(super) workload: &'static str,
    /// From which address.
    pub(super) from: Ipv4Addr,
    /// What proves it.
    pub(super) proof: Proof,
    /// Whether somebody is signed in.
    pub(super) operator: bool,
    /// What it states as its purpose.
    pub(super) purpose: Option<&'static str>,
    /// Path, with the provider in front.
    pub(super) path: &'static str,
    /// The body, JSON.
    pub(super) body: String,
    /// What a person would say that it asks.
    pub(super) asks: String,
    /// What should become of it.
    pub(super) expected: Expected,
}

/// What proves a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// Its client certificate.
    Certificate,
    /// Its token, sent as the API key.
    Token,
}

/// What should become of a call.
pub(super) struct Expected {
    /// The verdict.
    pub(super) verdict: Verdict,
    /// The reason, if it is refused.
    pub(super) reason: Option<Reason>,
    /// Texts that no AI service in the cloud may see.
    pub(super) hidden: &'static [&'static str],
    /// Texts that the caller must have in its answer.
    pub(super) returned: &'static [&'static str],
}

/// An act: several calls that show one thing.
pub(super) struct Act {
    /// What it shows.
    pub(super) title: &'static str,
    /// What to look at.
    pub(super) about: &'static str,
    /// The calls.
    pub(super) scenes: Vec<Scene>,
}

const MAINTENANCE: Ipv4Addr = Ipv4Addr::new(127, 3, 0, 21);
const COPILOT: Ipv4Addr = Ipv4Addr::new(127, 3, 0, 22);
const SCHEDULING: Ipv4Addr = Ipv4Addr::new(127, 3, 0, 23);
const ENERGY: Ipv4Addr = Ipv4Addr::new(127, 3, 0, 24);
const ANOMALY: Ipv4Addr = Ipv4Addr::new(127, 2, 1, 11);
const VISION: Ipv4Addr = Ipv4Addr::new(127, 3, 2, 12);
/// A panel in the filling hall, where the maintenance software does not run.
const PANEL: Ipv4Addr = Ipv4Addr::new(127, 3, 2, 31);

const CHAT: &str = "/openai/v1/chat/completions";
const MESSAGES: &str = "/anthropic/v1/messages";

/// Every call, in order.
pub(super) fn acts(picture: &[u8]) -> Vec<Act> {
    vec![
        Act {
            title: "Calls that pass as they came",
            about: "Brewhouse and filling hall reach models in the plant and nothing else. Each workload is proved by its \
                    client certificate, and its call must come from a network of its zone.",
            scenes: vec![anomaly(), inspection(picture)],
        },
        Act {
            title: "Calls that pass, but not as they came",
            about: "Names, addresses, tags and customers leave as tokens, which are put back in the answer; setpoints do \
                    not leave at all. One value has one token on a conduit, by a keyed function and without a table. What \
                    must not reach a cloud in any form goes to a model in the plant.",
            scenes: vec![vibration(), plan(), instruction(), checks(), recipe()],
        },
        Act {
            title: "Calls that go nowhere",
            about: "What no conduit allows is closed. The application gets an error of its own dialect with a stable \
                    code, so that its SDK raises the usual exception; nothing reaches a provider.",
            scenes: vec![nobody(), password(), straight_out(picture), ungoverned(), tools(), elsewhere()],
        },
    ]
}

/// A chat in the dialect of `OpenAI`.
fn chat(model: &str, prompt: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": prompt}]})
}

/// A message in the dialect of Anthropic.
fn message(prompt: &str, stream: bool) -> Value {
    json!({"model": "claude-sonnet-4-5", "max_tokens": 400, "stream": stream,
        "messages": [{"role": "user", "content": prompt}]})
}

fn passes(verdict: Verdict) -> Expected {
    Expected { verdict, reason: None, hidden: &[], returned: &[] }
}

fn refused(reason: Reason) -> Expected {
    Expected { verdict: Verdict::Refuse, reason: Some(reason), hidden: &[], returned: &[] }
}

/// A call by the maintenance software; the others vary it.
fn maintenance(about: &'static str, prompt: &str, expected: Expected) -> Scene {
    Scene {
        about,
        workload: "maintenance",
        from: MAINTENANCE,
        proof: Proof::Token,
        operator: false,
        purpose: None,
        path: CHAT,
        body: chat("gpt-4o-mini", prompt).to_string(),
        asks: prompt.to_owned(),
        expected,
    }
}

fn copilot(about: &'static str, purpose: &'static str, prompt: &str, stream: bool, expected: Expected) -> Scene {
    Scene {
        workload: "copilot",
        from: COPILOT,
        operator: true,
        purpose: Some(purpose),
        path: MESSAGES,
        body: message(prompt, stream).to_string(),
        ..maintenance(about, prompt, expected)
    }
}

fn anomaly() -> Scene {
    let body = r#"{"inputs": [{"name": "temperature", "datatype": "FP32", "shape": [8],
        "data": [11.2, 11.3, 11.3, 11.6, 12.1, 12.9, 13.8, 14.9]}]}"#;
    Scene {
        workload: "anomaly",
        from: ANOMALY,
        proof: Proof::Certificate,
        path: "/edge-scores/v2/models/fermentation-drift/infer",
        body: body.to_owned(),
        ..maintenance("Fermentation asks the edge for an anomaly score (KServe v2).", body, passes(Verdict::Allow))
    }
}

fn inspection(picture: &[u8]) -> Scene {
    let prompt = "Look at the bottle cap from station V2: which defect, at which angle, and is it to be rejected?";
    let asks = format!("{prompt} [cap.png, {} bytes]", picture.len());
    Scene { asks, ..looking(picture, "/edge-llm/v1/chat/completions", "qwen2.5-vl-7b", prompt) }
}

/// The camera's call.
fn looking(picture: &[u8], path: &'static str, model: &str, prompt: &str) -> Scene {
    let url = format!("data:image/png;base64,{}", seal::base64(picture));
    let parts = json!([{"type": "text", "text": prompt}, {"type": "image_url", "image_url": {"url": url}}]);
    Scene {
        workload: "vision",
        from: VISION,
        proof: Proof::Certificate,
        path,
        body: json!({"model": model, "messages": [{"role": "user", "content": parts}]}).to_string(),
        ..maintenance("The camera over the filling line sends a picture of a cap.", prompt, passes(Verdict::Allow))
    }
}

fn vibration() -> Scene {
    maintenance(
        "Maintenance asks the cloud about a vibration: a tag, a colleague, an address.",
        "VT-2041 on separator S2 has risen since Tuesday. Reported by anna.keller@harbour-brewery.example from \
         10.20.3.17. What should we look at first?",
        Expected {
            hidden: &["VT-2041", "anna.keller", "10.20.3.17"],
            returned: &["VT-2041", "anna.keller@harbour-brewery.example", "10.20.3.17"],
            ..passes(Verdict::Tokenise)
        },
    )
}

fn plan() -> Scene {
    let prompt = "Plan tank 7: 40 pallets for Hansa Markt, 25 for Gasthof Lindenau, both by Thursday. Questions to the \
                  planner, phone +49 40 5550 1234.";
    Scene {
        workload: "scheduling",
        from: SCHEDULING,
        ..maintenance(
            "Scheduling names customers and a phone number: tokens here, black there.",
            prompt,
            Expected {
                hidden: &["Hansa Markt", "Gasthof Lindenau", "5550 1234"],
                returned: &["Hansa Markt", "Gasthof Lindenau"],
                ..passes(Verdict::Redact)
            },
        )
    }
}

fn instruction() -> Scene {
    copilot(
        "The copilot drafts a work instruction for a signed-in operator. Setpoints stay here.",
        "work-instructions",
        "Draft the work instruction for new caps on filler F2: stop the line, set PIC-3105 to 2.4 bar and the torque \
         to 1.8 Nm, then run ten bottles.",
        false,
        Expected { hidden: &["PIC-3105", "2.4 bar", "1.8 Nm"], returned: &["PIC-3105"], ..passes(Verdict::Redact) },
    )
}

fn checks() -> Scene {
    copilot(
        "The copilot streams an answer in small pieces. The operator reads whole names.",
        "operator-assistance",
        "TIC-4102 at the pasteuriser is in alarm. What are the first three checks? m.brandt@harbour-brewery.example is \
         on call.",
        true,
        Expected {
            hidden: &["TIC-4102", "m.brandt"],
            returned: &["TIC-4102", "m.brandt@harbour-brewery.example"],
            ..passes(Verdict::Tokenise)
        },
    )
}

fn recipe() -> Scene {
    maintenance(
        "Maintenance asks the cloud about a recipe. The model at the edge answers instead.",
        "Harbour Gold tastes thin. Recipe RCP-1107-B rests at 64 °C for 40 min with yeast strain HB-34. What would you \
         change?",
        Expected {
            hidden: &["Harbour Gold", "RCP-1107", "HB-34"],
            returned: &["RCP-1107-B", "HB-34"],
            ..passes(Verdict::Reroute)
        },
    )
}

fn nobody() -> Scene {
    let prompt = "How do I acknowledge the alarm of the pasteuriser?";
    Scene {
        operator: false,
        ..copilot(
            "The copilot calls, and nobody is signed in at the panel.",
            "operator-assistance",
            prompt,
            false,
            refused(Reason::OperatorRequired),
        )
    }
}

fn password() -> Scene {
    maintenance(
        "Somebody has pasted a configuration, password and all.",
        "Why does the export fail? host=10.20.3.40 user=mes password=Gaerk3ller!7",
        refused(Reason::ContentRefused),
    )
}

fn straight_out(picture: &[u8]) -> Scene {
    Scene {
        about: "The camera's new firmware wants to send its pictures to the cloud.",
        asks: "[a picture, straight to the cloud]".to_owned(),
        expected: refused(Reason::NoConduit),
        ..looking(picture, CHAT, "gpt-4o-mini", "Look at this bottle cap.")
    }
}

fn ungoverned() -> Scene {
    Scene {
        workload: "energy-pilot",
        from: ENERGY,
        ..maintenance(
            "A pilot with a conduit and a token; nobody wrote down how to update it or cut it off.",
            "Forecast the cooling load of tomorrow.",
            refused(Reason::Ungoverned),
        )
    }
}

fn tools() -> Scene {
    let prompt = "Keep the separator below its vibration alarm.";
    let mut body = chat("gpt-4o-mini", prompt);
    let tool = json!([{"type": "function", "function": {"name": "write_setpoint",
        "parameters": {"type": "object", "properties": {"tag": {"type": "string"}, "value": {"type": "number"}}}}}]);
    if let Some(body) = body.as_object_mut() {
        body.insert("tools".to_owned(), tool);
    }
    Scene {
        body: body.to_string(),
        asks: format!("{prompt} [offers the tool write_setpoint]"),
        ..maintenance(
            "An agent offers the cloud a tool that writes to the plant. A Cedar rule forbids it.",
            prompt,
            refused(Reason::RuleForbids),
        )
    }
}

fn elsewhere() -> Scene {
    Scene {
        from: PANEL,
        ..maintenance(
            "The maintenance token, copied to a panel in the filling hall.",
            "What is the admin address of the historian?",
            refused(Reason::ZoneMismatch),
        )
    }
}
