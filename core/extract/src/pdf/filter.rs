//! Filters of streams (ISO 32000-2, section 7.4). Those of pictures are left alone.

use super::object::{Dictionary, Value};
use crate::Why;
use crate::harvest::Harvest;
use crate::inflate::{Wrapping, inflate};
use std::borrow::Cow;

/// Filters on one stream; each may multiply what the one before gave.
const MOST: usize = 4;

/// A stream with its filters undone; `None` if one of them is not undone here.
pub(super) fn decode<'a>(harvest: &mut Harvest<'_>, dictionary: &Dictionary, data: &'a [u8]) -> Option<Cow<'a, [u8]>> {
    let list = |keys: [&str; 2]| -> Vec<Value> {
        match keys.iter().find_map(|key| dictionary.get(*key)) {
            Some(Value::Array(items)) => items.clone(),
            Some(one) => vec![one.clone()],
            None => Vec::new(),
        }
    };
    let (filters, parameters) = (list(["Filter", "F"]), list(["DecodeParms", "DP"]));
    if filters.len() > MOST {
        harvest.opaque("", Why::TooLarge);
        return None;
    }
    let mut data = Cow::Borrowed(data);
    for (place, filter) in filters.iter().enumerate() {
        let decoded = match filter.name()? {
            "FlateDecode" | "Fl" => flate(harvest, &data),
            "ASCIIHexDecode" | "AHx" => hexadecimal(&data),
            "ASCII85Decode" | "A85" => ascii85(&data),
            "LZWDecode" | "LZW" => lzw(&data, harvest.room(data.len())),
            "RunLengthDecode" | "RL" => run_length(&data, harvest.room(data.len())),
            _ => return None,
        };
        harvest.unfolded(decoded.len());
        let parameters = parameters.get(place).and_then(Value::dictionary);
        data = Cow::Owned(parameters.map_or(decoded.clone(), |parameters| unpredict(decoded, parameters)));
    }
    Some(data)
}

fn flate(harvest: &mut Harvest<'_>, data: &[u8]) -> Vec<u8> {
    // Writers end streams with an end of line, and some leave out the checksum: what came is what readers show.
    let (bytes, why) = inflate(harvest, data, Wrapping::Zlib);
    match why {
        Some(Why::TooLarge) => harvest.opaque("", Why::TooLarge),
        Some(why) if bytes.is_empty() && !data.is_empty() => harvest.opaque("", why),
        _ => {}
    }
    bytes
}

fn hexadecimal(data: &[u8]) -> Vec<u8> {
    let digits = data.iter().take_while(|byte| **byte != b'>').filter_map(|byte| char::from(*byte).to_digit(16));
    let digits: Vec<u32> = digits.collect();
    let byte = |pair: &[u32]| pair.first().map_or(0, |high| high << 4) | pair.get(1).copied().unwrap_or(0);
    digits.chunks(2).map(|pair| u8::try_from(byte(pair)).unwrap_or_default()).collect()
}

fn ascii85(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    let mut group: Vec<u32> = Vec::with_capacity(5);
    let mut flush = |group: &mut Vec<u32>| {
        let given = group.len();
        if given > 1 {
            group.resize(5, 84);
            let value = group.iter().fold(0u32, |value, digit| value.wrapping_mul(85).wrapping_add(*digit));
            out.extend_from_slice(value.to_be_bytes().get(..given - 1).unwrap_or_default());
        }
        group.clear();
    };
    for byte in data {
        match byte {
            b'~' => break,
            b'z' if group.is_empty() => {
                group.extend([0; 5]);
                flush(&mut group);
            }
            b'!'..=b'u' => {
                group.push(u32::from(byte - b'!'));
                if group.len() == 5 {
                    flush(&mut group);
                }
            }
            _ => {}
        }
    }
    flush(&mut group);
    out
}

