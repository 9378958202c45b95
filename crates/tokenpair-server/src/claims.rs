//! `[claims]` and `[answer]`: what tokens and the log-in's answer say beyond the engine's own: of the user, or of all alike.
//!
//! Looks at names and shapes only. Whether the database has the columns, `Database::check_user_model` says.

use std::collections::BTreeSet;
use tokenpair::json::{Number, Object, Value};
use tokenpair::store::UserModel;
use tokenpair::{Settings, SettingsError, User};

/// What is meant by a text that nearly begins with `user.`; no tenant or plan is called so.
const NEARLY_USER: [&str; 7] = ["user", "users", "usr", "uesr", "usre", "usser", "userr"];
/// What Django has to offer besides the columns that are mapped.
const FURTHER_COLUMNS: [&str; 3] = ["email", "first_name", "last_name"];

/// Names and the values that stand under them. What comes from a user's column is null in rows without it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClaimMap(Vec<(String, Source)>);

#[derive(Clone, Debug)]
enum Source {
    Column(String),
    /// The claim `sub`: always a text, as a token with any other `sub` is invalid (RFC 7519 §4.1.2, `PyJWT`).
    Subject(String),
    /// The same for every user.
    Static(Value),
    Array(Vec<Source>),
    Table(ClaimMap),
}

impl ClaimMap {
    /// The claims of new refresh and sliding tokens, from `[claims]`. Refuses names that the engine sets itself.
    pub(crate) fn claims(
        table: &Object,
        settings: &Settings,
        model: &UserModel,
    ) -> Result<Self, SettingsError> {
        let is_reserved = |name: &str| is_reserved(name, settings);
        let mut map = Self::read("claims", table, &is_reserved, model)?;
        for (name, source) in &mut map.0 {
            match source {
                Source::Column(column)
                    if name == "sub" && !UserModel::RELATIONS.contains(&column.as_str()) =>
                {
                    *source = Source::Subject(std::mem::take(column));
                }
                _ if name == "sub" => {
                    return Err(flaw("claims.sub", "must be a single user column"));
                }
                _ => {}
            }
        }
        Ok(map)
    }

    /// Further fields of the log-in's answer, from `[answer]`. Refuses those that hold the tokens.
    pub(crate) fn answer(table: &Object, model: &UserModel) -> Result<Self, SettingsError> {
        let is_reserved = |name: &str| ["refresh", "access", "token"].contains(&name);
        Self::read("answer", table, &is_reserved, model)
    }

    fn read(
        path: &str,
        table: &Object,
        is_reserved: &dyn Fn(&str) -> bool,
        model: &UserModel,
    ) -> Result<Self, SettingsError> {
        let read = |(name, value): &(String, Value)| {
            let path = format!("{path}.{name}");
            if is_reserved(name) {
                return Err(flaw(
                    path,
                    "is set by tokenpair itself: choose another name",
                ));
            }
            Ok((name.clone(), Source::read(path, value, model)?))
        };
        table.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Every column that [`fill`](Self::fill) looks for: what `UserModel::columns` has to ask for.
    pub(crate) fn columns(&self) -> BTreeSet<&str> {
        self.0
            .iter()
            .flat_map(|(_, source)| source.columns())
            .collect()
    }

    /// Adds the values to `target`, in the order in which the names were written.
    pub(crate) fn fill(&self, user: &User, target: &mut Object) {
        for (name, source) in &self.0 {
            if let Some(value) = source.value(user) {
                target.insert(name.as_str(), value);
            }
        }
    }
}

impl Source {
    fn read(path: String, value: &Value, model: &UserModel) -> Result<Self, SettingsError> {
        Ok(match value {
            Value::Object(table) => Self::Table(ClaimMap::read(&path, table, &|_| false, model)?),
            Value::Array(items) => {
                let items = items.iter().enumerate();
                let read = |(at, item)| Self::read(format!("{path}.{at}"), item, model);
                Self::Array(items.map(read).collect::<Result<_, _>>()?)
            }
            Value::String(text) => Self::of_text(path, text, model)?,
            Value::Number(Number::Float(float)) if !float.is_finite() => {
                return Err(flaw(path, "must be a number that JSON has"));
            }
            Value::Number(Number::BigInt(_)) => {
                return Err(flaw(path, "must be an integer of 64 bits, or a text"));
            }
            other => Self::Static(other.clone()),
        })
    }

