//! The user model.

use crate::commands::import_django::draft::Draft;
use crate::commands::import_django::facts::{Facts, Model, User};
use crate::commands::import_django::python::{Place, is_iexact};
use tokenpair::UserIdKind;
use tokenpair::json;

const OPTIONAL: [&str; 4] = ["is_active", "is_staff", "is_superuser", "last_login"];
const BY_HAND: &str =
    "Write the table and its columns into [user_model], or ask Django with --manage-py.";

pub(super) fn map(facts: &Facts, draft: &mut Draft) {
    match &facts.user {
        User::Django => {}
        User::Unknown { at, name, reason } => {
            draft.leave(name.as_str(), at, reason.as_str(), BY_HAND);
        }
        User::Custom(model) => custom(facts, draft, model),
    }
}

fn custom(facts: &Facts, draft: &mut Draft, model: &Model) {
    draft.remarks.push(("user_model", model.name.clone()));
    let mut set = |name: &str, value: &str, usual: &str| {
        if value != usual {
            draft.set("user_model", name, value, &model.at);
        }
    };
    set("table", &model.table, "auth_user");
    let column = |name: &str| model.field(name).map(|field| field.column.as_str());
    let key = model.field("pk");
    if let Some(key) = key {
        set("id", &key.column, "id");
        set("id_kind", key.kind.map_or("", kind_name), "integer");
    }
    set(
        "username",
        column(&model.username_field).unwrap_or(&model.username_field),
        "username",
    );
    if let Some(column) = column(&model.username_field) {
        set("username_field", &model.username_field, column);
    }
    set(
        "password",
        column("password").unwrap_or("password"),
        "password",
    );
    for name in OPTIONAL {
        set(name, column(name).unwrap_or(""), name);
    }
    if key.is_some_and(|key| key.kind.is_none()) {
        let reason = "its primary key is neither a number nor a UUID nor a text";
        draft.leave(
            format!("AUTH_USER_MODEL ({})", model.name),
            &model.at,
            reason,
            BY_HAND,
        );
    }
    if column(&model.username_field).is_none() {
        let reason = format!(
            "its USERNAME_FIELD {} is no column that is known",
            model.username_field
        );
        draft.leave(
            format!("AUTH_USER_MODEL ({})", model.name),
            &model.at,
            reason,
            BY_HAND,
        );
    }
    for (at, remark) in &model.remarks {
        let advice = if is_iexact(at, &model.username_field) {
            suggest_iexact(draft, at)
        } else {
            "Where it matters, the library takes your own users by the trait UserStore."
        };
        draft.leave(
            format!("AUTH_USER_MODEL ({})", model.name),
            at,
            remark.as_str(),
            advice,
        );
    }
    user_id(facts, draft, model);
}

/// Proposes to look users up without regard to case; what to say of it.
pub(super) fn suggest_iexact(draft: &mut Draft, at: &Place) -> &'static str {
    draft.suggest("user_model", "username_lookup", "iexact", at);
    "It looks users up without regard to case: username_lookup = \"iexact\" in [user_model] does so, too, and stands there as a comment."
}

/// `USER_ID_FIELD` is a field in Django, a column here.
fn user_id(facts: &Facts, draft: &mut Draft, model: &Model) {
    let setting = facts
        .settings
        .get("SIMPLE_JWT")
        .and_then(|all| all.member("USER_ID_FIELD"));
    let name = setting.map_or(Some("id"), |setting| setting.as_text());
    let at = setting.map_or(&model.at, |setting| &setting.at);
    let Some(name) = name else {
        return;
    };
    let Some(field) = model.field(name) else {
        let reason = format!(
            "{} has no field {name}, so Simple JWT itself fails with it",
            model.name
        );
        return draft.leave(
            "SIMPLE_JWT.USER_ID_FIELD",
            at,
            reason,
            "Name a field of the user model.",
        );
    };
    if !field.is_primary_key {
        match field.kind {
            Some(UserIdKind::Text) => {}
            Some(kind) => draft.set("user_model", "user_id_kind", kind_name(kind), at),
            None => draft.leave(
                "SIMPLE_JWT.USER_ID_FIELD",
                at,
                format!("{name} is neither a number nor a UUID nor a text"),
                "Name another field.",
            ),
        }
    }
    if field.column != name {
        draft.set(
            "simple_jwt",
            "USER_ID_FIELD",
            json::Value::from(field.column.as_str()),
            at,
        );
    }
}

fn kind_name(kind: UserIdKind) -> &'static str {
    match kind {
        UserIdKind::Integer => "integer",
        UserIdKind::Uuid => "uuid",
        UserIdKind::Text => "text",
    }
}
