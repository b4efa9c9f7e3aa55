//! Reads a prompt of 2 KiB as often as the first argument says, for `cargo xtask count`.

use penstock_inspect::{Inspector, Settings};
use plant::{Content, Origin, Piece, Sensitivity};
use std::hint::black_box;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rounds: usize = std::env::args().nth(1).ok_or("usage: count_read ROUNDS")?.parse()?;
    let piece = Piece {
        path: "messages[0].content".to_owned(),
        text: include_str!("../../../testdata/bench/prompt.txt").into(),
        attachment: None,
        origin: Origin::Prompt,
        fixed: false,
    };
    let content = Content { pieces: vec![piece] };
    let inspector = Inspector::new(&Settings::new(Sensitivity::LOWEST)).map_err(|problem| problem.to_string())?;
    for _ in 0..rounds {
        black_box(inspector.read(black_box(&content)).map_err(|_| "too many findings")?);
    }
    Ok(())
}
