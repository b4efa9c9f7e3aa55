//! What can be done with a running gateway, and by whom.

use crate::components::{Components, Declaration, Picked, Sheet};
use crate::draft::{Standing, Tried};
use crate::map::Map;
use crate::paths::{Form, Paths, Sought, Undeclared};
use crate::porter::Barred;
use crate::reading::Reading;
use crate::records::Archive;
use plant::{Part, RecordId, Right, Role};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;

/// Something that is there later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Their name, or their pseudonym. Two people differ in it.
    pub name: String,
    /// How it is known: `token`, `oidc`, `link` for a one-time link, or `local` for the gateway's own user on its own machine.
    pub by: &'static str,
    /// The parts that they play.
    pub roles: BTreeSet<Role>,
}

impl Person {
    /// A user of the gateway's own machine who may read its keys, and so may do everything.
    pub(crate) fn of_machine(user: u32, by: &'static str) -> Self {
        let roles = Role::NAMES.into_iter().map(|(_, role)| role).collect();
        Self { name: format!("user-{user}"), by, roles }
    }

    /// Whether any of their roles has a right.
    #[must_use]
    pub fn may(&self, right: Right) -> bool {
        self.roles.iter().any(|role| role.has(right))
    }

    /// Name and evidence, for records: `ada (token)`.
    #[must_use]
    pub fn told(&self) -> String {
        format!("{} ({})", self.name, self.by)
    }
}

/// Something that somebody wants done to a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Which.
    pub part: Part,
    /// Why: one line, at most 500 characters.
    pub reason: String,
}

/// What a person says of a held call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// Whether it may go on.
    pub decision: Decision,
    /// Why: one line, at most 500 characters.
    pub reason: String,
}

/// What becomes of a held call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It goes on, decided anew.
    Approve,
    /// It goes nowhere.
    Refuse,
}

/// What became of a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked<T> {
    /// It is done.
    Done(T),
    /// It waits for a second person.
    Waits(T),
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There is no such thing.
    #[error("{0}")]
    Unknown(String),
    /// It cannot be as it was asked for.
    #[error("{0}")]
    Unfit(String),
    /// Something else has happened before.
    #[error("{0}")]
    Conflict(String),
    /// It may be tried again later.
    #[error("{0}")]
    Unavailable(String),
}

/// What controls a gateway.
pub trait Control: Archive {
    /// Who bears a token, if it counts; why not, if it does not.
    fn recognise<'a>(&'a self, token: &'a str) -> Later<'a, Result<Person, Barred>>;

    /// How everything stands.
    fn state(&self) -> State;

    /// What its instruments show.
    fn reading(&self) -> Reading;

    /// What the plant consists of.
    fn map(&self) -> Map;

    /// What is isolated, and what waits for a second person.
    fn isolations(&self) -> Isolations;

    /// Shuts a part. In force when this is done.
    fn isolate(&self, by: Person, wish: Wish) -> Later<'_, Result<Asked<Isolations>, Fault>>;

    /// Opens a part again.
    fn restore(&self, by: Person, wish: Wish) -> Later<'_, Result<Asked<Isolations>, Fault>>;

    /// The calls that wait for a person, without content.
    fn holds(&self) -> Vec<Hold>;

    /// One of them; with what was found in it if `content`, which is recorded.
    fn hold(&self, by: Person, id: RecordId, content: bool) -> Later<'_, Result<Hold, Fault>>;

    /// Decides one of them.
    fn decide(&self, by: Person, id: RecordId, ruling: Ruling) -> Later<'_, Result<Hold, Fault>>;

    /// The plant's files; with what they say if `texts`.
    fn plant(&self, texts: bool) -> Later<'_, Result<Standing, Fault>>;

    /// What the plant would be with these texts in place of its own files, by their paths. Nothing of it is kept.
    fn draft(&self, files: BTreeMap<String, String>) -> Later<'_, Result<Tried, Fault>>;

