//! What is told, when and how often: time is an argument.

use crate::{
    Alert, Code, Condition, Destination, Eyes, Severity, Sighting, Site, Status, Terms, Turn, Watch, shown, weigh,
};
use ledger::{ClockState, Stamp};
use plant::{
    Body, Conduit, Criticality, Draft, FindingCount, GatewayId, Kind, Millis, Note, Outcome, Party, Place, Plant,
    PlantId, PurdueLevel, Reason, RecordId, Scale, SecurityLevels, What, Who, Zone, ZoneId,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

const TERMS: Terms = Terms { at_least: Severity::Low, window: Duration::from_secs(600), per_minute: 30 };
const WINDOW: u64 = 600_000;

fn site() -> Site {
    Site { plant: PlantId::new("brewery").unwrap(), gateway: GatewayId::new("gate-1").unwrap() }
}

fn plant() -> Plant {
    let zone = |name: &str, network: &str, criticality| {
        let id = ZoneId::new(name).unwrap();
        let zone = Zone {
            id: id.clone(),
            title: None,
            networks: vec![network.parse().unwrap()],
            level: PurdueLevel::Supervision,
            target: SecurityLevels::new([0; 7]).unwrap(),
            criticality,
            owner: "OT".to_owned(),
        };
        (id, zone)
    };
    let zones = [
        zone("office", "10.0.0.0/24", Criticality::Low),
        zone("cell", "10.0.1.0/24", Criticality::Medium),
        zone("boiler", "10.0.2.0/24", Criticality::High),
        zone("burner", "10.0.3.0/24", Criticality::Safety),
    ];
    Plant {
        id: PlantId::new("brewery").unwrap(),
        gateway: GatewayId::new("gate-1").unwrap(),
        scale: Scale::new(["public", "internal", "restricted"].map(str::to_owned).to_vec()).unwrap(),
        zones: zones.into(),
        sources: BTreeMap::new(),
        workloads: BTreeMap::new(),
        workstations: BTreeMap::new(),
        issuer: None,
        providers: BTreeMap::new(),
        conduits: BTreeMap::<plant::ConduitId, Conduit>::new(),
        digest: String::new(),
    }
}

fn entry(kind: Kind, body: Body) -> ledger::Entry {
    let id = RecordId::new(Millis(1000), [7; 10]);
    let stamp = Stamp { seq: 1, prev: [0; 32], t: Millis(1000), mono: 1, boot: 1, clk: ClockState::default() };
    ledger::decode(&ledger::encode(&stamp, &Draft { kind, id, reference: None, body }).unwrap()).unwrap()
}

fn noted(kind: Kind, note: &[(&'static str, &str)]) -> ledger::Entry {
    let note = note.iter().map(|(key, text)| (*key, Note::text(*text))).collect();
    entry(kind, Body { note, ..Body::default() })
}

fn refused(reason: Reason, zone: &str, model: &str) -> ledger::Entry {
    let place = Place { plant: site().plant, zone: ZoneId::new(zone).ok(), conduit: None, purpose: None };
    let what = What { model: Some(model.to_owned()), ..What::default() };
    let out = Outcome {
        status: 403,
        reason: Some(reason),
        began: Millis(1),
        micros: 1,
        first_byte_micros: None,
        provider_id: None,
        model: None,
    };
    entry(Kind::Refuse, Body { place: Some(place), what: Some(what), out: Some(out), ..Body::default() })
}

fn look(entry: &ledger::Entry) -> Option<Sighting> {
    let plant = plant();
    Eyes::default().look(entry, &plant, plant.scale.highest())
}

fn sighting(code: Code, turn: Turn, about: &str, number: u8) -> Sighting {
    let record = Some(RecordId::new(Millis(1000), [number; 10]));
    Sighting {
        code,
        turn,
        about: about.to_owned(),
        severity: code.base(),
        at: Millis(u64::from(number)),
        record,
        facts: crate::Facts::default(),
    }
}

fn told(alerts: &[Alert]) -> Vec<(Code, Status, u64)> {
    alerts.iter().map(|alert| (alert.code, alert.status, alert.count)).collect()
}

#[test]
fn a_storm_of_equal_findings_is_one_alert_and_one_number() {
    let mut watch = Watch::default();
    let refused = refused(Reason::NoConduit, "cell", "gpt-4o");
    let mut alerts = Vec::new();
    for at in 0..10_000 {
        alerts.extend(watch.see(look(&refused).unwrap(), &TERMS, &site(), Millis(at)));
        alerts.extend(watch.tick(&TERMS, &site(), Millis(at)));
    }
    assert_eq!(told(&alerts), [(Code::PathRefused, Status::Firing, 1)]);
    let end = watch.tick(&TERMS, &site(), Millis(WINDOW));
    assert_eq!(told(&end), [(Code::PathRefused, Status::Repeated, 9_999)]);
    assert_eq!(end[0].facts.get("reason"), Some("no-conduit"));
    assert_eq!(told(&watch.tick(&TERMS, &site(), Millis(2 * WINDOW))), [], "nothing more came");
    assert!(watch.is_empty());
}

#[test]
fn a_storm_that_goes_on_is_one_number_a_window() {
    let mut watch = Watch::default();
    let mut alerts = Vec::new();
    for minute in 0..60 {
        alerts.extend(watch.see(
            sighting(Code::PathRefused, Turn::Once, "a", 1),
            &TERMS,
            &site(),
            Millis(minute * 60_000),
        ));
        alerts.extend(watch.tick(&TERMS, &site(), Millis(minute * 60_000)));
    }
    let counts: Vec<u64> = alerts.iter().map(|alert| alert.count).collect();
    assert_eq!(counts, [1, 10, 10, 10, 10, 10], "and nine still open");
}

#[test]
fn what_holds_is_told_when_it_begins_and_when_it_is_over() {
    let mut watch = Watch::default();
    let mut see = |turn, at| watch.see(sighting(Code::BreakerOpen, turn, "openai", 1), &TERMS, &site(), Millis(at));
    assert_eq!(told(&see(Turn::Cleared, 0).into_iter().collect::<Vec<_>>()), [], "it never began");
    assert_eq!(see(Turn::Raised, 1).unwrap().status, Status::Firing);
    assert_eq!(see(Turn::Raised, 2), None, "it holds still");
    let over = see(Turn::Cleared, 3).unwrap();
    assert_eq!((over.status, over.severity), (Status::Resolved, Severity::Info));
}

#[test]
fn what_holds_for_long_is_not_told_again_and_its_end_is() {
    let mut watch = Watch::default();
    let raised = sighting(Code::Isolated, Turn::Raised, "external", 1);
    assert!(watch.see(raised, &TERMS, &site(), Millis(0)).is_some());
    for window in 1..5 {
        assert_eq!(told(&watch.tick(&TERMS, &site(), Millis(window * WINDOW))), []);
    }
    let cleared = sighting(Code::Isolated, Turn::Cleared, "external", 2);
    assert_eq!(watch.see(cleared, &TERMS, &site(), Millis(6 * WINDOW)).unwrap().status, Status::Resolved);
}

#[test]
fn what_comes_and_goes_is_told_twice_in_a_window_and_then_as_it_stands() {
    let mut watch = Watch::default();
    let mut alerts = Vec::new();
    for at in 0..1001 {
        let turn = if at % 2 == 0 { Turn::Raised } else { Turn::Cleared };
        alerts.extend(watch.see(sighting(Code::BreakerOpen, turn, "openai", 1), &TERMS, &site(), Millis(at)));
    }
    assert_eq!(told(&alerts), [(Code::BreakerOpen, Status::Firing, 1), (Code::BreakerOpen, Status::Resolved, 1)]);
    let end = watch.tick(&TERMS, &site(), Millis(WINDOW));
    assert_eq!(told(&end), [(Code::BreakerOpen, Status::Firing, 999)]);
}

#[test]
fn a_condition_is_told_once_however_often_it_is_asked() {
    let mut watch = Watch::default();
    let mut ask = |holds, at| watch.ask(&Condition::of(Code::LedgerDown, holds), &TERMS, &site(), Millis(at));
    assert_eq!(ask(false, 0), None);
    let alert = ask(true, 1).unwrap();
    assert_eq!(
        (alert.severity, alert.record, alert.id.as_str()),
        (Severity::Critical, None, "gate-1.t1.ledger-down.firing")
    );
    assert_eq!(ask(true, 2), None);
    assert_eq!(ask(false, 3).unwrap().status, Status::Resolved);
}

#[test]
fn what_a_minute_has_no_room_for_is_counted() {
    let mut watch = Watch::default();
    let terms = Terms { per_minute: 3, ..TERMS };
    let mut alerts = Vec::new();
    for number in 0..20 {
        let one = sighting(Code::PathRefused, Turn::Once, &number.to_string(), number);
        alerts.extend(watch.see(one, &terms, &site(), Millis(1)));
    }
    assert_eq!(alerts.len(), 3);
    assert_eq!(told(&watch.tick(&terms, &site(), Millis(59_000))), [], "the minute is not over");
    let end = watch.tick(&terms, &site(), Millis(61_000));
    assert_eq!(told(&end), [(Code::AlertsWithheld, Status::Firing, 17)]);
    assert_eq!(end[0].facts.get("withheld"), Some("path-refused 17"));
}

#[test]
fn what_holds_and_was_withheld_is_told_when_there_is_room() {
    let mut watch = Watch::default();
    let terms = Terms { per_minute: 0, ..TERMS };
    assert_eq!(watch.see(sighting(Code::LedgerDisk, Turn::Raised, "", 1), &terms, &site(), Millis(0)), None);
    let end = watch.tick(&TERMS, &site(), Millis(WINDOW));
    assert_eq!(told(&end), [(Code::LedgerDisk, Status::Firing, 1)]);
}

#[test]
fn a_flood_delays_what_begins_by_no_more_than_its_minute() {
    let mut watch = Watch::default();
    let terms = Terms { per_minute: 3, ..TERMS };
    let once = |number: u8| sighting(Code::PathRefused, Turn::Once, &number.to_string(), number);
    for number in 0..9 {
        watch.see(once(number), &terms, &site(), Millis(0));
    }
    let down = sighting(Code::BreakerOpen, Turn::Raised, "openai", 1);
    assert_eq!(watch.see(down, &terms, &site(), Millis(1)), None, "the minute is full");
    assert_eq!(told(&watch.tick(&terms, &site(), Millis(59_000))), []);
    let next = watch.tick(&terms, &site(), Millis(61_000));
    assert_eq!(
        told(&next),
        [(Code::AlertsWithheld, Status::Firing, 6), (Code::BreakerOpen, Status::Firing, 1)],
        "long before the window ends"
    );
    assert_eq!(told(&watch.tick(&terms, &site(), Millis(61_500))), [], "and once");
}

#[test]
fn a_flood_that_goes_on_cannot_hide_that_alerts_are_withheld() {
    let mut watch = Watch::default();
    let terms = Terms { per_minute: 1, ..TERMS };
    let mut withheld = Vec::new();
    for at in 0..240_u8 {
        let now = Millis(u64::from(at) * 1000);
        // Something new each time, before anybody looks what is due.
        watch.see(sighting(Code::PathRefused, Turn::Once, &at.to_string(), at), &terms, &site(), now);
        let due = watch.tick(&terms, &site(), now);
        withheld.extend(due.into_iter().filter(|alert| alert.code == Code::AlertsWithheld).map(|alert| alert.last.0));
    }
    assert_eq!(withheld.len(), 3, "one a minute: {withheld:?}");
}

#[test]
fn a_clock_that_was_set_back_holds_nothing_up() {
    const DAY: u64 = 86_400_000;
    let mut watch = Watch::default();
    let mut see = |now| watch.see(sighting(Code::PathRefused, Turn::Once, "a", 1), &TERMS, &site(), Millis(now));
    assert!(see(2 * DAY).is_some());
    assert_eq!(see(2 * DAY + 1), None);
    assert_eq!(told(&watch.tick(&TERMS, &site(), Millis(DAY))), [(Code::PathRefused, Status::Repeated, 1)]);
}

#[test]
fn what_holds_ends_with_what_it_is_about() {
    let mut watch = Watch::default();
    for about in ["openai", "edge"] {
        watch.see(sighting(Code::BreakerOpen, Turn::Raised, about, 1), &TERMS, &site(), Millis(0));
    }
    let over = watch.end(Code::BreakerOpen, |about| about == "edge", &TERMS, &site(), Millis(5));
    assert_eq!(told(&over), [(Code::BreakerOpen, Status::Resolved, 1)]);
    assert_eq!((over[0].about.as_str(), over[0].id.as_str()), ("openai", "gate-1.t5.breaker-open.resolved.openai"));
    assert_eq!(told(&watch.end(Code::BreakerOpen, |about| about == "edge", &TERMS, &site(), Millis(6))), []);
}

#[test]
fn what_begins_is_known_by_itself_among_ever_so_many_others() {
    let mut watch = Watch::default();
    let terms = Terms { per_minute: 6000, ..TERMS };
    for number in 0..3000_u64 {
        watch.see(sighting(Code::PathRefused, Turn::Once, &number.to_string(), 1), &terms, &site(), Millis(0));
    }
    let down = Condition { code: Code::DestinationDown, destination: Some("soc".to_owned()), holds: true };
    assert_eq!(watch.ask(&down, &terms, &site(), Millis(1)).unwrap().about, "soc");
    assert_eq!(watch.ask(&down, &terms, &site(), Millis(2)), None);
    let up = Condition { holds: false, ..down };
    assert_eq!(watch.ask(&up, &terms, &site(), Millis(3)).unwrap().status, Status::Resolved);
}

#[test]
fn what_a_destination_refuses_is_counted_too() {
    let mut watch = Watch::default();
    let alert = watch.see(sighting(Code::PathRefused, Turn::Once, "", 1), &TERMS, &site(), Millis(0)).unwrap();
    watch.refused(&alert, Millis(0));
    assert_eq!(told(&watch.tick(&TERMS, &site(), Millis(60_000))), [(Code::AlertsWithheld, Status::Firing, 1)]);
}

#[test]
fn less_urgent_things_are_not_told() {
    let mut watch = Watch::default();
    let terms = Terms { at_least: Severity::High, ..TERMS };
    assert_eq!(watch.see(sighting(Code::PathRefused, Turn::Once, "", 1), &terms, &site(), Millis(0)), None);
    assert!(watch.is_empty());
}

#[test]
fn a_call_weighs_as_much_as_its_zone() {
    let severity = |zone| look(&refused(Reason::NoConduit, zone, "m")).unwrap().severity;
    assert_eq!(
        ["office", "cell", "boiler", "burner", "gone"].map(severity),
        [Severity::Low, Severity::Medium, Severity::High, Severity::Critical, Severity::Medium]
    );
}

#[test]
fn a_caller_whom_nobody_knows_is_placed_by_the_address() {
    let who =
        Who { workload: None, workstation: None, operator: None, client: None, peer: "10.0.3.9".parse().unwrap() };
    let mut body = Body { who: Some(who), ..Body::default() };
    body.note.insert("reason", Note::text("token-unknown"));
    let seen = look(&entry(Kind::Refuse, body)).unwrap();
    assert_eq!(
        (seen.code, seen.severity, seen.facts.get("zone")),
        (Code::IdentityRefused, Severity::Critical, Some("burner"))
    );
}

#[test]
fn weight_grows_with_urgency_and_with_criticality() {
    let zones = [Criticality::Low, Criticality::Medium, Criticality::High, Criticality::Safety];
    for (_, base) in Severity::NAMES {
        let weights: Vec<Severity> = zones.into_iter().map(|zone| weigh(base, Some(zone))).collect();
        assert!(weights.is_sorted(), "{base:?}: {weights:?}");
        assert_eq!(weigh(base, None), base);
    }
    for zone in zones {
        assert!(Severity::NAMES.into_iter().map(|(_, base)| weigh(base, Some(zone))).is_sorted());
    }
}

#[test]
fn records_of_the_house_become_what_they_are() {
    for (kind, note, expected) in [
        (
            Kind::Alert,
            vec![("event", "breaker"), ("provider", "openai"), ("to", "open")],
            Some((Code::BreakerOpen, Turn::Raised)),
        ),
        (Kind::Alert, vec![("event", "breaker"), ("provider", "openai"), ("to", "half-open")], None),
        (
            Kind::Alert,
            vec![("event", "breaker"), ("provider", "openai"), ("to", "closed")],
            Some((Code::BreakerOpen, Turn::Cleared)),
        ),
        (Kind::Alert, vec![("event", "shift"), ("workload", "copilot")], Some((Code::WorkloadShifted, Turn::Once))),
        (Kind::Alert, vec![("event", "quota"), ("quota", "day")], Some((Code::QuotaWarning, Turn::Once))),
        (Kind::Alert, vec![("event", "unaccounted")], Some((Code::AnswerUnaccounted, Turn::Once))),
        (Kind::Isolate, vec![("event", "isolate"), ("part", "external")], Some((Code::Isolated, Turn::Raised))),
        (Kind::Isolate, vec![("event", "restore"), ("part", "external")], Some((Code::Isolated, Turn::Cleared))),
        (Kind::Storage, vec![("event", "disk-fills")], Some((Code::LedgerDisk, Turn::Once))),
        (Kind::Storage, vec![("event", "full")], Some((Code::LedgerDisk, Turn::Raised))),
        (Kind::Storage, vec![("event", "room-again")], Some((Code::LedgerDisk, Turn::Cleared))),
        (Kind::Config, vec![("result", "rejected")], Some((Code::PlantRefused, Turn::Once))),
        (Kind::Config, vec![("result", "in-force"), ("policy", "x")], None),
        (Kind::Policy, vec![("result", "in-force"), ("policy", "x")], None),
        (Kind::Clock, vec![("direction", "back")], Some((Code::ClockSet, Turn::Once))),
        (Kind::Drill, vec![("event", "ended"), ("result", "broken")], Some((Code::DrillFailed, Turn::Once))),
        (Kind::Drill, vec![("event", "ended"), ("result", "kept")], None),
        (Kind::Admin, vec![("change", "token-issued")], Some((Code::AccessChanged, Turn::Once))),
        (Kind::Admin, vec![("change", "signed-in")], None),
        (
            Kind::Admin,
            vec![("change", "access-refused"), ("reason", "token-unknown")],
            Some((Code::AccessRefused, Turn::Once)),
        ),
        (Kind::Read, vec![("event", "opened")], Some((Code::ContentOpened, Turn::Once))),
        (Kind::Beat, vec![], None),
        (Kind::Intent, vec![], None),
    ] {
        assert_eq!(look(&noted(kind, &note)).map(|seen| (seen.code, seen.turn)), expected, "{kind:?} {note:?}");
    }
}

#[test]
fn a_plant_file_that_was_in_force_before_is_no_change() {
    let (plant, mut eyes) = (plant(), Eyes::default());
    let mut config = |policy: &str| {
        let entry = noted(Kind::Policy, &[("result", "in-force"), ("policy", policy)]);
        eyes.look(&entry, &plant, plant.scale.highest()).map(|seen| seen.code)
    };
    assert_eq!([config("a"), config("a"), config("b")], [None, None, Some(Code::PlantChanged)]);
    assert_eq!(Eyes::restore(&eyes.save()), eyes);
}

#[test]
fn findings_are_told_of_from_their_sensitivity_on() {
    let plant = plant();
    let call = |sensitivity: &str, findings: Vec<FindingCount>| {
        let what = What { sensitivity: Some(sensitivity.to_owned()), findings, ..What::default() };
        entry(Kind::Intent, Body { what: Some(what), ..Body::default() })
    };
    let person = || vec![FindingCount { label: "person.email".to_owned(), count: 2 }];
    let least = plant.scale.step("internal").unwrap();
    let look = |entry| Eyes::default().look(&entry, &plant, least);
    assert_eq!(look(call("public", person())), None);
    assert_eq!(look(call("restricted", Vec::new())), None);
    assert_eq!(look(call("internal", person())).unwrap().facts.get("findings"), Some("person.email 2"));
}

#[test]
fn what_a_caller_chooses_tells_nothing_apart_and_is_shown_clean() {
    let hostile = format!("m\r\nCEF:0|x\\|a=b\u{202e}\u{200b}{}", "x".repeat(1 << 20));
    let (one, other) = (
        look(&refused(Reason::NoConduit, "cell", &hostile)).unwrap(),
        look(&refused(Reason::NoConduit, "cell", "m")).unwrap(),
    );
    assert_eq!(one.about, other.about);
    let model = one.facts.get("model").unwrap();
    assert!(model.chars().count() <= 120 && !model.chars().any(ledger::is_treacherous), "{model}");
    let mut watch = Watch::default();
    for entry in [one, other] {
        watch.see(entry, &TERMS, &site(), Millis(0));
    }
    assert_eq!(watch.len(), 1);
}

#[test]
fn the_address_of_a_caller_and_what_people_wrote_are_not_told() {
    let who = Who {
        client: None,
        workload: Some(Party { id: "stranger".to_owned(), by: "asserted" }),
        workstation: None,
        operator: Some(Party { id: "anna@works.example".to_owned(), by: "oidc" }),
        peer: "10.0.1.9".parse().unwrap(),
    };
    let mut body = Body { who: Some(who), ..Body::default() };
    for (key, text) in [("reason", "no-conduit"), ("detail", "SECRET-DETAIL"), ("by", "SECRET-PERSON")] {
        body.note.insert(key, Note::text(text));
    }
    let mut watch = Watch::default();
    let alert = watch.see(look(&entry(Kind::Refuse, body)).unwrap(), &TERMS, &site(), Millis(0)).unwrap();
    let text = alert.data().to_string();
    for secret in ["SECRET", "10.0.1.9", "anna", "stranger"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[test]
fn every_reason_with_a_code_has_one_that_fits_a_message_of_syslog() {
    for code in Code::ALL {
        assert!(code.name().len() <= 32 && code.title().is_ascii(), "{code}");
        assert_eq!(Code::named(code.name()), Some(*code));
    }
    let untold: Vec<&str> =
        Reason::ALL.iter().filter(|reason| Code::of_reason(**reason).is_none()).map(|reason| reason.code()).collect();
    assert_eq!(
        untold,
        [
            "body-timeout",
            "ledger-unavailable",
            "shutting-down",
            "record-unknown",
            "record-open",
            "record-closed",
            "caller-left"
        ]
    );
}

#[test]
fn more_than_can_be_kept_apart_is_told_as_one() {
    let mut watch = Watch::default();
    for number in 0..5000_u64 {
        let about = number.to_string();
        watch.see(sighting(Code::PathRefused, Turn::Once, &about, 1), &TERMS, &site(), Millis(0));
    }
    assert!(watch.len() <= 2049, "{}", watch.len());
}

fn any_sighting() -> impl Strategy<Value = (Sighting, u64)> {
    let turn = prop_oneof![Just(Turn::Once), Just(Turn::Raised), Just(Turn::Cleared)];
    (0..Code::ALL.len(), turn, 0..4_u8, 0..120_000_u64).prop_map(|(code, turn, about, pause)| {
        let code = Code::ALL[code];
        // A code either happens or holds.
        let turn = if code.name().len().is_multiple_of(2) { Turn::Once } else { turn };
        let turn = if turn == Turn::Once && !code.name().len().is_multiple_of(2) { Turn::Raised } else { turn };
        (sighting(code, turn, &about.to_string(), about), pause)
    })
}

proptest! {
    #[test]
    fn a_minute_has_at_most_its_number_and_one_more(seen in prop::collection::vec(any_sighting(), 0..200)) {
        let (mut watch, mut now, mut times) = (Watch::default(), 1_000_000, Vec::new());
        let terms = Terms { per_minute: 5, ..TERMS };
        for (sighting, pause) in seen {
            now += pause;
            let alerts = watch.see(sighting, &terms, &site(), Millis(now)).into_iter().chain(watch.tick(&terms, &site(), Millis(now)));
            times.extend(alerts.map(|_| now));
        }
        for (index, time) in times.iter().enumerate() {
            // Two minutes that meet: the rest of one and the beginning of the next.
            let close = times[index..].iter().take_while(|other| **other < time + 60_000).count();
            prop_assert!(close <= 12, "{close} within a minute");
        }
    }

    #[test]
    fn nothing_that_happened_is_lost(seen in prop::collection::vec(any_sighting(), 0..200), per_minute in 0..10_u32) {
        let (mut watch, mut now, mut told, mut happened) = (Watch::default(), 1_000_000, 0, 0);
        let terms = Terms { at_least: Severity::Info, per_minute, ..TERMS };
        let counted = |alerts: Vec<Alert>| alerts.iter().map(|alert| alert.count).sum::<u64>();
        for (sighting, pause) in seen.into_iter().filter(|(sighting, _)| sighting.turn == Turn::Once) {
            now += pause;
            happened += 1;
            told += counted(watch.see(sighting, &terms, &site(), Millis(now)).into_iter().collect());
            told += counted(watch.tick(&terms, &site(), Millis(now)));
        }
        for _ in 0..4 {
            now += WINDOW;
            told += counted(watch.tick(&terms, &site(), Millis(now)));
        }
        prop_assert_eq!(told, happened);
    }

    #[test]
    fn a_restart_changes_nothing(seen in prop::collection::vec(any_sighting(), 0..60)) {
        let (mut watch, mut now) = (Watch::default(), 1_000_000);
        for (sighting, pause) in seen {
            now += pause;
            let alert = watch.see(sighting, &TERMS, &site(), Millis(now));
            if let Some(alert) = alert {
                prop_assert_eq!(Alert::restore(&alert.data()), Ok(alert));
            }
            let restored = Watch::restore(&watch.save());
            prop_assert_eq!(restored.as_ref(), Ok(&watch));
        }
    }

    #[test]
    fn whatever_is_shown_is_short_and_clean(text in ".*") {
        let shown = shown(&text);
        prop_assert!(shown.chars().count() <= 120 && !shown.chars().any(ledger::is_treacherous));
    }
}

fn destination() -> Destination {
    Destination {
        id: plant::DestinationId::new("soc").unwrap(),
        way: crate::Way::Webhook { url: "https://soc.example/".to_owned() },
        at_least: Severity::Medium,
        window: Duration::from_secs(60),
        per_minute: 7,
        findings: plant().scale.highest(),
        authorities: None,
        credential: None,
    }
}

/// What a destination is told of records, one after the other.
fn heard(eyes: &mut Eyes, entries: &[ledger::Entry]) -> Vec<Alert> {
    let (plant, mut watch) = (plant(), Watch::default());
    let hear = |entry| destination().hear(entry, (&mut *eyes, &mut watch), &plant, &site(), Millis(1000));
    entries.iter().flat_map(hear).collect()
}

#[test]
fn a_start_ends_what_a_gateway_that_starts_does_not_know() {
    let breaker = noted(Kind::Alert, &[("event", "breaker"), ("provider", "openai"), ("to", "open")]);
    let told = told(&heard(&mut Eyes::default(), &[breaker, noted(Kind::Boot, &[])]));
    assert_eq!(told, [(Code::BreakerOpen, Status::Firing, 1), (Code::BreakerOpen, Status::Resolved, 1)]);
}

#[test]
fn each_threshold_of_the_disk_is_news_and_none_stays_open_for_ever() {
    let entries = ["disk-fills", "full", "room-again"].map(|event| noted(Kind::Storage, &[("event", event)]));
    let told = heard(&mut Eyes::default(), &entries);
    let told: Vec<_> = told.iter().map(|alert| (alert.status, alert.facts.get("event"))).collect();
    assert_eq!(
        told,
        [(Status::Firing, Some("disk-fills")), (Status::Firing, Some("full")), (Status::Resolved, Some("room-again"))]
    );
}

#[test]
fn the_first_change_of_the_plant_file_is_told_to_a_new_destination() {
    let plant = plant();
    let other = noted(Kind::Config, &[("result", "in-force"), ("policy", "b")]);
    let look = |mut eyes: Eyes| eyes.look(&other, &plant, plant.scale.highest()).map(|seen| seen.code);
    assert_eq!([look(Eyes::under("a")), look(Eyes::under("b"))], [Some(Code::PlantChanged), None]);
}

#[test]
fn terms_come_from_a_destination() {
    assert_eq!(
        destination().terms(),
        Terms { at_least: Severity::Medium, window: Duration::from_secs(60), per_minute: 7 }
    );
}
