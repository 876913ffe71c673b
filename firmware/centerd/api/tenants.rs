//! Tenants: the enterprises that share the box. The operator adds one with its first administrator,
//! who makes everything else of it; on which trunks it may dial is said in `grants`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use store::BoxChange;
use store::persons::{Role, SavePerson};
use utoipa::ToSchema;

use super::errors::{ErrorAnswer, Problem};
use super::rights::Who;
use super::take::{self, Listed, Sent};
use super::{Front, auth, id_of};

/// An enterprise on the box.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tenant {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// It is one's own.
    pub own: bool,
}

/// An enterprise to add.
#[derive(Deserialize, ToSchema)]
pub struct NewTenant {
    /// Its name; unique on the box.
    pub name: String,
    /// Its first console user.
    pub administrator: FirstPerson,
}

/// The first console user of a tenant: an administrator.
#[derive(Deserialize, ToSchema)]
pub struct FirstPerson {
    /// What is typed to sign in; unique on the box.
    pub login: String,
    /// The first password, 10 to 200 characters; it must be changed at the first sign-in.
    pub password: String,
}

/// All tenants of the box.
#[utoipa::path(
    get, path = "/api/v1/tenants", tag = "tenants", responses((status = 200, body = Listed<Tenant>))
)]
pub async fn list(State(front): State<Front>, who: Who) -> Result<Json<Listed<Tenant>>, Problem> {
    let own = who.tenant;
    let rows = front.read_box(|view| view.tenants()).await?.into_iter();
    let there = rows.filter(|row| !row.disabled);
    let shown = there.map(|row| Tenant { id: row.id.0, own: row.id == own, name: row.name });
    Ok(Listed::whole(shown.collect()))
}

/// Adds a tenant with its first administrator: both or neither.
#[utoipa::path(
    post, path = "/api/v1/tenants", tag = "tenants", request_body = NewTenant,
    responses(
        (status = 201, body = Tenant),
        (status = 409, body = ErrorAnswer, description = "the name or the login is taken")
    )
)]
pub async fn create(
    State(front): State<Front>,
    who: Who,
    Sent(sent): Sent<NewTenant>,
) -> Result<(StatusCode, Json<Tenant>), Problem> {
    let name = take::name("name", &sent.name)?;
    let login = take::name("login", &sent.administrator.login)?;
    auth::check_password(&sent.administrator.password)?;
    let administrator = SavePerson {
        id: None,
        name: login.clone(),
        login,
        role: Role::Administrator,
        password_hash: Some(front.proofs.hash(sent.administrator.password).await?),
        must_change: true,
        disabled: false,
    };
    let open = BoxChange::OpenTenant { name: name.clone(), administrator };
    let id = id_of(&front.write_box(&who, open).await?)?;
    front.reload(&who, []).await?;
    Ok((StatusCode::CREATED, Json(Tenant { id, name, own: false })))
}
