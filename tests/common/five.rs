//! The cases that each real server is asked for: a right, a wrong and a powerless credential, a server that is slow or silent,
//! and one that is gone. docs/proved.md tells which test holds them for which server.

#![allow(dead_code, reason = "each test file uses a part of it")]

use crate::{
    probe::{Given, checker},
    proxy::Proxy,
    server::Server,
};
use lampboard::{
    checks::Checker,
    model::{Blame, Cause, Outcome, Status, Warning},
};
use std::time::{Duration, Instant};

/// What a slow server's pieces are late by, and what counts as slow.
pub const LATE: Duration = Duration::from_millis(600);
/// The limit of a check whose server stays silent.
pub const LIMIT: Duration = Duration::from_secs(1);
/// By how much a silent server's pieces are late: no check lives so long.
pub const SILENT: Duration = Duration::from_secs(600);
/// How long a server may take until it answers well, or until it has stopped answering.
const PATIENCE: Duration = Duration::from_secs(60);

/// One server and its integration.
pub struct Five<'a> {
    /// The provider's id.
    pub provider: &'a str,
    /// What the integration speaks over.
    pub way: Way,
    /// The integration with its right credential, for a server at this port.
    pub right: &'a dyn Fn(&str) -> Given,
    /// Labels of facts that it tells.
    pub facts: &'a [&'a str],
    /// The same with a wrong credential.
    pub wrong: Case<'a>,
    /// With a credential that is known and may do nothing.
    pub powerless: Case<'a>,
}

/// What is spoken over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Tcp,
    Udp,
}

/// What a credential yields.
#[allow(clippy::large_enum_variant, reason = "a handful live in a test")]
pub enum Case<'a> {
    /// The cause, and a text that the outcome must hold.
    Yields(Given, Cause, &'a str),
    /// Why there is no such thing; docs/proved.md has the same words.
    NotApplicable(&'a str),
}

impl Five<'_> {
    /// Asks all of them; the server is gone afterwards. The right credential's outcome comes back.
    pub async fn hold(&self, server: &mut Server) -> Outcome {
        // One for all, as in the program: connections it keeps must not hide that a server has gone.
        let checker = checker();
        let right = (self.right)(&server.port).slow(LATE);
        let good = self.right(&checker, &right).await;
        self.refused(&checker, &self.wrong, Some(Cause::InvalidCredential)).await;
        self.refused(&checker, &self.powerless, None).await;
        self.late(&checker, &server.port).await;
        self.silent(&checker, &server.port).await;
        server.kill();
        // A kept connection may break first.
        let refused = |outcome: &Outcome| outcome.evidence.seen.to_lowercase().contains("refused");
        let gone = self.until(&checker, &right, |o| o.cause == Cause::Connect && refused(o)).await;
        assert_eq!(
            (gone.cause, gone.status(), refused(&gone)),
            (Cause::Connect, Status::Error, true),
            "gone: {gone:?}"
        );
        assert_ne!(gone.cause.blame(), Blame::You, "gone: {gone:?}");
        good
    }

    /// Active with its facts, and quick: what is called slow below is not so by itself.
    async fn right(&self, checker: &Checker, right: &Given) -> Outcome {
        let good = self.until(checker, right, |o| o.cause == Cause::Ok && !o.warnings.contains(&Warning::Slow)).await;
        assert_eq!((good.cause, good.status()), (Cause::Ok, Status::Active), "right: {good:?}");
        assert!(good.latency.is_some() && !good.warnings.contains(&Warning::Slow), "right: {good:?}");
        for label in self.facts {
            assert!(good.facts.iter().any(|f| f.label == *label && !f.value.is_empty()), "'{label}': {good:?}");
        }
        good
    }

    async fn refused(&self, checker: &Checker, case: &Case<'_>, always: Option<Cause>) {
        match case {
            Case::NotApplicable(reason) => assert!(!reason.is_empty()),
            Case::Yields(given, cause, told) => {
                let outcome = self.check(checker, given).await;
                assert_eq!(outcome.cause, *cause, "{outcome:?}");
                assert!(format!("{outcome:?}").contains(told), "'{told}': {outcome:?}");
                if let Some(always) = always {
                    assert_eq!((outcome.cause, outcome.cause.blame()), (always, Blame::You), "{outcome:?}");
                }
            }
        }
    }

    /// Later than `slow` and sooner than the timeout: active, with the warning, and the time shows where it went.
    async fn late(&self, checker: &Checker, port: &str) {
        let proxy = self.proxy(port, LATE).await;
        let late = self.check(checker, &(self.right)(&proxy.port).slow(LATE)).await;
        assert_eq!(late.status(), Status::Active, "late: {late:?}");
        assert!(late.warnings.contains(&Warning::Slow) && late.latency.is_some_and(|l| l >= LATE), "late: {late:?}");
        let phases = &late.phases;
        let (quick, slow) = match self.way {
            Way::Tcp => ([phases.dns, phases.connect], [phases.tls, phases.first_byte]),
            Way::Udp => ([phases.connect, phases.first_byte], [phases.dns, None]),
        };
        assert!(quick.into_iter().flatten().all(|took| took < LATE), "late: {late:?}");
        assert!(slow.into_iter().flatten().any(|took| took >= LATE), "late: {late:?}");
    }

    /// Later than the timeout: told as such within it, and no word about the credential.
    async fn silent(&self, checker: &Checker, port: &str) {
        let proxy = self.proxy(port, SILENT).await;
        let started = Instant::now();
        let silent = self.check(checker, &(self.right)(&proxy.port).timeout(LIMIT)).await;
        let took = started.elapsed();
        assert_eq!((silent.cause, silent.status()), (Cause::Timeout, Status::Error), "silent: {silent:?}");
        assert_ne!(silent.cause.blame(), Blame::You, "silent: {silent:?}");
        assert!(silent.evidence.rule.contains("no answer"), "silent: {silent:?}");
        // Twice: other tests want the machine, too.
        assert!(took < LIMIT * 2, "{took:?}: {silent:?}");
    }

    async fn proxy(&self, port: &str, delay: Duration) -> Proxy {
        match self.way {
            Way::Tcp => Proxy::tcp(port, delay).await,
            Way::Udp => Proxy::udp(port, delay).await,
        }
    }

    /// One check, as the program makes it; nothing of it may hold a secret.
    async fn check(&self, checker: &Checker, given: &Given) -> Outcome {
        let outcome = given.checked_by(checker, self.provider).await;
        given.assert_hidden(&outcome);
        outcome
    }

    /// Checks until it is so, or patience ends. A port that accepts comes before a server that answers.
    async fn until(&self, checker: &Checker, given: &Given, so: impl Fn(&Outcome) -> bool) -> Outcome {
        let started = Instant::now();
        loop {
            let outcome = self.check(checker, given).await;
            if so(&outcome) || started.elapsed() > PATIENCE {
                return outcome;
            }
            tokio::task::yield_now().await;
        }
    }
}
