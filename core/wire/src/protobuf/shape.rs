//! What is known of the messages of the open inference protocol (`grpc_predict_v2.proto`, and what Triton adds to it).

/// What a message has.
pub(super) struct Shape(pub(super) &'static [Row]);

/// A field that is known.
pub(super) struct Row {
    pub(super) number: u32,
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Whether there may be more than one.
    pub(super) many: bool,
    pub(super) mark: Mark,
}

/// What a field holds.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// A text that may be replaced.
    Text,
    /// A text that holds the message together.
    Word,
    /// An element of a tensor: a text or a file.
    Element,
    /// A tensor as it lies in memory.
    Raw,
    /// A number in base 128.
    Varint,
    /// A number of so many bytes.
    Fixed(usize),
    Message(&'static Shape),
}

/// What is noted of a field beside its text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Nothing,
    Model,
    Id,
    /// A message that is a tensor.
    Tensor,
    /// The name of a tensor.
    Name,
    Datatype,
    Dimension,
    /// The name of a parameter.
    Parameter,
    /// Numbers of a tensor: with a sign, without, and as floating point.
    Signed,
    Unsigned,
    Floating,
}

const fn one(number: u32, name: &'static str, kind: Kind) -> Row {
    Row { number, name, kind, many: false, mark: Mark::Nothing }
}

const fn many(number: u32, name: &'static str, kind: Kind) -> Row {
    Row { number, name, kind, many: true, mark: Mark::Nothing }
}

impl Row {
    const fn marked(self, mark: Mark) -> Self {
        Self { mark, ..self }
    }
}

static PARAMETER: Shape = Shape(&[
    one(1, "bool_param", Kind::Varint),
    one(2, "int64_param", Kind::Varint),
    one(3, "string_param", Kind::Text),
    one(4, "double_param", Kind::Fixed(8)),
    one(5, "uint64_param", Kind::Varint),
]);

static PARAMETERS: Shape =
    Shape(&[one(1, "key", Kind::Word).marked(Mark::Parameter), one(2, "value", Kind::Message(&PARAMETER))]);

static CONTENTS: Shape = Shape(&[
    many(1, "bool_contents", Kind::Varint),
    many(2, "int_contents", Kind::Varint).marked(Mark::Signed),
    many(3, "int64_contents", Kind::Varint).marked(Mark::Signed),
    many(4, "uint_contents", Kind::Varint).marked(Mark::Unsigned),
    many(5, "uint64_contents", Kind::Varint).marked(Mark::Unsigned),
    many(6, "fp32_contents", Kind::Fixed(4)).marked(Mark::Floating),
    many(7, "fp64_contents", Kind::Fixed(8)).marked(Mark::Floating),
    many(8, "bytes_contents", Kind::Element),
]);

static TENSOR: Shape = Shape(&[
    one(1, "name", Kind::Word).marked(Mark::Name),
    one(2, "datatype", Kind::Word).marked(Mark::Datatype),
    many(3, "shape", Kind::Varint).marked(Mark::Dimension),
    many(4, "parameters", Kind::Message(&PARAMETERS)),
    one(5, "contents", Kind::Message(&CONTENTS)),
]);

static REQUESTED: Shape = Shape(&[one(1, "name", Kind::Word), many(2, "parameters", Kind::Message(&PARAMETERS))]);

/// `ModelInferRequest`.
pub(super) static INFER: Shape = Shape(&[
    one(1, "model_name", Kind::Word).marked(Mark::Model),
    one(2, "model_version", Kind::Word),
    one(3, "id", Kind::Word).marked(Mark::Id),
    many(4, "parameters", Kind::Message(&PARAMETERS)),
    many(5, "inputs", Kind::Message(&TENSOR)).marked(Mark::Tensor),
    many(6, "outputs", Kind::Message(&REQUESTED)),
    many(7, "raw_input_contents", Kind::Raw),
]);

/// `ModelInferResponse`.
pub(super) static INFERRED: Shape = Shape(&[
    one(1, "model_name", Kind::Word).marked(Mark::Model),
    one(2, "model_version", Kind::Word),
    one(3, "id", Kind::Word).marked(Mark::Id),
    many(4, "parameters", Kind::Message(&PARAMETERS)),
    many(5, "outputs", Kind::Message(&TENSOR)).marked(Mark::Tensor),
    many(6, "raw_output_contents", Kind::Raw),
]);

/// `ModelStreamInferResponse`: an answer, or what is wrong with a request that stands before it in the stream.
pub(super) static STREAMED: Shape =
    Shape(&[one(1, "error_message", Kind::Text), one(2, "infer_response", Kind::Message(&INFERRED))]);

/// `ModelReadyRequest`, `ModelMetadataRequest`.
pub(super) static NAMED: Shape =
    Shape(&[one(1, "name", Kind::Word).marked(Mark::Model), one(2, "version", Kind::Word)]);

/// `ServerLiveRequest` and the like.
pub(super) static EMPTY: Shape = Shape(&[]);

/// `ServerLiveResponse`, `ServerReadyResponse`, `ModelReadyResponse`.
pub(super) static SAYS: Shape = Shape(&[one(1, "ready", Kind::Varint)]);

/// `ServerMetadataResponse`.
pub(super) static SERVER: Shape =
    Shape(&[one(1, "name", Kind::Word), one(2, "version", Kind::Word), many(3, "extensions", Kind::Word)]);

static DESCRIBED: Shape =
    Shape(&[one(1, "name", Kind::Word), one(2, "datatype", Kind::Word), many(3, "shape", Kind::Varint)]);

/// `ModelMetadataResponse`.
pub(super) static MODEL: Shape = Shape(&[
    one(1, "name", Kind::Word).marked(Mark::Model),
    many(2, "versions", Kind::Word),
    one(3, "platform", Kind::Word),
    many(4, "inputs", Kind::Message(&DESCRIBED)),
    many(5, "outputs", Kind::Message(&DESCRIBED)),
]);
