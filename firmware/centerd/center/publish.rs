//! The live view, built from the machines.

use dialer::agent::State;
use link::LegRecord;

use super::Center;
use super::seats::read_tag;
use super::view::{AgentView, AttemptView, CallView, CampaignView, View};

impl Center {
    pub(super) fn build_view(&self) -> View {
        View {
            link_up: self.switch.is_up(),
            clock_sane: self.clock_sane,
            agents: self.seats.keys().filter_map(|id| Some((*id, self.agent_view(*id)?))).collect(),
            phones: self.phones.clone(),
            trunks: self.trunks.clone(),
            spans: self.spans.clone(),
            traces: self.traces.clone(),
            loops: self.loops.clone(),
            campaigns: self
                .campaigns
                .iter()
                .map(|(id, running)| (*id, self.campaign_view(*id, running)))
                .collect(),
            calls: self
                .legs
                .iter()
                .filter_map(|(leg, record)| Some((*leg, self.call_view(record)?)))
                .collect(),
            alarms: self.alarms.clone(),
            health: self.health.clone(),
            outbox: self.outbox.len(),
        }
    }

    fn agent_view(&self, id: call::AgentId) -> Option<AgentView> {
        let seat = self.seats.get(&id)?;
        let state = seat.machine.state();
        let of_attempt = state.attempt().and_then(|attempt| {
            let live = self.attempts.get(&attempt);
            let talked = self.talked.get(&id).filter(|talk| talk.attempt == attempt);
            match (live, talked) {
                (Some(live), _) => Some(AttemptView {
                    attempt,
                    lead: live.lead,
                    campaign: live.campaign,
                    number: live.number.as_str().to_owned(),
                }),
                (None, Some(talk)) => Some(AttemptView {
                    attempt,
                    lead: talk.lead,
                    campaign: talk.campaign,
                    number: talk.number.as_str().to_owned(),
                }),
                (None, None) => None,
            }
        });
        Some(AgentView {
            tenant: seat.tenant,
            state,
            since: seat.since,
            registered: seat.machine.snapshot().registered,
            leg: seat.leg,
            attempt: of_attempt.filter(|_| state != State::Ready),
        })
    }

    fn campaign_view(
        &self,
        id: call::CampaignId,
        running: &super::campaigns::Running,
    ) -> CampaignView {
        let dialing = self.attempts.values().filter(|live| live.campaign == id).count();
        CampaignView {
            tenant: running.tenant,
            dialing: u32::try_from(dialing).unwrap_or(u32::MAX),
            why_not: running.why_not.clone(),
        }
    }

    fn call_view(&self, record: &LegRecord) -> Option<CallView> {
        let (attempt, seat) = match read_tag(record.tag) {
            Some(Err(attempt)) => (Some(attempt), None),
            Some(Ok(agent)) => (None, Some(agent)),
            None => (None, None),
        };
        let live = attempt.and_then(|attempt| self.attempts.get(&attempt));
        let tenant = live
            .map(|live| live.tenant)
            .or_else(|| seat.and_then(|agent| self.seats.get(&agent)).map(|seat| seat.tenant))
            .or_else(|| self.tenant_of_line(record.line))?;
        Some(CallView {
            tenant,
            record: record.clone(),
            attempt,
            campaign: live.map(|live| live.campaign),
            agent: seat.or_else(|| live.and_then(|live| live.agent)),
            recording: record.recording,
        })
    }
}
