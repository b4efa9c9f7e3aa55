//! Alerts by mail: SMTP (RFC 5321) over TLS, from the beginning (RFC 8314) or by STARTTLS (RFC 3207), without which nothing is sent.
//!
//! A client of our own: it needs eight commands, and what libraries for mail leave open matters here: the server's answers are
//! bounded, nothing that came before the handshake counts after it, and the plant's authorities hold.

use super::send::{Both, Failed, connect, credential, shake};
use alert::{Alert, Destination, Way};
use export::alerts::{letter, mail_date};
use gateway::now;
use std::io;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use zeroize::Zeroizing;

/// Longest answer to a command, all its lines together.
const LONGEST: usize = 16 << 10;
/// Bytes of a line of base64 in a letter, which makes 76 characters (RFC 2045 section 6.8).
const LINE: usize = 57;

pub(super) async fn send(to: &Destination, alerts: &[Alert]) -> Result<(), Failed> {
    let Way::Mail { host, port, implicit, from, recipients, user, .. } = &to.way else { return Ok(()) };
    let stream = connect(host, *port).await?;
    let mut server = if *implicit {
        let mut server = Server::new(shake(to, host, stream).await?);
        server.expect(&[220]).await?;
        server
    } else {
        begin_tls(to, host, stream).await?
    };
    let able = server.greet().await?;
    if let Some(user) = user {
        let password = credential(to)?.ok_or_else(|| Failed::Later("the account has no password".to_owned()))?;
        server.sign_in(&able, user, &password).await?;
    }
    server.ask(&format!("MAIL FROM:<{from}>"), &[250]).await?;
    for recipient in recipients {
        server.ask(&format!("RCPT TO:<{recipient}>"), &[250, 251]).await?;
    }
    server.ask("DATA", &[354]).await?;
    server.say(&format!("{}\r\n.", message(from, recipients, alerts))).await?;
    server.expect(&[250]).await?;
    // It has the mail; how it takes leave is its own affair.
    let _ = server.say("QUIT").await;
    Ok(())
}

async fn begin_tls(to: &Destination, host: &str, stream: tokio::net::TcpStream) -> Result<Server, Failed> {
    let mut plain = Server::new(Box::new(stream));
    plain.expect(&[220]).await?;
    let able = plain.greet().await?;
    if !able.iter().any(|line| line.eq_ignore_ascii_case("STARTTLS")) {
        return Err(Failed::Later("it offers no TLS, and nothing is sent in the clear".to_owned()));
    }
    plain.ask("STARTTLS", &[220]).await?;
    // What came with the answer came in the clear, from whoever (CVE-2011-0411).
    if !plain.read.is_empty() {
        return Err(Failed::Later("it says something before the handshake".to_owned()));
    }
    Ok(Server::new(shake(to, host, plain.stream).await?))
}

/// A conversation.
struct Server {
    stream: Box<dyn Both>,
    /// What was read and not yet taken.
    read: Vec<u8>,
}

impl Server {
    fn new(stream: Box<dyn Both>) -> Self {
        Self { stream, read: Vec::new() }
    }

    /// Says who we are; gives what the server is able to.
    async fn greet(&mut self) -> Result<Vec<String>, Failed> {
        let lines = self.ask("EHLO penstock.invalid", &[250]).await?;
        Ok(lines.into_iter().skip(1).collect())
    }

    async fn sign_in(&mut self, able: &[String], user: &str, password: &str) -> Result<(), Failed> {
        let ways = able.iter().find_map(|line| line.to_ascii_uppercase().strip_prefix("AUTH ").map(str::to_owned));
        let ways = ways.unwrap_or_default();
        let has = |way: &str| ways.split_whitespace().any(|one| one == way);
        if has("PLAIN") {
            let both = Zeroizing::new(format!("\0{user}\0{password}"));
            let line = Zeroizing::new(format!("AUTH PLAIN {}", seal::base64(both.as_bytes())));
            self.ask(&line, &[235]).await.map(drop)
        } else if has("LOGIN") {
            self.ask("AUTH LOGIN", &[334]).await?;
            self.ask(&seal::base64(user.as_bytes()), &[334]).await?;
            let password = Zeroizing::new(seal::base64(password.as_bytes()));
            self.ask(&password, &[235]).await.map(drop)
        } else {
            Err(Failed::Later("it takes neither AUTH PLAIN nor AUTH LOGIN".to_owned()))
        }
    }

    async fn ask(&mut self, line: &str, good: &[u16]) -> Result<Vec<String>, Failed> {
        self.say(line).await?;
        self.expect(good).await
    }

    async fn say(&mut self, line: &str) -> io::Result<()> {
        let line = Zeroizing::new(format!("{line}\r\n"));
        self.stream.write_all(line.as_bytes()).await?;
        self.stream.flush().await
    }

    /// Reads an answer (RFC 5321 section 4.2.1); gives its lines without the code. What it says in words is not repeated: that
    /// may be anything.
    async fn expect(&mut self, good: &[u16]) -> Result<Vec<String>, Failed> {
        let mut lines = Vec::new();
        let mut rest = LONGEST;
        loop {
            let line = self.line(&mut rest).await?;
            let code: Option<u16> = line.get(..3).and_then(|code| code.parse().ok());
            let code = code.ok_or_else(|| Failed::Later("it speaks no SMTP".to_owned()))?;
            lines.push(line.get(4..).unwrap_or_default().to_owned());
            if line.as_bytes().get(3) != Some(&b'-') {
                return if good.contains(&code) { Ok(lines) } else { Err(Failed::Later(format!("it answers {code}"))) };
            }
        }
    }

    async fn line(&mut self, rest: &mut usize) -> Result<String, Failed> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                *rest = rest.saturating_sub(line.len());
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            if self.read.len() >= *rest {
                return Err(Failed::Later("its answer is too long".to_owned()));
            }
            let mut piece = [0; 1024];
            let count = self.stream.read(&mut piece).await?;
            if count == 0 {
                return Err(Failed::Later("it broke off".to_owned()));
            }
            self.read.extend(piece.iter().take(count));
        }
    }
}

/// A mail, without its end. Every header is ASCII that we choose, the text is base64: nothing in it can begin a line.
fn message(from: &str, recipients: &[String], alerts: &[Alert]) -> String {
    let (subject, text) = letter(alerts);
    let ids: Vec<&[u8]> = alerts.iter().flat_map(|alert| [alert.id.as_bytes(), b"\n"]).collect();
    // The same for the same alerts, so that a mail that comes twice is known.
    let id: String = seal::hex(&seal::sha256_parts(&ids)).chars().take(32).collect();
    let domain = from.rsplit_once('@').map_or("penstock.invalid", |(_, domain)| domain);
    let time = alerts.iter().map(|alert| alert.last).max().unwrap_or_else(now);
    let body: Vec<String> = text.replace('\n', "\r\n").as_bytes().chunks(LINE).map(seal::base64).collect();
    [
        format!("Date: {}", mail_date(time)),
        format!("From: Penstock <{from}>"),
        format!("To: {}", recipients.join(",\r\n ")),
        format!("Subject: {subject}"),
        format!("Message-ID: <{id}@{domain}>"),
        "Auto-Submitted: auto-generated".to_owned(),
        "MIME-Version: 1.0".to_owned(),
        "Content-Type: text/plain; charset=utf-8".to_owned(),
        "Content-Transfer-Encoding: base64".to_owned(),
        String::new(),
        body.join("\r\n"),
    ]
    .join("\r\n")
}
