//! `penstock explain`: what would happen to a call, and why, without sending anything.
//!
//! The call comes from flags, from a captured request, or from both. It goes through the same place, read and
//! decide as in the gateway; who calls is taken from the flags as if it were proved.

mod captured;
mod read;
mod rows;
mod tell;

use crate::assemble;
use crate::secrets::PlantKey;
use captured::Captured;
use config::Loaded;
use gateway::{KnownPictures, Scribe};
use http::HeaderMap;
use inspect::Inspector;
use miette::{IntoDiagnostic, bail, miette};
use plant::{
    Conduit, Dialect, Evidence, Identity, Millis, OperatorId, Plant, Principal, ProviderId, Reason, Refusal,
    WorkloadId, WorkstationId,
};
use policy::{Call, Case, Decision, Policy};
use read::{Body, Reading};
use std::io::Read;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use tell::{Outcome, Told};
use wire::Endpoint;

/// Tell what would happen to a call, and why, without sending anything.
///
/// Nothing is sent and nothing is recorded. Say who calls with `--workload` or `--from`, and what with the flags
/// below or with a captured request. What is found in the body is named by place, label and length; the text
/// itself is shown only with `--show-body`, as it would leave.
///
/// The exit code is 0 if the call would pass, 1 if it would be refused, and 2 if that cannot be told.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    penstock explain --workload copilot --provider anthropic --model claude-sonnet-4 --purpose work-instructions\n  \
    penstock explain --workload maintenance --provider openai --body prompt.json --show-body\n  \
    penstock explain --from 10.30.3.17 --request captured.http --json")]
pub(crate) struct Args {
    /// The workload that calls, as if it had proved itself. Left out: the only one in the zone of `--from`.
    #[arg(long, required_unless_present = "from", value_name = "NAME")]
    workload: Option<String>,

    /// What proves the workload.
    #[arg(long, value_enum, default_value = "token")]
    evidence: ProvedBy,

    /// The address that the call comes from. Left out: one in the workload's zone.
    #[arg(long, value_name = "ADDRESS")]
    from: Option<IpAddr>,

    /// The workstation that the call comes from, as if it had proved itself.
    #[arg(long, value_name = "NAME")]
    workstation: Option<String>,

    /// An operator stands behind the call, as if the issuer had vouched for one.
    #[arg(long)]
    operator: bool,

    /// A role or group of the operator; may be given several times. Implies `--operator`.
    #[arg(long, value_name = "ROLE")]
    operator_role: Vec<String>,

    /// How the operator signed in (`acr` or `amr`, such as `mfa`); may be given several times. Implies `--operator`.
    #[arg(long, value_name = "NAME")]
    operator_assurance: Vec<String>,

    /// Where the call wants to go.
    #[arg(long, required_unless_present = "request", value_name = "NAME")]
    provider: Option<String>,

    /// The endpoint by its name, such as `chat.completions`. Left out: the provider's chat.
    #[arg(long, conflicts_with = "path", value_name = "NAME")]
    endpoint: Option<String>,

    /// The path below the provider, such as `/v1/chat/completions`.
    #[arg(long, value_name = "PATH")]
    path: Option<String>,

    /// The HTTP method that goes with `--path`.
    #[arg(long, default_value = "POST", value_name = "METHOD")]
    method: String,

    /// The model, if no body names one.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,

    /// The purpose that the caller states.
    #[arg(long, value_name = "NAME")]
    purpose: Option<String>,

    /// The body, from a file or `-` for standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "request")]
    body: Option<PathBuf>,

    /// The body's content type. Left out: what the endpoint takes.
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,

    /// A captured HTTP/1.1 request, head and body, from a file or `-` for standard input.
    #[arg(long, value_name = "FILE")]
    request: Option<PathBuf>,

    /// The time of the call, such as `2026-11-20T21:30:00Z`. Left out: now.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,

    /// Show the body as it would leave.
    #[arg(long)]
    show_body: bool,

    /// Print the explanation as JSON.
    #[arg(long)]
    json: bool,
}

/// What can prove a workload.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ProvedBy {
    /// A workload token.
    Token,
    /// A client certificate.
    Certificate,
    /// The network address alone.
    Address,
}

