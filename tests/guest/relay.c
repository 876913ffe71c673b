/* Puts a program that speaks frames over a socket on a D-channel of DAHDI.
 *
 *   relay CHANNEL PROGRAM ARGUMENT...
 *
 * Starts the program with `--fd N` behind its arguments, N being one end of a SOCK_SEQPACKET pair:
 * one frame a message, without FCS, which the kernel makes and checks. Ends with the program.
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
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <dahdi/user.h>

#define FRAME 1024

static int open_channel(int number)
{
	struct dahdi_bufferinfo buffers = { .txbufpolicy = DAHDI_POLICY_IMMEDIATE,
		.rxbufpolicy = DAHDI_POLICY_IMMEDIATE, .numbufs = 32, .bufsize = FRAME };
	int fd = open("/dev/dahdi/channel", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, DAHDI_SPECIFY, &number) || ioctl(fd, DAHDI_SET_BUFINFO, &buffers)) {
		fprintf(stderr, "relay: channel %d: %s\n", number, strerror(errno));
		exit(2);
	}
	return fd;
}

static void events(int fd)
{
	int event = 1;
	while (!ioctl(fd, DAHDI_GETEVENT, &event) && event)
		fprintf(stderr, "relay: event %d\n", event);
}

static pid_t start(char **argv, int count, int theirs, int ours)
{
	char number[16], **words = calloc((size_t)count + 3, sizeof *words);
	pid_t child = fork();
	if (child)
		return child;
	close(ours);
	memcpy(words, argv, (size_t)count * sizeof *words);
	snprintf(number, sizeof number, "%d", theirs);
	words[count] = "--fd";
	words[count + 1] = number;
	execv(words[0], words);
	perror(words[0]);
	_exit(2);
}

int main(int argc, char **argv)
{
	uint8_t frame[FRAME];
	int pair[2], status = 0;
	if (argc < 3) {
		fprintf(stderr, "relay CHANNEL PROGRAM ARGUMENT...\n");
		return 2;
	}
	int channel = open_channel(atoi(argv[1]));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair)) {
		perror("socketpair");
		return 2;
	}
	pid_t child = start(argv + 2, argc - 2, pair[1], pair[0]);
	close(pair[1]);
	/* what was told on standard input is the program's alone */
	close(0);
	for (;;) {
		struct pollfd fds[2] = { { pair[0], POLLIN, 0 }, { channel, POLLIN | POLLPRI, 0 } };
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[0].revents) {
			ssize_t length = recv(pair[0], frame, sizeof frame - 2, 0);
			if (length <= 0)
				break;
			/* the kernel writes the FCS into the two octets behind */
			if (write(channel, frame, (size_t)length + 2) < 0 && errno == ELAST) {
				events(channel);
				if (write(channel, frame, (size_t)length + 2) < 0)
					fprintf(stderr, "relay: a frame was lost: %s\n", strerror(errno));
			}
		}
		if (fds[1].revents & POLLPRI)
			events(channel);
		if (fds[1].revents & POLLIN) {
			ssize_t length = read(channel, frame, sizeof frame);
			if (length > 2)
				send(pair[0], frame, (size_t)length - 2, MSG_NOSIGNAL);
		}
	}
	close(pair[0]);
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
