//! What an auditor needs beside the ledger: its key, and how to use it.

use crate::disk;
use ledger::{Origin, Schedule};
use seal::note::Verifier;
use std::io;
use std::path::Path;

/// Writes `trust/` unless it is there already.
///
/// An existing key file is left as it is, even if it names another key: it is the auditor's reference, and whether
/// it still fits is theirs to judge.
pub(crate) fn write(folder: &Path, origin: &Origin, verifier: &Verifier, epochs: Option<&Schedule>) -> io::Result<()> {
    let epochs = epochs.map(|schedule| format!("epochs {schedule}\n")).unwrap_or_default();
    let readme = format!(
        "The ledger of {origin}\n\
         \n\
         This folder is a transparency log in the C2SP tlog-tiles format (https://c2sp.org/tlog-tiles). Each record is\n\
         one line of JSON and one leaf of a Merkle tree (RFC 6962); `checkpoint` is the signed head of that tree.\n\
         \n\
         trust/ledger.trust  the public key of the ledger and, if it has one, the schedule of its epoch keys\n\
         trust/ledger.vkey   the public key alone, as a signed-note verifier key\n\
         trust/epochs.pub    the public keys of all epochs, 32 bytes each; the schedule is the root of the tree over them\n\
         \n\
         Compare ledger.trust with the one that the plant gave you by another way: whoever could change the ledger could\n\
         change this folder too. Then, on a machine of your own:\n\
         \n\
         \x20   penstock verify LEDGER --key LEDGER.TRUST-FROM-THE-PLANT --known A-CHECKPOINT-YOU-KEPT\n\
         \n\
         Keep a copy of `checkpoint` each time you come. Next time it shows whether anything before it was changed,\n\
         removed or put back from a backup; from inside, a ledger cannot show that its end was cut off.\n"
    );
    let files = [
        ("trust/ledger.vkey", format!("{verifier}\n")),
        ("trust/ledger.trust", format!("{verifier}\n{epochs}")),
        ("trust/README.md", readme),
    ];
    for (name, text) in files {
        let path = folder.join(name);
        if !path.exists() {
            disk::replace(&path, text.as_bytes())?;
        }
    }
    Ok(())
}
