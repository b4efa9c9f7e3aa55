//! Writing in pictures, read by an engine of the plant's own: Tesseract, or what takes its command line, with the models that the
//! plant file names.
//!
//! ```text
//! Page (pixels that we decoded) ─> a place among few ─> engine, confined, in a process of its own ─> table ─> Writing
//! ```
//!
//! It decodes no picture and judges no text. A stranger's file never reaches the engine, only pixels do; and what the engine
//! may do is bounded from outside: time, memory, what it may open, whom it may reach. What cannot be read is [`Unread`], with
//! why, and never an empty text.

mod child;
mod confine;
mod memory;
mod table;

#[cfg(test)]
mod tests;

pub use confine::{Confinement, confinement};
pub use table::{Area, Line, Writing, fuzz_table};

use child::Ending;
use memory::Memory;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Most pictures that wait for a place. Each waits on a thread of its own.
const WAITING: usize = 32;
/// Most letters that one picture says, in bytes.
const MOST: u64 = 1 << 20;

/// Which engine reads, with what, and how much it may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The engine: the path of a program.
    pub command: PathBuf,
    /// The folder of its models; `None` for those that it was installed with.
    pub models: Option<PathBuf>,
    /// The models that read, by name, the likeliest first: `eng`.
    pub languages: Vec<String>,
    /// Longest that one picture is read.
    pub time: Duration,
    /// Longest that all pictures of one call are read, their waits included.
    pub call_time: Duration,
    /// Most memory of one engine, in bytes of address space.
    pub memory: u64,
    /// Most engines at a time.
    pub at_once: usize,
    /// How long what a picture says is remembered; nothing is where this is zero.
    pub remember: Duration,
}

/// A picture as the engine gets it: brightness alone, row by row.
#[derive(Clone, PartialEq, Eq)]
pub struct Page {
    /// Pixels from left to right.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
    /// As many as width times height, black being 0.
    pub pixels: Vec<u8>,
    /// How many of its pixels are a hundred of the picture's, on one side.
    pub scale: u32,
}

impl std::fmt::Debug for Page {
    /// Shape only: content never reaches a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Page").field("width", &self.width).field("height", &self.height).finish_non_exhaustive()
    }
}

/// Why a picture was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Unread {
    /// The engine does not start.
    #[error("the engine does not start")]
    NoEngine,
    /// Too many pictures wait to be read.
    #[error("too many pictures wait to be read")]
    Busy,
    /// It was not read in time.
    #[error("it was not read in time")]
    TooSlow,
    /// The engine ended without reading it.
    #[error("the engine ended without reading it")]
    Failed,
    /// It says more than is taken.
    #[error("it says more than is taken")]
    TooLarge,
}

impl Unread {
    /// Every one with its name.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("no-engine", Self::NoEngine),
        ("busy", Self::Busy),
        ("too-slow", Self::TooSlow),
        ("failed", Self::Failed),
        ("too-large", Self::TooLarge),
    ];

    /// One word for it, for metrics and documents.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, own)| *own == self).map_or("failed", |(name, _)| name)
    }
}

/// Why an engine cannot be used as it is declared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It does not start, or does not end.
    #[error("`{command}` {why}")]
    Engine {
        /// Its path.
        command: String,
        /// What it does instead of reading.
        why: &'static str,
    },
    /// It lacks a model.
    #[error("`{command}` has no model `{language}`; it has {has}")]
    Model {
        /// Its path.
        command: String,
        /// The model's name.
        language: String,
        /// Those that it has, in words.
        has: String,
    },
}

/// An engine, ready to read.
#[derive(Debug)]
pub struct Engine {
    settings: Settings,
    places: Mutex<Places>,
    freed: Condvar,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Places {
    taken: usize,
    waiting: usize,
}

/// A place among the engines that run, free again when dropped.
struct Place<'a>(&'a Engine);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        held(&self.0.places).taken -= 1;
        self.0.freed.notify_one();
    }
}

/// Nothing is kept behind our locks that a panic could leave half done.
fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// An engine by what the plant file says. Nothing is started before there is something to read.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let memory = Mutex::new(Memory::new(settings.remember));
        Self { settings, places: Mutex::default(), freed: Condvar::new(), memory }
    }

    /// What it was made from.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What a picture says that was read lately. `key` is the digest of its file.
    #[must_use]
    pub fn recall(&self, key: &[u8; 32]) -> Option<Arc<Writing>> {
        held(&self.memory).recall(key, Instant::now())
    }

    /// Reads a picture and remembers what it says. Waits for a place first, and asks for its page only then.
    ///
    /// # Errors
    /// If it cannot be read by `deadline` at the latest.
    pub fn read(
        &self,
        key: &[u8; 32],
        page: impl FnOnce() -> Option<Page>,
        deadline: Instant,
    ) -> Result<Arc<Writing>, Unread> {
        let place = self.place(deadline)?;
        // Whoever waited may have waited for the same picture.
        if let Some(known) = self.recall(key) {
            return Ok(known);
        }
        let deadline = deadline.min(Instant::now() + self.settings.time);
        let page = page().ok_or(Unread::Failed)?;
        let table = child::run(&self.settings, child::Task::Read(&page), deadline);
        drop(place);
        let table = table.map_err(|ending| match ending {
            Ending::Unstarted => Unread::NoEngine,
            Ending::Late => Unread::TooSlow,
            Ending::Failed => Unread::Failed,
        })?;
        let writing = Arc::new(Writing::read(&table, page.scale, MOST).ok_or(Unread::TooLarge)?);
        held(&self.memory).learn(key, &writing, Instant::now());
        Ok(writing)
    }

    fn place(&self, deadline: Instant) -> Result<Place<'_>, Unread> {
        let mut places = held(&self.places);
        if places.taken >= self.settings.at_once {
            if places.waiting >= WAITING {
                return Err(Unread::Busy);
            }
            places.waiting += 1;
            let patience = deadline.saturating_duration_since(Instant::now());
            let full = |places: &mut Places| places.taken >= self.settings.at_once;
            let waited = self.freed.wait_timeout_while(places, patience, full);
            places = waited.unwrap_or_else(PoisonError::into_inner).0;
            places.waiting -= 1;
            if places.taken >= self.settings.at_once {
                return Err(Unread::TooSlow);
            }
        }
        places.taken += 1;
        Ok(Place(self))
    }

    /// Tries whether the engine starts and has its models.
    ///
    /// # Errors
    /// What it lacks.
    pub fn try_out(&self) -> Result<(), Unusable> {
        let command = self.settings.command.display().to_string();
        let unusable = |why| Unusable::Engine { command: command.clone(), why };
        let told = child::run(&self.settings, child::Task::Models, Instant::now() + self.settings.time);
        let told = told.map_err(|ending| match ending {
            Ending::Unstarted => unusable("does not start"),
            Ending::Late => unusable("does not say in time which models it has"),
            Ending::Failed => unusable("does not say which models it has"),
        })?;
        let told = String::from_utf8_lossy(&told);
        let has: Vec<&str> = told.lines().skip(1).map(str::trim).filter(|line| !line.is_empty()).collect();
        match self.settings.languages.iter().find(|language| !has.contains(&language.as_str())) {
            None => Ok(()),
            Some(language) => Err(Unusable::Model {
                command,
                language: language.clone(),
                has: if has.is_empty() { "none".to_owned() } else { has.join(", ") },
            }),
        }
    }
}
