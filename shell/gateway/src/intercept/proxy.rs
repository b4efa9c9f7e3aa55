//! The explicit proxy: `CONNECT` for a tunnel, and absolute targets for what is spoken in the clear (RFC 9110 sections 7.1 and 9.3.6).
//!
//! A caller proves itself with a client certificate to the proxy, with `Proxy-Authorization`, or, weakest, by its address. One that
//! shows nothing may still show its workload token inside, where each request is judged anyway; one that shows something
//! wrong is told at once.

use super::settle::Wanted;
use super::tunnel::{self, Asked};
use super::{Authority, Via, pac};
use crate::connection::{self, Caller, Origin};
use crate::life::{Heard, Life, Patience};
use crate::reply::{self, Body, Reply};
use crate::tls::SharedTls;
use crate::{Gate, Inforce, exchange};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use plant::{Reason, RecordId, Refusal, Verdict};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// How long a caller may take to read what the proxy itself says.
const ANSWER: Duration = Duration::from_secs(60);

/// A connection to the proxy.
struct Front {
    gate: Arc<Gate>,
    origin: Origin,
    life: Arc<Life>,
    /// Whether the proxy itself is spoken to by TLS.
    tls: bool,
    /// The tunnel that it has become.
    tunnel: Mutex<Option<(OnUpgrade, Asked)>>,
}

/// Serves one connection to the proxy.
pub(crate) async fn serve(gate: &Arc<Gate>, stream: TcpStream, peer: SocketAddr, tls: Option<Arc<SharedTls>>) {
    match tls {
        None => front(gate, stream, Origin { peer, shown: None }, false).await,
        Some(tls) => {
            if let Some((stream, origin, _)) = connection::shake(gate, stream, peer, tls).await {
                front(gate, stream, origin, true).await;
            }
        }
    }
}

async fn front<S>(gate: &Arc<Gate>, stream: S, origin: Origin, tls: bool)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &gate.limits;
    let life = Life::begin(Patience::of(limits), true);
    let tunnel = Mutex::new(None);
    let front = Arc::new(Front { gate: Arc::clone(gate), origin, life: Arc::clone(&life), tls, tunnel });
    let service = service_fn(|request| {
        let front = Arc::clone(&front);
        async move { Ok::<_, Infallible>(front.answer(request).await) }
    });
    let stream = TokioIo::new(Heard { stream, life: Arc::clone(&life) });
    let http = connection::first(limits).serve_connection(stream, service).with_upgrades();
    let ended = connection::drive(gate, &life, http, |http| http.graceful_shutdown()).await;
    let taken = front.tunnel.lock().unwrap_or_else(PoisonError::into_inner).take();
    match taken {
        None => connection::tell(gate, &front.origin, ended).await,
        Some((upgrade, asked)) => {
            if let Ok(upgraded) = upgrade.await {
                tunnel::serve(gate, TokioIo::new(upgraded), asked).await;
            }
        }
    }
}

impl Front {
    async fn answer(&self, request: Request<Incoming>) -> Reply {
        let inforce = self.gate.inforce.load_full();
        let token = token(request.headers());
        if request.method() == Method::CONNECT {
            return self.connect(&inforce, request, token).await;
        }
        match (request.uri().scheme_str(), request.uri().authority()) {
            (Some(_), Some(authority)) => {
                let to = Authority::parse(authority.as_str(), Some(80));
                self.forward(&inforce, request, to, token).await
            }
            _ => self.own(&inforce, &request),
        }
    }

