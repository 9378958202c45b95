//! `tokenpair openapi`: the document that `/api/schema/` serves, without a server.

use crate::Options;
use crate::app::Users;
use crate::config::Config;
use crate::files;
use crate::output::{self, Failure};
use tokenpair::json::{self, Value};

/// Prints the document of what this configuration would serve. Neither its database nor its key is touched.
pub(crate) async fn run(options: &Options) -> Result<(), Failure> {
    let config = Config::load(options, None)?;
    let place = files::temporary_folder()?;
    let database = config.database.in_file(&place.path().join("none.sqlite3"));
    let store = database.open().await?;
    let jwt = super::engine(&config, &store)?;
    let users = Users::new(
        config.accounts.email_verification,
        config.email.is_some(),
        store.user_model(),
    );
    let document = Value::Object(crate::openapi::document(&jwt, &config.paths, users));
    let text = if options.json {
        json::encode_utf8(&document)
    } else {
        json::encode_utf8_indented(&document, 2)
    };
    output::print(&(text + "\n")).map(drop)
}
