//! A grant in the vault's clear text: one inline table.

use super::format::{instant, quote, string};
use crate::model::{Grant, Secret};
use toml::de::DeValue;

/// Room that it takes at most; `room` is that of one text.
pub(super) fn size(grant: &Grant, room: impl Fn(&str) -> usize) -> usize {
    let secrets = [&grant.client_secret, &grant.refresh].into_iter().flatten().map(|s| room(s.expose()));
    let params = grant.params.iter().map(|(key, value)| room(key) + room(value) + 8);
    let plain = room(&grant.token_url) + room(&grant.client_id) + room(&grant.scope);
    400 + plain + secrets.sum::<usize>() + params.sum::<usize>()
}

/// Writes it.
pub(super) fn write(out: &mut String, grant: &Grant) {
    let mut member = |key: &str, value: &str| {
        out.push_str(key);
        out.push_str(" = ");
        quote(out, value);
        out.push_str(", ");
    };
    member("{ token_url", &grant.token_url);
    member("client_id", &grant.client_id);
    member("scope", &grant.scope);
    for (key, secret) in [("client_secret", &grant.client_secret), ("refresh", &grant.refresh)] {
        if let Some(secret) = secret {
            member(key, secret.expose());
        }
    }
    for (key, at) in [("expires", grant.expires), ("renew", grant.renew), ("ends", grant.ends)] {
        if let Some(at) = at {
            member(key, &at.to_string());
        }
    }
    out.push_str("params = [");
    for (key, value) in &grant.params {
        out.push('[');
        quote(out, key);
        out.push_str(", ");
        quote(out, value);
        out.push_str("], ");
    }
    out.push_str(&format!("], basic = {}, of_client = {} }}", grant.basic, grant.of_client));
}

/// Reads it. A key that is not known is refused, as everywhere in the vault.
pub(super) fn read(value: DeValue<'_>) -> Option<Grant> {
    let DeValue::Table(table) = value else { return None };
    let (mut token_url, mut client_id, mut scope) = (None, None, None);
    let mut grant = Grant {
        token_url: String::new(),
        client_id: String::new(),
        client_secret: None,
        basic: false,
        of_client: false,
        refresh: None,
        scope: String::new(),
        params: Vec::new(),
        expires: None,
        renew: None,
        ends: None,
    };
    for (key, value) in table {
        let value = value.into_inner();
        match &**key.get_ref() {
            "token_url" => token_url = Some(string(value)?),
            "client_id" => client_id = Some(string(value)?),
            "scope" => scope = Some(string(value)?),
            "client_secret" => grant.client_secret = Some(Secret::new(string(value)?)),
            "refresh" => grant.refresh = Some(Secret::new(string(value)?)),
            "expires" => grant.expires = Some(instant(value)?),
            "renew" => grant.renew = Some(instant(value)?),
            "ends" => grant.ends = Some(instant(value)?),
            "basic" => grant.basic = flag(&value)?,
            "of_client" => grant.of_client = flag(&value)?,
            "params" => {
                let DeValue::Array(all) = value else { return None };
                grant.params = all.into_iter().map(|v| pair(v.into_inner())).collect::<Option<_>>()?;
            }
            _ => return None,
        }
    }
    Some(Grant { token_url: token_url?, client_id: client_id?, scope: scope?, ..grant })
}

fn flag(value: &DeValue<'_>) -> Option<bool> {
    match value {
        DeValue::Boolean(flag) => Some(*flag),
        _ => None,
    }
}

fn pair(value: DeValue<'_>) -> Option<(String, String)> {
    let DeValue::Array(both) = value else { return None };
    let mut both = both.into_iter();
    let pair = (string(both.next()?.into_inner())?, string(both.next()?.into_inner())?);
    both.next().is_none().then_some(pair)
}

#[cfg(test)]
mod tests {
    use super::super::format;
    use crate::model::{Grant, Secret};

    const OLD: &str = "# Lampboard's vault\n\n[entries.a]\nvalue = \"one\"\nstored = 2026-01-01T00:00:00Z\n\
                       previous = \"zero\"\nhosts = [\"h:1\", ]\n";

    #[test]
    fn a_vault_from_before_there_were_sign_ins_opens_and_is_written_as_before() {
        let entries = format::parse(OLD).unwrap();
        let entry = &entries["a"];
        assert_eq!(entry.value.secret.expose(), "one");
        assert!(entry.value.grant.is_none() && entry.facts().can_roll_back && !entry.facts().renews);
        assert_eq!(*format::text(&entries), OLD);
    }

    #[test]
    fn a_grant_survives_the_file_and_a_strange_one_is_refused() {
        let at = "2026-05-01T00:00:00Z".parse().ok();
        let odd = "q\"uo\\te\u{1} é]}, x = 1";
        let grant = Grant {
            token_url: odd.into(),
            client_id: odd.into(),
            client_secret: Some(Secret::new(odd.into())),
            basic: true,
            of_client: true,
            refresh: Some(Secret::new(odd.into())),
            scope: odd.into(),
            params: vec![(odd.into(), odd.into()), (String::new(), String::new())],
            expires: at,
            renew: at,
            ends: at,
        };
        let mut entries = format::parse(OLD).unwrap();
        let entry = entries.get_mut("a").unwrap();
        entry.value.grant = Some(grant.clone());
        entry.previous.as_mut().unwrap().grant = Some(grant.clone());
        let text = format::text(&entries);
        let again = format::parse(&text).unwrap();
        assert_eq!(again["a"].value.grant, Some(grant.clone()));
        assert_eq!(again["a"].previous.as_ref().unwrap().grant, Some(grant));
        for (from, to) in [("basic =", "basics ="), ("basic = true", "basic = 1"), ("params = [[", "params = [[[")] {
            assert!(format::parse(&text.replace(from, to)).is_err(), "{to}");
        }
    }
}
