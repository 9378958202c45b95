//! Groups and permissions: what Django keeps of a user in other tables (`django/contrib/auth/models.py`, `backends.py`).
//!
//! One text of SQL for both databases, asked for with the user's key as `$1`. It yields pairs: which of the
//! [`UserModel::RELATIONS`], and a name that belongs to it.

use super::UserModel;
use crate::json::{Object, Value};
use crate::models::User;
use md5::{Digest as _, Md5};
use std::collections::{BTreeMap, BTreeSet};

const GROUPS: &str = "groups";
const USER_PERMISSIONS: &str = "user_permissions";
const GROUP_PERMISSIONS: &str = "group_permissions";

const PERMISSIONS: &str = r#"c."app_label" || '.' || p."codename" FROM "auth_permission" p
    JOIN "django_content_type" c ON c."id" = p."content_type_id""#;

pub(super) fn is_relation(name: &str) -> bool {
    UserModel::RELATIONS.contains(&name)
}

/// The columns of the tables that a user model may need, by table. A table that does not exist has none.
pub(super) type Tables = BTreeMap<String, Vec<String>>;

/// The tables whose columns [`Relations::new`] and [`flaw`] have to know: none where no relation is asked for.
/// `longest` is the longest name that the database takes.
pub(super) fn tables(model: &UserModel, longest: Option<usize>) -> BTreeSet<String> {
    let asked = model.columns.iter().filter(|name| is_relation(name));
    let mut tables: BTreeSet<_> = asked
        .flat_map(|name| needed(model, name, longest))
        .collect();
    if !tables.is_empty() {
        tables.insert(model.table.clone());
    }
    tables
}

/// The tables that one relation is read from, those that lead from the user first.
fn needed(model: &UserModel, relation: &str, longest: Option<usize>) -> Vec<String> {
    let (groups, permissions) = (
        link(model, GROUPS, longest),
        link(model, USER_PERMISSIONS, longest),
    );
    let (through, further): (Vec<String>, &[&str]) = match relation {
        GROUPS => (vec![groups], &["auth_group"]),
        USER_PERMISSIONS => (vec![permissions], &["auth_permission"]),
        GROUP_PERMISSIONS => (vec![groups], &["auth_group_permissions", "auth_permission"]),
        _ => (
            vec![groups, permissions],
            &["auth_group_permissions", "auth_permission"],
        ),
    };
    let types = (relation != GROUPS).then_some("django_content_type");
    let further = further.iter().copied().chain(types).map(str::to_owned);
    through.into_iter().chain(further).collect()
}

/// The table of a many-to-many field (`ManyToManyField._get_m2m_db_table`), shortened as `truncate_name` does it.
fn link(model: &UserModel, field: &str, longest: Option<usize>) -> String {
    let name = format!("{}_{field}", model.table);
    let Some(longest) = longest.filter(|longest| name.chars().count() > *longest) else {
        return name;
    };
    let kept: String = name.chars().take(longest.saturating_sub(4)).collect();
    let digest = Md5::digest(&name);
    format!("{kept}{:02x}{:02x}", digest[0], digest[1])
}

/// The column of a link table that names the user; its name is that of the model's class.
fn owner<'a>(columns: &'a [String], other: &str) -> Option<&'a str> {
    let mut owners = columns
        .iter()
        .filter(|name| *name != "id" && *name != other);
    let owner = owners.next()?;
    owners.next().is_none().then_some(owner)
}

/// Those of the model's further columns that are relations: the user table has no such column, which would win.
fn wanted<'a>(model: &'a UserModel, tables: &'a Tables) -> impl Iterator<Item = &'a str> {
    let columns = tables.get(&model.table);
    let is_column = move |name: &String| columns.is_some_and(|columns| columns.contains(name));
    let names = model.columns.iter();
    names
        .filter(move |name| is_relation(name) && !is_column(name))
        .map(String::as_str)
}

/// What is missing to read a relation that the model asks for, as a sentence.
pub(super) fn flaw(model: &UserModel, longest: Option<usize>, tables: &Tables) -> Option<String> {
    let columns = |table: &str| tables.get(table).map_or(&[][..], Vec::as_slice);
    wanted(model, tables).find_map(|relation| {
        let needed = needed(model, relation, longest);
        let missing = needed.iter().find(|table| columns(table).is_empty());
        let reason = if let Some(table) = missing {
            format!("Django's table {table:?}, where it would be read from, does not exist")
        } else {
            let (group, permission) = (
                link(model, GROUPS, longest),
                link(model, USER_PERMISSIONS, longest),
            );
            let unclear = needed.iter().find(|table| {
                (**table == group && owner(columns(table), "group_id").is_none())
                    || (**table == permission && owner(columns(table), "permission_id").is_none())
            })?;
            format!("the table {unclear:?} does not have one column that names the user")
        };
        let table = &model.table;
        Some(format!(
            "the user table {table:?} has no column {relation:?}, and {reason}"
        ))
    })
}

