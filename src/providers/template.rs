//! Placeholders `{{ field }}` in a request: each is encoded for the place it stands in, so that a value can never
//! leave it.

use super::request::BadField;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but unreserved characters (RFC 3986, 2.3).
pub(super) const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The name under which a sign-in's token stands among the secrets.
pub const TOKEN: &str = "login.token";

/// The name under which the account of a sign-in stands among the fields.
pub const ACCOUNT: &str = "login.account";

/// The same with the slashes of a path.
const DEEP: &AsciiSet = &UNRESERVED.remove(b'/');

/// Where a placeholder stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// One segment of the path.
    Path,
    /// Several segments of the path: the slashes between them stay.
    Deep,
    /// A value in the query.
    Query,
    /// A header's value.
    Header,
    /// A text inside JSON (encoded by the JSON writer, nothing to do here).
    Json,
    /// A text inside XML.
    Xml,
    /// One label of the host name.
    Host,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(String),
}

/// A text with placeholders, parsed once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

impl Template {
    /// Parses. Errors in words, with the offending placeholder in quotes.
    pub fn parse(text: &str) -> Result<Template, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find("{{") {
            if at > 0 {
                parts.push(Part::Text(rest[..at].to_owned()));
            }
            let after = &rest[at + 2..];
            let end = after.find("}}").ok_or_else(|| format!("'{{{{' without '}}}}' in '{text}'"))?;
            let name = after[..end].trim();
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            if name.is_empty() || (name != TOKEN && !name.bytes().all(plain)) {
                return Err(format!(
                    "'{{{{ {name} }}}}' is not a field: only a field's name may stand between the braces"
                ));
            }
            parts.push(Part::Field(name.to_owned()));
            rest = &after[end + 2..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Template(parts))
    }

    /// The fields named in it.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Field(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }

    /// The one field this template consists of, if it is nothing else.
    pub fn whole(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Part::Field(name)] => Some(name),
            _ => None,
        }
    }

    /// Fills it. `None`: it names fields and none of them has a value.
    pub fn fill<'a>(&self, place: Place, value: impl Fn(&str) -> Option<&'a str>) -> Result<Option<String>, BadField> {
        self.fill_by(|_| place, value)
    }

    /// The same where each field says what place it is fit for.
    pub fn fill_by<'a>(
        &self,
        place: impl Fn(&str) -> Place,
        value: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Option<String>, BadField> {
        let mut out = String::new();
        let (mut named, mut given) = (0, 0);
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Field(name) => {
                    named += 1;
                    let value = value(name).unwrap_or_default();
                    given += usize::from(!value.is_empty());
                    out.push_str(&encode(name, value, place(name))?);
                }
            }
        }
        Ok((named == 0 || given > 0).then_some(out))
    }
}

/// A value as it stands in the query of an address.
pub fn query_value(value: &str) -> String {
    utf8_percent_encode(value, UNRESERVED).to_string()
}

fn encode(name: &str, value: &str, place: Place) -> Result<String, BadField> {
    match place {
        Place::Path => match value {
            "" => Err(BadField(format!("the field '{name}' is empty, but the address needs it"))),
            "." | ".." => Err(BadField(format!("the field '{name}' may not be '{value}'"))),
            value => Ok(utf8_percent_encode(value, UNRESERVED).to_string()),
        },
        Place::Deep => {
            if value.split('/').any(|part| matches!(part, "." | "..")) {
                return Err(BadField(format!("the field '{name}' may not hold '.' or '..' as a part of its path")));
            }
            match value.trim_start_matches('/') {
                "" => Err(BadField(format!("the field '{name}' is empty, but the address needs it"))),
                value => Ok(utf8_percent_encode(value, DEEP).to_string()),
            }
        }
        Place::Xml => Ok(value.chars().filter(|c| !c.is_control() || c.is_whitespace()).fold(
            String::with_capacity(value.len()),
            |mut out, c| {
                match c {
                    '&' => out.push_str("&amp;"),
                    '<' => out.push_str("&lt;"),
                    '>' => out.push_str("&gt;"),
                    '"' => out.push_str("&quot;"),
                    '\'' => out.push_str("&apos;"),
                    c => out.push(c),
                }
                out
            },
        )),
        Place::Query => Ok(query_value(value)),
        Place::Header => match value.chars().position(|c| c.is_control() && c != '\t') {
            Some(at) => Err(BadField(format!(
                "the field '{name}' holds a line break or control character (character {}): paste it again without",
                at + 1
            ))),
            None => Ok(value.to_owned()),
        },
        Place::Json => Ok(value.to_owned()),
        Place::Host => {
            let label = (1..=63).contains(&value.len())
                && value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
                && !value.starts_with('-')
                && !value.ends_with('-');
            if label {
                Ok(value.to_owned())
            } else {
                Err(BadField(format!(
                    "the field '{name}' becomes part of a host name: only lower-case letters, digits and '-' may stand in it"
                )))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fill(text: &str, place: Place, value: &str) -> Result<Option<String>, BadField> {
        Template::parse(text).unwrap().fill(place, |_| Some(value))
    }

    #[test]
    fn values_stay_in_their_place() {
        assert_eq!(fill("/orgs/{{ org }}/x", Place::Path, "../../admin").unwrap().unwrap(), "/orgs/..%2F..%2Fadmin/x");
        assert_eq!(fill("u={{ u }}", Place::Query, "a&admin=1#").unwrap().unwrap(), "u=a%26admin%3D1%23");
        assert!(fill("{{ t }}", Place::Header, "a\r\nx: y").is_err());
        assert!(fill("https://{{ r }}.example", Place::Host, "evil.test/#").is_err());
        assert!(fill("/{{ p }}", Place::Path, "..").is_err());
        assert_eq!(fill("/f/{{ p }}", Place::Deep, "/a b/c?d#e").unwrap().unwrap(), "/f/a%20b/c%3Fd%23e");
        assert!(fill("/{{ p }}", Place::Deep, "a/../b").is_err());
        assert_eq!(
            fill("<a>{{ p }}</a>", Place::Xml, "</a>&'\"").unwrap().unwrap(),
            "<a>&lt;/a&gt;&amp;&apos;&quot;</a>"
        );
        assert!(Template::parse("{{ a.b }}").is_err());
        assert!(Template::parse("{{ a").is_err());
    }

    #[test]
    fn a_header_of_empty_fields_is_left_out() {
        assert_eq!(fill("ApiKey {{ k }}", Place::Header, "").unwrap(), None);
        assert_eq!(fill("fixed", Place::Header, "").unwrap().unwrap(), "fixed");
    }

    proptest! {
        #[test]
        fn no_value_changes_host_or_depth(value in "\\PC{1,40}") {
            if let Ok(Some(path)) = fill("https://api.example/a/{{ v }}/b", Place::Path, &value) {
                let url = reqwest::Url::parse(&path).unwrap();
                prop_assert_eq!(url.host_str(), Some("api.example"));
                prop_assert_eq!(url.path_segments().unwrap().count(), 3);
                prop_assert!(url.query().is_none() && url.fragment().is_none());
            }
            if let Ok(Some(text)) = fill("https://{{ v }}.api.example/", Place::Host, &value) {
                let url = reqwest::Url::parse(&text).unwrap();
                prop_assert!(url.host_str().unwrap().ends_with(".api.example"));
            }
        }
    }
}
