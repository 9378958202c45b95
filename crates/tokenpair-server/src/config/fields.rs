//! `[claims]` and `[answer]`: what tokens and answers say of a user, by column.

use super::section::Section;
use super::shown::Shown;
use crate::claims::ClaimMap;
use tokenpair::json::Object;
use tokenpair::store::UserModel;
use tokenpair::{Settings, SettingsError};

/// The claims of new tokens.
pub(super) fn claims(
    section: &Section,
    settings: &Settings,
    model: &UserModel,
) -> Result<ClaimMap, SettingsError> {
    ClaimMap::claims(&table(section), settings, model).map_err(|error| placed(section, error))
}

/// The further fields of a log-in's answer.
pub(super) fn answer(section: &Section, model: &UserModel) -> Result<ClaimMap, SettingsError> {
    ClaimMap::answer(&table(section), model).map_err(|error| placed(section, error))
}

pub(super) fn shown(name: &'static str, section: &Section) -> Vec<Shown> {
    let entries = section.entries().iter();
    entries
        .map(|entry| Shown::new(name, &entry.name, entry.value.clone(), section))
        .collect()
}

fn table(section: &Section) -> Object {
    let entries = section.entries().iter();
    entries
        .map(|entry| (entry.name.clone(), entry.value.clone()))
        .collect()
}

/// The error of `claims.user.id` is one of the setting `user`.
fn placed(section: &Section, error: SettingsError) -> SettingsError {
    let mut path = error.name.split('.').skip(1);
    let name = path.next().unwrap_or_default();
    let inner: Vec<&str> = path.collect();
    let message = if inner.is_empty() {
        error.message
    } else {
        format!("{}: {}", inner.join("."), error.message)
    };
    SettingsError::new(name, Some(section.source(name).to_owned()), message)
}
