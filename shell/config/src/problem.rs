//! What is wrong with a plant file: one [`Problem`] each, all of them in one [`Problems`].
//!
//! A problem underlines what it is about, and offers a way out. Secrets are starred out of the text that it
//! carries before anything else is done with it, so that no report, log or screenshot can leak one.

use miette::{LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A file's name and text as a problem shows them: secrets starred out, every byte in its place.
#[derive(Clone, Debug)]
pub struct Source(Arc<(String, String)>);

impl Source {
    /// Takes a name and a text from which secrets are already gone.
    pub(crate) fn new(name: &str, text: String) -> Self {
        Self(Arc::new((name.to_owned(), text)))
    }

    /// The file's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.0
    }

    /// The file's text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.1
    }
}

impl SourceCode for Source {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let contents = self.text().read_span(span, before, after)?;
        // The text's own count of lines begins at the top of the file, and then two places far apart are shown as
        // one long stretch.
        let lines = contents.data().split(|byte| *byte == b'\n').count();
        let (span, line, column) = (*contents.span(), contents.line(), contents.column());
        let named = MietteSpanContents::new_named(self.name().to_owned(), contents.data(), span, line, column, lines);
        Ok(Box::new(named))
    }
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file cannot come into force.
    Error,
    /// It can, but somebody should look.
    Warning,
}

impl Severity {
    /// The severity's name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $severity:ident, $about:literal;)*) => {
        /// What kind of problem it is. The codes are stable: scripts match on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $about] $name,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable code.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// What it means, in one sentence.
            #[must_use]
            pub fn about(self) -> &'static str {
                match self { $(Self::$name => $about,)* }
            }

            /// How bad it is.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }
        }
    };
}

codes! {
    Unreadable = "unreadable", Error, "A file that the plant needs is missing, too large, or not UTF-8.";
    Syntax = "syntax", Error, "The file is not TOML at this place.";
    UnknownKey = "unknown-key", Error, "There is no such key here.";
    MissingKey = "missing-key", Error, "A key that must be there is not.";
    WrongType = "wrong-type", Error, "The value is of another kind than the key takes.";
    BadValue = "bad-value", Error, "The value is of the right kind, but not one that the key takes.";
    BadName = "bad-name", Error, "A name holds characters that names may not hold, or is too long.";
    DanglingName = "dangling-name", Error, "The name is used, but nothing of that name is declared.";
    Duplicate = "duplicate", Error, "The same thing is said twice.";
    TooMany = "too-many", Error, "A list or table is longer than any plant needs.";
    SecretInFile = "secret-in-file", Error, "A secret is written in the plant file; it belongs into a file of its own or the environment.";
    NetworkOverlap = "network-overlap", Error, "Two zones claim the same addresses, so that a call's zone would be a matter of luck.";
    CertificateShared = "certificate-shared", Error, "Two workloads or workstations are proved by the same certificate name.";
    ConduitOverlap = "conduit-overlap", Error, "Two conduits cover the same zone, provider, workload and purpose; order must not decide which holds.";
    SourceOverlap = "source-overlap", Error, "Something belongs to two data sources of which a workload may use only one, or stands in both.";
    NoNetworks = "no-networks", Error, "Calls are to come from a zone that has no networks, so none ever will.";
    ForeignWorkload = "foreign-workload", Error, "A conduit names a workload that is not in one of its zones.";
    CeilingAboveClearance = "ceiling-above-clearance", Error, "A conduit would carry what its provider may never be shown.";
    Reroute = "reroute", Error, "Calls cannot be rerouted there: another dialect, no conduit of its own, or no target.";
    Fallback = "fallback", Error, "A conduit cannot fall back there: another dialect, no conduit of its own, or the provider that failed.";
    NoIssuer = "no-issuer", Error, "A conduit requires an operator, but no issuer vouches for operators.";
    NoEngine = "no-engine", Error, "A conduit wants the writing in pictures read, but the plant names no engine.";
    PlainHttp = "plain-http", Error, "Calls, tokens or credentials would travel in the clear.";
    Rule = "rule", Error, "A Cedar rule does not hold against the schema.";
    Pattern = "pattern", Error, "A term or pattern of the dictionary cannot be used.";
    Ungoverned = "ungoverned", Warning, "A workload lacks an owner, an update process or an isolation plan: its calls are refused.";
    ConduitExpired = "conduit-expired", Warning, "The approval of a conduit has ended: its calls are refused.";
    ConduitExpiring = "conduit-expiring", Warning, "The approval of a conduit ends within 30 days.";
    ApprovedLater = "approved-later", Warning, "A conduit was approved on a day that has not come yet, or the clock is wrong.";
    NearTheProcess = "near-the-process", Warning, "Calls to an AI service come straight from Purdue level 0 to 2.";
    Permissive = "permissive", Warning, "This allows more than a plant usually wants.";
    SameApprover = "same-approver", Warning, "The owner of a conduit approved it.";
    Unused = "unused", Warning, "This has no effect.";
    LessThere = "less-there", Warning, "A conduit falls back to a provider that may be shown less: some of its calls cannot go there.";
    FileMissing = "file-missing", Warning, "A file that the gateway will need is not there.";
    FileExposed = "file-exposed", Warning, "A file with a secret can be read by others than its owner.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A stretch of the file that a problem is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Where, in bytes.
    pub span: Range<usize>,
    /// What stands under the line, if anything needs to be said there.
    pub text: Option<String>,
}

