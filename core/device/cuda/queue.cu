#include "core/device/cuda/queue.cuh"

#include "core/base/error.hpp"

namespace ptychoflow::device::cuda {

Queue::Queue(int device) : device_(device) {
  PTYCHOFLOW_CUDA(cudaSetDevice(device));
  stream_ = make_stream(cudaStreamDefault);
  event_ = make_event(0);
}

void Queue::after(Queue& other) {
  PTYCHOFLOW_CUDA(cudaEventRecord(other.event_.get(), other.stream_.get()));
  PTYCHOFLOW_CUDA(cudaStreamWaitEvent(stream_.get(), other.event_.get()));
}

void Queue::read_bytes(void* host, const void* device, std::size_t bytes) {
  PTYCHOFLOW_CUDA(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost, stream_.get()));
  PTYCHOFLOW_CUDA(cudaStreamSynchronize(stream_.get()));
}

void Queue::copy_in(void* to, const void* far, std::size_t bytes) {
  PTYCHOFLOW_CUDA(cudaMemcpyAsync(to, far, bytes, cudaMemcpyHostToDevice, stream_.get()));
}

void Queue::copy_out(void* far, const void* from, std::size_t bytes) {
  PTYCHOFLOW_CUDA(cudaMemcpyAsync(far, from, bytes, cudaMemcpyDeviceToHost, stream_.get()));
}

void Queue::wait() { PTYCHOFLOW_CUDA(cudaStreamSynchronize(stream_.get())); }

dim3 Queue::grid(Index groups, Index count, Index elements_in_block) {
  const Index blocks = (count + elements_in_block - 1) / elements_in_block;
  expect(groups <= 65535 && blocks <= 0x7FFFFFFF, "a launch of more groups than CUDA takes");
  return {static_cast<unsigned>(blocks), static_cast<unsigned>(groups)};
}

void* Queue::scratch(std::size_t bytes) {
  if (bytes > scratch_.bytes()) {
    PTYCHOFLOW_CUDA(cudaStreamSynchronize(stream_.get()));
    scratch_ = Array<unsigned char, 1>::uninitialized({static_cast<Index>(bytes)}, &gpu_memory());
  }
  return scratch_.data();
}

void Queue::begin_recording() {
  PTYCHOFLOW_CUDA(cudaStreamBeginCapture(stream_.get(), cudaStreamCaptureModeThreadLocal));
}

/// False if the driver does not record this work: then it is queued call by call, now and ever after.
bool Queue::end_recording(Recording& recording) {
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t ready = nullptr;
  bool recorded = cudaStreamEndCapture(stream_.get(), &graph) == cudaSuccess && graph != nullptr;
  if (recorded) recorded = cudaGraphInstantiate(&ready, graph, 0) == cudaSuccess;
  if (graph) (void)cudaGraphDestroy(graph);
  (void)cudaGetLastError();
  recording.graph.reset(ready);
  may_record_ = recorded;
  return recorded;
}

void Queue::give_up_recording() noexcept {
  cudaGraph_t graph = nullptr;
  (void)cudaStreamEndCapture(stream_.get(), &graph);
  if (graph) (void)cudaGraphDestroy(graph);
  (void)cudaGetLastError();
}

void Queue::replay(const Recording& recording) {
  PTYCHOFLOW_CUDA(cudaGraphLaunch(recording.graph.get(), stream_.get()));
}

}  // namespace ptychoflow::device::cuda
