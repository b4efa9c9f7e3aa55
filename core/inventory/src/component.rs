//! A component: what kind it is, who answers for it, and by which signs a call shows that it uses it.

use plant::{Body, Governance, ProviderId, Verdict, Wildcard, WorkloadId};
use std::collections::BTreeSet;
use std::fmt;

/// What a component is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ComponentKind {
    /// A software process that calls AI: a table of its own in the plant file.
    Workload,
    /// An AI service: a table of its own in the plant file.
    Provider,
    /// A model that a provider serves.
    Model,
    /// A library that calls are made with.
    Library,
    /// A machine in the plant that serves or calls AI.
    EdgeNode,
    /// An image that workloads or providers run in.
    Container,
    /// What joins a system of the plant to AI.
    Connector,
    /// What calls are proved with: an account, a certificate, a key.
    Identity,
    /// An endpoint of a provider. Only seen, never declared.
    Endpoint,
    /// An address from which calls come that prove no workload. Only seen, never declared.
    Caller,
}

impl ComponentKind {
    /// Every kind with its name.
    pub const NAMES: [(&'static str, Self); 10] = [
        ("workload", Self::Workload),
        ("provider", Self::Provider),
        ("model", Self::Model),
        ("library", Self::Library),
        ("edge-node", Self::EdgeNode),
        ("container", Self::Container),
        ("connector", Self::Connector),
        ("identity", Self::Identity),
        ("endpoint", Self::Endpoint),
        ("caller", Self::Caller),
    ];
    /// Those that are declared under `[components.NAME]`.
    pub const DECLARED: [(&'static str, Self); 6] = [
        ("model", Self::Model),
        ("library", Self::Library),
        ("edge-node", Self::EdgeNode),
        ("container", Self::Container),
        ("connector", Self::Connector),
        ("identity", Self::Identity),
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }
}

/// A text names no component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a component is a kind, a colon and a name of the plant file: `workload:mes-copilot`")]
pub struct InvalidName;

/// The name of a component that the plant file declares: `workload:mes-copilot`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ComponentName {
    kind: ComponentKind,
    id: String,
}

impl ComponentName {
    /// Takes a kind that can be declared, and an identifier as the plant file has them.
    ///
    /// # Errors
    /// If it is none.
    pub fn new(kind: ComponentKind, id: &str) -> Result<Self, InvalidName> {
        let seen_only = matches!(kind, ComponentKind::Endpoint | ComponentKind::Caller);
        // One rule for all identifiers of the plant.
        let fit = !seen_only && plant::RuleId::new(id).is_ok();
        if fit { Ok(Self { kind, id: id.to_owned() }) } else { Err(InvalidName) }
    }

    /// Reads what [`fmt::Display`] writes.
    ///
    /// # Errors
    /// If the text is anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let (kind, id) = text.split_once(':').ok_or(InvalidName)?;
        Self::new(ComponentKind::named(kind).ok_or(InvalidName)?, id)
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> ComponentKind {
        self.kind
    }

    /// Its name in the plant file.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Display for ComponentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.name(), self.id)
    }
}

/// A component as the plant file declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// What it is called.
    pub name: ComponentName,
    /// What it is, for people.
    pub title: Option<String>,
    /// Who answers for it, how it is kept up to date, and how it is cut off.
    pub governance: Governance,
    /// Its version.
    pub version: Option<String>,
    /// The company or project behind it.
    pub supplier: Option<String>,
    /// Its licence, an SPDX expression.
    pub licence: Option<String>,
    /// Digests: an algorithm of CycloneDX, a colon, lower-case hexadecimal.
    pub hashes: Vec<String>,
    /// Its package URL (purl), by which others know it.
    pub purl: Option<String>,
    /// The provider of a model; any, if none is named.
    pub provider: Option<ProviderId>,
    /// What calls name a model or library by.
    pub names: Vec<Wildcard>,
    /// The versions that may answer or call; any, if none is named.
    pub versions: Vec<Wildcard>,
    /// The workloads that stand on it.
    pub workloads: BTreeSet<WorkloadId>,
    /// The providers that stand on it.
    pub providers: BTreeSet<ProviderId>,
}