fn run_length(data: &[u8], most: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = data;
    while let Some((length, after)) = rest.split_first().filter(|(length, _)| **length != 128) {
        let count = usize::from(*length);
        let (run, after) = if count < 128 {
            let (run, after) = after.split_at(after.len().min(count + 1));
            (run.to_vec(), after)
        } else {
            let Some((byte, after)) = after.split_first() else { break };
            (vec![*byte; 257 - count], after)
        };
        if out.len() + run.len() > most {
            break;
        }
        out.extend_from_slice(&run);
        rest = after;
    }
    out
}

/// LZW with codes of 9 to 12 bits, the width changed one code early as nearly all writers do.
fn lzw(data: &[u8], most: usize) -> Vec<u8> {
    const CLEAR: usize = 256;
    const END: usize = 257;
    let mut out: Vec<u8> = Vec::new();
    // Where each entry stands in `out`: its text is there already.
    let mut table: Vec<(usize, usize)> = Vec::new();
    let (mut bits, mut held, mut width) = (0u32, 0u32, 9u32);
    let mut last: Option<(usize, usize)> = None;
    for byte in data {
        bits = bits << 8 | u32::from(*byte);
        held += 8;
        if held < width {
            continue;
        }
        held -= width;
        let code = (bits >> held) as usize;
        bits &= (1 << held) - 1;
        let start = out.len();
        match code {
            CLEAR => {
                table.clear();
                width = 9;
                last = None;
                continue;
            }
            END => break,
            0..=255 => out.push(u8::try_from(code).unwrap_or_default()),
            _ => {
                // An entry that is being made repeats the last and its first byte.
                let own = table.get(code - 258).copied().or_else(|| last.map(|(from, length)| (from, length + 1)));
                let Some((from, length)) = own else { break };
                for offset in 0..length {
                    let Some(byte) = out.get(from + offset).copied() else { break };
                    out.push(byte);
                }
            }
        }
        if let Some((from, length)) = last.filter(|_| table.len() < 4096 - 258) {
            table.push((from, length + 1));
        }
        last = Some((start, out.len() - start));
        width = match table.len() + 259 {
            0..512 => 9,
            512..1024 => 10,
            1024..2048 => 11,
            _ => 12,
        };
        if out.len() > most {
            break;
        }
    }
    out
}

/// Undoes the predictors of PNG (section 7.4.4.4); that of TIFF is for pictures.
fn unpredict(data: Vec<u8>, parameters: &Dictionary) -> Vec<u8> {
    let number = |key: &str, default: usize| parameters.get(key).and_then(Value::count).unwrap_or(default);
    if number("Predictor", 1) < 10 {
        return data;
    }
    let bits = number("Colors", 1).min(32) * number("BitsPerComponent", 8).min(16);
    let (step, row) = (bits.div_ceil(8).max(1), (bits * number("Columns", 1).min(1 << 20)).div_ceil(8));
    let mut before = vec![0; row];
    let mut out = Vec::with_capacity(data.len());
    for line in data.chunks(row + 1) {
        let Some((kind, line)) = line.split_first() else { break };
        let mut now: Vec<u8> = Vec::with_capacity(row);
        for (place, byte) in line.iter().enumerate() {
            let left = place.checked_sub(step).and_then(|at| now.get(at)).copied().unwrap_or(0);
            let up = before.get(place).copied().unwrap_or(0);
            let corner = place.checked_sub(step).and_then(|at| before.get(at)).copied().unwrap_or(0);
            let predicted = match kind {
                1 => left,
                2 => up,
                3 => u8::midpoint(left, up),
                4 => paeth(left, up, corner),
                _ => 0,
            };
            now.push(byte.wrapping_add(predicted));
        }
        out.extend_from_slice(&now);
        before = now;
    }
    out
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let estimate = i16::from(left) + i16::from(up) - i16::from(corner);
    let far = |byte: u8| (estimate - i16::from(byte)).abs();
    if far(left) <= far(up) && far(left) <= far(corner) {
        left
    } else if far(up) <= far(corner) {
        up
    } else {
        corner
    }
}
