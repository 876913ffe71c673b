//! Tokens for programs: shown once, kept as a hash.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use call::Stamp;
use serde::{Deserialize, Serialize};
use store::sessions::{ApiToken, SaveToken, TokenHash};
use store::{TenantChange, TokenId};
use utoipa::ToSchema;

use super::errors::Problem;
use super::rights::{Right, Who};
use super::take::{self, DONE, Id, Listed, Sent};
use super::{Front, id_of};
use crate::secrets;

/// A token.
#[derive(Debug, Serialize, ToSchema)]
pub struct Token {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// What it may do, by words.
    pub rights: Vec<String>,
    /// When it was made.
    pub created: i64,
    /// When it runs out.
    pub expires: Option<i64>,
    /// When it was taken back.
    pub revoked: Option<i64>,
    /// The token itself: only in the answer that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// A token to make.
#[derive(Deserialize, ToSchema)]
pub struct NewToken {
    /// Its name.
    pub name: String,
    /// What it may do, by words of `me.rights`; left out: all that its maker may, except making
    /// persons, tokens and tenants.
    pub rights: Option<Vec<String>>,
    /// When it runs out; left out: never.
    pub expires: Option<i64>,
}

fn shown(row: ApiToken) -> Token {
    Token {
        id: row.id.0,
        name: row.name,
        rights: row.rights,
        created: row.created_at.0,
        expires: row.expires_at.map(|at| at.0),
        revoked: row.revoked_at.map(|at| at.0),
        token: None,
    }
}

/// All tokens.
#[utoipa::path(
    get, path = "/api/v1/tokens", tag = "sign in", responses((status = 200, body = Listed<Token>))
)]
pub async fn list(State(front): State<Front>, who: Who) -> Result<Json<Listed<Token>>, Problem> {
    let rows = front.read(&who, |rows| rows.api_tokens()).await?;
    Ok(Listed::whole(rows.into_iter().map(shown).collect()))
}

/// Makes a token. It is shown in this answer and never again.
#[utoipa::path(
    post, path = "/api/v1/tokens", tag = "sign in", request_body = NewToken,
    responses((status = 201, body = Token))
)]
pub async fn create(
    State(front): State<Front>,
    who: Who,
    Sent(sent): Sent<NewToken>,
) -> Result<(StatusCode, Json<Token>), Problem> {
    let name = take::name("name", &sent.name)?;
    let rights = chosen(&who, sent.rights)?;
    if sent.expires.is_some_and(|at| at <= front.now().0) {
        return Err(Problem::field("expires", "lies in the past: write UTC milliseconds to come"));
    }
    let token = secrets::token()?;
    let expires_at = sent.expires.map(Stamp);
    let save = SaveToken {
        name: name.clone(),
        token: TokenHash::of(&token),
        rights: rights.clone(),
        expires_at,
    };
    let id = id_of(&front.write(&who, TenantChange::AddToken(save)).await?)?;
    let made = Token {
        id,
        name,
        rights,
        created: front.now().0,
        expires: sent.expires,
        revoked: None,
        token: Some(token),
    };
    Ok((StatusCode::CREATED, Json(made)))
}

/// Nobody gives away what they do not have.
fn chosen(who: &Who, words: Option<Vec<String>>) -> Result<Vec<String>, Problem> {
    let Some(words) = words else {
        let makes = [Right::EditPersons, Right::EditTokens, Right::EditTenants];
        let all = who.rights.iter().filter(|right| !makes.contains(right));
        return Ok(all.map(|right| right.word().to_owned()).collect());
    };
    for word in &words {
        let right = Right::from_word(word)
            .ok_or_else(|| Problem::field("rights", format!("there is no right {word:?}")))?;
        if !who.may(right) {
            return Err(Problem::NotAllowed);
        }
    }
    Ok(words)
}

/// Takes a token back, at once.
#[utoipa::path(
    delete, path = "/api/v1/tokens/{id}", tag = "sign in", params(("id" = i64, Path)),
    responses((status = 204))
)]
pub async fn remove(
    State(front): State<Front>,
    who: Who,
    Id(id): Id,
) -> Result<StatusCode, Problem> {
    front.write(&who, TenantChange::RevokeToken(TokenId(id))).await?;
    Ok(DONE)
}
