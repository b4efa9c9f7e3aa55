//! The plant's own files at the console, and drafts of them: read as they would be in the plant's folder, held against the plant in
//! force, and replayed over the newest calls. Nothing of a draft is written anywhere.

use crate::approvals::Step;
use crate::stranger::Stranger;
use crate::{diff, replay};
use config::{Disk, Files, Loaded, Problem, Problems, Severity, State, Surroundings};
use console::{Difference, Fault, File, Standing, Tried, Wrong};
use policy::Comparison;
use seal::note::Verifier;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, Instant};
use store::Reader;

/// Over how many of the newest records a draft is replayed. A call has two or more.
const RECORDS: u64 = 20_000;
/// How long they may be decided anew.
const REPLAY: Duration = Duration::from_secs(20);
/// Most steps that comparing takes which workload reaches which provider: a second or two.
const STEPS: u64 = 2_000_000;
/// Most problems and differences that are told.
const MOST: usize = 200;

/// The folder of the plant with the draft's files in place of its own. A draft comes from elsewhere, so it sees no file that the
/// plant does not name already.
struct Overlay<'a> {
    folder: &'a Path,
    texts: BTreeMap<PathBuf, &'a str>,
    own: &'a BTreeSet<PathBuf>,
}

impl Files for Overlay<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self.texts.get(path) {
            Some(text) => Ok(text.as_bytes().to_vec()),
            None if self.own.contains(path) => Disk.read(path),
            None => Err(io::Error::other("it is neither in the draft nor named by the plant that is there")),
        }
    }

    fn state(&self, path: &Path) -> Option<State> {
        // Not by way of `..` either: what lies elsewhere on the machine is not told.
        let plain = |rest: &Path| rest.components().all(|step| matches!(step, Component::Normal(_)));
        let inside = path.strip_prefix(self.folder).is_ok_and(plain);
        if inside { Disk.state(path) } else { Some(State { exposed: false }) }
    }
}

/// The disk, and which files of it were read.
struct Followed(RefCell<BTreeSet<PathBuf>>);

impl Files for Followed {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.borrow_mut().insert(path.to_owned());
        Disk.read(path)
    }

    fn state(&self, path: &Path) -> Option<State> {
        Disk.state(path)
    }
}

/// The plant's files as they lie on the disk now.
struct OnDisk {
    read: Result<Loaded, Problems>,
    /// The plant file first, then what it names.
    paths: Vec<PathBuf>,
}

impl OnDisk {
    fn look(plant_file: &Path, folder: &Path) -> io::Result<Self> {
        let files = Followed(RefCell::default());
        let read = read(plant_file, folder, &Disk.read(plant_file)?, &files);
        let paths = std::iter::once(plant_file.to_owned()).chain(files.0.into_inner()).collect();
        Ok(Self { read, paths })
    }

    fn texts(&self, folder: &Path) -> Vec<File> {
        let text = |path: &PathBuf| {
            let text = String::from_utf8_lossy(&Disk.read(path).ok()?).into_owned();
            Some(File { path: path.strip_prefix(folder).unwrap_or(path).display().to_string(), text })
        };
        self.paths.iter().filter_map(text).collect()
    }
}

/// What people see of the plant's files, with what they say if `texts`.
pub(crate) fn standing(plant_file: &Path, now: &Loaded, texts: bool) -> Result<Standing, Fault> {
    let disk = OnDisk::look(plant_file, &now.folder).map_err(|problem| gone(&problem))?;
    let same = disk.read.as_ref().is_ok_and(|loaded| loaded.plant.digest == now.plant.digest);
    let files = if texts { disk.texts(&now.folder) } else { Vec::new() };
    let waits = if same { None } else { Some(judge(plant_file, now, &disk.read, texts)?) };
    Ok(Standing {
        in_force: now.plant.digest.clone(),
        approvals: now.control.approvals,
        approvers: names(&now.control.approvers),
        files,
        waits,
    })
}

