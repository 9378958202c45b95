use super::ClaimMap;
use tokenpair::json::{self, Number, Object, Value};
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
fn what_does_not_begin_with_user_is_the_same_for_everybody() {
    let text = r#"{"tenant":"acme","level":3,"rate":0.5,"beta":true,"roles":["a",1,["b"]],"x":{"y":"z","m":"user.email"}}"#;
    let map = claims(text).unwrap();
    assert_eq!(Vec::from_iter(map.columns()), ["email"]);
    assert_eq!(
        filled(&map, "{}"),
        text.replace("user.email", "ada@example.com")
    );
    assert_eq!(
        filled(&answer(text).unwrap(), "{}"),
        text.replace("user.email", "ada@example.com")
    );
}

#[test]
fn a_column_may_stand_in_a_list() {
    let map = claims(r#"{"of":["user.id","user.email","x"]}"#).unwrap();
    assert_eq!(Vec::from_iter(map.columns()), ["email", "id"]);
    assert_eq!(filled(&map, "{}"), r#"{"of":[1,"ada@example.com","x"]}"#);
}

#[test]
fn what_stands_in_quotes_of_its_own_is_a_text() {
    let map = claims(r#"{"scope":"'users.email'","of":["'user.id'","''"],"a":"'","b":"''c''"}"#);
    let map = map.unwrap();
    assert!(map.columns().is_empty());
    assert_eq!(
        filled(&map, "{}"),
        r#"{"scope":"users.email","of":["user.id",""],"a":"'","b":"'c'"}"#
    );
}

#[test]
fn what_is_nearly_a_column_is_refused_with_what_is_meant() {
    for text in [
        "users.email",
        "User.email",
        "USER.email",
        "usr.email",
        "user,email",
        " user.email",
        "user .email",
        "user. email",
        "{user.email}",
        "{{ user.email }}",
        "${user.email}",
        "email",
    ] {
        let error = match text {
            "user. email" => {
                "expected a user column behind \"user.\", such as \"user.email\"".to_owned()
            }
            _ => format!(
                "{text:?} is no user column, and too like one for a text: did you mean \"user.email\"? \
                 As a text it is written {:?}",
                format!("'{text}'")
            ),
        };
        let nested = claims(&format!(r#"{{"user":{{"mail":{text:?}}}}}"#)).unwrap_err();
        assert_eq!(nested, format!("claims.user.mail: {error}"));
        let listed = answer(&format!(r#"{{"user":["x",{text:?}]}}"#)).unwrap_err();
        assert_eq!(listed, format!("answer.user.1: {error}"));
    }
    for text in ["user.", "user.a.b", "user.e-mail", "user.example.com"] {
        let error = claims(&format!(r#"{{"a":{text:?}}}"#)).unwrap_err();
        assert!(error.contains(r#"behind "user.""#), "{error}");
    }
    for text in [
        "acme",
        "",
        "user",
        "user:email",
        "user-facing",
        "a.email",
        "users of acme, all",
        "power.user",
        // An authentication method; the column could not be meant.
        "password",
    ] {
        claims(&format!(r#"{{"a":{text:?}}}"#)).unwrap();
    }
}

#[test]
fn a_number_that_json_or_toml_does_not_have_is_refused() {
    let large = Value::Number(Number::BigInt("9223372036854775808".to_owned()));
    for number in [Value::from(f64::NAN), Value::from(f64::INFINITY), large] {
        let table = Object::from_iter([("a", number)]);
        let refused = ClaimMap::answer(&table, &UserModel::default());
        assert!(refused.is_err());
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
    let sub = |column: &str| filled(&claims(&format!(r#"{{"sub":"{column}"}}"#)).unwrap(), "{}");
    assert_eq!(sub("user.id"), r#"{"sub":"1"}"#);
    assert_eq!(sub("user.email"), r#"{"sub":"ada@example.com"}"#);
    assert_eq!(sub("user.nick"), "{}");
    assert_eq!(sub("user.is_staff"), "{}");
    let map = claims(r#"{"sub":"user.id"}"#).unwrap();
    assert_eq!(Vec::from_iter(map.columns()), ["id"]);
    for several in [r#"{"a":"user.id"}"#, r#""user.groups""#, r#""'x'""#] {
        let error = claims(&format!(r#"{{"sub":{several}}}"#)).unwrap_err();
        assert_eq!(error, "claims.sub: must be a single user column");
    }
    assert_eq!(
        claims(r#"{"sub":["user.id"]}"#).unwrap_err(),
        "claims.sub: must be a single user column"
    );
    for value in ["\"acme\"", "1", "[\"user.id\"]"] {
        let refused = claims(&format!(r#"{{"sub":{value}}}"#)).unwrap_err();
        assert_eq!(refused, "claims.sub: must be a single user column");
    }
    let map = answer(r#"{"sub":"user.id"}"#).unwrap();
    assert_eq!(filled(&map, "{}"), r#"{"sub":1}"#);
}
