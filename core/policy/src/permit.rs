//! Leave to cross a conduit once.

use plant::{Bounds, ConduitId, ProviderId, RuleId, Verdict};

/// Leave to cross one conduit once. Only [`crate::Policy::decide`] grants it.
///
/// It can be spent, but nobody else can make one, so nothing is forwarded that was not decided:
///
/// ```
/// # use penstock_policy as policy;
/// fn forward(permit: policy::Permit) -> policy::Passage {
///     permit.spend()
/// }
/// ```
///
/// ```compile_fail,E0451
/// # use penstock_policy as policy;
/// fn forge(passage: policy::Passage) -> policy::Permit {
///     policy::Permit { passage }
/// }
/// ```
///
/// Nor can one be spent twice:
///
/// ```compile_fail,E0382
/// # use penstock_policy as policy;
/// fn twice(permit: policy::Permit) -> (policy::Passage, policy::Passage) {
///     (permit.spend(), permit.spend())
/// }
/// ```
#[derive(Debug)]
#[must_use = "a permit that is not spent forwards nothing"]
pub struct Permit {
    /// Boxed, so that a decision is no larger for it than a refusal is.
    passage: Box<Passage>,
}

/// What a permit allows and demands: where to, with what done to the content.
///
/// ```compile_fail,E0639
/// # use penstock_policy::Passage;
/// fn forge(provider: plant::ProviderId, conduit: plant::ConduitId) -> Passage {
///     Passage {
///         provider, conduit, rerouted: false, model: None, redact: vec![], generalise: vec![], tokenise: vec![], alike: vec![],
///         verdict: plant::Verdict::Allow, rules: vec![], bounds: plant::Bounds::default(),
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Passage {
    /// Where the call goes; another than the caller asked for if `rerouted`.
    pub provider: ProviderId,
    /// The conduit that it crosses; the target's own if `rerouted`.
    pub conduit: ConduitId,
    /// Whether it goes elsewhere than the caller asked.
    pub rerouted: bool,
    /// The model to ask instead of the caller's.
    pub model: Option<String>,
    /// The findings to black out, by their index, rising.
    pub redact: Vec<usize>,
    /// The findings to say in general only, by their index, rising.
    pub generalise: Vec<usize>,
    /// The findings to replace by tokens, by their index, rising.
    pub tokenise: Vec<usize>,
    /// Those of them whose tokens are to have the form of what they stand for, rising.
    pub alike: Vec<usize>,
    /// The strictest of what is done.
    pub verdict: Verdict,
    /// The rules whose findings made something be done, each once.
    pub rules: Vec<RuleId>,
    /// Limits of size and time of the conduit that is crossed.
    pub bounds: Bounds,
}

impl Permit {
    pub(crate) fn new(passage: Passage) -> Self {
        Self { passage: Box::new(passage) }
    }

    /// What it will allow and demand, for the intent record that must be durable before it is spent.
    #[must_use]
    pub fn terms(&self) -> &Passage {
        &self.passage
    }

    /// Uses it up.
    #[must_use]
    pub fn spend(self) -> Passage {
        *self.passage
    }
}
