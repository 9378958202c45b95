//! [`SimpleJwtBuilder`]: the parts of a [`SimpleJwt`], and whether they go together.

use super::{Answer, Hooks, Inner, SimpleJwt};
use crate::backend::TokenBackend;
use crate::clock::{Clock, Ids, SystemClock, TimeOrderedIds};
use crate::events::Event;
use crate::json::Object;
use crate::model_backend::ModelBackend;
use crate::models::{RequestInfo, User};
use crate::passwords::{HashersError, PasswordHashers};
use crate::settings::{Settings, SettingsError};
use crate::store::{Store, TokenStore, UserStore, UserTable};
use crate::tokens::Claims;
use std::fmt;
use std::sync::Arc;

/// Builds a [`SimpleJwt`] from parts.
///
/// Users are required: [`store`](Self::store), [`users`](Self::users) or [`user_table`](Self::user_table). Without
/// a token store there is no blacklist, as in a Django project without the blacklist app.
pub struct SimpleJwtBuilder {
    settings: Settings,
    users: Option<Users>,
    tokens: Option<Arc<dyn TokenStore>>,
    joined: Option<Arc<dyn Store>>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    hooks: Hooks,
}

enum Users {
    Own(Arc<dyn UserStore>),
    Table(Arc<dyn UserTable>),
}

