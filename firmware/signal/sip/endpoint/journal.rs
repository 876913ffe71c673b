//! What must outlive the process: dialogs that were up, contacts that were registered.
//!
//! A killed process leaves phones and providers in dead calls. Its successor finds the records in
//! its journal and ends each call: a confirmed one by BYE, one that still rang by CANCEL, one that had
//! come in and was not answered by a refusal.

use std::net::SocketAddr;

use call::Tick;

use super::{Asker, CallKey, Endpoint, Output};
use crate::sip::cause;
use crate::sip::dialog::{Dialog, Hop};
use crate::sip::flow::Flow;
use crate::sip::registrar::BindingRecord;
use crate::sip::session::State;
use crate::sip::wire::{
    HeaderName, Headers, Method, NameAddr, Request, Response, StatusCode, Uri, Via,
};

/// How far a recorded call was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Our INVITE was out; its branch is what its CANCEL needs.
    Ringing {
        /// The branch of the INVITE's Via.
        branch: String,
    },
    /// An INVITE waited for our answer; its Via values are the way back.
    Waiting {
        /// As they came, the topmost first.
        via: Vec<String>,
    },
    /// Both ends had agreed.
    Confirmed,
}

/// All that a BYE or CANCEL needs, in plain values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialogRecord {
    /// How far it was.
    pub stage: Stage,
    /// The Call-ID.
    pub call_id: String,
    /// Our address with tag, as in From.
    pub local: String,
    /// The far end's address with tag, as in To.
    pub remote: String,
    /// Our last sequence number; of a waiting call that of its INVITE.
    pub cseq: u32,
    /// The remote target (confirmed) or the INVITE's URI (ringing).
    pub target: String,
    /// The route set, next hop first.
    pub routes: Vec<String>,
    /// Where requests go.
    pub peer: SocketAddr,
}

impl Endpoint {
    /// The records of a call, for the journal; to be taken again at each phase. One, or one for each
    /// contact at which it rings; none for a call that is over.
    #[must_use]
    pub fn dialog_records(&self, call: CallKey) -> Vec<DialogRecord> {
        self.sessions_of(call).into_iter().filter_map(|call| self.record_of(call)).collect()
    }

    fn record_of(&self, call: CallKey) -> Option<DialogRecord> {
        let leg = self.legs.get(&call)?;
        match leg.session.snapshot().state {
            State::Calling | State::Proceeding | State::Cancelling { .. } => {
                let (invite, tx) = (leg.session.invite(), leg.invite?);
                let branch = self.transactions.branch_of(tx)?.to_owned();
                Some(DialogRecord {
                    stage: Stage::Ringing { branch },
                    call_id: invite.call_id.clone(),
                    local: invite.from.to_string(),
                    remote: invite.to.to_string(),
                    cseq: invite.cseq.number,
                    target: invite.uri.to_string(),
                    routes: Vec::new(),
                    peer: leg.session.far_end().peer,
                })
            }
            State::Answered | State::Leaving | State::Confirmed | State::Releasing => {
                let dialog = leg.session.dialog()?;
                Some(DialogRecord {
                    stage: Stage::Confirmed,
                    call_id: dialog.call_id.clone(),
                    local: dialog.local.to_string(),
                    remote: dialog.remote.to_string(),
                    cseq: dialog.local_cseq,
                    target: dialog.target.to_string(),
                    routes: dialog.routes.iter().map(NameAddr::to_string).collect(),
                    peer: dialog.next_hop().peer,
                })
            }
            State::Incoming => {
                let (dialog, invite) = (leg.session.dialog()?, leg.session.invite());
                Some(DialogRecord {
                    stage: Stage::Waiting { via: invite.via.iter().map(Via::to_string).collect() },
                    call_id: dialog.call_id.clone(),
                    local: dialog.local.to_string(),
                    remote: dialog.remote.to_string(),
                    cseq: invite.cseq.number,
                    target: invite.uri.to_string(),
                    routes: Vec::new(),
                    peer: leg.session.far_end().peer,
                })
            }
            State::Ended => None,
        }
    }

