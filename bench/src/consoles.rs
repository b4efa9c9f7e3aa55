//! People who look: consoles that are signed in, follow the gateway's events and load pages anew, as browsers do.

use crate::Outcome;
use crate::gate::Gate;
use crate::process::done;
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// How often somebody loads the page anew.
const RELOADS: Duration = Duration::from_secs(5);
/// What each page asks for when it is opened; consoles take turns among them.
const PAGES: [&[&str]; 5] =
    [&["now"], &["map", "undeclared"], &["records?limit=50"], &["components"], &["paths", "holds", "isolations"]];

/// Somebody who has signed in, and may open a console.
#[derive(Clone)]
pub(crate) struct Person {
    console: SocketAddr,
    cookie: String,
}

impl Person {
    /// Signs in by a one-time link.
    pub(crate) async fn sign_in(gate: &Gate, name: &str) -> Outcome<Self> {
        let told = done(&mut gate.command(&["admin", "link", "--person", name, "--role", "engineer", "--json"]))?;
        let told: Value = serde_json::from_slice(&told)?;
        let link = told.get("link").and_then(Value::as_str).ok_or("no link")?;
        let secret = link.split_once("#link=").ok_or("the link holds no secret")?.1;
        let body = json!({ "link": secret }).to_string();
        let request = Request::post("/api/v1/session")
            .header(header::HOST, gate.console.to_string())
            .header(header::ORIGIN, format!("http://{}", gate.console))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))?;
        let answer = connect(gate.console).await?.send_request(request).await?;
        let cookie = answer.headers().get(header::SET_COOKIE).ok_or("nobody was signed in")?.to_str()?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Ok(Self { console: gate.console, cookie })
    }

    /// Has one console open until it is dropped; `seen` hears of the first event. Ends only with what went wrong.
    async fn watch(self, nth: usize, seen: mpsc::Sender<()>) -> Outcome<()> {
        self.load(&mut connect(self.console).await?, nth).await?;
        let mut events = self.get(&mut connect(self.console).await?, "/api/v1/events").await?;
        events.body_mut().frame().await.ok_or("no event came")??;
        seen.send(()).await?;
        tokio::try_join!(follow(events), self.reload(nth))?;
        Ok(())
    }

    async fn reload(&self, nth: usize) -> Outcome<()> {
        // Each at a time of its own, so that every window has its share.
        tokio::time::sleep(RELOADS.mul_f64((nth as f64 + 0.5) / 10.0)).await;
        loop {
            self.load(&mut connect(self.console).await?, nth).await?;
            tokio::time::sleep(RELOADS).await;
        }
    }

    /// Loads a page with its files and what it asks for, on one connection.
    async fn load(&self, sender: &mut SendRequest<Full<Bytes>>, nth: usize) -> Outcome<()> {
        let page = self.whole(sender, "/").await?;
        let page = String::from_utf8_lossy(&page).into_owned();
        for file in page.split('"').filter(|text| text.starts_with("/files/")) {
            self.whole(sender, file).await?;
        }
        self.whole(sender, "/api/v1/session").await?;
        for asked in PAGES.iter().cycle().nth(nth).copied().unwrap_or_default() {
            self.whole(sender, &format!("/api/v1/{asked}")).await?;
        }
        Ok(())
    }

    async fn whole(&self, sender: &mut SendRequest<Full<Bytes>>, path: &str) -> Outcome<Bytes> {
        Ok(self.get(sender, path).await?.into_body().collect().await?.to_bytes())
    }

    async fn get(&self, sender: &mut SendRequest<Full<Bytes>>, path: &str) -> Outcome<Response<Incoming>> {
        let request = Request::get(path)
            .header(header::HOST, self.console.to_string())
            .header(header::COOKIE, &self.cookie)
            .body(Full::default())?;
        sender.ready().await?;
        let answer = sender.send_request(request).await?;
        match answer.status() {
            StatusCode::OK => Ok(answer),
            status => Err(format!("`{path}` of the console answered {status}").into()),
        }
    }
}

/// Consoles that are open, until this is dropped.
pub(crate) struct Open(JoinSet<Outcome<()>>);

impl Open {
    /// Opens one for each person; all of them follow when this is done.
    pub(crate) async fn by(people: &[Person]) -> Outcome<Self> {
        let (seen, mut told) = mpsc::channel(people.len().max(1));
        let mut consoles = JoinSet::new();
        for (nth, person) in people.iter().enumerate() {
            consoles.spawn(person.clone().watch(nth, seen.clone()));
        }
        for _ in people {
            tokio::select! {
                told = told.recv() => told.ok_or("no console follows")?,
                Some(ended) = consoles.join_next() => ended??,
            }
        }
        Ok(Self(consoles))
    }

    /// Closes them; what went wrong with one meanwhile is a problem, for then so many were not open.
    pub(crate) fn close(mut self) -> Outcome<()> {
        while let Some(ended) = self.0.try_join_next() {
            ended??;
        }
        Ok(())
    }
}

async fn follow(mut events: Response<Incoming>) -> Outcome<()> {
    while let Some(frame) = events.body_mut().frame().await {
        frame?;
    }
    Err("the events came to an end".into())
}

async fn connect(address: SocketAddr) -> Outcome<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}
