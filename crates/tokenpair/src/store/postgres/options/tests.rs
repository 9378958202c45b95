use super::*;

fn read(url: &str) -> PostgresOptions {
    PostgresOptions::from_url(url).unwrap()
}

fn flaw(url: &str) -> String {
    PostgresOptions::from_url(url).unwrap_err().to_string()
}

#[test]
fn an_address_is_read_as_libpq_reads_it() {
    let options = read("postgresql://ada:p%40ss@db.example.com:5433/site?application_name=a%20b");
    assert_eq!(options.config.get_user(), Some("ada"));
    assert_eq!(options.config.get_password(), Some(&b"p@ss"[..]));
    assert_eq!(options.config.get_dbname(), Some("site"));
    assert_eq!(options.config.get_application_name(), Some("a b"));
    assert_eq!(options.address(), "postgres://ada@db.example.com:5433/site");
}

#[test]
fn another_database_is_reached_in_the_same_way() {
    let options = read("postgres://ada:secret@one:1,two:2/site?connect_timeout=3");
    let other = options.in_database("copy");
    assert_eq!(other.config.get_dbname(), Some("copy"));
    assert_eq!(other.config.get_password(), Some(&b"secret"[..]));
    assert_eq!(other.redacted_url(), "postgres://ada@one:1,two:2/copy");
    assert_eq!(other.tls, options.tls);
}

#[test]
fn the_address_shown_has_no_password_whatever_it_is_made_of() {
    for (url, address) in [
        (
            "postgres://ada:s?e/c#ret@host/db",
            "postgres://ada@host:5432/db",
        ),
        ("postgres://ada:secret@host", "postgres://ada@host:5432/ada"),
        (
            "postgres://ada:secret@one:1,two:2/db",
            "postgres://ada@one:1,two:2/db",
        ),
        (
            "postgres://ada:secret@/db?host=/run/pg",
            "postgres://ada@/run/pg/db",
        ),
    ] {
        let options = read(url);
        assert_eq!(options.address(), address);
        assert!(!format!("{options:?}").contains("secret"), "{options:?}");
    }
}

#[test]
fn an_address_is_redacted_where_its_password_stands() {
    for (url, shown) in [
        (
            "postgresql://ada:s?e/c:ret@host/db?sslmode=require",
            "postgres://ada:[redacted]@host/db?sslmode=require",
        ),
        ("postgres://ada@host/db", "postgres://ada@host/db"),
        (
            "postgres://host/db?user=ada&password=secret",
            "postgres://host/db?user=ada&password=[redacted]",
        ),
        ("postgres://host:5433/db", "postgres://host:5433/db"),
    ] {
        let options = read(url);
        assert_eq!(options.redacted_url(), shown);
        assert!(!format!("{options:?}").contains("secret"), "{options:?}");
    }
}

#[test]
fn a_server_is_protected_by_its_name_in_a_certificate_or_by_being_here() {
    for (url, is_protected) in [
        ("postgres://ada@host/db", false),
        ("postgres://ada@host/db?sslmode=require", false),
        ("postgres://ada@host/db?sslmode=verify-ca", false),
        ("postgres://ada@host/db?sslmode=verify-full", true),
        ("postgres://ada@/db?host=/run/postgresql", true),
        ("postgres://ada@127.0.0.1/db", true),
        ("postgres://ada@localhost,host/db", false),
    ] {
        assert_eq!(read(url).is_protected(), is_protected, "{url}");
    }
}

#[test]
fn sslmode_decides_what_a_server_has_to_prove() {
    use Verification::{Chain, ChainAndName, Nothing};
    for (parameters, mode, verification) in [
        ("", SslMode::Prefer, Nothing),
        ("?sslmode=disable", SslMode::Disable, Nothing),
        ("?sslmode=prefer", SslMode::Prefer, Nothing),
        ("?sslmode=require", SslMode::Require, Nothing),
        (
            "?sslmode=require&sslrootcert=ca.pem",
            SslMode::Require,
            Chain,
        ),
        ("?sslmode=verify-ca", SslMode::Require, Chain),
        ("?sslmode=verify-full", SslMode::Require, ChainAndName),
        (
            "?sslrootcert=system&sslmode=verify-full",
            SslMode::Require,
            ChainAndName,
        ),
    ] {
        let options = read(&format!("postgres://ada@host/db{parameters}"));
        assert_eq!(options.config.get_ssl_mode(), mode, "{parameters}");
        assert_eq!(options.tls.verification, verification, "{parameters}");
    }
    let options = read("postgres://host/db?sslmode=verify-ca&sslrootcert=/a%20b/ca.pem");
    assert_eq!(options.tls.roots, Roots::File("/a b/ca.pem".into()));
}

