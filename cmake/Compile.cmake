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

add_library(ptychoflow_compile INTERFACE)
target_include_directories(ptychoflow_compile INTERFACE ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR}/generated)
target_compile_options(ptychoflow_compile INTERFACE
  $<$<COMPILE_LANGUAGE:C,CXX>:-Wall -Wextra -Wpedantic -Wshadow -fno-math-errno $<$<BOOL:${PTYCHOFLOW_WERROR}>:-Werror>>
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>
  $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra,-Wshadow$<$<BOOL:${PTYCHOFLOW_WERROR}>:,-Werror>>)
if(PTYCHOFLOW_SANITIZE)
  target_compile_options(ptychoflow_compile INTERFACE -fsanitize=${PTYCHOFLOW_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(ptychoflow_compile INTERFACE -fsanitize=${PTYCHOFLOW_SANITIZE})
  target_compile_definitions(ptychoflow_compile INTERFACE PTYCHOFLOW_SANITIZED)
endif()
