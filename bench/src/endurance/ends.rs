//! The ends of calls as the ledger tells them, read record by record.

use crate::Outcome;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

/// How many records there are of what, and whether they fit together.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) intents: u64,
    pub(crate) outcomes: u64,
    pub(crate) refusals: u64,
    /// Records of messages and of events.
    pub(crate) events: u64,
    /// Outcomes of what had no intent, or had ended.
    pub(crate) twice: u64,
    open: BTreeSet<String>,
}

impl Ends {
    /// Reads what a command prints: a record a line.
    pub(crate) fn of(mut command: Command) -> Outcome<Self> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        let mut ends = Self::default();
        for line in lines {
            ends.add(&serde_json::from_str(&line?)?);
        }
        if child.wait()?.success() { Ok(ends) } else { Err("the records cannot be read".into()) }
    }

    /// How many calls have no end.
    pub(crate) fn open(&self) -> usize {
        self.open.len()
    }

    fn add(&mut self, record: &Value) {
        let text = |key: &str| record.get(key).and_then(Value::as_str).unwrap_or_default();
        match text("kind") {
            "intent" => {
                self.intents += 1;
                self.open.insert(text("id").to_owned());
            }
            "outcome" | "abandon" => {
                self.outcomes += 1;
                self.twice += u64::from(!self.open.remove(text("ref")));
            }
            "refuse" => self.refusals += 1,
            "event" => self.events += 1,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Ends;
    use serde_json::json;

    #[test]
    fn each_call_has_one_end() {
        let mut ends = Ends::default();
        for record in [
            json!({"kind": "intent", "id": "a"}),
            json!({"kind": "event", "id": "b", "ref": "a"}),
            json!({"kind": "outcome", "id": "c", "ref": "a"}),
            json!({"kind": "outcome", "id": "d", "ref": "a"}),
            json!({"kind": "intent", "id": "e"}),
            json!({"kind": "refuse", "id": "f"}),
        ] {
            ends.add(&record);
        }
        assert_eq!((ends.intents, ends.outcomes, ends.refusals, ends.events), (2, 2, 1, 1));
        assert_eq!((ends.open(), ends.twice), (1, 1));
    }
}
