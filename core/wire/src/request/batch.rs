//! A file of calls that a provider makes later, one JSON object to a line: what they ask steers policy as a call's own does.

use super::asks;
use crate::endpoint::endpoint;
use crate::error::Malformed;
use crate::json::{self, Document, Kind, Text, Value};
use plant::{Dialect, Reason};

/// What the calls of a file ask.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Batch {
    /// The one model that all of them ask, if any does.
    pub(super) model: Option<String>,
    /// The tools that they offer, each once.
    pub(super) tools: Vec<String>,
}

impl Batch {
    /// Reads the file, which begins at `from` in the body.
    ///
    /// # Errors
    /// If a line is no call, goes to an endpoint that is not known, or asks another model than one before: a file has one
    /// place in a policy.
    pub(super) fn read(text: &str, from: usize) -> Result<Self, Malformed> {
        let mut batch = Self::default();
        let mut at = from;
        for line in text.split_inclusive('\n') {
            if !line.trim().is_empty() {
                let document = Document::parse(line.as_bytes(), &json::Limits::default()).map_err(|error| {
                    let malformed = Malformed::from(error);
                    Malformed { offset: malformed.offset + at, ..malformed }
                })?;
                batch.call(document.root(), at)?;
            }
            at += line.len();
        }
        Ok(batch)
    }

    fn call(&mut self, call: Value<'_, '_>, at: usize) -> Result<(), Malformed> {
        if call.kind() != Kind::Object {
            return Err(Malformed::new(at, "a line of the batch is no call"));
        }
        let member = |key| asks::member(call, key).map(|value| value.and_then(Value::as_str));
        let posts = member("method")?.is_none_or(|method| method == "POST");
        let known = member("url")?.is_none_or(|url| endpoint(Dialect::OpenAi, "POST", &url).is_some());
        if !posts || !known {
            return Err(Malformed::with(Reason::UnknownEndpoint, at, "a line of the batch calls no known endpoint"));
        }
        let Some(body) = asks::member(call, "body")?.filter(|body| body.kind() == Kind::Object) else {
            return Err(Malformed::new(at, "a line of the batch has no body"));
        };
        let model = asks::member(body, "model")?.and_then(Value::text).map(Text::decode);
        match (&self.model, model) {
            (Some(first), Some(model)) if *first != model => {
                return Err(Malformed::new(at, "the lines of the batch ask different models"));
            }
            (None, Some(model)) => self.model = Some(model.into_owned()),
            _ => {}
        }
        for tool in asks::tools(Dialect::OpenAi, body)? {
            if !self.tools.contains(&tool) {
                self.tools.push(tool);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Batch;

    fn line(url: &str, model: &str) -> String {
        format!(
            "{{\"custom_id\":\"1\",\"method\":\"POST\",\"url\":\"{url}\",\"body\":{{\"model\":\"{model}\",\"tools\":[{{\"type\":\"web_search\"}}]}}}}\n"
        )
    }

    #[test]
    fn what_the_calls_of_a_file_ask_is_known() {
        let chat = "/v1/chat/completions";
        let batch = Batch::read(&(line(chat, "gpt-4o") + "\r\n" + &line(chat, "gpt-4o")), 0).unwrap();
        assert_eq!((batch.model.as_deref(), batch.tools.len()), (Some("gpt-4o"), 1));
        assert_eq!(Batch::read("{\"body\":{}}", 0), Ok(Batch::default()), "Mistral's job names the model");
    }

    #[test]
    fn a_file_that_hides_what_it_asks_is_refused() {
        let chat = "/v1/chat/completions";
        for text in [
            line(chat, "gpt-4o") + &line(chat, "gpt-5"),
            line("/v1/fine_tuning/jobs", "gpt-4o"),
            line(chat, "gpt-4o").replace("POST", "DELETE"),
            "[]".to_owned(),
            "{}".to_owned(),
            "not JSON".to_owned(),
            "{\"body\":{\"model\":\"a\",\"Model\":\"b\"}}".to_owned(),
            "{\"body\":{\"model\":\"a\"},\"body\":{\"model\":\"b\"}}".to_owned(),
        ] {
            assert!(Batch::read(&text, 0).is_err(), "{text}");
        }
    }
}
