//! Streams: whatever they are cut into on the way, the caller gets the same events, each as soon as it is there.

use crate::caller::{Caller, holds};
use crate::provider::{Act, DONE, Provider, chunk, event, last_chunk, stream_head};
use crate::works::{Setting, Works, chat};
use plant::{Bounds, Kind, Reason, Tokens};
use serde_json::Value;
use std::time::Duration;

/// How one dialect streams.
#[derive(Clone, Copy)]
struct Dialect {
    name: &'static str,
    path: &'static str,
    kind: &'static str,
    /// What stands before the text of an event.
    text: &'static str,
    /// An event, before and behind its text.
    event: (&'static str, &'static str),
    /// The last event.
    last: &'static str,
    /// Events in every form that the dialect has, none of which holds a token.
    odd: &'static str,
    /// What an error of ours begins with.
    error: &'static str,
}

const OPENAI: Dialect = Dialect {
    name: "openai",
    path: "/openai/v1/chat/completions",
    kind: "text/event-stream",
    text: r#""content":""#,
    event: (r#"data: {"id":"c","choices":[{"index":0,"delta":{"content":""#, "\"}}]}\n\n"),
    last: DONE,
    odd: concat!(
        "\u{feff}: begun\r\n\r\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n",
        "id: 7\ndata:{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"caf\u{e9} \u{1f600} TA\"}}]}\r\n\r\n",
        "retry: 5\rdata: {\"choices\":\rdata:  [{\"index\":0,\"delta\":{\"content\":\"G_\\ud83d\"}}]}\r\r",
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\ude00 TAG\"}}]}\n: between\n\n\n",
        "event: x\r\ndata: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\r\n",
        "data: [DONE]\r\n\r\n",
    ),
    error: "data: {\"error\":{",
};

const ANTHROPIC: Dialect = Dialect {
    name: "anthropic",
    path: "/anthropic/v1/messages",
    kind: "text/event-stream",
    text: r#""text":""#,
    event: (
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"",
        "\"}}\n\n",
    ),
    last: "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    odd: concat!(
        "event: message_start\r\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"role\":\"assistant\"}}\r\n\r\n",
        "event: ping\ndata: {\"type\": \"ping\"}\n\n: ping\n\n",
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,",
        "\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
        "event: content_block_delta\r\ndata: {\"type\":\"content_block_delta\",\"index\":0,",
        "\"delta\":{\"type\":\"text_delta\",\"text\":\"\u{20ac} \\\"T\"}}\r\n\r\n",
        "event: content_block_delta\rdata: {\"type\":\"content_block_delta\",\"index\":1,",
        "\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"a\\\":\\\"T\"}}\r\r",
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
        "event: message_stop\r\ndata: {\"type\":\"message_stop\"}\r\n\r\n",
    ),
    error: "event: error\ndata: {\"type\":\"error\",\"error\":{",
};

