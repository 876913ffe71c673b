//! Answering a challenge: the client's side of digest (RFC 3261 §22.2, §22.3).

use super::digest::{Challenge, Counted, Credentials, Ha1};
use super::wire::{HeaderName, Request, Response, StatusCode};

/// Who we are at somebody else's registrar or proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The user name of the digest.
    pub user: String,
    /// The password, in the clear: the realm is the far end's to choose.
    pub password: String,
}

impl core::fmt::Debug for Login {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Login({}, hidden)", self.user)
    }
}

/// A challenge that we can answer, and how often we have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenged {
    challenge: Challenge,
    /// The header that takes the answer.
    header: HeaderName,
    count: u32,
}

impl Challenged {
    /// The first challenge of a 401 or 407 that we can answer.
    #[must_use]
    pub fn by(response: &Response) -> Option<Challenged> {
        let (asked, header) = match response.status {
            StatusCode::UNAUTHORIZED => (HeaderName::WwwAuthenticate, HeaderName::Authorization),
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                (HeaderName::ProxyAuthenticate, HeaderName::ProxyAuthorization)
            }
            _ => return None,
        };
        let challenge = response.headers.all(&asked).find_map(|v| Challenge::parse(v).ok())?;
        Some(Challenged { challenge, header, count: 0 })
    }

    /// Whether the far end says that only the nonce was too old.
    #[must_use]
    pub const fn is_stale(&self) -> bool {
        self.challenge.stale
    }

    /// Puts our answer on `request`, in place of an older one. Each use counts the nonce up.
    pub fn authorize(&mut self, request: &mut Request, login: &Login, cnonce: String) {
        self.count += 1;
        let Challenge { realm, algorithm, .. } = &self.challenge;
        let ha1 = Ha1::new(*algorithm, &login.user, realm, &login.password);
        let uri = request.uri.to_string();
        let counted = Counted::new(cnonce, self.count);
        let answer =
            Credentials::answer(&self.challenge, &login.user, &ha1, &request.method, &uri, counted);
        request.headers.set(self.header.clone(), answer);
    }
}
