//! Bodies, and that nothing secret is shown of them.

use super::{answer, compare, post};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];
const HTML: [(&str, &str); 1] = [("content-type", "text/html; charset=utf-8")];

async fn compare_bodies(django: &str, ours: &str) -> Vec<String> {
    compare(
        &post(""),
        &answer(200, &JSON, django),
        &answer(200, &JSON, ours),
    )
    .await
}

#[tokio::test]
async fn json_is_compared_member_by_member() {
    let found = compare_bodies(
        r#"{"detail":"no","messages":[{"a":1},{"a":2}],"x":null}"#,
        r#"{"detail":"yes","messages":[{"a":1},{"a":3}],"y":[]}"#,
    );
    assert_eq!(
        found.await,
        [
            r#"body detail: "no" | "yes""#,
            "body messages[1].a: 2 | 3",
            "body x: null | nothing",
            "body y: nothing | []",
        ]
    );
}

#[tokio::test]
async fn order_and_number_forms_count() {
    assert_eq!(
        compare_bodies(r#"{"a":1,"b":2,"c":3}"#, r#"{"b":2,"a":1,"c":3}"#).await,
        ["body: in the order a, b, c | in the order b, a, c"]
    );
    assert_eq!(
        compare_bodies(r#"{"a":1}"#, r#"{"a":1.0}"#).await,
        ["body a: 1 | 1.0"]
    );
    assert_eq!(
        compare_bodies(r#"{"a":true}"#, r#"{"a":1}"#).await,
        ["body a: true | 1"]
    );
    assert_eq!(compare_bodies("[1,2]", "[1]").await, ["body: [1,2] | [1]"]);
}

#[tokio::test]
async fn the_same_values_in_another_writing_are_a_difference() {
    assert_eq!(
        compare_bodies(r#"{"a":1}"#, r#"{"a": 1}"#).await,
        [r#"body: {"a":1} | {"a": 1}"#]
    );
    let escaped = compare_bodies("{\"a\":\"é\"}", r#"{"a":"\u00e9"}"#).await;
    assert_eq!(escaped.len(), 1);
}

#[tokio::test]
async fn pages_are_compared_byte_by_byte_and_texts_are_shown() {
    let page = |body: &str| answer(404, &HTML, body);
    let found = compare(&post(""), &page("<h1>Not Found</h1>"), &page("<p>no</p>")).await;
    assert_eq!(
        found,
        ["body: 18 bytes of text/html | 9 bytes of text/html"]
    );
    assert!(
        compare(&post(""), &page("<p>"), &page("<p>"))
            .await
            .is_empty()
    );

    let text = |body: &str| answer(200, &[("content-type", "text/plain")], body);
    assert_eq!(
        compare(&post(""), &text("a"), &text("")).await,
        ["body: a | nothing"]
    );
}

#[tokio::test]
async fn no_secret_of_a_request_is_shown() {
    let requests = [
        r#"{"username":"ada","password":"s3cret-enough"}"#,
        "username=ada&password=s3cret-enough",
    ];
    for request in requests {
        let django = answer(
            200,
            &JSON,
            r#"{"detail":"s3cret-enough is wrong","x":"s3cret-enough"}"#,
        );
        let ours = answer(
            200,
            &JSON,
            r#"{"detail":"pbkdf2_sha256$1$salt$hash=","x":1}"#,
        );
        let found = compare(&post(request), &django, &ours).await;
        assert_eq!(
            found,
            [
                r#"body detail: "<secret> is wrong" | "<password hash>""#,
                "body x: <secret> | 1",
            ]
        );
    }
}

#[tokio::test]
async fn a_short_password_is_blackened_where_it_stands_alone() {
    let request = post(r#"{"password":"a"}"#);
    let django = answer(200, &JSON, r#"{"x":"a","y":"banana"}"#);
    let found = compare(&request, &django, &answer(200, &JSON, "{}")).await;
    assert_eq!(
        found,
        [
            "body x: <secret> | nothing",
            r#"body y: "banana" | nothing"#
        ]
    );
}

#[tokio::test]
async fn what_could_steer_a_terminal_is_escaped_and_what_is_long_is_cut() {
    let found = compare_bodies("{\"a\":\"\u{202e}\"}", "{}").await;
    assert_eq!(found, [r#"body a: "\u202e" | nothing"#]);
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(1000));
    assert!(compare_bodies(&long, "{}").await[0].contains("xxx… | nothing"));
}

#[tokio::test]
async fn a_key_that_only_one_gives_out_is_not_shown() {
    let django = answer(200, &[], r#"{"auth_token":"9944b09199c62bcf","key":"abc"}"#);
    let found = compare(&post(""), &django, &answer(404, &[], "Not Found")).await;
    assert!(!found.concat().contains("9944b09199c62bcf"), "{found:?}");
    let differing = answer(200, &[], r#"{"auth_token":"5511c09199c62bcf","key":"abc"}"#);
    assert_eq!(
        compare(&post(""), &django, &differing).await,
        ["body auth_token: <secret> | <secret>"]
    );
}
