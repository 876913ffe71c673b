//! HTTP/1.1 on the console's port: so many connections, so long a head, and a clean end.

use core::future::Future;
use core::pin::Pin;
use core::time::Duration;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use crate::api::limits::{HEAD_BYTES_MAX, HEAD_MS};
use crate::config::{Config, ConfigError};
use crate::limits::CONNECTIONS_MAX;

/// Where a request came from.
#[derive(Clone, Copy, Debug)]
pub struct Remote(pub SocketAddr);

/// Binds the console's port, before anything else is begun.
///
/// # Errors
/// [`ConfigError::PortInUse`] or [`ConfigError::CannotListen`].
pub fn bind(config: &Config) -> Result<std::net::TcpListener, ConfigError> {
    let address = SocketAddr::new(config.ports.listen, config.ports.console);
    let refuse = |source: io::Error| {
        if source.kind() == io::ErrorKind::AddrInUse {
            ConfigError::PortInUse { port: config.ports.console }
        } else {
            ConfigError::CannotListen { address: address.to_string(), source }
        }
    };
    let listener = std::net::TcpListener::bind(address).map_err(refuse)?;
    listener.set_nonblocking(true).map_err(refuse)?;
    Ok(listener)
}

/// Serves until `stop` says so.
///
/// # Errors
/// When the kernel refuses the listener.
pub async fn serve(
    listener: std::net::TcpListener,
    router: Router,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let stopping = async { drop(stop.wait_for(|stopping| *stopping).await) };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopping => return Ok(()),
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, most likely: give others time to end.
                tracing::warn!(%error, "a connection cannot be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            tracing::warn!(%from, "too many connections; this one is closed");
            continue;
        };
        let (router, stop) = (router.clone(), stop.clone());
        tokio::spawn(async move {
            one(stream, from, router, stop).await;
            drop(place);
        });
    }
}

async fn one(stream: TcpStream, from: SocketAddr, router: Router, mut stop: watch::Receiver<bool>) {
    // Small answers must not wait for the next; a stream that cannot do that works without.
    let _ = stream.set_nodelay(true);
    let marked = Marked { inner: TowerToHyperService::new(router), from };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(HEAD_MS))
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), marked)
        .with_upgrades();
    tokio::pin!(connection);
    let stopping = async { drop(stop.wait_for(|stopping| *stopping).await) };
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = stopping => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%from, %error, "a connection ended badly");
    }
}

/// Marks each request with where it came from.
struct Marked {
    inner: TowerToHyperService<Router>,
    from: SocketAddr,
}

type Answer = Result<Response<axum::body::Body>, core::convert::Infallible>;

impl Service<Request<Incoming>> for Marked {
    type Response = Response<axum::body::Body>;
    type Error = core::convert::Infallible;
    type Future = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(Remote(self.from));
        Box::pin(self.inner.call(request))
    }
}