    /// What the plant uses of AI: declared and seen.
    fn components(&self) -> Later<'_, Result<Components, Fault>>;

    /// Those that are picked, written down.
    fn components_as(&self, picked: Picked, sheet: Sheet) -> Later<'_, Result<String, Fault>>;

    /// The text that declares one that was seen, by its name.
    fn declaration(&self, name: String) -> Later<'_, Result<Declaration, Fault>>;

    /// Every path of the plant's data to AI that is wanted: open, taken, or both.
    fn paths(&self, sought: Sought) -> Later<'_, Result<Paths, Fault>>;

    /// The same, written down.
    fn paths_as(&self, sought: Sought, form: Form) -> Later<'_, Result<String, Fault>>;

    /// What was seen within a day on paths that nobody declared.
    fn undeclared(&self) -> Later<'_, Result<Undeclared, Fault>>;

    /// Has the plant's files read anew.
    fn reload(&self, by: Person) -> Later<'_, Result<InForce, Fault>>;
}

/// How everything stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct State {
    /// The site.
    pub plant: String,
    /// The gateway within it.
    pub gateway: String,
    /// The version that runs.
    pub version: &'static str,
    /// Whether calls are taken.
    pub ready: bool,
    /// Why not, if not.
    pub problem: Option<String>,
    /// What is in force.
    pub in_force: InForce,
    /// The ledger.
    pub ledger: Ledger,
    /// How many parts are isolated.
    pub isolated: usize,
    /// How many calls wait for a person.
    pub held: usize,
}

/// What is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InForce {
    /// SHA-256 of the plant file and what it names, in lower-case hexadecimal.
    pub digest: String,
    /// How many zones it has.
    pub zones: usize,
    /// How many conduits.
    pub conduits: usize,
    /// How many workloads.
    pub workloads: usize,
    /// How many providers.
    pub providers: usize,
}

/// The ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ledger {
    /// Whether records are being taken.
    pub healthy: bool,
    /// How many are durable and signed.
    pub records: u64,
    /// How many of them the published checkpoint covers.
    pub published: u64,
}

/// What is isolated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Isolations {
    /// What is shut.
    pub isolated: Vec<Isolation>,
    /// What waits for a second person.
    pub waiting: Vec<Waiting>,
}

/// A part that is shut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Isolation {
    /// Which.
    pub part: String,
    /// Since when.
    pub since: String,
    /// By whom.
    pub by: String,
    /// Who approved it, where that takes a second person.
    pub approver: Option<String>,
    /// Why.
    pub reason: String,
}

/// Something that waits for a second person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Waiting {
    /// `isolate` or `restore`.
    pub wish: &'static str,
    /// What.
    pub part: String,
    /// Who asked.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Until when.
    pub until: String,
}

/// A call that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// The record that it will have.
    pub id: String,
    /// Since when.
    pub since: String,
    /// When it is refused if nobody decides.
    pub until: String,
    /// Who calls.
    pub workload: Option<String>,
    /// For whom, by pseudonym.
    pub operator: Option<String>,
    /// From where.
    pub zone: Option<String>,
    /// Across what.
    pub conduit: Option<String>,
    /// To whom.
    pub provider: Option<String>,
    /// The model that was asked.
    pub model: Option<String>,
    /// What for.
    pub purpose: Option<String>,
    /// How sensitive it is.
    pub sensitivity: Option<String>,
    /// Why it is held.
    pub why: String,
    /// What was found.
    pub found: Vec<Found>,
}

/// Something found in a held call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    /// What.
    pub label: String,
    /// By which rule.
    pub rule: String,
    /// Where it stands in the call: `messages[0].content`.
    pub place: String,
    /// Whether it is what the call is held for.
    pub held_for: bool,
    /// What stands before it; only with content.
    pub before: Option<String>,
    /// It; only with content.
    pub text: Option<String>,
    /// What stands behind it; only with content.
    pub after: Option<String>,
}
