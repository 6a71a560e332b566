//! Scheme `sigv4`: AWS Signature Version 4, as Amazon's services and every S3-compatible store want it. The signature
//! covers method, address, the body and the time of sending.

use super::{
    super::{
        request::{BadField, Request},
        source,
        template::Template,
    },
    trimmed,
};
use std::time::SystemTime;
use zeroize::Zeroizing;

/// What a signature is made of, as the definition has it.
#[derive(Debug, Clone)]
pub struct SigV4 {
    service: Template,
    region: Template,
    access_key: Template,
    secret_key: Template,
    session_token: Option<Template>,
}

/// The same with its values, for one request.
#[cfg_attr(not(feature = "aws"), expect(dead_code, reason = "such a build cannot sign"))]
struct Values {
    service: String,
    region: String,
    access_key: Zeroizing<String>,
    secret_key: Zeroizing<String>,
    session_token: Option<Zeroizing<String>>,
}

impl SigV4 {
    /// Compiles the keys of the scheme; `need` complains of one that is missing.
    pub(super) fn compile(
        source: &source::Auth,
        mut need: impl FnMut(&str, Option<&String>) -> Result<Template, String>,
    ) -> Result<SigV4, String> {
        Ok(SigV4 {
            service: need("service", source.service.as_ref())?,
            region: need("region", source.region.as_ref())?,
            access_key: need("access_key", source.access_key.as_ref())?,
            secret_key: need("secret_key", source.secret_key.as_ref())?,
            session_token: match &source.session_token {
                Some(text) => Some(need("session_token", Some(text))?),
                None => None,
            },
        })
    }

    /// The fields that must have values; a long-lived key has no session token.
    pub(super) fn fields(&self) -> Vec<&str> {
        [&self.service, &self.region, &self.access_key, &self.secret_key].into_iter().flat_map(|t| t.fields()).collect()
    }

    /// Signs the request as it stands, for now.
    pub(super) fn sign<'a>(
        &self,
        request: &mut Request,
        value: &impl Fn(&str) -> Option<&'a str>,
    ) -> Result<(), BadField> {
        let fill = |template: &Template| trimmed(template, value);
        let token = self.session_token.as_ref().map(fill).transpose()?.filter(|t| !t.is_empty());
        let values = Values {
            service: fill(&self.service)?.to_string(),
            region: fill(&self.region)?.to_string(),
            access_key: fill(&self.access_key)?,
            secret_key: fill(&self.secret_key)?,
            session_token: token,
        };
        sign(request, &values, SystemTime::now())
    }
}

#[cfg(not(feature = "aws"))]
fn sign(_: &mut Request, _: &Values, _: SystemTime) -> Result<(), BadField> {
    Err(BadField("this build cannot sign for AWS: build with the feature 'aws'".to_owned()))
}

/// Adds the headers of the signature made at `at`.
#[cfg(feature = "aws")]
fn sign(request: &mut Request, values: &Values, at: SystemTime) -> Result<(), BadField> {
    use aws_credential_types::Credentials;
    use aws_sigv4::{
        http_request::{
            PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
            UriPathNormalizationMode,
        },
        sign::v4,
    };
    use http::{HeaderName, HeaderValue, header::CONTENT_TYPE};

    let bad = |why: &str| BadField(format!("the request cannot be signed: {why}"));
    if request.body.is_some() && !request.headers.contains_key(CONTENT_TYPE) {
        // What is sent must be what is signed.
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    let mut settings = SigningSettings::default();
    if matches!(values.service.as_str(), "s3" | "s3express") || values.service.starts_with("s3-") {
        // S3 takes the path as it is sent, `..` and `//` being names of objects, and wants the body's hash in a header.
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    let credentials = Credentials::new(
        values.access_key.as_str(),
        values.secret_key.as_str(),
        values.session_token.as_deref().map(|t| t.to_owned()),
        None,
        "lampboard",
    )
    .into();
    let parameters = v4::SigningParams::builder()
        .identity(&credentials)
        .region(&values.region)
        .name(&values.service)
        .time(at)
        .settings(settings)
        .build()
        .map_err(|_| bad("something is missing"))?
        .into();
    // A proxy may change the others on their way.
    let signed = |name: &HeaderName| name == CONTENT_TYPE || name.as_str().starts_with("x-amz-");
    let headers: Vec<(&str, &str)> = request
        .headers
        .iter()
        .filter(|(name, _)| signed(name))
        .map(|(name, value)| Ok((name.as_str(), value.to_str().map_err(|_| bad("a header is not plain text"))?)))
        .collect::<Result<_, BadField>>()?;
    let body = match &request.file {
        // It is streamed: nobody has read it yet.
        Some(_) => SignableBody::UnsignedPayload,
        None => SignableBody::Bytes(request.body.as_ref().map_or(&[], |body| body.as_bytes())),
    };
    let signable = SignableRequest::new(request.method.as_str(), request.url.as_str(), headers.into_iter(), body)
        .map_err(|_| bad("its address is not fit for it"))?;
    let (made, _) = aws_sigv4::http_request::sign(signable, &parameters)
        .map_err(|_| bad("region, service or key hold characters that no header may carry"))?
        .into_parts();
    for (name, value) in made.headers() {
        let name: HeaderName = name.parse().map_err(|_| bad("a header's name"))?;
        request.headers.insert(name, super::sensitive(value)?);
    }
    Ok(())
}

#[cfg(test)]
#[cfg(feature = "aws")]
mod tests;
