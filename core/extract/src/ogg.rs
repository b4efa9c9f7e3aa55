//! Ogg (RFC 3533): pages of packets. Of Vorbis and Opus (RFC 7845) the comments are taken out, and how long they sound is told.

use crate::cut::Cut;

/// What comments that say nothing are, behind what announces them: no vendor, no entries.
const NOTHING: [u8; 8] = [0; 8];
/// Segments of one page.
const SEGMENTS: usize = 255;

/// One page.
struct Page<'a> {
    head: &'a [u8],
    lacing: &'a [u8],
    body: &'a [u8],
}

impl<'a> Page<'a> {
    /// The page that begins here.
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (head, rest) = bytes.strip_prefix(b"OggS").and_then(|_| bytes.split_at_checked(27))?;
        let (lacing, rest) = rest.split_at_checked(usize::from(*head.get(26)?))?;
        let length = lacing.iter().map(|segment| usize::from(*segment)).sum();
        Some(Self { head, lacing, body: rest.get(..length)? })
    }

    fn length(&self) -> usize {
        self.head.len() + self.lacing.len() + self.body.len()
    }

    fn serial(&self) -> &'a [u8] {
        self.head.get(14..18).unwrap_or_default()
    }

    fn is_first(&self) -> bool {
        self.head.get(5).is_some_and(|flags| flags & 2 != 0)
    }

    /// The packets that begin on it, as far as they stand on it.
    fn begun(&self) -> Vec<&'a [u8]> {
        let goes_on = self.head.get(5).is_some_and(|flags| flags & 1 != 0);
        self.parts().into_iter().skip(usize::from(goes_on)).map(|(part, _)| part).collect()
    }

    /// The parts of packets on it: each with whether the packet ends with it.
    fn parts(&self) -> Vec<(&'a [u8], bool)> {
        let (mut parts, mut rest, mut length) = (Vec::new(), self.body, 0);
        for segment in self.lacing {
            length += usize::from(*segment);
            if *segment < 255 {
                let (part, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
                parts.push((part, true));
                (rest, length) = (after, 0);
            }
        }
        if length > 0 {
            parts.push((rest, false));
        }
        parts
    }
}

/// The codec of a stream, by its first packet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Codec {
    Vorbis,
    Opus,
}

impl Codec {
    fn of(packet: &[u8]) -> Option<Self> {
        match packet {
            [1, b'v', b'o', b'r', b'b', b'i', b's', ..] => Some(Self::Vorbis),
            [b'O', b'p', b'u', b's', b'H', b'e', b'a', b'd', ..] => Some(Self::Opus),
            _ => None,
        }
    }

    /// Packets before the sound, behind the first.
    fn heads(self) -> usize {
        match self {
            Self::Vorbis => 2,
            Self::Opus => 1,
        }
    }

    /// Comments that say nothing.
    fn silence(self) -> Vec<u8> {
        match self {
            Self::Vorbis => [b"\x03vorbis", &NOTHING[..], &[1]].concat(),
            Self::Opus => [b"OpusTags", &NOTHING[..]].concat(),
        }
    }
}

/// The pages up to the first byte that is in none, and where that is.
fn pages(bytes: &[u8]) -> (Vec<Page<'_>>, usize) {
    let (mut pages, mut at) = (Vec::new(), 0);
    while let Some(page) = bytes.get(at..).and_then(Page::read) {
        at += page.length();
        pages.push(page);
    }
    (pages, at)
}

/// Takes the comments out. A file of several streams stays as it is, and so does one of another codec.
pub(crate) fn cut(bytes: &[u8]) -> Option<Cut<'_>> {
    let (pages, end) = pages(bytes);
    let mut cut = Cut::default();
    let bared = bare(&pages, &mut cut).is_some() && Some(cut.kept.of(bytes).as_slice()) != bytes.get(..end);
    if !bared {
        cut = Cut::default();
        cut.kept.span(0..end);
    }
    cut.behind(bytes, end);
    Some(cut)
}

fn bare<'a>(pages: &[Page<'a>], cut: &mut Cut<'a>) -> Option<()> {
    let (first, rest) = pages.split_first()?;
    let codec = Codec::of(first.body)?;
    if rest.iter().any(|page| page.is_first() || page.serial() != first.serial()) {
        return None;
    }
    let (mut packets, mut packet, mut used) = (Vec::new(), Vec::new(), 0);
    for page in rest {
        for (part, ends) in page.parts() {
            packet.extend_from_slice(part);
            if ends {
                packets.push(std::mem::take(&mut packet));
            }
        }
        used += 1;
        if packets.len() >= codec.heads() {
            break;
        }
    }
    // The sound begins on a page of its own (Vorbis I, A.2; RFC 7845, section 3).
    if packets.len() != codec.heads() || !packet.is_empty() {
        return None;
    }
    let silence = codec.silence();
    let comments = packets.first_mut().filter(|own| own.get(..7) == silence.get(..7))?;
    if *comments != silence {
        cut.taken.extend(rest.iter().take(used).map(|page| ("tags", page.body)));
        *comments = silence;
    }
    cut.kept.own(&numbered(first.head, first.lacing, first.body, 0));
    let mut number = 1;
    for page in laced(&packets) {
        let (lacing, body, goes_on) = page;
        let mut head = first.head.get(..26)?.to_vec();
        // Neither the first page nor the last of its stream, and no sound yet.
        *head.get_mut(5)? = u8::from(goes_on);
        head.get_mut(6..14)?.fill(0);
        head.push(u8::try_from(lacing.len()).ok()?);
        cut.kept.own(&numbered(&head, &lacing, &body, number));
        number += 1;
    }
    for page in rest.iter().skip(used) {
        cut.kept.own(&numbered(page.head, page.lacing, page.body, number));
        number += 1;
    }
    Some(())
}

