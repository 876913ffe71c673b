//! Who is it? Sessions by cookie, programs by bearer token, and signing in with its lock-outs.
//!
//! Sign-ins are proved one after another, so that a burst of guesses cannot pass the lock between
//! two counts. A name that does not exist is counted, locked and proved like one that does: the
//! answers tell nothing about names.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::{HeaderMap, Uri};
use store::persons::Person;
use store::sessions::TokenHash;
use store::{Actor, Job, TenantChange};
use tokio::sync::{Mutex, Semaphore};

use super::Front;
use super::errors::Problem;
use super::limits::{ADDRESS_FAILURES_MAX, GUESSERS_MAX, SIGN_INS_WAITING_MAX};
use super::rights::{self, Asker, Right, Who};
use crate::limits::{LOGIN_FAILURES_MAX, LOGIN_LOCK_MS, SESSION_MS};
use crate::secrets;

/// The cookie's name.
pub const COOKIE_NAME: &str = "linebox_session";

/// Finds out who sends these headers.
///
/// # Errors
/// [`Problem::NotSignedIn`].
pub async fn identify(front: &Front, headers: &HeaderMap, uri: &Uri) -> Result<Who, Problem> {
    if let Some(token) = bearer(headers).or_else(|| token_of_stream(uri)) {
        return of_token(front, TokenHash::of(&token)).await;
    }
    let token = cookie(headers).ok_or(Problem::NotSignedIn)?;
    of_session(front, TokenHash::of(&token)).await
}

async fn of_token(front: &Front, hash: TokenHash) -> Result<Who, Problem> {
    let now = front.now();
    let found = front.read_box(move |view| view.api_token(hash, now)).await?;
    let token = found.ok_or(Problem::NotSignedIn)?;
    let rights = token.rights.iter().filter_map(|word| Right::from_word(word)).collect();
    Ok(Asker {
        tenant: token.tenant,
        actor: Actor::Token(token.id),
        person: None,
        agent: None,
        session: None,
        must_change: false,
        rights,
    }
    .into())
}

async fn of_session(front: &Front, hash: TokenHash) -> Result<Who, Problem> {
    let now = front.now();
    let found = front
        .read_box(move |view| {
            let Some(session) = view.session(hash, now)? else { return Ok(None) };
            let rows = view.tenant(session.tenant);
            let person = rows.person(session.person)?;
            let agent = rows.agent_of_person(person.id)?.filter(|agent| !agent.disabled);
            Ok(Some((person, agent.map(|agent| agent.id))))
        })
        .await?;
    let (person, agent) = found.ok_or(Problem::NotSignedIn)?;
    Ok(Asker {
        tenant: person.tenant,
        actor: Actor::Person(person.id),
        person: Some(person.id),
        agent,
        session: Some(hash),
        must_change: person.must_change,
        rights: rights::of_role(person.role),
    }
    .into())
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Bearer ").map(|token| token.trim().to_owned())
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|one| one.split_once('='));
    pairs.find(|(name, _)| name.trim() == COOKIE_NAME).map(|(_, value)| value.trim().to_owned())
}

/// A program that cannot set headers on its event stream may give its token there.
fn token_of_stream(uri: &Uri) -> Option<String> {
    if uri.path() != "/api/v1/events" {
        return None;
    }
    let mut pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| *name == "token").map(|(_, value)| value.to_owned())
}

/// The cookie that carries a session, or ends it.
#[must_use]
pub fn set_cookie(token: Option<&str>) -> String {
    let age = if token.is_some() { SESSION_MS / 1_000 } else { 0 };
    let token = token.unwrap_or_default();
    format!("{COOKIE_NAME}={token}; Path=/; Max-Age={age}; HttpOnly; SameSite=Strict")
}

/// The door: one at a time, and who has guessed too often waits.
#[derive(Clone, Debug)]
pub struct Door {
    queue: Arc<Semaphore>,
    guesses: Arc<Mutex<Guesses>>,
}

impl Default for Door {
    fn default() -> Door {
        let queue = Arc::new(Semaphore::new(SIGN_INS_WAITING_MAX));
        Door { queue, guesses: Arc::default() }
    }
}

/// A session that has just been opened.
pub struct Opened {
    /// Whose.
    pub person: Person,
    /// For the cookie.
    pub token: String,
}

impl Door {
    /// Signs in, or counts a failure.
    ///
    /// # Errors
    /// [`Problem::WrongLogin`], [`Problem::LockedOut`], [`Problem::Busy`].
    pub async fn sign_in(
        &self,
        front: &Front,
        login: String,
        password: String,
        from: String,
    ) -> Result<Opened, Problem> {
        let _place = self.queue.try_acquire().map_err(|_| Problem::Busy)?;
        let mut guesses = self.guesses.lock().await;
        guesses.check(&format!("from {from}"))?;
        guesses.check(&format!("name {login}"))?;
        let name = login.clone();
        let found = front.read_box(move |view| view.person_by_login(&name)).await?;
        let found = found.filter(|person| !person.disabled);
        let now = front.now();
        if let Some(until) = found.as_ref().and_then(|p| p.locked_until).filter(|at| *at > now) {
            return Err(Problem::LockedOut(until.since_ms(now)));
        }
        let hash = found.as_ref().map(|person| person.password_hash.clone());
        let right = front.proofs.check(password, hash).await;
        let Some(person) = found else {
            guesses.failed(&format!("from {from}"), ADDRESS_FAILURES_MAX);
            guesses.failed(&format!("name {login}"), LOGIN_FAILURES_MAX);
            return Err(Problem::WrongLogin);
        };
        if !right {
            guesses.failed(&format!("from {from}"), ADDRESS_FAILURES_MAX);
            note(front, &person, false).await?;
            return Err(Problem::WrongLogin);
        }
        drop(guesses);
        note(front, &person, true).await?;
        let token = secrets::token()?;
        open(front, &person, &token, from).await?;
        Ok(Opened { person, token })
    }
}

