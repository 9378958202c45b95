//! Paths as Django has them: with a final slash, redirected to it, percent-decoded before matching.

use super::respond;
use super::view::View;
use crate::SimpleJwt;
use axum::Router;
use axum::extract::{FromRef, OriginalUri, Request};
use axum::response::Response;
use axum::routing::any;
use http::Uri;
use http::uri::PathAndQuery;
use std::borrow::Cow;
use std::task::{Context, Poll};
use tower::Service;

/// Routes with Django's final slash.
pub trait DjangoUrls<S> {
    /// Serves `view` at `path`. If the path ends in a slash, the same path without it is redirected there, with
    /// any method (`APPEND_SLASH`): 301, the query kept, a body lost.
    fn url(self, path: &str, view: View<S>) -> Self;
}

impl<S> DjangoUrls<S> for Router<S>
where
    S: Clone + Send + Sync + 'static,
    SimpleJwt: FromRef<S>,
{
    fn url(self, path: &str, view: View<S>) -> Self {
        let router = self.route(path, any(view));
        match path.strip_suffix('/') {
            Some(bare) if !bare.is_empty() => router.route(bare, any(append_slash)),
            _ => router,
        }
    }
}

async fn append_slash(OriginalUri(uri): OriginalUri) -> Response {
    let query = uri
        .query()
        .filter(|query| !query.is_empty())
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let path = of_this_host(uri.path());
    respond::moved_permanently(&format!("{path}/{query}"))
}

/// A browser takes what follows `//` or `/\` for another host: Django's `escape_leading_slashes`.
pub(super) fn of_this_host(path: &str) -> Cow<'_, str> {
    for (host, escaped) in [("//", "/%2F"), ("/\\", "/%5C")] {
        if let Some(rest) = path.strip_prefix(host) {
            return format!("{escaped}{rest}").into();
        }
    }
    path.into()
}

/// Decodes percent-encoded paths before they are routed, `%2F` included, as Django does.
///
/// Wrap the whole router: `DecodedPath::new(router)`. Characters that may not stand in a path stay encoded.
#[derive(Clone, Debug)]
pub struct DecodedPath<T>(T);

impl<T> DecodedPath<T> {
    /// Wraps a service.
    pub fn new(inner: T) -> Self {
        Self(inner)
    }
}

impl<T: Service<Request>> Service<Request> for DecodedPath<T> {
    type Response = T::Response;
    type Error = T::Error;
    type Future = T::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        if request.uri().path().contains('%')
            && let Some(uri) = decoded(request.uri())
        {
            *request.uri_mut() = uri;
        }
        self.0.call(request)
    }
}

fn decoded(uri: &Uri) -> Option<Uri> {
    let mut path = String::with_capacity(uri.path().len());
    let mut rest = uri.path();
    while let Some((before, after)) = rest.split_once('%') {
        path.push_str(before);
        let byte = after
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        rest = match byte {
            Some(byte) if may_stand_in_path(byte) => {
                path.push(char::from(byte));
                after.get(2..)?
            }
            _ => {
                path.push('%');
                after
            }
        };
    }
    path.push_str(rest);
    let query = uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path + &query).ok()?);
    Uri::from_parts(parts).ok()
}

/// RFC 3986 §3.3: `pchar` without `%`, and the slash.
fn may_stand_in_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::decoded;
    use http::Uri;

    #[test]
    fn paths_are_decoded_once_and_queries_are_kept() {
        for (from, to) in [
            ("/api/%74oken/?a=%20", "/api/token/?a=%20"),
            ("/api/token%2F", "/api/token/"),
            ("/a%2541", "/a%2541"),
            ("/a%20b", "/a%20b"),
            ("/a%3Fb", "/a%3Fb"),
            ("/a%zz%4", "/a%zz%4"),
            ("/%C3%A9", "/%C3%A9"),
        ] {
            let uri: Uri = from.parse().unwrap();
            assert_eq!(decoded(&uri).unwrap().to_string(), to, "{from}");
        }
    }
}