impl SimpleJwtBuilder {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            users: None,
            tokens: None,
            joined: None,
            clock: Arc::new(SystemClock),
            ids: Arc::new(TimeOrderedIds),
            hooks: Hooks::default(),
        }
    }

    /// Users and tokens in one database. Replaces what `users`, `user_table` and `tokens` set before.
    pub fn store(self, store: impl Store) -> Self {
        self.shared_store(Arc::new(store))
    }

    /// The same for a database that is chosen at run time, or used by others, too.
    pub fn shared_store(mut self, store: Arc<dyn Store>) -> Self {
        self.users = Some(Users::Table(store.clone()));
        self.tokens = Some(store.clone());
        self.joined = Some(store);
        self
    }

    /// Users that authenticate themselves.
    pub fn users(mut self, users: impl UserStore) -> Self {
        self.users = Some(Users::Own(Arc::new(users)));
        self.joined = None;
        self
    }

    /// Users in a table with Django's password hashes.
    pub fn user_table(self, table: impl UserTable) -> Self {
        self.shared_user_table(Arc::new(table))
    }

    /// The same for a table that is chosen at run time, or used by others, too.
    pub fn shared_user_table(mut self, table: Arc<dyn UserTable>) -> Self {
        self.users = Some(Users::Table(table));
        self.joined = None;
        self
    }

    /// Where refresh and sliding tokens are recorded and blacklisted.
    pub fn tokens(self, tokens: impl TokenStore) -> Self {
        self.shared_tokens(Arc::new(tokens))
    }

    /// The same for a store that is chosen at run time, or used by others, too.
    pub fn shared_tokens(mut self, tokens: Arc<dyn TokenStore>) -> Self {
        self.tokens = Some(tokens);
        self.joined = None;
        self
    }

    /// Own claims: called with each new refresh or sliding token of a login, before it is signed and recorded.
    ///
    /// Simple JWT's `get_token` of a `TokenObtainSerializer` subclass. Access tokens inherit the claims.
    #[doc(alias = "TOKEN_OBTAIN_SERIALIZER")]
    #[doc(alias = "TokenObtainPairSerializer")]
    pub fn get_token(mut self, hook: impl Fn(&mut Claims, &User) + Send + Sync + 'static) -> Self {
        self.hooks.get_token = Some(Box::new(hook));
        self
    }

    /// Own answer fields: called with the body of each successful answer. Simple JWT's `validate` of a serializer.
    #[doc(alias = "TOKEN_REFRESH_SERIALIZER")]
    pub fn validate(
        mut self,
        hook: impl Fn(&mut Object, Answer<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.validate = Some(Box::new(hook));
        self
    }

    /// `USER_AUTHENTICATION_RULE`: who may log in and refresh. Default: existing users that are active, or any
    /// existing user when `CHECK_USER_IS_ACTIVE` is off.
    pub fn user_authentication_rule(
        mut self,
        rule: impl Fn(Option<&User>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.hooks.user_authentication_rule = Some(Box::new(rule));
        self
    }

    /// `ON_LOGIN_SUCCESS`: called after each log-in, when the tokens are on record.
    ///
    /// DIFFERENCE: it does not depend on `UPDATE_LAST_LOGIN`, which keeps its own effect.
    pub fn on_login_success(
        mut self,
        hook: impl Fn(&User, &RequestInfo) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.on_login_success = Some(Box::new(hook));
        self
    }

    /// `ON_LOGIN_FAILED`: called after each refused log-in with the login name.
    pub fn on_login_failed(
        mut self,
        hook: impl Fn(&str, &RequestInfo) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.on_login_failed = Some(Box::new(hook));
        self
    }

    /// Called with every [`Event`]: log-ins, refreshes, log-outs and what was refused of them, after it is durable.
    ///
    /// It runs inside the request, so it should not wait for anything.
    #[doc(alias = "user_logged_in")]
    #[doc(alias = "user_login_failed")]
    pub fn on_event(
        mut self,
        hook: impl Fn(&Event<'_>, &RequestInfo) + Send + Sync + 'static,
    ) -> Self {
        self.hooks.on_event = Some(Box::new(hook));
        self
    }

    /// Another clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Another source of `jti`.
    pub fn ids(mut self, ids: impl Ids) -> Self {
        self.ids = Arc::new(ids);
        self
    }

    /// Checks everything and reads the keys.
    pub fn build(self) -> Result<SimpleJwt, SettingsError> {
        let settings = self.settings;
        settings.validate()?;
        let auth_header = settings
            .auth_header()
            .ok_or_else(|| settings.error("AUTH_HEADER_NAME", "must be a header in CGI style"))?;
        if self.tokens.is_some() && settings.jti_claim.is_none() {
            return Err(settings.error(
                "JTI_CLAIM",
                "must name a claim where tokens are recorded: the blacklist goes by it",
            ));
        }
        let backend = TokenBackend::new(&settings)?;
        let users: Arc<dyn UserStore> = match self.users {
            Some(Users::Own(users)) => users,
            Some(Users::Table(table)) => Arc::new(model_backend(&settings, table)?),
            None => {
                let message = "is missing: call `store`, `users` or `user_table` before `build`";
                return Err(SettingsError::new("user store", None, message));
            }
        };
        if users
            .user_id_field()
            .is_some_and(|field| field != settings.user_id_field)
        {
            let message = "is not the column that the user store looks users up by";
            return Err(settings.error("USER_ID_FIELD", message));
        }
        #[cfg(feature = "axum")]
        let csrf = crate::web::CsrfKey::new(&settings);
        Ok(SimpleJwt(Arc::new(Inner {
            settings,
            auth_header,
            backend,
            users,
            tokens: self.tokens,
            joined: self.joined,
            clock: self.clock,
            ids: self.ids,
            hooks: self.hooks,
            #[cfg(feature = "axum")]
            unanswered: crate::web::Unanswered::default(),
            #[cfg(feature = "axum")]
            csrf,
        })))
    }
}

impl fmt::Debug for SimpleJwtBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimpleJwtBuilder")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

fn model_backend(
    settings: &Settings,
    table: Arc<dyn UserTable>,
) -> Result<ModelBackend, SettingsError> {
    let refused = |error: HashersError| settings.error("PASSWORD_HASHERS", error.to_string());
    let hashers = PasswordHashers::new(&settings.password_hashers, &settings.password_rounds)
        .map_err(refused)?;
    ModelBackend::new(table, hashers).map_err(|error| {
        SettingsError::new(
            "password hashing",
            None,
            format!("its threads cannot be started: {error}"),
        )
    })
}
