//! Drawings and models as text: STEP (ISO 10303-21) and DXF.

use super::{SURE, contains, word};

/// `#12=CARTESIAN_POINT('',(0.,0.,0.));`
pub(super) fn entity(line: &[u8]) -> u32 {
    let number = line.iter().skip(1).take_while(|b| b.is_ascii_digit()).count();
    let rest = line.get(1 + number..).unwrap_or_default().trim_ascii_start();
    let Some(rest) = rest.strip_prefix(b"=").map(<[u8]>::trim_ascii_start).filter(|_| number > 0) else { return 0 };
    let name = word(rest);
    let named = name.len() >= 4 && name.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_');
    if named && rest.get(name.len()) == Some(&b'(') { SURE } else { 0 }
}

/// Lines that such files alone have.
pub(super) fn line(line: &[u8]) -> u32 {
    const STEP: [&str; 6] =
        ["ISO-10303-21;", "END-ISO-10303-21;", "FILE_DESCRIPTION", "FILE_NAME(", "FILE_SCHEMA", "ENDSEC;"];
    const DXF: [&str; 4] = ["LWPOLYLINE", "SEQEND", "TABLES", "ENTITIES"];
    let begins = |with: &&str| line.starts_with(with.as_bytes());
    if STEP.iter().any(&begins) || begins(&"AcDb") || begins(&"$ACADVER") || contains(line, "FILE_SCHEMA((") {
        SURE
    } else {
        u32::from(DXF.iter().any(|known| line == known.as_bytes())) * 2
    }
}
