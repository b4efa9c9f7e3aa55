//! Who calls across a conduit in a drill, and with what: the first of its workloads, purposes and models that it lets pass.

use super::double::Double;
use plant::{
    Conduit, ConduitId, Dialect, Evidence, Identity, OperatorId, OperatorRequirement, Principal, ProviderId, Refusal,
    Workload, WorkloadId,
};
use policy::{Asked, Call, Case, Crossing, Decision, Policy};
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};

/// What is asked. It holds nothing that a plant would handle.
const PROMPT: &str = "This call belongs to a drill and asks nothing.";
/// What stands where a conduit opens any model.
const ANY_MODEL: &str = "drill";

/// Who calls, and what for.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) conduit: ConduitId,
    pub(super) provider: ProviderId,
    pub(super) dialect: Dialect,
    pub(super) workload: WorkloadId,
    pub(super) from: Ipv4Addr,
    pub(super) purpose: String,
    pub(super) model: String,
    /// How the operator signed in, if one stands behind the call.
    pub(super) operator: Option<Vec<String>>,
}

/// A call as it is sent.
pub(super) struct Request {
    pub(super) path: String,
    pub(super) body: Value,
}

impl Caller {
    /// Finds one whose call crosses the conduit; why there is none, if not.
    pub(super) fn find(double: &Double, policy: &Policy, conduit: &Conduit, roles: &[String]) -> Result<Self, String> {
        let plant = &double.loaded.plant;
        let dialect = plant.providers.get(&conduit.to).map(|provider| provider.dialect);
        let dialect = dialect.ok_or("its provider is not there")?;
        let mut why = None;
        let admitted = plant.workloads.values().filter(|one| {
            conduit.from.contains(&one.zone) && (conduit.workloads.is_empty() || conduit.workloads.contains(&one.id))
        });
        for workload in admitted {
            let Some(from) = double.callers.get(&workload.zone) else {
                why.get_or_insert_with(|| format!("zone `{}` has no network to call from", workload.zone));
                continue;
            };
            for caller in Self::all(conduit, dialect, workload, *from) {
                match caller.crosses(policy, roles) {
                    Ok(()) => return Ok(caller),
                    Err(refused) => why.get_or_insert(refused),
                };
            }
        }
        Err(why.unwrap_or_else(|| "no workload and purpose of the plant are open on it".to_owned()))
    }

    /// All that could call, those without an operator first.
    fn all(conduit: &Conduit, dialect: Dialect, workload: &Workload, from: Ipv4Addr) -> Vec<Self> {
        let stronger = match &conduit.operator {
            OperatorRequirement::Required { assurance } => assurance.clone(),
            OperatorRequirement::Optional => Vec::new(),
        };
        let needed = conduit.operator != OperatorRequirement::Optional;
        let operators = [None, Some(stronger)].into_iter().skip(usize::from(needed));
        let purposes = || conduit.purposes.iter().filter(|one| workload.purposes.contains(one));
        let one = |operator: Option<Vec<String>>| {
            purposes().flat_map(move |purpose| {
                let operator = operator.clone();
                conduit.models.iter().map(move |model| Self {
                    conduit: conduit.id.clone(),
                    provider: conduit.to.clone(),
                    dialect,
                    workload: workload.id.clone(),
                    from,
                    purpose: purpose.to_string(),
                    model: named(&model.0),
                    operator: operator.clone(),
                })
            })
        };
        operators.flat_map(one).collect()
    }

    /// Who this is to the policy.
    fn principal(&self, roles: &[String]) -> Principal {
        let principal =
            Principal { workload: Identity::Proved(self.workload.clone(), Evidence::Token), ..Principal::unknown() };
        let operator = self.operator.as_ref().zip(OperatorId::new("op-drill").ok());
        match operator {
            None => principal,
            Some((methods, id)) => Principal {
                operator: Identity::Proved(id, Evidence::Oidc),
                roles: roles.to_vec(),
                authentication: methods.clone(),
                ..principal
            },
        }
    }

    fn placed(&self, policy: &Policy, principal: &Principal) -> Result<Crossing, Refusal> {
        let request = self.request(false);
        let path = request.path.split('?').next().unwrap_or_default();
        let endpoint = wire::endpoint(self.dialect, "POST", path);
        let head = Call {
            provider: self.provider.as_str(),
            endpoint: endpoint.as_ref().map(wire::Endpoint::name),
            method: "POST",
            path,
            purpose: Some(&self.purpose),
        };
        let placed = policy.place(principal, IpAddr::V4(self.from), &head, gateway::now());
        placed.map_err(|misplaced| misplaced.refusal)
    }

    fn crosses(&self, policy: &Policy, roles: &[String]) -> Result<(), String> {
        let principal = self.principal(roles);
        let crossing = self.placed(policy, &principal).map_err(|refusal| refusal.to_string())?;
        match policy.decide(&self.case(&principal, &crossing)).decision {
            Decision::Permit(permit) if permit.terms().conduit == self.conduit => Ok(()),
            Decision::Permit(permit) => Err(format!("its calls cross `{}`", permit.terms().conduit)),
            Decision::Hold(_) => Err("its calls wait for a person".to_owned()),
            Decision::Refuse(refusal) => Err(refusal.to_string()),
        }
    }

