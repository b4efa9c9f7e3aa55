//! Content streams (ISO 32000-2, sections 8 and 9): the text that a page shows, in the order in which it is drawn.

use super::font::Font;
use super::object::{Lexer, Value};
use std::collections::BTreeMap;
use std::rc::Rc;

type Matrix = [f64; 6];

const IDENTITY: Matrix = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

/// States that are saved within each other.
const DEPTH: usize = 64;

/// What is shown, and what is drawn so that nobody sees it.
#[derive(Default)]
pub(super) struct Said {
    pub(super) shown: String,
    pub(super) hidden: String,
    /// Whether text was drawn in a font whose codes say nothing.
    pub(super) closed: bool,
    /// Whether some of it is longer than what is read.
    pub(super) cut: bool,
}

/// What a stream is drawn with.
pub(super) struct Palette<'f> {
    pub(super) fonts: &'f BTreeMap<String, Rc<Font>>,
    /// Most bytes of text.
    pub(super) most: usize,
}

#[derive(Clone)]
struct State {
    matrix: Matrix,
    font: Option<Rc<Font>>,
    size: f64,
    invisible: bool,
    white: bool,
}

/// Draws a stream. Gives the names of the objects that it draws in turn.
pub(super) fn draw(source: &[u8], palette: &Palette<'_>, said: &mut Said) -> Vec<String> {
    let start = State { matrix: IDENTITY, font: None, size: 1.0, invisible: false, white: false };
    let mut pen = Pen { state: start, saved: Vec::new(), line: IDENTITY, cursor: 0.0, leading: 0.0, last: None, said };
    let mut drawn = Vec::new();
    let mut lexer = Lexer::new(source, 0);
    let mut operands: Vec<Value> = Vec::new();
    while let Some(value) = lexer.value() {
        let Value::Word(word) = value else {
            // No operator takes more; an array is one.
            if operands.len() < 64 {
                operands.push(value);
            }
            continue;
        };
        match word.as_str() {
            "Do" => drawn.extend(operands.first().and_then(Value::name).map(str::to_owned)),
            "ID" => skip_picture(&mut lexer),
            _ => pen.operate(&word, &operands, palette),
        }
        operands.clear();
        if pen.said.shown.len() + pen.said.hidden.len() > palette.most {
            pen.said.cut = true;
            break;
        }
    }
    said.cut |= lexer.cut;
    drawn
}

/// Goes past the bytes of a picture that stands in the stream.
fn skip_picture(lexer: &mut Lexer<'_>) {
    let rest = lexer.rest();
    let end = memchr::memmem::find_iter(rest, b"EI").find(|at| {
        let white = |byte: Option<&u8>| byte.is_none_or(u8::is_ascii_whitespace);
        white(at.checked_sub(1).and_then(|before| rest.get(before))) && white(rest.get(at + 2))
    });
    lexer.at += end.map_or(rest.len(), |at| at + 2);
}

struct Pen<'s> {
    state: State,
    saved: Vec<State>,
    /// The text matrix at the beginning of the line, and how far it was written, in units of text space.
    line: Matrix,
    cursor: f64,
    leading: f64,
    /// Where the last text ended: across, up, and how high it was.
    last: Option<(f64, f64, f64)>,
    said: &'s mut Said,
}

impl Pen<'_> {
    fn operate(&mut self, word: &str, operands: &[Value], palette: &Palette<'_>) {
        let number = |at: usize| operands.get(at).and_then(Value::number).unwrap_or(0.0);
        let matrix = || [number(0), number(1), number(2), number(3), number(4), number(5)];
        match word {
            "q" if self.saved.len() < DEPTH => self.saved.push(self.state.clone()),
            "Q" => self.state = self.saved.pop().unwrap_or_else(|| self.state.clone()),
            "cm" => self.state.matrix = multiply(&matrix(), &self.state.matrix),
            "BT" => (self.line, self.cursor) = (IDENTITY, 0.0),
            "Tm" => (self.line, self.cursor) = (matrix(), 0.0),
            "Td" => self.next_line(number(0), number(1)),
            "TD" => {
                self.leading = -number(1);
                self.next_line(number(0), number(1));
            }
            "T*" => self.next_line(0.0, -self.leading),
            "TL" => self.leading = number(0),
            "Tf" => {
                let name = operands.first().and_then(Value::name).unwrap_or_default();
                self.state.font = palette.fonts.get(name).cloned();
                self.state.size = number(1);
            }
            "Tr" => self.state.invisible = matches!(operands.first().and_then(Value::count), Some(3 | 7)),
            "g" | "rg" | "sc" | "scn" => {
                self.state.white = !operands.is_empty() && operands.iter().all(|own| own.number() == Some(1.0));
            }
            "k" => self.state.white = operands.len() == 4 && operands.iter().all(|own| own.number() == Some(0.0)),
            "Tj" => self.show(operands.first()),
            "'" => {
                self.next_line(0.0, -self.leading);
                self.show(operands.first());
            }
            "\"" => {
                self.next_line(0.0, -self.leading);
                self.show(operands.get(2));
            }
            "TJ" => {
                for item in operands.first().and_then(Value::array).unwrap_or_default() {
                    match item {
                        Value::Number(back) => self.cursor -= back / 1000.0 * self.state.size,
                        other => self.show(Some(other)),
                    }
                }
            }
            _ => {}
        }
    }

    fn next_line(&mut self, across: f64, up: f64) {
        self.line = multiply(&[1.0, 0.0, 0.0, 1.0, across, up], &self.line);
        self.cursor = 0.0;
    }

    fn show(&mut self, text: Option<&Value>) {
        let (Some(Value::Text(bytes)), state) = (text, &self.state) else { return };
        let place = multiply(&[1.0, 0.0, 0.0, 1.0, self.cursor, 0.0], &multiply(&self.line, &state.matrix));
        let [a, b, _, _, x, y] = place;
        let scale = a.hypot(b);
        let height = (state.size * scale).abs();
        let hidden = state.invisible || state.white || height < 1.0;
        let side = if hidden { &mut self.said.hidden } else { &mut self.said.shown };
        match self.last {
            Some((_, last_y, last_height)) if (y - last_y).abs() > 0.4 * height.max(last_height) => side.push('\n'),
            // Half a blank's width: letters are set closer, words are not.
            Some((end, _, _)) if x - end > 0.15 * height || end - x > height => side.push(' '),
            _ => {}
        }
        let width = match &state.font {
            Some(font) => {
                self.said.closed |= font.closed && !bytes.is_empty();
                font.say(bytes, side)
            }
            None => Font::default().say(bytes, side),
        } * state.size;
        self.cursor += width;
        self.last = Some((x + width * scale, y, height));
    }
}

/// Does `first`, then `second`.
fn multiply(first: &Matrix, second: &Matrix) -> Matrix {
    let [a, b, c, d, e, f] = first;
    let [g, h, i, j, k, l] = second;
    [a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + l]
}
