//! `[claims]` and `[answer]`: what the project's own log-in serializer adds to tokens and answers.
//!
//! Taken over where all of it is surely the same here, and with it the route; otherwise suggested.

use super::HOOKS;
use crate::commands::import_django::draft::Draft;
use crate::commands::import_django::facts::{Facts, Field, Model, Routes, Serializer, User, View};
use crate::commands::import_django::models;
use crate::commands::import_django::python::{Added, Addition, Place, Value};
use std::rc::Rc;
use tokenpair::UserIdKind;
use tokenpair::json;

/// Claims that the engine sets, with the settings that give others their names.
const RESERVED: [&str; 8] = [
    "exp",
    "iat",
    "nbf",
    "aud",
    "iss",
    "jti",
    "token_type",
    "user_id",
];
const NAMING: [&str; 5] = [
    "USER_ID_CLAIM",
    "JTI_CLAIM",
    "TOKEN_TYPE_CLAIM",
    "REVOKE_TOKEN_CLAIM",
    "SLIDING_TOKEN_REFRESH_EXP_CLAIM",
];
/// Fields that are the same in JSON on both sides.
const SAME: [&str; 14] = [
    "AutoField",
    "BigAutoField",
    "BigIntegerField",
    "BooleanField",
    "CharField",
    "EmailField",
    "IntegerField",
    "PositiveBigIntegerField",
    "PositiveIntegerField",
    "PositiveSmallIntegerField",
    "SlugField",
    "SmallIntegerField",
    "TextField",
    "URLField",
];
const TEXTS: [&str; 5] = [
    "CharField",
    "EmailField",
    "SlugField",
    "TextField",
    "URLField",
];
const PAIR: &str = "TokenObtainPairView";
const SLIDING: &str = "TokenObtainSlidingView";

/// The serializer that every log-in goes through, if all that it does is taken over.
pub(super) fn map(facts: &Facts, draft: &mut Draft) -> Option<Rc<Serializer>> {
    let used = log_ins(facts);
    let mut own: Vec<&Rc<Serializer>> = Vec::new();
    for serializer in used.iter().copied().flatten() {
        if !own.iter().any(|known| known.at == serializer.at) {
            own.push(serializer);
        }
    }
    let is_everywhere = own.len() == 1 && used.iter().all(Option::is_some);
    let mut taken = None;
    for serializer in own {
        if one(facts, draft, serializer, is_everywhere) {
            taken = Some(Rc::clone(serializer));
        }
    }
    taken
}

/// For each route to a log-in its serializer, if that is the project's own.
fn log_ins(facts: &Facts) -> Vec<Option<&Rc<Serializer>>> {
    let usual = facts.serializer.as_ref();
    let Routes::Read { routes, .. } = &facts.routes else {
        return vec![usual];
    };
    let mut used = Vec::new();
    for route in routes {
        match &route.view {
            View::SimpleJwt(class) if class == PAIR => used.push(usual),
            View::Own {
                base, serializer, ..
            } if base == PAIR => used.push(serializer.as_ref()),
            View::SimpleJwt(base) | View::Own { base, .. } if base == SLIDING => used.push(None),
            _ => {}
        }
    }
    if used.is_empty() { vec![usual] } else { used }
}

/// Takes over what a serializer adds, or suggests it; whether it was taken over.
fn one(facts: &Facts, draft: &mut Draft, serializer: &Serializer, is_everywhere: bool) -> bool {
    let mut reader = Reader::of(facts);
    let additions = &serializer.additions;
    let claims = reader.section(&additions.claims, true);
    let answer = reader.section(&additions.answer, false);
    for (at, text) in &additions.others {
        reader.differ(at, format!("`{text}` is Python code"));
    }
    if !is_everywhere {
        let reason = "not every log-in goes through it, and [claims] and [answer] hold for all that are not left to Django";
        reader.differ(&serializer.at, reason);
    }
    let sections = [("claims", claims), ("answer", answer)];
    let name = &serializer.name;
    if reader.differences.is_empty() {
        for (section, members) in sections {
            for (name, value, at) in members {
                draft.set(section, &name, value, at);
            }
        }
        let reason = "only adds what [claims] and [answer] say, so its route is taken over";
        draft.note(name.as_str(), Some(&serializer.at), reason, "");
        return true;
    }
    let mut suggested = Vec::new();
    for (section, members) in sections {
        for (name, value, at) in members {
            suggested.push(format!("{name} in [{section}]"));
            draft.suggest(section, &name, value, at);
        }
    }
    let reason = format!(
        "adds to log-ins what is not surely the same here: {}",
        reader.differences.join("; ")
    );
    let advice = if suggested.is_empty() {
        HOOKS.to_owned()
    } else {
        format!(
            "Suggested, as comments in the file: {}. {HOOKS}",
            suggested.join(", ")
        )
    };
    draft.leave(name.as_str(), &serializer.at, reason, advice);
    false
}

