//! Alerts by mail: SMTP (RFC 5321) over TLS, from the beginning (RFC 8314) or by STARTTLS (RFC 3207), without which nothing is sent.
//!
//! A client of our own: it needs eight commands, and what libraries for mail leave open matters here: the server's answers are
//! bounded, nothing that came before the handshake counts after it, and the plant's authorities hold.

use super::send::{Both, Failed, PATIENCE, connect, credential, shake, within};
use alert::{Alert, Destination, Way};
use export::alerts::{letter, mail_date};
use gateway::now;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use zeroize::Zeroizing;

/// Longest answer to a command, all its lines together.
const LONGEST: usize = 16 << 10;
/// Bytes of a line of base64 in a letter, which makes 76 characters (RFC 2045 section 6.8).
const LINE: usize = 57;
/// How long a server may look at a mail before it says whether it takes it (RFC 5321 section 4.5.3.2.6). Whoever gives up
/// sooner sends the same again to a server that has taken it.
const ACCEPTANCE: Duration = Duration::from_secs(600);

pub(super) async fn send(to: &Destination, alerts: &[Alert]) -> Result<(), Failed> {
    within(PATIENCE, hand_over(to, alerts)).await?.end().await
}

/// Everything up to the end of the mail, which the server has still to take.
async fn hand_over(to: &Destination, alerts: &[Alert]) -> Result<Server, Failed> {
    let Way::Mail { host, port, implicit, from, recipients, user, .. } = &to.way else {
        return Err(Failed::Later("it is no mail server".to_owned()));
    };
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
    server.address(recipients).await?;
    server.ask("DATA", &[354]).await?;
    server.say(&format!("{}\r\n.", message(from, recipients, alerts))).await?;
    Ok(server)
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

    /// Says whom the mail is for. That one of them is gone for good keeps it from no other.
    async fn address(&mut self, recipients: &[String]) -> Result<(), Failed> {
        let (mut taken, mut refused) = (false, None);
        for recipient in recipients {
            self.say(&format!("RCPT TO:<{recipient}>")).await?;
            match self.answer().await? {
                (250 | 251, _) => taken = true,
                (code @ 500..=599, _) => refused = Some(code),
                (code, _) => return Err(other(code)),
            }
        }
        match refused {
            Some(code) if !taken => Err(other(code)),
            Some(code) => {
                tracing::warn!(code, "the mail server refuses a recipient of alerts; the others are told");
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Waits until the server has taken the mail.
    async fn end(mut self) -> Result<(), Failed> {
        within(ACCEPTANCE, self.expect(&[250])).await?;
        // It has the mail; how it takes leave is its own affair.
        let _ = within(PATIENCE, async { Ok(self.say("QUIT").await?) }).await;
        Ok(())
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

    /// Reads an answer that is to be one of these; gives its lines without the code. What it says in words is not repeated:
    /// that may be anything.
    async fn expect(&mut self, good: &[u16]) -> Result<Vec<String>, Failed> {
        let (code, lines) = self.answer().await?;
        if good.contains(&code) { Ok(lines) } else { Err(other(code)) }
    }

    /// Reads an answer (RFC 5321 section 4.2.1).
    async fn answer(&mut self) -> Result<(u16, Vec<String>), Failed> {
        let mut lines = Vec::new();
        let mut rest = LONGEST;
        loop {
            let line = self.line(&mut rest).await?;
            let code: Option<u16> = line.get(..3).and_then(|code| code.parse().ok());
            let code = code.ok_or_else(|| Failed::Later("it speaks no SMTP".to_owned()))?;
            lines.push(line.get(4..).unwrap_or_default().to_owned());
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok((code, lines));
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

/// It answers what was not hoped for.
fn other(code: u16) -> Failed {
    Failed::Later(format!("it answers {code}"))
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

#[cfg(test)]
mod tests {
    use super::Server;
    use std::time::Duration;
    use tokio::io::AsyncWriteExt;
    use tokio::time::sleep;

    /// Time stands still but for who waits: nothing here takes any.
    #[tokio::test(start_paused = true)]
    async fn a_server_may_look_at_a_mail_for_minutes_and_not_for_ever() {
        for (minutes, taken) in [(9, true), (11, false)] {
            let (near, mut far) = tokio::io::duplex(64);
            let answer = async move {
                sleep(Duration::from_secs(60 * minutes)).await;
                let _ = far.write_all(b"250 taken\r\n").await;
            };
            let (ended, ()) = tokio::join!(Server::new(Box::new(near)).end(), answer);
            assert_eq!(ended.is_ok(), taken, "{minutes} minutes");
        }
    }
}
