//! The user model, read from the app's `models.py`.

use super::facts::{Field, Model, User};
use super::python::{Class, Place, Project, Scope, Value, What};
use std::rc::Rc;
use tokenpair::UserIdKind;

const DJANGO_USER: &str = "auth.User";
/// Bases of bases are followed so far.
const DEEPEST: usize = 20;
const INTEGERS: [&str; 9] = [
    "AutoField",
    "BigAutoField",
    "SmallAutoField",
    "IntegerField",
    "BigIntegerField",
    "SmallIntegerField",
    "PositiveIntegerField",
    "PositiveBigIntegerField",
    "PositiveSmallIntegerField",
];
const TEXTS: [&str; 5] = [
    "CharField",
    "TextField",
    "EmailField",
    "SlugField",
    "CICharField",
];
const RELATIONS: [&str; 2] = ["ForeignKey", "OneToOneField"];
const ABSTRACT_USER: [&str; 10] = [
    "password",
    "last_login",
    "is_superuser",
    "username",
    "first_name",
    "last_name",
    "email",
    "is_staff",
    "is_active",
    "date_joined",
];
/// Methods with which a model or its manager decides who may log in.
const DECIDING: [&str; 4] = [
    "check_password",
    "get_by_natural_key",
    "is_active",
    "get_session_auth_hash",
];

/// What `AUTH_USER_MODEL` names.
pub(super) fn read(project: &mut Project, settings: &Scope) -> User {
    let Some(setting) = settings.get("AUTH_USER_MODEL") else {
        return User::Django;
    };
    let at = setting.at.clone();
    let Some(name) = setting.as_text() else {
        return User::Unknown {
            at,
            name: "AUTH_USER_MODEL".to_owned(),
            reason: setting.describe(),
        };
    };
    if name == DJANGO_USER {
        return User::Django;
    }
    model(project, settings, name, &at).unwrap_or_else(|reason| User::Unknown {
        at,
        name: format!("AUTH_USER_MODEL ({name})"),
        reason,
    })
}

fn model(project: &mut Project, settings: &Scope, name: &str, at: &Place) -> Result<User, String> {
    let (label, class) = name
        .split_once('.')
        .ok_or("is no name of an app and a model with a dot between them")?;
    let app = app(project, settings, label);
    let module = format!("{app}.models");
    if project.find(&module).is_none() {
        return Err(format!("the module {module} is not in the project"));
    }
    let dotted = What::Name(Rc::from(format!("{module}.{class}")));
    let found = project.resolve(&Value::new(dotted, at.clone()));
    let What::Class(class) = &found.what else {
        return Err(format!("{module} has no class {class}"));
    };
    let mut reader = Reader {
        project,
        at: found.at.clone(),
        fields: Vec::new(),
        username_field: "username".to_owned(),
        remarks: Vec::new(),
    };
    reader.class(class, 0)?;
    let table = match reader.meta(class, "db_table", 0) {
        None => format!("{label}_{}", class.name.to_lowercase()),
        Some(table) => table
            .as_text()
            .map(str::to_owned)
            .ok_or_else(|| format!("its db_table {}", table.describe()))?,
    };
    reader.add_primary_key(settings)?;
    Ok(User::Custom(Model {
        name: name.to_owned(),
        at: found.at,
        table,
        fields: reader.fields,
        username_field: reader.username_field,
        remarks: reader.remarks,
    }))
}

