//! `inspect`, `guard`, `prints` and `pictures` under fire: content that is read, tokens that are put back, files of what is registered.

/// A text to be read for findings.
pub fn findings(bytes: &[u8]) {
    inspect::fuzz_read(bytes);
}

/// Patterns of a data source, a blank line, and a text that may hold something of it.
pub fn sources(bytes: &[u8]) {
    inspect::fuzz_sources(bytes);
}

/// A text in which tokens are put back; the first byte is the length of the chunks.
pub fn restore(bytes: &[u8]) {
    inspect::fuzz_restore(bytes);
}

/// The body of a file of registered documents; its checksum is put right first, or nothing would get past it.
pub fn documents(bytes: &[u8]) {
    prints::fuzz_documents(bytes);
}

/// The body of a file of registered tables, likewise.
pub fn tables(bytes: &[u8]) {
    prints::fuzz_tables(bytes);
}

/// An export that is registered as a table.
pub fn csv(bytes: &[u8]) {
    prints::fuzz_csv(bytes);
}

/// A file to be read; the first byte picks its name.
pub fn files(bytes: &[u8]) {
    extract::fuzz(bytes);
}

/// A picture to be decoded and looked at.
pub fn picture(bytes: &[u8]) {
    pictures::fuzz_picture(bytes);
}

/// What an engine says that it read in a picture.
pub fn writing(bytes: &[u8]) {
    ocr::fuzz_table(bytes);
}

/// The body of a file of registered pictures; its checksum is put right first.
pub fn gallery(bytes: &[u8]) {
    pictures::fuzz_gallery(bytes);
}

/// What makes an answer safe to show gives the same for the whole and for chunks.
pub fn sinks(bytes: &[u8]) {
    inspect::fuzz_sinks(bytes);
}

/// An answer that recommends something; the first byte is the length of its pieces.
pub fn guard(bytes: &[u8]) {
    ::guard::fuzz(bytes);
}

/// Patterns of sources, and texts that have something of them or not.
#[must_use]
pub fn patterns() -> Vec<Vec<u8>> {
    let cases = [
        "AREA1.TIC101.*\nFIC-2*\nns=2;s=Line1.Oven.*\n\nWhy does area1/tic101/pv drift, and FIC-21? Read ns=2;s=Line1.Oven.T3.",
        "\\\\PISRV01\\SINUSOID\n\\\\AFSRV\\Brewery\\Line 2\\*|Flow\n*Boiler*\n\n\\\\AFSRV\\Brewery\\Line 2\\Pump7|Flow xBoiler.7 \\\\\\\\PISRV01\\\\SINUSOID",
        "mes.orders\nMES_DB.dbo.*\n\nSELECT * FROM [mes].[orders] JOIN \"MES_DB\".\"dbo\".\"Batches\"",
        "Ölpumpe.Druck\n炉1.温度\nABC*D*E*F*\n\nÖLPUMPE.DRUCK 炉1.温度 ABCDDDDEEEEFFFF",
    ];
    cases.iter().map(|text| text.as_bytes().to_vec()).collect()
}
