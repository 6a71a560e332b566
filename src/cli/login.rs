//! `login NAME`: signs an integration in with OAuth 2.0, tests it, and only then stores what came of it.

use super::{
    Answer, Exit, Failure, Out, add, provider,
    world::{self, World},
};
use crate::{
    model::{IntegrationId, Status, Tokens},
    monitor::{
        Draft, DraftValue, Handle, Place,
        sign_in::{Step, Way},
    },
    providers::{Definition, oauth::OAuth},
};
use indexmap::IndexMap;
use std::{
    io::{BufRead, IsTerminal},
    path::PathBuf,
    time::Duration,
};

/// Whom to sign in, and how.
#[derive(Debug, clap::Args)]
pub struct LoginArgs {
    /// The integration's name; a new one needs --provider.
    name: String,
    /// Add an integration of this provider; see `provider list`.
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<String>,
    /// A field, as `key=value`, such as client_id=…; a secret field takes a reference, or '-' to be asked.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// By a code that is typed into any browser, on any machine. The usual way where the service has it.
    #[arg(long, group = "way")]
    device: bool,
    /// By a browser on this machine, which comes back to it.
    #[arg(long, group = "way")]
    browser: bool,
    /// As the application itself, without a person.
    #[arg(long, group = "way")]
    client: bool,
    /// The sign-in is one of another account than before, and that is meant.
    #[arg(long)]
    other_account: bool,
    /// Save without testing first.
    #[arg(long)]
    no_test: bool,
}

impl LoginArgs {
    fn way(&self, oauth: &OAuth) -> Option<Way> {
        let asked = [(Way::Device, self.device), (Way::Browser, self.browser), (Way::Client, self.client)];
        let asked = asked.into_iter().find_map(|(way, is)| is.then_some(way));
        asked.or_else(|| oauth.ways().first().copied())
    }
}

pub(super) fn run(config: Option<PathBuf>, args: LoginArgs, out: &mut Out) -> Answer {
    let world = World::open(config)?;
    let (mut draft, definition) = draft(&world, &args, out)?;
    let oauth = definition.oauth.clone().ok_or_else(|| {
        let known: Vec<_> = world.registry.iter().filter(|d| d.oauth.is_some()).map(|d| d.id.clone()).collect();
        let name = &definition.name;
        Failure::new(
            Exit::Usage,
            format!("{name} has no sign-in that Lampboard knows. These have one: {}", known.join(", ")),
        )
    })?;
    ask_application(&mut draft, &definition, &oauth, args.way(&oauth), out)?;
    super::vault::unlock_if_asked(&world.resolver.vault)?;
    world.paths.create()?;
    let store = world.store(out);
    world::runtime()?.block_on(async {
        let handle = world::idle_monitor(world.started(store, false))?;
        let done = tokio::select! {
            done = all(&handle, draft, &oauth, &args, out) => done,
            _ = tokio::signal::ctrl_c() => {
                Err(Failure::new(Exit::Signal(130), "cancelled; nothing was changed"))
            }
        };
        handle.stop(Duration::from_secs(2)).await;
        done
    })
}

/// Signs in, tests, saves.
async fn all(handle: &Handle, mut draft: Draft, oauth: &OAuth, args: &LoginArgs, out: &mut Out) -> Answer {
    let id = draft.base.id.clone();
    let tokens = sign_in(handle, &draft, args.way(oauth), out).await?;
    let renews = tokens.grant.renewable();
    let expires = tokens.grant.expires;
    let entry = match draft.values.get(&oauth.field) {
        Some(DraftValue::Reference(crate::model::SecretRef::Vault(entry))) => entry.clone(),
        _ => add::vault_name(&id, &oauth.field),
    };
    let others = handle.users_of(&entry).into_iter().filter(|i| i.id != id).map(|i| i.id.to_string());
    let others: Vec<_> = others.collect();
    if !others.is_empty() {
        out.complain(&format!(
            "'vault:{entry}' is used by {} too: what is stored now is theirs as well",
            others.join(", ")
        ));
    }
    let access = tokens.access.clone();
    draft.values.insert(oauth.field.clone(), DraftValue::Signed(Box::new(tokens), Place::Vault(entry.clone())));
    if !args.no_test {
        let outcome = add::test(handle, draft.clone(), out).await?;
        if outcome.status() != Status::Active {
            return Err(Failure::new(
                Exit::NotActive,
                format!(
                    "signed in, but nothing was saved: the test did not end with an active integration. Mend it, or save \
                     anyway with: lampboard login {id} --no-test …"
                ),
            ));
        }
        if let Some(facts) = handle.facts(&entry).await? {
            let refused =
                |why: String| Failure::new(Exit::NotActive, format!("signed in, but nothing was changed: {why}"));
            let tried = handle.try_value(&entry, &access, &facts, Some((&id, &outcome))).await.map_err(refused)?;
            if let Some(why) = tried.hindrance(args.other_account) {
                let hint = if tried.other_account.is_some() { ". If that is meant: --other-account" } else { "" };
                return Err(Failure::new(Exit::NotActive, format!("signed in, but {why}{hint}")));
            }
        }
    }
    handle.save(draft).await.map_err(Failure::from)?;
    if out.json {
        out.value(&serde_json::json!({
            "saved": id.as_str(), "tested": !args.no_test, "entry": entry, "renews": renews, "expires": expires,
        }))?;
    } else {
        let rest = match (renews, expires) {
            (true, _) => " It renews itself.".to_owned(),
            (false, Some(at)) => {
                format!(" It does not renew itself: sign in again by {}.", at.strftime("%F %H:%M UTC"))
            }
            (false, None) => String::new(),
        };
        out.line(&format!("Signed in and saved '{id}' (vault:{entry}).{rest}"))?;
    }
    Ok(Exit::Good)
}

