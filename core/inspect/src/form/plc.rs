//! Programs of controllers in Structured Text (IEC 61131-3, section 3.3) and SCL. `list` has those that are one operation a
//! line, `export` those in XML.

use super::{SURE, contains, list, word};

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

/// How sure it is that the line is one of such a program.
pub(super) fn line(line: &[u8]) -> u32 {
    let first = word(line);
    let lower = || lower_flow(first, line);
    match line {
        [b'_', ..] if line.starts_with(b"_FILE-") || line.starts_with(b"_/FILE") => return SURE,
        [b'{', b'a'..=b'z' | b'I' | b'E', .., b'}'] if pragma(line) => return 2,
        [b'%', b'A'..=b'Z', b'0'..=b'9', ..] if contains(line, ",") => return 2,
        _ => {}
    }
    if first.is_empty() || !(first.contains(&b'_') || is_capital(first)) {
        return match line {
            [b'#', b'A'..=b'Z' | b'a'..=b'z' | b'_', ..] => local(line).max(list::ladder(line)),
            [b'=', b' ' | b'\t', ..] => list::line(first, line),
            [b'=' | b'<' | b'>' | b'+' | b'-' | b'*' | b'/', ..] => list::line(first, line),
            [.., b';' | b',' | b')' | b'('] => statement(line).max(lower()),
            [.., b'n' | b'f' | b'o' | b'r' | b'e' | b'N' | b'F' | b'O' | b'R' | b'E'] if lower() > 0 => lower(),
            _ => comment_behind(line).max(list::parameter(line)),
        };
    }
    if STRUCTURE.iter().any(|known| first.eq_ignore_ascii_case(known.as_bytes())) {
        return SURE;
    }
    let rest = line.get(first.len()..).unwrap_or_default();
    if let [b'=', ..] = rest {
        return list::ladder(line);
    }
    flow(first, rest).max(list::line(first, line)).max(statement(line)).max(list::parameter(line))
}

/// Whether a line that says nothing by itself may stand in such a program: a label, a call, a condition that goes on.
pub(super) fn supports(line: &[u8]) -> bool {
    let code = code(line).trim_ascii_end();
    match code {
        [.., b';'] => true,
        [.., b':'] => label(code),
        [b'A' | b'O' | b'N' | b'X' | b'M', ..] => {
            matches!(word(code), b"AND" | b"OR" | b"NOT" | b"XOR" | b"MOD") && code.len() < 160
        }
        b"THEN" | b"DO" | b"then" | b"do" | b"else" | b"ELSE" | b"end" => true,
        [.., b','] => {
            let name = code.split_last().map_or(code, |(_, name)| name);
            contains(code, "=>") || !name.is_empty() && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
        }
        [.., b')'] => contains(code, "=>"),
        [.., b'n'] => code.ends_with(b" then") && code.starts_with(b"if "),
        _ => false,
    }
}

/// Whether a line is of a language that is written much alike: Pascal, Ada, VHDL, PL/SQL, Lua, Ruby, shells.
pub(super) fn foreign(line: &[u8]) -> bool {
    let code = code(line).trim_ascii_end();
    let first = word(code);
    let rest = code.get(first.len()..).unwrap_or_default().trim_ascii_start();
    match first {
        b"end" | b"END" | b"End" => {
            let of = word(rest);
            matches!(rest, b";" | b"." | b")")
                || [&b"if"[..], b"loop", b"case", b"process", b"record", b"function"]
                    .iter()
                    .any(|it| of.eq_ignore_ascii_case(it))
        }
        b"begin" | b"Begin" | b"fi" | b"done" | b"esac" => code == first,
        b"SELECT" | b"INSERT" | b"UPDATE" | b"select" | b"local" | b"def" | b"uses" | b"procedure" | b"PROCEDURE"
        | b"signal" | b"entity" | b"architecture" | b"process" | b"function" | b"elseif" | b"elif" | b"DECLARE"
        | b"declare" | b"LOOP" | b"loop" | b"import" | b"package" | b"use" | b"library" => true,
        b"writeln" | b"WriteLn" | b"Writeln" | b"DBMS_OUTPUT" | b"RAISE" | b"raise" => true,
        _ => false,
    }
}

/// `10:`, `STEP_FILL:`, `E_State.Run, E_State.Stop:`, `1..5:`: a case, a step or a place to jump to.
fn label(code: &[u8]) -> bool {
    let names = code.split_last().map_or(code, |(_, names)| names);
    !names.is_empty()
        && names.len() <= 60
        && names
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || b"_.,#\"".contains(b) || *b == b' ' && names.contains(&b','))
}

/// SCL marks its local variables: `#diff := #level - #wanted;`.
fn local(line: &[u8]) -> u32 {
    let code = code(line);
    match code.last() {
        Some(b';' | b',' | b'(' | b')') if contains(code, ":=") => SURE,
        Some(b';' | b'(') if contains(code, "(") => 2,
        _ => 0,
    }
}

