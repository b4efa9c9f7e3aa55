//! What stands in for a provider: a scripted one on loopback, and an address beside it at which nobody answers.

use fallback::Trouble;
use miette::{IntoDiagnostic, WrapErr};
use plant::ProviderId;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use testkit::{Manner, Provider, Script};
use tokio::net::TcpSocket;

const HOME: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The stand-in of one provider.
pub(super) struct StandIn {
    provider: Provider,
    /// Bound and not listened on, so that whoever connects is refused, and nobody else can take the port.
    nobody: TcpSocket,
    /// What it says.
    says: Arc<Mutex<String>>,
    /// By which an answer is known as its own.
    word: String,
}

impl StandIn {
    /// The stand-in of a provider, the `number`th of the plant.
    pub(super) async fn of(id: &ProviderId, number: u32) -> miette::Result<Self> {
        let word = word(number);
        let says = Arc::new(Mutex::new(word.clone()));
        let told = Arc::clone(&says);
        let script: Script = Arc::new(move |_, _| told.lock().unwrap_or_else(PoisonError::into_inner).clone());
        let provider = Provider::start(HOME, script, false).await.into_diagnostic();
        let nobody = TcpSocket::new_v4().and_then(|socket| socket.bind(HOME).map(|()| socket)).into_diagnostic();
        let failed = || format!("nothing can stand in for provider `{id}`");
        Ok(Self { provider: provider.wrap_err_with(failed)?, nobody: nobody.wrap_err_with(failed)?, says, word })
    }

    /// Where it is called, if it is `there`.
    pub(super) fn address(&self, there: bool) -> Option<SocketAddr> {
        if there { Some(self.provider.address()) } else { self.nobody.local_addr().ok() }
    }

    /// Behaves as in this trouble from the next call on; a stream that is slow has begun. One that nobody can connect to is elsewhere.
    pub(super) fn behave(&self, trouble: Option<Trouble>, stream: bool) {
        self.say(if trouble == Some(Trouble::Unsafe) { flood() } else { self.word.clone() });
        self.provider.behave(match trouble {
            None | Some(Trouble::Unreachable | Trouble::Unsafe) => Manner::Well,
            Some(Trouble::Slow) if stream => Manner::Stalls,
            Some(Trouble::Slow) => Manner::Hangs,
            Some(Trouble::Limited) => Manner::Fails(429),
            Some(Trouble::Failing) => Manner::Fails(500),
            Some(Trouble::Denied) => Manner::Fails(401),
            Some(Trouble::Broken) => Manner::Breaks,
        });
    }

    /// Says this from the next call on.
    pub(super) fn say(&self, text: String) {
        *self.says.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }

    /// Whether an answer is its own.
    pub(super) fn said(&self, answer: &[u8]) -> bool {
        answer.windows(self.word.len()).any(|window| window == self.word.as_bytes())
    }

    /// How often it was asked.
    pub(super) fn asked(&self) -> usize {
        self.provider.asked()
    }

    /// Waits until it was asked so often.
    pub(super) async fn until_asked(&self, count: usize) {
        self.provider.until_asked(count).await;
    }
}

/// What a stand-in says, by which an answer is known as its own: four letters, so that a stream holds them in one event.
fn word(number: u32) -> String {
    let letter = |place: u32| char::from_digit(number / 26_u32.pow(place) % 26 + 10, 36).unwrap_or('a');
    ['z', letter(2), letter(1), letter(0)].into_iter().collect()
}

/// More than any answer in a drill may hold.
fn flood() -> String {
    "too much ".repeat(usize::try_from(super::double::LARGEST).unwrap_or_default() / 4)
}

#[cfg(test)]
mod tests {
    use super::word;
    use std::collections::BTreeSet;

    #[test]
    fn each_stand_in_has_a_word_of_its_own_that_no_hexadecimal_holds() {
        let words: BTreeSet<String> = (0..2000).map(word).collect();
        assert_eq!(words.len(), 2000);
        assert!(words.iter().all(|word| word.len() == 4 && word.starts_with('z')));
    }
}
