//! A value of a Python program as far as it is known, and where it was written.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::project::Scope;

/// A line of a file.
#[derive(Clone, PartialEq, Eq)]
pub(in super::super) struct Place {
    pub(in super::super) file: Rc<Path>,
    /// From 1; 0 where there are no lines.
    pub(in super::super) line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.strip_prefix(".").unwrap_or(&self.file);
        match self.line {
            0 => write!(f, "{}", file.display()),
            line => write!(f, "{}:{line}", file.display()),
        }
    }
}

/// What is known of a value, and what it came from.
#[derive(Clone)]
pub(in super::super) struct Value {
    pub(in super::super) what: What,
    pub(in super::super) at: Place,
    /// The environment variables that it depends on.
    pub(in super::super) variables: BTreeSet<Rc<str>>,
    /// Whether it is the text of its one variable, unchanged.
    pub(in super::super) is_verbatim: bool,
    /// How much memory it stands for, at least 1.
    pub(super) weight: usize,
    /// How deep it is nested, at least 1.
    height: usize,
}

/// A list, dictionary or text of more than this is none of ours.
const HEAVIEST: usize = 100_000;
const TALLEST: usize = 100;

/// The kinds of values that settings are made of. A set and a tuple are lists.
#[derive(Clone, PartialEq)]
pub(in super::super) enum What {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    List(Vec<Value>),
    Dict(Vec<(Rc<str>, Value)>),
    /// `timedelta`, in microseconds.
    Duration(i64),
    Path(PathBuf),
    /// What `open(PATH).read()` gives; the file is not read. With `true` the ends of its text are stripped.
    FileText(PathBuf, bool),
    /// Something imported from elsewhere, by its dotted name.
    Name(Rc<str>),
    /// A call that is not made.
    Call(Rc<Call>),
    Class(Rc<Class>),
    /// A module of the project.
    Module(Rc<Scope>),
    /// `os.environ`.
    Environ,
    /// `environ.Env(…)` with its scheme: default type and value by variable. With `true` it is a `FileAwareEnv`.
    Env(Rc<[(Rc<str>, Value)]>, bool),
    Unknown(Rc<str>),
}

/// The scheme of an `environ.Env`, and whether it also reads the files that `NAME_FILE` names.
pub(super) type Scheme = (Rc<[(Rc<str>, Value)]>, bool);

/// `callee(arguments, keywords)`.
#[derive(PartialEq)]
pub(in super::super) struct Call {
    pub(in super::super) callee: Rc<str>,
    pub(in super::super) arguments: Vec<Value>,
    pub(in super::super) keywords: Vec<(Rc<str>, Value)>,
}

impl Call {
    pub(in super::super) fn keyword(&self, name: &str) -> Option<&Value> {
        let mut keywords = self.keywords.iter();
        keywords
            .find(|(keyword, _)| **keyword == *name)
            .map(|(_, value)| value)
    }

    /// The argument at `index`, or the one called `name`.
    pub(in super::super) fn argument(&self, index: usize, name: &str) -> Option<&Value> {
        self.arguments.get(index).or_else(|| self.keyword(name))
    }
}

/// `class name(bases): body`.
pub(in super::super) struct Class {
    pub(in super::super) name: Rc<str>,
    /// Its first line.
    pub(in super::super) at: Place,
    pub(in super::super) bases: Vec<Value>,
    /// Those that may change what it does, as `@name`.
    pub(in super::super) decorators: Vec<String>,
    pub(in super::super) body: Rc<Scope>,
}

impl PartialEq for Class {
    /// One statement makes one class.
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.body, &other.body)
    }
}

impl PartialEq for Value {
    /// Equal as values, wherever they were written.
    fn eq(&self, other: &Self) -> bool {
        self.what == other.what && self.variables == other.variables
    }
}

impl Value {
    pub(in super::super) fn new(what: What, at: Place) -> Self {
        let mut value = Self {
            what,
            at,
            variables: BTreeSet::new(),
            is_verbatim: false,
            weight: 1,
            height: 1,
        };
        value.weigh();
        value
    }

    pub(in super::super) fn text(text: impl Into<Rc<str>>, at: Place) -> Self {
        Self::new(What::Text(text.into()), at)
    }

    pub(super) fn unknown(reason: impl Into<Rc<str>>, at: Place) -> Self {
        Self::new(What::Unknown(reason.into()), at)
    }

