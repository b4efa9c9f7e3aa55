//! `CKA_EC_POINT` of an Ed25519 key.

/// The 32 bytes of RFC 8032, section 5.1.2, out of what a device says its point is.
///
/// PKCS #11 has changed its mind: 2.40 wraps every point in a DER OCTET STRING, 3.0 (section 2.3.5) gives Edwards points
/// bare, and some devices wrap them in a BIT STRING, as a certificate does.
pub(crate) fn read(bytes: &[u8]) -> Option<[u8; 32]> {
    let bare = match bytes {
        [0x04, 32, point @ ..] | [0x03, 33, 0, point @ ..] if point.len() == 32 => point,
        bare => bare,
    };
    bare.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn a_point_is_read_in_each_of_its_wrappings_and_in_no_other() {
        let point = [7; 32];
        let wrapped = |head: &[u8]| read(&[head, &point].concat());
        for head in [&[][..], &[4, 32], &[3, 33, 0]] {
            assert_eq!(wrapped(head), Some(point), "{head:?}");
        }
        for head in [&[0][..], &[4], &[4, 33], &[4, 31], &[3, 33, 1], &[3, 32], &[4, 0x81, 32], &[0x30, 32]] {
            assert_eq!(wrapped(head), None, "{head:?}");
        }
        for length in (0..200).filter(|length| *length != 32) {
            assert_eq!(read(&vec![4; length]), None, "{length}");
        }
    }

    #[test]
    fn a_bare_point_that_looks_wrapped_is_bare() {
        let mut point = [9; 32];
        (point[0], point[1]) = (4, 32);
        assert_eq!(read(&point), Some(point));
    }
}
