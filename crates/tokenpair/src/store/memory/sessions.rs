//! [`SessionStore`] in memory.

use super::super::sessions::{listed, noted_lately};
use super::super::{Ending, Rotated, Rotation, Session, SessionStore, SessionUse};
use super::{Data, MemoryStore};
use crate::error::StoreError;
use crate::models::{NumericDate, OutstandingToken, User, UserId};
use async_trait::async_trait;
use jiff::Timestamp;

/// A session as it is kept.
#[derive(Debug)]
pub(super) struct Kept {
    usage: SessionUse,
    is_ended: bool,
}

/// A token that is not blacklisted, and its session's record if there is one.
struct Living<'a> {
    token: &'a OutstandingToken,
    kept: Option<&'a Kept>,
}

impl Living<'_> {
    fn id(&self) -> &str {
        self.kept.map_or(&self.token.jti, |kept| &kept.usage.id)
    }

    fn expires_at(&self) -> NumericDate {
        let known = self.kept.map(|kept| kept.usage.expires_at);
        known.unwrap_or(self.token.expires_at)
    }

    fn session(&self) -> Session {
        let usage = self.kept.map(|kept| &kept.usage);
        Session {
            id: self.id().to_owned(),
            created_at: usage.map_or(self.token.created_at, |usage| usage.created_at),
            refreshed_at: usage.map(|usage| usage.at),
            expires_at: self.expires_at(),
            address: usage.and_then(|usage| usage.address),
            user_agent: usage.and_then(|usage| usage.user_agent.clone()),
        }
    }
}

impl Data {
    fn note(&mut self, usage: &SessionUse) {
        let key = (usage.user_id.clone(), usage.id.clone());
        let fresh = || Kept {
            usage: usage.clone(),
            is_ended: false,
        };
        let known = &mut self.sessions.entry(key).or_insert_with(fresh).usage;
        *known = SessionUse {
            created_at: known.created_at,
            address: usage.address.or(known.address),
            user_agent: usage.user_agent.clone().or(known.user_agent.take()),
            ..usage.clone()
        };
    }

    fn living(&self, user: &UserId) -> Vec<Living<'_>> {
        let of_user = |token: &&OutstandingToken| {
            token.user_id.as_ref() == Some(user) && !self.blacklisted.contains(&token.jti)
        };
        let kept = |token: &OutstandingToken| {
            let mut sessions = self.sessions.values();
            sessions.find(|kept| kept.usage.user_id == *user && kept.usage.jti == token.jti)
        };
        self.outstanding
            .values()
            .filter(of_user)
            .map(|token| Living {
                token,
                kept: kept(token),
            })
            .collect()
    }

    fn is_ended(&self, user: &UserId, id: &str) -> bool {
        let key = (user.clone(), id.to_owned());
        self.sessions.get(&key).is_some_and(|kept| kept.is_ended)
    }

    fn end(&mut self, user: &UserId, session: Session, jti: String) {
        let usage = SessionUse {
            id: session.id.clone(),
            user_id: user.clone(),
            jti: jti.clone(),
            created_at: session.created_at,
            at: session.created_at,
            expires_at: session.expires_at,
            address: None,
            user_agent: None,
        };
        let is_ended = true;
        let key = (user.clone(), session.id);
        let kept = self.sessions.entry(key).or_insert(Kept { usage, is_ended });
        kept.is_ended = true;
        self.blacklisted.insert(jti);
    }

    pub(super) fn forget_sessions(&mut self, before: Timestamp) {
        let before = before.into();
        self.sessions
            .retain(|_, kept| kept.usage.expires_at >= before);
    }

    fn end_all(&mut self, user: &UserId, ending: &Ending) -> usize {
        let [since, now] = [ending.since, ending.at].map(NumericDate::from);
        let ended: Vec<_> = self
            .living(user)
            .into_iter()
            .filter(|living| living.token.expires_at >= since || living.expires_at() > now)
            .filter(|living| Some(living.id()) != ending.except.as_deref())
            .map(|living| (living.session(), living.token.jti.clone()))
            .collect();
        let sessions = ended.iter().filter(|(one, _)| one.expires_at > now).count();
        for (session, jti) in ended {
            self.end(user, session, jti);
        }
        // Also those whose token somebody else blacklisted: a Django that exchanged it gave its successor the same `sid`.
        let others = self.sessions.values_mut();
        let others = others.filter(|kept| kept.usage.user_id == *user);
        for kept in others.filter(|kept| Some(kept.usage.id.as_str()) != ending.except.as_deref()) {
            kept.is_ended = true;
        }
        sessions
    }
}

#[async_trait]
impl SessionStore for MemoryStore {
    async fn record_session(
        &self,
        token: &OutstandingToken,
        usage: &SessionUse,
    ) -> Result<(), StoreError> {
        let mut data = self.data();
        data.record_if_unknown(token);
        data.note(usage);
        Ok(())
    }

    async fn rotate_session(
        &self,
        rotation: &Rotation,
        usage: &SessionUse,
    ) -> Result<Rotated, StoreError> {
        let mut data = self.data();
        if data.is_ended(&usage.user_id, &usage.id) {
            data.record_if_unknown(&rotation.parent);
            data.blacklisted.insert(rotation.parent.jti.clone());
        }
        let rotated = data.rotate(rotation);
        if rotated == Rotated::Fresh {
            data.note(usage);
        }
        Ok(rotated)
    }

    async fn touch_session(&self, usage: &SessionUse) -> Result<(), StoreError> {
        let mut data = self.data();
        let key = (usage.user_id.clone(), usage.id.clone());
        let last = data.sessions.get(&key).map(|kept| kept.usage.at);
        if last.is_none_or(|last| last <= noted_lately(usage.at)) {
            data.note(usage);
        }
        Ok(())
    }

    async fn sessions(&self, user: &UserId, now: Timestamp) -> Result<Vec<Session>, StoreError> {
        let data = self.data();
        let sessions = data.living(user).into_iter().map(|living| living.session());
        Ok(listed(sessions, now))
    }

    async fn end_session(
        &self,
        user: &UserId,
        id: &str,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut data = self.data();
        let mut living = data.living(user).into_iter();
        let found = living.find(|living| living.id() == id && living.expires_at() > at.into());
        let Some((session, jti)) = found.map(|living| (living.session(), living.token.jti.clone()))
        else {
            return Ok(false);
        };
        data.end(user, session, jti);
        Ok(true)
    }

    async fn end_sessions(&self, user: &UserId, ending: &Ending) -> Result<usize, StoreError> {
        Ok(self.data().end_all(user, ending))
    }

    async fn replace_password(
        &self,
        user: &User,
        encoded: &str,
        ending: &Ending,
    ) -> Result<Option<usize>, StoreError> {
        let mut data = self.data();
        let is_replaced = data.set_password(user, encoded);
        Ok(is_replaced.then(|| data.end_all(&user.id, ending)))
    }

    async fn get_user_and_ended(
        &self,
        id: &UserId,
        session: &str,
    ) -> Result<(Option<User>, bool), StoreError> {
        let data = self.data();
        let user = data.users.get(id).cloned();
        let is_ended = user
            .as_ref()
            .is_some_and(|user| data.is_ended(&user.id, session));
        Ok((user, is_ended))
    }
}
