//! Programs of controllers: Structured Text and Instruction List (IEC 61131-3), statement lists of S7, PLCopen XML, TIA
//! Openness XML, Rockwell's L5X and neutral text, ladders of LinuxCNC.

use super::{SURE, contains, word};

/// Words that only such programs have, in capitals.
const STRUCTURE: [&str; 40] = [
    "ACTION",
    "CONFIGURATION",
    "END_ACTION",
    "END_CASE",
    "END_CONFIGURATION",
    "END_DATA_BLOCK",
    "END_FOR",
    "END_FUNCTION",
    "END_FUNCTION_BLOCK",
    "END_IF",
    "END_INTERFACE",
    "END_METHOD",
    "END_NAMESPACE",
    "END_ORGANIZATION_BLOCK",
    "END_PROGRAM",
    "END_PROPERTY",
    "END_REGION",
    "END_REPEAT",
    "END_RESOURCE",
    "END_STEP",
    "END_STRUCT",
    "END_TRANSITION",
    "END_TYPE",
    "END_VAR",
    "END_WHILE",
    "FUNCTION_BLOCK",
    "INITIAL_STEP",
    "ORGANIZATION_BLOCK",
    "DATA_BLOCK",
    "VAR_ACCESS",
    "VAR_CONFIG",
    "VAR_EXTERNAL",
    "VAR_GLOBAL",
    "VAR_INPUT",
    "VAR_INST",
    "VAR_IN_OUT",
    "VAR_OUTPUT",
    "VAR_STAT",
    "VAR_TEMP",
    "_FILES_CLASSICLADDER",
];

/// Elementary types and standard blocks.
const TYPES: [&str; 46] = [
    "BOOL",
    "SINT",
    "INT",
    "DINT",
    "LINT",
    "USINT",
    "UINT",
    "UDINT",
    "ULINT",
    "REAL",
    "LREAL",
    "TIME",
    "LTIME",
    "DATE",
    "LDATE",
    "TOD",
    "TIME_OF_DAY",
    "DT",
    "DATE_AND_TIME",
    "STRING",
    "WSTRING",
    "CHAR",
    "WCHAR",
    "BYTE",
    "WORD",
    "DWORD",
    "LWORD",
    "ARRAY",
    "POINTER",
    "REFERENCE",
    "STRUCT",
    "TON",
    "TOF",
    "TP",
    "TONR",
    "CTU",
    "CTD",
    "CTUD",
    "R_TRIG",
    "F_TRIG",
    "SR",
    "RS",
    "S5TIME",
    "TIMER",
    "COUNTER",
    "ANY",
];

/// Operations of statement and instruction lists, German and English.
const OPERATIONS: [&str; 45] = [
    "U", "UN", "O", "ON", "X", "XN", "A", "AN", "L", "T", "S", "R", "FP", "FN", "SPA", "SPB", "SPBN", "CALL", "UC",
    "CC", "JC", "JCN", "JU", "AUF", "OPN", "LD", "LDN", "ST", "STN", "AND", "ANDN", "OR", "ORN", "XOR", "CAL", "CALC",
    "JMP", "JMPC", "SE", "SD", "SI", "SP", "ZV", "ZR", "CU",
];

/// How sure it is that the line is one of such a program.
pub(super) fn line(line: &[u8]) -> u32 {
    let first = word(line);
    let lower = || lower_flow(first, line);
    match line {
        [b'_', ..] if line.starts_with(b"_FILE-") || line.starts_with(b"_/FILE") => return SURE,
        [b'{', ..] if line.starts_with(b"{attribute '") => return 2,
        [b'%', b'A'..=b'Z', b'0'..=b'9', ..] if contains(line, ",") => return 2,
        _ => {}
    }
    if first.is_empty() || !(first.contains(&b'_') || is_capital(first)) {
        return match line.last() {
            Some(b';' | b',' | b')' | b'(') => statement(line).max(lower()),
            Some(b'n' | b'f' | b'o' | b'r' | b'e' | b'N' | b'F' | b'O' | b'R' | b'E') if lower() > 0 => lower(),
            _ if line.get(..2) == Some(b"= ") && operand(line.get(2..).unwrap_or_default()) => 2,
            _ => comment_behind(line),
        };
    }
    if STRUCTURE.iter().any(|known| first.eq_ignore_ascii_case(known.as_bytes())) {
        return SURE;
    }
    let rest = line.get(first.len()..).unwrap_or_default();
    let flow = flow(first, rest);
    let operation = || {
        let listed = OPERATIONS.iter().any(|known| first == known.as_bytes());
        if listed && operand(rest.trim_ascii_start()) { 2 } else { 0 }
    };
    flow.max(operation()).max(rungs(line)).max(statement(line))
}

