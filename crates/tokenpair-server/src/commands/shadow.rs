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
mod jose;
mod play;
mod proof;
mod recording;
mod report;
mod tokens;

pub(crate) use arguments::Shadow;

use super::interrupt::Interrupt;
use crate::Options;
use crate::config::Config;
use crate::output::{self, Failure};
use exchange::Login;
use recording::{Recording, Selection};
use report::Report;
use reqwest::Url;

/// Both servers, answering, and what they are configured to do.
pub(crate) struct Sites {
    pub(crate) django: Url,
    pub(crate) tokenpair: Url,
    /// The signing key is in `settings` only if `has_key`.
    pub(crate) config: Config,
    pub(crate) has_key: bool,
    /// What Django speaks unless it is asked for something else, where that is known.
    pub(crate) language: Option<String>,
    /// Whom the generated requests log in.
    pub(crate) logins: Vec<Login>,
    /// What was started for this run and ends with it.
    #[expect(dead_code, reason = "it is there to be dropped")]
    pub(crate) started: Option<copies::Started>,
}

impl Shadow {
    /// A signal ends it in order: what was started and copied is gone before the process is.
    pub(crate) async fn run(self, options: &Options) -> Result<(), Failure> {
        let mut interrupt = Interrupt::listen()?;
        let report = tokio::select! {
            report = self.report(options) => report?,
            () = interrupt.wait() => return Err(Failure::new("operation cancelled")),
        };
        tell(options, &report)
    }

    async fn report(&self, options: &Options) -> Result<Report, Failure> {
        let mut recording = Recording::read(&self.recordings)?;
        let sites = self.sites(options).await?;
        recording.select(&self.selection(&sites.config));
        if self.generates() {
            let generated = generate::requests(&sites, self)?;
            recording.requests.extend(generated);
        }
        let mut report =
            play::play(&sites, &recording.requests, &self.header, &self.guarded).await?;
        report.left_out = recording.left_out;
        report.notes.splice(0..0, recording.notes);
        Ok(report)
    }

    async fn sites(&self, options: &Options) -> Result<Sites, Failure> {
        let (Some(django), Some(tokenpair)) = (&self.django, &self.tokenpair) else {
            return copies::start(self, options).await;
        };
        if django == tokenpair {
            return Err(Failure::new(
                "--django and --tokenpair name the same server, which is alike to itself",
            ));
        }
        let mut config = Config::load(options, None)?;
        let has_key = config.use_existing_key_file()?;
        Ok(Sites {
            django: django.clone(),
            tokenpair: tokenpair.clone(),
            config,
            has_key,
            logins: self.logins().await?,
            language: None,
            started: None,
        })
    }

    fn selection(&self, config: &Config) -> Selection {
        Selection {
            paths: config
                .paths
                .iter()
                .map(|(_, path)| path.to_owned())
                .collect(),
            prefixes: self.path_prefix.clone(),
        }
    }
}

fn tell(options: &Options, report: &Report) -> Result<(), Failure> {
    let text = if options.json {
        report.json()
    } else {
        report.text()
    };
    output::print(&text)?;
    match (report.compared, report.unexplained()) {
        (0, _) => Err(Failure::new(
            "nothing was compared: no request is for a path that tokenpair serves; --path-prefix plays others",
        )),
        (_, 0) => report
            .proof
            .gap()
            .map_or(Ok(()), |gap| Err(Failure::new(gap))),
        (_, 1) => Err(Failure::new(
            "one request is answered otherwise than COMPATIBILITY.md says",
        )),
        (_, count) => Err(Failure::new(format!(
            "{count} requests are answered otherwise than COMPATIBILITY.md says"
        ))),
    }
}
