# ptychoflow_add_stage(NAME SOURCES file... [SCHEMA schema.json] [LINK target...])
#
# Builds ptychoflow_stage_NAME.so. The JSON Schema of its parameters is compiled in: the sources include
# "NAME_schema.hpp" and pass `NAME_schema` on as Info::parameters_schema. Used by this project and by stages outside.
function(ptychoflow_add_stage name)
  cmake_parse_arguments(STAGE "" "SCHEMA" "SOURCES;LINK" ${ARGN})
  set(target ptychoflow_stage_${name})
  add_library(${target} MODULE ${STAGE_SOURCES})
  set_target_properties(${target} PROPERTIES PREFIX "" CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_compile_features(${target} PRIVATE cxx_std_20)
  target_link_libraries(${target} PRIVATE ptychoflow::stage ${STAGE_LINK})
  if(STAGE_SCHEMA)
    get_filename_component(schema ${STAGE_SCHEMA} ABSOLUTE)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${schema})
    file(READ ${schema} text)
    set(folder ${CMAKE_CURRENT_BINARY_DIR}/${target}_generated)
    file(CONFIGURE OUTPUT ${folder}/${name}_schema.hpp @ONLY CONTENT
"#pragma once
inline constexpr const char* @name@_schema = R\"schema(@text@)schema\";
")
    target_include_directories(${target} PRIVATE ${folder})
  endif()
endfunction()
