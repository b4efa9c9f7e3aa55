//! Serves the scripted provider until its standard input ends; prints its address first.

use std::net::SocketAddr;
use tokio::io::AsyncReadExt;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address: SocketAddr = match std::env::args().nth(1).map(|text| text.parse()) {
        None => SocketAddr::from(([127, 0, 0, 1], 0)),
        Some(Ok(address)) => address,
        Some(Err(_)) => return Err(std::io::Error::other("usage: scripted-provider [ADDRESS:PORT]")),
    };
    let provider = penstock_testkit::Provider::echo(address).await?;
    println!("{}", provider.address());
    // Whoever started us holds the other end: we end with it, however it ends.
    let mut rest = Vec::new();
    tokio::io::stdin().read_to_end(&mut rest).await?;
    Ok(())
}
