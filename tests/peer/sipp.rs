//! SIPp as the trunk and the customers behind it. What a customer does is told by the last digit of
//! the number that is dialled:
//!
//! | digit | customer |
//! | --- | --- |
//! | 0-2 | answers, and hangs up after [`TALK`] |
//! | 3-5 | answers, and waits for the agent to hang up |
//! | 6 | is busy (486) |
//! | 7 | lets it ring (CANCEL, 487) |
//! | 8 | does not exist (404) |
//! | 9 | refuses (603) |

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::tone;

/// How long a customer talks who hangs up.
pub const TALK: Duration = Duration::from_secs(4);

/// What customers of a trunk are heard to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// A tone of so many Hz.
    Tone(u32),
    /// What they hear.
    Echo,
}

/// What comes of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// A talk that the customer ends.
    CustomerLeaves,
    /// A talk that the agent ends.
    AgentLeaves,
    /// 486.
    Busy,
    /// It rings out.
    NoAnswer,
    /// 404.
    Unallocated,
    /// 603.
    Refused,
}

/// What comes of this number.
#[must_use]
pub fn fate_of(number: &str) -> Fate {
    match number.chars().last() {
        Some('0'..='2') => Fate::CustomerLeaves,
        Some('3'..='5') => Fate::AgentLeaves,
        Some('6') => Fate::Busy,
        Some('7') => Fate::NoAnswer,
        Some('8') => Fate::Unallocated,
        _ => Fate::Refused,
    }
}

/// A running trunk.
pub struct Sipp {
    process: Child,
    folder: PathBuf,
}

impl Sipp {
    /// Starts a trunk at `127.0.0.<host>:5060`.
    #[must_use]
    pub fn start(dir: &Path, host: u8, voice: Voice) -> Sipp {
        let folder = dir.join(format!("sipp-{host}"));
        fs::create_dir_all(&folder).unwrap();
        let say = match voice {
            Voice::Tone(tone_hz) => {
                fs::write(folder.join("tone.al"), tone::alaw_of_tone(tone_hz, 60)).unwrap();
                "<nop><action><exec rtp_stream=\"tone.al,-1,8\"/></action></nop>"
            }
            Voice::Echo => "",
        };
        let talk_ms = TALK.as_millis().to_string();
        let scenario = SCENARIO.replace("@SAY@", say).replace("@TALK@", &talk_ms);
        fs::write(folder.join("customers.xml"), scenario).unwrap();
        let address = format!("127.0.0.{host}");
        let mut command = Command::new("sipp");
        command
            .args(["-sf", "customers.xml", "-i", &address, "-mi", &address, "-p", "5060"])
            .args(["-mp", "16000", "-nostdin", "-nd", "-trace_err"])
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(fs::File::create(folder.join("screen")).unwrap())
            .stderr(fs::File::create(folder.join("errors")).unwrap());
        if voice == Voice::Echo {
            command.arg("-rtp_echo");
        }
        let process = command.spawn().expect("sipp is installed by make setup");
        Sipp { process, folder }
    }

    /// What went wrong in its eyes.
    #[must_use]
    pub fn errors(&self) -> String {
        let files = fs::read_dir(&self.folder).unwrap().filter_map(Result::ok);
        let errors = files.filter(|file| file.file_name().to_string_lossy().contains("errors"));
        errors.filter_map(|file| fs::read_to_string(file.path()).ok()).collect()
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
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
<send><![CDATA[
SIP/2.0 180 Ringing
[last_Via:]
[last_From:]
[last_To:];tag=[pid]c[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:customer@[local_ip]:[local_port]>
Content-Length: 0

]]></send>
<pause milliseconds="700"/>
<send retrans="500"><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=[pid]c[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:customer@[local_ip]:[local_port]>
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [media_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [auto_media_port] RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:20
]]></send>
<recv request="ACK" crlf="true"><action>
  <ereg regexp="[^ ].*" search_in="hdr" header="From:" assign_to="far"/>
  <ereg regexp="[^ ].*" search_in="hdr" header="To:" assign_to="near"/>
</action></recv>
@SAY@
<nop next="1" test="leaves"/>
<recv request="BYE"/>
<send next="3"><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
<label id="1"/>
<recv request="BYE" optional="true" next="2"/>
<pause milliseconds="@TALK@"/>
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
<recv response="200" next="3"/>
<label id="2"/>
<send next="3"><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
<label id="5"/>
<send retrans="500"><![CDATA[
SIP/2.0 603 Decline
[last_Via:]
[last_From:]
[last_To:];tag=[pid]c[call_number]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
<recv request="ACK" next="3"/>
<label id="6"/>
<send retrans="500"><![CDATA[
SIP/2.0 486 Busy Here
[last_Via:]
[last_From:]
[last_To:];tag=[pid]c[call_number]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
<recv request="ACK" next="3"/>
<label id="7"/>
<send><![CDATA[
SIP/2.0 180 Ringing
[last_Via:]
[last_From:]
[last_To:];tag=[pid]c[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:customer@[local_ip]:[local_port]>
Content-Length: 0

]]></send>
<recv request="CANCEL"/>
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=[pid]c[call_number]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
<send retrans="500"><![CDATA[
SIP/2.0 487 Request Terminated
[last_Via:]
[last_From:]
[last_To:];tag=[pid]c[call_number]
[last_Call-ID:]
CSeq: [last_cseq_number] INVITE
Content-Length: 0

]]></send>
<recv request="ACK" next="3"/>
<label id="8"/>
<send retrans="500"><![CDATA[
SIP/2.0 404 Not Found
[last_Via:]
[last_From:]
[last_To:];tag=[pid]c[call_number]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
<recv request="ACK" next="3"/>
<label id="9"/>
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=[pid]c[call_number]
[last_Call-ID:]
[last_CSeq:]
Allow: INVITE, ACK, CANCEL, BYE, OPTIONS
Content-Length: 0

]]></send>
<label id="3"/>
</scenario>
"#;
