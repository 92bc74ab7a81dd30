// SPDX-License-Identifier: Apache-2.0
/* Start commands, wait for each on its pidfd, and print what each one cost.
 *
 *   spawn run [-t MS] [-p CALLERS] [-n TOTAL] [-o FILE] -- ARGV...
 *       runs ARGV TOTAL times, CALLERS at once; in ARGV {n} is the number of the run, {s} the slot of its caller.
 *       A line for each run: start_ns wall_ns user_us system_us maxrss_kib minor_faults status
 *       where status is the exit status, 128 + signal, or -1 for one that was killed after MS.
 *   spawn init -- ARGV...
 *       as pid 1 of a pid namespace: runs ARGV, reaps every orphan at once, leaves with ARGV's status.
 *
 * A small program in C, because what starts the command is part of what is measured: a large parent
 * makes the start slower and its own resident set becomes the floor of the child's peak. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CALLERS = 64, MAX_ARGS = 64, ARG_SIZE = 4096 };

struct caller {
    pid_t pid;
    int slot;
    long start_ns;
    char text[ARG_SIZE];
    char *argv[MAX_ARGS];
};

static struct caller callers[MAX_CALLERS];
static struct pollfd polled[MAX_CALLERS];
static int output = -1;

static void die(const char *what)
{
    fprintf(stderr, "spawn: %s: %s\n", what, strerror(errno));
    exit(125);
}

static long now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}

/* Copy `from` to `to` with {n} and {s} replaced; returns where the copy ends. */
static char *substitute(char *to, const char *end, const char *from, long n, int slot)
{
    while (*from && to < end - 24) {
        int is_number = strncmp(from, "{n}", 3) == 0, is_slot = strncmp(from, "{s}", 3) == 0;
        if (is_number || is_slot) {
            to += sprintf(to, "%ld", is_number ? n : (long)slot);
            from += 3;
        } else {
            *to++ = *from++;
        }
    }
    if (*from) {
        errno = E2BIG;
        die("arguments");
    }
    *to++ = '\0';
    return to;
}

static void start(struct caller *c, char **argv, long n)
{
    char *text = c->text;
    int i = 0;
    for (; argv[i] && i < MAX_ARGS - 1; i++) {
        c->argv[i] = text;
        text = substitute(text, c->text + ARG_SIZE, argv[i], n, c->slot);
    }
    c->argv[i] = NULL;
    c->start_ns = now_ns();
    c->pid = vfork();
    if (c->pid < 0)
        die("vfork");
    if (c->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* an interrupted bench leaves nobody who makes cgroups */
        if (output >= 0) {
            dup2(output, 1);
            dup2(output, 2);
        }
        execv(c->argv[0], c->argv);
        _exit(127);
    }
    struct pollfd *p = &polled[c->slot];
    p->fd = (int)syscall(SYS_pidfd_open, c->pid, 0);
    p->events = POLLIN;
    if (p->fd < 0)
        die("pidfd_open");
}

static void finish(struct caller *c, int timed_out)
{
    struct rusage used;
    int raw, status;
    long end_ns = now_ns();
    if (timed_out)
        syscall(SYS_pidfd_send_signal, polled[c->slot].fd, SIGKILL, NULL, 0);
    if (wait4(c->pid, &raw, 0, &used) != c->pid)
        die("wait4");
    close(polled[c->slot].fd);
    polled[c->slot].fd = -1;
    status = timed_out ? -1 : WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
    printf("%ld %ld %ld %ld %ld %ld %d\n", c->start_ns, end_ns - c->start_ns,
           used.ru_utime.tv_sec * 1000000L + used.ru_utime.tv_usec,
           used.ru_stime.tv_sec * 1000000L + used.ru_stime.tv_usec, used.ru_maxrss, used.ru_minflt, status);
}

static void run(char **argv, int count, long total, long timeout_ms)
{
    long started = 0, running = 0;
    for (int i = 0; i < count; i++) {
        callers[i].slot = i;
        polled[i].fd = -1;
    }
    for (; running < count && started < total; running++)
        start(&callers[running], argv, started++);
    while (running > 0) {
        int ready = poll(polled, (nfds_t)count, (int)timeout_ms);
        if (ready < 0 && errno != EINTR)
            die("poll");
        for (int i = 0; ready >= 0 && i < count; i++) {
            if (polled[i].fd < 0 || (ready > 0 && !polled[i].revents))
                continue;
            finish(&callers[i], ready == 0);
            running--;
            if (started < total) {
                start(&callers[i], argv, started++);
                running++;
            }
        }
    }
}

static int run_as_init(char **argv)
{
    int raw;
    pid_t main_pid = fork(), ended;
    if (main_pid < 0)
        die("fork");
    if (main_pid == 0) {
        execvp(argv[0], argv);
        die(argv[0]);
    }
    signal(SIGINT, SIG_IGN); /* the terminal's ^C is for the command, which then cleans up */
    while ((ended = wait(&raw)) != main_pid)
        if (ended < 0 && errno != EINTR)
            die("wait");
    return WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
}

int main(int argc, char **argv)
{
    long timeout_ms = 20000, total = 1;
    int count = 1, option;
    if (argc < 2)
        return 125;
    const char *mode = argv[1];
    argv++, argc--;
    while ((option = getopt(argc, argv, "+t:p:n:o:")) != -1) {
        if (option == 't')
            timeout_ms = atol(optarg);
        else if (option == 'p')
            count = atoi(optarg);
        else if (option == 'n')
            total = atol(optarg);
        else if (option == 'o')
            output = open(optarg, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        else
            return 125;
    }
    if (optind >= argc || count < 1 || count > MAX_CALLERS)
        return 125;
    if (strcmp(mode, "init") == 0)
        return run_as_init(argv + optind);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null < 0 || dup2(null, 0) < 0)
        die("/dev/null");
    run(argv + optind, count, total, timeout_ms);
    return 0;
}
