//! Time stamps in a pack: by when its records existed, by an authority's word (RFC 3161).
//!
//! Of each stamp there are three files: the authority's answer, the three lines of the head that it has stamped, byte for byte,
//! and the proof that this head led to the pack's (RFC 9162 section 2.1.4). Whether the answer is an authority's, and whose,
//! is judged elsewhere: a pack does not choose whom its reader trusts.

use super::check::{Problem, stop};
use super::make::MakeError;
use super::vessel::Source;
use ledger::verify::Class;
use ledger::{Checkpoint, Frontier, Hash, Hashes, prove_consistency, verify_consistency};
use seal::{base64, unbase64};
use std::io::Read;
use std::path::Path;
use store::{Anchors, ReadError};

/// Most time stamps in a pack.
const STAMPS_LIMIT: usize = 64;
/// Most files of them.
pub(super) const FILES_LIMIT: usize = STAMPS_LIMIT * PARTS.len();
const PARTS: [&str; 3] = ["tsr", "head", "proof"];
/// Longest answer of an authority, as it is kept; longest head and proof.
const ANSWER_LIMIT: u64 = 64 << 10;
const HEAD_LIMIT: u64 = 4 << 10;

/// A time stamp of a pack, whose head is proved to be one of the ledger's, and which nobody has judged yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// What was stamped.
    pub head: Checkpoint,
    /// The authority's answer, in DER.
    pub answer: Vec<u8>,
}

fn name(size: u64, part: &str) -> String {
    format!("anchors/{size}.{part}")
}

/// The size and the part that a file of a stamp is named after.
pub(super) fn part(file: &str) -> Option<(u64, &str)> {
    let (size, part) = file.strip_prefix("anchors/")?.split_once('.')?;
    let size: u64 = size.parse().ok()?;
    (PARTS.contains(&part) && name(size, part) == file).then_some((size, part))
}

/// The stamps that say soonest of these records that they existed, with the files that go into the pack.
pub(super) fn gather(
    anchors: &Anchors,
    head: &Checkpoint,
    drawn: &[u64],
    tiles: &impl Hashes,
) -> Result<Vec<(String, Vec<u8>)>, MakeError> {
    let mut files = Vec::new();
    let unread = |source| MakeError::Read(ReadError::Io { path: "anchors".into(), source });
    for size in wanted(&anchors.sizes().map_err(unread)?, drawn, head.size) {
        let root = Frontier::from_hashes(size, tiles).map_err(|_| MakeError::Stamp(size))?.root();
        let proof = prove_consistency(size, head.size, tiles).map_err(|_| MakeError::Stamp(size))?;
        if !verify_consistency(size, &root, head.size, &head.root, &proof) {
            return Err(MakeError::Stamp(size));
        }
        let limit = usize::try_from(ANSWER_LIMIT).unwrap_or(usize::MAX);
        let Some(answer) = anchors.read(size, limit).map_err(unread)? else { continue };
        let stamped = Checkpoint { origin: head.origin.clone(), size, root };
        let lines: String = proof.iter().map(|hash| base64(hash) + "\n").collect();
        files.push((name(size, "tsr"), answer));
        files.push((name(size, "head"), stamped.to_string().into_bytes()));
        files.push((name(size, "proof"), lines.into_bytes()));
    }
    Ok(files)
}

/// Of the sizes that were stamped, the first above each record; if that is too many, evenly fewer, the last always.
fn wanted(stamped: &[u64], drawn: &[u64], size: u64) -> Vec<u64> {
    let covering = |seq: &u64| stamped.get(stamped.partition_point(|stamp| stamp <= seq)).copied();
    let mut wanted: Vec<u64> = drawn.iter().filter_map(covering).filter(|stamp| *stamp <= size).collect();
    wanted.dedup();
    let step = wanted.len().div_ceil(STAMPS_LIMIT).max(1);
    let mut kept: Vec<u64> = wanted.into_iter().rev().step_by(step).collect();
    kept.reverse();
    kept
}

/// The stamps of a pack that was checked.
///
/// # Errors
/// Names the file that is wrong.
pub fn stamps(place: &Path, head: &Checkpoint) -> Result<Vec<Stamp>, Problem> {
    let source = Source::open(place).map_err(|error| stop(Class::Undecided, "anchors", error))?;
    read(&source, head)
}

/// Reads the stamps, and checks that what they stamp led to the pack's head.
pub(super) fn read(source: &Source, head: &Checkpoint) -> Result<Vec<Stamp>, Problem> {
    let mut sizes: Vec<u64> = source.names().into_iter().filter_map(|file| Some(part(file)?.0)).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes.into_iter().map(|size| one(source, size, head)).collect()
}

fn one(source: &Source, size: u64, head: &Checkpoint) -> Result<Stamp, Problem> {
    let file = |part, limit| whole(source, &name(size, part), limit);
    let (answer, stamped, proof) = (file("tsr", ANSWER_LIMIT)?, file("head", HEAD_LIMIT)?, file("proof", HEAD_LIMIT)?);
    let text = |bytes| String::from_utf8(bytes).unwrap_or_default();
    let wrong = |part, what: &str| stop(Class::Tampered, &name(size, part), what);
    let stamped =
        Checkpoint::parse(&text(stamped)).ok().filter(|stamped| stamped.origin == head.origin && stamped.size == size);
    let stamped = stamped.ok_or_else(|| wrong("head", "is not the head of this ledger at this size"))?;
    let proof = hashes(&text(proof)).ok_or_else(|| wrong("proof", "is malformed"))?;
    if !verify_consistency(size, &stamped.root, head.size, &head.root, &proof) {
        return Err(wrong("proof", "does not lead from the head that was stamped to the pack's"));
    }
    Ok(Stamp { head: stamped, answer })
}

fn hashes(lines: &str) -> Option<Vec<Hash>> {
    let hash = |line: &str| unbase64(line.strip_suffix('\n')?)?.try_into().ok();
    lines.split_inclusive('\n').map(hash).collect()
}

fn whole(source: &Source, name: &str, limit: u64) -> Result<Vec<u8>, Problem> {
    let file = source.open_file(name, limit + 1).map_err(|error| stop(Class::Tampered, name, error))?;
    let mut file = file.ok_or_else(|| stop(Class::Incomplete, name, "is missing"))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(|error| super::check::unreadable(name, &error))?;
    if bytes.len() as u64 > limit { Err(stop(Class::Tampered, name, "is too long")) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::{STAMPS_LIMIT, part, wanted};

    #[test]
    fn each_record_gets_the_stamp_that_came_next() {
        assert_eq!(wanted(&[3, 7, 9, 20], &[0, 2, 3, 8, 12], 15), [3, 7, 9]);
        assert_eq!(wanted(&[3, 7, 9, 20], &[6, 7, 19], 20), [7, 9, 20]);
        assert_eq!(wanted(&[], &[1], 9), [0_u64; 0]);
        let all: Vec<u64> = (1..=1000).collect();
        let few = wanted(&all, &(0..1000).collect::<Vec<_>>(), 1000);
        assert!(few.len() <= STAMPS_LIMIT && few.last() == Some(&1000), "{few:?}");
    }

    #[test]
    fn only_the_files_of_stamps_have_their_names() {
        assert_eq!(part("anchors/24.tsr"), Some((24, "tsr")));
        for other in
            ["anchors/024.tsr", "anchors/24.exe", "anchors/../24.tsr", "anchors/24", "24.tsr", "anchors/-1.head"]
        {
            assert_eq!(part(other), None, "{other}");
        }
    }
}
