//! `penstock witness serve`: asked over real sockets, by ours and by others, in good faith and bad.

use crate::{Desk, cloned};
use ledger::witness::{REQUEST_LIMIT, Request, conflicting_size};
use ledger::{Checkpoint, Frontier, Hash, Hashes, Missing, leaf_hash, node_hash};
use seal::SigningKey;
use seal::note::Signer;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// A witness that ends with the test, and what it has logged.
struct Serving {
    child: Child,
    address: SocketAddr,
    log: Receiver<String>,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Desk {
    /// Begins to serve with the key `name`, looking after the ledgers of the file `logs`.
    fn serve(&self, name: &str) -> Serving {
        let mut command = Command::new(env!("CARGO_BIN_EXE_penstock"));
        command.current_dir(self.path("")).args(["witness", "serve", "--listen", "127.0.0.1:0", "--log", "json"]);
        command.args(["--key", name, "--state", &format!("{name}-state"), "--logs", "logs"]);
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, log) = channel();
        // Read as it comes: a full pipe would hold up the witness.
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let line = log.recv().unwrap();
        let told: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        let address = told["address"].as_str().unwrap().parse().unwrap();
        Serving { child, address, log }
    }
}

impl Serving {
    fn post(&self, body: &str) -> Answer {
        self.call("POST", "/add-checkpoint", body)
    }

    fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: w\r\nContent-Length: {}\r\n", body.len());
        self.send(&format!("{head}Connection: close\r\n\r\n{body}")).unwrap()
    }

    /// Sends these bytes and reads to the end.
    fn send(&self, bytes: &str) -> Option<Answer> {
        let mut stream = TcpStream::connect(self.address).unwrap();
        // Whoever refuses early closes before everything is sent.
        let _ = stream.write_all(bytes.as_bytes());
        read(&mut stream)
    }

    /// Stops it as an operator does, and gives what it has logged.
    fn stop(mut self) -> String {
        let stopped = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(stopped.success() && self.child.wait().unwrap().success());
        self.log.iter().collect::<Vec<_>>().join("\n")
    }
}

/// What came back.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

fn read(stream: &mut TcpStream) -> Option<Answer> {
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("the witness hangs: {error}"),
        _ => {}
    }
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head: head.to_lowercase(), body: body.to_owned() })
}

/// A witness `hilltop` that serves a ledger with a few records.
fn serving() -> (Desk, Serving) {
    let desk = Desk::new();
    desk.run("one", 3);
    desk.witness("hilltop");
    std::fs::copy(desk.path("one/trust/ledger.vkey"), desk.path("logs")).unwrap();
    let serving = desk.serve("hilltop");
    (desk, serving)
}

fn asked(desk: &Desk, ledger: &str, old: u64) -> String {
    desk.ask(ledger, Some(old));
    std::fs::read_to_string(desk.path("request")).unwrap()
}