async fn note(front: &Front, person: &Person, good: bool) -> Result<(), Problem> {
    let now = front.now();
    let locks = !good && person.failures + 1 >= LOGIN_FAILURES_MAX;
    let locked_until = locks.then(|| now.after_ms(LOGIN_LOCK_MS));
    let change = TenantChange::NoteLogin { person: person.id, good, locked_until };
    front.submit(Job::of_tenant(now, Actor::Person(person.id), person.tenant, change)).await?;
    Ok(())
}

/// Opens a session of this person.
///
/// # Errors
/// What the store says.
pub async fn open(
    front: &Front,
    person: &Person,
    token: &str,
    remote: String,
) -> Result<(), Problem> {
    let now = front.now();
    let change = TenantChange::OpenSession {
        person: person.id,
        token: TokenHash::of(token),
        expires_at: now.after_ms(SESSION_MS),
        remote,
    };
    front.submit(Job::of_tenant(now, Actor::Person(person.id), person.tenant, change)).await?;
    Ok(())
}

/// Wrong passwords by name (where there is no such person) and by address. Forgotten when the
/// daemon restarts; those of persons are in the database.
#[derive(Debug, Default)]
struct Guesses(BTreeMap<String, Guesser>);

#[derive(Debug)]
struct Guesser {
    failures: u32,
    last: Instant,
    locked_until: Option<Instant>,
}

impl Guesses {
    fn check(&self, who: &str) -> Result<(), Problem> {
        let until = self.0.get(who).and_then(|guesser| guesser.locked_until);
        let left = until.and_then(|until| until.checked_duration_since(Instant::now()));
        match left.filter(|left| !left.is_zero()) {
            Some(left) => {
                Err(Problem::LockedOut(i64::try_from(left.as_millis()).unwrap_or(i64::MAX)))
            }
            None => Ok(()),
        }
    }

    fn failed(&mut self, who: &str, most: u32) {
        let now = Instant::now();
        let lock = Duration::from_millis(LOGIN_LOCK_MS.unsigned_abs());
        self.0.retain(|_, guesser| now.duration_since(guesser.last) < lock);
        if self.0.len() >= GUESSERS_MAX && !self.0.contains_key(who) {
            let oldest = self.0.iter().min_by_key(|(_, guesser)| guesser.last);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                self.0.remove(&oldest);
            }
        }
        let guesser = self.0.entry(who.to_owned()).or_insert(Guesser {
            failures: 0,
            last: now,
            locked_until: None,
        });
        guesser.failures += 1;
        guesser.last = now;
        if guesser.failures >= most {
            guesser.locked_until = Some(now + lock);
        }
    }
}

/// A person's password is one that a person may choose.
///
/// # Errors
/// Says what would do.
pub fn check_password(password: &str) -> Result<(), Problem> {
    use super::limits::{PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN};
    let length = password.chars().count();
    if (PASSWORD_CHARS_MIN..=PASSWORD_CHARS_MAX).contains(&length) {
        return Ok(());
    }
    let reason = format!("write {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters");
    Err(Problem::field("password", reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others_and_a_token_only_on_the_stream() {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, "a=b; linebox_session=xyz ;c=d".parse().unwrap());
        assert_eq!(cookie(&headers).unwrap(), "xyz");
        headers.insert(AUTHORIZATION, "Bearer t0k".parse().unwrap());
        assert_eq!(bearer(&headers).unwrap(), "t0k");
        assert_eq!(token_of_stream(&"/api/v1/events?token=q".parse().unwrap()).unwrap(), "q");
        assert_eq!(token_of_stream(&"/api/v1/agents?token=q".parse().unwrap()), None);
    }

    #[test]
    fn guesses_lock_and_the_table_stays_bounded() {
        let mut guesses = Guesses::default();
        for _ in 0..LOGIN_FAILURES_MAX {
            assert!(guesses.check("name x").is_ok());
            guesses.failed("name x", LOGIN_FAILURES_MAX);
        }
        assert!(matches!(guesses.check("name x"), Err(Problem::LockedOut(ms)) if ms > 0));
        assert!(guesses.check("name y").is_ok());
        for n in 0..GUESSERS_MAX + 5 {
            guesses.failed(&format!("name {n}"), 100);
        }
        assert!(guesses.0.len() <= GUESSERS_MAX);
    }
}