/// The package of an app by its label, as `INSTALLED_APPS` names it.
fn app(project: &mut Project, settings: &Scope, label: &str) -> String {
    let installed = settings.get("INSTALLED_APPS").and_then(Value::as_list);
    let names: Vec<String> = installed
        .unwrap_or_default()
        .iter()
        .filter_map(|app| app.as_text().map(str::to_owned))
        .collect();
    for name in &names {
        if let Some((package, _)) = name.split_once(".apps.") {
            let config = What::Name(Rc::from(name.as_str()));
            let place = settings.get("INSTALLED_APPS").map(|value| value.at.clone());
            let config = place.map(|at| project.resolve(&Value::new(config, at)));
            let given = match config.as_ref().map(|config| &config.what) {
                Some(What::Class(class)) => class
                    .body
                    .get("label")
                    .and_then(Value::as_text)
                    .map(str::to_owned),
                _ => None,
            };
            if given.as_deref().unwrap_or(last(package)) == label {
                return package.to_owned();
            }
        } else if last(name) == label {
            return name.clone();
        }
    }
    label.to_owned()
}

fn last(dotted: &str) -> &str {
    dotted.rsplit('.').next().unwrap_or(dotted)
}

struct Reader<'a> {
    project: &'a mut Project,
    at: Place,
    fields: Vec<Field>,
    username_field: String,
    remarks: Vec<(Place, String)>,
}

impl Reader<'_> {
    /// The class after its bases, the first base last, as Python looks names up.
    fn class(&mut self, class: &Class, depth: usize) -> Result<(), String> {
        if depth > DEEPEST {
            return Err("its bases go too deep".to_owned());
        }
        for base in class.bases.iter().rev() {
            let base = self.project.resolve(base);
            match &base.what {
                What::Class(base) => self.class(&base.clone(), depth + 1)?,
                What::Name(name) => self.foreign_base(&base.at, name)?,
                _ => return Err(format!("one of its bases {}", base.describe())),
            }
        }
        for (name, value) in class.body.iter() {
            self.attribute(name, value);
        }
        Ok(())
    }

    fn foreign_base(&mut self, at: &Place, name: &str) -> Result<(), String> {
        match last(name) {
            "AbstractUser" => self.plain_fields(&ABSTRACT_USER),
            "AbstractBaseUser" => self.plain_fields(&["password", "last_login"]),
            "PermissionsMixin" => self.plain_fields(&["is_superuser"]),
            "Model" | "object" | "ABC" | "Generic" => {}
            "User" if name.starts_with("django.") => {
                return Err("is made of two tables, and a user has to be in one".to_owned());
            }
            _ if name.starts_with("django.contrib.") => {}
            _ => {
                let remark = format!(
                    "its base {name} is not in the project: what columns it brings is not known"
                );
                self.remarks.push((at.clone(), remark));
            }
        }
        Ok(())
    }

    fn plain_fields(&mut self, names: &[&str]) {
        for name in names {
            let class = class_of(name);
            self.put(Field {
                name: (*name).to_owned(),
                column: (*name).to_owned(),
                class: class.to_owned(),
                kind: kind(class),
                is_primary_key: false,
                is_nullable: *name == "last_login",
            });
        }
    }

    fn put(&mut self, field: Field) {
        self.fields.retain(|known| known.name != field.name);
        self.fields.push(field);
    }

    fn attribute(&mut self, name: &str, value: &Value) {
        match &value.what {
            What::Text(text) if name == "USERNAME_FIELD" => {
                text.as_ref().clone_into(&mut self.username_field);
            }
            // `username = None` takes a base's field away.
            What::None => self.fields.retain(|known| known.name != name),
            What::Call(call) if name == "objects" => {
                let manager = Value::new(What::Name(call.callee.clone()), value.at.clone());
                // A class of this file is its own first argument.
                let manager = call.arguments.first().unwrap_or(&manager);
                let manager = self.project.resolve(manager);
                if let What::Class(manager) = &manager.what {
                    self.deciding(&manager.body, "its manager");
                }
            }
            What::Call(call) => {
                let class = last(&call.callee);
                let is_relation = RELATIONS.contains(&class);
                if !is_relation && !class.ends_with("Field") || class == "ManyToManyField" {
                    return;
                }
                let column = call.keyword("db_column").and_then(Value::as_text);
                let column = column.map_or_else(
                    || {
                        if is_relation {
                            format!("{name}_id")
                        } else {
                            name.to_owned()
                        }
                    },
                    str::to_owned,
                );
                let is_set = |option: &str| call.keyword(option).map(Value::truth);
                let is_primary_key = is_set("primary_key").flatten() == Some(true);
                let is_nullable = is_set("null").is_some_and(|null| null != Some(false));
                self.put(Field {
                    name: name.to_owned(),
                    column,
                    class: class.to_owned(),
                    kind: kind(class),
                    is_primary_key,
                    is_nullable,
                });
            }
            What::Name(_) if DECIDING.contains(&name) => {
                let remark = format!("the model's own {name}, which is Python code, is not asked");
                self.remarks.push((value.at.clone(), remark));
            }
            _ => {}
        }
    }

    /// Methods that decide about log-ins.
    fn deciding(&mut self, body: &Scope, whose: &str) {
        for name in DECIDING {
            if let Some(method) = body.get(name) {
                let remark = format!("{whose}'s {name}, which is Python code, is not asked");
                self.remarks.push((method.at.clone(), remark));
            }
        }
    }

    /// A name in `class Meta`, its own or else that of the bases.
    fn meta(&mut self, class: &Class, name: &str, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        if let Some(meta) = class.body.get("Meta") {
            return match &meta.what {
                What::Class(meta) => meta.body.get(name).cloned(),
                _ => None,
            };
        }
        class
            .bases
            .iter()
            .find_map(|base| match &self.project.resolve(base).what {
                What::Class(base) => self.meta(&base.clone(), name, depth + 1),
                _ => None,
            })
    }

    /// The `id` that Django adds.
    fn add_primary_key(&mut self, settings: &Scope) -> Result<(), String> {
        if self.fields.iter().any(|field| field.is_primary_key) {
            return Ok(());
        }
        let auto = settings.get("DEFAULT_AUTO_FIELD");
        let class = auto.map_or(Some("BigAutoField"), |value| value.as_text().map(last));
        let kind = class.and_then(kind);
        if kind != Some(UserIdKind::Integer) {
            let at = auto.map_or_else(|| self.at.clone(), |value| value.at.clone());
            return Err(format!("DEFAULT_AUTO_FIELD in {at} is none of Django's"));
        }
        self.put(Field {
            name: "id".to_owned(),
            column: "id".to_owned(),
            class: "AutoField".to_owned(),
            kind,
            is_primary_key: true,
            is_nullable: false,
        });
        Ok(())
    }
}

