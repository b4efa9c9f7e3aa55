//! One frame of the write-ahead log: a group of records that became durable together.
//!
//! Bytes to meaning and back, nothing else; [`crate::wal`] knows where frames stand in files. All numbers are
//! big-endian, as everywhere in the public log formats that the entries come from.
//!
//! ```text
//! offset  size  what
//!      0     8  magic F7 "PNSTKW" 01
//!      8     8  sequence number of the first record
//!     16     4  number of records
//!     20     4  length of the entries in bytes
//!     24    32  SHA-256 of the previous frame's header; zeros in the first frame of a ledger
//!     56     8  tree size after this frame
//!     64    32  tree root after this frame (RFC 6962)
//!     96    64  Ed25519 signature over the checkpoint of that size and root
//!    160     4  CRC32C over the segment's first sequence number (8 bytes), bytes 0 to 159, and the entries
//!    164     -  the entries as in a C2SP bundle: length (2 bytes) and bytes, one after the other
//!      -     -  zeros up to the next multiple of 4096 bytes
//! ```
//!
//! A frame begins on a 4,096-byte boundary and shares no block with another: a write that is torn by a power
//! cut cannot damage a frame that was acknowledged before.

/// Frames begin at multiples of this: the block size of common disks and file systems.
pub const BLOCK: usize = 4096;

/// Length of a frame's header.
pub const HEADER: usize = 164;

/// The longest run of entries that a frame may claim. The writer closes a group at 1 MiB, and the record that
/// crosses the line still fits.
pub const MOST_ENTRIES: usize = (1 << 20) + (1 << 16) + 2;

/// The most records a frame may claim.
pub const MOST_RECORDS: u32 = 4096;

/// The first byte never occurs in UTF-8, and records are UTF-8: nothing that a caller smuggles into a record
/// can look like a frame when a torn log is searched for valid ones.
const MAGIC: [u8; 8] = *b"\xf7PNSTKW\x01";

/// What a frame's header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Sequence number of the first record.
    pub first: u64,
    /// How many records follow.
    pub count: u32,
    /// SHA-256 of the previous frame's header.
    pub previous: [u8; 32],
    /// Root of the tree after this frame.
    pub root: [u8; 32],
    /// Signature over the checkpoint of the size and root after this frame.
    pub signature: [u8; 64],
}

impl Header {
    /// The tree size after this frame.
    ///
    /// INVARIANT: does not overflow, for `decode` checks it and the writer counts up from there.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.first.saturating_add(u64::from(self.count))
    }
}

/// A frame whose checksum and inner lengths agree.
#[derive(Debug)]
pub struct Frame<'a> {
    /// What the header says.
    pub header: Header,
    /// SHA-256 of the header: what the next frame must name.
    pub hash: [u8; 32],
    /// The entries as they stand in a bundle.
    pub entries: &'a [u8],
    /// Whether what follows up to the end of the block is zeros, as far as it was given. Nothing depends on it; where
    /// it is not so, somebody or something else has written to the file.
    pub clean: bool,
}

impl Frame<'_> {
    /// Bytes that the frame takes in the file, padding included.
    #[must_use]
    pub fn stride(&self) -> usize {
        stride(self.entries.len())
    }
}

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Nothing but zeros where a header would stand: never written.
    #[error("nothing was written here")]
    Blank,
    /// Another beginning.
    #[error("no frame begins here")]
    Magic,
    /// Lengths, counts or sizes contradict each other or their limits.
    #[error("the header contradicts itself")]
    Header,
    /// The file ends before the frame does.
    #[error("the file ends inside the frame")]
    Short,
    /// The checksum is another.
    #[error("the checksum does not agree")]
    Checksum,
    /// The entries do not fill their length, or their number is another.
    #[error("the entries do not fit their lengths")]
    Entries,
}

/// Bytes that a frame with so many bytes of entries takes in the file.
#[must_use]
pub fn stride(entries: usize) -> usize {
    (HEADER + entries).next_multiple_of(BLOCK)
}

