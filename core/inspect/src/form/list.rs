//! Programs of controllers that are one operation a line: Instruction List (IEC 61131-3), statement lists of S7, mnemonics
//! of other makers, and rungs as text.

use super::plc::code;
use super::{SURE, contains, word};

/// Operations of statement and instruction lists, German and English.
const OPERATIONS: [&str; 47] = [
    "U", "UN", "O", "ON", "X", "XN", "A", "AN", "L", "T", "S", "R", "FP", "FN", "SPA", "SPB", "SPBN", "CALL", "UC",
    "CC", "JC", "JCN", "JU", "AUF", "OPN", "LD", "LDN", "ST", "STN", "AND", "ANDN", "OR", "ORN", "XOR", "CAL", "CALC",
    "JMP", "JMPC", "JMPCN", "SE", "SD", "SI", "SP", "ZV", "ZR", "CU", "XORN",
];

/// Mnemonics of other makers that take devices: `LD X0`, `OUT T0 K50`, `MOV &10 D100`.
const MNEMONICS: [&str; 60] = [
    "LD", "LDI", "LDP", "LDF", "AND", "ANI", "ANDP", "ANDF", "OR", "ORI", "ORP", "ORF", "ANB", "ORB", "OUT", "SET",
    "RST", "PLS", "PLF", "MOV", "DMOV", "MOVP", "BMOV", "FMOV", "ADD", "SUB", "MUL", "DIV", "INC", "DEC", "INCP",
    "DECP", "CMP", "ZCP", "TIM", "TIMH", "TMR", "TMH", "CNT", "CTR", "KEEP", "DIFU", "DIFD", "RSET", "LDNOT", "XFER",
    "BSET", "BCD", "BIN", "ROL", "ROR", "SFT", "STL", "RES", "ANL", "ORL", "CJ", "JMP", "CALL", "MC",
];

/// How sure it is that the line is one of a list. `first` is its first word.
pub(super) fn line(first: &[u8], line: &[u8]) -> u32 {
    let rest = line.get(first.len()..).unwrap_or_default();
    // `M001: L 5`: a place to jump to.
    if let Some(behind) = rest.strip_prefix(b":").filter(|_| (1..=8).contains(&first.len()))
        && behind.first().is_some_and(u8::is_ascii_whitespace)
    {
        let behind = behind.trim_ascii_start();
        let operation = word(behind);
        return match behind {
            b"NOP 0" | b"NOP 1" => 2,
            // A name in front of what goes with it.
            _ if first.len() == 1 => {
                if rungs(behind) > 0 {
                    SURE
                } else {
                    0
                }
            }
            _ => plain(operation, behind.get(operation.len()..).unwrap_or_default()),
        };
    }
    compares(line).max(plain(first, rest)).max(rungs(line))
}

fn plain(operation: &[u8], rest: &[u8]) -> u32 {
    let apart = rest.first().is_some_and(u8::is_ascii_whitespace);
    let operand = code(rest).trim_ascii();
    if operand.is_empty() {
        return u32::from(alone(operation));
    }
    let assigned = || operation.is_empty() && rest.first() == Some(&b'=');
    let operand = if assigned() { operand.get(1..).unwrap_or_default().trim_ascii_start() } else { operand };
    if !apart && !assigned() {
        return 0;
    }
    let listed = || operation.is_empty() || OPERATIONS.iter().any(|known| operation == known.as_bytes());
    let known = || MNEMONICS.iter().any(|known| operation == known.as_bytes());
    match () {
        () if listed() && address(operand) => 2,
        () if listed() && symbol(operand) => 1,
        () if known() && devices(operand) => 2,
        () if known() && numbered(operand) => 1,
        () if listed() && operation.len() > 1 && (name(operand) || operand.iter().all(u8::is_ascii_digit)) => 1,
        () => 0,
    }
}

