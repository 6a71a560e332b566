//! Probe kind `http_any`: any URL, with conditions of the user's own on status, headers, text and JSON.

use super::{Input, client::Client, http::Exchange, http::exchange};
use crate::{
    model::{Cause, Outcome},
    providers::{action::under, expression::Condition, http::Reading, read::general, request::Request},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header::AUTHORIZATION};
use jiff::Timestamp;
use zeroize::Zeroizing;

/// One attempt.
pub async fn probe(client: &Client, input: &Input<'_>) -> Outcome {
    let wrong = |why: String| Outcome::of(Cause::Misconfigured, Timestamp::now(), "the request cannot be made", &why);
    let request = match request(input) {
        Ok(request) => request,
        Err(why) => return wrong(why),
    };
    let expected = match Expected::read(input) {
        Ok(expected) => expected,
        Err(why) => return wrong(why),
    };
    match exchange(client, request, input.timeout).await {
        Err(failure) => *failure,
        Ok(exchange) => expected.judge(&exchange, input),
    }
}

/// The URL of the check. Only http and https, no user name or password in it.
pub fn url(input: &Input<'_>) -> Result<reqwest::Url, String> {
    let text = input.field("url").ok_or("no address is given: fill in the field 'url'")?;
    let url = reqwest::Url::parse(text.trim()).map_err(|_| {
        format!("'{}' is not a URL: write one like https://example.org/health", crate::model::text::sanitize(text, 200))
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("the address must begin with https:// or http://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("the address holds a user name or password: use the token field, or a header".to_owned());
    }
    Ok(url)
}

/// A request of the user's own to a path of the same host.
pub fn free(input: &Input<'_>, method: Method, path: &str, body: Option<String>) -> Result<Request, String> {
    let mut base = url(input)?;
    base.set_path("/");
    base.set_query(None);
    base.set_fragment(None);
    let url = under(base, path).map_err(|e| e.0)?;
    Ok(Request { headers: headers(input)?, body: body.map(Into::into), ..Request::new(method, url) })
}

fn request(input: &Input<'_>) -> Result<Request, String> {
    let method = input.field("method").unwrap_or("GET");
    let method: Method = method.parse().map_err(|_| format!("'{method}' is not an HTTP method"))?;
    Ok(Request { headers: headers(input)?, ..Request::new(method, url(input)?) })
}

/// The user's headers and the credential.
fn headers(input: &Input<'_>) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    for line in list(input, "headers") {
        let (name, value) = pair(line)
            .ok_or_else(|| format!("the header '{}' is not 'Name: value'", crate::model::text::sanitize(line, 60)))?;
        let name: HeaderName = name.parse().map_err(|_| format!("'{name}' is not a header's name"))?;
        let value =
            HeaderValue::from_str(value).map_err(|_| format!("the value of the header '{name}' cannot be sent"))?;
        headers.append(name, value);
    }
    if let Some(token) = input.secret("token") {
        let (name, text) = match input.field("header_name") {
            Some(name) => {
                let header = name.parse::<HeaderName>().map_err(|_| format!("'{name}' is not a header's name"))?;
                (header, Zeroizing::new(token.expose().to_owned()))
            }
            None => (AUTHORIZATION, Zeroizing::new(format!("Bearer {}", token.expose()))),
        };
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| "the token holds characters that no header may carry: paste it again".to_owned())?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

fn list<'a>(input: &'a Input<'_>, name: &str) -> &'a [String] {
    input.lists.get(name).map(Vec::as_slice).unwrap_or_default()
}

fn pair(line: &str) -> Option<(&str, &str)> {
    line.split_once(':').map(|(n, v)| (n.trim(), v.trim()))
}

/// What the user wants of the answer.
struct Expected {
    statuses: Vec<(u16, u16)>,
    headers: Vec<(String, regex_lite::Regex)>,
    conditions: Vec<(String, Condition)>,
}

impl Expected {
    fn read(input: &Input<'_>) -> Result<Expected, String> {
        let statuses = input.field("expect_status").unwrap_or("200-299");
        let mut headers = Vec::new();
        for line in list(input, "expect_header") {
            let (name, wanted) =
                pair(line).ok_or_else(|| format!("'{line}' is not 'Name: text or regular expression'"))?;
            let pattern =
                regex_lite::Regex::new(wanted).or_else(|_| regex_lite::Regex::new(&regex_lite::escape(wanted)));
            headers.push((name.to_ascii_lowercase(), pattern.map_err(|e| e.to_string())?));
        }
        let conditions = list(input, "expect_json").iter().map(|text| Ok((text.clone(), Condition::compile(text)?)));
        Ok(Expected {
            statuses: spans(statuses)
                .ok_or_else(|| format!("'{statuses}' are not HTTP codes: write 200, 204 or 200-299"))?,
            headers,
            conditions: conditions.collect::<Result<_, String>>()?,
        })
    }

    fn judge(&self, exchange: &Exchange, input: &Input<'_>) -> Outcome {
        let answer = exchange.answer();
        let expected = self.statuses.iter().any(|(from, to)| (*from..=*to).contains(&answer.status));
        if !expected && let Some(mut reading) = general(&answer) {
            reading.cause = match reading.cause {
                Cause::InvalidCredential if input.secret("token").is_none() => Cause::MissingCredential,
                Cause::InvalidCredential if answer.status == 403 => Cause::MissingScope,
                cause => cause,
            };
            return exchange.outcome(reading);
        }
        let seen = format!("HTTP {}", answer.status);
        let failed = |rule: String| exchange.outcome(reading(Cause::UnexpectedResponse, rule, &seen));
        if !expected {
            return failed(format!("expected the status {}", input.field("expect_status").unwrap_or("200-299")));
        }
        for (name, pattern) in &self.headers {
            let value = exchange.headers.get(name).map(|v| String::from_utf8_lossy(v.as_bytes()));
            if !value.as_ref().is_some_and(|v| pattern.is_match(v)) {
                return failed(format!("the header '{name}' does not match '{pattern}'"));
            }
        }
        if let Some(text) = input.field("expect_text")
            && !String::from_utf8_lossy(&exchange.body).contains(text)
        {
            return failed(format!("the answer does not hold '{text}'"));
        }
        if let Some((text, _)) = self.conditions.iter().find(|(_, c)| !c.holds(&answer, input.fields)) {
            return failed(format!("does not hold: {text}"));
        }
        exchange.outcome(reading(Cause::Ok, "every condition holds".to_owned(), &seen))
    }
}

fn reading(cause: Cause, rule: String, seen: &str) -> Reading {
    Reading {
        cause,
        until: None,
        rule,
        seen: seen.to_owned(),
        quotas: Vec::new(),
        facts: Vec::new(),
        identity: None,
        credential_expires: None,
        missing_scope: None,
        degraded: None,
    }
}

/// `200, 204, 300-399` as spans of codes.
fn spans(text: &str) -> Option<Vec<(u16, u16)>> {
    text.split(',')
        .map(|part| {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            let (from, to) = (from.trim().parse().ok()?, to.trim().parse().ok()?);
            (100 <= from && from <= to && to <= 599).then_some((from, to))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::spans;

    #[test]
    fn status_spans_are_read() {
        assert_eq!(spans("200, 204,300-399"), Some(vec![(200, 200), (204, 204), (300, 399)]));
        for bad in ["", "ok", "299-200", "99", "600"] {
            assert_eq!(spans(bad), None, "'{bad}'");
        }
    }
}
