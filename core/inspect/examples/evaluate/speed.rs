//! How fast 64 KiB of chat are read: benign texts with now and then one that has something in it.

use crate::data::Row;
use crate::find;
use penstock_inspect::Inspector;
use serde_json::{Value, json};
use std::fmt;
use std::time::Duration;

pub(crate) struct Speed {
    bodies: usize,
    findings: usize,
    /// 10^6 bytes per second of one processor.
    rate: f64,
    p50: Duration,
    p99: Duration,
}

pub(crate) fn measure(inspector: &Inspector, rows: &[Row]) -> Speed {
    let bodies = bodies(rows);
    let (mut times, mut total, mut findings) = (Vec::new(), 0, 0);
    for round in 0..20 {
        for body in &bodies {
            let begin = cpu_time();
            let found = find(inspector, body).len();
            // The first rounds warm the caches.
            if round > 2 {
                times.push(cpu_time() - begin);
                total += body.len();
                findings += found;
            }
        }
    }
    times.sort_unstable();
    let sum: f64 = times.iter().map(Duration::as_secs_f64).sum();
    let nth = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    Speed {
        bodies: bodies.len(),
        findings: findings / times.len().max(1),
        rate: total as f64 / sum / 1e6,
        p50: nth(50),
        p99: nth(99),
    }
}

/// What this thread has had of a processor: what others do meanwhile does not count.
fn cpu_time() -> Duration {
    Duration::try_from(rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime))
        .expect("a time since the start")
}

fn bodies(rows: &[Row]) -> Vec<String> {
    let benign: Vec<&Row> = rows.iter().filter(|row| row.class == "benign").collect();
    let others: Vec<&Row> = rows.iter().filter(|row| row.class != "benign" && row.text.len() < 600).collect();
    let mut bodies = vec![String::new()];
    for (at, row) in benign.iter().cycle().take(benign.len() * 3).enumerate() {
        let text = if at % 20 == 19 && !others.is_empty() { &others[at % others.len()].text } else { &row.text };
        let body = bodies.last_mut().expect("one body at least");
        body.push_str(text);
        body.push('\n');
        if body.len() >= 65_536 {
            bodies.push(String::new());
        }
    }
    bodies.retain(|body| body.len() >= 65_536);
    bodies
}

impl Speed {
    pub(crate) fn json(&self) -> Value {
        json!({
            "bodies": self.bodies, "findings": self.findings, "megabytes_per_second": (self.rate * 10.0).round() / 10.0,
            "p50_us": self.p50.as_micros().to_string().parse::<u64>().unwrap_or_default(),
            "p99_us": self.p99.as_micros().to_string().parse::<u64>().unwrap_or_default(),
        })
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bodies, findings, rate, p50, p99 } = self;
        writeln!(f, "{bodies} bodies of 64 KiB, {findings} findings each: {rate:.1} MB/s, p50 {p50:?}, p99 {p99:?}")
    }
}
