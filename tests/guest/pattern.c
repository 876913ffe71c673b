/* The far end of the B-channels: sends a test pattern on each channel named and looks for one in
 * what comes back, octet by octet. It shares nothing with the driver that it tests.
 *
 *   pattern ENOUGH CHANNEL...
 *
 * Says `enough` when each channel has heard so many octets of the pattern, and goes on until its
 * standard input is closed.
 *
 * The pattern is the pseudo-random sequence of ITU-T O.150 with 2^23-1 bits (x^23 + x^18 + 1), low
 * bit first, which finds its own step: any 23 bits tell the next. Prints at the end for each
 * channel
 *
 *   heard CHANNEL GOOD SILENT SPOILT
 *
 * GOOD: octets that followed from the three before; SILENT: octets of silence between them; SPOILT:
 * octets that are neither, nor the three that it takes to find the step again. And for each place
 * where the sequence was broken
 *
 *   break CHANNEL BEFORE AFTER OCTETS SILENT
 *
 * three octets of the pattern from before it and three from after it, as the numbers of the sequence
 * that tell the next octet, and how many octets lie between, AFTER's included, that are not silence
 * and that are: who knows the pattern knows how many are missing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <dahdi/user.h>

#define BLOCK 160
#define CHANNELS 31

#define SILENCE 0xd5
#define BREAKS 2000

struct broken {
	uint32_t before, after;
	long octets, silent;
};

struct channel {
	int number, fd;
	uint32_t sent;
	uint32_t state[4];      /* the last three octets heard, the oldest lowest; those one, two, three earlier */
	int run, seeking, astray; /* good ones in a row; in a break; neither good nor silent in a row */
	long good, silent, spoilt, breaks;
	struct broken broken[BREAKS];
};

static uint8_t step(uint32_t last)
{
	uint8_t next = 0;
	for (int i = 0; i < 8; i++) {
		/* bit 23 is the newest of 24: b[n-18] and b[n-23] are bits 6 and 1 */
		uint32_t bit = (last >> 6 ^ last >> 1) & 1;
		last = last >> 1 | bit << 23;
		next |= (uint8_t)(bit << i);
	}
	return next;
}

static uint32_t after(uint32_t last, uint8_t octet)
{
	return last >> 8 | (uint32_t)octet << 16;
}

static void events(int fd)
{
	int event = 1;
	while (!ioctl(fd, DAHDI_GETEVENT, &event) && event)
		;
}

static void prepare(struct channel *c)
{
	int block = BLOCK, on = 1, all = DAHDI_FLUSH_ALL;
	struct dahdi_bufferinfo buffers = { .txbufpolicy = DAHDI_POLICY_HALF_FULL,
		.rxbufpolicy = DAHDI_POLICY_IMMEDIATE, .numbufs = 8, .bufsize = BLOCK };
	c->fd = open("/dev/dahdi/channel", O_RDWR | O_NONBLOCK);
	if (c->fd < 0 || ioctl(c->fd, DAHDI_SPECIFY, &c->number) || ioctl(c->fd, DAHDI_SET_BLOCKSIZE, &block) ||
		ioctl(c->fd, DAHDI_SET_BUFINFO, &buffers) || ioctl(c->fd, DAHDI_AUDIOMODE, &on) || ioctl(c->fd, DAHDI_FLUSH, &all)) {
		fprintf(stderr, "pattern: channel %d: %s\n", c->number, strerror(errno));
		exit(2);
	}
	c->sent = 0x7fffff;
}

static void look(struct channel *c, uint8_t octet)
{
	/* all zeros follow from themselves: they are no pattern */
	int good = octet == step(c->state[0]) && c->state[0];
	int begun = c->breaks > 0 || c->seeking || c->run >= 16;
	struct broken *last = &c->broken[c->breaks % BREAKS];
	if (!good && begun && !c->seeking) {
		/* three octets earlier it was surely the pattern: no chance hits four times */
		c->seeking = 1;
		*last = (struct broken){ .before = c->state[3], .octets = 3 };
	}
	if (good) {
		c->good += begun;
		c->run++;
		c->astray = 0;
	} else {
		c->run = 0;
		c->astray = octet == SILENCE ? 0 : c->astray + 1;
		c->silent += begun && octet == SILENCE;
		c->spoilt += begun && c->astray > 3;
	}
	memmove(c->state + 1, c->state, 3 * sizeof *c->state);
	c->state[0] = after(c->state[0], octet);
	if (!c->seeking)
		return;
	if (good || octet != SILENCE)
		last->octets++;
	else
		last->silent++;
	if (c->run == 4) {
		c->seeking = 0;
		last->after = c->state[0];
		c->breaks++;
	}
}

static int all_have(const struct channel *channels, int count, long enough)
{
	for (int i = 0; i < count; i++)
		if (channels[i].good < enough)
			return 0;
	return 1;
}

int main(int argc, char **argv)
{
	static struct channel channels[CHANNELS];
	struct pollfd fds[CHANNELS + 1];
	int count = argc - 2, told = 0;
	if (count < 1 || count > CHANNELS) {
		fprintf(stderr, "pattern ENOUGH CHANNEL...\n");
		return 2;
	}
	for (int i = 0; i < count; i++) {
		channels[i].number = atoi(argv[i + 2]);
		prepare(&channels[i]);
		fds[i] = (struct pollfd){ .fd = channels[i].fd, .events = POLLIN | POLLOUT | POLLPRI };
	}
	fds[count] = (struct pollfd){ .fd = 0, .events = POLLIN };
	for (;;) {
		if (poll(fds, (nfds_t)count + 1, -1) < 0)
			continue;
		if (fds[count].revents)
			break;
		if (!told && all_have(channels, count, atol(argv[1])))
			told = puts("enough") >= 0 && !fflush(stdout);
		for (int i = 0; i < count; i++) {
			struct channel *c = &channels[i];
			uint8_t octets[BLOCK];
			if (fds[i].revents & POLLPRI)
				events(c->fd);
			if (fds[i].revents & POLLIN) {
				ssize_t got = read(c->fd, octets, sizeof octets);
				for (ssize_t k = 0; k < got; k++)
					look(c, octets[k]);
			}
			if (fds[i].revents & POLLOUT) {
				uint32_t last = c->sent;
				for (int k = 0; k < BLOCK; k++) {
					octets[k] = step(last);
					last = after(last, octets[k]);
				}
				if (write(c->fd, octets, BLOCK) == BLOCK)
					c->sent = last;
			}
		}
	}
	for (int i = 0; i < count; i++) {
		struct channel *c = &channels[i];
		printf("heard %d %ld %ld %ld\n", c->number, c->good, c->silent, c->spoilt);
		for (long k = 0; k < c->breaks && k < BREAKS; k++)
			printf("break %d %u %u %ld %ld\n", c->number, c->broken[k].before, c->broken[k].after, c->broken[k].octets, c->broken[k].silent);
	}
	return 0;
}
