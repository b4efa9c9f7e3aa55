//! What the contenders stand on: the scripted provider, what is asked of it, and the disks.

use crate::Outcome;
use crate::process::Running;
use crate::results::Sync;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::json;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::time::Instant;

/// The provider; it ends with us.
pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    pub(crate) process: Running,
    /// Its standard input is the leash.
    _leash: ChildStdin,
}

impl Provider {
    pub(crate) fn start(binary: &Path) -> Outcome<Self> {
        let mut child = Command::new(binary)
            .args(["127.0.0.1:0", "forget"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let leash = child.stdin.take().ok_or("no input")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        Ok(Self { address: line.trim().parse()?, process: Running::of(child), _leash: leash })
    }
}

/// A chat whose prompt has `bytes`, as a copilot would send it; the provider says it all again.
pub(crate) fn chat(bytes: usize) -> Bytes {
    let prompt: String = PROMPT.chars().cycle().take(bytes).collect();
    let messages = json!([
        {"role": "system", "content": "You advise the operator of a filling line. You never write to a controller."},
        {"role": "user", "content": prompt}]);
    Bytes::from(json!({"model": "bench", "stream": false, "messages": messages}).to_string())
}

/// A body with a picture of noise, `side` pixels square: three bytes a pixel, which in base64 are four.
pub(crate) fn picture(side: u32) -> Outcome<Bytes> {
    let image = format!("data:image/png;base64,{}", STANDARD.encode(png(side)?));
    let parts = json!([{"type": "text", "text": "Is the seal intact?"},
        {"type": "image_url", "image_url": {"url": image}}]);
    Ok(Bytes::from(json!({"model": "bench", "messages": [{"role": "user", "content": parts}]}).to_string()))
}

/// A PNG (ISO/IEC 15948) in RGB whose rows are stored without compression.
fn png(side: u32) -> Outcome<Vec<u8>> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8; 4], data: &[u8]| -> Outcome<()> {
        file.extend_from_slice(&u32::try_from(data.len())?.to_be_bytes());
        let mut sum = flate2::Crc::new();
        for part in [kind.as_slice(), data] {
            sum.update(part);
            file.extend_from_slice(part);
        }
        file.extend_from_slice(&sum.sum().to_be_bytes());
        Ok(())
    };
    let size = side.to_be_bytes();
    chunk(b"IHDR", &[size.as_slice(), &size, &[8, 2, 0, 0, 0]].concat())?;
    let mut rows = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::none());
    let mut noise = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..side {
        rows.write_all(&[0])?;
        let row: Vec<u8> = std::iter::repeat_with(|| {
            // xorshift64 (Marsaglia 2003); its lowest byte.
            noise ^= noise << 13;
            noise ^= noise >> 7;
            noise ^= noise << 17;
            noise.to_le_bytes()[0]
        })
        .take(side as usize * 3)
        .collect();
        rows.write_all(&row)?;
    }
    chunk(b"IDAT", &rows.finish()?)?;
    chunk(b"IEND", &[])?;
    Ok(file)
}

/// What a disk itself needs: a 4 KiB write and fdatasync into an allocated file, in microseconds.
pub(crate) fn raw_sync(folder: &Path) -> Outcome<Sync> {
    const ROUNDS: usize = 500;
    let folder = tempfile::tempdir_in(folder)?;
    let mut file = File::create(folder.path().join("raw"))?;
    file.write_all(&vec![0; 4096 * ROUNDS])?;
    file.sync_all()?;
    std::io::Seek::rewind(&mut file)?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        times.push(began.elapsed());
    }
    let (p50, p99) = crate::results::microseconds(times);
    Ok(Sync { p50, p99 })
}

/// What a copilot might be asked, 2 KiB of it.
const PROMPT: &str = include_str!("../../testdata/bench/prompt.txt");
