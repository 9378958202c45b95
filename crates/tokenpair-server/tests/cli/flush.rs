//! `flushexpiredtokens`.

use crate::failures::refusal;
use crate::support::Folder;
use crate::terminal::Terminal;
use std::time::{SystemTime, UNIX_EPOCH};

/// Records of tokens, half of them blacklisted, that expired so many hours ago.
fn record(folder: &Folder, hours_ago: u64, count: u64) {
    #[expect(
        clippy::disallowed_methods,
        reason = "the command looks at the wall clock, too"
    )]
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let expires = now - hours_ago * 3600;
    let sql = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
         INSERT INTO token_blacklist_outstandingtoken (token, created_at, expires_at, user_id, jti)
         SELECT 'x', '2020-01-01', datetime({expires}, 'unixepoch'), NULL, '{hours_ago}-' || i FROM n;
         INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id)
         SELECT '2020-01-01', id FROM token_blacklist_outstandingtoken o WHERE id % 2 = 0 AND jti LIKE '{hours_ago}-%'"
    );
    folder.database().execute_batch(&sql).unwrap();
}

fn migrated() -> Folder {
    let folder = Folder::new();
    assert_eq!(folder.run("migrate").status, Some(0));
    folder
}

fn left(folder: &Folder) -> i64 {
    let sql = "SELECT count(*) FROM token_blacklist_outstandingtoken";
    folder
        .database()
        .query_row(sql, [], |row| row.get(0))
        .unwrap()
}

#[test]
fn only_what_can_never_be_used_again_is_deleted() {
    let folder = migrated();
    // A day for clocks, a day and five minutes for sliding tokens.
    for (hours_ago, count) in [(100, 25), (49, 5), (48, 4), (1, 3)] {
        record(&folder, hours_ago, count);
    }
    let told = folder.run("flushexpiredtokens --dry-run");
    assert_eq!(told.out, "30 expired tokens would be deleted.\n");
    assert_eq!(left(&folder), 37);
    let told = folder.run("flushexpiredtokens --batch-size 7");
    assert_eq!(
        (told.out.as_str(), told.err.as_str()),
        ("Deleted 30 expired tokens.\n", "")
    );
    assert_eq!(left(&folder), 7);
    assert_eq!(
        folder.run("flushexpiredtokens --json").out,
        "{\"deleted\":0}\n"
    );
}

#[test]
fn the_margin_grows_with_the_settings() {
    let folder = migrated().with_variable("TOKENPAIR_SLIDING_TOKEN_REFRESH_LIFETIME", "5 days");
    record(&folder, 6 * 24, 1);
    record(&folder, 6 * 24 + 1, 1);
    let told = folder.run("flushexpiredtokens");
    assert_eq!(told.out, "Deleted 1 expired token.\n");
}

#[test]
fn an_interrupted_run_says_what_it_did_and_leaves_the_rest_in_order() {
    let folder = migrated();
    record(&folder, 100, 50_000);
    let mut terminal = Terminal::run(&folder, "flushexpiredtokens --batch-size 10");
    terminal.expect(" deleted, ");
    terminal.expect(" a second");
    terminal.type_in("\u{3}");
    let (status, shown) = terminal.end();
    assert_eq!(status, Some(1), "{shown}");
    let last = shown.lines().last().unwrap();
    let said = last
        .strip_prefix("tokenpair: interrupted: ")
        .unwrap_or_else(|| panic!("{shown}"));
    let deleted: i64 = said.split(' ').next().unwrap().parse().unwrap();
    assert!(
        said.ends_with("were deleted, the others remain; run it again to go on"),
        "{said}"
    );
    assert_eq!(left(&folder), 50_000 - deleted);
    let orphans = "SELECT count(*) FROM token_blacklist_blacklistedtoken WHERE token_id NOT IN
        (SELECT id FROM token_blacklist_outstandingtoken)";
    let orphans: i64 = folder
        .database()
        .query_row(orphans, [], |row| row.get(0))
        .unwrap();
    assert_eq!(orphans, 0);
}

#[test]
fn a_database_without_these_tables_is_refused() {
    let folder = migrated();
    folder
        .database()
        .execute("DROP TABLE tokenpair_rotation", [])
        .unwrap();
    let told = folder.run("flushexpiredtokens");
    assert!(
        refusal(&told).contains("`tokenpair migrate`"),
        "{}",
        told.err
    );
}
