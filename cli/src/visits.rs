//! What a record says of somebody who came to the console: let in, gone, or turned away. Never what they showed.

use console::{Passage, Visit};
use plant::{Body, Note, Party, Who};
use std::collections::BTreeMap;

/// What an `admin` record says of it.
pub(crate) fn body(visit: Visit) -> Body {
    let Visit { what, person, peer, times } = visit;
    let mut note = BTreeMap::from([(
        "change",
        Note::text(match what {
            Passage::SignedIn => "signed-in",
            Passage::SignedOut => "signed-out",
            Passage::Refused(_) => "access-refused",
        }),
    )]);
    if let Passage::Refused(why) = what {
        note.insert("reason", Note::text(why.name()));
        note.insert("result", Note::text("refused"));
    }
    note.extend(times.map(|times| ("times", Note::Number(times))));
    let mut operator = None;
    if let Some(person) = person {
        let roles = person.roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ");
        note.insert("by", Note::text(person.told()));
        note.insert("roles", Note::text(roles));
        // Only the issuer's people have a pseudonym, by which their calls are found too.
        operator = (person.by == "oidc").then_some(Party { id: person.name, by: person.by });
    }
    let who = peer.map(|peer| Who { workload: None, workstation: None, operator, peer, client: None });
    Body { who, note, ..Body::default() }
}
