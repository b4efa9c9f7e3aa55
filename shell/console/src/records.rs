//! The ledger's records, for people: searched, shown with what belongs to them, proved, and opened.

use crate::control::{Control, Fault, Later, Person};
use crate::problem::{Problem, Reply, with};
use crate::query;
use crate::routes::Act;
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, HeaderValue, LINK};
use http::request::Parts;
use plant::{
    ConduitId, Judgement, Kind, Millis, OperatorId, ProviderId, Reason, RecordId, Verdict, Wildcard, WorkloadId, ZoneId,
};
use serde::Serialize;

/// What records must be; what is `None` does not matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Written at this time or later.
    pub since: Option<Millis>,
    /// Written before this time.
    pub until: Option<Millis>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// Of a call from this zone.
    pub zone: Option<ZoneId>,
    /// Of a call on this conduit.
    pub conduit: Option<ConduitId>,
    /// Of a call by this workload.
    pub workload: Option<WorkloadId>,
    /// Of a call for this person, by pseudonym.
    pub operator: Option<OperatorId>,
    /// Of a call to this provider.
    pub provider: Option<ProviderId>,
    /// The model that was asked or that answered.
    pub model: Option<Wildcard>,
    /// Decided like this.
    pub verdict: Option<Verdict>,
    /// Refused or failed for this reason.
    pub reason: Option<Reason>,
    /// Of this sensitivity.
    pub sensitivity: Option<String>,
    /// An account that says this was done with an answer.
    pub decision: Option<Judgement>,
    /// With a finding of this label.
    pub finding: Option<String>,
    /// With this identity, or answering the record with it.
    pub id: Option<RecordId>,
    /// With a lower number than this.
    pub before: Option<u64>,
    /// Most of them: 1 to 200.
    pub limit: u64,
}

/// How a record is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// By its identity.
    Id(RecordId),
    /// By its number in the ledger.
    Seq(u64),
}

/// What looks into a ledger, for somebody. None of it is on the path of a call.
pub trait Archive: Send + Sync {
    /// The records that are wanted, the newest first.
    fn search(&self, by: Person, wanted: Wanted) -> Later<'_, Result<Listing, Fault>>;

    /// The same as they are stored and signed.
    fn stored(&self, by: Person, wanted: Wanted) -> Later<'_, Result<Stored, Fault>>;

    /// A record, with those that belong to it.
    fn record(&self, by: Person, name: Name) -> Later<'_, Result<Story, Fault>>;

    /// What proves that a record is in the ledger.
    fn proof(&self, by: Person, name: Name) -> Later<'_, Result<Proof, Fault>>;

    /// The same as the receipt that `penstock receipt` writes.
    fn receipt(&self, by: Person, name: Name) -> Later<'_, Result<Receipt, Fault>>;

    /// What a call said, if that was kept. Recorded before it is given.
    fn open(&self, by: Person, name: Name) -> Later<'_, Result<Opening, Fault>>;
}

/// A page of records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// The records, the newest first.
    pub records: Vec<Line>,
    /// What `before` must be for the next page; nothing if there is none.
    pub next: Option<u64>,
    /// Whether the search ended because its time was over: what is older was not looked at yet.
    pub cut: bool,
    /// How many records the ledger has.
    pub size: u64,
}

/// A page of records as they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The records, the newest first, each ended by a line feed.
    pub lines: Vec<u8>,
    /// What `before` must be for the next page; nothing if there is none.
    pub next: Option<u64>,
}

/// A record in a line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Its number.
    pub seq: u64,
    /// Its identity.
    pub id: Option<String>,
    /// The record that it answers.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// When it was written.
    pub time: Option<String>,
    /// What kind of event it is of.
    pub kind: Option<String>,
    /// What was decided.
    pub verdict: Option<String>,
    /// Why, or what its note says that happened.
    pub reason: Option<String>,
    /// Who called.
    pub workload: Option<String>,
    /// For whom, by pseudonym.
    pub operator: Option<String>,
    /// From where.
    pub zone: Option<String>,
    /// Across what.
    pub conduit: Option<String>,
    /// To whom.
    pub provider: Option<String>,
    /// Which model.
    pub model: Option<String>,
    /// The HTTP status that the caller got.
    pub status: Option<u64>,
    /// How much was found.
    pub findings: u64,
    /// What is wrong with it, if it cannot be read. Then nothing else is known of it.
    pub damaged: Option<String>,
}

