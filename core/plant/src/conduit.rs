//! Conduits: the authorised paths of AI traffic. What no conduit names is closed.

use crate::{
    Access, Answers, ConduitId, Label, Millis, Oversight, ProviderId, Purpose, Sensitivity, Unapproved, Verdict,
    WorkloadId, ZoneId,
};
use std::time::Duration;

/// The authorised path from zones to one provider.
#[derive(Clone, Debug)]
pub struct Conduit {
    /// Its name in the plant file.
    pub id: ConduitId,
    /// The zones that calls may come from.
    pub from: Vec<ZoneId>,
    /// The provider that calls go to.
    pub to: ProviderId,
    /// The workloads that may use it; empty means every workload of the zones.
    pub workloads: Vec<WorkloadId>,
    /// What it may be used for. Never empty.
    pub purposes: Vec<Purpose>,
    /// The models that may be asked. Never empty; `*` alone means any.
    pub models: Vec<Wildcard>,
    /// The tools that its calls may offer to a model, or call on a server of tools. `None` opens any.
    pub tools: Option<Vec<Wildcard>>,
    /// The most sensitive content that may cross, after redaction and tokens.
    pub ceiling: Sensitivity,
    /// Whether a person must stand behind each call.
    pub operator: OperatorRequirement,
    /// What is done with what is found. The first entry whose label covers a finding decides.
    pub handling: Vec<Handling>,
    /// The data sources that may cross it, of those that the workload may use.
    pub sources: Access,
    /// What is done with what a request holds of others.
    pub unapproved: Unapproved,
    /// What is done with files that calls carry.
    pub files: Files,
    /// Where content above the ceiling goes instead of being refused: a provider that a conduit of its own
    /// leads to. `None` refuses.
    pub reroute: Option<ProviderId>,
    /// The model to ask there, if the caller's model has another name.
    pub reroute_model: Option<String>,
    /// Endpoints (paths below the provider) that pass without being read, and are recorded as opaque.
    pub opaque: Vec<Wildcard>,
    /// What may come back.
    pub answers: Answers,
    /// What is done with what its answers recommend for limited tags.
    pub guarding: Guarding,
    /// Limits of size and time.
    pub bounds: Bounds,
    /// What is kept of its calls beside their records.
    pub keep: Keep,
    /// Whether a bounded number of its calls may leave while the ledger cannot be written.
    pub essential: bool,
    /// How its answers are accounted for.
    pub oversight: Oversight,
    /// Who answers for it.
    pub owner: String,
    /// Who approved it, and when.
    pub approval: Approval,
    /// When the approval ends; `None` is open-ended.
    pub expires: Option<Millis>,
}

/// Who approved a conduit, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The approver.
    pub by: String,
    /// When, if the plant file says so.
    pub at: Option<Millis>,
}

/// What is kept of the calls of a conduit beside their records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// Commitments and lengths, which are in the records.
    #[default]
    Nothing,
    /// The request as it was sent and the answer as it was released, sealed.
    Content,
}

impl Keep {
    /// Every choice with its name in plant files.
    pub const NAMES: [(&'static str, Self); 2] = [("nothing", Self::Nothing), ("content", Self::Content)];
}

/// What is done with what an answer recommends for limited tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guarding {
    /// Of a value outside the limits of its tag.
    pub violate: Act,
    /// Of what cannot be held against them.
    pub unresolved: Act,
}

impl Default for Guarding {
    fn default() -> Self {
        Self { violate: Act::Block, unresolved: Act::Block }
    }
}

/// What is done with a recommendation, from the freest to the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It passes, and is counted in the record.
    Allow,
    /// It passes with a note behind it.
    Annotate,
    /// It waits for a person; as nobody can be asked yet, the answer ends, and says so.
    Hold,
    /// The answer ends.
    Block,
}

impl Act {
    /// Every act with its name in plant files.
    pub const NAMES: [(&'static str, Self); 4] =
        [("allow", Self::Allow), ("annotate", Self::Annotate), ("hold", Self::Hold), ("block", Self::Block)];
}

/// Whether a person must stand behind each call of a conduit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperatorRequirement {
    /// No person is needed; one that is named is still checked and recorded.
    Optional,
    /// A proved operator is needed.
    Required {
        /// Authentication contexts or methods (`acr`, `amr`), one of which the issuer must state. Empty asks for none.
        assurance: Vec<String>,
    },
}

/// What is done with findings of one label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handling {
    /// The label, or the family it begins with (`person` covers `person.email`).
    pub label: Label,
    /// [`Verdict::Allow`] lets it pass as it is, [`Verdict::Redact`], [`Verdict::Generalise`] and [`Verdict::Tokenise`] replace it,
    /// [`Verdict::Reroute`], [`Verdict::Hold`] and [`Verdict::Refuse`] decide for the whole call.
    pub verdict: Verdict,
    /// What its stand-ins look like, if it is tokenised.
    pub tokens: Tokens,
}

/// What stand-ins look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tokens {
    /// Words that nobody else writes: `TAG_BGSVC0HAJC`.
    #[default]
    Words,
    /// What has the form of what they stand for, where that has one: a tag for a tag, an address for an address.
    Alike,
}

