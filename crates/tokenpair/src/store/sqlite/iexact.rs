//! A log-in name without regard to the case of ASCII letters: what Django's `iexact` means on SQLite.
//!
//! Django asks by `LIKE … ESCAPE`, for which SQLite has to look at every name. The same names are found by leaps over the
//! index of the unique column: in it the spellings of a name stand in order, `ADA` before `Ada` before `ada`, and from
//! the name that stands where one spelling would be follows which spelling can be next. So the names between are not
//! looked at.

use super::super::UserModel;
use super::users::UserQueries;
use crate::models::User;
use rusqlite::{Connection, OptionalExtension, Row};

/// Whether names can be read from an index in the order of this collation.
const IS_ORDERED: &str = r"SELECT (SELECT encoding FROM pragma_encoding) = 'UTF-8' AND EXISTS (SELECT 1
    FROM pragma_index_list(?1) i JOIN pragma_index_xinfo(i.name) c
    WHERE NOT i.partial AND c.seqno = 0 AND c.name = ?2 COLLATE NOCASE AND c.coll = ?3)";

/// Then a look at every name is cheaper. Only names that somebody registered to that end make so many necessary.
const MOST_LEAPS: usize = 500;

/// The statements for one user model, written once.
#[derive(Debug)]
pub(super) struct IexactQueries {
    table: String,
    username: String,
    next: String,
    scan: String,
}

