//! The gateway's pulse: one look at its instruments in a second, however many people watch.
//!
//! ```text
//! Control::reading, once a second ─> windows of time ─> Now ─> one text ─> every console that is open
//! ```

mod day;
mod shown;
mod window;

pub(crate) use day::History;
pub(crate) use shown::Now;

use crate::control::Control;
use crate::porter::Porter;
use bytes::Bytes;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use window::Windows;

/// How often the instruments are read.
const BEAT: Duration = Duration::from_secs(1);

/// What was read last, and who waits for the next.
pub(crate) struct Pulse {
    control: Arc<dyn Control>,
    porter: Arc<Porter>,
    windows: Mutex<Windows>,
    beat: watch::Sender<Bytes>,
}

impl Pulse {
    pub(crate) fn new(control: Arc<dyn Control>, porter: Arc<Porter>) -> Arc<Self> {
        let pulse = Self { control, porter, windows: Mutex::default(), beat: watch::Sender::new(Bytes::new()) };
        pulse.beat();
        Arc::new(pulse)
    }

    /// Beats until the console stops.
    pub(crate) async fn live(self: Arc<Self>, stopping: CancellationToken) {
        let mut beats = tokio::time::interval(BEAT);
        beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = beats.tick() => self.beat(),
                () = stopping.cancelled() => return,
            }
        }
    }

    fn beat(&self) {
        let reading = self.control.reading();
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows.take(&reading);
        // Written down only for those who watch, and once for all of them.
        let text = if self.beat.receiver_count() > 0 {
            text(&Now::brief(&reading, &windows).and_barred(self.barred()))
        } else {
            Bytes::new()
        };
        self.beat.send_replace(text);
    }

    /// How it stands, with the last quarter of an hour.
    pub(crate) fn now(&self) -> Now {
        let reading = self.control.reading();
        // A panic under this lock costs at worst a slot of the windows.
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        Now::whole(&reading, &windows).and_barred(self.barred())
    }

    fn barred(&self) -> u64 {
        self.porter.lately(Instant::now())
    }

    /// The last day, or what there was of it since the gateway began.
    pub(crate) fn day(&self) -> History {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner).day()
    }

    /// What will be told from now on, beat by beat. An empty text is nothing to tell.
    pub(crate) fn watch(&self) -> watch::Receiver<Bytes> {
        self.beat.subscribe()
    }
}

/// An event of a stream (HTML Living Standard, section 9.2): JSON has no line of its own to break it.
fn text(now: &Now) -> Bytes {
    match serde_json::to_string(now) {
        Ok(json) => format!("event: now\ndata: {json}\n\n").into(),
        Err(_) => Bytes::new(),
    }
}
