//! The index over ledgers that a store has written.

mod hostile;
mod life;
pub(crate) mod same;

use crate::{Answer, Index, Limits, QueryError, Value};
use plant::{
    Body, ConduitId, Decided, Dialect, Draft, FindingCount, GatewayId, Io, Kind, Millis, Note, OperatorId, Outcome,
    Party, Place, PlantId, ProviderId, Reason, RecordId, RuleId, Verdict, What, Who, WorkloadId, ZoneId,
};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use store::{Clock, Opening, Reading, Settings, Store, System};

/// The system's clock, as if it had been compared with a server.
#[derive(Debug)]
struct Sure;

impl Clock for Sure {
    fn read(&self) -> Reading {
        System.read()
    }
    fn boot(&self) -> String {
        System.boot()
    }
    fn source(&self) -> String {
        System.source()
    }
    fn bound(&self, _: &Reading) -> Option<u64> {
        Some(12)
    }
}

/// Opens the ledger's store; one seed, one ledger's key.
pub(crate) fn store(ledger: &Path, seed: u8) -> Store {
    std::fs::create_dir_all(ledger).unwrap();
    let settings = Settings {
        segment_bytes: 1 << 20,
        reserve_bytes: 4096,
        warn_at: Vec::new(),
        clock: Arc::new(Sure),
        ..Settings::default()
    };
    let opening = Opening {
        key: Arc::new(seal::SigningKey::from_seed([seed; 32].into())),
        plant: PlantId::new("brewery").unwrap(),
        gateway: GatewayId::new("gate-1").unwrap(),
        epoch_seed: None,
        settings,
    };
    Store::open(ledger, &opening).unwrap().0
}

/// Appends varied records and closes, which publishes them.
pub(crate) fn write(ledger: &Path, numbers: std::ops::Range<u64>) {
    let store = store(ledger, 3);
    // Fewer at a time than the writer's queue holds, however slow the machine.
    for first in numbers.clone().step_by(1024) {
        let (tell, told) = channel();
        for number in first..numbers.end.min(first + 1024) {
            let tell = tell.clone();
            store.append(draft(number), Box::new(move |result| tell.send(result.is_ok()).unwrap()));
        }
        drop(tell);
        assert!(told.iter().all(|written| written));
    }
    store.close();
}

pub(crate) fn id(number: u64) -> RecordId {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    RecordId::new(Millis(1_700_000_000_000), random)
}

