//! The only door into the monitor: commands in, snapshots and notices out.

use super::{
    Draft, DraftValue, Place, Snapshot,
    engine::{Command, Engine},
    probe::Probe,
    usual::{self, UsualValue},
    watch as files,
};
use crate::{
    checks::{Checker, Network, Rung},
    config::{Config, Diagnostic, Paths, Settings, edit},
    model::{Bucket, Called, CheckRow, CredentialFacts, Incident, IntegrationId, Outcome, SecretRef, Series, Status},
    providers::{Problem, Registry, action},
    secrets::Resolver,
    store::Store,
};
use jiff::Timestamp;
use std::{
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

/// Something that happened once.
#[derive(Debug, Clone)]
pub enum Notice {
    /// An integration's status changed.
    Changed {
        /// Whose.
        id: IntegrationId,
        /// From.
        from: Status,
        /// To.
        to: Status,
    },
    /// A check asked for by the user ended.
    Checked(IntegrationId),
    /// An incident opened or closed.
    Incident(Incident),
    /// The configuration or the definitions were read anew.
    Reloaded,
    /// The clock jumped or the machine slept: seconds by which.
    ClockJump(i64),
    /// Anything else worth a toast.
    Message(String),
}

/// What the monitor starts from.
pub struct Started {
    /// The configuration, already parsed.
    pub config: Config,
    /// Definitions (reloaded from `paths.providers` when that folder changes).
    pub registry: Registry,
    /// Where files lie (edits go to `paths.config`).
    pub paths: Paths,
    /// Secrets.
    pub resolver: Resolver,
    /// History.
    pub store: Store,
    /// Complaints so far, shown as banners.
    pub problems: Vec<String>,
    /// Watch config and definitions for changes.
    pub watch_files: bool,
}

/// The door. Cheap to clone. When the last one is dropped the monitor stops.
#[derive(Clone)]
pub struct Handle(Arc<Inner>);

struct Inner {
    commands: mpsc::Sender<Command>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    notices: broadcast::Sender<Notice>,
    registry: RwLock<Arc<Registry>>,
    settings: RwLock<Settings>,
    paths: Paths,
    resolver: Resolver,
    store: Store,
    checker: Option<Checker>,
    removed: Mutex<Option<(IntegrationId, String)>>,
    /// Entries of the configuration in use.
    count: Mutex<usize>,
}

/// An answer from the monitor that can fail with a sentence for a person.
pub type Reply<T> = Result<T, String>;

const GONE: &str = "the monitor has stopped";

fn lines(diagnostics: &[Diagnostic]) -> Vec<String> {
    diagnostics.iter().map(ToString::to_string).collect()
}

fn problem(problem: &Problem) -> String {
    let place: Vec<String> = [problem.line, problem.column].into_iter().flatten().map(|n| format!(":{n}")).collect();
    format!("{}{}: {}", problem.file.display(), place.concat(), problem.message)
}

impl Handle {
    /// Starts the monitor on the current runtime.
    pub fn start(started: Started) -> Reply<Handle> {
        Handle::with_checker(started, true)
    }

    /// Starts a monitor that checks only when asked.
    pub fn start_idle(started: Started) -> Reply<Handle> {
        Handle::with_checker(started, false)
    }

    fn with_checker(started: Started, scheduled: bool) -> Reply<Handle> {
        let settings = &started.config.settings;
        let network = Network {
            proxy: settings.proxy.clone(),
            ca_file: settings.ca_file.clone(),
            idle: Duration::ZERO,
            second: Duration::ZERO,
        };
        let checker = Checker::new(&network, started.resolver.clone())?;
        Handle::start_with(started, Arc::new(checker.clone()), Some(checker), scheduled)
    }

    /// Starts a monitor whose attempts are made by `probe`.
    pub fn start_with(
        started: Started,
        probe: Arc<dyn Probe>,
        checker: Option<Checker>,
        scheduled: bool,
    ) -> Reply<Handle> {
        let Started { config, registry, paths, resolver, store, problems, watch_files } = started;
        let (commands, receiver) = mpsc::channel(1024);
        let (publisher, snapshots) = watch::channel(Arc::new(Snapshot::empty(Timestamp::now())));
        let (notices, _) = broadcast::channel(256);
        let mut engine = Engine::new(probe, store.clone(), paths.clone(), publisher, notices.clone(), scheduled);
        let remembered = store.remembered();
        engine.renew(&config, &registry, problems, remembered);
        engine.publish();
        let inner = Arc::new(Inner {
            commands,
            snapshots,
            notices,
            registry: RwLock::new(Arc::new(registry)),
            settings: RwLock::new(config.settings.clone()),
            paths,
            resolver,
            store,
            checker,
            removed: Mutex::new(None),
            count: Mutex::new(config.entries.len()),
        });
        tokio::spawn(engine.run(receiver));
        if watch_files {
            let mut changed = files::start(&inner.paths.config, &inner.paths.providers);
            let weak = Arc::downgrade(&inner);
            tokio::spawn(async move {
                while changed.recv().await.is_some() {
                    let Some(inner) = weak.upgrade() else { break };
                    if let Err(error) = Handle(inner).reload().await {
                        tracing::warn!(error, "the changed configuration is not used");
                    }
                }
            });
        }
        Ok(Handle(inner))
    }

    /// The latest snapshot, and its changes.
    pub fn snapshots(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.0.snapshots.clone()
    }

    /// Notices from now on.
    pub fn notices(&self) -> broadcast::Receiver<Notice> {
        self.0.notices.subscribe()
    }

    /// The definitions in use now.
    pub fn registry(&self) -> Arc<Registry> {
        self.0.registry.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The settings in use now.
    pub fn settings(&self) -> Settings {
        self.0.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where files lie.
    pub fn paths(&self) -> Paths {
        self.0.paths.clone()
    }

    /// Which of these usual places (names of variables, `ini:` references) hold something; never what.
    pub async fn usual_places(&self, mut places: Vec<String>) -> Vec<String> {
        let held = futures_util::future::join_all(places.iter().map(|p| self.0.resolver.usual(p))).await;
        let mut held = held.iter();
        places.retain(|_| held.next().is_some_and(Option::is_some));
        places
    }

    /// What a provider's plain fields usually hold here.
    pub async fn usual_values(&self, provider: &str) -> Vec<UsualValue> {
        let Some(definition) = self.registry().get(provider).cloned() else { return Vec::new() };
        let mut found = Vec::new();
        for field in definition.fields.values().filter(|f| !f.secret) {
            found.extend(usual::value(&self.0.resolver, field).await);
        }
        found
    }

    fn tell(&self, command: Command) {
        if self.0.commands.try_send(command).is_err() {
            tracing::warn!("a command was dropped: the monitor is busy or has stopped");
        }
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Reply<T> {
        let (reply, answer) = oneshot::channel();
        self.0.commands.send(command(reply)).await.map_err(|_| GONE.to_owned())?;
        answer.await.map_err(|_| GONE.to_owned())
    }

    /// Checks now, whatever the schedule says (but not sooner than 2 s after the last). Ends with a [`Notice::Checked`].
    pub fn check(&self, id: &IntegrationId) {
        self.tell(Command::Check(id.clone()));
    }

    /// Checks all now, spread over a few seconds.
    pub fn check_all(&self) {
        self.tell(Command::CheckAll);
    }

    /// Checks these (`None`: all) once and gives their entries when all have ended, in the order of the configuration.
    pub async fn round(&self, ids: Option<Vec<IntegrationId>>) -> Vec<Arc<super::Entry>> {
        if let Err(error) = self.ask(|done| Command::Round(ids.clone(), done)).await {
            tracing::warn!(error, "the round was cut off");
        }
        let snapshot = self.0.snapshots.borrow().clone();
        let wanted = |e: &&Arc<super::Entry>| ids.as_ref().is_none_or(|ids| ids.contains(e.id()));
        snapshot.entries.values().filter(wanted).cloned().collect()
    }

    /// Pauses or resumes; survives restarts.
    pub async fn pause(&self, id: &IntegrationId, paused: bool) -> Reply<()> {
        self.ask(|reply| Command::Pause(id.clone(), paused, reply)).await?
    }

    /// Removes from config.toml. The history is kept. Can be undone once with [`Handle::undo_remove`].
    pub async fn remove(&self, id: &IntegrationId) -> Reply<()> {
        let (file, name) = (self.0.paths.config.clone(), id.to_string());
        let text = blocking(move || edit::remove(&file, &name).map_err(|e| e.to_string())).await?;
        let text = text.ok_or_else(|| format!("'{id}' is not in config.toml"))?;
        *self.0.removed.lock().unwrap_or_else(PoisonError::into_inner) = Some((id.clone(), text));
        self.reload_any().await
    }

    /// Puts the last removed integration back.
    pub async fn undo_remove(&self) -> Reply<IntegrationId> {
        let removed = self.0.removed.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (id, text) = removed.ok_or("nothing was removed")?;
        let file = self.0.paths.config.clone();
        let kept = text.clone();
        if let Err(error) = blocking(move || edit::restore(&file, &text).map_err(|e| e.to_string())).await {
            *self.0.removed.lock().unwrap_or_else(PoisonError::into_inner) = Some((id, kept));
            return Err(error);
        }
        self.reload_any().await?;
        Ok(id)
    }

    /// What makes the checks.
    pub(super) fn checker(&self) -> Reply<&Checker> {
        self.0.checker.as_ref().ok_or_else(|| "this monitor makes no checks of its own".to_owned())
    }

    /// Tests a draft rung by rung. The final outcome is the return value.
    pub async fn test(&self, draft: Draft, report: mpsc::UnboundedSender<Rung>) -> Reply<Outcome> {
        let checker = self.checker()?;
        let integration = draft.integration();
        let registry = self.registry();
        let definition =
            registry.get(&integration.provider).ok_or_else(|| format!("no provider '{}'", integration.provider))?;
        Ok(checker.ladder(&integration, definition, draft.typed(), report).await)
    }

    /// Calls an action of an integration's provider, or makes a free request. Dropping the future cuts it off.
    pub async fn call(&self, id: &IntegrationId, call: &action::Call) -> Reply<Called> {
        let checker = self.checker()?;
        let snapshot = self.0.snapshots.borrow().clone();
        let entry = snapshot.entries.get(id).ok_or_else(|| format!("no integration '{id}'"))?;
        let integration = &entry.integration;
        let registry = self.registry();
        let definition =
            registry.get(&integration.provider).ok_or_else(|| format!("no provider '{}'", integration.provider))?;
        Ok(checker.call(integration, definition, call).await)
    }

    /// Saves a draft: typed secrets into the vault, the rest into config.toml; the board shows it at once.
    pub async fn save(&self, draft: Draft) -> Reply<IntegrationId> {
        let (vault, paths, settings) = (self.0.resolver.vault.clone(), self.0.paths.clone(), self.settings());
        let hosts = self.destinations(&draft);
        let id = draft.base.id.clone();
        let original = draft.original.clone();
        blocking(move || {
            paths.create().map_err(|e| format!("cannot make Lampboard's folders: {e}"))?;
            for value in draft.values.values() {
                match value {
                    DraftValue::Typed(secret, Place::Vault(entry)) => vault.set(entry, secret),
                    DraftValue::Signed(tokens, Place::Vault(entry)) => vault.sign_in(entry, tokens),
                    _ => Ok(()),
                }
                .map_err(|e| e.to_string())?;
            }
            let integration = draft.integration();
            edit::upsert(&paths.config, &integration, &settings, draft.original.as_deref())
                .map_err(|e| e.to_string())?;
            // Saving is the user's word that these secrets may go to this host. An entry that is not there yet has
            // nothing to be bound, and a locked vault keeps what it has: the check will say so.
            for (field, reference) in integration.secrets() {
                let SecretRef::Vault(entry) = reference else { continue };
                if let Err(error) = hosts(field).iter().try_for_each(|host| vault.allow(entry, host)) {
                    tracing::info!(%error, entry, "the entry was not bound to its host");
                }
            }
            Ok(())
        })
        .await?;
        if let Some(from) = original.filter(|o| *o != *id.as_str()).and_then(|o| IntegrationId::new(&o).ok()) {
            self.0.store.rename(&from, &id);
        }
        self.reload_any().await?;
        self.check(&id);
        Ok(id)
    }

    /// Where each secret field's value will go: to the check's hosts, an application's secret to the sign-in's.
    fn destinations(&self, draft: &Draft) -> impl Fn(&str) -> Vec<String> + Send + 'static {
        let (integration, registry) = (draft.integration(), self.registry());
        let definition = registry.get(&integration.provider);
        let of_checks = definition.map(|d| crate::checks::prepare::destinations(&integration, d)).unwrap_or_default();
        let application = definition.and_then(|d| d.oauth.as_ref()?.client_secret.clone());
        let sign_in = definition.and_then(|d| crate::checks::oauth::token_host(&integration, d));
        move |field| {
            let aside = application.as_deref() == Some(field);
            if aside { sign_in.iter().cloned().collect() } else { of_checks.clone() }
        }
    }

    /// A draft of an existing integration, for the edit form.
    pub async fn draft(&self, id: &IntegrationId) -> Reply<Draft> {
        let snapshot = self.0.snapshots.borrow().clone();
        let entry = snapshot.entries.get(id).ok_or_else(|| format!("no integration '{id}'"))?;
        Ok(Draft::of(&entry.integration))
    }

    /// Sets one key of config.toml (`ui`, `theme`, …).
    pub async fn set(&self, table: &str, key: &str, value: &str) -> Reply<()> {
        let (paths, table, key, value) = (self.0.paths.clone(), table.to_owned(), key.to_owned(), value.to_owned());
        blocking(move || {
            paths.create().map_err(|e| format!("cannot make Lampboard's folders: {e}"))?;
            edit::set(&paths.config, &table, &key, &value).map_err(|e| e.to_string())
        })
        .await
    }

    /// Buckets from the history. `None`: all integrations together.
    pub async fn buckets(
        &self,
        id: Option<IntegrationId>,
        from: Timestamp,
        to: Timestamp,
        step: Duration,
    ) -> Reply<Vec<Bucket>> {
        self.0.store.buckets(id, from, to, step).await
    }

    /// The 24 hours before now in one bucket. The history keeps buckets by the hour of the clock, so up to one hour
    /// more is counted; the percentiles are exact in their span.
    pub async fn day(&self, id: IntegrationId) -> Reply<Option<Bucket>> {
        const HOUR: Duration = Duration::from_secs(3600);
        let now = Timestamp::now();
        let hours = self.buckets(Some(id.clone()), now - 24 * HOUR, now, HOUR).await?;
        let [p50, p95, p99] = self.0.store.percentiles(id).await?;
        let merged = hours.into_iter().reduce(|mut all, hour| {
            all.span += hour.span;
            all.total += hour.total;
            all.successful += hour.successful;
            all.rate_limited += hour.rate_limited;
            all.unauthorized += hour.unauthorized;
            all.latency_sum += hour.latency_sum;
            all
        });
        Ok(merged.map(|all| Bucket { p50, p95, p99, ..all }))
    }

    /// What the vault knows of the entries an integration uses: field and facts. Empty while it is locked.
    pub async fn credentials(&self, id: &IntegrationId) -> Vec<(String, CredentialFacts)> {
        let snapshot = self.0.snapshots.borrow().clone();
        let Some(entry) = snapshot.entries.get(id) else { return Vec::new() };
        let of_vault = entry.integration.secrets().filter_map(|(field, reference)| match reference {
            SecretRef::Vault(name) => Some((field.to_owned(), name.clone())),
            _ => None,
        });
        let (wanted, vault) = (of_vault.collect::<Vec<_>>(), self.0.resolver.vault.clone());
        let known = tokio::task::spawn_blocking(move || {
            let facts = |name: &str| vault.get_with_facts(name).ok().flatten().map(|(_, facts)| facts);
            wanted.into_iter().filter_map(|(field, name)| Some((field, facts(&name)?))).collect()
        });
        known.await.unwrap_or_default()
    }

    /// Latest rows, newest first.
    pub async fn rows(&self, id: IntegrationId, limit: usize) -> Reply<Vec<CheckRow>> {
        self.0.store.rows(id, limit).await
    }

    /// What its checks measured in the last 24 hours: at most 120 points of each number, oldest first.
    pub async fn series(&self, id: IntegrationId) -> Reply<Vec<Series>> {
        self.0.store.series(id, Timestamp::now() - Duration::from_secs(86_400), 120).await
    }

    /// Incidents, newest first.
    pub async fn incidents(&self, id: Option<IntegrationId>, limit: usize) -> Reply<Vec<Incident>> {
        self.0.store.incidents(id, limit).await
    }

    /// Reads config and definitions anew. A wrong file leaves the last good one in use and shows the complaint; so does
    /// one that suddenly lost most of its integrations.
    pub async fn reload(&self) -> Reply<()> {
        self.read_anew(true).await
    }

    /// The same after a change of our own: losing integrations is meant.
    async fn reload_any(&self) -> Reply<()> {
        self.read_anew(false).await
    }

    async fn read_anew(&self, careful: bool) -> Reply<()> {
        let (paths, previous) = (self.0.paths.clone(), self.registry());
        let (config, registry, problems) = blocking(move || {
            let (registry, problems) = Registry::load(Some(&paths.providers), Some(&previous));
            let vars = std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
            let config = Config::load(&paths.config).and_then(|c| c.with_env(vars));
            Ok((config, registry, problems))
        })
        .await?;
        let mut complaints: Vec<String> = problems.iter().map(problem).collect();
        let config = match config {
            Ok(config) => config,
            Err(diagnostics) => {
                complaints.extend(lines(&diagnostics));
                self.tell(Command::Complain(complaints.clone()));
                return Err(complaints.join("\n"));
            }
        };
        let had = *self.0.count.lock().unwrap_or_else(PoisonError::into_inner);
        if careful && had >= 4 && config.entries.is_empty() {
            let message = format!(
                "config.toml holds no integration any more, but {had} were on the board: they stay until you restart or press reload after writing one"
            );
            self.tell(Command::Complain(vec![message.clone()]));
            return Err(message);
        }
        *self.0.count.lock().unwrap_or_else(PoisonError::into_inner) = config.entries.len();
        *self.0.registry.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(registry.clone());
        *self.0.settings.write().unwrap_or_else(PoisonError::into_inner) = config.settings.clone();
        self.ask(|done| Command::Renew(Box::new(config), registry, complaints, done)).await
    }

    /// Stops checks, flushes the history; at most `limit`.
    pub async fn stop(&self, limit: Duration) {
        let stop = async {
            if self.ask(Command::Stop).await.is_ok() {
                self.0.store.flush(limit).await;
            }
        };
        let _ = tokio::time::timeout(limit, stop).await;
    }
}

/// Runs file work away from the runtime's workers.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Reply<T> + Send + 'static) -> Reply<T> {
    tokio::task::spawn_blocking(work).await.map_err(|_| "the work was cut off".to_owned())?
}
