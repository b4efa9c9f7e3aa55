//! What is known by its form and not by a value: programs of controllers and machines, recipes, drawings.
//!
//! Each line is looked at by itself and says how sure it is, in points; lines of one form that follow each other are a
//! block, and a block of three points is found. So three lines that someone pasted are enough, and one assignment is not.
//! Lines that many languages have (a label, a call) are a point beside one that is telling, and none without.
//!
//! ```text
//! VAR_INPUT            plc 3  ┐
//!     start : BOOL;    plc 3  ├ code.plc
//! END_VAR              plc 3  ┘
//! ```

mod drawing;
mod export;
mod gcode;
mod list;
mod plc;
mod recipe;

use crate::rule::BuiltIn;
use std::ops::Range;

/// Longest part of a line that is looked at, in bytes.
const LOOKED_AT: usize = 400;

/// Points that make a block one of its form.
const ENOUGH: u32 = 3;

/// Points of a line that nothing else looks like.
const SURE: u32 = 3;

/// Lines in a row that may say nothing without ending a block: an empty one, a comment, a value.
const SILENT: usize = 2;

struct Block {
    rule: BuiltIn,
    span: Range<usize>,
    points: u32,
    /// Lines that only tell beside others.
    support: u32,
    /// Whether a line was sure by itself, and whether one was of another language that is written much alike.
    sure: bool,
    foreign: bool,
    silent: usize,
}

/// What a line says.
enum Says {
    /// It is of this form, and so sure.
    Form(BuiltIn, u32),
    /// It may be of a controller's program.
    Supports,
    /// It is none of a controller's program, but of a language that looks like one.
    Foreign,
    Nothing,
}

impl Block {
    fn tells(&self) -> bool {
        self.points > 0 && self.points + self.support >= ENOUGH && (self.sure || !self.foreign)
    }
}

/// Every block of the text, in order.
pub(crate) fn blocks(text: &str, mut found: impl FnMut(BuiltIn, Range<usize>)) {
    let mut open: Option<Block> = None;
    let mut at = 0;
    for end in memchr::memchr_iter(b'\n', text.as_bytes()).chain([text.len()]) {
        let line = text.as_bytes().get(at..end).unwrap_or_default();
        let body = line.trim_ascii();
        let begin = at + line.len() - line.trim_ascii_start().len();
        at = end + 1;
        let head = body.get(..LOOKED_AT).unwrap_or(body);
        let (rule, points, support) = match says(head) {
            Says::Form(rule, points) => (rule, points, 0),
            // Beside another form it says nothing.
            Says::Supports if open.as_ref().is_none_or(|block| block.rule == BuiltIn::PlcCode) => {
                (BuiltIn::PlcCode, 0, 1)
            }
            Says::Foreign if open.as_ref().is_some_and(|block| block.rule == BuiltIn::PlcCode) => {
                open.iter_mut().for_each(|block| block.foreign = true);
                continue;
            }
            Says::Supports | Says::Foreign | Says::Nothing => {
                if let Some(block) = &mut open {
                    block.silent += 1 + usize::from(!body.is_empty() && body.len() > 80);
                }
                if open.as_ref().is_some_and(|block| block.silent > SILENT) {
                    close(open.take(), &mut found);
                }
                continue;
            }
        };
        let block = open.take_if(|block| block.rule == rule);
        close(open.take(), &mut found);
        let fresh =
            || Block { rule, span: begin..begin, points: 0, support: 0, sure: false, foreign: false, silent: 0 };
        let mut block = block.unwrap_or_else(fresh);
        block.span.end = begin + body.len();
        block.points += points;
        block.support += support;
        block.sure |= points >= SURE;
        block.silent = 0;
        open = Some(block);
    }
    close(open, &mut found);
}

fn close(block: Option<Block>, found: &mut impl FnMut(BuiltIn, Range<usize>)) {
    if let Some(block) = block.filter(|block| block.tells()) {
        found(block.rule, block.span);
    }
}

/// What a line is part of, and how sure that is. Looks at a byte or two of most lines.
fn says(line: &[u8]) -> Says {
    let or = |rule, points: u32| (points > 0).then_some((rule, points));
    let known = match line {
        [] => None,
        [b'<', ..] => {
            or(BuiltIn::Recipe, recipe::element(line)).or_else(|| or(BuiltIn::PlcCode, export::element(line)))
        }
        [b'#', ..] => or(BuiltIn::Drawing, drawing::entity(line))
            .or_else(|| or(BuiltIn::Gcode, gcode::line(line)))
            .or_else(|| or(BuiltIn::PlcCode, plc::line(line))),
        [b'(', b'*', ..] => or(BuiltIn::PlcCode, 1),
        _ => or(BuiltIn::PlcCode, plc::line(line))
            .or_else(|| or(BuiltIn::Gcode, gcode::line(line)))
            .or_else(|| or(BuiltIn::Drawing, drawing::line(line)))
            .or_else(|| or(BuiltIn::Recipe, recipe::line(line))),
    };
    let supports = || if line.first() == Some(&b'<') { export::supports(line) } else { plc::supports(line) };
    match known {
        Some((rule, points)) => Says::Form(rule, points),
        None if plc::foreign(line) => Says::Foreign,
        None if supports() => Says::Supports,
        None => Says::Nothing,
    }
}

/// The word that the line begins with: letters, digits, underscores.
fn word(line: &[u8]) -> &[u8] {
    let end = line.iter().position(|b| !(b.is_ascii_alphanumeric() || *b == b'_')).unwrap_or(line.len());
    line.get(..end).unwrap_or_default()
}

fn contains(line: &[u8], part: &str) -> bool {
    let (part, Some(first)) = (part.as_bytes(), part.bytes().next()) else { return false };
    memchr::memchr_iter(first, line).any(|at| line.get(at..at + part.len()) == Some(part))
}
