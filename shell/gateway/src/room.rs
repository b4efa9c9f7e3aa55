//! Room for bytes that are held whole, of which large ones lie in a mapping of their own.
//!
//! An allocator keeps what it is given back, and what one thread frees of another's it keeps for longer: after a picture of
//! 20 MiB a gateway at rest would go on being twice as large. A mapping is the system's again as soon as it is dropped,
//! whoever drops it.

use bytes::Bytes;
use memmap2::MmapMut;

/// From this size on bytes have a mapping of their own. A page fault for each 4 KiB costs a tenth of reading them.
const LARGE: usize = 1 << 20;

/// Bytes that are gathered, and then held.
#[derive(Debug)]
pub(crate) enum Room {
    Small(Vec<u8>),
    Large {
        map: MmapMut,
        /// How much of it is in use.
        used: usize,
    },
}

impl Room {
    /// Room for so many bytes; more may come.
    pub(crate) fn of(bytes: usize) -> Self {
        // Where the system gives no mapping, the allocator may still have something.
        let map = (bytes >= LARGE).then(|| MmapMut::map_anon(bytes).ok()).flatten();
        map.map_or_else(|| Self::Small(Vec::with_capacity(bytes)), |map| Self::Large { map, used: 0 })
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Small(bytes) => bytes.len(),
            Self::Large { used, .. } => *used,
        }
    }

    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        let needed = self.len() + bytes.len();
        let fits = match self {
            Self::Small(own) => needed <= own.capacity() || needed < LARGE,
            Self::Large { map, .. } => needed <= map.len(),
        };
        if !fits {
            // Twice as much, so that each byte is moved once on average.
            let mut larger = Self::of(needed.max(self.len() * 2));
            larger.put(self.as_ref());
            *self = larger;
        }
        self.put(bytes);
    }

    /// Appends bytes that there is room for.
    fn put(&mut self, bytes: &[u8]) {
        match self {
            Self::Small(own) => own.extend_from_slice(bytes),
            Self::Large { map, used } => {
                let end = *used + bytes.len();
                debug_assert!(end <= map.len(), "there is room");
                if let Some(free) = map.get_mut(*used..end) {
                    free.copy_from_slice(bytes);
                    *used = end;
                }
            }
        }
    }

    /// What was gathered, to be shared.
    pub(crate) fn freeze(self) -> Bytes {
        match self {
            Self::Small(bytes) => Bytes::from(bytes),
            large @ Self::Large { .. } => Bytes::from_owner(large),
        }
    }
}

impl AsRef<[u8]> for Room {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Small(bytes) => bytes,
            Self::Large { map, used } => map.get(..*used).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LARGE, Room};

    #[test]
    fn what_is_gathered_comes_out_as_it_went_in() {
        let bytes: Vec<u8> = (0..5 * LARGE / 2).map(|at| u8::try_from(at % 251).unwrap()).collect();
        for (room, piece) in [(0, 1000), (0, LARGE * 2), (10, LARGE - 1), (LARGE, 100_000), (3 * LARGE, 4096)] {
            let mut own = Room::of(room);
            bytes.chunks(piece).for_each(|piece| own.extend(piece));
            assert!(matches!(own, Room::Large { .. }));
            assert_eq!((own.len(), own.as_ref() == bytes), (bytes.len(), true), "{room} {piece}");
            assert!(own.freeze() == bytes);
        }
        let mut small = Room::of(0);
        small.extend(b"ab");
        small.extend(b"c");
        assert!(matches!(small, Room::Small(_)));
        assert_eq!(&small.freeze()[..], b"abc");
    }
}
