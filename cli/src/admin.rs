//! `penstock admin`: tokens of people and programs that control gateways, and links by which people sign in at the console.

use crate::assemble;
use crate::print::{columns, say};
use crate::reaching::Reach;
use crate::secret;
use clap::Subcommand;
use config::badges::{self, Badge};
use http::Method;
use miette::miette;
use plant::{Millis, Role, TokenId};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

const DAY: u64 = 86_400_000;

/// Say who may control gateways.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Issue, list and revoke tokens for the console.
    Token {
        #[command(subcommand)]
        task: TokenTask,
    },
    Link(Link),
}

/// Print a link by which somebody signs in at the console, once
///
/// It is followed once, within a quarter of an hour, by a browser that reaches the console. The
/// gateway has to run on this machine, and to listen for the console (`listen` of `[console]`).
/// Where people sign in at the operators' issuer, this is the way in while the issuer is down.
///
///     penstock admin link
///     penstock admin link --person ada --role engineer
///
/// Without a person it is for whoever runs the gateway, who may do everything on its machine
/// anyway, in every role.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
struct Link {
    /// Who will be signed in. Where it takes two people, two sign-ins of one person are one.
    #[arg(long, value_name = "NAME", requires = "roles")]
    person: Option<TokenId>,

    /// What that person may do; may be given several times.
    #[arg(long = "role", value_name = "ROLE", value_parser = role, requires = "person")]
    roles: Vec<Role>,

    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum TokenTask {
    Issue(Issue),
    List(List),
    Revoke(Revoke),
}

/// Issue a token and print it, once
///
/// The token alone goes to standard output, advice to standard error. Only its hash is kept. A
/// running gateway takes it within a second, and records that it was issued.
///
///     penstock admin token issue --person ada --role engineer
///
/// Roles: `viewer` sees how it stands; `operator` also isolates and decides holds; `engineer` and
/// `security` also see the content of held calls, restore, and have changes read in; `auditor` sees
/// everything and changes nothing; `administrator` isolates, restores and has changes read in, and
/// sees no content.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
struct Issue {
    /// Whose token it is. Where it takes two people, two tokens of one person are one.
    #[arg(long, value_name = "NAME")]
    person: TokenId,

    /// What that person may do; may be given several times.
    #[arg(long = "role", value_name = "ROLE", required = true, value_parser = role)]
    roles: Vec<Role>,

    /// How many days the token lives.
    #[arg(long, value_name = "N", default_value = "90", value_parser = clap::value_parser!(u64).range(1..=3650))]
    days: u64,

