//! `penstock mcp`: the tools of MCP servers, approved by a person before anybody sees or calls them.

use crate::assemble;
use crate::notice::Notice;
use crate::print::{columns, say};
use crate::verify;
use clap::Subcommand;
use config::Loaded;
use config::tools::{self, Approval};
use gateway::{Offer, Offered, Print, Tools};
use miette::{IntoDiagnostic, WrapErr, miette};
use plant::{Dialect, Kind, Note, ProviderId};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// The file of definitions that wait, in the ledger's folder, where the gateway may write.
const WAITING: &str = "tools-waiting.json";
/// Longest name of an approver, in characters.
const LONGEST: usize = 200;

/// Look at the tools that MCP servers offer, and approve them
///
/// What a server says of its tools goes to a model as if you had said it. So the gateway leaves a
/// tool out of every list until somebody has approved its definition, and refuses its calls; when a
/// server changes a definition, its tool is closed again. Approvals are in `tools.json`, by the
/// SHA-256 of the definition's canonical JSON, and in the ledger as `admin` records. A running
/// gateway takes them within a second.
///
/// Let a caller list the tools once, so that the gateway sees them; then:
///
///     penstock mcp list
///     penstock mcp show historian read_tag
///     penstock mcp approve historian read_tag --approver "J. Brandt"
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Say which tools are approved, and which wait.
    List {
        /// Print it as JSON, definitions that wait included.
        #[arg(long)]
        json: bool,
    },
    /// Print a definition that waits. What nobody would see in it is written out.
    Show {
        /// The server, by its name in the plant file.
        provider: String,
        /// The tool.
        tool: String,
    },
    /// Approve tools as they are defined now.
    Approve(Change),
    /// Take approvals back: the tools are closed within a second.
    Revoke(Change),
}

#[derive(Debug, clap::Args)]
struct Change {
    /// The server, by its name in the plant file.
    provider: String,

    /// The tools.
    #[arg(required = true)]
    tools: Vec<String>,

    /// Who decided it. Goes into the record.
    #[arg(long, value_name = "NAME")]
    approver: String,
}