fn checksum(segment: u64, head: &[u8], entries: &[u8]) -> u32 {
    let crc = crc32c::crc32c(&segment.to_be_bytes());
    crc32c::crc32c_append(crc32c::crc32c_append(crc, head), entries)
}

/// Writes a frame into `out` (which is emptied first), padded to whole blocks; gives the hash of its header.
///
/// `segment` is the first sequence number of the segment it goes to.
pub fn encode(header: &Header, segment: u64, entries: &[u8], out: &mut Vec<u8>) -> [u8; 32] {
    debug_assert!(entries.len() <= MOST_ENTRIES, "the writer closes groups before this");
    out.clear();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&header.first.to_be_bytes());
    out.extend_from_slice(&header.count.to_be_bytes());
    out.extend_from_slice(&u32::try_from(entries.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(&header.previous);
    out.extend_from_slice(&header.size().to_be_bytes());
    out.extend_from_slice(&header.root);
    out.extend_from_slice(&header.signature);
    let crc = checksum(segment, out, entries);
    out.extend_from_slice(&crc.to_be_bytes());
    let hash = seal::sha256(out);
    out.extend_from_slice(entries);
    out.resize(stride(entries.len()), 0);
    hash
}

/// Cuts a fixed number of bytes off the front.
fn take<'a, const N: usize>(bytes: &mut &'a [u8]) -> Result<&'a [u8; N], Broken> {
    let (front, rest) = bytes.split_first_chunk::<N>().ok_or(Broken::Short)?;
    *bytes = rest;
    Ok(front)
}

/// The length of the entries that a header claims, if it is a header at all; so that a reader knows how much to read.
///
/// # Errors
/// Says why this is no header.
pub fn claimed(bytes: &[u8]) -> Result<usize, Broken> {
    let mut rest = bytes;
    let magic = take::<8>(&mut rest)?;
    if *magic != MAGIC {
        return Err(if bytes.iter().take(HEADER).all(|byte| *byte == 0) { Broken::Blank } else { Broken::Magic });
    }
    let first = u64::from_be_bytes(*take(&mut rest)?);
    let count = u32::from_be_bytes(*take(&mut rest)?);
    let length = usize::try_from(u32::from_be_bytes(*take(&mut rest)?)).map_err(|_| Broken::Header)?;
    take::<32>(&mut rest)?;
    let size = u64::from_be_bytes(*take(&mut rest)?);
    let sound = (1..=MOST_RECORDS).contains(&count)
        && length <= MOST_ENTRIES
        && first.checked_add(u64::from(count)) == Some(size)
        && size < 1 << 53;
    if sound { Ok(length) } else { Err(Broken::Header) }
}

/// Reads the frame at the beginning of `bytes`. Made for hostile input: it never panics and takes linear time.
///
/// # Errors
/// Says why this is no frame.
pub fn decode(bytes: &[u8], segment: u64) -> Result<Frame<'_>, Broken> {
    let length = claimed(bytes)?;
    let (head, rest) = bytes.split_first_chunk::<HEADER>().ok_or(Broken::Short)?;
    let entries = rest.get(..length).ok_or(Broken::Short)?;
    let (signed, crc) = head.split_last_chunk::<4>().ok_or(Broken::Short)?;
    if checksum(segment, signed, entries) != u32::from_be_bytes(*crc) {
        return Err(Broken::Checksum);
    }
    let mut fields = head.as_slice();
    take::<8>(&mut fields)?;
    let first = u64::from_be_bytes(*take(&mut fields)?);
    let count = u32::from_be_bytes(*take(&mut fields)?);
    take::<4>(&mut fields)?;
    let previous = *take(&mut fields)?;
    take::<8>(&mut fields)?;
    let root = *take(&mut fields)?;
    let signature = *take(&mut fields)?;
    let mut seen = 0u32;
    for entry in split(entries) {
        entry?;
        seen += 1;
    }
    if seen != count {
        return Err(Broken::Entries);
    }
    let padding = bytes.get(HEADER + length..stride(length).min(bytes.len())).unwrap_or_default();
    let clean = padding.iter().all(|byte| *byte == 0);
    Ok(Frame { header: Header { first, count, previous, root, signature }, hash: seal::sha256(head), entries, clean })
}