/// A name, what stands behind it, and where Python has it.
type Member<'a> = (String, json::Value, &'a Place);

struct Reader<'a> {
    facts: &'a Facts,
    fields: Vec<Field>,
    /// Why it is not the same here, a sentence each.
    differences: Vec<String>,
}

impl<'a> Reader<'a> {
    fn of(facts: &'a Facts) -> Self {
        let fields = match &facts.user {
            User::Django => models::of_django(),
            User::Custom(Model { fields, .. }) => fields.clone(),
            User::Unknown { .. } => Vec::new(),
        };
        Self {
            facts,
            fields,
            differences: Vec::new(),
        }
    }

    fn differ(&mut self, at: &Place, reason: impl Into<String>) {
        self.differences.push(format!("{} ({at})", reason.into()));
    }

    /// The members of a section; of two with one name the later wins, as in Python.
    fn section<'b>(&mut self, additions: &'b [Addition], is_token: bool) -> Vec<Member<'b>> {
        let mut members: Vec<Member<'b>> = Vec::new();
        for addition in additions {
            let Addition { at, name, .. } = addition;
            if is_token && self.is_reserved(name) {
                self.differ(at, format!("the claim {name} is set by tokenpair itself"));
            } else if let Some(value) = self.value(addition) {
                members.retain(|(known, ..)| known != name);
                members.push((name.clone(), value, at));
            }
        }
        members
    }

    fn is_reserved(&self, claim: &str) -> bool {
        let settings = self.facts.settings.get("SIMPLE_JWT");
        let named = |setting: &str| {
            let named = settings.and_then(|settings| settings.member(setting));
            named.and_then(Value::as_text) == Some(claim)
        };
        RESERVED.contains(&claim) || NAMING.iter().any(|setting| named(setting))
    }

    /// As the configuration has it; `None` where no column holds it.
    fn value(&mut self, addition: &Addition) -> Option<json::Value> {
        let Addition { at, text, .. } = addition;
        match &addition.what {
            Added::Text(constant) if constant.starts_with("user.") => {
                self.differ(at, format!("the text {text} would name a column here"));
                None
            }
            Added::Text(constant) => Some(json::Value::from(constant.as_str())),
            Added::Int(constant) => Some(json::Value::from(*constant)),
            Added::Bool(constant) => Some(json::Value::from(*constant)),
            Added::Groups => self.relation("groups", at),
            Added::Permissions => self.relation("all_permissions", at),
            Added::Members(members) => {
                let members = self.section(members, false);
                let members = members.into_iter().map(|(name, value, _)| (name, value));
                Some(json::Value::Object(members.collect()))
            }
            Added::Attribute(name) => {
                let field = self.field(name, at, text)?;
                if !SAME.contains(&field.class.as_str()) {
                    let class = &field.class;
                    self.differ(at, format!("{text}, a {class}, may look otherwise here"));
                }
                Some(column(&field))
            }
            Added::TextOf(name) => {
                let field = self.field(name, at, text)?;
                let is_key = field.is_primary_key && field.kind == Some(UserIdKind::Uuid);
                if !is_key && !TEXTS.contains(&field.class.as_str()) {
                    self.differ(at, format!("{text} is a text, and the column is none"));
                } else if field.is_nullable {
                    self.differ(at, format!("{text} is \"None\" where the column is null"));
                }
                Some(column(&field))
            }
            Added::Other => {
                self.differ(at, format!("{text} is Python code"));
                None
            }
        }
    }

    /// What `PermissionsMixin` brings.
    fn relation(&mut self, name: &str, at: &Place) -> Option<json::Value> {
        if self.fields.iter().any(|field| field.name == "is_superuser") {
            return Some(json::Value::from(format!("user.{name}")));
        }
        self.differ(at, format!("the user model's {name} are not Django's"));
        None
    }

    fn field(&mut self, name: &str, at: &Place, text: &str) -> Option<Field> {
        let is_it = |field: &&Field| match name {
            "pk" => field.is_primary_key,
            // `user.company_id` is the key that `company` holds; `user.company` is an object.
            _ if field.class == "ForeignKey" || field.class == "OneToOneField" => {
                name.strip_suffix("_id") == Some(&field.name)
            }
            _ => field.name == name,
        };
        let found = self.fields.iter().find(is_it).cloned();
        match &found {
            Some(field) if field.name == "password" => {
                self.differ(at, format!("{text} is never given out"));
                return None;
            }
            None => self.differ(at, format!("{text} is no column of the user model")),
            Some(_) => {}
        }
        found
    }
}

fn column(field: &Field) -> json::Value {
    json::Value::from(format!("user.{}", field.column))
}
