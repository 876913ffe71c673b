//! What SIPp is told to do: its scenario, put together from the parts that come again in it.

use std::time::Duration;

use super::{Progress, TALK};

/// What SIPp plays to whoever is connected: a file beside the scenario, again and again, as A-law.
pub const SAY: &str = "<nop><action><exec rtp_stream=\"tone.al,-1,8\"/></action></nop>";

const SDP: &str = "v=0\n\
    o=- 1 1 IN IP4 [media_ip]\n\
    s=-\n\
    c=IN IP4 [media_ip]\n\
    t=0 0\n\
    m=audio @PORT@ RTP/AVP 8 101\n\
    a=rtpmap:8 PCMA/8000\n\
    a=rtpmap:101 telephone-event/8000\n\
    a=fmtp:101 0-15\n\
    a=ptime:20";

/// What one trunk does with its calls.
pub struct Customers<'a> {
    /// How it rings.
    pub progress: Progress,
    /// For how long.
    pub ring: Duration,
    /// What is heard: [`SAY`] or nothing.
    pub say: &'a str,
    /// Where the sound is, in SIPp's words.
    pub port: &'a str,
}

impl Customers<'_> {
    /// The scenario, as SIPp reads it.
    #[must_use]
    pub fn scenario(&self) -> String {
        let (early, late) = match self.progress {
            Progress::Ringing => (answer("", "180 Ringing", CONTACT), self.say),
            Progress::EarlyMedia => {
                let session = with_session("", "183 Session Progress");
                (format!("{session}\n{}", self.say), "")
            }
        };
        SCENARIO
            .replace("@PROGRESS@", &early)
            .replace("@CONNECT@", &with_session(REPEATED, "200 OK"))
            .replace("@BUSY@", &answer(REPEATED, "486 Busy Here", ""))
            .replace("@DECLINE@", &answer(REPEATED, "603 Decline", ""))
            .replace("@NOT_FOUND@", &answer(REPEATED, "404 Not Found", ""))
            .replace("@CANCELLED@", &answer("", "200 OK", ""))
            .replace(
                "@TERMINATED@",
                &of_the_invite(&answer(REPEATED, "487 Request Terminated", "")),
            )
            .replace("@OVER@", &in_dialog(&answer(" next=\"3\"", "200 OK", "")))
            .replace("@OPTIONS@", &answer("", "200 OK", ALLOW))
            .replace("@SAY@", late)
            .replace("@PORT@", self.port)
            .replace("@RING@", &self.ring.as_millis().to_string())
            .replace("@TALK@", &TALK.as_millis().to_string())
    }
}

/// A final answer to an INVITE, repeated until the ACK.
const REPEATED: &str = " retrans=\"500\"";
const CONTACT: &str = "Contact: <sip:customer@[local_ip]:[local_port]>\n";
const ALLOW: &str = "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS\n";
const TAG: &str = ";tag=[pid]c[call_number]";
const CSEQ: &str = "[last_CSeq:]";

/// An answer without a body to the latest request. `way`: attributes of SIPp's `send`; `more`: header
/// lines.
fn answer(way: &str, status: &str, more: &str) -> String {
    message(way, status, &format!("{more}Content-Length: 0\n"))
}

/// An answer with the session description of all of them.
fn with_session(way: &str, status: &str) -> String {
    let typed = "Content-Type: application/sdp\nContent-Length: [len]\n";
    message(way, status, &format!("{CONTACT}{typed}\n{SDP}"))
}

fn message(way: &str, status: &str, rest: &str) -> String {
    format!(
        "<send{way}><![CDATA[\nSIP/2.0 {status}\n[last_Via:]\n[last_From:]\n[last_To:]{TAG}\n\
         [last_Call-ID:]\n{CSEQ}\n{rest}\n]]></send>"
    )
}

/// The answer to the INVITE, where the latest request was its CANCEL.
fn of_the_invite(answer: &str) -> String {
    answer.replace(CSEQ, "CSeq: [last_cseq_number] INVITE")
}

/// The answer inside a dialog, where the far end has written our tag already.
fn in_dialog(answer: &str) -> String {
    answer.replace(TAG, "")
}

const SCENARIO: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="customers">
<recv request="OPTIONS" optional="true" next="9"/>
<recv request="INVITE" rrs="true"><action>
  <ereg regexp="INVITE sip:[^@]*[0-2]@" search_in="msg" assign_to="leaves"/>
  <ereg regexp="INVITE sip:[^@]*6@" search_in="msg" assign_to="busy"/>
  <ereg regexp="INVITE sip:[^@]*7@" search_in="msg" assign_to="silent"/>
  <ereg regexp="INVITE sip:[^@]*8@" search_in="msg" assign_to="unknown"/>
  <ereg regexp="INVITE sip:[^@]*9@" search_in="msg" assign_to="refuses"/>
</action></recv>
<nop next="6" test="busy"/>
<nop next="7" test="silent"/>
<nop next="8" test="unknown"/>
<nop next="5" test="refuses"/>
@PROGRESS@
<recv request="CANCEL" timeout="@RING@" ontimeout="10" next="11"/>
<label id="10"/>
@CONNECT@
<recv request="ACK" crlf="true"><action>
  <ereg regexp="[^ ].*" search_in="hdr" header="From:" assign_to="far"/>
  <ereg regexp="[^ ].*" search_in="hdr" header="To:" assign_to="near"/>
</action></recv>
@SAY@
<nop next="1" test="leaves"/>
<recv request="BYE"/>
@OVER@
<label id="1"/>
<recv request="BYE" timeout="@TALK@" ontimeout="12" next="2"/>
<label id="12"/>
<send retrans="500"><![CDATA[
BYE [next_url] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: [$near]
To: [$far]
[last_Call-ID:]
CSeq: 1 BYE
Content-Length: 0

]]></send>
<recv request="BYE" optional="true" next="2"/>
<recv response="200" next="3"/>
<label id="2"/>
@OVER@
<label id="5"/>
@DECLINE@
<recv request="ACK" next="3"/>
<label id="6"/>
@BUSY@
<recv request="ACK" next="3"/>
<label id="7"/>
@PROGRESS@
<recv request="CANCEL"/>
<label id="11"/>
@CANCELLED@
@TERMINATED@
<recv request="ACK" next="3"/>
<label id="8"/>
@NOT_FOUND@
<recv request="ACK" next="3"/>
<label id="9"/>
@OPTIONS@
<label id="3"/>
</scenario>
"#;
