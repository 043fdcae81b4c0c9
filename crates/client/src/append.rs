//! Appending: one event, or several that are recorded together or not at all.

use crate::answer;
use crate::body::Body;
use crate::builder::Client;
use crate::claim::Claim;
use crate::error::Error;
use crate::limits::VERIFIED_IN_PLACE_MAX;
use crate::recorded::Recorded;
use crate::retry::{Tries, Trouble};
use crate::verify::{NotProven, Sender, Sent, Verifier};
use bytes::Bytes;
use hyper::Request;
use hyper::header::CONTENT_TYPE;
use indelible_api::{Answer, Single, path};
use indelible_proof::event::EventReader;
use indelible_proof::hash::Hash;
use indelible_proof::limits::EVENT_BYTES_MAX;
use std::ops::Range;
use std::sync::Arc;

impl Client {
    /// Records an event, under a key of its own.
    ///
    /// # Errors
    /// [`Error`]; whether it may be recorded all the same says [`Error::may_be_recorded`].
    pub async fn append(&self, log: &str, event: impl AsRef<[u8]>) -> Result<Recorded, Error> {
        self.append_as(log, event, &Claim::fresh()).await
    }

    /// Records an event under this claim: sent again with the same claim, it is answered with the one record.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn append_as(
        &self,
        log: &str,
        event: impl AsRef<[u8]>,
        claim: &Claim,
    ) -> Result<Recorded, Error> {
        let verifier = self.verifier(log)?;
        let body = minified(event.as_ref())?;
        let success = self.post(log, &body, claim).await?;
        let single: Single = understood(&success.body)?;
        let key = match claim {
            Claim::Key(key) => Some(key.as_str()),
            _ => None,
        };
        let sent = Sent {
            event: &body,
            own: claim.own(key, 0, &body),
        };
        let sender = self.sender(success.certificate);
        Ok(verifier.single(&single, &sender, &sent)?)
    }

    /// Records events together or not at all, one after the other, under one key.
    ///
    /// # Errors
    /// [`Error`]: then none is recorded, or nobody knows of any.
    pub async fn append_all<E: AsRef<[u8]>>(
        &self,
        log: &str,
        events: &[E],
    ) -> Result<Vec<Recorded>, Error> {
        self.append_all_as(log, events, &Claim::fresh()).await
    }

    /// The same under this claim: event number *i* has the key `KEY#i`, or the number *i* after the first.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn append_all_as<E: AsRef<[u8]>>(
        &self,
        log: &str,
        events: &[E],
        claim: &Claim,
    ) -> Result<Vec<Recorded>, Error> {
        let verifier = self.verifier(log)?;
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let (body, places) = array(events)?;
        let success = self.post(log, &body, claim).await?;
        let judging = Judging {
            verifier: Arc::clone(verifier),
            principal: self.inner.principal.clone(),
            certificate: success.certificate,
            claim: claim.clone(),
            body,
            places,
            answer: success.body,
        };
        if judging.places.len() <= VERIFIED_IN_PLACE_MAX {
            return judging.judge();
        }
        let judged = tokio::task::spawn_blocking(move || judging.judge()).await;
        judged.map_err(|_| Error::Answer("the program ended while it was verified".to_owned()))?
    }

    pub(crate) fn verifier(&self, log: &str) -> Result<&Arc<Verifier>, Error> {
        let verifier = self.inner.logs.get(log);
        verifier.ok_or_else(|| Error::NoPin(log.to_owned()))
    }

    pub(crate) fn sender(&self, certificate: Hash) -> Sender<'_> {
        Sender {
            by: self.inner.principal.as_deref(),
            certificate: Some(certificate),
        }
    }

    /// Sends a body until it is answered, as often as may be.
    async fn post(&self, log: &str, body: &Bytes, claim: &Claim) -> Result<answer::Success, Error> {
        let mut tries = Tries::new(claim, self.inner.patience);
        loop {
            let request = self.posting(log, path::JSON, claim.field(0), Body::of(body.clone()))?;
            let once = async { answer::whole(self.inner.pool.send(request).await?).await };
            let trouble = match tokio::time::timeout(self.inner.try_max, once).await {
                Ok(Ok(success)) => return Ok(success),
                Ok(Err(trouble)) => trouble,
                Err(_) => Trouble::sent(format!(
                    "no answer within {} ms",
                    self.inner.try_max.as_millis()
                )),
            };
            tokio::time::sleep(tries.after(trouble)?).await;
        }
    }

    /// A request to record something.
    pub(crate) fn posting(
        &self,
        log: &str,
        media: &str,
        fields: impl IntoIterator<Item = (&'static str, String)>,
        body: Body,
    ) -> Result<Request<Body>, Error> {
        let target = self.inner.pool.target();
        let mut request = Request::post(format!("{}{}", target.base, path::records(log)))
            .header(CONTENT_TYPE, media);
        if !self.inner.pool.is_multiplexed() {
            request = request.header(hyper::header::HOST, target.authority());
        }
        for (name, value) in fields {
            request = request.header(name, value);
        }
        request
            .body(body)
            .map_err(|error| Error::Answer(format!("the request can't be made: {error}")))
    }
}