/// The relations of one user model, and where they are found.
#[derive(Debug)]
pub(super) struct Relations {
    wanted: Vec<String>,
    groups: String,
    user_permissions: String,
    group_permissions: String,
}

impl Relations {
    /// Link tables that are still to be made are taken for those of `auth_user`.
    pub(super) fn new(model: &UserModel, longest: Option<usize>, tables: &Tables) -> Self {
        let through = |field: &str, other: &str| {
            let table = link(model, field, longest);
            let columns = tables.get(&table).map_or(&[][..], Vec::as_slice);
            let owner = owner(columns, other).unwrap_or("user_id").to_owned();
            (table, owner)
        };
        let (groups, member) = through(GROUPS, "group_id");
        let (permissions, holder) = through(USER_PERMISSIONS, "permission_id");
        Self {
            wanted: wanted(model, tables).map(str::to_owned).collect(),
            groups: format!(
                r#"g."name" FROM "auth_group" g JOIN "{groups}" m ON m."group_id" = g."id" WHERE m."{member}" = $1"#
            ),
            user_permissions: format!(
                r#"{PERMISSIONS} JOIN "{permissions}" m ON m."permission_id" = p."id" WHERE m."{holder}" = $1"#
            ),
            group_permissions: format!(
                r#"{PERMISSIONS} JOIN "auth_group_permissions" h ON h."permission_id" = p."id"
                JOIN "{groups}" m ON m."group_id" = h."group_id" WHERE m."{member}" = $1"#
            ),
        }
    }

    /// The model without what is read by [`statement`](Self::statement).
    pub(super) fn own_columns(&self, model: &UserModel) -> UserModel {
        let mut model = model.clone();
        model.columns.retain(|name| !self.wanted.contains(name));
        model
    }

    /// What to ask for this user, and whether by the user's key; `None`: nothing.
    ///
    /// As `ModelBackend._get_permissions`: an inactive user has no permission, a superuser every one.
    pub(super) fn statement(&self, user: &User) -> Option<(String, bool)> {
        let sources = |relation: &str| match relation {
            GROUPS => vec![self.groups.as_str()],
            _ if !user.is_active => Vec::new(),
            _ if user.is_superuser => vec![PERMISSIONS],
            USER_PERMISSIONS => vec![self.user_permissions.as_str()],
            GROUP_PERMISSIONS => vec![self.group_permissions.as_str()],
            _ => vec![self.user_permissions.as_str(), &self.group_permissions],
        };
        let selects = self.wanted.iter().flat_map(|relation| {
            let selects = sources(relation).into_iter();
            selects.map(move |source| format!("SELECT '{relation}', {source}"))
        });
        let sql = selects.collect::<Vec<_>>().join(" UNION ALL ");
        let by_key = sql.contains("$1");
        (!sql.is_empty()).then_some((sql, by_key))
    }

    /// Each relation with its names, sorted as Python sorts texts.
    pub(super) fn collect(&self, rows: Vec<(String, String)>) -> Object {
        let mut names: BTreeMap<&str, BTreeSet<String>> = self
            .wanted
            .iter()
            .map(|relation| (relation.as_str(), BTreeSet::new()))
            .collect();
        for (relation, name) in rows {
            if let Some(names) = names.get_mut(relation.as_str()) {
                names.insert(name);
            }
        }
        let names = names.into_iter();
        names
            .map(|(relation, names)| {
                let names = names.into_iter().map(Value::from);
                (relation, Value::from(names.collect::<Vec<_>>()))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_table_is_named_as_django_names_it() {
        let model = |table: &str| UserModel {
            table: table.to_owned(),
            ..UserModel::default()
        };
        let long = model("a_user_table_whose_name_is_of_fifty_characters_____");
        for (model, longest, name) in [
            (&model("auth_user"), Some(63), "auth_user_user_permissions"),
            (
                &long,
                None,
                "a_user_table_whose_name_is_of_fifty_characters______user_permissions",
            ),
            // Django 5.2.19: truncate_name(name, 63)
            (
                &long,
                Some(63),
                "a_user_table_whose_name_is_of_fifty_characters______user_pebc85",
            ),
        ] {
            assert_eq!(link(model, USER_PERMISSIONS, longest), name);
        }
    }

    #[test]
    fn the_owner_is_what_is_left_of_a_link_table() {
        let columns = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let usual = columns(&["id", "member_id", "group_id"]);
        assert_eq!(owner(&usual, "group_id"), Some("member_id"));
        assert_eq!(owner(&columns(&["id", "group_id"]), "group_id"), None);
        let more = columns(&["id", "member_id", "group_id", "since"]);
        assert_eq!(owner(&more, "group_id"), None);
    }
}
