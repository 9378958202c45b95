//! django-cors-headers as recorded, and what it has no answer for.

use super::*;
use crate::middleware::{Middleware, Rules};
use axum::Router;
use axum::response::IntoResponse as _;
use axum::routing::any;
use http::StatusCode;
use serde_json::Value;
use std::collections::BTreeMap;
use tower::ServiceExt as _;

fn recorded() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../conformance/cors/recorded.json"
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn texts(value: &Value) -> Vec<String> {
    let list = value.as_array().unwrap().iter();
    list.map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn settings(given: &Value) -> CorsSettings {
    let mut settings = CorsSettings::default();
    // What is ours is not in the recording.
    settings
        .allow_headers
        .retain(|name| name != "x-token-delivery");
    for (name, value) in given.as_object().unwrap() {
        let flag = || value.as_bool().unwrap();
        match name.as_str() {
            "CORS_ALLOWED_ORIGINS" => settings.allowed_origins = texts(value),
            "CORS_ALLOWED_ORIGIN_REGEXES" => settings.allowed_origin_regexes = texts(value),
            "CORS_ALLOW_ALL_ORIGINS" => settings.allow_all_origins = flag(),
            "CORS_URLS_REGEX" => value.as_str().unwrap().clone_into(&mut settings.urls_regex),
            "CORS_ALLOW_METHODS" => settings.allow_methods = texts(value),
            "CORS_ALLOW_HEADERS" => settings.allow_headers = texts(value),
            "CORS_EXPOSE_HEADERS" => settings.expose_headers = texts(value),
            "CORS_PREFLIGHT_MAX_AGE" => settings.preflight_max_age = value.as_i64().unwrap(),
            "CORS_ALLOW_CREDENTIALS" => settings.allow_credentials = flag(),
            "CORS_ALLOW_PRIVATE_NETWORK" => settings.allow_private_network = flag(),
            other => panic!("{other} is no setting"),
        }
    }
    settings
}

/// The views of `record.py`.
fn views() -> Router {
    let view = |name: &'static str,
                answer: fn(&Method) -> StatusCode,
                headers: &'static [(&'static str, &'static str)]| {
        let handler = any(move |method: Method| async move {
            let reached = HeaderValue::try_from(format!("{method} {name}")).unwrap();
            let mut response = answer(&method).into_response();
            response.headers_mut().insert("x-reached", reached);
            for (name, value) in headers {
                let name = HeaderName::from_static(name);
                response
                    .headers_mut()
                    .append(name, HeaderValue::from_static(value));
            }
            response
        });
        Router::new().route(&format!("/{name}"), handler)
    };
    let ok = |_: &Method| StatusCode::OK;
    let post = |method: &Method| match *method {
        Method::POST | Method::OPTIONS => StatusCode::OK,
        _ => StatusCode::METHOD_NOT_ALLOWED,
    };
    let busy = |_: &Method| StatusCode::SERVICE_UNAVAILABLE;
    let cookie = &[("vary", "Accept , Cookie,Origin")];
    let own = &[
        ("access-control-allow-origin", "https://own.example"),
        ("access-control-expose-headers", "X-Own"),
    ];
    view("api/open/", ok, &[("vary", "Accept")])
        .merge(view("api/plain/", ok, &[]))
        .merge(view("api/post/", post, &[("vary", "Accept")]))
        .merge(view("api/busy/", busy, &[("vary", "Accept")]))
        .merge(view("api/cookie/", ok, cookie))
        .merge(view("api/star/", ok, &[("vary", "*")]))
        .merge(view("api/own/", ok, own))
        .merge(view("other/", ok, &[("vary", "Accept")]))
}

fn middleware(settings: &CorsSettings) -> Middleware {
    Middleware::new(Rules {
        cors: Some(Cors::new(settings).unwrap()),
        ..Rules::default()
    })
}

/// Status and headers that `record.py` would have written down.
async fn play(middleware: &Middleware, request: Request<Body>) -> (u16, BTreeMap<String, String>) {
    let service = tokenpair::web::DecodedPath::new(views());
    let answer = async |request| match service.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let response = middleware.wrap(request, None, answer).await;
    let is_preflight = response.status() == 200 && !response.headers().contains_key("x-reached");
    let is_compared = |name: &str| {
        let ours = name == "x-request-id";
        let about_origins = name.starts_with("access-control-") || name == "vary";
        about_origins || name == "x-reached" || (is_preflight && !ours)
    };
    let latin1 = |value: &HeaderValue| value.as_bytes().iter().copied().map(char::from).collect();
    let headers = response.headers().iter();
    let headers = headers
        .filter(|(name, _)| is_compared(name.as_str()))
        .map(|(name, value)| (name.to_string(), latin1(value)));
    (response.status().as_u16(), headers.collect())
}

