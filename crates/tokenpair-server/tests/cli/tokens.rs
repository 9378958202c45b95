//! `token mint`, `token inspect`, `token verify`.

use crate::failures::refusal;
use crate::support::{Folder, Transcript};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

fn mint(folder: &Folder, line: &str) -> String {
    let told = folder.run(&format!("token mint {line}"));
    assert_eq!((told.status, told.err.as_str()), (Some(0), ""));
    let token = told.out.trim_end();
    assert_eq!(told.out, format!("{token}\n"), "the token alone");
    token.to_owned()
}

fn verify(folder: &Folder, line: &str, token: &str) -> Transcript {
    folder.run_with_input(&format!("token verify {line}"), token)
}

fn inspect(folder: &Folder, token: &str) -> Value {
    let told = folder.run_with_input("token inspect --json", token);
    assert_eq!((told.status, told.err.as_str()), (Some(0), ""));
    serde_json::from_str(&told.out).unwrap()
}

/// With the user ada and a key.
fn folder() -> Folder {
    Folder::new()
        .with_user("ada")
        .with_file("tokenpair.key", KEY)
}

#[test]
fn a_minted_access_token_opens_the_door() {
    let folder = folder();
    let access = mint(&folder, "--user ada");
    let server = folder.serve("--json");
    assert_eq!(
        server.get("/api/me/", &access),
        (
            200,
            json!({"id": 1, "username": "ada", "email": "", "first_name": "", "last_name": ""})
        )
    );
}

