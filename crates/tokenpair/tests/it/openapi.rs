//! The OpenAPI document: that it says what the views do. That it is exact is the business of `cargo xtask check --only openapi`.

use crate::app::{KEY, TestApp, settings};
use axum::Router;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use tokenpair::json;
use tokenpair::web::{
    AllowAny, Answered, DjangoUrls as _, Field, IsAuthenticated, Kind, OpenApi, Operation, View,
    docs_view, schema_view, token_views,
};
use tokenpair::{MemoryStore, SimpleJwt};

fn views() -> Vec<(String, View<SimpleJwt>)> {
    let orders = View::new("Orders")
        .permission::<IsAuthenticated>()
        .describe(Method::GET, |_| {
            let order = vec![
                Field::read_only("id").kind(Kind::Integer),
                Field::optional("note").kind(Kind::Nullable(Box::new(Kind::Anything))),
            ];
            Operation::new("List").answer(StatusCode::OK, "Orders.", Answered::List(order))
        })
        .describe(Method::PATCH, |_| {
            Operation::new("Change")
                .fields([Field::optional("size")
                    .kind(Kind::Choice(&["S", "L"]))
                    .help("How large.")])
                .header(Field::optional("X-Reason").help("Why."))
                .answer(StatusCode::NO_CONTENT, "Changed.", Answered::Empty)
                .answer(
                    StatusCode::BAD_REQUEST,
                    "No such size.",
                    Answered::FieldErrors,
                )
        })
        .get(|| async {})
        .patch(|| async {});
    let open = View::new("Open").permission::<AllowAny>().get(|| async {});
    let page: View<SimpleJwt> = View::page("Page").get(|| async {});
    let mut views: Vec<(String, View<SimpleJwt>)> = token_views()
        .map(|(path, view)| (format!("/api{path}"), view))
        .into();
    views.push(("/orders/{id}/".to_owned(), orders));
    views.push(("/open/".to_owned(), open));
    views.push(("/page/".to_owned(), page));
    views
}

fn document(jwt: &SimpleJwt) -> Value {
    let about = OpenApi::new("Shop", "2.0").answer(
        StatusCode::TOO_MANY_REQUESTS,
        "Too often.",
        Answered::Detail,
    );
    let document = about.document(jwt, &views());
    let text = json::encode_utf8(&json::Value::Object(document));
    serde_json::from_str(&text).unwrap()
}

#[test]
fn every_view_is_there_but_pages() {
    let document = document(&TestApp::new().jwt);
    let paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths.len(), 8, "{paths:?}");
    assert!(document["paths"].get("/page/").is_none());
    assert_eq!(document["openapi"], "3.1.1");
    assert_eq!(document["info"], json!({"title": "Shop", "version": "2.0"}));
}

#[test]
fn an_operation_says_what_it_takes_and_every_way_it_answers() {
    let document = document(&TestApp::new().jwt);
    let change = &document["paths"]["/orders/{id}/"]["patch"];
    assert_eq!(change["operationId"], "orders_patch");
    assert_eq!(
        change["parameters"][0],
        json!({
            "name": "X-Reason", "in": "header", "required": false, "description": "Why.",
            "schema": document["components"]["schemas"]["TokenVerifyRequest"]["properties"]["token"]
                .as_object().map(|token| json!({"type": token["type"], "pattern": token["pattern"]})),
        })
    );
    let csrf_token = &change["parameters"][1];
    assert_eq!(csrf_token["name"], "X-CSRFToken");
    assert_eq!(csrf_token["required"], false);
    assert_eq!(
        document["components"]["schemas"]["OrdersPatchRequest"],
        json!({"type": "object", "properties": {
            "size": {"type": "string", "enum": ["S", "L"], "description": "How large."}
        }})
    );
    assert_eq!(change["requestBody"]["required"], false);
    let statuses: Vec<&String> = change["responses"].as_object().unwrap().keys().collect();
    assert_eq!(
        statuses,
        [
            "204", "400", "401", "403", "406", "413", "415", "429", "503"
        ]
    );
    let refused = &change["responses"]["400"];
    assert_eq!(
        refused["description"],
        "No such size. The body cannot be read."
    );
    assert_eq!(
        refused["content"]["application/json"]["schema"],
        json!({"anyOf": [
            {"$ref": "#/components/schemas/OrdersPatchErrors"},
            {"$ref": "#/components/schemas/Error"},
        ]})
    );
    assert!(change["responses"]["204"].get("content").is_none());
    let parameters = &document["paths"]["/orders/{id}/"]["parameters"];
    assert_eq!(parameters[0]["name"], "id");
}

#[test]
fn a_body_may_be_left_out_where_a_cookie_holds_the_token() {
    let with_cookies = document(&TestApp::new().jwt);
    let without = document(&TestApp::with(|settings| settings.auth_cookies = false).jwt);
    let needs_body = |document: &Value, path: &str| {
        document["paths"][path]["post"]["requestBody"]["required"] == json!(true)
    };
    for (path, is_needed) in [
        ("/api/token/", true),
        ("/api/token/verify/", true),
        ("/api/token/refresh/", false),
        ("/api/token/blacklist/", false),
        ("/api/token/sliding/refresh/", false),
    ] {
        assert_eq!(needs_body(&with_cookies, path), is_needed, "{path}");
        assert!(needs_body(&without, path), "{path}");
    }
}

