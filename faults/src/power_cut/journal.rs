//! What was acknowledged, when its first byte went out, and whether a database has it.

use super::events::{Action, Event};
use super::trace::Moment;
use anyhow::{Context as _, ensure};
use rusqlite::Connection;
use std::collections::{HashMap, HashSet};

/// What somebody was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    /// A token was issued.
    Issued {
        jti: String,
    },
    Exchanged {
        parent: String,
        successor: String,
    },
    Revoked {
        jti: String,
    },
    Created {
        username: String,
    },
}

/// A fact and a text that stands in its acknowledgement and in no other.
#[derive(Clone, Debug)]
pub(crate) struct Acknowledged {
    pub(crate) mark: String,
    pub(crate) fact: Fact,
}

/// A fact and the moment at which its acknowledgement began to go out.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) at: Moment,
    pub(crate) fact: Fact,
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\n";
const ID: &str = "x-request-id: ";

/// What marks the acknowledgement of a command.
pub(crate) fn created(username: &str) -> String {
    format!("User {username:?} created")
}

/// Finds the acknowledgements in the trace, in their order there.
pub(crate) fn find(events: &[Event], journal: &[Acknowledged]) -> anyhow::Result<Vec<Told>> {
    let said = events.iter().filter_map(|event| match &event.action {
        Action::Say(bytes) => Some((mark(bytes)?, event.began)),
        _ => None,
    });
    let said: HashMap<String, Moment> = said.collect();
    let told = journal.iter().map(|acknowledged| {
        let at = said.get(&acknowledged.mark).copied();
        let at = at.with_context(|| format!("no answer with {:?} in the trace", acknowledged.mark));
        Ok(Told {
            at: at?,
            fact: acknowledged.fact.clone(),
        })
    });
    let mut told = told.collect::<anyhow::Result<Vec<Told>>>()?;
    told.sort_by_key(|told| told.at);
    ensure!(!told.is_empty(), "nothing was acknowledged");
    Ok(told)
}

/// The request id of an answer that begins here, or the words of a command.
fn mark(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    if bytes.starts_with(OK) {
        let (_, id) = text.split_once(ID)?;
        return Some(id.split('\r').next()?.to_owned());
    }
    let (words, _) = text.split_once(" with id ")?;
    Some(words.to_owned())
}

/// What a database holds.
#[derive(Debug)]
pub(crate) struct Rows {
    issued: HashSet<String>,
    revoked: HashSet<String>,
    exchanged: HashSet<(String, String)>,
    users: HashSet<String>,
}

impl Rows {
    pub(crate) fn read(db: &Connection) -> rusqlite::Result<Self> {
        let texts = |sql: &str| -> rusqlite::Result<HashSet<String>> {
            db.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
        };
        let mut exchanges =
            db.prepare("SELECT parent_jti, successor_jti FROM tokenpair_rotation")?;
        let exchanges = exchanges.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Self {
            issued: texts("SELECT jti FROM token_blacklist_outstandingtoken")?,
            revoked: texts(
                "SELECT jti FROM token_blacklist_outstandingtoken o
                 JOIN token_blacklist_blacklistedtoken b ON b.token_id = o.id",
            )?,
            exchanged: exchanges.collect::<rusqlite::Result<_>>()?,
            users: texts("SELECT username FROM auth_user")?,
        })
    }

    /// Whether what was told is there, with all that belongs to it.
    pub(crate) fn has(&self, fact: &Fact) -> bool {
        match fact {
            Fact::Issued { jti } => self.issued.contains(jti),
            Fact::Exchanged { parent, successor } => {
                let exchange = (parent.clone(), successor.clone());
                self.exchanged.contains(&exchange) && self.is_whole(&exchange)
            }
            Fact::Revoked { jti } => self.revoked.contains(jti),
            Fact::Created { username } => self.users.contains(username),
        }
    }

    /// Exchanges that were done in part, whether told or not.
    pub(crate) fn halves(&self) -> usize {
        let exchanges = self.exchanged.iter();
        exchanges
            .filter(|exchange| !self.is_whole(exchange))
            .count()
    }

    fn is_whole(&self, (parent, successor): &(String, String)) -> bool {
        self.revoked.contains(parent) && self.issued.contains(successor)
    }
}

#[cfg(test)]
mod tests {
    use super::super::events::tests::events;
    use super::*;

    fn acknowledged(mark: &str) -> Acknowledged {
        Acknowledged {
            mark: mark.to_owned(),
            fact: Fact::Revoked {
                jti: "a".to_owned(),
            },
        }
    }

    #[test]
    fn an_acknowledgement_begins_where_its_first_byte_goes_out() {
        let events = events(
            "1  1.000001 write(1<pipe:[1]>, \"User \\\"bob\\\" created with id 2.\\n\", 30 <unfinished ...>\n\
             2  1.000002 writev(17<TCP:[1->2]>, [{iov_base=\"HTTP/1.1 200 OK\\r\\nx-request-id: abc\\r\\n\\r\\n\", iov_len=9}], 1) = 9\n\
             2  1.000003 writev(17<TCP:[1->2]>, [{iov_base=\"HTTP/1.1 401 Unauthorized\\r\\nx-request-id: no\\r\\n\\r\\n\", iov_len=9}], 1) = 9\n\
             1  1.000004 <... write resumed>) = 30\n",
        )
        .unwrap();
        let journal = [acknowledged("abc"), acknowledged(&created("bob"))];
        let told = find(&events, &journal).unwrap();
        let lines: Vec<usize> = told.iter().map(|told| told.at.line).collect();
        assert_eq!(lines, [0, 1]);
        find(&events, &[acknowledged("no")]).unwrap_err();
        find(&events, &[]).unwrap_err();
    }
}