#[test]
fn a_minted_refresh_token_is_on_record_and_can_be_blacklisted() {
    let folder = folder();
    let refresh = mint(&folder, "--user-id 1 --type refresh");
    let count = |table: &str| {
        let sql = format!("SELECT count(*) FROM token_blacklist_{table} WHERE 1");
        folder
            .database()
            .query_row(&sql, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!(count("outstandingtoken"), 1);
    mint(&folder, "--user ada");
    assert_eq!(
        count("outstandingtoken"),
        1,
        "access tokens are not recorded"
    );

    assert!(
        verify(&folder, "--type refresh", &refresh)
            .out
            .starts_with("valid refresh token of user 1, expires ")
    );
    let server = folder.serve("--json");
    let body = json!({"refresh": refresh});
    assert_eq!(server.post("/api/token/blacklist/", &body).0, 200);
    assert_eq!(
        refusal(&verify(&folder, "", &refresh)),
        "Token is blacklisted"
    );
}

#[test]
fn what_is_minted_has_the_lifetime_and_the_claims_asked_for() {
    let folder = folder();
    let claims = ["--claim", "scope=\"read all\"", "--claim", "n=[1,2]"];
    let line = [
        "token",
        "mint",
        "--user",
        "ada",
        "--type",
        "sliding",
        "--lifetime",
        "7 days",
    ];
    let told = folder.run_arguments(&[line.as_slice(), &claims].concat());
    let seen = inspect(&folder, &told.out);
    let number = |name: &str| seen["claims"][name].as_i64().unwrap();
    assert_eq!(number("exp") - number("iat"), 7 * 86_400);
    assert_eq!(seen["claims"]["scope"], "read all");
    assert_eq!(seen["claims"]["n"], json!([1, 2]));
    assert_eq!(seen["claims"]["token_type"], "sliding");

    let told = folder.run("token mint --user ada --type refresh --json");
    let minted: Value = serde_json::from_str(&told.out).unwrap();
    assert!(minted["refresh"].is_string(), "{minted}");
}

#[test]
fn what_cannot_be_minted_is_refused() {
    let folder = folder();
    for (line, said) in [
        ("--user eve", "user 'eve' does not exist"),
        ("--user-id 9", "user '9' does not exist"),
        ("--user-id x", "user 'x' does not exist"),
        (
            "--user ada --claim exp=1",
            "--claim exp: this claim is set by the server itself; choose another name",
        ),
    ] {
        assert_eq!(refusal(&folder.run(&format!("token mint {line}"))), said);
    }
    let renamed = [
        ("TOKENPAIR_JTI_CLAIM", "id"),
        ("TOKENPAIR_TOKEN_TYPE_CLAIM", ""),
    ];
    let folder = renamed.into_iter().fold(folder, |folder, (name, value)| {
        folder.with_variable(name, value)
    });
    for name in ["nbf", "jti", "id", "token_type", "user_id"] {
        let told = folder.run(&format!("token mint --user ada --claim {name}=1"));
        let said = "this claim is set by the server itself; choose another name";
        assert_eq!(refusal(&told), format!("--claim {name}: {said}"));
    }
    assert_eq!(
        refusal(&folder.run("token mint --user ada --claim sub=1")),
        "--claim sub: expected a text, such as sub='\"ada\"'"
    );
    let line = ["token", "mint", "--user", "ada", "--claim", "sub=\"1\""];
    let minted = folder.run_arguments(&line).out;
    assert_eq!(verify(&folder, "", &minted).status, Some(0));
    for (line, said) in [
        ("", "--user"),
        ("--user ada --lifetime soon", "such as \"15m\""),
        ("--user ada --claim scope=read", "scope='\"read\"'"),
        ("--user ada --claim scope", "NAME=JSON"),
    ] {
        let told = folder.run(&format!("token mint {line}"));
        assert_eq!((told.status, told.out.as_str()), (Some(2), ""), "{line}");
        assert!(told.err.contains(said), "{}", told.err);
    }
    let told = Folder::new().with_user("ada").run("token mint --user ada");
    assert!(
        refusal(&told).starts_with("there is no key to sign with"),
        "{}",
        told.err
    );
    folder.run("users deactivate ada");
    let told = folder.run("token mint --user ada");
    assert!(refusal(&told).contains("--force"), "{}", told.err);
    mint(&folder, "--user ada --force");
}

#[test]
fn a_token_is_checked_as_the_server_would() {
    let folder = folder();
    let access = mint(&folder, "--user ada");
    let told = verify(&folder, "--json", &format!("  {access}\n\n"));
    let seen: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(
        (
            told.status,
            &seen["valid"],
            &seen["token_type"],
            &seen["user_id"]
        ),
        (Some(0), &json!(true), &json!("access"), &json!("1"))
    );
    assert_eq!(verify(&folder, "--type access", &access).status, Some(0));
    assert_eq!(
        refusal(&verify(&folder, "--type refresh", &access)),
        "Token has wrong type"
    );
    assert_eq!(refusal(&verify(&folder, "", "x.y.z")), "Token is invalid");
    assert_eq!(
        refusal(&verify(&folder, "", &format!("{access}x"))),
        "Token is invalid"
    );
    assert_eq!(
        refusal(&verify(&folder, "", &"x".repeat(200_000))),
        "Token is invalid"
    );
    assert!(refusal(&verify(&folder, "", " \n")).contains("there is none"));
    let told = verify(&folder, "--json", "x.y.z");
    assert_eq!(
        (told.status, told.err.as_str()),
        (Some(1), "{\"error\":\"Token is invalid\"}\n")
    );
    let told = folder.run_arguments(&["token", "verify", &access]);
    assert_eq!(told.status, Some(2), "arguments are seen by everybody");
}

#[test]
fn an_expired_token_is_said_to_be_expired() {
    let folder = folder();
    assert_eq!(refusal(&verify(&folder, "", EXPIRED)), "Token is expired");
    let told = folder.run_with_input("token inspect", EXPIRED);
    assert!(
        told.out.ends_with("Signature: valid for the configured key, but the server refuses the token: Token is expired.\n"),
        "{}",
        told.out
    );
    assert!(
        told.out.contains("exp: 2023-11-14 22:13:20 UTC, "),
        "{}",
        told.out
    );
    assert!(told.out.contains(" days ago\n"), "{}", told.out);
    assert!(told.out.contains("  \"user_id\": \"1\""), "{}", told.out);
}

#[test]
fn verify_makes_nothing() {
    let folder = Folder::new();
    assert!(refusal(&verify(&folder, "", EXPIRED)).starts_with("there is no key to check with"));
    assert!(folder.names().is_empty(), "{:?}", folder.names());
    let folder = folder.with_file("tokenpair.key", KEY);
    assert!(
        refusal(&verify(&folder, "", EXPIRED))
            .starts_with("there is no database tokenpair.sqlite3")
    );
    assert_eq!(folder.names(), ["tokenpair.key"]);
    let folder = folder.with_file("tokenpair.toml", "[database]\ntoken_blacklist = false\n");
    assert_eq!(refusal(&verify(&folder, "", EXPIRED)), "Token is expired");
    assert_eq!(folder.names(), ["tokenpair.key", "tokenpair.toml"]);
}

#[test]
fn inspect_says_whether_the_signature_was_checked() {
    let folder = Folder::new();
    let seen = inspect(&folder, EXPIRED);
    assert_eq!(
        (&seen["signature"], &seen["header"]["alg"]),
        (&json!("not checked"), &json!("HS256"))
    );
    let told = folder.run_with_input("token inspect", EXPIRED);
    assert!(
        told.out
            .contains("Signature: NOT CHECKED (there is no SIGNING_KEY"),
        "{}",
        told.out
    );
    assert!(folder.names().is_empty(), "{:?}", folder.names());

    let folder = folder.with_file("tokenpair.key", "another key of at least thirty-two bytes");
    assert_eq!(inspect(&folder, EXPIRED)["signature"], "invalid");
    let told = folder.run_with_input("token inspect", EXPIRED);
    assert!(told.out.contains("Signature: NOT VALID"), "{}", told.out);

    for garbage in ["x", "x.y", "x.y.z.w", "e30.e30", "e30.e.x", "W10.e30.x"] {
        let told = folder.run_with_input("token inspect", garbage);
        assert!(
            refusal(&told).starts_with("this is no JSON Web Token: "),
            "{garbage}: {}",
            told.err
        );
    }
}

#[test]
fn inspect_tells_a_refused_claim_from_a_bad_signature() {
    let folder = folder();
    let access = mint(&folder, "--user ada");
    assert_eq!(inspect(&folder, &access)["problem"], Value::Null);
    let folder = folder.with_variable("TOKENPAIR_AUDIENCE", "app");
    let seen = inspect(&folder, &access);
    assert_eq!(seen["signature"], "valid");
    assert!(seen["problem"].as_str().unwrap().contains("aud"), "{seen}");
    let (unsigned, _) = access.rsplit_once('.').unwrap();
    assert_eq!(
        inspect(&folder, &format!("{unsigned}.AAAA"))["signature"],
        "invalid"
    );
}

#[test]
fn inspect_tells_what_a_well_signed_token_lacks() {
    let folder = folder();
    for (payload, problem) in [
        (r#"{"jti":"a"}"#, "Token has no 'exp' claim"),
        (r#"{"exp":4000000000}"#, "Token has no id"),
        (
            r#"{"jti":"a","exp":1000,"iat":4000000000}"#,
            "Token is invalid: the claim iat is not acceptable",
        ),
        (
            r#"{"jti":"a","exp":1000,"nbf":4000000000}"#,
            "Token is invalid: the claim nbf is not acceptable",
        ),
        (r#"{"jti":"a","exp":1000,"sub":1}"#, "Token is expired"),
        (
            r#"{"jti":"a","exp":4000000000,"sub":1}"#,
            "Token is invalid: the claim sub is not acceptable",
        ),
    ] {
        let token = sign(payload);
        let seen = inspect(&folder, &token);
        assert_eq!(
            (&seen["signature"], &seen["problem"]),
            (&json!("valid"), &json!(problem)),
            "{payload}"
        );
        let told = folder.run_with_input("token inspect", &token).out;
        let said = format!(
            "Signature: valid for the configured key, but the server refuses the token: {problem}.\n"
        );
        assert!(told.ends_with(&said), "{told}");
    }
}

/// With `KEY`.
fn sign(payload: &str) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload));
    let key = hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes());
    let tag = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

#[test]
fn what_a_forged_token_says_cannot_steer_the_terminal() {
    // {"alg":"none"} and {"user":"<CSI in one byte>"}
    let forged = "eyJhbGciOiJub25lIn0.eyJ1c2VyIjoiwpsybSJ9.";
    let told = Folder::new().run_with_input("token inspect", forged);
    assert!(told.out.contains(r#""user": "\u009b2m""#), "{:?}", told.out);
}

const KEY: &str = "a secret of at least 32 bytes, kept out of the code";

/// Signed with `KEY`: an access token of user 1 that expired at 1700000000.
const EXPIRED: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ0b2tlbl90eXBlIjoiYWNjZXNzIiwiZXhwIjoxNzAwMDAwMDAwLCJpYXQiOjE2OTk5OTk3MDAsImp0aSI6IjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmIiwidXNlcl9pZCI6IjEifQ.Q_78YR5ccNTi44_WwjLto88J7WY_biV6k6wjamX0sZY";
