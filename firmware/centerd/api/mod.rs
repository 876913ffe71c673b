//! What people and programs can ask over HTTP. One small file for each noun; the types here are the
//! contract, from which `/api/v1/openapi.json` is made.
//!
//! | file | holds |
//! |---|---|
//! | `rights` | which right each route asks for, which role has it: the only place |
//! | `auth` | who asks: sessions, tokens, lock-out |
//! | `errors` | what is answered that could not be done |
//! | `take` | bodies, queries, ids and pages, checked |
//! | `push` | what changed, made once for all who look |
//! | the rest | one noun each |

pub mod about;
pub mod agents;
pub mod alarms;
pub mod attempts;
pub mod audit;
pub mod auth;
pub mod calls;
pub mod campaign_form;
pub mod campaigns;
pub mod destinations;
pub mod dnc;
pub mod errors;
pub mod events;
pub mod grants;
pub mod health;
pub mod leads;
pub mod limits;
pub mod login;
pub mod numbers;
pub mod persons;
pub mod phones;
pub mod push;
pub mod recordings;
pub mod rights;
pub mod span_picture;
pub mod spans;
pub mod take;
pub mod tenants;
pub mod tokens;
pub mod trunks;
pub mod upload;
mod wav;

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{self, HeaderName};
use axum::http::{Extensions, HeaderMap, HeaderValue, Request, StatusCode, Version};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use call::Stamp;
use dialer::number::Plan;
use store::{Applied, BoxChange, BoxView, Job, Reader, TenantChange, View, Writer};
use tokio::sync::{Mutex, Semaphore, oneshot};
use tower_http::compression::CompressionLayer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::center::request::Request as Wish;
use crate::center::view::{Changed, View as Live};
use crate::config::Config;
use crate::limits::REQUEST_BYTES_MAX;
use crate::reactor::{Ask, Line};
use crate::secrets::Proofs;
use errors::Problem;
use rights::Who;

/// Everything that a request can reach. Cloning shares it.
#[derive(Clone)]
pub struct Front(Arc<Reach>);

/// What [`Front`] shares.
pub struct Reach {
    /// The disk, to write.
    pub writer: Writer,
    /// The disk, to read.
    pub reader: Reader,
    /// The running office.
    pub line: Line,
    /// Checks passwords.
    pub proofs: Proofs,
    /// The settings.
    pub config: Arc<Config>,
    /// How numbers are read.
    pub plan: Plan,
    /// Opens recordings.
    pub key: link::key::BoxKey,
    /// When centerd started.
    pub started: Stamp,
    /// The door for people.
    pub door: auth::Door,
    /// Changes on their way to pages.
    pub stream: push::Stream,
    /// Who has heard which recording of late.
    pub heard: recordings::Heard,
    /// Lists that may be uploaded now.
    pub uploads: Semaphore,
    /// Held while trunks, spans or numbers are checked against each other and changed.
    pub lines: Mutex<()>,
    /// The description of this API, as text.
    pub openapi: String,
}

/// What [`Front::new`] is built from.
pub struct Parts {
    /// See [`Reach::writer`].
    pub writer: Writer,
    /// See [`Reach::reader`].
    pub reader: Reader,
    /// See [`Reach::line`].
    pub line: Line,
    /// See [`Reach::proofs`].
    pub proofs: Proofs,
    /// See [`Reach::config`].
    pub config: Arc<Config>,
    /// See [`Reach::key`].
    pub key: link::key::BoxKey,
}

impl core::ops::Deref for Front {
    type Target = Reach;
    fn deref(&self) -> &Reach {
        &self.0
    }
}

