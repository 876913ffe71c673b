//! The kernel's DAHDI interface in numbers: calls, structures, flags.
//!
//! Written from the facts of its header (`dahdi/user.h`); `layout.txt` beside this file holds
//! what a C compiler makes of that header, the test below compares, and the guest test makes the
//! file anew and compares that.

// nix makes an unsafe function of each ioctl; `device.rs` is the only one to call them.
#![allow(unsafe_code)]

use std::ffi::{c_char, c_int, c_ulong};
use std::mem::size_of;

/// The letter of DAHDI's ioctls.
const CODE: u8 = 0xDA;

const SET_BLOCKSIZE: c_ulong = nix::request_code_write!(CODE, 1, size_of::<c_int>());
const FLUSH: c_ulong = nix::request_code_write!(CODE, 3, size_of::<c_int>());
const GET_EVENT: c_ulong = nix::request_code_read!(CODE, 8, size_of::<c_int>());
const SPAN_STAT: c_ulong = nix::request_code_readwrite!(CODE, 10, size_of::<SpanStat>());
const MAINT: c_ulong = nix::request_code_write!(CODE, 11, size_of::<Maintenance>());
const SPAN_CONFIG: c_ulong = nix::request_code_write!(CODE, 18, size_of::<LineConfig>());
const CHAN_CONFIG: c_ulong = nix::request_code_write!(CODE, 19, size_of::<ChanConfig>());
const SET_BUFFERS: c_ulong = nix::request_code_write!(CODE, 27, size_of::<Buffers>());
const AUDIO_MODE: c_ulong = nix::request_code_write!(CODE, 32, size_of::<c_int>());
const ECHO_CANCEL: c_ulong = nix::request_code_write!(CODE, 33, size_of::<c_int>());
const SPECIFY: c_ulong = nix::request_code_write!(CODE, 38, size_of::<c_int>());
const ATTACH_ECHOCAN: c_ulong = nix::request_code_write!(CODE, 59, size_of::<AttachEchocan>());
const STARTUP: c_ulong = nix::request_code_write!(CODE, 99, size_of::<c_int>());
const SHUTDOWN: c_ulong = nix::request_code_write!(CODE, 100, size_of::<c_int>());
const BUFFER_EVENTS: c_ulong = nix::request_code_write!(CODE, 105, size_of::<c_int>());

nix::ioctl_write_ptr_bad!(set_blocksize, SET_BLOCKSIZE, c_int);
nix::ioctl_write_ptr_bad!(flush, FLUSH, c_int);
nix::ioctl_read_bad!(get_event, GET_EVENT, c_int);
nix::ioctl_readwrite_bad!(span_stat, SPAN_STAT, SpanStat);
nix::ioctl_write_ptr_bad!(maint, MAINT, Maintenance);
nix::ioctl_write_ptr_bad!(span_config, SPAN_CONFIG, LineConfig);
nix::ioctl_write_ptr_bad!(chan_config, CHAN_CONFIG, ChanConfig);
nix::ioctl_write_ptr_bad!(set_buffers, SET_BUFFERS, Buffers);
nix::ioctl_write_ptr_bad!(audio_mode, AUDIO_MODE, c_int);
nix::ioctl_write_ptr_bad!(echo_cancel, ECHO_CANCEL, c_int);
nix::ioctl_write_ptr_bad!(specify, SPECIFY, c_int);
nix::ioctl_write_ptr_bad!(attach_echocan, ATTACH_ECHOCAN, AttachEchocan);
nix::ioctl_write_ptr_bad!(startup, STARTUP, c_int);
nix::ioctl_write_ptr_bad!(shutdown, SHUTDOWN, c_int);
nix::ioctl_write_ptr_bad!(buffer_events, BUFFER_EVENTS, c_int);

/// `struct dahdi_spaninfo`.
#[repr(C, packed)]
#[derive(Clone, Copy)]
pub struct SpanStat {
    pub spanno: c_int,
    pub name: [c_char; 20],
    pub desc: [c_char; 40],
    pub alarms: c_int,
    pub txlevel: c_int,
    pub rxlevel: c_int,
    pub bpvcount: c_int,
    pub crc4count: c_int,
    pub ebitcount: c_int,
    pub fascount: c_int,
    pub fecount: u32,
    pub cvcount: u32,
    pub becount: u32,
    pub prbs: u32,
    pub errsec: u32,
    pub irqmisses: c_int,
    pub syncsrc: c_int,
    pub numchans: c_int,
    pub totalchans: c_int,
    pub totalspans: c_int,
    pub lbo: c_int,
    pub lineconfig: c_int,
    pub lboname: [c_char; 40],
    pub location: [c_char; 40],
    pub manufacturer: [c_char; 40],
    pub devicetype: [c_char; 40],
    pub irq: c_int,
    pub linecompat: c_int,
    pub spantype: [c_char; 6],
}