/// One of them, chosen by the number and a salt.
fn pick<T: Clone>(number: u64, salt: u64, of: &[T]) -> T {
    let mixed = (number ^ salt << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    of[usize::try_from(mixed >> 33).unwrap() % of.len()].clone()
}

fn maybe<T: Clone>(number: u64, salt: u64, of: &[T]) -> Option<T> {
    (pick(number, salt + 100, &[0, 1, 2]) > 0).then(|| pick(number, salt, of))
}

const ZONES: [&str; 3] = ["cell-1", "cell-2", "office"];
const CONDUITS: [&str; 3] = ["copilot", "vision", "maintenance"];
const WORKLOADS: [&str; 3] = ["mes-copilot", "line-camera", "pump-bot"];
const OPERATORS: [&str; 2] = ["op-aaaabbbbccccdddd", "op-eeeeffffgggghhhh"];
const PROVIDERS: [&str; 3] = ["openai", "anthropic", "edge"];
const MODELS: [&str; 6] = ["gpt-4o", "gpt-4o-mini", "claude-*", "what[is]?", "Gpt-4o", "\"); drop table records; --"];
const SENSITIVITIES: [&str; 3] = ["public", "internal", "restricted"];
const LABELS: [&str; 3] = ["secret.password", "person.email", "recipe"];

/// A record that looks as a gateway's do, with every part there or missing.
pub(crate) fn draft(number: u64) -> Draft {
    let texts = |salt, of: &[&str]| maybe(number, salt, of).map(str::to_owned);
    let party = |salt, of: &[&str], by| texts(salt, of).map(|id| Party { id, by });
    let reasons = Reason::ALL;
    let kind = pick(number, 1, &[Kind::Intent, Kind::Outcome, Kind::Refuse, Kind::Abandon, Kind::Admin]);
    let findings = LABELS.iter().take(pick(number, 2, &[0, 0, 1, 3]));
    let what = What {
        provider: maybe(number, 3, &PROVIDERS).map(|id| ProviderId::new(id).unwrap()),
        rerouted: maybe(number, 4, &PROVIDERS).map(|id| ProviderId::new(id).unwrap()),
        dialect: Some(Dialect::OpenAi),
        endpoint: "chat.completions".to_owned(),
        model: texts(5, &MODELS),
        renamed: None,
        tools: ["read_tag", "write_tag"].iter().take(pick(number, 6, &[0, 1, 2])).map(ToString::to_string).collect(),
        sensitivity: texts(7, &SENSITIVITIES),
        findings: findings.map(|label| FindingCount { label: (*label).to_owned(), count: number % 5 + 1 }).collect(),
        stream: number.is_multiple_of(2),
    };
    let verdicts: Vec<_> = Verdict::NAMES.iter().map(|(_, verdict)| *verdict).collect();
    let decided = Decided {
        verdict: pick(number, 8, &verdicts),
        reason: maybe(number, 9, reasons),
        detail: Some("conduit `vision` refuses".to_owned()),
        rules: ["plant.shift", "password.assigned"]
            .iter()
            .take(pick(number, 10, &[0, 1, 2]))
            .map(|rule| RuleId::new(*rule).unwrap())
            .collect(),
        policy: "00".repeat(32),
    };
    let out = Outcome {
        status: pick(number, 11, &[200, 403, 502]),
        reason: maybe(number, 12, reasons),
        began: Millis(1_700_000_000_000 + number),
        micros: number * 10,
        first_byte_micros: Some(number),
        provider_id: None,
        model: texts(13, &MODELS),
    };
    let who = Who {
        client: Some(plant::Client { name: "OpenAI/Python".to_owned(), version: Some("1.52.0".to_owned()) }),
        workload: party(14, &WORKLOADS, "mtls"),
        workstation: party(15, &["hmi-1"], "asserted"),
        operator: party(16, &OPERATORS, "oidc"),
        peer: "10.2.0.7".parse().unwrap(),
    };
    let place = Place {
        plant: PlantId::new("brewery").unwrap(),
        zone: maybe(number, 17, &ZONES).map(|id| ZoneId::new(id).unwrap()),
        conduit: maybe(number, 18, &CONDUITS).map(|id| ConduitId::new(id).unwrap()),
        purpose: None,
    };
    let answer = maybe(number, 27, &["0f"]).map(|hex| hex.repeat(32));
    let io = Io {
        answer,
        answer_bytes: number,
        request_bytes: number,
        output_tokens: Some(number),
        input_tokens: maybe(number, 19, &[5, 500]),
        ..Io::default()
    };
    let note = maybe(number, 20, reasons).map(|reason| ("reason", Note::text(reason.code())));
    let decision = maybe(number, 28, &["accepted", "edited", "stopped"]).map(|name| ("decision", Note::text(name)));
    let times = ["after_ms", "shown_ms", "oversight_ms"].map(|name| (name, Note::Number(number)));
    let decided_on = decision.is_some();
    let times = times.into_iter().filter(move |_| decided_on);
    let some = |salt| pick(number, salt, &[true, true, false]);
    let body = Body {
        who: some(21).then_some(who),
        place: some(22).then_some(place),
        what: some(23).then_some(what),
        decided: some(24).then_some(decided),
        io: some(25).then_some(io),
        out: some(26).then_some(out),
        note: note.into_iter().chain(decision).chain(times).collect(),
        ..Body::default()
    };
    Draft { kind, id: id(number), reference: (number % 3 == 1).then(|| id(number - 1)), body }
}

/// An answer as text: one line for each row, cells with `|` between them.
#[derive(Default)]
struct Told(Vec<String>);

impl Answer for Told {
    fn columns(&mut self, _: &[&str]) -> io::Result<()> {
        Ok(())
    }

    fn row(&mut self, values: &[Value<'_>]) -> io::Result<()> {
        let cells = values.iter().map(|value| match value {
            Value::Null => "-".to_owned(),
            Value::Integer(number) => number.to_string(),
            Value::Real(number) => number.to_string(),
            Value::Text(text) | Value::Bytes(text) => String::from_utf8_lossy(text).into_owned(),
        });
        self.0.push(cells.collect::<Vec<_>>().join("|"));
        Ok(())
    }
}

fn open(ledger: &Path) -> Index {
    Index::open(ledger, &mut |_| {}).unwrap()
}

fn ask(index: &Index, question: &str) -> Result<Vec<String>, QueryError> {
    let mut told = Told::default();
    index.ask(question, &Limits::default(), &mut told).map(|()| told.0)
}

/// The only cell of the answer, from an index that is opened for it.
fn one(ledger: &Path, question: &str) -> String {
    ask(&open(ledger), question).unwrap().concat()
}

#[test]
fn operators_of_the_varied_records_are_pseudonyms() {
    assert!(OPERATORS.iter().all(|id| OperatorId::new(*id).is_ok()));
    assert!(WORKLOADS.iter().all(|id| WorkloadId::new(*id).is_ok()));
}
