// CUDA's calls, in terms of a card.
#include <algorithm>
#include <cstring>
#include <utility>

#include "tests/played_card/card.hpp"

using played_card::Card;
using played_card::Line;
using played_card::Recording;

namespace {

Card& card() { return Card::instance(); }

thread_local int current_device = 0;

/// What may not be called while this thread records.
bool spoils_capture() {
  Recording* recording = card().capture();
  if (recording) recording->broken = true;
  return recording != nullptr;
}

/// Work of the default stream: after all that other streams were given, but for those that do not wait for it.
template <class Body>
cudaError_t in_default_stream(const Body& body) {
  if (spoils_capture()) return cudaErrorStreamCaptureImplicit;
  card().reach_all(true);
  Line line;  // its one step runs with memory open
  line.steps.push_back({body, {}});
  line.given = 1;
  card().reach(line, 1);
  return cudaSuccess;
}

bool valid_copy(const void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return card().owns(to, bytes) == (kind != cudaMemcpyDeviceToHost) &&
         card().owns(from, bytes) == (kind != cudaMemcpyHostToDevice);
}

void record(cudaStream_t stream, played_card::Work work, std::size_t awaited_line = 0, std::uint64_t position = 0) {
  Recording& recording = *stream->recording;
  recording.parts.push_back({stream->recorded_line, std::move(work), awaited_line, position});
  ++recording.given[stream->recorded_line];
}

}  // namespace

namespace played_card {

cudaError_t give(cudaStream_t stream, Work work) {
  if (!stream) return in_default_stream(work);
  if (stream->recording) {
    record(stream, std::move(work));
  } else {
    card().give(*stream->line, {std::move(work), {}});
  }
  return cudaSuccess;
}

cudaError_t launch(const cudaLaunchConfig_t& shape, std::function<void()> thread) {
  return card().call("cudaLaunchKernelEx", [&] {
    if (shape.gridDim.x == 0 || shape.gridDim.y == 0 || shape.gridDim.y > 65535 || shape.blockDim.x > 1024)
      return cudaErrorInvalidValue;
    const auto threads = [shape, thread = std::move(thread)] {
      gridDim = shape.gridDim;
      blockDim = shape.blockDim;
      for (unsigned y = 0; y < shape.gridDim.y; ++y) {
        for (unsigned x = 0; x < shape.gridDim.x; ++x) {
          blockIdx = {x, y, 0};
          for (unsigned t = shape.blockDim.x; t-- > 0;) {
            threadIdx = {t, 0, 0};
            thread();
          }
        }
      }
    };
    return give(shape.stream, [threads] { card().run_kernel(threads); });
  });
}

}  // namespace played_card

cudaError_t cudaGetLastError() { return card().take_last_error(); }

cudaError_t cudaDriverGetVersion(int* version) {
  *version = 12040;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int* count) {
  return card().call("cudaGetDeviceCount", [&] {
    *count = card().visible();
    return *count == 0 ? cudaErrorNoDevice : cudaSuccess;
  });
}

cudaError_t cudaSetDevice(int device) {
  return card().call("cudaSetDevice", [&] {
    if (device < 0 || device >= card().visible()) return cudaErrorInvalidDevice;
    current_device = device;
    return cudaSuccess;
  });
}

cudaError_t cudaGetDevice(int* device) {
  *device = current_device;
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  return card().call("cudaGetDeviceProperties", [&] {
    *properties = {"card that the processor plays", 1 << 20, 2, 256};
    return cudaSuccess;
  });
}

cudaError_t cudaDeviceSynchronize() {
  return card().call("cudaDeviceSynchronize", [&] {
    if (spoils_capture()) return cudaErrorStreamCaptureUnsupported;
    card().reach_all(false);
    return cudaSuccess;
  });
}

cudaError_t cudaMalloc(void** data, std::size_t bytes) {
  return card().call("cudaMalloc", [&] {
    if (spoils_capture()) return cudaErrorStreamCaptureUnsupported;
    *data = card().allocate(bytes);
    return *data ? cudaSuccess : cudaErrorMemoryAllocation;
  });
}

cudaError_t cudaMallocHost(void** data, std::size_t bytes) {
  return card().call("cudaMallocHost", [&] {
    if (spoils_capture()) return cudaErrorStreamCaptureUnsupported;
    *data = card().allocate_pinned(bytes);
    return *data ? cudaSuccess : cudaErrorMemoryAllocation;
  });
}

cudaError_t cudaFree(void* data) {
  return card().call("cudaFree", [&] {
    if (!data) return cudaSuccess;
    if (spoils_capture()) return cudaErrorStreamCaptureUnsupported;
    return card().release(data) ? cudaSuccess : cudaErrorInvalidValue;
  });
}

cudaError_t cudaFreeHost(void* data) { return cudaFree(data); }

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  return card().call("cudaMemGetInfo", [&] {
    *total = card().total();
    *free = card().total() - card().used();
    return cudaSuccess;
  });
}