pub(crate) fn run(path: &Path, args: Args) -> miette::Result<ExitCode> {
    // A script must not take a mistyped flag for a refusal, so this does not leave it to `main`.
    answer(path, &args).or_else(|problem| {
        eprintln!("{problem:?}");
        Ok(ExitCode::from(2))
    })
}

fn answer(path: &Path, args: &Args) -> miette::Result<ExitCode> {
    let loaded = assemble::load(path)?;
    let call = TheCall::new(args, &loaded.plant)?;
    let told = explain(&loaded, &call, args.show_body)?;
    let text = if args.json { tell::json(&told, &call)? } else { tell::people(&told, &call) };
    // Whoever closes the pipe early has read enough.
    let _ = std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes());
    Ok(if told.outcome.permitted() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The call that is explained.
struct TheCall {
    principal: Principal,
    peer: IpAddr,
    provider: String,
    method: String,
    path: String,
    query: Option<String>,
    endpoint: Option<Endpoint>,
    purpose: Option<String>,
    model: Option<String>,
    headers: HeaderMap,
    body: Option<Body>,
    now: Millis,
}

impl TheCall {
    fn new(args: &Args, plant: &Plant) -> miette::Result<Self> {
        let captured = args.request.as_deref().map(|path| Captured::read(&input(path)?)).transpose()?;
        let (principal, peer) = caller(args, plant)?;
        let named = captured.as_ref().map(Captured::provider);
        let provider = args.provider.clone().or(named).unwrap_or_default();
        let dialect =
            ProviderId::new(provider.as_str()).ok().and_then(|id| plant.providers.get(&id)).map(|one| one.dialect);
        let (method, path) = match &captured {
            Some(captured) => (captured.method.clone(), captured.path(args.provider.is_some())),
            None => target(args, dialect)?,
        };
        let endpoint = dialect.and_then(|dialect| wire::endpoint(dialect, &method, &path));
        let header = |name| captured.as_ref().and_then(|captured| captured.header(name)).map(str::to_owned);
        let content_type = args.content_type.clone().or_else(|| header("content-type"));
        let bytes = match &args.body {
            Some(path) => Some(input(path)?),
            None => captured.as_ref().map(|captured| captured.body.clone()),
        };
        let usual = || endpoint.and_then(|endpoint| endpoint.content_type()).map(str::to_owned);
        let encoding = header("content-encoding").filter(|encoding| !encoding.eq_ignore_ascii_case("identity"));
        if let Some(encoding) = encoding {
            bail!("the captured body is encoded as `{encoding}`; decode it and remove the header");
        }
        let asserted = if captured.is_some() { content_type } else { content_type.or_else(usual) };
        Ok(Self {
            principal,
            peer,
            provider,
            method,
            path,
            query: captured.as_ref().and_then(|captured| captured.query().map(str::to_owned)),
            endpoint,
            purpose: args.purpose.clone().or_else(|| header("penstock-purpose")),
            model: args.model.clone(),
            headers: captured.map(|captured| captured.headers).unwrap_or_default(),
            body: bytes.map(|bytes| Body { bytes, content_type: asserted }),
            now: moment(args)?,
        })
    }
}

fn moment(args: &Args) -> miette::Result<Millis> {
    let Some(text) = &args.at else { return Ok(gateway::now()) };
    Millis::parse(text).ok_or_else(|| miette!("`{text}` is no time; write it as 2026-11-20T21:30:00Z or 2026-11-20"))
}

/// Who calls, and from where.
fn caller(args: &Args, plant: &Plant) -> miette::Result<(Principal, IpAddr)> {
    let workload = match (&args.workload, args.from) {
        (Some(name), _) => WorkloadId::new(name.as_str()).into_diagnostic()?,
        (None, Some(address)) => only_workload(plant, address)?,
        (None, None) => bail!("say who calls with `--workload` or `--from`"),
    };
    let Some(declared) = plant.workloads.get(&workload) else {
        bail!("the plant has no workload `{workload}`; it has {}", list(plant.workloads.keys()));
    };
    let peer =
        match args.from {
            Some(address) => address,
            None => plant.zones.get(&declared.zone).and_then(|zone| zone.networks.first()?.hosts().next()).ok_or_else(
                || miette!("zone `{}` has no network; say where the call comes from with `--from`", declared.zone),
            )?,
        };
    let evidence = match args.evidence {
        ProvedBy::Token => Evidence::Token,
        ProvedBy::Certificate => Evidence::Certificate,
        ProvedBy::Address => Evidence::Address,
    };
    let mut principal = Principal { workload: Identity::Proved(workload, evidence), ..Principal::unknown() };
    if let Some(name) = &args.workstation {
        let id = WorkstationId::new(name.as_str()).into_diagnostic()?;
        principal.workstation = Identity::Proved(id, Evidence::Certificate);
    }
    if args.operator || !args.operator_role.is_empty() || !args.operator_assurance.is_empty() {
        principal.operator = Identity::Proved(OperatorId::new("op-explained").into_diagnostic()?, Evidence::Oidc);
        principal.roles.clone_from(&args.operator_role);
        principal.authentication.clone_from(&args.operator_assurance);
    }
    Ok((principal, peer))
}

fn only_workload(plant: &Plant, address: IpAddr) -> miette::Result<WorkloadId> {
    let Some(zone) = plant.zone_of(address) else { bail!("{address} is in no zone of the plant") };
    let inside: Vec<_> = plant.workloads.values().filter(|one| one.zone == zone.id).map(|one| &one.id).collect();
    match inside.as_slice() {
        [only] => Ok((*only).clone()),
        [] => bail!("no workload runs in zone `{}`", zone.id),
        several => bail!("say which workload of zone `{}` calls with `--workload`: {}", zone.id, list(several)),
    }
}

/// Method and path, as the flags say or as the endpoint has them.
fn target(args: &Args, dialect: Option<Dialect>) -> miette::Result<(String, String)> {
    if let Some(path) = &args.path {
        return Ok((
            args.method.to_ascii_uppercase(),
            if path.starts_with('/') { path.clone() } else { format!("/{path}") },
        ));
    }
    // Without a known provider the call ends there, whatever its path.
    let Some(dialect) = dialect else { return Ok((args.method.clone(), "/".to_owned())) };
    let mut known = wire::endpoints().filter(|endpoint| endpoint.dialect() == dialect);
    let endpoint = match &args.endpoint {
        Some(name) => known.find(|endpoint| endpoint.name() == name),
        // The table lists what a dialect is used for most before the rest.
        None => known.find(|endpoint| endpoint.has_body()),
    };
    let Some(endpoint) = endpoint else {
        let names: std::collections::BTreeSet<_> =
            wire::endpoints().filter(|one| one.dialect() == dialect).map(|one| one.name()).collect();
        bail!("the dialect {dialect} has no such endpoint; it has {}", list(names));
    };
    let model = args.model.as_deref().unwrap_or("model");
    let path = endpoint.pattern().replace("{model}", model).replace("{...}", "explained");
    Ok((endpoint.method().to_owned(), path.replace(['{', '}'], "")))
}

fn input(path: &Path) -> miette::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().read_to_end(&mut bytes).into_diagnostic()?;
    } else {
        bytes = std::fs::read(path).map_err(|error| miette!("cannot read `{}`: {error}", path.display()))?;
    }
    Ok(bytes)
}