/// A record with its exact text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// It in a line.
    pub line: Line,
    /// Its bytes as they are stored, which are the leaf of the tree; nothing if they are no text.
    pub text: Option<String>,
    /// Whether what the call said was kept with it.
    pub kept: bool,
}

/// A record with those that belong to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Story {
    /// The record.
    pub record: Entry,
    /// Those of the same call, and those that name one of them, the oldest first; the record itself is not among them.
    pub related: Vec<Entry>,
    /// Whether there are more of them than are shown.
    pub more: bool,
}

/// What proves that a record is in the ledger: whoever has the record's bytes and the key needs nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// The number of the record.
    pub seq: u64,
    /// The hashes from its leaf up to the root, in base64.
    pub path: Vec<String>,
    /// The ledger's signed head (C2SP tlog-checkpoint), as it is published.
    pub checkpoint: String,
    /// The key that the gateway signs with (C2SP signed-note). An own copy of it is worth more.
    pub key: String,
}

/// A receipt as it is handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// What a file of it is called.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// What a call said, opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Opening {
    /// The record that says that it was opened, and by whom.
    pub recorded: String,
    /// What was kept.
    pub bodies: Vec<Body>,
}

/// A body of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Body {
    /// The number of the record that it was kept with.
    pub seq: u64,
    /// `request`, `answer`, or `account` for what somebody said of an answer.
    pub what: &'static str,
    /// Whether it is what the record commits to.
    pub genuine: bool,
    /// How long it is.
    pub bytes: u64,
    /// Its beginning, if it is text.
    pub text: Option<String>,
    /// Its beginning in base64, if it is not.
    pub base64: Option<String>,
    /// Whether that is not all of it.
    pub cut: bool,
}

/// Answers a request that only looks.
pub(crate) async fn look(
    control: &dyn Control,
    by: Person,
    act: Act,
    name: &str,
    head: &Parts,
) -> Result<Reply, Problem> {
    let query = head.uri.query().unwrap_or_default();
    if act == Act::Records {
        let (wanted, stored) = query::wanted(query)?;
        return if stored { lines(control, by, wanted).await } else { json(&control.search(by, wanted).await?) };
    }
    if !query.is_empty() {
        return Err(Problem::Malformed("the address takes no query"));
    }
    let name = named(name)?;
    match act {
        Act::Record => json(&control.record(by, name).await?),
        Act::Proof => json(&control.proof(by, name).await?),
        _ => {
            let Receipt { name, bytes } = control.receipt(by, name).await?;
            let mut reply = with(StatusCode::OK, "text/plain; charset=utf-8", bytes);
            let told = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
            reply.headers_mut().extend(told.ok().map(|told| (CONTENT_DISPOSITION, told)));
            Ok(reply)
        }
    }
}

/// A page of records as they are stored, and where the next one is (RFC 8288).
async fn lines(control: &dyn Control, by: Person, wanted: Wanted) -> Result<Reply, Problem> {
    let Stored { lines, next } = control.stored(by, wanted.clone()).await?;
    let mut reply = with(StatusCode::OK, "application/x-ndjson", lines);
    let next = next.map(|next| Wanted { before: Some(next), ..wanted }.address());
    let link = next.and_then(|address| HeaderValue::from_str(&format!("<{address}>; rel=\"next\"")).ok());
    reply.headers_mut().extend(link.map(|link| (LINK, link)));
    Ok(reply)
}

/// Opens what a call said.
pub(crate) async fn open(control: &dyn Control, by: Person, name: &str, body: &[u8]) -> Result<Reply, Problem> {
    if !body.is_empty() {
        return Err(Problem::Unfit("an opening takes no body".to_owned()));
    }
    json(&control.open(by, named(name)?).await?)
}

fn named(name: &str) -> Result<Name, Problem> {
    let seq = || name.parse().ok().filter(|seq: &u64| seq.to_string() == name).map(Name::Seq);
    let unknown = || Fault::Unknown("the ledger has no such record".to_owned());
    seq().or_else(|| RecordId::parse(name).map(Name::Id)).ok_or_else(unknown).map_err(Problem::from)
}

fn json(value: &impl Serialize) -> Result<Reply, Problem> {
    let bytes = serde_json::to_vec(value);
    let bytes = bytes.map_err(|_| Fault::Unavailable("the answer cannot be written".to_owned()))?;
    Ok(with(StatusCode::OK, "application/json", bytes))
}
