//! Laws over random answers: a text cut into deltas anywhere, also within a character, escaped anyhow, in any chunks.

use super::rig::{CHAT, KSERVE, MESSAGES, OLLAMA, RESPONSES, Restore, Same, Source, replaced};
use plant::{Dialect, Form};
use proptest::prelude::*;
use std::fmt::Write as _;

/// A text as UTF-16: what a consumer in JavaScript assembles, and how a character can be cut in two.
fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

/// One delta as string content. `escape` picks which characters are escaped that need not be.
fn content(units: &[u16], escape: u8) -> String {
    let mut content = String::new();
    for (n, read) in char::decode_utf16(units.iter().copied()).enumerate() {
        match read {
            Err(half) => write!(content, "\\u{:04X}", half.unpaired_surrogate()).unwrap(),
            Ok('"') => content.push_str("\\\""),
            Ok('\\') => content.push_str("\\\\"),
            Ok('\n') => content.push_str("\\n"),
            Ok(character) if (n + usize::from(escape)) % 3 == 0 => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(content, "\\u{unit:04x}").unwrap();
                }
            }
            Ok(character) => content.push(character),
        }
    }
    content
}

/// What string content says, halves of characters and all.
fn said(content: &str) -> Vec<u16> {
    let mut said = Vec::new();
    let mut rest = content.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            said.extend_from_slice(character.encode_utf16(&mut [0; 2]));
            continue;
        }
        said.push(match rest.next().unwrap() {
            'n' => 0x0a,
            'u' => u16::from_str_radix(&rest.by_ref().take(4).collect::<String>(), 16).unwrap(),
            other => u16::try_from(u32::from(other)).unwrap(),
        });
    }
    said
}

/// A stream of a dialect: what stands before and after each delta, and the end.
struct Shape {
    source: Source,
    /// What stands right before a text, in every event that has one.
    mark: &'static str,
    before: &'static str,
    after: &'static str,
    end: &'static str,
}

fn shapes() -> Vec<Shape> {
    let shape = |source, mark, before, after, end| Shape { source, mark, before, after, end };
    vec![
        shape(
            CHAT,
            "\"content\":\"",
            "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"",
            "\"},\"finish_reason\":null}]}\n\n",
            "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
        ),
        shape(
            RESPONSES,
            "\"delta\":\"",
            "event: response.output_text.delta\r\ndata: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"delta\":\"",
            "\",\"logprobs\":[]}\r\n\r\n",
            "event: response.completed\r\ndata: {\"type\":\"response.completed\",\"response\":{}}\r\n\r\n",
        ),
        shape(
            MESSAGES,
            "\"text\":\"",
            "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"",
            "\"}}\n\n",
            "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        ),
        shape(
            OLLAMA,
            "\"content\":\"",
            "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"",
            "\"},\"done\":false}\n",
            "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true}\n",
        ),
        shape(KSERVE, "\"text_output\":\"", "data: {\"text_output\":\"", "\"}\r\r", ""),
    ]
}

impl Shape {
    fn stream(&self, deltas: &[String]) -> Vec<u8> {
        let deltas = deltas.iter().map(|delta| format!("{}{delta}{}", self.before, self.after));
        (deltas.collect::<String>() + self.end).into_bytes()
    }

    /// The text that the consumer assembles. Every event has the same member around its text.
    fn assembled(&self, stream: &[u8]) -> Vec<u16> {
        let mut assembled = Vec::new();
        for part in std::str::from_utf8(stream).unwrap().split(self.mark).skip(1) {
            let mut end = 0;
            let bytes = part.as_bytes();
            while bytes[end] != b'"' {
                end += if bytes[end] == b'\\' { 2 } else { 1 };
            }
            assembled.extend(said(&part[..end]));
        }
        assembled
    }
}

/// Halves that never found their other half read as U+FFFD, on both sides.
fn text(units: &[u16]) -> String {
    String::from_utf16_lossy(units)
}

fn cut(units: &[u16], cuts: &[prop::sample::Index], escape: u8) -> Vec<String> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(units.len() + 1)).collect();
    places.extend([0, units.len()]);
    places.sort_unstable();
    places.windows(2).map(|pair| content(&units[pair[0]..pair[1]], escape)).collect()
}

fn texts() -> impl Strategy<Value = String> {
    let words = ["TOKEN", "TO", "KEN", "T", "\u{1f600}", "\u{e4}", "\"", "\\", "\n", " ", "x", "\\u", "\u{2028}"];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..24).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_rewritten_stream_says_what_the_buffered_text_would(
        text_came in texts(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        escape in 0_u8..4,
        size in 1_usize..40,
    ) {
        prop_assume!(!text_came.trim_start().starts_with('{'));
        let deltas = cut(&units(&text_came), &cuts, escape);
        for shape in shapes() {
            let came = shape.stream(&deltas);
            prop_assert_eq!(text(&shape.assembled(&came)), text_came.clone(), "the test itself");
            let whole = shape.source.give([came.as_slice()], &mut Restore::default());
            prop_assert_eq!(&whole.ended, &Ok(()));
            prop_assert_eq!(text(&shape.assembled(&whole.out)), replaced(&text_came, Form::Plain), "{:?}", shape.source.dialect);
            let chunked = shape.source.give(came.chunks(size), &mut Restore::default());
            prop_assert_eq!(&chunked.out, &whole.out);
            let same = shape.source.give(came.chunks(size), &mut Same);
            prop_assert_eq!(&same.out, &came, "nothing matched, nothing changed");
        }
    }

    #[test]
    fn halves_that_stay_alone_do_no_harm(
        units_came in prop::collection::vec(prop::sample::select(vec![0xd83d_u16, 0xde00, 0x54, 0x61]), 0..12),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let deltas = cut(&units_came, &cuts, 1);
        for shape in shapes().into_iter().filter(|shape| shape.source.dialect != Dialect::Json) {
            let came = shape.stream(&deltas);
            let given = shape.source.give([came.as_slice()], &mut Restore::default());
            prop_assert_eq!(text(&shape.assembled(&given.out)), text(&units_came));
            let same = shape.source.give([came.as_slice()], &mut Same);
            prop_assert_eq!(&same.out, &came);
        }
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        wire::fuzz_answer(&bytes);
        wire::sse::fuzz(&bytes);
        wire::ndjson::fuzz(&bytes);
    }

    #[test]
    fn a_golden_answer_with_a_changed_byte_is_read_without_harm(
        file in 0_usize..19, at in any::<prop::sample::Index>(), byte in any::<u8>(), endpoint in any::<u8>(), carrier in 0_u8..6,
    ) {
        let mut bytes = super::rig::golden(super::rig::all()[file].0);
        bytes.truncate(6000);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        wire::fuzz_answer(&[&[endpoint, carrier], bytes.as_slice()].concat());
    }
}
