//! The words of a text, sixty-four bytes at a time.
//!
//! Where words end, no processor guesses right, and a wrong guess costs as much as reading a line. So the bytes of a block are
//! told apart without a branch, a bit for each, and words are runs of bits.

/// Bytes of a block.
const BLOCK: usize = 64;

/// What the bytes of words are, and between them; letters of ASCII are letters of all.
pub(crate) trait Alphabet {
    /// Digits, and what counts as such.
    fn is_digit(byte: u8) -> bool;
    /// Whatever else words are made of.
    fn is_sign(byte: u8) -> bool;
    /// What is looked at between words.
    fn is_mark(byte: u8) -> bool;
}

/// A word, or a mark between words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Mark(usize),
    Word(Word),
}

/// A run of letters, digits and signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) letters: bool,
    pub(crate) digits: bool,
    pub(crate) signs: bool,
}

/// Tells `take` every word of a text in turn, until it says no. Words alone cost less so than by [`Blocks`].
pub(crate) fn words<A: Alphabet>(text: &[u8], mut take: impl FnMut(Word) -> bool) {
    // A word that goes on from the block before.
    let mut open: Option<Word> = None;
    // Behind the text is nothing, so that its last word ends in a block too.
    for start in (0..=text.len()).step_by(BLOCK) {
        let masks = Masks::of::<A>(text, start);
        let words = masks.words();
        let behind = words << 1 | u64::from(open.is_some());
        let (mut starts, mut ends) = (words & !behind, behind & !words);
        let begin = |starts: &mut u64| {
            let first = starts.trailing_zeros();
            *starts &= starts.wrapping_sub(1);
            (first, Word { start: start + first as usize, end: 0, letters: false, digits: false, signs: false })
        };
        while ends != 0 {
            let end = ends.trailing_zeros();
            ends &= ends - 1;
            let (first, mut word) = open.take().map_or_else(|| begin(&mut starts), |word| (0, word));
            word.see(&masks, (1 << end) - (1 << first));
            word.end = start + end as usize;
            if !take(word) {
                return;
            }
        }
        if words >> (BLOCK - 1) == 1 {
            let (first, mut word) = open.take().map_or_else(|| begin(&mut starts), |word| (0, word));
            word.see(&masks, u64::MAX << first);
            open = Some(word);
        }
    }
}

impl Word {
    /// Takes note of what its `bits` of a block are.
    #[inline]
    fn see(&mut self, masks: &Masks, bits: u64) {
        self.letters |= masks.letters & bits != 0;
        self.digits |= masks.digits & bits != 0;
        self.signs |= masks.signs & bits != 0;
    }
}

/// Goes through a text.
pub(crate) struct Blocks<'t, A> {
    text: &'t [u8],
    /// Where the block begins that the masks are of.
    start: usize,
    masks: Masks,
    alphabet: std::marker::PhantomData<A>,
}

/// A bit for each byte of a block, the first the lowest.
#[derive(Clone, Copy)]
struct Masks {
    letters: u64,
    digits: u64,
    signs: u64,
    marks: u64,
}

impl<'t, A: Alphabet> Blocks<'t, A> {
    pub(crate) fn new(text: &'t [u8]) -> Self {
        Self { text, start: 0, masks: Masks::of::<A>(text, 0), alphabet: std::marker::PhantomData }
    }

    /// The first word or mark at or after `from`, which never is before an earlier one. A word that `from` is inside of begins
    /// there.
    #[inline]
    pub(crate) fn next(&mut self, from: usize) -> Option<Found> {
        if from >= self.start + BLOCK {
            self.go_to(from - from % BLOCK);
        }
        let mut at = from.saturating_sub(self.start);
        loop {
            let some = (self.masks.words() | self.masks.marks) & u64::MAX << at;
            if some != 0 {
                let first = some.trailing_zeros() as usize;
                let is_mark = self.masks.marks >> first & 1 == 1;
                return Some(if is_mark { Found::Mark(self.start + first) } else { Found::Word(self.word(first)) });
            }
            at = 0;
            self.go_to(self.start + BLOCK);
            if self.start >= self.text.len() {
                return None;
            }
        }
    }

    /// The word whose first byte is number `first` of the block.
    #[inline]
    fn word(&mut self, first: usize) -> Word {
        let mut word = Word { start: self.start + first, end: 0, letters: false, digits: false, signs: false };
        let mut first = first;
        loop {
            let length = (self.masks.words() >> first).trailing_ones() as usize;
            // Never as many as 64 are shifted out.
            let bits = if length == BLOCK { u64::MAX } else { ((1 << length) - 1) << first };
            word.see(&self.masks, bits);
            word.end = self.start + first + length;
            if first + length < BLOCK {
                return word;
            }
            first = 0;
            self.go_to(self.start + BLOCK);
        }
    }

