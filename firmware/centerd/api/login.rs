//! Signing in and out, and one's own password.

use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use store::TenantChange;
use utoipa::ToSchema;

use super::auth;
use super::errors::{ErrorAnswer, Problem};
use super::rights::Who;
use super::take::{DONE, Sent};
use super::{Front, rights};
use crate::secrets;
use crate::server::Remote;

/// A name and its password.
#[derive(Deserialize, ToSchema)]
pub struct Login {
    /// What is typed to sign in.
    pub name: String,
    /// The password.
    pub password: String,
}

/// Whoever is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignedIn {
    /// Who.
    pub person: Me,
}

/// Oneself.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// The person's id; null: a program.
    pub id: Option<i64>,
    /// What is typed to sign in.
    pub login: String,
    /// How people call them.
    pub name: String,
    /// `operator`, `administrator`, `leader`, `quality`, `agent`, or `program`.
    pub role: &'static str,
    /// In whose name.
    pub tenant: Belongs,
    /// The password must be changed before anything else.
    pub must_change_password: bool,
    /// The agent whom they are.
    pub agent_id: Option<i64>,
    /// The language to begin with.
    pub language: String,
    /// What they may do, by words.
    pub rights: Vec<&'static str>,
}

/// An enterprise.
#[derive(Debug, Serialize, ToSchema)]
pub struct Belongs {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
pub struct NewPassword {
    /// The old one.
    pub old: String,
    /// The new one, 10 to 200 characters.
    pub new: String,
}

/// Signs in. The answer sets the session's cookie.
#[utoipa::path(
    post, path = "/api/v1/login", tag = "sign in", security(()), request_body = Login,
    responses(
        (status = 200, body = SignedIn),
        (status = 401, body = ErrorAnswer, description = "name or password wrong"),
        (status = 429, body = ErrorAnswer, description = "too many wrong passwords")
    )
)]
pub async fn sign_in(
    State(front): State<Front>,
    remote: Option<Extension<Remote>>,
    Sent(login): Sent<Login>,
) -> Result<Response, Problem> {
    let from = remote.map_or_else(|| "?".to_owned(), |Extension(Remote(at))| at.ip().to_string());
    let long = super::limits::PASSWORD_CHARS_MAX * 4;
    if login.name.len() > long || login.password.len() > long {
        return Err(Problem::WrongLogin);
    }
    let door = front.door.clone();
    let opened = door.sign_in(&front, login.name, login.password, from).await?;
    let hash = store::sessions::TokenHash::of(&opened.token);
    let who = rights::Asker {
        tenant: opened.person.tenant,
        actor: store::Actor::Person(opened.person.id),
        person: Some(opened.person.id),
        agent: None,
        session: Some(hash),
        renews: None,
        must_change: opened.person.must_change,
        rights: rights::of_role(opened.person.role),
    };
    let person = describe(&front, &who.into()).await?;
    let cookie = auth::set_cookie(Some(&opened.token));
    Ok(([(SET_COOKIE, cookie)], Json(SignedIn { person })).into_response())
}

/// Signs out. The session is over wherever its cookie lies.
#[utoipa::path(post, path = "/api/v1/logout", tag = "sign in", responses((status = 204)))]
pub async fn sign_out(State(front): State<Front>, who: Who) -> Result<Response, Problem> {
    if let Some(token) = who.session {
        front.write(&who, TenantChange::CloseSession { token }).await?;
    }
    Ok((DONE, [(SET_COOKIE, auth::set_cookie(None))]).into_response())
}

/// Whoever asks.
#[utoipa::path(
    get, path = "/api/v1/me", tag = "sign in", responses((status = 200, body = SignedIn))
)]
pub async fn me(State(front): State<Front>, who: Who) -> Result<Json<SignedIn>, Problem> {
    Ok(Json(SignedIn { person: describe(&front, &who).await? }))
}

/// Changes one's own password. Every session of the person ends; the answer opens a new one.
#[utoipa::path(
    post, path = "/api/v1/me/password", tag = "sign in", request_body = NewPassword,
    responses((status = 204), (status = 401, body = ErrorAnswer))
)]
pub async fn change_password(
    State(front): State<Front>,
    who: Who,
    remote: Option<Extension<Remote>>,
    Sent(sent): Sent<NewPassword>,
) -> Result<Response, Problem> {
    let person = who.person.ok_or(Problem::NotAllowed)?;
    let row = front.read(&who, move |rows| rows.person(person)).await?;
    auth::check_password(&sent.new)?;
    if sent.new == sent.old {
        return Err(Problem::field("new", "choose another one than the old"));
    }
    let from = remote.map_or_else(|| "?".to_owned(), |Extension(Remote(at))| at.ip().to_string());
    // By the same door as a sign-in: a stolen session may not guess the password.
    let door = front.door.clone();
    let opened = door.sign_in(&front, row.login, sent.old, from.clone()).await?;
    let hash = front.proofs.hash(sent.new).await?;
    let change = TenantChange::SetPassword { person, hash, must_change: false };
    front.write(&who, change).await?;
    let token = secrets::token()?;
    auth::open(&front, &opened.person, &token, from).await?;
    Ok((DONE, [(SET_COOKIE, auth::set_cookie(Some(&token)))]).into_response())
}

async fn describe(front: &Front, who: &Who) -> Result<Me, Problem> {
    let (tenant, person) = (who.tenant, who.person);
    let (belongs, row, agent) = front
        .read_box(move |view| {
            let name = view.tenants()?.into_iter().find(|row| row.id == tenant);
            let belongs = Belongs { id: tenant.0, name: name.map(|t| t.name).unwrap_or_default() };
            let rows = view.tenant(tenant);
            let row = person.map(|person| rows.person(person)).transpose()?;
            let agent = person.map(|person| rows.agent_of_person(person)).transpose()?.flatten();
            Ok((belongs, row, agent))
        })
        .await?;
    let language = agent.as_ref().map(|agent| super::agents::language_word(agent.language));
    Ok(Me {
        id: person.map(|id| id.0),
        login: row.as_ref().map(|row| row.login.clone()).unwrap_or_default(),
        name: row.as_ref().map(|row| row.name.clone()).unwrap_or_default(),
        role: row.as_ref().map_or("program", |row| super::persons::role_word(row.role)),
        tenant: belongs,
        must_change_password: who.must_change,
        agent_id: agent.filter(|agent| !agent.disabled).map(|agent| agent.id.0),
        language: language.unwrap_or(&front.config.about.language).to_owned(),
        rights: who.rights.iter().map(|right| right.word()).collect(),
    })
}