fn request(method: &str, target: &str, headers: &[(String, String)]) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        let bytes: Vec<u8> = value.chars().map(|c| u8::try_from(c).unwrap()).collect();
        request = request.header(name, HeaderValue::from_bytes(&bytes).unwrap());
    }
    request.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn answers_are_those_of_django_cors_headers() {
    let recorded = recorded();
    let layers: BTreeMap<&str, Middleware> = recorded["settings"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, given)| (name.as_str(), middleware(&settings(given))))
        .collect();
    let cases = recorded["cases"].as_array().unwrap();
    assert!(cases.len() > 1000, "{} cases", cases.len());
    let mut failures = Vec::new();
    for case in cases {
        let text = |index: usize| case[index].as_str().unwrap();
        let headers: Vec<(String, String)> = serde_json::from_value(case[3].clone()).unwrap();
        let expected: BTreeMap<String, String> = serde_json::from_value(case[5].clone()).unwrap();
        let status = u16::try_from(case[4].as_u64().unwrap()).unwrap();
        let played = play(&layers[text(0)], request(text(1), text(2), &headers)).await;
        if played != (status, expected) {
            failures.push(format!("{case}\n  answered {played:?}"));
        }
    }
    let some: Vec<_> = failures.iter().take(10).collect();
    assert!(failures.is_empty(), "{} differ: {some:#?}", failures.len());
}

#[test]
fn settings_are_refused_by_the_checks_of_django_cors_headers() {
    for check in recorded()["checks"].as_array().unwrap() {
        let expected = check["errors"].get(0).map(|error| {
            let message = error["msg"].as_str().unwrap();
            match error["id"].as_str().unwrap() {
                "corsheaders.E004" => "CORS_PREFLIGHT_MAX_AGE: expected a number of seconds",
                "corsheaders.E013" => "is missing its scheme or its host",
                "corsheaders.E014" if message.ends_with("path") => "should not have a path",
                "corsheaders.E014" if message.ends_with("query") => "should not have a query",
                "corsheaders.E014" => "should not have a fragment",
                other => panic!("{other} is new"),
            }
        });
        let refused = Cors::new(&settings(&check["settings"])).err();
        match (refused.map(|error| error.to_string()), expected) {
            (None, None) => {}
            (Some(refused), Some(expected)) => assert!(refused.contains(expected), "{refused}"),
            (refused, expected) => panic!("{check}: {refused:?} instead of {expected:?}"),
        }
    }
}

#[test]
fn a_flaw_names_the_setting_and_what_is_accepted() {
    let with = |change: fn(&mut CorsSettings)| {
        let mut settings = CorsSettings::default();
        change(&mut settings);
        Cors::new(&settings).unwrap_err().to_string()
    };
    for (refused, expected) in [
        (
            with(|settings| settings.allowed_origins.push("*".to_owned())),
            "CORS_ALLOWED_ORIGINS: the origin \"*\" is missing its scheme or its host; write it as \
             https://app.example.com, or set CORS_ALLOW_ALL_ORIGINS",
        ),
        (
            with(|settings| {
                let origin = "https://a.example/".to_owned();
                settings.allowed_origins.push(origin);
            }),
            "CORS_ALLOWED_ORIGINS: the origin \"https://a.example/\" should not have a path; write it as \
             https://app.example.com",
        ),
        (
            with(|settings| settings.allowed_origins.push("https://[a".to_owned())),
            "CORS_ALLOWED_ORIGINS: the origin \"https://[a\" has a host in brackets that is no IPv6 address",
        ),
        (
            with(|settings| settings.preflight_max_age = -1),
            "CORS_PREFLIGHT_MAX_AGE: expected a number of seconds, 0 or more, got -1",
        ),
        (
            with(|settings| settings.expose_headers.push("a\nb".to_owned())),
            "CORS_EXPOSE_HEADERS: \"a\\nb\" cannot stand in a header",
        ),
    ] {
        assert_eq!(refused, expected);
    }
}