    fn go_to(&mut self, start: usize) {
        self.start = start;
        self.masks = Masks::of::<A>(self.text, start);
    }
}

impl Masks {
    /// Those of the block that begins at `start`; behind the text is nothing.
    #[inline]
    fn of<A: Alphabet>(text: &[u8], start: usize) -> Self {
        let mut block = [0; BLOCK];
        match text.get(start..start + BLOCK).and_then(|whole| whole.try_into().ok()) {
            Some(whole) => block = whole,
            None => block.iter_mut().zip(text.get(start..).unwrap_or_default()).for_each(|(to, byte)| *to = *byte),
        }
        Self {
            letters: mask(&block, |byte| byte.is_ascii_alphabetic()),
            digits: mask(&block, A::is_digit),
            signs: mask(&block, A::is_sign),
            marks: mask(&block, A::is_mark),
        }
    }

    #[inline]
    fn words(self) -> u64 {
        self.letters | self.digits | self.signs
    }
}

/// A bit for each byte that is of a class.
#[inline]
fn mask(block: &[u8; BLOCK], class: impl Fn(u8) -> bool) -> u64 {
    /// Brings the lowest bits of eight bytes together in the highest byte.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    // A plain loop: the compiler makes wide instructions of it, which it makes of `map` only sometimes.
    let mut flags = [0; BLOCK];
    flags.iter_mut().zip(block).for_each(|(flag, byte)| *flag = u8::from(class(*byte)));
    let (eights, _) = flags.as_chunks::<8>();
    let bits = eights.iter().map(|eight| u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56);
    bits.zip((0..).step_by(8)).fold(0, |mask, (bits, at)| mask | bits << at)
}

#[cfg(test)]
mod tests {
    use super::{Alphabet, Blocks, Found, words};
    use proptest::prelude::*;

    struct Plain;

    impl Alphabet for Plain {
        fn is_digit(byte: u8) -> bool {
            byte.is_ascii_digit()
        }

        fn is_sign(byte: u8) -> bool {
            byte == b'_' || byte >= 0x80
        }

        fn is_mark(byte: u8) -> bool {
            byte == b'@'
        }
    }

    proptest! {
        #[test]
        fn words_alone_are_those_among_marks(
            pieces in prop::collection::vec(prop::sample::select(vec!["a", "pump", "12", "_", "é", "@", " ", ". ", "\0"]), 0..200),
            long in 0usize..200,
        ) {
            let text = pieces.concat() + &"x".repeat(long);
            let (mut blocks, mut from) = (Blocks::<Plain>::new(text.as_bytes()), 0);
            let mut among = Vec::new();
            while let Some(found) = blocks.next(from) {
                from = match found {
                    Found::Mark(mark) => mark + 1,
                    Found::Word(word) => {
                        among.push(word);
                        word.end
                    }
                };
            }
            let mut alone = Vec::new();
            words::<Plain>(text.as_bytes(), |word| {
                alone.push(word);
                true
            });
            prop_assert_eq!(alone, among);
        }

        #[test]
        fn words_and_marks_are_those_that_one_byte_after_the_other_gives(
            pieces in prop::collection::vec(prop::sample::select(vec!["a", "pump", "12", "_", "é", "@", " ", ". ", "\0"]), 0..200),
            skip in 0usize..4,
        ) {
            let text = pieces.concat();
            let bytes = text.as_bytes();
            let of = |byte: u8| byte.is_ascii_alphanumeric() || Plain::is_sign(byte);
            let (mut blocks, mut from) = (Blocks::<Plain>::new(bytes), 0);
            while let Some(at) = (from..bytes.len()).find(|at| of(bytes[*at]) || bytes[*at] == b'@') {
                let end = (at..bytes.len()).find(|at| !of(bytes[*at])).unwrap_or(bytes.len());
                match blocks.next(from) {
                    Some(Found::Mark(mark)) => prop_assert!(mark == at && bytes[at] == b'@'),
                    Some(Found::Word(word)) => {
                        let has = |class: fn(u8) -> bool| bytes[at..end].iter().any(|byte| class(*byte));
                        prop_assert_eq!((word.start, word.end), (at, end));
                        prop_assert_eq!(word.letters, has(|byte| byte.is_ascii_alphabetic()));
                        prop_assert_eq!((word.digits, word.signs), (has(Plain::is_digit), has(Plain::is_sign)));
                    }
                    None => prop_assert!(false, "nothing at {at}"),
                }
                // Also into the middle of the next word.
                from = end.max(at + 1) + skip;
            }
            prop_assert_eq!(blocks.next(from.max(bytes.len())), None);
        }
    }
}