fn is_capital(word: &[u8]) -> bool {
    word.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// The same in small letters, where nothing else is written so: `elsif a then`, `case a of`, `var`.
fn lower_flow(first: &[u8], line: &[u8]) -> u32 {
    let code = code(line);
    match first {
        b"elsif" | b"ELSIF" if code.ends_with(b"then") => SURE,
        b"if" if code.ends_with(b" then") && contains(code, ":=") => 2,
        b"case" if code.ends_with(b" of") => 2,
        b"for" | b"while" if code.ends_with(b" do") => 2,
        b"var" | b"else" | b"repeat" if code == first => 1,
        _ => 0,
    }
}

/// Lines that steer: `IF a THEN`, `CASE x OF`, `FOR i := 1 TO 9 DO`, `PROGRAM main`, `VAR`.
fn flow(first: &[u8], rest: &[u8]) -> u32 {
    let code = code(rest).trim_ascii();
    let ends = |with: &str| code.ends_with(with.as_bytes());
    let one = || !code.is_empty() && code.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
    match first {
        b"ELSIF" => SURE,
        b"IF" if ends("THEN") || contains(code, "THEN ") => 2,
        b"CASE" if ends("OF") => 2,
        b"FOR" if contains(code, ":=") => SURE,
        b"WHILE" if ends("DO") => 2,
        b"VAR" if code.is_empty() || matches!(code, b"CONSTANT" | b"RETAIN" | b"PERSISTENT") => 2,
        b"PROGRAM" | b"METHOD" | b"NETWORK" | b"TYPE" if one() || ends(":") => 2,
        b"FUNCTION" if contains(code, ":") => SURE,
        b"ELSE" | b"REPEAT" | b"BEGIN" | b"NETWORK" if code.is_empty() => 1,
        b"UNTIL" | b"RETURN" | b"EXIT" | b"TITLE" if ends(";") || contains(code, "=") => 1,
        _ => 0,
    }
}

/// A declaration, an assignment, a call: what ends in `;`, or goes on behind `,` or `(`.
fn statement(line: &[u8]) -> u32 {
    let code = code(line).trim_ascii_end();
    let ends = code.last();
    let assigns = contains(code, ":=");
    let typed = typed(code);
    let direct = || ["T#", "%I", "%Q", "%M"].iter().any(|part| contains(code, part));
    match ends {
        Some(b';') if typed => SURE,
        Some(b';') if assigns && contains(code, "(") && contains(code, "=>") => SURE,
        Some(b';') if assigns && direct() => 2,
        Some(b';') if assigns && called(code) => 2,
        Some(b';') if assigns || action(code) => 1,
        Some(b',' | b'(' | b')') if typed || assigns && direct() => 2,
        // Go writes `x := f(y)`.
        Some(b',') if assigns && !contains(code, "\"") => 1,
        Some(b'(' | b')') if called(code) => 1,
        _ => 0,
    }
}

/// A step's action with its qualifier: `S  Latch;`.
fn action(code: &[u8]) -> bool {
    let (qualifier, name) = (word(code), code.get(word(code).len()..).unwrap_or_default().trim_ascii_start());
    matches!(qualifier, b"N" | b"S" | b"R" | b"L" | b"D" | b"P" | b"P0" | b"P1" | b"SD" | b"DS" | b"SL")
        && !name.is_empty()
        && name.len() < code.len() - qualifier.len()
        && word(name).len() + 1 == name.len()
}

/// `Timer(IN := start, PT := preset)`.
fn called(code: &[u8]) -> bool {
    let open = code.iter().position(|b| *b == b'(');
    open.is_some_and(|at| contains(code.get(at..).unwrap_or_default(), ":="))
}

/// `speed, level : REAL`: a name, a colon, and a type of IEC 61131-3.
fn typed(code: &[u8]) -> bool {
    let Some(colon) = code.iter().position(|b| *b == b':') else { return false };
    let (names, of) = code.split_at(colon);
    let of = of.get(1..).unwrap_or_default().trim_ascii_start();
    let names_only = names.iter().all(|b| b.is_ascii_alphanumeric() || b"_ ,.%@\"".contains(b));
    let of = word(of);
    let small =
        || [&b"bool"[..], b"int", b"dint", b"real", b"lreal", b"uint", b"dword"].contains(&of) && contains(code, ":=");
    !names.trim_ascii().is_empty() && names_only && (TYPES.iter().any(|known| of == known.as_bytes()) || small())
}

/// A statement with a comment behind: `x := 1; // one`.
fn comment_behind(line: &[u8]) -> u32 {
    if code(line).len() < line.len() { statement(line) } else { 0 }
}

/// The line without a comment at its end.
fn code(line: &[u8]) -> &[u8] {
    let opens = |at: &usize| matches!(line.get(*at..at + 2), Some(b"//" | b"(*"));
    let end = memchr::memchr2_iter(b'/', b'(', line).find(opens).unwrap_or(line.len());
    line.get(..end).unwrap_or_default().trim_ascii_end()
}

/// `E 0.0`, `DB10.DBW 4`, `MW 20`, `%IX0.0`, `#local`, `T#5s`, `"Motor".Start`.
fn operand(text: &[u8]) -> bool {
    let text = code(text).trim_ascii_end();
    let text = text.strip_suffix(b";").unwrap_or(text).trim_ascii_end();
    let area = word(text);
    let rest = text.get(area.len()..).unwrap_or_default().trim_ascii_start();
    let number = !rest.is_empty() && rest.iter().all(|b| b.is_ascii_digit() || *b == b'.');
    let areas = [
        "E", "A", "I", "Q", "M", "MB", "MW", "MD", "EB", "EW", "ED", "AB", "AW", "AD", "IB", "IW", "ID", "QB", "QW",
        "QD", "PEW", "PAW", "PIW", "PQW", "DBX", "DBB", "DBW", "DBD", "DB", "T", "Z", "C", "FB", "FC", "SFC", "SFB",
    ];
    let block = area.starts_with(b"DB") && contains(text, ".DB");
    let joined = area.iter().position(u8::is_ascii_digit).is_some_and(|at| {
        let (letters, digits) = area.split_at(at);
        areas.iter().any(|known| letters == known.as_bytes()) && digits.iter().all(u8::is_ascii_digit)
    });
    matches!(text.first(), Some(b'%' | b'#')) && text.len() > 2 && !text.contains(&b' ')
        || text.starts_with(b"T#")
        || text.starts_with(b"S5T#")
        || block
        || joined && (rest.is_empty() || rest.starts_with(b"."))
        || number && areas.iter().any(|known| area == known.as_bytes())
}

/// Rockwell's neutral text (`XIC(Start)OTE(Motor);`), and rows of a ladder of LinuxCNC.
fn rungs(line: &[u8]) -> u32 {
    const CONTACTS: [&str; 6] = ["XIC(", "XIO(", "OTE(", "OTL(", "OTU(", "ONS("];
    match CONTACTS.iter().filter(|one| contains(line, one)).count() {
        0 if contains(line, "-0/0 , ") => 2,
        0 => 0,
        1 if !line.ends_with(b";") => 2,
        _ => SURE,
    }
}

/// Elements that only exports of controllers' programs have.
pub(super) fn element(line: &[u8]) -> u32 {
    const ELEMENTS: [&str; 44] = [
        "<pou ",
        "<pous",
        "</pou",
        "<localVars",
        "<inputVars",
        "<outputVars",
        "<inOutVars",
        "<globalVars",
        "<leftPowerRail",
        "<rightPowerRail",
        "<contact ",
        "<coil ",
        "<inVariable",
        "<outVariable",
        "<connectionPoint",
        "<returnType>",
        "<addData",
        "<initialValue",
        "<simpleValue",
        "<derived name",
        "plcopen.org",
        "<RSLogix5000Content",
        "<Controller ",
        "<Rung ",
        "<RLLContent",
        "<STContent",
        "<FBDContent",
        "<AddOnInstruction",
        "<Routine ",
        "<Routines",
        "<Tag Name",
        "<Program Name",
        "<DataType Name",
        "<SW.",
        "</SW.",
        "<FlgNet",
        "<BOOL",
        "<INT />",
        "<REAL />",
        "<INT/>",
        "<REAL/>",
        "<Programs>",
        "<EncodedData",
        "<DefaultData",
    ];
    if ELEMENTS.iter().any(|known| line.starts_with(known.as_bytes())) || contains(line, "plcopen.org/xml") {
        SURE
    } else {
        0
    }
}