impl Front {
    /// A front of these parts, and its pusher running.
    #[must_use]
    pub fn new(parts: Parts) -> Front {
        let (_, mut openapi) = routes().split_for_parts();
        about::complete(&mut openapi);
        let front = Front(Arc::new(Reach {
            writer: parts.writer,
            reader: parts.reader,
            line: parts.line,
            proofs: parts.proofs,
            plan: crate::load::plan(&parts.config),
            config: parts.config,
            key: parts.key,
            started: crate::reactor::stamp(),
            door: auth::Door::default(),
            stream: push::Stream::default(),
            heard: recordings::Heard::default(),
            uploads: Semaphore::new(limits::UPLOADS_AT_ONCE),
            lines: Mutex::new(()),
            openapi: openapi.to_json().unwrap_or_default(),
        }));
        tokio::spawn(push::run(front.clone()));
        front
    }

    /// The wall clock.
    #[must_use]
    pub fn now(&self) -> Stamp {
        crate::reactor::stamp()
    }

    /// What is live.
    #[must_use]
    pub fn live(&self) -> Arc<Live> {
        self.line.view.borrow().clone()
    }

    /// Where recordings lie.
    #[must_use]
    pub fn recordings(&self) -> PathBuf {
        self.config.place.dir.join("recordings")
    }

    /// Reads rows of the tenant of whoever asks, off the reactor.
    ///
    /// # Errors
    /// What the store says.
    pub async fn read<T: Send + 'static>(
        &self,
        who: &Who,
        read: impl FnOnce(View<'_>) -> store::Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let tenant = who.tenant;
        self.read_box(move |view| read(view.tenant(tenant))).await
    }

    /// Reads the tables of the box, off the reactor.
    ///
    /// # Errors
    /// What the store says.
    pub async fn read_box<T: Send + 'static>(
        &self,
        read: impl FnOnce(BoxView<'_>) -> store::Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let reader = self.reader.clone();
        let done = tokio::task::spawn_blocking(move || reader.whole(read)).await;
        Ok(done.map_err(|e| Problem::Bug(e.to_string()))??)
    }

    /// Writes a change of the tenant of whoever asks; `Ok` means on disk.
    ///
    /// # Errors
    /// What the store says.
    pub async fn write(&self, who: &Who, change: TenantChange) -> Result<Applied, Problem> {
        self.submit(Job::of_tenant(self.now(), who.actor, who.tenant, change)).await
    }

    /// Writes a change of the box's tables; `Ok` means on disk.
    ///
    /// # Errors
    /// What the store says.
    pub async fn write_box(&self, who: &Who, change: BoxChange) -> Result<Applied, Problem> {
        self.submit(Job::of_box(self.now(), who.actor, change)).await
    }

    /// Writes a job; `Ok` means on disk.
    ///
    /// # Errors
    /// What the store says.
    pub async fn submit(&self, job: Job) -> Result<Applied, Problem> {
        let (answer, waiting) = oneshot::channel();
        // Who has gone away does not want the answer.
        self.writer.submit_with(job, move |result| drop(answer.send(result)))?;
        Ok(waiting.await.map_err(|_| Problem::Store(store::Error::Stopped))??)
    }

    /// Asks the running office, and waits for its answer.
    ///
    /// # Errors
    /// What it says.
    pub async fn ask(&self, who: &Who, request: Wish) -> Result<(), Problem> {
        let (answer, waiting) = oneshot::channel();
        let ask = Ask { actor: who.actor, request, answer };
        self.line.asks.send(ask).await.map_err(|_| Problem::Busy)?;
        Ok(waiting.await.map_err(|_| Problem::Busy)??)
    }

    /// Rows that the running office works from were changed: it has read them when this returns.
    ///
    /// # Errors
    /// When the daemon stops.
    pub async fn reload(
        &self,
        who: &Who,
        changed: impl IntoIterator<Item = Changed>,
    ) -> Result<(), Problem> {
        self.ask(who, Wish::Reload).await?;
        self.line.changes.add(changed);
        Ok(())
    }
}

/// The id in an answer of the store.
///
/// # Errors
/// A mistake of ours.
pub fn id_of(applied: &Applied) -> Result<i64, Problem> {
    applied.id().ok_or_else(|| Problem::Bug(format!("{applied:?} has no id")))
}