impl Tokens {
    /// Every form with its name in plant files.
    pub const NAMES: [(&'static str, Self); 2] = [("words", Self::Words), ("alike", Self::Alike)];
}

/// What is done with files that the calls of a conduit carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Files {
    /// What is done where handling would replace something that is inside a file.
    pub attachments: Attachments,
    /// What is done with files, or parts of them, that nobody here can read.
    pub opaque: OpaqueFiles,
    /// What is done with pictures.
    pub images: Images,
    /// Longest side of a picture that is made smaller or blurred, in pixels; 16 to 32,768.
    pub image_side: u32,
    /// How many pixels on its longer side a picture would need for what a blurred one still shows; 4 to 4,096.
    pub image_detail: u32,
    /// What is done with writing in pictures, where the plant has an engine that reads it.
    pub writing: Writing,
}

impl Default for Files {
    /// Nothing is left out, nothing is unread, pictures leave bare.
    fn default() -> Self {
        Self {
            attachments: Attachments::default(),
            opaque: OpaqueFiles::default(),
            images: Images::default(),
            image_side: 1024,
            image_detail: 64,
            writing: Writing::default(),
        }
    }
}

/// What is done with writing in pictures, where the plant has an engine that reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Writing {
    /// Nobody reads it.
    Ignore,
    /// It is read. A picture that the engine fails on counts as a file that nobody can read.
    #[default]
    Read,
    /// The same, and so does one that cannot be taken out of the document that it stands in.
    Require,
}

impl Writing {
    /// Every choice with its name in plant files.
    pub const NAMES: [(&'static str, Self); 3] =
        [("ignore", Self::Ignore), ("read", Self::Read), ("require", Self::Require)];
}

/// What is done with pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Images {
    /// They leave without what they carry beside their pixels: place and time, camera, author, comments, thumbnails.
    #[default]
    Strip,
    /// They leave with no side longer than [`Files::image_side`], and bare.
    Downscale,
    /// They leave with no more detail than [`Files::image_detail`], and bare.
    Blur,
    /// They are left out of the call, and a text says so in their place.
    Drop,
}

impl Images {
    /// Every choice with its name in plant files.
    pub const NAMES: [(&'static str, Self); 4] =
        [("strip", Self::Strip), ("downscale", Self::Downscale), ("blur", Self::Blur), ("drop", Self::Drop)];
}

/// What is done where something inside a file would have to be replaced: nothing can be, inside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Attachments {
    /// The call is refused.
    #[default]
    Refuse,
    /// The file is left out of the call, and a text says so in its place.
    Drop,
}

impl Attachments {
    /// Every choice with its name in plant files.
    pub const NAMES: [(&'static str, Self); 2] = [("refuse", Self::Refuse), ("drop", Self::Drop)];
}

/// What is done with files that nobody here can read: encrypted, of unknown kind, damaged or too large.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OpaqueFiles {
    /// The call is refused: what is not read may hold anything.
    #[default]
    Refuse,
    /// They are findings like others, `attachment.opaque`, with the sensitivity that this label has.
    Record,
}

impl OpaqueFiles {
    /// Every choice with its name in plant files.
    pub const NAMES: [(&'static str, Self); 2] = [("refuse", Self::Refuse), ("record", Self::Record)];
}

/// A text in which `*` stands for any run of characters. Case matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wildcard(pub String);

impl Wildcard {
    /// Whether `text` fits. Linear in the product of the lengths at worst, without recursion.
    #[must_use]
    pub fn fits(&self, text: &str) -> bool {
        let mut parts = self.0.split('*');
        let Some(rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
        let mut parts: Vec<&str> = parts.collect();
        let Some(last) = parts.pop() else { return rest.is_empty() };
        let mut rest = rest;
        for part in parts {
            match rest.split_once(part) {
                Some((_, after)) => rest = after,
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

/// Limits of size and time of one exchange on a conduit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Largest request body in bytes, after content decoding.
    pub request: u64,
    /// Deepest nesting of arrays and objects in a JSON body.
    pub depth: u32,
    /// Largest answer in bytes, streams included.
    pub answer: u64,
    /// Longest wait for the head of the answer.
    pub first_byte: Duration,
    /// Longest silence between two pieces of an answer.
    pub idle: Duration,
    /// Longest exchange from first byte to last.
    pub total: Duration,
    /// Longest that all recordings of a call may sound; `None` for any.
    pub audio: Option<Duration>,
}

impl Default for Bounds {
    /// 32 MiB in (a 20 MiB image in base64 fits), depth 64, 64 MiB out, 2 minutes to the first byte,
    /// 2 minutes of silence, 30 minutes in all.
    fn default() -> Self {
        Self {
            request: 32 << 20,
            depth: 64,
            answer: 64 << 20,
            first_byte: Duration::from_secs(120),
            idle: Duration::from_secs(120),
            total: Duration::from_secs(1800),
            audio: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Wildcard;

    fn check(pattern: &str, text: &str, fits: bool) {
        assert_eq!(Wildcard(pattern.to_owned()).fits(text), fits, "{pattern} on {text}");
    }

    #[test]
    fn a_star_stands_for_any_run_and_nothing_else_is_special() {
        check("gpt-4o", "gpt-4o", true);
        check("gpt-4o", "gpt-4o-mini", false);
        check("gpt-4o*", "gpt-4o-mini", true);
        check("*", "", true);
        check("*-mini", "gpt-4o-mini", true);
        check("a*b*c", "a-b-b-c", true);
        check("a*b*c", "a-c-b", false);
        check("*ab", "ab", true);
        check("a*a", "a", false);
        check("", "x", false);
        check("gpt.4", "gpt-4", false);
    }
}
