# The install tree is the build tree's twin; see Compile.cmake.
