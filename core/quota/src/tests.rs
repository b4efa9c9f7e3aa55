//! What may be used, by whom, and when again.

use crate::{Admitted, Amounts, Counters, Measure, Per, Price, Prices, Quota, Stop, Subject};
use plant::{Millis, Wildcard};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::time::Duration;

const DAY: u64 = 86_400_000;

fn quota(id: &str, per: Per) -> Quota {
    Quota {
        id: id.parse().unwrap(),
        per,
        only: BTreeSet::new(),
        window: Duration::from_millis(DAY),
        requests: None,
        tokens: None,
        bytes: None,
        money: None,
        concurrent: None,
        warn: 80,
    }
}

fn subject<'a>(workload: &'a str, provider: &'a str) -> Subject<'a> {
    Subject { workload, operator: None, conduit: "c", provider }
}

fn call(tokens: u64) -> Amounts {
    Amounts { requests: 1, tokens, bytes: 0, money: 0 }
}

fn admit(counters: &mut Counters, quotas: &[Quota], who: &str, tokens: u64, now: u64) -> Result<Admitted, Stop> {
    counters.admit(quotas, &subject(who, "p"), call(tokens), Millis(now))
}

#[test]
fn a_quota_is_used_up_and_comes_back_with_the_next_window() {
    let quotas = [Quota { requests: Some(2), ..quota("day", Per::Workload) }];
    let mut counters = Counters::default();
    let noon = 10 * DAY + DAY / 2;
    for _ in 0..2 {
        let admitted = admit(&mut counters, &quotas, "mes", 0, noon).unwrap();
        counters.settle(&quotas, admitted, call(7), Millis(noon));
    }
    let stop = admit(&mut counters, &quotas, "mes", 0, noon).unwrap_err();
    assert_eq!((stop.measure, stop.most, stop.whose.as_str()), (Measure::Requests, 2, "mes"));
    assert_eq!(stop.after, Duration::from_millis(DAY / 2), "until midnight");
    assert!(admit(&mut counters, &quotas, "vision", 0, noon).is_ok(), "each has a count of its own");
    assert!(admit(&mut counters, &quotas, "mes", 0, 11 * DAY).is_ok());
}

#[test]
fn what_is_expected_counts_until_it_is_known() {
    let quotas = [Quota { tokens: Some(100), ..quota("day", Per::Workload) }];
    let mut counters = Counters::default();
    let first = admit(&mut counters, &quotas, "mes", 60, 0).unwrap();
    assert!(admit(&mut counters, &quotas, "mes", 60, 0).is_err(), "calls under way cannot use the same rest twice");
    counters.settle(&quotas, first, call(10), Millis(5));
    let second = admit(&mut counters, &quotas, "mes", 60, 6).unwrap();
    assert_eq!(counters.settle(&quotas, second, call(85), Millis(7)).len(), 1, "95 of 100");
    let third = admit(&mut counters, &quotas, "mes", 1, 8).unwrap();
    assert!(counters.settle(&quotas, third, call(500), Millis(9)).is_empty(), "warned once");
    assert!(admit(&mut counters, &quotas, "mes", 0, 10).is_err(), "what was really used is more than was left");
}

#[test]
fn a_call_that_one_quota_stops_is_counted_by_none() {
    let quotas = [
        Quota { requests: Some(10), ..quota("calls", Per::Plant) },
        Quota { tokens: Some(5), only: BTreeSet::from(["mes".to_owned()]), ..quota("tokens", Per::Workload) },
    ];
    let mut counters = Counters::default();
    assert_eq!(admit(&mut counters, &quotas, "mes", 6, 0).unwrap_err().quota.as_str(), "tokens");
    assert_eq!(counters.used(&quotas, Millis(0)).count(), 0);
    assert!(admit(&mut counters, &quotas, "vision", 6, 0).is_ok(), "it concerns `mes` only");
}