    fn weigh(&mut self) {
        let (mut weight, mut height) = (1, 1);
        let mut add = |part: &Self| {
            weight += part.weight;
            height = height.max(part.height + 1);
        };
        match &self.what {
            What::Text(text) => weight += text.len() / 64,
            What::List(values) => values.iter().for_each(add),
            What::Dict(members) => members.iter().for_each(|(_, value)| add(value)),
            What::Call(call) => {
                call.arguments.iter().for_each(&mut add);
                call.keywords.iter().for_each(|(_, value)| add(value));
            }
            What::Class(class) => {
                class.bases.iter().for_each(&mut add);
                class.body.iter().for_each(|(_, value)| add(value));
                // It is shared, not copied.
                weight = 1;
            }
            _ => {}
        }
        (self.weight, self.height) = (weight, height);
    }

    /// The same after parts have been changed.
    pub(super) fn weigh_again(&mut self) {
        match &mut self.what {
            What::List(values) => values.iter_mut().for_each(Self::weigh_again),
            What::Dict(members) => members
                .iter_mut()
                .for_each(|(_, value)| value.weigh_again()),
            _ => {}
        }
        self.weigh();
        if self.is_too_large() {
            self.what = What::Unknown(Rc::from("is too large to be read"));
            self.weigh();
        }
    }

    fn is_too_large(&self) -> bool {
        self.weight > HEAVIEST || self.height > TALLEST
    }

    /// Itself, unless it is so large that nobody meant it.
    pub(super) fn guarded(self) -> Self {
        if self.is_too_large() {
            Self::unknown("is too large to be read", self.at)
        } else {
            self
        }
    }

    /// The same, depending on what `others` depend on.
    pub(super) fn made_of<'a>(mut self, others: impl IntoIterator<Item = &'a Value>) -> Self {
        for other in others {
            self.variables.extend(other.variables.iter().cloned());
        }
        self
    }

    /// Why it is not known, of itself alone.
    pub(in super::super) fn reason(&self) -> Option<&str> {
        match &self.what {
            What::Unknown(reason) => Some(reason),
            _ => None,
        }
    }

    pub(in super::super) fn as_text(&self) -> Option<&str> {
        match &self.what {
            What::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A text, or a path as text.
    pub(in super::super) fn as_path(&self) -> Option<PathBuf> {
        match &self.what {
            What::Text(text) => Some(PathBuf::from(&**text)),
            What::Path(path) => Some(path.clone()),
            _ => None,
        }
    }

    pub(in super::super) fn as_list(&self) -> Option<&[Value]> {
        match &self.what {
            What::List(values) => Some(values),
            _ => None,
        }
    }

    pub(in super::super) fn as_dict(&self) -> Option<&[(Rc<str>, Value)]> {
        match &self.what {
            What::Dict(members) => Some(members),
            _ => None,
        }
    }

    pub(in super::super) fn member(&self, name: &str) -> Option<&Value> {
        let mut members = self.as_dict()?.iter();
        members
            .find(|(key, _)| **key == *name)
            .map(|(_, value)| value)
    }

    /// Python's `bool()`, where it is known.
    pub(in super::super) fn truth(&self) -> Option<bool> {
        Some(match &self.what {
            What::None => false,
            What::Bool(flag) => *flag,
            What::Int(number) => *number != 0,
            What::Float(number) => *number != 0.0,
            What::Text(text) => !text.is_empty(),
            What::List(values) => !values.is_empty(),
            What::Dict(members) => !members.is_empty(),
            What::Duration(length) => *length != 0,
            What::Path(_) | What::Module(_) | What::Class(_) => true,
            _ => return None,
        })
    }

    /// What kind of thing it is, for a sentence that says that it cannot be used. Never the value.
    pub(in super::super) fn describe(&self) -> String {
        match &self.what {
            What::None => "None".to_owned(),
            What::Bool(_) => "a boolean".to_owned(),
            What::Int(_) | What::Float(_) => "a number".to_owned(),
            What::Text(_) => "a text".to_owned(),
            What::List(_) => "a list".to_owned(),
            What::Dict(_) => "a dictionary".to_owned(),
            What::Duration(_) => "a timedelta".to_owned(),
            What::Path(_) => "a path".to_owned(),
            What::FileText(path, _) => format!("the content of {}", path.display()),
            What::Name(name) => format!("{name}, which is Python code"),
            What::Call(call) => format!("what {}() returns, which is not called", call.callee),
            What::Class(class) => format!("the class {}", class.name),
            What::Module(_) => "a module".to_owned(),
            What::Environ | What::Env(..) => "the environment".to_owned(),
            What::Unknown(reason) => reason.to_string(),
        }
    }
}