    /// Why this call may not go to another provider, if it may not.
    pub(super) fn barred(
        &self,
        policy: &Policy,
        roles: &[String],
        to: &ProviderId,
        model: Option<&str>,
    ) -> Option<String> {
        let principal = self.principal(roles);
        let crossing = self.placed(policy, &principal).ok()?;
        match policy.instead(&self.case(&principal, &crossing), to, model).decision {
            Decision::Permit(_) => None,
            Decision::Hold(_) => Some(format!("`{to}`: a person would have to decide")),
            Decision::Refuse(refusal) => Some(format!("`{to}`: {refusal}")),
        }
    }

    /// Its call, placed. Nothing is found in it.
    fn case<'a>(&'a self, principal: &'a Principal, crossing: &'a Crossing) -> Case<'a> {
        let asked = Asked { model: self.asks(), ..Asked::default() };
        Case { principal, crossing, asked, findings: &[], fixed: &|_, _| false, now: gateway::now() }
    }

    /// The model that its call names, if calls of its dialect do.
    fn asks(&self) -> Option<&str> {
        Some(self.model.as_str()).filter(|_| self.dialect != Dialect::Mcp)
    }

    /// Whether its calls are a conversation with a model, which may ask for a stream.
    pub(super) fn chats(&self) -> bool {
        !matches!(self.dialect.kin(), Dialect::Kserve | Dialect::Json | Dialect::Mcp)
    }

    /// The call, in its provider's dialect.
    pub(super) fn request(&self, stream: bool) -> Request {
        let model = self.model.as_str();
        let in_path = model.replace(':', "%3A").replace('/', "%2F");
        let messages = json!([{ "role": "user", "content": PROMPT }]);
        let chat = |path: &str| (path.to_owned(), json!({ "model": model, "messages": messages, "stream": stream }));
        let (path, body) = match self.dialect {
            Dialect::OpenAi | Dialect::Mistral | Dialect::Vllm | Dialect::LlamaCpp => chat("/v1/chat/completions"),
            Dialect::Azure => chat("/openai/v1/chat/completions"),
            Dialect::Cohere => chat("/v2/chat"),
            Dialect::Ollama => chat("/api/chat"),
            Dialect::Anthropic => (
                "/v1/messages".to_owned(),
                json!({ "model": model, "max_tokens": 64, "messages": messages, "stream": stream }),
            ),
            Dialect::Gemini => {
                let what = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
                let contents = json!([{ "role": "user", "parts": [{ "text": PROMPT }] }]);
                (format!("/v1beta/models/{model}:{what}"), json!({ "contents": contents }))
            }
            Dialect::Bedrock => {
                let what = if stream { "converse-stream" } else { "converse" };
                let messages = json!([{ "role": "user", "content": [{ "text": PROMPT }] }]);
                (format!("/model/{in_path}/{what}"), json!({ "messages": messages }))
            }
            Dialect::Kserve => (format!("/v2/models/{in_path}/generate"), json!({ "text_input": PROMPT })),
            Dialect::Described(api) => described(api, model, stream),
            Dialect::Json => ("/drill".to_owned(), json!({ "model": model, "prompt": PROMPT })),
            Dialect::Mcp => ("/mcp".to_owned(), json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" })),
        };
        Request { path, body }
    }
}

/// A call of an API that the plant file describes: the first that takes a body.
fn described(api: &plant::Description, model: &str, stream: bool) -> (String, Value) {
    let call = api.calls.iter().find(|call| call.method == "POST");
    let path = call.map_or("/drill", |call| call.path.as_str()).replace("{model}", model);
    let mut body = json!({});
    for path in &api.prompts {
        put(&mut body, path, PROMPT.into());
    }
    for (path, value) in [(&api.model, Value::from(model)), (&api.stream, Value::from(stream))] {
        if let Some(path) = path {
            put(&mut body, path, value);
        }
    }
    (path.replace(['{', '}'], ""), body)
}

/// Puts a value where a path leads to in a JSON value, and makes what is missing on the way.
fn put(body: &mut Value, path: &plant::JsonPath, value: Value) {
    let mut at = body;
    for step in path.steps() {
        match step {
            plant::Step::Member(name) => {
                if !at.is_object() {
                    *at = json!({});
                }
                let Value::Object(members) = at else { return };
                at = members.entry(name.as_str()).or_insert(Value::Null);
            }
            plant::Step::Each => {
                if !at.is_array() {
                    *at = json!([null]);
                }
                let Some(first) = at.get_mut(0) else { return };
                at = first;
            }
        }
    }
    *at = value;
}

/// A model that fits a wildcard.
fn named(wildcard: &str) -> String {
    let name = wildcard.replace('*', "");
    if name.is_empty() { ANY_MODEL.to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::{named, put};
    use plant::{JsonPath, Wildcard};
    use serde_json::json;

    #[test]
    fn a_model_fits_the_wildcard_that_it_was_made_from() {
        for wildcard in ["gpt-4o", "gpt-4o*", "*", "a*b*c", "*-mini"] {
            assert!(Wildcard(wildcard.to_owned()).fits(&named(wildcard)), "{wildcard}");
        }
    }

    #[test]
    fn a_described_call_is_put_together_by_its_paths() {
        let mut body = json!({});
        for (path, value) in [("engine.name", "m"), ("turns[].text", "p"), ("turns[].role", "user")] {
            put(&mut body, &JsonPath::parse(path).unwrap(), value.into());
        }
        assert_eq!(body, json!({"engine": {"name": "m"}, "turns": [{"text": "p", "role": "user"}]}));
    }
}