/// Takes the call through place, read and decide.
fn explain(loaded: &Loaded, call: &TheCall, show_body: bool) -> miette::Result<Told> {
    let policy: Policy = assemble::policy(loaded)?;
    let mut told = Told::default();
    let eyes = Eyes::of(loaded, &mut told)?;
    if let Err(refusal) = judge(loaded, &policy, &eyes, call, show_body, &mut told) {
        told.outcome = Outcome::Refused(refusal);
    }
    Ok(told)
}

/// What reads content and looks at pictures, as the gateway does.
struct Eyes {
    inspector: Inspector,
    pictures: Option<KnownPictures>,
    engine: Option<Arc<ocr::Engine>>,
}

impl Eyes {
    /// Without the plant's key, what was registered cannot be known again; then that is told.
    fn of(loaded: &Loaded, told: &mut Told) -> miette::Result<Self> {
        let key = PlantKey::read(&loaded.gateway.keys);
        let registered = [&loaded.gateway.documents, &loaded.gateway.tables, &loaded.gateway.pictures];
        if let Some(problem) = key.as_ref().err().filter(|_| registered.iter().any(|file| file.exists())) {
            told.step("read", format!("what is registered is not compared: {problem}"));
        }
        let (inspector, pictures) = assemble::eyes(loaded, key.as_ref().ok())?;
        Ok(Self { inspector, pictures, engine: assemble::engine(loaded) })
    }
}

