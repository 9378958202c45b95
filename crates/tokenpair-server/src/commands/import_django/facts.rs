//! What is known of a Django project, whoever told it: its files or Django itself.

use super::python::{Additions, Flaw, Place, Scope, Value};
use std::path::PathBuf;
use std::rc::Rc;
use tokenpair::UserIdKind;

/// A variable that is set in a file.
pub(super) const IN_FILE: &str = "set in a file";

/// A project as far as it is known.
pub(super) struct Facts {
    pub(super) settings: Rc<Scope>,
    /// Where Django's process runs, most probably: relative paths start there.
    pub(super) root: PathBuf,
    /// Django's version, such as (5, 2).
    pub(super) django: Option<(u32, u32)>,
    /// Simple JWT's version, such as 5, 3, 1.
    pub(super) simple_jwt: Option<Vec<u32>>,
    /// Places that could not be read.
    pub(super) flaws: Vec<Flaw>,
    pub(super) user: User,
    pub(super) routes: Routes,
    /// `TOKEN_OBTAIN_SERIALIZER`, where it is the project's own.
    pub(super) serializer: Option<Rc<Serializer>>,
    /// `authenticate` of the log-in back ends that are the project's own, by the back end's name.
    pub(super) backends: Vec<(String, Place)>,
    /// Numbers of the hashers' classes by `PASSWORD_ROUNDS`' names, where Django itself told them.
    pub(super) rounds: Vec<(String, i64)>,
    /// Variables that were looked up: name, and what became of it.
    pub(super) variables: Vec<(String, &'static str)>,
}

impl Facts {
    /// `USERNAME_FIELD` of the user model.
    pub(super) fn username_field(&self) -> &str {
        match &self.user {
            User::Custom(model) => &model.username_field,
            User::Django | User::Unknown { .. } => "username",
        }
    }
}

/// The user model.
pub(super) enum User {
    /// Django's own, or nothing is said of it.
    Django,
    Custom(Model),
    /// It could not be read.
    Unknown {
        at: Place,
        name: String,
        reason: String,
    },
}

/// A user model of the project's own.
pub(super) struct Model {
    /// `accounts.Customer`.
    pub(super) name: String,
    pub(super) at: Place,
    pub(super) table: String,
    pub(super) fields: Vec<Field>,
    pub(super) username_field: String,
    /// What it does beyond its columns, a sentence each.
    pub(super) remarks: Vec<(Place, String)>,
}

/// A column of a model.
#[derive(Clone)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) column: String,
    /// Django's class: `CharField`.
    pub(super) class: String,
    /// `None` for what can be no user id.
    pub(super) kind: Option<UserIdKind>,
    pub(super) is_primary_key: bool,
    /// Whether it may hold nothing, which Python's `str` calls None.
    pub(super) is_nullable: bool,
}

impl Model {
    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        let is_it = |field: &&Field| match name {
            "pk" => field.is_primary_key,
            _ => field.name == name,
        };
        self.fields.iter().find(is_it)
    }
}

/// The URL configuration.
pub(super) enum Routes {
    /// Nothing is said of it.
    Unsaid,
    Read {
        routes: Vec<Route>,
        unread: Vec<Unread>,
    },
}

/// A path and the view behind it.
pub(super) struct Route {
    pub(super) at: Place,
    /// As a path, `/api/token/`; or a pattern that is none, with the reason.
    pub(super) path: Result<String, String>,
    pub(super) view: View,
    /// Also without its final slash.
    pub(super) is_slash_optional: bool,
}

/// The views that concern us.
pub(super) enum View {
    /// One of Simple JWT's, by its class.
    SimpleJwt(String),
    /// The project's own on top of one of Simple JWT's: its name, the class below, what differs.
    Own {
        name: String,
        base: String,
        how: String,
        /// Its `serializer_class`, where that is all that differs.
        serializer: Option<Rc<Serializer>>,
    },
    /// Of a package that hands out tokens in its own way: its name, and what is special about it.
    Foreign { name: String, what: &'static str },
}

/// A log-in serializer of the project's own, right on top of Simple JWT's `TokenObtainPairSerializer`.
pub(super) struct Serializer {
    pub(super) name: String,
    pub(super) at: Place,
    pub(super) additions: Additions,
}

/// A part of the URL configuration that could not be read.
pub(super) struct Unread {
    pub(super) at: Place,
    pub(super) reason: String,
    /// It most probably does not matter.
    pub(super) is_note: bool,
}

/// Whether a setting holds something; `None` and unknown values do not count.
pub(super) fn texts(value: &Value) -> Option<Vec<&str>> {
    match value.as_text() {
        Some(text) => Some(vec![text]),
        None => value.as_list()?.iter().map(Value::as_text).collect(),
    }
}