impl SpanStat {
    /// A question about one span.
    pub const fn of(span: c_int) -> SpanStat {
        SpanStat {
            spanno: span,
            name: [0; 20],
            desc: [0; 40],
            alarms: 0,
            txlevel: 0,
            rxlevel: 0,
            bpvcount: 0,
            crc4count: 0,
            ebitcount: 0,
            fascount: 0,
            fecount: 0,
            cvcount: 0,
            becount: 0,
            prbs: 0,
            errsec: 0,
            irqmisses: 0,
            syncsrc: 0,
            numchans: 0,
            totalchans: 0,
            totalspans: 0,
            lbo: 0,
            lineconfig: 0,
            lboname: [0; 40],
            location: [0; 40],
            manufacturer: [0; 40],
            devicetype: [0; 40],
            irq: 0,
            linecompat: 0,
            spantype: [0; 6],
        }
    }
}

/// `struct dahdi_maintinfo`.
#[repr(C)]
pub struct Maintenance {
    pub spanno: c_int,
    pub command: c_int,
}

/// `struct dahdi_lineconfig`.
#[repr(C)]
pub struct LineConfig {
    pub span: c_int,
    pub name: [c_char; 20],
    pub lbo: c_int,
    pub lineconfig: c_int,
    pub sync: c_int,
}

/// `struct dahdi_chanconfig`.
#[repr(C)]
pub struct ChanConfig {
    pub chan: c_int,
    pub name: [c_char; 40],
    pub sigtype: c_int,
    pub deflaw: c_int,
    pub master: c_int,
    pub idlebits: c_int,
    pub netdev_name: [c_char; 16],
}

/// `struct dahdi_bufferinfo`.
#[repr(C)]
pub struct Buffers {
    pub txbufpolicy: c_int,
    pub rxbufpolicy: c_int,
    pub numbufs: c_int,
    pub bufsize: c_int,
    pub readbufs: c_int,
    pub writebufs: c_int,
}

/// `struct dahdi_attach_echocan`.
#[repr(C)]
pub struct AttachEchocan {
    pub chan: c_int,
    pub echocan: [c_char; 16],
}

/// Signalling in a common channel: no CAS multiframe in slot 16.
pub const CONFIG_CCS: c_int = 1 << 8;
/// Line code AMI.
pub const CONFIG_AMI: c_int = 1 << 6;
/// Line code HDB3.
pub const CONFIG_HDB3: c_int = 1 << 9;
/// CRC-4 multiframe.
pub const CONFIG_CRC4: c_int = 1 << 10;

/// A channel of plain octets.
pub const SIG_CLEAR: c_int = 1 << 7;
/// A channel of HDLC frames whose FCS the kernel makes and checks.
pub const SIG_HDLCFCS: c_int = (1 << 9) | (1 << 8) | SIG_CLEAR;
/// A-law.
pub const LAW_ALAW: c_int = 2;

/// A buffer is handed on as soon as it is full, and sent as soon as it is written.
pub const POLICY_IMMEDIATE: c_int = 0;
/// Both directions and the events.
pub const FLUSH_ALL: c_int = 7;

/// The signal is back and has to hold first.
pub const ALARM_RECOVER: c_int = 1 << 0;
/// A loop is closed.
pub const ALARM_LOOPBACK: c_int = 1 << 1;
/// The far end does not receive us.
pub const ALARM_YELLOW: c_int = 1 << 2;
/// We receive nothing.
pub const ALARM_RED: c_int = 1 << 3;
/// The far end sends all ones.
pub const ALARM_BLUE: c_int = 1 << 4;
/// The span is switched off.
pub const ALARM_NOTOPEN: c_int = 1 << 5;

/// No loop.
pub const MAINT_NONE: c_int = 0;
/// Our octets come back to us.
pub const MAINT_LOCALLOOP: c_int = 1;
/// The far end's octets go back to it.
pub const MAINT_NETWORKLINELOOP: c_int = 2;

