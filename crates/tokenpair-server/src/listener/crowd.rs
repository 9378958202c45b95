//! The open connections: how many there are, which of them has been waiting longest, and their tasks.
//!
//! When the house is full, the connections that have gone longest without a whole request are closed. Those are the
//! idle ones, the dribbled heads and the slow bodies, never one whose request is being served; so whoever holds
//! connections open to keep others out only ever pushes out himself. Must never grow beyond its capacity.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::{Id, JoinSet};
use tokio::time::timeout;

use super::peer::{House, Peer};

/// One in so many connections is closed when there is no room, so that looking for them stays cheap.
const EVICTED_SHARE: usize = 64;

/// Microseconds that every connection is given for its request, and for reading its answer, however full it is.
const LEAST_PATIENCE: u64 = 200_000;

/// Told to a connection that is to finish what it began; dropped, it tells it to make room at once.
pub(super) type Farewell = oneshot::Receiver<()>;

/// All open connections.
pub(super) struct Crowd {
    house: Arc<House>,
    tasks: JoinSet<()>,
    members: HashMap<Id, Member>,
}

struct Member {
    peer: Arc<Peer>,
    farewell: oneshot::Sender<()>,
}

impl Crowd {
    pub(super) fn new(house: Arc<House>) -> Self {
        Self {
            house,
            tasks: JoinSet::new(),
            members: HashMap::new(),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.tasks.len() >= self.house.limits.connections.max(1)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Starts a connection's task.
    pub(super) fn welcome<F>(
        &mut self,
        peer: Arc<Peer>,
        task: impl FnOnce(Arc<Peer>, Farewell) -> F,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let (farewell, heard) = oneshot::channel();
        let handle = self.tasks.spawn(task(Arc::clone(&peer), heard));
        self.members.insert(handle.id(), Member { peer, farewell });
    }

    /// Waits until a connection is over; at once if there is none.
    pub(super) async fn one_less(&mut self) {
        let id = match self.tasks.join_next_with_id().await {
            None => return,
            Some(Ok((id, ()))) => id,
            Some(Err(failed)) => {
                tracing::error!("a connection's task failed");
                failed.id()
            }
        };
        self.members.remove(&id);
    }

    /// Closes the connections that have been waiting longest.
    pub(super) fn make_room(&mut self) {
        let latest = self
            .house
            .microseconds_open()
            .saturating_sub(LEAST_PATIENCE);
        let mut waiting: Vec<_> = self
            .members
            .iter()
            .filter_map(|(&id, member)| Some((member.peer.waiting_since()?, id)))
            .filter(|&(since, _)| since < latest)
            .collect();
        let evicted = (self.house.limits.connections / EVICTED_SHARE).max(1);
        if evicted < waiting.len() {
            waiting.select_nth_unstable_by_key(evicted, |&(since, _)| since);
        }
        for (_, id) in waiting.into_iter().take(evicted) {
            self.members.remove(&id);
        }
    }

    /// Lets every connection finish, for at most `drain`; returns how many had to be cut off.
    pub(super) async fn see_off(mut self, drain: Duration) -> usize {
        for (_, member) in self.members.drain() {
            // A connection that is over already does not listen, and need not.
            let _ = member.farewell.send(());
        }
        let all_gone = async { while self.tasks.join_next().await.is_some() {} };
        let _ = timeout(drain, all_gone).await;
        let aborted = self.tasks.len();
        self.tasks.shutdown().await;
        aborted
    }
}
