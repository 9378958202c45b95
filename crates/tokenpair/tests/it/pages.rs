//! The browsable API: what a browser gets, and what it must not get.

use crate::app::{ALICE, Reply, TOKEN, TestApp, VERIFY};
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use tokenpair::SimpleJwt;
use tokenpair::web::{DjangoUrls as _, Field, IsAuthenticated, Kind, Operation, Site, View};

async fn browse(app: &TestApp, method: Method, path: &str, body: &str) -> Reply {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
        .header("content-type", "application/json");
    app.send(request.body(Body::from(body.to_owned())).unwrap())
        .await
}

/// A view that answers what it is told, with fields of every kind.
fn app(body: &'static str) -> TestApp {
    async fn me(IsAuthenticated(user): IsAuthenticated) -> String {
        user.username
    }
    let answer = move || async move { json(StatusCode::OK, body) };
    let view = View::new("Orders <b>")
        .description("Lists & takes orders.")
        .site(
            &Site::new("Shop")
                .home("/docs/")
                .login("/in/")
                .logout("/out/"),
        )
        .describe(Method::POST, |_| {
            Operation::new("Order").fields([
                Field::required("article").help("Its number."),
                Field::optional("email").kind(Kind::Email),
                Field::required("size").kind(Kind::Choice(&["S", "L"])),
                Field::required("secret").kind(Kind::NewPassword),
                Field::read_only("id").kind(Kind::Integer),
            ])
        })
        .get(answer)
        .post(move || async move { json(StatusCode::BAD_REQUEST, body) })
        .delete(|| async { StatusCode::NO_CONTENT });
    let guarded = View::new("Guarded").permission::<IsAuthenticated>().get(me);
    let routes: Router<SimpleJwt> = Router::new()
        .url("/orders/", view)
        .url("/guarded/", guarded);
    TestApp::new().with_routes(routes)
}

fn json(status: StatusCode, body: &'static str) -> Response {
    (status, [("content-type", "application/json")], body).into_response()
}

#[tokio::test]
async fn a_page_shows_the_request_and_the_answer_with_its_headers() {
    let page = browse(&TestApp::new(), Method::GET, TOKEN, "").await;
    assert_eq!(page.status, 405);
    for text in [
        "<h1>Token Obtain Pair</h1>",
        r#"<span class="method GET">GET</span> <code>/api/token/</code>"#,
        "HTTP 405 Method Not Allowed",
        "<dt>Allow:</dt> <dd>POST, OPTIONS</dd>",
        "<dt>Vary:</dt> <dd>Accept</dd>",
        "<dt>Content-Type:</dt> <dd>application/json</dd>",
        r#"<span class="n">&quot;detail&quot;</span>: <span class="s">&quot;Method \&quot;GET\&quot; not allowed.&quot;</span>"#,
    ] {
        assert!(page.body.contains(text), "{text}\n{}", page.body);
    }
}

#[tokio::test]
async fn a_page_may_run_nothing_but_its_own_script_and_is_never_kept() {
    let page = browse(&TestApp::new(), Method::POST, TOKEN, ALICE).await;
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "strict-origin"),
        ("cache-control", "no-store"),
        ("vary", "Accept"),
        ("allow", "POST, OPTIONS"),
    ] {
        assert_eq!(page.header(name), Some(value), "{name}");
    }
    let hash = |text: &str| {
        use base64::Engine as _;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        base64::engine::general_purpose::STANDARD.encode(digest)
    };
    for tag in ["style", "script"] {
        let (_, rest) = page.body.split_once(&format!("<{tag}>")).unwrap();
        let (text, _) = rest.split_once(&format!("</{tag}>")).unwrap();
        assert!(policy.contains(&hash(text)), "{tag}");
    }
    assert_eq!(page.body.matches("<script").count(), 1);
    assert!(!page.body.contains(" style="));
}

