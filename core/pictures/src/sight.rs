//! What is seen of a picture: enough to know it again.

use crate::decode::Picture;
use crate::look::{Kept, Look, Sort, seen};
use prints::Keys;

/// What is seen of a picture.
#[derive(Clone, Debug)]
pub struct Sight {
    pub(crate) digest: [u8; 16],
    looks: Vec<(Sort, [Look; 8])>,
}

impl Sight {
    /// Looks at a picture.
    #[must_use]
    pub fn of(picture: &Picture, keys: &Keys) -> Self {
        let (gray, looks) = seen(picture);
        let [width, height] = [gray.width, gray.height].map(|side| (side as u64).to_le_bytes());
        Self { digest: keys.digest("picture", &[&width, &height, &gray.pixels]), looks }
    }

    /// The distance to the nearest of some looks of one sort.
    pub(crate) fn nearest(&self, sort: Sort, looks: &[Kept]) -> Option<u32> {
        let own = self.looks.iter().filter(|(own, _)| *own == sort).flat_map(|(_, ways)| ways);
        own.flat_map(|own| looks.iter().map(|look| look.distance(own))).min()
    }
}
