//! Campaigns, and the list of dispositions that a new one starts with.

use call::{CampaignId, Stamp, TenantId};
use dialer::campaign::{Campaign, Settings, State};
use dialer::lead::RetryRules;
use dialer::outcome::{Category, Disposition};
use rusqlite::Row;
use serde_json::json;

use crate::chain::Event;
use crate::error::{Error, Result};
use crate::job::Applied;
use crate::scope::{Edit, View, tenant_sql};
use crate::words::{json as json_column, serde_of, serde_word, to_json, word};

impl View<'_> {
    /// All campaigns of the tenant, by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn campaigns(&self) -> Result<Vec<Campaign>> {
        let sql = tenant_sql!("SELECT * FROM campaigns WHERE tenant_id = :tenant ORDER BY name");
        self.rows(sql, &[], read)
    }

    /// One campaign.
    ///
    /// # Errors
    /// [`Error::NotFound`] also for another tenant's.
    pub fn campaign(&self, id: CampaignId) -> Result<Campaign> {
        let sql = tenant_sql!("SELECT * FROM campaigns WHERE tenant_id = :tenant AND id = :id");
        let found = self.row(sql, &[(":id", &id.0)], read)?;
        found.ok_or(Error::NotFound { what: "campaign", id: id.0 })
    }

    /// The rules by which a campaign tries again: all that a lead's life needs of it.
    pub(crate) fn retry_rules(&self, id: CampaignId) -> Result<RetryRules> {
        #[derive(serde::Deserialize)]
        struct OnlyRetry {
            retry: RetryRules,
        }
        let sql =
            tenant_sql!("SELECT settings FROM campaigns WHERE tenant_id = :tenant AND id = :id");
        let found =
            self.row(sql, &[(":id", &id.0)], |row| json_column::<OnlyRetry>(row, "settings"))?;
        let found = found.ok_or(Error::NotFound { what: "campaign", id: id.0 })?;
        Ok(found.retry)
    }

    /// The list of dispositions that a new campaign starts with, by digit; empty: the built-in.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn dispositions(&self) -> Result<Vec<Disposition>> {
        let sql =
            tenant_sql!("SELECT * FROM dispositions WHERE tenant_id = :tenant ORDER BY digit");
        self.rows(sql, &[], |row| {
            Ok(Disposition {
                digit: row.get("digit")?,
                label: row.get("label")?,
                category: word(row, "category", Category::from_word)?,
            })
        })
    }
}

fn read(row: &Row<'_>) -> Result<Campaign> {
    Ok(Campaign {
        id: CampaignId(row.get("id")?),
        tenant: TenantId(row.get("tenant_id")?),
        settings: json_column(row, "settings")?,
        state: word(row, "state", serde_of)?,
        since: Stamp(row.get("state_at")?),
    })
}

pub(crate) fn save(
    edit: &mut Edit<'_>,
    campaign: Option<CampaignId>,
    settings: &Settings,
) -> Result<Applied> {
    check_references(edit, settings)?;
    let text = to_json(settings)?;
    let id = match campaign {
        None => {
            let sql = tenant_sql!(
                "INSERT INTO campaigns (tenant_id, name, state, state_at, settings, created_at)
                 VALUES (:tenant, :name, :state, :at, :settings, :at)"
            );
            edit.insert(
                sql,
                &[
                    (":name", &settings.name),
                    (":state", &serde_word(&State::Draft)?),
                    (":at", &edit.at().0),
                    (":settings", &text),
                ],
            )?
        }
        Some(id) => {
            let sql = tenant_sql!(
                "UPDATE campaigns SET name = :name, settings = :settings
                 WHERE tenant_id = :tenant AND id = :id"
            );
            let params: crate::scope::Params<'_> =
                &[(":id", &id.0), (":name", &settings.name), (":settings", &text)];
            edit.run_on("campaign", id.0, sql, params)?;
            id.0
        }
    };
    let payload = json!({ "settings": settings });
    edit.event(Event { kind: "campaign_saved", row: id, payload, personal: None })?;
    Ok(Applied::Id(id))
}

/// Trunks must be granted to this tenant and agents must be its own: the list is JSON, so no
/// foreign key says it.
fn check_references(edit: &Edit<'_>, settings: &Settings) -> Result<()> {
    let granted =
        tenant_sql!("SELECT 1 FROM trunk_grants WHERE tenant_id = :tenant AND trunk_id = :id");
    for trunk in &settings.trunks {
        edit.row(granted, &[(":id", &trunk.0)], |_| Ok(()))?
            .ok_or(Error::NotFound { what: "granted trunk", id: trunk.0 })?;
    }
    for agent in &settings.agents {
        edit.agent(*agent)?;
    }
    Ok(())
}

pub(crate) fn set_state(
    edit: &mut Edit<'_>,
    campaign: CampaignId,
    state: State,
) -> Result<Applied> {
    if edit.campaign(campaign)?.state == state {
        return Ok(Applied::Unchanged);
    }
    let sql = tenant_sql!(
        "UPDATE campaigns SET state = :state, state_at = :at
         WHERE tenant_id = :tenant AND id = :id"
    );
    let state = serde_word(&state)?;
    let at = edit.at().0;
    edit.run(sql, &[(":id", &campaign.0), (":state", &state), (":at", &at)])?;
    let payload = json!({ "state": state });
    edit.event(Event { kind: "campaign_state", row: campaign.0, payload, personal: None })?;
    Ok(Applied::Done)
}

pub(crate) fn save_dispositions(edit: &mut Edit<'_>, list: &[Disposition]) -> Result<Applied> {
    edit.run(tenant_sql!("DELETE FROM dispositions WHERE tenant_id = :tenant"), &[])?;
    let sql = tenant_sql!(
        "INSERT INTO dispositions (tenant_id, digit, label, category)
         VALUES (:tenant, :digit, :label, :category)"
    );
    for entry in list {
        edit.run(
            sql,
            &[
                (":digit", &entry.digit),
                (":label", &entry.label),
                (":category", &entry.category.word()),
            ],
        )?;
    }
    let payload = json!({ "list": list });
    edit.event(Event { kind: "dispositions_saved", row: 0, payload, personal: None })?;
    Ok(Applied::Done)
}
