/* stage.h - the binary interface between the ptychoflow host and a stage. C11, and C++ as it stands.
 *
 * A stage is a shared object `ptychoflow_stage_<name>.so` that exports one function, `ptychoflow_stage`. Its life:
 *
 *     dlopen -> ptychoflow_stage() -> create -> configure -> process* -> finalize -> destroy
 *
 * [main-thread] marks what is called, or may be called, on the host's main thread only; [any-thread] what may be called
 * from anywhere. Under MPI every rank runs the same stages in the same order; [collective] calls must be made by all.
 * No exception, no allocation and no C++ type crosses this boundary. Text is UTF-8 and ends in a zero byte.
 * C++ authors include stage.hpp instead and derive from a class. */
#ifndef PTYCHOFLOW_STAGE_H
#define PTYCHOFLOW_STAGE_H

#include <dlpack/dlpack.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised whenever a structure or the meaning of a call below changes. Host and stage must have the same number. */
#define PTYCHOFLOW_ABI_VERSION 1u

/* The one exported symbol, of type `ptychoflow_stage_entry`. */
#define PTYCHOFLOW_STAGE_SYMBOL "ptychoflow_stage"

#if defined(_WIN32)
#define PTYCHOFLOW_EXPORT __declspec(dllexport)
#else
#define PTYCHOFLOW_EXPORT __attribute__((visibility("default")))
#endif

/* What a callback returns. The error values are the program's exit codes. */
typedef enum ptychoflow_status {
  PTYCHOFLOW_OK = 0,
  PTYCHOFLOW_ERROR_OTHER = 1,    /* anything else */
  PTYCHOFLOW_ERROR_USAGE = 2,    /* parameters */
  PTYCHOFLOW_ERROR_DATA = 3,     /* input data */
  PTYCHOFLOW_ERROR_RESOURCE = 4, /* memory, disk, GPU, library */
  PTYCHOFLOW_DONE = 100,         /* from process of a source: there is no more data */
  PTYCHOFLOW_PEER_FAILED = 101   /* another rank failed and has said why: return this at once, with no message */
} ptychoflow_status;

typedef enum ptychoflow_log_level {
  PTYCHOFLOW_LOG_DEBUG = 0,
  PTYCHOFLOW_LOG_INFO = 1,
  PTYCHOFLOW_LOG_WARNING = 2,
  PTYCHOFLOW_LOG_ERROR = 3
} ptychoflow_log_level;

/* A named array. `array` belongs to whoever holds the packet; whoever takes it out sets the slot to NULL and must call
 * its deleter when done. Row-major, contiguous (strides may be NULL), on the device that `array` names. */
typedef struct ptychoflow_tensor {
  const char* name;
  DLManagedTensor* array;
} ptychoflow_tensor;

/* What flows between stages. It is lent for the duration of the call that passes it: the receiver may take tensors out
 * (above); the sender, after the call returns, releases those that are left.
 * `metadata` is a JSON object. Keys that the host's own stages use, all optional:
 *   scan            text, names the scan
 *   ends_scan       true on the last packet that this rank sends of a scan
 *   rotation_deg    angle of the sample
 * and those of the stream's description (below). */
typedef struct ptychoflow_packet {
  uint32_t struct_size; /* sizeof(ptychoflow_packet) */
  uint32_t tensor_count;
  ptychoflow_tensor* tensors;
  const char* metadata;
} ptychoflow_packet;

/* How far a stage is. `done` of `total` steps (0: not known); `text`: what else is worth seeing, in one short line. */
typedef struct ptychoflow_progress {
  uint32_t struct_size;
  int64_t done;
  int64_t total;
  const char* text;
} ptychoflow_progress;

