//! Exports of controllers' programs in XML: PLCopen (TC6 XML 2.01), TIA Openness, TwinCAT, Rockwell's L5X.

use super::{SURE, list};
use aho_corasick::{AhoCorasick, Anchored, Input, StartKind};
use std::sync::LazyLock;

/// Beginnings of elements that only such exports have.
const ELEMENTS: [&str; 75] = [
    "<pou ",
    "<pous",
    "</pou",
    "<localVars",
    "</localVars",
    "<inputVars",
    "</inputVars",
    "<outputVars",
    "</outputVars",
    "<inOutVars",
    "<globalVars",
    "<leftPowerRail",
    "<rightPowerRail",
    "</leftPowerRail",
    "</rightPowerRail",
    "<contact ",
    "</contact>",
    "<coil ",
    "</coil>",
    "<inVariable",
    "</inVariable",
    "<outVariable",
    "</outVariable",
    "<connectionPoint",
    "</connectionPoint",
    "<connection refLocalId",
    "<inputVariables",
    "<outputVariables",
    "<inOutVariables",
    "</inputVariables",
    "</outputVariables",
    "<returnType>",
    "<addData",
    "<initialValue",
    "<simpleValue",
    "<derived name",
    "<pouInstance",
    "<variable formalParameter",
    "<coordinateInfo",
    "<RSLogix5000Content",
    "<Controller ",
    "<Rung ",
    "</Rung>",
    "<RLLContent",
    "<STContent",
    "<FBDContent",
    "<AddOnInstruction",
    "<Routine ",
    "<Routines",
    "<Tag Name",
    "<Program Name",
    "<DataType Name",
    "<DataValueMember",
    "<StructureMember",
    "<Data Format=",
    "<LocalTag",
    "<SW.",
    "</SW.",
    "<FlgNet",
    "</FlgNet",
    "<IdentCon ",
    "<NameCon ",
    "<Powerrail",
    "<CallInfo ",
    "<BOOL",
    "<INT />",
    "<REAL />",
    "<INT/>",
    "<REAL/>",
    "<Programs>",
    "<EncodedData",
    "<DefaultData",
    "<TcPlcObject",
    "</TcPlcObject",
    "<POU Name",
];

/// What such elements have within.
const ATTRIBUTES: [&str; 9] = [
    "plcopen.org/xml",
    " localId=\"",
    " refLocalId=\"",
    " UId=\"",
    " Datatype=\"",
    " CompositionName=\"",
    " Radix=\"",
    " ExternalAccess=\"",
    " negated=\"",
];

/// Elements that others have too, and that go with these.
const PLAIN: [&str; 31] = [
    "</POU>",
    "</Implementation>",
    "</Declaration>",
    "</ST>",
    "</interface>",
    "</body>",
    "</variable>",
    "<position x=",
    "<relPosition",
    "<variable>",
    "<variable name=",
    "<type>",
    "<body>",
    "<interface>",
    "<block ",
    "<expression>",
    "<LD>",
    "<FBD>",
    "<ST>",
    "<SFC>",
    "<IL>",
    "<Text>",
    "<Comment>",
    "<Declaration>",
    "<Implementation>",
    "<Access ",
    "<Symbol>",
    "<Component ",
    "<Part ",
    "<Wire",
    "<Section ",
];

/// How sure it is that the line is of such an export.
pub(super) fn element(line: &[u8]) -> u32 {
    if begins(&BEGINNINGS, line) || ATTRIBUTED.as_ref().is_some_and(|known| known.is_match(line)) {
        SURE
    } else if line.starts_with(b"<![CDATA[") || line.starts_with(b"<Text><![CDATA[") {
        list::rungs(line)
    } else {
        0
    }
}

/// Whether the line may be of such an export, beside others that are.
pub(super) fn supports(line: &[u8]) -> bool {
    begins(&GOING, line)
}

fn begins(known: &LazyLock<Option<AhoCorasick>>, line: &[u8]) -> bool {
    known.as_ref().is_some_and(|known| known.is_match(Input::new(line).anchored(Anchored::Yes)))
}

// The lists' fixed sizes rule out that these cannot be built.
static BEGINNINGS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| anchored(&ELEMENTS));
static GOING: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| anchored(&PLAIN));
static ATTRIBUTED: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(ATTRIBUTES).ok());

fn anchored(known: &[&str]) -> Option<AhoCorasick> {
    AhoCorasick::builder().start_kind(StartKind::Anchored).build(known).ok()
}
