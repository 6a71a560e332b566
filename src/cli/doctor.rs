//! `doctor`: what could be wrong on this machine, each with what to do.

use super::{Answer, Exit, Out, keys, world};
use crate::{
    config::{Config, Diagnostic, Paths},
    monitor::bind::bind,
    providers::Registry,
    secrets::{Resolver, Vault, keyring},
};
use std::{
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// One finding.
#[derive(serde::Serialize)]
struct Finding {
    what: &'static str,
    good: bool,
    detail: String,
}

fn good(what: &'static str, detail: impl Into<String>) -> Finding {
    Finding { what, good: true, detail: detail.into() }
}

fn bad(what: &'static str, detail: impl Into<String>) -> Finding {
    Finding { what, good: false, detail: detail.into() }
}

pub(super) fn run(config: Option<PathBuf>, out: &mut Out) -> Answer {
    let paths = world::paths(config)?;
    let vault = Arc::new(world::vault(&paths));
    let (registry, problems) = Registry::load(Some(&paths.providers), None);
    let mut findings = vec![version()];
    findings.extend(private_files(&paths));
    findings.push(good("definitions", format!("{} providers", registry.iter().count())));
    findings.extend(problems.iter().map(|p| bad("definitions", world::problem_text(p))));
    let loaded = Config::load(&paths.config).and_then(|c| c.with_env(world::env_layer()));
    findings.push(vault_finding(&vault));
    findings.push(keyring_finding());
    match &loaded {
        Ok(config) => findings.extend(configuration(config, &registry, Resolver::new(vault))?),
        Err(diagnostics) => findings.extend(wrong_lines(diagnostics)),
    }
    findings.push(terminal());
    findings.push(proxy());
    let all_good = findings.iter().all(|f| f.good);
    if out.json {
        out.value(&findings)?;
    } else {
        let rows: Vec<Vec<String>> = findings
            .iter()
            .map(|f| vec![if f.good { "ok" } else { "BAD" }.to_owned(), f.what.to_owned(), f.detail.clone()])
            .collect();
        out.table(&["", "WHAT", "FOUND"], &rows)?;
    }
    Ok(if all_good { Exit::Good } else { Exit::Failed })
}

fn version() -> Finding {
    good(
        "version",
        format!("lampboard {} on {} {}", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH),
    )
}

fn private_files(paths: &Paths) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (what, path) in [
        ("vault file", &paths.vault),
        ("identity file", &paths.identity),
        ("history", &paths.history),
        ("log", &paths.log),
        ("audit log", &paths.audit),
        ("state", &paths.state),
    ] {
        if let Ok(meta) = std::fs::metadata(path) {
            findings.push(mode(what, path, &meta));
        }
    }
    findings.extend(open_folders(paths));
    let folder = paths.history.parent().unwrap_or(Path::new("."));
    findings.push(match tempfile::Builder::new().prefix(".doctor-").tempfile_in(nearest_existing(folder)) {
        Ok(_) => good("data folder", folder.display().to_string()),
        Err(e) => {
            bad("data folder", format!("cannot write in '{}': {e}. The history would stay in memory", folder.display()))
        }
    });
    findings
}

/// Folders in which others may put files in the place of ours. A sticky one keeps them from that.
fn open_folders(paths: &Paths) -> Vec<Finding> {
    let mut folders: Vec<&Path> =
        [&paths.config, &paths.vault, &paths.log].into_iter().filter_map(|file| file.parent()).collect();
    folders.extend([&*paths.providers, &*paths.themes]);
    folders.sort();
    folders.dedup();
    let open =
        |folder: &&Path| std::fs::metadata(folder).is_ok_and(|m| m.mode() & 0o022 != 0 && m.mode() & 0o1000 == 0);
    let told = folders.into_iter().filter(open).map(|folder| {
        bad("folder", format!("others may put files into '{0}'; mend it with: chmod go-w {0}", folder.display()))
    });
    told.collect()
}

fn nearest_existing(folder: &Path) -> &Path {
    // A file in the way is found too: what cannot be made below it is what the finding is about.
    folder.ancestors().find(|f| f.exists()).unwrap_or(Path::new("/"))
}

fn mode(what: &'static str, path: &Path, meta: &std::fs::Metadata) -> Finding {
    let bits = meta.mode() & 0o777;
    if bits & 0o077 == 0 {
        good(what, format!("{} ({bits:04o})", path.display()))
    } else {
        bad(what, format!("others may read '{0}' ({bits:04o}); mend it with: chmod 600 {0}", path.display()))
    }
}

fn vault_finding(vault: &Vault) -> Finding {
    match vault.list() {
        Ok(entries) => good("vault", format!("{} entries", entries.len())),
        Err(error) => bad("vault", error.to_string()),
    }
}

/// Tried by writing, reading and removing. None is no fault: most servers have none.
fn keyring_finding() -> Finding {
    let told = match keyring::probe() {
        Ok(()) => "works; it could hold the vault's key: lampboard vault rekey --method keyring".to_owned(),
        Err(why) => format!("{why}; the vault's key lies in a file or behind a passphrase instead"),
    };
    good("keyring", told)
}

fn configuration(config: &Config, registry: &Registry, resolver: Resolver) -> Result<Vec<Finding>, super::Failure> {
    let (integrations, diagnostics) = bind(config, registry);
    let mut findings =
        vec![good("configuration", format!("{}: {} integrations", config.file.display(), integrations.len()))];
    findings.extend(wrong_lines(&diagnostics));
    findings.extend(wrong_lines(&keys::complaints(config)));
    let missing: Vec<String> = world::runtime()?.block_on(async {
        let mut missing = Vec::new();
        for integration in &integrations {
            for (field, reference) in integration.secrets() {
                if let Err(error) = resolver.resolve(reference).await {
                    missing.push(format!("{}.{field}: {error}", integration.id));
                }
            }
        }
        missing
    });
    if missing.is_empty() {
        findings.push(good("credentials", "every reference gives a secret"));
    }
    findings.extend(missing.into_iter().map(|m| bad("credentials", m)));
    Ok(findings)
}

/// One finding for each complaint, without the source line: a table has one line for each.
fn wrong_lines(diagnostics: &[Diagnostic]) -> Vec<Finding> {
    let short = |d: &Diagnostic| Diagnostic { source: None, ..d.clone() }.to_string();
    diagnostics.iter().map(|d| bad("configuration", short(d))).collect()
}

fn terminal() -> Finding {
    let var = |name| std::env::var(name).ok().filter(|v| !v.is_empty()).unwrap_or_else(|| "unset".to_owned());
    good(
        "terminal",
        format!(
            "TERM {}, COLORTERM {}, NO_COLOR {}, LANG {}",
            var("TERM"),
            var("COLORTERM"),
            var("NO_COLOR"),
            var("LANG")
        ),
    )
}

/// Only whether proxies are set: their URLs may hold a password.
fn proxy() -> Finding {
    let set: Vec<&str> = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "NO_PROXY"]
        .into_iter()
        .filter(|v| std::env::var_os(v).is_some_and(|x| !x.is_empty()))
        .collect();
    good(
        "proxy",
        if set.is_empty() { "none in the environment".to_owned() } else { format!("set by {}", set.join(", ")) },
    )
}
