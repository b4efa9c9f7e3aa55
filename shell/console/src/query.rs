//! The query of an address: decoded (application/x-www-form-urlencoded), and as what is searched for.

use crate::answer::COMPONENT;
use crate::components::{Picked, Sheet};
use crate::paths::{Form, Marked, Sought};
use crate::problem::Problem;
use crate::records::Wanted;
use plant::{
    ConduitId, Judgement, Kind, Millis, OperatorId, ProviderId, Reason, RecordId, Verdict, Wildcard, WorkloadId, ZoneId,
};

/// Longest query, in bytes.
const LONGEST: usize = 4096;
/// Longest text that is no name, in characters: as long as a model's name can be in a record.
const TEXT: usize = 120;
/// Numbers stay below this, as in records.
const NUMBERS: u64 = 1 << 53;
/// Records on a page, unless the query says how many, and at most.
pub(crate) const PAGE: u64 = 50;
const MOST: u64 = 200;

/// Pairs of names and values.
#[derive(Debug)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn read(text: &str) -> Option<Self> {
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decoded(key)?, decoded(value)?))
        };
        text.split('&').filter(|pair| !pair.is_empty()).map(pair).collect::<Option<_>>().map(Self)
    }

    /// A value that is there once.
    pub(crate) fn one(&self, key: &str) -> Option<String> {
        let mut values = self.0.iter().filter(|(known, _)| known == key).map(|(_, value)| value);
        let value = values.next()?;
        values.next().is_none().then(|| value.clone())
    }

    /// Takes a value out; a problem if it is there twice.
    fn take(&mut self, key: &'static str) -> Result<Option<String>, Problem> {
        let Some(at) = self.0.iter().position(|(known, _)| known == key) else { return Ok(None) };
        let (_, value) = self.0.swap_remove(at);
        let twice = self.0.iter().any(|(known, _)| known == key);
        if twice { Err(Problem::Unfit(format!("`{key}` stands in the query twice"))) } else { Ok(Some(value)) }
    }

    /// Whether everything was taken out.
    fn ends(&self) -> Result<(), Problem> {
        let other = Problem::Malformed("the query holds a name that is not searched by");
        if self.0.is_empty() { Ok(()) } else { Err(other) }
    }

    /// Takes a value out as what it must be.
    fn of<T>(
        &mut self,
        key: &'static str,
        is: &str,
        read: impl FnOnce(String) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        // What was given is not repeated: it is in front of whoever asks, and may be anything.
        let unfit = || Problem::Unfit(format!("`{key}` is {is}"));
        self.take(key)?.map(|value| read(value).ok_or_else(unfit)).transpose()
    }
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?].map(|digit| char::from(digit).to_digit(16));
                u8::try_from(digits[0]? * 16 + digits[1]?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// Reads what records are searched for, and whether as they are stored. Every name may stand once, and nothing else may stand there.
pub(crate) fn wanted(text: &str) -> Result<(Wanted, bool), Problem> {
    let mut query = whole(text)?;
    let name = "a name: 1 to 96 lower-case letters, digits, `-`, `_`, `.`, the first a letter or digit";
    let wanted = Wanted {
        since: query.of("since", "a time in milliseconds since 1970", number)?.map(Millis),
        until: query.of("until", "a time in milliseconds since 1970", number)?.map(Millis),
        kind: query.of("kind", "no kind of record", |text| Kind::named(&text))?,
        zone: query.of("zone", name, |text| ZoneId::new(text).ok())?,
        conduit: query.of("conduit", name, |text| ConduitId::new(text).ok())?,
        workload: query.of("workload", name, |text| WorkloadId::new(text).ok())?,
        operator: query.of("operator", name, |text| OperatorId::new(text).ok())?,
        provider: query.of("provider", name, |text| ProviderId::new(text).ok())?,
        model: query.of("model", "1 to 120 characters", short)?.map(Wildcard),
        verdict: query.of("verdict", "no verdict", |text| named(&Verdict::NAMES, &text))?,
        reason: query.of("reason", "no reason code", |text| Reason::named(&text))?,
        sensitivity: query.of("sensitivity", "1 to 120 characters", short)?,
        decision: query
            .of("decision", "nothing that is done with an answer", |text| named(&Judgement::NAMES, &text))?,
        finding: query.of("finding", "1 to 120 characters", short)?,
        id: query.of("id", "no identity of a record", |text| RecordId::parse(&text))?,
        before: query.of("before", "a number of a record", number)?,
        limit: query.of("limit", "1 to 200", number)?.unwrap_or(PAGE),
    };
    if !(1..=MOST).contains(&wanted.limit) {
        return Err(Problem::Unfit("`limit` is 1 to 200".to_owned()));
    }
    let stored = query.of("format", "`ndjson`", |text| (text == "ndjson").then_some(()))?.is_some();
    query.ends().map(|()| (wanted, stored))
}

/// Reads which components are wanted, and how they are to be written down: nothing said is the answer of a page.
pub(crate) fn picked(text: &str) -> Result<Option<(Picked, Sheet)>, Problem> {
    let mut query = whole(text)?;
    let picked = Picked {
        name: query.of("name", "1 to 600 characters", title)?,
        kind: query.of("kind", "1 to 120 characters", short)?,
        state: query.of("state", "1 to 120 characters", short)?,
    };
    let sheet = query.of("format", "`text`, `json`, `csv` or `cyclonedx`", |text| named(&Sheet::NAMES, &text))?;
    query.ends()?;
    // Who picks wants a file, and gets data if nothing else is said.
    let sheet = sheet.or((picked != Picked::default()).then_some(Sheet::Json));
    Ok(sheet.map(|sheet| (picked, sheet)))
}

/// Reads which paths are wanted, and how they are to be written down: nothing said is the answer of a page.
pub(crate) fn sought(text: &str) -> Result<(Sought, Option<Form>), Problem> {
    let mut query = whole(text)?;
    let name = "1 to 120 characters";
    let sought = Sought {
        mark: query.of("mark", "no mark of a path", |text| named(&Marked::NAMES, &text))?,
        source: query.of("source", name, short)?,
        workload: query.of("workload", name, short)?,
        conduit: query.of("conduit", name, short)?,
        provider: query.of("provider", name, short)?,
    };
    let form = query.of("format", "`json`, `csv` or `mermaid`", |text| named(&Form::NAMES, &text))?;
    query.ends().map(|()| (sought, form))
}

fn whole(text: &str) -> Result<Query, Problem> {
    if text.len() > LONGEST {
        return Err(Problem::Malformed("the query is longer than 4096 bytes"));
    }
    Query::read(text).ok_or(Problem::Malformed("the query is not percent-encoded UTF-8"))
}

fn named<T: Copy>(names: &[(&str, T)], text: &str) -> Option<T> {
    names.iter().find(|(name, _)| *name == text).map(|(_, value)| *value)
}

fn short(text: String) -> Option<String> {
    (1..=TEXT).contains(&text.chars().count()).then_some(text)
}

fn title(text: String) -> Option<String> {
    (1..=COMPONENT).contains(&text.chars().count()).then_some(text)
}

/// A whole number as it is written: no sign, no zero before it.
fn number(text: String) -> Option<u64> {
    let number = text.parse().ok().filter(|number| *number < NUMBERS)?;
    (text == u64::to_string(&number)).then_some(number)
}

/// Whatever a query is, it is read or is a problem; what was read is spelled again as what is read as the same.
#[doc(hidden)]
pub fn fuzz(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok((sought, _)) = sought(text) {
        let names = [sought.source, sought.workload, sought.conduit, sought.provider];
        assert!(names.iter().flatten().all(|name| (1..=TEXT).contains(&name.chars().count())));
    }
    if let Ok(Some((picked, sheet))) = picked(text) {
        let address = picked.address(sheet);
        let query = address.split_once('?').map_or("", |(_, query)| query);
        assert!(query.len() > LONGEST || self::picked(query) == Ok(Some((picked, sheet))), "{address}");
    }
    let Ok((read, _)) = wanted(text) else { return };
    let spelled = read.query();
    // What was sent unescaped may be too long when it is.
    if spelled.len() > LONGEST {
        return;
    }
    assert_eq!(wanted(&spelled), Ok((read.clone(), false)), "{spelled}");
    assert!((1..=MOST).contains(&read.limit) && text.len() <= LONGEST);
}

impl Wanted {
    /// Where these records are, as they are stored: a path with a query.
    pub fn address(&self) -> String {
        format!("/api/v1/records?format=ndjson&{}", self.query())
    }

    fn query(&self) -> String {
        let Self { since, until, kind, zone, conduit, workload, operator, provider, model, verdict, .. } = self;
        let Self { reason, sensitivity, decision, finding, id, before, limit, .. } = self;
        spelled([
            ("since", since.map(|time| time.0.to_string())),
            ("until", until.map(|time| time.0.to_string())),
            ("kind", kind.map(|kind| kind.name().to_owned())),
            ("zone", zone.as_ref().map(ToString::to_string)),
            ("conduit", conduit.as_ref().map(ToString::to_string)),
            ("workload", workload.as_ref().map(ToString::to_string)),
            ("operator", operator.as_ref().map(ToString::to_string)),
            ("provider", provider.as_ref().map(ToString::to_string)),
            ("model", model.as_ref().map(|model| model.0.clone())),
            ("verdict", verdict.map(|verdict| verdict.name().to_owned())),
            ("reason", reason.map(|reason| reason.code().to_owned())),
            ("sensitivity", sensitivity.clone()),
            ("decision", decision.map(|decision| decision.name().to_owned())),
            ("finding", finding.clone()),
            ("id", id.map(|id| id.to_string())),
            ("before", before.map(|before| before.to_string())),
            ("limit", Some(limit.to_string())),
        ])
    }
}

impl Picked {
    /// Where these components are, written down: a path with a query.
    pub fn address(&self, sheet: Sheet) -> String {
        let Self { name, kind, state } = self;
        let pairs = [("format", Some(sheet.name().to_owned())), ("name", name.clone()), ("kind", kind.clone())];
        format!("/api/v1/components?{}", spelled(pairs.into_iter().chain([("state", state.clone())])))
    }
}

/// What is there of these, percent-encoded.
fn spelled(pairs: impl IntoIterator<Item = (&'static str, Option<String>)>) -> String {
    let pair = |(key, value): (&str, Option<String>)| {
        let value = value?.bytes().map(byte).collect::<String>();
        Some(format!("{key}={value}"))
    };
    pairs.into_iter().filter_map(pair).collect::<Vec<_>>().join("&")
}

fn byte(byte: u8) -> String {
    let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
}

#[cfg(test)]
mod tests {
    use super::{Query, picked, sought, wanted};
    use crate::components::{Picked, Sheet};
    use crate::paths::{Form, Marked};
    use crate::problem::Problem;
    use crate::records::Wanted;
    use plant::{Judgement, Kind, Reason, Verdict};

    #[test]
    fn a_query_is_decoded_and_what_stands_twice_is_not_there() {
        let query = Query::read("code=a%2Fb+c&state=s&state=t&iss").unwrap();
        assert_eq!(query.one("code").as_deref(), Some("a/b c"));
        assert_eq!(query.one("state"), None);
        assert_eq!(query.one("iss").as_deref(), Some(""));
        for bad in ["a=%", "a=%4", "a=%zz", "a=%ff"] {
            assert!(Query::read(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn what_is_searched_for_is_read_as_it_is_spelled() {
        let (empty, stored) = wanted("").unwrap();
        assert!(!stored);
        assert_eq!((empty.limit, &empty.zone), (50, &None));
        let full = "since=1&until=9007199254740991&kind=intent&zone=cell-1&conduit=copilot&workload=mes&operator=op-aaaabbbbccccdddd\
                    &provider=openai&model=gpt*%20%C3%BC&verdict=refuse&reason=no-conduit&sensitivity=internal&decision=edited\
                    &finding=secret.key&id=01a1fb28-26bf-77bf-a1d9-a527ad6ecc12&before=7&limit=200";
        let (read, _) = wanted(full).unwrap();
        assert_eq!((read.kind, read.verdict, read.before), (Some(Kind::Intent), Some(Verdict::Refuse), Some(7)));
        assert_eq!(read.model.as_ref().map(|model| model.0.as_str()), Some("gpt* ü"));
        assert_eq!(wanted(read.address().split_once('?').unwrap().1).unwrap(), (read, true));
        assert_eq!(wanted("&&kind=intent&").unwrap().0, Wanted { kind: Some(Kind::Intent), ..empty });
    }

    #[test]
    fn the_description_has_every_word_that_is_searched_by() {
        let document: serde_json::Value = serde_json::from_str(crate::OPENAPI).unwrap();
        let parameters = document["paths"]["/api/v1/records"]["get"]["parameters"].as_array().unwrap();
        let words = |name: &str| -> Vec<&str> {
            let one = parameters.iter().find(|one| one["name"] == name).unwrap();
            one["schema"]["enum"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
        };
        assert_eq!(words("kind"), Kind::NAMES.map(|(name, _)| name));
        assert_eq!(words("verdict"), Verdict::NAMES.map(|(name, _)| name));
        assert_eq!(words("decision"), Judgement::NAMES.map(|(name, _)| name));
        assert_eq!(words("reason"), Reason::ALL.iter().map(|reason| reason.code()).collect::<Vec<_>>());
        for parameter in parameters {
            let problem = wanted(&format!("{}=", parameter["name"].as_str().unwrap())).unwrap_err();
            assert!(matches!(problem, Problem::Unfit(_)), "{parameter} is searched by");
        }
    }

    #[test]
    fn paths_are_sought_by_what_stands_in_the_description() {
        let document: serde_json::Value = serde_json::from_str(crate::OPENAPI).unwrap();
        let parameters = document["paths"]["/api/v1/paths"]["get"]["parameters"].as_array().unwrap();
        let words = |name: &str| -> Vec<&str> {
            let one = parameters.iter().find(|one| one["name"] == name).unwrap();
            one["schema"]["enum"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
        };
        assert_eq!(words("mark"), Marked::NAMES.map(|(name, _)| name));
        assert_eq!(words("format"), Form::NAMES.map(|(name, _)| name));
        let (read, form) = sought("mark=wrong&workload=mes&source=-&format=csv").unwrap();
        assert_eq!((read.mark, read.source.as_deref(), form), (Some(Marked::Wrong), Some("-"), Some(Form::Csv)));
        for query in ["mark=evil", "format=xml", "workload=", "colour=red", "source=a&source=b", "%"] {
            assert!(sought(query).is_err(), "{query}");
        }
    }

    #[test]
    fn components_are_picked_as_they_are_spelled() {
        let all =
            Picked { name: Some("model:a/b ü&c=1".into()), kind: Some("model".into()), state: Some("shadow".into()) };
        for (_, sheet) in Sheet::NAMES {
            let address = all.address(sheet);
            assert_eq!(picked(address.split_once('?').unwrap().1).unwrap(), Some((all.clone(), sheet)), "{address}");
        }
        assert_eq!(picked("").unwrap(), None);
        assert_eq!(Picked::default().address(Sheet::Csv), "/api/v1/components?format=csv");
        assert_eq!(picked("kind=model").unwrap().map(|(_, sheet)| sheet), Some(Sheet::Json));
        for query in ["format=xml", "format=csv&name=", "format=csv&colour=red", "format=csv&format=csv"] {
            assert!(picked(query).is_err(), "{query}");
        }
    }

    #[test]
    fn a_query_that_is_none_is_a_problem_that_repeats_nothing_of_it() {
        let long = format!("model={}", "x".repeat(5000));
        let wide = format!("model={}", "%F0%9F%92%A9".repeat(121));
        let evil = "<script>alert(1)</script>";
        for query in [
            "kind=evil",
            "zone=",
            "zone=Line",
            "zone=a&zone=b",
            "since=yesterday",
            "since=-1",
            "since=007",
            "until=9007199254740992",
            "before=1.5",
            "limit=0",
            "limit=201",
            "verdict=REFUSE",
            "id=1",
            "model=",
            "color=red",
            "kind",
            "%",
            &long,
            &wide,
            &format!("zone={evil}"),
            &format!("{evil}=1"),
            &format!("model=a&model={evil}"),
        ] {
            let problem = wanted(query).unwrap_err();
            assert!(matches!(problem, Problem::Malformed(_) | Problem::Unfit(_)), "{query}");
            assert!(!format!("{problem:?}").contains("script"), "{query}");
        }
    }
}
