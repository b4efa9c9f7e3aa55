//! JSON that knows where everything stands: a strict, flat reading of a complete buffer.
//!
//! Every value keeps the byte span it came from, so that a rewrite can splice a few strings and leave every
//! other byte as it was. This is no serialiser and no mapping to types; `serde_json` is for that.
//!
//! ```text
//! bytes -> Document (arena of nodes, preorder) -> Value -> Text -> decode, Cursor (decoded offset -> raw offset)
//! ```
//!
//! Stricter than RFC 8259 asks, because two parsers must never see two messages in one body: no key twice in an
//! object (after unescaping), no byte order mark, no lone surrogate escape (it has no UTF-8 form, so every
//! library replaces it differently), nothing after the value. Numbers are checked for their grammar and never
//! converted. Time is linear in the input (sorting the keys of large objects aside, n log n), there is no
//! recursion, and depth and number of nodes are bounded by the caller.

mod canonical;
mod problem;
mod read;
mod text;

#[cfg(test)]
mod tests;

pub use canonical::canonical;
pub use problem::{Error, Problem};
pub use text::{Cursor, Text, encode};

use std::borrow::Cow;
use std::ops::Range;

/// What a document may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Deepest nesting of arrays and objects; `[[1]]` has depth 2.
    pub depth: u32,
    /// Most values, counting a run of numbers in an array as one. A node takes 36 bytes.
    pub nodes: u32,
}

impl Default for Limits {
    /// Depth 64 as in a conduit's default bounds; a million nodes, 36 MiB, is more than a 32 MiB body of prose
    /// and tool calls needs, and keeps a body of `[[],[],...` from costing twenty times its size.
    fn default() -> Self {
        Self { depth: 64, nodes: 1 << 20 }
    }
}

/// What kind of value a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool,
    /// One number.
    Number,
    /// Two or more numbers in a row within an array, kept as one node: tensors, embeddings and token ids are
    /// millions of numbers that nobody navigates. The span reaches from the first to the last.
    Numbers,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// No node: the parent of the root.
const NONE: u32 = u32::MAX;

/// One value. Offsets are 32 bits wide: longer inputs are refused.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// Raw span; a string's includes its quotes.
    start: u32,
    end: u32,
    /// Index of the enclosing node.
    parent: u32,
    /// Index of the first node after this one's subtree.
    after: u32,
    /// How many items or members it has, runs of numbers counted in full.
    len: u32,
    /// Which item or member of its parent it is.
    position: u32,
    /// Raw span of its key between the quotes. `key_start` is 0 for none: a key never begins at the first byte.
    key_start: u32,
    key_end: u32,
    kind: Kind,
    /// Whether the string holds a backslash.
    escaped: bool,
    /// Whether the key holds a backslash.
    key_escaped: bool,
}

/// A JSON text, read whole, in document order.
#[derive(Clone, Debug)]
pub struct Document<'a> {
    text: &'a str,
    // INVARIANT: preorder, never empty; every span is within `text` and on character boundaries.
    nodes: Vec<Node>,
}

impl<'a> Document<'a> {
    /// Reads a complete JSON text.
    ///
    /// # Errors
    /// The first problem, with the offset of the byte where it shows.
    pub fn parse(bytes: &'a [u8], limits: &Limits) -> Result<Self, Error> {
        let (text, nodes) = read::read(bytes, limits)?;
        Ok(Self { text, nodes })
    }

    /// The outermost value.
    #[must_use]
    pub fn root(&self) -> Value<'_, 'a> {
        Value { document: self, index: 0 }
    }

    /// All values in document order, the root first.
    pub fn values(&self) -> impl ExactSizeIterator<Item = Value<'_, 'a>> {
        (0..u32::try_from(self.nodes.len()).unwrap_or(NONE)).map(|index| Value { document: self, index })
    }

    /// The value with this [`Value::index`].
    #[must_use]
    pub fn value(&self, index: usize) -> Option<Value<'_, 'a>> {
        let index = u32::try_from(index).ok()?;
        (index < u32::try_from(self.nodes.len()).unwrap_or(NONE)).then_some(Value { document: self, index })
    }

    /// The whole text as it came.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }
}

/// One value of a [`Document`].
#[derive(Clone, Copy, Debug)]
pub struct Value<'d, 'a> {
    document: &'d Document<'a>,
    // INVARIANT: an index into `document.nodes`.
    index: u32,
}

