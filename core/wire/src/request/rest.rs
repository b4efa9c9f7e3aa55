//! Files put into a body: other bytes, or what stays of the old ones, written where they go without a copy beside.

use super::files::{Held, Part, base64_in};
use crate::media::base64::{Encoder, decode_runs, encoded_length};

/// What takes the place of a file's bytes.
pub(super) struct Filling<'r> {
    /// Where the file is.
    pub(super) held: &'r Held<'r>,
    pub(super) with: With<'r>,
}

/// Other bytes, or parts of its own.
#[derive(Clone, Copy)]
pub(super) enum With<'r> {
    Bytes(&'r [u8]),
    Parts(&'r [Part]),
}

impl Filling<'_> {
    /// How long it is in the body.
    pub(super) fn len(&self) -> usize {
        let bytes = match self.with {
            With::Bytes(bytes) => bytes.len(),
            With::Parts(parts) => parts.iter().map(Part::len).sum(),
        };
        match self.held {
            Held::Json { .. } | Held::Base64(_) => encoded_length(bytes),
            Held::Part(_) => bytes,
        }
    }

    /// Gives it on. `None` if a part is not in the file.
    pub(super) fn write(&self, body: &[u8], give: &mut dyn FnMut(&[u8])) -> Option<()> {
        match (self.held, self.with) {
            (Held::Part(_), With::Bytes(bytes)) => give(bytes),
            (Held::Part(span), With::Parts(parts)) => {
                let mut pick = Pick::new(parts);
                pick.push(body.get(span.clone())?, give);
                pick.finish()?;
            }
            (Held::Json { .. } | Held::Base64(_), With::Bytes(bytes)) => {
                let mut encoder = Encoder::new(give);
                encoder.push(bytes);
                encoder.finish();
            }
            (Held::Json { text, from }, With::Parts(parts)) => {
                encoded(text.after(*from)?.ascii_runs(), parts, give)?;
            }
            (Held::Base64(span), With::Parts(parts)) => encoded(base64_in(body, span)?, parts, give)?,
        }
        Some(())
    }
}

/// Gives on in base64 what stays of a file that came in it.
fn encoded<'t>(runs: impl Iterator<Item = &'t str>, parts: &[Part], give: &mut dyn FnMut(&[u8])) -> Option<()> {
    let (mut pick, mut encoder) = (Pick::new(parts), Encoder::new(give));
    decode_runs(runs, |window| pick.push(window, &mut |bytes| encoder.push(bytes)))?;
    pick.finish()?;
    encoder.finish();
    Some(())
}

/// Whether the stretches rise and do not overlap.
pub(super) fn is_rising(parts: &[Part]) -> bool {
    let mut last = 0;
    parts.iter().all(|part| match part {
        Part::Own(_) => true,
        Part::Span(span) => span.start <= span.end && std::mem::replace(&mut last, span.end) <= span.start,
    })
}

/// Picks parts out of bytes that come in windows.
struct Pick<'r> {
    parts: std::iter::Peekable<std::slice::Iter<'r, Part>>,
    /// How many bytes have come.
    seen: usize,
}

impl<'r> Pick<'r> {
    fn new(parts: &'r [Part]) -> Self {
        Self { parts: parts.iter().peekable(), seen: 0 }
    }

    fn push(&mut self, window: &[u8], give: &mut dyn FnMut(&[u8])) {
        let here = self.seen..self.seen + window.len();
        while let Some(part) = self.parts.peek() {
            match part {
                Part::Own(bytes) => give(bytes),
                Part::Span(span) => {
                    if span.start >= here.end && span.end > here.end {
                        break;
                    }
                    let start = span.start.saturating_sub(here.start);
                    let end = span.end.min(here.end).saturating_sub(here.start);
                    give(window.get(start..end).unwrap_or_default());
                    if span.end > here.end {
                        break;
                    }
                }
            }
            self.parts.next();
        }
        self.seen = here.end;
    }

    /// `None` if a stretch reaches beyond the bytes.
    fn finish(self) -> Option<()> {
        (self.parts.len() == 0).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Part, Request, Substitute, Unfit, endpoint};
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use plant::Dialect;
    use proptest::prelude::*;

    /// A picture in a chat, its base64 written with escaped slashes and in lines, as some libraries do.
    fn chat(picture: &[u8]) -> String {
        let base64 = BASE64_STANDARD.encode(picture);
        let lines = base64.as_bytes().chunks(120).map(|line| String::from_utf8_lossy(line).replace('/', "\\/"));
        let lines = lines.collect::<Vec<_>>();
        let part =
            format!(r#"{{"type":"image_url","image_url":{{"url":"data:image\/png;base64,{}"}}}}"#, lines.join("\\n"));
        format!(r#"{{"model":"m","messages":[{{"role":"user","content":[{part}]}}]}}"#)
    }

    fn picture(bytes: usize) -> Vec<u8> {
        let noise = (0..bytes).map(|at| u8::try_from(at * at % 251).unwrap());
        b"\x89PNG\r\n\x1a\n".iter().copied().chain(noise).collect()
    }

    fn rewritten(body: &str, parts: Vec<Part>) -> Result<Vec<u8>, Unfit> {
        let endpoint = endpoint(Dialect::OpenAi, "POST", "/chat/completions").unwrap();
        let request = Request::parse(endpoint, Some("application/json"), body.as_bytes(), &Limits::default()).unwrap();
        request.rewrite_with(&[], &[Substitute::Rest { attachment: 0, parts }], None)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_stays_of_a_file_is_what_its_parts_say(
            // A shorter text is no file.
            length in 4usize..40_000,
            cuts in proptest::collection::vec((0usize..40_000, any::<bool>()), 0..8),
        ) {
            let whole = picture(length);
            let mut ends: Vec<(usize, bool)> = cuts.into_iter().map(|(at, own)| (at.min(whole.len()), own)).collect();
            ends.sort_unstable();
            let (mut parts, mut expected, mut at) = (Vec::new(), Vec::new(), 0);
            for (end, own) in ends {
                if own {
                    parts.push(Part::Own(b"own".to_vec()));
                    expected.extend_from_slice(b"own");
                } else {
                    parts.push(Part::Span(at..end));
                    expected.extend_from_slice(&whole[at..end]);
                }
                at = end;
            }
            let changed = rewritten(&chat(&whole), parts).unwrap();
            let head = r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image\/png;base64,"#;
            let changed = String::from_utf8(changed).unwrap();
            prop_assert_eq!(changed, format!(r#"{head}{}"}}}}]}}]}}"#, BASE64_STANDARD.encode(expected)));
        }
    }

    #[test]
    fn parts_that_are_not_in_the_file_fit_nowhere() {
        let body = chat(&picture(100));
        let own = || Part::Own(Vec::new());
        for parts in [
            vec![Part::Span(0..500), own()],
            vec![Part::Span(50..60), Part::Span(40..45)],
            vec![own(), Part::Span(200..300)],
        ] {
            assert_eq!(rewritten(&body, parts), Err(Unfit::Attachment(0)));
        }
    }
}