    /// What the token is for, for people: one line, at most 200 characters.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

/// List the tokens, without their secrets.
#[derive(Debug, clap::Args)]
struct List {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Revoke a token, for good.
#[derive(Debug, clap::Args)]
struct Revoke {
    /// The token's id, as `penstock admin token list` shows it.
    #[arg(value_name = "TOKEN-ID")]
    id: TokenId,
}

fn role(text: &str) -> Result<Role, String> {
    let names = Role::NAMES.map(|(name, _)| name).join(", ");
    Role::named(text).ok_or_else(|| format!("a role is one of {names}"))
}

pub(crate) fn run(plant: &Path, args: Args) -> miette::Result<ExitCode> {
    let task = match args.task {
        Task::Token { task } => task,
        Task::Link(args) => return link(plant, &args),
    };
    let file = assemble::load(plant)?.control.tokens;
    match task {
        TokenTask::Issue(args) => issue(&file, args),
        TokenTask::List(args) => list(&file, &args),
        TokenTask::Revoke(args) => revoke(&file, &args.id),
    }
}

fn link(plant: &Path, args: &Link) -> miette::Result<ExitCode> {
    let own = || format!("user-{}", rustix::process::geteuid().as_raw());
    let person = args.person.as_ref().map_or_else(own, ToString::to_string);
    let every = || Role::NAMES.map(|(name, _)| name).to_vec();
    let roles = if args.roles.is_empty() { every() } else { args.roles.iter().map(|role| role.name()).collect() };
    let wish = serde_json::json!({ "person": person, "roles": roles });
    let (_, link) = Reach::default().ask(plant, &Method::POST, "/api/v1/links", Some(&wish))?;
    if args.json {
        say(&format!("{link:#}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let address = link.get("link").and_then(serde_json::Value::as_str);
    say(&format!("{}\n", address.ok_or_else(|| miette!("the gateway gave no link"))?))?;
    let minutes = link.get("seconds").and_then(serde_json::Value::as_u64).unwrap_or_default() / 60;
    eprintln!("whoever follows it first, within {minutes} minutes, is {person}: {}", roles.join(", "));
    Ok(ExitCode::SUCCESS)
}

fn issue(file: &Path, args: Issue) -> miette::Result<ExitCode> {
    let secret = secret::drawn(args.person.as_str())?;
    let now = gateway::now();
    let expires = Millis(now.0.saturating_add(args.days.saturating_mul(DAY)));
    let roles: BTreeSet<Role> = args.roles.into_iter().collect();
    let told = roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ");
    let badge = Badge {
        id: secret.id().clone(),
        person: args.person.clone(),
        roles,
        sha256: secret.digest(),
        issued: now,
        expires: Some(expires),
        revoked: None,
        note: args.note,
    };
    badges::change(file, |badges| badges.add(badge))?.map_err(|problem| miette!("{problem}"))?;
    secret::show(&secret)?;
    eprintln!("token `{}` is {}'s until {expires}: {told}", secret.id(), args.person);
    eprintln!("it is shown this once; only its hash is kept");
    Ok(ExitCode::SUCCESS)
}

fn list(file: &Path, args: &List) -> miette::Result<ExitCode> {
    let (badges, now) = (badges::read(file)?, gateway::now());
    let state = |badge: &Badge| match badge.state(now) {
        badges::State::Revoked => "revoked",
        badges::State::Expired => "expired",
        badges::State::Valid => "valid",
    };
    let roles = |badge: &Badge| badge.roles.iter().map(|role| role.name()).collect::<Vec<_>>();
    let text = |time: Option<Millis>| time.map(|time| time.to_string());
    let shown = if args.json {
        let row = |badge: &Badge| {
            serde_json::json!({
                "id": badge.id.as_str(),
                "person": badge.person.as_str(),
                "roles": roles(badge),
                "state": state(badge),
                "issued": badge.issued.to_string(),
                "expires": text(badge.expires),
                "revoked": text(badge.revoked),
                "note": badge.note,
            })
        };
        format!("{:#}\n", serde_json::Value::Array(badges.list().iter().map(row).collect()))
    } else if badges.list().is_empty() {
        "no tokens; `penstock admin token issue --person NAME --role ROLE` issues one\n".to_owned()
    } else {
        let row = |badge: &Badge| {
            let end = text(badge.revoked.or(badge.expires)).unwrap_or_else(|| "never".to_owned());
            let (id, person, note) = (badge.id.to_string(), badge.person.to_string(), badge.note.clone());
            [id, person, roles(badge).join(", "), state(badge).to_owned(), end, note.unwrap_or_default()]
        };
        columns(["TOKEN", "PERSON", "ROLES", "STATE", "ENDS", "NOTE"], badges.list().iter().map(row))
    };
    say(&shown)?;
    Ok(ExitCode::SUCCESS)
}

fn revoke(file: &Path, id: &TokenId) -> miette::Result<ExitCode> {
    let since = badges::change(file, |badges| badges.revoke(id, gateway::now()))?;
    let since =
        since.ok_or_else(|| miette!(help = "`penstock admin token list` shows the ids", "there is no such token"))?;
    println!("token `{id}` is revoked since {since}");
    Ok(ExitCode::SUCCESS)
}
