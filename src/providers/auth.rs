//! Authentication schemes: how a credential gets into a request. A scheme that needs code is one more variant here.

mod query_list;
mod shared_key;
mod sigv4;

pub use shared_key::SharedKey;
pub use sigv4::SigV4;

use super::{
    key_file,
    request::{BadField, Request},
    source,
    template::{Place, Template},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderName, HeaderValue, header::AUTHORIZATION};
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

/// One way to sign a request.
#[derive(Debug, Clone)]
pub enum Scheme {
    /// Nothing is added: as the last of several it makes the credential optional.
    None,
    /// `Authorization: Bearer …`.
    Bearer(Template),
    /// Headers of the service's own.
    Headers(Vec<(HeaderName, Template)>),
    /// User name and password.
    Basic(Template, Template),
    /// In the query: only for services that know nothing better.
    Query(Vec<(String, Template)>),
    /// A whole query in one text, as shared access signatures are.
    QueryList(Template),
    /// As members of the JSON body: a sign-in exchange.
    Body(Vec<(String, Template)>),
    /// As members of the form that is the body: a sign-in exchange.
    Form(Vec<(String, Template)>),
    /// A JSON key file in Google's form, traded for a token: only of use in a sign-in.
    KeyFile {
        /// The file's text.
        file: Template,
        /// What the token is for.
        scope: String,
        /// Token services a file may name beside the one it is sent to.
        trusted: Vec<String>,
    },
    /// In front of the path, or as a whole address under the definition's own one (webhooks).
    Path(Template),
    /// `name=value,name=value` in one text, as OpenTelemetry's variables hold headers.
    HeaderList(Template),
    /// AWS Signature Version 4.
    SigV4(Box<SigV4>),
    /// Azure Storage's Shared Key.
    SharedKey(SharedKey),
}

/// Compiles the alternatives; the first whose fields all have values is used.
pub(super) fn compile(
    sources: Vec<source::Auth>,
    mut template: impl FnMut(&str) -> Option<Template>,
) -> Result<Vec<Scheme>, String> {
    let mut schemes = Vec::new();
    for source in sources {
        let mut need = |what: &str, text: Option<&String>| {
            let text = text.ok_or_else(|| format!("the scheme '{}' needs '{what}'", source.scheme))?;
            template(text).ok_or_else(|| format!("'{what}' of the scheme '{}' cannot be used", source.scheme))
        };
        schemes.push(match source.scheme.as_str() {
            "none" => Scheme::None,
            "bearer" => Scheme::Bearer(need("token", source.token.as_ref())?),
            "basic" => {
                Scheme::Basic(need("username", source.username.as_ref())?, need("password", source.password.as_ref())?)
            }
            "header" => {
                let mut headers = Vec::new();
                for (name, value) in &source.headers {
                    let header = name.parse().map_err(|_| format!("'{name}' is not a header's name"))?;
                    headers.push((header, need(name, Some(value))?));
                }
                if headers.is_empty() {
                    return Err("the scheme 'header' needs 'headers'".to_owned());
                }
                Scheme::Headers(headers)
            }
            "query" => {
                let mut query = Vec::new();
                for (name, value) in &source.query {
                    query.push((name.clone(), need(name, Some(value))?));
                }
                Scheme::Query(query)
            }
            "body" => {
                let mut members = Vec::new();
                for (name, value) in &source.body {
                    members.push((name.clone(), need(name, Some(value))?));
                }
                if members.is_empty() {
                    return Err("the scheme 'body' needs 'body'".to_owned());
                }
                Scheme::Body(members)
            }
            "form" => {
                let mut members = Vec::new();
                for (name, value) in &source.form {
                    members.push((name.clone(), need(name, Some(value))?));
                }
                if members.is_empty() {
                    return Err("the scheme 'form' needs 'form'".to_owned());
                }
                Scheme::Form(members)
            }
            "key_file" => {
                let scope = source.scope.clone().ok_or("the scheme 'key_file' needs 'scope'")?;
                let file = need("token", source.token.as_ref())?;
                Scheme::KeyFile { file, scope, trusted: source.trusted.clone() }
            }
            "path" => Scheme::Path(need("path", source.path.as_ref())?),
            "query_list" => Scheme::QueryList(need("token", source.token.as_ref())?),
            "header_list" => Scheme::HeaderList(need("token", source.token.as_ref())?),
            "sigv4" => Scheme::SigV4(Box::new(SigV4::compile(&source, need)?)),
            "shared_key" => Scheme::SharedKey(SharedKey::compile(&source, need)?),
            other => {
                return Err(format!(
                    "'{other}' is not a scheme: none, bearer, header, header_list, basic, query, query_list, body, form, \
                     key_file, path, shared_key, sigv4"
                ));
            }
        });
    }
    Ok(schemes)
}

