//! A JSON API that the plant file describes: which calls it has, and where in them the model, the prompts and the answers
//! stand. `wire` reads by it, where nothing else is known of an API.

/// How deep a path may lead.
const DEEPEST: usize = 16;

/// A JSON API, as the plant file describes it.
///
/// Descriptions live as long as the process, so that a dialect stays a word that is handed on by copying: who reads plant
/// files keeps one of each kind, and a plant that is read again adds none.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Description {
    /// Its calls. None means any path.
    pub calls: Vec<DescribedCall>,
    /// Where a request names the model.
    pub model: Option<JsonPath>,
    /// Where a request says that the answer is to stream.
    pub stream: Option<JsonPath>,
    /// The texts of a request that may be replaced; none means all of them. All others are read and stay.
    pub prompts: Vec<JsonPath>,
    /// The texts of a streamed answer that its reader puts together from event to event.
    pub texts: Vec<JsonPath>,
    /// An error as JSON, in which `{code}`, `{message}`, `{record}` and `{status}` stand for what they name.
    pub error: Option<String>,
}

/// A call of a described API.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DescribedCall {
    /// What policies and records call it.
    pub name: String,
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// Its path; a segment in braces stands for any, and `{model}` names the model.
    pub path: String,
}

impl DescribedCall {
    /// Reads `NAME METHOD /path/{any}`. `None` if it is no such call.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let (name, method, path) = (words.next()?, words.next()?, words.next()?);
        let word = |text: &str| {
            let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            (1..=64).contains(&text.len()) && text.bytes().all(known)
        };
        let plain = |segment: &str| {
            let inside = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            word(inside.unwrap_or(segment)) && !matches!(segment, "." | "..")
        };
        let methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];
        let path = path.strip_prefix('/').filter(|path| path.len() <= 512 && path.split('/').all(plain))?;
        let own = Self { name: name.to_owned(), method: method.to_owned(), path: format!("/{path}") };
        (words.next().is_none() && word(name) && methods.contains(&method)).then_some(own)
    }
}

/// Where in a JSON value something stands: `question.history[].text`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JsonPath(Vec<Step>);

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// To the member of that name.
    Member(String),
    /// To each item of a list.
    Each,
}

impl JsonPath {
    /// Reads a path: names joined by dots, each with `[]` behind it for every list that it holds. `None` if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut steps = Vec::new();
        for part in text.split('.') {
            let name = part.trim_end_matches("[]");
            let whole = !name.is_empty() && !name.contains(['[', ']', '*', '$', '"', '\'']) && name.trim() == name;
            if !whole {
                return None;
            }
            steps.push(Step::Member(name.to_owned()));
            steps.extend(std::iter::repeat_n(Step::Each, (part.len() - name.len()) / 2));
        }
        (steps.len() <= DEEPEST).then_some(Self(steps))
    }

    /// Its steps, from the outermost value inwards.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// Whether it leads to one value at most.
    #[must_use]
    pub fn is_single(&self) -> bool {
        !self.0.contains(&Step::Each)
    }
}

#[cfg(test)]
mod tests {
    use super::{DescribedCall, JsonPath, Step};

    #[test]
    fn a_path_is_names_and_lists() {
        let path = JsonPath::parse("a.history[].b-c[][]").unwrap();
        let member = |name: &str| Step::Member(name.to_owned());
        assert_eq!(path.steps(), [member("a"), member("history"), Step::Each, member("b-c"), Step::Each, Step::Each]);
        assert!(!path.is_single() && JsonPath::parse("a.b").unwrap().is_single());
        for text in ["", ".", "a.", "a..b", "[]", "a[0]", "a[*]", "$.a", "a[].[]", " a", "a['b']", &"a.".repeat(40)] {
            assert_eq!(JsonPath::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_call_is_a_name_a_method_and_a_path() {
        let call = DescribedCall::parse("ask POST /v1/machines/{machine}/ask").unwrap();
        assert_eq!((&*call.name, &*call.method, &*call.path), ("ask", "POST", "/v1/machines/{machine}/ask"));
        for text in [
            "",
            "POST /v1/ask",
            "ask post /v1/ask",
            "ask TRACE /v1/ask",
            "ask POST v1/ask",
            "ask POST /v1//ask",
            "ask POST /v1/../ask",
            "ask POST /v1/ask?x=1",
            "ask POST /v1/{a",
            "ask POST /v1/a%2fb",
            "ask POST /",
            "ask POST /a b",
        ] {
            assert_eq!(DescribedCall::parse(text), None, "{text}");
        }
    }
}