/// A frame was broken off.
pub const EVENT_ABORT: c_int = 6;
/// A frame was too long or came too fast.
pub const EVENT_OVERRUN: c_int = 7;
/// A frame had a wrong FCS.
pub const EVENT_BADFCS: c_int = 8;
/// The device is gone.
pub const EVENT_REMOVED: c_int = 20;
/// Octets came faster than they were read.
pub const EVENT_READ_OVERRUN: c_int = 29;
/// There was nothing to send.
pub const EVENT_WRITE_UNDERRUN: c_int = 30;

/// The error that says: events wait, take them first.
pub const ELAST: i32 = 500;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::mem::offset_of;

    /// What the C compiler says, by "kind name".
    fn header() -> BTreeMap<&'static str, u64> {
        let lines = include_str!("layout.txt").lines();
        let number = |word: &str| match word.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16),
            None => word.parse(),
        };
        lines.map(|l| l.rsplit_once(' ').unwrap()).map(|(k, v)| (k, number(v).unwrap())).collect()
    }

    #[test]
    fn calls_structures_and_flags_are_those_of_the_header() {
        let ours: BTreeMap<&str, u64> = [
            ("call DAHDI_SET_BLOCKSIZE", SET_BLOCKSIZE),
            ("call DAHDI_FLUSH", FLUSH),
            ("call DAHDI_GETEVENT", GET_EVENT),
            ("call DAHDI_SPANSTAT", SPAN_STAT),
            ("call DAHDI_MAINT", MAINT),
            ("call DAHDI_SPANCONFIG", SPAN_CONFIG),
            ("call DAHDI_CHANCONFIG", CHAN_CONFIG),
            ("call DAHDI_SET_BUFINFO", SET_BUFFERS),
            ("call DAHDI_AUDIOMODE", AUDIO_MODE),
            ("call DAHDI_ECHOCANCEL", ECHO_CANCEL),
            ("call DAHDI_SPECIFY", SPECIFY),
            ("call DAHDI_ATTACH_ECHOCAN", ATTACH_ECHOCAN),
            ("call DAHDI_STARTUP", STARTUP),
            ("call DAHDI_SHUTDOWN", SHUTDOWN),
            ("call DAHDI_BUFFER_EVENTS", BUFFER_EVENTS),
            ("size dahdi_spaninfo", size_of::<SpanStat>() as u64),
            ("place dahdi_spaninfo.spanno", offset_of!(SpanStat, spanno) as u64),
            ("place dahdi_spaninfo.name", offset_of!(SpanStat, name) as u64),
            ("place dahdi_spaninfo.desc", offset_of!(SpanStat, desc) as u64),
            ("place dahdi_spaninfo.alarms", offset_of!(SpanStat, alarms) as u64),
            ("place dahdi_spaninfo.bpvcount", offset_of!(SpanStat, bpvcount) as u64),
            ("place dahdi_spaninfo.crc4count", offset_of!(SpanStat, crc4count) as u64),
            ("place dahdi_spaninfo.ebitcount", offset_of!(SpanStat, ebitcount) as u64),
            ("place dahdi_spaninfo.fascount", offset_of!(SpanStat, fascount) as u64),
            ("place dahdi_spaninfo.fecount", offset_of!(SpanStat, fecount) as u64),
            ("place dahdi_spaninfo.cvcount", offset_of!(SpanStat, cvcount) as u64),
            ("place dahdi_spaninfo.irqmisses", offset_of!(SpanStat, irqmisses) as u64),
            ("place dahdi_spaninfo.syncsrc", offset_of!(SpanStat, syncsrc) as u64),
            ("place dahdi_spaninfo.numchans", offset_of!(SpanStat, numchans) as u64),
            ("place dahdi_spaninfo.totalchans", offset_of!(SpanStat, totalchans) as u64),
            ("place dahdi_spaninfo.lineconfig", offset_of!(SpanStat, lineconfig) as u64),
            ("place dahdi_spaninfo.linecompat", offset_of!(SpanStat, linecompat) as u64),
            ("place dahdi_spaninfo.spantype", offset_of!(SpanStat, spantype) as u64),
            ("size dahdi_maintinfo", size_of::<Maintenance>() as u64),
            ("place dahdi_maintinfo.spanno", offset_of!(Maintenance, spanno) as u64),
            ("place dahdi_maintinfo.command", offset_of!(Maintenance, command) as u64),
            ("size dahdi_lineconfig", size_of::<LineConfig>() as u64),
            ("place dahdi_lineconfig.span", offset_of!(LineConfig, span) as u64),
            ("place dahdi_lineconfig.name", offset_of!(LineConfig, name) as u64),
            ("place dahdi_lineconfig.lbo", offset_of!(LineConfig, lbo) as u64),
            ("place dahdi_lineconfig.lineconfig", offset_of!(LineConfig, lineconfig) as u64),
            ("place dahdi_lineconfig.sync", offset_of!(LineConfig, sync) as u64),
            ("size dahdi_chanconfig", size_of::<ChanConfig>() as u64),
            ("place dahdi_chanconfig.chan", offset_of!(ChanConfig, chan) as u64),
            ("place dahdi_chanconfig.name", offset_of!(ChanConfig, name) as u64),
            ("place dahdi_chanconfig.sigtype", offset_of!(ChanConfig, sigtype) as u64),
            ("place dahdi_chanconfig.deflaw", offset_of!(ChanConfig, deflaw) as u64),
            ("place dahdi_chanconfig.master", offset_of!(ChanConfig, master) as u64),
            ("place dahdi_chanconfig.idlebits", offset_of!(ChanConfig, idlebits) as u64),
            ("place dahdi_chanconfig.netdev_name", offset_of!(ChanConfig, netdev_name) as u64),
            ("size dahdi_bufferinfo", size_of::<Buffers>() as u64),
            ("place dahdi_bufferinfo.txbufpolicy", offset_of!(Buffers, txbufpolicy) as u64),
            ("place dahdi_bufferinfo.rxbufpolicy", offset_of!(Buffers, rxbufpolicy) as u64),
            ("place dahdi_bufferinfo.numbufs", offset_of!(Buffers, numbufs) as u64),
            ("place dahdi_bufferinfo.bufsize", offset_of!(Buffers, bufsize) as u64),
            ("place dahdi_bufferinfo.readbufs", offset_of!(Buffers, readbufs) as u64),
            ("place dahdi_bufferinfo.writebufs", offset_of!(Buffers, writebufs) as u64),
            ("size dahdi_attach_echocan", size_of::<AttachEchocan>() as u64),
            ("place dahdi_attach_echocan.chan", offset_of!(AttachEchocan, chan) as u64),
            ("place dahdi_attach_echocan.echocan", offset_of!(AttachEchocan, echocan) as u64),
            ("value DAHDI_CONFIG_CCS", CONFIG_CCS as u64),
            ("value DAHDI_CONFIG_AMI", CONFIG_AMI as u64),
            ("value DAHDI_CONFIG_HDB3", CONFIG_HDB3 as u64),
            ("value DAHDI_CONFIG_CRC4", CONFIG_CRC4 as u64),
            ("value DAHDI_SIG_CLEAR", SIG_CLEAR as u64),
            ("value DAHDI_SIG_HDLCFCS", SIG_HDLCFCS as u64),
            ("value DAHDI_LAW_ALAW", LAW_ALAW as u64),
            ("value DAHDI_POLICY_IMMEDIATE", POLICY_IMMEDIATE as u64),
            ("value DAHDI_FLUSH_ALL", FLUSH_ALL as u64),
            ("value DAHDI_ALARM_RECOVER", ALARM_RECOVER as u64),
            ("value DAHDI_ALARM_LOOPBACK", ALARM_LOOPBACK as u64),
            ("value DAHDI_ALARM_YELLOW", ALARM_YELLOW as u64),
            ("value DAHDI_ALARM_RED", ALARM_RED as u64),
            ("value DAHDI_ALARM_BLUE", ALARM_BLUE as u64),
            ("value DAHDI_ALARM_NOTOPEN", ALARM_NOTOPEN as u64),
            ("value DAHDI_MAINT_NONE", MAINT_NONE as u64),
            ("value DAHDI_MAINT_LOCALLOOP", MAINT_LOCALLOOP as u64),
            ("value DAHDI_MAINT_NETWORKLINELOOP", MAINT_NETWORKLINELOOP as u64),
            ("value DAHDI_EVENT_ABORT", EVENT_ABORT as u64),
            ("value DAHDI_EVENT_OVERRUN", EVENT_OVERRUN as u64),
            ("value DAHDI_EVENT_BADFCS", EVENT_BADFCS as u64),
            ("value DAHDI_EVENT_READ_OVERRUN", EVENT_READ_OVERRUN as u64),
            ("value DAHDI_EVENT_WRITE_UNDERRUN", EVENT_WRITE_UNDERRUN as u64),
            ("value DAHDI_EVENT_REMOVED", EVENT_REMOVED as u64),
            ("value ELAST", ELAST as u64),
        ]
        .into_iter()
        .collect();
        let header = header();
        for (name, number) in &ours {
            assert_eq!(header.get(name), Some(number), "{name}");
        }
        assert_eq!(ours.len(), header.len());
    }
}
