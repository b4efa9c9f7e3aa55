//! Programs of machine tools: RS-274 (G-code), with the parameters and subroutines of LinuxCNC.

use super::{SURE, contains};

/// How sure it is that the line is one of such a program.
pub(super) fn line(line: &[u8]) -> u32 {
    match line {
        [b'#', b'<', ..] if contains(line, "=") => SURE,
        [b'#', b'0'..=b'9', ..] if contains(line, "=") => 2,
        [b'(', ..] if contains(line, "#<") || contains(line, "(debug") || contains(line, "(print") => 2,
        [b'o' | b'O', b'<' | b'0'..=b'9', ..] => subroutine(line),
        _ => words(line),
    }
}

/// `o100 sub`, `o<probe> call [1]`.
fn subroutine(line: &[u8]) -> u32 {
    const FLOWS: [&str; 13] = [
        "sub",
        "endsub",
        "call",
        "if",
        "elseif",
        "else",
        "endif",
        "while",
        "endwhile",
        "do",
        "repeat",
        "endrepeat",
        "return",
    ];
    let name = line.iter().position(|b| *b == b' ' || *b == b'>').map_or(line.len(), |at| at + 1);
    let rest = line.get(name..).unwrap_or_default().trim_ascii_start();
    let flow = super::word(rest);
    if FLOWS.iter().any(|known| flow.eq_ignore_ascii_case(known.as_bytes())) { SURE } else { 0 }
}

/// A line of words, each a letter and a value: `N10 G1 X10. Y-2.5 F300 (finish)`.
fn words(line: &[u8]) -> u32 {
    let mut rest = line.strip_prefix(b"/").unwrap_or(line);
    let (mut motions, mut machine, mut axes, mut others) = (0, 0, 0, 0);
    loop {
        rest = rest.trim_ascii_start();
        let Some((letter, value)) = rest.split_first() else { break };
        if matches!(letter, b'(' | b';') {
            break;
        }
        let Some((value, behind)) = number(value.trim_ascii_start()) else { return 0 };
        match letter.to_ascii_uppercase() {
            b'G' if is_motion(value) => motions += 1,
            b'M' if value.len() <= 3 => machine += 1,
            b'X' | b'Y' | b'Z' | b'A' | b'B' | b'C' | b'I' | b'J' | b'K' | b'U' | b'V' | b'W' => axes += 1,
            b'N' | b'F' | b'S' | b'T' | b'P' | b'Q' | b'R' | b'L' | b'D' | b'H' => others += 1,
            _ => return 0,
        }
        rest = behind;
    }
    match (motions, machine, axes, others) {
        (1.., ..) if motions + axes + others + machine > 1 => SURE,
        (1.., ..) => 2,
        (0, 1.., _, 1..) => 2,
        (0, 1.., ..) => 1,
        (0, 0, 2.., _) => 2,
        (0, 0, 1, 1..) => 2,
        _ => 0,
    }
}

/// A number or an expression in brackets, and what follows.
fn number(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    let (mut depth, mut end) = (0_usize, 0);
    for byte in text {
        match byte {
            b'[' | b'<' => depth += 1,
            b']' | b'>' if depth > 0 => depth -= 1,
            b'0'..=b'9' | b'.' | b'#' => {}
            b'-' if end == 0 => {}
            _ if depth > 0 => {}
            _ => break,
        }
        end += 1;
    }
    let told = text.first().is_some_and(|b| b.is_ascii_digit() || matches!(b, b'.' | b'[' | b'#' | b'-'));
    (told && end > 0 && depth == 0).then(|| text.split_at(end))
}

/// G0 to G99 with at most one decimal, as RS-274 numbers motions and modes.
fn is_motion(value: &[u8]) -> bool {
    let mut parts = value.split(|b| *b == b'.');
    let (whole, part) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    (1..=3).contains(&whole.len()) && whole.iter().all(u8::is_ascii_digit) && part.len() <= 1
}