fn file_name(plant_file: &Path) -> String {
    plant_file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What the plant would be with these files in place of its own.
pub(crate) fn try_out(plant_file: &Path, now: &Loaded, files: &BTreeMap<String, String>) -> Result<Tried, Fault> {
    let own: BTreeSet<PathBuf> =
        OnDisk::look(plant_file, &now.folder).map_err(|problem| gone(&problem))?.paths.into_iter().collect();
    let texts: BTreeMap<_, _> = files.iter().map(|(path, text)| (now.folder.join(path), text.as_str())).collect();
    let overlay = Overlay { folder: &now.folder, texts, own: &own };
    let bytes = overlay.read(plant_file).map_err(|problem| gone(&problem))?;
    let draft = read(plant_file, &now.folder, &bytes, &overlay);
    if let Ok(draft) = &draft {
        Stranger::refuse(now, draft).map_err(|stranger| Fault::Unfit(stranger.to_string()))?;
    }
    let mut tried = judge(plant_file, now, &draft, true)?;
    if let Ok(draft) = draft.as_ref().map(|draft| Loaded { gateway: now.gateway.clone(), ..draft.clone() }) {
        tried.replay = replayed(now.clone(), draft).map_err(|problem| unusable(&problem))?;
        if tried.replay.is_none() {
            let message = "the newest calls cannot be decided anew in 20 seconds; `penstock replay` takes its time";
            tried.problems.push(warning(plant_file, message));
        }
    }
    Ok(tried)
}

fn read(plant_file: &Path, folder: &Path, bytes: &[u8], files: &dyn Files) -> Result<Loaded, Problems> {
    let name = file_name(plant_file);
    let hash = |bytes: &[u8]| seal::hex(&seal::sha256(bytes));
    config::read(bytes, Surroundings { name: &name, folder, files, now: gateway::now(), hash })
}

fn judge(plant_file: &Path, now: &Loaded, draft: &Result<Loaded, Problems>, words: bool) -> Result<Tried, Fault> {
    let draft = match draft {
        Err(problems) => return Ok(Tried { problems: wrong(&problems.list, words), ..Tried::default() }),
        Ok(draft) => draft,
    };
    if let Err(stranger) = Stranger::refuse(now, draft) {
        return Ok(Tried { problems: vec![foreign(plant_file, &stranger, words)], ..Tried::default() });
    }
    let step = Step { plant: &now.plant.id, from: &now.plant.digest, to: &draft.plant.digest };
    let signers = step.signers(&now.control.signatures, &now.control.approvers).map_err(|one| unusable(&one))?;
    let Comparison { differences, paths } =
        diff::differences(now, draft, STEPS).map_err(|problem| unusable(&problem))?;
    let mut problems = wrong(&draft.warnings, words);
    if !paths {
        let message = "which workload reaches which provider was not compared: there are too many of them; `penstock diff` takes its time";
        problems.push(warning(plant_file, message));
    }
    Ok(Tried {
        digest: Some(draft.plant.digest.clone()),
        problems,
        differences: different(differences, words),
        approved_by: names(signers),
        replay: None,
    })
}

/// What could not be told of a draft.
fn warning(plant_file: &Path, message: &str) -> Wrong {
    let (file, severity) = (file_name(plant_file), Severity::Warning.name());
    Wrong { file, line: 1, severity, message: message.to_owned(), help: None }
}

/// A file of another plant, told as what is wrong with it.
fn foreign(plant_file: &Path, stranger: &Stranger, words: bool) -> Wrong {
    let message = if words { stranger.to_string() } else { "this is the plant file of another plant".to_owned() };
    Wrong { file: file_name(plant_file), line: 1, severity: Severity::Error.name(), message, help: None }
}

/// What is different. Whoever may not see the files sees how much, and no words of them: owners, plans, addresses.
fn different(differences: Vec<policy::Difference>, words: bool) -> Vec<Difference> {
    let shown = |one: policy::Difference| Difference { effect: one.effect.name(), place: one.place, text: one.text };
    if words {
        return differences.into_iter().take(MOST).map(shown).collect();
    }
    let mut counts = BTreeMap::<_, usize>::new();
    differences.iter().for_each(|one| *counts.entry(one.effect).or_default() += 1);
    let counted = |(effect, count): (policy::Effect, usize)| Difference {
        effect: effect.name(),
        place: "the plant".to_owned(),
        text: format!("({count})"),
    };
    counts.into_iter().map(counted).collect()
}

/// What becomes of the newest calls; nothing, if that takes too long.
fn replayed(now: Loaded, draft: Loaded) -> miette::Result<Option<console::Replay>> {
    let reader = Reader::open(&now.gateway.ledger).map_err(miette::Report::msg)?;
    let size = reader.published().map_err(miette::Report::msg)?.map_or(0, |(checkpoint, _)| checkpoint.size);
    let (until, mut late) = (Instant::now() + REPLAY, false);
    let records = reader.records(size.saturating_sub(RECORDS), store::Filter::default()).take_while(|_| {
        late = Instant::now() >= until;
        !late
    });
    let told = replay::over(now, draft, None, true, records)?;
    Ok((!late).then(|| told.shown()))
}

/// What is wrong, errors first. Whoever may not see the files sees how many problems there are and where, and no words of them.
fn wrong(problems: &[Problem], words: bool) -> Vec<Wrong> {
    let one = |problem: &Problem| Wrong {
        file: problem.file().to_owned(),
        line: problem.position().0,
        severity: problem.severity().name(),
        message: if words { problem.message.clone() } else { problem.code.about().to_owned() },
        help: problem.help.clone().filter(|_| words),
    };
    let (errors, others) = problems.iter().partition::<Vec<_>, _>(|problem| problem.severity() == Severity::Error);
    errors.into_iter().chain(others).take(MOST).map(one).collect()
}

fn names<'v>(verifiers: impl IntoIterator<Item = &'v Verifier>) -> Vec<String> {
    verifiers.into_iter().map(|one| one.name().to_owned()).collect()
}

fn gone(problem: &io::Error) -> Fault {
    Fault::Unavailable(format!("the plant file cannot be read: {problem}"))
}

/// What the page was asked for cannot be told now.
pub(crate) fn unusable(problem: &miette::Report) -> Fault {
    Fault::Unavailable(problem.to_string())
}
