//! The console's files, embedded from `../console/dist`. Everything that is not a file is the one
//! page of the application, which finds its way by the part behind `#`.

use axum::body::Body;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use axum::response::IntoResponse;
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::api::errors::Problem;

#[derive(RustEmbed)]
#[folder = "../console/dist"]
struct Files;

/// Files with a hash in their name never change; the page that names them always may.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";

/// Answers a request for a page or a file.
pub async fn page(method: Method, uri: Uri, headers: HeaderMap) -> axum::response::Response {
    if method != Method::GET && method != Method::HEAD {
        return Problem::NoSuchPage.into_response();
    }
    let path = uri.path().trim_start_matches('/');
    if path.starts_with("api/") {
        return Problem::NoSuchPage.into_response();
    }
    let is_file = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
    let name = if path.is_empty() || !is_file { "index.html" } else { path };
    let packed = format!("{name}.gz");
    let gzip = accepts_gzip(&headers).then(|| Files::get(&packed)).flatten();
    match (gzip, Files::get(name)) {
        (Some(file), _) => answer(name, &file, Some("gzip"), &headers),
        (None, Some(file)) => answer(name, &file, None, &headers),
        (None, None) => Problem::NoSuchPage.into_response(),
    }
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|list| list.split(',').any(|one| one.trim().starts_with("gzip")))
}

fn answer(
    name: &str,
    file: &EmbeddedFile,
    encoding: Option<&'static str>,
    headers: &HeaderMap,
) -> axum::response::Response {
    let hash = file.metadata.sha256_hash();
    let tag: String = hash.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let keep = if name.starts_with("assets/") { FOR_EVER } else { ASK_AGAIN };
    let mut response = Response::builder()
        .header(ETAG, &tag)
        .header(CACHE_CONTROL, keep)
        .header(VARY, "accept-encoding")
        .header(CONTENT_TYPE, kind(name));
    let known = headers.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag)) {
        response = response.status(StatusCode::NOT_MODIFIED);
        return response.body(Body::empty()).unwrap_or_default();
    }
    if let Some(encoding) = encoding {
        response = response.header(CONTENT_ENCODING, encoding);
    }
    response.body(Body::from(file.data.clone().into_owned())).unwrap_or_default()
}

/// The kinds of file that the console is made of.
fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "json" | "map" | "webmanifest" => "application/json",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        "wav" => "audio/wav",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(path: &str, headers: HeaderMap) -> axum::response::Response {
        page(Method::GET, path.parse().unwrap(), headers).await
    }

    #[tokio::test]
    async fn every_way_into_the_application_is_its_page_and_a_missing_file_is_none() {
        for path in ["/", "/campaigns", "/campaigns/7"] {
            let answer = get(path, HeaderMap::new()).await;
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
            assert_eq!(answer.headers()[CACHE_CONTROL], ASK_AGAIN);
        }
        for path in ["/assets/none.js", "/api/v1/none", "/../Cargo.toml"] {
            assert_eq!(get(path, HeaderMap::new()).await.status(), StatusCode::NOT_FOUND);
        }
    }

    #[tokio::test]
    async fn a_page_that_is_known_is_not_sent_again() {
        let first = get("/", HeaderMap::new()).await;
        let mut headers = HeaderMap::new();
        headers.insert(IF_NONE_MATCH, first.headers()[ETAG].clone());
        assert_eq!(get("/", headers).await.status(), StatusCode::NOT_MODIFIED);
    }
}