/// One thing that is wrong, or that somebody should look at.
#[derive(Clone, Debug)]
pub struct Problem {
    /// What kind.
    pub code: Code,
    /// What, in our words.
    pub message: String,
    /// A way out.
    pub help: Option<String>,
    /// The file.
    pub source: Source,
    /// What it is about; the first is the place, the others are what it collides with.
    pub marks: Vec<Mark>,
}

impl Problem {
    /// Starts a problem at `span`.
    pub(crate) fn new(source: &Source, code: Code, span: Range<usize>, message: impl Into<String>) -> Self {
        let marks = vec![Mark { span, text: None }];
        Self { code, message: message.into(), help: None, source: source.clone(), marks }
    }

    /// Says what stands under the underlined place.
    pub(crate) fn here(mut self, text: impl Into<String>) -> Self {
        if let Some(first) = self.marks.first_mut() {
            first.text = Some(text.into());
        }
        self
    }

    /// Underlines a second place.
    pub(crate) fn also(mut self, span: Range<usize>, text: impl Into<String>) -> Self {
        self.marks.push(Mark { span, text: Some(text.into()) });
        self
    }

    /// Offers a way out.
    pub(crate) fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// The name of the file it is in.
    #[must_use]
    pub fn file(&self) -> &str {
        self.source.name()
    }

    /// Where it is: the first underlined stretch, in bytes.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.marks.first().map_or(0..0, |mark| mark.span.clone())
    }

    /// Where it is: line and column, counted from 1; the column in characters.
    #[must_use]
    pub fn position(&self) -> (usize, usize) {
        let text = self.source.text();
        let before = text.get(..self.span().start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).map_or(0, |line| line.chars().count());
        (before.matches('\n').count() + 1, column + 1)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl miette::Diagnostic for Problem {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity() {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        // A file that could not be read has no text to underline.
        if self.source.text().is_empty() {
            return None;
        }
        Some(Box::new(self.marks.iter().enumerate().map(|(index, mark)| {
            if index == 0 {
                LabeledSpan::new_primary_with_span(mark.text.clone(), mark.span.clone())
            } else {
                LabeledSpan::new_with_span(mark.text.clone(), mark.span.clone())
            }
        })))
    }
}

/// Everything that is wrong with a plant file, warnings included, in the order of the file.
#[derive(Debug)]
pub struct Problems {
    /// Each of them. At least one is an error.
    pub list: Vec<Problem>,
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = self.list.iter().filter(|problem| problem.severity() == Severity::Error).count();
        let file = self.list.first().map_or("the plant file", Problem::file);
        match errors {
            1 => write!(f, "{file} has a problem"),
            count => write!(f, "{file} has {count} problems"),
        }
    }
}

impl std::error::Error for Problems {}

impl miette::Diagnostic for Problems {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn miette::Diagnostic> + 'a>> {
        Some(Box::new(self.list.iter().map(|problem| problem as &dyn miette::Diagnostic)))
    }
}
