//! Whether rows and answers agree with what the clients had been told. Pure, so that tests prove that it can fail.

use super::journal::{Change, Fate};
use std::collections::{BTreeMap, BTreeSet};

/// The rows after all crashes, by jti.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    pub(super) recorded: BTreeSet<String>,
    pub(super) blacklisted: BTreeSet<String>,
    /// Parent and successor.
    pub(super) exchanges: BTreeMap<String, String>,
}

/// Whether the doors still let a token in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doors {
    pub(super) verify: bool,
    pub(super) refresh: bool,
}

/// How a promise was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// An acknowledged operation left no row.
    Lost(&'static str),
    /// A token that had been used up is good again.
    Revived,
    /// A token that was handed out is refused.
    Refused,
    /// A change was made in part.
    HalfDone(&'static str),
}

/// Judges the token with this jti.
pub(super) fn token(jti: &str, fate: &Fate, rows: &Rows, doors: Doors) -> Result<(), Broken> {
    if !rows.recorded.contains(jti) {
        return Err(Broken::Lost("the record of a token"));
    }
    let is_used_up = rows.blacklisted.contains(jti);
    let successor = rows.exchanges.get(jti);
    match fate {
        Fate::Exchanged(wanted) => {
            if successor != Some(wanted) {
                return Err(Broken::Lost("an exchange"));
            }
            used_up(is_used_up, doors)
        }
        Fate::LoggedOut => used_up(is_used_up, doors),
        Fate::Unknown(change) if is_used_up => {
            if (*change == Change::Exchange) != successor.is_some() {
                return Err(Broken::HalfDone("the exchange of a blacklisted token"));
            }
            used_up(is_used_up, doors)
        }
        Fate::Living | Fate::Unknown(_) => living(is_used_up, successor, doors),
    }
}

fn living(is_used_up: bool, successor: Option<&String>, doors: Doors) -> Result<(), Broken> {
    if is_used_up || !doors.verify || !doors.refresh {
        Err(Broken::Refused)
    } else if successor.is_some() {
        Err(Broken::HalfDone("an exchange without its blacklist row"))
    } else {
        Ok(())
    }
}

fn used_up(is_used_up: bool, doors: Doors) -> Result<(), Broken> {
    if !is_used_up {
        Err(Broken::Lost("a blacklist row"))
    } else if doors.verify || doors.refresh {
        Err(Broken::Revived)
    } else {
        Ok(())
    }
}

/// Judges all rows, also those nobody was told of.
pub(super) fn rows(rows: &Rows) -> Result<(), Broken> {
    for (parent, successor) in &rows.exchanges {
        if !rows.blacklisted.contains(parent) {
            return Err(Broken::HalfDone("an exchange without its blacklist row"));
        }
        if !rows.recorded.contains(successor) {
            return Err(Broken::HalfDone("an exchange without its successor"));
        }
    }
    if rows.blacklisted.is_subset(&rows.recorded) {
        Ok(())
    } else {
        Err(Broken::HalfDone("a blacklist row without its token"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Doors = Doors {
        verify: true,
        refresh: true,
    };
    const SHUT: Doors = Doors {
        verify: false,
        refresh: false,
    };

    /// "old" was exchanged for "new", "out" was logged out, "lone" has never been used.
    fn whole() -> Rows {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Rows {
            recorded: set(&["old", "new", "out", "lone"]),
            blacklisted: set(&["old", "out"]),
            exchanges: [("old".to_owned(), "new".to_owned())].into(),
        }
    }

    fn exchanged() -> Fate {
        Fate::Exchanged("new".to_owned())
    }

    #[test]
    fn kept_promises_are_found_kept() {
        let kept = whole();
        assert_eq!(rows(&kept), Ok(()));
        assert_eq!(token("old", &exchanged(), &kept, SHUT), Ok(()));
        assert_eq!(token("new", &Fate::Living, &kept, OPEN), Ok(()));
        assert_eq!(token("out", &Fate::LoggedOut, &kept, SHUT), Ok(()));
    }

    #[test]
    fn what_is_unknown_may_be_either_as_long_as_it_is_whole() {
        let (exchange, log_out) = (Change::Exchange, Change::LogOut);
        let judged = |jti, change, doors| token(jti, &Fate::Unknown(change), &whole(), doors);
        assert_eq!(judged("old", exchange, SHUT), Ok(()));
        assert_eq!(judged("lone", exchange, OPEN), Ok(()));
        assert_eq!(judged("out", log_out, SHUT), Ok(()));
        assert_eq!(judged("lone", log_out, OPEN), Ok(()));
        assert_eq!(judged("old", exchange, OPEN), Err(Broken::Revived));
        assert_eq!(judged("lone", exchange, SHUT), Err(Broken::Refused));
        assert!(matches!(
            judged("out", exchange, SHUT),
            Err(Broken::HalfDone(_))
        ));
        assert!(matches!(
            judged("old", log_out, SHUT),
            Err(Broken::HalfDone(_))
        ));
    }

    #[test]
    fn a_lost_row_is_found() {
        let is_lost = |jti: &str, fate: &Fate, rows: &Rows, doors| {
            matches!(token(jti, fate, rows, doors), Err(Broken::Lost(_)))
        };
        let mut lost = whole();
        lost.recorded.remove("new");
        assert!(is_lost("new", &Fate::Living, &lost, OPEN));
        assert!(rows(&lost).is_err());

        let mut lost = whole();
        lost.blacklisted.clear();
        assert!(is_lost("old", &exchanged(), &lost, OPEN));
        assert!(is_lost("out", &Fate::LoggedOut, &lost, OPEN));
        assert!(rows(&lost).is_err());

        let mut lost = whole();
        lost.exchanges.clear();
        assert!(is_lost("old", &exchanged(), &lost, SHUT));
    }

    #[test]
    fn a_revived_token_is_found() {
        for doors in [
            OPEN,
            Doors {
                verify: true,
                ..SHUT
            },
            Doors {
                refresh: true,
                ..SHUT
            },
        ] {
            let revived = token("out", &Fate::LoggedOut, &whole(), doors);
            assert_eq!(revived, Err(Broken::Revived));
            let revived = token("old", &exchanged(), &whole(), doors);
            assert_eq!(revived, Err(Broken::Revived));
        }
    }

    #[test]
    fn a_refused_successor_is_found() {
        assert_eq!(
            token("new", &Fate::Living, &whole(), SHUT),
            Err(Broken::Refused)
        );
        let mut rows = whole();
        rows.blacklisted.insert("new".to_owned());
        assert_eq!(
            token("new", &Fate::Living, &rows, OPEN),
            Err(Broken::Refused)
        );
    }

    #[test]
    fn half_an_exchange_is_found_also_if_nobody_was_told() {
        let mut half = whole();
        half.exchanges.insert("lone".to_owned(), "new".to_owned());
        assert!(rows(&half).is_err());
        let unknown = Fate::Unknown(Change::Exchange);
        assert!(matches!(
            token("lone", &unknown, &half, OPEN),
            Err(Broken::HalfDone(_))
        ));

        let mut half = whole();
        half.blacklisted.insert("nobody's".to_owned());
        assert!(rows(&half).is_err());
    }
}
