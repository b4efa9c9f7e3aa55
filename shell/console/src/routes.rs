//! The addresses of the API: one table, which the document that describes them is checked against.

use crate::problem::Problem;
use http::Method;
use plant::Right;

/// The description of the API (OpenAPI 3.1), which it serves itself.
pub const OPENAPI: &str = include_str!("openapi.json");

/// What is done at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Describe,
    Session,
    SignIn,
    SignOut,
    Link,
    Me,
    State,
    Now,
    History,
    Events,
    Map,
    Isolations,
    Isolate,
    Restore,
    Holds,
    Hold,
    Decide,
    Reload,
    Plant,
    Draft,
    Components,
    Declare,
    Paths,
    /// Look at what people did with answers.
    Oversight,
    /// Say what one did with an answer.
    Account,
    Undeclared,
    Records,
    Record,
    Proof,
    Receipt,
    Open,
}

impl Act {
    /// Whether it looks into the ledger.
    pub(crate) fn is_of_records(self) -> bool {
        matches!(self, Self::Records | Self::Record | Self::Proof | Self::Receipt)
    }
}

/// An address.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) method: Method,
    /// With `{id}` for a step that is a name.
    pub(crate) path: &'static str,
    /// What it takes; `None` for what anybody may see.
    pub(crate) right: Option<Right>,
    pub(crate) act: Act,
}

const fn route(method: Method, path: &'static str, right: Right, act: Act) -> Route {
    Route { method, path, right: Some(right), act }
}

const fn open(method: Method, path: &'static str, act: Act) -> Route {
    Route { method, path, right: None, act }
}

pub(crate) static ROUTES: [Route; 31] = [
    open(Method::GET, "/api/v1/openapi.json", Act::Describe),
    open(Method::GET, "/api/v1/session", Act::Session),
    open(Method::POST, "/api/v1/session", Act::SignIn),
    open(Method::DELETE, "/api/v1/session", Act::SignOut),
    route(Method::POST, "/api/v1/links", Right::Change, Act::Link),
    route(Method::GET, "/api/v1/me", Right::View, Act::Me),
    route(Method::GET, "/api/v1/state", Right::View, Act::State),
    route(Method::GET, "/api/v1/now", Right::View, Act::Now),
    route(Method::GET, "/api/v1/history", Right::View, Act::History),
    route(Method::GET, "/api/v1/events", Right::View, Act::Events),
    route(Method::GET, "/api/v1/map", Right::View, Act::Map),
    route(Method::GET, "/api/v1/isolations", Right::View, Act::Isolations),
    route(Method::POST, "/api/v1/isolations", Right::Isolate, Act::Isolate),
    route(Method::POST, "/api/v1/restorations", Right::Restore, Act::Restore),
    route(Method::GET, "/api/v1/holds", Right::View, Act::Holds),
    route(Method::GET, "/api/v1/holds/{id}", Right::View, Act::Hold),
    route(Method::POST, "/api/v1/holds/{id}/decision", Right::DecideHold, Act::Decide),
    route(Method::POST, "/api/v1/reloads", Right::Change, Act::Reload),
    route(Method::GET, "/api/v1/plant", Right::View, Act::Plant),
    route(Method::POST, "/api/v1/drafts", Right::Change, Act::Draft),
    route(Method::GET, "/api/v1/components", Right::View, Act::Components),
    route(Method::POST, "/api/v1/declarations", Right::Change, Act::Declare),
    route(Method::GET, "/api/v1/paths", Right::View, Act::Paths),
    route(Method::GET, "/api/v1/undeclared", Right::View, Act::Undeclared),
    route(Method::GET, "/api/v1/records", Right::View, Act::Records),
    route(Method::GET, "/api/v1/records/{id}", Right::View, Act::Record),
    route(Method::GET, "/api/v1/records/{id}/proof", Right::View, Act::Proof),
    route(Method::GET, "/api/v1/records/{id}/receipt", Right::View, Act::Receipt),
    route(Method::POST, "/api/v1/records/{id}/accounts", Right::View, Act::Account),
    route(Method::GET, "/api/v1/oversight", Right::View, Act::Oversight),
    route(Method::POST, "/api/v1/records/{id}/openings", Right::SeeContent, Act::Open),
];

