//! The files of a project: which of them a module is, and what its names hold.

use super::environment::Environment;
use super::source::Source;
use super::statements::Frame;
use super::value::{Place, Value};
use crate::output::Failure;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The names of a module or of a class, in the order of the alphabet.
#[derive(Clone, Default)]
pub(in super::super) struct Scope {
    pub(super) names: BTreeMap<Rc<str>, Value>,
    /// The folder of the module, from which its relative imports start.
    pub(super) folder: PathBuf,
}

impl PartialEq for Scope {
    fn eq(&self, other: &Self) -> bool {
        self.names == other.names
    }
}

impl Scope {
    pub(in super::super) fn get(&self, name: &str) -> Option<&Value> {
        self.names.get(name)
    }

    pub(in super::super) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.names.iter().map(|(name, value)| (&**name, value))
    }

    pub(in super::super) fn insert(&mut self, name: &str, value: Value) {
        self.names.insert(Rc::from(name), value);
    }

    pub(super) fn weight(&self) -> usize {
        self.names.values().map(|value| value.weight + 1).sum()
    }
}

/// A place that could not be read, and why.
pub(in super::super) struct Flaw {
    pub(in super::super) at: Place,
    pub(in super::super) reason: String,
}

/// All that reading may cost, so that no file keeps us busy for ever.
const BUDGET: usize = 4_000_000;
const MOST_FILES: usize = 500;
/// More folders above the settings are not looked at for modules.
const MOST_FOLDERS: usize = 4;
const MOST_ROOTS: usize = 16;

/// A module that has been read, or is being read.
enum Reading {
    Unfinished,
    Done(Rc<Scope>),
    Failed(String),
}

/// The modules of a project, each read once.
pub(in super::super) struct Project {
    roots: Vec<PathBuf>,
    has_manage_py: bool,
    modules: HashMap<PathBuf, Reading>,
    pub(in super::super) environment: Environment,
    /// What `django.conf.settings` holds.
    pub(in super::super) settings: Option<Rc<Scope>>,
    pub(in super::super) flaws: Vec<Flaw>,
    budget: usize,
    /// How deep statements and expressions are nested, over all modules that are open.
    pub(super) depth: usize,
}

impl Project {
    /// The project that the settings belong to: the folder with its `manage.py`, and those down to the settings.
    pub(in super::super) fn of(settings: &Path, environment: Environment) -> Self {
        let folder = crate::files::folder_of(settings);
        let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        let above: Vec<&Path> = whole.ancestors().take(MOST_FOLDERS).collect();
        let is_root = |folder: &&Path| folder.join("manage.py").is_file();
        let root = above.iter().position(is_root);
        let depth = root.unwrap_or(1);
        // As the user wrote it, where that is possible: places are shown so.
        let shown = |depth: usize| match depth {
            0 => folder.to_owned(),
            _ => shown_ancestor(folder, depth).unwrap_or_else(|| {
                let ancestor = above.get(depth).copied();
                ancestor.unwrap_or(&whole).to_owned()
            }),
        };
        let roots = (0..=depth.min(above.len().saturating_sub(1))).rev();
        Self {
            roots: roots.map(shown).collect(),
            has_manage_py: root.is_some(),
            modules: HashMap::new(),
            environment,
            settings: None,
            flaws: Vec::new(),
            budget: BUDGET,
            depth: 0,
        }
    }

    /// Where Django's process runs, most probably; the present folder, where that cannot be told.
    pub(in super::super) fn home(&self) -> PathBuf {
        let root = self.roots.first().filter(|_| self.has_manage_py);
        let whole = root.and_then(|root| std::path::absolute(root).ok());
        whole.map_or_else(PathBuf::new, |root| super::names::resolved(&root))
    }

    /// The folders that modules are looked for in, the project's own first.
    pub(in super::super) fn roots(&self) -> &[PathBuf] {
        &self.roots
    }

    /// A further folder for modules, as `sys.path` gets it.
    pub(super) fn add_root(&mut self, folder: &Path) {
        let here = std::env::current_dir().ok();
        let shown = here
            .as_deref()
            .and_then(|here| folder.strip_prefix(here).ok());
        let shown = shown.unwrap_or(folder).to_owned();
        if self.roots.len() < MOST_ROOTS && !self.roots.contains(&shown) {
            self.roots.push(shown);
        }
    }

    /// Reads one file to its end.
    pub(in super::super) fn run(&mut self, path: &Path) -> Result<Rc<Scope>, Failure> {
        let key = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        match self.modules.get(&key) {
            Some(Reading::Done(scope)) => return Ok(scope.clone()),
            Some(Reading::Failed(reason)) => return Err(Failure::new(reason.clone())),
            Some(Reading::Unfinished) => {
                return Err(Failure::because(path.display())(
                    &"is imported by what it imports",
                ));
            }
            None => {}
        }
        if self.modules.len() >= MOST_FILES {
            return Err(Failure::new(format!(
                "more than {MOST_FILES} files are imported"
            )));
        }
        self.modules.insert(key.clone(), Reading::Unfinished);
        let read = Source::read(path).map(|source| {
            self.flaws
                .extend(source.flaws().into_iter().map(|line| Flaw {
                    at: Place {
                        file: source.file.clone(),
                        line,
                    },
                    reason: "is not valid Python, so it was left out".to_owned(),
                }));
            let folder = crate::files::folder_of(path).to_owned();
            Rc::new(Frame::module(self, &source, folder).run(source.root()))
        });
        let reading = match &read {
            Ok(scope) => Reading::Done(scope.clone()),
            Err(failure) => Reading::Failed(failure.to_string()),
        };
        self.modules.insert(key, reading);
        read
    }

    /// The file of a module by its dotted name; of a package that is its `__init__.py`.
    pub(in super::super) fn find(&self, dotted: &str) -> Option<PathBuf> {
        let is_name =
            |part: &str| !part.is_empty() && part.chars().all(|c| c == '_' || c.is_alphanumeric());
        if !dotted.split('.').all(is_name) {
            return None;
        }
        let relative: PathBuf = dotted.split('.').collect();
        self.roots
            .iter()
            .find_map(|root| module_at(&root.join(&relative)))
    }

    /// Takes `cost` from what reading may cost; `false` when nothing is left.
    pub(super) fn spend(&mut self, cost: usize) -> bool {
        self.budget = self.budget.saturating_sub(cost);
        self.budget > 0
    }
}

/// `path.py`, or `path/__init__.py`.
pub(super) fn module_at(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let file = path.with_file_name(format!("{name}.py"));
    let package = path.join("__init__.py");
    [file, package].into_iter().find(|place| place.is_file())
}

/// The folder `depth` above, as long as the path names that many.
fn shown_ancestor(folder: &Path, depth: usize) -> Option<PathBuf> {
    let is_plain = folder
        .components()
        .all(|part| !matches!(part, std::path::Component::ParentDir));
    let ancestor = folder.ancestors().nth(depth).filter(|_| is_plain)?;
    let named = folder.components().count();
    let dotted = folder.starts_with(".");
    if ancestor.as_os_str().is_empty() {
        // `config` of `config/settings.py`: its parent is this folder.
        return (depth == named && !dotted).then(|| PathBuf::from("."));
    }
    (depth < named).then(|| ancestor.to_owned())
}