pub(crate) fn run(plant: &Path, args: Args) -> miette::Result<ExitCode> {
    let loaded = assemble::load(plant)?;
    match args.task {
        Task::List { json } => list(&loaded, json)?,
        Task::Show { provider, tool } => {
            let offer = waiting(&loaded, &server(&loaded, &provider)?, &tool)?;
            let value: Value = serde_json::from_str(&offer.definition).into_diagnostic()?;
            say(&visible(&format!("{value:#}\n")))?;
        }
        Task::Approve(change) => approve(&loaded, &change)?,
        Task::Revoke(change) => revoke(&loaded, &change)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn approve(loaded: &Loaded, change: &Change) -> miette::Result<()> {
    let provider = server(loaded, &change.provider)?;
    let offers: Vec<Offer> =
        change.tools.iter().map(|tool| waiting(loaded, &provider, tool)).collect::<Result<_, _>>()?;
    for offer in offers {
        let approval = approval(&offer, &change.approver)?;
        // Recorded before it opens anything.
        notice("tool-approved", &approval).record(loaded)?;
        let own = approval.clone();
        edit(loaded, |list| {
            list.retain(|other| (&other.provider, &other.tool) != (&own.provider, &own.tool));
            list.push(own);
        })?;
        say(&format!("approved  {}: {} ({})\n", approval.provider, visible(&approval.tool), approval.sha256))?;
    }
    Ok(())
}

fn revoke(loaded: &Loaded, change: &Change) -> miette::Result<()> {
    let provider = server(loaded, &change.provider)?;
    for tool in &change.tools {
        let is = |approval: &Approval| approval.provider == provider.as_str() && approval.tool == *tool;
        let known = approvals(loaded)?.into_iter().find(|approval| is(approval));
        let known = known.ok_or_else(|| miette!("the tool `{}` of `{provider}` is not approved", visible(tool)))?;
        // Closed before it is recorded.
        edit(loaded, |list| list.retain(|approval| !is(approval)))?;
        notice("tool-revoked", &Approval { approver: approver(&change.approver)?, ..known }).record(loaded)?;
        say(&format!("revoked   {provider}: {}\n", visible(tool)))?;
    }
    Ok(())
}

fn list(loaded: &Loaded, json: bool) -> miette::Result<()> {
    let (approvals, offers) = (approvals(loaded)?, offers(loaded)?);
    let changed =
        |offer: &Offer| approvals.iter().any(|own| own.provider == offer.provider.as_str() && own.tool == offer.tool);
    let state = |offer: &Offer| if changed(offer) { "changed" } else { "new" };
    if json {
        let approved = approvals.iter().map(|own| {
            json!({"provider": own.provider, "tool": own.tool, "state": "approved", "sha256": own.sha256,
                "approver": own.approver, "approved": own.approved})
        });
        let waiting = offers.iter().map(|offer| {
            json!({"provider": offer.provider.as_str(), "tool": offer.tool, "state": state(offer),
                "sha256": seal::hex(&offer.print()), "definition": offer.definition})
        });
        return verify::print_json(&approved.chain(waiting).collect()).into_diagnostic();
    }
    if approvals.is_empty() && offers.is_empty() {
        return say("no MCP server has offered a tool yet\n");
    }
    let short = |hash: &str| hash.chars().take(16).collect::<String>();
    let approved = approvals.iter().map(|own| {
        [
            own.provider.clone(),
            visible(&own.tool),
            "approved".to_owned(),
            short(&own.sha256),
            visible(&own.approver),
            own.approved.clone(),
        ]
    });
    let waiting = offers.iter().map(|offer| {
        let hash = short(&seal::hex(&offer.print()));
        [offer.provider.to_string(), visible(&offer.tool), state(offer).to_owned(), hash, String::new(), String::new()]
    });
    say(&columns(["SERVER", "TOOL", "STATE", "SHA-256", "BY", "SINCE"], approved.chain(waiting)))
}

/// A provider of the plant that is an MCP server.
fn server(loaded: &Loaded, name: &str) -> miette::Result<ProviderId> {
    let id = ProviderId::new(name).into_diagnostic()?;
    match loaded.plant.providers.get(&id) {
        Some(provider) if provider.dialect == Dialect::Mcp => Ok(id),
        Some(provider) => Err(miette!("`{id}` speaks {}, not mcp", provider.dialect)),
        None => Err(miette!("`{id}` is no provider of this plant")),
    }
}

/// The definition of a tool that waits.
fn waiting(loaded: &Loaded, provider: &ProviderId, tool: &str) -> miette::Result<Offer> {
    let found = offers(loaded)?.into_iter().find(|offer| offer.provider == *provider && offer.tool == tool);
    let help = "`penstock mcp list` shows what waits; the gateway sees a definition when a caller lists the tools";
    let offer = found
        .ok_or_else(|| miette!(help = help, "no definition of the tool `{}` of `{provider}` waits", visible(tool)))?;
    miette::ensure!(!offer.definition.is_empty(), "the definition of `{}` is longer than 64 KiB", visible(tool));
    Ok(offer)
}

fn approval(offer: &Offer, by: &str) -> miette::Result<Approval> {
    Ok(Approval {
        provider: offer.provider.to_string(),
        tool: offer.tool.clone(),
        sha256: seal::hex(&offer.print()),
        approver: approver(by)?,
        approved: gateway::now().to_string(),
    })
}

fn approver(name: &str) -> miette::Result<String> {
    let fits = !name.trim().is_empty() && name.chars().count() <= LONGEST && !name.chars().any(char::is_control);
    miette::ensure!(fits, "an approver has a name of one line and at most {LONGEST} characters");
    Ok(name.to_owned())
}

fn notice(event: &str, approval: &Approval) -> Notice {
    let note = BTreeMap::from([
        ("event", Note::text(event)),
        ("provider", Note::text(&approval.provider)),
        ("tool", Note::text(&approval.tool)),
        ("sha256", Note::text(&approval.sha256)),
        ("approver", Note::text(&approval.approver)),
    ]);
    Notice { kind: Kind::Admin, note }
}

/// A text with what nobody would see, and what would turn others around, written out.
fn visible(text: &str) -> String {
    let plain = |letter: char| letter == '\n' || (' '..='~').contains(&letter) || letter.is_alphanumeric();
    text.chars()
        .flat_map(|letter| {
            let (own, code) = if plain(letter) { (Some(letter), None) } else { (None, Some(letter.escape_unicode())) };
            own.into_iter().chain(code.into_iter().flatten())
        })
        .collect()
}

fn approvals(loaded: &Loaded) -> miette::Result<Vec<Approval>> {
    let path = &loaded.gateway.tools;
    let help = "restore it from a backup, or remove it and approve the tools anew";
    tools::approvals(path).map_err(|problem| miette!(help = help, "`{}` cannot be used: {problem}", path.display()))
}

fn edit(loaded: &Loaded, change: impl FnOnce(&mut Vec<Approval>)) -> miette::Result<()> {
    let path = &loaded.gateway.tools;
    tools::change(path, change).into_diagnostic().wrap_err_with(|| format!("cannot write `{}`", path.display()))
}

fn offers(loaded: &Loaded) -> miette::Result<Vec<Offer>> {
    let path = waiting_file(loaded);
    let read = tools::offers(&path).into_diagnostic().wrap_err_with(|| format!("cannot read `{}`", path.display()))?;
    let offer = |own: tools::Offer| {
        Some(Offer { provider: ProviderId::new(own.provider).ok()?, tool: own.tool, definition: own.definition })
    };
    Ok(read.into_iter().filter_map(offer).collect())
}

fn waiting_file(loaded: &Loaded) -> PathBuf {
    loaded.gateway.ledger.join(WAITING)
}

/// What waited when a gateway stopped. A file that is damaged holds nothing: what it held will be offered again.
pub(crate) fn restored(loaded: &Loaded) -> Arc<Offered> {
    let offers = offers(loaded).unwrap_or_else(|problem| {
        tracing::warn!(%problem, "definitions of tools that waited are lost");
        Vec::new()
    });
    Arc::new(Offered::restored(offers))
}

/// Writes down what waits, if that changed.
pub(crate) fn keep(loaded: &Loaded, offered: &Offered) {
    let Some(offers) = offered.changed() else { return };
    let path = waiting_file(loaded);
    for offer in &offers {
        let print = seal::hex(&offer.print());
        tracing::warn!(provider = %offer.provider, tool = visible(&offer.tool), print, "a tool waits for approval");
    }
    let own = |offer: Offer| tools::Offer {
        provider: offer.provider.to_string(),
        tool: offer.tool,
        definition: offer.definition,
    };
    if let Err(problem) = tools::write(&path, offers.into_iter().map(own).collect()) {
        tracing::error!(%problem, path = %path.display(), "definitions of tools that wait are not kept");
    }
}

/// What is in force of the tools.
pub(crate) fn in_force(loaded: &Loaded, offered: &Arc<Offered>) -> miette::Result<Tools> {
    let mut approved: BTreeMap<ProviderId, BTreeMap<String, Print>> = BTreeMap::new();
    for own in approvals(loaded)? {
        let print = seal::unhex(&own.sha256).and_then(|bytes| Print::try_from(bytes).ok());
        let (Ok(provider), Some(print)) = (ProviderId::new(own.provider), print) else { continue };
        approved.entry(provider).or_default().insert(own.tool, print);
    }
    Ok(Tools::new(approved, Arc::clone(offered)))
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn what_nobody_would_see_is_written_out() {
        assert_eq!(visible("Liest Größe\n"), "Liest Größe\n");
        assert_eq!(visible("a\u{200b}b\u{202e}c\u{1b}[2J"), "a\\u{200b}b\\u{202e}c\\u{1b}[2J");
    }
}
