//! Imports, and what the imported names of other packages hold.

use super::project::{Project, Scope, module_at};
use super::statements::{Frame, Importable};
use super::value::{Place, Value, What};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use tree_sitter::Node;

/// Packages that a Django project has: an import of them works.
const INSTALLED: [&str; 24] = [
    "collections",
    "corsheaders",
    "datetime",
    "decimal",
    "decouple",
    "dj_database_url",
    "django",
    "dotenv",
    "environ",
    "functools",
    "importlib",
    "io",
    "itertools",
    "json",
    "logging",
    "os",
    "pathlib",
    "re",
    "rest_framework",
    "rest_framework_simplejwt",
    "socket",
    "sys",
    "typing",
    "warnings",
];
const CORS_HEADERS: [&str; 7] = [
    "accept",
    "authorization",
    "content-type",
    "origin",
    "user-agent",
    "x-csrftoken",
    "x-requested-with",
];
const CORS_METHODS: [&str; 6] = ["DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT"];
/// Names that lead to each other in a circle are followed so far.
const LONGEST_TRAIL: usize = 16;

/// `from ..base import x`: how many folders up, and the module from there. `None` up is an absolute import.
struct Origin<'a> {
    up: Option<usize>,
    module: &'a str,
}

impl Frame<'_> {
    pub(super) fn import(&mut self, node: Node<'_>) {
        let mut cursor = node.walk();
        let names: Vec<Node<'_>> = node.children_by_field_name("name", &mut cursor).collect();
        for name in names {
            let at = self.place(name);
            let alias = name.child_by_field_name("alias");
            if let (Some(module), Some(alias)) = (name.child_by_field_name("name"), alias) {
                let what = What::Name(Rc::from(self.text(module)));
                let value = self.known(Value::new(what, at));
                self.bind(self.text(alias), value);
            } else {
                let first = self.text(name).split('.').next().unwrap_or_default();
                let what = What::Name(Rc::from(first));
                self.bind(first, Value::new(what, at));
            }
        }
    }

    pub(super) fn import_from(&mut self, node: Node<'_>) {
        let Some(module) = node.child_by_field_name("module_name") else {
            return;
        };
        let origin = origin(self.text(module));
        let file = self.module_file(&origin);
        let mut cursor = node.walk();
        let everything = node
            .named_children(&mut cursor)
            .any(|child| child.kind() == "wildcard_import");
        if everything {
            self.import_everything(node, &origin, file);
            return;
        }
        let mut cursor = node.walk();
        let names: Vec<Node<'_>> = node.children_by_field_name("name", &mut cursor).collect();
        // Settings are read at once, as they may change; of other modules only what is needed.
        let is_settings = self.project.settings.is_none();
        let scope = file
            .filter(|_| is_settings)
            .map(|file| self.project.run(&file));
        for name in names {
            let original = name.child_by_field_name("name").unwrap_or(name);
            let alias = name.child_by_field_name("alias").unwrap_or(name);
            let value = self.imported(name, &origin, scope.as_ref(), self.text(original));
            self.bind(self.text(alias), value);
        }
    }

    fn imported(
        &mut self,
        node: Node<'_>,
        origin: &Origin<'_>,
        scope: Option<&Result<Rc<Scope>, crate::output::Failure>>,
        name: &str,
    ) -> Value {
        let at = self.place(node);
        match scope {
            Some(Ok(scope)) => {
                if let Some(value) = scope.get(name) {
                    return value.clone();
                }
            }
            Some(Err(failure)) => {
                let reason = format!("is imported from a file that cannot be read: {failure}");
                return Value::unknown(reason, at);
            }
            None => {}
        }
        match self.dotted(origin) {
            Some(module) if module.is_empty() => Value::new(What::Name(Rc::from(name)), at),
            Some(module) => {
                let what = What::Name(Rc::from(format!("{module}.{name}")));
                self.known(Value::new(what, at))
            }
            None => Value::unknown("is imported from a module that is not there", at),
        }
    }

    fn import_everything(&mut self, node: Node<'_>, origin: &Origin<'_>, file: Option<PathBuf>) {
        let at = self.place(node);
        let Some(file) = file else {
            let module = origin.module;
            let is_known = origin.up.is_none() && is_installed(module);
            if !is_known {
                self.flaw(
                    at,
                    format!("the module {module} that is imported here is not there"),
                );
            }
            return;
        };
        match self.project.run(&file) {
            Ok(scope) => {
                if self.project.spend(scope.weight()) {
                    let names = scope.iter().filter(|(name, _)| !name.starts_with('_'));
                    for (name, value) in names {
                        self.bind(name, value.clone());
                    }
                }
            }
            Err(failure) => self.flaw(at, format!("what is imported here is left out: {failure}")),
        }
    }

    pub(super) fn flaw(&mut self, at: Place, reason: String) {
        let flaw = super::project::Flaw { at, reason };
        self.project.flaws.push(flaw);
    }

    /// Whether a statement would raise `ImportError`.
    pub(super) fn importable(&self, node: Node<'_>) -> Importable {
        let judge = |origin: &Origin<'_>, everything: bool| {
            if self.module_file(origin).is_some() {
                Importable::Yes
            } else if origin.up.is_some() || (everything && !is_installed(origin.module)) {
                Importable::No
            } else if is_installed(origin.module) {
                Importable::Yes
            } else {
                Importable::Perhaps
            }
        };
        match node.kind() {
            "import_from_statement" => {
                let module = node.child_by_field_name("module_name");
                let text = module.map(|module| self.text(module)).unwrap_or_default();
                let everything = self.text(node).trim_end().ends_with('*');
                judge(&origin(text), everything)
            }
            "import_statement" => {
                let name = node.child_by_field_name("name");
                let name = name.map(|name| name.child_by_field_name("name").unwrap_or(name));
                let text = name.map(|name| self.text(name)).unwrap_or_default();
                judge(&origin(text), false)
            }
            _ => Importable::Yes,
        }
    }

    fn module_file(&self, origin: &Origin<'_>) -> Option<PathBuf> {
        let Some(up) = origin.up else {
            return self.project.find(origin.module);
        };
        let mut folder = std::path::absolute(self.folder()).ok()?;
        let shown = self.folder();
        if up == 1 {
            folder = shown;
        } else {
            for _ in 1..up {
                folder.pop();
            }
        }
        if origin.module.is_empty() {
            return Some(folder.join("__init__.py")).filter(|file| file.is_file());
        }
        let relative: PathBuf = origin.module.split('.').collect();
        module_at(&folder.join(relative))
    }

    /// The absolute name of a module.
    fn dotted(&self, origin: &Origin<'_>) -> Option<String> {
        let Some(up) = origin.up else {
            return Some(origin.module.to_owned());
        };
        let folder = self.folder();
        let roots = self.project.roots();
        let inside = roots
            .iter()
            .find_map(|root| folder.strip_prefix(root).ok())?;
        let mut parts: Vec<String> = inside
            .components()
            .map(|part| part.as_os_str().to_string_lossy().into_owned())
            .collect();
        parts.truncate((parts.len() + 1).checked_sub(up)?);
        parts.extend(
            origin
                .module
                .split('.')
                .filter(|part| !part.is_empty())
                .map(str::to_owned),
        );
        Some(parts.join("."))
    }

    /// The value behind a name of another package, where it is the same everywhere.
    pub(super) fn known(&mut self, value: Value) -> Value {
        let What::Name(name) = &value.what else {
            return value;
        };
        let texts = |texts: &[&str]| {
            let texts = texts.iter();
            What::List(
                texts
                    .map(|text| Value::text(*text, value.at.clone()))
                    .collect(),
            )
        };
        let what = match &**name {
            "os.environ" => What::Environ,
            "os.sep" => What::Text(Rc::from("/")),
            "corsheaders.defaults.default_headers" => texts(&CORS_HEADERS),
            "corsheaders.defaults.default_methods" => texts(&CORS_METHODS),
            "django.conf.settings" => match &self.project.settings {
                Some(settings) => What::Module(settings.clone()),
                None => return value,
            },
            _ => return value,
        };
        Value::new(what, value.at)
    }
}