#[test]
fn curl_is_as_good_a_client_as_ours() {
    let (desk, serving) = serving();
    desk.ask("one", None);
    let url = format!("http://{}/add-checkpoint", serving.address);
    let mut curl = Command::new("curl");
    curl.current_dir(desk.path("")).args(["--silent", "--show-error", "--fail", "--data-binary", "@request"]);
    let output = curl.args(["--output", "answer", &url]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(std::fs::read_to_string(desk.path("answer")).unwrap().starts_with("\u{2014} hilltop.example "));
    let add = ["witness", "add", "one", "answer", "--request", "request", "--policy", "policy"];
    let (code, text) = desk.penstock(&add);
    assert_eq!((code, text), (0, format!("hilltop.example signed the head of {} records\n", desk.size("one"))));
    assert_eq!(desk.verify("one").0, 0);
    // What the network has brought, a courier can go on with, while the witness serves.
    desk.run("one", 5);
    desk.ask("one", None);
    assert_eq!((desk.sign("hilltop").0, desk.add("one").0, desk.verify("one").0), (0, 0, 0));
    let log = serving.stop();
    assert!(log.contains("\"message\":\"witness: signed a head\"") && log.contains("\"size\":"), "{log}");
}

#[test]
fn each_refusal_has_the_status_of_the_specification() {
    let (desk, serving) = serving();
    let first = asked(&desk, "one", 0);
    assert_eq!(serving.post(&first).status, 200);
    let seen = desk.size("one");
    // The last signed size, when asked from another; with the one content type that the specification names.
    desk.run("one", 4);
    let conflict = serving.post(&asked(&desk, "one", 0));
    assert_eq!((conflict.status, conflict.body.as_str()), (409, format!("{seen}\n").as_str()));
    assert!(
        conflict.head.contains("\r\ncontent-type: text/x.tlog.size\r\n") || conflict.head.ends_with("text/x.tlog.size")
    );
    let good = asked(&desk, "one", seen);
    let hash = good.lines().nth(1).unwrap().to_owned();
    let origin = good.lines().find(|line| line.starts_with("brewery/")).unwrap().to_owned();
    let signature = good.lines().rev().find(|line| line.starts_with('\u{2014}')).unwrap().to_owned();
    let cases = [
        ("unknown origin", good.replace(&origin, "brewery/gate-9/x"), 404),
        ("not signed by its ledger", good.replace(&signature, &signature.replace(" brewery", " stranger")), 403),
        ("old is beyond", good.replacen(&format!("old {seen}"), "old 999", 1), 400),
        ("a proof of nothing", good.replacen(&hash, &seal::base64(&[7; 32]), 1), 422),
        ("a proof too long", good.replacen(&hash, &format!("{hash}\n{hash}"), 1), 422),
        ("no proof", good.replacen(&format!("{hash}\n"), "", 1), 422),
        ("no hash in the proof", good.replacen(&hash, "AAAA", 1), 400),
        ("too many hashes", good.replacen(&hash, &format!("{hash}\n").repeat(64), 1), 400),
        ("an old with a zero", good.replacen("old ", "old 0", 1), 400),
        ("no number", good.replacen("old ", "old -", 1), 400),
        ("carriage returns", good.replace('\n', "\r\n"), 400),
        ("nothing", String::new(), 400),
        ("no note", format!("old {seen}\n\n"), 400),
        ("noise", "\u{0}\u{1}\u{7f}".repeat(100), 400),
        ("a huge body", "a".repeat(REQUEST_LIMIT + 1), 413),
        ("a page", "<html></html>".to_owned(), 400),
    ];
    for (what, body, status) in cases {
        assert_eq!(serving.post(&body).status, status, "{what}");
    }
    for (method, path, status) in [
        ("GET", "/add-checkpoint", 405),
        ("PUT", "/add-checkpoint", 405),
        ("POST", "/", 404),
        ("POST", "/add-checkpoint/", 404),
        ("POST", "/../add-checkpoint", 404),
        ("GET", "/metrics", 404),
    ] {
        assert_eq!(serving.call(method, path, &good).status, status, "{method} {path}");
    }
    // None of that made it sign, forget, or stop.
    assert_eq!(serving.post(&good).status, 200);
    assert_eq!(serving.post(&good).status, 409);
}

#[test]
fn a_clone_is_refused_and_the_evidence_is_kept() {
    let desk = cloned();
    desk.witness("hilltop");
    std::fs::copy(desk.path("one/trust/ledger.vkey"), desk.path("logs")).unwrap();
    let serving = desk.serve("hilltop");
    assert_eq!(serving.post(&asked(&desk, "one", 0)).status, 200);
    let seen = desk.size("one");
    let longer = serving.post(&asked(&desk, "two", seen));
    assert_eq!(longer.status, 422, "{longer:?}");
    std::fs::copy(desk.path("b"), desk.path("two/checkpoint")).unwrap();
    let other = serving.post(&asked(&desk, "two", seen));
    assert_eq!((other.status, other.body), (409, format!("{seen}\n")));
    let kept: BTreeMap<String, String> = std::fs::read_dir(desk.path("hilltop-state"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter_map(|path| Some((path.extension()?.to_str()?.to_owned(), path.display().to_string())))
        .collect();
    assert_eq!(kept.keys().collect::<Vec<_>>(), ["fork-1", "fork-2", "note", "unproven"]);
    let (code, text) = desk.penstock(&["convict", &kept["fork-1"], &kept["fork-2"], "--key", "one/trust/ledger.vkey"]);
    assert_eq!(code, 11, "{text}");
    let log = serving.stop();
    let errors = log.lines().filter(|line| line.contains("\"level\":\"ERROR\"") && line.contains("penstock convict"));
    assert_eq!(errors.count(), 2, "{log}");
}

#[test]
fn slow_callers_hold_up_nobody_and_are_sent_away() {
    let (desk, serving) = serving();
    let good = asked(&desk, "one", 0);
    let head = format!("POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: {}\r\n", good.len());
    let begun = Instant::now();
    let mut slow: Vec<TcpStream> = (0..15)
        .map(|number| {
            let mut stream = TcpStream::connect(serving.address).unwrap();
            let part = match number % 3 {
                0 => "POST /add-ch".to_owned(),
                1 => format!("{head}\r\n{}", &good[..40]),
                _ => String::new(),
            };
            stream.write_all(part.as_bytes()).unwrap();
            stream
        })
        .collect();
    assert_eq!(serving.post(&good).status, 200);
    // One address has so many places and no more; what is closed frees its own, though not at once.
    while serving.send("GET / HTTP/1.1\r\nHost: w\r\nConnection: close\r\n\r\n").is_some() {
        assert!(slow.len() < 40, "so many connections have places");
        slow.push(TcpStream::connect(serving.address).unwrap());
    }
    for stream in &mut slow {
        let answer = read(stream);
        assert!(answer.is_none_or(|answer| answer.status == 408), "neither is served");
    }
    assert!(begun.elapsed() < Duration::from_secs(50));
    drop(slow);
    assert_eq!(serving.call("GET", "/", "").status, 404);
}

#[test]
fn a_changed_file_of_keys_comes_into_force_and_a_bad_one_does_not() {
    let (desk, serving) = serving();
    assert_eq!(serving.post(&asked(&desk, "one", 0)).status, 200);
    let good = asked(&desk, "one", desk.size("one"));
    let stranger = Signer::new("x", Arc::new(SigningKey::from_seed([8; 32].into()))).unwrap();
    let keys = std::fs::read_to_string(desk.path("logs")).unwrap();
    let becomes = |text: &str, status: u16| {
        std::fs::write(desk.path("logs"), text).unwrap();
        let begun = Instant::now();
        while serving.post(&good).status != status {
            assert!(begun.elapsed() < Duration::from_secs(20), "{status}");
        }
    };
    becomes(&format!("{}\n", stranger.verifier()), 404);
    becomes(&keys, 200);
    std::fs::write(desk.path("logs"), "no key\n").unwrap();
    assert!(serving.log.iter().any(|line| line.contains("the public keys were rejected")), "it says so");
    assert_eq!(serving.post(&good).status, 200);
}

/// A history of which everything is known; the two part at record 5.
struct History(&'static str);

impl Hashes for History {
    fn hash(&self, level: u32, index: u64) -> Result<Hash, Missing> {
        match level.checked_sub(1) {
            None => Ok(leaf_hash(format!("{} {index}", if index < 5 { "both" } else { self.0 }).as_bytes())),
            Some(below) => Ok(node_hash(&self.hash(below, index * 2)?, &self.hash(below, index * 2 + 1)?)),
        }
    }
}

impl History {
    fn request(&self, old: u64, size: u64) -> Request {
        let root = Frontier::from_hashes(size, self).unwrap().root();
        let signer = Signer::new("plant/gate/1", Arc::new(SigningKey::from_seed([3; 32].into()))).unwrap();
        let head = Checkpoint { origin: "plant/gate/1".to_owned(), size, root };
        Request::make(old, head.sign(&signer).unwrap(), self).unwrap()
    }
}

/// The ledger's key signs two histories, several callers show heads of both at once, and the witness is killed again and
/// again while it answers. Whatever it has signed belongs to one of them.
#[test]
fn a_witness_that_is_killed_never_signs_two_roots_of_one_size() {
    let desk = Desk::new();
    desk.witness("hilltop");
    let signer = Signer::new("plant/gate/1", Arc::new(SigningKey::from_seed([3; 32].into()))).unwrap();
    std::fs::write(desk.path("logs"), format!("{}\n", signer.verifier())).unwrap();
    let mut signed: BTreeMap<u64, Hash> = BTreeMap::new();
    let mut refused = 0;
    for round in 0..25_u64 {
        let serving = desk.serve("hilltop");
        let (address, answered) = (serving.address, AtomicUsize::new(0));
        let results: Vec<(u16, u64, Hash)> = std::thread::scope(|scope| {
            let callers: Vec<_> = (0..4_u64)
                .map(|caller| {
                    let answered = &answered;
                    scope.spawn(move || callers_part(address, round, caller, answered))
                })
                .collect();
            // Killed in the middle: a different number of answers each round.
            while answered.load(Ordering::Relaxed) < usize::try_from(5 + round).unwrap() {
                std::thread::yield_now();
            }
            drop(serving);
            callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
        });
        for (status, size, root) in results {
            match status {
                200 => assert_eq!(*signed.entry(size).or_insert(root), root, "round {round}: two roots for {size}"),
                409 | 422 => refused += 1,
                other => panic!("round {round}: {other}"),
            }
        }
    }
    assert!(signed.len() > 25 && refused > 25, "{} signed, {refused} refused", signed.len());
    // And all of them are of one history.
    let of = |name| {
        let history = History(name);
        signed.iter().all(|(size, root)| Frontier::from_hashes(*size, &history).unwrap().root() == *root)
    };
    assert!(of("one") != of("other"), "{:?}", signed.keys());
}

/// Shows heads of both histories, each beyond the last that it has heard of, until the witness is gone.
fn callers_part(address: SocketAddr, round: u64, caller: u64, answered: &AtomicUsize) -> Vec<(u16, u64, Hash)> {
    let mut results = Vec::new();
    let mut last = 0;
    for step in 0.. {
        let history = History(if (step + caller).is_multiple_of(2) { "one" } else { "other" });
        let size = last + 1 + (round + step * 7 + caller) % 5;
        let request = history.request(last, size);
        let Some(answer) = try_post(address, &request.to_string()) else { return results };
        answered.fetch_add(1, Ordering::Relaxed);
        results.push((answer.status, size, request.head().root));
        match answer.status {
            200 => last = size,
            409 => last = conflicting_size(answer.body.as_bytes()).unwrap(),
            _ => {}
        }
    }
    results
}

/// `None` if the witness went away before it had answered.
fn try_post(address: SocketAddr, body: &str) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).ok()?;
    let head = format!("POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: {}\r\n", body.len());
    write!(stream, "{head}Connection: close\r\n\r\n{body}").ok()?;
    let answer = read(&mut stream)?;
    let length = answer.head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok())?;
    (answer.body.len() == length).then_some(answer)
}
