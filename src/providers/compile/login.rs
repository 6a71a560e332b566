//! Compiles the table `[login]`.

use super::{Complaints, auth, request, rules, source, with_form};
use crate::{
    model::Cause,
    providers::{Field, login::Login},
};
use indexmap::IndexMap;
use toml::Spanned;

/// `base_url`: the check's own, where the sign-in names none.
pub(super) fn login(
    c: &mut Complaints<'_>,
    source: source::Login,
    base_url: &Spanned<String>,
    fields: &IndexMap<String, Field>,
) -> Option<Login> {
    c.login = false;
    let schemes = auth(c, source.auth, fields);
    let line = match (source.request, source.challenge) {
        (Some(line), false) => line,
        // Only the demo has it answered there: a real one says where.
        (None, true) => Spanned::new(base_url.span(), "GET /token".to_owned()),
        (line, both) => {
            let why = if both { "'request' or 'challenge', not both" } else { "'request', such as \"POST /token\"" };
            c.at(Some(line.unwrap_or_else(|| source.token.clone()).span().start), format!("a sign-in needs {why}"));
            return None;
        }
    };
    let base = source.base_url.as_ref().unwrap_or(base_url);
    let request = request(c, base, &line, &source.headers, source.body.as_ref(), schemes, fields);
    let mut request = with_form(c, request, &source.form, fields)?;
    // An address of its own stays where it is when the user moves the check's.
    request.movable = source.base_url.is_none();
    let trusted = source.trusted.iter().filter_map(|t| c.template(t.get_ref(), Some(t.span().start), fields)).collect();
    if let Some(rule) = source.rule.iter().find(|r| r.cause == Cause::Ok) {
        c.at(Some(rule.when.span().start), "a sign-in goes well when there is a token: its rules name what went wrong");
    }
    Some(Login {
        request,
        challenge: source.challenge.then_some(trusted),
        token: c.expression(&source.token)?,
        lifetime: c.maybe(source.lifetime.as_ref()),
        rules: rules(c, &source.rule),
    })
}
