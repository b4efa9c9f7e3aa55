//! Streams at the pace of a model: when the first event comes, how far apart the others are, and whether all is there.

use crate::Outcome;
use crate::load::{Sender, Target, begin, connect};
use crate::process::{done, resident};
use crate::results::{Cut, Many, StreamWindow, microseconds};
use bytes::Bytes;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::process::Command;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// What the provider says, four letters an event; nothing in it is a finding.
const SAID: &str = "The filler drifts since the nozzles were cleaned; check the seals first.";

/// Streams of a window that run at a time: few, so that nobody waits for a core.
const AT_ONCE: usize = 4;

/// What one stream showed.
pub(crate) struct Seen {
    first: Duration,
    gaps: Vec<Duration>,
    /// Whether all of it came.
    pub(crate) whole: bool,
}

/// A request whose answer comes with `pace` milliseconds between events.
pub(crate) fn paced(pace: u64) -> Bytes {
    let messages = json!([{"role": "user", "content": SAID}]);
    Bytes::from(json!({"model": format!("paced-{pace}"), "stream": true, "messages": messages}).to_string())
}

pub(crate) async fn run(target: &Target, length: Duration) -> Outcome<StreamWindow> {
    let (end, body) = (Instant::now() + length, paced(5));
    let mut loops = Vec::new();
    for _ in 0..AT_ONCE {
        let (target, body, mut sender) = (target.clone(), body.clone(), connect(target).await?);
        loops.push(tokio::spawn(async move {
            let mut seen = Vec::new();
            while Instant::now() < end {
                seen.push(follow(&mut sender, &target, &body).await);
            }
            seen
        }));
    }
    let mut seen = Vec::new();
    for one in loops {
        seen.extend(one.await?);
    }
    let (streams, failed, first, gaps) = gather(seen);
    let ((first_p50, first_p99), (gap_p50, gap_p99)) = (microseconds(first), microseconds(gaps));
    Ok(StreamWindow { streams, failed, first_p50, first_p99, gap_p50, gap_p99 })
}

/// Opens all connections, then begins all streams at once.
pub(crate) async fn many(target: &Target, count: usize) -> Outcome<Many> {
    let body = paced(100);
    let mut senders = Vec::new();
    for _ in 0..count {
        senders.push(connect(target).await?);
    }
    let loops: Vec<_> = senders
        .into_iter()
        .map(|mut sender| {
            let (target, body) = (target.clone(), body.clone());
            tokio::spawn(async move { follow(&mut sender, &target, &body).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let resident = resident(target.process);
    let mut seen = Vec::new();
    for one in loops {
        seen.push(one.await?);
    }
    let (streams, broken, first, gaps) = gather(seen);
    let ((_, first_p99), (gap_p50, gap_p99)) = (microseconds(first), microseconds(gaps));
    Ok(Many { name: target.name.to_owned(), streams, broken, first_p99, gap_p50, gap_p99, resident })
}

/// Begins streams that say something once a second, runs the command once all have begun, and sees them end.
pub(crate) async fn cut(target: &Target, count: usize, mut shut: Command) -> Outcome<Cut> {
    let body = paced(1000);
    let (begun, mut beginnings) = mpsc::channel(count);
    let mut loops = Vec::new();
    for _ in 0..count {
        let (target, body, begun, mut sender) = (target.clone(), body.clone(), begun.clone(), connect(target).await?);
        loops.push(tokio::spawn(async move {
            let mut answer = begin(&mut sender, &target, &body).await?;
            let (mut text, mut told) = (Vec::new(), false);
            while let Some(Ok(frame)) = answer.body_mut().frame().await {
                text.extend_from_slice(&frame.into_data().unwrap_or_default());
                if !std::mem::replace(&mut told, true) {
                    begun.send(()).await?;
                }
            }
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>((Instant::now(), text))
        }));
    }
    for _ in 0..count {
        beginnings.recv().await.ok_or("no stream begins")?;
    }
    let began = Instant::now();
    let command = tokio::task::spawn_blocking(move || done(&mut shut).map(|_| began.elapsed())).await??;
    let (mut ends, mut missed) = (Vec::new(), 0);
    for one in loops {
        let (ended, text) = one.await??;
        missed += usize::from(!String::from_utf8_lossy(&text).contains("isolated"));
        ends.push(ended.duration_since(began).as_secs_f64() * 1e3);
    }
    ends.sort_by(f64::total_cmp);
    let at = |place: usize| ends.get(place).copied().unwrap_or(f64::NAN);
    let command = command.as_secs_f64() * 1e3;
    Ok(Cut { streams: count, missed, command, half: at(count / 2), all: at(count - 1) })
}

fn gather(all: Vec<Outcome<Seen>>) -> (usize, usize, Vec<Duration>, Vec<Duration>) {
    let (count, mut broken, mut first, mut gaps) = (all.len(), 0, Vec::new(), Vec::new());
    for seen in all {
        match seen {
            Ok(seen) if seen.whole => {
                first.push(seen.first);
                gaps.extend(seen.gaps);
            }
            _ => broken += 1,
        }
    }
    (count, broken, first, gaps)
}

/// Follows one stream to its end.
pub(crate) async fn follow(sender: &mut Sender, target: &Target, body: &Bytes) -> Outcome<Seen> {
    let began = Instant::now();
    let mut answer = begin(sender, target, body).await?;
    let (mut arrivals, mut text) = (Vec::new(), Vec::new());
    while let Some(frame) = answer.body_mut().frame().await {
        if let Ok(data) = frame?.into_data() {
            if data.windows(5).any(|bytes| bytes == b"data:") {
                arrivals.push(Instant::now());
            }
            text.extend_from_slice(&data);
        }
    }
    let first = arrivals.first().ok_or("no event came")?.duration_since(began);
    let gaps = arrivals.iter().zip(arrivals.iter().skip(1)).map(|(one, next)| next.duration_since(*one)).collect();
    Ok(Seen { first, gaps, whole: said(&text) == SAID && text.windows(6).any(|bytes| bytes == b"[DONE]") })
}

/// The text that the consumer assembles.
fn said(stream: &[u8]) -> String {
    let stream = String::from_utf8_lossy(stream);
    let events = stream.lines().filter_map(|line| line.strip_prefix("data:"));
    let events = events.filter_map(|event| serde_json::from_str::<Value>(event.trim()).ok());
    events.filter_map(|event| Some(event.pointer("/choices/0/delta/content")?.as_str()?.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    fn the_text_of_a_stream_is_what_its_deltas_say() {
        let stream = b"data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n\
            data: {\"choices\":[{\"delta\":{\"content\":\"The \"}}]}\n\ndata:{\"choices\":[{\"delta\":{\"content\":\"seals\"}}]}\n\n\
            data: [DONE]\n\n";
        assert_eq!(said(stream), "The seals");
    }
}
