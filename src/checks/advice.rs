//! What to do next: the definition's own advice for a cause, or a general one.

use crate::{
    model::{Cause, Outcome, Status, Warning},
    providers::Definition,
};

/// Advice for a cause; empty for `ok`.
pub fn advice(definition: &Definition, cause: Cause) -> String {
    let own = definition.advice.get(&cause).map(String::as_str);
    let mut text = own.unwrap_or_else(|| general(cause)).to_owned();
    let about_key = matches!(cause, Cause::InvalidCredential | Cause::ExpiredCredential | Cause::MissingCredential);
    if let Some(url) = definition.key_url.as_deref().filter(|url| own.is_none() && about_key && !text.contains(*url)) {
        text = format!("{text} Keys are made at {url}.");
    }
    let signs_in = matches!(cause, Cause::InvalidCredential | Cause::ExpiredCredential);
    if own.is_none() && signs_in && definition.oauth.is_some() {
        text.push_str(" Or sign in: lampboard login NAME, F6 in its form.");
    }
    if let Some(page) = definition.status_page.as_deref().filter(|_| cause.blame() == crate::model::Blame::Provider) {
        text = format!("{text} Their status page: {page}.");
    }
    text
}

/// Advice for an outcome. A refusal under a wrong clock is the clock's fault only where the time is signed along, and there
/// it is tried first; elsewhere the credential is at fault, and the clock is named as what it is.
pub fn of_outcome(definition: &Definition, outcome: &Outcome) -> String {
    let advice = advice(definition, outcome.cause);
    let skew = outcome.warnings.iter().find_map(|w| match w {
        Warning::ClockSkew { seconds } if outcome.status() == Status::Unauthorized => Some(*seconds),
        _ => None,
    });
    let Some(seconds) = skew else { return advice };
    let minutes = seconds.unsigned_abs() / 60;
    let way = if seconds > 0 { "ahead of" } else { "behind" };
    if definition.signs_the_time() {
        format!(
            "Set this machine's clock first: it is {minutes} min {way} the service's, which refuses good credentials for that. {advice}"
        )
    } else {
        format!(
            "{advice} (This machine's clock is {minutes} min {way} the service's too; that is not why it is refused.)"
        )
    }
}

/// Advice that holds for any provider.
pub const fn general(cause: Cause) -> &'static str {
    match cause {
        Cause::Ok => "",
        Cause::Paused => "Resume it to have it checked again.",
        Cause::NeverChecked => "The first check is on its way.",
        Cause::Maintenance => "Checks go on when the maintenance window ends.",
        Cause::Locked => "Unlock the vault to check it.",
        Cause::NotInstalled => {
            "Install the program, or give its whole path; what this build lacks needs another build."
        }
        Cause::SignedOut => "Sign in with the tool itself, then check again.",
        Cause::Throttled => "Wait: checks go on when the limit ends. If it returns, check less often.",
        Cause::QuotaExhausted => "The budget is used up: wait until it fills again, or raise it with the provider.",
        Cause::MissingCredential => {
            "No credential was found where the reference points: store one there, or edit the reference."
        }
        Cause::InvalidCredential => "The service refuses this credential: make a new one and store it in its place.",
        Cause::ExpiredCredential => "The credential has expired: renew it and store the new one in its place.",
        Cause::MissingScope => "Give the credential the missing permission, or make one that has it.",
        Cause::AccountProblem => "The account is suspended, unpaid or locked: sign in to the provider and look.",
        Cause::OwnNetwork => {
            "This machine has no way out: check its cable, Wi-Fi or VPN. Nothing counts against the service meanwhile."
        }
        Cause::Dns => "Check the host's name and this machine's name servers.",
        Cause::Connect => "Nothing answers there: check host and port, firewalls, and whether the service runs.",
        Cause::Tls => {
            "The certificate is not trusted, outside its time (or this machine's clock is wrong), or for another name. For a CA of your own set ca_file."
        }
        Cause::Timeout => "It did not answer in time: it may be overloaded, or a firewall drops the packets.",
        Cause::Protocol => "The answer is not of the expected protocol: check host, port and TLS setting.",
        Cause::ServerError => "The service failed by its own account: wait, and look at its status page.",
        Cause::ProviderIncident => "The provider reports an incident: wait for it to end.",
        Cause::Misconfigured => "Correct the field named above.",
        Cause::UnexpectedResponse => {
            "Something else answers: a captive portal, a proxy, a firewall, or another service. Open the address in a browser."
        }
        Cause::Internal => "Lampboard itself failed: the log tells more.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::Registry;

    #[test]
    fn a_wrong_clock_is_to_blame_only_where_the_time_is_signed() {
        let registry = Registry::built_in();
        let mut outcome = Outcome::of(Cause::InvalidCredential, jiff::Timestamp::UNIX_EPOCH, "HTTP 401", "");
        let of = |outcome: &Outcome, provider: &str| of_outcome(registry.get(provider).unwrap(), outcome);
        let plain = of(&outcome, "github");
        assert_eq!(plain, advice(registry.get("github").unwrap(), Cause::InvalidCredential));
        outcome.warnings.push(Warning::ClockSkew { seconds: -1500 });
        let told = of(&outcome, "github");
        assert!(told.starts_with(&plain) && told.contains("25 min behind") && told.contains("not why"), "{told}");
        for provider in ["s3", "aws", "azure_blob", "gcp", "google_analytics"] {
            let told = of(&outcome, provider);
            assert!(told.starts_with("Set this machine's clock first: it is 25 min behind"), "{provider}: {told}");
        }
        outcome.cause = Cause::ServerError;
        assert!(!of(&outcome, "s3").contains("clock first"));
    }
}
