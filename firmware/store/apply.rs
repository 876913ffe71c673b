//! Which function does which change: a table, nothing more.

use crate::alarms::Which;
use crate::error::Result;
use crate::job::{Applied, BoxChange, TenantChange};
use crate::scope::{BoxEdit, Edit};
use crate::{
    accounts, agent_states, agents, alarms, attempts, batches, calls, campaigns, dnc, leads,
    numbers, persons, recordings, rules, sessions, settings, spans, trunks,
};

pub(crate) fn to_box(edit: &mut BoxEdit<'_>, change: &BoxChange) -> Result<Applied> {
    match change {
        BoxChange::BeginEpoch => settings::begin_epoch(edit),
        BoxChange::AddTenant { name } => settings::add_tenant(edit, name),
        BoxChange::OpenTenant { name, administrator } => {
            settings::open_tenant(edit, name, administrator)
        }
        BoxChange::SaveTrunk(trunk) => trunks::save(edit, trunk),
        BoxChange::GrantTrunk { trunk, tenant, calls_max, caller_id } => {
            trunks::grant(edit, *trunk, *tenant, *calls_max, caller_id.as_deref())
        }
        BoxChange::RevokeTrunk { trunk, tenant } => trunks::revoke(edit, *trunk, *tenant),
        BoxChange::SaveSpan(span) => spans::save(edit, span),
        BoxChange::NoteRestart { span, slot } => spans::note_restart(edit, *span, *slot),
        BoxChange::SaveNumbers(numbers) => numbers::save(edit, numbers),
        BoxChange::RemoveNumbers { trunk, numbers } => numbers::remove(edit, *trunk, numbers),
        BoxChange::SetSetting { key, value } => settings::set_for_box(edit, key, value),
        BoxChange::BumpDesired => settings::bump_desired(edit),
        BoxChange::ReserveRecordings { count } => recordings::reserve(edit, *count),
        BoxChange::RaiseAlarm { tenant, kind, subject, severity, detail } => {
            let which = Which { tenant: *tenant, kind, subject };
            alarms::raise(edit, &which, *severity, detail)
        }
        BoxChange::ClearAlarm { tenant, kind, subject } => {
            alarms::clear(edit, &Which { tenant: *tenant, kind, subject })
        }
        BoxChange::NoteGuessing { who, until } => sessions::note_guessing(edit, who, *until),
        BoxChange::PruneSessions => sessions::prune(edit),
    }
}

pub(crate) fn to_tenant(edit: &mut Edit<'_>, change: &TenantChange) -> Result<Applied> {
    match change {
        TenantChange::SavePerson(person) => persons::save(edit, person),
        TenantChange::SetPassword { person, hash, must_change } => {
            persons::set_password(edit, *person, hash, *must_change)
        }
        TenantChange::NoteLogin { person, good, locked_until } => {
            persons::note_login(edit, *person, *good, *locked_until)
        }
        TenantChange::OpenSession { person, token, expires_at, remote } => {
            sessions::open(edit, *person, *token, *expires_at, remote)
        }
        TenantChange::KeepSession { token, expires_at } => {
            sessions::keep(edit, *token, *expires_at)
        }
        TenantChange::CloseSession { token } => sessions::close(edit, *token),
        TenantChange::AddToken(token) => sessions::add_token(edit, token),
        TenantChange::RevokeToken(id) => sessions::revoke_token(edit, *id),
        TenantChange::SaveAccount(account) => accounts::save(edit, account),
        TenantChange::SaveAgent(agent) => agents::save(edit, agent),
        TenantChange::SaveAgentWithPerson(agent, person) => {
            agents::save_with_person(edit, agent, person)
        }
        TenantChange::NoteOrder { agent, order } => agents::note_order(edit, *agent, order),
        TenantChange::SaveCampaign { campaign, settings } => {
            campaigns::save(edit, *campaign, settings)
        }
        TenantChange::SetCampaignState { campaign, state } => {
            campaigns::set_state(edit, *campaign, *state)
        }
        TenantChange::SaveDispositions(list) => campaigns::save_dispositions(edit, list),
        TenantChange::AddDnc { campaign, number, reason } => {
            dnc::add(edit, *campaign, number, reason)
        }
        TenantChange::RemoveDnc(id) => dnc::remove(edit, *id),
        TenantChange::OpenBatch { campaign, file_name } => {
            batches::open(edit, *campaign, file_name)
        }
        TenantChange::ImportRows { batch, rows } => batches::import(edit, *batch, rows),
        TenantChange::CloseBatch(batch) => batches::close(edit, *batch),
        TenantChange::ClaimLeads { campaign, count, epoch } => {
            attempts::claim(edit, *campaign, *count, *epoch)
        }
        TenantChange::GiveBack(attempt) => attempts::give_back(edit, *attempt),
        TenantChange::AttemptProgress { attempt, progress } => {
            attempts::progress(edit, *attempt, progress)
        }
        TenantChange::EndAttempt { attempt, cause, by } => {
            attempts::end(edit, *attempt, *cause, *by)
        }
        TenantChange::SaveDisposition { attempt, category, label, note, call_back_at } => {
            attempts::dispose(edit, *attempt, *category, (label, note), *call_back_at)
        }
        TenantChange::WithdrawLead(lead) => leads::withdraw(edit, *lead),
        TenantChange::ReopenLead(lead) => leads::reopen(edit, *lead),
        TenantChange::EraseLead(lead) => leads::erase(edit, *lead),
        TenantChange::NoteCall(note) => calls::note(edit, note),
        TenantChange::StartRecording { recording, path } => {
            recordings::start(edit, *recording, path)
        }
        TenantChange::EndRecording { recording, ending } => {
            recordings::end(edit, *recording, *ending)
        }
        TenantChange::NoteListening { recording, download } => {
            recordings::note_listening(edit, *recording, *download)
        }
        TenantChange::AgentState(state) => agent_states::change(edit, state),
        TenantChange::SaveRule { prefix, allow, note } => rules::save(edit, prefix, *allow, note),
        TenantChange::RemoveRule(id) => rules::remove(edit, *id),
        TenantChange::SetSetting { key, value } => settings::set_for_tenant(edit, key, value),
    }
}