#[test]
fn so_many_run_at_a_time_and_each_end_makes_room() {
    let quotas = [Quota { concurrent: Some(2), ..quota("slots", Per::Provider) }];
    let mut counters = Counters::default();
    let first = admit(&mut counters, &quotas, "a", 0, 0).unwrap();
    let second = admit(&mut counters, &quotas, "b", 0, 0).unwrap();
    assert_eq!(admit(&mut counters, &quotas, "c", 0, 0).unwrap_err().measure, Measure::Concurrent);
    counters.settle(&quotas, first, Amounts::default(), Millis(3 * DAY));
    assert!(admit(&mut counters, &quotas, "c", 0, 3 * DAY).is_ok(), "whatever window it is");
    counters.settle(&quotas, second, Amounts::default(), Millis(3 * DAY));
}

#[test]
fn a_call_that_goes_elsewhere_counts_there_and_if_it_is_stopped_there_as_before() {
    let quotas = [
        Quota { concurrent: Some(1), requests: Some(9), ..quota("mine", Per::Workload) },
        Quota { tokens: Some(10), only: BTreeSet::from(["small".to_owned()]), ..quota("theirs", Per::Provider) },
    ];
    let mut counters = Counters::default();
    let mut admitted = counters.admit(&quotas, &subject("mes", "large"), call(50), Millis(0)).unwrap();
    let before = counters.save();
    let elsewhere = |counters: &mut Counters, admitted: &mut Admitted, tokens| {
        counters.count(&quotas, admitted, &subject("mes", "small"), call(tokens), Millis(1))
    };
    assert_eq!(elsewhere(&mut counters, &mut admitted, 50).unwrap_err().quota.as_str(), "theirs");
    assert_eq!(counters.save(), before);
    assert!(admit(&mut counters, &quotas, "mes", 0, 1).is_err(), "it still runs");
    elsewhere(&mut counters, &mut admitted, 5).unwrap();
    counters.settle(&quotas, admitted, call(7), Millis(2));
    assert_eq!(counters.save(), "mine mes 0 1 7 0 0 0\ntheirs small 0 1 7 0 0 0\n");
}

#[test]
fn each_limit_warns_once_in_a_window() {
    let quotas = [Quota { requests: Some(4), tokens: Some(10), ..quota("day", Per::Workload) }];
    let mut counters = Counters::default();
    let mut warned = |tokens, now| {
        let admitted = admit(&mut counters, &quotas, "mes", 0, now).unwrap();
        let first: Vec<Measure> = admitted.warnings.iter().map(|one| one.measure).collect();
        let last = counters.settle(&quotas, admitted, call(tokens), Millis(now));
        (first, last.iter().map(|one| (one.measure, one.used, one.most)).collect::<Vec<_>>())
    };
    for now in [0, DAY] {
        assert_eq!(warned(1, now), (vec![], vec![]));
        assert_eq!(warned(7, now), (vec![], vec![(Measure::Tokens, 8, 10)]));
        assert_eq!(warned(0, now), (vec![], vec![]));
        assert_eq!(warned(0, now), (vec![Measure::Requests], vec![]), "80 of a hundred are reached with the fourth");
    }
}

#[test]
fn money_is_what_tokens_cost() {
    let price = |model: &str, input, output| Price { model: Wildcard(model.to_owned()), input, output };
    let prices = vec![price("gpt-4o-mini", 150_000, 600_000), price("gpt-4o*", 2_500_000, 10_000_000)];
    let openai = "openai".parse().unwrap();
    let prices = Prices([("openai".parse().unwrap(), prices)].into());
    assert_eq!(prices.of(&openai, "gpt-4o-mini", 1_000_000, 0), 150_000);
    assert_eq!(
        prices.of(&openai, "gpt-4o-2024-11-20", 1_000, 500),
        7_500,
        "less than a cent: 2.50 and 10 for a million"
    );
    assert_eq!(prices.of(&openai, "gpt-4o-mini", 1, 0), 1, "rounded up");
    assert_eq!(prices.of(&openai, "o9", 1_000, 500), 0);
    assert_eq!(prices.of(&openai, "gpt-4o", u64::MAX, u64::MAX), u64::MAX);
}