fn is_capital(word: &[u8]) -> bool {
    word.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// The same in small letters, where nothing else is written so: `elsif a then`, `case a of`, `var`.
fn lower_flow(first: &[u8], line: &[u8]) -> u32 {
    let code = code(line);
    match first {
        b"elsif" if code.ends_with(b" then") => 2,
        b"if" if code.ends_with(b" then") && contains(code, ":=") => 2,
        b"for" if code.ends_with(b" do") && contains(code, ":=") => 2,
        b"var" if code == first => 1,
        _ => 0,
    }
}

/// Lines that steer: `IF a THEN`, `CASE x OF`, `FOR i := 1 TO 9 DO`, `PROGRAM main`, `VAR`.
fn flow(first: &[u8], rest: &[u8]) -> u32 {
    let code = code(rest).trim_ascii();
    let ends = |with: &str| code.ends_with(with.as_bytes());
    let one = || !code.is_empty() && code.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
    match first {
        b"ELSIF" if ends("THEN") || code.is_empty() => 2,
        b"IF" if ends("THEN") || contains(code, "THEN ") => 2,
        b"CASE" if ends("OF") => 2,
        b"FOR" if contains(code, ":=") => SURE,
        b"WHILE" if ends("DO") => 2,
        b"VAR" if code.is_empty() || matches!(code, b"CONSTANT" | b"RETAIN" | b"PERSISTENT") => 2,
        b"PROGRAM" | b"METHOD" | b"NETWORK" | b"TYPE" if one() || ends(":") => 2,
        b"STEP" | b"TRANSITION" if ends(":") || contains(code, " TO ") => 2,
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
        Some(b';') if code.first() == Some(&b'"') && assigns => 2,
        Some(b';') if assigns && contains(code, "(") && contains(code, "=>") => SURE,
        Some(b';') if assigns && direct() => 2,
        Some(b';') if assigns && called(code) => 2,
        Some(b';') if assigns || action(code) || declared(code) => 1,
        Some(b',' | b'(' | b')') if typed || assigns && direct() => 2,
        _ if typed && contains(code, "..") => 2,
        // Go writes `x := f(y)`.
        Some(b',') if assigns && !contains(code, "\"") => 1,
        Some(b'(' | b')') if called(code) => 1,
        _ => 0,
    }
}

/// A step's action with its qualifier: `S  Latch;`, `Latch(S);`.
fn action(code: &[u8]) -> bool {
    let (qualifier, name) = (word(code), code.get(word(code).len()..).unwrap_or_default().trim_ascii_start());
    let behind = |code: &[u8]| {
        let qualifier = code.strip_suffix(b");").map(|code| word(code.get(word(code).len() + 1..).unwrap_or_default()));
        !word(code).is_empty()
            && qualifier.is_some_and(|it| is_qualifier(it) && word(code).len() + it.len() + 3 == code.len())
    };
    behind(code)
        || is_qualifier(qualifier)
            && !name.is_empty()
            && name.len() < code.len() - qualifier.len()
            && word(name).len() + 1 == name.len()
}

/// How a step does an action (IEC 61131-3, table 57).
fn is_qualifier(word: &[u8]) -> bool {
    matches!(word, b"N" | b"S" | b"R" | b"L" | b"D" | b"P" | b"P0" | b"P1" | b"SD" | b"DS" | b"SL")
}

/// What programming systems are told in braces: `{attribute 'qualified_only'}`, `{region 'Init'}`.
fn pragma(line: &[u8]) -> bool {
    const WORDS: [&str; 14] = [
        "attribute",
        "warning",
        "region",
        "endregion",
        "info",
        "text",
        "define",
        "undefine",
        "analysis",
        "implicit",
        "IF",
        "ELSE",
        "ELSIF",
        "ENDIF",
    ];
    let inside = line.get(1..).unwrap_or_default();
    let rest = inside.get(word(inside).len()..).unwrap_or_default();
    WORDS.iter().any(|known| word(inside) == known.as_bytes()) && matches!(rest, [b'}'] | [b' ', ..])
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
    let array = || of.eq_ignore_ascii_case(b"array") && contains(code, "..");
    !names.trim_ascii().is_empty()
        && names_only
        && (TYPES.iter().any(|known| of == known.as_bytes()) || small() || array())
}

/// `power : MC_Power;`, `level : Real;`: a name, a colon, and a type that somebody made or that SCL writes so. Languages that
/// end lines alike write their types without the blank, or in small letters.
fn declared(code: &[u8]) -> bool {
    let Some(colon) = code.iter().position(|b| *b == b':') else { return false };
    let (names, of) = code.split_at(colon);
    let of = of.get(1..).unwrap_or_default();
    let name = word(of.trim_ascii_start());
    let apart = names.ends_with(b" ") || names.ends_with(b"\t");
    let known = || apart && TYPES.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
    let own = name.first().is_some_and(u8::is_ascii_uppercase)
        && (name.contains(&b'_') || name.len() > 1 && is_capital(name) || known());
    let ends = of.trim_ascii_start().get(name.len()..).unwrap_or_default().trim_ascii_start();
    own && !names.trim_ascii().is_empty()
        && names.iter().all(|b| b.is_ascii_alphanumeric() || b"_ ,\t".contains(b))
        && matches!(ends.first(), Some(b';' | b'(' | b':' | b'['))
}

/// A statement with a comment behind: `x := 1; // one`; or a declaration that goes on: `a : ARRAY[0..9] OF STRUCT`.
fn comment_behind(line: &[u8]) -> u32 {
    if code(line).len() < line.len() || contains(line, "..") { statement(line) } else { 0 }
}

/// The line without a comment at its end.
pub(super) fn code(line: &[u8]) -> &[u8] {
    let opens = |at: &usize| matches!(line.get(*at..at + 2), Some(b"//" | b"(*"));
    let end = memchr::memchr2_iter(b'/', b'(', line).find(opens).unwrap_or(line.len());
    line.get(..end).unwrap_or_default().trim_ascii_end()
}
