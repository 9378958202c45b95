//! Refuses a server that would say "committed" before it is.

use deadpool_postgres::{ClientWrapper, HookError};
use tokio_postgres::SimpleQueryMessage;

/// What every connection is asked first.
const CHECK: &str = "SELECT current_setting('synchronous_commit'), current_setting('fsync')";

/// Asks on a new connection.
pub(super) async fn check(client: &ClientWrapper) -> Result<(), HookError> {
    let settings = client.simple_query(CHECK).await;
    let settings = settings.map_err(HookError::Backend)?;
    durable(&settings).map_err(HookError::message)
}

fn durable(settings: &[SimpleQueryMessage]) -> Result<(), String> {
    let mut rows = settings.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some((row.get(0), row.get(1))),
        _ => None,
    });
    match rows.next() {
        Some((Some("off"), _)) => Err(
            "synchronous_commit is off, so that a crash of the server could bring revoked tokens back: \
             switch it on for this database or role (ALTER ROLE … SET synchronous_commit = on)"
                .to_owned(),
        ),
        Some((_, Some("off"))) => {
            tracing::warn!("fsync is off at the database: a power cut may lose everything");
            Ok(())
        }
        _ => Ok(()),
    }
}
