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
    let base = source.base_url.as_ref().unwrap_or(base_url);
    let request = request(c, base, &source.request, &source.headers, source.body.as_ref(), schemes, fields);
    let mut request = with_form(c, request, &source.form, fields)?;
    // An address of its own stays where it is when the user moves the check's.
    request.movable = source.base_url.is_none();
    if let Some(rule) = source.rule.iter().find(|r| r.cause == Cause::Ok) {
        c.at(Some(rule.when.span().start), "a sign-in goes well when there is a token: its rules name what went wrong");
    }
    Some(Login {
        request,
        token: c.expression(&source.token)?,
        lifetime: c.maybe(source.lifetime.as_ref()),
        rules: rules(c, &source.rule),
    })
}
