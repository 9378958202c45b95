use super::Report;
use crate::commands::shadow::exchange::{Difference, Place, Request, Rule};
use crate::commands::shadow::tokens::Count;

const RULE: Rule = Rule {
    code: "S10",
    reason: "answers with tokens are never cached",
    section: "HTTP layer",
};

fn status(django: &str, tokenpair: &str) -> Difference {
    Difference {
        place: Place::Status,
        django: Some(django.to_owned()),
        tokenpair: Some(tokenpair.to_owned()),
    }
}

fn cache_control() -> Difference {
    Difference {
        place: Place::Header("cache-control".to_owned()),
        django: None,
        tokenpair: Some("no-store".to_owned()),
    }
}

fn report() -> Report {
    let mut report = Report::default();
    let request =
        |number: usize| Request::new(format!("a.har, entry {number}"), "POST", "/api/token/?x=1");
    for number in 1..=500 {
        report.add(&request(number), vec![(status("200", "401"), None)]);
    }
    report.add(&request(501), vec![(cache_control(), Some(RULE))]);
    report.add(
        &request(502),
        vec![(cache_control(), Some(RULE)), (status("200", "401"), None)],
    );
    report.add(&request(503), Vec::new());
    report.left_out.insert("its path is not tokenpair's", 28);
    report.tokens = Count {
        replaced: 1,
        renewed: 0,
        foreign: 2,
    };
    report.notes.push("look here".to_owned());
    report
}

#[test]
fn equal_differences_are_one_line_with_a_count_and_an_example() {
    assert_eq!(
        report().text(),
        "\
REQUEST           WHERE   DJANGO  TOKENPAIR  COUNT  FIRST IN
POST /api/token/  status  200     401        501    a.har, entry 1

DOCUMENTED  COUNT  WHAT                                  IN COMPATIBILITY.md
S10         2      answers with tokens are never cached  HTTP layer

Left out: 28 requests, as its path is not tokenpair's.
Tokens: in 1 request, each server was sent the tokens it gave out itself.
Tokens: in 2 requests, tokens that no recorded answer and no known key explains were sent as they are.
Note: look here.
503 requests compared: 1 alike, 1 with documented differences only, 501 with others.
"
    );
}

#[test]
fn a_script_gets_everything() {
    let json: serde_json::Value = serde_json::from_str(&report().json()).unwrap();
    let expected = serde_json::json!({
        "compared": 503, "alike": 1, "as_documented": 1, "otherwise": 501,
        "differences": [
            {"method": "POST", "path": "/api/token/", "where": "status", "name": null, "token": null, "django": "200",
             "tokenpair": "401", "documented": null, "count": 501, "example": "a.har, entry 1"},
            {"method": "POST", "path": "/api/token/", "where": "header", "name": "cache-control", "token": null,
             "django": null, "tokenpair": "no-store", "documented": "S10", "count": 2, "example": "a.har, entry 501"},
        ],
        "documented": [{"code": "S10", "section": "HTTP layer", "reason": "answers with tokens are never cached", "count": 2}],
        "left_out": [{"reason": "its path is not tokenpair's", "requests": 28}],
        "log_ins": {"played": 0, "succeeded": 0},
        "tokens": {"replaced": 1, "renewed": 0, "foreign": 2},
        "notes": ["look here"],
    });
    assert_eq!(json, expected);
}

#[test]
fn a_token_in_an_address_is_not_shown() {
    let mut report = Report::default();
    let path = "/activate/eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln/";
    report.add(
        &Request::new("it", "GET", path),
        vec![(status("200", "404"), None)],
    );
    assert!(report.text().contains("GET /activate/<token>/"));
    let request = Request::new("it", "GET", path);
    assert_eq!(format!("{request:?}"), "GET /activate/<token>/ (it)");
}

#[test]
fn long_values_are_cut_for_people_only() {
    let mut report = Report::default();
    let long = "x".repeat(100);
    report.add(
        &Request::new("it", "GET", "/"),
        vec![(status(&long, "404"), None)],
    );
    assert!(!report.text().contains(&long));
    assert!(report.json().contains(&long));
}

#[test]
fn long_values_are_shown_where_they_part() {
    let mut report = Report::default();
    let text = |end: &str| format!("{} web{end}", "x".repeat(100));
    let (django, tokenpair) = (text("\\ntoken"), text(" token"));
    report.add(
        &Request::new("it", "GET", "/"),
        vec![(status(&django, &tokenpair), None)],
    );
    let shown = report.text();
    assert!(
        shown.contains("…xxxxxxxxxxxx web\\ntoken  …xxxxxxxxxxxx web token"),
        "{shown}"
    );
}