/// Packets on as few pages as hold them: lacing, body, and whether the page goes on with a packet of the one before.
fn laced(packets: &[Vec<u8>]) -> Vec<(Vec<u8>, Vec<u8>, bool)> {
    let segments = packets.iter().flat_map(|packet| {
        let full = packet.chunks_exact(255);
        let last = full.remainder();
        full.chain(std::iter::once(last))
    });
    let segments: Vec<&[u8]> = segments.collect();
    let (mut pages, mut goes_on) = (Vec::new(), false);
    for page in segments.chunks(SEGMENTS) {
        let lacing: Vec<u8> = page.iter().map(|segment| u8::try_from(segment.len()).unwrap_or(u8::MAX)).collect();
        let next = lacing.last() == Some(&255);
        pages.push((lacing, page.concat(), goes_on));
        goes_on = next;
    }
    pages
}

/// A page under another number, with its checksum.
fn numbered(head: &[u8], lacing: &[u8], body: &[u8], number: u32) -> Vec<u8> {
    let mut page = [head, lacing, body].concat();
    if let Some(place) = page.get_mut(18..22) {
        place.copy_from_slice(&number.to_le_bytes());
    }
    if let Some(place) = page.get_mut(22..26) {
        place.fill(0);
    }
    let checksum = checksum(&page);
    if let Some(place) = page.get_mut(22..26) {
        place.copy_from_slice(&checksum.to_le_bytes());
    }
    page
}

/// CRC-32 with the polynomial 0x04c11db7, from zero and not turned (RFC 3533, section 6).
fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |sum, byte| sum << 8 ^ step((sum >> 24) ^ u32::from(*byte)))
}

const fn remainder(byte: u32) -> u32 {
    let (mut sum, mut bit) = (byte << 24, 0);
    while bit < 8 {
        sum = if sum & 0x8000_0000 == 0 { sum << 1 } else { sum << 1 ^ 0x04c1_1db7 };
        bit += 1;
    }
    sum
}

/// The remainder of each byte.
#[expect(clippy::indexing_slicing, reason = "the index stays below 256")]
static REMAINDERS: [u32; 256] = {
    let (mut all, mut byte) = ([0; 256], 0);
    while byte < 256 {
        all[byte] = remainder(byte as u32);
        byte += 1;
    }
    all
};

fn step(byte: u32) -> u32 {
    usize::try_from(byte).ok().and_then(|byte| REMAINDERS.get(byte)).copied().unwrap_or_default()
}

/// How long it sounds, in microseconds: the streams one after another. `None` if one is of another codec, or does not say.
pub(crate) fn length(bytes: &[u8]) -> Option<u64> {
    let (pages, _) = pages(bytes);
    let mut length = 0u64;
    for stream in pages.chunk_by(|one, other| one.serial() == other.serial()) {
        let first = stream.first()?;
        let micros = match Codec::of(first.body)? {
            // What each packet says of itself (RFC 6716, section 3.1): more than a granule, which may say anything.
            Codec::Opus => stream.iter().skip(1).flat_map(Page::begun).map(opus).sum(),
            Codec::Vorbis => {
                let rate = u64::from(u32::from_le_bytes(first.body.get(12..16)?.try_into().ok()?));
                let granule = |page: &Page<'_>| Some(u64::from_le_bytes(page.head.get(6..14)?.try_into().ok()?));
                // All ones where no packet ends.
                let last = stream.iter().filter_map(granule).filter(|granule| *granule != u64::MAX).max()?;
                last.checked_mul(1_000_000)?.checked_div(rate).filter(|length| *length > 0)?
            }
        };
        length = length.checked_add(micros)?;
    }
    Some(length)
}

/// How long a packet of Opus sounds, in microseconds.
fn opus(packet: &[u8]) -> u64 {
    let Some(first) = packet.first().filter(|_| !packet.starts_with(b"Opus")) else { return 0 };
    let (mode, code) = (first >> 3, first & 3);
    let frame = match mode {
        0..=11 => [10_000, 20_000, 40_000, 60_000].get(usize::from(mode % 4)),
        12..=15 => [10_000, 20_000].get(usize::from(mode % 2)),
        _ => [2_500, 5_000, 10_000, 20_000].get(usize::from(mode % 4)),
    };
    let frames = match code {
        0 => 1,
        1 | 2 => 2,
        _ => packet.get(1).map_or(0, |count| u64::from(count & 0x3f)),
    };
    frame.copied().unwrap_or_default() * frames
}

#[cfg(test)]
mod tests {
    use super::checksum;

    #[test]
    fn pages_are_summed_as_the_catalogue_of_checksums_says() {
        // CRC-32/CKSUM, with its last step left away.
        assert_eq!(checksum(b"123456789"), !0x765e_7680);
    }
}