    /// `"user.email"` is the column `email`, `"'user.email'"` a text. What only looks like a column is refused, any other
    /// text means itself.
    fn of_text(path: String, text: &str, model: &UserModel) -> Result<Self, SettingsError> {
        let quoted = text.strip_prefix('\'');
        if let Some(literal) = quoted.and_then(|text| text.strip_suffix('\'')) {
            return Ok(Self::Static(Value::from(literal)));
        }
        let Some(column) = text.strip_prefix("user.") else {
            return match meant_column(text, model) {
                Some(column) => Err(flaw(
                    path,
                    format!(
                        "{text:?} is no user column, and too like one for a text: did you mean \"user.{column}\"? \
                         As a text it is written {:?}",
                        format!("'{text}'")
                    ),
                )),
                None => Ok(Self::Static(Value::from(text))),
            };
        };
        if !UserModel::is_identifier(column) {
            let wanted = "expected a user column behind \"user.\", such as \"user.email\"";
            return Err(flaw(path, wanted));
        }
        if model.is_password(column) {
            let message = "is the column of the password, which is never given out";
            return Err(flaw(path, format!("{column:?} {message}")));
        }
        Ok(Self::Column(column.to_owned()))
    }

    fn value(&self, user: &User) -> Option<Value> {
        match self {
            Self::Column(column) => Some(of_user(user, column)),
            Self::Subject(column) => subject(of_user(user, column)),
            Self::Static(value) => Some(value.clone()),
            Self::Array(items) => {
                let items = items.iter().filter_map(|item| item.value(user));
                Some(Value::Array(items.collect()))
            }
            Self::Table(map) => {
                let mut inner = Object::new();
                map.fill(user, &mut inner);
                Some(Value::Object(inner))
            }
        }
    }

    fn columns(&self) -> BTreeSet<&str> {
        match self {
            Self::Column(column) | Self::Subject(column) => BTreeSet::from([column.as_str()]),
            Self::Static(_) => BTreeSet::new(),
            Self::Array(items) => items.iter().flat_map(Self::columns).collect(),
            Self::Table(map) => map.columns(),
        }
    }
}

/// Whether a claim says what a token is, or whose: the engine sets it, and nobody else may.
pub(crate) fn is_reserved(name: &str, settings: &Settings) -> bool {
    let standard = ["exp", "iat", "nbf", "aud", "iss", "jti", "token_type"];
    let configured = [
        settings.jti_claim.as_ref(),
        settings.token_type_claim.as_ref(),
        Some(&settings.user_id_claim),
        Some(&settings.revoke_token_claim),
        Some(&settings.sliding_token_refresh_exp_claim),
    ];
    let is_session = settings.sessions && name == "sid";
    is_session
        || standard.contains(&name)
        || configured.into_iter().flatten().any(|claim| claim == name)
}

/// The column that is probably meant by `"User.email"`, `"users.email"`, `"user,email"`, `"{user.email}"` or `"email"`.
fn meant_column<'a>(text: &'a str, model: &UserModel) -> Option<&'a str> {
    let bare = text.trim_matches(|c: char| !c.is_alphanumeric() && c != '_');
    if let Some((head, column)) = bare.split_once(['.', ',']) {
        let head = head.trim().to_lowercase();
        let column = column.trim();
        let is_meant = NEARLY_USER.contains(&head.as_str()) && UserModel::is_identifier(column);
        return is_meant.then_some(column);
    }
    let mapped = [
        Some(&model.id),
        Some(&model.username),
        Some(&model.user_id),
        model.is_active.as_ref(),
        model.is_staff.as_ref(),
        model.is_superuser.as_ref(),
        model.last_login.as_ref(),
    ];
    let is_mapped = mapped.into_iter().flatten().any(|column| column == bare);
    let is_further = FURTHER_COLUMNS.contains(&bare) || UserModel::RELATIONS.contains(&bare);
    (is_mapped || is_further).then_some(bare)
}

fn flaw(path: impl Into<String>, message: impl Into<String>) -> SettingsError {
    SettingsError::new(path, None, message)
}

fn of_user(user: &User, column: &str) -> Value {
    user.columns.get(column).cloned().unwrap_or(Value::Null)
}

/// A column as `sub`; none where it is empty or no name of anything.
fn subject(value: Value) -> Option<Value> {
    match value {
        Value::String(_) => Some(value),
        Value::Number(number) => Some(Value::from(number.to_string())),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
