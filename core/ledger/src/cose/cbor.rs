//! The few items of CBOR (RFC 8949) that a receipt has.

/// Writes the few items of CBOR that a receipt has, in the shortest form (RFC 8949, section 4.2.1).
#[derive(Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    /// The head of an item: its major type, and a number.
    fn head(&mut self, major: u8, number: u64) -> &mut Self {
        let major = major << 5;
        let [.., b4, b3, b2, b1] = number.to_be_bytes();
        match number {
            0..24 => self.0.push(major | b1),
            24..0x100 => self.0.extend([major | 24, b1]),
            0x100..0x1_0000 => self.0.extend([major | 25, b2, b1]),
            0x1_0000..0x1_0000_0000 => self.0.extend([major | 26, b4, b3, b2, b1]),
            _ => {
                self.0.push(major | 27);
                self.0.extend(number.to_be_bytes());
            }
        }
        self
    }

    pub(super) fn unsigned(&mut self, number: u64) -> &mut Self {
        self.head(0, number)
    }

    /// The number -1 - `number`.
    pub(super) fn negative(&mut self, number: u64) -> &mut Self {
        self.head(1, number)
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.head(2, bytes.len() as u64).0.extend(bytes);
        self
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.head(3, text.len() as u64).0.extend(text.as_bytes());
        self
    }

    pub(super) fn array(&mut self, count: u64) -> &mut Self {
        self.head(4, count)
    }

    pub(super) fn map(&mut self, count: u64) -> &mut Self {
        self.head(5, count)
    }

    pub(super) fn tag(&mut self, tag: u64) -> &mut Self {
        self.head(6, tag)
    }

    pub(super) fn nil(&mut self) -> &mut Self {
        self.0.push(0xf6);
        self
    }
}

/// Reads them, in turn. `None` is an item that is not the one that must be there.
pub(super) struct Items<'a>(&'a [u8]);

impl<'a> Items<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// The number in the head of an item of this major type.
    fn head(&mut self, major: u8) -> Option<u64> {
        let first = self.take(1)?.first()?;
        if first >> 5 != major {
            return None;
        }
        let width = match first & 31 {
            small @ 0..24 => return Some(u64::from(small)),
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return None,
        };
        Some(self.take(width)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn is(&mut self, major: u8, number: u64) -> Option<()> {
        (self.head(major)? == number).then_some(())
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        self.head(0)
    }

    pub(super) fn unsigned(&mut self, number: u64) -> Option<()> {
        self.is(0, number)
    }

    /// The number -1 - `number`.
    pub(super) fn negative(&mut self, number: u64) -> Option<()> {
        self.is(1, number)
    }

    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.head(2)?;
        self.take(usize::try_from(length).ok()?)
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        let length = self.head(3)?;
        std::str::from_utf8(self.take(usize::try_from(length).ok()?)?).ok()
    }

    /// How many items an array has.
    pub(super) fn length(&mut self) -> Option<u64> {
        self.head(4)
    }

    pub(super) fn array(&mut self, count: u64) -> Option<()> {
        self.is(4, count)
    }

    pub(super) fn map(&mut self, count: u64) -> Option<()> {
        self.is(5, count)
    }

    pub(super) fn tag(&mut self, tag: u64) -> Option<()> {
        self.is(6, tag)
    }

    pub(super) fn nil(&mut self) -> Option<()> {
        (self.take(1)? == [0xf6]).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Items, Writer};

    /// RFC 8949, appendix A.
    #[test]
    fn numbers_take_the_shortest_form() {
        let cases: [(u64, &str); 9] = [
            (0, "00"),
            (23, "17"),
            (24, "1818"),
            (100, "1864"),
            (255, "18ff"),
            (1000, "1903e8"),
            (1_000_000, "1a000f4240"),
            (1_000_000_000_000, "1b000000e8d4a51000"),
            (u64::MAX, "1bffffffffffffffff"),
        ];
        for (number, hex) in cases {
            let mut writer = Writer::default();
            assert_eq!(seal::hex(&writer.unsigned(number).0), hex, "{number}");
            assert_eq!(Items::new(&writer.0).number(), Some(number));
        }
        assert_eq!(seal::hex(&Writer::default().negative(999).0), "3903e7");
        assert_eq!(seal::hex(&Writer::default().array(1).text("ü").bytes(&[1]).nil().0), "8162c3bc4101f6");
    }
}
