/* Prints the numbers of the kernel's DAHDI interface as its own header has them: what
 * board/linux/dahdi/layout.txt says, one per line. */
#include <stddef.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <dahdi/user.h>

#define CALL(name) printf("call %s %#lx\n", #name, (unsigned long)(name) & 0xffffffff)
#define SIZE(type) printf("size %s %zu\n", #type, sizeof(struct type))
#define PLACE(type, field) printf("place %s.%s %zu\n", #type, #field, offsetof(struct type, field))
#define VALUE(name) printf("value %s %#x\n", #name, (unsigned)(name))

int main(void)
{
	CALL(DAHDI_SET_BLOCKSIZE);
	CALL(DAHDI_FLUSH);
	CALL(DAHDI_GETEVENT);
	CALL(DAHDI_SPANSTAT);
	CALL(DAHDI_MAINT);
	CALL(DAHDI_SPANCONFIG);
	CALL(DAHDI_CHANCONFIG);
	CALL(DAHDI_SET_BUFINFO);
	CALL(DAHDI_AUDIOMODE);
	CALL(DAHDI_ECHOCANCEL);
	CALL(DAHDI_SPECIFY);
	CALL(DAHDI_ATTACH_ECHOCAN);
	CALL(DAHDI_STARTUP);
	CALL(DAHDI_SHUTDOWN);
	CALL(DAHDI_BUFFER_EVENTS);

	SIZE(dahdi_spaninfo);
	PLACE(dahdi_spaninfo, spanno);
	PLACE(dahdi_spaninfo, name);
	PLACE(dahdi_spaninfo, desc);
	PLACE(dahdi_spaninfo, alarms);
	PLACE(dahdi_spaninfo, bpvcount);
	PLACE(dahdi_spaninfo, crc4count);
	PLACE(dahdi_spaninfo, ebitcount);
	PLACE(dahdi_spaninfo, fascount);
	PLACE(dahdi_spaninfo, fecount);
	PLACE(dahdi_spaninfo, cvcount);
	PLACE(dahdi_spaninfo, irqmisses);
	PLACE(dahdi_spaninfo, syncsrc);
	PLACE(dahdi_spaninfo, numchans);
	PLACE(dahdi_spaninfo, totalchans);
	PLACE(dahdi_spaninfo, lineconfig);
	PLACE(dahdi_spaninfo, linecompat);
	PLACE(dahdi_spaninfo, spantype);
	SIZE(dahdi_maintinfo);
	PLACE(dahdi_maintinfo, spanno);
	PLACE(dahdi_maintinfo, command);
	SIZE(dahdi_lineconfig);
	PLACE(dahdi_lineconfig, span);
	PLACE(dahdi_lineconfig, name);
	PLACE(dahdi_lineconfig, lbo);
	PLACE(dahdi_lineconfig, lineconfig);
	PLACE(dahdi_lineconfig, sync);
	SIZE(dahdi_chanconfig);
	PLACE(dahdi_chanconfig, chan);
	PLACE(dahdi_chanconfig, name);
	PLACE(dahdi_chanconfig, sigtype);
	PLACE(dahdi_chanconfig, deflaw);
	PLACE(dahdi_chanconfig, master);
	PLACE(dahdi_chanconfig, idlebits);
	PLACE(dahdi_chanconfig, netdev_name);
	SIZE(dahdi_bufferinfo);
	PLACE(dahdi_bufferinfo, txbufpolicy);
	PLACE(dahdi_bufferinfo, rxbufpolicy);
	PLACE(dahdi_bufferinfo, numbufs);
	PLACE(dahdi_bufferinfo, bufsize);
	PLACE(dahdi_bufferinfo, readbufs);
	PLACE(dahdi_bufferinfo, writebufs);
	SIZE(dahdi_attach_echocan);
	PLACE(dahdi_attach_echocan, chan);
	PLACE(dahdi_attach_echocan, echocan);

	VALUE(DAHDI_CONFIG_CCS);
	VALUE(DAHDI_CONFIG_AMI);
	VALUE(DAHDI_CONFIG_HDB3);
	VALUE(DAHDI_CONFIG_CRC4);
	VALUE(DAHDI_SIG_CLEAR);
	VALUE(DAHDI_SIG_HDLCFCS);
	VALUE(DAHDI_LAW_ALAW);
	VALUE(DAHDI_POLICY_IMMEDIATE);
	VALUE(DAHDI_FLUSH_ALL);
	VALUE(DAHDI_ALARM_RECOVER);
	VALUE(DAHDI_ALARM_LOOPBACK);
	VALUE(DAHDI_ALARM_YELLOW);
	VALUE(DAHDI_ALARM_RED);
	VALUE(DAHDI_ALARM_BLUE);
	VALUE(DAHDI_ALARM_NOTOPEN);
	VALUE(DAHDI_MAINT_NONE);
	VALUE(DAHDI_MAINT_LOCALLOOP);
	VALUE(DAHDI_MAINT_NETWORKLINELOOP);
	VALUE(DAHDI_EVENT_ABORT);
	VALUE(DAHDI_EVENT_OVERRUN);
	VALUE(DAHDI_EVENT_BADFCS);
	VALUE(DAHDI_EVENT_READ_OVERRUN);
	VALUE(DAHDI_EVENT_WRITE_UNDERRUN);
	VALUE(DAHDI_EVENT_REMOVED);
	VALUE(ELAST);
	return 0;
}
