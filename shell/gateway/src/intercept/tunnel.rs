//! A connection whose destination is still to be settled: its `ClientHello` is read first, and then it is spliced, intercepted
//! or refused.

use super::settle::{Settled, Wanted, settle};
use super::{Authority, Via, splice};
use crate::connection::{self, Origin};
use crate::journal::Journal;
use crate::replay::Replay;
use crate::{Gate, Inforce};
use bytes::{Bytes, BytesMut};
use hello::Hello;
use plant::{Reason, RecordId, Refusal};
use rustls::AlertDescription;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// How long a caller may take to say where it wants to go, and to shake hands.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a refused caller may take to read why: a reset would reach it before the alert.
const LINGER: Duration = Duration::from_secs(1);

/// Who asked for a connection, and how.
pub(crate) struct Asked {
    pub(crate) origin: Origin,
    pub(crate) wanted: Wanted,
    /// The workload token that the proxy was shown.
    pub(crate) token: Option<String>,
}

/// Serves a connection of which nothing has been read.
pub(crate) async fn serve<S>(gate: &Arc<Gate>, mut stream: S, asked: Asked)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let inforce = gate.inforce.load_full();
    let settled = match timeout(HANDSHAKE, read(&mut stream)).await {
        Ok(Ok(Some((hello, bytes)))) => settled(&inforce, &asked.wanted, &hello).map(|settled| (settled, bytes)),
        // Nothing was said, so nothing was wanted: browsers open connections that they may need later.
        Ok(Ok(None)) => return,
        Ok(Err(malformed)) => Err(Refusal::new(Reason::HelloRefused, malformed.to_string())),
        Err(_) => Err(Refusal::new(Reason::HelloRefused, "the first message of TLS did not come in time")),
    };
    match settled {
        Ok((Settled::Splice(to), bytes)) => splice::serve(gate, &inforce, stream, &asked, to, bytes).await,
        Ok((Settled::Intercept(to), bytes)) => intercept(gate, &inforce, stream, asked, to, bytes).await,
        Err(refusal) => {
            record(gate, &inforce, &asked, None, &refusal).await;
            turn_away(stream, &refusal).await;
        }
    }
}

fn settled(inforce: &Inforce, wanted: &Wanted, hello: &Hello) -> Result<Settled, Refusal> {
    let none = || Refusal::new(Reason::UnknownHost, "the plant file in force intercepts nothing");
    settle(inforce.interception().ok_or_else(none)?, wanted, hello)
}

/// Reads a caller's first message, and gives its bytes too. `None` if it left without a word.
async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> Result<Option<(Hello, Bytes)>, hello::Malformed> {
    let (mut reader, mut bytes, mut seen) = (hello::Reader::default(), BytesMut::with_capacity(2048), 0);
    loop {
        match stream.read_buf(&mut bytes).await {
            Ok(0) | Err(_) => return if bytes.is_empty() { Ok(None) } else { Err(hello::Malformed::Length) },
            Ok(_) => {}
        }
        let hello = reader.push(bytes.get(seen..).unwrap_or_default())?;
        seen = bytes.len();
        if let Some(hello) = hello {
            return Ok(Some((hello, bytes.freeze())));
        }
    }
}

/// Answers in the host's name, once its own certificate has been seen to be good.
async fn intercept<S>(gate: &Arc<Gate>, inforce: &Arc<Inforce>, stream: S, asked: Asked, to: Authority, bytes: Bytes)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let config = match prepared(inforce, &to).await {
        Ok(config) => config,
        Err(refusal) => {
            record(gate, inforce, &asked, Some(&to), &refusal).await;
            return turn_away(stream, &refusal).await;
        }
    };
    let acceptor = tokio_rustls::TlsAcceptor::from(config);
    let stream = match timeout(HANDSHAKE, acceptor.accept(Replay { bytes, stream })).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(problem)) => {
            let refusal = unshaken(&to, &problem);
            gate.metrics.handshake_failed(if refusal.is_some() { "tls" } else { "gone" });
            if let Some(refusal) = refusal {
                record(gate, inforce, &asked, Some(&to), &refusal).await;
            }
            return;
        }
        Err(_) => return gate.metrics.handshake_failed("slow"),
    };
    let (_, session) = stream.get_ref();
    // INVARIANT: two readers of one message found the same name in it.
    let meant = session.server_name();
    if meant.is_some() && meant != Some(to.host.as_str()) {
        let refusal = Refusal::new(Reason::HostMismatch, "the handshake was read as one for another host");
        let _ = record(gate, inforce, &asked, Some(&to), &refusal).await;
        return;
    }
    let second = session.alpn_protocol() == Some(b"h2");
    let via = Via { to, tls: true, token: asked.token, way: asked.wanted.way() };
    connection::http(gate, stream, &asked.origin, Some(Arc::new(via)), second).await;
}

/// TLS in the host's name, if the host itself has a certificate that is good: a bad one is never hidden behind ours.
async fn prepared(inforce: &Inforce, to: &Authority) -> Result<Arc<rustls::ServerConfig>, Refusal> {
    let interception = inforce.interception().map(|one| (one, one.hosts.provider(to, true)));
    let Some((interception, Some(provider))) = interception else {
        return Err(Refusal::new(Reason::UnknownHost, format!("`{to}` is no provider of this plant")));
    };
    if let Some(upstream) = inforce.way_to(provider) {
        upstream.trusted().await?;
    }
    interception.mint.leaf(&to.host)
}

/// What a failed handshake says of the caller; `None` if it just left.
fn unshaken(to: &Authority, problem: &io::Error) -> Option<Refusal> {
    let told = problem.get_ref()?.downcast_ref::<rustls::Error>()?;
    let host = &to.host;
    Some(match told {
        rustls::Error::AlertReceived(alert) if distrusts(*alert) => {
            let detail = format!(
                "the caller ended the handshake for `{host}` ({alert:?}): it lacks the plant's interception authority, or pins a certificate"
            );
            Refusal::new(Reason::CallerDistrusts, detail)
        }
        told => Refusal::new(Reason::HelloRefused, format!("the handshake for `{host}` failed: {told}")),
    })
}

/// Whether an alert speaks of our certificate (RFC 8446 section 6.2).
fn distrusts(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
    )
}

/// Records that a connection goes nowhere; gives the record's id if there is one.
pub(super) async fn record(
    gate: &Arc<Gate>,
    inforce: &Inforce,
    asked: &Asked,
    to: Option<&Authority>,
    refusal: &Refusal,
) -> Option<RecordId> {
    Journal::of_tunnel(gate, inforce, asked, to).turn_away(gate, refusal).await
}

/// Says why in TLS, and closes. Callers show it as their own error.
async fn turn_away<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, refusal: &Refusal) {
    let alert = match refusal.reason {
        Reason::UnknownHost | Reason::HostMismatch => AlertDescription::UnrecognisedName,
        Reason::ProviderUnreachable | Reason::TooBusy => AlertDescription::InternalError,
        _ => AlertDescription::AccessDenied,
    };
    // A record of an alert, fatal (RFC 8446 sections 5.1 and 6).
    let said = stream.write_all(&[21, 3, 3, 0, 2, 2, u8::from(alert)]).await.is_ok() && stream.shutdown().await.is_ok();
    if said {
        let mut rest = [0; 512];
        let _ = timeout(LINGER, async { while matches!(stream.read(&mut rest).await, Ok(1..)) {} }).await;
    }
}
