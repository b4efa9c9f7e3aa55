//! After the story: the plant stays up, says how to call it, and tells of every call that comes.

use super::page::{Ink, Page};
use super::services::Services;
use super::stage::Stage;
use super::tell::{self, Beside};
use crate::run::Signals;
use ledger::Entry;
use miette::IntoDiagnostic;
use plant::{Kind, Plant, RecordId};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;
use store::{Filter, Reader};

/// How often the ledger is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// What the snippets ask: something that leaves as tokens, so that there is something to see.
const PROMPT: &str = "Ask anna.keller@harbour-brewery.example whether TIC-4102 can be reached at 10.20.3.17.";

/// Says how to call the plant.
pub(super) fn invite(page: Page, stage: &Stage) -> miette::Result<()> {
    let (gateway, folder) = (stage.gateway, stage.folder.display());
    let token = stage.token("maintenance")?;
    page.step(
        6,
        "Your turn",
        "The plant stays up. An application needs no change: it gets another base URL, a workload token as its API \
         key, and an authority to trust. In another shell:",
    );
    let lines = [
        format!("url=https://{gateway}/openai/v1"),
        format!("token={token}"),
        format!("ca='{folder}/pki/authority.pem'"),
        String::new(),
        "# curl: -i shows the headers Penstock-Record and Penstock-Decision".to_owned(),
        r#"curl -si -w "\n" --cacert "$ca" $url/chat/completions -H "Authorization: Bearer $token" \"#.to_owned(),
        r#"  -H "Content-Type: application/json" \"#.to_owned(),
        r#"  -d '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content":"#.to_owned(),
        format!("      \"{PROMPT}\"}}]}}'"),
        String::new(),
        "# the official SDK, after `pip install openai`".to_owned(),
        "OPENAI_BASE_URL=$url OPENAI_API_KEY=$token SSL_CERT_FILE=\"$ca\" python3 - <<'END'".to_owned(),
        "from openai import OpenAI".to_owned(),
        format!("ask = \"{PROMPT}\""),
        "answer = OpenAI().chat.completions.create(".to_owned(),
        "    model=\"gpt-4o-mini\", messages=[{\"role\": \"user\", \"content\": ask}])".to_owned(),
        "print(answer.choices[0].message.content)".to_owned(),
        "END".to_owned(),
    ];
    page.line("");
    for line in lines {
        let ink = if line.starts_with('#') { page.ink(Ink::Faint, &line) } else { line };
        page.line(&ink);
    }
    page.line("");
    page.prose("Look around while it runs:");
    page.line("");
    let command = std::env::args().next().unwrap_or_else(|| "penstock".to_owned());
    page.line(&format!("{command} records --plant {folder} --verdict refuse"));
    page.line(&format!("{command} explain --plant {folder} --workload maintenance --provider openai --model gpt-4o"));
    if let Some(operations) = stage.house.gateway().operations() {
        page.line(&format!("curl -s http://{operations}/metrics"));
    }
    page.line("");
    page.prose("Or look at it: the console, with everything that has happened here, signed in by a link that is good once and for a quarter of an hour:");
    page.line("");
    // A terminal is nobody else's; whoever reads what a pipe holds is.
    let link = stage.house.console_link().filter(|_| std::io::stdout().is_terminal());
    page.line(&link.unwrap_or_else(|| format!("{command} admin link --plant {folder}")));
    page.line("");
    page.prose(&format!(
        "Change {folder}/plant.toml, and it is in force within a second. Calls that come are told here. Ctrl-C ends it."
    ));
    Ok(())
}

/// Tells of calls as they come, until a signal says stop.
pub(super) async fn stay(page: Page, stage: &mut Stage) -> miette::Result<()> {
    let Stage { house, services, plant, ledger, .. } = stage;
    let signals = Signals::listen()?;
    tokio::select! {
        () = house.live(signals) => Ok(()),
        failed = watch(page, plant, ledger, services) => failed,
    }
}

async fn watch(page: Page, plant: &Plant, ledger: &Path, services: &Services) -> miette::Result<()> {
    let reader = Reader::open(ledger).into_diagnostic()?;
    let newest = reader.newest(1, Filter::default()).into_diagnostic()?;
    let mut from = newest.last().map_or(0, |record| record.entry.seq() + 1);
    let mut under_way: BTreeMap<RecordId, Entry> = BTreeMap::new();
    let mut mark = services.mark();
    let mut look = tokio::time::interval(LOOK);
    loop {
        look.tick().await;
        let mut records = reader.records(from, Filter::default());
        for record in records.by_ref() {
            let record = record.into_diagnostic()?.entry;
            let ended = match record.kind() {
                Some(Kind::Refuse) => Some(record),
                Some(Kind::Intent) => {
                    under_way.insert(record.id(), record);
                    None
                }
                _ => record.reference().and_then(|intent| under_way.remove(&intent)),
            };
            let Some(call) = ended else { continue };
            let reached = services.since(&mark);
            let refused = call.kind() == Some(Kind::Refuse);
            tell::card(page, plant, &call, if refused { &[] } else { &reached }, &Beside::default());
            if !refused {
                mark = services.mark();
            }
        }
        from = records.position();
    }
}
