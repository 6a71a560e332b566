//! Scheme `query_list`: a credential that is a whole query, `name=value&name=value`, as shared access signatures are.

use super::super::request::BadField;
use reqwest::Url;
use zeroize::Zeroizing;

/// Adds the members of `text`, which are percent-encoded already, behind the query of `url`.
pub(super) fn add(url: &mut Url, text: &str) -> Result<(), BadField> {
    let text = text.trim().trim_start_matches('?');
    let bad = |why: &str| BadField(format!("the credential {why}: paste all of it, as name=value&name=value"));
    let odd = |c: char| !(c.is_ascii_alphanumeric() || "-._~%=&:/+,".contains(c));
    if text.contains(odd) {
        return Err(bad("holds characters that no query may carry"));
    }
    let names: Vec<String> = url.query_pairs().map(|(name, _)| name.to_lowercase()).collect();
    let mut query = Zeroizing::new(url.query().unwrap_or_default().to_owned());
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or_else(|| bad("is not a list of members"))?;
        // The request must stay the one that was meant.
        let name_may = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || !name.chars().all(name_may) || names.contains(&name.to_lowercase()) {
            return Err(bad("has a member that is not its own"));
        }
        // A plus that came undecoded would be read as a blank.
        let value = Zeroizing::new(value.replace('+', "%2B").replace('=', "%3D"));
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(name);
        query.push('=');
        query.push_str(&value);
    }
    url.set_query(Some(&query));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(text: &str) -> Result<String, String> {
        let mut url: Url = "https://acct.blob.core.windows.net/?comp=list".parse().unwrap();
        add(&mut url, text).map(|()| url.query().unwrap().to_owned()).map_err(|e| e.0)
    }

    #[test]
    fn a_whole_query_goes_behind_the_requests_own() {
        let wanted = Ok("comp=list&sv=2023-11-03&se=2027-01-01T00%3A00%3A00Z&sig=a%2Bb%3D".to_owned());
        assert_eq!(added("?sv=2023-11-03&se=2027-01-01T00%3A00%3A00Z&sig=a%2Bb%3D\n"), wanted);
        assert_eq!(added("sv=2023-11-03&se=2027-01-01T00%3A00%3A00Z&sig=a+b="), wanted);
    }

    #[test]
    fn what_changes_the_request_is_refused_and_not_shown() {
        for text in ["canary", "sv=1&COMP=canary", "sv=1&canary x=2", "sv=1#canary", "sv=1&%63omp=canary", "=canary"] {
            let why = added(text).unwrap_err();
            assert!(!why.contains("canary"), "{text}: {why}");
        }
    }
}