/// Operations that stand alone in their line, and are no words.
fn alone(operation: &[u8]) -> bool {
    const ALONE: [&str; 24] = [
        "ANB", "ORB", "MPS", "MRD", "MPP", "BE", "BEA", "BEB", "BEU", "BEC", "ITD", "DTR", "DTB", "BTI", "ITB", "BTD",
        "RND", "TAK", "CLR", "FEND", "SRET", "RETCN", "INVI", "NEGR",
    ];
    ALONE.iter().any(|known| operation == known.as_bytes())
}

/// `>=I`, `+R`, `==D`: what S7 does with its two accumulators.
fn compares(line: &[u8]) -> u32 {
    let kind = matches!(line.last(), Some(b'I' | b'D' | b'R'));
    let signs = line.split_last().map_or(&[][..], |(_, signs)| signs);
    let known = [&b"+"[..], b"-", b"*", b"/", b"==", b"<>", b">", b"<", b">=", b"<="];
    if kind && known.contains(&signs) { 2 } else { 0 }
}

/// `Start :="button"`, `PT :=T#5s`: what S7 writes below a call, each in a line of its own.
pub(super) fn parameter(line: &[u8]) -> u32 {
    let name = word(line);
    let rest = line.get(name.len()..).unwrap_or_default().trim_ascii_start();
    let Some(value) = rest.strip_prefix(b":=").filter(|_| !name.is_empty()) else { return 0 };
    let attached = value.first().is_some_and(|b| !b.is_ascii_whitespace());
    let value = value.trim_ascii_start();
    match () {
        () if address(value) => 2,
        () if attached && symbol(value) => 1,
        () => 0,
    }
}

/// `"Motor".Start`: a symbol, alone.
fn symbol(text: &[u8]) -> bool {
    let text = code(text);
    let text = text.strip_suffix(b";").unwrap_or(text).trim_ascii_end();
    let close = text.strip_prefix(b"\"").and_then(|inside| inside.iter().position(|b| *b == b'"'));
    close.is_some_and(|close| {
        let rest = text.get(close + 2..).unwrap_or_default();
        close > 0 && rest.iter().all(|b| b.is_ascii_alphanumeric() || b"_.[]\", ".contains(b))
    })
}

/// A variable, alone: `cnt.Q`, `M_Start`.
fn name(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_alphabetic)
        && text.len() <= 60
        && text.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.'))
}

/// Devices of Mitsubishi, Omron, Keyence, Panasonic and others: `X0`, `K50`, `#0010`, `W0.00`, `MR100`.
fn devices(text: &[u8]) -> bool {
    let mut count = 0;
    let all = text.split(|b| *b == b' ' || *b == b'\t').filter(|part| !part.is_empty()).all(|part| {
        count += 1;
        device(part) || number(part)
    });
    let some = text.split(|b| *b == b' ' || *b == b'\t').any(device);
    all && some && count <= 5
}

fn device(part: &[u8]) -> bool {
    let letters = part.iter().take_while(|b| b.is_ascii_uppercase()).count();
    let (area, rest) = part.split_at(letters.min(part.len()));
    if matches!(part.first(), Some(b'#' | b'&')) {
        return (2..=9).contains(&part.len()) && part.iter().skip(1).all(u8::is_ascii_hexdigit);
    }
    const AREAS: [&str; 36] = [
        "X", "Y", "M", "S", "T", "C", "D", "K", "L", "F", "B", "W", "R", "H", "Z", "V", "SM", "SD", "SB", "SW", "ZR",
        "TS", "TC", "CS", "CC", "MR", "LR", "CR", "DM", "EM", "FM", "TM", "WR", "DT", "A", "G",
    ];
    AREAS.iter().any(|known| area == known.as_bytes()) && number(rest)
}

/// `0`, `100.01`, `1F`, `5V2`: how a device is numbered.
fn number(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_digit)
        && text.len() <= 9
        && text.iter().all(|b| b.is_ascii_hexdigit() || *b == b'.')
}