/// The route of a request, and the name in its path.
pub(crate) fn find<'p>(method: &Method, path: &'p str) -> Result<(&'static Route, &'p str), Problem> {
    // Whoever may have a body may have its head alone (RFC 9110 section 9.3.2).
    let method = if *method == Method::HEAD { &Method::GET } else { method };
    let mut here = ROUTES.iter().filter_map(|route| Some((route, matches(route.path, path)?))).peekable();
    if here.peek().is_none() {
        return Err(Problem::NoRoute);
    }
    let fitting: Vec<_> = here.collect();
    let found = fitting.iter().find(|(route, _)| route.method == *method).copied();
    found.ok_or_else(|| {
        let takes = |method: Method| fitting.iter().any(|(route, _)| route.method == method);
        Problem::Method(match (takes(Method::GET), takes(Method::POST), takes(Method::DELETE)) {
            (_, _, true) => "GET, HEAD, POST, DELETE",
            (true, true, _) => "GET, HEAD, POST",
            (true, false, _) => "GET, HEAD",
            _ => "POST",
        })
    })
}

/// The name in a path, or nothing, if it is one of the route's.
fn matches<'p>(template: &str, path: &'p str) -> Option<&'p str> {
    let (mut wanted, mut given, mut name) = (template.split('/'), path.split('/'), "");
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(name),
            (Some("{id}"), Some(step)) if !step.is_empty() => name = step,
            (Some(one), Some(other)) if one == other => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{OPENAPI, ROUTES, find};
    use crate::problem::Problem;
    use http::Method;
    use plant::Right;
    use std::collections::BTreeSet;

    #[test]
    fn the_document_describes_every_route_with_its_right_and_no_other() {
        let document: serde_json::Value = serde_json::from_str(OPENAPI).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        let mut described = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let right = operation["x-right"].as_str().unwrap_or("none").to_owned();
                assert_eq!(operation["security"] == serde_json::json!([]), right == "none", "{path}");
                described.insert((method.to_uppercase(), path.clone(), right));
            }
        }
        let right = |right: Option<Right>| right.map_or("none", Right::name).to_owned();
        let routes = ROUTES.iter().map(|one| (one.method.to_string(), one.path.to_owned(), right(one.right)));
        assert_eq!(described, routes.collect());
    }

    #[test]
    fn a_path_is_one_of_a_route_or_of_none() {
        let name = |method: Method, path| find(&method, path).map(|(route, name)| (route.path, name));
        assert_eq!(name(Method::GET, "/api/v1/holds/abc"), Ok(("/api/v1/holds/{id}", "abc")));
        assert_eq!(name(Method::POST, "/api/v1/holds/abc/decision"), Ok(("/api/v1/holds/{id}/decision", "abc")));
        assert_eq!(name(Method::HEAD, "/api/v1/me"), Ok(("/api/v1/me", "")));
        assert_eq!(name(Method::DELETE, "/api/v1/isolations"), Err(Problem::Method("GET, HEAD, POST")));
        assert_eq!(name(Method::PUT, "/api/v1/session"), Err(Problem::Method("GET, HEAD, POST, DELETE")));
        assert_eq!(name(Method::GET, "/api/v1/reloads"), Err(Problem::Method("POST")));
        for path in
            ["", "/", "/api/v1", "/api/v1/", "/api/v1/holds/", "/api/v1/holds/a/b", "//api/v1/me", "/api/v1/me/"]
        {
            assert_eq!(name(Method::GET, path), Err(Problem::NoRoute), "{path}");
        }
    }
}
