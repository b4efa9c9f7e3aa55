//! A tensor: what its numbers are, and the same in the protocol's JSON for whoever reads answers by their structure.

use serde_json::{Map, Value, json};

/// Most numbers of a tensor that are told. What has more is a picture or a mask, and recommends nothing.
const TOLD: usize = 65_536;
/// A number of fewer digits than this tells how warm, how many, how long.
pub(super) const LONG: u64 = 10_000_000_000;

/// A tensor of a message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tensor<'a> {
    pub(super) name: &'a str,
    pub(super) datatype: &'a str,
    pub(super) shape: Vec<i64>,
    pub(super) contents: Numbers,
    /// Its texts, where it has any.
    pub(super) texts: Vec<&'a str>,
    /// Whether its content stands in its own message.
    pub(super) filled: bool,
}

/// Numbers of a tensor, as far as they are told.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    told: Vec<Value>,
    /// Those that are long enough to be a finding.
    pub(super) long: Vec<String>,
}

impl Numbers {
    pub(super) fn signed(&mut self, number: i64) {
        self.long(number.unsigned_abs());
        self.tell(|| number.into());
    }

    pub(super) fn unsigned(&mut self, number: u64) {
        self.long(number);
        self.tell(|| number.into());
    }

    pub(super) fn floating(&mut self, number: f64) {
        self.tell(|| number.into());
    }

    fn long(&mut self, number: u64) {
        if number >= LONG && self.long.len() < TOLD {
            self.long.push(number.to_string());
        }
    }

    fn tell(&mut self, number: impl FnOnce() -> Value) {
        if self.told.len() < TOLD {
            self.told.push(number());
        }
    }
}

impl Tensor<'_> {
    /// How many bytes each of its numbers has as it lies in memory; `None` of texts, and of types that nobody knows.
    pub(super) fn width(&self) -> Option<usize> {
        Some(match self.datatype {
            "BOOL" | "INT8" | "UINT8" => 1,
            "INT16" | "UINT16" | "FP16" | "BF16" => 2,
            "INT32" | "UINT32" | "FP32" => 4,
            "INT64" | "UINT64" | "FP64" => 8,
            _ => return None,
        })
    }

    /// How many elements its shape says that it has.
    pub(super) fn count(&self) -> Option<usize> {
        self.shape.iter().try_fold(1_usize, |product, own| product.checked_mul(usize::try_from(*own).ok()?))
    }

    /// Takes the numbers of its bytes as they lie in memory.
    pub(super) fn take(&mut self, raw: &[u8]) {
        let Some(width) = self.width() else { return };
        let integer = self.datatype.contains("INT");
        let most = if integer && width == 8 { usize::MAX } else { TOLD };
        for own in raw.chunks_exact(width).take(most) {
            let mut eight = [0; 8];
            own.iter().zip(&mut eight).for_each(|(byte, place)| *place = *byte);
            let bits = u64::from_le_bytes(eight);
            match self.datatype {
                "FP32" => self.contents.floating(f64::from(f32::from_bits(u32::try_from(bits).unwrap_or_default()))),
                "FP64" => self.contents.floating(f64::from_bits(bits)),
                "FP16" => self.contents.floating(half(bits)),
                // The upper half of a number of four bytes.
                "BF16" => {
                    self.contents.floating(f64::from(f32::from_bits(u32::try_from(bits << 16).unwrap_or_default())));
                }
                kind if kind.starts_with("INT") => self.contents.signed(extended(bits, width)),
                _ => self.contents.unsigned(bits),
            }
        }
    }
}

/// A number with the sign of its highest bit.
fn extended(bits: u64, width: usize) -> i64 {
    let unused = 64_u32.saturating_sub(u32::try_from(width * 8).unwrap_or(64));
    (bits << unused).cast_signed() >> unused
}

/// A number of IEEE 754 in two bytes.
fn half(bits: u64) -> f64 {
    let bits = u32::try_from(bits & 0xffff).unwrap_or_default();
    let (exponent, fraction) = (bits >> 10 & 0x1f, f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2_f64.powi(-24),
        0x1f if fraction > 0.0 => f64::NAN,
        0x1f => f64::INFINITY,
        _ => (1.0 + fraction / 1024.0) * 2_f64.powi(i32::try_from(exponent).unwrap_or_default() - 15),
    };
    if bits & 0x8000 == 0 { size } else { -size }
}

/// A message in the protocol's own JSON, as its answers have it over HTTP.
pub(super) fn json(model: Option<&str>, id: Option<&str>, tensors: &[Tensor<'_>]) -> String {
    let outputs = tensors.iter().map(|own| {
        let data: Vec<Value> =
            own.texts.iter().map(|text| Value::from(*text)).chain(own.contents.told.iter().cloned()).collect();
        json!({"name": own.name, "datatype": own.datatype, "shape": own.shape, "data": data})
    });
    let mut whole = Map::new();
    whole.extend(model.map(|model| ("model_name".to_owned(), model.into())));
    whole.extend(id.map(|id| ("id".to_owned(), id.into())));
    whole.insert("outputs".to_owned(), outputs.collect());
    Value::Object(whole).to_string()
}

#[cfg(test)]
mod tests {
    use super::{Tensor, half};

    fn told(datatype: &str, raw: &[u8]) -> String {
        let mut tensor = Tensor { datatype, ..Tensor::default() };
        tensor.take(raw);
        serde_json::Value::from(tensor.contents.told).to_string()
    }

    #[test]
    fn numbers_are_what_they_lie_in_memory_as() {
        assert_eq!(told("INT8", b"\xff\x01"), "[-1,1]");
        assert_eq!(told("UINT8", b"\xff\x01"), "[255,1]");
        assert_eq!(told("INT16", &(-300_i16).to_le_bytes()), "[-300]");
        assert_eq!(told("UINT64", &u64::MAX.to_le_bytes()), "[18446744073709551615]");
        assert_eq!(told("FP32", &82.5_f32.to_le_bytes()), "[82.5]");
        assert_eq!(told("FP64", &(-0.25_f64).to_le_bytes()), "[-0.25]");
        assert_eq!(told("FP16", &0x5528_u16.to_le_bytes()), "[82.5]");
        assert_eq!(told("BF16", &0x42a5_u16.to_le_bytes()), "[82.5]");
        assert_eq!(told("BYTES", b"abc"), "[]");
        assert_eq!((half(0x0001), half(0xfc00)), (2_f64.powi(-24), f64::NEG_INFINITY));
    }

    #[test]
    fn a_long_number_may_be_a_telephone() {
        let mut tensor = Tensor { datatype: "INT64", ..Tensor::default() };
        tensor.take(&[431_234_567_890_i64.to_le_bytes(), 12_i64.to_le_bytes()].concat());
        assert_eq!(tensor.contents.long, ["431234567890"]);
    }
}