fn judge(
    loaded: &Loaded,
    policy: &Policy,
    eyes: &Eyes,
    call: &TheCall,
    show_body: bool,
    told: &mut Told,
) -> Result<(), Refusal> {
    let head = Call {
        provider: &call.provider,
        endpoint: call.endpoint.as_ref().map(Endpoint::name),
        method: &call.method,
        path: &call.path,
        purpose: call.purpose.as_deref(),
    };
    let mut steps = Vec::new();
    let placed = policy.place_aloud(&call.principal, call.peer, &head, call.now, &mut steps);
    told.add(steps);
    let crossing = placed.map_err(|misplaced| {
        told.place = misplaced.place;
        misplaced.refusal
    })?;
    told.place = crossing.as_partial();

    let wanted = gateway::wanted(&loaded.plant, &loaded.failing, &crossing);
    let mut scribe = eyes.engine.as_deref().and_then(|engine| Scribe::reading(engine, wanted));
    let read = Reading::of(call, &crossing, eyes.pictures.as_ref(), scribe.as_mut())
        .and_then(|reading| Ok((reading.findings(&eyes.inspector)?, reading)));
    let (findings, reading) = read.inspect_err(|refusal| told.step("read", refusal.detail.clone()))?;
    told.step("read", reading.told(&crossing, &findings));
    told.documents = reading.documents(&eyes.inspector);
    told.pictures = reading.pictures();
    told.writings = if show_body { reading.writings() } else { Vec::new() };
    let scale = &loaded.plant.scale;
    told.findings = reading.seen(&findings, None, scale);

    let fixed =
        |index: usize, conduit: &Conduit| findings.get(index).is_none_or(|finding| reading.fixed(finding, conduit));
    let mut steps = Vec::new();
    let case = Case {
        principal: &call.principal,
        crossing: &crossing,
        asked: reading.asked(call),
        findings: &findings,
        fixed: &fixed,
        now: call.now,
    };
    let decided = policy.decide_aloud(&case, &mut steps);
    told.add(steps);
    told.sensitivity = Some((scale.name(decided.sensitivity).to_owned(), scale.name(decided.residual).to_owned()));
    let passage = match decided.decision {
        Decision::Permit(permit) => permit.spend(),
        Decision::Hold(held) => {
            told.waits = Some(held.to_string());
            let approval = held.approval();
            match held.release(&approval) {
                Ok(permit) => permit.spend(),
                Err(held) => return Err(Refusal::new(Reason::HoldRefused, held.to_string())),
            }
        }
        Decision::Refuse(refusal) => return Err(refusal),
    };
    told.findings = reading.seen(&findings, Some(&passage), scale);
    reading.admit(&passage)?;
    if show_body {
        let tokens = PlantKey::read(&loaded.gateway.keys).ok().map(|key| key.secrets().tokens);
        let files = loaded.plant.conduits.get(&passage.conduit).map(|own| own.files).unwrap_or_default();
        told.example_tokens = tokens.is_none() && !passage.tokenise.is_empty();
        let own = |text: &str| eyes.inspector.owns(text) || loaded.guard.names(text);
        told.body = Some(reading.body(call, &passage, &findings, files, tokens, &own)?);
    }
    let advises = call.endpoint.as_ref().is_some_and(Endpoint::advises);
    let conduit = loaded.plant.conduits.get(&passage.conduit).filter(|_| advises);
    told.account_within = conduit.and_then(|conduit| conduit.oversight.within);
    told.outcome = Outcome::Permitted(Box::new(passage));
    Ok(())
}

fn list<T: std::fmt::Display>(names: impl IntoIterator<Item = T>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
