// libptychoflow-cuda.so, which lies beside libptychoflow-core.so and is opened when it is first asked for: one
// installation serves machines with and without a GPU.
#pragma once

namespace ptychoflow::device {

/// True if libptychoflow-cuda.so is installed. Says nothing about cards and drivers.
bool gpu_code_installed();

/// The address of what it exports under this name.
/// @throws Error (resource) if it is not there or not of this program's version, or if there is no driver: with what to
/// do
void* gpu_symbol(const char* name);

}  // namespace ptychoflow::device
