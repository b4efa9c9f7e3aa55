//! Requests that are sent again under the same idempotency key are done once
//! (draft-ietf-httpapi-idempotency-key-header).
//!
//! Kept in memory: a gateway that starts anew has forgotten the keys, and what a repeated request asks for is then
//! already so, or is asked for again by somebody who knows that the gateway was restarted.

use crate::problem::{Problem, Reply, with};
use bytes::Bytes;
use http::StatusCode;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Most keys that are remembered, the oldest forgotten first.
const MOST: usize = 1024;

/// Who asked under which key.
type Key = (String, String);

/// What was asked and answered.
#[derive(Clone)]
enum Told {
    UnderWay(Bytes),
    Done(Bytes, StatusCode, &'static str, Bytes),
}

/// The requests of late.
#[derive(Default)]
pub(crate) struct Repeats(Mutex<(BTreeMap<Key, Told>, VecDeque<Key>)>);

/// A request that is new. Dropped without an answer, it is as if it had never come.
pub(crate) struct New<'a> {
    repeats: &'a Repeats,
    key: Option<Key>,
    asked: Bytes,
}

impl Repeats {
    /// Takes a request: gives the answer if it was answered before.
    pub(crate) fn take(&self, who: &str, key: Option<&str>, asked: Bytes) -> Result<Result<New<'_>, Reply>, Problem> {
        let Some(key) = key else { return Ok(Ok(New { repeats: self, key: None, asked })) };
        let key = (who.to_owned(), key.to_owned());
        let mut memory = self.lock();
        let (known, order) = &mut *memory;
        match known.get(&key) {
            Some(Told::UnderWay(same)) if *same == asked => Err(Problem::Key("the first request is still under way")),
            Some(Told::Done(same, status, kind, body)) if *same == asked => Ok(Err(with(*status, kind, body.clone()))),
            Some(_) => Err(Problem::Key("the key was used for another request")),
            None => {
                known.insert(key.clone(), Told::UnderWay(asked.clone()));
                order.push_back(key.clone());
                if order.len() > MOST
                    && let Some(oldest) = order.pop_front()
                {
                    known.remove(&oldest);
                }
                Ok(Ok(New { repeats: self, key: Some(key), asked }))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, (BTreeMap<Key, Told>, VecDeque<Key>)> {
        // A panic under this lock leaves at worst a key in one of the two, which costs its memory or its repeat.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl New<'_> {
    /// Remembers the answer.
    pub(crate) fn answered(mut self, status: StatusCode, kind: &'static str, body: Bytes) -> Reply {
        if let Some(key) = self.key.take()
            && let Some(told) = self.repeats.lock().0.get_mut(&key)
        {
            *told = Told::Done(std::mem::take(&mut self.asked), status, kind, body.clone());
        }
        with(status, kind, body)
    }
}

impl Drop for New<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            let mut memory = self.repeats.lock();
            memory.0.remove(&key);
            memory.1.retain(|other| *other != key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Repeats;
    use crate::problem::Problem;
    use http::StatusCode;

    fn ask<'a>(
        repeats: &'a Repeats,
        who: &str,
        key: &str,
        body: &'static str,
    ) -> Result<Option<super::New<'a>>, Problem> {
        repeats.take(who, Some(key), body.into()).map(Result::ok)
    }

    #[test]
    fn a_repeat_gets_the_first_answer_and_another_request_under_the_key_none() {
        let repeats = Repeats::default();
        let first = ask(&repeats, "ada", "k", "one").unwrap().unwrap();
        assert!(matches!(ask(&repeats, "ada", "k", "one"), Err(Problem::Key(_))), "under way");
        drop(first.answered(StatusCode::OK, "application/json", "{}".into()));
        let again = repeats.take("ada", Some("k"), "one".into()).unwrap();
        assert_eq!(again.err().map(|reply| reply.status()), Some(StatusCode::OK));
        assert!(matches!(ask(&repeats, "ada", "k", "two"), Err(Problem::Key(_))));
        assert!(ask(&repeats, "ben", "k", "two").unwrap().is_some(), "keys are each person's own");
    }

    #[test]
    fn what_failed_may_be_tried_again_and_old_keys_are_forgotten() {
        let repeats = Repeats::default();
        drop(ask(&repeats, "ada", "k", "one").unwrap());
        assert!(ask(&repeats, "ada", "k", "two").unwrap().is_some());
        for at in 0..super::MOST + 5 {
            let new = ask(&repeats, "ada", &format!("key-{at}"), "body").unwrap().unwrap();
            drop(new.answered(StatusCode::OK, "application/json", "{}".into()));
        }
        let memory = repeats.lock();
        assert_eq!((memory.0.len(), memory.1.len()), (super::MOST, super::MOST));
    }
}