#[test]
fn whoever_comes_under_many_names_shares_one_count() {
    let quotas = [Quota { requests: Some(3), ..quota("day", Per::Workload) }];
    let mut counters = Counters::default();
    let admitted = (0..20_000).filter(|index| {
        let admitted = admit(&mut counters, &quotas, &format!("w{index}"), 0, 5);
        admitted.is_ok_and(|admitted| counters.settle(&quotas, admitted, call(0), Millis(5)).len() < 9)
    });
    assert_eq!(admitted.count(), 16_384 + 3);
    counters.sweep(&quotas, Millis(5 * DAY));
    assert_eq!(counters.save(), "");
}

#[test]
fn a_saved_state_that_is_none_is_not_taken_up() {
    for text in [
        "\n",
        "day",
        "day mes 0 1 2 3 4",
        "day mes 0 1 2 3 4 0 9",
        "day mes 0 1 2 3 -4 0",
        "day mes 0 1 2 3 99999999999999999999 0",
        "day  0 1 2 3 4 0",
        "Day mes 0 1 2 3 4 0",
        "day mes 0 1 2 3 4 0\nday mes 0 1 2 3 4 0",
        "day m\u{0}es 0 1 2 3 4 0",
    ] {
        assert!(Counters::restore(text).is_err(), "{text:?}");
    }
    let many: String = (0..20_000).map(|index| format!("day w{index} 0 1 2 3 4 0\n")).collect();
    assert!(Counters::restore(&many).is_err());
    assert!(Counters::restore("").is_ok());
}

/// Calls that begin and end.
fn calls() -> impl Strategy<Value = Vec<(u8, u64, u64, u64, bool)>> {
    prop::collection::vec((0..3_u8, 0..50_u64, 0..50_u64, 0..DAY / 4, any::<bool>()), 1..120)
}

proptest! {
    #[test]
    fn what_is_admitted_never_passes_what_is_expected_to_fit(steps in calls()) {
        let quotas = [
            Quota { requests: Some(20), tokens: Some(300), concurrent: Some(3), ..quota("w", Per::Workload) },
            Quota { tokens: Some(500), ..quota("p", Per::Provider) },
        ];
        let (mut counters, mut now, mut under_way) = (Counters::default(), 0, Vec::new());
        for (who, expected, took, step, end) in steps {
            now += step;
            if end && !under_way.is_empty() {
                let admitted = under_way.remove(0);
                // A call takes less than was expected of it: where it takes more, a limit is passed by that.
                counters.settle(&quotas, admitted, Amounts { tokens: took.min(1), ..call(0) }, Millis(now));
            } else if let Ok(admitted) = admit(&mut counters, &quotas, ["a", "b", "c"][usize::from(who)], expected, now) {
                under_way.push(admitted);
            }
            for (quota, whose, used, running) in counters.used(&quotas, Millis(now)) {
                prop_assert!(Measure::SUMMED.iter().all(|one| quota.most(*one).is_none_or(|most| used.of(*one) <= most)), "{whose}");
                prop_assert!(quota.concurrent.is_none_or(|most| running <= most));
            }
        }
        for admitted in under_way {
            counters.settle(&quotas, admitted, Amounts::default(), Millis(now));
        }
        prop_assert!(counters.used(&quotas, Millis(now)).all(|(.., running)| running == 0));
    }

    #[test]
    fn a_restart_changes_nothing(steps in calls()) {
        let quotas = [Quota { requests: Some(30), tokens: Some(900), ..quota("w", Per::Workload) }];
        let (mut one, mut other, mut now) = (Counters::default(), Counters::default(), 0);
        for (who, expected, took, step, restart) in steps {
            now += step;
            if restart {
                other = Counters::restore(&other.save()).unwrap();
            }
            let who = ["a", "b", "c"][usize::from(who)];
            let pair = (admit(&mut one, &quotas, who, expected, now), admit(&mut other, &quotas, who, expected, now));
            match pair {
                (Ok(first), Ok(second)) => {
                    let warned = one.settle(&quotas, first, call(took), Millis(now));
                    prop_assert_eq!(warned, other.settle(&quotas, second, call(took), Millis(now)));
                }
                (first, second) => prop_assert_eq!(first.err(), second.err()),
            }
        }
        prop_assert_eq!(one.save(), other.save());
    }
}
