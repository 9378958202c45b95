//! Log-ins, right and wrong, in every form a body may have.

use super::plan::{Plan, object, posted};
use crate::config::Endpoint::{TokenObtainPair, TokenObtainSliding};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokenpair::json::{Object, Value};

/// More than any column has, and more than any password.
const LONG: usize = 300;
const VERY_LONG: usize = 5000;
const BOUNDARY: &str = "shadow-boundary";

pub(super) fn add(plan: &mut Plan<'_>) {
    for login in plan.logins {
        let (name, password) = (&login.username, &login.password);
        let who = if login.is_active {
            "a user"
        } else {
            "an inactive user"
        };
        for endpoint in [TokenObtainPair, TokenObtainSliding] {
            let right = plan.credentials(name, password);
            plan.post(&format!("log in as {who}"), endpoint, &right);
            let wrong = plan.credentials(name, "not-the-password");
            plan.post(
                &format!("log in as {who} with a wrong password"),
                endpoint,
                &wrong,
            );
        }
    }
    let Some(login) = plan.logins.iter().find(|login| login.is_active) else {
        return;
    };
    let (name, password) = (login.username.as_str(), login.password.as_str());
    for (about, name, password) in [
        ("an unknown name", "nobody-of-this-name", password),
        ("a name in capitals", &*name.to_uppercase(), password),
        (
            "white space around the name",
            &format!(" {name}\t"),
            password,
        ),
        (
            "white space around the password",
            name,
            &format!("  {password} "),
        ),
        ("a blank name", "", password),
        ("a blank password", name, ""),
        ("white space for a name", "   ", password),
        ("white space for a password", name, " \n "),
        ("a long name", &"n".repeat(LONG), password),
        ("a very long password", name, &"p".repeat(VERY_LONG)),
        ("a name with NUL", "a\0b", password),
        ("a password with NUL", name, "a\0b"),
        ("letters of other scripts", "ॐé李😀", "пароль"),
        ("a name in full width", "ａｄａ", password),
        ("what looks like SQL", "' OR 1=1 --", "\" OR \"\"=\""),
    ] {
        let fields = plan.credentials(name, password);
        plan.post(&format!("log in with {about}"), TokenObtainPair, &fields);
    }
    wrong_types(plan, name, password);
    other_forms(plan, name, password);
}

fn wrong_types(plan: &mut Plan<'_>, name: &str, password: &str) {
    let field = plan.username;
    let right = |which: &'static str| {
        (
            which,
            Value::from(if which == "password" { password } else { name }),
        )
    };
    plan.post(
        "log in without a password",
        TokenObtainPair,
        &[(field, Value::from(name))],
    );
    plan.post(
        "log in without a name",
        TokenObtainPair,
        &[right("password")],
    );
    plan.post("log in with nothing", TokenObtainPair, &[]);
    let empty_list = Value::Array(Vec::new());
    for (about, value) in [
        ("null", Value::Null),
        ("a number", Value::from(1_i64)),
        ("a float", Value::from(1.5)),
        ("true", Value::from(true)),
        ("a list", empty_list),
        ("an object", Value::Object(Object::new())),
    ] {
        let named = [(field, value.clone()), right("password")];
        plan.post(
            &format!("log in with {about} for a name"),
            TokenObtainPair,
            &named,
        );
        let fields = [(field, Value::from(name)), ("password", value)];
        plan.post(
            &format!("log in with {about} for a password"),
            TokenObtainPair,
            &fields,
        );
    }
    let mut fields = plan.credentials(name, password).to_vec();
    fields.push(("remember", Value::from(true)));
    plan.post("log in with a field too many", TokenObtainPair, &fields);
}

fn other_forms(plan: &mut Plan<'_>, name: &str, password: &str) {
    let (field, json) = (plan.username, object(&plan.credentials(name, password)));
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let form = format!("{field}={}&password={}", encoded(name), encoded(password));
    let part = |name: &str, value: &str| {
        format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        )
    };
    let multipart = format!(
        "{}{}--{BOUNDARY}--\r\n",
        part(field, name),
        part("password", password)
    );
    let multipart_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let paths = plan
        .paths
        .iter()
        .filter(|(endpoint, _)| *endpoint == TokenObtainPair);
    for (_, path) in paths {
        for (about, content_type, body) in [
            ("JSON", "application/json", json.as_slice()),
            (
                "JSON with its charset",
                "application/json; charset=utf-8",
                &json,
            ),
            (
                "a form",
                "application/x-www-form-urlencoded",
                form.as_bytes(),
            ),
            ("a multipart form", &multipart_type, multipart.as_bytes()),
            (
                "a multipart form without boundary",
                "multipart/form-data",
                multipart.as_bytes(),
            ),
            (
                "JSON called a form",
                "application/x-www-form-urlencoded",
                &json,
            ),
            ("a form called JSON", "application/json", form.as_bytes()),
            ("JSON called text", "text/plain", &json),
            ("JSON called XML", "application/xml", &json),
            ("JSON of no type", "", &json),
        ] {
            let request = posted(&format!("log in with {about}"), path, content_type, body);
            plan.requests.push(request);
        }
    }
}
