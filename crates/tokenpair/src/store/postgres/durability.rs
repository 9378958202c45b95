//! Refuses a server that would say "committed" before it is, or that may not know of what was committed.

use super::pool::Access;
use deadpool_postgres::{ClientWrapper, HookError};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use tokio_postgres::SimpleQueryMessage;

/// What every connection is asked first.
const CHECK: &str =
    "SELECT current_setting('synchronous_commit'), current_setting('fsync'), pg_is_in_recovery()";

const FORGETS: &str = "synchronous_commit is off, so that a crash of the server could bring revoked tokens back: \
     switch it on for this database or role (ALTER ROLE … SET synchronous_commit = on)";
const LAGS: &str = "the server is a standby, which may not know yet that a token was revoked: \
     name the primary, or all servers and target_session_attrs=read-write";

/// What a store wants of its server.
#[derive(Debug)]
pub(super) struct Durability {
    access: Access,
    has_warned: AtomicBool,
}

impl Durability {
    pub(super) fn new(access: Access) -> Self {
        Self {
            access,
            has_warned: AtomicBool::new(false),
        }
    }

    /// Asks on a new connection.
    pub(super) async fn check(&self, client: &ClientWrapper) -> Result<(), HookError> {
        let answer = client.simple_query(CHECK).await;
        let server = Server::read(&answer.map_err(HookError::Backend)?);
        server.judge(self.access).map_err(HookError::message)?;
        if self.has_to_warn(server) {
            tracing::warn!("fsync is off at the database: a power cut may lose everything");
        }
        Ok(())
    }

    /// Once for all connections.
    fn has_to_warn(&self, server: Server) -> bool {
        server.has_no_fsync && !self.has_warned.swap(true, Relaxed)
    }
}

/// What a server says of itself.
#[derive(Clone, Copy, Default)]
struct Server {
    /// Before the commit is on the disk.
    commits_early: bool,
    has_no_fsync: bool,
    is_standby: bool,
}

impl Server {
    fn read(answer: &[SimpleQueryMessage]) -> Self {
        let server = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(Self {
                commits_early: row.get(0) == Some("off"),
                has_no_fsync: row.get(1) == Some("off"),
                is_standby: row.get(2) == Some("t"),
            }),
            _ => None,
        });
        server.unwrap_or_default()
    }

    /// A primary that is merely read-only is as good as any for questions.
    fn judge(self, access: Access) -> Result<(), &'static str> {
        if self.commits_early {
            return Err(FORGETS);
        }
        if self.is_standby && access == Access::ReadWrite {
            return Err(LAGS);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standby_is_good_enough_only_to_be_looked_at() {
        let standby = Server {
            is_standby: true,
            ..Server::default()
        };
        assert_eq!(standby.judge(Access::ReadWrite), Err(LAGS));
        assert_eq!(standby.judge(Access::ReadOnly), Ok(()));
    }

    #[test]
    fn a_server_that_forgets_commits_is_refused_and_one_without_fsync_is_not() {
        let server = |commits_early| Server {
            commits_early,
            has_no_fsync: true,
            is_standby: false,
        };
        assert_eq!(server(true).judge(Access::ReadOnly), Err(FORGETS));
        assert_eq!(server(false).judge(Access::ReadWrite), Ok(()));
    }

    #[test]
    fn a_store_warns_once_of_a_server_without_fsync() {
        let server = |has_no_fsync| Server {
            has_no_fsync,
            ..Server::default()
        };
        let durability = Durability::new(Access::ReadWrite);
        let warned =
            [false, true, true].map(|has_no_fsync| durability.has_to_warn(server(has_no_fsync)));
        assert_eq!(warned, [false, true, false]);
    }
}
