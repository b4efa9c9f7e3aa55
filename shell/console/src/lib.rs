//! The console: the API by which people and programs control a gateway that runs, and the pages that people look at.
//!
//! ```text
//! unix socket, TCP or TLS ─> route ─> who is it ─> may they ─> body as a type ─> Control ─> JSON, or a problem (RFC 9457)
//!         browser ─> pages, sign-in ─┘ by token, session or machine
//! ```
//!
//! It knows neither gateway nor ledger nor plant file: what can be done is a trait, [`Control`], and how people come in
//! another, [`Entrance`]; the command line implements both. It is never on the path of a call.
//!
//! HTTP is spoken by `hyper` alone, which the gateway has anyway: a dozen routes with one body shape each need a table,
//! from which rights, methods and the OpenAPI document are checked, and no framework.

mod answer;
mod components;
mod control;
mod cookie;
mod draft;
mod entrance;
mod front;
mod live;
mod map;
mod pages;
mod paths;
mod porter;
mod problem;
mod pulse;
mod query;
mod reading;
mod records;
mod repeat;
mod routes;
mod serve;
mod session;
#[cfg(test)]
mod tests;
mod throttle;
mod trips;

pub use answer::misleads;
pub use components::{Component, Components, Declaration, Declared, Life, Next, Picked, Sheet, Sighting, Version};
pub use control::{
    Asked, Control, Decision, Fault, Found, Hold, InForce, Isolation, Isolations, Later, Ledger, Person, Ruling, State,
    Waiting, Wish,
};
pub use draft::{Difference, File, Judged, Replay, Standing, Tally, Tried, Wrong};
pub use entrance::{Arrival, Entrance, Terms, Trip};
pub use map::{Conduit, Map, Provider, Workload, Zone};
pub use paths::{Form, Marked, Path, Paths, Sought, Stray, Undeclared};
pub use porter::{Barred, Passage, Visit, Why};
#[doc(hidden)]
pub use query::fuzz as fuzz_query;
pub use reading::{Books, Health, Lane, Reading, Stepped, Unwitnessed};
pub use records::{Archive, Body, Entry, Line, Listing, Name, Opening, Proof, Receipt, Stored, Story, Wanted};
pub use routes::OPENAPI;
/// Entry for fuzzing: what a stranger may send to the console, as address, cookie and body.
pub fn fuzz(bytes: &[u8]) {
    if let Ok(path) = std::str::from_utf8(bytes)
        && let Ok((route, name)) = routes::find(&http::Method::GET, path)
    {
        debug_assert_eq!(path, route.path.replace("{id}", name));
    }
    cookie::fuzz(bytes);
    answer::fuzz(bytes);
}

pub use serve::{Console, Listen, ListenError, Tls};
