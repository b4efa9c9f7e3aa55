//! What can be wrong with a JSON text, and where.

use plant::Reason;

/// A JSON text was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {offset}")]
pub struct Error {
    /// What is wrong.
    pub problem: Problem,
    /// The offset of the byte where it shows.
    pub offset: usize,
}

/// What is wrong with a JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The input is longer than offsets can say.
    #[error("the text is longer than 4 GiB")]
    TooLong,
    /// It begins with a byte order mark (RFC 8259 section 8.1).
    #[error("the text begins with a byte order mark")]
    ByteOrderMark,
    /// It is not UTF-8.
    #[error("the text is not valid UTF-8")]
    Utf8,
    /// It ends within a value.
    #[error("the text ends too early")]
    UnexpectedEnd,
    /// A byte that fits nowhere.
    #[error("a byte does not fit here")]
    UnexpectedByte,
    /// A number that breaks the grammar: a leading zero or plus, `NaN`, `1.`.
    #[error("a number is not well-formed")]
    Number,
    /// A control character stands bare in a string.
    #[error("a control character is not escaped")]
    ControlCharacter,
    /// A backslash with something unknown behind it.
    #[error("an escape is not well-formed")]
    Escape,
    /// A `\ud800` to `\udfff` escape without its other half: it names no character.
    #[error("half a surrogate pair stands alone")]
    LoneSurrogate,
    /// One key twice in an object, after unescaping.
    #[error("a key stands twice in an object")]
    DuplicateKey,
    /// Nested deeper than the limit.
    #[error("nested deeper than the limit")]
    TooDeep,
    /// More values than the limit.
    #[error("more values than the limit")]
    TooMany,
    /// Something follows the value.
    #[error("something follows the value")]
    Trailing,
}

impl Problem {
    /// The reason code that a refusal for it carries.
    #[must_use]
    pub fn reason(self) -> Reason {
        match self {
            Self::DuplicateKey => Reason::DuplicateKey,
            Self::TooDeep => Reason::TooDeep,
            Self::TooLong | Self::TooMany => Reason::BodyTooLarge,
            Self::ByteOrderMark
            | Self::Utf8
            | Self::UnexpectedEnd
            | Self::UnexpectedByte
            | Self::Number
            | Self::ControlCharacter
            | Self::Escape
            | Self::LoneSurrogate
            | Self::Trailing => Reason::Malformed,
        }
    }
}
