//! `[console]` and `[control]`: who may do what with a running gateway, and what takes two.

use crate::callers::strings;
use crate::node::Node;
use crate::problem::Code;
use crate::report::Report;
use crate::value;
use plant::Role;
use seal::note::Verifier;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where approvals lie in the plant's folder.
const SIGNATURES: &str = "approvals";

/// How people control a gateway that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Where the console's API listens, if it does: plain HTTP on loopback, else HTTPS with the gateway's certificate.
    pub listen: Option<SocketAddr>,
    /// What browsers reach it by, if that is not the address itself: scheme, host, port, and no slash behind.
    pub url: Option<String>,
    /// The plant's time zone, by its IANA name.
    pub time_zone: String,
    /// How people sign in at the operators' issuer, if they do.
    pub login: Option<Login>,
    /// The file of hashed tokens.
    pub tokens: PathBuf,
    /// Which claim values give which role, in the order of [`Role::NAMES`].
    pub roles: Vec<(Role, Vec<String>)>,
    /// Whether an isolation takes two people.
    pub two_isolate: bool,
    /// Whether a restoration takes two people.
    pub two_restore: bool,
    /// How many approvers must have signed the plant that replaces this one. Never more than there are.
    pub approvals: usize,
    /// Who may sign it. Names and keys are distinct.
    pub approvers: Vec<Verifier>,
    /// The folder of what they have signed.
    pub signatures: PathBuf,
    /// How long a held call waits.
    pub hold_for: Duration,
    /// Most calls that wait for a person at a time.
    pub holds: usize,
}

/// The console as a client of the operators' issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Its id there.
    pub client: String,
    /// The file of its secret; a public client has none.
    pub secret: Option<PathBuf>,
    /// What it asks for.
    pub scopes: Vec<String>,
}

impl Control {
    /// The roles that an operator has who states these values.
    pub fn roles_of<'a>(&'a self, stated: &'a [String]) -> impl Iterator<Item = Role> + 'a {
        let has = move |values: &[String]| values.iter().any(|value| stated.contains(value));
        self.roles.iter().filter(move |(_, values)| has(values)).map(|(role, _)| *role)
    }
}

/// Builds both tables.
pub(crate) fn build(file: &Node<'_>, folder: &Path, report: &mut Report) -> Option<Control> {
    let (console, control) = (file.table("console")?, file.table("control")?);
    let roles = console.table("roles")?;
    let named = |(name, role): (&str, Role)| (role, strings(&roles, name));
    let by_two = strings(&control, "approver_for");
    let two = |what: &str| by_two.iter().any(|one| one == what);
    let built = Control {
        listen: console.read("listen", value::socket),
        url: console.read("url", value::url),
        time_zone: console.string("time_zone")?,
        login: login(&console, folder),
        tokens: folder.join(console.text("tokens")?.value),
        roles: Role::NAMES.into_iter().map(named).collect(),
        two_isolate: two("isolate"),
        two_restore: two("restore"),
        approvals: control.number("approvals")?,
        approvers: control.reads("approvers", value::approver),
        signatures: folder.join(SIGNATURES),
        hold_for: control.duration("hold_for")?,
        holds: control.number("holds")?,
    };
    judge(file, &built, &console, report);
    approving(&built, &control, file.says("governance"), report);
    Some(built)
}

fn login(console: &Node<'_>, folder: &Path) -> Option<Login> {
    let login = console.table("login").filter(|_| console.says("login"))?;
    Some(Login {
        client: login.string("client")?,
        secret: login.text("secret").map(|path| folder.join(path.value)),
        scopes: strings(&login, "scopes"),
    })
}

/// Whoever signs in shows a token for the console, which counts by the same rules as any other of the issuer.
fn judge_login(file: &Node<'_>, login: &Login, console: &Node<'_>, report: &mut Report) {
    let span = console.table("login").map_or_else(|| console.span_of("login"), |login| login.span_of("client"));
    if !file.says("operators") {
        let help = "say who vouches for people: `[operators]`";
        report.add(report.problem(Code::Unused, span, "people are to sign in, and there is no issuer").help(help));
        return;
    }
    let heard = file.table("operators").is_some_and(|node| strings(&node, "audiences").contains(&login.client));
    if !heard {
        let message =
            format!("client {} is not among the audiences that tokens count for", value::quote(&login.client));
        let help = "add it to `audiences` of `[operators]`";
        report.add(report.problem(Code::BadValue, span.clone(), message).help(help));
    }
    if !login.scopes.iter().any(|scope| scope == "openid") {
        let help = "add it: `scopes = [\"openid\"]`";
        report.add(report.problem(Code::BadValue, span, "`openid` is not among the scopes of the login").help(help));
    }
}

fn judge(file: &Node<'_>, built: &Control, console: &Node<'_>, report: &mut Report) {
    if let Some(login) = &built.login {
        judge_login(file, login, console, report);
    }
    if built.roles.iter().any(|(_, values)| !values.is_empty()) {
        let claims = file.table("operators").is_some_and(|operators| operators.says("roles_claim"));
        if !file.says("operators") || !claims {
            let message =
                "roles are given to what operators' tokens state, and no claim is named that would state them";
            let help = "name it in `[operators]`: `roles_claim = \"roles\"`";
            report.add(report.problem(Code::Unused, console.span_of("roles"), message).help(help));
        }
    }
}

/// Two names with one key are one person, and one name with two keys could sign twice. The same entry twice was reported before.
fn approving(built: &Control, control: &Node<'_>, components: bool, report: &mut Report) {
    let texts = control.texts("approvers");
    let keys: Vec<(Verifier, _)> =
        texts.iter().filter_map(|text| Some((value::approver(text.value).ok()?, text.span.clone()))).collect();
    for (index, (key, span)) in keys.iter().enumerate() {
        let same = |(one, _): &&(Verifier, _)| (one.name() == key.name()) != (one.key() == key.key());
        if let Some((other, _)) = keys.iter().take(index).find(same) {
            let what = if other.name() == key.name() { "the name" } else { "the key" };
            let message = format!("{} has {what} of another approver, `{}`", value::quote(key.name()), other.name());
            let help = "one entry is one person with one key of their own";
            report.add(report.problem(Code::Duplicate, span.clone(), message).help(help));
        }
    }
    let (needed, count, span) = (built.approvals, built.approvers.len(), control.span_of("approvals"));
    if needed > count {
        let message = format!("a change takes {needed} approvals, and there are {count} approvers");
        let help = "nothing could ever be changed again: name more `approvers`";
        report.add(report.problem(Code::BadValue, span, message).help(help));
    } else if needed == 0 && count > 0 && !components {
        let help = "say how many of them must sign: `approvals = 2`";
        report
            .add(report.problem(Code::Unused, span, "approvers are named, and no change takes an approval").help(help));
    }
}