cudaError_t cudaMemset(void* data, int value, std::size_t bytes) {
  return card().call("cudaMemset", [&] {
    if (!card().owns(data, bytes)) return cudaErrorInvalidValue;
    return in_default_stream([=] { std::memset(data, value, bytes); });
  });
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return card().call("cudaMemcpy", [&] {
    if (!valid_copy(to, from, bytes, kind)) return cudaErrorInvalidValue;
    return in_default_stream([=] { std::memcpy(to, from, bytes); });
  });
}

/// From memory that is not pinned bytes are taken at once, and into it they go before the call returns.
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  return card().call("cudaMemcpyAsync", [&] {
    if (!valid_copy(to, from, bytes, kind)) return cudaErrorInvalidValue;
    const auto copy = [=] { std::memcpy(to, from, bytes); };
    const bool late =
        kind == cudaMemcpyDeviceToDevice || card().pinned(kind == cudaMemcpyHostToDevice ? from : to, bytes);
    if (late || !stream) return played_card::give(stream, copy);
    if (stream->recording) {
      stream->recording->broken = true;
      return cudaErrorStreamCaptureUnsupported;
    }
    if (kind == cudaMemcpyHostToDevice) {
      const char* first = static_cast<const char*>(from);
      const std::vector<char> taken(first, first + bytes);
      return played_card::give(stream, [=] { std::memcpy(to, taken.data(), bytes); });
    }
    card().give(*stream->line, {copy, {}});
    card().reach(*stream->line, stream->line->given);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return card().call("cudaStreamCreateWithFlags", [&] {
    *stream = new cudaPlayedStream;
    (*stream)->waits_for_default = flags != cudaStreamNonBlocking;
    card().enter((*stream)->line, (*stream)->waits_for_default);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  return card().call("cudaStreamDestroy", [&] {
    card().reach(*stream->line, stream->line->given);
    card().leave(stream->line);
    delete stream;
    return cudaSuccess;
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return card().call("cudaStreamSynchronize", [&] {
    if (!stream) return in_default_stream([] {});
    if (stream->recording) {
      stream->recording->broken = true;
      return cudaErrorStreamCaptureUnsupported;
    }
    card().reach(*stream->line, stream->line->given);
    return cudaSuccess;
  });
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  return card().call("cudaEventCreateWithFlags", [&] {
    *event = new cudaPlayedEvent;
    return cudaSuccess;
  });
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  return card().call("cudaEventRecord", [&] {
    if (!stream) {  // whose work is done
      *event = {};
      return in_default_stream([] {});
    }
    if (stream->recording) {
      const std::size_t line = stream->recorded_line;
      *event = {{nullptr, stream->recording->given[line]}, stream->recording, line};
    } else {
      *event = {{stream->line, stream->line->given}, nullptr, 0};
    }
    return cudaSuccess;
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  return card().call("cudaStreamWaitEvent", [&] {
    if (Recording* recording = event->recording) {
      if (!stream->recording) {  // the stream joins the capture
        stream->recording = recording;
        stream->recorded_line = recording->given.size();
        recording->given.push_back(0);
        recording->streams.push_back(stream);
      }
      if (stream->recording != recording) return cudaErrorStreamCaptureIsolation;
      record(stream, nullptr, event->recorded_line, event->moment.position);
      return cudaSuccess;
    }
    if (stream->recording) {
      stream->recording->broken = true;
      return cudaErrorStreamCaptureIsolation;
    }
    card().give(*stream->line, {nullptr, event->moment});
    return cudaSuccess;
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  return card().call("cudaEventSynchronize", [&] {
    if (event->recording) return cudaErrorStreamCaptureUnsupported;
    if (event->moment.line) card().reach(*event->moment.line, event->moment.position);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  return card().call("cudaStreamBeginCapture", [&] {
    if (!stream || stream->recording || card().capture()) return cudaErrorStreamCaptureUnsupported;
    card().capture() = stream->recording = new Recording;
    stream->recorded_line = 0;
    stream->recording->streams.push_back(stream);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  return card().call("cudaStreamEndCapture", [&] {
    *graph = nullptr;
    if (!stream->recording || stream->recorded_line != 0) return cudaErrorStreamCaptureUnmatched;
    const std::unique_ptr<Recording> recording(stream->recording);
    for (const cudaStream_t captured : recording->streams) captured->recording = nullptr;
    card().capture() = nullptr;
    if (recording->broken) return cudaErrorStreamCaptureInvalidated;
    if (!recording->joined()) return cudaErrorStreamCaptureUnjoined;
    *graph = new cudaPlayedGraph{std::move(*recording)};
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* ready, cudaGraph_t graph, unsigned long long) {
  return card().call("cudaGraphInstantiate", [&] {
    *ready = new cudaPlayedGraphExec{std::make_shared<const Recording>(graph->recording)};
    return cudaSuccess;
  });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream) {
  return card().call("cudaGraphLaunch", [&] {
    return played_card::give(stream, [recording = graph->recording] { card().play(*recording); });
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) {
  delete graph;
  return cudaSuccess;
}
