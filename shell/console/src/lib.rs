//! The API by which people and programs control a gateway that runs. The console's pages will stand on it.
//!
//! ```text
//! unix socket, TCP or TLS ─> route ─> who is it ─> may they ─> body as a type ─> Control ─> JSON, or a problem (RFC 9457)
//! ```
//!
//! It knows neither gateway nor ledger nor plant file: what can be done is a trait, [`Control`], that the command line
//! implements over them. It is never on the path of a call.
//!
//! HTTP is spoken by `hyper` alone, which the gateway has anyway: a dozen routes with one body shape each need a table,
//! from which rights, methods and the OpenAPI document are checked, and no framework.

mod answer;
mod control;
mod problem;
mod repeat;
mod routes;
mod serve;
mod throttle;

pub use answer::misleads;
pub use control::{
    Asked, Control, Decision, Fault, Found, Hold, InForce, Isolation, Isolations, Later, Ledger, Person, Ruling, State,
    Waiting, Wish,
};
pub use routes::OPENAPI;
pub use serve::{Console, Listen, ListenError, Tls};