#[test]
fn an_expression_that_cannot_be_done_as_python_does_it_is_refused() {
    for expression in [
        r"(",
        r"^https://(?!evil)\w+$",
        r"(a)\1",
        r"a++",
        r"a{2}+",
        r"[a-z&&[^b]]",
        r"[[:alpha:]]",
        r"[a--b]",
        r"\<a",
        r"\b{start}a",
        r"(?U)a+",
        r"(?R:a$)",
        r"\p{Nonsense}",
        r"\w{1000}{1000}",
        r"(\w{1000}){1000}",
    ] {
        let settings = CorsSettings {
            allowed_origin_regexes: vec![expression.to_owned()],
            ..CorsSettings::default()
        };
        let refused = Cors::new(&settings).unwrap_err().to_string();
        let begin = format!("CORS_ALLOWED_ORIGIN_REGEXES: the expression {expression:?} ");
        assert!(
            refused.starts_with(&begin) && !refused.contains('\n'),
            "{refused}"
        );
        let settings = CorsSettings {
            urls_regex: expression.to_owned(),
            ..CorsSettings::default()
        };
        let refused = Cors::new(&settings).unwrap_err().to_string();
        assert!(refused.starts_with("CORS_URLS_REGEX: "), "{refused}");
    }
}

#[tokio::test]
async fn without_cors_nothing_is_added_and_a_preflight_is_a_plain_options() {
    let headers = [
        ("Origin", "https://a.example"),
        ("Access-Control-Request-Method", "POST"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let installed = Middleware::new(Rules::default());
    let (status, headers) = play(&installed, request("OPTIONS", "/api/post/", &headers)).await;
    let headers: Vec<_> = headers.into_iter().collect();
    let expected = [("vary", "Accept"), ("x-reached", "OPTIONS api/post/")];
    assert_eq!(
        (status, headers),
        (
            200,
            expected
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec()
        )
    );
}

#[tokio::test]
async fn pages_of_this_computer_are_allowed_for_trying_things_out_and_no_others() {
    let here = middleware(&CorsSettings::localhost());
    for (origin, is_allowed) in [
        ("http://localhost:3000", true),
        ("https://localhost", true),
        ("http://127.0.0.1:5173", true),
        ("http://[::1]:8080", true),
        ("null", false),
        ("http://localhost.evil.example", false),
        ("http://localhost:3000.evil.example", false),
        ("http://evil.example/http://localhost", false),
        ("http://127.0.0.10", false),
        ("ftp://localhost", false),
    ] {
        let origin = [("Origin".to_owned(), origin.to_owned())];
        let (_, headers) = play(&here, request("GET", "/api/open/", &origin)).await;
        let told = headers.get("access-control-allow-origin");
        assert_eq!(told, is_allowed.then_some(&origin[0].1), "{origin:?}");
    }
}

#[test]
fn a_vary_that_came_in_several_lines_leaves_in_one() {
    for (lines, expected) in [
        (&[][..], "origin"),
        (&["Accept"], "Accept, origin"),
        (&["Accept", "Cookie"], "Accept, Cookie, origin"),
        (&["Accept", "ORIGIN"], "Accept, ORIGIN"),
        (&["Accept", "*"], "*"),
    ] {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(VARY, HeaderValue::from_static(line));
        }
        vary_by_origin(&mut headers);
        let told: Vec<_> = headers.get_all(VARY).iter().collect();
        assert_eq!(told, [expected]);
    }
}

#[test]
fn expressions_differ_from_pythons_where_the_documents_say_so() {
    for (expression, path, matches) in [
        // Python: a character of which `isalnum()` is true.
        (r"^/\w$", "/%C2%B2", false),
        (r"^/\w$", "/%C3%A9", true),
        // Python: white space.
        (r"^/\s$", "/%1C", false),
        (r"^/\s$", "/%20", true),
        // Python: not the end.
        (r"^/a\Z", "/a%0A", true),
        (r"^/a$", "/a%0A", true),
        (r"^/a$", "/a%0A%0A", false),
    ] {
        let pattern = Pattern::new(expression).unwrap();
        let path = decoded(path);
        assert_eq!(pattern.matches(&path), matches, "{expression} {path}");
    }
}
