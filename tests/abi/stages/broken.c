/* A source that is broken in one way, chosen when it is compiled: BREAK is one of the numbers below. */
#include <signal.h>
#include <stddef.h>

#include "plugin/api/stage.h"

#define OTHER_ABI 1
#define NO_SYMBOL 2
#define UNDEFINED_SYMBOL 3
#define MISSING_LIBRARY 4
#define NO_DESCRIPTOR 5
#define NO_CALLBACK 6
#define OTHER_NAME 7
#define BAD_SCHEMA 8
#define NO_INSTANCE 9
#define SILENT_ERROR 10
#define BAD_DESCRIPTION 11
#define BAD_STATUS 12
#define CRASH_ON_LOAD 13
#define BAD_PACKET 14
#define BAD_STRUCT_SIZE 15
#define EMITS_EARLY 16

#if BREAK == UNDEFINED_SYMBOL || BREAK == MISSING_LIBRARY
void function_of_another_library(void);
#endif

struct ptychoflow_instance {
  const ptychoflow_host* host;
};

static ptychoflow_instance the_instance;

static ptychoflow_instance* create(const ptychoflow_host* host) {
#if BREAK == UNDEFINED_SYMBOL || BREAK == MISSING_LIBRARY
  function_of_another_library();
#endif
  the_instance.host = host;
  return BREAK == NO_INSTANCE ? NULL : &the_instance;
}

static ptychoflow_status configure(ptychoflow_instance* self, const char* params, const char* input,
                                   const char** output) {
  (void)params, (void)input;
  *output = BREAK == BAD_DESCRIPTION ? "{\"tensors\": {\"frames\": {\"dtype\": \"float\", \"shape\": [1]}}}" : "{}";
  if (BREAK == SILENT_ERROR) return PTYCHOFLOW_ERROR_DATA;
  if (BREAK == BAD_STATUS) return (ptychoflow_status)57;
  if (BREAK == EMITS_EARLY) {
    ptychoflow_packet packet = {sizeof(packet), 0, NULL, "{}"};
    return self->host->emit(self->host, &packet);
  }
  return PTYCHOFLOW_OK;
}

static ptychoflow_status process(ptychoflow_instance* self, ptychoflow_packet* packet) {
  (void)packet;
  if (BREAK == BAD_PACKET) {
    ptychoflow_tensor slot = {"frames", NULL};
    ptychoflow_packet sent = {sizeof(sent), 1, &slot, "{}"};
    return self->host->emit(self->host, &sent);
  }
  return PTYCHOFLOW_DONE;
}

static ptychoflow_status finalize(ptychoflow_instance* self) {
  (void)self;
  return PTYCHOFLOW_OK;
}
static void destroy(ptychoflow_instance* self) { (void)self; }
static const char* last_error(ptychoflow_instance* self) {
  (void)self;
  return "";
}
static const void* extension(ptychoflow_instance* self, const char* id) {
  (void)self, (void)id;
  return NULL;
}

static const char* const nothing[] = {NULL};

static const ptychoflow_stage_descriptor descriptor = {sizeof(ptychoflow_stage_descriptor) - (BREAK == BAD_STRUCT_SIZE),
                                                       PTYCHOFLOW_ABI_VERSION + (BREAK == OTHER_ABI),
                                                       BREAK == OTHER_NAME ? "somebody_else" : NAME,
                                                       "1",
                                                       "Broken in one way",
                                                       BREAK == BAD_SCHEMA ? "{\"type\": " : "{}",
                                                       nothing,
                                                       nothing,
                                                       create,
                                                       configure,
                                                       process,
                                                       BREAK == NO_CALLBACK ? NULL : finalize,
                                                       destroy,
                                                       last_error,
                                                       extension};

#if BREAK == NO_SYMBOL
PTYCHOFLOW_EXPORT const ptychoflow_stage_descriptor* some_function(void) { return &descriptor; }
#else
PTYCHOFLOW_EXPORT const ptychoflow_stage_descriptor* ptychoflow_stage(void) {
  if (BREAK == CRASH_ON_LOAD) raise(SIGSEGV);
  return BREAK == NO_DESCRIPTOR ? NULL : &descriptor;
}
#endif
