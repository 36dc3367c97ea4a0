# The install tree is the build tree's twin (see Compile.cmake), and its parts find each other by relative paths, so it
# may be moved anywhere. The CMake package is what stages outside of this repository are built with.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/ptychoflow)
set(include_dir ${CMAKE_INSTALL_INCLUDEDIR}/ptychoflow)
get_property(stage_targets GLOBAL PROPERTY PTYCHOFLOW_STAGE_TARGETS)

# What runs: the program, its stages and their manual, without the tests.
add_custom_target(ptychoflow-program ALL)
add_dependencies(ptychoflow-program ptychoflow ${stage_targets})

set_target_properties(ptychoflow-core PROPERTIES EXPORT_NAME core)
set_target_properties(ptychoflow-stage PROPERTIES EXPORT_NAME stage)
install(TARGETS ptychoflow-core ptychoflow-stage EXPORT ptychoflow)
install(TARGETS ptychoflow)
if(PTYCHOFLOW_HAS_CUDA)
  install(TARGETS ptychoflow-cuda)
  add_dependencies(ptychoflow-program ptychoflow-cuda)
endif()
install(TARGETS ${stage_targets} LIBRARY DESTINATION ${PTYCHOFLOW_STAGE_DIR})
install(DIRECTORY schemas pipelines DESTINATION ${CMAKE_INSTALL_DATADIR}/ptychoflow PATTERN "*.sh" EXCLUDE)
install(DIRECTORY pipelines/slurm DESTINATION ${CMAKE_INSTALL_DATADIR}/ptychoflow/pipelines FILES_MATCHING PATTERN "*.sh"
        PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

install(DIRECTORY core/base core/device DESTINATION ${include_dir}/core FILES_MATCHING PATTERN "*.hpp")
install(FILES core/io/scan_list.hpp DESTINATION ${include_dir}/core/io)
install(FILES ${CMAKE_BINARY_DIR}/generated/core/base/version.hpp DESTINATION ${include_dir}/core/base)
install(DIRECTORY plugin/api DESTINATION ${include_dir}/plugin FILES_MATCHING PATTERN "*.h" PATTERN "*.hpp")

install(EXPORT ptychoflow NAMESPACE ptychoflow:: FILE ptychoflowTargets.cmake DESTINATION ${package_dir})
configure_package_config_file(cmake/ptychoflowConfig.cmake.in ${CMAKE_BINARY_DIR}/ptychoflowConfig.cmake
                              INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/ptychoflowConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/ptychoflowConfig.cmake ${CMAKE_BINARY_DIR}/ptychoflowConfigVersion.cmake
              cmake/PtychoflowStage.cmake
        DESTINATION ${package_dir})
