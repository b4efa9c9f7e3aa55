//! Serves the scripted provider until its standard input ends; prints its address first.

use std::net::SocketAddr;
use tokio::io::AsyncReadExt;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address: SocketAddr = match std::env::args().nth(1).map(|text| text.parse()) {
        None => SocketAddr::from(([127, 0, 0, 1], 0)),
        Some(Ok(address)) => address,
        Some(Err(_)) => return Err(std::io::Error::other("usage: scripted-provider [ADDRESS:PORT [forget]]")),
    };
    // A benchmark wants neither a memory of requests nor the time that keeping it takes.
    let remember = std::env::args().nth(2).is_none_or(|text| text != "forget");
    let script: penstock_testkit::Script = std::sync::Arc::new(|prompt, _| prompt.to_owned());
    let provider = penstock_testkit::Provider::start(address, script, remember).await?;
    println!("{}", provider.address());
    // Whoever started us holds the other end: we end with it, however it ends.
    let mut rest = Vec::new();
    tokio::io::stdin().read_to_end(&mut rest).await?;
    Ok(())
}
