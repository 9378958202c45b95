//! The differences of COMPATIBILITY.md, as rules over what both servers answered.
//!
//! A rule explains one difference in one place, or an exchange in which tokenpair decides otherwise, with all that follows
//! from the decision. It has to be as narrow as the row of COMPATIBILITY.md: what it explains is not reported as a fault.

mod exchanges;
mod places;
mod strict;
#[cfg(test)]
mod tests;

use super::exchange::{Difference, Exchange, Place, Rule};
pub(super) use places::endpoint;

/// A row: what COMPATIBILITY.md says, under which heading, and when it applies.
struct Documented {
    code: &'static str,
    /// The heading in COMPATIBILITY.md.
    section: &'static str,
    reason: &'static str,
    applies: Applies,
}

enum Applies {
    /// To one difference.
    There(fn(&Exchange<'_>, &Difference) -> bool),
    /// To a decision, and so to status and body together.
    Altogether(fn(&Exchange<'_>) -> bool),
}

use Applies::{Altogether, There};

#[rustfmt::skip]
const TABLE: &[Documented] = &[
    row("S10", "HTTP layer", "answers of the token endpoints say Cache-Control: no-store", There(places::no_store)),
    row("headers", "HTTP layer", "headers of Django's SecurityMiddleware and XFrameOptionsMiddleware are left to the proxy, such as nginx's add_header", There(places::middleware)),
    row("sid", "Ours", "tokens say which session they belong to, with SESSIONS", There(places::session)),
    row("language", "Maintenance and what is not there yet", "texts are in English, and no Content-Language is sent", There(places::language)),
    row("prose", "HTTP layer", "name and description in an answer to OPTIONS are not those of a view of your own", There(places::prose)),
    row("pages", "HTTP layer", "browsers get a page, also where Django has pages of its own", There(places::page)),
    row("pages", "HTTP layer", "pages have a policy for what they load, and a cookie for their forms", There(places::around_page)),
    row("pages", "HTTP layer", "browsers get a page, also where the project has switched the browsable API off", Altogether(exchanges::page_without_renderer)),
    row("pages", "HTTP layer", "pages are offered, also where the project has switched the browsable API off", There(places::renders)),
    row("pages", "HTTP layer", "answers vary with Accept, also where the project has switched the browsable API off", There(places::vary)),
    row("python", "HTTP layer", "what is wrong with JSON is said as CPython 3.11 says it", There(places::json_error)),
    row("D4", "Endpoints", "verify asks the blacklist wherever there is one", Altogether(exchanges::blacklisted_at_verify)),
    row("D4", "Endpoints", "a sliding refresh looks the user up, and each refresh compares the revoke claim", Altogether(exchanges::user_at_refresh)),
    row("D4", "Endpoints", "a token that makes Simple JWT fail is refused", Altogether(exchanges::crash_over_token)),
    row("D4", "HTTP layer", "a Content-Type that makes Django fail is not supported", Altogether(exchanges::crash_over_media_type)),
    row("D4", "Claims", "an iat may lie 5 seconds in the future, as clocks differ", Altogether(exchanges::future_issue)),
    row("D5", "Endpoints", "a password is compared as received first, then without its outer white space", Altogether(exchanges::untrimmed_password)),
    row("T12", "Claims", "a user claim that is no UUID is nobody's", Altogether(exchanges::no_uuid)),
    row("T1", "Form of a token", "a token has 128 KiB at most", Altogether(exchanges::too_long)),
    row("T2", "Form of a token", "base64url in a token has no padding", Altogether(exchanges::padded)),
    row("T4", "Form of a token", "crit, b64, zip and enc, and a kid of more than 256 bytes, are refused", Altogether(exchanges::header_member)),
    row("T5", "Form of a token", "a typ is a text", Altogether(exchanges::typ)),
    row("T7", "Form of a token", "no name stands twice in a token, and no byte order mark before it", Altogether(exchanges::loose_json)),
    row("T8", "Claims", "exp is a number, above 0 and not after the year 9999", Altogether(exchanges::exp)),
    row("T10", "Claims", "an id that a blacklist cannot hold is no id", Altogether(exchanges::id)),
    row("H1", "HTTP layer", "a body that is too large is 413 in JSON", Altogether(exchanges::large_body)),
    row("H1", "HTTP layer", "JSON has 128 levels at most", Altogether(exchanges::deep_body)),
    row("charset", "HTTP layer", "charsets other than UTF, ASCII, ISO-8859-1 and Windows-1252 are unknown", Altogether(exchanges::rare_charset)),
    row("503", "Endpoints", "an outage is 503 with Retry-After", Altogether(exchanges::outage)),
];

const fn row(
    code: &'static str,
    section: &'static str,
    reason: &'static str,
    applies: Applies,
) -> Documented {
    Documented {
        code,
        section,
        reason,
        applies,
    }
}

/// Why this difference is meant to be; `None`: nobody knows of it.
pub(crate) fn rule(exchange: &Exchange<'_>, difference: &Difference) -> Option<Rule> {
    let applies = |row: &&Documented| match row.applies {
        There(explains) => explains(exchange, difference),
        Altogether(explains) => follows_from_decision(&difference.place) && explains(exchange),
    };
    TABLE.iter().find(applies).map(|row| Rule {
        code: row.code,
        reason: row.reason,
        section: row.section,
    })
}

/// What to do about a difference that nobody has documented, where that can be told.
pub(crate) fn hint(difference: &Difference) -> Option<&'static str> {
    match &difference.place {
        Place::Header(_) if difference.tokenpair.is_none() => Some(
            "a header that only Django sends is mostly its middleware's: a proxy can send it for tokenpair, such as nginx's add_header",
        ),
        Place::Status if difference.django.as_deref() == Some("500") => {
            Some("where Django answers 500, --django-log FILE keeps what it says about it")
        }
        Place::Status if difference.django.as_deref() == Some("429") => Some(
            "what Django throttled is not compared any further: let its settings throttle nothing meanwhile; tokenpair has no throttling, a proxy can limit requests, such as nginx's limit_req",
        ),
        _ => None,
    }
}

/// Whether a place has to differ where the two servers decided differently.
fn follows_from_decision(place: &Place) -> bool {
    const HEADERS: [&str; 6] = [
        "allow",
        "content-length",
        "content-type",
        "retry-after",
        "vary",
        "www-authenticate",
    ];
    match place {
        Place::Header(name) => HEADERS.contains(&name.as_str()),
        _ => true,
    }
}
