//! Laws that hold whatever a picture or a file of pictures says, for fuzzing.

use crate::{Budget, Gallery, Limits, Picture, Sight, gallery};
use prints::Keys;
use prints::file;

const LIMITS: Limits = Limits { pixels: 1 << 16, side: 1 << 12, all: 1 << 18, count: 8 };

fn keys() -> Keys {
    Keys::new(&[5; 32])
}

/// A picture of a stranger: what decodes is within the limits, can be looked at, and is still a picture when it is made smaller.
pub fn fuzz_picture(bytes: &[u8]) {
    let mut budget = Budget::new(&LIMITS);
    let Ok(picture) = Picture::decode(bytes, &mut budget) else { return };
    let (width, height) = (picture.width(), picture.height());
    assert!(u64::from(width) * u64::from(height) <= LIMITS.pixels && width.max(height) <= LIMITS.side);
    let _ = (picture.kind(), picture.codes());
    let _ = Gallery::default().find(&Sight::of(&picture, &keys()));
    for less in [picture.smaller(16), picture.blurred(4, 32).map(Some)] {
        let Ok(Some(less)) = less else { continue };
        let less = Picture::decode(&less, &mut Budget::new(&LIMITS));
        assert!(
            less.is_ok_and(|less| less.width().max(less.height()) <= 32),
            "what is written is read again, and small"
        );
    }
}

/// The body of a file of registered pictures. What is read is written as the same bytes.
pub fn fuzz_gallery(body: &[u8]) {
    let keys = keys();
    let _ = Gallery::decode(body, &keys);
    let bytes = file::close(gallery::NAME, &keys, body);
    let Ok(read) = Gallery::decode(&bytes, &keys) else { return };
    assert!(read.encode(&keys) == bytes, "a file has one spelling");
}
