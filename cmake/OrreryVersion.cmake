# SPDX-License-Identifier: Apache-2.0
# The library behind sim/study/version.h: the one file that changes with every commit. It is
# written anew only when its text changes, so a build without a new commit compiles nothing.
set(ORRERY_VERSION_SOURCE ${CMAKE_BINARY_DIR}/generated/version.cpp)
set(write_version ${CMAKE_COMMAND} -D SOURCE_DIR=${CMAKE_SOURCE_DIR} -D VERSION=${PROJECT_VERSION}
                  -D TEMPLATE=${CMAKE_SOURCE_DIR}/cmake/version.cpp.in
                  -D OUTPUT=${ORRERY_VERSION_SOURCE}
                  -P ${CMAKE_SOURCE_DIR}/cmake/write_version.cmake)
add_custom_target(orrery_write_version COMMAND ${write_version} BYPRODUCTS ${ORRERY_VERSION_SOURCE}
                  COMMENT "Looking up the commit" VERBATIM)

add_library(orrery_version STATIC ${ORRERY_VERSION_SOURCE})
add_dependencies(orrery_version orrery_write_version)
target_link_libraries(orrery_version PUBLIC orrery_flags PRIVATE orrery_warnings)
