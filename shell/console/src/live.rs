//! Events for those who watch: what the pulse tells, as long as somebody may hear it.

use crate::control::Fault;
use crate::front::Front;
use crate::problem::{Problem, Reply};
use bytes::Bytes;
use http::Response;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http_body_util::Either;
use http_body_util::channel::Channel;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// How long a browser may take to read an event. One that has stopped reading gives its place to another.
const PATIENCE: Duration = Duration::from_secs(20);
/// The last event of a stream whose session is over.
const OVER: Bytes = Bytes::from_static(b"event: over\ndata: {}\n\n");

/// Opens a stream of events; `still` says before each whether it may go on.
pub(crate) fn open(
    front: &Arc<Front>,
    stopping: CancellationToken,
    still: impl Fn() -> bool + Send + 'static,
) -> Result<Reply, Problem> {
    let full = |_| Fault::Unavailable("as many consoles follow as may; look again".to_owned());
    let place = Arc::clone(&front.watchers).try_acquire_owned().map_err(full)?;
    let mut beats = front.pulse.watch();
    let (mut sender, body) = Channel::new(1);
    tokio::spawn(async move {
        let _place = place;
        loop {
            let beat = tokio::select! {
                changed = beats.changed() => changed,
                () = stopping.cancelled() => return,
            };
            let going_on = beat.is_ok() && still();
            let event = if going_on { beats.borrow_and_update().clone() } else { OVER };
            let sent = event.is_empty() || matches!(timeout(PATIENCE, sender.send_data(event)).await, Ok(Ok(())));
            if !sent || !going_on {
                return;
            }
        }
    });
    let mut reply = Response::new(Either::Right(body));
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    reply.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(reply)
}
