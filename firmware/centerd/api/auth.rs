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
use call::Stamp;
use store::persons::Person;
use store::sessions::{Session, TokenHash};
use store::{Actor, BoxChange, Job, TenantChange};
use tokio::sync::{Mutex, Semaphore};

use super::Front;
use super::errors::Problem;
use super::limits::{ADDRESS_FAILURES_MAX, GUESSERS_MAX, SIGN_INS_WAITING_MAX};
use super::rights::{self, Asker, Right, Who};
use crate::limits::{
    LOGIN_FAILURES_MAX, LOGIN_LOCK_MS, SESSION_LONGEST_MS, SESSION_MS, SESSION_RENEW_MS,
};
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
        renews: None,
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
            Ok(Some((session, person, agent.map(|agent| agent.id))))
        })
        .await?;
    let (session, person, agent) = found.ok_or(Problem::NotSignedIn)?;
    Ok(Asker {
        tenant: person.tenant,
        actor: Actor::Person(person.id),
        person: Some(person.id),
        agent,
        session: Some(hash),
        renews: longer(&session, now),
        must_change: person.must_change,
        rights: rights::of_role(person.role),
    }
    .into())
}

/// Until when a session that is used at `now` lasts, when it is time to write that.
fn longer(session: &Session, now: Stamp) -> Option<Stamp> {
    let end = session.created_at.after_ms(SESSION_LONGEST_MS);
    let wanted = now.after_ms(SESSION_MS).min(end);
    (wanted.since_ms(session.expires_at) >= SESSION_RENEW_MS).then_some(wanted)
}

/// A session that somebody uses lasts longer. Nobody waits for the disk: the next use comes again.
pub fn renew(front: &Front, who: &Who) {
    if let (Some(token), Some(expires_at)) = (who.session, who.renews) {
        let change = TenantChange::KeepSession { token, expires_at };
        let job = Job::of_tenant(front.now(), who.actor, who.tenant, change);
        let _ = front.writer.submit_with(job, drop);
    }
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
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
    let age = if token.is_some() { SESSION_LONGEST_MS / 1_000 } else { 0 };
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
            let locked = [
                guesses.failed(&format!("from {from}"), ADDRESS_FAILURES_MAX),
                guesses.failed(&format!("name {login}"), LOGIN_FAILURES_MAX),
            ];
            note_guessing(front, locked.into_iter().flatten()).await?;
            return Err(Problem::WrongLogin);
        };
        if !right {
            let locked = guesses.failed(&format!("from {from}"), ADDRESS_FAILURES_MAX);
            note_guessing(front, locked.into_iter()).await?;
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

/// Who is locked out and is no person of ours is in the chain of the box.
async fn note_guessing(front: &Front, locked: impl Iterator<Item = String>) -> Result<(), Problem> {
    for who in locked {
        let now = front.now();
        let change = BoxChange::NoteGuessing { who, until: now.after_ms(LOGIN_LOCK_MS) };
        front.submit(Job::of_box(now, Actor::Box, change)).await?;
    }
    Ok(())
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

    /// Counts a failure; gives the name back when it is locked by that.
    fn failed(&mut self, who: &str, most: u32) -> Option<String> {
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
        if guesser.failures < most {
            return None;
        }
        guesser.locked_until = Some(now + lock);
        Some(who.to_owned())
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
        headers.insert(AUTHORIZATION, "bearer t0k".parse().unwrap());
        assert_eq!(bearer(&headers).unwrap(), "t0k");
        assert_eq!(token_of_stream(&"/api/v1/events?token=q".parse().unwrap()).unwrap(), "q");
        assert_eq!(token_of_stream(&"/api/v1/agents?token=q".parse().unwrap()), None);
    }

    #[test]
    fn a_session_lasts_while_it_is_used_and_no_longer_than_a_week() {
        let born = Stamp(1_795_158_000_000);
        let session = |expires_at| Session {
            tenant: call::TenantId(1),
            person: call::PersonId(1),
            created_at: born,
            expires_at,
        };
        let first = session(born.after_ms(SESSION_MS));
        assert_eq!(longer(&first, born.after_ms(SESSION_RENEW_MS - 1)), None);
        let hour = born.after_ms(3_600_000);
        assert_eq!(longer(&first, hour), Some(hour.after_ms(SESSION_MS)));
        let end = born.after_ms(SESSION_LONGEST_MS);
        assert_eq!(longer(&session(end.after_ms(-SESSION_RENEW_MS)), end.after_ms(-5)), Some(end));
        assert_eq!(longer(&session(end), end.after_ms(-5)), None);
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