#[test]
fn what_is_no_address_is_refused_without_its_secrets() {
    for (url, part) in [
        ("mysql://ada:secret@host/db", "begins with postgres://"),
        ("host=localhost password=secret", "begins with postgres://"),
        ("postgres://ada:se@cret@host/db", "%40"),
        ("postgres:///db", "names no host"),
        (
            "postgres://ada:secret@host:port/db",
            "not understood: invalid value for option `port`",
        ),
        (
            "postgres://ada:secret@host/db?sslcert=x",
            "not understood: unknown option `sslcert`",
        ),
        (
            "postgres://ada:secret@host/db?sslmode=allow",
            "one of disable, prefer",
        ),
        (
            "postgres://ada:secret@host/db?sslrootcert=ca.pem",
            "no effect without",
        ),
        ("postgres://%ff:secret@host/db", "not understood"),
    ] {
        let flaw = flaw(url);
        assert!(flaw.contains(part), "{url}: {flaw}");
        assert!(
            !flaw.contains("secret") && !flaw.contains("cret@"),
            "{flaw}"
        );
    }
}

#[test]
fn a_session_is_set_up_unless_a_pooler_would_refuse_it() {
    let mut options = read("postgres://host/db?options=-c%20search_path%3Dsite");
    options.statement_timeout = Duration::from_millis(1500);
    let session = options.session(Access::ReadWrite);
    let settings = session.get_options().unwrap();
    assert!(
        settings.contains("-c statement_timeout=1500 "),
        "{settings}"
    );
    assert!(settings.contains(PLANS), "{settings}");
    assert!(settings.ends_with("-c search_path=site"), "{settings}");
    assert_eq!(session.get_application_name(), Some("tokenpair"));
    assert_eq!(session.get_connect_timeout(), Some(&Duration::from_secs(1)));
    let settings = options.session(Access::ReadOnly);
    let settings = settings.get_options().unwrap().to_owned();
    assert!(
        settings.ends_with("default_transaction_read_only=on"),
        "{settings}"
    );
    options.prepared_statements = false;
    let session = options.session(Access::ReadWrite);
    assert_eq!(session.get_options(), Some("-c search_path=site"));
}

#[test]
fn a_primary_that_is_only_looked_at_is_not_taken_for_a_standby() {
    let options = read("postgres://one,two/db?target_session_attrs=read-write");
    let session = options.session(Access::ReadOnly);
    let settings = session.get_options().unwrap();
    assert!(
        !settings.contains("default_transaction_read_only"),
        "{settings}"
    );
    assert!(settings.contains("-c statement_timeout="), "{settings}");
}

#[test]
fn hosts_of_a_list_share_the_time_to_connect() {
    let session = read("postgres://one,two/db").session(Access::ReadWrite);
    let half = Duration::from_millis(500);
    assert_eq!(session.get_connect_timeout(), Some(&half));
}

#[test]
fn of_a_list_the_host_that_can_be_written_to_is_taken_unless_another_is_asked_for() {
    use TargetSessionAttrs::{Any, ReadOnly, ReadWrite};
    for (place, attributes) in [
        ("one/db", Any),
        ("one,two/db", ReadWrite),
        ("one/db?host=two", ReadWrite),
        ("one/db?target_session_attrs=read-write", ReadWrite),
        ("one,two/db?target_session_attrs=any", Any),
        ("one,two/db?target_session_attrs=read-only", ReadOnly),
    ] {
        let options = read(&format!("postgres://{place}"));
        for access in [Access::ReadWrite, Access::ReadOnly] {
            let session = options.session(access);
            assert_eq!(session.get_target_session_attrs(), attributes, "{place}");
        }
    }
}

#[test]
fn limits_that_no_store_can_work_within_are_refused() {
    let check = |change: fn(&mut PostgresOptions)| {
        let mut options = read("postgres://host/db");
        change(&mut options);
        options.check().map_err(|error| error.to_string())
    };
    let connections = Err("max_connections must be from 2 to 10000".to_owned());
    let acquire = Err("acquire_timeout must be from 100 ms to 60 s".to_owned());
    let statement = Err("statement_timeout must be from 100 ms to 60 s".to_owned());
    assert_eq!(check(|_| ()), Ok(()));
    assert_eq!(check(|options| options.max_connections = 2), Ok(()));
    assert_eq!(check(|options| options.max_connections = 1), connections);
    for (timeout, is_accepted) in [
        (0, false),
        (99, false),
        (100, true),
        (60_000, true),
        (60_001, false),
    ] {
        let timeout = Duration::from_millis(timeout);
        let mut options = read("postgres://host/db");
        options.acquire_timeout = timeout;
        assert_eq!(options.check().is_ok(), is_accepted, "{timeout:?}");
        let mut options = read("postgres://host/db");
        options.statement_timeout = timeout;
        assert_eq!(options.check().is_ok(), is_accepted, "{timeout:?}");
    }
    assert_eq!(
        check(|options| options.acquire_timeout = Duration::ZERO),
        acquire
    );
    assert_eq!(
        check(|options| options.statement_timeout = Duration::MAX),
        statement
    );
}
