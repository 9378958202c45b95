//! `[claims]` and `[answer]`: which columns of a user become claims of its tokens and fields of the log-in's answer.
//!
//! Looks at names and shapes only. Whether the table has the columns, `SqliteStore::check_user_model` says.

use std::collections::BTreeSet;
use tokenpair::json::{Object, Value};
use tokenpair::store::UserModel;
use tokenpair::{Settings, SettingsError, User};

/// Names, possibly nested, and the user columns whose values stand under them. Values are null in rows without them.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClaimMap(Vec<(String, Source)>);

#[derive(Clone, Debug)]
enum Source {
    Column(String),
    /// The claim `sub`: always a text, as a token with any other `sub` is invalid (RFC 7519 §4.1.2, `PyJWT`).
    Subject(String),
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
                Source::Column(column) if name == "sub" => {
                    *source = Source::Subject(std::mem::take(column));
                }
                Source::Table(_) if name == "sub" => {
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
            let source = match value {
                Value::Object(table) => Source::Table(Self::read(&path, table, &|_| false, model)?),
                leaf => Source::Column(column(path, leaf, model)?),
            };
            Ok((name.clone(), source))
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

    /// Adds the values of `user` to `target`, in the order in which the names were written.
    pub(crate) fn fill(&self, user: &User, target: &mut Object) {
        for (name, source) in &self.0 {
            let value = match source {
                Source::Column(column) => Some(of_user(user, column)),
                Source::Subject(column) => subject(of_user(user, column)),
                Source::Table(map) => {
                    let mut inner = Object::new();
                    map.fill(user, &mut inner);
                    Some(Value::Object(inner))
                }
            };
            if let Some(value) = value {
                target.insert(name.as_str(), value);
            }
        }
    }
}

impl Source {
    fn columns(&self) -> BTreeSet<&str> {
        match self {
            Self::Column(column) | Self::Subject(column) => BTreeSet::from([column.as_str()]),
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
    standard.contains(&name) || configured.into_iter().flatten().any(|claim| claim == name)
}

/// The column that a leaf names: `"user.email"` is `email`.
fn column(path: String, leaf: &Value, model: &UserModel) -> Result<String, SettingsError> {
    let column = leaf.as_str().and_then(|text| text.strip_prefix("user."));
    let Some(column) = column.filter(|name| UserModel::is_identifier(name)) else {
        let wanted = r#"expected a user column such as "user.email", or a table of them"#;
        return Err(flaw(path, wanted));
    };
    if model.is_password(column) {
        let message = "is the column of the password, which is never given out";
        return Err(flaw(path, format!("{column:?} {message}")));
    }
    Ok(column.to_owned())
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
mod tests {
    use super::ClaimMap;
    use tokenpair::json::{self, Object, Value};
    use tokenpair::store::UserModel;
    use tokenpair::{Settings, User};

    fn table(text: &str) -> Object {
        json::decode_strict(text.as_bytes()).unwrap()
    }

    fn settings() -> Settings {
        Settings::new("a secret of at least 32 bytes, kept out of the code")
    }

    fn claims(text: &str) -> Result<ClaimMap, String> {
        let map = ClaimMap::claims(&table(text), &settings(), &UserModel::default());
        map.map_err(|error| error.to_string())
    }

    fn answer(text: &str) -> Result<ClaimMap, String> {
        let map = ClaimMap::answer(&table(text), &UserModel::default());
        map.map_err(|error| error.to_string())
    }

    fn ada() -> User {
        let mut ada = User::new(1, "ada");
        ada.columns = table(r#"{"email":"ada@example.com","id":1,"is_staff":false,"nick":null}"#);
        ada
    }

    fn filled(map: &ClaimMap, before: &str) -> String {
        let mut target = table(before);
        map.fill(&ada(), &mut target);
        json::encode_utf8(&Value::Object(target))
    }

    #[test]
    fn values_stand_in_the_written_order_behind_what_is_there() {
        let text = r#"{"user":{"id":"user.id","more":{"staff":"user.is_staff"}},"email":"user.email","none":"user.nick","x":{}}"#;
        let map = claims(text).unwrap();
        assert_eq!(
            filled(&map, r#"{"exp":1}"#),
            r#"{"exp":1,"user":{"id":1,"more":{"staff":false}},"email":"ada@example.com","none":null,"x":{}}"#
        );
        let map = answer(text).unwrap();
        assert!(filled(&map, "{}").starts_with(r#"{"user":{"id":1,"#));
    }

    #[test]
    fn the_columns_that_are_needed_are_told_once() {
        let map = claims(r#"{"a":"user.email","b":{"c":"user.id","d":"user.email"}}"#).unwrap();
        assert_eq!(Vec::from_iter(map.columns()), ["email", "id"]);
        assert!(ClaimMap::default().columns().is_empty());
    }

    #[test]
    fn a_column_that_a_row_does_not_have_is_null() {
        let map = claims(r#"{"a":"user.phone"}"#).unwrap();
        assert_eq!(filled(&map, "{}"), r#"{"a":null}"#);
    }

    #[test]
    fn what_is_no_user_column_is_refused_with_its_path() {
        for leaf in [
            r#""email""#,
            r#""user.""#,
            r#""user.a.b""#,
            r#""user.e-mail""#,
            r#""User.email""#,
            r#"" user.email""#,
            "1",
            "null",
            "true",
            r#"["user.email"]"#,
        ] {
            let error = claims(&format!(r#"{{"user":{{"mail":{leaf}}}}}"#)).unwrap_err();
            assert_eq!(
                error,
                r#"claims.user.mail: expected a user column such as "user.email", or a table of them"#,
                "{leaf}"
            );
        }
    }

    #[test]
    fn claims_that_the_engine_sets_are_refused() {
        for name in [
            "exp",
            "iat",
            "nbf",
            "jti",
            "token_type",
            "user_id",
            "hash_password",
            "refresh_exp",
            "aud",
            "iss",
        ] {
            let error = claims(&format!(r#"{{"{name}":"user.email"}}"#)).unwrap_err();
            assert_eq!(
                error,
                format!("claims.{name}: is set by tokenpair itself: choose another name")
            );
            claims(&format!(r#"{{"user":{{"{name}":"user.email"}}}}"#)).unwrap();
        }
    }

    #[test]
    fn claims_that_settings_name_are_refused_under_their_new_names() {
        let mut settings = settings();
        settings.jti_claim = Some("id".to_owned());
        settings.token_type_claim = None;
        settings.user_id_claim = "uid".to_owned();
        settings.revoke_token_claim = "digest".to_owned();
        settings.sliding_token_refresh_exp_claim = "window".to_owned();
        let accepted = |name: &str| {
            let table = table(&format!(r#"{{"{name}":"user.email"}}"#));
            ClaimMap::claims(&table, &settings, &UserModel::default()).is_ok()
        };
        for name in ["id", "jti", "token_type", "uid", "digest", "window"] {
            assert!(!accepted(name), "{name}");
        }
        for name in ["user_id", "hash_password", "refresh_exp", "sub", "email"] {
            assert!(accepted(name), "{name}");
        }
    }

    #[test]
    fn the_fields_of_the_tokens_are_refused_in_an_answer() {
        for name in ["refresh", "access", "token"] {
            let error = answer(&format!(r#"{{"{name}":"user.email"}}"#)).unwrap_err();
            assert_eq!(
                error,
                format!("answer.{name}: is set by tokenpair itself: choose another name")
            );
        }
        answer(r#"{"exp":"user.email","user":{"token":"user.id"}}"#).unwrap();
    }

    #[test]
    fn the_password_is_refused_everywhere() {
        let flaw = r#""password" is the column of the password, which is never given out"#;
        let text = r#"{"a":{"b":"user.password"}}"#;
        assert_eq!(claims(text).unwrap_err(), format!("claims.a.b: {flaw}"));
        assert_eq!(answer(text).unwrap_err(), format!("answer.a.b: {flaw}"));
        let model = UserModel {
            password: "hash".to_owned(),
            ..UserModel::default()
        };
        let refused = ClaimMap::answer(&table(r#"{"a":"user.Hash"}"#), &model);
        assert!(refused.is_err());
        let accepted = ClaimMap::answer(&table(r#"{"a":"user.password"}"#), &model);
        assert!(accepted.is_ok());
    }

    #[test]
    fn sub_is_a_text_or_absent() {
        let sub =
            |column: &str| filled(&claims(&format!(r#"{{"sub":"{column}"}}"#)).unwrap(), "{}");
        assert_eq!(sub("user.id"), r#"{"sub":"1"}"#);
        assert_eq!(sub("user.email"), r#"{"sub":"ada@example.com"}"#);
        assert_eq!(sub("user.nick"), "{}");
        assert_eq!(sub("user.is_staff"), "{}");
        let map = claims(r#"{"sub":"user.id"}"#).unwrap();
        assert_eq!(Vec::from_iter(map.columns()), ["id"]);
        assert_eq!(
            claims(r#"{"sub":{"a":"user.id"}}"#).unwrap_err(),
            "claims.sub: must be a single user column"
        );
        let map = answer(r#"{"sub":"user.id"}"#).unwrap();
        assert_eq!(filled(&map, "{}"), r#"{"sub":1}"#);
    }
}
