//! The law of the index: a question in SQL and the same filter of `penstock records` give the same records.

use super::{CONDUITS, MODELS, OPERATORS, PROVIDERS, SENSITIVITIES, WORKLOADS, ZONES, ask, id, open, write};
use plant::{
    ConduitId, Judgement, Kind, Millis, OperatorId, ProviderId, Reason, Verdict, Wildcard, WorkloadId, ZoneId,
};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use std::path::Path;
use store::{Filter, Reader};

pub(crate) const RECORDS: u64 = 2000;

/// The question that asks for what a filter lets through: how every filter is said in SQL.
fn question(filter: &Filter) -> String {
    let quote = |text: &dyn ToString| format!("'{}'", text.to_string().replace('\'', "''"));
    // `*` is the only character of a wildcard that means more than itself.
    let glob = |wildcard: &Wildcard| quote(&wildcard.0.replace('[', "[[]").replace('?', "[?]"));
    let conditions = [
        filter.since.map(|since| format!("t >= {}", since.0)),
        filter.until.map(|until| format!("t < {}", until.0)),
        filter.kind.map(|kind| format!("kind = {}", quote(&kind.name()))),
        filter.zone.as_ref().map(|zone| format!("zone = {}", quote(zone))),
        filter.conduit.as_ref().map(|conduit| format!("conduit = {}", quote(conduit))),
        filter.workload.as_ref().map(|workload| format!("workload = {}", quote(workload))),
        filter.operator.as_ref().map(|operator| format!("operator = {}", quote(operator))),
        filter.provider.as_ref().map(|provider| format!("{} in (provider, rerouted)", quote(provider))),
        filter.model.as_ref().map(|model| format!("(model glob {0} or model_answered glob {0})", glob(model))),
        filter.verdict.map(|verdict| format!("verdict = {}", quote(&verdict))),
        filter.reason.map(|reason| format!("{} in (reason_decided, reason_ended, reason_noted)", quote(&reason))),
        filter.sensitivity.as_ref().map(|sensitivity| format!("sensitivity = {}", quote(sensitivity))),
        filter.judgement.map(|judgement| format!("decision = {}", quote(&judgement.name()))),
        filter.id.map(|id| format!("{} in (id, ref)", quote(&id))),
    ];
    let conditions: Vec<_> = conditions.into_iter().flatten().collect();
    format!(
        "select seq, leaf from records where {} order by seq",
        [vec!["true".to_owned()], conditions].concat().join(" and ")
    )
}

fn maybe<T: Clone + std::fmt::Debug + 'static>(of: Vec<T>) -> impl Strategy<Value = Option<T>> {
    prop_oneof![4 => Just(None), 1 => select(of).prop_map(Some)]
}

pub(crate) fn filters(times: Vec<Millis>) -> impl Strategy<Value = Filter> {
    let zones = ZONES.map(|id| ZoneId::new(id).unwrap()).to_vec();
    let conduits = CONDUITS.map(|id| ConduitId::new(id).unwrap()).to_vec();
    let workloads = WORKLOADS.map(|id| WorkloadId::new(id).unwrap()).to_vec();
    let operators = OPERATORS.map(|id| OperatorId::new(id).unwrap()).to_vec();
    let providers = PROVIDERS.map(|id| ProviderId::new(id).unwrap()).to_vec();
    let models = [&MODELS[..], &["*", "gpt*", "*o", "g*o*", "*[is]?", "?", "[a-z]*", ""]].concat();
    let models = models.into_iter().map(|model| Wildcard(model.to_owned())).collect();
    let kinds = Kind::NAMES.map(|(_, kind)| kind).to_vec();
    let verdicts = Verdict::NAMES.map(|(_, verdict)| verdict).to_vec();
    let who = (maybe(zones), maybe(conduits), maybe(workloads), maybe(operators), maybe(providers));
    let judgements = Judgement::NAMES.map(|(_, judgement)| judgement).to_vec();
    let what = (maybe(models), maybe(verdicts), maybe(Reason::ALL.to_vec()), maybe(kinds), maybe(judgements));
    let sensitivities = maybe(SENSITIVITIES.map(str::to_owned).to_vec());
    let rest = (maybe(times.clone()), maybe(times), sensitivities, maybe((0..RECORDS + 9).map(id).collect()));
    (who, what, rest).prop_map(|(who, what, rest)| {
        let (zone, conduit, workload, operator, provider) = who;
        let (model, verdict, reason, kind, judgement) = what;
        let (since, until, sensitivity, id) = rest;
        Filter {
            since,
            until,
            kind,
            zone,
            conduit,
            workload,
            operator,
            provider,
            model,
            verdict,
            reason,
            sensitivity,
            judgement,
            id,
            incident: None,
        }
    })
}

fn filtered(ledger: &Path, filter: Filter) -> Vec<String> {
    let records = Reader::open(ledger).unwrap().records(0, filter).map(Result::unwrap);
    records.map(|one| format!("{}|{}", one.entry.seq(), seal::hex(&ledger::leaf_hash(&one.line)))).collect()
}

#[test]
fn every_filter_gives_the_records_that_the_same_question_gives() {
    let folder = tempfile::tempdir().unwrap();
    // Written in several lives, so that times differ and the index catches up.
    for life in 0..5 {
        write(folder.path(), RECORDS / 5 * life..RECORDS / 5 * (life + 1));
        drop(open(folder.path()));
    }
    let index = open(folder.path());
    let times: Vec<_> = Reader::open(folder.path())
        .unwrap()
        .records(0, Filter::default())
        .map(|record| record.unwrap().entry.t())
        .collect();
    let mut found = 0;
    let mut runner = TestRunner::new(Config { cases: 100, failure_persistence: None, ..Config::default() });
    let checked = runner.run(&filters(times), |filter| {
        let question = question(&filter);
        let answer = ask(&index, &question).unwrap();
        prop_assert_eq!(&answer, &filtered(folder.path(), filter), "{}", question);
        Ok(())
    });
    checked.unwrap();
    // The law must not hold because nothing is ever found: each condition alone finds something.
    for filter in [
        Filter { kind: Some(Kind::Refuse), ..Filter::default() },
        Filter { zone: ZoneId::new("cell-1").ok(), ..Filter::default() },
        Filter { provider: ProviderId::new("edge").ok(), ..Filter::default() },
        Filter { model: Some(Wildcard("what[is]?".to_owned())), ..Filter::default() },
        Filter { reason: Some(Reason::NoConduit), ..Filter::default() },
        Filter { judgement: Some(Judgement::Edited), ..Filter::default() },
        Filter { id: Some(id(7)), ..Filter::default() },
    ] {
        let answer = ask(&index, &question(&filter)).unwrap();
        assert_eq!(answer, filtered(folder.path(), filter));
        found += usize::from(!answer.is_empty());
    }
    assert_eq!(found, 7);
}