/// A template's text as a signature wants it: blanks around it are slips of the hand.
fn trimmed<'a>(template: &Template, value: &impl Fn(&str) -> Option<&'a str>) -> Result<Zeroizing<String>, BadField> {
    let text = Zeroizing::new(template.fill(Place::Header, value)?.unwrap_or_default());
    Ok(Zeroizing::new(text.trim().to_owned()))
}

impl Scheme {
    /// The fields it uses.
    pub fn fields(&self) -> Vec<&str> {
        match self {
            Scheme::None => Vec::new(),
            Scheme::Bearer(token) => token.fields().collect(),
            Scheme::Headers(headers) => headers.iter().flat_map(|(_, t)| t.fields()).collect(),
            Scheme::Basic(user, password) => user.fields().chain(password.fields()).collect(),
            Scheme::Query(pairs) | Scheme::Body(pairs) | Scheme::Form(pairs) => {
                pairs.iter().flat_map(|(_, t)| t.fields()).collect()
            }
            Scheme::Path(text)
            | Scheme::HeaderList(text)
            | Scheme::QueryList(text)
            | Scheme::KeyFile { file: text, .. } => text.fields().collect(),
            Scheme::SharedKey(scheme) => scheme.fields(),
            Scheme::SigV4(scheme) => scheme.fields(),
        }
    }

    /// Signs the request.
    pub fn sign<'a>(&self, request: &mut Request, value: &impl Fn(&str) -> Option<&'a str>) -> Result<(), BadField> {
        let fill = |template: &Template| {
            Ok::<_, BadField>(Zeroizing::new(template.fill(Place::Header, value)?.unwrap_or_default()))
        };
        match self {
            Scheme::None => {}
            Scheme::Bearer(token) => {
                let header = Zeroizing::new(format!("Bearer {}", *fill(token)?));
                request.headers.insert(AUTHORIZATION, sensitive(&header)?);
            }
            Scheme::Headers(headers) => {
                for (name, template) in headers {
                    request.headers.insert(name.clone(), sensitive(&fill(template)?)?);
                }
            }
            Scheme::Basic(user, password) => {
                let pair = Zeroizing::new(format!("{}:{}", *fill(user)?, *fill(password)?));
                let header = Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(pair.as_bytes())));
                request.headers.insert(AUTHORIZATION, sensitive(&header)?);
            }
            Scheme::Query(query) => {
                for (name, template) in query {
                    request.url.query_pairs_mut().append_pair(name, &fill(template)?);
                }
            }
            Scheme::Body(members) => {
                let text = request.body.take().unwrap_or_else(|| Zeroizing::new("{}".to_owned()));
                let mut body: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text)
                    .map_err(|_| BadField("the body must be a table for the credential to go into it".to_owned()))?;
                for (name, template) in members {
                    let value = template.fill(Place::Json, value)?.unwrap_or_default();
                    body.insert(name.clone(), value.into());
                }
                request.body = Some(Zeroizing::new(serde_json::Value::Object(body).to_string()));
            }
            Scheme::Form(members) => {
                for (name, template) in members {
                    let value = Zeroizing::new(template.fill(Place::Json, value)?.unwrap_or_default());
                    request.add_to_form([(name.as_str(), value.as_str())].into_iter());
                }
            }
            Scheme::SigV4(scheme) => scheme.sign(request, value)?,
            Scheme::SharedKey(scheme) => scheme.sign(request, value)?,
            Scheme::QueryList(token) => query_list::add(&mut request.url, &fill(token)?)?,
            Scheme::KeyFile { file, scope, trusted } => {
                let text = Zeroizing::new(file.fill(Place::Json, value)?.unwrap_or_default());
                let members = key_file::form(&text, scope, &request.url, trusted)?;
                request.add_to_form(members.iter().map(|(name, value)| (*name, value.as_str())));
            }
            Scheme::Path(template) => {
                let path = placed(&request.url, fill(template)?.trim())?;
                request.url.set_path(&path);
            }
            Scheme::HeaderList(template) => {
                for pair in fill(template)?.split(',').map(str::trim).filter(|p| !p.is_empty()) {
                    let (name, value) = pair.split_once('=').ok_or_else(not_a_list)?;
                    let name: HeaderName = name.trim().parse().map_err(|_| not_a_list())?;
                    let value = percent_decode_str(value.trim()).decode_utf8().map_err(|_| not_a_list())?;
                    request.headers.insert(name, sensitive(&value)?);
                }
            }
        }
        Ok(())
    }
}