/// Appends one entry to a run of entries; `false`, and nothing is written, if it is longer than the format can say.
pub fn push_entry(entries: &mut Vec<u8>, entry: &[u8]) -> bool {
    let Ok(length) = u16::try_from(entry.len()) else { return false };
    entries.extend_from_slice(&length.to_be_bytes());
    entries.extend_from_slice(entry);
    true
}

/// Splits a run of entries. Ends after the first error.
pub fn split(entries: &[u8]) -> impl Iterator<Item = Result<&[u8], Broken>> {
    let mut rest = Some(entries);
    std::iter::from_fn(move || {
        let bytes = rest.take().filter(|bytes| !bytes.is_empty())?;
        let cut = bytes.split_first_chunk::<2>().and_then(|(length, after)| {
            let length = usize::from(u16::from_be_bytes(*length));
            after.split_at_checked(length)
        });
        match cut {
            Some((entry, after)) => {
                rest = Some(after);
                Some(Ok(entry))
            }
            None => Some(Err(Broken::Entries)),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Broken, HEADER, Header, decode, encode, push_entry, split};
    use proptest::prelude::{Strategy, any, prop, proptest};

    fn frame(first: u64, segment: u64, records: &[Vec<u8>]) -> (Header, Vec<u8>) {
        let mut entries = Vec::new();
        assert!(records.iter().all(|record| push_entry(&mut entries, record)));
        let header = Header {
            first,
            count: u32::try_from(records.len()).unwrap(),
            previous: [1; 32],
            root: [2; 32],
            signature: [3; 64],
        };
        let mut out = Vec::new();
        let hash = encode(&header, segment, &entries, &mut out);
        assert_eq!(decode(&out, segment).unwrap().hash, hash);
        (header, out)
    }

    fn records() -> impl Strategy<Value = Vec<Vec<u8>>> {
        prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..20)
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(first in 0u64..1 << 50, segment in any::<u64>(), records in records()) {
            let (header, bytes) = frame(first, segment, &records);
            let frame = decode(&bytes, segment).unwrap();
            assert_eq!(frame.header, header);
            assert_eq!(split(frame.entries).map(|entry| entry.unwrap().to_vec()).collect::<Vec<_>>(), records);
            assert_eq!(frame.stride(), bytes.len());
            assert_eq!(bytes.len() % BLOCK, 0);
        }

        #[test]
        fn a_flipped_bit_is_seen(records in records(), at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let (_, mut bytes) = frame(7, 0, &records);
            let used = HEADER + records.iter().map(|record| record.len() + 2).sum::<usize>();
            bytes[at.index(used)] ^= 1 << bit;
            assert!(decode(&bytes, 0).is_err());
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..400),
            magic in proptest::bool::ANY,
        ) {
            let mut bytes = bytes;
            if magic {
                bytes.splice(0..bytes.len().min(8), *b"\xf7PNSTKW\x01");
            }
            assert!(decode(&bytes, 0).is_err());
        }
    }

    #[test]
    fn f8_a_frame_of_another_segment_is_not_taken_for_one_of_this() {
        let (_, bytes) = frame(7, 5, &[b"{}".to_vec()]);
        assert_eq!(decode(&bytes, 6).unwrap_err(), Broken::Checksum);
    }

    #[test]
    fn zeros_are_blank_and_an_empty_file_is_short() {
        assert_eq!(decode(&[0; BLOCK], 0).unwrap_err(), Broken::Blank);
        assert_eq!(decode(&[], 0).unwrap_err(), Broken::Short);
    }
}
