use std::fmt;

/// What happened to the login. It is told after the storage has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Somebody logged in, or signed up and is logged in by that.
    Login,
    /// New tokens came. Told by the one client that fetched them, not by those that share its storage.
    Refresh,
    /// The login has ended.
    Logout(LogoutReason),
}

/// Why a login has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogoutReason {
    /// [`log_out`](crate::Client::log_out) was called.
    Asked,
    /// The server answered 401 to the refresh token: it has expired or was revoked.
    Refused,
}

/// Who wants to know.
pub(crate) struct Listener(Option<Box<dyn Fn(Event) + Send + Sync>>);

impl Listener {
    pub(crate) fn none() -> Self {
        Self(None)
    }

    pub(crate) fn new(listener: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self(Some(Box::new(listener)))
    }

    pub(crate) fn tell(&self, event: Event) {
        if let Some(listener) = &self.0 {
            listener(event);
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listener").field(&self.0.is_some()).finish()
    }
}