impl Component {
    /// One of which nothing is known but its name.
    #[must_use]
    pub fn bare(name: ComponentName) -> Self {
        Self {
            name,
            title: None,
            governance: Governance::default(),
            version: None,
            supplier: None,
            licence: None,
            hashes: Vec::new(),
            purl: None,
            provider: None,
            names: Vec::new(),
            versions: Vec::new(),
            workloads: BTreeSet::new(),
            providers: BTreeSet::new(),
        }
    }

    /// Whether a text can be a package URL: `pkg:TYPE/NAME`, in printable ASCII.
    #[must_use]
    pub fn is_purl(text: &str) -> bool {
        let rest = text.strip_prefix("pkg:").and_then(|rest| rest.split_once('/'));
        rest.is_some_and(|(kind, name)| !kind.is_empty() && !name.is_empty())
            && text.len() <= 512
            && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte))
    }

    /// Whether a call uses it.
    #[must_use]
    pub fn is_used_by(&self, call: &Subject<'_>) -> bool {
        let id = self.name.id();
        match self.name.kind() {
            ComponentKind::Workload => call.workload == Some(id),
            ComponentKind::Provider => call.provider.is_some_and(|provider| provider.as_str() == id),
            ComponentKind::Model => call.model.is_some_and(|model| self.is_model(call.provider, model)),
            ComponentKind::Library => call.library.is_some_and(|library| self.is_called(library)),
            ComponentKind::EdgeNode | ComponentKind::Container | ComponentKind::Connector | ComponentKind::Identity => {
                call.workload.is_some_and(|id| self.workloads.iter().any(|one| one.as_str() == id))
                    || call.provider.is_some_and(|id| self.providers.contains(id))
            }
            ComponentKind::Endpoint | ComponentKind::Caller => false,
        }
    }

    /// Whether it is this model of this provider.
    #[must_use]
    pub fn is_model(&self, provider: Option<&ProviderId>, model: &str) -> bool {
        let there = self.provider.as_ref().is_none_or(|own| provider == Some(own));
        self.name.kind() == ComponentKind::Model && there && self.is_called(model)
    }

    /// Whether calls name it so. Several servers take no notice of case, and take a name without a tag for that of the latest:
    /// what is suspended is not used by spelling it otherwise.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        let name = untagged(name);
        self.names.iter().any(|own| fits_in_any_case(untagged(&own.0), name))
    }

    /// Whether a version is one that was declared.
    #[must_use]
    pub fn is_version(&self, version: &str) -> bool {
        let declared = self.version.as_deref().into_iter().any(|own| own == version);
        let open = self.versions.is_empty() && (self.version.is_none() || self.name.kind() == ComponentKind::Model);
        open || declared || self.versions.iter().any(|own| own.fits(version))
    }

    /// Everything that it declares, in one spelling: what people approve.
    #[must_use]
    pub fn told(&self) -> String {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let all = |texts: Vec<String>| texts.join("\u{1f}");
        [
            self.name.to_string(),
            text(&self.title),
            text(&self.governance.owner),
            text(&self.governance.update_process),
            text(&self.governance.isolation_plan),
            text(&self.version),
            text(&self.supplier),
            text(&self.licence),
            all(self.hashes.clone()),
            text(&self.purl),
            self.provider.as_ref().map(ToString::to_string).unwrap_or_default(),
            all(self.names.iter().map(|one| one.0.clone()).collect()),
            all(self.versions.iter().map(|one| one.0.clone()).collect()),
            all(self.workloads.iter().map(ToString::to_string).collect()),
            all(self.providers.iter().map(ToString::to_string).collect()),
        ]
        .join("\u{1e}")
    }
}

