//! What an answer passes on its way to the caller, in order: each rewriter sees what the one before it made of the text.
//!
//! ```text
//! wire::Answer <-> restorer -> sinks -> guard        the first that stops the answer stops it for all
//! ```

#[cfg(test)]
mod streams;

use plant::{Channel, FindingCount, Form, Refusal, Rewrite};

/// Rewriters in a row. Without one an answer may pass unread.
#[derive(Default)]
pub(crate) struct Chain {
    links: Vec<Box<dyn Rewrite + Send>>,
}

impl Chain {
    /// The same with one more at its end, if there is one.
    #[must_use]
    pub(crate) fn then(mut self, link: Option<impl Rewrite + Send + 'static>) -> Self {
        if let Some(link) = link {
            self.links.push(Box::new(link));
        }
        self
    }

    /// The same with another at its beginning.
    #[must_use]
    pub(crate) fn led_by(mut self, link: impl Rewrite + Send + 'static) -> Self {
        self.links.insert(0, Box::new(link));
        self
    }

    /// Whether there is nothing to be done with an answer.
    pub(crate) fn idle(&self) -> bool {
        self.links.is_empty()
    }
}

impl Rewrite for Chain {
    fn push(&mut self, channel: Channel, text: &str) -> String {
        self.links.iter_mut().fold(text.to_owned(), |text, link| push(link.as_mut(), channel, text))
    }

    fn finish(&mut self, channel: Channel) -> String {
        self.links.iter_mut().fold(String::new(), |rest, link| {
            let mut said = push(link.as_mut(), channel, rest);
            said.push_str(&link.finish(channel));
            said
        })
    }

    fn whole(&mut self, text: &str, form: Form) -> Option<String> {
        let links = self.links.iter_mut();
        links.fold(None, |said, link| link.whole(said.as_deref().unwrap_or(text), form).or(said))
    }

    fn document(&mut self, json: &str) -> Option<String> {
        let links = self.links.iter_mut();
        links.fold(None, |seen, link| link.document(seen.as_deref().unwrap_or(json)).or(seen))
    }

    fn calls(&mut self, tool: &str) {
        self.links.iter_mut().for_each(|link| link.calls(tool));
    }

    fn offers(&mut self, tool: &str, definition: &str) -> bool {
        self.links.iter_mut().all(|link| link.offers(tool, definition))
    }

    fn stopped(&self) -> Option<Refusal> {
        self.links.iter().find_map(|link| link.stopped())
    }

    fn findings(&self) -> Vec<FindingCount> {
        self.links.iter().flat_map(|link| link.findings()).collect()
    }
}

/// What a link releases of a text, of which there may be none yet.
fn push(link: &mut dyn Rewrite, channel: Channel, text: String) -> String {
    if text.is_empty() { text } else { link.push(channel, &text) }
}

#[cfg(test)]
mod tests {
    use super::Chain;
    use plant::{Channel, FindingCount, Form, Reason, Refusal, Rewrite};

    /// Holds back the last character, and puts a mark at the end; stops at a `!`.
    #[derive(Default)]
    struct Last(String, char, bool);

    impl Rewrite for Last {
        fn push(&mut self, _: Channel, text: &str) -> String {
            self.2 |= text.contains('!');
            let mut said = std::mem::take(&mut self.0) + text;
            self.0.extend(said.pop());
            said
        }

        fn finish(&mut self, _: Channel) -> String {
            format!("{}{}", std::mem::take(&mut self.0), self.1)
        }

        fn whole(&mut self, text: &str, _: Form) -> Option<String> {
            Some(format!("{text}{}", self.1))
        }

        fn stopped(&self) -> Option<Refusal> {
            self.2.then(|| Refusal::new(Reason::ContentRefused, ""))
        }

        fn findings(&self) -> Vec<FindingCount> {
            vec![FindingCount { label: self.1.to_string(), count: 1 }]
        }
    }

    fn chain() -> Chain {
        Chain::default().then(Some(Last(String::new(), '1', false))).then(Some(Last(String::new(), '2', false)))
    }

    #[test]
    fn each_link_sees_what_the_one_before_it_gave() {
        let channel = Channel { number: 0, form: Form::Plain };
        let mut links = chain();
        let said: String = ["a", "bc", "d"].map(|text| links.push(channel, text)).concat() + &links.finish(channel);
        assert_eq!(said, "abcd12");
        assert_eq!(links.whole("abcd", Form::Plain).as_deref(), Some("abcd12"));
        assert!(!links.idle() && Chain::default().idle());
        assert_eq!(Chain::default().whole("abcd", Form::Plain), None);
    }

    #[test]
    fn one_that_stops_stops_all_and_all_tell_what_they_found() {
        let channel = Channel { number: 0, form: Form::Plain };
        let mut links = chain();
        assert_eq!((links.push(channel, "a"), links.stopped()), (String::new(), None));
        links.push(channel, "!b");
        assert_eq!(links.stopped().map(|refusal| refusal.reason), Some(Reason::ContentRefused));
        let labels: String = links.findings().into_iter().map(|found| found.label).collect();
        assert_eq!(labels, "12");
    }
}
