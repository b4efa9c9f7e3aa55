//! What `penstock alerts` prints.

use super::state::State;
use crate::print::{columns, second};
use alert::{Alert, Destination, Form, Transport, Way};
use miette::IntoDiagnostic;
use plant::DestinationId;
use serde_json::{Value, json};
use std::time::Duration;

/// What came of a test: where to, how long it took, and the problem if there was one.
pub(super) type Tried<'a> = (&'a Destination, Duration, Result<(), String>);

/// Where a destination is, as the plant file says it.
fn place(to: &Destination) -> String {
    match &to.way {
        Way::Syslog { transport, host, port, form } => {
            let scheme = match transport {
                Transport::Tls => "tls",
                Transport::Tcp => "tcp",
                Transport::Udp => "udp",
            };
            let form = Form::NAMES.iter().find(|(_, known)| known == form).map_or("", |(name, _)| name);
            format!("syslog+{scheme}://{host}:{port} ({form})")
        }
        Way::Webhook { url } => url.clone(),
        Way::Mail { host, port, implicit, .. } => format!("smtp{}://{host}:{port}", if *implicit { "s" } else { "" }),
    }
}

/// How a destination does, in a few words.
fn doing(state: Option<&State>) -> String {
    match state {
        None => "not told anything yet".to_owned(),
        Some(State { problem: Some(problem), tries, .. }) => format!("down, {tries} attempts: {problem}"),
        Some(State { outbox, .. }) if !outbox.is_empty() => "waiting".to_owned(),
        Some(_) => "well".to_owned(),
    }
}

pub(super) fn text(states: &[(&Destination, Option<State>)], alerts: Option<&[(&DestinationId, Alert)]>) -> String {
    if states.is_empty() {
        return "the plant file names no destination of alerts: `[alerts.NAME]` declares one\n".to_owned();
    }
    let row = |(to, state): &(&Destination, Option<State>)| {
        let known = state.as_ref();
        [
            to.id.to_string(),
            place(to),
            to.at_least.name().to_owned(),
            known.map_or(0, |state| state.outbox.len()).to_string(),
            known.map_or(0, |state| state.delivered).to_string(),
            known.and_then(|state| state.last).map(second).unwrap_or_default(),
            doing(known),
        ]
    };
    let heading = ["DESTINATION", "TO", "AT LEAST", "PENDING", "DELIVERED", "LAST", "STATE"];
    let mut text = columns(heading, states.iter().map(row));
    if let Some(alerts) = alerts {
        text.push('\n');
        text.push_str(&table(alerts));
    }
    text
}

fn table(alerts: &[(&DestinationId, Alert)]) -> String {
    if alerts.is_empty() {
        return "nothing would have been sent\n".to_owned();
    }
    let row = |(to, alert): &(&DestinationId, Alert)| {
        let facts: Vec<String> = alert.facts.iter().map(|(name, value)| format!("{name} {value}")).collect();
        [
            second(alert.last),
            alert.severity.name().to_owned(),
            alert.code.name().to_owned(),
            alert.status.name().to_owned(),
            alert.count.to_string(),
            to.to_string(),
            facts.join(", "),
        ]
    };
    columns(["TIME", "SEVERITY", "ALERT", "STATUS", "COUNT", "DESTINATION", "ABOUT"], alerts.iter().map(row))
}

pub(super) fn data(
    states: &[(&Destination, Option<State>)],
    alerts: Option<&[(&DestinationId, Alert)]>,
) -> miette::Result<String> {
    let destination = |(to, state): &(&Destination, Option<State>)| {
        let known = state.as_ref();
        json!({
            "destination": to.id.as_str(),
            "to": place(to),
            "at_least": to.at_least.name(),
            "pending": known.map(|state| state.outbox.len()),
            "delivered": known.map(|state| state.delivered),
            "last": known.and_then(|state| state.last).map(|time| time.to_string()),
            "next_record": known.map(|state| state.next),
            "tries": known.map(|state| state.tries),
            "problem": known.and_then(|state| state.problem.clone()),
        })
    };
    let alert = |(to, alert): &(&DestinationId, Alert)| json!({ "destination": to.as_str(), "alert": alert.data() });
    let mut all = json!({ "destinations": states.iter().map(destination).collect::<Vec<_>>() });
    if let Some((object, alerts)) = all.as_object_mut().zip(alerts) {
        object.insert("alerts".to_owned(), alerts.iter().map(alert).collect::<Vec<_>>().into());
    }
    pretty(&all)
}

pub(super) fn tried(came: &[Tried<'_>]) -> String {
    let line = |(to, took, sent): &Tried<'_>| match sent {
        Ok(()) => format!("{}: delivered to {} in {} ms\n", to.id, place(to), took.as_millis()),
        Err(problem) => format!("{}: not delivered to {}: {problem}\n", to.id, place(to)),
    };
    came.iter().map(line).collect()
}

pub(super) fn tried_data(came: &[Tried<'_>]) -> miette::Result<String> {
    let one = |(to, took, sent): &Tried<'_>| {
        let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        json!({ "destination": to.id.as_str(), "to": place(to), "ms": took, "problem": sent.as_ref().err() })
    };
    pretty(&came.iter().map(one).collect::<Vec<_>>().into())
}

fn pretty(value: &Value) -> miette::Result<String> {
    Ok(serde_json::to_string_pretty(value).into_diagnostic()? + "\n")
}
