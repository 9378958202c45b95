//! The original stays what it is, and nothing is left behind, however a run ends.

use super::{MEMBER, Project, SHADOW};
use crate::postgres;
use crate::support::wait_until;
use std::fs;
use std::process::Command;

#[test]
fn the_original_file_is_not_touched_and_nothing_is_left_behind() {
    let Some(project) = Project::on_sqlite("") else {
        return;
    };
    let file = project.folder.path("db.sqlite3");
    let (before, names) = (fs::read(&file).unwrap(), project.folder.names());
    let told = project.shadow("--generate 40");
    assert_eq!(told.status, Some(0), "{}\n{}", told.err, told.differences());
    assert_eq!(fs::read(&file).unwrap(), before);
    assert_eq!(project.folder.names(), names);
    assert!(!is_running(&project));
}

#[test]
fn a_file_in_use_is_copied_with_what_is_in_its_log() {
    let Some(project) = Project::on_sqlite("") else {
        return;
    };
    let file = project.folder.path("db.sqlite3");
    let user = rusqlite::Connection::open(&file).unwrap();
    user.pragma_update(None, "journal_mode", "wal").unwrap();
    user.execute("UPDATE auth_user SET first_name = 'Ada'", [])
        .unwrap();
    let told = project.shadow("--generate 40 --user ada@example.com");
    assert_eq!(told.status, Some(0), "{}\n{}", told.err, told.differences());
    let password: String = user
        .query_row(
            "SELECT password FROM auth_user WHERE username = 'ada@example.com'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(password, "", "the password is that of the copies only");
}

#[test]
fn an_interrupt_leaves_no_file_and_no_process() {
    let Some(project) = Project::on_sqlite("") else {
        return;
    };
    let (before, names) = (
        fs::read(project.folder.path("db.sqlite3")).unwrap(),
        project.folder.names(),
    );
    let line = format!("{SHADOW} --generate 100000 --python {}", project.python);
    let run = project.folder.start(&line);
    wait_until(|| has_copies(&project));
    run.signal("INT");
    let told = run.end();
    assert_eq!(told.status, Some(1), "{}", told.err);
    assert!(told.err.contains("operation cancelled"), "{}", told.err);
    assert_eq!(project.folder.names(), names);
    assert_eq!(fs::read(project.folder.path("db.sqlite3")).unwrap(), before);
    assert!(!is_running(&project));
}

#[test]
fn a_kill_leaves_no_database_and_no_process() {
    let Some((project, url)) = Project::on_postgres(MEMBER) else {
        return;
    };
    let line = format!("{SHADOW} --generate 100000 --python {}", project.python);
    let run = project.folder.start(&line);
    wait_until(|| postgres::copies(&url).len() == 2);
    run.signal("KILL");
    assert_eq!(run.end().status, None);
    wait_until(|| postgres::copies(&url).is_empty() && !is_running(&project));
}

/// `PostgreSQL` does not drop a template.
#[test]
fn a_copy_that_cannot_be_removed_is_named() {
    let Some((project, url)) = Project::on_postgres(MEMBER) else {
        return;
    };
    let line = format!("{SHADOW} --generate 100000 --python {}", project.python);
    let run = project.folder.start(&line);
    wait_until(|| postgres::copies(&url).len() == 2);
    let copies = postgres::copies(&url);
    let [kept, _] = copies.as_slice() else {
        panic!("{copies:?}")
    };
    postgres::run(&url, &format!("ALTER DATABASE {kept} IS_TEMPLATE true"));
    run.signal("INT");
    let told = run.end();
    let note = format!("the copy {kept} could not be removed");
    assert!(told.err.contains(&note), "{}", told.err);
    assert_eq!(postgres::copies(&url), copies[..1], "{}", told.err);
    postgres::run(&url, &format!("ALTER DATABASE {kept} IS_TEMPLATE false"));
    postgres::run(&url, &format!("DROP DATABASE {kept}"));
}

#[test]
fn what_cannot_be_tried_is_told_in_a_sentence() {
    let Some(project) = Project::on_sqlite("") else {
        return;
    };
    for (line, sentence) in [
        (
            "--user nobody@example.com",
            "there is no user 'nobody@example.com'",
        ),
        (
            "--copies nowhere",
            "cannot make a temporary folder in nowhere",
        ),
        ("--config nowhere.toml", "nowhere.toml"),
    ] {
        let told = project.shadow(line);
        assert_eq!(told.status, Some(1), "{line}: {}", told.err);
        assert!(told.err.contains(sentence), "{line}: {}", told.err);
    }
    fs::remove_file(project.folder.path("tokenpair.toml")).unwrap();
    let told = project.shadow("");
    assert!(
        told.err
            .contains("tokenpair import-django --manage-py manage.py"),
        "{}",
        told.err
    );
    project.append("raise ValueError('sesame')");
    fs::write(
        project.folder.path("tokenpair.toml"),
        "[simple_jwt]\nSIGNING_KEY = \"0123456789012345678901234567890123\"\n",
    )
    .unwrap();
    let told = project.shadow("");
    assert!(
        told.err.contains("Django does not start: ValueError"),
        "{}",
        told.err
    );
    assert!(!told.err.contains("sesame"), "{}", told.err);
}

#[test]
fn a_role_that_may_not_create_databases_is_told_what_else_there_is() {
    let Some((project, url)) = Project::on_postgres(MEMBER) else {
        return;
    };
    let role = format!("shadow_{}", std::process::id());
    let name = url.rsplit_once('/').unwrap().1;
    postgres::run(
        &url,
        &format!("CREATE ROLE {role} LOGIN PASSWORD 'sesame'; GRANT pg_read_all_data TO {role}"),
    );
    let sets = format!(
        "DATABASES['default'] |= {{'USER': '{role}', 'PASSWORD': 'sesame', 'NAME': '{name}'}}"
    );
    project.append(&sets);
    let told = project.shadow("");
    postgres::run(&url, &format!("DROP ROLE {role}"));
    assert_eq!(told.status, Some(1), "{}", told.err);
    assert!(
        told.err.contains("ALTER ROLE … CREATEDB") && told.err.contains("--tokenpair"),
        "{}",
        told.err
    );
}

/// `psql` quotes the row that it could not write.
#[test]
fn a_database_that_cannot_be_restored_is_told_without_its_rows() {
    let Some((project, url)) = Project::on_postgres("auth.User") else {
        return;
    };
    postgres::run(
        &url,
        "CREATE FUNCTION inner_check(text) RETURNS bool LANGUAGE sql AS 'SELECT true';
         CREATE FUNCTION outer_check(t text) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN inner_check(t); END';
         UPDATE auth_user SET password = 'sesame';
         ALTER TABLE auth_user ADD CHECK (outer_check(password))",
    );
    let told = project.shadow("");
    assert_eq!(told.status, Some(1), "{}", told.err);
    let reason = "cannot be copied: ERROR:  function inner_check(text) does not exist";
    assert!(told.err.contains(reason), "{}", told.err);
    assert!(!told.err.contains("sesame"), "{}", told.err);
    assert!(postgres::copies(&url).is_empty());
}

fn has_copies(project: &Project) -> bool {
    let names = project.folder.names().into_iter();
    names
        .filter(|name| name.starts_with("tokenpair-"))
        .any(|name| {
            project
                .folder
                .path(&name)
                .join("tokenpair.sqlite3")
                .exists()
        })
}

/// Whether a Python of this project's runs.
fn is_running(project: &Project) -> bool {
    let place = project.folder.path("manage.py");
    let output = Command::new("ps").args(["-eo", "args"]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).contains(&*place.to_string_lossy())
}