/* What the host offers. Valid from create to the end of destroy; pass `host` back as the first argument. */
typedef struct ptychoflow_host {
  uint32_t struct_size;
  uint32_t abi_version;
  void* context; /* the host's own */

  int32_t rank;         /* of this process, from 0, among those that work on its scan (see ptychoflow_groups) */
  int32_t rank_count;   /* 1: a serial run */
  int32_t threads;      /* that this process may keep busy */
  const char* backend;  /* "auto", "cpu" or "cuda", as the user asked */
  const char* command;  /* the command line, for the record */
  const char* pipeline; /* the resolved pipeline as JSON, for the record */

  /* [main-thread, in process or finalize] Passes a packet to the next stage, whose process runs before this returns.
   * The packet stays the caller's (see ptychoflow_packet). Not OK: return that status at once, with no message. */
  ptychoflow_status (*emit)(const struct ptychoflow_host* host, ptychoflow_packet* packet);

  /* [any-thread] Writes one line to the log. Below warning, the host shows rank 0's lines alone. */
  void (*log)(const struct ptychoflow_host* host, ptychoflow_log_level level, const char* text);

  /* [main-thread] Cheap; may be called every iteration: the host decides when to draw. */
  void (*progress)(const struct ptychoflow_host* host, const ptychoflow_progress* progress);

  /* [any-thread] Not 0 once the user wants to stop: end the present iteration and pass on what has been reached.
   * Ranks may learn it at different moments: share the answer before acting on it. */
  int (*should_stop)(const struct ptychoflow_host* host);

  /* [main-thread] Merges a JSON object of figures into this stage's part of the run report. */
  void (*report)(const struct ptychoflow_host* host, const char* json_object);

  /* [main-thread, collective] Call before a phase in which ranks wait for each other. OK: every rank got here in good
   * order. PTYCHOFLOW_PEER_FAILED: some rank did not; return that at once. */
  ptychoflow_status (*agree)(const struct ptychoflow_host* host);

  /* [any-thread] Address of an MPI_Comm that is this stage's to use, NULL in a serial run. The host's; do not free. */
  void* (*mpi_communicator)(const struct ptychoflow_host* host);

  /* [any-thread] Further services by id, "name/version"; NULL if the host has none of that id. */
  const void* (*extension)(const struct ptychoflow_host* host, const char* id);
} ptychoflow_host;

/* The stage's own; opaque to the host. */
typedef struct ptychoflow_instance ptychoflow_instance;

/* What a stage is. Static data of the shared object, unchanged while it is loaded. */
typedef struct ptychoflow_stage_descriptor {
  uint32_t struct_size; /* sizeof(ptychoflow_stage_descriptor) */
  uint32_t abi_version; /* PTYCHOFLOW_ABI_VERSION it was built with */
  const char* name;     /* as in the pipeline file and in the file's name */
  const char* version;
  const char* summary;           /* one line */
  const char* parameters_schema; /* JSON Schema, draft-07, of `params`; the host validates before configure */
  const char* const* consumes;   /* tensors that an earlier stage must provide, NULL-terminated; none: a source */
  const char* const* produces;   /* tensors that it may add, NULL-terminated; for `ptychoflow stages` */

  /* [main-thread] A new instance, or NULL with nothing allocated. `host` outlives it. */
  ptychoflow_instance* (*create)(const ptychoflow_host* host);

  /* [main-thread, once] Everything that can be known before data moves: open inputs, check parameters, size outputs.
   * `params`: JSON, validated. `input`, `*output`: description of the stream, JSON:
   *   {"tensors": {"frames": {"dtype": "uint16", "shape": [null,128,128], "axes": "frame:y:x", "unit": "count"}, ...},
   *    "metadata": {"frame_count": 200, "wavelength_m": 1.2e-10, ...}}
   * with null for an extent that varies from packet to packet. For a source `input` has no tensors.
   * `*output` is the instance's own and lives until its next call. */
  ptychoflow_status (*configure)(ptychoflow_instance* self, const char* params, const char* input, const char** output);

  /* [main-thread, after configure] A source gets NULL, again and again until it returns PTYCHOFLOW_DONE; others get
   * each packet of the stage before. Emits any number of packets. */
  ptychoflow_status (*process)(ptychoflow_instance* self, ptychoflow_packet* packet);

  /* [main-thread, once, after the last process] Not called after an error. May still emit. */
  ptychoflow_status (*finalize)(ptychoflow_instance* self);

  /* [main-thread] Frees the instance and whatever is half done: no temporary file may stay. Always the last call. */
  void (*destroy)(ptychoflow_instance* self);

  /* [main-thread] Why the last call on `self` failed: what is wrong, where, what to do. Lives until the next call. */
  const char* (*last_error)(ptychoflow_instance* self);

  /* [any-thread] Further abilities by id, "name/version"; NULL if there is none of that id. */
  const void* (*extension)(ptychoflow_instance* self, const char* id);
} ptychoflow_stage_descriptor;

