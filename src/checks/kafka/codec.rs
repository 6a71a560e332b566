//! Kafka's messages by the crate `kafka-protocol`, and what that does not hold: frames, and lists that are longer than their answer. The
//! crate reserves room for as many items as a list claims, which would end the whole process.

use crate::{
    checks::stream::failed,
    model::{Cause, Outcome},
};
use bytes::{Buf, Bytes};
use kafka_protocol::{
    error::ResponseError,
    messages::{ApiKey, RequestHeader, ResponseHeader},
    protocol::{Decodable, Encodable, StrBytes, buf::ByteBuf},
};
use zeroize::Zeroizing;

/// Longest answer read, in bytes: a cluster of a thousand brokers.
const LARGEST: usize = 1024 * 1024;
/// Bytes of an answer's head.
pub const HEAD: usize = 8;

/// A request with its head and its length in front. Wiped, for it may hold a password. `None`: a value is longer than the protocol has room for.
pub fn request(request: &impl Encodable, api: ApiKey, version: i16, number: i32) -> Option<Zeroizing<Vec<u8>>> {
    let head = RequestHeader::default()
        .with_request_api_key(api as i16)
        .with_request_api_version(version)
        .with_correlation_id(number)
        .with_client_id(Some(StrBytes::from_static_str("lampboard")));
    let of_head = api.request_header_version(version);
    let length = head.compute_size(of_head).ok()? + request.compute_size(version).ok()?;
    // In its final size at once: what grows leaves its old bytes behind.
    let mut frame = Zeroizing::new(Vec::with_capacity(length + 4));
    frame.extend(i32::try_from(length).ok()?.to_be_bytes());
    head.encode(&mut *frame, of_head).ok()?;
    request.encode(&mut *frame, version).ok()?;
    Some(frame)
}

/// How many bytes come after an answer's head. `None`: it is not the answer to request `number`.
pub fn length(mut head: &[u8], api: ApiKey, version: i16, number: i32) -> Option<usize> {
    let length = usize::try_from(head.try_get_i32().ok()?).ok().filter(|l| (4..=LARGEST).contains(l))?;
    let head = ResponseHeader::decode(&mut head, api.response_header_version(version)).ok()?;
    (head.correlation_id == number).then_some(length - 4)
}

/// An answer that is an error code, a list whose items take at least `least` bytes, and no list besides.
pub fn listing<T: Decodable>(body: &Bytes, version: i16, least: usize) -> Option<T> {
    let claimed = usize::try_from(body.get(2..)?.try_get_i32().ok()?).unwrap_or_default();
    if claimed > body.len() / least {
        return None;
    }
    T::decode(&mut body.clone(), version).ok()
}

/// A list's items, one by one. Each takes at least a byte, so that a false number ends with the answer.
pub fn items<T: Decodable>(body: &mut Bytes, version: i16) -> Option<Vec<T>> {
    let mut all = Vec::new();
    for _ in 0..body.try_get_i32().ok()? {
        all.push(T::decode(body, version).ok()?);
    }
    Some(all)
}

/// A text; one that is null is empty.
pub fn text(body: &mut Bytes) -> Option<String> {
    let length = usize::try_from(body.try_get_i16().ok()?).unwrap_or_default();
    Some(String::from_utf8_lossy(&body.try_get_bytes(length).ok()?).into_owned())
}

/// Bytes; null ones, which the crate does not take, are empty.
pub fn bytes(body: &mut Bytes) -> Option<Bytes> {
    let length = usize::try_from(body.try_get_i32().ok()?).unwrap_or_default();
    body.try_get_bytes(length).ok()
}

/// The verdict of what is not Kafka's.
pub fn foreign(step: &str, seen: &[u8]) -> Box<Outcome> {
    let bytes: Vec<String> = seen.iter().take(16).map(|b| format!("{b:02x}")).collect();
    failed(Cause::Protocol, format!("{step} is not answered in Kafka's way"), &bytes.join(" "))
}

/// The verdict of an error code. `None`: it is none.
pub fn refused(step: &str, code: i16, words: &str) -> Option<Box<Outcome>> {
    use ResponseError as E;
    let error = ResponseError::try_from_code(code)?;
    let (cause, hint) = match error {
        E::SaslAuthenticationFailed => (Cause::InvalidCredential, ""),
        E::IllegalSaslState => (Cause::Misconfigured, "this listener wants no sign-in"),
        E::UnsupportedSaslMechanism | E::UnsupportedVersion => (Cause::Misconfigured, ""),
        E::TopicAuthorizationFailed | E::GroupAuthorizationFailed | E::ClusterAuthorizationFailed => {
            (Cause::MissingScope, "")
        }
        E::ThrottlingQuotaExceeded => (Cause::Throttled, ""),
        E::RequestTimedOut => (Cause::Timeout, ""),
        E::UnknownServerError
        | E::LeaderNotAvailable
        | E::NotLeaderOrFollower
        | E::BrokerNotAvailable
        | E::NetworkException => (Cause::ServerError, "the broker is not ready"),
        _ => (Cause::UnexpectedResponse, ""),
    };
    let seen =
        [words, hint, &error.to_string()].into_iter().find(|text| !text.is_empty()).unwrap_or_default().to_owned();
    let mut outcome = failed(cause, format!("{step} was refused (error {code} {error})"), &seen);
    outcome.code = u16::try_from(code).ok();
    Some(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kafka_protocol::messages::{
        ApiVersionsRequest, ApiVersionsResponse, SaslHandshakeResponse, metadata_response::MetadataResponseBroker,
    };
    use proptest::prelude::*;

    #[test]
    fn a_request_is_as_the_protocol_has_it() {
        let frame = request(&ApiVersionsRequest::default(), ApiKey::ApiVersions, 0, 7).unwrap();
        assert_eq!(&frame[..], b"\0\0\0\x13\0\x12\0\0\0\0\0\x07\0\x09lampboard");
        assert_eq!(length(b"\0\0\0\x06\0\0\0\x07", ApiKey::ApiVersions, 0, 7), Some(2));
        assert_eq!(length(b"\0\0\0\x06\0\0\0\x08", ApiKey::ApiVersions, 0, 7), None);
    }

    #[test]
    fn a_list_longer_than_its_answer_is_refused_before_room_is_made() {
        let claim = Bytes::from_static(b"\0\0\x7f\xff\xff\xff\0\x03\0\0\0\x02");
        assert!(listing::<ApiVersionsResponse>(&claim, 0, 6).is_none());
        assert!(listing::<SaslHandshakeResponse>(&claim, 1, 2).is_none());
        assert!(items::<MetadataResponseBroker>(&mut claim.slice(2..), 2).is_none());
    }

    #[test]
    fn what_is_null_is_empty() {
        let mut nothing = Bytes::from_static(b"\xff\xff\xff\xff\xff\xff");
        assert_eq!((text(&mut nothing), bytes(&mut nothing)), (Some(String::new()), Some(Bytes::new())));
    }

    proptest! {
        #[test]
        fn no_answer_is_read_past_its_end(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let body = Bytes::from(bytes);
            let _ = listing::<ApiVersionsResponse>(&body, 0, 6);
            let _ = listing::<SaslHandshakeResponse>(&body, 1, 2);
            let mut left = body.clone();
            let _ = (items::<MetadataResponseBroker>(&mut left, 2), text(&mut left), super::bytes(&mut left));
            prop_assert!(left.len() <= body.len());
        }
    }
}
