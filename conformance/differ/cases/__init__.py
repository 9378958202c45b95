"""Generators of cases: each takes a View of a profile and yields cases in the recorded format, without expectations."""

from . import algorithms, flows, languages, logins, parsing, requests, tokens, users

EVERYWHERE = (tokens.cases, users.cases, flows.cases, algorithms.cases, requests.authorizations, languages.cases)
# What a setting cannot change is tried under few profiles; a log-in is slow, too.
ABOUT_HTTP = (requests.cases, parsing.cases)
HTTP_PROFILES = {"default", "customer-email-id", "rotate-blacklist"}
LOGIN_PROFILES = {
    "default", "customer", "last-login", "revoke", "inactive-allowed", "user-id-username", "blacklist", "everything",
}  # fmt: skip


def systematic(view):
    """Every systematic case of a profile; ids are unique within it."""
    generators = [*EVERYWHERE]
    if view.name in HTTP_PROFILES:
        generators += ABOUT_HTTP
    if view.name in LOGIN_PROFILES:
        generators.append(logins.cases)
    return [case for generate in generators for case in generate(view)]
