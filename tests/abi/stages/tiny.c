/* A whole stage in C11: a source of three packets, each with one tensor whose deleter is counted. What it counted goes
 * to the file that PTYCHOFLOW_TEST_TRACE names, when the instance is destroyed. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "plugin/api/stage.h"

enum { packet_total = 3, extent = 4 };

struct ptychoflow_instance {
  const ptychoflow_host* host;
  int sent;
  int released;
  int64_t shape[1];
  int32_t values[packet_total][extent];
  DLManagedTensor arrays[packet_total];
};

static void release(DLManagedTensor* array) { ++((ptychoflow_instance*)array->manager_ctx)->released; }

static ptychoflow_instance* create(const ptychoflow_host* host) {
  ptychoflow_instance* self = calloc(1, sizeof(*self));
  if (self) self->host = host;
  return self;
}

static ptychoflow_status configure(ptychoflow_instance* self, const char* params, const char* input,
                                   const char** output) {
  (void)self, (void)params, (void)input;
  *output = "{\"tensors\": {\"numbers\": {\"dtype\": \"int32\", \"shape\": [4], \"axes\": \"x\", \"unit\": \"\"}}}";
  return PTYCHOFLOW_OK;
}

static ptychoflow_status process(ptychoflow_instance* self, ptychoflow_packet* packet) {
  (void)packet;
  if (self->sent == packet_total) return PTYCHOFLOW_DONE;
  const int i = self->sent++;
  self->shape[0] = extent;
  self->arrays[i].manager_ctx = self;
  self->arrays[i].deleter = release;
  self->arrays[i].dl_tensor.data = self->values[i];
  self->arrays[i].dl_tensor.device.device_type = kDLCPU;
  self->arrays[i].dl_tensor.ndim = 1;
  self->arrays[i].dl_tensor.dtype.code = kDLInt;
  self->arrays[i].dl_tensor.dtype.bits = 32;
  self->arrays[i].dl_tensor.dtype.lanes = 1;
  self->arrays[i].dl_tensor.shape = self->shape;
  ptychoflow_tensor slot = {"numbers", &self->arrays[i]};
  ptychoflow_packet sent = {sizeof(sent), 1, &slot, i + 1 == packet_total ? "{\"ends_scan\": true}" : "{}"};
  const ptychoflow_status status = self->host->emit(self->host, &sent);
  if (slot.array) slot.array->deleter(slot.array);
  return status;
}

static ptychoflow_status finalize(ptychoflow_instance* self) {
  (void)self;
  return PTYCHOFLOW_OK;
}

static void destroy(ptychoflow_instance* self) {
  const char* file = getenv("PTYCHOFLOW_TEST_TRACE");
  FILE* trace = file ? fopen(file, "a") : NULL;
  if (trace) {
    fprintf(trace, "tiny released %d of %d\n", self->released, self->sent);
    fclose(trace);
  }
  free(self);
}

static const char* last_error(ptychoflow_instance* self) {
  (void)self;
  return "";
}

static const void* extension(ptychoflow_instance* self, const char* id) {
  (void)self, (void)id;
  return NULL;
}

static const char* const consumes[] = {NULL};
static const char* const produces[] = {"numbers", NULL};

static const ptychoflow_stage_descriptor descriptor = {sizeof(ptychoflow_stage_descriptor),
                                                       PTYCHOFLOW_ABI_VERSION,
                                                       "tiny",
                                                       "1",
                                                       "Three packets of four numbers, from C",
                                                       "{\"type\": \"object\", \"additionalProperties\": false}",
                                                       consumes,
                                                       produces,
                                                       create,
                                                       configure,
                                                       process,
                                                       finalize,
                                                       destroy,
                                                       last_error,
                                                       extension};

PTYCHOFLOW_EXPORT const ptychoflow_stage_descriptor* ptychoflow_stage(void) { return &descriptor; }
