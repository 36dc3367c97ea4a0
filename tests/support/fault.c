/* Preloaded into the real program under Open MPI: at a chosen call on a chosen rank, something goes wrong.
 *
 *   FAULT_RANK   on which rank
 *   FAULT_CALL   at which call: "read" or "write", of a file whose path contains FAULT_PATH; "reduce", inside
 *                MPI_Allreduce; "iterate", outside of MPI, soon after an MPI_Allreduce
 *   FAULT_COUNT  at the how many-th such call (for "iterate": MPI_Allreduce), from 1
 *   FAULT_DO     what: "die", "stop", "hang", or the name of the error that the call and all later ones return
 *   FAULT_NOTE   a file that is made when it happens
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <mpi.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static atomic_int calls;
static atomic_int inside_mpi;

/* What the environment says, read once, before there are threads: a getenv beside another's setenv may crash. */
static struct {
  int on_this_rank, count;
  const char *call, *path, *action, *note;
} plan;

static const char* copy_of(const char* variable) {
  const char* text = getenv(variable);
  return strdup(text ? text : "");
}

__attribute__((constructor)) static void read_plan(void) {
  const char* rank = copy_of("OMPI_COMM_WORLD_RANK");
  plan.count = atoi(copy_of("FAULT_COUNT"));
  plan.call = copy_of("FAULT_CALL");
  plan.path = copy_of("FAULT_PATH");
  plan.action = copy_of("FAULT_DO");
  plan.note = copy_of("FAULT_NOTE");
  plan.on_this_rank = *rank && strcmp(rank, copy_of("FAULT_RANK")) == 0; /* last: from now on it may happen */
}

static int is_due_at(const char* call) { return plan.on_this_rank && strcmp(plan.call, call) == 0; }

/* Does it. Returns only if the call is to fail: its errno. */
static int go_wrong(void) {
  close(open(plan.note, O_CREAT | O_WRONLY, 0600));
  if (strcmp(plan.action, "die") == 0) kill(getpid(), SIGKILL);
  if (strcmp(plan.action, "stop") == 0) kill(getpid(), SIGSTOP);
  while (strcmp(plan.action, "hang") == 0) pause();
  if (strcmp(plan.action, "ENOSPC") == 0) return ENOSPC;
  return EIO;
}

/* 0, or the errno of a call on this descriptor. */
static int fault_of_file(const char* call, int descriptor) {
  if (!is_due_at(call)) return 0;
  char link[64], path[4096] = "";
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  if (readlink(link, path, sizeof path - 1) < 0 || !strstr(path, plan.path)) return 0;
  return ++calls >= plan.count ? go_wrong() : 0;
}

#define REAL(name) (__extension__(__typeof__(&name)) dlsym(RTLD_NEXT, #name))
#define FILE_CALL(call, name, buffer_type, offset_parameter, offset_argument)      \
  ssize_t name(int descriptor, buffer_type buffer, size_t size offset_parameter) { \
    const int fault = fault_of_file(call, descriptor);                             \
    if (fault) return errno = fault, -1;                                           \
    return REAL(name)(descriptor, buffer, size offset_argument);                   \
  }
#define AT(type) , type offset
#define OFFSET , offset

FILE_CALL("read", read, void*, , )
FILE_CALL("read", pread, void*, AT(off_t), OFFSET)
FILE_CALL("read", pread64, void*, AT(off64_t), OFFSET)
FILE_CALL("write", write, const void*, , )
FILE_CALL("write", pwrite, const void*, AT(off_t), OFFSET)
FILE_CALL("write", pwrite64, const void*, AT(off64_t), OFFSET)

int MPI_Allreduce(const void* from, void* to, int count, MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
  ++inside_mpi;
  if (is_due_at("reduce") && ++calls >= plan.count) go_wrong();
  const int status = PMPI_Allreduce(from, to, count, type, op, comm);
  if (is_due_at("iterate")) ++calls;
  --inside_mpi;
  return status;
}

/* The program looks at the clock in each iteration, and so gives an occasion. */
int clock_gettime(clockid_t clock, struct timespec* time) {
  static __typeof__(&clock_gettime) real;
  if (!real) real = REAL(clock_gettime);
  if (gettid() == getpid() && inside_mpi == 0 && is_due_at("iterate") && calls >= plan.count) {
    go_wrong();
  }
  return real(clock, time);
}