#[test]
fn names_are_good_in_any_language_and_no_two_are_alike() {
    let view = |name| {
        let fields = |_: &SimpleJwt| vec![Field::required("a")];
        View::<SimpleJwt>::new(name)
            .fields(fields)
            .post(|| async {})
    };
    let names = [
        "Orders",
        "Orders",
        "Orders2",
        "Orders <b>",
        "Ü",
        "A B",
        "AB",
    ];
    let views: Vec<(String, View<SimpleJwt>)> = names
        .iter()
        .enumerate()
        .map(|(place, name)| (format!("/{place}/{{*rest}}"), view(name)))
        .collect();
    let document = OpenApi::new("Shop", "1").document(&TestApp::new().jwt, &views);
    let document: Value =
        serde_json::from_str(&json::encode_utf8(&json::Value::Object(document))).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let ids: Vec<&Value> = paths
        .values()
        .map(|path| &path["post"]["operationId"])
        .collect();
    assert_eq!(
        ids,
        [
            "orders",
            "orders_2",
            "orders2_2",
            "orders_b",
            "view",
            "a_b",
            "ab"
        ]
    );
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let requests = schemas.keys().filter(|name| name.ends_with("Request"));
    assert_eq!(requests.count(), names.len());
    assert_eq!(paths["/0/{rest}"]["parameters"][0]["name"], "rest");
}

#[test]
fn what_is_said_of_a_view_can_be_changed() {
    let view = View::<SimpleJwt>::new("Orders")
        .fields(|_| vec![Field::optional("article"), Field::optional("size")])
        .redescribe(&Method::POST, |order| {
            order.require("article").without("size")
        })
        .post(|| async {});
    let document = OpenApi::new("Shop", "1").document(&TestApp::new().jwt, &[("/", view)]);
    let text = json::encode_utf8(&json::Value::Object(document));
    let document: Value = serde_json::from_str(&text).unwrap();
    let schema = &document["components"]["schemas"]["OrdersRequest"];
    assert_eq!(schema["required"], json!(["article"]));
    assert_eq!(schema["properties"].get("size"), None);
}

#[test]
fn lists_and_what_may_be_null_have_their_schemas() {
    let document = document(&TestApp::new().jwt);
    let list = &document["paths"]["/orders/{id}/"]["get"]["responses"]["200"];
    assert_eq!(
        list["content"]["application/json"]["schema"],
        json!({"type": "array", "items": {"$ref": "#/components/schemas/OrdersGetItem"}})
    );
    assert_eq!(
        document["components"]["schemas"]["OrdersGetItem"],
        json!({"type": "object", "required": ["id"], "properties": {
            "id": {"type": "integer"}, "note": {"type": ["string", "null"]}
        }})
    );
}

#[test]
fn credentials_are_asked_for_where_the_view_asks() {
    let document = document(&TestApp::new().jwt);
    let security = |path: &str, method: &str| document["paths"][path][method]["security"].clone();
    assert_eq!(security("/api/token/", "post"), Value::Null);
    assert_eq!(
        security("/orders/{id}/", "get"),
        json!([{"token": []}, {"cookie": []}])
    );
    assert_eq!(
        security("/open/", "get"),
        json!([{}, {"token": []}, {"cookie": []}])
    );
    assert_eq!(
        document["components"]["securitySchemes"]["token"],
        json!({"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})
    );
}

#[test]
fn tokens_in_cookies_are_another_answer_of_the_same_endpoint() {
    let document = document(&TestApp::new().jwt);
    let log_in = &document["paths"]["/api/token/"]["post"];
    let header = &log_in["parameters"][0];
    assert_eq!(header["name"], "X-Token-Delivery");
    assert_eq!(
        header["schema"],
        json!({"type": "string", "enum": ["cookie"]})
    );
    let answers = &log_in["responses"]["200"]["content"]["application/json"]["schema"];
    assert_eq!(
        *answers,
        json!({"anyOf": [
            {"$ref": "#/components/schemas/TokenObtainPairAnswer"},
            {"$ref": "#/components/schemas/InCookies"},
        ]})
    );
}

#[test]
fn the_settings_show_in_the_document() {
    let mut settings = settings();
    settings.signing_key = KEY.into();
    settings.rotate_refresh_tokens = true;
    settings.auth_cookies = false;
    settings.auth_header_name = "HTTP_X_ACCESS_TOKEN".to_owned();
    let jwt = SimpleJwt::new(settings, MemoryStore::default()).unwrap();
    let document = document(&jwt);
    assert_eq!(
        document["components"]["schemas"]["TokenRefreshAnswer"]["required"],
        json!(["access", "refresh"])
    );
    let scheme = &document["components"]["securitySchemes"]["token"];
    assert_eq!(scheme["type"], "apiKey");
    assert_eq!(scheme["name"], "x-access-token");
    assert_eq!(
        document["components"]["securitySchemes"].get("cookie"),
        None
    );
    let refresh = &document["paths"]["/api/token/refresh/"]["post"];
    assert_eq!(refresh.get("parameters"), None);
    assert_eq!(refresh["responses"].get("403"), None);
}

#[tokio::test]
async fn the_document_is_served_and_explained() {
    let app = TestApp::new();
    let document = OpenApi::new("Shop <b>", "2.0").document(&app.jwt, &views());
    let routes = Router::new()
        .url("/schema/", schema_view(&document))
        .url("/docs/", docs_view(&document));
    let app = app.with_routes(routes);
    let served = app.get("/schema/").await;
    served.assert(200, json::encode_utf8(&json::Value::Object(document)));
    let page = app.get("/docs/").await;
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    for text in [
        "<h1>Shop &#60;b&#62; <small>2.0</small></h1>",
        r##"<a href="#orders_patch">"##,
        "curl -X PATCH &quot;$API/orders/{id}/&quot; \\\n  -H &quot;Authorization: Bearer $ACCESS&quot;",
        "<dt><code>size</code></dt><dd>S or L, optional. How large.</dd>",
        "Answers of any endpoint",
    ] {
        assert!(page.body.contains(text), "{text}\n{}", page.body);
    }
}