/// The path of a request whose credential stands in front of the path, or is a whole address: then only one under the
/// request's own, so that a pasted address of another kind is never called.
fn placed(url: &reqwest::Url, text: &str) -> Result<Zeroizing<String>, BadField> {
    let origin = url.origin().ascii_serialization();
    let own = url.path().trim_end_matches('/');
    let below = |path: &str| path.strip_prefix(own).is_some_and(|rest| rest.starts_with('/') && rest.len() > 1);
    let path = match text.strip_prefix(origin.as_str()) {
        Some(path) if below(path) => path.to_owned(),
        None if text.starts_with('/') => format!("{}{own}", text.trim_end_matches('/')),
        _ => return Err(BadField(format!("the credential must be an address that begins with {origin}{own}/"))),
    };
    let path = Zeroizing::new(path);
    let odd = |c: char| !(c.is_ascii_alphanumeric() || "/-._~:%".contains(c));
    let dots = |part: &str| matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if path.contains(odd) || path.split('/').any(dots) {
        return Err(BadField("the credential is not fit for an address: paste it again".to_owned()));
    }
    Ok(path)
}

fn not_a_list() -> BadField {
    BadField("the headers must be written as name=value,name=value with values percent-encoded".to_owned())
}

fn sensitive(text: &str) -> Result<HeaderValue, BadField> {
    let mut value = HeaderValue::from_str(text)
        .or_else(|_| HeaderValue::from_bytes(text.as_bytes()))
        .map_err(|_| BadField("the credential holds characters that no header may carry: paste it again".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::Secret,
        providers::{Origin, Probe, compile::compile, request::Request},
    };
    use indexmap::IndexMap;
    use std::path::Path;

    fn authorization(auth: &str, token: &str) -> Result<Option<String>, String> {
        let text = format!(
            "id = \"demo\"\nname = \"Demo\"\ncategory = \"generic\"\nbase_url = \"https://demo.example\"\n\
             [fields.token]\nlabel = \"Token\"\nsecret = true\n{auth}\n\
             [check]\nkind = \"http\"\nrequest = \"GET /me\"\nactive = \"status == 200 and body.id is defined\"\n"
        );
        let definition = compile(Path::new("demo.toml"), &text, Origin::BuiltIn).unwrap();
        let Probe::Http(probe) = &definition.probe else { panic!("an http check") };
        let secrets = IndexMap::from([("token".to_owned(), Secret::new(token.to_owned()))]);
        let request = probe.request.build(&IndexMap::new(), &secrets).map_err(|error| error.to_string())?;
        Ok(request.headers.get("authorization").map(|v| v.to_str().unwrap().to_owned()))
    }

    #[test]
    fn none_is_the_last_resort_only_where_it_stands() {
        let bearer = "[auth]\nscheme = \"bearer\"\ntoken = \"{{ token }}\"";
        let either = "[[auth]]\nscheme = \"bearer\"\ntoken = \"{{ token }}\"\n[[auth]]\nscheme = \"none\"";
        assert!(authorization(bearer, "").unwrap_err().contains("'token' is empty"));
        assert_eq!(authorization(either, ""), Ok(None));
        assert_eq!(authorization(either, "t0").unwrap().as_deref(), Some("Bearer t0"));
        assert_eq!(authorization("[auth]\nscheme = \"none\"", "t0"), Ok(None));
    }

    const HEAD: &str = "id = \"demo\"\nname = \"Demo\"\ncategory = \"generic\"\nbase_url = \"https://demo.example\"\n\
                        [fields.user]\nlabel = \"User\"\n[fields.secret]\nlabel = \"Secret\"\nsecret = true\n\
                        [fields.token]\nlabel = \"Token\"\nsecret = true\n";
    const CHECK: &str = "[check]\nkind = \"http\"\nrequest = \"POST /in\"\nactive = \"body.id is defined\"\n";

    fn request(auth: &str, check: &str, given: &[(&str, &str)]) -> Result<Request, String> {
        let text = format!("{HEAD}{auth}{CHECK}{check}");
        let definition = compile(Path::new("demo.toml"), &text, Origin::BuiltIn).map_err(|e| format!("{e:?}"))?;
        let Probe::Http(probe) = &definition.probe else { panic!("not an http check") };
        let (mut fields, mut secrets) = (IndexMap::new(), IndexMap::new());
        for (name, value) in given {
            match definition.fields[*name].secret {
                true => secrets.insert((*name).to_owned(), Secret::new((*value).to_owned())).map(drop),
                false => fields.insert((*name).to_owned(), (*value).to_owned()).map(drop),
            };
        }
        probe.request.build(&fields, &secrets).map_err(|e| e.0)
    }

    #[test]
    fn a_credential_in_the_body_stays_a_json_text() {
        let auth = "[auth]\nscheme = \"body\"\nbody = { user = \"{{ user }}\", secret = \"{{ secret }}\" }\n";
        let given = [("user", "ada"), ("secret", "s\",\"admin\":true,\"x\":\"")];
        let made = request(auth, "body = { keep = 1 }\n", &given).unwrap();
        assert!(!format!("{made:?}").contains("admin"), "the credential does not show");
        let body: serde_json::Value = serde_json::from_str(&made.body.unwrap()).unwrap();
        assert_eq!(body, serde_json::json!({ "keep": 1, "user": "ada", "secret": "s\",\"admin\":true,\"x\":\"" }));
        assert!(request(auth, "", &[("user", "ada")]).unwrap_err().contains("'secret' is empty"));
        assert!(request(auth, "body = [1]\n", &given).unwrap_err().contains("must be a table"));
        assert!(request("[auth]\nscheme = \"body\"\n", "", &given).unwrap_err().contains("needs 'body'"));
    }

    #[test]
    fn an_alternative_filled_in_half_is_not_sent_without_credential() {
        let auth = "[[auth]]\nscheme = \"basic\"\nusername = \"{{ user }}\"\npassword = \"{{ secret }}\"\n\
                    [[auth]]\nscheme = \"bearer\"\ntoken = \"{{ token }}\"\n";
        let signed = |given: &[(&str, &str)]| {
            request(auth, "", given)
                .map(|r| r.headers.get("authorization").map(|v| String::from_utf8_lossy(v.as_bytes()).into_owned()))
        };
        assert_eq!(signed(&[("user", "ada"), ("secret", "s")]).unwrap().unwrap(), "Basic YWRhOnM=");
        assert_eq!(signed(&[("user", "ada"), ("token", "t")]).unwrap().unwrap(), "Bearer t");
        assert_eq!(signed(&[]).unwrap(), None);
        assert!(signed(&[("user", "ada")]).unwrap_err().contains("'secret' is empty"));
        assert!(signed(&[("secret", "s")]).unwrap_err().contains("'user' is empty"));
    }

    fn at(url: &str) -> Request {
        Request::new(http::Method::GET, url.parse().unwrap())
    }

    fn signed(scheme: &Scheme, value: &str) -> Result<Request, BadField> {
        let mut request = at("https://hooks.example/services");
        scheme.sign(&mut request, &|_| Some(value)).map(|()| request)
    }

    #[test]
    fn a_credential_in_the_path_stays_under_its_address() {
        let path = |url: &str, text: &str| placed(&url.parse().unwrap(), text).map(|p| p.to_string());
        let hooks = "https://hooks.example/services";
        assert_eq!(path(hooks, "https://hooks.example/services/T0/x-1_y").unwrap(), "/services/T0/x-1_y");
        assert_eq!(path("https://bots.example/getMe", "/bot123:AA-b").unwrap(), "/bot123:AA-b/getMe");
        for bad in [
            "https://evil.example/services/x",
            "https://hooks.example.evil.example/services/x",
            "https://hooks.example/services",
            "https://hooks.example/services/",
            "https://hooks.example/triggers/evil",
            "https://hooks.example/servicesevil/x",
            "https://hooks.example@evil.example/services/x",
            "http://hooks.example/services/x",
            "https://hooks.example/services/../x",
            "https://hooks.example/services/%2E%2e/evil",
            "bot123",
            "/a?b",
            "/a#b",
            "/a b",
            "",
        ] {
            let error = path(hooks, bad).unwrap_err().0;
            assert!(!error.contains("evil") && !error.contains("bot123"), "{error}");
        }
    }

    #[test]
    fn a_request_shows_no_credential_of_its_path() {
        let scheme = Scheme::Path(Template::parse("{{ hook }}").unwrap());
        let request = signed(&scheme, "https://hooks.example/services/T0/s3cr3t").unwrap();
        assert_eq!(request.url.path(), "/services/T0/s3cr3t");
        assert!(!format!("{request:?}").contains("s3cr3t"));
    }

    #[test]
    fn a_list_of_headers_is_taken_apart() {
        let scheme = Scheme::HeaderList(Template::parse("{{ headers }}").unwrap());
        let request = signed(&scheme, "x-team=s3cr3t, Authorization=Basic%20YTpi%3D").unwrap();
        assert_eq!(request.headers["x-team"], "s3cr3t");
        assert_eq!(request.headers[AUTHORIZATION], "Basic YTpi=");
        assert!(request.headers["x-team"].is_sensitive());
        for bad in ["s3cr3t", "s3 cr3t=x", "x=%0d%0as3cr3t: y"] {
            let error = signed(&scheme, bad).unwrap_err().0;
            assert!(!error.contains("cr3t"), "{error}");
        }
    }
}