const OLLAMA: Dialect = Dialect {
    name: "ollama",
    path: "/ollama/api/chat",
    kind: "application/x-ndjson",
    text: r#""content":""#,
    event: (r#"{"model":"m","message":{"role":"assistant","content":""#, "\"},\"done\":false}\n"),
    last: "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true}\n",
    odd: concat!(
        "{\"message\":{\"role\":\"assistant\",\"content\":\"caf\u{e9} \u{1f600} TA\"},\"done\":false}\r\n",
        "\n  {\"message\":{\"content\":\"G_\\ud83d\"},\"done\":false} \n",
        "{\"message\":{\"content\":\"\\ude00\",\"thinking\":\"TAG\"},\"done\":false}\n\r\n",
        "{\"message\":{\"content\":\"\"},\"done\":true,\"eval_count\":3}\r\n",
    ),
    error: "{\"error\":\"",
};

const DIALECTS: [Dialect; 3] = [OPENAI, ANTHROPIC, OLLAMA];

/// A value that becomes a token, so that the answer is read for it.
const TAG: &str = "FV-203";

impl Dialect {
    /// An event with a text.
    fn says(self, text: &str) -> String {
        format!("{}{text}{}", self.event.0, self.event.1)
    }

    fn head(self) -> Act {
        Act::Send(stream_head(self.kind))
    }

    /// The text that a caller puts together of a stream. A character may be cut into two escapes, so that it shows only
    /// once the pieces are joined.
    fn told(self, stream: &str) -> String {
        let pieces = stream.split(self.text).skip(1).map(|rest| {
            let mut escaped = false;
            let end = rest.find(|letter| {
                let ends = letter == '"' && !escaped;
                escaped = letter == '\\' && !escaped;
                ends
            });
            &rest[..end.unwrap()]
        });
        serde_json::from_str(&format!("\"{}\"", pieces.collect::<String>())).unwrap()
    }

    /// A chat in this dialect.
    fn call(self, works: &Works, content: &str) -> Vec<u8> {
        works.request(self.path, &chat(content, true).replacen('{', "{\"max_tokens\":9,", 1))
    }
}

async fn plant() -> (Provider, Works) {
    plant_with(Tokens::Words).await
}

async fn plant_with(tokens: Tokens) -> (Provider, Works) {
    let provider = Provider::new(Vec::new()).await;
    let works = Works::start(Setting { tokens, ..Setting::new(provider.address) }).await;
    (provider, works)
}

/// The token that stands for [`TAG`] in a dialect's calls.
async fn token(dialect: Dialect, provider: &Provider, works: &Works) -> String {
    provider.acts(vec![dialect.head(), Act::Send(chunk(dialect.last)), Act::Send(last_chunk())]);
    let mut caller = Caller::sends(works.address, &dialect.call(works, TAG)).await;
    assert_eq!(caller.answer().await.unwrap().status, 200);
    let seen = provider.seen().pop().unwrap();
    let body: Value = serde_json::from_str(seen.split_once("\r\n\r\n").unwrap().1).unwrap();
    let token = body["messages"][0]["content"].as_str().unwrap().to_owned();
    assert_ne!(token, TAG);
    token
}

/// What the caller gets of the odd stream, with nothing to look for in it and with a token, whose beginnings it holds.
async fn whole(
    dialect: Dialect,
    provider: &Provider,
    caller: &mut Caller,
    works: &Works,
) -> [(&'static str, String); 2] {
    provider.acts(vec![dialect.head(), Act::Send(chunk(dialect.odd)), Act::Send(last_chunk())]);
    caller.send(&dialect.call(works, TAG)).await;
    let read = caller.answer().await.unwrap().text();
    assert_eq!(dialect.told(&read), dialect.told(dialect.odd), "no text is lost");
    [("hello", dialect.odd.to_owned()), (TAG, read)]
}

/// Whatever is cut: a line, an end of lines, an escape, a character, the beginning of a token.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_the_same_at_every_cut() {
    for dialect in DIALECTS {
        let (provider, works) = plant().await;
        let mut caller = Caller::new(works.address).await;
        let stream = dialect.odd.as_bytes();
        let [_, (content, expected)] = whole(dialect, &provider, &mut caller, &works).await;
        for cut in 1..stream.len() {
            let (one, other) = stream.split_at(cut);
            let answer = [stream_head(dialect.kind), chunk(one), chunk(other), last_chunk()].concat();
            provider.acts(vec![Act::Send(answer)]);
            caller.send(&dialect.call(&works, content)).await;
            assert_eq!(caller.answer().await.unwrap().text(), expected, "{} cut at {cut}", dialect.name);
        }
        let stories = works.ledger.stories(stream.len()).await;
        assert!(stories.iter().all(|story| story.told() == (Kind::Outcome, None)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_the_same_byte_by_byte_with_all_that_frames_it() {
    for dialect in DIALECTS {
        let (provider, works) = plant().await;
        let mut caller = Caller::new(works.address).await;
        let expected = whole(dialect, &provider, &mut caller, &works).await;
        let mut answer = stream_head(dialect.kind);
        for (number, piece) in dialect.odd.as_bytes().chunks(37).enumerate() {
            answer.extend_from_slice(format!("{:04X};part={number};note=\"a;b\"\r\n", piece.len()).as_bytes());
            answer.extend_from_slice(&[piece, b"\r\n"].concat());
        }
        answer.extend_from_slice(b"0;last\r\nX-Late: a\r\nPenstock-Record: forged\r\n\r\n");
        provider.acts(vec![Act::Drip(answer)]);
        for (content, expected) in expected {
            caller.send(&dialect.call(&works, content)).await;
            assert_eq!(caller.answer().await.unwrap().text(), expected, "{}", dialect.name);
            assert!(caller.read.is_empty(), "a trailer ends here");
        }
    }
}

/// The provider waits after each event until the caller has it.
#[tokio::test(flavor = "multi_thread")]
async fn each_event_is_with_the_caller_before_the_next_is_sent() {
    for dialect in DIALECTS {
        let (provider, works) = plant().await;
        let texts = ["one", "two", "three", "four"];
        let mut acts = vec![dialect.head()];
        for text in texts {
            acts.extend([Act::Send(chunk(dialect.says(text))), Act::Wait]);
        }
        acts.extend([Act::Send(chunk(dialect.last)), Act::Send(last_chunk())]);
        provider.acts(acts);
        for content in ["hello", TAG] {
            let mut caller = Caller::sends(works.address, &dialect.call(&works, content)).await;
            for text in texts {
                caller.until(&dialect.says(text)).await;
                provider.go();
            }
            assert!(caller.answer().await.unwrap().text().ends_with(dialect.last));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_does_not_wait_for_the_provider_to_close() {
    for dialect in DIALECTS {
        let (provider, works) = plant().await;
        provider.acts(vec![
            dialect.head(),
            Act::Send(chunk(dialect.says("all"))),
            Act::Send(chunk(dialect.last)),
            Act::Hang,
        ]);
        let mut caller = Caller::sends(works.address, &dialect.call(&works, "hello")).await;
        assert_eq!(caller.answer().await.unwrap().text(), format!("{}{}", dialect.says("all"), dialect.last));
        assert_eq!(works.ledger.story().await.told(), (Kind::Outcome, None));
        provider.until_left().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_split_over_events_is_put_back() {
    let each = DIALECTS.into_iter().flat_map(|dialect| [(dialect, Tokens::Words), (dialect, Tokens::Alike)]);
    for (dialect, tokens) in each {
        let (provider, works) = plant_with(tokens).await;
        let token = token(dialect, &provider, &works).await;
        assert_eq!(token.starts_with("TAG_"), tokens == Tokens::Words, "{token}");
        let text = format!("is {token} open? {} is.", token.to_lowercase());
        let mut caller = Caller::new(works.address).await;
        let in_two = (0..=text.len()).map(|cut| vec![&text[..cut], &text[cut..]]);
        let letters = (0..text.len()).map(|at| &text[at..=at]).collect();
        for pieces in in_two.chain([letters]) {
            let events: Vec<String> = pieces.iter().map(|piece| dialect.says(piece)).collect();
            let stream = format!("{}{}", events.concat(), dialect.last);
            provider.acts(vec![dialect.head(), Act::Send(chunk(stream)), Act::Send(last_chunk())]);
            caller.send(&dialect.call(&works, TAG)).await;
            let told = caller.answer().await.unwrap().text();
            assert_eq!(dialect.told(&told), format!("is {TAG} open? {TAG} is."), "{} {pieces:?}", dialect.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_may_still_be_a_token_waits() {
    for dialect in DIALECTS {
        let (provider, works) = plant().await;
        let token = token(dialect, &provider, &works).await;
        let (one, other) = token.split_at(7);
        provider.acts(vec![
            dialect.head(),
            Act::Send(chunk(dialect.says(&format!("open {one}")))),
            Act::Wait,
            Act::Send(chunk(dialect.says(&format!("{other} now")))),
            Act::Wait,
            Act::Send(chunk(format!("{}{}", dialect.says(&format!("or {one}")), dialect.last))),
            Act::Send(last_chunk()),
        ]);
        let mut caller = Caller::sends(works.address, &dialect.call(&works, TAG)).await;
        caller.until("open ").await;
        provider.go();
        caller.until(&format!("{TAG} now")).await;
        assert!(!holds(&caller.read, "TAG_"));
        provider.go();
        let told = dialect.told(&caller.answer().await.unwrap().text());
        assert_eq!(told, format!("open {TAG} nowor {one}"), "what has become none is given at the end");
    }
}

/// The caller is told in its own dialect, in an event of its own, and the body ends as a body.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_ends_with_an_error_in_its_dialect() {
    for dialect in DIALECTS {
        let (provider, works) = plant().await;
        let half = &dialect.says("half")[..20];
        for (count, (name, acts)) in [
            ("a reset", vec![Act::Reset]),
            ("an end of its connection", vec![Act::Close]),
            ("an end before its last event", vec![Act::Send(last_chunk())]),
            ("half an event", vec![Act::Send(chunk(half)), Act::Send(last_chunk())]),
            ("half an event and a reset", vec![Act::Send(chunk(half)), Act::Reset]),
            ("an event that is none", vec![Act::Send(chunk(dialect.says("\u{1}\"")))]),
            ("a chunk that is none", vec![Act::Send(b"zz\r\n".to_vec())]),
        ]
        .into_iter()
        .enumerate()
        {
            provider.acts([vec![dialect.head(), Act::Send(chunk(dialect.says("begun")))], acts].concat());
            let mut caller = Caller::sends(works.address, &dialect.call(&works, "hello")).await;
            let answer = caller.answer().await.expect("the body ends as a body");
            let story = works.ledger.stories(count + 1).await.pop().unwrap();
            let name = format!("{} {name}", dialect.name);
            assert_eq!(story.told(), (Kind::Outcome, Some(Reason::ProviderBroken)), "{name}");
            let text = answer.text();
            let error = text.strip_prefix(&dialect.says("begun")).unwrap_or_else(|| panic!("{name}: {text}"));
            assert!(error.starts_with(dialect.error) && error.contains(&story.id.to_string()), "{name}: {error}");
            assert_eq!(error.lines().filter(|line| line.contains('{')).count(), 1, "{name}: {error}");
            let out = story.last.body.out.unwrap();
            assert_eq!(
                (out.status, story.last.body.io.unwrap().answer_bytes),
                (200, answer.body.len() as u64),
                "{name}"
            );
        }
    }
}

/// It says so itself, and keeps its connection open: there is nothing to add.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_providers_own_ends_a_stream() {
    for (dialect, error) in [
        (OPENAI, "data: {\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\"}}\n\n"),
        (
            ANTHROPIC,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"no\"}}\n\n",
        ),
        (OLLAMA, "{\"error\":\"out of memory\"}\n"),
    ] {
        let (provider, works) = plant().await;
        let stream = format!("{}{error}", dialect.says("begun"));
        provider.acts(vec![dialect.head(), Act::Send(chunk(&stream)), Act::Hang]);
        let mut caller = Caller::sends(works.address, &dialect.call(&works, "hello")).await;
        assert_eq!(caller.answer().await.unwrap().text(), stream, "{}", dialect.name);
        assert_eq!(works.ledger.story().await.told(), (Kind::Outcome, None));
        provider.until_left().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_does_not_read_holds_up_the_provider_and_no_more_than_that() {
    let provider = Provider::new(vec![OPENAI.head(), Act::Repeat(chunk(event(&"much ".repeat(2000))))]).await;
    let bounds = Bounds { answer: u64::MAX, idle: Duration::from_secs(30), ..Bounds::default() };
    let works = Works::start(Setting { bounds, ..Setting::new(provider.address) }).await;
    let mut caller = Caller::narrow(works.address).await;
    caller.send(&works.chat("hello", true)).await;
    provider.until_stalled().await;
    let mut taken = 0;
    while taken < 16 << 20 {
        assert!(caller.more().await, "it goes on when it is read");
        taken += std::mem::take(&mut caller.read).len();
    }
    drop(caller);
    let story = works.ledger.story().await;
    assert_eq!(story.told(), (Kind::Outcome, Some(Reason::CallerLeft)));
    // What was taken has a head and the frames of its chunks besides.
    let ahead = (story.last.body.io.unwrap().answer_bytes as usize).saturating_sub(taken);
    assert!(ahead < 8 << 20, "{ahead} bytes were taken from the provider and not by the caller");
}