impl IexactQueries {
    pub(super) fn new(model: &UserModel) -> Self {
        let UserModel {
            table, username, ..
        } = model;
        let names = format!(r#"SELECT "{username}" FROM "{table}""#);
        let name = format!(r#""{username}" COLLATE BINARY"#);
        Self {
            table: table.clone(),
            username: username.clone(),
            next: format!("{names} WHERE {name} >= ?1 ORDER BY {name} LIMIT 1"),
            scan: format!(r#"{names} WHERE "{username}" = ?1 COLLATE NOCASE LIMIT 2"#),
        }
    }

    /// The only user whose name is this one in some spelling.
    pub(super) fn find(
        &self,
        db: &Connection,
        users: &UserQueries,
        login: &str,
    ) -> rusqlite::Result<Option<User>> {
        let spellings = self.spellings(db, login)?;
        match &spellings[..] {
            [spelling] => users.by_login(db, spelling),
            _ => Ok(None),
        }
    }

    /// The spellings of a name that users have, two at most.
    pub(super) fn spellings(&self, db: &Connection, login: &str) -> rusqlite::Result<Vec<String>> {
        if self.is_ordered(db, "BINARY")?
            && let Some(spellings) = self.leap(db, login)?
        {
            return Ok(spellings);
        }
        let mut scan = db.prepare_cached(&self.scan)?;
        let found = scan.query_map([login], |row| super::users::text(row, 0))?;
        found.collect()
    }

    /// The statement that makes an index for leaps, unless there is one or the scan has one (`db_collation="NOCASE"`).
    pub(super) fn missing_index(&self, db: &Connection) -> rusqlite::Result<Option<String>> {
        let Self {
            table, username, ..
        } = self;
        let statement = || {
            format!(
                r#"CREATE INDEX "{table}_{username}_binary" ON "{table}" ("{username}" COLLATE BINARY)"#
            )
        };
        let is_served = self.is_ordered(db, "BINARY")? || self.is_ordered(db, "NOCASE")?;
        Ok((!is_served).then(statement))
    }

    /// Two names that differ only in case, if there are any.
    pub(super) fn names_that_differ(
        &self,
        db: &Connection,
    ) -> rusqlite::Result<Option<[String; 2]>> {
        let Self {
            table, username, ..
        } = self;
        let name = format!(r#""{username}" COLLATE BINARY"#);
        let sql = format!(
            r#"SELECT min({name}), max({name}) FROM "{table}" GROUP BY "{username}" COLLATE NOCASE
            HAVING min({name}) <> max({name}) LIMIT 1"#
        );
        let names = |row: &Row<'_>| {
            let name = |column| super::users::text(row, column);
            Ok([name(0)?, name(1)?])
        };
        db.query_row(&sql, [], names).optional()
    }

    fn is_ordered(&self, db: &Connection, collation: &str) -> rusqlite::Result<bool> {
        let mut statement = db.prepare_cached(IS_ORDERED)?;
        let values = [&self.table, &self.username, collation];
        statement.query_row(values, |row| row.get(0))
    }

    /// `None`: there would be too many leaps.
    fn leap(&self, db: &Connection, login: &str) -> rusqlite::Result<Option<Vec<String>>> {
        let mut statement = db.prepare_cached(&self.next)?;
        let mut spellings = Vec::new();
        let mut from = login.to_ascii_uppercase();
        for _ in 0..MOST_LEAPS {
            let name = statement.query_row([&from], |row| super::users::text(row, 0));
            let Some(name) = name.optional()? else {
                return Ok(Some(spellings));
            };
            let next = spelling_after(&name, login);
            if name.eq_ignore_ascii_case(login) {
                spellings.push(name);
            }
            match next {
                Some(next) if next > from && spellings.len() < 2 => from = next,
                _ => return Ok(Some(spellings)),
            }
        }
        Ok(None)
    }
}

/// The first spelling of `login` behind `name`, in the order of their bytes.
fn spelling_after(name: &str, login: &str) -> Option<String> {
    let same = |(a, b): &(u8, u8)| a.eq_ignore_ascii_case(b);
    let common = name.bytes().zip(login.bytes()).take_while(same).count();
    // The spelling keeps what the name begins with, up to the place where it is raised above the name.
    let with = |place: usize, letter: u8| {
        let kept = name.as_bytes().get(..place)?;
        let rest = login.as_bytes().get(place + 1..)?;
        let spelling = [kept, &[letter], &rest.to_ascii_uppercase()].concat();
        String::from_utf8(spelling).ok()
    };
    if let Some(letter) = login.as_bytes().get(common) {
        let reached = name.as_bytes().get(common).copied();
        let higher = [letter.to_ascii_uppercase(), letter.to_ascii_lowercase()];
        let mut higher = higher.into_iter().filter(|byte| Some(*byte) > reached);
        if let Some(letter) = higher.next() {
            return with(common, letter);
        }
    }
    let mut raisable = (0..common).rev();
    let place = raisable.find(|place| name.as_bytes()[*place].is_ascii_uppercase())?;
    with(place, name.as_bytes()[place].to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table(column: &str, names: &[String]) -> Connection {
        let db = Connection::open_in_memory().unwrap();
        let sql = format!(r#"CREATE TABLE "users" ("id" integer PRIMARY KEY, {column})"#);
        db.execute_batch(&sql).unwrap();
        for name in names {
            let sql = r#"INSERT OR IGNORE INTO "users" ("name") VALUES (?1)"#;
            db.execute(sql, [name]).unwrap();
        }
        db
    }

    fn queries() -> IexactQueries {
        IexactQueries::new(&UserModel {
            table: "users".to_owned(),
            username: "name".to_owned(),
            ..UserModel::default()
        })
    }

    /// What Django asks (`DatabaseOperations.prep_for_like_query`).
    fn like(db: &Connection, login: &str) -> Vec<String> {
        let escaped = login.replace('\\', r"\\").replace('%', r"\%");
        let escaped = escaped.replace('_', r"\_");
        let sql = r#"SELECT "name" FROM "users" WHERE "name" LIKE ?1 ESCAPE '\'"#;
        let mut statement = db.prepare(sql).unwrap();
        let names = statement.query_map([escaped], |row| row.get(0)).unwrap();
        names.collect::<Result<_, _>>().unwrap()
    }

    /// Some letters that have case elsewhere, what `LIKE` has a use for, and neighbours of letters in ASCII.
    const NAME: &str = r"[aAbBzZkK@\[`{%_\\ßẞéÉıİKſ-]{0,4}";

    proptest! {
        /// A failure prints the names and the seed to repeat it with.
        #[test]
        fn the_names_are_those_that_like_finds(
            names in prop::collection::vec(NAME, 0..60),
            others in prop::collection::vec(NAME, 5),
        ) {
            for column in [
                r#""name" varchar(150) UNIQUE"#,
                r#""name" varchar(150)"#,
                r#""name" varchar(150) COLLATE NOCASE UNIQUE"#,
            ] {
                let db = table(column, &names);
                let queries = queries();
                for login in names.iter().chain(&others) {
                    let expected = like(&db, login);
                    let found = queries.spellings(&db, login).unwrap();
                    prop_assert_eq!(found.len(), expected.len().min(2), "{:?} {}", login, column);
                    for spelling in found {
                        prop_assert!(expected.contains(&spelling), "{:?}: {:?}", login, spelling);
                    }
                }
            }
        }
    }

    #[test]
    fn the_next_spelling_is_the_first_behind_a_name() {
        for (name, next) in [
            ("", Some("ADA")),
            ("ACE", Some("ADA")),
            ("ADA", Some("ADa")),
            ("ADa", Some("AdA")),
            ("ADbert", Some("AdA")),
            ("Ada", Some("aDA")),
            ("aZ", Some("adA")),
            ("ada", None),
            ("adam", None),
            ("b", None),
        ] {
            assert_eq!(spelling_after(name, "ada").as_deref(), next, "{name}");
        }
    }

    #[test]
    fn names_that_stand_between_all_spellings_are_looked_at_at_once() {
        let spelled =
            |bits: usize| (0..10).map(move |bit| if bits >> bit & 1 == 0 { 'A' } else { 'a' });
        let mut names: Vec<_> = (0..1 << 10)
            .map(|bits| spelled(bits).chain(['!']).collect::<String>())
            .collect();
        names.push("aaaaaaaaaaa".to_owned());
        let db = table(r#""name" varchar(150) NOT NULL UNIQUE"#, &names);
        let queries = queries();
        assert_eq!(queries.leap(&db, "AAAAAAAAAAA").unwrap(), None);
        let found = queries.spellings(&db, "AAAAAAAAAAA").unwrap();
        assert_eq!(found, ["aaaaaaaaaaa"]);
    }

    #[test]
    fn an_index_is_used_for_each_leap() {
        let db = table(r#""name" varchar(150) NOT NULL UNIQUE"#, &[]);
        let queries = queries();
        let sql = format!("EXPLAIN QUERY PLAN {}", queries.next);
        let plan = db.query_row(&sql, ["A"], |row| row.get::<_, String>("detail"));
        let plan = plan.unwrap();
        assert!(
            plan.contains("SEARCH") && plan.contains("COVERING INDEX"),
            "{plan}"
        );
    }

    #[test]
    fn an_index_without_case_serves_the_scan() {
        let db = table(r#""name" varchar(150) COLLATE NOCASE UNIQUE"#, &[]);
        let queries = queries();
        assert_eq!(queries.missing_index(&db).unwrap(), None);
        let sql = format!("EXPLAIN QUERY PLAN {}", queries.scan);
        let plan = db.query_row(&sql, ["A"], |row| row.get::<_, String>("detail"));
        assert!(plan.unwrap().contains("SEARCH"));
    }
}