    /// Opens a tunnel, or says why not.
    async fn connect(&self, inforce: &Inforce, mut request: Request<Incoming>, token: Option<String>) -> Reply {
        let target = request.uri().authority().and_then(|one| Authority::parse(one.as_str(), None));
        let Some(to) = target else {
            let refusal = Refusal::new(Reason::BadRequest, "the target of the tunnel is no host and port");
            return self.refuse(inforce, Wanted::Here, token, &refusal).await;
        };
        let wanted = Wanted::Tunnel(to.clone());
        if let Err(refusal) = self.admit(inforce, &to, request.headers(), token.clone()).await {
            return self.refuse(inforce, wanted, token, &refusal).await;
        }
        let asked = Asked { origin: self.origin.clone(), wanted, token };
        let upgrade = hyper::upgrade::on(&mut request);
        *self.tunnel.lock().unwrap_or_else(PoisonError::into_inner) = Some((upgrade, asked));
        Response::new(Body::whole(Bytes::new(), Instant::now() + ANSWER))
    }

    /// Whether a tunnel may be opened at all: what goes through it is judged once it has said in TLS where it goes.
    async fn admit(
        &self,
        inforce: &Inforce,
        to: &Authority,
        headers: &HeaderMap,
        token: Option<String>,
    ) -> Result<(), Refusal> {
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().map(|host| host.to_str().ok().and_then(|text| Authority::parse(text, Some(to.port))));
        if host.is_some_and(|host| host.as_ref() != Some(to)) || hosts.next().is_some() {
            return Err(Refusal::new(
                Reason::HostMismatch,
                format!("the tunnel is for `{to}`, its `Host` for another"),
            ));
        }
        let interception = inforce.interception().filter(|one| one.hosts.provider(to, true).is_some());
        let Some(interception) = interception else {
            return Err(Refusal::new(Reason::UnknownHost, format!("`{to}` is no provider of this plant")));
        };
        let caller = self.caller(to.clone(), true, token);
        match inforce.identify(&caller, &HeaderMap::new()).await.refusal {
            // What passes unread shows nothing inside.
            Some(refusal) if refusal.reason == Reason::NoIdentity => {
                if interception.challenge || interception.pinned.contains(&to.host) { Err(refusal) } else { Ok(()) }
            }
            Some(refusal) => Err(refusal),
            None => Ok(()),
        }
    }

    /// A call in the clear: refused, unless a provider of the plant is spoken to in the clear at this host.
    async fn forward(
        &self,
        inforce: &Inforce,
        request: Request<Incoming>,
        to: Option<Authority>,
        token: Option<String>,
    ) -> Reply {
        let known = |to: &Authority| inforce.interception().is_some_and(|one| one.hosts.provider(to, false).is_some());
        match to.filter(|_| request.uri().scheme_str() == Some("http")) {
            Some(to) if known(&to) => {
                let caller = Arc::new(self.caller(to, false, token));
                exchange::exchange(Arc::clone(&self.gate), caller, request).await
            }
            Some(to) => {
                let detail = format!("no provider of this plant is spoken to in the clear at `{to}`");
                let refusal = Refusal::new(Reason::UnknownHost, detail);
                self.refuse(inforce, Wanted::Tunnel(to), token, &refusal).await
            }
            None => {
                let refusal =
                    Refusal::new(Reason::BadRequest, "a proxy takes `http://` targets, and `CONNECT` for others");
                self.refuse(inforce, Wanted::Here, token, &refusal).await
            }
        }
    }

    /// What the proxy has to give by itself: how to use it, and whom to believe. Neither is a secret.
    fn own(&self, inforce: &Inforce, request: &Request<Incoming>) -> Reply {
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        let port = Some(if self.tls { 443 } else { 80 });
        let (interception, host) = (inforce.interception(), host.and_then(|host| Authority::parse(host, port)));
        let (kind, text) = match (request.uri().path(), interception, host) {
            ("/proxy.pac", Some(interception), Some(host)) => {
                ("application/x-ns-proxy-autoconfig", pac(&interception.hosts.names(), &host, self.tls))
            }
            ("/authorities.pem", Some(interception), _) => ("application/x-pem-file", interception.bundle.clone()),
            _ => {
                let text =
                    "this is a proxy: send it `CONNECT`; it also has /proxy.pac and /authorities.pem\n".to_owned();
                return plain(StatusCode::NOT_FOUND, "text/plain; charset=utf-8", text);
            }
        };
        if request.method() != Method::GET {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "text/plain; charset=utf-8", "only GET\n".to_owned());
        }
        plain(StatusCode::OK, kind, text)
    }

    fn caller(&self, to: Authority, tls: bool, token: Option<String>) -> Caller {
        Caller::new(&self.origin, Arc::clone(&self.life), Some(Arc::new(Via { to, tls, token, way: "proxy" })))
    }

    async fn refuse(&self, inforce: &Inforce, wanted: Wanted, token: Option<String>, refusal: &Refusal) -> Reply {
        let asked = Asked { origin: self.origin.clone(), wanted, token };
        let record = tunnel::record(&self.gate, inforce, &asked, None, refusal).await;
        refused(refusal, record)
    }
}