impl<'d, 'a> Value<'d, 'a> {
    fn node(self) -> &'d Node {
        #[expect(clippy::indexing_slicing, reason = "every Value is made with an index below nodes.len()")]
        &self.document.nodes[self.index as usize]
    }

    /// Its place in document order: the root is 0. Good for tables beside the document.
    #[must_use]
    pub fn index(self) -> usize {
        self.index as usize
    }

    /// What kind of value it is.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.node().kind
    }

    /// The bytes it was read from; a string's include its quotes.
    #[must_use]
    pub fn span(self) -> Range<usize> {
        let node = self.node();
        node.start as usize..node.end as usize
    }

    /// The text it was read from; a string's includes its quotes.
    #[must_use]
    pub fn raw(self) -> &'a str {
        self.document.text.get(self.span()).unwrap_or_default()
    }

    /// Its key, if it is a member of an object.
    #[must_use]
    pub fn key(self) -> Option<Text<'a>> {
        let node = self.node();
        let (start, end) = (node.key_start as usize, node.key_end as usize);
        (start != 0).then(|| Text::new(self.document.text, start..end, node.key_escaped))
    }

    /// Whether it is a member of an object under this key.
    #[must_use]
    pub fn is_at(self, key: &str) -> bool {
        self.key().is_some_and(|own| own.is(key))
    }

    /// Its text, if it is a string.
    #[must_use]
    pub fn text(self) -> Option<Text<'a>> {
        let node = self.node();
        let span = node.start as usize + 1..(node.end as usize).saturating_sub(1);
        (node.kind == Kind::String).then(|| Text::new(self.document.text, span, node.escaped))
    }

    /// The decoded string, if it is one.
    #[must_use]
    pub fn as_str(self) -> Option<Cow<'a, str>> {
        self.text().map(Text::decode)
    }

    /// The truth value, if it is one.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        (self.kind() == Kind::Bool).then(|| self.raw() == "true")
    }

    /// The number, if it is one that fits exactly.
    #[must_use]
    pub fn as_u64(self) -> Option<u64> {
        if self.kind() == Kind::Number { self.raw().parse().ok() } else { None }
    }

    /// How many items or members it has; 0 if it is neither array nor object.
    #[must_use]
    pub fn len(self) -> usize {
        self.node().len as usize
    }

    /// Whether it has no items or members.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.node().len == 0
    }

    /// Which item or member of its parent it is.
    #[must_use]
    pub fn position(self) -> usize {
        self.node().position as usize
    }

    /// The array or object around it.
    #[must_use]
    pub fn parent(self) -> Option<Self> {
        let parent = self.node().parent;
        (parent != NONE).then_some(Self { document: self.document, index: parent })
    }

    /// Its items or members, in order. A run of numbers comes as one.
    #[must_use]
    pub fn children(self) -> Children<'d, 'a> {
        Children { document: self.document, next: self.index + 1, end: self.node().after }
    }

    /// The member under a key, if it is an object that has it. Linear in the number of members.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Self> {
        if self.kind() == Kind::Object { self.children().find(|child| child.is_at(key)) } else { None }
    }

    /// The item at a position, if it is an array that has it and it is not in a run of numbers.
    #[must_use]
    pub fn at(self, position: usize) -> Option<Self> {
        if self.kind() == Kind::Array {
            self.children().find(|child| child.position() == position && child.kind() != Kind::Numbers)
        } else {
            None
        }
    }
}

/// The items or members of a value.
#[derive(Clone, Debug)]
pub struct Children<'d, 'a> {
    document: &'d Document<'a>,
    next: u32,
    end: u32,
}

impl<'d, 'a> Iterator for Children<'d, 'a> {
    type Item = Value<'d, 'a>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.end {
            return None;
        }
        let value = Value { document: self.document, index: self.next };
        self.next = value.node().after;
        Some(value)
    }
}

/// Entry for fuzzing: reads anything, then checks the laws that a reading must keep.
pub fn fuzz(bytes: &[u8]) {
    let Ok(document) = Document::parse(bytes, &Limits { depth: 32, nodes: 4096 }) else { return };
    for value in document.values() {
        debug_assert!(value.children().all(|child| child.parent().is_some_and(|own| own.index() == value.index())));
        for text in value.text().into_iter().chain(value.key()) {
            text.check();
        }
    }
}