/// The class of a field of Django's own abstract users.
fn class_of(name: &str) -> &'static str {
    match name {
        "is_superuser" | "is_staff" | "is_active" => "BooleanField",
        "last_login" | "date_joined" => "DateTimeField",
        "email" => "EmailField",
        _ => "CharField",
    }
}

/// The fields of `auth.User`.
pub(super) fn of_django() -> Vec<Field> {
    let key = Field {
        name: "id".to_owned(),
        column: "id".to_owned(),
        class: "AutoField".to_owned(),
        kind: Some(UserIdKind::Integer),
        is_primary_key: true,
        is_nullable: false,
    };
    let others = ABSTRACT_USER.iter().map(|name| Field {
        name: (*name).to_owned(),
        column: (*name).to_owned(),
        class: class_of(name).to_owned(),
        kind: kind(class_of(name)),
        is_primary_key: false,
        is_nullable: *name == "last_login",
    });
    std::iter::once(key).chain(others).collect()
}

/// What can be in a column of this class; `None` for what can be no user id.
pub(super) fn kind(class: &str) -> Option<UserIdKind> {
    if INTEGERS.contains(&class) {
        Some(UserIdKind::Integer)
    } else if class == "UUIDField" {
        Some(UserIdKind::Uuid)
    } else {
        TEXTS.contains(&class).then_some(UserIdKind::Text)
    }
}
