//! The signature against vectors captured from Amazon's own client, and one of Amazon's test suite.

use super::*;
use http::{HeaderMap, HeaderName, Method};
use std::time::Duration;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

fn instant(amz_date: &str) -> SystemTime {
    let at = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", amz_date).unwrap();
    let seconds = at.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_second();
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.try_into().unwrap())
}

fn values(service: &str, region: &str, access: &str, secret: &str, token: Option<&str>) -> Values {
    Values {
        service: service.into(),
        region: region.into(),
        access_key: Zeroizing::new(access.into()),
        secret_key: Zeroizing::new(secret.into()),
        session_token: token.map(|t| Zeroizing::new(t.to_owned())),
    }
}

fn authorization(request: &Request) -> &str {
    request.headers["authorization"].to_str().unwrap()
}

#[test]
fn requests_are_signed_as_amazons_own_client_does() {
    let vectors: Vec<serde_json::Value> = serde_json::from_str(include_str!("vectors.json")).unwrap();
    assert_eq!(vectors.len(), 10);
    for vector in &vectors {
        let text = |key: &str| vector[key].as_str();
        let name = text("name").unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in vector["headers"].as_object().unwrap() {
            headers.insert(name.parse::<HeaderName>().unwrap(), value.as_str().unwrap().parse().unwrap());
        }
        let (method, url) = (text("method").unwrap().parse().unwrap(), text("url").unwrap().parse().unwrap());
        let body = text("body").filter(|b| !b.is_empty()).map(|b| b.to_owned().into());
        let mut request = Request { headers, body, ..Request::new(method, url) };
        assert_eq!(request.url.as_str(), text("url").unwrap(), "{name}: the address is sent as it is signed");
        let (service, region) = (text("service").unwrap(), text("region").unwrap());
        let token = text("session_token");
        let values = values(service, region, "AKIAIOSFODNN7EXAMPLE", SECRET, token);
        sign(&mut request, &values, instant(text("date").unwrap())).unwrap();
        assert_eq!(authorization(&request), text("authorization").unwrap(), "{name}");
        assert_eq!(request.headers["x-amz-date"], text("date").unwrap(), "{name}");
        assert_eq!(request.headers.get("x-amz-security-token").map(|t| t.to_str().unwrap()), token, "{name}");
        assert!(request.headers["authorization"].is_sensitive());
    }
}

#[test]
fn the_simplest_vector_of_the_test_suite_holds() {
    let url = "https://example.amazonaws.com/".parse().unwrap();
    let mut request = Request::new(Method::GET, url);
    let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    let values = values("service", "us-east-1", "AKIDEXAMPLE", secret, None);
    sign(&mut request, &values, instant("20150830T123600Z")).unwrap();
    let signature = "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
    assert!(authorization(&request).ends_with(signature), "{}", authorization(&request));
}

#[test]
fn a_body_is_signed_with_its_type_and_nothing_of_the_key_shows() {
    let mut made = Vec::new();
    for body in ["{\"Limit\":1}", "{\"Limit\":2}"] {
        let url = "https://dynamodb.eu-west-1.amazonaws.com/".parse().unwrap();
        let mut request = Request { body: Some(body.to_owned().into()), ..Request::new(Method::POST, url) };
        let values = values("dynamodb", "eu-west-1", "AKIDEXAMPLE", SECRET, Some("a-session-token"));
        sign(&mut request, &values, instant("20150830T123600Z")).unwrap();
        assert!(authorization(&request).contains("SignedHeaders=content-type;host;x-amz-date;x-amz-security-token,"));
        let shown = format!("{request:?} {:?}", request.headers);
        assert!(!shown.contains(SECRET) && !shown.contains("a-session-token"), "{shown}");
        made.push(authorization(&request).to_owned());
    }
    assert_ne!(made[0], made[1], "another body has another signature");
}

#[test]
fn a_key_that_no_header_may_carry_is_refused_without_being_shown() {
    let url = "https://sts.amazonaws.com/".parse().unwrap();
    let mut request = Request::new(Method::GET, url);
    let values = values("sts", "us-east-1", "AKID\r\nx-evil: 1", SECRET, None);
    let error = sign(&mut request, &values, SystemTime::now()).unwrap_err();
    assert!(!error.0.contains("evil"), "{error}");
}
