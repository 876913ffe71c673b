//! Which tenants may dial on a trunk, how much, and as whom. Numbers are granted one by one or by
//! ranges in `numbers`.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use call::{TenantId, TrunkId};
use serde::{Deserialize, Serialize};
use store::trunks::TrunkGrant;
use store::{BoxChange, BoxView};
use utoipa::ToSchema;

use super::Front;
use super::errors::{ErrorAnswer, Problem};
use super::rights::Who;
use super::take::{DONE, Id, Listed, Sent, TwoIds};
use crate::center::view::Changed;
use crate::load::{TrunkNumbers, TrunkSettings};

/// A tenant's leave to dial on a trunk.
#[derive(Debug, Serialize, ToSchema)]
pub struct Grant {
    /// Whose.
    pub tenant_id: i64,
    /// Its name.
    pub tenant: String,
    /// Calls at once.
    pub calls_max: u32,
    /// The number shown where a campaign names none; null: the first of the trunk's that it may show.
    pub caller_id: Option<String>,
}

/// How a tenant may dial on a trunk.
#[derive(Default, Deserialize, ToSchema)]
pub struct GrantForm {
    /// Calls at once, at most the trunk's; left out: as many as the trunk carries.
    pub calls_max: Option<u32>,
    /// The number shown where a campaign names none: one of the trunk's that the tenant may show.
    pub caller_id: Option<String>,
}

/// Who may dial on a trunk.
#[utoipa::path(
    get, path = "/api/v1/trunks/{id}/grants", tag = "trunks", params(("id" = i64, Path)),
    responses((status = 200, body = Listed<Grant>))
)]
pub async fn list(
    State(front): State<Front>,
    _: Who,
    Id(id): Id,
) -> Result<Json<Listed<Grant>>, Problem> {
    Ok(Listed::whole(read(&front, TrunkId(id)).await?))
}

async fn read(front: &Front, trunk: TrunkId) -> Result<Vec<Grant>, Problem> {
    front
        .read_box(move |view| {
            there(view, trunk)?;
            let tenants = view.tenants()?.into_iter().map(|row| (row.id, row.name));
            let names: BTreeMap<TenantId, String> = tenants.collect();
            Ok(view.trunk_grants_of(trunk)?.into_iter().map(|row| shown(row, &names)).collect())
        })
        .await
}

fn there(view: BoxView<'_>, trunk: TrunkId) -> store::Result<store::trunks::Trunk> {
    let row = view.trunk(trunk)?;
    let gone = store::Error::NotFound { what: "trunk", id: trunk.0 };
    if row.disabled { Err(gone) } else { Ok(row) }
}

fn shown(row: TrunkGrant, names: &BTreeMap<TenantId, String>) -> Grant {
    Grant {
        tenant_id: row.tenant.0,
        tenant: names.get(&row.tenant).cloned().unwrap_or_default(),
        calls_max: row.calls_max,
        caller_id: row.caller_id,
    }
}

/// Lets a tenant dial on a trunk, or says anew how.
#[utoipa::path(
    put, path = "/api/v1/trunks/{id}/grants/{tenant}", tag = "trunks",
    params(("id" = i64, Path), ("tenant" = i64, Path)), request_body = GrantForm,
    responses((status = 200, body = Grant), (status = 422, body = ErrorAnswer))
)]
pub async fn save(
    State(front): State<Front>,
    who: Who,
    TwoIds(trunk, tenant): TwoIds,
    Sent(sent): Sent<GrantForm>,
) -> Result<Json<Grant>, Problem> {
    let _alone = front.lines.lock().await;
    let (trunk, tenant) = (TrunkId(trunk), TenantId(tenant));
    let (row, numbers, known) = front
        .read_box(move |view| {
            let row = there(view, trunk)?;
            let numbers = TrunkNumbers::of(&row, &view.numbers()?, tenant);
            Ok((row, numbers, view.tenants()?.iter().any(|row| row.id == tenant && !row.disabled)))
        })
        .await?;
    if !known {
        return Err(Problem::NotFound { what: "tenant", id: tenant.0 });
    }
    let most = u32::from(TrunkSettings::of(&row).channels_max);
    let calls_max = sent.calls_max.unwrap_or(most);
    if !(1..=most).contains(&calls_max) {
        return Err(Problem::field("calls_max", format!("write 1 to {most}")));
    }
    let caller_id = sent.caller_id.filter(|text| !text.trim().is_empty());
    let caller_id = caller_id.map(|text| {
        let normal = front.plan.read(&text).map_err(|why| Problem::number("caller_id", why))?;
        let number = normal.number.as_str().to_owned();
        if numbers.granted.contains(&number) {
            return Ok(number);
        }
        let reason = format!("{number} is no number of this trunk that the tenant may show");
        Err(Problem::field("caller_id", reason))
    });
    let caller_id = caller_id.transpose()?;
    let grant = BoxChange::GrantTrunk { trunk, tenant, calls_max, caller_id };
    front.write_box(&who, grant).await?;
    front.reload(&who, [Changed::Trunk(trunk)]).await?;
    let granted = read(&front, trunk).await?.into_iter().find(|row| row.tenant_id == tenant.0);
    granted.map(Json).ok_or(Problem::NotFound { what: "grant", id: tenant.0 })
}

/// Takes a tenant's leave to dial on a trunk back. Its calls that run on it go on.
#[utoipa::path(
    delete, path = "/api/v1/trunks/{id}/grants/{tenant}", tag = "trunks",
    params(("id" = i64, Path), ("tenant" = i64, Path)), responses((status = 204))
)]
pub async fn remove(
    State(front): State<Front>,
    who: Who,
    TwoIds(trunk, tenant): TwoIds,
) -> Result<StatusCode, Problem> {
    let _alone = front.lines.lock().await;
    let (trunk, tenant) = (TrunkId(trunk), TenantId(tenant));
    let there = read(&front, trunk).await?.iter().any(|grant| grant.tenant_id == tenant.0);
    if !there {
        return Err(Problem::NotFound { what: "grant", id: tenant.0 });
    }
    front.write_box(&who, BoxChange::RevokeTrunk { trunk, tenant }).await?;
    front.reload(&who, [Changed::Trunk(trunk)]).await?;
    Ok(DONE)
}
