//! The table of answers: what each endpoint needs of the database, and what may be answered while it is ill.

use super::load::Role;
use std::fmt;

/// What is asked all the time, so many of fifty requests each.
pub(super) const MIX: [(Endpoint, usize); 11] = [
    (Endpoint::VerifySignature, 3),
    (Endpoint::Verify, 4),
    (Endpoint::Me, 4),
    (Endpoint::Obtain, 4),
    (Endpoint::RefreshWithGrace, 10),
    (Endpoint::RefreshStrict, 10),
    (Endpoint::RefreshWithoutRotation, 3),
    (Endpoint::RefreshSliding, 3),
    (Endpoint::Blacklist, 4),
    (Endpoint::Livez, 2),
    (Endpoint::Readyz, 3),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Endpoint {
    VerifySignature,
    Verify,
    Me,
    Obtain,
    RefreshWithGrace,
    RefreshStrict,
    RefreshWithoutRotation,
    RefreshSliding,
    Blacklist,
    Livez,
    Readyz,
}

/// What an endpoint needs of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Nothing,
    Answers,
    Changes,
    /// It tells whether the node should be sent requests.
    Both,
}

impl Endpoint {
    /// The server that is asked.
    pub(super) fn role(self) -> Role {
        match self {
            Self::VerifySignature => Role::WithoutBlacklist,
            Self::RefreshStrict => Role::Strict,
            Self::RefreshWithoutRotation | Self::RefreshSliding => Role::WithoutRotation,
            _ => Role::Grace,
        }
    }

    pub(super) fn changes(self) -> bool {
        self.need() == Need::Changes
    }

    fn need(self) -> Need {
        match self {
            Self::VerifySignature | Self::Livez => Need::Nothing,
            Self::Verify | Self::Me | Self::RefreshWithoutRotation | Self::RefreshSliding => {
                Need::Answers
            }
            Self::Obtain | Self::RefreshWithGrace | Self::RefreshStrict | Self::Blacklist => {
                Need::Changes
            }
            Self::Readyz => Need::Both,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::VerifySignature => "verify, signature only",
            Self::Verify => "verify with blacklist",
            Self::Me => "Bearer with user look-up",
            Self::Obtain => "obtain",
            Self::RefreshWithGrace => "refresh with rotation and grace",
            Self::RefreshStrict => "refresh with rotation",
            Self::RefreshWithoutRotation => "refresh without rotation",
            Self::RefreshSliding => "refresh of a sliding token",
            Self::Blacklist => "blacklist",
            Self::Livez => "livez",
            Self::Readyz => "readyz",
        })
    }
}

/// What a database that is ill cannot do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failing {
    Everything,
    /// It says nothing, not even that.
    ToSpeak,
    /// It answers questions and makes no change.
    Changes,
    /// As [`Self::Changes`], unless one finds room that another has left.
    MostChanges,
    /// As [`Self::Changes`]; whether it is over is seen by trying, which takes long.
    ChangesSlowly,
    /// Neither tables can be read nor written, while the server is well.
    Tables,
    /// Some changes.
    SomeChanges,
    /// It is late with everything.
    Pace,
}

pub(super) const GOOD: &[u16] = &[200];
const UNAVAILABLE: &[u16] = &[503];
pub(super) const EITHER: &[u16] = &[200, 503];

impl Failing {
    /// The statuses with which an endpoint may answer.
    pub(super) fn allows(self, endpoint: Endpoint) -> &'static [u16] {
        match (endpoint.need(), self) {
            (Need::Nothing, _)
            | (Need::Answers, Self::Changes | Self::MostChanges | Self::ChangesSlowly)
            | (Need::Answers | Need::Both, Self::SomeChanges)
            | (Need::Both, Self::Pace) => GOOD,
            (Need::Answers, Self::Pace)
            | (Need::Changes, Self::Pace | Self::MostChanges | Self::SomeChanges)
            | (Need::Both, Self::MostChanges | Self::ChangesSlowly | Self::Tables) => EITHER,
            (_, Self::Everything | Self::ToSpeak | Self::Tables)
            | (Need::Changes, Self::Changes | Self::ChangesSlowly)
            | (Need::Both, Self::Changes) => UNAVAILABLE,
        }
    }
}