/// All routes with their description.
#[must_use]
pub fn routes() -> OpenApiRouter<Front> {
    OpenApiRouter::with_openapi(about::openapi())
        .routes(routes!(health::health))
        .routes(routes!(about::description))
        .routes(routes!(about::about_box))
        .routes(routes!(login::sign_in))
        .routes(routes!(login::sign_out))
        .routes(routes!(login::me))
        .routes(routes!(login::change_password))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::remove))
        .routes(routes!(phones::list, phones::create))
        .routes(routes!(phones::one, phones::change, phones::remove))
        .routes(routes!(trunks::list, trunks::create))
        .routes(routes!(trunks::one, trunks::change, trunks::remove))
        .routes(routes!(grants::list))
        .routes(routes!(grants::save, grants::remove))
        .routes(routes!(tenants::list, tenants::create))
        .routes(routes!(spans::list))
        .routes(routes!(spans::one, spans::change))
        .routes(routes!(spans::history))
        .routes(routes!(spans::trace))
        .routes(routes!(spans::restart))
        .routes(routes!(spans::test))
        .routes(routes!(spans::block))
        .routes(routes!(numbers::list, numbers::create, numbers::change, numbers::remove))
        .routes(routes!(agents::list, agents::create))
        .routes(routes!(agents::one, agents::change, agents::remove))
        .routes(routes!(agents::sign_in))
        .routes(routes!(agents::sign_out))
        .routes(routes!(agents::ready))
        .routes(routes!(agents::pause))
        .routes(routes!(agents::disposition))
        .routes(routes!(agents::hang_up))
        .routes(routes!(agents::hold))
        .routes(routes!(campaigns::list, campaigns::create))
        .routes(routes!(campaigns::one, campaigns::change, campaigns::remove))
        .routes(routes!(campaigns::start))
        .routes(routes!(campaigns::pause))
        .routes(routes!(leads::list, leads::upload))
        .routes(routes!(leads::batches))
        .routes(routes!(leads::batch_rows))
        .routes(routes!(attempts::list))
        .routes(routes!(attempts::one))
        .routes(routes!(calls::list))
        .routes(routes!(recordings::play))
        .routes(routes!(recordings::record))
        .routes(routes!(dnc::list, dnc::create))
        .routes(routes!(dnc::remove))
        .routes(routes!(dnc::import))
        .routes(routes!(destinations::read, destinations::write))
        .routes(routes!(audit::list))
        .routes(routes!(audit::verify))
        .routes(routes!(alarms::list))
        .routes(routes!(persons::list, persons::create))
        .routes(routes!(persons::change, persons::remove))
        .routes(routes!(events::stream))
}

/// The whole of HTTP: the API behind its guard, and the console for everything else.
pub fn router(front: Front) -> Router {
    let (api, _) = routes().split_for_parts();
    let api = api
        .route_layer(from_fn_with_state(front.clone(), rights::guard))
        .method_not_allowed_fallback(|| async { Problem::WrongMethod })
        .layer(DefaultBodyLimit::max(REQUEST_BYTES_MAX))
        .layer(from_fn(never_kept));
    api.fallback(crate::pages::page)
        .layer(CompressionLayer::new().compress_when(worth_packing))
        .layer(from_fn(harden))
        .with_state(front)
}

/// Texts are packed; sound is not, because a part of it is asked for by its bytes.
fn worth_packing(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let packs = |kind: &str| kind.starts_with("text/") || kind.starts_with("application/json");
    kind.is_some_and(|kind| packs(kind) || kind.starts_with("image/svg"))
}

/// What pages may do: run what comes from this box, and nothing else.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; \
                      base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

async fn harden(
    request: Request<axum::body::Body>,
    next: axum::middleware::Next,
) -> axum::response::Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Answers of the API are about people: no cache keeps them.
async fn never_kept(
    request: Request<axum::body::Body>,
    next: axum::middleware::Next,
) -> axum::response::Response {
    let mut response = next.run(request).await.into_response();
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests;
