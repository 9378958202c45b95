//! The life of a token: log in, use it, refresh, refresh again with the old and the new one, verify, log out, try again.

use super::plan::Plan;
use crate::config::Endpoint::{
    TokenBlacklist, TokenObtainPair, TokenObtainSliding, TokenRefresh, TokenRefreshSliding,
    TokenVerify,
};
use tokenpair::json::Value;

pub(super) fn add(plan: &mut Plan<'_>) {
    for login in plan.logins.iter().filter(|login| login.is_active) {
        let credentials = plan.credentials(&login.username, &login.password);
        pair(plan, &credentials);
        sliding(plan, &credentials);
    }
}

fn pair(plan: &mut Plan<'_>, credentials: &[(&str, Value)]) {
    let (access, refresh) = (plan.stand_in("access"), plan.stand_in("refresh"));
    let answer = [("refresh", refresh.as_str()), ("access", access.as_str())];
    plan.post_and_learn("log in", TokenObtainPair, credentials, &answer);
    plan.present("use the access token", &access);
    plan.present("use the refresh token as access token", &refresh);
    verify(plan, "the access token", &access);
    verify(plan, "the refresh token", &refresh);
    let (second_access, second) = renew(plan, "refresh", &refresh);
    plan.present("use the new access token", &second_access);
    exchange(plan, "refresh with the old token again", &refresh);
    let (_, third) = renew(plan, "refresh with the new token", &second);
    verify(plan, "the exchanged token", &refresh);
    verify(plan, "the token in use", &third);
    exchange(plan, "refresh with an access token", &access);
    log_out(plan, "log out with an access token", &access);
    log_out(plan, "log out", &third);
    log_out(plan, "log out again", &third);
    exchange(plan, "refresh after the log-out", &third);
    verify(plan, "the token after the log-out", &third);
    plan.present("use the access token after the log-out", &second_access);
}

/// A refresh, and what stands for its access token and for the refresh token to go on with.
fn renew(plan: &mut Plan<'_>, about: &str, refresh: &str) -> (String, String) {
    let access = plan.stand_in("access");
    let next = if plan.settings.rotate_refresh_tokens {
        plan.stand_in("refresh")
    } else {
        refresh.to_owned()
    };
    let mut answer = vec![("access", access.as_str())];
    if next != refresh {
        answer.push(("refresh", &next));
    }
    let body = [("refresh", Value::from(refresh))];
    plan.post_and_learn(about, TokenRefresh, &body, &answer);
    (access, next)
}

fn exchange(plan: &mut Plan<'_>, about: &str, refresh: &str) {
    plan.post(about, TokenRefresh, &[("refresh", Value::from(refresh))]);
}

fn verify(plan: &mut Plan<'_>, about: &str, token: &str) {
    let about = format!("verify {about}");
    plan.post(&about, TokenVerify, &[("token", Value::from(token))]);
}

fn log_out(plan: &mut Plan<'_>, about: &str, refresh: &str) {
    plan.post(about, TokenBlacklist, &[("refresh", Value::from(refresh))]);
}

fn sliding(plan: &mut Plan<'_>, credentials: &[(&str, Value)]) {
    let (first, second) = (plan.stand_in("sliding"), plan.stand_in("sliding"));
    plan.post_and_learn(
        "log in for a sliding token",
        TokenObtainSliding,
        credentials,
        &[("token", &first)],
    );
    plan.present("use the sliding token", &first);
    verify(plan, "the sliding token", &first);
    let body = [("token", Value::from(first.as_str()))];
    plan.post_and_learn(
        "prolong the sliding token",
        TokenRefreshSliding,
        &body,
        &[("token", &second)],
    );
    plan.post("prolong the old sliding token", TokenRefreshSliding, &body);
    plan.present("use the prolonged sliding token", &second);
    exchange(plan, "refresh with a sliding token", &second);
    log_out(plan, "log out with a sliding token", &second);
}
