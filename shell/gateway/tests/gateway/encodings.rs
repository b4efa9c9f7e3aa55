//! Answers that come encoded, although nobody asked for it: undone and inspected like others, or not given at all.

use crate::caller::Caller;
use crate::provider::{Act, DONE, Provider, chunk, completion, event, last_chunk};
use crate::works::{Setting, Works};
use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
use plant::Reason;
use serde_json::Value;
use tokio::io::{AsyncWrite, AsyncWriteExt};

const ENCODINGS: [&str; 4] = ["gzip", "deflate", "br", "zstd"];

/// Parts of an answer as an encoder gives them, each flushed.
async fn packed(encoding: &str, parts: &[&str]) -> Vec<Vec<u8>> {
    match encoding {
        "gzip" => flushed(GzipEncoder::new(Vec::new()), parts, |encoder| std::mem::take(encoder.get_mut())).await,
        "deflate" => flushed(ZlibEncoder::new(Vec::new()), parts, |encoder| std::mem::take(encoder.get_mut())).await,
        "br" => flushed(BrotliEncoder::new(Vec::new()), parts, |encoder| std::mem::take(encoder.get_mut())).await,
        "zstd" => flushed(ZstdEncoder::new(Vec::new()), parts, |encoder| std::mem::take(encoder.get_mut())).await,
        other => panic!("{other}"),
    }
}

async fn flushed<E: AsyncWrite + Unpin>(mut encoder: E, parts: &[&str], take: fn(&mut E) -> Vec<u8>) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    for part in parts {
        encoder.write_all(part.as_bytes()).await.unwrap();
        encoder.flush().await.unwrap();
        out.push(take(&mut encoder));
    }
    encoder.shutdown().await.unwrap();
    out.push(take(&mut encoder));
    out
}

fn head(kind: &str, encoding: &str) -> Act {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n";
    Act::Send(format!("{head}Content-Type: {kind}\r\nContent-Encoding: {encoding}\r\n\r\n").into())
}

async fn plant(bounds: impl FnOnce(&mut Setting)) -> (Provider, Works) {
    let provider = Provider::new(Vec::new()).await;
    let mut setting = Setting::new(provider.address);
    bounds(&mut setting);
    (provider, Works::start(setting).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_packed_and_flushed_is_with_the_caller_too() {
    let (provider, works) = plant(|_| {}).await;
    for encoding in ENCODINGS {
        let pieces = packed(encoding, &[&event("one"), &event("two"), DONE]).await;
        let mut acts = vec![head("text/event-stream", encoding)];
        for piece in &pieces[..2] {
            acts.extend([Act::Send(chunk(piece)), Act::Wait]);
        }
        acts.extend([Act::Send(chunk(pieces[2..].concat())), Act::Send(last_chunk())]);
        provider.acts(acts);
        let mut caller = Caller::sends(works.address, &works.chat("hello", true)).await;
        for text in ["one", "two"] {
            caller.until(&event(text)).await;
            provider.go();
        }
        let answer = caller.answer().await.unwrap();
        assert_eq!((answer.header("content-encoding"), answer.text().ends_with(DONE)), (None, true), "{encoding}");
    }
}

/// Whatever an answer is packed in, the stand-in in it is put back: it was read.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_packed_is_read_like_the_rest() {
    let (provider, works) = plant(|_| {}).await;
    provider.acts(vec![Act::Send(crate::provider::document(200, "", &completion("ok")))]);
    let ask = works.chat("why does TIC-101 swing?", false);
    Caller::sends(works.address, &ask).await.answer().await.unwrap();
    let seen = provider.seen().pop().unwrap();
    let seen: Value = serde_json::from_str(seen.split_once("\r\n\r\n").unwrap().1).unwrap();
    let stand_in = seen["messages"][0]["content"].as_str().unwrap().to_owned();
    assert!(!stand_in.contains("TIC-101"));
    for encoding in ENCODINGS {
        let pieces = packed(encoding, &[&completion(&stand_in)]).await.concat();
        provider.acts(vec![head("application/json", encoding), Act::Send(chunk(pieces)), Act::Send(last_chunk())]);
        let answer = Caller::sends(works.address, &ask).await.answer().await.unwrap();
        assert_eq!(answer.text(), completion("why does TIC-101 swing?"), "{encoding}");
    }
}

/// Nothing of an answer crosses that cannot be read, and none unfolds to more than its conduit takes.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_what_it_says_or_too_much_reaches_nobody() {
    let (provider, works) = plant(|setting| setting.bounds.answer = 64 << 10).await;
    let secret = completion("a line that nobody may see");
    let mut cases = vec![
        ("gzip, br", secret.clone().into_bytes(), Reason::ProviderBroken),
        ("compress", secret.clone().into_bytes(), Reason::ProviderBroken),
        ("identity, zstd", secret.clone().into_bytes(), Reason::ProviderBroken),
    ];
    let bomb = completion(&"a line that nobody may see ".repeat(1 << 16));
    for encoding in ENCODINGS {
        let whole = packed(encoding, &[&secret]).await.concat();
        cases.push((encoding, secret.clone().into_bytes(), Reason::ProviderBroken));
        cases.push((encoding, whole[..whole.len() / 2].to_vec(), Reason::ProviderBroken));
        cases.push((encoding, packed(encoding, &[&bomb]).await.concat(), Reason::AnswerTooLarge));
    }
    for (at, (encoding, bytes, reason)) in cases.into_iter().enumerate() {
        for stream in [false, true] {
            let kind = if stream { "text/event-stream" } else { "application/json" };
            let acts = vec![head(kind, encoding), Act::Send(chunk(&bytes)), Act::Send(last_chunk())];
            provider.acts(acts);
            let answer = Caller::sends(works.address, &works.chat("hello", stream)).await.answer().await.unwrap();
            let told = format!("{encoding} {at} {stream}: {}", answer.text());
            assert!(!answer.text().contains("nobody may see"), "{told}");
            if !stream {
                assert_eq!((answer.status, answer.text().contains(reason.code())), (502, true), "{told}");
            }
        }
    }
}
