//! The steps of `migrate`: what each makes, how it is told that it was made, and what Django has to remember of it.

use super::UserModel;
use std::fmt;

/// A step of a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Migration {
    /// Django's users, groups, permissions and content types.
    Auth,
    /// Simple JWT's outstanding and blacklisted tokens.
    TokenBlacklist,
    /// Our record of which token was exchanged for which.
    Rotation,
    /// Our record of sessions.
    Sessions,
    /// Our record of who signed up and did not prove the address yet.
    Unverified,
}

/// What a migration of [`PostgresStore`](super::PostgresStore) tells while it has to wait.
#[cfg(feature = "postgres")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MigrationProgress {
    /// Another process migrates the same database.
    WaitsForAnother,
    /// Somebody writes users, and the user table has to be locked for a moment. Others are let through before the next
    /// attempt.
    WaitsForUsers {
        /// How many attempts have failed.
        attempts: usize,
    },
}

#[cfg(feature = "postgres")]
impl fmt::Display for MigrationProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WaitsForAnother => {
                f.write_str("waiting for another process that migrates this database")
            }
            Self::WaitsForUsers { attempts } => write!(
                f,
                "waiting for a moment in which nobody writes users: {attempts} attempts, others go first"
            ),
        }
    }
}

/// The rows Django expects in `django_migrations`. Token blacklist has no 0009.
const AUTH_HISTORY: [(&str, &str); 14] = [
    ("contenttypes", "0001_initial"),
    ("contenttypes", "0002_remove_content_type_name"),
    ("auth", "0001_initial"),
    ("auth", "0002_alter_permission_name_max_length"),
    ("auth", "0003_alter_user_email_max_length"),
    ("auth", "0004_alter_user_username_opts"),
    ("auth", "0005_alter_user_last_login_null"),
    ("auth", "0006_require_contenttypes_0002"),
    ("auth", "0007_alter_validators_add_error_messages"),
    ("auth", "0008_alter_user_username_max_length"),
    ("auth", "0009_alter_user_last_name_max_length"),
    ("auth", "0010_alter_group_name_max_length"),
    ("auth", "0011_update_proxy_permissions"),
    ("auth", "0012_alter_user_first_name_max_length"),
];
const BLACKLIST_HISTORY: [(&str, &str); 12] = [
    ("token_blacklist", "0001_initial"),
    ("token_blacklist", "0002_outstandingtoken_jti_hex"),
    ("token_blacklist", "0003_auto_20171017_2007"),
    ("token_blacklist", "0004_auto_20171017_2013"),
    ("token_blacklist", "0005_remove_outstandingtoken_jti"),
    ("token_blacklist", "0006_auto_20171017_2113"),
    ("token_blacklist", "0007_auto_20171017_2214"),
    ("token_blacklist", "0008_migrate_to_bigautofield"),
    ("token_blacklist", "0010_fix_migrate_to_bigautofield"),
    ("token_blacklist", "0011_linearizes_history"),
    ("token_blacklist", "0012_alter_outstandingtoken_user"),
    (
        "token_blacklist",
        "0013_alter_blacklistedtoken_options_and_more",
    ),
];

impl fmt::Display for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auth => "auth (users, groups, permissions)",
            Self::TokenBlacklist => "token_blacklist (outstanding and blacklisted tokens)",
            Self::Rotation => "tokenpair (rotation)",
            Self::Sessions => "tokenpair (sessions)",
            Self::Unverified => "tokenpair (unverified)",
        })
    }
}

impl Migration {
    /// In the order in which they are made.
    pub(super) const ALL: [Self; 5] = [
        Self::Auth,
        Self::TokenBlacklist,
        Self::Rotation,
        Self::Sessions,
        Self::Unverified,
    ];

    /// Those that a database needs.
    pub(super) fn steps(token_blacklist: bool) -> &'static [Self] {
        if token_blacklist {
            &Self::ALL
        } else {
            &[Self::Auth]
        }
    }

    /// The table whose existence means that the step was done, by us or by Django.
    pub(super) fn mark(self, model: &UserModel) -> &str {
        match self {
            Self::Auth => &model.table,
            Self::TokenBlacklist => "token_blacklist_outstandingtoken",
            Self::Rotation => "tokenpair_rotation",
            Self::Sessions => "tokenpair_session",
            Self::Unverified => "tokenpair_unverified",
        }
    }

    /// Its rows in `django_migrations`.
    pub(super) fn history(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Auth => &AUTH_HISTORY,
            Self::TokenBlacklist => &BLACKLIST_HISTORY,
            Self::Rotation | Self::Sessions | Self::Unverified => &[],
        }
    }
}

/// Where a user table would have to be made that is not Django's own: why that cannot be.
pub(super) fn foreign_table_missing(pending: &[Migration], model: &UserModel) -> Option<String> {
    let is_missing = pending.contains(&Migration::Auth) && !model.is_auth_user();
    is_missing.then(|| {
        format!(
            "the user table {:?} does not exist: its own application has to create it",
            model.table
        )
    })
}