typedef const ptychoflow_stage_descriptor* (*ptychoflow_stage_entry)(void);

/* A stage's extension for pipelines that go on after a bad scan (`on_error: skip`). */
#define PTYCHOFLOW_SCANS "ptychoflow.scans/1"
typedef struct ptychoflow_scans {
  uint32_t struct_size;

  /* [main-thread] Of a source: the name of the scan that it is at, "" if it has none. Lives until the next call. */
  const char* (*current)(ptychoflow_instance* self);

  /* [main-thread] A callback of this or another stage, on this or another rank, failed with PTYCHOFLOW_ERROR_DATA, and
   * the scan under way will be reported as bad. Forget what is held of it; a source goes on with the next one. Called
   * on every rank. */
  void (*abandon)(ptychoflow_instance* self);
} ptychoflow_scans;

/* With `ranks_per_scan` in the pipeline, ranks form groups that take different scans. `rank`, `rank_count`, `agree` and
 * `mpi_communicator` are then of the stage's group.
 * The host's extension that tells a source which scans are its group's: group, group + group_count, and so on. A source
 * that has not asked for it by the end of `configure` cannot be used with several groups, since each would send all. */
#define PTYCHOFLOW_GROUPS "ptychoflow.groups/1"
typedef struct ptychoflow_groups {
  uint32_t struct_size;
  int32_t group; /* from 0 */
  int32_t group_count;
} ptychoflow_groups;

/* A stage's extension: it makes one of many scans. `rank` and what belongs to it, of it and of the stages that follow,
 * are of all ranks, not of a group, from `configure` on. It gets the packets of its own group; until `finalize` it must
 * not wait for other ranks. */
#define PTYCHOFLOW_GATHERS "ptychoflow.gathers/1"
typedef struct ptychoflow_gathers {
  uint32_t struct_size;
} ptychoflow_gathers;

/* A stage's extension: packets whose metadata have "preview": true come to it. They hold what has been reached of a
 * scan that is still going on, for people to look at, and may lack what only the end brings. Stages without the
 * extension never see one: it goes to the next stage that has it. */
#define PTYCHOFLOW_PREVIEWS "ptychoflow.previews/1"
typedef struct ptychoflow_previews {
  uint32_t struct_size;
} ptychoflow_previews;

/* Frames before their turn: while later stages work on a scan, its source may read the next one on a thread of its own,
 * and show its packets to the stage after it. That takes out of them what it keeps; when the scan has its turn, they
 * come by `process` without these tensors. Of the host, for a source; NULL, from the end of `configure` on, unless the
 * stage after it takes packets ahead. */
#define PTYCHOFLOW_AHEAD "ptychoflow.ahead/1"
typedef struct ptychoflow_ahead {
  uint32_t struct_size;

  /* [any-thread, by one at a time] Packets of one scan in their order, with their metadata; later ones only if all
   * frames of the earlier were taken. Destroy must end the thread that calls this. */
  void (*send)(const ptychoflow_host* host, ptychoflow_packet* packet);
} ptychoflow_ahead;

/* A stage's extension, which it may have or not from the end of `configure` on: it takes packets ahead. */
#define PTYCHOFLOW_TAKES_AHEAD "ptychoflow.takes_ahead/1"
typedef struct ptychoflow_takes_ahead {
  uint32_t struct_size;

  /* [any-thread, beside process, finalize and what they wait for] A packet of the next scan, which may never have its
   * turn: packets of another scan then come ahead, or by `process`. A fault is told when the scan has its turn, and not
   * before: nobody hears of it here. */
  void (*take)(ptychoflow_instance* self, ptychoflow_packet* packet);
} ptychoflow_takes_ahead;

#ifdef __cplusplus
}
#endif

#endif
