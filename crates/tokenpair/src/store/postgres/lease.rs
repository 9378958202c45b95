//! A connection in use, and whether others may have it afterwards.

use super::failure::Failure;
use super::value::Value;
use deadpool_postgres::Object;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::Poll;
use std::time::Duration;
use tokio::time::Instant;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

/// A connection that owed an answer for so long when its caller went is not given to others, who would wait behind it.
const ABANDONED: Duration = Duration::from_secs(2);

/// A connection in use.
#[derive(Debug)]
pub(super) struct Lease {
    /// `None` only while it is dropped.
    object: Option<Object>,
    /// It does not go back to the others.
    is_broken: AtomicBool,
}

impl Lease {
    pub(super) fn of(object: Object, is_broken: bool) -> Self {
        Self {
            object: Some(object),
            is_broken: AtomicBool::new(is_broken),
        }
    }

    pub(super) fn set_broken(&self, is_broken: bool) {
        self.is_broken.store(is_broken, Relaxed);
    }

    pub(super) fn client(&self) -> Result<&Object, Failure> {
        self.object
            .as_ref()
            .ok_or_else(|| Failure::Unreachable("the connection was given back".to_owned()))
    }

    /// Whether no more than `room` use it, this handle included.
    pub(super) fn has_room(self: &Arc<Self>, room: usize) -> bool {
        !self.is_broken.load(Relaxed) && Arc::strong_count(self) <= room
    }

    pub(super) async fn ask(
        &self,
        is_preparing: bool,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Failure> {
        let client = self.client()?;
        if is_preparing {
            let types: Vec<Type> = values.iter().map(Value::sql_type).collect();
            let statement = client.prepare_typed_cached(sql, &types).await?;
            Ok(client.query(&statement, &parameters(values)).await?)
        } else {
            let values: Vec<(&(dyn ToSql + Sync), Type)> = values
                .iter()
                .map(|value| (value as _, value.sql_type()))
                .collect();
            Ok(client.query_typed(sql, &values).await?)
        }
    }

    /// Asks a question. To wait until it is prepared would double the way, and that may be long: the first time on a
    /// connection it is sent unprepared right behind. Not so a change, as it might be made although this fails.
    pub(super) async fn inquire(
        &self,
        is_preparing: bool,
        sql: &str,
        values: &[Value<'_>],
    ) -> Result<Vec<Row>, Failure> {
        if !is_preparing {
            return Box::pin(self.ask(false, sql, values)).await;
        }
        let client = self.client()?;
        let types: Vec<Type> = values.iter().map(Value::sql_type).collect();
        let mut preparing = pin!(client.prepare_typed_cached(sql, &types));
        let prepared = poll_fn(|context| Poll::Ready(preparing.as_mut().poll(context))).await;
        if let Poll::Ready(statement) = prepared {
            return Ok(client.query(&statement?, &parameters(values)).await?);
        }
        // Rare and large: not part of every future that may come here.
        let first = Box::pin(async {
            let prepared = async { Ok(preparing.await?) };
            tokio::try_join!(prepared, self.ask(false, sql, values))
        });
        let (_, rows) = first.await?;
        Ok(rows)
    }

    pub(super) fn give_up_after(&self, failure: &Failure) {
        if failure.ends_connection() {
            self.set_broken(true);
        }
    }
}

fn parameters<'a>(values: &'a [Value<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    values.iter().map(|value| value as _).collect()
}

impl Drop for Lease {
    fn drop(&mut self) {
        if self.is_broken.load(Relaxed)
            && let Some(object) = self.object.take()
        {
            drop(Object::take(object));
        }
    }
}

/// An answer that is waited for.
pub(super) struct Owed<'a> {
    lease: &'a Lease,
    since: Option<Instant>,
}

impl<'a> Owed<'a> {
    pub(super) fn to(lease: &'a Lease, since: Instant) -> Self {
        let since = Some(since);
        Self { lease, since }
    }

    pub(super) fn settled(mut self) {
        self.since = None;
    }
}

impl Drop for Owed<'_> {
    fn drop(&mut self) {
        if self.since.is_some_and(|since| since.elapsed() >= ABANDONED) {
            self.lease.set_broken(true);
        }
    }
}