async fn sign_in(handle: &Handle, draft: &Draft, way: Option<Way>, out: &mut Out) -> Result<Tokens, Failure> {
    let (report, mut steps) = tokio::sync::mpsc::unbounded_channel();
    let work = handle.sign_in(draft, way, report);
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            Some(step) = steps.recv() => show(&step, out)?,
            done = &mut work => return done.map_err(|why| Failure::new(Exit::NotActive, why)),
        }
    }
}

fn show(step: &Step, out: &mut Out) -> Result<(), Failure> {
    let time = |until: &jiff::Timestamp| {
        let left = until.as_second() - jiff::Timestamp::now().as_second();
        crate::model::text::span(Duration::from_secs(left.max(0).unsigned_abs()))
    };
    let text = match step {
        Step::Code { code, link, direct, until } => {
            let direct = direct.as_ref().map(|d| format!("\n  Or open:   {d}")).unwrap_or_default();
            format!(
                "Open this in any browser, on this machine or another, and type the code:\n  Link:      {link}\n  \
                 Code:      {code}{direct}\nWaiting for up to {}; Ctrl-C cancels.",
                time(until)
            )
        }
        Step::Browser { link, port, until } => format!(
            "Open this in a browser on this machine:\n  {link}\nWaiting for up to {}; Ctrl-C cancels. If you came here \
             over SSH, make the browser reach this machine first: ssh -L {port}:127.0.0.1:{port} HOST",
            time(until)
        ),
    };
    if out.json {
        out.complain(&text)
    } else {
        out.line(&text)?
    }
    Ok(())
}

/// The integration as it is with the fields given, or a new one.
fn draft(world: &World, args: &LoginArgs, out: &mut Out) -> Result<(Draft, Definition), Failure> {
    let id = IntegrationId::new(&args.name).map_err(|e| Failure::new(Exit::Usage, e.to_string()))?;
    let existing = world.config.entries.iter().any(|e| e.integration.id == id);
    match (&args.provider, existing) {
        (Some(_), true) => Err(Failure::new(
            Exit::Usage,
            format!("'{id}' exists already. To sign it in: lampboard login {id}, without --provider"),
        )),
        (Some(wanted), false) => {
            let definition = provider::find(&world.registry, wanted)?.clone();
            let signed = definition.oauth.as_ref().map(|o| o.field.clone());
            let values =
                add::values(&definition, &id, &args.set, signed.as_deref(), &add::Usual::of(&definition, world)?, out)?;
            let base = add::base(&id, &definition, &[], None, &world.config.settings);
            Ok((Draft { original: None, base, values }, definition))
        }
        (None, false) => {
            let missing = world.id(&args.name).err();
            let message = missing.map(|f| f.message).unwrap_or_default();
            Err(Failure::new(Exit::NotFound, format!("{message}. To add it while signing in, give --provider")))
        }
        (None, true) => {
            let (bound, _) = crate::monitor::bind::bind(&world.config, &world.registry);
            let integration = bound.into_iter().find(|i| i.id == id).ok_or_else(|| {
                Failure::new(Exit::BadConfig, format!("'{id}' cannot be used as it is; see: lampboard config check"))
            })?;
            let definition = provider::find(&world.registry, &integration.provider)?.clone();
            let mut draft = Draft::of(&integration);
            let given = add::given(&args.set)?;
            add::known(&definition, given.keys().copied())?;
            for (name, values) in given {
                let Some(field) = definition.fields.get(name) else { continue };
                if let Some(value) = add::value(field, &values, &id, &add::Usual::default(), out)? {
                    draft.values.insert(name.to_owned(), value);
                }
            }
            Ok((draft, definition))
        }
    }
}

/// Asks for the application's id and secret where they are wanted, missing, and somebody can answer.
fn ask_application(
    draft: &mut Draft,
    definition: &Definition,
    oauth: &OAuth,
    way: Option<Way>,
    out: &mut Out,
) -> Result<(), Failure> {
    let has = |values: &IndexMap<String, DraftValue>, name: &str| match values.get(name) {
        Some(DraftValue::Text(text)) => !text.trim().is_empty(),
        other => other.is_some(),
    };
    let somebody = std::io::stdin().is_terminal();
    if !has(&draft.values, &oauth.client_id) {
        let place = oauth.app_url.as_ref().map(|url| format!(" Register one at {url}.")).unwrap_or_default();
        let help = if oauth.help.is_empty() { String::new() } else { format!(" {}", oauth.help) };
        let why = format!("signing in needs the id of an application of yours.{place}{help}");
        if !somebody {
            return Err(Failure::new(Exit::Usage, format!("{why} Then give it with --set {}=…", oauth.client_id)));
        }
        out.complain(&format!("{why}\nApplication id:"));
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        draft.values.insert(oauth.client_id.clone(), DraftValue::Text(line.trim().to_owned()));
    }
    let needed = way.is_some_and(|way| way == Way::Client || oauth.secret_for.contains(&way));
    if let Some(field) = oauth.client_secret.as_ref().and_then(|name| definition.fields.get(name))
        && needed
        && somebody
        && !has(&draft.values, &field.name)
        && let Some(value) = add::value(field, &["-"], &draft.base.id, &add::Usual::default(), out)?
    {
        draft.values.insert(field.name.clone(), value);
    }
    Ok(())
}
