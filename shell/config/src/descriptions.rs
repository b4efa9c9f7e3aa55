//! `[providers.<provider>.api]`: a JSON API that the plant file describes.

use crate::node::Node;
use crate::problem::Code;
use crate::report::Report;
use crate::value;
use plant::{DescribedCall, Description, Dialect, JsonPath};
use std::sync::{Mutex, PoisonError};

/// The dialect of a provider.
pub(crate) fn dialect(provider: &Node<'_>, report: &mut Report) -> Option<Dialect> {
    let named = value::dialect(provider.text("dialect")?.value)?;
    if !provider.says("api") {
        return Some(named);
    }
    if named != Dialect::Json {
        let message = format!("{} is described, and speaks a dialect that is known", provider.place);
        let problem = report.problem(Code::BadValue, provider.span_of("api"), message);
        report.add(
            problem
                .also(provider.span_of("dialect"), "its dialect")
                .help("leave out `api`, or set `dialect = \"json\"`"),
        );
        return Some(named);
    }
    let api = provider.table("api")?;
    let paths = |key| api.texts(key).into_iter().filter_map(|text| JsonPath::parse(text.value)).collect();
    let path = |key| api.text(key).and_then(|text| JsonPath::parse(text.value)).filter(JsonPath::is_single);
    let description = Description {
        calls: api.texts("calls").into_iter().filter_map(|text| DescribedCall::parse(text.value)).collect(),
        model: path("model"),
        stream: path("stream"),
        prompts: paths("prompts"),
        texts: paths("texts"),
        error: api.string("error"),
    };
    Some(Dialect::Described(kept(description)))
}

/// The one description that says this, which lives as long as the process: a file that is read again adds none.
fn kept(description: Description) -> &'static Description {
    static KNOWN: Mutex<Vec<&'static Description>> = Mutex::new(Vec::new());
    // A panic under this lock leaves the list as it was or longer by one.
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(same) = known.iter().find(|own| ***own == description) {
        return same;
    }
    let own: &'static Description = Box::leak(Box::new(description));
    known.push(own);
    own
}
