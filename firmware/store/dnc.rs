//! The do-not-call list: whoever is on it is not dialled, whatever list they are in.

use call::{CampaignId, Number, Stamp};
use dialer::lead;
use serde_json::json;

use crate::chain::{Event, Personal};
use crate::error::{Error, Result};
use crate::job::{Applied, DncId};
use crate::page::Page;
use crate::scope::{Edit, Filtered, View, tenant_sql};
use crate::words::number;

/// An entry of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DncEntry {
    /// Its id.
    pub id: DncId,
    /// Only in this campaign; `None`: in all of the tenant.
    pub campaign: Option<CampaignId>,
    /// The number.
    pub number: Number,
    /// Why, for people.
    pub reason: String,
    /// Since when.
    pub added_at: Stamp,
}

impl View<'_> {
    /// The list, newest first. Of the page's cursor only the id counts.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn dnc(&self, only: Option<&Number>, page: Page) -> Result<Vec<DncEntry>> {
        let mut query = Filtered::from(tenant_sql!("SELECT * FROM dnc WHERE tenant_id = :tenant"));
        query.and("number = :number", ":number", only.map(|n| n.as_str().to_owned()));
        query.and("id < :before", ":before", page.before.map(|c| c.id));
        query.clause(" ORDER BY id DESC LIMIT :rows");
        query.bind(":rows", page.limit());
        self.filtered(&query, |row| {
            Ok(DncEntry {
                id: DncId(row.get("id")?),
                campaign: row.get::<_, Option<i64>>("campaign_id")?.map(CampaignId),
                number: number(row, "number")?,
                reason: row.get("reason")?,
                added_at: Stamp(row.get("added_at")?),
            })
        })
    }

    /// Whether a number may not be dialled in a campaign.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_dnc(&self, campaign: CampaignId, number: &Number) -> Result<bool> {
        let sql = tenant_sql!(
            "SELECT 1 FROM dnc WHERE tenant_id = :tenant AND number = :number
               AND ifnull(campaign_id, 0) IN (0, :campaign)"
        );
        let params: crate::scope::Params<'_> =
            &[(":number", &number.as_str()), (":campaign", &campaign.0)];
        Ok(self.row(sql, params, |_| Ok(()))?.is_some())
    }
}

/// Puts a number on the list and finishes its leads; what is being dialled now finishes when it is
/// over. A number that is there already keeps its first reason.
pub(crate) fn add(
    edit: &mut Edit<'_>,
    campaign: Option<CampaignId>,
    number: &Number,
    reason: &str,
) -> Result<Applied> {
    let scope = campaign.map(|c| c.0);
    let known = tenant_sql!(
        "SELECT id FROM dnc WHERE tenant_id = :tenant AND number = :number
           AND ifnull(campaign_id, 0) = ifnull(:campaign, 0)"
    );
    let params: crate::scope::Params<'_> = &[(":number", &number.as_str()), (":campaign", &scope)];
    if let Some(id) = edit.row(known, params, |row| Ok(row.get(0)?))? {
        return Ok(Applied::Id(id));
    }
    let sql = tenant_sql!(
        "INSERT INTO dnc (tenant_id, campaign_id, number, reason, added_at)
         VALUES (:tenant, :campaign, :number, :reason, :at)"
    );
    let id = edit.insert(
        sql,
        &[
            (":campaign", &scope),
            (":number", &number.as_str()),
            (":reason", &reason),
            (":at", &edit.at().0),
        ],
    )?;
    let leads = tenant_sql!(
        "SELECT id FROM leads WHERE tenant_id = :tenant AND number = :number AND campaign_id IN
           (SELECT id FROM campaigns
            WHERE tenant_id = :tenant AND (:campaign IS NULL OR id = :campaign))"
    );
    for lead in edit.rows(leads, params, |row| Ok(call::LeadId(row.get(0)?)))? {
        crate::leads::stop(edit, lead, lead::Event::DoNotCall)?;
    }
    edit.event(Event {
        kind: "dnc_added",
        row: id,
        payload: json!({ "campaign": scope }),
        personal: Some(Personal { lead: call::LeadId(0), text: number.as_str() }),
    })?;
    Ok(Applied::Id(id))
}

pub(crate) fn remove(edit: &mut Edit<'_>, id: DncId) -> Result<Applied> {
    let sql = tenant_sql!(
        "DELETE FROM dnc WHERE tenant_id = :tenant AND id = :id RETURNING number, campaign_id"
    );
    let gone: Option<(String, Option<i64>)> =
        edit.row(sql, &[(":id", &id.0)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (number, campaign) = gone.ok_or(Error::NotFound { what: "do-not-call entry", id: id.0 })?;
    let personal = Some(Personal { lead: call::LeadId(0), text: &number });
    let payload = json!({ "campaign": campaign });
    edit.event(Event { kind: "dnc_removed", row: id.0, payload, personal })?;
    Ok(Applied::Done)
}