/// A refusal as a proxy gives it: in plain words, for no dialect is spoken yet.
fn refused(refusal: &Refusal, record: Option<RecordId>) -> Reply {
    let reason = refusal.reason;
    let shown = record.map_or_else(String::new, |id| format!(", record {id}"));
    let text = format!("Penstock: {} ({reason}{shown})\n", reason.message());
    // Who must say who it is says it to the proxy here, and not to a server (RFC 9110 section 15.5.8).
    let status = if reason.status() == 401 { 407 } else { reason.status() };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
    let mut reply = plain(status, "text/plain; charset=utf-8", text);
    if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
        let asks = HeaderValue::from_static("Basic realm=\"penstock: any name, and a workload token as password\"");
        reply.headers_mut().insert(PROXY_AUTHENTICATE, asks);
    }
    reply::sign(&mut reply, Verdict::Refuse, Some(reason), record);
    reply
}

fn plain(status: StatusCode, kind: &'static str, text: String) -> Reply {
    let mut reply = Response::new(Body::whole(text, Instant::now() + ANSWER));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    reply
}

/// What a caller shows the proxy: a token by itself, or as the password or else the name of `Basic` (RFC 7617), since that is what an
/// address of a proxy with a user in it becomes. What can be neither is given as it is, and is then nobody's.
fn token(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(PROXY_AUTHORIZATION).iter();
    let text = values.next()?.to_str().unwrap_or("?").trim();
    let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
    let rest = rest.trim_start();
    if values.next().is_some() {
        return Some("?".to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Some(if scheme.eq_ignore_ascii_case("bearer") { rest } else { "?" }.to_owned());
    }
    let pair = seal::unbase64(rest).and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    let (name, password) = pair.split_once(':').unwrap_or((&pair, ""));
    let of_ours = |text: &&str| identity::holds_token(text.as_bytes());
    Some([password, name].into_iter().find(of_ours).unwrap_or("?").to_owned())
}

#[cfg(test)]
mod tests {
    use super::token;
    use http::HeaderMap;
    use http::header::PROXY_AUTHORIZATION;

    fn shown(values: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(PROXY_AUTHORIZATION, value.parse().unwrap());
        }
        token(&headers)
    }

    #[test]
    fn a_token_comes_by_itself_or_in_the_address_of_the_proxy() {
        let basic = |pair: &str| format!("Basic {}", seal::base64(pair.as_bytes()));
        assert_eq!(shown(&[]), None);
        assert_eq!(shown(&["Bearer psk_a_b"]).as_deref(), Some("psk_a_b"));
        assert_eq!(shown(&[&basic("copilot:psk_a_b")]).as_deref(), Some("psk_a_b"));
        assert_eq!(shown(&[&basic("psk_a_b:")]).as_deref(), Some("psk_a_b"));
        assert_eq!(shown(&[&basic("psk_a_b")]).as_deref(), Some("psk_a_b"));
        for other in [basic("user:secret"), "Basic %%%".to_owned(), "Negotiate abc".to_owned(), "Basic".to_owned()] {
            assert_eq!(shown(&[&other]).as_deref(), Some("?"), "{other}");
        }
        assert_eq!(shown(&["Bearer psk_a_b", "Bearer psk_a_b"]).as_deref(), Some("?"));
    }
}
