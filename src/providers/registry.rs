//! All definitions: the built-in ones and the user's folder, last good kept.

use super::{Definition, Origin, builtin, compile};
use indexmap::IndexMap;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};

pub use super::lint::lint;

/// Something wrong with a definition file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// 1-based line, where known.
    pub line: Option<usize>,
    /// 1-based column, where known.
    pub column: Option<usize>,
    /// What is wrong and what to do.
    pub message: String,
}

/// All definitions known now. Immutable; a reload makes a new one.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    definitions: Arc<IndexMap<String, Arc<Definition>>>,
}

static BUILT_IN: LazyLock<Registry> = LazyLock::new(|| {
    let definitions = builtin::FILES.iter().filter_map(|(stem, text)| {
        // A test compiles every one of them: here nothing is lost silently.
        compile::compile_trusted(Path::new(&format!("{stem}.toml")), text).ok()
    });
    Registry::of(definitions)
});

impl Registry {
    /// Of these definitions, sorted by category and name.
    pub fn of(definitions: impl IntoIterator<Item = Definition>) -> Registry {
        Registry::sorted(definitions.into_iter().map(|d| (d.id.clone(), Arc::new(d))).collect())
    }

    fn sorted(mut definitions: IndexMap<String, Arc<Definition>>) -> Registry {
        definitions.sort_by(|_, a, _, b| (a.category, a.name.to_lowercase()).cmp(&(b.category, b.name.to_lowercase())));
        Registry { definitions: Arc::new(definitions) }
    }

    /// The built-in definitions only, compiled once.
    pub fn built_in() -> Registry {
        BUILT_IN.clone()
    }

    /// Built-in ones plus the user's folder. A bad file keeps `previous`'s definition of that file if there was one.
    pub fn load(folder: Option<&Path>, previous: Option<&Registry>) -> (Registry, Vec<Problem>) {
        let built_in = Registry::built_in();
        let Some(entries) = folder.and_then(|f| std::fs::read_dir(f).ok()) else {
            return (built_in, Vec::new());
        };
        let mut files: Vec<PathBuf> =
            entries.flatten().map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == "toml")).collect();
        files.sort();
        if files.is_empty() {
            return (built_in, Vec::new());
        }
        let mut definitions = (*built_in.definitions).clone();
        let mut problems = Vec::new();
        for file in files {
            match user(&file) {
                Ok(definition) => {
                    definitions.insert(definition.id.clone(), Arc::new(definition));
                }
                Err(found) => {
                    problems.extend(found);
                    let last_good =
                        previous.into_iter().flat_map(Registry::iter).find(|d| d.origin == Origin::User(file.clone()));
                    if let Some(last_good) = last_good {
                        definitions.insert(last_good.id.clone(), last_good.clone());
                    }
                }
            }
        }
        (Registry::sorted(definitions), problems)
    }

    /// By id.
    pub fn get(&self, id: &str) -> Option<&Arc<Definition>> {
        self.definitions.get(id)
    }

    /// All, by category and name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Definition>> {
        self.definitions.values()
    }
}

fn user(file: &Path) -> Result<Definition, Vec<Problem>> {
    let problem = |message: String| vec![Problem { file: file.to_owned(), line: None, column: None, message }];
    let meta = std::fs::metadata(file).map_err(|e| problem(format!("cannot be read: {e}")))?;
    if let Some(why) = crate::model::trust::distrust(&meta, rustix::process::geteuid().as_raw()) {
        return Err(problem(why.to_owned()));
    }
    let size = meta.len();
    if size > compile::LARGEST as u64 {
        return Err(problem(format!("the file has {size} bytes; {} at most", compile::LARGEST)));
    }
    let text = std::fs::read_to_string(file).map_err(|e| problem(format!("cannot be read: {e}")))?;
    compile::compile(file, &text, Origin::User(file.to_owned()))
}