/// A model's name without the tag that it has anyhow, as Ollama and registries of images have it.
fn untagged(name: &str) -> &str {
    let tag = name.len().checked_sub(LATEST.len()).and_then(|at| name.split_at_checked(at));
    tag.filter(|(_, tag)| tag.eq_ignore_ascii_case(LATEST)).map_or(name, |(name, _)| name)
}

const LATEST: &str = ":latest";

/// As [`Wildcard::fits`], without regard to the case of ASCII.
fn fits_in_any_case(wildcard: &str, text: &str) -> bool {
    let mut parts = wildcard.split('*').map(str::as_bytes);
    let (first, mut rest) = (parts.next().unwrap_or_default(), text.as_bytes());
    match rest.split_at_checked(first.len()) {
        Some((head, behind)) if head.eq_ignore_ascii_case(first) => rest = behind,
        _ => return false,
    }
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts.filter(|part| !part.is_empty()) {
        match rest.windows(part.len()).position(|there| there.eq_ignore_ascii_case(part)) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.len().checked_sub(last.len()).and_then(|at| rest.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(last))
}

/// What a call uses, as far as its record says it already.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subject<'a> {
    /// Who calls.
    pub workload: Option<&'a str>,
    /// Where it goes, once that is decided.
    pub provider: Option<&'a ProviderId>,
    /// The model that is asked, once the way is decided; empty where the choice is left to the provider.
    pub model: Option<&'a str>,
    /// The library that it was made with, as it says.
    pub library: Option<&'a str>,
    /// Whether it is decided that it goes.
    pub going: bool,
}

impl<'a> Subject<'a> {
    /// What is known of a call. Where it goes counts once that is decided: one that asks for a provider may be sent to another.
    #[must_use]
    pub fn of(call: &'a Body) -> Self {
        let who = call.who.as_ref();
        let going = call.decided.as_ref().is_some_and(|decided| decided.verdict != Verdict::Refuse);
        let what = call.what.as_ref().filter(|_| going);
        Self {
            workload: who.and_then(|who| who.workload.as_ref()).map(|party| party.id.as_str()),
            provider: what.and_then(|what| what.rerouted.as_ref().or(what.provider.as_ref())),
            model: what.and_then(|what| what.renamed.as_deref().or(what.model.as_deref())),
            library: who.and_then(|who| who.client.as_ref()).map(|client| client.name.as_str()),
            going,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Component, ComponentName, fits_in_any_case};
    use plant::Wildcard;
    use proptest::prelude::{prop_assert_eq, proptest};

    #[test]
    fn no_spelling_that_a_server_takes_for_the_same_is_another_model() {
        let called = |names: &[&str], name: &str| {
            let names = names.iter().map(|one| Wildcard((*one).to_owned())).collect();
            Component { names, ..Component::bare(ComponentName::parse("model:m").unwrap()) }.is_called(name)
        };
        for name in ["llama3", "Llama3", "llama3:latest", "LLAMA3:Latest"] {
            assert!(called(&["llama3"], name) && called(&["Llama3:latest"], name), "{name}");
        }
        for name in ["llama3:8b", "llama3.1", "llama", "", ":latest"] {
            assert!(!called(&["llama3"], name), "{name}");
        }
        assert!(called(&["*"], "") && called(&["GPT-4o*mini"], "gpt-4O-2024-MINI"));
        assert!(!called(&["gpt-4o*mini"], "gpt-4o-2024") && !called(&["ab*ba"], "aba"));
    }

    proptest! {
        #[test]
        fn in_lower_case_it_says_what_wildcards_say(wildcard in "[ab*]{0,8}", text in "[ab]{0,8}") {
            prop_assert_eq!(fits_in_any_case(&wildcard, &text), Wildcard(wildcard.clone()).fits(&text));
            prop_assert_eq!(fits_in_any_case(&wildcard, &text), fits_in_any_case(&wildcard.to_uppercase(), &text));
        }
    }
}
