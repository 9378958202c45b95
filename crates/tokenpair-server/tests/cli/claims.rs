//! `[claims]` and `[answer]`: user columns in tokens and in answers.

use crate::support::{Folder, wait_until};
use serde_json::{Value, json};
use std::fs;

const ADA: &str = "createuser --username ada --email ada@example.com --password-stdin";

/// What a token says, unchecked.
fn claims(token: &Value) -> Value {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let payload = token.as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[test]
fn columns_become_claims_and_answer_fields_and_refreshed_tokens_inherit_them() {
    let folder = Folder::new().with_file(
        "tokenpair.toml",
        "[claims]\nemail = \"user.email\"\nstaff = \"user.is_staff\"\n\n[answer]\nname = \"user.username\"\n[answer.user]\nid = \"user.id\"\nemail = \"user.email\"\n",
    );
    assert_eq!(
        folder.run_with_input(ADA, "s3cret-enough\n").status,
        Some(0)
    );
    let server = folder.serve("serve");
    let login = json!({"username": "ada", "password": "s3cret-enough"});
    for path in ["/api/token/", "/api/token/sliding/"] {
        let (status, answer) = server.post(path, &login);
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["name"], "ada");
        assert_eq!(answer["user"], json!({"id": 1, "email": "ada@example.com"}));
    }
    let (_, pair) = server.post("/api/token/", &login);
    let (_, again) = server.post("/api/token/refresh/", &json!({"refresh": pair["refresh"]}));
    for token in [&pair["access"], &pair["refresh"], &again["access"]] {
        let claims = claims(token);
        assert_eq!(claims["email"], "ada@example.com");
        assert_eq!(claims["staff"], false);
    }
    assert!(again.get("name").is_none(), "only a log-in is about a user");
}

#[test]
fn a_reload_takes_new_claims_from_columns_that_were_not_read_before() {
    let folder = Folder::new().with_file("tokenpair.toml", "");
    assert_eq!(
        folder.run_with_input(ADA, "s3cret-enough\n").status,
        Some(0)
    );
    let server = folder.serve("serve");
    let login = json!({"username": "ada", "password": "s3cret-enough"});
    let email = || claims(&server.post("/api/token/", &login).1["access"])["email"].clone();
    assert_eq!(email(), Value::Null);
    fs::write(
        folder.path("tokenpair.toml"),
        "[claims]\nemail = \"user.email\"\n",
    )
    .unwrap();
    server.signal("HUP");
    wait_until(|| email() == "ada@example.com");
}

#[test]
fn what_cannot_be_a_claim_is_refused_with_its_place() {
    for (content, place, hint) in [
        ("[claims]\nexp = \"user.id\"\n", "2:7", "another name"),
        ("[claims]\nmail = \"email\"\n", "2:8", "\"user.email\""),
        (
            "[claims]\nmail = \"users.email\"\n",
            "2:8",
            "\"user.email\"",
        ),
        (
            "[claims]\nhash = \"user.password\"\n",
            "2:8",
            "never given out",
        ),
        ("[claims]\nbig = 9223372036854775808\n", "2:7", "64 bits"),
        ("[answer]\naccess = \"user.id\"\n", "2:10", "another name"),
        ("[answer.user]\nhash = \"user.password\"\n", "1:9", "hash: "),
    ] {
        let folder = Folder::new().with_file("tokenpair.toml", content);
        let told = folder.run("serve");
        assert_eq!((told.status, told.out.as_str()), (Some(1), ""), "{content}");
        let begin = format!("tokenpair: tokenpair.toml:{place}: ");
        assert!(
            told.err.starts_with(&begin) && told.err.contains(hint),
            "{}",
            told.err
        );
    }
}

#[test]
fn a_column_that_does_not_exist_is_named_with_the_nearest() {
    let folder = Folder::new().with_file("tokenpair.toml", "[claims]\nmail = \"user.emial\"\n");
    let told = folder.run("serve");
    assert_eq!((told.status, told.out.as_str()), (Some(1), ""));
    assert!(
        told.err.contains("emial") && told.err.contains("email"),
        "{}",
        told.err
    );
}

/// A group with a permission, and user 1 in it.
const RIGHTS: &str = "INSERT INTO auth_group (id, name) VALUES (1, 'editors');
    INSERT INTO django_content_type (id, app_label, model) VALUES (1, 'shop', 'order');
    INSERT INTO auth_permission (id, content_type_id, codename, name) VALUES (1, 1, 'view_order', '');
    INSERT INTO auth_group_permissions (group_id, permission_id) VALUES (1, 1);
    INSERT INTO auth_user_groups (user_id, group_id) VALUES (1, 1);";

#[test]
fn groups_permissions_and_fixed_values_are_in_tokens_of_log_ins_and_of_the_command() {
    let folder = Folder::new().with_file(
        "tokenpair.toml",
        "[claims]\ngroups = \"user.groups\"\nrights = \"user.all_permissions\"\ntenant = \"acme\"\nlimits = [3, 0.5, true]\n\
         [answer.user]\ngroups = \"user.groups\"\n",
    );
    assert_eq!(
        folder.run_with_input(ADA, "s3cret-enough\n").status,
        Some(0)
    );
    folder.database().execute_batch(RIGHTS).unwrap();
    let server = folder.serve("serve");
    let login = json!({"username": "ada", "password": "s3cret-enough"});
    let (_, answer) = server.post("/api/token/", &login);
    assert_eq!(answer["user"], json!({"groups": ["editors"]}));
    let minted = folder.run("token mint --user ada");
    assert_eq!(minted.status, Some(0), "{}", minted.err);
    for token in [&answer["access"], &json!(minted.out.trim())] {
        let claims = claims(token);
        assert_eq!(claims["groups"], json!(["editors"]));
        assert_eq!(claims["rights"], json!(["shop.view_order"]));
        assert_eq!(claims["tenant"], "acme");
        assert_eq!(claims["limits"], json!([3, 0.5, true]));
    }
}

#[test]
fn a_table_that_is_missing_for_groups_stops_the_start_in_one_sentence() {
    let folder = Folder::new()
        .with_user("ada")
        .with_file("tokenpair.toml", "[claims]\ngroups = \"user.groups\"\n");
    let drop = "PRAGMA foreign_keys = OFF; DROP TABLE auth_user_groups";
    folder.database().execute_batch(drop).unwrap();
    let sentence = "the user table \"auth_user\" has no column \"groups\", and Django's table \"auth_user_groups\", \
                    where it would be read from, does not exist";
    let told = folder.run("serve");
    assert_eq!((told.status, told.out.as_str()), (Some(1), ""));
    assert!(told.err.contains(sentence), "{}", told.err);
    let told = folder.run("check");
    assert_eq!(told.status, Some(1));
    assert!(told.out.contains(sentence), "{}", told.out);
}
