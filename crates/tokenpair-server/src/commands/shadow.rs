//! `tokenpair shadow`: whether tokenpair answers as a live Django does.
//!
//! The same requests, recorded ([`recording`]) or generated ([`generate`]), are played to both ([`play`]), each on its own
//! copy of one database; each is sent the tokens that it gave itself ([`tokens`]). What differs ([`compare`]) and is not
//! in COMPATIBILITY.md ([`documented`]) is reported.

mod arguments;
mod compare;
mod copies;
mod documented;
mod exchange;
mod generate;
mod http;
mod play;
mod recording;
mod report;
mod tokens;

pub(crate) use arguments::Shadow;

use crate::Options;
use crate::config::Config;
use crate::output::Failure;
use exchange::Login;
use reqwest::Url;

/// Both servers, answering, and what they are configured to do.
pub(crate) struct Sites {
    pub(crate) django: Url,
    pub(crate) tokenpair: Url,
    /// The signing key is in `settings` only if `has_key`.
    pub(crate) config: Config,
    pub(crate) has_key: bool,
    /// Whom the generated requests log in.
    pub(crate) logins: Vec<Login>,
    /// What was started for this run and ends with it.
    pub(crate) started: Option<copies::Started>,
}

impl Shadow {
    pub(crate) async fn run(self, options: &Options) -> Result<(), Failure> {
        let sites = self.sites(options).await?;
        let mut requests = Vec::new();
        if self.generates() {
            requests.extend(generate::requests(&sites, &self)?);
        }
        let _ = requests;
        Ok(())
    }

    async fn sites(&self, options: &Options) -> Result<Sites, Failure> {
        let (Some(django), Some(tokenpair)) = (&self.django, &self.tokenpair) else {
            return copies::start(self, options).await;
        };
        let mut config = Config::load(options, None)?;
        let has_key = config.file().is_some() && config.use_existing_key_file()?;
        Ok(Sites {
            django: django.clone(),
            tokenpair: tokenpair.clone(),
            config,
            has_key,
            logins: self.logins().await?,
            started: None,
        })
    }
}
