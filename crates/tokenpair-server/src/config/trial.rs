//! Whether a text would do as a configuration, before anybody writes it to a file.

use super::document::Document;
use super::{Config, Flags, SIMPLE_JWT, Sources};
use std::path::Path;
use tokenpair::{MemoryStore, SettingsError, SimpleJwt};

/// Why a text is no configuration.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) section: &'static str,
    pub(crate) name: String,
    pub(crate) message: String,
}

/// Whether a server would accept a text as its configuration file, whatever the environment says.
pub(crate) fn try_text(text: &str) -> Result<(), Refusal> {
    let refuse = |section, error: SettingsError| Refusal {
        section,
        name: error.name,
        message: error.message,
    };
    let document = Document::parse(Path::new("tokenpair.toml"), text.to_owned());
    let document = document.map_err(|failure| Refusal {
        section: "",
        name: String::new(),
        message: failure.to_string(),
    })?;
    let sources = Sources {
        document: Some(&document),
        options: None,
        has_environment: false,
        flags: &Flags::NONE,
    };
    let config = Config::gather(&sources).map_err(|(section, error)| refuse(section, error))?;
    if config.key_file.is_none() {
        let mut settings = config.settings;
        // The database's store takes its key column from here; this one has Django's own table.
        "id".clone_into(&mut settings.user_id_field);
        let builder = SimpleJwt::builder(settings);
        let builder = if config.token_blacklist {
            builder.store(MemoryStore::default())
        } else {
            builder.user_table(MemoryStore::default())
        };
        builder.build().map_err(|error| refuse(SIMPLE_JWT, error))?;
    }
    Ok(())
}