    /// Ends a call of a process before us. [`Output::RecordEnded`] tells when it is settled; a
    /// record that does not read is settled at once, unconfirmed.
    pub fn bye_from_record(&mut self, now: Tick, record: &DialogRecord) {
        let to = Flow::udp(record.peer);
        if let Stage::Waiting { via } = &record.stage {
            return self.refuse_from_record(now, record, via);
        }
        let asked = request_of(record).map(|mut request| {
            let reason = cause::reason_header(call::Cause::TemporaryFailure);
            request.headers.push(HeaderName::Reason, reason);
            request.headers.push(HeaderName::UserAgent, &self.config.agent);
            match &record.stage {
                Stage::Ringing { branch } => {
                    request.via = vec![self.transactions.via(to, branch)];
                    self.transactions.start(now, to, request)
                }
                Stage::Confirmed | Stage::Waiting { .. } => {
                    self.transactions.request(now, to, request)
                }
            }
        });
        let call_id = record.call_id.clone();
        match asked {
            Some(Ok(id)) => {
                self.asked.insert(id, Asker::Record(call_id));
            }
            Some(Err(_)) | None => {
                self.out.push_back(Output::RecordEnded { call_id, confirmed: false });
            }
        }
        self.settle(now);
    }

    /// The refusal of an INVITE that a process before us has let wait: it is repeated until its ACK.
    fn refuse_from_record(&mut self, now: Tick, record: &DialogRecord, via: &[String]) {
        let from = Flow::udp(record.peer);
        let via: Option<Vec<Via>> = via.iter().map(|via| Via::parse(via).ok()).collect();
        let invite = via.and_then(|via| Some(Request { via, ..request_of(record)? }));
        let opened = invite.and_then(|invite| {
            let tx = self.transactions.open(from, &invite).ok()?;
            Some((tx, invite))
        });
        if let Some((tx, invite)) = opened {
            let mut refusal = Response::to_request(&invite, StatusCode::TEMPORARILY_UNAVAILABLE);
            let reason = cause::reason_header(call::Cause::TemporaryFailure);
            refusal.headers.push(HeaderName::Reason, reason);
            refusal.headers.push(HeaderName::Server, &self.config.agent);
            self.transactions.respond(now, tx, &refusal);
        }
        let call_id = record.call_id.clone();
        self.out.push_back(Output::RecordEnded { call_id, confirmed: false });
        self.settle(now);
    }

    /// Every registered contact, for the journal.
    #[must_use]
    pub fn binding_records(&self, now: Tick) -> Vec<BindingRecord> {
        self.registrar.snapshot(now)
    }

    /// Takes over a contact of a process before us, if its account still exists.
    pub fn restore_binding(&mut self, now: Tick, record: &BindingRecord) {
        if self.config.accounts.iter().any(|account| account.id == record.account) {
            self.registrar.restore(now, record);
        }
        self.settle(now);
    }
}

fn request_of(record: &DialogRecord) -> Option<Request> {
    let address = |text: &str| {
        let mut headers = Headers::new();
        headers.push(HeaderName::Contact, text);
        headers.contact()
    };
    let mut dialog = Dialog {
        call_id: record.call_id.clone(),
        local: address(&record.local)?,
        remote: address(&record.remote)?,
        local_cseq: record.cseq,
        remote_cseq: None,
        routes: record.routes.iter().map(|route| address(route)).collect::<Option<_>>()?,
        target: Uri::parse(&record.target).ok()?,
        flow: Flow::udp(record.peer),
        hop: Hop::Symmetric,
    };
    Some(match record.stage {
        Stage::Ringing { .. } => {
            let mut cancel = dialog.ack(record.cseq);
            cancel.method = Method::Cancel;
            cancel.cseq.method = Method::Cancel;
            cancel
        }
        Stage::Confirmed => dialog.request(Method::Bye),
        // As the far end sent it, so that its answer is made from it.
        Stage::Waiting { .. } => {
            let mut invite = dialog.ack(record.cseq);
            core::mem::swap(&mut invite.from, &mut invite.to);
            invite.method = Method::Invite;
            invite.cseq.method = Method::Invite;
            invite
        }
    })
}
