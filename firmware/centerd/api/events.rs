//! The stream of events: a WebSocket on which the box says what changed, as whole objects.

use core::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::Front;
use super::auth;
use super::errors::Problem;
use super::limits::{PING_MS, PUSH_SEND_MS};
use super::push::Push;
use super::rights::Who;

/// What changed, one JSON object per message: `{"topic":"hello","at":..}` first, then `agent`,
/// `phone`, `trunk`, `span`, `campaign`, `call`, `attempt`, `alarm`, `health`, each with the whole object
/// under its own name. `{"topic":"lost"}`: too slow, load the lists afresh. Programs that cannot
/// set headers may give their token as `?token=`.
#[utoipa::path(
    get, path = "/api/v1/events", tag = "events",
    params(("token" = Option<String>, Query, description = "a bearer token")),
    responses((status = 101, description = "the stream"))
)]
pub async fn stream(
    State(front): State<Front>,
    who: Who,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    if who.session.is_some() && !from_here(&headers) {
        return Err(Problem::NotAllowed);
    }
    let upgrade = upgrade.map_err(|_| Problem::Malformed("this is a WebSocket".into()))?;
    // Whatever changes from here on is heard.
    let pushes = front.stream.listen();
    let upgrade = upgrade.max_message_size(4 << 10).max_frame_size(4 << 10);
    Ok(upgrade.on_upgrade(move |socket| talk(socket, front, who, (headers, uri), pushes)))
}

/// A page of another place must not listen with the cookie of this one.
fn from_here(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = text(ORIGIN) else { return true };
    origin.split_once("://").map(|(_, host)| host) == text(HOST)
}

async fn talk(
    mut socket: WebSocket,
    front: Front,
    who: Who,
    proof: Proof,
    mut pushes: Receiver<Push>,
) {
    let hello = format!("{{\"topic\":\"hello\",\"at\":{}}}", front.now().0);
    if !send(&mut socket, Message::Text(hello.into())).await {
        return;
    }
    let mut look = interval(Duration::from_millis(PING_MS));
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    look.tick().await;
    loop {
        let message = tokio::select! {
            push = pushes.recv() => match push {
                Ok(push) if push.is_for(&who) => Message::Text(push.text.as_ref().into()),
                Ok(_) => continue,
                Err(RecvError::Lagged(_)) => Message::Text("{\"topic\":\"lost\"}".into()),
                Err(RecvError::Closed) => return,
            },
            heard = socket.recv() => match heard {
                // Nothing is expected from a page but answers to pings and the end.
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => continue,
            },
            _ = look.tick() => {
                if !still_signed_in(&front, &who, &proof).await {
                    return;
                }
                Message::Ping(Vec::new().into())
            }
        };
        if !send(&mut socket, message).await {
            return;
        }
    }
}

/// A page that takes nothing for too long is cut off; it comes back and loads afresh.
async fn send(socket: &mut WebSocket, message: Message) -> bool {
    let sent = timeout(Duration::from_millis(PUSH_SEND_MS), socket.send(message)).await;
    matches!(sent, Ok(Ok(())))
}

/// With what a stream was asked for: cookie, header, or token in the address.
pub(super) type Proof = (HeaderMap, Uri);

/// Who signs out, or is removed, or whose token is taken back, hears nothing more.
pub(super) async fn still_signed_in(front: &Front, who: &Who, (headers, uri): &Proof) -> bool {
    match auth::identify(front, headers, uri).await {
        Ok(now) => now.rights == who.rights && !now.must_change,
        Err(Problem::NotSignedIn) => false,
        // The disk is behind; the next look asks again.
        Err(_) => true,
    }
}
