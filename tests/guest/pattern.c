/* The far end of the B-channels: sends a test pattern on each channel named and looks for one in
 * what comes back, octet by octet. It shares nothing with the driver that it tests.
 *
 *   pattern SECONDS CHANNEL...
 *
 * The pattern is the pseudo-random sequence of ITU-T O.150 with 2^15-1 bits (x^15 + x^14 + 1), low
 * bit first, which finds its own step: any fifteen bits tell the next. Prints for each channel
 *
 *   heard CHANNEL GOOD SILENT SPOILT
 *
 * GOOD: octets that followed from the two before; SILENT: octets of silence between them; SPOILT:
 * octets that are neither, nor the two that it takes to find the step again. And for each place
 * where the sequence was broken
 *
 *   break CHANNEL BEFORE AFTER OCTETS SILENT
 *
 * two octets of the pattern from before it and two from after it, as the numbers of the sequence
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
#include <time.h>
#include <unistd.h>
#include <dahdi/user.h>

#define BLOCK 160
#define CHANNELS 31

#define SILENCE 0xd5
#define BREAKS 2000

struct broken {
	uint16_t before, after;
	long octets, silent;
};

struct channel {
	int number, fd;
	uint16_t sent;
	uint16_t state[3];      /* the last two octets heard, the older one in the low half; then, and then */
	int run, seeking, astray; /* good ones in a row; in a break; neither good nor silent in a row */
	long good, silent, spoilt, breaks;
	struct broken broken[BREAKS];
};

static uint8_t step(uint16_t last)
{
	uint8_t next = 0;
	for (int i = 0; i < 8; i++) {
		/* bit 15 is the newest of the sixteen: b[n-14] and b[n-15] are bits 2 and 1 */
		uint16_t bit = (last >> 2 ^ last >> 1) & 1;
		last = (uint16_t)(last >> 1 | bit << 15);
		next |= (uint8_t)(bit << i);
	}
	return next;
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
	c->sent = 0x7fff;
}

static void look(struct channel *c, uint8_t octet)
{
	/* all zeros follow from themselves: they are no pattern */
	int good = octet == step(c->state[0]) && c->state[0];
	int begun = c->breaks > 0 || c->seeking || c->run >= 16;
	struct broken *last = &c->broken[c->breaks % BREAKS];
	if (!good && begun && !c->seeking) {
		/* two octets earlier it was surely the pattern: no chance hits three times */
		c->seeking = 1;
		*last = (struct broken){ .before = c->state[2], .octets = 2 };
	}
	if (good) {
		c->good += begun;
		c->run++;
		c->astray = 0;
	} else {
		c->run = 0;
		c->astray = octet == SILENCE ? 0 : c->astray + 1;
		c->silent += begun && octet == SILENCE;
		c->spoilt += begun && c->astray > 2;
	}
	c->state[2] = c->state[1];
	c->state[1] = c->state[0];
	c->state[0] = (uint16_t)(c->state[0] >> 8 | octet << 8);
	if (!c->seeking)
		return;
	if (good || octet != SILENCE)
		last->octets++;
	else
		last->silent++;
	if (c->run == 3) {
		c->seeking = 0;
		last->after = c->state[0];
		c->breaks++;
	}
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	static struct channel channels[CHANNELS];
	struct pollfd fds[CHANNELS];
	int count = argc - 2;
	if (count < 1 || count > CHANNELS) {
		fprintf(stderr, "pattern SECONDS CHANNEL...\n");
		return 2;
	}
	for (int i = 0; i < count; i++) {
		channels[i].number = atoi(argv[i + 2]);
		prepare(&channels[i]);
		fds[i] = (struct pollfd){ .fd = channels[i].fd, .events = POLLIN | POLLOUT | POLLPRI };
	}
	double end = now() + atof(argv[1]);
	while (now() < end) {
		if (poll(fds, (nfds_t)count, 100) <= 0)
			continue;
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
				uint16_t last = c->sent;
				for (int k = 0; k < BLOCK; k++) {
					octets[k] = step(last);
					last = (uint16_t)(last >> 8 | octets[k] << 8);
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
