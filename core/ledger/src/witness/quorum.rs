//! The part of a C2SP tlog-policy (<https://c2sp.org/tlog-policy>) that says which witnesses must have seen a checkpoint.
//!
//! ```text
//! witness hilltop-1 KEY
//! witness harbour-1 KEY         groups count organisations: two witnesses of one are one
//! group plants all hilltop-1 harbour-1
//! quorum plants
//! ```

use seal::cosignature::Witness;
use seal::note::{Note, NoteError};

/// Most witnesses and most groups. The format recommends that at least 32 of each are read.
const LIMIT: usize = 64;
/// The quorum that asks for nobody.
const NONE: &str = "none";

/// Which witnesses there are, and which of them are enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quorum {
    witnesses: Vec<Named>,
    groups: Vec<Group>,
    /// What must have seen a checkpoint; `None` asks for nobody.
    needed: Option<Member>,
}

/// A witness of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// What the policy calls it. Its key has a name of its own.
    pub name: String,
    /// Its key.
    pub witness: Witness,
    /// Where it can be asked: the submission prefix of tlog-witness, as it stands in the policy. `None` for one that is
    /// asked otherwise, by files that somebody carries.
    pub url: Option<String>,
}

/// INVARIANT: its groups stand before it, and `1 <= threshold <= members.len()`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Group {
    name: String,
    threshold: usize,
    members: Vec<Member>,
}

/// A witness or a group, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Witness(usize),
    Group(usize),
}

/// What a quorum says of a checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Whether enough have seen it.
    pub enough: bool,
    /// Who has, by the policy's names, and when: seconds since 1970.
    pub by: Vec<(String, u64)>,
    /// Who has not.
    pub missing: Vec<String>,
}

/// What is wrong with a line of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuorumError {
    /// The line is not of the form.
    #[error("the line is none of `witness NAME KEY [URL]`, `group NAME all|any|COUNT NAME...` and `quorum NAME`")]
    Form,
    /// The key cannot be read.
    #[error(transparent)]
    Key(#[from] NoteError),
    /// The name is taken.
    #[error("the name is taken, or is `none`")]
    Name,
    /// Another witness has this key: one machine would count twice.
    #[error("another witness has this key")]
    Twice,
    /// A name that no line above has defined.
    #[error("names a witness or a group that no line above defines")]
    Unknown,
    /// A name that is a member already: it would count twice.
    #[error("a member is in another group already, or named twice")]
    Member,
    /// The count is not between one and the number of members.
    #[error("the count is not between 1 and the number of members")]
    Count,
    /// More lines than anybody needs.
    #[error("there are more than {LIMIT} witnesses or groups")]
    TooMany,
    /// A second quorum line.
    #[error("there is another quorum line")]
    Quorums,
}

/// Takes the lines of a policy one by one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    witnesses: Vec<Named>,
    groups: Vec<Group>,
    needed: Option<Option<Member>>,
}

impl Lines {
    /// Takes a line that begins with `witness`, `group` or `quorum`.
    pub(crate) fn take(&mut self, words: &[&str]) -> Result<(), QuorumError> {
        match words {
            ["witness", name, key] => self.witness(name, Witness::parse(key)?, None),
            ["witness", name, key, url] => self.witness(name, Witness::parse(key)?, Some(url)),
            ["group", name, count, members @ ..] => self.group(name, count, members),
            ["quorum", name] => {
                let needed = if *name == NONE { None } else { Some(self.find(name)?) };
                if self.needed.replace(needed).is_some() { Err(QuorumError::Quorums) } else { Ok(()) }
            }
            _ => Err(QuorumError::Form),
        }
    }

    /// The quorum; `None` without a quorum line.
    pub(crate) fn end(self) -> Option<Quorum> {
        let Self { witnesses, groups, needed } = self;
        needed.map(|needed| Quorum { witnesses, groups, needed })
    }

    /// Whether no line was taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.witnesses.is_empty() && self.groups.is_empty() && self.needed.is_none()
    }

    fn witness(&mut self, name: &str, witness: Witness, url: Option<&str>) -> Result<(), QuorumError> {
        self.check_new(name, self.witnesses.len())?;
        if self.witnesses.iter().any(|other| other.witness.key() == witness.key()) {
            return Err(QuorumError::Twice);
        }
        self.witnesses.push(Named { name: name.to_owned(), witness, url: url.map(str::to_owned) });
        Ok(())
    }

    fn group(&mut self, name: &str, count: &str, names: &[&str]) -> Result<(), QuorumError> {
        self.check_new(name, self.groups.len())?;
        let mut members = Vec::new();
        for name in names {
            let member = self.find(name)?;
            if members.contains(&member) || self.groups.iter().any(|group| group.members.contains(&member)) {
                return Err(QuorumError::Member);
            }
            members.push(member);
        }
        let threshold = match count {
            "any" => Some(1),
            "all" => Some(members.len()),
            count => count.parse().ok().filter(|number: &usize| number.to_string() == count),
        };
        let fits = |threshold: &usize| (1..=members.len()).contains(threshold);
        let threshold = threshold.filter(fits).ok_or(QuorumError::Count)?;
        self.groups.push(Group { name: name.to_owned(), threshold, members });
        Ok(())
    }

    fn check_new(&self, name: &str, count: usize) -> Result<(), QuorumError> {
        match self.find(name) {
            _ if count >= LIMIT => Err(QuorumError::TooMany),
            Err(QuorumError::Unknown) if name != NONE => Ok(()),
            _ => Err(QuorumError::Name),
        }
    }

    fn find(&self, name: &str) -> Result<Member, QuorumError> {
        let witness = self.witnesses.iter().position(|known| known.name == name).map(Member::Witness);
        let group = || self.groups.iter().position(|group| group.name == name).map(Member::Group);
        witness.or_else(group).ok_or(QuorumError::Unknown)
    }
}

impl Quorum {
    /// Says who has seen a checkpoint, and whether that is enough.
    ///
    /// # Errors
    /// If a line claims to be of a witness and is not its signature.
    pub fn judge(&self, note: &Note) -> Result<Seen, NoteError> {
        let mut seen = Seen::default();
        let mut cosigned = Vec::with_capacity(self.witnesses.len());
        for Named { name, witness, .. } in &self.witnesses {
            let time = witness.check(note)?;
            match time {
                Some(time) => seen.by.push((name.clone(), time)),
                None => seen.missing.push(name.clone()),
            }
            cosigned.push(time.is_some());
        }
        let mut met: Vec<bool> = Vec::with_capacity(self.groups.len());
        let counts = |member: &Member, met: &[bool]| match member {
            Member::Witness(place) => cosigned.get(*place).copied().unwrap_or(false),
            Member::Group(place) => met.get(*place).copied().unwrap_or(false),
        };
        for group in &self.groups {
            let count = group.members.iter().filter(|member| counts(member, &met)).count();
            met.push(count >= group.threshold);
        }
        seen.enough = self.needed.is_none_or(|needed| counts(&needed, &met));
        Ok(seen)
    }

    /// Whether it asks for nobody: every checkpoint has enough witnesses then.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.needed.is_none()
    }

    /// The keys of the witnesses that the policy names.
    pub fn witnesses(&self) -> impl Iterator<Item = &Witness> {
        self.witnesses.iter().map(|named| &named.witness)
    }

    /// The witnesses with what the policy says of each, in its order.
    #[must_use]
    pub fn named(&self) -> &[Named] {
        &self.witnesses
    }
}

#[cfg(test)]
mod tests;