/// `0.00`, `T0001 100.00`: bits of Omron, a word and a bit of two digits.
fn numbered(text: &[u8]) -> bool {
    let parts = || text.split(|b| *b == b' ').filter(|part| !part.is_empty());
    let not = usize::from(text.starts_with(b"NOT "));
    parts().skip(not).count() == 1
        && parts().skip(not).all(|part| {
            let point = part.iter().position(|b| *b == b'.');
            number(part) && point.is_some_and(|at| part.len() == at + 3)
        })
}

/// `E 0.0`, `DB10.DBW 4`, `MW 20`, `%IX0.0`, `#local`, `T#5s`.
pub(super) fn address(text: &[u8]) -> bool {
    const AREAS: [&str; 36] = [
        "E", "A", "I", "Q", "M", "MB", "MW", "MD", "EB", "EW", "ED", "AB", "AW", "AD", "IB", "IW", "ID", "QB", "QW",
        "QD", "PEW", "PAW", "PIW", "PQW", "DBX", "DBB", "DBW", "DBD", "DB", "T", "Z", "C", "FB", "FC", "SFC", "SFB",
    ];
    let text = code(text).trim_ascii_end();
    let text = text.strip_suffix(b";").unwrap_or(text).trim_ascii_end();
    let area = word(text);
    let rest = text.get(area.len()..).unwrap_or_default().trim_ascii_start();
    let number = !rest.is_empty() && rest.iter().all(|b| b.is_ascii_digit() || *b == b'.');
    let block = area.starts_with(b"DB") && contains(text, ".DB");
    let joined = area.iter().position(u8::is_ascii_digit).is_some_and(|at| {
        let (letters, digits) = area.split_at(at);
        AREAS.iter().any(|known| letters == known.as_bytes()) && digits.iter().all(u8::is_ascii_digit)
    });
    matches!(text.first(), Some(b'%' | b'#')) && text.len() > 2 && !text.contains(&b' ')
        || ["T#", "t#", "S5T#", "TIME#", "L#", "W#16#", "B#16#", "DW#16#", "P#"]
            .iter()
            .any(|head| text.starts_with(head.as_bytes()))
        || block
        || joined && (rest.is_empty() || rest.starts_with(b"."))
        || number && AREAS.iter().any(|known| area == known.as_bytes())
}

/// What a file of ClassicLadder says of its sections, rungs and sizes.
pub(super) fn ladder(line: &[u8]) -> u32 {
    const SURELY: [&str; 6] =
        ["SIZE_NBR_", "PERIODIC_REFRESH=", "#PREVRUNG=", "#NEXTRUNG=", "MODBUS_MASTER_", "MODBUS_MAP_"];
    const LIKELY: [&str; 6] = ["#LABEL=", "#COMMENT=", "#VER=", "#NAME0", "MODBUS_ELEMENT_", "MODBUS_DEBUG_"];
    let begins = |known: &[&str]| known.iter().any(|known| line.starts_with(known.as_bytes()));
    match () {
        () if begins(&SURELY) => 2,
        () if begins(&LIKELY) => 1,
        () => 0,
    }
}

/// Rockwell's neutral text (`XIC(Start)OTE(Motor);`), and rows of a ladder of LinuxCNC.
pub(super) fn rungs(line: &[u8]) -> u32 {
    const CONTACTS: [&str; 6] = ["XIC(", "XIO(", "OTE(", "OTL(", "OTU(", "ONS("];
    const BOXES: [&str; 24] = [
        "TON(", "TOF(", "RTO(", "CTU(", "CTD(", "RES(", "MOV(", "CPT(", "JSR(", "GRT(", "LES(", "EQU(", "NEQ(", "GEQ(",
        "LEQ(", "LIM(", "ADD(", "SUB(", "MUL(", "DIV(", "AFI(", "NOP(", "COP(", "MSG(",
    ];
    match CONTACTS.iter().filter(|one| contains(line, one)).count() {
        0 if contains(line, "-0/0 , ") => 2,
        0 if line.ends_with(b");") && BOXES.iter().any(|one| contains(line, one)) => 1,
        0 => 0,
        1 if !line.ends_with(b";") => 2,
        _ => SURE,
    }
}