/// An array's answer with what it is judged by.
struct Judging {
    verifier: Arc<Verifier>,
    principal: Option<String>,
    certificate: Hash,
    claim: Claim,
    body: Bytes,
    /// Where in the body each event stands.
    places: Vec<Range<usize>>,
    answer: Bytes,
}

impl Judging {
    fn judge(&self) -> Result<Vec<Recorded>, Error> {
        let answer: Answer = understood(&self.answer)?;
        let count = self.places.len();
        let keys: Vec<Option<String>> = (0..count).map(|index| self.claim.key_of(index)).collect();
        let sent = self.places.iter().zip(&keys).enumerate();
        let sent = sent.map(|(index, (place, key))| {
            let event = self.body.get(place.clone()).unwrap_or_default();
            Sent {
                event,
                own: self.claim.own(key.as_deref(), index, event),
            }
        });
        let sender = Sender {
            by: self.principal.as_deref(),
            certificate: Some(self.certificate),
        };
        match answer {
            Answer::Array(array) => Ok(self.verifier.array(&array, &sender, sent)?),
            Answer::Each { records } if records.len() == count => {
                let judged = records
                    .iter()
                    .zip(sent)
                    .map(|(single, sent)| self.verifier.single(single, &sender, &sent));
                Ok(judged.collect::<Result<_, _>>()?)
            }
            Answer::Each { records } => Err(NotProven::Count {
                sent: count,
                answered: records.len(),
            }
            .into()),
        }
    }
}

pub(crate) fn minified(event: &[u8]) -> Result<Bytes, Error> {
    let mut out = Vec::with_capacity(event.len());
    let judged = EventReader::new(EVENT_BYTES_MAX).minify(event, &mut out);
    judged.map_err(|error| Error::Event { index: 0, error })?;
    Ok(out.into())
}

/// The events as one array, and where each stands in it.
fn array<E: AsRef<[u8]>>(events: &[E]) -> Result<(Bytes, Vec<Range<usize>>), Error> {
    let bytes: usize = events.iter().map(|event| event.as_ref().len() + 1).sum();
    let (mut body, mut places) = (
        Vec::with_capacity(bytes + 1),
        Vec::with_capacity(events.len()),
    );
    let mut reader = EventReader::new(EVENT_BYTES_MAX);
    body.push(b'[');
    for (index, event) in events.iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        let start = body.len();
        let judged = reader.minify(event.as_ref(), &mut body);
        judged.map_err(|error| Error::Event { index, error })?;
        places.push(start..body.len());
    }
    body.push(b']');
    Ok((body.into(), places))
}

pub(crate) fn understood<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| Error::Answer(error.to_string()))
}
