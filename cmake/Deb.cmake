# For cpack --config: a Debian package of $ENV{root}, a tree that ci/deb has filled. $ENV{package} is which of the two.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME $ENV{package})
set(CPACK_PACKAGE_VERSION $ENV{version})
set(CPACK_PACKAGE_CONTACT "ptychoflow developers <ptychoflow@example.org>")
set(CPACK_INSTALLED_DIRECTORIES "$ENV{root};.")
set(CPACK_PACKAGE_FILE_NAME ${CPACK_PACKAGE_NAME})  # of its folder; the package:
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION TRUE)

if(CPACK_PACKAGE_NAME STREQUAL "ptychoflow")
  set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "multi-mode X-ray ptychography in pipelines")
  set(CPACK_PACKAGE_DESCRIPTION
"ptychoflow turns an X-ray ptychography scan into its probe and object by the
Difference Map, with any number of incoherent modes, on all cores of a
machine and, by MPI, of many. Stages of a pipeline, described in a YAML file,
read a scan, reconstruct it, judge and save the result, and make a volume of
a series. A watch reconstructs scans as they come.")
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS $ENV{root}/usr/lib/ptychoflow/private)
  set(CPACK_DEBIAN_PACKAGE_RECOMMENDS openmpi-bin)
  set(CPACK_DEBIAN_PACKAGE_SUGGESTS ptychoflow-cuda)
else()
  # CUDA is no package of Debian's main: it is the machine's, and opened at run time where it is.
  set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "multi-mode X-ray ptychography in pipelines - GPU code")
  set(CPACK_PACKAGE_DESCRIPTION
"ptychoflow turns an X-ray ptychography scan into its probe and object by the
Difference Map. With this package it does so on NVIDIA's GPUs, where their
driver and the libraries of CUDA are installed, and else as without it.")
  set(CPACK_DEBIAN_PACKAGE_SECTION non-free/science)
  set(CPACK_DEBIAN_PACKAGE_DEPENDS "ptychoflow (= ${CPACK_PACKAGE_VERSION}), libc6, libstdc++6")
endif()
