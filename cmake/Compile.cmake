# How every target of this project is compiled, and where the build tree puts things: laid out like the install tree,
# so that one rule finds stages and schemas in both.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()

# Compile once what has not changed, where ccache is there.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

set(PTYCHOFLOW_STAGE_DIR ${CMAKE_INSTALL_LIBDIR}/ptychoflow/stages)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_BINDIR})
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_LIBDIR})

# What most files include is compiled once for all of them. Where no time goes, as in what moves data, less is optimised;
# with sanitizers nothing, and addresses alone are checked: the compiler takes half as long, or a third.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/headers.cpp CONTENT "int main() {}\n" @ONLY)
set(PTYCHOFLOW_HEADERS <algorithm> <cmath> <filesystem> <functional> <memory> <numeric> <optional> <string> <vector>
  <fmt/format.h>)
set(PTYCHOFLOW_STAGE_HEADERS ${PTYCHOFLOW_HEADERS} <nlohmann/json.hpp> ${CMAKE_SOURCE_DIR}/plugin/api/stage.hpp)
set(PTYCHOFLOW_LITTLE $<$<CONFIG:Release>:-O2>)
if(PTYCHOFLOW_SANITIZE)
  set(PTYCHOFLOW_LITTLE -O0 -fno-sanitize=undefined)
endif()

add_library(ptychoflow_compile INTERFACE)
target_include_directories(ptychoflow_compile INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
target_compile_options(ptychoflow_compile INTERFACE
  $<$<COMPILE_LANGUAGE:C,CXX>:-Wall -Wextra -Wpedantic -Wshadow -fno-math-errno $<$<BOOL:${PTYCHOFLOW_WERROR}>:-Werror>>
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>
  $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra,-Wshadow$<$<BOOL:${PTYCHOFLOW_WERROR}>:,-Werror>>)
if(PTYCHOFLOW_SANITIZE)
  # What addresses tell anyway is not looked for twice: such looks take as long to compile as all others. The
  # directory's options come before a target's, PTYCHOFLOW_LITTLE.
  add_compile_options(-fsanitize=${PTYCHOFLOW_SANITIZE} -fno-sanitize=null,object-size,vptr -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${PTYCHOFLOW_SANITIZE})
  target_compile_definitions(ptychoflow_compile INTERFACE PTYCHOFLOW_SANITIZED)
endif()
