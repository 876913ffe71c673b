/* An exchange or a PBX made of libpri, as the other end for our own ISDN.
 *
 * It speaks Q.921 and Q.931 over one D-channel, takes commands on standard input, one a line, and
 * tells events on standard output, one JSON object a line. It decides nothing that it was not told.
 *
 * The D-channel is a SOCK_SEQPACKET socket; one message is one frame without flags and stuffing:
 *     address(2) control(1|2) information [FCS(2)]
 * libpri always counts two octets of check sequence; they are made and checked here (--fcs) or
 * taken off and added (without).
 *
 *     libpri_peer --connect PATH | --listen PATH | --fd N   [--net | --cpe] [--fcs] [--overlap]
 *                 [--seed N] [--debug]
 *
 * Commands (words and key=value pairs, blanks between them):
 *     call called=N [from=N] [name=WORD] [pres=N] [redirecting=N] [channel=N] [exclusive=0|1]
 *          [count=N] [gap=MS] [hold=MS] [then=DIGITS]
 *                      places calls; hold is how long to talk, then hang up (0: wait for the other
 *                      end); then is dialled after SETUP ACKNOWLEDGE, a digit a message
 *     rule [ending=DIGITS] [proceed=0|1] [progress=MS] [alert=MS] [inband=0|1] [answer=MS]
 *          [reject=CAUSE] [clear=CAUSE] [hold=MS] [digits=N]
 *                      what becomes of calls whose number ends so; the latest rule that fits counts,
 *                      one without ending fits all. progress, alert, answer: after so many ms, -1
 *                      never. reject clears at once, clear when hold is over (default 16). digits:
 *                      so many make an overlap number complete. With proceed=0 libpri rejects a
 *                      fresh SETUP by DISCONNECT (but 1, 34, 44 and 88 by RELEASE COMPLETE), which
 *                      Q.931 does not have and libpri as the other end does not take
 *     dial CALL DIGITS | progress CALL | alert CALL | answer CALL | hangup CALL [CAUSE]
 *     restart CHANNEL  sends RESTART
 *     block CHANNEL | unblock CHANNEL      out of service: neither used nor accepted (cause 44)
 *     timer NAME VALUE                     a timer or counter of libpri: T203, N200, ... (ms)
 *     faults [drop=P] [corrupt=P] [double=P]   percent of frames, both directions, by the seed
 *     cut | mend       no frame passes, frames pass again
 *     count            answers how many calls there are
 *     quit
 *
 * Events: start, up, down, placed, ring, digits, setup-ack, proceeding, progress, alerting, connect,
 * connect-ack, disconnect, release, release-complete, restart, restart-ack, notify, keypad, glare,
 * refused, count, config-error, other, end; and for each call that is over one `record`.
 * CALL is our own number of a call, the same in all its events, counted from 1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <libpri.h>

#define CALLS_MAX 256 /* at once; a span has 30, a burst of rejected ones more */
#define RULES_MAX 64
#define NUMBER_MAX 64
#define FRAME_MAX 2048

static struct {
	int fd, node, fcs, overlap, debug;
	uint64_t seed;
} option = { .fd = -1, .node = PRI_NETWORK, .seed = 1 };

/* What becomes of an incoming call. Times in ms; -1 is never. */
struct rule {
	char ending[NUMBER_MAX];
	int proceed, progress, alert, inband, answer, reject, clear, hold, digits;
};

struct call {
	q931_call *handle;
	unsigned id;
	int incoming, cref, channel, channel_word, inband, answered, cause, cleared_here, clear, hold;
	char called[NUMBER_MAX], calling[NUMBER_MAX], then[NUMBER_MAX];
	const struct rule *rule;
	long progress_at, alert_at, answer_at, clear_at;
};

/* Calls still to be placed by one `call` command. */
struct order {
	char called[NUMBER_MAX], from[NUMBER_MAX], name[NUMBER_MAX], redirecting[NUMBER_MAX];
	char then[NUMBER_MAX];
	int channel, exclusive, left, gap, hold, pres;
	long next_at;
};

