//! Alerts to a program: a POST of JSON, signed as Standard Webhooks does, under headers of CloudEvents 1.0.
//!
//! ```text
//! webhook-signature: v1,BASE64(HMAC-SHA-256(secret, webhook-id "." webhook-timestamp "." body))
//! ```
//!
//! The receiver refuses a timestamp that is too old, and what it has seen under the same identity.

use super::send::{Failed, credential};
use alert::{Alert, Destination};
use gateway::now;
use http::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::error::Error;
use std::time::Duration;
use zeroize::Zeroizing;

/// Longest answer that is read; nothing in it counts.
const LIMIT: usize = 64 << 10;
/// Longest time that a destination may ask to be left alone.
const LONGEST: Duration = Duration::from_secs(3600);
/// Fewest bytes of a secret (Standard Webhooks 1.0: 24 to 64).
const LEAST: usize = 24;

pub(super) async fn post(to: &Destination, url: &str, alert: &Alert) -> Result<(), Failed> {
    let connector = gateway::connector(to.authorities.as_deref()).map_err(|problem| later(&problem))?;
    let secret = credential(to)?.map(|text| secret(&text)).transpose()?;
    let request = request(url, alert, secret.as_ref().map(|key| key.as_slice()), now().0 / 1000)?;
    // A client of its own for each message, and one that follows no redirect: nobody else is to be sent what the plant says.
    let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
    let answer = client.request(request).await.map_err(|problem| later(&problem))?;
    let (status, pause) = (answer.status(), pause(answer.headers()));
    // Read for good manners only, so that the connection ends well; what it says may be anything.
    let _ = Limited::new(answer.into_body(), LIMIT).collect().await;
    judge(status, pause)
}

fn judge(status: StatusCode, pause: Option<Duration>) -> Result<(), Failed> {
    let why = format!("it answers {}", status.as_u16());
    match status.as_u16() {
        200..=299 => Ok(()),
        // It has read this message and wants none like it. Whatever else it says is about us, or about it, and can be mended.
        400 | 406 | 411 | 413..=417 | 422 => Err(Failed::Unwanted(why)),
        _ => Err(pause.map_or_else(|| Failed::Later(why.clone()), |pause| Failed::After { why: why.clone(), pause })),
    }
}

fn request(url: &str, alert: &Alert, secret: Option<&[u8]>, seconds: u64) -> Result<Request<Full<Bytes>>, Failed> {
    let body = alert.data().to_string();
    let site = &alert.site;
    let mut request = Request::post(url)
        .header(CONTENT_TYPE, "application/json")
        .header(USER_AGENT, concat!("penstock/", env!("CARGO_PKG_VERSION")))
        .header("webhook-id", &alert.id)
        .header("webhook-timestamp", seconds.to_string())
        .header("ce-specversion", "1.0")
        .header("ce-id", &alert.id)
        .header("ce-type", format!("penstock.alert.{}", alert.code))
        .header("ce-source", format!("/penstock/{}/{}", site.plant, site.gateway))
        .header("ce-time", alert.last.to_string());
    if let Some(secret) = secret {
        let signed = format!("{}.{seconds}.{body}", alert.id);
        let tag = seal::base64(&seal::hmac_sha256(secret, signed.as_bytes()));
        request = request.header("webhook-signature", format!("v1,{tag}"));
    }
    request.body(Full::new(Bytes::from(body))).map_err(|problem| later(&problem))
}

/// The bytes of a secret: base64, with or without the usual `whsec_` before it.
fn secret(text: &str) -> Result<Zeroizing<Vec<u8>>, Failed> {
    let bytes = seal::unbase64(text.strip_prefix("whsec_").unwrap_or(text)).map(Zeroizing::new);
    let problem = || {
        Failed::Later(format!(
            "the credential is no secret of a webhook: `whsec_` and at least {LEAST} bytes in base64"
        ))
    };
    bytes.filter(|bytes| bytes.len() >= LEAST).ok_or_else(problem)
}

/// How long it asks to be left alone, in seconds (RFC 9110 section 10.2.3). A date is not understood; then the usual pause holds.
fn pause(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST))
}

fn later(problem: &dyn Error) -> Failed {
    // The first cause says what happened; what is around it, that it did.
    let mut cause = problem;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    Failed::later(cause)
}

#[cfg(test)]
mod tests {
    use super::{Failed, judge, pause, secret};
    use http::StatusCode;
    use http::header::{HeaderMap, RETRY_AFTER};
    use std::time::Duration;

    #[test]
    fn an_answer_says_whether_to_try_again() {
        let judged = |status| judge(StatusCode::from_u16(status).unwrap(), None);
        assert!([200, 202, 204].into_iter().all(|status| judged(status).is_ok()));
        assert!([400, 413, 422].into_iter().all(|status| matches!(judged(status), Err(Failed::Unwanted(_)))));
        for status in [301, 307, 401, 403, 404, 408, 410, 429, 500, 503] {
            assert!(matches!(judged(status), Err(Failed::Later(_))), "{status}");
        }
        assert!(matches!(judge(StatusCode::TOO_MANY_REQUESTS, Some(Duration::ZERO)), Err(Failed::After { .. })));
    }

    #[test]
    fn a_destination_may_ask_for_an_hour_of_peace_and_no_more() {
        let asked = |text: &str| pause(&HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]));
        assert_eq!(asked("120"), Some(Duration::from_secs(120)));
        assert_eq!(asked("99999999"), Some(Duration::from_secs(3600)));
        assert_eq!([asked("-1"), asked("soon"), asked("Sun, 06 Nov 1994 08:49:37 GMT")], [None; 3]);
    }

    #[test]
    fn a_secret_has_enough_bytes() {
        assert!(secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_ok());
        assert!(secret("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").is_ok());
        assert!(["", "whsec_", "whsec_c2hvcnQ=", "not base64!"].into_iter().all(|text| secret(text).is_err()));
    }
}
