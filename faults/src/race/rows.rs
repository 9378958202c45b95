//! The rows that exchanges must have left: one for each exchange and not one more.

use crate::databases::Sql as _;
use crate::fleet::Fleet;
use crate::jwt::jti;
use crate::report::Report;
use std::collections::{BTreeMap, BTreeSet};

const EXCHANGES: &str = "SELECT parent_jti, successor_jti FROM tokenpair_rotation";
const RECORDED: &str = "SELECT jti FROM token_blacklist_outstandingtoken";
const BLACKLISTED: &str = "SELECT o.jti FROM token_blacklist_outstandingtoken o \
                           JOIN token_blacklist_blacklistedtoken b ON b.token_id = o.id";

/// The exchanges that were answered.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// The jti of each exchanged token and of its successor.
    successors: BTreeMap<String, String>,
}

impl Ledger {
    pub(super) fn exchanged(&mut self, parent: &str, successor: &str) {
        self.successors.insert(jti(parent), jti(successor));
    }

    /// Reads the rows, which nothing else may have made, and tells the report what is wrong with them.
    pub(super) async fn judge(
        &self,
        report: &mut Report,
        name: &str,
        fleet: &Fleet,
    ) -> anyhow::Result<()> {
        let pairs = fleet.database.query(EXCHANGES).await?;
        let pairs = pairs.into_iter().filter_map(|row| {
            let mut row = row.into_iter();
            Some((row.next()?, row.next()?))
        });
        let recorded = fleet.database.query(RECORDED).await?;
        let blacklisted = fleet.database.query(BLACKLISTED).await?;
        let flaw = self.flaw(
            &pairs.collect(),
            &recorded.into_iter().flatten().collect::<Vec<_>>(),
            &blacklisted.into_iter().flatten().collect(),
        );
        let holds = flaw.is_none();
        let found = flaw.unwrap_or_else(|| format!("{} exchanges", self.successors.len()));
        report.target(
            format!("{name}: one successor row for each exchange"),
            holds,
            found,
        );
        Ok(())
    }

    /// What is wrong with the rows: exchanges by parent, recorded tokens, blacklisted tokens.
    fn flaw(
        &self,
        exchanges: &BTreeMap<String, String>,
        recorded: &[String],
        blacklisted: &BTreeSet<String>,
    ) -> Option<String> {
        let parents: BTreeSet<&String> = self.successors.keys().collect();
        let tokens: BTreeSet<&String> = parents
            .iter()
            .copied()
            .chain(self.successors.values())
            .collect();
        if *exchanges != self.successors {
            Some("the rows of exchanges are not those that were answered".to_owned())
        } else if recorded.len() != tokens.len() {
            Some(format!(
                "{} tokens are on record, {} were answered",
                recorded.len(),
                tokens.len()
            ))
        } else if let Some(missing) = tokens.iter().find(|token| !recorded.contains(token)) {
            Some(format!("{missing} was answered and is not on record"))
        } else if blacklisted.iter().collect::<BTreeSet<_>>() != parents {
            Some("those that are blacklisted are not those that were exchanged".to_owned())
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flaw(exchanges: &[(&str, &str)], recorded: &[&str], blacklisted: &[&str]) -> Option<String> {
        let mut ledger = Ledger::default();
        let pair =
            |(parent, successor): &(&str, &str)| ((*parent).to_owned(), (*successor).to_owned());
        ledger.successors = [("a", "b")].iter().map(pair).collect();
        let texts = |list: &[&str]| {
            list.iter()
                .map(|text| (*text).to_owned())
                .collect::<Vec<_>>()
        };
        ledger.flaw(
            &exchanges.iter().map(pair).collect(),
            &texts(recorded),
            &texts(blacklisted).into_iter().collect(),
        )
    }

    #[test]
    fn rows_are_exactly_those_of_the_answers() {
        assert_eq!(flaw(&[("a", "b")], &["a", "b"], &["a"]), None);
    }

    #[test]
    fn anything_else_is_found() {
        assert!(flaw(&[("a", "c")], &["a", "b"], &["a"]).is_some());
        assert!(flaw(&[], &["a", "b"], &["a"]).is_some());
        assert!(flaw(&[("a", "b")], &["a", "b", "c"], &["a"]).is_some());
        assert!(flaw(&[("a", "b")], &["a", "a"], &["a"]).is_some());
        assert!(flaw(&[("a", "b")], &["a", "b"], &[]).is_some());
        assert!(flaw(&[("a", "b")], &["a", "b"], &["a", "b"]).is_some());
    }
}