static struct call calls[CALLS_MAX];
static struct rule rules[RULES_MAX] = {
	{ .proceed = 1, .progress = -1, .alert = 0, .answer = 0, .clear = PRI_CAUSE_NORMAL_CLEARING },
};
static struct order orders[CALLS_MAX];
static int rule_count = 1;
static char blocked[32];
static struct {
	int drop, corrupt, twice, cut;
} fault;
static struct {
	unsigned long sent, received, bad_fcs, dropped, corrupted, doubled;
} count;
static unsigned last_id;
static int link_up, closed, quitting;
static long born;

/* --- Time, chance, words ---------------------------------------------------------------------- */

static long clock_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000L + t.tv_nsec / 1000000;
}

/* SplitMix64: the same seed spoils the same frames. */
static uint64_t chance(void)
{
	uint64_t z = option.seed += 0x9E3779B97F4A7C15u;
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

static int percent(int p)
{
	return p > 0 && chance() % 100 < (uint64_t)p;
}

static void copy(char *to, const char *from)
{
	snprintf(to, NUMBER_MAX, "%.*s", NUMBER_MAX - 1, from);
}

/* --- Events ------------------------------------------------------------------------------------ */

static void text(const char *key, const char *value)
{
	printf(",\"%s\":\"", key);
	for (; *value; value++)
		if (*value == '"' || *value == '\\')
			printf("\\%c", *value);
		else if ((unsigned char)*value < ' ' || (unsigned char)*value > '~')
			printf("\\u%04x", (unsigned char)*value);
		else
			putchar(*value);
	putchar('"');
}

static void number(const char *key, long value)
{
	printf(",\"%s\":%ld", key, value);
}

static void begin(const char *event)
{
	printf("{\"ms\":%ld,\"event\":\"%s\"", clock_ms() - born, event);
}

static void end(void)
{
	puts("}");
	fflush(stdout);
}

static void begin_call(const char *event, const struct call *call)
{
	begin(event);
	if (!call)
		return;
	number("call", call->id);
	number("cref", call->cref);
	number("channel", call->channel);
}

static void on_message(struct pri *pri, char *line)
{
	(void)pri;
	if (option.debug)
		fprintf(stderr, "%ld %s", clock_ms() - born, line);
}

/* --- The D-channel ------------------------------------------------------------------------------ */

static uint16_t check_sequence(const uint8_t *octets, int length)
{
	uint16_t sum = 0xFFFF;
	while (length-- > 0) {
		sum ^= *octets++;
		for (int bit = 0; bit < 8; bit++)
			sum = sum & 1 ? sum >> 1 ^ 0x8408 : sum >> 1;
	}
	return ~sum;
}

/* Flips up to 16 neighbouring bits, which the check sequence always sees. */
static void spoil(uint8_t *octets, int length)
{
	uint64_t dice = chance();
	int at = (dice >> 32) % (length - 1);
	octets[at] ^= dice | 1;
	octets[at + 1] ^= dice >> 8;
	count.corrupted++;
}

/* A frame waits here for its second arrival. */
static uint8_t again[FRAME_MAX];
static int again_length;

/* No wire doubles SABME or DISC; that would be a second request. */
static int may_double(const uint8_t *octets, int length)
{
	return length > 2 && (octets[2] & 3) != 3 && percent(fault.twice);
}

static int io_read(struct pri *pri, void *buffer, int room)
{
	(void)pri;
	uint8_t *octets = buffer;
	int length;
	if (again_length) {
		length = again_length;
		memcpy(octets, again, length);
		again_length = 0;
	} else {
		length = recv(option.fd, octets, room - 2, MSG_DONTWAIT);
		if (length == 0 || (length < 0 && errno != EAGAIN && errno != EINTR))
			closed = 1;
		if (length <= 0)
			return 0;
		count.received++;
		if (fault.cut || percent(fault.drop)) {
			count.dropped++;
			return 0;
		}
		if (length > 1 && percent(fault.corrupt))
			spoil(octets, length);
		if (length <= (int)sizeof again && may_double(octets, length)) {
			memcpy(again, octets, length);
			again_length = length;
			count.doubled++;
		}
	}
	if (!option.fcs) {
		memset(octets + length, 0, 2);
		return length + 2;
	}
	int carried = length < 4 ? -1 : octets[length - 2] | octets[length - 1] << 8;
	if (carried != check_sequence(octets, length - 2)) {
		count.bad_fcs++;
		return 0;
	}
	return length;
}

static int io_write(struct pri *pri, void *buffer, int length)
{
	(void)pri;
	uint8_t octets[FRAME_MAX];
	if (length < 2 || length > (int)sizeof octets)
		return -1;
	int sent = option.fcs ? length : length - 2;
	memcpy(octets, buffer, length);
	uint16_t sum = check_sequence(octets, length - 2);
	octets[length - 2] = sum;
	octets[length - 1] = sum >> 8;
	count.sent++;
	if (fault.cut || percent(fault.drop)) {
		count.dropped++;
		return length;
	}
	int copies = 1;
	if (may_double(octets, sent)) {
		copies = 2;
		count.doubled++;
	}
	if (percent(fault.corrupt))
		spoil(octets, sent);
	while (copies--)
		if (send(option.fd, octets, sent, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN)
			closed = 1;
	return length;
}

/* --- Calls --------------------------------------------------------------------------------------- */

/* The call reference value without its flag; negative if libpri knows no such call. Its own name for
 * it is that of GR-303, which splits off the three lowest bits. */
static int reference(struct pri *pri, q931_call *handle)
{
	int low = 0, high = pri_get_crv(pri, handle, &low);
	return high < 0 ? high : high << 3 | low;
}

static struct call *find(q931_call *handle)
{
	for (int n = 0; n < CALLS_MAX; n++)
		if (handle && calls[n].handle == handle)
			return &calls[n];
	return NULL;
}

static struct call *find_id(unsigned id)
{
	for (int n = 0; n < CALLS_MAX; n++)
		if (calls[n].handle && calls[n].id == id)
			return &calls[n];
	return NULL;
}

static struct call *add(struct pri *pri, q931_call *handle)
{
	for (int n = 0; n < CALLS_MAX; n++) {
		struct call *call = &calls[n];
		if (call->handle)
			continue;
		memset(call, 0, sizeof *call);
		call->handle = handle;
		call->id = ++last_id;
		call->cref = reference(pri, handle);
		return call;
	}
	return NULL;
}

static struct call *on_channel(int channel)
{
	for (int n = 0; n < CALLS_MAX; n++)
		if (calls[n].handle && calls[n].channel == channel)
			return &calls[n];
	return NULL;
}

/* An exchange hunts upwards and a PBX downwards, so that they seldom meet. 0: none is idle. */
static int idle_channel(void)
{
	for (int n = 1; n < 32; n++) {
		int channel = option.node == PRI_NETWORK ? n : 32 - n;
		if (channel != 16 && !blocked[channel] && !on_channel(channel))
			return channel;
	}
	return 0;
}

static void cleared(struct call *call, int cause, int here)
{
	if (call && !call->cause) {
		call->cause = cause;
		call->cleared_here = here;
	}
}

/* The call is over: its record. */
static void forget(struct call *call)
{
	if (!call)
		return;
	begin_call("record", call);
	text("direction", call->incoming ? "in" : "out");
	text("called", call->called);
	text("calling", call->calling);
	number("answered", call->answered);
	number("cause", call->cause);
	text("cleared", call->cleared_here ? "here" : "there");
	end();
	memset(call, 0, sizeof *call);
}

static void hang_up(struct pri *pri, struct call *call, int cause)
{
	call->progress_at = call->alert_at = call->answer_at = call->clear_at = 0;
	cleared(call, cause, 1);
	pri_hangup(pri, call->handle, cause);
	/* A call that was refused at once is over without an event. */
	if (reference(pri, call->handle) < 0)
		forget(call);
}

/* RESTART, ours or theirs: whoever talks on the channel is cleared without a word (Q.931 5.5). */
static void restarted(struct pri *pri, int channel, int here)
{
	struct call *call = on_channel(channel);
	if (!call)
		return;
	cleared(call, PRI_CAUSE_NORMAL_TEMPORARY_FAILURE, here);
	pri_destroycall(pri, call->handle);
	forget(call);
}

static void answered(struct call *call)
{
	call->answered = 1;
	if (call->hold > 0)
		call->clear_at = clock_ms() + call->hold;
}

static void place(struct pri *pri, struct order *order)
{
	int channel = order->channel ? order->channel : idle_channel();
	q931_call *handle = channel ? pri_new_call(pri) : NULL;
	struct call *call = handle ? add(pri, handle) : NULL;
	if (!call) {
		begin("refused");
		text("called", order->called);
		end();
		return;
	}
	struct pri_sr *setup = pri_sr_new();
	pri_sr_set_channel(setup, channel, order->exclusive, 0);
	pri_sr_set_bearer(setup, PRI_TRANS_CAP_3_1K_AUDIO, PRI_LAYER_1_ALAW);
	pri_sr_set_called(setup, order->called, PRI_UNKNOWN, !order->then[0]);
	if (order->from[0])
		pri_sr_set_caller(setup, order->from, order->name[0] ? order->name : NULL, PRI_NATIONAL_ISDN, order->pres);
	if (order->redirecting[0])
		pri_sr_set_redirecting(setup, order->redirecting, PRI_NATIONAL_ISDN, PRES_ALLOWED_NETWORK_NUMBER, PRI_REDIR_FORWARD_ON_BUSY);
	call->channel = channel;
	call->hold = order->hold;
	call->clear = PRI_CAUSE_NORMAL_CLEARING;
	copy(call->called, order->called);
	copy(call->calling, order->from);
	copy(call->then, order->then);
	begin_call("placed", call);
	text("called", call->called);
	text("calling", call->calling);
	end();
	if (pri_setup(pri, handle, setup))
		closed = 1;
	pri_sr_free(setup);
}

static const struct rule *rule_for(const char *called)
{
	for (int n = rule_count - 1; n > 0; n--) {
		size_t all = strlen(called), tail = strlen(rules[n].ending);
		if (tail <= all && !strcmp(called + all - tail, rules[n].ending))
			return &rules[n];
	}
	return &rules[0];
}

/* The number is complete: what its rule says begins now. */
static void offer(struct pri *pri, struct call *call)
{
	const struct rule *rule = call->rule = rule_for(call->called);
	long now = clock_ms();
	call->hold = rule->hold;
	call->clear = rule->clear;
	call->inband = rule->inband;
	if (rule->proceed)
		pri_proceeding(pri, call->handle, call->channel_word, 0);
	if (rule->reject) {
		hang_up(pri, call, rule->reject);
		return;
	}
	call->progress_at = rule->progress < 0 ? 0 : now + rule->progress;
	call->alert_at = rule->alert < 0 ? 0 : now + rule->alert;
	call->answer_at = rule->answer < 0 ? 0 : now + rule->answer;
}

/* The channel that an incoming call may have; 0: none. In a glare the exchange's call goes before. */
static int settle_channel(struct call *call, int wanted, int flexible)
{
	struct call *holder = on_channel(wanted);
	if (holder == call)
		holder = NULL;
	if (holder && !holder->incoming && !holder->answered) {
		begin_call("glare", holder);
		number("with", call->id);
		end();
		if (option.node == PRI_CPE)
			holder = NULL;
	}
	if (wanted > 0 && wanted < 32 && wanted != 16 && !blocked[wanted] && !holder)
		return wanted;
	return flexible ? idle_channel() : 0;
}

static void rung(struct pri *pri, pri_event_ring *ring)
{
	struct call *call = add(pri, ring->call);
	if (!call) {
		pri_hangup(pri, ring->call, PRI_CAUSE_SWITCH_CONGESTION);
		return;
	}
	int wanted = ring->channel & 0xFF;
	call->incoming = 1;
	call->cref = ring->cref;
	call->channel = wanted;
	copy(call->called, ring->callednum);
	copy(call->calling, ring->callingnum);
	begin_call("ring", call);
	text("called", ring->callednum);
	text("calling", ring->callingnum);
	text("name", ring->callingname);
	text("redirecting", ring->redirectingnum);
	number("pres", ring->callingpres);
	number("calledplan", ring->calledplan);
	number("callingplan", ring->callingplan);
	number("flexible", ring->flexible);
	number("complete", ring->complete);
	number("bearer", ring->ctype);
	number("law", ring->layer1);
	number("progressmask", ring->progressmask);
	end();
	int channel = settle_channel(call, wanted, ring->flexible);
	if (!channel) {
		hang_up(pri, call, PRI_CAUSE_REQUESTED_CHAN_UNAVAIL);
		return;
	}
	call->channel = channel;
	call->channel_word = (ring->channel & ~0xFF) | channel;
	int enough = rule_for(call->called)->digits;
	if (option.overlap && !ring->complete && (int)strlen(call->called) < enough)
		pri_need_more_info(pri, call->handle, call->channel_word, 0);
	else
		offer(pri, call);
}

static void more_digits(struct pri *pri, pri_event_ring *ring)
{
	struct call *call = find(ring->call);
	begin_call("digits", call);
	text("digits", ring->callednum);
	number("complete", ring->complete);
	end();
	if (!call || call->rule)
		return;
	size_t length = strlen(call->called);
	snprintf(call->called + length, sizeof call->called - length, "%s", ring->callednum);
	if (ring->complete || (int)strlen(call->called) >= rule_for(call->called)->digits)
		offer(pri, call);
}

static void dial(struct pri *pri, struct call *call, const char *digits)
{
	for (; *digits; digits++)
		pri_information(pri, call->handle, *digits);
}

/* An event of a call that only has to be told. */
static struct call *told(const char *name, q931_call *handle, int channel)
{
	struct call *call = find(handle);
	if (call && channel > 0 && (channel & 0xFF))
		call->channel = channel & 0xFF;
	begin_call(name, call);
	return call;
}

static void handle(struct pri *pri, pri_event *e)
{
	struct call *call;
	switch (e->e) {
	case PRI_EVENT_DCHAN_UP:
		/* libpri tells each re-establishment. */
		link_up = 1;
		begin("up");
		end();
		break;
	case PRI_EVENT_DCHAN_DOWN:
		link_up = 0;
		begin("down");
		end();
		break;
	case PRI_EVENT_RING:
		rung(pri, &e->ring);
		break;
	case PRI_EVENT_INFO_RECEIVED:
		more_digits(pri, &e->ring);
		break;
	case PRI_EVENT_KEYPAD_DIGIT:
		told("keypad", e->digit.call, 0);
		text("digits", e->digit.digits);
		end();
		break;
	case PRI_EVENT_SETUP_ACK:
		call = told("setup-ack", e->setup_ack.call, e->setup_ack.channel);
		number("progressmask", e->setup_ack.progressmask);
		end();
		if (call)
			dial(pri, call, call->then);
		break;
	case PRI_EVENT_PROCEEDING:
	case PRI_EVENT_PROGRESS:
		told(e->e == PRI_EVENT_PROGRESS ? "progress" : "proceeding", e->proceeding.call, e->proceeding.channel);
		if (e->e == PRI_EVENT_PROGRESS) /* libpri leaves it unset in the other */
			number("cause", e->proceeding.cause);
		number("progressmask", e->proceeding.progressmask);
		end();
		break;
	case PRI_EVENT_RINGING:
		told("alerting", e->ringing.call, e->ringing.channel);
		number("progressmask", e->ringing.progressmask);
		end();
		break;
	case PRI_EVENT_ANSWER:
		call = told("connect", e->answer.call, e->answer.channel);
		number("progressmask", e->answer.progressmask);
		end();
		if (call)
			answered(call);
		break;
	case PRI_EVENT_CONNECT_ACK:
		told("connect-ack", e->connect_ack.call, e->connect_ack.channel);
		end();
		break;
	case PRI_EVENT_HANGUP_REQ: /* DISCONNECT */
		call = told("disconnect", e->hangup.call, 0);
		number("cause", e->hangup.cause);
		end();
		cleared(call, e->hangup.cause, 0);
		pri_hangup(pri, e->hangup.call, e->hangup.cause);
		break;
	case PRI_EVENT_HANGUP: /* RELEASE, or RELEASE COMPLETE at once */
		call = told("release", e->hangup.call, 0);
		number("cause", e->hangup.cause);
		end();
		cleared(call, e->hangup.cause, 0);
		pri_hangup(pri, e->hangup.call, e->hangup.cause);
		forget(call);
		break;
	case PRI_EVENT_HANGUP_ACK: /* RELEASE COMPLETE; libpri has forgotten the call */
		call = told("release-complete", e->hangup.call, 0);
		number("cause", e->hangup.cause);
		end();
		forget(call);
		break;
	case PRI_EVENT_RESTART:
		begin("restart");
		number("channel", e->restart.channel);
		end();
		for (int n = 1; n < 32; n++)
			if (e->restart.channel == -1 || (e->restart.channel & 0xFF) == n)
				restarted(pri, n, 0);
		break;
	case PRI_EVENT_RESTART_ACK:
		begin("restart-ack");
		number("channel", e->restartack.channel);
		end();
		break;
	case PRI_EVENT_NOTIFY:
		told("notify", e->notify.call, 0);
		number("indicator", e->notify.info);
		end();
		break;
	case PRI_EVENT_CONFIG_ERR:
		begin("config-error");
		text("text", e->err.err);
		end();
		break;
	default:
		begin("other");
		text("text", pri_event2str(e->e));
		end();
	}
}

/* What the clock makes of a call. */
static void due(struct pri *pri, struct call *call, long now)
{
	if (call->progress_at && now >= call->progress_at) {
		call->progress_at = 0;
		pri_progress(pri, call->handle, call->channel_word, call->inband);
	}
	if (call->alert_at && now >= call->alert_at) {
		call->alert_at = 0;
		pri_acknowledge(pri, call->handle, call->channel_word, call->inband);
	}
	if (call->answer_at && now >= call->answer_at && !call->alert_at) {
		call->answer_at = 0;
		answered(call);
		pri_answer(pri, call->handle, call->channel_word, 0);
	}
	if (call->clear_at && now >= call->clear_at)
		hang_up(pri, call, call->clear);
}

/* --- Commands ------------------------------------------------------------------------------------ */

/* The value of a pair, or NULL. */
static const char *value(char **words, const char *key)
{
	size_t length = strlen(key);
	for (; *words; words++)
		if (!strncmp(*words, key, length) && (*words)[length] == '=')
			return *words + length + 1;
	return NULL;
}

static int value_number(char **words, const char *key, int otherwise)
{
	const char *found = value(words, key);
	return found ? atoi(found) : otherwise;
}

static void value_text(char **words, const char *key, char *into)
{
	const char *found = value(words, key);
	copy(into, found ? found : "");
}

static void order_calls(char **words)
{
	for (int n = 0; n < CALLS_MAX; n++) {
		struct order *order = &orders[n];
		if (order->left)
			continue;
		value_text(words, "called", order->called);
		value_text(words, "from", order->from);
		value_text(words, "name", order->name);
		value_text(words, "redirecting", order->redirecting);
		value_text(words, "then", order->then);
		order->channel = value_number(words, "channel", 0);
		order->exclusive = value_number(words, "exclusive", option.node == PRI_NETWORK);
		order->left = value_number(words, "count", 1);
		order->gap = value_number(words, "gap", 0);
		order->hold = value_number(words, "hold", 0);
		order->pres = value_number(words, "pres", PRES_ALLOWED_USER_NUMBER_NOT_SCREENED);
		order->next_at = clock_ms();
		return;
	}
}

static void learn_rule(char **words)
{
	struct rule rule = {
		.proceed = value_number(words, "proceed", 1),
		.progress = value_number(words, "progress", -1),
		.alert = value_number(words, "alert", 0),
		.inband = value_number(words, "inband", 0),
		.answer = value_number(words, "answer", 0),
		.reject = value_number(words, "reject", 0),
		.clear = value_number(words, "clear", PRI_CAUSE_NORMAL_CLEARING),
		.hold = value_number(words, "hold", 0),
		.digits = value_number(words, "digits", 0),
	};
	value_text(words, "ending", rule.ending);
	if (!rule.ending[0])
		rules[0] = rule;
	else if (rule_count < RULES_MAX)
		rules[rule_count++] = rule;
}

/* Returns whether the command and what it names are known. */
static int obey(struct pri *pri, char **words, int length)
{
	const char *verb = words[0], *first = length > 1 ? words[1] : "";
	int channel = atoi(first);
	if (!strcmp(verb, "call")) {
		order_calls(words);
	} else if (!strcmp(verb, "rule")) {
		learn_rule(words);
	} else if (!strcmp(verb, "faults")) {
		fault.drop = value_number(words, "drop", 0);
		fault.corrupt = value_number(words, "corrupt", 0);
		fault.twice = value_number(words, "double", 0);
	} else if (!strcmp(verb, "cut")) {
		fault.cut = 1;
	} else if (!strcmp(verb, "mend")) {
		fault.cut = 0;
	} else if (!strcmp(verb, "restart") && channel > 0 && channel < 32) {
		restarted(pri, channel, 1);
		pri_reset(pri, channel);
	} else if ((!strcmp(verb, "block") || !strcmp(verb, "unblock")) && channel > 0 && channel < 32) {
		blocked[channel] = verb[0] == 'b';
	} else if (!strcmp(verb, "timer") && length > 2) {
		int index = pri_timer2idx(first);
		return index >= 0 && !pri_set_timer(pri, index, atoi(words[2]));
	} else if (!strcmp(verb, "count")) {
		int n = 0;
		for (int at = 0; at < CALLS_MAX; at++)
			n += calls[at].handle != NULL;
		begin("count");
		number("calls", n);
		end();
	} else if (!strcmp(verb, "quit")) {
		quitting = 1;
	} else {
		struct call *call = find_id(strtoul(first, NULL, 10));
		if (!call)
			return 0;
		if (!strcmp(verb, "hangup"))
			hang_up(pri, call, length > 2 ? atoi(words[2]) : PRI_CAUSE_NORMAL_CLEARING);
		else if (!strcmp(verb, "dial") && length > 2)
			dial(pri, call, words[2]);
		else if (!strcmp(verb, "progress"))
			pri_progress(pri, call->handle, call->channel_word, 1);
		else if (!strcmp(verb, "alert"))
			pri_acknowledge(pri, call->handle, call->channel_word, call->inband);
		else if (!strcmp(verb, "answer"))
			call->alert_at = 0, call->answer_at = clock_ms();
		else
			return 0;
	}
	return 1;
}

static void read_commands(struct pri *pri)
{
	static char line[4096];
	static size_t filled;
	ssize_t got = read(STDIN_FILENO, line + filled, sizeof line - 1 - filled);
	if (got <= 0) {
		quitting = 1;
		return;
	}
	filled += got;
	line[filled] = 0;
	char *start = line, *stop;
	while ((stop = strchr(start, '\n'))) {
		char *words[32] = { 0 };
		int length = 0;
		char whole[256];
		*stop = 0;
		snprintf(whole, sizeof whole, "%s", start);
		for (char *word = strtok(start, " "); word && length < 31; word = strtok(NULL, " "))
			words[length++] = word;
		if (length && !obey(pri, words, length)) {
			begin("refused");
			text("command", whole);
			end();
		}
		start = stop + 1;
	}
	filled = strlen(start);
	memmove(line, start, filled + 1);
}

/* --- The loop ------------------------------------------------------------------------------------ */

static void sooner(long *wait, long at, long now)
{
	if (at && at - now < *wait)
		*wait = at > now ? at - now : 0;
}

static long patience(struct pri *pri, long now)
{
	long wait = again_length ? 0 : 1000;
	struct timeval *next = pri_schedule_next(pri), real;
	if (next) {
		gettimeofday(&real, NULL);
		long ms = (next->tv_sec - real.tv_sec) * 1000L + (next->tv_usec - real.tv_usec) / 1000 + 1;
		sooner(&wait, now + (ms > 0 ? ms : 0), now);
	}
	for (int n = 0; n < CALLS_MAX; n++) {
		if (calls[n].handle) {
			sooner(&wait, calls[n].progress_at, now);
			sooner(&wait, calls[n].alert_at, now);
			sooner(&wait, calls[n].answer_at, now);
			sooner(&wait, calls[n].clear_at, now);
		}
		if (orders[n].left && link_up)
			sooner(&wait, orders[n].next_at, now);
	}
	return wait;
}

static void run(struct pri *pri)
{
	while (!closed && !quitting) {
		struct pollfd on[2] = { { option.fd, POLLIN, 0 }, { STDIN_FILENO, POLLIN, 0 } };
		poll(on, 2, patience(pri, clock_ms()));
		/* Commands first: who gives one and then causes a frame may count on the order. */
		if (on[1].revents)
			read_commands(pri);
		pri_event *event;
		if ((on[0].revents || again_length) && (event = pri_check_event(pri)))
			handle(pri, event);
		while ((event = pri_schedule_run(pri)))
			handle(pri, event);
		long now = clock_ms();
		for (int n = 0; n < CALLS_MAX; n++) {
			if (calls[n].handle)
				due(pri, &calls[n], now);
			struct order *order = &orders[n];
			while (order->left && link_up && now >= order->next_at) {
				order->left--;
				order->next_at += order->gap;
				place(pri, order);
			}
		}
	}
}

static int open_socket(const char *path, int listening)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (listening) {
		unlink(path);
		if (bind(fd, (void *)&at, sizeof at) || listen(fd, 1))
			return -1;
		int peer = accept(fd, NULL, NULL);
		close(fd);
		return peer;
	}
	for (int n = 0; n < 200; n++) {
		if (!connect(fd, (void *)&at, sizeof at))
			return fd;
		usleep(50000);
	}
	return -1;
}

int main(int argc, char **argv)
{
	born = clock_ms();
	signal(SIGPIPE, SIG_IGN);
	for (int n = 1; n < argc; n++) {
		const char *word = argv[n], *next = n + 1 < argc ? argv[n + 1] : "";
		if (!strcmp(word, "--net"))
			option.node = PRI_NETWORK;
		else if (!strcmp(word, "--cpe"))
			option.node = PRI_CPE;
		else if (!strcmp(word, "--fcs"))
			option.fcs = 1;
		else if (!strcmp(word, "--overlap"))
			option.overlap = 1;
		else if (!strcmp(word, "--debug"))
			option.debug = 1;
		else if (!strcmp(word, "--seed"))
			option.seed = strtoull(next, NULL, 10), n++;
		else if (!strcmp(word, "--fd"))
			option.fd = atoi(next), n++;
		else if (!strcmp(word, "--connect"))
			option.fd = open_socket(next, 0), n++;
		else if (!strcmp(word, "--listen"))
			option.fd = open_socket(next, 1), n++;
		else {
			fprintf(stderr, "unknown option %s\n", word);
			return 2;
		}
	}
	if (option.fd < 0) {
		fprintf(stderr, "no D-channel: --connect PATH, --listen PATH or --fd N\n");
		return 2;
	}
	fcntl(option.fd, F_SETFL, fcntl(option.fd, F_GETFL) | O_NONBLOCK);
	pri_set_message(on_message);
	pri_set_error(on_message);
	struct pri *pri = pri_new_cb(option.fd, option.node, PRI_SWITCH_EUROISDN_E1, io_read, io_write, NULL);
	if (!pri) {
		fprintf(stderr, "libpri refuses to start\n");
		return 2;
	}
	pri_hangup_fix_enable(pri, 1);
	pri_set_overlapdial(pri, option.overlap);
	if (option.debug)
		pri_set_debug(pri, PRI_DEBUG_Q921_DUMP | PRI_DEBUG_Q921_STATE | PRI_DEBUG_Q931_DUMP | PRI_DEBUG_Q931_STATE);
	begin("start");
	text("side", option.node == PRI_NETWORK ? "network" : "user");
	text("libpri", pri_get_version());
	end();
	run(pri);
	begin("end");
	number("up", link_up);
	number("sent", count.sent);
	number("received", count.received);
	number("bad_fcs", count.bad_fcs);
	number("dropped", count.dropped);
	number("corrupted", count.corrupted);
	number("doubled", count.doubled);
	end();
	return 0;
}
