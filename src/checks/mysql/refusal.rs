//! What an error of MySQL or MariaDB means: its number, or the class of its SQLSTATE, told as a verdict.

use super::packet::read;
use crate::{
    checks::stream::failed,
    model::{Cause, Outcome},
};
use mysql_common::{constants::CapabilityFlags, packets::ErrPacket};

/// The verdict of a packet that is an error; `None`: it is none. `password`: one was given.
pub fn refusal(step: &str, body: &[u8], password: bool) -> Option<Box<Outcome>> {
    // Before the handshake errors carry no state.
    let flags = match body.get(3) {
        Some(b'#') => CapabilityFlags::CLIENT_PROTOCOL_41,
        _ => CapabilityFlags::empty(),
    };
    let Some(ErrPacket::Error(error)) = read::<ErrPacket>(body, flags) else { return None };
    let code = error.error_code();
    let state = error.sql_state_ref().map(|s| s.as_str()).unwrap_or_default();
    let rule = match &*state {
        "" => format!("{step} was refused (error {code})"),
        state => format!("{step} was refused (error {code}, SQLSTATE {state})"),
    };
    let mut outcome = failed(cause(code, &state, password), rule, &error.message_str());
    outcome.code = Some(code);
    Some(outcome)
}

fn cause(code: u16, state: &str, password: bool) -> Cause {
    match code {
        1045 | 1698 if password => Cause::InvalidCredential,
        1045 | 1698 => Cause::MissingCredential,
        1820 | 1862 => Cause::ExpiredCredential,
        3118 | 4151 | 3955 => Cause::AccountProblem,
        // The database, the command, the host one comes from: the password is not at fault.
        1044 | 1130 | 1142 | 1227 | 1370 => Cause::MissingScope,
        1040 | 1203 | 1226 => Cause::QuotaExhausted,
        1129 => Cause::Throttled,
        1049 | 1251 | 3159 => Cause::Misconfigured,
        1053 | 1077..=1079 | 1152 | 1205 | 3032 => Cause::ServerError,
        1043 | 1047 | 1156 | 1835 => Cause::Protocol,
        1158..=1161 => Cause::Connect,
        _ if state.starts_with("28") => Cause::InvalidCredential,
        _ if state.starts_with("08") => Cause::ServerError,
        _ => Cause::UnexpectedResponse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart() {
        let error = |code: u16, text: &str, password: bool| {
            let mut body = vec![0xff];
            body.extend(code.to_le_bytes());
            body.extend_from_slice(text.as_bytes());
            refusal("sign-in", &body, password).unwrap()
        };
        let denied = |password| error(1045, "#28000Access denied for user 'board'@'x'", password);
        assert_eq!((denied(true).cause, denied(false).cause), (Cause::InvalidCredential, Cause::MissingCredential));
        assert_eq!(denied(true).evidence.rule, "sign-in was refused (error 1045, SQLSTATE 28000)");
        assert_eq!(denied(true).evidence.seen, "Access denied for user 'board'@'x'");
        for (code, cause) in [
            (1040, Cause::QuotaExhausted),
            (1044, Cause::MissingScope),
            (1049, Cause::Misconfigured),
            (1053, Cause::ServerError),
            (1129, Cause::Throttled),
            (1820, Cause::ExpiredCredential),
            (4151, Cause::AccountProblem),
            (9999, Cause::UnexpectedResponse),
        ] {
            let refused = error(code, "Too many connections", true);
            assert_eq!((refused.cause, refused.code), (cause, Some(code)));
            assert_eq!(refused.evidence.rule, format!("sign-in was refused (error {code})"));
        }
        assert_eq!(error(9999, "#08004gone", true).cause, Cause::ServerError);
        for other in [&[0xff, 1][..], &[0], &[]] {
            assert!(refusal("sign-in", other, true).is_none());
        }
    }
}