impl Project {
    /// Follows a name into the project's modules, as far as it leads.
    pub(in super::super) fn resolve(&mut self, value: &Value) -> Value {
        let mut value = value.clone();
        for _ in 0..LONGEST_TRAIL {
            let What::Name(name) = &value.what else {
                break;
            };
            match self.follow(&name.clone()) {
                Some(found) => value = found,
                None => break,
            }
        }
        value
    }

    fn follow(&mut self, dotted: &str) -> Option<Value> {
        let mut ends: Vec<usize> = dotted.match_indices('.').map(|(index, _)| index).collect();
        ends.reverse();
        for end in ends {
            let (module, rest) = dotted.split_at(end);
            let Some(file) = self.find(module) else {
                continue;
            };
            let scope = self.run(&file).ok()?;
            let mut names = rest.trim_start_matches('.').split('.');
            let mut value = scope.get(names.next()?)?.clone();
            for name in names {
                value = match &value.what {
                    What::Class(class) => class.body.get(name)?.clone(),
                    What::Name(base) => {
                        Value::new(What::Name(Rc::from(format!("{base}.{name}"))), value.at)
                    }
                    _ => return None,
                };
            }
            // A function is known by its bare name: that leads nowhere.
            return Some(value)
                .filter(|value| !matches!(&value.what, What::Name(name) if !name.contains('.')));
        }
        None
    }
}

fn origin(text: &str) -> Origin<'_> {
    let text = text.trim();
    let module = text.trim_start_matches('.');
    let up = text.len() - module.len();
    Origin {
        up: (up > 0).then_some(up),
        module: module.trim(),
    }
}

fn is_installed(module: &str) -> bool {
    let package = module.split('.').next().unwrap_or_default();
    INSTALLED.contains(&package)
}

/// The absolute, plain form of a path, links followed where it exists.
pub(super) fn resolved(path: &Path) -> PathBuf {
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut plain = PathBuf::new();
    for part in whole.components() {
        match part {
            std::path::Component::ParentDir => {
                plain.pop();
            }
            std::path::Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}