#[tokio::test]
async fn json_is_as_it_was() {
    let app = TestApp::new();
    let reply = app.post(VERIFY, r#"{"token":""}"#).await;
    reply.assert(400, r#"{"token":["This field may not be blank."]}"#);
    assert_eq!(reply.header("content-security-policy"), None);
}

#[tokio::test]
async fn nothing_that_an_answer_or_an_address_says_becomes_html() {
    let app = app(r#"{"article":"\"><script>alert(1)</script>","x":"</pre><img src=x>"}"#);
    let page = browse(&app, Method::GET, "/orders/?a='&b", "").await;
    assert_eq!(page.body.matches("<script").count(), 1, "{}", page.body);
    assert!(!page.body.contains("<img"));
    assert!(page.body.contains(r#"href="/orders/?a=&#39;&#38;b""#));
    assert!(page.body.contains("<h1>Orders &#60;b&#62;</h1>"));
    assert!(page.body.contains("Lists &#38; takes orders."));
}

#[tokio::test]
async fn a_form_has_the_fields_of_the_view() {
    let page = browse(&app("{}"), Method::GET, "/orders/", "").await;
    for text in [
        r#"<form method="post" action="/orders/">"#,
        r#"<label for="post-article">Article</label>"#,
        r#"<p class="note" id="post-article-note">Its number.</p>"#,
        r#"name="email" type="email" value="" autocomplete="email""#,
        r#"<select id="post-size" name="size"><option>S</option><option>L</option></select>"#,
        r#"name="secret" type="password" value="" autocomplete="new-password""#,
        r#"<span class="method POST">POST</span> Order"#,
    ] {
        assert!(page.body.contains(text), "{text}\n{}", page.body);
    }
    assert!(!page.body.contains(r#"name="id""#), "it is only answered");
    assert!(
        page.body
            .contains(r#"<input type="hidden" name="_method" value="DELETE">"#)
    );
}

#[tokio::test]
async fn errors_stand_beside_their_fields() {
    let app = app(r#"{"article":["No such article."],"size":["Too small."]}"#);
    let page = browse(&app, Method::POST, "/orders/", "{}").await;
    for text in [
        r#"required aria-invalid="true" aria-describedby="post-article-note">"#,
        "<strong>No such article.</strong> Its number.",
        "<strong>Too small.</strong>",
    ] {
        assert!(page.body.contains(text), "{text}\n{}", page.body);
    }
}

#[tokio::test]
async fn what_was_typed_and_refused_is_there_to_be_corrected() {
    let view = View::new("Orders")
        .describe(Method::POST, |_| {
            Operation::new("Order").fields([
                Field::required("article"),
                Field::required("password").kind(Kind::Password),
            ])
        })
        .post(|| async {
            let body = r#"{"non_field_errors":["Sold out."],"password":["Wrong."]}"#;
            json(StatusCode::BAD_REQUEST, body)
        });
    let app = TestApp::new().with_routes(Router::new().url("/orders/", view));
    let request = Request::post("/orders/")
        .header("accept", "text/html")
        .header("content-type", "application/x-www-form-urlencoded");
    let page = request.body(Body::from("article=%22%3E7&password=hush"));
    let page = app.send(page.unwrap()).await;
    for text in [
        r#"name="article" type="text" value="&#34;&#62;7""#,
        r#"<p class="errors" role="alert">Sold out. </p>"#,
        "<strong>Wrong.</strong>",
    ] {
        assert!(page.body.contains(text), "{text}\n{}", page.body);
    }
    assert!(!page.body.contains("hush"));
}

/// The editor of raw data is for any text, and so it cannot leave out the passwords alone.
#[tokio::test]
async fn a_refused_body_with_a_password_is_not_shown_again() {
    let view = |kind: Kind| {
        View::new("Orders")
            .describe(Method::POST, move |_| {
                Operation::new("Order").fields([Field::required("article").kind(kind.clone())])
            })
            .post(|| async { json(StatusCode::BAD_REQUEST, r#"{"article":["No."]}"#) })
    };
    let router = Router::new()
        .url("/orders/", view(Kind::Text))
        .url("/secrets/", view(Kind::Password));
    let app = TestApp::new().with_routes(router);
    for (path, is_shown) in [("/orders/", true), ("/secrets/", false)] {
        let token = csrf_token(&browse(&app, Method::GET, path, "").await);
        let request = Request::post(path)
            .header("accept", "text/html")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", format!("__Host-csrftoken={token}"));
        let form = format!(
            "csrfmiddlewaretoken={token}&_content_type=application/json&_content=%7B%22article%22:%22hush%22%7D"
        );
        let page = app.send(request.body(Body::from(form)).unwrap()).await;
        assert_eq!(page.body.contains("hush"), is_shown, "{}", page.body);
        assert!(page.body.contains("<details open"), "{}", page.body);
    }
}

#[tokio::test]
async fn a_link_fills_texts_into_the_form_and_nothing_else() {
    let view = View::new("Reset")
        .describe(Method::POST, |_| {
            Operation::new("Reset").fields([
                Field::required("uid"),
                Field::required("refresh").kind(Kind::Token),
                Field::required("password").kind(Kind::NewPassword),
            ])
        })
        .post(|| async { json(StatusCode::OK, "{}") });
    let app = TestApp::new().with_routes(Router::new().url("/reset/", view));
    let page = browse(
        &app,
        Method::GET,
        "/reset/?uid=%22%3EMQ&refresh=eyJ&password=hush",
        "",
    )
    .await;
    let filled = r#"name="uid" type="text" value="&#34;&#62;MQ""#;
    assert!(page.body.contains(filled), "{}", page.body);
    for name in ["refresh", "password"] {
        let empty = format!(
            r#"name="{name}" type="{}" value="""#,
            if name == "refresh" {
                "text"
            } else {
                "password"
            }
        );
        assert!(page.body.contains(&empty), "{}", page.body);
    }
}

#[tokio::test]
async fn a_secret_is_not_written_into_a_form() {
    let page = browse(
        &app(r#"{"secret":"hush","article":"7"}"#),
        Method::GET,
        "/orders/",
        "",
    )
    .await;
    assert!(
        page.body
            .contains(r#"name="article" type="text" value="7""#)
    );
    assert_eq!(page.body.matches("hush").count(), 1, "in the answer alone");
}

#[tokio::test]
async fn an_answer_without_content_is_a_page_all_the_same() {
    let page = browse(&app("{}"), Method::DELETE, "/orders/", "").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("HTTP 204 No Content"));
}

#[tokio::test]
async fn the_header_says_who_is_logged_in() {
    let app = app("{}");
    let page = browse(&app, Method::GET, "/orders/?page=2&b", "").await;
    for text in [
        r#"<a class="brand" href="/docs/">Shop</a>"#,
        r#"<a class="button quiet" href="/in/?next=/orders/%3Fpage%3D2%26b">Log in</a>"#,
    ] {
        assert!(page.body.contains(text), "{text}\n{}", page.body);
    }
    let pair = app.log_in().await;
    let request = Request::get("/orders/")
        .header("accept", "text/html")
        .header("authorization", format!("Bearer {}", pair.access));
    let page = app.send(request.body(Body::empty()).unwrap()).await;
    for text in [
        "Logged in as </span>alice</span>",
        r#"<form method="post" action="/out/">"#,
    ] {
        assert!(page.body.contains(text), "{text}\n{}", page.body);
    }
    assert!(!page.body.contains("/in/"));
}

#[tokio::test]
async fn bad_credentials_are_nobodys_and_the_view_says_what_it_always_says() {
    let app = app("{}");
    for (path, status) in [("/orders/", 200), ("/guarded/", 401)] {
        let request = Request::get(path)
            .header("accept", "text/html")
            .header("authorization", "Bearer nonsense");
        let page = app.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(page.status, status, "{path}");
        assert!(page.body.contains("<h1>"), "{path}");
        assert!(!page.body.contains("Logged in as"), "{path}");
    }
}

/// What the forms of a page send.
fn csrf_token(page: &Reply) -> String {
    let (_, rest) = page
        .body
        .split_once("name=\"csrfmiddlewaretoken\" value=\"")
        .unwrap();
    rest.split('"').next().unwrap().to_owned()
}

/// An empty field of a PATCH wipes out what is there.
#[tokio::test]
async fn a_form_that_changes_is_shown_where_the_values_are_known() {
    let change = |_: &SimpleJwt| Operation::new("Change").fields([Field::optional("note")]);
    let view = View::new("Order")
        .describe(Method::PATCH, change)
        .get(|| async { json(StatusCode::OK, r#"{"note":"Soon."}"#) })
        .patch(|| async { json(StatusCode::BAD_REQUEST, r#"{"note":["No."]}"#) });
    let app = TestApp::new().with_routes(Router::new().url("/order/", view));
    let token = csrf_token(&browse(&app, Method::GET, "/order/", "").await);
    let send = async |form: &str| {
        let request = Request::post("/order/")
            .header("accept", "text/html")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", format!("__Host-csrftoken={token}"));
        let form = format!("csrfmiddlewaretoken={token}&{form}");
        app.send(request.body(Body::from(form)).unwrap()).await.body
    };
    let raw = "_method=PATCH&_content_type=application/json&_content=%7B%22note%22:%22Now.%22%7D";
    let field = r#"name="note" type="text""#;
    for (form, is_shown) in [
        ("_method=OPTIONS", false),
        (raw, false),
        ("_method=PATCH&note=Now.", true),
    ] {
        let page = send(form).await;
        assert_eq!(page.contains(field), is_shown, "{form}\n{page}");
    }
    let page = browse(&app, Method::GET, "/order/", "").await.body;
    assert!(
        page.contains(&format!(r#"{field} value="Soon.""#)),
        "{page}"
    );
    assert!(
        !page.contains(r#"class="optional""#),
        "whatever is not changed stays"
    );
}
